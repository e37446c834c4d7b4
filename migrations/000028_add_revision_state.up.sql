-- ── an object as it was ──

-- history_rows are the rows of an object as they were at a version: each row's
-- table, what it is a part of ('' for the object's own row), key and columns.
CREATE FUNCTION history_rows(of text, object uuid, upto integer)
RETURNS TABLE (source text, part text, key jsonb, columns jsonb) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY EXECUTE (
    SELECT format('WITH present (source, part, key, columns) AS (%s), since AS (
      SELECT DISTINCT ON (r.source, r.key) r.source, r.key, r.before FROM change c JOIN revision r ON r.change = c.seq
      WHERE c.type = %L AND c.id = $1 AND c.version > $2 AND c.action NOT IN (''VISIBILITY'', ''DUE'')
      ORDER BY r.source, r.key, c.version
    )
    SELECT p.source, p.part, p.key, p.columns FROM present p WHERE NOT EXISTS (SELECT FROM since s WHERE s.source = p.source AND s.key = p.key)
    UNION ALL
    SELECT s.source, coalesce((SELECT h.part FROM history_part h WHERE h.source = s.source AND h.type = %2$L), ''''), s.key, s.before FROM since s WHERE s.before IS NOT NULL',
      string_agg(line, ' UNION ALL ' ORDER BY line), of)
    FROM (
      SELECT format('SELECT %L::text, %L::text, %s, to_jsonb(r) - %L::text[] FROM %I r WHERE r.%I = $1', x.source, x.part,
        history_key(x.source, 'r'), history_uncounted(x.source, x.derived), x.source, x.owner) AS line
      FROM (
        SELECT t.source, '' AS part, 'id' AS owner, t.derived FROM history_type t WHERE t.type = of
        UNION ALL SELECT p.source, p.part, p.owner, '{}' FROM history_part p WHERE p.type = of
      ) x
    ) lines) USING object, upto;
END $$;

-- history_known says whether everything since a version is known, so that there is
-- a way back to it.
CREATE FUNCTION history_known(of text, object uuid, upto integer) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
  present integer;
BEGIN
  EXECUTE format('SELECT version FROM %I WHERE id = $1', (SELECT t.source FROM history_type t WHERE t.type = of)) INTO present USING object;
  IF present IS NULL THEN
    SELECT max(c.version) INTO present FROM change c WHERE c.type = of AND c.id = object;
  END IF;
  RETURN coalesce(upto > 0 AND upto <= present AND present - upto = (SELECT count(DISTINCT c.version) FROM change c
    WHERE c.type = of AND c.id = object AND c.version > upto AND c.version <= present AND c.action NOT IN ('VISIBILITY', 'DUE')), false);
END $$;

-- revision_state is an object with its parts as it was at a version: the columns of
-- its row, and for each kind of parts a list of their rows. Null if it was not there,
-- or if that is not known any more.
CREATE FUNCTION revision_state(type text, id uuid, version integer) RETURNS jsonb LANGUAGE sql STABLE AS $$
WITH known AS MATERIALIZED (SELECT r.* FROM history_rows($1, $2, $3) r WHERE history_known($1, $2, $3))
SELECT main.columns || coalesce((SELECT jsonb_object_agg(p.part, p.rows) FROM (
  SELECT r.part, jsonb_agg(r.columns ORDER BY r.key) AS rows FROM known r WHERE r.part <> '' GROUP BY r.part) p), '{}')
FROM known main WHERE main.part = ''
$$;

-- ── what readers are told ──

-- global_id is the id by which the API knows a key: internal/nodeid in SQL.
CREATE FUNCTION global_id(prefix text, key uuid) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT prefix || '_' || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', substring(bits FROM 1 + 5 * n FOR 5)::integer + 1, 1), '' ORDER BY n)
FROM (SELECT B'00' || ('x' || replace(key::text, '-', ''))::bit(128) AS bits) k, generate_series(0, 25) n
$$;

-- history_told are the columns of a row, or of its key, with global ids for keys.
-- The object that it is a part of is left out.
CREATE FUNCTION history_told(of text, source text, columns jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
SELECT jsonb_object_agg(e.key, CASE WHEN e.value <> 'null' THEN coalesce(
  (SELECT to_jsonb(global_id(CASE t.source WHEN 'figure' THEN 'observation' ELSE t.source END, (e.value #>> '{}')::uuid))
    FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attname = e.key AND f.conkey = ARRAY[a.attnum]
    JOIN history_type t ON t.source::regclass = f.confrelid AND t.type NOT IN ('Source', 'TerritorialChange')
    WHERE f.conrelid = $2::regclass AND f.contype = 'f' LIMIT 1), e.value) ELSE e.value END)
FROM jsonb_each($3) e
WHERE e.key NOT IN (SELECT p.owner FROM history_part p WHERE p.source = $2 AND p.type = $1)
$$;

-- revision_changes tells two versions of an object apart: the columns of its row
-- that differ, and its parts that came, went or differ, each as JSON. It looks at
-- nothing but what was touched in between.
CREATE FUNCTION revision_changes(type text, id uuid, since integer, upto integer)
RETURNS TABLE (path text, before text, after text, place bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
  low     integer := least(since, upto);
  high    integer := greatest(since, upto);
  touched jsonb; -- rows: what they were at the lower version, and at the higher one as far as entries say
  present jsonb := '[]'; -- the others, as they are
  found   jsonb;
  rec     record;
BEGIN
  WITH entry AS (
    SELECT r.source, r.key, r.before, c.version FROM change c JOIN revision r ON r.change = c.seq
    WHERE c.type = $1 AND c.id = $2 AND c.version > low AND c.action NOT IN ('VISIBILITY', 'DUE')
  ), earlier AS (SELECT DISTINCT ON (e.source, e.key) e.* FROM entry e WHERE e.version <= high ORDER BY e.source, e.key, e.version),
  later AS (SELECT DISTINCT ON (e.source, e.key) e.* FROM entry e WHERE e.version > high ORDER BY e.source, e.key, e.version)
  SELECT jsonb_agg(jsonb_build_object('source', e.source, 'key', e.key, 'low', e.before, 'told', l.source IS NOT NULL, 'high', l.before)) INTO touched
  FROM earlier e LEFT JOIN later l ON l.source = e.source AND l.key = e.key;
  IF touched IS NULL OR low < 1 OR NOT history_known($1, $2, low) OR NOT history_known($1, $2, high) THEN
    RETURN;
  END IF;
  FOR rec IN
    SELECT s.source, s.owner FROM (
      SELECT t.source, 'id' AS owner FROM history_type t WHERE t.type = $1 UNION ALL SELECT p.source, p.owner FROM history_part p WHERE p.type = $1
    ) s WHERE EXISTS (SELECT FROM jsonb_array_elements(touched) t WHERE t ->> 'source' = s.source AND t -> 'told' = 'false')
  LOOP
    EXECUTE format('SELECT jsonb_agg(jsonb_build_object(''source'', %L, ''key'', %s, ''row'', to_jsonb(r) - %L::text[])) FROM %I r WHERE r.%I = $1',
      rec.source, history_key(rec.source, 'r'), history_uncounted(rec.source, coalesce((SELECT t.derived FROM history_type t WHERE t.source = rec.source), '{}')),
      rec.source, rec.owner) INTO found USING id;
    present := present || coalesce(found, '[]');
  END LOOP;
  RETURN QUERY
  WITH rows AS (
    SELECT r.source, coalesce(p.part, '') AS part, r.key,
      CASE WHEN since <= upto THEN r.low ELSE r.high END AS old, CASE WHEN since <= upto THEN r.high ELSE r.low END AS new
    FROM (
      SELECT t ->> 'source' AS source, t -> 'key' AS key, nullif(t -> 'low', 'null') AS low,
        CASE WHEN t -> 'told' = 'true' THEN nullif(t -> 'high', 'null')
          ELSE (SELECT x -> 'row' FROM jsonb_array_elements(present) x WHERE x ->> 'source' = t ->> 'source' AND x -> 'key' = t -> 'key') END AS high
      FROM jsonb_array_elements(touched) t
    ) r LEFT JOIN history_part p ON p.type = $1 AND p.source = r.source
    WHERE r.low IS DISTINCT FROM r.high
  ), told AS (
    SELECT 1 AS kind, e.key AS part, NULL::jsonb AS key, nullif(e.old, 'null') AS old, nullif(e.new, 'null') AS new,
      (SELECT string_agg(CASE WHEN w.n = 1 THEN w.word ELSE upper(left(w.word, 1)) || substr(w.word, 2) END, '' ORDER BY w.n) FROM string_to_table(e.key, '_') WITH ORDINALITY w (word, n)) AS name
    FROM rows r CROSS JOIN LATERAL (
      SELECT coalesce(o.key, n.key) AS key, o.value AS old, n.value AS new
      FROM jsonb_each(coalesce(history_told($1, r.source, r.old), '{}')) o FULL JOIN jsonb_each(coalesce(history_told($1, r.source, r.new), '{}')) n ON n.key = o.key
    ) e
    WHERE r.part = '' AND coalesce(e.old, 'null') <> coalesce(e.new, 'null') AND e.key NOT IN ('id', 'created_at')
    UNION ALL
    SELECT 2, r.part, r.key, history_told($1, r.source, r.old), history_told($1, r.source, r.new),
      r.part || coalesce('.' || (SELECT string_agg(k.value #>> '{}', '.' ORDER BY jsonb_typeof(k.value) DESC, k.key) FROM jsonb_each(history_told($1, r.source, r.key)) k), '')
    FROM rows r WHERE r.part <> ''
  )
  SELECT t.name, t.old::text, t.new::text, row_number() OVER (ORDER BY t.kind, t.part, t.key) FROM told t;
END $$;

-- Revisions and the audit log are two looks at what somebody changed.
CREATE VIEW recorded_change AS
SELECT lpad(to_hex(c.seq), 32, '0')::uuid AS id, c.seq, c.type, c.id AS object_id, c.version, c.action, c.at,
  c.token_id, c.actor_name, c.actor_role, c.mutation
FROM change c WHERE c.action NOT IN ('VISIBILITY', 'DUE');
CREATE UNIQUE INDEX change_id_idx ON change ((lpad(to_hex(seq), 32, '0')::uuid));
CREATE INDEX change_token_idx ON change (token_id) WHERE token_id IS NOT NULL;
CREATE INDEX change_at_idx ON change (at, (lpad(to_hex(seq), 32, '0')::uuid));

-- ── the way back ──

-- history_restore brings an object back to what it was at a version, through its
-- tables, so that it is a new version. What follows from other columns comes
-- rendered. The key, when it was created, whether it is published and under which
-- slug stay: an old text does not unpublish a new one, and links go on working. Null
-- if the version is not known, or the object was not there.
CREATE FUNCTION history_restore(of text, object uuid, upto integer, rendered jsonb) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  main    history_type;
  p       history_part;
  rows    jsonb; -- as they were
  target  jsonb; -- the object's own
  present jsonb;
  names   text;
  result  integer;
BEGIN
  SELECT * INTO STRICT main FROM history_type t WHERE t.type = of;
  EXECUTE format('SELECT to_jsonb(r) FROM %I r WHERE r.id = $1 FOR UPDATE', main.source) INTO present USING object;
  IF NOT history_known(of, object, upto) THEN
    RETURN NULL;
  END IF;
  SELECT coalesce(jsonb_agg(to_jsonb(r)), '[]') INTO rows FROM history_rows(of, object, upto) r;
  SELECT (r -> 'columns') || rendered INTO target FROM jsonb_array_elements(rows) r WHERE r ->> 'part' = '';
  IF target IS NULL THEN
    RETURN NULL;
  END IF;
  IF present IS NULL THEN
    SELECT string_agg(quote_ident(a.attname), ', ') INTO names FROM pg_attribute a
    WHERE a.attrelid = main.source::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND target ? a.attname;
    EXECUTE format('INSERT INTO %I (%s) SELECT %2$s FROM jsonb_populate_record(NULL::%1$I, $1)', main.source, names) USING target;
  ELSE
    SELECT string_agg(quote_ident(a.attname), ', ') INTO names FROM pg_attribute a
    WHERE a.attrelid = main.source::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND target ? a.attname
      AND target -> a.attname IS DISTINCT FROM present -> a.attname
      AND a.attname NOT IN ('id', 'created_at', 'publication_status', 'published_at')
      AND (a.attname <> 'slug' OR present ->> 'publication_status' IN ('DRAFT', 'IN_REVIEW') AND present ->> 'published_at' IS NULL);
    IF names IS NOT NULL THEN
      EXECUTE format('UPDATE %I r SET (%s) = (SELECT %2$s FROM jsonb_populate_record(NULL::%1$I, $1)) WHERE r.id = $2', main.source, names) USING target, object;
    END IF;
  END IF;
  FOR p IN SELECT * FROM history_part h WHERE h.type = of ORDER BY h.source DESC LOOP
    EXECUTE format('DELETE FROM %I r WHERE r.%I = $1 AND NOT EXISTS (SELECT FROM jsonb_array_elements($2) t WHERE t ->> ''source'' = %L AND t -> ''key'' = %s AND t -> ''columns'' = to_jsonb(r) - %L::text[])',
      p.source, p.owner, p.source, history_key(p.source, 'r'), history_uncounted(p.source, '{}')) USING object, rows;
  END LOOP;
  FOR p IN SELECT * FROM history_part h WHERE h.type = of ORDER BY h.source LOOP
    SELECT string_agg(quote_ident(a.attname), ', ') INTO names FROM pg_attribute a
    WHERE a.attrelid = p.source::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      AND (SELECT t -> 'columns' FROM jsonb_array_elements(rows) t WHERE t ->> 'source' = p.source LIMIT 1) ? a.attname;
    IF names IS NOT NULL THEN
      EXECUTE format('INSERT INTO %1$I (%2$s) SELECT %2$s FROM jsonb_array_elements($2) t, jsonb_populate_record(NULL::%1$I, t -> ''columns'') n
        WHERE t ->> ''source'' = %1$L AND NOT EXISTS (SELECT FROM %1$I r WHERE r.%3$I = $1 AND %4$s = t -> ''key'')', p.source, names, p.owner, history_key(p.source, 'r')) USING object, rows;
    END IF;
  END LOOP;
  EXECUTE format('SELECT version FROM %I WHERE id = $1', main.source) INTO result USING object;
  RETURN result;
END $$;
