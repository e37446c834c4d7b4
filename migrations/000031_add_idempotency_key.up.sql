-- The answers to requests that may be sent again: the same key and body gets the
-- first answer. Of a request that was cut off between commit and answer, what it
-- wrote is known, and read again.
CREATE TABLE idempotency_key (
  token_id   uuid NOT NULL,
  key        text NOT NULL CONSTRAINT idempotency_key_key_length CHECK (length(key) BETWEEN 1 AND 255),
  field      integer NOT NULL CONSTRAINT idempotency_key_field_positive CHECK (field >= 0),
  body       bytea NOT NULL CONSTRAINT idempotency_key_body_digest CHECK (length(body) = 32),
  outcome    jsonb NOT NULL,
  answer     text,
  created_at instant NOT NULL DEFAULT now(),
  PRIMARY KEY (token_id, key, field)
);
CREATE INDEX idempotency_key_created_at_idx ON idempotency_key (created_at);
