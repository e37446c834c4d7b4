DROP TABLE article_ranking_entry;
DROP TABLE ranking_source;
DROP TABLE ranking_entry;
DROP TABLE ranking;
