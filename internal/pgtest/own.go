package pgtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"stadtgraph/internal/pglocal"
	"stadtgraph/internal/postgres"
	"stadtgraph/migrations"
)

// Own starts a cluster that a test may stop, kill and fill up, and migrates its
// database. What is stopped is started again by pglocal.Start with the same
// configuration, which has a folder if c has none.
func Own(t testing.TB, c *pglocal.Config) *pglocal.Server {
	t.Helper()
	if c.DataDir == "" {
		// Not t.TempDir, which the user that Postgres runs as cannot reach.
		dir, err := os.MkdirTemp(fastFolder(), "stadtgraph-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		c.DataDir = filepath.Join(dir, "data")
	}
	s, err := pglocal.Start(t.Context(), *c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) }) // the test may have stopped it
	if _, err := postgres.Migrate(t.Context(), s.URL(pglocal.Database), migrations.FS); err != nil {
		t.Fatal(err)
	}
	return s
}
