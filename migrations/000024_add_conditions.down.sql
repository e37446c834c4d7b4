DROP FUNCTION search_corrected(text[], text[], text[], tsquery, text, text);
DROP FUNCTION search_nearest(text, tsquery);
DROP FUNCTION search_distance(text, text);
DROP FUNCTION search_any(tsquery);
DROP FUNCTION search_within(tsquery, text);
DROP FUNCTION distance_km(float8, float8, float8, float8);
DROP FUNCTION territory_members(text[]);
