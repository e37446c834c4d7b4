DROP TABLE comment_note;
DROP TABLE comment;
DROP FUNCTION comment_keep_visibility();
DROP FUNCTION comment_keep_parent();
DROP FUNCTION comment_set_thread();
