DELETE FROM history_part WHERE type = 'CommentRule';
DELETE FROM history_type WHERE type = 'CommentRule';
DROP TABLE comment_rule;
DROP FUNCTION history_insert_comment_rule, history_update_comment_rule, history_delete_comment_rule, history_touch_comment_rule;
