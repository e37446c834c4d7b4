-- What was loaded, as of when, and how to credit it.
CREATE TABLE dataset (
  name        text PRIMARY KEY,
  as_of       day,
  attribution text NOT NULL,
  license     text NOT NULL,
  url         text,
  loaded_at   instant NOT NULL DEFAULT now()
);
