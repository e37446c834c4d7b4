package job_test

import (
	"io/fs"
	"testing"

	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/postgres"
	"stadtgraph/migrations"
)

// History and jobs go without a trace, and come again.
func TestDownAndUp(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	steps, err := fs.Glob(migrations.FS, "*.up.sql")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := postgres.MigrateDown(t.Context(), url, migrations.FS, len(steps)-26) // to before the history
	if err != nil {
		t.Fatal(err)
	}
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: url, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	var left int
	if err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_proc p WHERE p.proname ~ '^(history|river|change|revision)_')
		+ (SELECT count(*) FROM pg_class c WHERE c.relname ~ '^(history|river|due|change|revision|recorded)(_|$)')
		+ (SELECT count(*) FROM pg_type y WHERE y.typname ~ '^river') + (SELECT count(*) FROM pg_trigger g WHERE g.tgname ^@ 'history_')`).Scan(&left); err != nil || left > 0 {
		t.Errorf("%d things are left at version %d (%v)", left, schema.Version, err)
	}
	run(t, pool, `INSERT INTO organization (id, slug, name, kind) VALUES (`+id(1)+`, 'o', 'O', 'OTHER')`)
	pool.Close()
	if _, err := postgres.Migrate(t.Context(), url, migrations.FS); err != nil {
		t.Fatal(err)
	}
}
