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

-- The word that a misspelt one may have meant; nothing if it is a word itself.
CREATE FUNCTION search_nearest(misspelt text) RETURNS SETOF search_word
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 1 AS $$
SELECT w.* FROM search_word w
WHERE w.word % misspelt AND NOT EXISTS (SELECT FROM search_word k WHERE k.word = misspelt)
ORDER BY similarity(w.word, misspelt) DESC, abs(length(w.word) - length(misspelt)), w.word LIMIT 1
$$;

-- search_corrected replaces the misspelt words of a query, each given as a query of
-- its own, too.
CREATE FUNCTION search_corrected(query text, words text[], queries text[]) RETURNS tsquery
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
  result tsquery := query::tsquery;
  replacement tsquery;
BEGIN
  FOR i IN 1 .. cardinality(words) LOOP
    SELECT n.query INTO replacement FROM search_nearest(words[i]) n;
    IF FOUND THEN
      result := ts_rewrite(result, queries[i]::tsquery, replacement);
    END IF;
  END LOOP;
  RETURN result;
END $$;

-- search_did_you_mean is the same for people: what they wrote with each misspelt
-- word put right; null if there is nothing to put right.
CREATE FUNCTION search_did_you_mean(wording text, spellings text[], words text[]) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
  result text := wording;
  replacement text;
BEGIN
  FOR i IN 1 .. cardinality(words) LOOP
    SELECT n.display INTO replacement FROM search_nearest(words[i]) n;
    IF FOUND THEN
      result := replace(result, spellings[i], replacement);
    END IF;
  END LOOP;
  RETURN nullif(result, wording);
END $$;
