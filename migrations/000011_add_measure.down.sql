DROP TABLE article_measure;
DROP TABLE funding_award_measure;
DROP TABLE measure_source;
DROP TABLE measure_link;
DROP TABLE measure_topic;
DROP TABLE measure_organization;
DROP TABLE measure_owner;
DROP TABLE measure;
