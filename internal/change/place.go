package change

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/postgres"
)

// Back is a cursor in front of the latest changes, of which there are limit at most.
func Back(ctx context.Context, db postgres.DB, limit int) (Cursor, error) {
	return before(ctx, db, `
SELECT change_epoch(), c.txid::text, c.seq FROM change c
WHERE c.txid < pg_snapshot_xmin(pg_current_snapshot()) AND `+ofChange.Replace(public)+`
ORDER BY c.txid DESC, c.seq DESC OFFSET $1 LIMIT 1`, limit)
}

// near is how many changes are looked at to find the first one after an instant: they come
// by when their transactions began, which is nearly their order.
const near = 10_000

// Since is a cursor in front of all changes at an instant and later ones. Some behind it may
// be older: their transactions took longer.
func Since(ctx context.Context, db postgres.DB, at time.Time) (Cursor, error) {
	return before(ctx, db, `
SELECT change_epoch(), c.txid::text, c.seq - 1 FROM (
  SELECT c.txid, c.seq FROM change c WHERE c.at >= $1 AND c.txid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY c.at LIMIT $2) c
ORDER BY c.txid, c.seq LIMIT 1`, at, near)
}

// before gives the place that a statement finds; where it finds none, that behind
// everything, or, of the latest changes, in front of everything.
func before(ctx context.Context, db postgres.DB, sql string, args ...any) (Cursor, error) {
	var p place
	var txid string
	err := db.QueryRow(ctx, sql, args...).Scan(&p.epoch, &txid, &p.seq)
	switch {
	case errors.Is(err, pgx.ErrNoRows) && len(args) == 1:
		return "", nil
	case errors.Is(err, pgx.ErrNoRows):
		return Head(ctx, db)
	case err != nil:
		return "", fmt.Errorf("find a place among the changes: %w", err)
	}
	p.txid = number(txid)
	return p.cursor(), nil
}
