-- How one unit became another: a new key, a merger, a part that went elsewhere.
-- A unit that was re-keyed stays itself; one that was dissolved keeps its row.
CREATE TABLE territorial_change (
  id uuid PRIMARY KEY,
  kind text NOT NULL CONSTRAINT territorial_change_kind_known CHECK (kind IN ('REKEYED', 'MERGED', 'SPLIT', 'INCORPORATED')),
  effective_on_start day,
  effective_on_end day,
  effective_on_precision text,
  effective_on_text text,
  predecessor_id uuid NOT NULL REFERENCES municipality,
  successor_id uuid REFERENCES municipality,
  former_key text,
  former_name text,
  note text,
  version integer NOT NULL DEFAULT 1,
  created_at instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  CONSTRAINT territorial_change_effective_on_valid CHECK (partial_date_valid(effective_on_start, effective_on_end, effective_on_precision, effective_on_text)),
  CONSTRAINT territorial_change_rekeyed_itself CHECK ((kind = 'REKEYED') = (predecessor_id IS NOT DISTINCT FROM successor_id)),
  CONSTRAINT territorial_change_unique UNIQUE NULLS NOT DISTINCT (predecessor_id, successor_id, former_key)
);
CREATE INDEX territorial_change_successor_idx ON territorial_change (successor_id);

CREATE TABLE territorial_change_source (
  change_id uuid NOT NULL REFERENCES territorial_change ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT territorial_change_source_position_positive CHECK (position > 0),
  source_id uuid NOT NULL REFERENCES source,
  PRIMARY KEY (change_id, position),
  CONSTRAINT territorial_change_source_unique UNIQUE (source_id, change_id)
);

ALTER TABLE municipality_key ADD COLUMN former boolean NOT NULL DEFAULT false;

-- Names that a unit had before, also where its key stayed.
CREATE TABLE municipality_former_name (
  municipality_id uuid NOT NULL REFERENCES municipality ON DELETE CASCADE,
  name text NOT NULL CONSTRAINT municipality_former_name_length CHECK (length(name) BETWEEN 1 AND 200),
  last_seen_on day,
  PRIMARY KEY (municipality_id, name)
);

-- Which one is meant where names repeat, as in "Neuenkirchen (Kreis Steinfurt)".
-- The register's import sets it; the name alone is the least it can be.
ALTER TABLE municipality ADD COLUMN label text;
UPDATE municipality SET label = name;
ALTER TABLE municipality ALTER COLUMN label SET NOT NULL,
  ADD CONSTRAINT municipality_label_length CHECK (length(label) BETWEEN 1 AND 400);
CREATE FUNCTION municipality_set_label() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.label := coalesce(NEW.label, NEW.name);
  RETURN NEW;
END $$;
CREATE TRIGGER municipality_label_set BEFORE INSERT ON municipality FOR EACH ROW EXECUTE FUNCTION municipality_set_label();
