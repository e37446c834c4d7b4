CREATE TABLE media_asset (
  id uuid PRIMARY KEY,
  url text CONSTRAINT media_asset_url_http CHECK (url ~ '^https?://'),
  mime_type text CONSTRAINT media_asset_mime_type_form CHECK (mime_type ~ '^[a-z]+/[a-z0-9.+-]+$'),
  width integer CONSTRAINT media_asset_width_positive CHECK (width > 0),
  height integer CONSTRAINT media_asset_height_positive CHECK (height > 0),
  alt_text text CONSTRAINT media_asset_alt_text_length CHECK (length(alt_text) <= 1000),
  caption text CONSTRAINT media_asset_caption_length CHECK (length(caption) <= 2000),
  credit text CONSTRAINT media_asset_credit_length CHECK (length(credit) <= 500),
  rights_holder text,
  license text,
  symbolic boolean NOT NULL DEFAULT false,
  version integer NOT NULL DEFAULT 1,
  created_at instant NOT NULL DEFAULT now(),
  modified_at instant NOT NULL DEFAULT now(),
  deleted_at instant,
  CONSTRAINT media_asset_size_whole CHECK (num_nulls(width, height) IN (0, 2))
);

CREATE TABLE article_media (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT article_media_position_positive CHECK (position > 0),
  media_id uuid NOT NULL REFERENCES media_asset,
  lead boolean NOT NULL DEFAULT false,
  caption text CONSTRAINT article_media_caption_length CHECK (length(caption) <= 2000),
  PRIMARY KEY (article_id, position),
  CONSTRAINT article_media_unique UNIQUE (media_id, article_id)
);
CREATE UNIQUE INDEX article_media_one_lead ON article_media (article_id) WHERE lead;

CREATE TABLE article_previous (
  article_id uuid NOT NULL REFERENCES article ON DELETE CASCADE,
  position integer NOT NULL CONSTRAINT article_previous_position_positive CHECK (position > 0),
  previous_id uuid NOT NULL REFERENCES article,
  CONSTRAINT article_previous_other CHECK (previous_id <> article_id),
  PRIMARY KEY (article_id, position),
  CONSTRAINT article_previous_unique UNIQUE (previous_id, article_id)
);
