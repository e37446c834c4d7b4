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

-- The place and the rank of a comment, as before, as expressions that Postgres puts into
-- the statements that ask for them; a function that has a query in it, or calls what
-- depends on the time zone, is planned anew in each transaction. That was a quarter of
-- what it takes to store a comment.
CREATE OR REPLACE FUNCTION comment_step(at timestamptz, id uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT lpad(to_hex((extract(epoch FROM at AT TIME ZONE 'UTC') * 1000000)::bigint + 62135596800000000), 16, '0') || replace(id::text, '-', '')
$$;
CREATE OR REPLACE FUNCTION comment_rank(up integer, down integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN up = 0 AND down = 0 THEN 0 ELSE
  round(1000 * (up + 1.9208::float8 - 1.96::float8 * sqrt(up::float8 * down / (up::float8 + down) + 0.9604::float8)) / (up::float8 + down + 3.8416::float8))::integer END
$$;
