ALTER TABLE article_byline DROP CONSTRAINT article_byline_named, DROP COLUMN person_id,
  ADD CONSTRAINT article_byline_named CHECK (num_nonnulls(organization_id, shorthand) > 0);
DROP TABLE article_mention;
DROP TABLE person_affiliation;
DROP TABLE person;
