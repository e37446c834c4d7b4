CREATE TABLE platform (
  id uuid PRIMARY KEY,
  slug text NOT NULL CONSTRAINT platform_slug_unique UNIQUE,
  name text NOT NULL CONSTRAINT platform_name_length CHECK (length(name) BETWEEN 1 AND 300),
  summary text CONSTRAINT platform_summary_length CHECK (length(summary) <= 2000),
  provider_id uuid REFERENCES organization,
  website text CONSTRAINT platform_website_http CHECK (website ~ '^https?://'),
  version integer NOT NULL DEFAULT 1,
  created_at instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  deleted_at instant
);
CREATE INDEX platform_name_idx ON platform (name COLLATE "de-x-icu", id);
CREATE INDEX platform_provider_idx ON platform (provider_id);

CREATE TABLE platform_state (
  platform_id uuid NOT NULL REFERENCES platform ON DELETE CASCADE,
  state_id uuid NOT NULL REFERENCES state,
  PRIMARY KEY (platform_id, state_id)
);
CREATE INDEX platform_state_state_idx ON platform_state (state_id);

CREATE TABLE platform_source (
  platform_id uuid NOT NULL REFERENCES platform ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT platform_source_position_positive CHECK (position > 0),
  source_id uuid NOT NULL REFERENCES source,
  PRIMARY KEY (platform_id, position),
  CONSTRAINT platform_source_unique UNIQUE (source_id, platform_id)
);

CREATE TABLE article_platform (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  platform_id uuid NOT NULL REFERENCES platform,
  PRIMARY KEY (article_id, platform_id)
);
CREATE INDEX article_platform_platform_idx ON article_platform (platform_id);

ALTER TABLE former_slug DROP CONSTRAINT former_slug_type_known,
  ADD CONSTRAINT former_slug_type_known CHECK (type IN ('municipality', 'strategy', 'measure', 'funding_program', 'article',
    'organization', 'person', 'topic', 'event', 'ranking', 'platform'));
