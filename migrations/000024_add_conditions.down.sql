DROP FUNCTION search_did_you_mean(text, text[], text[]);
DROP FUNCTION search_corrected(text, text[], text[]);
DROP FUNCTION search_nearest(text);
DROP FUNCTION distance_km(float8, float8, float8, float8);
DROP FUNCTION territory_members(text[]);
