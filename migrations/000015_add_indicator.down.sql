DROP VIEW observation;
ALTER TABLE municipality_population DROP COLUMN id;
DROP TABLE article_figure;
DROP TABLE figure_source;
DROP TABLE figure;
DROP TABLE indicator;
