DROP TABLE municipality_population;
DROP TABLE municipality_key;
ALTER TABLE state DROP COLUMN city_municipality_id;
DROP TABLE municipality;
DROP TABLE state;
