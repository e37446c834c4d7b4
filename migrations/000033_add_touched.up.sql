-- ── what changes without a change ──

-- Answers are kept in memory until what they were read from changes. The table change
-- says that of objects, and which object a part belongs to. It does not say which parts
-- were written, and nothing of tables that belong to no object, such as the search index,
-- nor of an object when only columns that follow from others were written: votes of a
-- comment, a text that is rendered anew. For these there is a row here for each
-- transaction and table, as long as any reader needs it. Rows of its own, so nobody waits
-- for anybody.
CREATE TABLE touched (
  txid   xid8 NOT NULL DEFAULT pg_current_xact_id(),
  source text NOT NULL, -- the table
  at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (txid, source)
);
CREATE INDEX touched_at_idx ON touched (at);
CREATE TRIGGER touched_wakes AFTER INSERT ON touched FOR EACH STATEMENT EXECUTE FUNCTION change_wake();

-- The table whose name is the argument was written.
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO touched (source) VALUES (TG_ARGV[0]) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

-- So was a table of objects of the type that is the second argument, unless the change
-- of each of its rows is noted.
CREATE FUNCTION touch_unnoted() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM touched t WHERE t.txid = pg_current_xact_id() AND t.source = TG_ARGV[0]) AND EXISTS (
    SELECT FROM (SELECT n.id FROM new_rows n) n
    WHERE (SELECT true FROM change c WHERE c.type = TG_ARGV[1] AND c.txid::text = pg_current_xact_id()::text AND c.id = n.id LIMIT 1) IS NULL
  ) THEN
    INSERT INTO touched (source) VALUES (TG_ARGV[0]) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;

-- touch_watch notes each write to a table, under its own name or that of the table that
-- it is a partition of.
CREATE FUNCTION touch_watch(written text, source text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE TRIGGER touched AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION touch(%L)', written, coalesce(source, written));
END $$;
SELECT touch_watch(t) FROM unnest(ARRAY['dataset', 'former_slug', 'search_document', 'search_rewrite', 'search_synonym', 'search_word']) t;
-- A trigger for each statement goes with the table that the statement names.
SELECT touch_watch(i.inhrelid::regclass::text, 'search_document') FROM pg_inherits i WHERE i.inhparent = 'search_document'::regclass;

-- touch_objects does what history_watch leaves to do, for the table of a type and those
-- of its parts, of which one may be a part of several. By its name the trigger comes behind
-- those of the history.
CREATE FUNCTION touch_objects(of text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  main text := (SELECT t.source FROM history_type t WHERE t.type = of);
  part text;
BEGIN
  EXECUTE format('CREATE OR REPLACE TRIGGER touched_unnoted AFTER UPDATE ON %I REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION touch_unnoted(%1$L, %L)', main, of);
  EXECUTE format('CREATE OR REPLACE TRIGGER touched_whole AFTER TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION touch(%1$L)', main);
  FOR part IN SELECT p.source FROM history_part p WHERE p.type = of LOOP
    PERFORM touch_watch(part);
  END LOOP;
END $$;
SELECT touch_objects(type) FROM history_type;

-- touched_forget drops what no reader needs any more.
CREATE FUNCTION touched_forget(older timestamptz) RETURNS void LANGUAGE sql AS $$
DELETE FROM touched t WHERE t.at < older
$$;

-- next_due is the next instant after another one at which something is seen to be otherwise,
-- without anybody writing: what {now} is compared with in the catalogue. What days are
-- compared with changes at midnight.
CREATE FUNCTION next_due(after timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
SELECT least(
  (SELECT min(a.published_at) FROM article a WHERE a.publication_status = 'SCHEDULED' AND a.published_at > after),
  (SELECT min(s.published_at) FROM strategy s WHERE s.publication_status = 'SCHEDULED' AND s.published_at > after),
  (SELECT min(p.published_at) FROM funding_program p WHERE p.publication_status = 'SCHEDULED' AND p.published_at > after),
  (SELECT min(a.comments_close_at) FROM article a WHERE a.comments_close_at IS NOT NULL AND a.comments_close_at > after))
$$;

-- Up to where caches elsewhere were told what has changed: the job that does it goes on
-- from there, whichever instance runs it.
CREATE TABLE purge_cursor (
  one      boolean PRIMARY KEY DEFAULT true CONSTRAINT purge_cursor_one CHECK (one),
  epoch    text NOT NULL,
  snapshot text NOT NULL,
  at       timestamptz NOT NULL DEFAULT now()
);
