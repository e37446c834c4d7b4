-- The extension stays: others may use it by now.
DROP FUNCTION search_watch(text, text, text, text);
DROP TABLE search_stale;
DROP FUNCTION search_document_for(text, boolean);
DROP TABLE search_document;
