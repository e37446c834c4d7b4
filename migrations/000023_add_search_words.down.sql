DROP TABLE search_word;
DROP FUNCTION search_query(text);
DROP TABLE search_rewrite;
DROP TABLE search_synonym;
