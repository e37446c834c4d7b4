-- Prefixes are looked up by an index of letters, typing mistakes by one of trigrams.
DO $$ BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
  RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = format('the extension pg_trgm is missing (%s): let an administrator run '
    'CREATE EXTENSION pg_trgm in this database, with the package postgresql-contrib installed, then migrate again', SQLERRM);
END $$;

-- What search finds: for each row of a type one document. Its vector comes ready
-- made from internal/search, analysed in the version that is kept beside it;
-- Postgres knows no German here. The keys narrow a search.
CREATE TABLE search_document (
  type             text NOT NULL, -- as in GraphQL
  id               uuid NOT NULL,
  analysis         integer NOT NULL,
  vector           tsvector NOT NULL,
  title            text NOT NULL, -- empty if rows of the type have none
  title_folded     text NOT NULL, -- as internal/german compares names
  names            tsvector NOT NULL GENERATED ALWAYS AS (ts_filter(vector, ARRAY['a', 'b']::"char"[])) STORED, -- without long texts, for ranks
  on_date          date,
  municipality_ids uuid[] NOT NULL,
  state_ids        uuid[] NOT NULL,
  topic_ids        uuid[] NOT NULL,
  PRIMARY KEY (type, id)
) PARTITION BY LIST (type);

-- New entries wait in a list until they are sorted in, many at once: directly, the
-- texts of 10,000 articles took eight times as long.
CREATE INDEX search_document_vector_idx ON search_document USING gin (vector);
-- Words of titles alone, for suggestions: a few letters are in most texts.
CREATE INDEX search_document_title_idx ON search_document USING gin (ts_filter(vector, ARRAY['a'::"char"]));
CREATE INDEX search_document_analysis_idx ON search_document (analysis);
-- A query is never known when a search is planned, so statistics of words help
-- nobody, and collecting them reads all vectors.
ALTER TABLE search_document ALTER vector SET STATISTICS 0;

-- search_document_for makes room for the documents of a type. Titles are indexed where there
-- are any.
CREATE FUNCTION search_document_for(type text, titled boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  part text := 'search_document' || lower(regexp_replace(type, '([A-Z])', '_\1', 'g'));
BEGIN
  EXECUTE format('CREATE TABLE %I PARTITION OF search_document FOR VALUES IN (%L)', part, type);
  EXECUTE format('ALTER TABLE %I ALTER vector SET STATISTICS 0', part);
  IF titled THEN
    EXECUTE format('CREATE INDEX %I ON %I (title_folded text_pattern_ops)', part || '_prefix_idx', part);
  END IF;
END $$;

SELECT search_document_for(type, type <> 'Comment') FROM unnest(ARRAY['Article', 'Strategy', 'Measure', 'FundingProgram', 'FundingCall',
  'FundingAward', 'Municipality', 'State', 'Organization', 'Person', 'Topic', 'Event', 'Ranking', 'Platform', 'Comment']) type;

-- Which documents have to be made again, or dropped. Each transaction has entries of
-- its own, so nobody waits for anybody, and what is taken from the queue was
-- committed before it was read.
CREATE TABLE search_stale (
  type text NOT NULL,
  id   uuid NOT NULL,
  txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (type, id, txid)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX search_stale_txid_idx ON search_stale (txid);

-- search_watch lets a table say which documents its changes make stale, whoever
-- writes and however many rows at once. The queries give types and ids for the
-- rows named changed: after an INSERT or DELETE those rows, after an UPDATE the
-- old and the new form of those of which one of the columns changed. The second
-- query is asked after an UPDATE only: when a row comes, nothing can refer to it yet.
--
-- EXCEPT rather than a join by id: the plan is kept, and a join that was planned
-- for one row takes for ever for a hundred thousand.
CREATE FUNCTION search_watch(source text, columns text, documents text, referring text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name text := 'search_stale_by_' || source;
BEGIN
  EXECUTE format($function$
CREATE FUNCTION %1$I() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO search_stale (type, id)
    WITH changed AS (TABLE new_rows)
    SELECT * FROM (%3$s) d (type, id) WHERE d.id IS NOT NULL
    ON CONFLICT DO NOTHING;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO search_stale (type, id)
    WITH changed AS (TABLE old_rows)
    SELECT * FROM (%3$s) d (type, id) WHERE d.id IS NOT NULL
    ON CONFLICT DO NOTHING;
  ELSE
    INSERT INTO search_stale (type, id)
    WITH changed AS (
      (SELECT %2$s FROM old_rows EXCEPT ALL SELECT %2$s FROM new_rows)
      UNION ALL
      (SELECT %2$s FROM new_rows EXCEPT ALL SELECT %2$s FROM old_rows)
    )
    SELECT * FROM (%4$s) d (type, id) WHERE d.id IS NOT NULL
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $body$ $function$, name, columns, documents, concat_ws(' UNION ALL ', documents, referring));
  EXECUTE format('CREATE TRIGGER search_stale_after_insert AFTER INSERT ON %I REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION %I()', source, name);
  EXECUTE format('CREATE TRIGGER search_stale_after_update AFTER UPDATE ON %I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION %I()', source, name);
  EXECUTE format('CREATE TRIGGER search_stale_after_delete AFTER DELETE ON %I REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION %I()', source, name);
END $$;
