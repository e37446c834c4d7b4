-- What readers get of a Markdown text is computed when it is written and stored
-- with the renderer's version. A text without its rendering is refused; rows from
-- before are marked with version 0 and rendered by the next start.
ALTER TABLE article
  ADD COLUMN body_html text,
  ADD COLUMN body_text text,
  ADD COLUMN body_contents jsonb,
  ADD COLUMN body_excerpt text,
  ADD COLUMN body_reading_minutes integer,
  ADD COLUMN body_renderer integer;
UPDATE article SET body_html = '', body_text = '', body_contents = '[]', body_excerpt = '', body_reading_minutes = 1, body_renderer = 0 WHERE body IS NOT NULL;
ALTER TABLE article ADD CONSTRAINT article_body_rendered CHECK (num_nulls(body, body_html, body_text, body_contents, body_excerpt, body_reading_minutes, body_renderer) IN (0, 7));

ALTER TABLE strategy
  ADD COLUMN body_html text,
  ADD COLUMN body_text text,
  ADD COLUMN body_contents jsonb,
  ADD COLUMN body_excerpt text,
  ADD COLUMN body_reading_minutes integer,
  ADD COLUMN body_renderer integer;
UPDATE strategy SET body_html = '', body_text = '', body_contents = '[]', body_excerpt = '', body_reading_minutes = 1, body_renderer = 0 WHERE body IS NOT NULL;
ALTER TABLE strategy ADD CONSTRAINT strategy_body_rendered CHECK (num_nulls(body, body_html, body_text, body_contents, body_excerpt, body_reading_minutes, body_renderer) IN (0, 7));

ALTER TABLE funding_program
  ADD COLUMN body_html text,
  ADD COLUMN body_text text,
  ADD COLUMN body_contents jsonb,
  ADD COLUMN body_excerpt text,
  ADD COLUMN body_reading_minutes integer,
  ADD COLUMN body_renderer integer;
UPDATE funding_program SET body_html = '', body_text = '', body_contents = '[]', body_excerpt = '', body_reading_minutes = 1, body_renderer = 0 WHERE body IS NOT NULL;
ALTER TABLE funding_program ADD CONSTRAINT funding_program_body_rendered CHECK (num_nulls(body, body_html, body_text, body_contents, body_excerpt, body_reading_minutes, body_renderer) IN (0, 7));

ALTER TABLE measure
  ADD COLUMN description_html text,
  ADD COLUMN description_text text,
  ADD COLUMN description_renderer integer;
UPDATE measure SET description_html = '', description_text = '', description_renderer = 0 WHERE description IS NOT NULL;
ALTER TABLE measure ADD CONSTRAINT measure_description_rendered CHECK (num_nulls(description, description_html, description_text, description_renderer) IN (0, 4));

ALTER TABLE comment
  ADD COLUMN body_html text,
  ADD COLUMN body_text text,
  ADD COLUMN body_renderer integer;
UPDATE comment SET body_html = '', body_text = '', body_renderer = 0 WHERE body IS NOT NULL;
ALTER TABLE comment ADD CONSTRAINT comment_body_rendered CHECK (num_nulls(body, body_html, body_text, body_renderer) IN (0, 4));

