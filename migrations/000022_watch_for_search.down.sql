-- Each function takes its three triggers along.
DO $$
DECLARE
  f regprocedure;
BEGIN
  FOR f IN SELECT p.oid FROM pg_proc p
    WHERE p.pronamespace = current_schema::regnamespace AND p.proname LIKE 'search\_stale\_by\_%'
  LOOP
    EXECUTE format('DROP FUNCTION %s CASCADE', f);
  END LOOP;
END $$;
TRUNCATE search_stale, search_document;
