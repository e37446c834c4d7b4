UPDATE history_type SET derived = '{root_id,depth,visible,tombstone,upvotes,downvotes,body_html,body_text,body_renderer}' WHERE type = 'Comment';
DROP TRIGGER comment_visibility_begun ON comment;
DROP TRIGGER comment_visibility_kept ON comment;
CREATE TRIGGER comment_visibility_kept AFTER INSERT OR UPDATE OF status, audience ON comment
FOR EACH ROW EXECUTE FUNCTION comment_keep_visibility();
DROP TRIGGER comment_rank_spread ON comment;
DROP TRIGGER comment_rank_set ON comment;
DROP FUNCTION comment_spread_rank;
DROP FUNCTION comment_set_rank;
CREATE OR REPLACE FUNCTION comment_set_thread() RETURNS trigger LANGUAGE plpgsql AS $$
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
ALTER TABLE comment DROP COLUMN path, DROP COLUMN thread_at, DROP COLUMN thread_rank, DROP COLUMN pinned;
DROP FUNCTION comment_step;
DROP FUNCTION comment_rank;
SELECT history_watch('Comment');
