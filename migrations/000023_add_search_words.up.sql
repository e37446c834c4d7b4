-- What people call the same thing: whoever looks for a term finds what the
-- expansions find as well. The shipped ones are kept by internal/search, edited ones
-- are left alone.
CREATE TABLE search_synonym (
  term       text PRIMARY KEY CONSTRAINT search_synonym_term_length CHECK (length(term) BETWEEN 1 AND 200),
  expansions text[] NOT NULL CONSTRAINT search_synonym_expansions_whole CHECK (cardinality(expansions) > 0 AND array_position(expansions, NULL) IS NULL),
  origin     text NOT NULL DEFAULT 'EDITED' CONSTRAINT search_synonym_origin_known CHECK (origin IN ('SHIPPED', 'EDITED'))
);

-- The same for Postgres, made from all synonyms together: in a query, target is
-- replaced by substitute, in the order of place.
CREATE TABLE search_rewrite (
  place      integer PRIMARY KEY,
  target     tsquery NOT NULL,
  substitute tsquery NOT NULL
);

-- search_query reads a query in the form of internal/german and adds what is
-- called the same. In (SELECT search_query($1)) it runs once per statement.
-- Only what the query holds can be replaced: looking at all takes three times as long.
CREATE FUNCTION search_query(query text) RETURNS tsquery
LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED AS $$
SELECT ts_rewrite(query::tsquery, format('SELECT target, substitute FROM search_rewrite WHERE target <@ %L ORDER BY place', query))
$$;

-- The words that a misspelt one may have meant, folded, and as they are written.
-- Public facts only: the German lexicon and names of the register, of topics,
-- organizations, people and so on. Never words of texts, which may be drafts.
CREATE TABLE search_word (
  word     text PRIMARY KEY,
  display  text NOT NULL,
  query    tsquery NOT NULL, -- what looks for it
  fame     real NOT NULL CONSTRAINT search_word_fame_share CHECK (fame BETWEEN 0 AND 1), -- how likely it is meant
  origin   text NOT NULL CONSTRAINT search_word_origin_known CHECK (origin IN ('LEXICON', 'NAME')),
  analysis integer NOT NULL -- version of the query
);
CREATE INDEX search_word_query_idx ON search_word (query);
CREATE INDEX search_word_trigram_idx ON search_word USING gin (word gin_trgm_ops);
