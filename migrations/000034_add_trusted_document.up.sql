-- GraphQL documents that may be asked for by a name, and that run for callers without a
-- token where nothing else does. A name never comes to mean another document: clients
-- and caches rely on it.
CREATE TABLE trusted_document (
  id uuid CONSTRAINT trusted_document_pkey PRIMARY KEY,
  document_id text NOT NULL CONSTRAINT trusted_document_document_id_unique UNIQUE,
  document text NOT NULL,
  digest bytea NOT NULL, -- SHA-256 of the document, by which it is known, too
  created_at timestamptz NOT NULL DEFAULT now(),
  created_by uuid CONSTRAINT trusted_document_created_by_known REFERENCES api_token (id), -- null: by a manifest
  CONSTRAINT trusted_document_document_id_short CHECK (length(document_id) BETWEEN 1 AND 200),
  CONSTRAINT trusted_document_document_short CHECK (octet_length(document) BETWEEN 1 AND 65536),
  CONSTRAINT trusted_document_digest_complete CHECK (length(digest) = 32)
);
CREATE INDEX trusted_document_digest_idx ON trusted_document (digest);
CREATE INDEX trusted_document_created_by_idx ON trusted_document (created_by);
