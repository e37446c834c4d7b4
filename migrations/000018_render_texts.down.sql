ALTER TABLE comment DROP CONSTRAINT comment_body_rendered, DROP COLUMN body_html, DROP COLUMN body_text, DROP COLUMN body_renderer;
ALTER TABLE measure DROP CONSTRAINT measure_description_rendered, DROP COLUMN description_html, DROP COLUMN description_text, DROP COLUMN description_renderer;
ALTER TABLE funding_program DROP CONSTRAINT funding_program_body_rendered, DROP COLUMN body_html, DROP COLUMN body_text, DROP COLUMN body_contents, DROP COLUMN body_excerpt, DROP COLUMN body_reading_minutes, DROP COLUMN body_renderer;
ALTER TABLE strategy DROP CONSTRAINT strategy_body_rendered, DROP COLUMN body_html, DROP COLUMN body_text, DROP COLUMN body_contents, DROP COLUMN body_excerpt, DROP COLUMN body_reading_minutes, DROP COLUMN body_renderer;
ALTER TABLE article DROP CONSTRAINT article_body_rendered, DROP COLUMN body_html, DROP COLUMN body_text, DROP COLUMN body_contents, DROP COLUMN body_excerpt, DROP COLUMN body_reading_minutes, DROP COLUMN body_renderer;
