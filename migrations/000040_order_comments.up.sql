-- Discussions are read in the order of threads: each comment behind what it answers.
-- path begins with that of the parent, and says when and by which key the comment
-- came: sorted by it, a thread stands as it is read.
--
-- The best threads come first by the lower bound of Wilson's interval for the share
-- of votes in favour of the top of the thread (95 %), in thousandths: two of two are
-- less than ninety of a hundred. All comments of a thread carry the rank of its
-- top, so that one index serves the order. In thousandths it rarely changes where
-- there are many votes. A thread that is pinned comes before all others.
CREATE FUNCTION comment_rank(up integer, down integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN up = 0 AND down = 0 THEN 0 ELSE round(1000 * (p + 1.9208 / n - 1.96 * sqrt((p * (1 - p) + 0.9604 / n) / n)) / (1 + 3.8416 / n))::integer END
FROM (SELECT up::float8 + down AS n, up / nullif(up::float8 + down, 0) AS p) v
$$;
CREATE FUNCTION comment_step(at timestamptz, id uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT lpad(to_hex((extract(epoch FROM at) * 1000000)::bigint + 62135596800000000), 16, '0') || replace(id::text, '-', '')
$$;

ALTER TABLE comment
  ADD COLUMN path        text COLLATE "C",
  ADD COLUMN thread_at   instant, -- when the top of the thread was written
  ADD COLUMN thread_rank integer NOT NULL DEFAULT 0,
  ADD COLUMN pinned      boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT comment_pinned_at_top CHECK (NOT pinned OR parent_id IS NULL);

ALTER TABLE comment DISABLE TRIGGER USER;
WITH RECURSIVE thread AS (
  SELECT c.id, comment_step(c.created_at, c.id) AS path, c.created_at AS at, comment_rank(c.upvotes, c.downvotes) AS rank
  FROM comment c WHERE c.parent_id IS NULL
  UNION ALL
  SELECT c.id, t.path || comment_step(c.created_at, c.id), t.at, t.rank FROM comment c JOIN thread t ON t.id = c.parent_id
)
UPDATE comment c SET path = t.path, thread_at = t.at, thread_rank = t.rank FROM thread t WHERE t.id = c.id;
ALTER TABLE comment ENABLE TRIGGER USER;
ALTER TABLE comment ALTER COLUMN path SET NOT NULL, ALTER COLUMN thread_at SET NOT NULL;

CREATE INDEX comment_in_thread_idx ON comment (article_id, thread_at, path, id) WHERE visible OR tombstone;
CREATE INDEX comment_by_rank_idx ON comment (article_id, thread_rank DESC, path, id) WHERE visible OR tombstone;
CREATE INDEX comment_parent_rank_idx ON comment (parent_id, path, id);

CREATE OR REPLACE FUNCTION comment_set_thread() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.path := comment_step(NEW.created_at, NEW.id);
  IF NEW.parent_id IS NULL THEN
    NEW.root_id := NEW.id;
    NEW.depth := 0;
    NEW.thread_at := NEW.created_at;
    NEW.thread_rank := comment_rank(NEW.upvotes, NEW.downvotes) + CASE WHEN NEW.pinned THEN 2000 ELSE 0 END;
  ELSE
    SELECT c.root_id, c.depth + 1, c.path || NEW.path, c.thread_at, c.thread_rank
    INTO NEW.root_id, NEW.depth, NEW.path, NEW.thread_at, NEW.thread_rank FROM comment c WHERE c.id = NEW.parent_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'comment % answers an unknown one', NEW.id
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'comment_parent_same_article';
    END IF;
  END IF;
  RETURN NEW;
END $$;

-- The rank of a thread is that of its top.
CREATE FUNCTION comment_set_rank() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.thread_rank := comment_rank(NEW.upvotes, NEW.downvotes) + CASE WHEN NEW.pinned THEN 2000 ELSE 0 END;
  RETURN NEW;
END $$;
CREATE TRIGGER comment_rank_set BEFORE UPDATE OF upvotes, downvotes, pinned ON comment
FOR EACH ROW WHEN (NEW.parent_id IS NULL) EXECUTE FUNCTION comment_set_rank();
CREATE FUNCTION comment_spread_rank() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE comment c SET thread_rank = NEW.thread_rank WHERE c.root_id = NEW.id AND c.id <> NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER comment_rank_spread AFTER UPDATE OF upvotes, downvotes, pinned ON comment
FOR EACH ROW WHEN (NEW.parent_id IS NULL AND NEW.thread_rank <> OLD.thread_rank) EXECUTE FUNCTION comment_spread_rank();

-- What is not approved when it comes is not seen, and nothing hangs on it yet.
DROP TRIGGER comment_visibility_kept ON comment;
CREATE TRIGGER comment_visibility_kept AFTER UPDATE OF status, audience ON comment
FOR EACH ROW EXECUTE FUNCTION comment_keep_visibility();
CREATE TRIGGER comment_visibility_begun AFTER INSERT ON comment
FOR EACH ROW WHEN (NEW.status = 'APPROVED') EXECUTE FUNCTION comment_keep_visibility();

UPDATE history_type SET derived = derived || '{path,thread_at,thread_rank}'::text[] WHERE type = 'Comment';
SELECT history_watch('Comment');
