-- Who decided what about a comment stands in it, so that the history has it, and
-- what it was before, so that a decision can be taken back. What the rules found,
-- and how many reports are open, is nothing that anybody did to the comment.
ALTER TABLE comment
  ADD COLUMN decided_at      instant,
  ADD COLUMN decided_by      text,
  ADD COLUMN reason          text CONSTRAINT comment_reason_known CHECK (reason IN
    ('OFF_TOPIC', 'INSULT', 'HATE', 'ILLEGAL', 'PRIVACY', 'ADVERTISING', 'DUPLICATE', 'RULES', 'OTHER')),
  ADD COLUMN reason_text     text CONSTRAINT comment_reason_text_length CHECK (length(reason_text) BETWEEN 1 AND 1000),
  ADD COLUMN previous_status text CONSTRAINT comment_previous_status_known CHECK (previous_status IN
    ('PENDING', 'APPROVED', 'REJECTED', 'SPAM', 'HIDDEN')),
  ADD COLUMN redacted_at     instant,
  ADD COLUMN spam_score      integer NOT NULL DEFAULT 0 CONSTRAINT comment_spam_score_range CHECK (spam_score BETWEEN 0 AND 1000),
  ADD COLUMN spam_reasons    text[] NOT NULL DEFAULT '{}',
  ADD COLUMN open_reports    integer NOT NULL DEFAULT 0 CONSTRAINT comment_open_reports_positive CHECK (open_reports >= 0);

CREATE INDEX comment_queue_idx ON comment (created_at, id) WHERE status = 'PENDING' OR open_reports > 0;
CREATE INDEX comment_created_at_idx ON comment (created_at, id);
CREATE INDEX comment_status_idx ON comment (status, created_at, id);

-- What readers report.
CREATE TABLE comment_report (
  comment_id  uuid NOT NULL REFERENCES comment ON DELETE CASCADE,
  reporter    bytea NOT NULL, -- a keyed hash, so that nobody reports twice
  reason      text NOT NULL CONSTRAINT comment_report_reason_known CHECK (reason IN
    ('OFF_TOPIC', 'INSULT', 'HATE', 'ILLEGAL', 'PRIVACY', 'ADVERTISING', 'OTHER')),
  text        text CONSTRAINT comment_report_text_length CHECK (length(text) BETWEEN 1 AND 1000),
  created_at  instant NOT NULL DEFAULT now(),
  resolved_at instant,
  PRIMARY KEY (comment_id, reporter)
);
-- How many are open, kept for whoever asks for the queue.
CREATE FUNCTION comment_count_reports() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of uuid := coalesce(NEW.comment_id, OLD.comment_id);
BEGIN
  PERFORM FROM comment c WHERE c.id = of FOR NO KEY UPDATE; -- one after the other, each counts those before
  UPDATE comment c SET open_reports = (SELECT count(*) FROM comment_report r WHERE r.comment_id = of AND r.resolved_at IS NULL) WHERE c.id = of;
  RETURN NULL;
END $$;
CREATE TRIGGER comment_reports_counted AFTER INSERT OR DELETE OR UPDATE OF resolved_at ON comment_report
FOR EACH ROW EXECUTE FUNCTION comment_count_reports();

-- What was reported is gone with the comment, and so is why it was decided.
CREATE FUNCTION comment_forget_beside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM comment_report r WHERE r.comment_id = NEW.id;
  DELETE FROM comment_note n WHERE n.comment_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER comment_beside_forgotten AFTER UPDATE OF status ON comment
FOR EACH ROW WHEN (NEW.status = 'ERASED' AND OLD.status <> 'ERASED') EXECUTE FUNCTION comment_forget_beside();

-- comment_forget_versions drops what a comment said before.
CREATE FUNCTION comment_forget_versions(of uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('stadtgraph.history', 'forget', true);
  DELETE FROM revision r USING change c WHERE r.change = c.seq AND c.type = 'Comment' AND c.id = of;
  PERFORM set_config('stadtgraph.history', '', true);
END $$;

UPDATE history_type SET derived = derived || '{spam_score,spam_reasons,open_reports}'::text[] WHERE type = 'Comment';
SELECT history_watch('Comment');
SELECT touch_watch('comment_report');
