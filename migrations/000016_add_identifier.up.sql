-- What others call the same thing.
CREATE TABLE identifier (
  scheme text NOT NULL CONSTRAINT identifier_scheme_known CHECK (scheme IN
    ('WIKIDATA', 'NUTS', 'LAU', 'OPARL', 'GND', 'FOERDERDATENBANK', 'FOERDERKENNZEICHEN', 'ROR')),
  value text NOT NULL CONSTRAINT identifier_value_length CHECK (length(value) BETWEEN 1 AND 500),
  state_id uuid REFERENCES state,
  municipality_id uuid REFERENCES municipality,
  organization_id uuid REFERENCES organization,
  person_id uuid REFERENCES person,
  program_id uuid REFERENCES funding_program,
  award_id uuid REFERENCES funding_award,
  PRIMARY KEY (scheme, value),
  CONSTRAINT identifier_of_one CHECK (num_nonnulls(state_id, municipality_id, organization_id, person_id, program_id, award_id) = 1)
);
CREATE INDEX identifier_state_idx ON identifier (state_id);
CREATE INDEX identifier_municipality_idx ON identifier (municipality_id);
CREATE INDEX identifier_organization_idx ON identifier (organization_id);
CREATE INDEX identifier_person_idx ON identifier (person_id);
CREATE INDEX identifier_program_idx ON identifier (program_id);
CREATE INDEX identifier_award_idx ON identifier (award_id);

-- Slugs that an entry had before: a look-up by one of them still finds it.
CREATE TABLE former_slug (
  type text NOT NULL CONSTRAINT former_slug_type_known CHECK (type IN
    ('municipality', 'strategy', 'measure', 'funding_program', 'article', 'organization', 'person', 'topic', 'event', 'ranking')),
  slug text NOT NULL,
  id uuid NOT NULL,
  PRIMARY KEY (type, slug)
);
CREATE INDEX former_slug_id_idx ON former_slug (id);

CREATE TABLE funding_call_source (
  call_id uuid NOT NULL REFERENCES funding_call ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT funding_call_source_position_positive CHECK (position > 0),
  source_id uuid NOT NULL REFERENCES source,
  PRIMARY KEY (call_id, position),
  CONSTRAINT funding_call_source_unique UNIQUE (source_id, call_id)
);

CREATE TABLE strategy_decision_source (
  strategy_id uuid NOT NULL,
  decision integer NOT NULL,
  position integer NOT NULL CONSTRAINT strategy_decision_source_position_positive CHECK (position > 0),
  source_id uuid NOT NULL REFERENCES source,
  PRIMARY KEY (strategy_id, decision, position),
  CONSTRAINT strategy_decision_source_decision_known FOREIGN KEY (strategy_id, decision) REFERENCES strategy_decision (strategy_id, position) ON DELETE CASCADE
);
