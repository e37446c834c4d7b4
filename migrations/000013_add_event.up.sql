CREATE TABLE event (
  id uuid PRIMARY KEY,
  slug text NOT NULL CONSTRAINT event_slug_unique UNIQUE,
  title text NOT NULL CONSTRAINT event_title_length CHECK (length(title) BETWEEN 1 AND 500),
  kind text NOT NULL CONSTRAINT event_kind_known CHECK (kind IN ('CONFERENCE', 'WORKSHOP', 'COUNCIL_MEETING', 'PARTICIPATION', 'TALK', 'OTHER')),
  summary text CONSTRAINT event_summary_length CHECK (length(summary) <= 5000),
  date_start day,
  date_end day,
  date_precision text,
  date_text text,
  starts_at instant,
  ends_at instant,
  venue text,
  municipality_id uuid REFERENCES municipality,
  audience text,
  session_count integer CONSTRAINT event_session_count_positive CHECK (session_count > 0),
  version integer NOT NULL DEFAULT 1,
  created_at instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  deleted_at instant,
  CONSTRAINT event_date_valid CHECK (partial_date_valid(date_start, date_end, date_precision, date_text)),
  CONSTRAINT event_times_ordered CHECK (ends_at >= starts_at)
);
CREATE INDEX event_date_idx ON event (date_start, id);
CREATE INDEX event_title_idx ON event (title COLLATE "de-x-icu", id);
CREATE INDEX event_municipality_idx ON event (municipality_id);

CREATE TABLE event_organization (
  event_id uuid NOT NULL REFERENCES event ON DELETE CASCADE,
  role text NOT NULL CONSTRAINT event_organization_role_known CHECK (role IN ('HOST', 'PARTNER')),
  position integer NOT NULL CONSTRAINT event_organization_position_positive CHECK (position > 0),
  organization_id uuid NOT NULL REFERENCES organization,
  PRIMARY KEY (event_id, role, position),
  CONSTRAINT event_organization_unique UNIQUE (organization_id, event_id, role)
);

CREATE TABLE event_mention (
  event_id uuid NOT NULL REFERENCES event ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT event_mention_position_positive CHECK (position > 0),
  person_id uuid NOT NULL REFERENCES person,
  role text NOT NULL CONSTRAINT event_mention_role_known CHECK (role IN ('SUBJECT', 'QUOTED', 'SPEAKER', 'INTERVIEWEE', 'PICTURED')),
  capacity_role text CONSTRAINT event_mention_capacity_role_length CHECK (length(capacity_role) BETWEEN 1 AND 300),
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
  PRIMARY KEY (event_id, position),
  CONSTRAINT event_mention_unique UNIQUE (person_id, event_id, role),
  CONSTRAINT event_mention_capacity_period_from_valid CHECK (partial_date_valid(capacity_period_from_start, capacity_period_from_end, capacity_period_from_precision, capacity_period_from_text)),
  CONSTRAINT event_mention_capacity_period_to_valid CHECK (partial_date_valid(capacity_period_to_start, capacity_period_to_end, capacity_period_to_precision, capacity_period_to_text)),
  CONSTRAINT event_mention_capacity_period_ordered CHECK (capacity_period_to_end >= capacity_period_from_start)
);

CREATE TABLE event_topic (
  event_id uuid NOT NULL REFERENCES event ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT event_topic_position_positive CHECK (position > 0),
  topic_id uuid NOT NULL REFERENCES topic,
  PRIMARY KEY (event_id, position),
  CONSTRAINT event_topic_unique UNIQUE (topic_id, event_id)
);

CREATE TABLE event_link (
  event_id uuid NOT NULL REFERENCES event ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT event_link_position_positive CHECK (position > 0),
  url text NOT NULL CONSTRAINT event_link_url_http CHECK (url ~ '^https?://'),
  title text,
  kind text NOT NULL CONSTRAINT event_link_kind_known CHECK (kind IN
    ('WEBSITE', 'DOCUMENT', 'SERVICE_PORTAL', 'VIDEO', 'DATA', 'LEGAL_BASIS', 'SOURCE', 'OTHER')),
  PRIMARY KEY (event_id, position)
);

CREATE TABLE event_source (
  event_id uuid NOT NULL REFERENCES event ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT event_source_position_positive CHECK (position > 0),
  source_id uuid NOT NULL REFERENCES source,
  PRIMARY KEY (event_id, position),
  CONSTRAINT event_source_unique UNIQUE (source_id, event_id)
);

-- How people took part in making a strategy.
CREATE TABLE strategy_participation (
  strategy_id uuid NOT NULL REFERENCES strategy ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT strategy_participation_position_positive CHECK (position > 0),
  event_id uuid NOT NULL REFERENCES event,
  PRIMARY KEY (strategy_id, position),
  CONSTRAINT strategy_participation_unique UNIQUE (event_id, strategy_id)
);

CREATE TABLE article_event (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  event_id uuid NOT NULL REFERENCES event,
  PRIMARY KEY (article_id, event_id)
);
CREATE INDEX article_event_event_idx ON article_event (event_id);
