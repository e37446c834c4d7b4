DROP FUNCTION history_restore(text, uuid, integer, jsonb);
DROP INDEX change_at_idx, change_token_idx, change_id_idx;
DROP VIEW recorded_change;
DROP FUNCTION revision_changes(text, uuid, integer, integer);
DROP FUNCTION history_told(text, text, jsonb);
DROP FUNCTION global_id(text, uuid);
DROP FUNCTION revision_state(text, uuid, integer);
DROP FUNCTION history_known(text, uuid, integer);
DROP FUNCTION history_rows(text, uuid, integer);
