package change_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/pgtest"
)

func expired(err error) bool {
	f, ok := fault.From(err)
	return ok && f.Code == fault.CursorExpired
}

// all reads everything behind a cursor, a few at a time, as "type n version" or "-type n".
func all(t testing.TB, pool *pgxpool.Pool, cursor *change.Cursor, types ...string) (lines []string) {
	t.Helper()
	for {
		page, err := change.Read(t.Context(), pool, *cursor, types, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Changes {
			sign := ""
			if c.Deleted {
				sign = "-"
			}
			lines = append(lines, fmt.Sprintf("%s%s %x v%d", sign, c.Type, c.ID[15], c.Version))
		}
		*cursor = page.Next
		if !page.More {
			return lines
		}
	}
}

func TestFeed(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	cursor, err := change.Head(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		do   string
		want []string
	}{
		{article + `({1}, 'a', 'NEWS', 'A', 'DRAFT'), ({2}, 'b', 'NEWS', 'B', 'DRAFT')`, nil},
		{`UPDATE article SET publication_status = 'PUBLISHED' WHERE id = {1}`, []string{"Article 1 v2"}},
		{`UPDATE article SET title = 'C'`, []string{"Article 1 v3"}},
		{`UPDATE article SET publication_status = 'DRAFT' WHERE id = {1}`, []string{"-Article 1 v4"}},
		{`DELETE FROM article`, nil},
		{`INSERT INTO funding_program (id, slug, title, level, publication_status) VALUES ({10}, 'p', 'P', 'STATE', 'PUBLISHED');
		  INSERT INTO funding_call (id, program_id, label) VALUES ({11}, {10}, '1'), ({12}, {10}, '2')`, []string{"FundingProgram 10 v1", "FundingCall 11 v1", "FundingCall 12 v1"}},
		{`UPDATE funding_program SET deleted_at = now()`, []string{"-FundingProgram 10 v2", "-FundingCall 11 v1", "-FundingCall 12 v1"}},
		{`UPDATE funding_program SET deleted_at = NULL; UPDATE funding_program SET deleted_at = now()`, nil},
	} {
		run(t, pool, step.do)
		pgtest.Settle(t, pool)
		if got := all(t, pool, &cursor); !slices.Equal(got, step.want) {
			t.Errorf("step %d: %s\ngot  %q\nwant %q", i, step.do, got, step.want)
		}
	}
	var start change.Cursor
	if got := all(t, pool, &start, "Article"); !slices.Equal(got, []string{"Article 1 v2", "Article 1 v3", "-Article 1 v4"}) {
		t.Errorf("articles alone: %q", got)
	}
	if start != cursor {
		t.Errorf("a reader of articles is at %q, one of everything at %q", start, cursor)
	}
	for _, bad := range []change.Cursor{"?", "YWJj", "YS5iLmM"} {
		if _, err := change.Read(t.Context(), pool, bad, nil, 3); err == nil || expired(err) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	other := pgtest.DB(t)
	if _, err := change.Read(t.Context(), other, cursor, nil, 3); !expired(err) {
		t.Errorf("in another database: %v", err)
	}
}

// A cursor on a number alone would skip what commits late.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	var cursor change.Cursor
	early, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer early.Rollback(context.WithoutCancel(t.Context()))
	run(t, early, article+`({1}, 'a', 'NEWS', 'A', 'PUBLISHED')`)
	run(t, pool, article+`({2}, 'b', 'NEWS', 'B', 'PUBLISHED')`)
	if got := all(t, pool, &cursor); len(got) > 0 {
		t.Errorf("read %q while an earlier transaction is open", got)
	}
	if err := early.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Settle(t, pool)
	if got := all(t, pool, &cursor); !slices.Equal(got, []string{"Article 1 v1", "Article 2 v1"}) {
		t.Errorf("got %q", got)
	}
}

func TestManyWritersOneReader(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	const writers, each = 50, 10
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var group sync.WaitGroup
	errs := make(chan error, writers)
	for w := range writers {
		group.Go(func() {
			for i := range each {
				n := w*each + i
				tx, err := pool.Begin(ctx)
				if err == nil {
					_, err = tx.Exec(ctx, fmt.Sprintf(article+`('%s', 'a%d', 'NEWS', 'A', 'PUBLISHED')`, key(n), n))
				}
				if err == nil {
					time.Sleep(time.Duration(rand.N(5)) * time.Millisecond)
					if i%5 == 4 {
						err = tx.Rollback(ctx)
					} else {
						err = tx.Commit(ctx)
					}
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()

	var cursor change.Cursor
	var got []change.Change
	finished := false
	for !finished || len(got) < writers*each*4/5 {
		if finished {
			time.Sleep(10 * time.Millisecond)
		}
		select {
		case <-done:
			finished = true
		case err := <-errs:
			t.Fatal(err)
		case <-ctx.Done():
			t.Fatalf("read %d of %d", len(got), writers*each*4/5)
		default:
		}
		page, err := change.Read(ctx, pool, cursor, nil, 7)
		if err != nil {
			t.Fatal(err)
		}
		got, cursor = append(got, page.Changes...), page.Next
	}
	seen := map[[16]byte]bool{}
	for _, c := range got {
		if seen[c.ID] {
			t.Errorf("%x came twice", c.ID)
		}
		seen[c.ID] = true
	}
	pgtest.Settle(t, pool)
	again, err := change.Read(ctx, pool, "", nil, 1000)
	if err != nil || !slices.Equal(again.Changes, got) {
		t.Errorf("read again they come in another order (%v)", err)
	}
	var rows int
	if err := pool.QueryRow(ctx, `SELECT count(*) FROM article`).Scan(&rows); err != nil || rows != len(seen) {
		t.Errorf("%d articles, %d read (%v)", rows, len(seen), err)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	ctx, cancel := context.WithCancel(t.Context())
	wake := change.Watch(ctx, pool)
	<-wake // at once
	listening := func() (pid int) {
		for range 500 {
			err := pool.QueryRow(t.Context(), `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN stadtgraph_change'`).Scan(&pid)
			if err == nil {
				return pid
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatal("nobody listens")
		return 0
	}
	waits := func(n int) {
		t.Helper()
		run(t, pool, fmt.Sprintf(article+`('%s', 'a%d', 'NEWS', 'A', 'PUBLISHED')`, key(n), n))
		select {
		case <-wake:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody was woken")
		}
	}
	pid := listening()
	waits(1)
	if _, err := pool.Exec(t.Context(), `SELECT pg_terminate_backend($1)`, pid); err != nil {
		t.Fatal(err)
	}
	waits(2) // polling
	if again := listening(); again == pid {
		t.Error("the same connection")
	}
	waits(3)
	cancel()
	for range wake {
	}
}

// Rows that were restored from another cluster stand before new ones, and not in
// their way.
func TestRestoredDump(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	run(t, pool, article+`({1}, 'a', 'NEWS', 'A', 'PUBLISHED')`)
	run(t, pool, `UPDATE article SET title = 'B'`)
	run(t, pool, `UPDATE change_horizon SET cluster = 1`)
	var settled bool
	if err := pool.QueryRow(t.Context(), `SELECT history_settle()`).Scan(&settled); err != nil || !settled {
		t.Fatal(settled, err)
	}
	run(t, pool, `UPDATE article SET title = 'C'`)
	pgtest.Settle(t, pool)
	var cursor change.Cursor
	if got := all(t, pool, &cursor); !slices.Equal(got, []string{"Article 1 v1", "Article 1 v2", "Article 1 v3"}) {
		t.Errorf("got %q", got)
	}
	if got := version(t, pool, 1, 1); got != "A a PUBLISHED" {
		t.Error(got)
	}
	if err := pool.QueryRow(t.Context(), `SELECT history_settle()`).Scan(&settled); err != nil || settled {
		t.Error(settled, err)
	}
}
