CREATE TABLE funding_program (
  id                       uuid PRIMARY KEY,
  slug                     text NOT NULL CONSTRAINT funding_program_slug_unique UNIQUE,
  title                    text NOT NULL CONSTRAINT funding_program_title_length CHECK (length(title) BETWEEN 1 AND 500),
  short_title              text,
  summary                  text CONSTRAINT funding_program_summary_length CHECK (length(summary) <= 2000),
  body                     text CONSTRAINT funding_program_body_length CHECK (length(body) <= 200000),
  level                    text NOT NULL CONSTRAINT funding_program_level_known CHECK (level IN
    ('EU', 'FEDERAL', 'STATE', 'MUNICIPAL', 'PRIVATE')),
  administered_by_id       uuid REFERENCES organization,
  funding_types            text[] NOT NULL DEFAULT '{}' CONSTRAINT funding_program_types_known CHECK (funding_types <@
    ARRAY['GRANT', 'LOAN', 'SURETY', 'EQUITY', 'GUARANTEE', 'OTHER'] AND array_position(funding_types, NULL) IS NULL),
  eligible_applicants      text[] NOT NULL DEFAULT '{}' CONSTRAINT funding_program_applicants_known CHECK (eligible_applicants <@
    ARRAY['COMPANY', 'ASSOCIATION', 'PUBLIC_INSTITUTION', 'MUNICIPALITY', 'PRIVATE_PERSON', 'RESEARCH_INSTITUTION',
     'UNIVERSITY', 'FOUNDER', 'EDUCATIONAL_INSTITUTION'] AND array_position(eligible_applicants, NULL) IS NULL),
  nationwide               boolean NOT NULL DEFAULT false,
  total_volume_amount      amount CONSTRAINT funding_program_volume_positive CHECK (total_volume_amount >= 0),
  total_volume_currency    text CONSTRAINT funding_program_volume_currency CHECK (total_volume_currency ~ '^[A-Z]{3}$'),
  total_volume_approximate boolean,
  funding_source           text,
  contact                  text,
  period_from_start        day,
  period_from_end          day,
  period_from_precision    text,
  period_from_text         text,
  period_to_start          day,
  period_to_end            day,
  period_to_precision      text,
  period_to_text           text,
  status_verified_on       day,
  publication_status       text NOT NULL DEFAULT 'DRAFT' CONSTRAINT funding_program_publication_status_known CHECK (publication_status IN
    ('DRAFT', 'IN_REVIEW', 'SCHEDULED', 'PUBLISHED', 'ARCHIVED')),
  published_at             instant,
  version                  integer NOT NULL DEFAULT 1,
  created_at               instant NOT NULL DEFAULT now(),
  modified_at              instant NOT NULL DEFAULT now(),
  deleted_at               instant,
  CONSTRAINT funding_program_volume_whole CHECK (num_nulls(total_volume_amount, total_volume_currency, total_volume_approximate) IN (0, 3)),
  CONSTRAINT funding_program_period_from_valid CHECK (partial_date_valid(period_from_start, period_from_end, period_from_precision, period_from_text)),
  CONSTRAINT funding_program_period_to_valid CHECK (partial_date_valid(period_to_start, period_to_end, period_to_precision, period_to_text)),
  CONSTRAINT funding_program_period_ordered CHECK (period_to_end >= period_from_start),
  CONSTRAINT funding_program_scheduled_when CHECK (publication_status <> 'SCHEDULED' OR published_at IS NOT NULL)
);
CREATE INDEX funding_program_title_idx ON funding_program (title COLLATE "de-x-icu", id);
CREATE INDEX funding_program_modified_at_idx ON funding_program (modified_at, id);

CREATE TABLE funding_program_funder (
  program_id      uuid NOT NULL REFERENCES funding_program ON DELETE CASCADE,
  position        integer NOT NULL CONSTRAINT funding_program_funder_position_positive CHECK (position > 0),
  organization_id uuid NOT NULL REFERENCES organization,
  PRIMARY KEY (program_id, position),
  CONSTRAINT funding_program_funder_unique UNIQUE (organization_id, program_id)
);

CREATE TABLE funding_program_state (
  program_id uuid NOT NULL REFERENCES funding_program ON DELETE CASCADE,
  state_id   uuid NOT NULL REFERENCES state,
  PRIMARY KEY (program_id, state_id)
);
CREATE INDEX funding_program_state_state_idx ON funding_program_state (state_id);

CREATE TABLE funding_program_rate (
  program_id uuid NOT NULL REFERENCES funding_program ON DELETE CASCADE,
  position   integer NOT NULL CONSTRAINT funding_program_rate_position_positive CHECK (position > 0),
  percent    percentage NOT NULL,
  condition  text,
  PRIMARY KEY (program_id, position)
);

CREATE TABLE funding_program_topic (
  program_id uuid NOT NULL REFERENCES funding_program ON DELETE CASCADE,
  topic_id   uuid NOT NULL REFERENCES topic,
  role       text NOT NULL CONSTRAINT funding_program_topic_role_known CHECK (role IN ('FUNDING_AREA', 'TOPIC')),
  position   integer NOT NULL CONSTRAINT funding_program_topic_position_positive CHECK (position > 0),
  PRIMARY KEY (program_id, role, position),
  CONSTRAINT funding_program_topic_unique UNIQUE (topic_id, program_id, role)
);

CREATE TABLE funding_program_link (
  program_id uuid NOT NULL REFERENCES funding_program ON DELETE CASCADE,
  position   integer NOT NULL CONSTRAINT funding_program_link_position_positive CHECK (position > 0),
  url        text NOT NULL CONSTRAINT funding_program_link_url_http CHECK (url ~ '^https?://'),
  title      text,
  kind       text NOT NULL CONSTRAINT funding_program_link_kind_known CHECK (kind IN
    ('WEBSITE', 'DOCUMENT', 'SERVICE_PORTAL', 'VIDEO', 'DATA', 'LEGAL_BASIS', 'SOURCE', 'OTHER')),
  PRIMARY KEY (program_id, position)
);

CREATE TABLE funding_program_source (
  program_id uuid NOT NULL REFERENCES funding_program ON DELETE CASCADE,
  position   integer NOT NULL CONSTRAINT funding_program_source_position_positive CHECK (position > 0),
  source_id  uuid NOT NULL REFERENCES source,
  PRIMARY KEY (program_id, position),
  CONSTRAINT funding_program_source_unique UNIQUE (source_id, program_id)
);

CREATE TABLE funding_call (
  id                 uuid PRIMARY KEY,
  program_id         uuid NOT NULL REFERENCES funding_program,
  number             integer CONSTRAINT funding_call_number_positive CHECK (number > 0),
  label              text NOT NULL CONSTRAINT funding_call_label_length CHECK (length(label) BETWEEN 1 AND 300),
  motto              text,
  year               integer CONSTRAINT funding_call_year_range CHECK (year BETWEEN 1990 AND 2200),
  opens_on           day,
  closes_on          day,
  status_verified_on day,
  volume_amount      amount CONSTRAINT funding_call_volume_positive CHECK (volume_amount >= 0),
  volume_currency    text CONSTRAINT funding_call_volume_currency CHECK (volume_currency ~ '^[A-Z]{3}$'),
  volume_approximate boolean,
  application_count  integer CONSTRAINT funding_call_applications_positive CHECK (application_count >= 0),
  version            integer NOT NULL DEFAULT 1,
  created_at         instant NOT NULL DEFAULT now(),
  modified_at        instant NOT NULL DEFAULT now(),
  deleted_at         instant,
  CONSTRAINT funding_call_number_unique UNIQUE (program_id, number),
  CONSTRAINT funding_call_dates_ordered CHECK (closes_on >= opens_on),
  CONSTRAINT funding_call_volume_whole CHECK (num_nulls(volume_amount, volume_currency, volume_approximate) IN (0, 3))
);
CREATE INDEX funding_call_opens_on_idx ON funding_call (opens_on, id);

CREATE TABLE funding_award (
  id                         uuid PRIMARY KEY,
  program_id                 uuid NOT NULL REFERENCES funding_program,
  call_id                    uuid REFERENCES funding_call,
  title                      text CONSTRAINT funding_award_title_length CHECK (length(title) BETWEEN 1 AND 500),
  project_number             integer,
  category                   text,
  amount_awarded_amount      amount CONSTRAINT funding_award_amount_positive CHECK (amount_awarded_amount >= 0),
  amount_awarded_currency    text CONSTRAINT funding_award_amount_currency CHECK (amount_awarded_currency ~ '^[A-Z]{3}$'),
  amount_awarded_approximate boolean,
  total_budget_amount        amount CONSTRAINT funding_award_budget_positive CHECK (total_budget_amount >= 0),
  total_budget_currency      text CONSTRAINT funding_award_budget_currency CHECK (total_budget_currency ~ '^[A-Z]{3}$'),
  total_budget_approximate   boolean,
  funding_rate_percent       percentage,
  awarded_on_start           day,
  awarded_on_end             day,
  awarded_on_precision       text,
  awarded_on_text            text,
  period_from_start          day,
  period_from_end            day,
  period_from_precision      text,
  period_from_text           text,
  period_to_start            day,
  period_to_end              day,
  period_to_precision        text,
  period_to_text             text,
  note                       text,
  version                    integer NOT NULL DEFAULT 1,
  created_at                 instant NOT NULL DEFAULT now(),
  modified_at                instant NOT NULL DEFAULT now(),
  deleted_at                 instant,
  CONSTRAINT funding_award_amount_whole CHECK (num_nulls(amount_awarded_amount, amount_awarded_currency, amount_awarded_approximate) IN (0, 3)),
  CONSTRAINT funding_award_budget_whole CHECK (num_nulls(total_budget_amount, total_budget_currency, total_budget_approximate) IN (0, 3)),
  CONSTRAINT funding_award_one_currency CHECK (amount_awarded_currency = total_budget_currency),
  CONSTRAINT funding_award_within_budget CHECK (amount_awarded_amount <= total_budget_amount),
  CONSTRAINT funding_award_awarded_on_valid CHECK (partial_date_valid(awarded_on_start, awarded_on_end, awarded_on_precision, awarded_on_text)),
  CONSTRAINT funding_award_period_from_valid CHECK (partial_date_valid(period_from_start, period_from_end, period_from_precision, period_from_text)),
  CONSTRAINT funding_award_period_to_valid CHECK (partial_date_valid(period_to_start, period_to_end, period_to_precision, period_to_text)),
  CONSTRAINT funding_award_period_ordered CHECK (period_to_end >= period_from_start),
  CONSTRAINT funding_award_project_unique UNIQUE (program_id, project_number)
);
CREATE INDEX funding_award_call_idx ON funding_award (call_id);
CREATE INDEX funding_award_awarded_on_idx ON funding_award (awarded_on_start, id);
CREATE INDEX funding_award_amount_idx ON funding_award (amount_awarded_amount, id);

CREATE TABLE funding_award_recipient (
  award_id        uuid NOT NULL REFERENCES funding_award ON DELETE CASCADE,
  position        integer NOT NULL CONSTRAINT funding_award_recipient_position_positive CHECK (position > 0),
  municipality_id uuid REFERENCES municipality,
  organization_id uuid REFERENCES organization,
  role            text NOT NULL CONSTRAINT funding_award_recipient_role_known CHECK (role IN ('LEAD', 'PARTNER')),
  role_inferred   boolean NOT NULL DEFAULT false,
  PRIMARY KEY (award_id, position),
  CONSTRAINT funding_award_recipient_one CHECK (num_nonnulls(municipality_id, organization_id) = 1),
  CONSTRAINT funding_award_recipient_municipality_unique UNIQUE (municipality_id, award_id),
  CONSTRAINT funding_award_recipient_organization_unique UNIQUE (organization_id, award_id)
);
CREATE UNIQUE INDEX funding_award_recipient_lead_unique ON funding_award_recipient (award_id) WHERE role = 'LEAD';

CREATE TABLE funding_award_strategy (
  award_id    uuid NOT NULL REFERENCES funding_award ON DELETE CASCADE,
  strategy_id uuid NOT NULL REFERENCES strategy,
  PRIMARY KEY (award_id, strategy_id)
);
CREATE INDEX funding_award_strategy_strategy_idx ON funding_award_strategy (strategy_id);

CREATE TABLE funding_award_source (
  award_id  uuid NOT NULL REFERENCES funding_award ON DELETE CASCADE,
  position  integer NOT NULL CONSTRAINT funding_award_source_position_positive CHECK (position > 0),
  source_id uuid NOT NULL REFERENCES source,
  PRIMARY KEY (award_id, position),
  CONSTRAINT funding_award_source_unique UNIQUE (source_id, award_id)
);
