-- As they were in 000027 and 000029.

-- Whether it could see a row as it was, before the transaction. Holders that the
-- transaction has changed say themselves what they were.
CREATE OR REPLACE FUNCTION history_seen(of text, r text) RETURNS text LANGUAGE sql STABLE AS $$
SELECT concat_ws(' AND ', history_own(of, r, 'now()'),
  (SELECT string_agg(format('(%1$s.%2$I IS NULL OR coalesce((SELECT c.visible_before FROM change c WHERE c.type = %3$L AND c.id = %1$s.%2$I AND c.txid::text = pg_current_xact_id()::text), '
      '(SELECT %5$s FROM %4$I h WHERE h.id = %1$s.%2$I), false))', r, h.via, h.holder, t.source, history_own(h.holder, 'h', 'now()')), ' AND ' ORDER BY h.via)
    FROM history_holder h JOIN history_type t ON t.type = h.holder WHERE h.type = of),
  CASE WHEN of = 'MediaAsset' THEN format('EXISTS (SELECT FROM article_media l JOIN article a ON a.id = l.article_id WHERE l.media_id = %s.id '
    'AND coalesce((SELECT c.visible_before FROM change c WHERE c.type = ''Article'' AND c.id = a.id AND c.txid::text = pg_current_xact_id()::text), %s))',
    r, history_own('Article', 'a', 'now()')) END)
$$;

-- history_due writes the changes of what has fallen due since it was last called, and
-- says of how many entries. Visibility never waits for it. Callers take turns. It looks
-- back a day further than it would have to: a transaction may have been open for long.
CREATE OR REPLACE FUNCTION history_due() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  since   timestamptz;
  row     record;
  flipped uuid[];
  done    integer := 0;
BEGIN
  SELECT u.until - interval '1 day' INTO since FROM due_until u FOR UPDATE;
  FOR row IN
    WITH event (kind, type, id, at) AS (
      SELECT 'PUBLISHED', 'Article', a.id, a.published_at FROM article a WHERE a.publication_status = 'SCHEDULED' AND a.deleted_at IS NULL AND a.published_at > since AND a.published_at <= now()
      UNION ALL
      SELECT 'PUBLISHED', 'Strategy', s.id, s.published_at FROM strategy s WHERE s.publication_status = 'SCHEDULED' AND s.deleted_at IS NULL AND s.published_at > since AND s.published_at <= now()
      UNION ALL
      SELECT 'PUBLISHED', 'FundingProgram', p.id, p.published_at FROM funding_program p WHERE p.publication_status = 'SCHEDULED' AND p.deleted_at IS NULL AND p.published_at > since AND p.published_at <= now()
      UNION ALL -- the day after the last one begins in Germany
      SELECT 'PERIOD_ENDED', 'Strategy', s.id, (s.period_to_end + 1)::timestamp AT TIME ZONE 'Europe/Berlin' FROM strategy s WHERE s.period_to_end BETWEEN since::date - 2 AND now()::date
      UNION ALL
      SELECT 'PERIOD_ENDED', 'FundingProgram', p.id, (p.period_to_end + 1)::timestamp AT TIME ZONE 'Europe/Berlin' FROM funding_program p WHERE p.period_to_end BETWEEN since::date - 2 AND now()::date
      UNION ALL
      SELECT 'CALL_OPENED', x.type, x.id, c.opens_on::timestamp AT TIME ZONE 'Europe/Berlin' FROM funding_call c, LATERAL (VALUES ('FundingCall', c.id), ('FundingProgram', c.program_id)) x (type, id)
      WHERE c.deleted_at IS NULL AND c.opens_on BETWEEN since::date - 2 AND now()::date + 1
      UNION ALL
      SELECT 'CALL_CLOSED', x.type, x.id, (c.closes_on + 1)::timestamp AT TIME ZONE 'Europe/Berlin' FROM funding_call c, LATERAL (VALUES ('FundingCall', c.id), ('FundingProgram', c.program_id)) x (type, id)
      WHERE c.deleted_at IS NULL AND c.closes_on BETWEEN since::date - 2 AND now()::date
      UNION ALL
      SELECT 'DISCUSSION_CLOSED', 'Article', a.id, a.comments_close_at FROM article a WHERE a.comments_status = 'OPEN' AND a.comments_close_at > since AND a.comments_close_at <= now()
    ), fresh AS (
      INSERT INTO due_event (kind, id, at) SELECT DISTINCT e.kind, e.id, e.at FROM event e WHERE e.at > since AND e.at <= now() ON CONFLICT DO NOTHING RETURNING kind, id, at
    )
    SELECT e.type, t.source, array_agg(DISTINCT f.id) AS ids, coalesce(array_agg(DISTINCT f.id) FILTER (WHERE f.kind = 'PUBLISHED'), '{}') AS published, max(f.at) AS at
    FROM fresh f JOIN (SELECT DISTINCT e.kind, e.type, e.id, e.at FROM event e) e ON e.kind = f.kind AND e.id = f.id AND e.at = f.at
    JOIN history_type t ON t.type = e.type GROUP BY 1, 2 ORDER BY 1 DESC
  LOOP
    EXECUTE format('INSERT INTO change (type, id, version, action, visible_before, visible_after)
      SELECT %1$L, r.id, r.version, ''DUE'', CASE WHEN r.id = ANY ($2) THEN coalesce((SELECT c.visible_after FROM change c WHERE c.type = %1$L AND c.id = r.id ORDER BY c.seq DESC LIMIT 1), false) ELSE %2$s END, %2$s
      FROM %3$I r WHERE r.id = ANY ($1)
      ON CONFLICT (type, id, txid) WHERE txid <> ''0''::xid8 DO NOTHING', row.type, history_visible(row.type, 'r', 'now()'), row.source) USING row.ids, row.published;
    done := done + cardinality(row.ids);
    flipped := array(SELECT c.id FROM change c WHERE c.txid = pg_current_xact_id() AND c.type = row.type AND c.action = 'DUE' AND NOT c.visible_before AND c.visible_after);
    IF cardinality(flipped) > 0 AND row.type IN ('Article', 'Strategy', 'FundingProgram') THEN
      EXECUTE format('SELECT %I($1)', 'history_cascade_' || row.source) USING flipped;
    END IF;
  END LOOP;
  DELETE FROM due_event e WHERE e.at < since;
  UPDATE due_until u SET until = greatest(u.until, now());
  RETURN done;
END $$;

SELECT history_watch(type) FROM history_type;
DROP FUNCTION history_until();
