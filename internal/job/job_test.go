package job_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"stadtgraph/internal/job"
	"stadtgraph/internal/pgtest"
)

func run(t testing.TB, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// due are the changes that nobody made.
func due(t testing.TB, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, _ := pool.Query(t.Context(), `SELECT concat_ws(' ', type, right(id::text, 2), action, visible_before::int || '>' || visible_after::int) FROM change WHERE action IN ('DUE', 'VISIBILITY') ORDER BY 1`)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func id(n int) string { return fmt.Sprintf("'00000000-0000-7000-8000-%012d'", n) }

// content is what falls due: in the past, for which nobody was there, in a moment, and later.
func content(t testing.TB, pool *pgxpool.Pool) {
	run(t, pool, `UPDATE due_until SET until = now() - interval '3 days'`) // we were away
	run(t, pool, `INSERT INTO article (id, slug, kind, title, publication_status, published_at, comments_status, comments_close_at) VALUES
		(`+id(1)+`, 'soon', 'NEWS', 'A', 'SCHEDULED', clock_timestamp() + interval '700 milliseconds', 'DISABLED', NULL),
		(`+id(2)+`, 'later', 'NEWS', 'A', 'SCHEDULED', now() + interval '1 day', 'OPEN', now() - interval '2 days'),
		(`+id(3)+`, 'closes', 'NEWS', 'A', 'PUBLISHED', NULL, 'OPEN', now() - interval '2 days'),
		(`+id(4)+`, 'closed', 'NEWS', 'A', 'PUBLISHED', NULL, 'OPEN', now() - interval '30 days')`)
	run(t, pool, `INSERT INTO media_asset (id) VALUES (`+id(5)+`)`)
	run(t, pool, `INSERT INTO article_media (article_id, position, media_id) VALUES (`+id(1)+`, 1, `+id(5)+`)`)
	run(t, pool, `INSERT INTO strategy (id, slug, title, kind, status, lineage_id, publication_status, period_to_start, period_to_end, period_to_precision) VALUES
		(`+id(10)+`, 's', 'S', 'ROADMAP', 'ADOPTED', `+id(10)+`, 'PUBLISHED', current_date - 2, current_date - 2, 'DAY')`)
	run(t, pool, `INSERT INTO funding_program (id, slug, title, level, publication_status) VALUES (`+id(20)+`, 'p', 'P', 'STATE', 'PUBLISHED')`)
	run(t, pool, `INSERT INTO funding_call (id, program_id, label, opens_on, closes_on) VALUES (`+id(21)+`, `+id(20)+`, 'opened', current_date + 2, current_date + 9),
		(`+id(23)+`, `+id(20)+`, 'open from the first', current_date - 2, current_date + 9), (`+id(22)+`, `+id(20)+`, 'closed', current_date - 90, current_date - 2)`)
	run(t, pool, `UPDATE funding_call SET opens_on = current_date - 2 WHERE id = `+id(21))
}

var fallen = []string{"Article 01 DUE 0>1", "Article 03 DUE 1>1", "FundingCall 21 DUE 1>1", "FundingCall 22 DUE 1>1", "FundingProgram 20 DUE 1>1",
	"MediaAsset 05 VISIBILITY 0>1", "Strategy 10 DUE 1>1"}

// What falls due is written once, by however many at once, after a time of absence.
func TestDue(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	content(t, pool)
	before := due(t, pool)
	time.Sleep(time.Second)
	for range 2 {
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				if err := job.Due(t.Context(), pool); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		var got []string
		for _, line := range due(t, pool) {
			if !slices.Contains(before, line) {
				got = append(got, line)
			}
		}
		// The article that was to come tomorrow has closed its discussion, which nobody sees.
		got = slices.DeleteFunc(got, func(s string) bool { return s == "Article 02 DUE 0>0" })
		if !slices.Equal(got, fallen) {
			t.Errorf("got %q\nwant %q\nbefore %q", got, fallen, before)
		}
	}
}

// Two instances work on one queue, until they are told to end.
func TestRun(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	if _, err := rivermigrate.New(riverpgxv5.New(pool), nil); err != nil {
		t.Fatal(err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		t.Fatal(err)
	}
	if result, err := migrator.Validate(t.Context(), nil); err != nil || !result.OK {
		t.Errorf("our migrations are not River's: %v %v", result, err)
	}
	content(t, pool)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() { job.Run(ctx, pool, job.Config{History: 1000 * time.Hour, Feed: 100 * time.Hour}) })
	}
	deadline := time.Now().Add(60 * time.Second)
	for !slices.Contains(due(t, pool), "Article 01 DUE 0>1") {
		if time.Now().After(deadline) {
			t.Errorf("nothing was done: %q", due(t, pool))
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	cancel()
	group.Wait()
}

func TestForget(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	run(t, pool, `INSERT INTO organization (id, slug, name, kind) VALUES (`+id(1)+`, 'o', 'O', 'OTHER')`)
	run(t, pool, `UPDATE organization SET name = 'P'`)
	count := func() (n int) {
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM change`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := job.Forget(t.Context(), pool, job.Config{History: time.Hour}); err != nil || count() != 2 {
		t.Error(count(), err)
	}
	if err := job.Forget(t.Context(), pool, job.Config{}); err != nil || count() != 0 {
		t.Error(count(), err)
	}
}
