-- What is measured, under one name for everybody, so that it can be compared.
CREATE TABLE indicator (
  id uuid PRIMARY KEY,
  code text NOT NULL CONSTRAINT indicator_code_unique UNIQUE CONSTRAINT indicator_code_form CHECK (code ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name text NOT NULL CONSTRAINT indicator_name_length CHECK (length(name) BETWEEN 1 AND 300),
  unit text,
  description text CONSTRAINT indicator_description_length CHECK (length(description) <= 2000),
  version integer NOT NULL DEFAULT 1,
  created_at instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  deleted_at instant
);

CREATE TABLE figure (
  id uuid PRIMARY KEY,
  indicator_id uuid NOT NULL REFERENCES indicator,
  municipality_id uuid REFERENCES municipality,
  state_id uuid REFERENCES state,
  strategy_id uuid REFERENCES strategy,
  event_id uuid REFERENCES event,
  organization_id uuid REFERENCES organization,
  value numeric(20, 4) NOT NULL CONSTRAINT figure_value_finite CHECK (value <> 'NaN'),
  comparator text NOT NULL DEFAULT 'EXACT' CONSTRAINT figure_comparator_known CHECK (comparator IN ('EXACT', 'ABOUT', 'AT_LEAST', 'MORE_THAN', 'AT_MOST')),
  as_of_start day,
  as_of_end day,
  as_of_precision text,
  as_of_text text,
  version integer NOT NULL DEFAULT 1,
  created_at instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  deleted_at instant,
  CONSTRAINT figure_subject_one CHECK (num_nonnulls(municipality_id, state_id, strategy_id, event_id, organization_id) = 1),
  CONSTRAINT figure_as_of_valid CHECK (partial_date_valid(as_of_start, as_of_end, as_of_precision, as_of_text))
);
CREATE INDEX figure_indicator_idx ON figure (indicator_id, as_of_start, id);
CREATE INDEX figure_municipality_idx ON figure (municipality_id);
CREATE INDEX figure_state_idx ON figure (state_id);
CREATE INDEX figure_strategy_idx ON figure (strategy_id);
CREATE INDEX figure_event_idx ON figure (event_id);
CREATE INDEX figure_organization_idx ON figure (organization_id);

CREATE TABLE figure_source (
  figure_id uuid NOT NULL REFERENCES figure ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT figure_source_position_positive CHECK (position > 0),
  source_id uuid NOT NULL REFERENCES source,
  PRIMARY KEY (figure_id, position),
  CONSTRAINT figure_source_unique UNIQUE (source_id, figure_id)
);

CREATE TABLE article_figure (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT article_figure_position_positive CHECK (position > 0),
  figure_id uuid NOT NULL REFERENCES figure,
  PRIMARY KEY (article_id, position),
  CONSTRAINT article_figure_unique UNIQUE (figure_id, article_id)
);

-- Population is an indicator like others, but its figures come with the register.
INSERT INTO indicator (id, code, name, unit, description) VALUES
  ('018c20ec-7400-7f0b-8000-000000000001', 'population', 'Bevölkerung', 'Personen', 'Bevölkerung nach der amtlichen Fortschreibung, aus dem Gemeindeverzeichnis.');
ALTER TABLE municipality_population ADD COLUMN id uuid NOT NULL CONSTRAINT municipality_population_id_unique UNIQUE
  GENERATED ALWAYS AS (md5(municipality_id::text || (as_of - date '2000-01-01')::text)::uuid) STORED;

CREATE VIEW observation AS
SELECT id, indicator_id, municipality_id, state_id, strategy_id, event_id, organization_id, value, comparator,
  as_of_start, as_of_end, as_of_precision, as_of_text, version, created_at, modified_at, deleted_at
FROM figure
UNION ALL
SELECT p.id, '018c20ec-7400-7f0b-8000-000000000001', p.municipality_id, NULL, NULL, NULL, NULL, p.population, 'EXACT',
  p.as_of, p.as_of, 'DAY', NULL, 1, m.created_at, m.modified_at, NULL
FROM municipality_population p JOIN municipality m ON m.id = p.municipality_id;
