-- Where a fact was read. One announcement may prove many facts; each type has
-- a link table of its own.
CREATE TABLE source (
  id                     uuid PRIMARY KEY,
  publisher              text CONSTRAINT source_publisher_length CHECK (length(publisher) BETWEEN 1 AND 300),
  url                    text CONSTRAINT source_url_http CHECK (url ~ '^https?://'),
  title                  text CONSTRAINT source_title_length CHECK (length(title) BETWEEN 1 AND 500),
  published_on_start     day,
  published_on_end       day,
  published_on_precision text,
  published_on_text      text,
  retrieved_at           instant,
  verified_at            instant,
  quote                  text CONSTRAINT source_quote_length CHECK (length(quote) <= 2000),
  license                text,
  version                integer NOT NULL DEFAULT 1,
  created_at             instant NOT NULL DEFAULT now(),
  modified_at            instant NOT NULL DEFAULT now(),
  CONSTRAINT source_published_on_valid CHECK (partial_date_valid(published_on_start, published_on_end, published_on_precision, published_on_text)),
  CONSTRAINT source_says_where CHECK (num_nonnulls(publisher, url, title) > 0)
);
