CREATE TABLE measure (
  id uuid PRIMARY KEY,
  slug text NOT NULL CONSTRAINT measure_slug_unique UNIQUE,
  strategy_id uuid REFERENCES strategy,
  position integer CONSTRAINT measure_position_positive CHECK (position > 0),
  title text NOT NULL CONSTRAINT measure_title_length CHECK (length(title) BETWEEN 1 AND 500),
  description text CONSTRAINT measure_description_length CHECK (length(description) <= 20000),
  status text NOT NULL CONSTRAINT measure_status_known CHECK (status IN ('PLANNED', 'IN_PROGRESS', 'ON_HOLD', 'COMPLETED', 'CANCELLED')),
  priority text CONSTRAINT measure_priority_known CHECK (priority IN ('HIGH', 'MEDIUM', 'LOW')),
  action_field_id uuid REFERENCES topic,
  period_from_start day,
  period_from_end day,
  period_from_precision text,
  period_from_text text,
  period_to_start day,
  period_to_end day,
  period_to_precision text,
  period_to_text text,
  budget_amount amount CONSTRAINT measure_budget_positive CHECK (budget_amount >= 0),
  budget_currency text CONSTRAINT measure_budget_currency CHECK (budget_currency ~ '^[A-Z]{3}$'),
  budget_approximate boolean,
  version integer NOT NULL DEFAULT 1,
  created_at instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  deleted_at instant,
  CONSTRAINT measure_position_unique UNIQUE (strategy_id, position),
  CONSTRAINT measure_position_in_strategy CHECK (position IS NULL OR strategy_id IS NOT NULL),
  CONSTRAINT measure_budget_whole CHECK (num_nulls(budget_amount, budget_currency, budget_approximate) IN (0, 3)),
  CONSTRAINT measure_period_from_valid CHECK (partial_date_valid(period_from_start, period_from_end, period_from_precision, period_from_text)),
  CONSTRAINT measure_period_to_valid CHECK (partial_date_valid(period_to_start, period_to_end, period_to_precision, period_to_text)),
  CONSTRAINT measure_period_ordered CHECK (period_to_end >= period_from_start)
);
CREATE INDEX measure_title_idx ON measure (title COLLATE "de-x-icu", id);
CREATE INDEX measure_action_field_idx ON measure (action_field_id);
CREATE INDEX measure_modified_at_idx ON measure (modified_at, id);

CREATE TABLE measure_owner (
  measure_id uuid NOT NULL REFERENCES measure ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT measure_owner_position_positive CHECK (position > 0),
  municipality_id uuid REFERENCES municipality,
  state_id uuid REFERENCES state,
  organization_id uuid REFERENCES organization,
  PRIMARY KEY (measure_id, position),
  CONSTRAINT measure_owner_one CHECK (num_nonnulls(municipality_id, state_id, organization_id) = 1),
  CONSTRAINT measure_owner_municipality_unique UNIQUE (municipality_id, measure_id),
  CONSTRAINT measure_owner_state_unique UNIQUE (state_id, measure_id),
  CONSTRAINT measure_owner_organization_unique UNIQUE (organization_id, measure_id)
);

CREATE TABLE measure_organization (
  measure_id uuid NOT NULL REFERENCES measure ON DELETE CASCADE,
  role text NOT NULL CONSTRAINT measure_organization_role_known CHECK (role IN ('RESPONSIBLE', 'PARTNER')),
  position integer NOT NULL CONSTRAINT measure_organization_position_positive CHECK (position > 0),
  organization_id uuid NOT NULL REFERENCES organization,
  PRIMARY KEY (measure_id, role, position),
  CONSTRAINT measure_organization_unique UNIQUE (organization_id, measure_id, role)
);

CREATE TABLE measure_topic (
  measure_id uuid NOT NULL REFERENCES measure ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT measure_topic_position_positive CHECK (position > 0),
  topic_id uuid NOT NULL REFERENCES topic,
  PRIMARY KEY (measure_id, position),
  CONSTRAINT measure_topic_unique UNIQUE (topic_id, measure_id)
);

CREATE TABLE measure_link (
  measure_id uuid NOT NULL REFERENCES measure ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT measure_link_position_positive CHECK (position > 0),
  url text NOT NULL CONSTRAINT measure_link_url_http CHECK (url ~ '^https?://'),
  title text,
  kind text NOT NULL CONSTRAINT measure_link_kind_known CHECK (kind IN
    ('WEBSITE', 'DOCUMENT', 'SERVICE_PORTAL', 'VIDEO', 'DATA', 'LEGAL_BASIS', 'SOURCE', 'OTHER')),
  PRIMARY KEY (measure_id, position)
);

CREATE TABLE measure_source (
  measure_id uuid NOT NULL REFERENCES measure ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT measure_source_position_positive CHECK (position > 0),
  source_id uuid NOT NULL REFERENCES source,
  PRIMARY KEY (measure_id, position),
  CONSTRAINT measure_source_unique UNIQUE (source_id, measure_id)
);

CREATE TABLE funding_award_measure (
  award_id uuid NOT NULL REFERENCES funding_award ON DELETE CASCADE,
  measure_id uuid NOT NULL REFERENCES measure,
  PRIMARY KEY (award_id, measure_id)
);
CREATE INDEX funding_award_measure_measure_idx ON funding_award_measure (measure_id);

CREATE TABLE article_measure (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  measure_id uuid NOT NULL REFERENCES measure,
  PRIMARY KEY (article_id, measure_id)
);
CREATE INDEX article_measure_measure_idx ON article_measure (measure_id);
