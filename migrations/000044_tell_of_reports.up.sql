-- Moderators are told when a comment is reported, and when its reports are done. Nothing
-- of the comment changes then, neither what it says nor who sees it, so that the public
-- is told nothing.
DO $do$
BEGIN
  EXECUTE history_says($$CREATE OR REPLACE FUNCTION comment_count_reports() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
  of uuid := coalesce(NEW.comment_id, OLD.comment_id);
  n  integer;
BEGIN
  PERFORM FROM comment c WHERE c.id = of FOR NO KEY UPDATE; -- one after the other, each counts those before
  n := (SELECT count(*) FROM comment_report r WHERE r.comment_id = of AND r.resolved_at IS NULL);
  INSERT INTO change (type, id, version, action, visible_before, visible_after)
  SELECT 'Comment', m.id, m.version, 'VISIBILITY', {seen m}, {visible m} FROM comment m WHERE m.id = of AND m.open_reports <> n
  ON CONFLICT (type, id, txid) WHERE txid <> '0'::xid8 DO NOTHING;
  UPDATE comment c SET open_reports = n WHERE c.id = of AND c.open_reports <> n;
  RETURN NULL;
END $body$ $$, 'seen m', history_seen('Comment', 'm'), 'visible m', history_visible('Comment', 'm', 'now()'));
END $do$;
