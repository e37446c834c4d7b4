-- The municipalities of territories, of every level: those named by an official
-- key, present or former, and all that belong to one of them or to a state.
CREATE FUNCTION territory_members(keys text[]) RETURNS SETOF uuid
LANGUAGE sql STABLE PARALLEL SAFE ROWS 500 AS $$
WITH named AS (SELECT k.municipality_id AS id FROM municipality_key k WHERE k.key = ANY(keys))
SELECT id FROM named
UNION SELECT m.id FROM municipality m WHERE m.state_id IN (SELECT s.id FROM state s WHERE s.key = ANY(keys))
UNION SELECT m.id FROM municipality m WHERE m.government_region_id IN (TABLE named)
UNION SELECT m.id FROM municipality m WHERE m.district_id IN (TABLE named)
UNION SELECT m.id FROM municipality m WHERE m.association_id IN (TABLE named)
$$;

-- Kilometres between two points, as the crow flies: the haversine formula on a
-- sphere of the earth's mean radius (IUGG), exact to half a percent.
CREATE FUNCTION distance_km(lat1 float8, lon1 float8, lat2 float8, lon2 float8) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT 2 * 6371.0088 * asin(least(1, sqrt(sind((lat2 - lat1) / 2) ^ 2 + cosd(lat1) * cosd(lat2) * sind((lon2 - lon1) / 2) ^ 2)))
$$;

-- search_within is a query that is to be found in words of some weights alone, as in 'AB'.
CREATE FUNCTION search_within(query tsquery, weights text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT regexp_replace(query::text, $r$('(?:[^']|'')+'):?$r$, '\1:' || weights, 'g')::tsquery
$$;

-- search_any is a query for any word of another one.
CREATE FUNCTION search_any(query tsquery) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT coalesce(string_agg(m[1], ' | '), '')::tsquery FROM regexp_matches(query::text, $r$('(?:[^']|'')+')$r$, 'g') m
$$;

-- How many letters lie between two words: left out, added, mistaken for another, or
-- swapped with the next one (optimal string alignment).
CREATE FUNCTION search_distance(a text, b text) RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  x text[] := string_to_array(a, NULL);
  y text[] := string_to_array(b, NULL);
  n integer := cardinality(y);
  before2 integer[];
  before integer[];
  line integer[] := array(SELECT generate_series(0, n)); -- line[j + 1]: from the first i letters of a to the first j of b
  best integer;
BEGIN
  FOR i IN 1 .. cardinality(x) LOOP
    before2 := before;
    before := line;
    line[1] := i;
    FOR j IN 1 .. n LOOP
      best := least(before[j + 1] + 1, line[j] + 1, before[j] + (x[i] <> y[j])::integer);
      IF i > 1 AND j > 1 AND x[i] = y[j - 1] AND x[i - 1] = y[j] THEN
        best := least(best, before2[j - 1] + 1);
      END IF;
      line[j + 1] := best;
    END LOOP;
  END LOOP;
  RETURN line[n + 1];
END $$;

-- This loads the extension. A session does not know its settings before, and only a
-- superuser may name one that is unknown.
SELECT similarity('', '');

-- The word that a misspelt one, also given as a query of its own, may have meant;
-- nothing if it is a word itself, in whatever form, or if none is near. Trigrams
-- choose from all words, letters from those few. Mistakes are rarely the first
-- letter; of words just as near it is the one that is better known.
CREATE FUNCTION search_nearest(misspelt text, query tsquery) RETURNS SETOF search_word
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 1 SET pg_trgm.similarity_threshold = 0.2 AS $$
SELECT near.* FROM (
  SELECT w.* FROM search_word w
  WHERE w.word % misspelt AND length(w.word) BETWEEN length(misspelt) - 3 AND length(misspelt) + 3
    AND NOT EXISTS (SELECT FROM search_word k WHERE k.word = misspelt)
    AND NOT EXISTS (SELECT FROM search_word k WHERE k.query = search_nearest.query)
  ORDER BY similarity(w.word, misspelt) DESC, w.word LIMIT 25
) near, search_distance(near.word, misspelt) distance
WHERE distance <= CASE WHEN length(misspelt) < 4 THEN 0 WHEN length(misspelt) < 6 THEN 1 WHEN length(misspelt) < 12 THEN 2 ELSE 3 END
ORDER BY distance + (left(near.word, 1) <> left(misspelt, 1))::integer, near.fame DESC, similarity(near.word, misspelt) DESC, near.word LIMIT 1
$$;

-- search_corrected puts the misspelt words of a query right, each given as it is
-- written, folded, and as a query of its own: in the query, in what people wrote,
-- and in the folded words alone.
CREATE FUNCTION search_corrected(spellings text[], words text[], queries text[], INOUT query tsquery, INOUT wording text, INOUT named text)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
  meant search_word;
BEGIN
  FOR i IN 1 .. cardinality(words) LOOP
    SELECT * INTO meant FROM search_nearest(words[i], queries[i]::tsquery);
    IF FOUND THEN
      query := ts_rewrite(query, queries[i]::tsquery, meant.query);
      wording := regexp_replace(wording, '\m' || regexp_replace(spellings[i], '([^[:alnum:]])', '\\\1', 'g') || '\M', meant.display, 'g');
      named := regexp_replace(named, '\m' || words[i] || '\M', meant.word, 'g');
    END IF;
  END LOOP;
END $$;
