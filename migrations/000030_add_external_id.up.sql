-- What importers call things. An import finds by it what it wrote before.
CREATE TABLE external_id (
  type        text NOT NULL CONSTRAINT external_id_type_length CHECK (length(type) BETWEEN 1 AND 100),
  source      text NOT NULL CONSTRAINT external_id_source_length CHECK (length(source) BETWEEN 1 AND 200),
  external_id text NOT NULL CONSTRAINT external_id_external_id_length CHECK (length(external_id) BETWEEN 1 AND 500),
  id          uuid NOT NULL,
  created_at  instant NOT NULL DEFAULT now(),
  PRIMARY KEY (type, source, external_id)
);
CREATE INDEX external_id_id_idx ON external_id (id);
