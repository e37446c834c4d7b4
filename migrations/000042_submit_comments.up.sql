-- What belongs to a comment and to nobody's eyes. It has no history: what is deleted
-- here is gone. The e-mail address is encrypted by the program, which alone has the
-- key; by its keyed hash it can be found again.
CREATE TABLE comment_submission (
  comment_id uuid PRIMARY KEY REFERENCES comment ON DELETE CASCADE,
  email      bytea,
  email_hash bytea CONSTRAINT comment_submission_email_hash_digest CHECK (length(email_hash) = 32),
  network    bytea, -- a keyed hash; nobody has the key after two days
  text_hash  bytea NOT NULL CONSTRAINT comment_submission_text_hash_digest CHECK (length(text_hash) = 32),
  created_at instant NOT NULL DEFAULT now(),
  CONSTRAINT comment_submission_email_whole CHECK ((email IS NULL) = (email_hash IS NULL))
);
CREATE INDEX comment_submission_email_idx ON comment_submission (email_hash) WHERE email_hash IS NOT NULL;
CREATE INDEX comment_submission_text_idx ON comment_submission (text_hash, created_at);
CREATE INDEX comment_submission_kept_idx ON comment_submission (created_at) WHERE email IS NOT NULL;
CREATE FUNCTION comment_forget_submission() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM comment_submission s WHERE s.comment_id = NEW.id;
  DELETE FROM comment_vote v WHERE v.comment_id = NEW.id;
  DELETE FROM comment_form f WHERE f.comment_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER comment_submission_forgotten AFTER UPDATE OF status ON comment
FOR EACH ROW WHEN (NEW.status = 'ERASED' AND OLD.status <> 'ERASED') EXECUTE FUNCTION comment_forget_submission();

-- Forms that were sent: each makes one comment.
CREATE TABLE comment_form (
  nonce      bytea PRIMARY KEY,
  comment_id uuid NOT NULL,
  body       bytea NOT NULL CONSTRAINT comment_form_body_digest CHECK (length(body) = 32), -- the same again gets the same answer
  created_at instant NOT NULL DEFAULT now()
);
CREATE INDEX comment_form_created_at_idx ON comment_form (created_at);

-- Keys that all instances share and no configuration has to name.
CREATE TABLE comment_secret (
  name       text PRIMARY KEY,
  key        bytea NOT NULL CONSTRAINT comment_secret_key_whole CHECK (length(key) = 32),
  created_at instant NOT NULL DEFAULT now()
);

-- How often something was done from one network within a span of time.
CREATE UNLOGGED TABLE comment_rate (
  network bytea NOT NULL,
  action  text NOT NULL,
  since   timestamptz NOT NULL,
  n       integer NOT NULL DEFAULT 1,
  PRIMARY KEY (network, action, since)
);
CREATE INDEX comment_rate_since_idx ON comment_rate (since);

-- Who voted how, by a keyed hash of who. Votes of before have no voters: they are in
-- the counts alone.
CREATE TABLE comment_vote (
  comment_id uuid NOT NULL REFERENCES comment ON DELETE CASCADE,
  voter      bytea NOT NULL,
  value      smallint NOT NULL CONSTRAINT comment_vote_value_known CHECK (value IN (-1, 1)),
  created_at instant NOT NULL DEFAULT now(),
  PRIMARY KEY (comment_id, voter)
);
