package change

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/postgres"
)

// Cursor is a place in the order of changes; the empty one is before everything that
// is kept. It holds good for one database: elsewhere, and after a restore, it has
// expired.
type Cursor string

// Change is what a transaction did to one object, as far as the public can tell.
type Change struct {
	Cursor  Cursor
	Type    string // as in GraphQL
	ID      nodeid.UUID
	Version int
	Before  bool // whether the public could see it before
	Deleted bool // for the public: it may be unpublished, or what it hangs on is
	Due     bool // nothing of it changed, but time went by
	At      time.Time
}

// Seen says whether the public could see it before or can see it now.
func (c Change) Seen() bool { return c.Before || !c.Deleted }

// Appeared says whether the public can see it now and could not before.
func (c Change) Appeared() bool { return !c.Before && !c.Deleted }

// Page is a part of the order.
type Page struct {
	Changes []Change
	Next    Cursor // where to go on
	More    bool   // there are more already
}

// place is what a cursor stands for.
type place struct {
	epoch string
	txid  uint64
	seq   int64
	known known // what the reader has of what comes behind it
}

func (p place) cursor() Cursor {
	text := fmt.Appendf(nil, "%s.%d.%d", p.epoch, p.txid, p.seq)
	if p.txid < p.known.end() { // else it is all behind
		text = append(append(text, '.'), p.known...)
	}
	return Cursor(base64.RawURLEncoding.EncodeToString(text))
}

// ErrExpired is what a reader gets who has missed something.
var ErrExpired = fault.New(fault.CursorExpired, "This cursor has expired: changes since are not kept any more, or the database is another one. Read everything again, and go on from a new cursor.").At("after")

// ErrForgotten is what a reader gets who asks for changes since a time that is too long ago.
var ErrForgotten = fault.New(fault.CursorExpired, "Changes since then are not kept any more. Read everything again, and ask for changes since then from now on.")

func (c Cursor) place() (p place, err error) {
	if c == "" {
		return place{}, nil
	}
	bad := fault.New(fault.Invalid, "This is no cursor of changes: leave it out, or give one that came with them.").At("after")
	raw, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil {
		return place{}, bad
	}
	parts := strings.Split(string(raw), ".")
	if len(parts) == 4 && known(parts[3]).valid() {
		p.known = known(parts[3])
		parts = parts[:3]
	}
	if len(parts) != 3 || parts[0] == "" {
		return place{}, bad
	}
	p.epoch = parts[0]
	if p.txid, err = strconv.ParseUint(parts[1], 10, 64); err != nil {
		return place{}, bad
	}
	if p.seq, err = strconv.ParseInt(parts[2], 10, 64); err != nil {
		return place{}, bad
	}
	return p, nil
}

// Before says whether a cursor is in front of another one of the same database.
func (c Cursor) Before(other Cursor) bool {
	p, err := c.place()
	q, otherErr := other.place()
	return err == nil && otherErr == nil && p.epoch == q.epoch && (p.txid < q.txid || p.txid == q.txid && p.seq < q.seq)
}

// Head is the cursor behind everything that can be read now: who reads all content
// after asking for it, and then changes from it on, misses nothing.
func Head(ctx context.Context, db postgres.DB) (Cursor, error) {
	page, err := read(ctx, db, place{}, []string{}, 0, false)
	if err != nil {
		return "", err
	}
	return page.Next, nil
}

// Read gives up to limit changes of the types behind a cursor, of all types if none are
// given. Each comes once, in an order that never changes; what was never visible to
// the public never comes.
//
// A change comes when no transaction that began before its own is open any more.
// So one that is long open holds all others back.
func Read(ctx context.Context, db postgres.DB, after Cursor, types []string, limit int) (Page, error) {
	p, err := after.place()
	if err != nil {
		return Page{}, err
	}
	return read(ctx, db, p, types, limit, false)
}

// ReadAll is Read for those who tell others by what they may see: it gives what was never
// visible, too, and changes of what only hangs on an object, as reports on a comment.
func ReadAll(ctx context.Context, db postgres.DB, after Cursor, types []string, limit int) (Page, error) {
	p, err := after.place()
	if err != nil {
		return Page{}, err
	}
	return read(ctx, db, p, types, limit, true)
}

func read(ctx context.Context, db postgres.DB, after place, types []string, limit int, hidden bool) (Page, error) {
	var page Page
	rows, _ := db.Query(ctx, `
WITH safe AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS txid), last AS (
  SELECT c.txid, c.seq FROM change c WHERE c.txid < (SELECT txid FROM safe) ORDER BY c.txid DESC, c.seq DESC LIMIT 1
)
SELECT change_epoch(), h.txid::text, h.seq, coalesce(l.txid::text, '0'), coalesce(l.seq, 0),
  c.txid::text, c.seq, c.type, c.id, c.version, c.visible_before, NOT c.visible_after, c.action = 'DUE', c.at
FROM change_horizon h LEFT JOIN last l ON true LEFT JOIN LATERAL (
  SELECT c.* FROM change c
  WHERE (c.txid, c.seq) > ($1::text::xid8, $2::bigint) AND c.txid < (SELECT txid FROM safe)
    AND ($3::text[] IS NULL OR c.type = ANY($3)) AND ($5 OR c.visible_before OR c.visible_after)
    AND ($5 OR c.action <> 'VISIBILITY' OR c.visible_before <> c.visible_after)
    AND ($6 = '' OR NOT pg_visible_in_snapshot(c.txid, nullif($6, '')::pg_snapshot))
  ORDER BY c.txid, c.seq LIMIT $4
) c ON true
ORDER BY c.txid, c.seq`,
		strconv.FormatUint(after.txid, 10), after.seq, types, limit+1, hidden, string(after.known))
	defer rows.Close()
	var epoch string
	var last place
	for rows.Next() {
		var horizonTx, lastTx string
		var txid, typeName *string
		var seq *int64
		var id *[16]byte
		var version *int
		var before, deleted, due *bool
		var at *time.Time
		var horizonSeq int64
		if err := rows.Scan(&epoch, &horizonTx, &horizonSeq, &lastTx, &last.seq, &txid, &seq, &typeName, &id, &version, &before, &deleted, &due, &at); err != nil {
			return Page{}, fmt.Errorf("read changes: %w", err)
		}
		last.epoch, last.txid = epoch, number(lastTx)
		gone := number(horizonTx)
		if after.epoch != "" && (after.epoch != epoch || after.txid < gone || after.txid == gone && after.seq < horizonSeq) {
			return Page{}, ErrExpired
		}
		if last.txid < gone || last.txid == gone && last.seq < horizonSeq { // the last one is forgotten
			last.txid, last.seq = gone, horizonSeq
		}
		if seq == nil {
			continue
		}
		if len(page.Changes) == limit {
			page.More = true
			break
		}
		page.Changes = append(page.Changes, Change{
			Cursor: place{epoch, number(*txid), *seq, after.known}.cursor(),
			Type:   *typeName, ID: *id, Version: *version, Before: *before, Deleted: *deleted, Due: *due, At: *at,
		})
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return Page{}, fmt.Errorf("read changes: %w", err)
	}
	switch {
	case page.More:
		page.Next = page.Changes[len(page.Changes)-1].Cursor
	case last.txid < after.txid || last.txid == after.txid && last.seq < after.seq:
		after.epoch = epoch // a standby that lags
		page.Next = after.cursor()
	default:
		last.known = after.known
		page.Next = last.cursor()
	}
	return page, nil
}

// number reads what Postgres says of a transaction's id.
func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}
