package search

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/plan"
)

// many is how many new documents of a type let Refresh tidy up behind itself.
const many = 1000

// Refresh makes all documents that are stale when it is called, and those of
// another version, and brings synonyms and the words of corrections up to date. It
// may be interrupted and repeated, and several may run at once.
func Refresh(ctx context.Context, pool *pgxpool.Pool, c *plan.Catalogue) error {
	all, err := documents(c)
	if err != nil {
		return err
	}
	if err := refresh(ctx, pool, all); err != nil {
		return fmt.Errorf("refresh the search index: %w", err)
	}
	return nil
}

func refresh(ctx context.Context, pool *pgxpool.Pool, all []document) error {
	if err := requeue(ctx, pool, all, "<>"); err != nil {
		return err
	}
	if err := Synonyms(ctx, pool); err != nil {
		return err
	}
	var until string
	if err := pool.QueryRow(ctx, `SELECT pg_snapshot_xmax(pg_current_snapshot())::text`).Scan(&until); err != nil {
		return err
	}
	made := map[string]int{}
	for left := true; left; {
		n, err := drain(ctx, pool, all, runtime.GOMAXPROCS(0))
		for t, n := range n {
			made[t] += n
		}
		if err != nil {
			return err
		}
		if err := pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM search_stale WHERE type = ANY($1) AND txid < $2::text::xid8)`,
			types(all), until).Scan(&left); err != nil {
			return err
		}
		if left { // somebody else is at it
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	total := 0
	for i := range all {
		n := made[all[i].Type]
		total += n
		if n < many {
			continue
		}
		// Statistics, and everything sorted into the indexes.
		if _, err := pool.Exec(ctx, `VACUUM (ANALYZE) `+all[i].partition); err != nil {
			return err
		}
	}
	if total >= many {
		if _, err := pool.Exec(ctx, `VACUUM (ANALYZE) search_stale`); err != nil {
			return err
		}
	}
	return keepWords(ctx, pool)
}

// requeue asks for the documents of other versions to be made again. One process
// at a time is enough.
func requeue(ctx context.Context, pool *pgxpool.Pool, all []document, other string) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var alone bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtext('search_stale'))`).Scan(&alone); err != nil || !alone {
			return err
		}
		for i := range all {
			// Each range is looked up in the index; usually both are empty.
			where := "analysis < $2"
			if other == "<>" {
				where = "(analysis < $2 OR analysis > $2)"
			}
			if _, err := tx.Exec(ctx, `
INSERT INTO search_stale (type, id)
SELECT d.type, d.id FROM search_document d
WHERE d.type = $1 AND `+where+` AND NOT EXISTS (SELECT FROM search_stale s WHERE s.type = d.type AND s.id = d.id)`,
				all[i].Type, Version); err != nil {
				return err
			}
		}
		return nil
	})
}

// Index makes the documents of what the transaction has changed so far, so that it
// can be found as soon as it commits. It makes a batch at most; when a name changes that
// thousands of documents hold, the rest follows in a moment.
func Index(ctx context.Context, tx pgx.Tx, c *plan.Catalogue) error {
	all, err := documents(c)
	if err != nil {
		return err
	}
	if err := index(ctx, tx, all); err != nil {
		return fmt.Errorf("index what was written: %w", err)
	}
	return nil
}

func index(ctx context.Context, tx pgx.Tx, all []document) error {
	rows, _ := tx.Query(ctx, `
SELECT type, array_agg(id ORDER BY id)
FROM (SELECT type, id FROM search_stale WHERE txid = pg_current_xact_id_if_assigned() LIMIT $1) s
GROUP BY type ORDER BY type`, batch)
	type own struct {
		Type string
		IDs  []pgtype.UUID
	}
	changed, err := pgx.CollectRows(rows, pgx.RowToStructByPos[own])
	if err != nil {
		return err
	}
	for _, o := range changed {
		for i := range all {
			if all[i].Type != o.Type {
				continue
			}
			// What spoils a document must not spoil the transaction; the entries stay
			// in the queue in any case.
			err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return all[i].make(ctx, tx, o.IDs) })
			if err != nil && !spoilt(err) {
				return err
			}
		}
	}
	return nil
}
