CREATE TABLE person (
  id uuid PRIMARY KEY,
  slug text NOT NULL CONSTRAINT person_slug_unique UNIQUE,
  name text NOT NULL CONSTRAINT person_name_length CHECK (length(name) BETWEEN 1 AND 200),
  given_name text,
  family_name text,
  academic_title text,
  aliases text[] NOT NULL DEFAULT '{}' CONSTRAINT person_aliases_whole CHECK (array_position(aliases, NULL) IS NULL),
  version integer NOT NULL DEFAULT 1,
  created_at instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  deleted_at instant,
  CONSTRAINT person_parts_whole CHECK (num_nulls(given_name, family_name) IN (0, 2))
);
CREATE INDEX person_name_idx ON person (coalesce(family_name, name) COLLATE "de-x-icu", name COLLATE "de-x-icu", id);

-- Which offices a person held, and when.
CREATE TABLE person_affiliation (
  person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT person_affiliation_position_positive CHECK (position > 0),
  role text CONSTRAINT person_affiliation_role_length CHECK (length(role) BETWEEN 1 AND 300),
  organization_id uuid REFERENCES organization,
  municipality_id uuid REFERENCES municipality,
  state_id uuid REFERENCES state,
  party_id uuid REFERENCES organization,
  period_from_start day,
  period_from_end day,
  period_from_precision text,
  period_from_text text,
  period_to_start day,
  period_to_end day,
  period_to_precision text,
  period_to_text text,
  PRIMARY KEY (person_id, position),
  CONSTRAINT person_affiliation_says_where CHECK (num_nonnulls(role, organization_id, municipality_id, state_id, party_id) > 0),
  CONSTRAINT person_affiliation_period_from_valid CHECK (partial_date_valid(period_from_start, period_from_end, period_from_precision, period_from_text)),
  CONSTRAINT person_affiliation_period_to_valid CHECK (partial_date_valid(period_to_start, period_to_end, period_to_precision, period_to_text)),
  CONSTRAINT person_affiliation_period_ordered CHECK (period_to_end >= period_from_start)
);
CREATE INDEX person_affiliation_organization_idx ON person_affiliation (organization_id);
CREATE INDEX person_affiliation_party_idx ON person_affiliation (party_id);
CREATE INDEX person_affiliation_municipality_idx ON person_affiliation (municipality_id);
CREATE INDEX person_affiliation_state_idx ON person_affiliation (state_id);

-- The office is the one held at the time, not the person's present one.
CREATE TABLE article_mention (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT article_mention_position_positive CHECK (position > 0),
  person_id uuid NOT NULL REFERENCES person,
  role text NOT NULL CONSTRAINT article_mention_role_known CHECK (role IN ('SUBJECT', 'QUOTED', 'SPEAKER', 'INTERVIEWEE', 'PICTURED')),
  capacity_role text CONSTRAINT article_mention_capacity_role_length CHECK (length(capacity_role) BETWEEN 1 AND 300),
  capacity_organization_id uuid REFERENCES organization,
  capacity_municipality_id uuid REFERENCES municipality,
  capacity_state_id uuid REFERENCES state,
  capacity_party_id uuid REFERENCES organization,
  capacity_period_from_start day,
  capacity_period_from_end day,
  capacity_period_from_precision text,
  capacity_period_from_text text,
  capacity_period_to_start day,
  capacity_period_to_end day,
  capacity_period_to_precision text,
  capacity_period_to_text text,
  PRIMARY KEY (article_id, position),
  CONSTRAINT article_mention_unique UNIQUE (person_id, article_id, role),
  CONSTRAINT article_mention_capacity_period_from_valid CHECK (partial_date_valid(capacity_period_from_start, capacity_period_from_end, capacity_period_from_precision, capacity_period_from_text)),
  CONSTRAINT article_mention_capacity_period_to_valid CHECK (partial_date_valid(capacity_period_to_start, capacity_period_to_end, capacity_period_to_precision, capacity_period_to_text)),
  CONSTRAINT article_mention_capacity_period_ordered CHECK (capacity_period_to_end >= capacity_period_from_start)
);

ALTER TABLE article_byline ADD COLUMN person_id uuid REFERENCES person,
  DROP CONSTRAINT article_byline_named,
  ADD CONSTRAINT article_byline_named CHECK (num_nonnulls(person_id, organization_id, shorthand) > 0);
CREATE INDEX article_byline_person_idx ON article_byline (person_id);
