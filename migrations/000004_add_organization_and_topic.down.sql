DROP TABLE topic;
DROP TABLE organization;
