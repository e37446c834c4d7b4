CREATE TABLE ranking (
  id uuid PRIMARY KEY,
  slug text NOT NULL CONSTRAINT ranking_slug_unique UNIQUE,
  name text NOT NULL CONSTRAINT ranking_name_length CHECK (length(name) BETWEEN 1 AND 300),
  edition integer CONSTRAINT ranking_edition_range CHECK (edition BETWEEN 1990 AND 2200),
  category text,
  publisher_id uuid REFERENCES organization,
  participant_count integer CONSTRAINT ranking_participant_count_positive CHECK (participant_count > 0),
  url text CONSTRAINT ranking_url_http CHECK (url ~ '^https?://'),
  version integer NOT NULL DEFAULT 1,
  created_at instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  deleted_at instant,
  CONSTRAINT ranking_edition_unique UNIQUE NULLS NOT DISTINCT (name, edition, category)
);
CREATE INDEX ranking_name_idx ON ranking (name COLLATE "de-x-icu", id);

CREATE TABLE ranking_entry (
  id uuid PRIMARY KEY,
  ranking_id uuid NOT NULL REFERENCES ranking,
  municipality_id uuid NOT NULL REFERENCES municipality,
  rank integer CONSTRAINT ranking_entry_rank_positive CHECK (rank > 0),
  previous_rank integer CONSTRAINT ranking_entry_previous_rank_positive CHECK (previous_rank > 0),
  score numeric(10, 2) CONSTRAINT ranking_entry_score_finite CHECK (score <> 'NaN'),
  max_score numeric(10, 2) CONSTRAINT ranking_entry_max_score_finite CHECK (max_score <> 'NaN'),
  note text CONSTRAINT ranking_entry_note_length CHECK (length(note) <= 1000),
  version integer NOT NULL DEFAULT 1,
  created_at instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  CONSTRAINT ranking_entry_municipality_unique UNIQUE (municipality_id, ranking_id),
  CONSTRAINT ranking_entry_score_within CHECK (score <= max_score)
);
CREATE INDEX ranking_entry_rank_idx ON ranking_entry (ranking_id, rank, id);

CREATE TABLE ranking_source (
  ranking_id uuid NOT NULL REFERENCES ranking ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT ranking_source_position_positive CHECK (position > 0),
  source_id uuid NOT NULL REFERENCES source,
  PRIMARY KEY (ranking_id, position),
  CONSTRAINT ranking_source_unique UNIQUE (source_id, ranking_id)
);

CREATE TABLE article_ranking_entry (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  entry_id uuid NOT NULL REFERENCES ranking_entry,
  PRIMARY KEY (article_id, entry_id)
);
CREATE INDEX article_ranking_entry_entry_idx ON article_ranking_entry (entry_id);
