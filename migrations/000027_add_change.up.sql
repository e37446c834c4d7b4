-- What happened, in one order for everybody: one row for each transaction and
-- object that it touched. Readers see rows of transactions that are over, and
-- before which nothing is open (txid < pg_snapshot_xmin(pg_current_snapshot())), by
-- (txid, seq): a number alone would skip what commits late.
--
-- Triggers write it (history_watch below), so that no path can forget it.
CREATE TABLE change (
  seq            bigint GENERATED ALWAYS AS IDENTITY,
  txid           xid8 NOT NULL DEFAULT pg_current_xact_id(),
  type           text NOT NULL, -- as in GraphQL
  id             uuid NOT NULL,
  version        integer NOT NULL, -- that the object had afterwards
  action         text NOT NULL CONSTRAINT change_action_known CHECK (action IN
    ('CREATE', 'UPDATE', 'DELETE', 'RESTORE',
     'VISIBILITY', -- nothing of it changed, but what it hangs on did
     'DUE')),      -- nothing of it changed, but time went by
  at             timestamptz NOT NULL DEFAULT now(),
  token_id       uuid DEFAULT (nullif(current_setting('stadtgraph.actor', true), '')::jsonb ->> 'token')::uuid,
  actor_name     text DEFAULT nullif(current_setting('stadtgraph.actor', true), '')::jsonb ->> 'name', -- null for a command
  actor_role     text DEFAULT nullif(current_setting('stadtgraph.actor', true), '')::jsonb ->> 'role',
  mutation       text DEFAULT nullif(current_setting('stadtgraph.actor', true), '')::jsonb ->> 'action',
  visible_before boolean NOT NULL, -- for the public, before the transaction
  visible_after  boolean NOT NULL,
  PRIMARY KEY (txid, seq)
);
-- Rows of another cluster, restored here, have no transaction (history_settle).
CREATE UNIQUE INDEX change_once ON change (type, id, txid) WHERE txid <> '0'::xid8;
CREATE INDEX change_version_idx ON change (type, id, version);

-- The way back: for each row that a transaction touched what it was before, null if
-- it was not there. To know an object at a version take it as it is, and of each
-- of its rows the earliest entry after that version. Objects that a transaction has
-- created have none.
CREATE TABLE revision (
  change bigint NOT NULL, -- change.seq
  source text NOT NULL,   -- the row's table
  key    jsonb NOT NULL,
  before jsonb,
  PRIMARY KEY (change, source, key)
);

-- ── what has a history ──

-- The tables of objects. Whether the public may see a row {r} at the instant {now}
-- is what the catalogue says in Go; a test compares the two.
CREATE TABLE history_type (
  type    text PRIMARY KEY,
  source  text NOT NULL UNIQUE,
  visible text NOT NULL,
  derived text[] NOT NULL DEFAULT '{}' -- columns that follow from others
);
-- An object with holders is seen only if those that it has are seen.
CREATE TABLE history_holder (
  type   text NOT NULL REFERENCES history_type,
  via    text NOT NULL, -- column
  holder text NOT NULL REFERENCES history_type,
  PRIMARY KEY (type, via)
);
-- The tables whose rows are parts of objects.
CREATE TABLE history_part (
  source text NOT NULL,
  owner  text NOT NULL, -- its column for the object
  type   text NOT NULL REFERENCES history_type,
  part   text NOT NULL, -- what the rows are to readers of a revision
  PRIMARY KEY (source, owner)
);

INSERT INTO history_type (type, source, visible, derived) VALUES
  ('State', 'state', 'true', '{}'),
  ('Municipality', 'municipality', 'true', '{}'),
  ('TerritorialChange', 'territorial_change', 'true', '{}'),
  ('Source', 'source', 'true', '{}'),
  ('Organization', 'organization', '{r}.deleted_at IS NULL', '{}'),
  ('Topic', 'topic', '{r}.deleted_at IS NULL', '{}'),
  ('Person', 'person', '{r}.deleted_at IS NULL', '{}'),
  ('Event', 'event', '{r}.deleted_at IS NULL', '{}'),
  ('Ranking', 'ranking', '{r}.deleted_at IS NULL', '{}'),
  ('RankingEntry', 'ranking_entry', 'true', '{}'),
  ('Platform', 'platform', '{r}.deleted_at IS NULL', '{}'),
  ('Indicator', 'indicator', '{r}.deleted_at IS NULL', '{}'),
  ('Observation', 'figure', '{r}.deleted_at IS NULL', '{}'),
  ('Strategy', 'strategy', $$({r}.deleted_at IS NULL AND ({r}.publication_status IN ('PUBLISHED', 'ARCHIVED') OR {r}.publication_status = 'SCHEDULED' AND {r}.published_at <= {now}))$$,
    '{lineage_id,body_html,body_text,body_contents,body_excerpt,body_reading_minutes,body_renderer}'),
  ('Measure', 'measure', '{r}.deleted_at IS NULL', '{description_html,description_text,description_renderer}'),
  ('FundingProgram', 'funding_program', $$({r}.deleted_at IS NULL AND ({r}.publication_status IN ('PUBLISHED', 'ARCHIVED') OR {r}.publication_status = 'SCHEDULED' AND {r}.published_at <= {now}))$$,
    '{body_html,body_text,body_contents,body_excerpt,body_reading_minutes,body_renderer}'),
  ('FundingCall', 'funding_call', '{r}.deleted_at IS NULL', '{}'),
  ('FundingAward', 'funding_award', '{r}.deleted_at IS NULL', '{}'),
  ('Article', 'article', $$({r}.deleted_at IS NULL AND ({r}.publication_status IN ('PUBLISHED', 'ARCHIVED') OR {r}.publication_status = 'SCHEDULED' AND {r}.published_at <= {now}))$$,
    '{body_html,body_text,body_contents,body_excerpt,body_reading_minutes,body_renderer}'),
  -- Votes make no versions.
  ('Comment', 'comment', '({r}.visible OR {r}.tombstone)', '{root_id,depth,visible,tombstone,upvotes,downvotes,body_html,body_text,body_renderer}'),
  -- Shown by an article that is visible: history_visible and history_media_shown.
  ('MediaAsset', 'media_asset', '{r}.deleted_at IS NULL', '{}');

INSERT INTO history_holder (type, via, holder) VALUES
  ('Measure', 'strategy_id', 'Strategy'),
  ('FundingCall', 'program_id', 'FundingProgram'),
  ('FundingAward', 'program_id', 'FundingProgram'),
  ('Comment', 'article_id', 'Article'),
  ('RankingEntry', 'ranking_id', 'Ranking'),
  ('Observation', 'indicator_id', 'Indicator'),
  ('Observation', 'strategy_id', 'Strategy'),
  ('Observation', 'event_id', 'Event'),
  ('Observation', 'organization_id', 'Organization');

INSERT INTO history_part (source, owner, type, part) VALUES
  ('municipality_key', 'municipality_id', 'Municipality', 'keys'),
  ('municipality_population', 'municipality_id', 'Municipality', 'populationHistory'),
  ('municipality_former_name', 'municipality_id', 'Municipality', 'formerNames'),
  ('territorial_change_source', 'change_id', 'TerritorialChange', 'sources'),
  ('identifier', 'state_id', 'State', 'identifiers'),
  ('identifier', 'municipality_id', 'Municipality', 'identifiers'),
  ('identifier', 'organization_id', 'Organization', 'identifiers'),
  ('identifier', 'person_id', 'Person', 'identifiers'),
  ('identifier', 'program_id', 'FundingProgram', 'identifiers'),
  ('identifier', 'award_id', 'FundingAward', 'identifiers'),
  ('person_affiliation', 'person_id', 'Person', 'affiliations'),
  ('event_organization', 'event_id', 'Event', 'organizations'),
  ('event_mention', 'event_id', 'Event', 'mentions'),
  ('event_topic', 'event_id', 'Event', 'topics'),
  ('event_link', 'event_id', 'Event', 'links'),
  ('event_source', 'event_id', 'Event', 'sources'),
  ('strategy_owner', 'strategy_id', 'Strategy', 'owners'),
  ('strategy_decision', 'strategy_id', 'Strategy', 'decisions'),
  ('strategy_decision_source', 'strategy_id', 'Strategy', 'decisionSources'),
  ('strategy_topic', 'strategy_id', 'Strategy', 'topics'),
  ('strategy_responsible', 'strategy_id', 'Strategy', 'responsible'),
  ('strategy_participation', 'strategy_id', 'Strategy', 'participation'),
  ('strategy_link', 'strategy_id', 'Strategy', 'links'),
  ('strategy_source', 'strategy_id', 'Strategy', 'sources'),
  ('measure_owner', 'measure_id', 'Measure', 'owners'),
  ('measure_organization', 'measure_id', 'Measure', 'organizations'),
  ('measure_topic', 'measure_id', 'Measure', 'topics'),
  ('measure_link', 'measure_id', 'Measure', 'links'),
  ('measure_source', 'measure_id', 'Measure', 'sources'),
  ('ranking_source', 'ranking_id', 'Ranking', 'sources'),
  ('platform_state', 'platform_id', 'Platform', 'states'),
  ('platform_source', 'platform_id', 'Platform', 'sources'),
  ('figure_source', 'figure_id', 'Observation', 'sources'),
  ('funding_program_funder', 'program_id', 'FundingProgram', 'funders'),
  ('funding_program_state', 'program_id', 'FundingProgram', 'states'),
  ('funding_program_rate', 'program_id', 'FundingProgram', 'rates'),
  ('funding_program_topic', 'program_id', 'FundingProgram', 'topics'),
  ('funding_program_link', 'program_id', 'FundingProgram', 'links'),
  ('funding_program_source', 'program_id', 'FundingProgram', 'sources'),
  ('funding_call_source', 'call_id', 'FundingCall', 'sources'),
  ('funding_award_recipient', 'award_id', 'FundingAward', 'recipients'),
  ('funding_award_strategy', 'award_id', 'FundingAward', 'strategies'),
  ('funding_award_measure', 'award_id', 'FundingAward', 'measures'),
  ('funding_award_source', 'award_id', 'FundingAward', 'sources'),
  ('article_byline', 'article_id', 'Article', 'bylines'),
  ('article_mention', 'article_id', 'Article', 'mentions'),
  ('article_media', 'article_id', 'Article', 'media'),
  ('article_topic', 'article_id', 'Article', 'topics'),
  ('article_link', 'article_id', 'Article', 'links'),
  ('article_previous', 'article_id', 'Article', 'previous'),
  ('article_municipality', 'article_id', 'Article', 'municipalities'),
  ('article_state', 'article_id', 'Article', 'states'),
  ('article_strategy', 'article_id', 'Article', 'strategies'),
  ('article_measure', 'article_id', 'Article', 'measures'),
  ('article_funding_program', 'article_id', 'Article', 'programs'),
  ('article_funding_award', 'article_id', 'Article', 'awards'),
  ('article_organization', 'article_id', 'Article', 'organizations'),
  ('article_event', 'article_id', 'Article', 'events'),
  ('article_platform', 'article_id', 'Article', 'platforms'),
  ('article_ranking_entry', 'article_id', 'Article', 'rankingEntries'),
  ('article_figure', 'article_id', 'Article', 'figures'),
  ('article_source', 'article_id', 'Article', 'sources'),
  ('comment_note', 'comment_id', 'Comment', 'editorNotes');

-- ── pieces of what the triggers do ──

-- history_says puts {name}, value pairs into a template.
CREATE FUNCTION history_says(template text, VARIADIC pairs text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  FOR i IN 1 .. cardinality(pairs) BY 2 LOOP
    template := replace(template, '{' || pairs[i] || '}', pairs[i + 1]);
  END LOOP;
  RETURN template;
END $$;

-- Whether the public may see the row of a type as far as the row itself decides.
CREATE FUNCTION history_own(of text, r text, instant text) RETURNS text LANGUAGE sql STABLE AS $$
SELECT history_says(t.visible, 'r', r, 'now', instant) FROM history_type t WHERE t.type = of
$$;

-- Whether it may see it at all.
CREATE FUNCTION history_visible(of text, r text, instant text) RETURNS text LANGUAGE sql STABLE AS $$
SELECT concat_ws(' AND ', history_own(of, r, instant),
  (SELECT string_agg(format('(%1$s.%2$I IS NULL OR EXISTS (SELECT FROM %3$I h WHERE h.id = %1$s.%2$I AND %4$s))',
    r, h.via, t.source, history_own(h.holder, 'h', instant)), ' AND ' ORDER BY h.via)
    FROM history_holder h JOIN history_type t ON t.type = h.holder WHERE h.type = of),
  CASE WHEN of = 'MediaAsset' THEN format('EXISTS (SELECT FROM article_media l JOIN article a ON a.id = l.article_id WHERE l.media_id = %s.id AND %s)',
    r, history_own('Article', 'a', instant)) END)
$$;

-- Whether it could see a row as it was, before the transaction. Holders that the
-- transaction has changed say themselves what they were.
CREATE FUNCTION history_seen(of text, r text) RETURNS text LANGUAGE sql STABLE AS $$
SELECT concat_ws(' AND ', history_own(of, r, 'now()'),
  (SELECT string_agg(format('(%1$s.%2$I IS NULL OR coalesce((SELECT c.visible_before FROM change c WHERE c.type = %3$L AND c.id = %1$s.%2$I AND c.txid::text = pg_current_xact_id()::text), '
      '(SELECT %5$s FROM %4$I h WHERE h.id = %1$s.%2$I), false))', r, h.via, h.holder, t.source, history_own(h.holder, 'h', 'now()')), ' AND ' ORDER BY h.via)
    FROM history_holder h JOIN history_type t ON t.type = h.holder WHERE h.type = of),
  CASE WHEN of = 'MediaAsset' THEN format('EXISTS (SELECT FROM article_media l JOIN article a ON a.id = l.article_id WHERE l.media_id = %s.id '
    'AND coalesce((SELECT c.visible_before FROM change c WHERE c.type = ''Article'' AND c.id = a.id AND c.txid::text = pg_current_xact_id()::text), %s))',
    r, history_own('Article', 'a', 'now()')) END)
$$;

-- The columns of a table that count in versions, and those that do not.
CREATE FUNCTION history_uncounted(source text, derived text[]) RETURNS text[] LANGUAGE sql STABLE AS $$
SELECT array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = source::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND (a.attgenerated <> '' OR a.attname = ANY (derived || '{version,modified_at}'::text[])) ORDER BY a.attnum)
$$;

-- The key of a row {r}, as an expression.
CREATE FUNCTION history_key(source text, r text) RETURNS text LANGUAGE sql STABLE AS $$
SELECT 'jsonb_build_object(' || string_agg(format('%L, %s.%I', a.attname, r, a.attname), ', ' ORDER BY k.place) || ')'
FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place), pg_attribute a
WHERE i.indrelid = source::regclass AND i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = k.attnum
$$;

-- ── the triggers ──

-- history_watch gives the history its triggers on the table of a type and on those
-- of its parts. A column that is added later counts unless history_type says that it
-- is derived; then this is to be called again.
--
-- The triggers are the same for one row and for a hundred thousand. Their plans are
-- kept, so they never join two sets of changed rows: they group them, and look up
-- the rest by indexes (enable_seqscan = off: what is empty when a plan is made
-- may be large when it runs). The change of a row is looked up for each row by itself
-- (OFFSET 0, LIMIT 1), and that it is the transaction's own is asked as a text: joined,
-- or by the key (txid, seq), a plan would read all of the transaction for each row.
CREATE FUNCTION history_watch(of text) RETURNS void LANGUAGE plpgsql AS $watch$
DECLARE
  main     history_type;
  p        history_part;
  dependent record;
  holds    boolean := EXISTS (SELECT FROM history_holder h WHERE h.holder = of) OR of = 'Article';
  says     text[];
  name     text;
  cascades text := '';
BEGIN
  SELECT * INTO STRICT main FROM history_type t WHERE t.type = of;
  says := ARRAY['T', quote_literal(of), 'M', quote_ident(main.source), 'm', quote_literal(main.source),
    'derived', quote_literal(history_uncounted(main.source, main.derived)),
    'own r', history_own(of, 'r', 'now()'), 'seen r', history_seen(of, 'r'), 'visible m', history_visible(of, 'm', 'now()'),
    'this', 'c.type = ' || quote_literal(of) || ' AND c.txid::text = pg_current_xact_id()::text AND c.id',
    -- Deleting what can come back is an update.
    'action', CASE WHEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = main.source::regclass AND a.attname = 'deleted_at') THEN
      $$CASE WHEN u.before ->> 'deleted_at' IS NULL AND u.after ->> 'deleted_at' IS NOT NULL THEN 'DELETE'
        WHEN u.before ->> 'deleted_at' IS NOT NULL AND u.after ->> 'deleted_at' IS NULL THEN 'RESTORE' ELSE 'UPDATE' END$$
      ELSE $$'UPDATE'$$ END];

  -- What the public sees of those that hang on rows of this type.
  IF holds THEN
    FOR dependent IN
      SELECT h.type, t.source, format('d.%I = ANY (ids)', h.via) AS condition FROM history_holder h JOIN history_type t ON t.type = h.type WHERE h.holder = of
      UNION ALL
      SELECT 'MediaAsset', 'media_asset', 'd.id IN (SELECT l.media_id FROM article_media l WHERE l.article_id = ANY (ids))' WHERE of = 'Article'
      ORDER BY 1
    LOOP
      cascades := cascades || history_says($$
  INSERT INTO change (type, id, version, action, visible_before, visible_after)
  SELECT {D}, d.id, d.version, {as}, {seen d}, {visible d} FROM {S} d WHERE {condition} AND {own d}
  ON CONFLICT (type, id, txid) WHERE txid <> '0'::xid8 DO UPDATE SET visible_after = excluded.visible_after;$$,
        'D', quote_literal(dependent.type), 'S', quote_ident(dependent.source), 'as', $$'VISIBILITY'$$, 'condition', dependent.condition,
        'own d', history_own(dependent.type, 'd', 'now()'), 'seen d', history_seen(dependent.type, 'd'), 'visible d', history_visible(dependent.type, 'd', 'now()'));
    END LOOP;
    EXECUTE format($$CREATE OR REPLACE FUNCTION %I(ids uuid[]) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $body$
BEGIN%s
END $body$ $$, 'history_cascade_' || main.source, cascades);
  END IF;

  -- Rows of the type itself.
  EXECUTE history_says($$CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $body$
DECLARE
  returned uuid[];
BEGIN
  INSERT INTO change (type, id, version, action, visible_before, visible_after)
  SELECT {T}, m.id, coalesce(b.version + 1, m.version), CASE WHEN b.version IS NULL THEN 'CREATE' ELSE 'RESTORE' END, false, {visible m}
  FROM new_rows n JOIN {M} m ON m.id = n.id
  LEFT JOIN LATERAL (SELECT c.version FROM change c WHERE c.type = {T} AND c.id = n.id AND c.txid <> pg_current_xact_id() ORDER BY c.version DESC LIMIT 1) b ON true
  ON CONFLICT (type, id, txid) WHERE txid <> '0'::xid8 DO UPDATE SET visible_after = excluded.visible_after,
    version = CASE WHEN change.action = 'DELETE' THEN change.version ELSE excluded.version END,
    action = CASE WHEN change.action = 'DELETE' THEN 'UPDATE' ELSE excluded.action END;
  -- What comes back goes on with its versions, and was not there before.
  returned := array(SELECT n.id FROM new_rows n CROSS JOIN LATERAL (SELECT * FROM change c WHERE {this} = n.id AND c.action <> 'CREATE' OFFSET 0) c);
  IF cardinality(returned) > 0 THEN
    UPDATE {M} m SET version = c.version, modified_at = now() FROM change c
    WHERE m.id = ANY (returned) AND {this} = m.id AND (m.version, m.modified_at) IS DISTINCT FROM (c.version, now());
    INSERT INTO revision (change, source, key)
    SELECT c.seq, {m}, jsonb_build_object('id', c.id) FROM change c WHERE {this} = ANY (returned) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $body$ $$, VARIADIC says || ARRAY['name', quote_ident('history_insert_' || main.source)]);

  EXECUTE history_says($$CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $body$
DECLARE
  touched bigint;
  flipped uuid[];
BEGIN
  IF NOT EXISTS (SELECT FROM old_rows) THEN
    RETURN NULL;
  END IF;
  INSERT INTO change (type, id, version, action, visible_before, visible_after)
  SELECT {T}, m.id, CASE WHEN u.counts THEN u.version + 1 ELSE m.version END,
    CASE WHEN u.counts THEN {action} ELSE 'VISIBILITY' END, u.seen, {visible m}
  FROM (SELECT *, before IS DISTINCT FROM after OR version <> declared AND (SELECT true FROM change c WHERE {this} = u.id AND c.action NOT IN ('VISIBILITY', 'DUE') LIMIT 1) IS NULL AS counts FROM (
    SELECT id, (array_agg(j) FILTER (WHERE was))[1] AS before, (array_agg(j) FILTER (WHERE NOT was))[1] AS after,
      max(version) FILTER (WHERE was) AS version, max(version) FILTER (WHERE NOT was) AS declared, bool_or(seen) FILTER (WHERE was) AS seen,
      bool_or(own) FILTER (WHERE was) AS owned, bool_or(own) FILTER (WHERE NOT was) AS owns
    FROM (
      SELECT r.id, true AS was, to_jsonb(r) - {derived}::text[] AS j, r.version, {seen r} AS seen, {own r} AS own FROM old_rows r
      WHERE (SELECT true FROM change c WHERE {this} = r.id AND c.action = 'CREATE' LIMIT 1) IS NULL
      UNION ALL
      SELECT r.id, false, to_jsonb(r) - {derived}::text[], r.version, NULL, {own r} FROM new_rows r
      WHERE (SELECT true FROM change c WHERE {this} = r.id AND c.action = 'CREATE' LIMIT 1) IS NULL
    ) r GROUP BY id
  ) u) u JOIN {M} m ON m.id = u.id
  WHERE u.counts OR u.owned IS DISTINCT FROM u.owns
  ON CONFLICT (type, id, txid) WHERE txid <> '0'::xid8 DO UPDATE SET visible_after = excluded.visible_after,
    version = CASE WHEN change.action IN ('VISIBILITY', 'DUE') THEN excluded.version ELSE change.version END,
    action = CASE WHEN change.action IN ('VISIBILITY', 'DUE') OR excluded.action IN ('DELETE', 'RESTORE') THEN excluded.action ELSE change.action END;
  GET DIAGNOSTICS touched = ROW_COUNT;
  IF touched > 0 THEN
    UPDATE {M} m SET version = c.version, modified_at = now() FROM new_rows n CROSS JOIN LATERAL (SELECT * FROM change c WHERE {this} = n.id AND c.action IN ('UPDATE', 'DELETE', 'RESTORE') OFFSET 0) c
    WHERE m.id = n.id AND (m.version, m.modified_at) IS DISTINCT FROM (c.version, now());
    INSERT INTO revision (change, source, key, before)
    SELECT c.seq, {m}, jsonb_build_object('id', c.id), u.before
    FROM (
      SELECT id, (array_agg(j) FILTER (WHERE was))[1] AS before, (array_agg(j) FILTER (WHERE NOT was))[1] AS after
      FROM (
        SELECT r.id, true AS was, to_jsonb(r) - {derived}::text[] AS j FROM old_rows r
        UNION ALL
        SELECT r.id, false, to_jsonb(r) - {derived}::text[] FROM new_rows r
      ) r GROUP BY id
    ) u CROSS JOIN LATERAL (SELECT * FROM change c WHERE {this} = u.id AND c.action IN ('UPDATE', 'DELETE', 'RESTORE') OFFSET 0) c
    WHERE u.before IS DISTINCT FROM u.after
    ON CONFLICT DO NOTHING;
  END IF;
  {created}
  {cascade}
  RETURN NULL;
END $body$ $$, VARIADIC says || ARRAY['name', quote_ident('history_update_' || main.source),
    -- What the transaction has created itself may be seen by now.
    'created', CASE WHEN history_visible(of, 'm', 'now()') = 'true' THEN '' ELSE history_says($$
  UPDATE change c SET visible_after = {visible m} FROM new_rows n JOIN {M} m ON m.id = n.id
  WHERE {this} = n.id AND c.action = 'CREATE' AND c.visible_after IS DISTINCT FROM ({visible m});$$, VARIADIC says) END,
    'cascade', CASE WHEN NOT holds THEN '' ELSE history_says($$
  flipped := array(SELECT id FROM (SELECT r.id, {own r} AS own FROM old_rows r UNION ALL SELECT r.id, {own r} FROM new_rows r) r
    GROUP BY id HAVING bool_and(own) IS DISTINCT FROM bool_or(own));
  IF cardinality(flipped) > 0 THEN
    PERFORM {name}(flipped);
  END IF;$$, VARIADIC says || ARRAY['name', quote_ident('history_cascade_' || main.source)]) END]);

  EXECUTE history_says($$CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $body$
DECLARE
  created uuid[] := array(SELECT r.id FROM old_rows r CROSS JOIN LATERAL (SELECT * FROM change c WHERE {this} = r.id AND c.action = 'CREATE' OFFSET 0) c);
BEGIN
  IF cardinality(created) > 0 THEN -- and deleted: it was never there
    DELETE FROM change c WHERE {this} = ANY (created);
  END IF;
  INSERT INTO change (type, id, version, action, visible_before, visible_after)
  SELECT {T}, r.id, r.version + 1, 'DELETE', {seen r}, false FROM old_rows r WHERE NOT r.id = ANY (created)
  ON CONFLICT (type, id, txid) WHERE txid <> '0'::xid8 DO UPDATE SET action = 'DELETE', visible_after = false,
    version = CASE WHEN change.action IN ('VISIBILITY', 'DUE') THEN excluded.version ELSE change.version END;
  INSERT INTO revision (change, source, key, before)
  SELECT c.seq, {m}, jsonb_build_object('id', r.id), to_jsonb(r) - {derived}::text[]
  FROM old_rows r CROSS JOIN LATERAL (SELECT * FROM change c WHERE {this} = r.id AND c.action = 'DELETE' OFFSET 0) c
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $body$ $$, VARIADIC says || ARRAY['name', quote_ident('history_delete_' || main.source)]);
  EXECUTE format('CREATE OR REPLACE TRIGGER history_after_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION %I()', main.source, 'history_insert_' || main.source);
  EXECUTE format('CREATE OR REPLACE TRIGGER history_after_update AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION %I()', main.source, 'history_update_' || main.source);
  EXECUTE format('CREATE OR REPLACE TRIGGER history_after_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION %I()', main.source, 'history_delete_' || main.source);

  -- When parts change, so does the object: it gets a new version, once. Parts that an
  -- object takes along go after it, and its own trigger has spoken.
  EXECUTE history_says($$CREATE OR REPLACE FUNCTION {name}(owners uuid[]) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $body$
BEGIN
  WITH fresh AS (
    SELECT o.id FROM unnest(owners) o (id)
    WHERE (SELECT true FROM change c WHERE {this} = o.id AND c.action NOT IN ('VISIBILITY', 'DUE') LIMIT 1) IS NULL
  ), bumped AS (
    UPDATE {M} m SET version = m.version + 1, modified_at = now() FROM fresh f WHERE m.id = f.id
    RETURNING m.id, m.version, {seen m} AS seen, {visible m} AS visible
  )
  INSERT INTO change (type, id, version, action, visible_before, visible_after)
  SELECT {T}, b.id, b.version, 'UPDATE', b.seen, b.visible FROM bumped b
  ON CONFLICT (type, id, txid) WHERE txid <> '0'::xid8 DO UPDATE SET version = excluded.version, action = excluded.action;
END $body$ $$, VARIADIC says || ARRAY['name', quote_ident('history_touch_' || main.source), 'seen m', history_seen(of, 'm')]);

  FOR p IN SELECT * FROM history_part h WHERE h.type = of ORDER BY h.source LOOP
    name := 'history_' || p.source || '_of_' || main.source;
    EXECUTE history_says($$CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $body$
DECLARE
  owners uuid[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    owners := array(SELECT r.id FROM (SELECT DISTINCT r.{O} AS id FROM new_rows r) r
      WHERE r.id IS NOT NULL AND (SELECT true FROM change c WHERE {this} = r.id AND c.action = 'CREATE' LIMIT 1) IS NULL);
    IF cardinality(owners) = 0 THEN
      RETURN NULL;
    END IF;
    PERFORM {touch}(owners);
    INSERT INTO revision (change, source, key)
    SELECT c.seq, {p}, {key r} FROM new_rows r CROSS JOIN LATERAL (SELECT * FROM change c WHERE {this} = r.{O} AND c.action <> 'CREATE' OFFSET 0) c ON CONFLICT DO NOTHING;
  ELSIF TG_OP = 'DELETE' THEN
    owners := array(SELECT r.id FROM (SELECT DISTINCT r.{O} AS id FROM old_rows r) r
      WHERE r.id IS NOT NULL AND (SELECT true FROM change c WHERE {this} = r.id AND c.action = 'CREATE' LIMIT 1) IS NULL);
    IF cardinality(owners) = 0 THEN
      RETURN NULL;
    END IF;
    PERFORM {touch}(owners);
    INSERT INTO revision (change, source, key, before)
    SELECT c.seq, {p}, {key r}, to_jsonb(r) - {not counted}::text[] FROM old_rows r CROSS JOIN LATERAL (SELECT * FROM change c WHERE {this} = r.{O} AND c.action <> 'CREATE' OFFSET 0) c ON CONFLICT DO NOTHING;
  ELSE
    owners := array(SELECT DISTINCT r.id FROM (
        (SELECT r.{O} AS id, to_jsonb(r) - {not counted}::text[] FROM old_rows r EXCEPT ALL SELECT r.{O}, to_jsonb(r) - {not counted}::text[] FROM new_rows r)
        UNION ALL
        (SELECT r.{O} AS id, to_jsonb(r) - {not counted}::text[] FROM new_rows r EXCEPT ALL SELECT r.{O}, to_jsonb(r) - {not counted}::text[] FROM old_rows r)
      ) r WHERE r.id IS NOT NULL AND (SELECT true FROM change c WHERE {this} = r.id AND c.action = 'CREATE' LIMIT 1) IS NULL);
    IF cardinality(owners) = 0 THEN
      RETURN NULL;
    END IF;
    PERFORM {touch}(owners);
    INSERT INTO revision (change, source, key, before)
    SELECT c.seq, {p}, r.key, r.j FROM (
      SELECT r.{O} AS id, {key r} AS key, to_jsonb(r) - {not counted}::text[] AS j FROM old_rows r
      EXCEPT ALL SELECT r.{O}, {key r}, to_jsonb(r) - {not counted}::text[] FROM new_rows r
    ) r CROSS JOIN LATERAL (SELECT * FROM change c WHERE {this} = r.id AND c.action <> 'CREATE' OFFSET 0) c ON CONFLICT DO NOTHING;
    -- Under a new key there was nothing before, unless the entry is there already.
    INSERT INTO revision (change, source, key)
    SELECT c.seq, {p}, r.key FROM (
      SELECT r.{O} AS id, {key r} AS key FROM new_rows r EXCEPT SELECT r.{O}, {key r} FROM old_rows r
    ) r CROSS JOIN LATERAL (SELECT * FROM change c WHERE {this} = r.id AND c.action <> 'CREATE' OFFSET 0) c ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $body$ $$, VARIADIC says || ARRAY['name', quote_ident(name), 'touch', quote_ident('history_touch_' || main.source), 'O', quote_ident(p.owner),
      'p', quote_literal(p.source), 'key r', history_key(p.source, 'r'), 'not counted', quote_literal(history_uncounted(p.source, '{}'))]);
    name := quote_ident(name);
    EXECUTE format('CREATE OR REPLACE TRIGGER %s AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION %s()', quote_ident('history_insert_' || main.source), p.source, name);
    EXECUTE format('CREATE OR REPLACE TRIGGER %s AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION %s()', quote_ident('history_update_' || main.source), p.source, name);
    EXECUTE format('CREATE OR REPLACE TRIGGER %s AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION %s()', quote_ident('history_delete_' || main.source), p.source, name);
  END LOOP;
END $watch$;

SELECT history_watch(type) FROM history_type;

-- A picture is seen where a visible article shows it, so links decide.
DO $do$
DECLARE
  op text;
  form text := $$CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $body$
DECLARE
  media uuid[];
  fresh uuid[];
BEGIN
  media := array(SELECT DISTINCT r.media_id FROM ({changed}) r);
  IF cardinality(media) = 0 THEN
    RETURN NULL;
  END IF;
  fresh := array(SELECT m.id FROM unnest(media) m (id) WHERE NOT EXISTS (
    SELECT FROM change c WHERE c.type = 'MediaAsset' AND c.id = m.id AND c.txid::text = pg_current_xact_id()::text));
  INSERT INTO change (type, id, version, action, visible_before, visible_after)
  SELECT 'MediaAsset', d.id, d.version, 'VISIBILITY', d.deleted_at IS NULL AND EXISTS (
    SELECT FROM ({links before}) l JOIN article a ON a.id = l.article_id
    WHERE l.media_id = d.id AND coalesce((SELECT c.visible_before FROM change c WHERE c.type = 'Article' AND c.id = a.id AND c.txid::text = pg_current_xact_id()::text), {own a})), false
  FROM media_asset d WHERE d.id = ANY (fresh);
  UPDATE change c SET visible_after = {visible d} FROM media_asset d
  WHERE c.type = 'MediaAsset' AND c.txid::text = pg_current_xact_id()::text AND c.id = ANY (media) AND d.id = c.id AND c.visible_after IS DISTINCT FROM ({visible d});
  RETURN NULL;
END $body$ $$;
BEGIN
  FOREACH op IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
    EXECUTE history_says(form, 'name', 'history_media_' || op,
      'changed', CASE op WHEN 'insert' THEN 'TABLE new_rows' WHEN 'delete' THEN 'TABLE old_rows' ELSE 'TABLE old_rows UNION ALL TABLE new_rows' END,
      'links before', CASE op
        WHEN 'insert' THEN 'TABLE article_media EXCEPT TABLE new_rows'
        WHEN 'delete' THEN 'TABLE article_media UNION ALL TABLE old_rows'
        ELSE '(TABLE article_media EXCEPT TABLE new_rows) UNION ALL TABLE old_rows' END,
      'own a', history_own('Article', 'a', 'now()'), 'visible d', history_visible('MediaAsset', 'd', 'now()'));
    EXECUTE format('CREATE TRIGGER history_media_after_%1$s AFTER %1$s ON article_media REFERENCING %2$s FOR EACH STATEMENT EXECUTE FUNCTION history_media_%1$s()',
      op, concat_ws(' ', CASE WHEN op <> 'insert' THEN 'OLD TABLE AS old_rows' END, CASE WHEN op <> 'delete' THEN 'NEW TABLE AS new_rows' END));
  END LOOP;
END $do$;

-- history_sees are the keys of a type that the public may see at an instant.
CREATE FUNCTION history_sees(of text, instant timestamptz) RETURNS SETOF uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY EXECUTE format('SELECT r.id FROM %I r WHERE %s', (SELECT t.source FROM history_type t WHERE t.type = of), history_visible(of, 'r', '$1')) USING instant;
END $$;

-- ── nobody rewrites it ──

-- Only triggers change what their own transaction has written, and functions below
-- forget what is old or must be forgotten.
CREATE FUNCTION history_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('stadtgraph.history', true) = 'forget' THEN
    RETURN coalesce(NEW, OLD);
  END IF;
  IF TG_LEVEL = 'ROW' AND TG_TABLE_NAME = 'change' AND pg_trigger_depth() > 1 THEN
    IF OLD.txid = pg_current_xact_id() THEN
      RETURN coalesce(NEW, OLD);
    END IF;
  END IF;
  RAISE EXCEPTION '% is history: it cannot be changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER change_kept BEFORE UPDATE OR DELETE ON change FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER change_kept_whole BEFORE TRUNCATE ON change FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE TRIGGER revision_kept BEFORE UPDATE OR DELETE ON revision FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER revision_kept_whole BEFORE TRUNCATE ON revision FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();

-- Up to where changes were forgotten: a reader who is behind has missed some. And
-- the cluster whose transactions the rows belong to.
CREATE TABLE change_horizon (
  one     boolean PRIMARY KEY DEFAULT true CONSTRAINT change_horizon_one CHECK (one),
  txid    xid8 NOT NULL DEFAULT '0',
  seq     bigint NOT NULL DEFAULT 0,
  cluster bigint NOT NULL DEFAULT 0
);

INSERT INTO change_horizon (cluster) SELECT system_identifier FROM pg_control_system();

-- change_epoch is what cursors hold good for. Transactions are counted anew in
-- another cluster, and by a standby that took over.
CREATE FUNCTION change_epoch() RETURNS text LANGUAGE sql STABLE AS $$
SELECT left(md5(concat_ws('/', (SELECT system_identifier FROM pg_control_system()), (SELECT oid FROM pg_database WHERE datname = current_database()),
  CASE WHEN pg_is_in_recovery() THEN (SELECT lpad(upper(to_hex(timeline_id)), 8, '0') FROM pg_control_checkpoint())
    ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END)), 12)
$$;

-- history_settle takes rows that were restored from another cluster out of the
-- count of transactions, where they would stand in the way of new ones.
CREATE FUNCTION history_settle() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  here bigint := (SELECT system_identifier FROM pg_control_system());
  form text := current_setting('stadtgraph.history', true);
BEGIN
  IF (SELECT h.cluster FROM change_horizon h) = here THEN
    RETURN false;
  END IF;
  PERFORM FROM change_horizon FOR UPDATE;
  IF (SELECT h.cluster FROM change_horizon h) = here THEN
    RETURN false;
  END IF;
  PERFORM set_config('stadtgraph.history', 'forget', true);
  WITH ordered AS (SELECT c.txid, c.seq, row_number() OVER (ORDER BY c.txid, c.seq) AS place FROM change c)
  UPDATE change c SET txid = '0' FROM ordered o WHERE (c.txid, c.seq) = (o.txid, o.seq);
  PERFORM set_config('stadtgraph.history', coalesce(form, ''), true);
  UPDATE change_horizon SET cluster = here, txid = '0', seq = 0;
  RETURN true;
END $$;

-- history_forget drops changes that nobody made and that are older than one
-- instant, which only feeds need, and all that is older than another.
CREATE FUNCTION history_forget(feed timestamptz, everything timestamptz) RETURNS bigint LANGUAGE plpgsql SET statement_timeout = 0 AS $$
DECLARE
  forgotten bigint;
BEGIN
  PERFORM set_config('stadtgraph.history', 'forget', true);
  DELETE FROM revision r USING change c WHERE c.seq = r.change AND c.at < everything;
  WITH gone AS (
    DELETE FROM change c WHERE c.at < everything OR c.at < feed AND c.action IN ('VISIBILITY', 'DUE') RETURNING c.txid, c.seq
  ), last AS (SELECT txid, seq FROM gone ORDER BY txid DESC, seq DESC LIMIT 1), moved AS (
    UPDATE change_horizon h SET txid = l.txid, seq = l.seq FROM last l WHERE (h.txid, h.seq) < (l.txid, l.seq)
  ) SELECT count(*) INTO forgotten FROM gone;
  PERFORM set_config('stadtgraph.history', '', true);
  RETURN forgotten;
END $$;

-- What a comment said is gone with it when it is erased.
CREATE FUNCTION history_erase_comment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('stadtgraph.history', 'forget', true);
  DELETE FROM revision r USING change c WHERE r.change = c.seq AND c.type = 'Comment' AND c.id = NEW.id;
  PERFORM set_config('stadtgraph.history', '', true);
  RETURN NULL;
END $$;
-- By its name it comes behind the others, and deferred behind their statement.
CREATE CONSTRAINT TRIGGER history_erased AFTER UPDATE OF status ON comment DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.status = 'ERASED') EXECUTE FUNCTION history_erase_comment();

-- Whoever waits for changes is woken when they are committed.
CREATE FUNCTION change_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('stadtgraph_change', '');
  RETURN NULL;
END $$;
CREATE TRIGGER change_wakes AFTER INSERT ON change FOR EACH STATEMENT EXECUTE FUNCTION change_wake();
