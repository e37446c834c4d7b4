-- ── what falls due ──

-- Time passes without a transaction. What happens at an instant by itself is noted
-- here, once, when its change has been written: history_due.
CREATE TABLE due_event (
  kind text NOT NULL,
  id   uuid NOT NULL,
  at   timestamptz NOT NULL,
  PRIMARY KEY (kind, id, at)
);
CREATE INDEX due_event_at_idx ON due_event (at);
CREATE TABLE due_until (
  one   boolean PRIMARY KEY DEFAULT true CONSTRAINT due_until_one CHECK (one),
  until timestamptz NOT NULL DEFAULT now() -- looked for up to here
);
INSERT INTO due_until DEFAULT VALUES;
CREATE INDEX article_scheduled_idx ON article (published_at) WHERE publication_status = 'SCHEDULED';
CREATE INDEX strategy_scheduled_idx ON strategy (published_at) WHERE publication_status = 'SCHEDULED';
CREATE INDEX funding_program_scheduled_idx ON funding_program (published_at) WHERE publication_status = 'SCHEDULED';
CREATE INDEX article_comments_close_at_idx ON article (comments_close_at) WHERE comments_close_at IS NOT NULL;

-- history_due writes the changes of what has fallen due since it was last called, and
-- says of how many entries. Visibility never waits for it. Callers take turns. It looks
-- back a day further than it would have to: a transaction may have been open for long.
CREATE FUNCTION history_due() RETURNS integer LANGUAGE plpgsql AS $$
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

-- ── the queue of jobs: River v0.51.1, its migrations 1 to 8 ──
-- As they are, but for the state `pending`: one transaction cannot add a value and use it.

-- 001_create_river_migration.up.sql
CREATE TABLE river_migration(
  id bigserial PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT NOW(),
  version bigint NOT NULL,
  CONSTRAINT version CHECK (version >= 1)
);

CREATE UNIQUE INDEX ON river_migration USING btree(version);

-- 002_initial_schema.up.sql
CREATE TYPE river_job_state AS ENUM(
  'available',
  'cancelled',
  'completed',
  'discarded',
  'pending',
  'retryable',
  'running',
  'scheduled'
);

CREATE TABLE river_job(
  -- 8 bytes
  id bigserial PRIMARY KEY,

  -- 8 bytes (4 bytes + 2 bytes + 2 bytes)
  --
  -- `state` is kept near the top of the table for operator convenience -- when
  -- looking at jobs with `SELECT *` it'll appear first after ID. The other two
  -- fields aren't as important but are kept adjacent to `state` for alignment
  -- to get an 8-byte block.
  state river_job_state NOT NULL DEFAULT 'available',
  attempt smallint NOT NULL DEFAULT 0,
  max_attempts smallint NOT NULL,

  -- 8 bytes each (no alignment needed)
  attempted_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT NOW(),
  finalized_at timestamptz,
  scheduled_at timestamptz NOT NULL DEFAULT NOW(),

  -- 2 bytes (some wasted padding probably)
  priority smallint NOT NULL DEFAULT 1,

  -- types stored out-of-band
  args jsonb,
  attempted_by text[],
  errors jsonb[],
  kind text NOT NULL,
  metadata jsonb NOT NULL DEFAULT '{}',
  queue text NOT NULL DEFAULT 'default',
  tags varchar(255)[],

  CONSTRAINT finalized_or_finalized_at_null CHECK ((state IN ('cancelled', 'completed', 'discarded') AND finalized_at IS NOT NULL) OR finalized_at IS NULL),
  CONSTRAINT max_attempts_is_positive CHECK (max_attempts > 0),
  CONSTRAINT priority_in_range CHECK (priority >= 1 AND priority <= 4),
  CONSTRAINT queue_length CHECK (char_length(queue) > 0 AND char_length(queue) < 128),
  CONSTRAINT kind_length CHECK (char_length(kind) > 0 AND char_length(kind) < 128)
);

-- We may want to consider adding another property here after `kind` if it seems
-- like it'd be useful for something.
CREATE INDEX river_job_kind ON river_job USING btree(kind);

CREATE INDEX river_job_state_and_finalized_at_index ON river_job USING btree(state, finalized_at) WHERE finalized_at IS NOT NULL;

CREATE INDEX river_job_prioritized_fetching_index ON river_job USING btree(state, queue, priority, scheduled_at, id);

CREATE INDEX river_job_args_index ON river_job USING GIN(args);

CREATE INDEX river_job_metadata_index ON river_job USING GIN(metadata);

CREATE OR REPLACE FUNCTION river_job_notify()
  RETURNS TRIGGER
  AS $$
DECLARE
  payload json;
BEGIN
  IF NEW.state = 'available' THEN
    -- Notify will coalesce duplicate notifications within a transaction, so
    -- keep these payloads generalized:
    payload = json_build_object('queue', NEW.queue);
    PERFORM
      pg_notify('river_insert', payload::text);
  END IF;
  RETURN NULL;
END;
$$
LANGUAGE plpgsql;

CREATE TRIGGER river_notify
  AFTER INSERT ON river_job
  FOR EACH ROW
  EXECUTE PROCEDURE river_job_notify();

CREATE UNLOGGED TABLE river_leader(
    -- 8 bytes each (no alignment needed)
    elected_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,

    -- types stored out-of-band
    leader_id text NOT NULL,
    name text PRIMARY KEY,

    CONSTRAINT name_length CHECK (char_length(name) > 0 AND char_length(name) < 128),
    CONSTRAINT leader_id_length CHECK (char_length(leader_id) > 0 AND char_length(leader_id) < 128)
);

-- 003_river_job_tags_non_null.up.sql
ALTER TABLE river_job ALTER COLUMN tags SET DEFAULT '{}';
UPDATE river_job SET tags = '{}' WHERE tags IS NULL;
ALTER TABLE river_job ALTER COLUMN tags SET NOT NULL;

-- 004_pending_and_more.up.sql
-- The args column never had a NOT NULL constraint or default value at the
-- database level, though we tried to ensure one at the application level.
ALTER TABLE river_job ALTER COLUMN args SET DEFAULT '{}';
UPDATE river_job SET args = '{}' WHERE args IS NULL;
ALTER TABLE river_job ALTER COLUMN args SET NOT NULL;
ALTER TABLE river_job ALTER COLUMN args DROP DEFAULT;

-- The metadata column never had a NOT NULL constraint or default value at the
-- database level, though we tried to ensure one at the application level.
ALTER TABLE river_job ALTER COLUMN metadata SET DEFAULT '{}';
UPDATE river_job SET metadata = '{}' WHERE metadata IS NULL;
ALTER TABLE river_job ALTER COLUMN metadata SET NOT NULL;

-- The 'pending' job state will be used for upcoming functionality:

ALTER TABLE river_job DROP CONSTRAINT finalized_or_finalized_at_null;
ALTER TABLE river_job ADD CONSTRAINT finalized_or_finalized_at_null CHECK (
    (finalized_at IS NULL AND state NOT IN ('cancelled', 'completed', 'discarded')) OR
    (finalized_at IS NOT NULL AND state IN ('cancelled', 'completed', 'discarded'))
);

DROP TRIGGER river_notify ON river_job;
DROP FUNCTION river_job_notify;

--
-- Create table `river_queue`.
--

CREATE TABLE river_queue (
    name text PRIMARY KEY NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    metadata jsonb NOT NULL DEFAULT '{}' ::jsonb,
    paused_at timestamptz,
    updated_at timestamptz NOT NULL
);

--
-- Alter `river_leader` to add a default value of 'default` to `name`.
--

ALTER TABLE river_leader
    ALTER COLUMN name SET DEFAULT 'default',
    DROP CONSTRAINT name_length,
    ADD CONSTRAINT name_length CHECK (name = 'default');

-- 005_migration_unique_client.up.sql
--
-- Rebuild the migration table so it's based on `(line, version)`.
--

DO
$body$
BEGIN
    -- Tolerate users who may be using their own migration system rather than
    -- River's. If they are, they will have skipped version 001 containing
    -- `CREATE TABLE river_migration`, so this table won't exist.
    IF (SELECT to_regclass('river_migration') IS NOT NULL) THEN
        ALTER TABLE river_migration
            RENAME TO river_migration_old;

        CREATE TABLE river_migration(
            line TEXT NOT NULL,
            version bigint NOT NULL,
            created_at timestamptz NOT NULL DEFAULT NOW(),
            CONSTRAINT line_length CHECK (char_length(line) > 0 AND char_length(line) < 128),
            CONSTRAINT version_gte_1 CHECK (version >= 1),
            PRIMARY KEY (line, version)
        );

        INSERT INTO river_migration
            (created_at, line, version)
        SELECT created_at, 'main', version
        FROM river_migration_old;

        DROP TABLE river_migration_old;
    END IF;
END;
$body$
LANGUAGE 'plpgsql'; 

--
-- Add `river_job.unique_key` and bring up an index on it.
--

-- These statements use `IF NOT EXISTS` to allow users with a `river_job` table
-- of non-trivial size to build the index `CONCURRENTLY` out of band of this
-- migration, then follow by completing the migration.
ALTER TABLE river_job
    ADD COLUMN IF NOT EXISTS unique_key bytea;

CREATE UNIQUE INDEX IF NOT EXISTS river_job_kind_unique_key_idx ON river_job (kind, unique_key) WHERE unique_key IS NOT NULL;

--
-- Create `river_client` and derivative.
--
-- This feature hasn't quite yet been implemented, but we're taking advantage of
-- the migration to add the schema early so that we can add it later without an
-- additional migration.
--

CREATE UNLOGGED TABLE river_client (
    id text PRIMARY KEY NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    metadata jsonb NOT NULL DEFAULT '{}',
    paused_at timestamptz,
    updated_at timestamptz NOT NULL,
    CONSTRAINT name_length CHECK (char_length(id) > 0 AND char_length(id) < 128)
);

-- Differs from `river_queue` in that it tracks the queue state for a particular
-- active client.
CREATE UNLOGGED TABLE river_client_queue (
    river_client_id text NOT NULL REFERENCES river_client (id) ON DELETE CASCADE,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    max_workers bigint NOT NULL DEFAULT 0,
    metadata jsonb NOT NULL DEFAULT '{}',
    num_jobs_completed bigint NOT NULL DEFAULT 0,
    num_jobs_running bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (river_client_id, name),
    CONSTRAINT name_length CHECK (char_length(name) > 0 AND char_length(name) < 128),
    CONSTRAINT num_jobs_completed_zero_or_positive CHECK (num_jobs_completed >= 0),
    CONSTRAINT num_jobs_running_zero_or_positive CHECK (num_jobs_running >= 0)
);

-- 006_bulk_unique.up.sql
CREATE OR REPLACE FUNCTION river_job_state_in_bitmask(bitmask BIT(8), state river_job_state)
RETURNS boolean
LANGUAGE SQL
IMMUTABLE
AS $$
    SELECT CASE state
        WHEN 'available' THEN get_bit(bitmask, 7)
        WHEN 'cancelled' THEN get_bit(bitmask, 6)
        WHEN 'completed' THEN get_bit(bitmask, 5)
        WHEN 'discarded' THEN get_bit(bitmask, 4)
        WHEN 'pending'   THEN get_bit(bitmask, 3)
        WHEN 'retryable' THEN get_bit(bitmask, 2)
        WHEN 'running'   THEN get_bit(bitmask, 1)
        WHEN 'scheduled' THEN get_bit(bitmask, 0)
        ELSE 0
    END = 1;
$$;

--
-- Add `river_job.unique_states` and bring up an index on it.
--
-- This column may exist already if users manually created the column and index
-- as instructed in the changelog so the index could be created `CONCURRENTLY`.
--
ALTER TABLE river_job ADD COLUMN IF NOT EXISTS unique_states BIT(8);

-- This statement uses `IF NOT EXISTS` to allow users with a `river_job` table
-- of non-trivial size to build the index `CONCURRENTLY` out of band of this
-- migration, then follow by completing the migration.
CREATE UNIQUE INDEX IF NOT EXISTS river_job_unique_idx ON river_job (unique_key)
    WHERE unique_key IS NOT NULL
      AND unique_states IS NOT NULL
      AND river_job_state_in_bitmask(unique_states, state);

-- Remove the old unique index. Users who are actively using the unique jobs
-- feature and who wish to avoid deploy downtime may want od drop this in a
-- subsequent migration once all jobs using the old unique system have been
-- completed (i.e. no more rows with non-null unique_key and null
-- unique_states).
DROP INDEX river_job_kind_unique_key_idx;

-- 007_notification_outbox_sqlite_jsonb_and_sql_cleanup.up.sql
--
-- Notification outbox.
--

CREATE TABLE river_notification (
    id bigserial PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (length(topic) > 0 AND length(topic) < 128)
);

CREATE INDEX river_notification_created_at_idx ON river_notification (created_at);
CREATE INDEX river_notification_topic_id_idx ON river_notification (topic, id);

--
-- SQLite JSONB conversion.
--
-- No-op. Postgres already stores River JSON columns as jsonb.

--
-- SQL cleanup.
--

--
-- Drop unused tables `river_client` and `river_client_queue`.
--

DROP TABLE river_client_queue;
DROP TABLE river_client;

--
-- Adds `DEFAULT 25` to `river_job.max_attempts`.
--

ALTER TABLE river_job
    ALTER COLUMN max_attempts SET DEFAULT 25;

--
-- Changes `river_queue.updated_at` to have a default of `CURRENT_TIMESTAMP`.
--

ALTER TABLE river_queue
    ALTER COLUMN updated_at SET DEFAULT CURRENT_TIMESTAMP;

-- 008_job_id_autoincrement.up.sql
-- No-op. Postgres sequences already prevent automatically generated job IDs
-- from being reused.
SELECT 1;

INSERT INTO river_migration (line, version) SELECT 'main', v FROM generate_series(1, 8) v ON CONFLICT DO NOTHING;
