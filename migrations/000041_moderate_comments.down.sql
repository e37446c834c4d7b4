UPDATE history_type SET derived = '{root_id,depth,visible,tombstone,upvotes,downvotes,body_html,body_text,body_renderer,path,thread_at,thread_rank}' WHERE type = 'Comment';
DROP FUNCTION comment_forget_versions;
DROP TRIGGER comment_beside_forgotten ON comment;
DROP FUNCTION comment_forget_beside;
DROP TABLE comment_report;
DROP FUNCTION comment_count_reports;
DROP INDEX comment_status_idx;
DROP INDEX comment_created_at_idx;
DROP INDEX comment_queue_idx;
ALTER TABLE comment DROP COLUMN open_reports, DROP COLUMN spam_reasons, DROP COLUMN spam_score, DROP COLUMN redacted_at,
  DROP COLUMN previous_status, DROP COLUMN reason_text, DROP COLUMN reason, DROP COLUMN decided_by, DROP COLUMN decided_at;
SELECT history_watch('Comment');
