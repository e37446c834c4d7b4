DROP FUNCTION history_due();
DROP INDEX article_scheduled_idx, strategy_scheduled_idx, funding_program_scheduled_idx, article_comments_close_at_idx;
DROP TABLE due_until, due_event;

DROP TABLE river_job, river_leader, river_queue, river_migration, river_notification;
DROP FUNCTION river_job_state_in_bitmask(bit, river_job_state);
DROP TYPE river_job_state;
