CREATE TABLE strategy (
  id                         uuid PRIMARY KEY,
  slug                       text NOT NULL CONSTRAINT strategy_slug_unique UNIQUE,
  title                      text NOT NULL CONSTRAINT strategy_title_length CHECK (length(title) BETWEEN 1 AND 500),
  kind                       text NOT NULL CONSTRAINT strategy_kind_known CHECK (kind IN
    ('DIGITAL_STRATEGY', 'DIGITAL_AGENDA', 'DIGITAL_CONCEPT', 'SMART_CITY_STRATEGY', 'ROADMAP', 'ACTION_PLAN', 'OTHER')),
  summary                    text CONSTRAINT strategy_summary_length CHECK (length(summary) <= 2000),
  body                       text CONSTRAINT strategy_body_length CHECK (length(body) <= 200000),
  status                     text NOT NULL CONSTRAINT strategy_status_known CHECK (status IN
    ('IN_PREPARATION', 'PRESENTED', 'ADOPTED', 'SUPERSEDED', 'EXPIRED', 'WITHDRAWN')),
  publication_status         text NOT NULL DEFAULT 'DRAFT' CONSTRAINT strategy_publication_status_known CHECK (publication_status IN
    ('DRAFT', 'IN_REVIEW', 'SCHEDULED', 'PUBLISHED', 'ARCHIVED')),
  published_at               instant,
  revision_number            integer CONSTRAINT strategy_revision_number_positive CHECK (revision_number >= 0),
  predecessor_id             uuid CONSTRAINT strategy_predecessor_unique UNIQUE REFERENCES strategy,
  lineage_id                 uuid NOT NULL,
  period_from_start          day,
  period_from_end            day,
  period_from_precision      text,
  period_from_text           text,
  period_to_start            day,
  period_to_end              day,
  period_to_precision        text,
  period_to_text             text,
  target_year                integer CONSTRAINT strategy_target_year_range CHECK (target_year BETWEEN 1990 AND 2200),
  presented_on_start         day,
  presented_on_end           day,
  presented_on_precision     text,
  presented_on_text          text,
  adopted_on_start           day,
  adopted_on_end             day,
  adopted_on_precision       text,
  adopted_on_text            text,
  evaluation_interval_months integer CONSTRAINT strategy_evaluation_interval_range CHECK (evaluation_interval_months BETWEEN 1 AND 240),
  last_evaluated_on          day,
  next_evaluation_on         date GENERATED ALWAYS AS
    ((coalesce(last_evaluated_on, adopted_on_start) + evaluation_interval_months * interval '1 month')::date) STORED,
  version                    integer NOT NULL DEFAULT 1,
  created_at                 instant NOT NULL DEFAULT now(),
  modified_at                instant NOT NULL DEFAULT now(),
  deleted_at                 instant,
  CONSTRAINT strategy_period_from_valid CHECK (partial_date_valid(period_from_start, period_from_end, period_from_precision, period_from_text)),
  CONSTRAINT strategy_period_to_valid CHECK (partial_date_valid(period_to_start, period_to_end, period_to_precision, period_to_text)),
  CONSTRAINT strategy_period_ordered CHECK (period_to_end >= period_from_start),
  CONSTRAINT strategy_presented_on_valid CHECK (partial_date_valid(presented_on_start, presented_on_end, presented_on_precision, presented_on_text)),
  CONSTRAINT strategy_adopted_on_valid CHECK (partial_date_valid(adopted_on_start, adopted_on_end, adopted_on_precision, adopted_on_text)),
  CONSTRAINT strategy_predecessor_other CHECK (predecessor_id <> id),
  CONSTRAINT strategy_scheduled_when CHECK (publication_status <> 'SCHEDULED' OR published_at IS NOT NULL),
  CONSTRAINT strategy_revision_unique UNIQUE (lineage_id, revision_number)
);
CREATE INDEX strategy_title_idx ON strategy (title COLLATE "de-x-icu", id);
CREATE INDEX strategy_adopted_on_idx ON strategy (adopted_on_start, id);
CREATE INDEX strategy_modified_at_idx ON strategy (modified_at, id);

-- All editions of a strategy share the id of the first one known.
CREATE FUNCTION strategy_set_lineage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.lineage_id := coalesce((SELECT s.lineage_id FROM strategy s WHERE s.id = NEW.predecessor_id), NEW.id);
  RETURN NEW;
END $$;
CREATE TRIGGER strategy_lineage_set BEFORE INSERT OR UPDATE OF predecessor_id ON strategy
FOR EACH ROW EXECUTE FUNCTION strategy_set_lineage();

-- When an edition gets an earlier one, everything after it moves along. An
-- edition that would come after itself is refused.
CREATE FUNCTION strategy_spread_lineage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    WITH RECURSIVE earlier AS (
      SELECT s.id, s.predecessor_id FROM strategy s WHERE s.id = NEW.predecessor_id
      UNION
      SELECT s.id, s.predecessor_id FROM strategy s JOIN earlier e ON s.id = e.predecessor_id
    ) SELECT FROM earlier e WHERE e.id = NEW.id
  ) THEN
    RAISE EXCEPTION 'strategy % comes after itself', NEW.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'strategy_lineage_acyclic';
  END IF;
  WITH RECURSIVE later AS (
    SELECT s.id FROM strategy s WHERE s.predecessor_id = NEW.id
    UNION
    SELECT s.id FROM strategy s JOIN later l ON s.predecessor_id = l.id
  )
  UPDATE strategy s SET lineage_id = NEW.lineage_id FROM later l WHERE s.id = l.id AND s.lineage_id <> NEW.lineage_id;
  RETURN NULL;
END $$;
CREATE TRIGGER strategy_lineage_spread AFTER INSERT OR UPDATE OF predecessor_id ON strategy
FOR EACH ROW WHEN (NEW.predecessor_id IS NOT NULL OR NEW.lineage_id = NEW.id) EXECUTE FUNCTION strategy_spread_lineage();

CREATE TABLE strategy_owner (
  strategy_id     uuid NOT NULL REFERENCES strategy ON DELETE CASCADE,
  position        integer NOT NULL CONSTRAINT strategy_owner_position_positive CHECK (position > 0),
  municipality_id uuid REFERENCES municipality,
  state_id        uuid REFERENCES state,
  organization_id uuid REFERENCES organization,
  PRIMARY KEY (strategy_id, position),
  CONSTRAINT strategy_owner_one CHECK (num_nonnulls(municipality_id, state_id, organization_id) = 1),
  CONSTRAINT strategy_owner_municipality_unique UNIQUE (municipality_id, strategy_id),
  CONSTRAINT strategy_owner_state_unique UNIQUE (state_id, strategy_id),
  CONSTRAINT strategy_owner_organization_unique UNIQUE (organization_id, strategy_id)
);

CREATE TABLE strategy_decision (
  strategy_id    uuid NOT NULL REFERENCES strategy ON DELETE CASCADE,
  position       integer NOT NULL CONSTRAINT strategy_decision_position_positive CHECK (position > 0),
  body_id        uuid REFERENCES organization,
  kind           text NOT NULL CONSTRAINT strategy_decision_kind_known CHECK (kind IN
    ('ADOPTED', 'NOTED', 'REFERRED_BACK', 'REJECTED', 'COMMISSIONED')),
  date_start     day,
  date_end       day,
  date_precision text,
  date_text      text,
  reference      text,
  url            text CONSTRAINT strategy_decision_url_http CHECK (url ~ '^https?://'),
  PRIMARY KEY (strategy_id, position),
  CONSTRAINT strategy_decision_date_valid CHECK (partial_date_valid(date_start, date_end, date_precision, date_text))
);

CREATE TABLE strategy_topic (
  strategy_id uuid NOT NULL REFERENCES strategy ON DELETE CASCADE,
  topic_id    uuid NOT NULL REFERENCES topic,
  role        text NOT NULL CONSTRAINT strategy_topic_role_known CHECK (role IN ('ACTION_FIELD', 'CROSS_CUTTING', 'TOPIC')),
  position    integer NOT NULL CONSTRAINT strategy_topic_position_positive CHECK (position > 0),
  PRIMARY KEY (strategy_id, role, position),
  CONSTRAINT strategy_topic_unique UNIQUE (topic_id, strategy_id, role)
);

CREATE TABLE strategy_responsible (
  strategy_id     uuid NOT NULL REFERENCES strategy ON DELETE CASCADE,
  position        integer NOT NULL CONSTRAINT strategy_responsible_position_positive CHECK (position > 0),
  organization_id uuid NOT NULL REFERENCES organization,
  PRIMARY KEY (strategy_id, position),
  CONSTRAINT strategy_responsible_unique UNIQUE (organization_id, strategy_id)
);

CREATE TABLE strategy_link (
  strategy_id uuid NOT NULL REFERENCES strategy ON DELETE CASCADE,
  position    integer NOT NULL CONSTRAINT strategy_link_position_positive CHECK (position > 0),
  url         text NOT NULL CONSTRAINT strategy_link_url_http CHECK (url ~ '^https?://'),
  title       text,
  kind        text NOT NULL CONSTRAINT strategy_link_kind_known CHECK (kind IN
    ('WEBSITE', 'DOCUMENT', 'SERVICE_PORTAL', 'VIDEO', 'DATA', 'LEGAL_BASIS', 'SOURCE', 'OTHER')),
  PRIMARY KEY (strategy_id, position)
);

CREATE TABLE strategy_source (
  strategy_id uuid NOT NULL REFERENCES strategy ON DELETE CASCADE,
  position    integer NOT NULL CONSTRAINT strategy_source_position_positive CHECK (position > 0),
  source_id   uuid NOT NULL REFERENCES source,
  PRIMARY KEY (strategy_id, position),
  CONSTRAINT strategy_source_unique UNIQUE (source_id, strategy_id)
);
