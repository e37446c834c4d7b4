DELETE FROM former_slug WHERE type = 'platform';
ALTER TABLE former_slug DROP CONSTRAINT former_slug_type_known,
  ADD CONSTRAINT former_slug_type_known CHECK (type IN ('municipality', 'strategy', 'measure', 'funding_program', 'article',
    'organization', 'person', 'topic', 'event', 'ranking'));
DROP TABLE article_platform;
DROP TABLE platform_source;
DROP TABLE platform_state;
DROP TABLE platform;
