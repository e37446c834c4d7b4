package search

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/plan"
)

const (
	pause        = time.Second // between two looks at the queue
	longestPause = time.Minute // while it cannot be looked at
)

// Keep makes stale documents until the context ends. What goes wrong is logged
// when it begins and when it is over, and tried again; the queue waits.
func Keep(ctx context.Context, pool *pgxpool.Pool, c *plan.Catalogue) {
	all, err := documents(c)
	if err != nil {
		slog.Error("the search index is not kept", "error", err)
		return
	}
	wait, failing, first := pause, false, true
	for {
		err := look(ctx, pool, all, first)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if !failing {
				slog.Error("the search index falls behind; trying again", "error", harmless(err))
			}
			failing, wait = true, min(2*wait, longestPause)
		default:
			if failing {
				slog.Info("the search index is kept again")
			}
			failing, first, wait = false, false, pause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// look makes what is stale. The first time it also does what a newer binary has to
// do; documents of a newer version than its own are those of the next binary.
func look(ctx context.Context, pool *pgxpool.Pool, all []document, first bool) error {
	if first {
		if err := requeue(ctx, pool, all, "<"); err != nil {
			return err
		}
		if err := Synonyms(ctx, pool); err != nil {
			return err
		}
		if err := keepWords(ctx, pool); err != nil {
			return err
		}
	}
	var stale bool
	if err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM search_stale WHERE type = ANY($1))`, types(all)).Scan(&stale); err != nil || !stale {
		return err
	}
	made, err := drain(ctx, pool, all, 1)
	if err != nil {
		return err
	}
	for i := range all {
		if made[all[i].Type] == 0 {
			continue
		}
		// Searches go through what is not yet sorted into the indexes. Only their owner
		// can sort it in, else autovacuum does.
		_, err := pool.Exec(ctx, `SELECT gin_clean_pending_list(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
WHERE a.amname = 'gin' AND i.indrelid = $1::text::regclass`, all[i].partition)
		if err != nil && codeOf(err) != "42501" { // insufficient_privilege
			return err
		}
	}
	if namesChanged(made) {
		return keepWords(ctx, pool)
	}
	return nil
}

// harmless is what of an error may go into a log: no data.
func harmless(err error) string {
	if code := codeOf(err); code != "" {
		return "SQLSTATE " + code
	}
	return err.Error()
}
