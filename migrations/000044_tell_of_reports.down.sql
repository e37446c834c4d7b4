CREATE OR REPLACE FUNCTION comment_count_reports() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of uuid := coalesce(NEW.comment_id, OLD.comment_id);
BEGIN
  PERFORM FROM comment c WHERE c.id = of FOR NO KEY UPDATE; -- one after the other, each counts those before
  UPDATE comment c SET open_reports = (SELECT count(*) FROM comment_report r WHERE r.comment_id = of AND r.resolved_at IS NULL) WHERE c.id = of;
  RETURN NULL;
END $$;
