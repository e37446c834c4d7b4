ALTER TABLE article ADD COLUMN comment_policy_title text
  CONSTRAINT article_comment_policy_title_length CHECK (length(comment_policy_title) BETWEEN 1 AND 200);
