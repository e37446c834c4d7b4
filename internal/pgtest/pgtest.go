// Package pgtest gives a test a database of its own, or a transaction, in a
// migrated Postgres that needs no set-up.
//
//	tx := pgtest.Tx(t)                         // a transaction that is rolled back
//	pool := pgtest.DB(t)                       // an empty database, where commits matter
//	pool := pgtest.From(t, "register", "2024", load)   // a copy of what load has filled
//	pool := pgtest.Shared(t, "register", "2024", load) // one copy per process, only to read
//
// All test processes of a user share one cluster (cluster.go), and a database is
// a copy of a template that is built once per set of migrations (template.go).
// STADTGRAPH_TEST_DATABASE_URL names another server to work on, as a user who may
// create databases.
package pgtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"stadtgraph/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Seed fills a database that has been migrated.
type Seed func(ctx context.Context, pool *pgxpool.Pool) error

// DB returns a pool on a new, migrated, empty database, dropped after the test.
func DB(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return open(t, URL(t))
}

// URL is DB for a test that connects by itself.
func URL(t testing.TB) string {
	t.Helper()
	return FromURL(t, "", "", nil)
}

// From returns a pool on a new copy of a database that seed has filled, dropped
// after the test. The seed runs once, in whichever process comes first, and again
// when the migrations, name or version change: version stands for seed and its data.
func From(t testing.TB, name, version string, seed Seed) *pgxpool.Pool {
	t.Helper()
	return open(t, FromURL(t, name, version, seed))
}

// FromURL is From for a test that connects by itself.
func FromURL(t testing.TB, name, version string, seed Seed) string {
	t.Helper()
	s := connect(t)
	tpl, err := s.template(t.Context(), name, version, seed)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	database, err := s.copy(t.Context(), tpl)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.drop(ctx, database); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return s.url(database)
}

// Tx returns a transaction on an empty database that is rolled back after the
// test. The tests of a package share the database, so parallel ones wait for each
// other where they write the same unique key.
func Tx(t testing.TB) pgx.Tx {
	t.Helper()
	pool := Shared(t, "", "", nil)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		tx.Rollback(ctx) // the test may have ended it itself
	})
	return tx
}

// Shared returns a pool on a copy that all tests of this process share. They must
// not commit anything.
func Shared(t testing.TB, name, version string, seed Seed) *pgxpool.Pool {
	t.Helper()
	s := connect(t)
	key := [2]string{name, version}
	s.mu.Lock()
	once, ok := s.shared[key]
	if !ok {
		once = sync.OnceValues(func() (*pgxpool.Pool, error) { return s.share(name, version, seed) })
		s.shared[key] = once
	}
	s.mu.Unlock()
	pool, err := once()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return pool
}

// share outlives the test that comes first, so it does not use its context. Its
// database goes with the process (see server.sweep).
func (s *server) share(name, version string, seed Seed) (*pgxpool.Pool, error) {
	ctx := context.Background()
	tpl, err := s.template(ctx, name, version, seed)
	if err != nil {
		return nil, err
	}
	database, err := s.copy(ctx, tpl)
	if err != nil {
		return nil, err
	}
	// A parallel test holds a connection as long as its transaction.
	return postgres.Open(ctx, postgres.Config{URL: s.url(database), ApplicationName: "pgtest shared", MaxConns: 32})
}

// open connects and sees to it that the pool is closed before the database is
// dropped: clean-ups run last in, first out.
func open(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: url, ApplicationName: applicationName(t), MaxConns: 8})
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		closed := make(chan struct{})
		go func() { pool.Close(); close(closed) }()
		select {
		case <-closed:
		case <-time.After(5 * time.Second):
			t.Errorf("pgtest: %d connections are still in use at the end of the test: close its rows and transactions", pool.Stat().AcquiredConns())
		}
	})
	return pool
}

// applicationName lets pg_stat_activity say which test a connection belongs to.
// Postgres keeps 63 bytes of ASCII.
func applicationName(t testing.TB) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, t.Name())
	return fmt.Sprintf("%.63s", name)
}

// Settle waits until all changes of a database can be read: until no transaction is open
// that began before the last one. There may be some in databases of other tests.
func Settle(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var ready bool
		if err := pool.QueryRow(t.Context(), `SELECT NOT EXISTS (SELECT FROM change WHERE txid >= pg_snapshot_xmin(pg_current_snapshot()))`).Scan(&ready); err != nil {
			t.Fatal(err)
		}
		if ready {
			return
		}
	}
	t.Fatal("a transaction is open for too long")
}
