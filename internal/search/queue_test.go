package search_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/search"
	"stadtgraph/migrations"
)

// enqueue makes everything stale.
func enqueue(t testing.TB, db postgres.DB) int {
	t.Helper()
	exec(t, db, `INSERT INTO search_stale (type, id) SELECT type, id FROM search_document`)
	return list[int](t, db, `SELECT count(*)::int FROM search_stale`)[0]
}

// Several at once share the work, and one that is killed loses nothing.
func TestRefreshersShareAndDie(t *testing.T) {
	t.Parallel()
	pool, c := indexed(t), catalogue(t)
	exec(t, pool, `UPDATE search_document SET vector = '', title = '' WHERE type IN ('Article', 'Municipality')`)
	enqueue(t, pool)
	g, ctx := errgroup.WithContext(t.Context())
	for range 3 {
		g.Go(func() error { return search.Refresh(ctx, pool, c) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	consistent(t, pool)

	exec(t, pool, `DELETE FROM search_document WHERE type <> 'Comment'`)
	exec(t, pool, `INSERT INTO search_stale (type, id) SELECT 'Municipality', id FROM municipality`)
	refreshing, err := postgres.Open(t.Context(), postgres.Config{URL: pool.Config().ConnString(), ApplicationName: "victim", MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer refreshing.Close()
	// Once by the server, once by its own context.
	died := make(chan error, 1)
	go func() { died <- search.Refresh(context.Background(), refreshing, c) }()
	waitUntil(t, func() bool {
		return list[bool](t, pool, `SELECT EXISTS (SELECT FROM search_document WHERE type = 'Municipality')`)[0]
	})
	exec(t, pool, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'`)
	if err := <-died; err == nil {
		t.Error("it did not die")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := search.Refresh(ctx, pool, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stopped by its context: %v", err)
	}
	refresh(t, pool)
	consistent(t, pool, "Municipality")
}

func waitUntil(t testing.TB, what func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !what(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing happened for 20 seconds")
		}
	}
}

// Writers and refreshers get into each other's way, on few rows; at the end
// everything is as it was written last.
func TestNobodyWritesAnOlderState(t *testing.T) {
	t.Parallel()
	pool, c := pgtest.DB(t), catalogue(t)
	refresh(t, pool)
	var ids [4]string
	for i := range ids {
		ids[i] = addArticle(t, pool, fmt.Sprint("artikel", i), "Anfang", strings.Repeat("Ein langer Text über Verwaltungsdigitalisierung. ", 50))
	}
	topic := addTopic(t, pool, "thema", "Anfang")
	for i, id := range ids {
		exec(t, pool, `INSERT INTO article_topic (article_id, topic_id, role, position) VALUES ($1, $2, 'TOPIC', $3)`, id, topic, i+1)
	}
	var writes, retries atomic.Int64
	until := time.Now().Add(1500 * time.Millisecond)
	g, ctx := errgroup.WithContext(t.Context())
	for n := range 4 {
		g.Go(func() error {
			for i := 0; time.Now().Before(until); i++ {
				err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
					sql, args := `UPDATE article SET title = $1 WHERE id = $2`, []any{fmt.Sprintf("Titel %d %d", n, i), ids[rand.IntN(len(ids))]}
					switch rand.IntN(8) {
					case 0:
						sql, args = `UPDATE topic SET name = $1`, args[:1]
					case 1:
						sql, args = `DELETE FROM article_topic WHERE article_id = $1`, args[1:]
					case 2:
						sql = `INSERT INTO article_topic (article_id, topic_id, role, position) SELECT $2, id, 'TOPIC', 1 FROM topic WHERE $1 <> '' ON CONFLICT DO NOTHING`
					}
					if _, err := tx.Exec(ctx, sql, args...); err != nil {
						return err
					}
					if rand.IntN(2) == 0 {
						if err := search.Index(ctx, tx, c); err != nil {
							return err
						}
					}
					if rand.IntN(10) == 0 {
						return errTakenBack
					}
					return nil
				})
				if strings.Contains(fmt.Sprint(err), "40P01") {
					retries.Add(1)
				} else if err != nil && !errors.Is(err, errTakenBack) {
					return err
				}
				writes.Add(1)
			}
			return nil
		})
	}
	for range 2 {
		g.Go(func() error {
			for time.Now().Before(until) {
				if err := search.Refresh(ctx, pool, c); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d writes, %d deadlocks", writes.Load(), retries.Load())
	refresh(t, pool)
	consistent(t, pool)
}

var errTakenBack = errors.New("taken back")

// While somebody is at a row, a later change of it is left to wait, too: the two
// could finish in the other order.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	pool, c := pgtest.DB(t), catalogue(t)
	refresh(t, pool)
	id := addArticle(t, pool, "eins", "Haushalt", "")
	addArticle(t, pool, "zwei", "Vergabestelle", "")
	other, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback(context.Background())
	exec(t, other, `SELECT FROM search_stale WHERE id = $1 FOR UPDATE`, id)
	exec(t, pool, `UPDATE article SET title = 'Leitstelle' WHERE id = $1`, id)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // a busy machine needs one for the other row
	defer cancel()
	if err := search.Refresh(ctx, pool, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it does not wait for the other: %v", err)
	}
	if got := found(t, pool, "Article", "haushalt OR leitstelle OR vergabestelle"); got != "zwei" {
		t.Errorf("meanwhile found %q", got)
	}
	if n := list[int](t, pool, `SELECT count(*)::int FROM search_stale WHERE id = $1`, id)[0]; n != 2 {
		t.Errorf("%d entries of the row, want 2", n)
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	refresh(t, pool)
	consistent(t, pool)
}

// Keep follows what is written, and goes on after whatever was in its way.
func TestKeep(t *testing.T) {
	t.Parallel()
	pool, c := pgtest.DB(t), catalogue(t)
	id := addArticle(t, pool, "eins", "Haushalt", "")
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan struct{})
	keeping, err := postgres.Open(t.Context(), postgres.Config{URL: pool.Config().ConnString(), ApplicationName: "keeper", MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer keeping.Close()
	go func() {
		defer close(kept)
		search.Keep(ctx, keeping, c)
	}()
	waitUntil(t, func() bool { return found(t, pool, "Article", "haushalt") == "eins" })
	start := time.Now()
	exec(t, pool, `UPDATE article SET title = 'Vergabestelle' WHERE id = $1`, id)
	waitUntil(t, func() bool { return found(t, pool, "Article", "vergabestelle") == "eins" })
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("found after %s", took)
	}
	addTopic(t, pool, "thema", "Zukunftswerkstatt")
	waitUntil(t, func() bool {
		return list[bool](t, pool, `SELECT EXISTS (SELECT FROM search_word WHERE display = 'Zukunftswerkstatt' AND origin = 'NAME')`)[0]
	})

	// The connection goes, the table is away for a while.
	exec(t, pool, `ALTER TABLE search_stale RENAME TO elsewhere`)
	exec(t, pool, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'keeper'`)
	time.Sleep(1200 * time.Millisecond)
	exec(t, pool, `ALTER TABLE elsewhere RENAME TO search_stale`)
	exec(t, pool, `UPDATE article SET title = 'Leitstelle' WHERE id = $1`, id)
	waitUntil(t, func() bool { return found(t, pool, "Article", "leitstelle") == "eins" })

	// A newer binary's documents are left to it, an older one's are made again.
	exec(t, pool, `UPDATE search_document SET analysis = $1 + 1`, search.Version)
	cancel()
	select {
	case <-kept:
	case <-time.After(5 * time.Second):
		t.Error("it does not end")
	}
	again := func() {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		search.Keep(ctx, keeping, c)
	}
	again()
	if got := list[int](t, pool, `SELECT count(*)::int FROM search_document WHERE analysis <> $1 + 1`, search.Version)[0]; got != 0 {
		t.Errorf("%d documents of a newer version were made again", got)
	}
	exec(t, pool, `UPDATE search_document SET analysis = $1 - 1`, search.Version)
	again()
	consistent(t, pool)
}

// The migrations can be taken back and applied again where there are data.
func TestMigrations(t *testing.T) {
	t.Parallel()
	pool := indexed(t)
	url := pool.Config().ConnString()
	schema, err := postgres.ReadSchema(t.Context(), pool, migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.MigrateDown(t.Context(), url, migrations.FS, len(schema.Applied)-20); err != nil {
		t.Fatal(err)
	}
	if left := list[string](t, pool, `SELECT proname::text FROM pg_proc WHERE proname LIKE 'search%' UNION ALL SELECT relname::text FROM pg_class WHERE relname LIKE 'search%'
		UNION ALL SELECT tgname::text FROM pg_trigger WHERE tgname LIKE 'search%'`); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	addArticle(t, pool, "zwischendurch", "Zwischendurch", "")
	if _, err := postgres.Migrate(t.Context(), url, migrations.FS); err != nil {
		t.Fatal(err)
	}
	pool.Reset() // what was prepared before
	refresh(t, pool)
	consistent(t, pool)
}

// Where the extension is missing and may not be created, the migration says what
// to do.
func TestMissingExtension(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	url := pool.Config().ConnString()
	schema, err := postgres.ReadSchema(t.Context(), pool, migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.MigrateDown(t.Context(), url, migrations.FS, len(schema.Applied)-20); err != nil {
		t.Fatal(err)
	}
	exec(t, pool, `DROP EXTENSION pg_trgm`)
	exec(t, pool, `REVOKE CREATE ON DATABASE `+list[string](t, pool, `SELECT current_database()`)[0]+` FROM PUBLIC, CURRENT_USER`)
	_, err = postgres.Migrate(t.Context(), url, migrations.FS)
	if err == nil || !strings.Contains(err.Error(), "let an administrator run CREATE EXTENSION pg_trgm") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
