CREATE OR REPLACE FUNCTION comment_step(at timestamptz, id uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT lpad(to_hex((extract(epoch FROM at) * 1000000)::bigint + 62135596800000000), 16, '0') || replace(id::text, '-', '')
$$;
CREATE OR REPLACE FUNCTION comment_rank(up integer, down integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN up = 0 AND down = 0 THEN 0 ELSE round(1000 * (p + 1.9208 / n - 1.96 * sqrt((p * (1 - p) + 0.9604 / n) / n)) / (1 + 3.8416 / n))::integer END
FROM (SELECT up::float8 + down AS n, up / nullif(up::float8 + down, 0) AS p) v
$$;

CREATE OR REPLACE FUNCTION comment_count_reports() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of uuid := coalesce(NEW.comment_id, OLD.comment_id);
BEGIN
  PERFORM FROM comment c WHERE c.id = of FOR NO KEY UPDATE; -- one after the other, each counts those before
  UPDATE comment c SET open_reports = (SELECT count(*) FROM comment_report r WHERE r.comment_id = of AND r.resolved_at IS NULL) WHERE c.id = of;
  RETURN NULL;
END $$;
