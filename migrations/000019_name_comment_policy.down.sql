ALTER TABLE article DROP COLUMN comment_policy_title;
