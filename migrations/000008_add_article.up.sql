CREATE TABLE article (
  id                     uuid PRIMARY KEY,
  slug                   text NOT NULL CONSTRAINT article_slug_unique UNIQUE,
  language               text NOT NULL DEFAULT 'de' CONSTRAINT article_language_tag CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]+)*$'),
  kind                   text NOT NULL CONSTRAINT article_kind_known CHECK (kind IN
    ('NEWS', 'REPORT', 'INTERVIEW', 'OPINION', 'PRESS_RELEASE', 'EVENT_REPORT', 'PAGE')),
  kicker                 text CONSTRAINT article_kicker_length CHECK (length(kicker) BETWEEN 1 AND 200),
  title                  text NOT NULL CONSTRAINT article_title_length CHECK (length(title) BETWEEN 1 AND 500),
  subtitle               text CONSTRAINT article_subtitle_length CHECK (length(subtitle) BETWEEN 1 AND 500),
  lead                   text CONSTRAINT article_lead_length CHECK (length(lead) <= 5000),
  body                   text CONSTRAINT article_body_length CHECK (length(body) <= 500000),
  publication_status     text NOT NULL DEFAULT 'DRAFT' CONSTRAINT article_publication_status_known CHECK (publication_status IN
    ('DRAFT', 'IN_REVIEW', 'SCHEDULED', 'PUBLISHED', 'ARCHIVED')),
  published_on_start     day,
  published_on_end       day,
  published_on_precision text,
  published_on_text      text,
  published_at           instant,
  updated_at             instant,
  sponsored              boolean NOT NULL DEFAULT false,
  sponsor_id             uuid REFERENCES organization,
  sponsor_label          text CONSTRAINT article_sponsor_label_length CHECK (length(sponsor_label) BETWEEN 1 AND 200),
  comments_status        text NOT NULL DEFAULT 'CLOSED' CONSTRAINT article_comments_status_known CHECK (comments_status IN
    ('OPEN', 'CLOSED', 'DISABLED')),
  comments_close_at      instant,
  comment_policy_url     text CONSTRAINT article_comment_policy_url_http CHECK (comment_policy_url ~ '^https?://'),
  version                integer NOT NULL DEFAULT 1,
  created_at             instant NOT NULL DEFAULT now(),
  modified_at            instant NOT NULL DEFAULT now(),
  deleted_at             instant,
  CONSTRAINT article_published_on_valid CHECK (partial_date_valid(published_on_start, published_on_end, published_on_precision, published_on_text)),
  CONSTRAINT article_sponsor_named CHECK (NOT sponsored OR num_nonnulls(sponsor_id, sponsor_label) > 0),
  CONSTRAINT article_scheduled_when CHECK (publication_status <> 'SCHEDULED' OR published_at IS NOT NULL)
);
CREATE INDEX article_published_on_idx ON article (published_on_start DESC NULLS LAST, id DESC);
CREATE INDEX article_title_idx ON article (title COLLATE "de-x-icu", id);
CREATE INDEX article_modified_at_idx ON article (modified_at, id);

CREATE TABLE article_byline (
  article_id      uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  position        integer NOT NULL CONSTRAINT article_byline_position_positive CHECK (position > 0),
  organization_id uuid REFERENCES organization,
  shorthand       text,
  kind            text NOT NULL CONSTRAINT article_byline_kind_known CHECK (kind IN ('AUTHOR', 'EDITOR', 'AGENCY', 'PRESS_RELEASE')),
  PRIMARY KEY (article_id, position),
  CONSTRAINT article_byline_named CHECK (num_nonnulls(organization_id, shorthand) > 0)
);

CREATE TABLE article_topic (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  topic_id   uuid NOT NULL REFERENCES topic,
  role       text NOT NULL CONSTRAINT article_topic_role_known CHECK (role IN ('SECTION', 'KEYWORD', 'TOPIC')),
  position   integer NOT NULL CONSTRAINT article_topic_position_positive CHECK (position > 0),
  PRIMARY KEY (article_id, role, position),
  CONSTRAINT article_topic_unique UNIQUE (topic_id, article_id, role)
);
CREATE UNIQUE INDEX article_topic_one_section ON article_topic (article_id) WHERE role = 'SECTION';

CREATE TABLE article_link (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  position   integer NOT NULL CONSTRAINT article_link_position_positive CHECK (position > 0),
  url        text NOT NULL CONSTRAINT article_link_url_http CHECK (url ~ '^https?://'),
  title      text,
  kind       text NOT NULL CONSTRAINT article_link_kind_known CHECK (kind IN
    ('WEBSITE', 'DOCUMENT', 'SERVICE_PORTAL', 'VIDEO', 'DATA', 'LEGAL_BASIS', 'SOURCE', 'OTHER')),
  PRIMARY KEY (article_id, position)
);

CREATE TABLE article_municipality (
  article_id      uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  municipality_id uuid NOT NULL REFERENCES municipality,
  PRIMARY KEY (article_id, municipality_id)
);
CREATE INDEX article_municipality_municipality_idx ON article_municipality (municipality_id);

CREATE TABLE article_state (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  state_id   uuid NOT NULL REFERENCES state,
  PRIMARY KEY (article_id, state_id)
);
CREATE INDEX article_state_state_idx ON article_state (state_id);

CREATE TABLE article_strategy (
  article_id  uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  strategy_id uuid NOT NULL REFERENCES strategy,
  PRIMARY KEY (article_id, strategy_id)
);
CREATE INDEX article_strategy_strategy_idx ON article_strategy (strategy_id);

CREATE TABLE article_funding_program (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  program_id uuid NOT NULL REFERENCES funding_program,
  PRIMARY KEY (article_id, program_id)
);
CREATE INDEX article_funding_program_program_idx ON article_funding_program (program_id);

CREATE TABLE article_funding_award (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  award_id   uuid NOT NULL REFERENCES funding_award,
  PRIMARY KEY (article_id, award_id)
);
CREATE INDEX article_funding_award_award_idx ON article_funding_award (award_id);

CREATE TABLE article_organization (
  article_id      uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  organization_id uuid NOT NULL REFERENCES organization,
  PRIMARY KEY (article_id, organization_id)
);
CREATE INDEX article_organization_organization_idx ON article_organization (organization_id);

CREATE TABLE article_source (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  position   integer NOT NULL CONSTRAINT article_source_position_positive CHECK (position > 0),
  source_id  uuid NOT NULL REFERENCES source,
  PRIMARY KEY (article_id, position),
  CONSTRAINT article_source_unique UNIQUE (source_id, article_id)
);
