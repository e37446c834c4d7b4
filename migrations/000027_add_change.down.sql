-- Triggers of the history go with their functions.
DO $$
DECLARE
  f regprocedure;
BEGIN
  FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND p.proname ^@ 'history_' LOOP
    EXECUTE format('DROP FUNCTION %s CASCADE', f);
  END LOOP;
END $$;
DROP TABLE revision, change, change_horizon, history_part, history_holder, history_type;
DROP FUNCTION change_wake();
DROP FUNCTION change_epoch();
