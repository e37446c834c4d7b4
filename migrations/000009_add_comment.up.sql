CREATE TABLE comment (
  id           uuid PRIMARY KEY,
  article_id   uuid NOT NULL REFERENCES article,
  parent_id    uuid,
  root_id      uuid NOT NULL,
  depth        integer NOT NULL CONSTRAINT comment_depth_range CHECK (depth BETWEEN 0 AND 9),
  author_name  text CONSTRAINT comment_author_name_length CHECK (length(author_name) BETWEEN 1 AND 100),
  body         text NOT NULL CONSTRAINT comment_body_length CHECK (length(body) <= 10000),
  status       text NOT NULL DEFAULT 'PENDING' CONSTRAINT comment_status_known CHECK (status IN
    ('PENDING', 'APPROVED', 'REJECTED', 'SPAM', 'HIDDEN', 'ERASED')),
  audience     text NOT NULL DEFAULT 'PUBLIC' CONSTRAINT comment_audience_known CHECK (audience IN ('PUBLIC', 'EDITORS')),
  upvotes      integer NOT NULL DEFAULT 0 CONSTRAINT comment_upvotes_positive CHECK (upvotes >= 0),
  downvotes    integer NOT NULL DEFAULT 0 CONSTRAINT comment_downvotes_positive CHECK (downvotes >= 0),
  visible      boolean NOT NULL DEFAULT false,
  tombstone    boolean NOT NULL DEFAULT false,
  published_at instant,
  version      integer NOT NULL DEFAULT 1,
  created_at   instant NOT NULL DEFAULT now(),
  modified_at  instant NOT NULL DEFAULT now(),
  CONSTRAINT comment_same_article UNIQUE (id, article_id),
  CONSTRAINT comment_parent_same_article FOREIGN KEY (parent_id, article_id) REFERENCES comment (id, article_id),
  CONSTRAINT comment_visible_or_tombstone CHECK (NOT (visible AND tombstone))
);
CREATE INDEX comment_article_idx ON comment (article_id, created_at, id) WHERE visible OR tombstone;
CREATE INDEX comment_replies_idx ON comment (parent_id, created_at, id);
CREATE INDEX comment_thread_idx ON comment (root_id);

CREATE FUNCTION comment_set_thread() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.parent_id IS NULL THEN
    NEW.root_id := NEW.id;
    NEW.depth := 0;
  ELSE
    SELECT c.root_id, c.depth + 1 INTO NEW.root_id, NEW.depth FROM comment c WHERE c.id = NEW.parent_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'comment % answers an unknown one', NEW.id
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'comment_parent_same_article';
    END IF;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER comment_thread_set BEFORE INSERT ON comment
FOR EACH ROW EXECUTE FUNCTION comment_set_thread();

CREATE FUNCTION comment_keep_parent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'comment % cannot move', NEW.id
    USING ERRCODE = 'check_violation', CONSTRAINT = 'comment_stays_in_thread';
END $$;
CREATE TRIGGER comment_parent_kept BEFORE UPDATE OF parent_id, article_id, root_id, depth ON comment
FOR EACH ROW WHEN (OLD.parent_id IS DISTINCT FROM NEW.parent_id OR OLD.article_id <> NEW.article_id
  OR OLD.root_id <> NEW.root_id OR OLD.depth <> NEW.depth)
EXECUTE FUNCTION comment_keep_parent();

-- Visible: approved, public, and no ancestor pending, rejected, spam or for
-- editors only. Tombstone: hidden or erased, with something visible below.
-- Readers ask for both on every path, so both are stored and kept here.
CREATE FUNCTION comment_keep_visibility() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM comment c WHERE c.id = NEW.root_id FOR UPDATE; -- one change of a thread at a time
  WITH RECURSIVE thread AS (
    SELECT c.id, c.status IN ('APPROVED', 'HIDDEN', 'ERASED') AND c.audience = 'PUBLIC' AS open,
      c.status = 'APPROVED' AS approved, ARRAY[c.id] AS path
    FROM comment c WHERE c.id = NEW.root_id
    UNION ALL
    SELECT c.id, t.open AND c.status IN ('APPROVED', 'HIDDEN', 'ERASED') AND c.audience = 'PUBLIC',
      c.status = 'APPROVED', t.path || c.id
    FROM comment c JOIN thread t ON c.parent_id = t.id
  ), above AS (
    SELECT DISTINCT a.id FROM thread t, unnest(t.path[:cardinality(t.path) - 1]) a(id) WHERE t.open AND t.approved
  ), now_is AS (
    SELECT t.id, t.open AND t.approved AS visible, t.open AND NOT t.approved AND a.id IS NOT NULL AS tombstone
    FROM thread t LEFT JOIN above a ON a.id = t.id
  )
  UPDATE comment c SET visible = n.visible, tombstone = n.tombstone
  FROM now_is n WHERE c.id = n.id AND (c.visible, c.tombstone) IS DISTINCT FROM (n.visible, n.tombstone);
  RETURN NULL;
END $$;
CREATE TRIGGER comment_visibility_kept AFTER INSERT OR UPDATE OF status, audience ON comment
FOR EACH ROW EXECUTE FUNCTION comment_keep_visibility();

CREATE TABLE comment_note (
  comment_id uuid NOT NULL REFERENCES comment ON DELETE CASCADE,
  position   integer NOT NULL CONSTRAINT comment_note_position_positive CHECK (position > 0),
  text       text NOT NULL CONSTRAINT comment_note_text_length CHECK (length(text) BETWEEN 1 AND 2000),
  signature  text NOT NULL CONSTRAINT comment_note_signature_length CHECK (length(signature) BETWEEN 1 AND 100),
  created_at instant NOT NULL DEFAULT now(),
  PRIMARY KEY (comment_id, position)
);
