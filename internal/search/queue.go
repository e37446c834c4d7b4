package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// batch is how many documents one transaction makes.
const batch = 200

// A transaction that is lost takes its documents along and leaves the queue as it
// was, so nobody needs to wait for the disk.
var quickly = pgx.TxOptions{BeginQuery: `BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL statement_timeout = 0`}

// drain takes from the queue whatever nobody else has taken, and says how many
// documents of each type it has made.
func drain(ctx context.Context, pool *pgxpool.Pool, all []document, workers int) (made map[string]int, err error) {
	made = map[string]int{}
	rows, _ := pool.Query(ctx, `SELECT t FROM unnest($1::text[]) t WHERE EXISTS (SELECT FROM search_stale s WHERE s.type = t)`, types(all))
	waiting, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return made, err
	}
	for i := range all {
		if !slices.Contains(waiting, all[i].Type) {
			continue
		}
		n, err := all[i].drain(ctx, pool, workers)
		made[all[i].Type] += n
		if err != nil {
			return made, fmt.Errorf("%s: %w", all[i].Type, err)
		}
	}
	return made, nil
}

func types(all []document) []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Type
	}
	return names
}

func (d *document) drain(ctx context.Context, pool *pgxpool.Pool, workers int) (int, error) {
	var made atomic.Int64
	for {
		before := made.Load()
		at := &place{}
		// One batch will do for what editors write.
		claimed, err := d.work(ctx, pool, at, &made)
		if err != nil {
			return int(made.Load()), err
		}
		if claimed == batch {
			g, ctx := errgroup.WithContext(ctx)
			for range workers {
				g.Go(func() error {
					for {
						if n, err := d.work(ctx, pool, at, &made); err != nil || n == 0 {
							return err
						}
					}
				})
			}
			if err := g.Wait(); err != nil {
				return int(made.Load()), err
			}
		}
		if made.Load() == before {
			return int(made.Load()), nil
		}
	}
}

// place is how far the workers of a process have come in the queue. Whoever began
// at the front each time would wade through all that was there before.
type place struct {
	sync.Mutex
	after pgtype.UUID
}

// next is the next batch that nobody has taken.
func (p *place) next(ctx context.Context, tx pgx.Tx, d *document) ([]pgtype.UUID, error) {
	p.Lock()
	defer p.Unlock()
	behind, args := "", []any{d.Type, batch}
	if p.after.Valid { // a key may be all zeros
		behind, args = "AND id > $3", append(args, p.after)
	}
	rows, _ := tx.Query(ctx, `SELECT id FROM search_stale WHERE type = $1 `+behind+` ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`, args...)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[pgtype.UUID])
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	p.after = ids[len(ids)-1]
	return slices.Compact(ids), nil
}

// work makes the next batch and says how many entries it found.
func (d *document) work(ctx context.Context, pool *pgxpool.Pool, at *place, made *atomic.Int64) (found int, err error) {
	var ids []pgtype.UUID
	n, err := d.attempt(ctx, pool, func(tx pgx.Tx) ([]pgtype.UUID, error) {
		ids, err = at.next(ctx, tx, d)
		return ids, err
	}, d.make)
	made.Add(int64(n))
	switch {
	case spoilt(err):
		// One of them is to blame, and must not hold up the others.
		for _, id := range ids {
			one := func(pgx.Tx) ([]pgtype.UUID, error) { return []pgtype.UUID{id}, nil }
			n, err := d.attempt(ctx, pool, one, d.make)
			if spoilt(err) {
				slog.Error("a document of the search index stays empty", "type", d.Type, "id", id.String(), "code", codeOf(err))
				n, err = d.attempt(ctx, pool, one, d.blank)
			}
			made.Add(int64(n))
			if err != nil {
				return 0, err
			}
		}
	case codeOf(err) == "40P01": // deadlock_detected, with a writer that calls Index twice: later
	case err != nil:
		return 0, err
	}
	return len(ids), nil
}

// attempt makes documents and strikes out their entries, in one transaction.
func (d *document) attempt(ctx context.Context, pool *pgxpool.Pool, which func(pgx.Tx) ([]pgtype.UUID, error),
	do func(context.Context, pgx.Tx, []pgtype.UUID) error) (made int, err error) {
	tx, err := pool.BeginTx(ctx, quickly)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	ids, err := which(tx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	ids, entries, err := d.lock(ctx, tx, ids)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	if err := do(ctx, tx, ids); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM search_stale WHERE ctid = ANY($1::text[]::tid[])`, entries); err != nil {
		return 0, err
	}
	return len(ids), tx.Commit(ctx)
}

// lock takes all entries of rows. It leaves out rows of which somebody else has an entry,
// who may be about to write an older state of it than ours, or a newer one.
func (d *document) lock(ctx context.Context, tx pgx.Tx, ids []pgtype.UUID) (ours []pgtype.UUID, entries []string, err error) {
	type entry struct {
		ID   pgtype.UUID
		Ctid string
	}
	rows, _ := tx.Query(ctx, `SELECT id, ctid::text FROM search_stale WHERE type = $1 AND id = ANY($2) FOR UPDATE SKIP LOCKED`, d.Type, ids)
	locked, err := pgx.CollectRows(rows, pgx.RowToStructByPos[entry])
	if err != nil {
		return nil, nil, err
	}
	// Only now: an entry that came after the locks is seen, by one of the two who
	// may hold entries of the same row.
	rows, _ = tx.Query(ctx, `SELECT id, ctid::text FROM search_stale WHERE type = $1 AND id = ANY($2)`, d.Type, ids)
	there, err := pgx.CollectRows(rows, pgx.RowToStructByPos[entry])
	if err != nil {
		return nil, nil, err
	}
	taken := make(map[entry]bool, len(locked))
	for _, e := range locked {
		taken[e] = true
	}
	foreign := map[pgtype.UUID]bool{}
	for _, e := range there {
		if !taken[e] {
			foreign[e.ID] = true
		}
	}
	for _, e := range locked {
		if !foreign[e.ID] {
			entries = append(entries, e.Ctid)
		}
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id pgtype.UUID) bool { return foreign[id] }), entries, nil
}

// make brings the documents of rows to the state of the rows.
func (d *document) make(ctx context.Context, tx pgx.Tx, ids []pgtype.UUID) error {
	rows, _ := tx.Query(ctx, d.read, ids)
	sources, err := pgx.CollectRows(rows, pgx.RowToStructByPos[source])
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return d.store(ctx, tx, ids, sources)
}

// blank leaves nothing to be found of rows.
func (d *document) blank(ctx context.Context, tx pgx.Tx, ids []pgtype.UUID) error {
	sources := make([]source, len(ids))
	for i, id := range ids {
		sources[i] = source{ID: id, Municipalities: "{}", States: "{}", Topics: "{}"}
	}
	return d.store(ctx, tx, ids, sources)
}

// store writes the documents of what was read of rows, and drops those of rows of which
// there is nothing to read.
func (d *document) store(ctx context.Context, tx pgx.Tx, ids []pgtype.UUID, sources []source) error {
	slices.SortFunc(sources, func(a, b source) int { return slices.Compare(a.ID.Bytes[:], b.ID.Bytes[:]) }) // locks in one order for all
	n := len(sources)
	found, vectors, titles, names, days := make([]pgtype.UUID, n), make([]string, n), make([]string, n), make([]string, n), make([]*string, n)
	municipalities, states, topics := make([]string, n), make([]string, n), make([]string, n)
	for i := range sources {
		s := &sources[i]
		found[i], vectors[i], titles[i], names[i], days[i] = s.ID, s.vector(), s.title(), s.name(), s.Date
		municipalities[i], states[i], topics[i] = s.Municipalities, s.States, s.Topics
	}
	if n > 0 {
		if _, err := tx.Exec(ctx, `
INSERT INTO search_document AS d (type, id, analysis, vector, title, title_folded, on_date, municipality_ids, state_ids, topic_ids)
SELECT $1, n.id, $2, n.vector::tsvector, n.title, n.title_folded, n.on_date::date, n.municipality_ids::uuid[], n.state_ids::uuid[], n.topic_ids::uuid[]
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
  n (id, vector, title, title_folded, on_date, municipality_ids, state_ids, topic_ids)
ON CONFLICT (type, id) DO UPDATE SET analysis = excluded.analysis, vector = excluded.vector, title = excluded.title, title_folded = excluded.title_folded, on_date = excluded.on_date,
  municipality_ids = excluded.municipality_ids, state_ids = excluded.state_ids, topic_ids = excluded.topic_ids
WHERE (d.analysis, d.vector, d.title, d.title_folded, d.on_date, d.municipality_ids, d.state_ids, d.topic_ids) IS DISTINCT FROM
  (excluded.analysis, excluded.vector, excluded.title, excluded.title_folded, excluded.on_date, excluded.municipality_ids, excluded.state_ids, excluded.topic_ids)`,
			d.Type, Version, found, vectors, titles, names, days, municipalities, states, topics); err != nil {
			return &storeError{err}
		}
	}
	if gone := slices.DeleteFunc(slices.Clone(ids), func(id pgtype.UUID) bool { return slices.Contains(found, id) }); len(gone) > 0 {
		if _, err := tx.Exec(ctx, `DELETE FROM search_document WHERE type = $1 AND id = ANY($2)`, d.Type, gone); err != nil {
			return fmt.Errorf("drop: %w", err)
		}
	}
	return nil
}

// storeError is what Postgres said to the documents that it was given.
type storeError struct{ error }

func (e *storeError) Unwrap() error { return e.error }

// spoilt says whether an error is about a document and not about the world around:
// a vector that cannot be read, or that is too large.
func spoilt(err error) bool {
	var e *storeError
	if !errors.As(err, &e) {
		return false
	}
	code := codeOf(err)
	return code == "42601" || strings.HasPrefix(code, "22") || strings.HasPrefix(code, "54")
}

// codeOf is Postgres' code of an error, all of it that may go into a log.
func codeOf(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
