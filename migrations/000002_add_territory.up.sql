CREATE TABLE state (
  id          uuid PRIMARY KEY,
  key         text NOT NULL CONSTRAINT state_key_unique UNIQUE CONSTRAINT state_key_digits CHECK (key ~ '^[0-9]{2}$'),
  code        text NOT NULL CONSTRAINT state_code_unique UNIQUE CONSTRAINT state_code_known CHECK (code IN
    ('SH', 'HH', 'NI', 'HB', 'NW', 'HE', 'RP', 'BW', 'BY', 'SL', 'BE', 'BB', 'MV', 'SN', 'ST', 'TH')),
  slug        text NOT NULL CONSTRAINT state_slug_unique UNIQUE,
  name        text NOT NULL CONSTRAINT state_name_length CHECK (length(name) BETWEEN 1 AND 100),
  iso3166     text NOT NULL CONSTRAINT state_iso3166_unique UNIQUE,
  nuts1       text NOT NULL CONSTRAINT state_nuts1_unique UNIQUE,
  seat        text,
  population  integer CONSTRAINT state_population_positive CHECK (population >= 0),
  area_ha     integer CONSTRAINT state_area_positive CHECK (area_ha >= 0),
  version     integer NOT NULL DEFAULT 1,
  created_at  instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now()
);

-- One row per real unit: an independent city is its own district and stands
-- here once. Population and area of higher levels are the sums of their members.
CREATE TABLE municipality (
  id                    uuid PRIMARY KEY,
  slug                  text NOT NULL CONSTRAINT municipality_slug_unique UNIQUE,
  level                 text NOT NULL CONSTRAINT municipality_level_known CHECK (level IN
    ('MUNICIPALITY', 'UNINCORPORATED_AREA', 'DISTRICT', 'ASSOCIATION', 'GOVERNMENT_REGION')),
  kind                  text NOT NULL CONSTRAINT municipality_kind_known CHECK (kind IN
    ('INDEPENDENT_CITY', 'URBAN_DISTRICT', 'LARGE_DISTRICT_TOWN', 'TOWN', 'MARKET_TOWN', 'RURAL_MUNICIPALITY',
     'UNINCORPORATED_AREA', 'COUNTY', 'RURAL_DISTRICT', 'REGIONAL_ASSOCIATION', 'AMT', 'SAMTGEMEINDE',
     'VERBANDSGEMEINDE', 'VERWALTUNGSGEMEINSCHAFT', 'KIRCHSPIELSLANDGEMEINDE', 'VERWALTUNGSVERBAND',
     'MANAGED_ASSOCIATION', 'FULFILLING_MUNICIPALITY', 'GOVERNMENT_REGION')),
  name                  text NOT NULL CONSTRAINT municipality_name_length CHECK (length(name) BETWEEN 1 AND 200),
  official_name         text NOT NULL CONSTRAINT municipality_official_name_length CHECK (length(official_name) BETWEEN 1 AND 200),
  key                   text NOT NULL,
  regional_key          text CONSTRAINT municipality_regional_key_digits CHECK (regional_key ~ '^[0-9]{12}$'),
  district_key          text CONSTRAINT municipality_district_key_digits CHECK (district_key ~ '^[0-9]{5}$'),
  state_id              uuid NOT NULL REFERENCES state,
  government_region_id  uuid REFERENCES municipality,
  district_id           uuid REFERENCES municipality,
  association_id        uuid REFERENCES municipality,
  seat                  text,
  administration_postal_code text CONSTRAINT municipality_postal_code_digits CHECK (administration_postal_code ~ '^[0-9]{5}$'),
  postal_code_unique    boolean,
  population            integer CONSTRAINT municipality_population_positive CHECK (population >= 0),
  population_as_of      day,
  area_ha               integer CONSTRAINT municipality_area_positive CHECK (area_ha >= 0),
  latitude              double precision CONSTRAINT municipality_latitude_range CHECK (latitude BETWEEN -90 AND 90),
  longitude             double precision CONSTRAINT municipality_longitude_range CHECK (longitude BETWEEN -180 AND 180),
  urbanisation          text CONSTRAINT municipality_urbanisation_known CHECK (urbanisation IN ('DENSE', 'INTERMEDIATE', 'SPARSE')),
  constituency_from     integer CONSTRAINT municipality_constituency_positive CHECK (constituency_from > 0),
  constituency_to       integer,
  travel_region_key     text,
  travel_region_name    text,
  dissolved_on          day,
  version               integer NOT NULL DEFAULT 1,
  created_at            instant NOT NULL DEFAULT now(),
  modified_at           instant NOT NULL DEFAULT now(),
  CONSTRAINT municipality_key_shape CHECK (key ~ (CASE level
    WHEN 'GOVERNMENT_REGION' THEN '^[0-9]{3}$'
    WHEN 'DISTRICT' THEN '^[0-9]{5}$'
    WHEN 'ASSOCIATION' THEN '^[0-9]{9}$'
    ELSE '^[0-9]{8}$' END)),
  CONSTRAINT municipality_location_whole CHECK (num_nulls(latitude, longitude) IN (0, 2)),
  CONSTRAINT municipality_constituencies_ordered CHECK (constituency_to >= constituency_from),
  CONSTRAINT municipality_travel_region_whole CHECK (num_nulls(travel_region_key, travel_region_name) IN (0, 2))
);
CREATE UNIQUE INDEX municipality_key_unique ON municipality (key) WHERE dissolved_on IS NULL;
CREATE INDEX municipality_name_idx ON municipality (name COLLATE "de-x-icu", id);
CREATE INDEX municipality_population_idx ON municipality (population, id);
CREATE INDEX municipality_level_idx ON municipality (level, name COLLATE "de-x-icu", id);
CREATE INDEX municipality_state_idx ON municipality (state_id, level, name COLLATE "de-x-icu", id);
CREATE INDEX municipality_government_region_idx ON municipality (government_region_id, level);
CREATE INDEX municipality_district_idx ON municipality (district_id, level);
CREATE INDEX municipality_association_idx ON municipality (association_id, level);

ALTER TABLE state ADD COLUMN city_municipality_id uuid CONSTRAINT state_city_unique UNIQUE REFERENCES municipality;

-- Every key under which a unit is found: its present one, the regional key, the
-- district key of an independent city, and the keys that it had before.
CREATE TABLE municipality_key (
  key             text PRIMARY KEY CONSTRAINT municipality_key_digits CHECK (key ~ '^[0-9]{3,12}$'),
  municipality_id uuid NOT NULL REFERENCES municipality,
  name            text NOT NULL,
  valid_until     day
);
CREATE INDEX municipality_key_municipality_idx ON municipality_key (municipality_id);

CREATE TABLE municipality_population (
  municipality_id uuid NOT NULL REFERENCES municipality,
  as_of           day NOT NULL,
  population      integer NOT NULL CONSTRAINT municipality_population_figure_positive CHECK (population >= 0),
  male            integer CONSTRAINT municipality_population_male_part CHECK (male BETWEEN 0 AND population),
  PRIMARY KEY (municipality_id, as_of)
);
