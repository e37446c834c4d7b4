CREATE TABLE organization (
  id              uuid PRIMARY KEY,
  slug            text NOT NULL CONSTRAINT organization_slug_unique UNIQUE,
  name            text NOT NULL CONSTRAINT organization_name_length CHECK (length(name) BETWEEN 1 AND 300),
  short_name      text,
  kind            text NOT NULL CONSTRAINT organization_kind_known CHECK (kind IN
    ('COUNCIL_BODY', 'PARLIAMENTARY_GROUP', 'PARTY', 'DEPARTMENT', 'EXTERNAL_BODY', 'MINISTRY', 'AUTHORITY',
     'MUNICIPAL_UMBRELLA_ASSOCIATION', 'IT_SERVICE_PROVIDER', 'RESEARCH_INSTITUTION', 'COMPANY', 'MEDIA',
     'INSTITUTION', 'OTHER')),
  parent_id       uuid REFERENCES organization CONSTRAINT organization_parent_other CHECK (parent_id <> id),
  municipality_id uuid REFERENCES municipality,
  state_id        uuid REFERENCES state,
  website         text,
  version         integer NOT NULL DEFAULT 1,
  created_at      instant NOT NULL DEFAULT now(),
  modified_at     instant NOT NULL DEFAULT now(),
  deleted_at      instant
);
CREATE INDEX organization_name_idx ON organization (name COLLATE "de-x-icu", id);
CREATE INDEX organization_municipality_idx ON organization (municipality_id);
CREATE INDEX organization_state_idx ON organization (state_id);
CREATE INDEX organization_parent_idx ON organization (parent_id);

CREATE TABLE topic (
  id          uuid PRIMARY KEY,
  slug        text NOT NULL CONSTRAINT topic_slug_unique UNIQUE,
  name        text NOT NULL CONSTRAINT topic_name_length CHECK (length(name) BETWEEN 1 AND 200),
  scheme      text NOT NULL CONSTRAINT topic_scheme_known CHECK (scheme IN ('SECTION', 'KEYWORD', 'ACTION_FIELD', 'FUNDING_AREA')),
  parent_id   uuid REFERENCES topic CONSTRAINT topic_parent_other CHECK (parent_id <> id),
  synonyms    text[] NOT NULL DEFAULT '{}' CONSTRAINT topic_synonyms_whole CHECK (array_position(synonyms, NULL) IS NULL),
  version     integer NOT NULL DEFAULT 1,
  created_at  instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  deleted_at  instant,
  CONSTRAINT topic_name_scheme_unique UNIQUE (scheme, name)
);
CREATE INDEX topic_name_idx ON topic (name COLLATE "de-x-icu", id);
CREATE INDEX topic_parent_idx ON topic (parent_id);
