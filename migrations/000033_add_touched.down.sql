DROP TABLE purge_cursor;
DROP FUNCTION next_due(timestamptz);
DROP FUNCTION touched_forget(timestamptz);
DROP FUNCTION touch_objects(text);
DROP FUNCTION touch_watch(text, text);
DROP FUNCTION touch_unnoted() CASCADE;
DROP FUNCTION touch() CASCADE;
DROP TABLE touched;
