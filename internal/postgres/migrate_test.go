package postgres_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/postgres"
	"stadtgraph/migrations"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// files makes migrations from pairs of name and text.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

var three = files(
	"000001_add_town.up.sql", `CREATE TABLE town (name text NOT NULL); INSERT INTO town SELECT n::text FROM generate_series(1, 1000) n`,
	"000001_add_town.down.sql", `DROP TABLE town`,
	"000002_index_town.up.sql", `CREATE INDEX CONCURRENTLY town_name ON town (name)`,
	"000002_index_town.down.sql", `DROP INDEX town_name`,
	"000005_add_river.up.sql", `CREATE TABLE river (name text NOT NULL)`,
	"000005_add_river.down.sql", `DROP TABLE river`,
)

// emptyURL leads to a schema without migrations in a database of its own.
func emptyURL(t *testing.T) string {
	t.Helper()
	url := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `CREATE SCHEMA empty`); err != nil {
		t.Fatal(err)
	}
	return url + "&search_path=empty"
}

func readSchema(t *testing.T, url string, migrations fs.FS) postgres.Schema {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	s, err := postgres.ReadSchema(t.Context(), conn, migrations)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMigrateUpDownForce(t *testing.T) {
	t.Parallel()
	ctx, url := t.Context(), emptyURL(t)

	s := readSchema(t, url, three)
	if s.Version != 0 || s.Latest != 5 || len(s.Applied) != 0 || len(s.Pending) != 3 || s.Current() || s.Pending[0].String() != "000001_add_town" {
		t.Errorf("before: got %+v", s)
	}
	check := func(step string, got postgres.Schema, err error, version uint, pending int) {
		t.Helper()
		if err != nil || got.Version != version || len(got.Pending) != pending || got.Dirty {
			t.Fatalf("%s: got %+v, %v, want version %d with %d pending", step, got, err, version, pending)
		}
	}
	s, err := postgres.Migrate(ctx, url, three)
	check("up", s, err, 5, 0)
	s, err = postgres.Migrate(ctx, url, three)
	check("up again", s, err, 5, 0)
	s, err = postgres.MigrateDown(ctx, url, three, 2)
	check("down 2", s, err, 1, 2)
	for _, steps := range []int{-1, 0, 2} {
		if _, err := postgres.MigrateDown(ctx, url, three, steps); err == nil || !strings.Contains(err.Error(), "1 migrations are applied: choose from 1 to 1") {
			t.Errorf("down %d: got %v", steps, err)
		}
	}
	s, err = postgres.MigrateDown(ctx, url, three, 1)
	check("down to nothing", s, err, 0, 3)
	s, err = postgres.Migrate(ctx, url, three)
	check("up from nothing", s, err, 5, 0)
	s, err = postgres.MigrateForce(ctx, url, three, 2)
	check("force 2", s, err, 2, 1)
	s, err = postgres.MigrateForce(ctx, url, three, 0)
	check("force 0", s, err, 0, 3)
	if _, err = postgres.MigrateForce(ctx, url, three, 3); err == nil || !strings.Contains(err.Error(), "no migration 3") {
		t.Errorf("force 3: got %v", err)
	}
}

func TestMigrateDirty(t *testing.T) {
	t.Parallel()
	ctx, url := t.Context(), emptyURL(t)
	broken := files(
		"000001_add_town.up.sql", "CREATE TABLE town (name text)",
		"000002_spoil.up.sql", "CREATE TABLE spoilt ();\nINSERT INTO missing VALUES (1)",
	)
	s, err := postgres.Migrate(ctx, url, broken)
	if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), `version 2 failed in line 2: ERROR: relation "missing" does not exist`) {
		t.Errorf("first: got %v", err)
	}
	if !s.Dirty || s.Version != 2 {
		t.Errorf("got %+v, want dirty at 2", s)
	}

	for name, again := range map[string]func() (postgres.Schema, error){
		"up":   func() (postgres.Schema, error) { return postgres.Migrate(ctx, url, broken) },
		"down": func() (postgres.Schema, error) { return postgres.MigrateDown(ctx, url, broken, 1) },
	} {
		_, err = again()
		var dirty *postgres.DirtyError
		if !errors.As(err, &dirty) || dirty.Version != 2 || dirty.Before != 1 {
			t.Errorf("%s: got %v, want a DirtyError at 2 after 1", name, err)
		}
	}

	mended := files("000001_add_town.up.sql", "", "000002_spoil.up.sql", "CREATE TABLE spoilt ()")
	if _, err := postgres.MigrateForce(ctx, url, mended, 1); err != nil {
		t.Fatal(err)
	}
	if s, err := postgres.Migrate(ctx, url, mended); err != nil || s.Version != 2 || !s.Current() {
		t.Errorf("mended: got %+v, %v", s, err)
	}
}

func TestMigrateDatabaseNewerThanBinary(t *testing.T) {
	t.Parallel()
	ctx, url := t.Context(), emptyURL(t)
	if _, err := postgres.Migrate(ctx, url, three); err != nil {
		t.Fatal(err)
	}
	older := files("000001_add_town.up.sql", "", "000001_add_town.down.sql", "")
	s, err := postgres.Migrate(ctx, url, older)
	if err != nil || !s.Newer() || !s.Current() || s.Version != 5 || s.Latest != 1 {
		t.Errorf("up: got %+v, %v, want newer and fit for serving", s, err)
	}
	if _, err = postgres.MigrateDown(ctx, url, older, 1); err == nil || !strings.Contains(err.Error(), "newer binary") {
		t.Errorf("down: got %v", err)
	}
}

// Without our lock, 17 of 20 such calls failed with a deadlock (postgres.md).
func TestMigrateConcurrently(t *testing.T) {
	t.Parallel()
	for range 3 {
		url := emptyURL(t)
		var group errgroup.Group
		for range 6 {
			group.Go(func() error {
				s, err := postgres.Migrate(t.Context(), url, three)
				if err == nil && (s.Version != 5 || !s.Current()) {
					return errors.New("not current")
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
	}
}

func TestMigrateCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	url := emptyURL(t)
	slow := files("000001_slow.up.sql", `SELECT pg_sleep(1)`, "000002_never.up.sql", `SELECT 1/0`)

	first, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := postgres.Migrate(first, url, slow)
		done <- err
	}()
	time.Sleep(300 * time.Millisecond)

	waiting, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := postgres.Migrate(waiting, url, slow)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 500*time.Millisecond {
		t.Errorf("waiter: got %v after %v, want an end with the context", err, time.Since(start))
	}

	// The one that runs finishes its file, and begins no other.
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("first: got %v, want cancelled", err)
	}
	if s := readSchema(t, url, slow); s.Dirty || s.Version != 1 {
		t.Errorf("got %+v, want clean at 1", s)
	}
}

// A timeout in the URL is meant for queries.
func TestMigrateIgnoresStatementTimeout(t *testing.T) {
	t.Parallel()
	url := emptyURL(t) + "&statement_timeout=50"
	if _, err := postgres.Migrate(t.Context(), url, files("000001_slow.up.sql", `SELECT pg_sleep(0.2)`)); err != nil {
		t.Error(err)
	}
}

func TestEmbeddedMigrationsAreCurrent(t *testing.T) {
	t.Parallel()
	if s := readSchema(t, pgtest.URL(t), migrations.FS); !s.Current() || s.Newer() || s.Version != s.Latest {
		t.Errorf("got %+v, want a template that is current", s)
	}
}
