DROP FUNCTION territories_permit(text[], uuid[], uuid[]);
DROP TABLE api_token;
