DROP TABLE article_previous;
DROP TABLE article_media;
DROP TABLE media_asset;
