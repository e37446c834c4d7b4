DROP TABLE trusted_document;
