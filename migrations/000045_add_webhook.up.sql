-- Whom to tell of changes. What is told is in the table change, the outbox; each webhook
-- has a place in it (webhook_place) up to where deliveries were made of it.
CREATE TABLE webhook (
  id           uuid PRIMARY KEY,
  name         text NOT NULL CONSTRAINT webhook_name_length CHECK (length(name) BETWEEN 1 AND 100),
  url          text NOT NULL CONSTRAINT webhook_url_length CHECK (length(url) BETWEEN 1 AND 2000),
  types        text[] NOT NULL CONSTRAINT webhook_types_some CHECK (cardinality(types) > 0), -- of the enum WebhookType
  kinds        text[] NOT NULL CONSTRAINT webhook_kinds_known CHECK (cardinality(kinds) > 0 AND kinds <@ '{PUBLISHED,CHANGED,REMOVED}'),
  filters      jsonb, -- by type, as lists of the API take them
  status       text NOT NULL DEFAULT 'ACTIVE' CONSTRAINT webhook_status_known CHECK (status IN ('ACTIVE', 'PAUSED')),
  pause_reason text CONSTRAINT webhook_pause_reason_known CHECK (pause_reason IN ('REQUESTED', 'GONE', 'EXHAUSTED', 'CURSOR_EXPIRED', 'SECRET_LOST')),
  paused_at    instant,
  rotated_at   instant NOT NULL DEFAULT now(), -- since when the present secret signs
  created_by   uuid CONSTRAINT webhook_created_by_known REFERENCES api_token (id), -- null: by a command
  version      integer NOT NULL DEFAULT 1,
  created_at   instant NOT NULL DEFAULT now(),
  modified_at  instant NOT NULL DEFAULT now(),
  deleted_at   instant,
  CONSTRAINT webhook_paused_whole CHECK ((status = 'PAUSED') = (pause_reason IS NOT NULL) AND (status = 'PAUSED') = (paused_at IS NOT NULL))
);
CREATE UNIQUE INDEX webhook_name_unique ON webhook (name) WHERE deleted_at IS NULL;
CREATE INDEX webhook_created_at_idx ON webhook (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX webhook_created_by_idx ON webhook (created_by);

-- What deliveries are signed with, encrypted by a key of the configuration. A secret that
-- was replaced signs, too, until receivers know the new one.
CREATE TABLE webhook_secret (
  id         uuid PRIMARY KEY,
  webhook_id uuid NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
  sealed     bytea NOT NULL,
  until      timestamptz, -- null: it is the present one
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX webhook_secret_present ON webhook_secret (webhook_id) WHERE until IS NULL;
CREATE INDEX webhook_secret_webhook_idx ON webhook_secret (webhook_id, created_at);

-- Up to where deliveries were made of the changes. It moves in the transaction that makes
-- them. Beside the place of what is new there is one for each range that is told again,
-- until it is.
CREATE TABLE webhook_place (
  id         uuid PRIMARY KEY,
  webhook_id uuid NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
  cursor     text NOT NULL,
  until      text,        -- the end of a range
  since_at   timestamptz, -- of a range by time, which changes are of it
  until_at   timestamptz
);
CREATE UNIQUE INDEX webhook_place_present ON webhook_place (webhook_id) WHERE until IS NULL;
CREATE INDEX webhook_place_webhook_idx ON webhook_place (webhook_id);

-- How a receiver does, and which job looks after its deliveries: one at a time, for as
-- long as it says so again and again.
CREATE TABLE webhook_state (
  webhook_id   uuid PRIMARY KEY REFERENCES webhook (id) ON DELETE CASCADE,
  failures     integer NOT NULL DEFAULT 0, -- attempts in a row
  delivered_at timestamptz,
  failed_at    timestamptz,
  held_until   timestamptz, -- the receiver asked for it
  tended_by    uuid,
  tended_until timestamptz
);

INSERT INTO history_type (type, source, visible, derived) VALUES ('Webhook', 'webhook', 'false', '{}');
SELECT history_watch('Webhook');
SELECT touch_objects('Webhook');
