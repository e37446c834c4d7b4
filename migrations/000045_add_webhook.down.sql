DELETE FROM history_part WHERE type = 'Webhook';
DELETE FROM history_type WHERE type = 'Webhook';
DROP TABLE webhook_state, webhook_place, webhook_secret, webhook;
DROP FUNCTION history_insert_webhook, history_update_webhook, history_delete_webhook, history_touch_webhook;
