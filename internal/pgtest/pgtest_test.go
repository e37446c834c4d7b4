package pgtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func exec1(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func query1[T any](t *testing.T, pool *pgxpool.Pool, sql string) (value T) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestDBIsMigratedAndIsolated(t *testing.T) {
	t.Parallel()
	a, b := DB(t), DB(t)
	exec1(t, a, `CREATE TABLE mine ()`)
	if got := query1[bool](t, b, `SELECT to_regclass('mine') IS NULL AND to_regclass('schema_migrations') IS NOT NULL`); !got {
		t.Error("want a migrated database without the table of the other test")
	}
	if got := query1[string](t, a, `SELECT current_setting('application_name')`); got != t.Name() {
		t.Errorf("application_name: got %q", got)
	}
}

func TestDBIsDroppedAfterTheTest(t *testing.T) { //nolint:tparallel // the inner test ends first
	t.Parallel()
	var name string
	t.Run("inner", func(t *testing.T) {
		pool := DB(t)
		name = query1[string](t, pool, `SELECT current_database()`)
	})
	var n int
	err := connect(t).admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_database WHERE datname = $1`, name).Scan(&n)
	if err != nil || n != 0 {
		t.Errorf("%s: got %d, %v, want it dropped", name, n, err)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	for i := range 24 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			pool := DB(t)
			exec1(t, pool, fmt.Sprintf(`CREATE TABLE mine AS SELECT %d AS n`, i))
			if got := query1[int](t, pool, `SELECT n FROM mine`); got != i {
				t.Errorf("got %d, want %d", got, i)
			}
		})
	}
}

func TestTxRollsBack(t *testing.T) { //nolint:tparallel // one after the other
	t.Parallel()
	for range 3 {
		t.Run("", func(t *testing.T) {
			tx := Tx(t)
			if _, err := tx.Exec(t.Context(), `CREATE TABLE only_once ()`); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("ended by the test", func(t *testing.T) {
		if err := Tx(t).Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("broken by the test", func(t *testing.T) {
		if _, err := Tx(t).Exec(t.Context(), `nonsense`); err == nil {
			t.Error("want an error")
		}
	})
}

func TestFromSeedsOnce(t *testing.T) { //nolint:tparallel // the inner tests end first
	t.Parallel()
	version := time.Now().String() // the cluster may know yesterday's
	var seeded atomic.Int32
	seed := func(ctx context.Context, pool *pgxpool.Pool) error {
		seeded.Add(1)
		_, err := pool.Exec(ctx, `CREATE TABLE seeded AS SELECT n FROM generate_series(1, 1000) n`)
		return err
	}
	t.Run("copies", func(t *testing.T) {
		for range 8 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				pool := From(t, "numbers", version, seed)
				exec1(t, pool, `DELETE FROM seeded WHERE n = 1`)
				if got := query1[int](t, pool, `SELECT count(*) FROM seeded`); got != 999 {
					t.Errorf("got %d rows, want a copy of our own", got)
				}
				if got := query1[float64](t, pool, `SELECT reltuples::float8 FROM pg_class WHERE relname = 'seeded'`); got != 1000 {
					t.Errorf("got an estimate of %v rows, want statistics", got)
				}
			})
		}
	})
	if a, b := Shared(t, "numbers", version, seed), Shared(t, "numbers", version, seed); a != b || query1[int](t, a, `SELECT count(*) FROM seeded`) != 1000 {
		t.Error("want the same pool on an untouched copy")
	}
	if got := seeded.Load(); got != 1 {
		t.Errorf("seeded %d times, want once", got)
	}
	From(t, "numbers", version+" changed", seed)
	if got := seeded.Load(); got != 2 {
		t.Errorf("seeded %d times, want again for another version", got)
	}
}

func TestSeedThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	s, version := connect(t), time.Now().String()
	broken := errors.New("no such file")
	_, err := s.template(t.Context(), "fragile", version, func(ctx context.Context, pool *pgxpool.Pool) error {
		_, err := pool.Exec(ctx, `CREATE TABLE half ()`)
		return errors.Join(err, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	pool := From(t, "fragile", version, func(ctx context.Context, pool *pgxpool.Pool) error {
		_, err := pool.Exec(ctx, `CREATE TABLE half ()`)
		return err
	})
	if !query1[bool](t, pool, `SELECT to_regclass('half') IS NOT NULL`) {
		t.Error("the second seed did not run")
	}
}

func TestURLs(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"URL":     URL(t),
		"FromURL": FromURL(t, "nothing", "1", func(context.Context, *pgxpool.Pool) error { return nil }),
	} {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		conn.Close(t.Context())
	}
}

// failing is a test that notes its failures instead of failing.
type failing struct {
	*testing.T
	errors   []string
	cleanups []func()
}

func (f *failing) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}
func (f *failing) Cleanup(clean func()) { f.cleanups = append(f.cleanups, clean) }

func TestForgottenConnectionIsReported(t *testing.T) {
	t.Parallel()
	f := &failing{T: t}
	pool := DB(f)
	rows, err := pool.Query(t.Context(), `SELECT 1`)
	if err != nil {
		t.Fatal(err)
	}
	for _, cleanup := range slices.Backward(f.cleanups) {
		cleanup()
	}
	rows.Close()
	if len(f.errors) != 1 || !strings.Contains(f.errors[0], "1 connections are still in use") {
		t.Errorf("got %q", f.errors)
	}
}

func BenchmarkDB(b *testing.B) {
	connect(b)
	for b.Loop() {
		createAndDrop(b)
	}
}

func createAndDrop(b *testing.B) {
	s := connect(b)
	tpl, err := s.template(b.Context(), "", "", nil)
	if err != nil {
		b.Fatal(err)
	}
	name, err := s.copy(b.Context(), tpl)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.drop(b.Context(), name); err != nil {
		b.Fatal(err)
	}
}
