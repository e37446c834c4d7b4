DROP TABLE article_event;
DROP TABLE strategy_participation;
DROP TABLE event_source;
DROP TABLE event_link;
DROP TABLE event_topic;
DROP TABLE event_mention;
DROP TABLE event_organization;
DROP TABLE event;
