-- What a webhook is told, and what became of it. Of one object what came earlier is told
-- first, or given up.
CREATE TABLE webhook_delivery (
  id              uuid PRIMARY KEY,
  seq             bigint GENERATED ALWAYS AS IDENTITY,
  webhook_id      uuid NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
  message_id      text NOT NULL, -- by which receivers know the message; the same if it is told again
  event           text NOT NULL,
  type            text NOT NULL,
  object_id       uuid NOT NULL,
  kind            text CONSTRAINT webhook_delivery_kind_known CHECK (kind IN ('PUBLISHED', 'CHANGED', 'REMOVED')), -- null: it tells of no change
  version         integer NOT NULL,
  cursor          text NOT NULL,
  payload         text NOT NULL,
  origin          text NOT NULL CONSTRAINT webhook_delivery_origin_known CHECK (origin IN ('CHANGE', 'REPLAY', 'GAP', 'TEST')),
  status          text NOT NULL DEFAULT 'PENDING' CONSTRAINT webhook_delivery_status_known CHECK (status IN ('PENDING', 'DELIVERED', 'FAILED', 'SKIPPED')),
  attempt_count   integer NOT NULL DEFAULT 0,
  failures        integer NOT NULL DEFAULT 0, -- that count for when to try again
  next_attempt_at instant DEFAULT now(),
  occurred_at     instant NOT NULL,
  created_at      instant NOT NULL DEFAULT now(),
  finished_at     instant,
  CONSTRAINT webhook_delivery_finished_whole CHECK ((status = 'PENDING') = (finished_at IS NULL) AND (status = 'PENDING') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX webhook_delivery_pending_idx ON webhook_delivery (webhook_id, seq) WHERE status = 'PENDING';
CREATE INDEX webhook_delivery_webhook_idx ON webhook_delivery (webhook_id, created_at, id);
CREATE INDEX webhook_delivery_created_at_idx ON webhook_delivery (created_at, id);
CREATE INDEX webhook_delivery_finished_at_idx ON webhook_delivery (finished_at);

CREATE TABLE webhook_attempt (
  delivery_id      uuid NOT NULL REFERENCES webhook_delivery (id) ON DELETE CASCADE,
  number           integer NOT NULL,
  url              text NOT NULL,
  request_headers  text NOT NULL,
  response_status  integer,
  response_headers text,
  response_body    text,
  error            text,
  duration_ms      integer NOT NULL,
  sent_at          instant NOT NULL,
  PRIMARY KEY (delivery_id, number)
);
