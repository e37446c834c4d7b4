package change

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/postgres"
)

// Latest gives up to limit objects of a type that have changed at an instant or later,
// each once, where its last change is in the order. So whoever reads on from a page finds
// what has changed again in the meantime, once more. Objects that the public has not seen
// since that instant are left out.
//
// An instant is less sure a place than a cursor: a change that was made before it may
// become readable after it. Whoever goes on from Next misses nothing.
func Latest(ctx context.Context, db postgres.DB, typeName string, since time.Time, after Cursor, limit int) (Page, error) {
	p, err := after.place()
	if err != nil {
		return Page{}, err
	}
	// Planned for these values each time: whether few or most of all changes are younger
	// decides between an index on their time and one on their order.
	rows, _ := db.Query(ctx, `
WITH safe AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS txid)
SELECT change_epoch(), h.txid::text, h.seq, coalesce(l.txid::text, '0'), coalesce(l.seq, 0),
  h.seq > 0 AND $4 < coalesce((SELECT c.at FROM change c WHERE (c.txid, c.seq) > (h.txid, h.seq) ORDER BY c.txid, c.seq LIMIT 1), now() - interval '1 day'),
  c.txid::text, c.seq, c.id, c.version, c.at, NOT c.visible_after
FROM change_horizon h
LEFT JOIN LATERAL (SELECT c.txid, c.seq FROM change c WHERE c.txid < (SELECT txid FROM safe) ORDER BY c.txid DESC, c.seq DESC LIMIT 1) l ON true
LEFT JOIN LATERAL (
  SELECT c.* FROM change c
  WHERE (c.txid, c.seq) > ($1::text::xid8, $2::bigint) AND c.txid < (SELECT txid FROM safe) AND c.type = $3 AND c.at >= $4
    AND NOT EXISTS (SELECT FROM change d WHERE d.type = c.type AND d.id = c.id AND (d.txid, d.seq) > (c.txid, c.seq) AND d.txid < (SELECT txid FROM safe))
    AND EXISTS (SELECT FROM change d WHERE d.type = c.type AND d.id = c.id AND d.at >= $4 AND (d.visible_before OR d.visible_after))
  ORDER BY c.txid, c.seq LIMIT $5
) c ON true
ORDER BY c.txid, c.seq`,
		pgx.QueryExecModeCacheDescribe, strconv.FormatUint(p.txid, 10), p.seq, typeName, since, limit+1)
	defer rows.Close()
	var page Page
	var last place
	for rows.Next() {
		var gone place
		var goneTx, lastTx string
		var forgotten bool
		var txid *string
		var seq *int64
		var id *[16]byte
		var version *int
		var at *time.Time
		var deleted *bool
		if err := rows.Scan(&last.epoch, &goneTx, &gone.seq, &lastTx, &last.seq, &forgotten, &txid, &seq, &id, &version, &at, &deleted); err != nil {
			return Page{}, fmt.Errorf("read what has changed: %w", err)
		}
		gone.txid, last.txid = number(goneTx), number(lastTx)
		switch {
		case after == "" && forgotten:
			return Page{}, ErrForgotten
		case after != "" && (p.epoch != last.epoch || p.before(gone)):
			return Page{}, ErrExpired
		}
		if last.before(gone) {
			last.txid, last.seq = gone.txid, gone.seq
		}
		if seq == nil {
			continue
		}
		if len(page.Changes) == limit {
			page.More = true
			break
		}
		page.Changes = append(page.Changes, Change{Cursor: place{epoch: last.epoch, txid: number(*txid), seq: *seq}.cursor(), Type: typeName, ID: *id, Version: *version, Deleted: *deleted, At: *at})
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return Page{}, fmt.Errorf("read what has changed: %w", err)
	}
	switch {
	case page.More:
		page.Next = page.Changes[len(page.Changes)-1].Cursor
	case after != "" && last.before(p):
		page.Next = after // a standby that lags
	default:
		page.Next = last.cursor()
	}
	return page, nil
}

func (p place) before(other place) bool {
	return p.txid < other.txid || p.txid == other.txid && p.seq < other.seq
}
