package change

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
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

// Now is the cursor behind everything that can be read when it is used.
const Now Cursor = "now"

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

// now is the place of Now.
var now = place{epoch: string(Now)}

// parts are those of the cursor as a statement takes them, see standing.
func (p place) parts() (parts [4]*string) {
	if p == now {
		return parts
	}
	if p.epoch != "" {
		parts[0] = &p.epoch
	}
	parts[1], parts[2] = new(strconv.FormatUint(p.txid, 10)), new(strconv.FormatInt(p.seq, 10))
	if p.known != "" {
		parts[3] = new(string(p.known))
	}
	return parts
}

func (p place) cursor() Cursor {
	if p == now {
		return Now
	}
	text := fmt.Appendf(nil, "%s.%d.%d", p.epoch, p.txid, p.seq)
	if p.txid < p.known.end() { // else it is all behind
		text = append(append(text, '.'), p.known...)
	}
	return Cursor(base64.RawURLEncoding.EncodeToString(text))
}

// epoch is what change_epoch() gives.
var epoch = regexp.MustCompile(`^[0-9a-f]{12}$`)

// ErrExpired is what a reader gets who has missed something.
var ErrExpired = fault.New(fault.CursorExpired, "This cursor has expired: changes since are not kept any more, or the database is another one. Begin again: take a cursor with `after: \"now\"`, read everything, and go on from it.").At("after")

// ErrForgotten is what a reader gets who asks for changes since a time that is too long ago.
var ErrForgotten = fault.New(fault.CursorExpired, "Changes since then are not kept any more. Read everything again, and ask for changes since then from now on.")

func (c Cursor) place() (p place, err error) {
	switch c {
	case "":
		return place{}, nil
	case Now:
		return now, nil
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
	if len(parts) != 3 || !epoch.MatchString(parts[0]) {
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

// Check says what is wrong with a cursor as a client gives it.
func (c Cursor) Check() error {
	_, err := c.place()
	return err
}

// Front is the place right in front of a change, whose cursor this is.
func (c Cursor) Front() Cursor {
	p, err := c.place()
	if err != nil || p == now {
		return c
	}
	p.seq--
	return p.cursor()
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

// standing is what the order of changes looks like to one statement, and to a cursor
// of four parts that it was given: none of them for the place behind everything, no
// epoch for the one in front, no snapshot where nothing behind it is known. A row says
//
//	epoch    which the cursors of this database have
//	safe     the first transaction that may still be open: changes before it can be read
//	oldest   the place behind what was forgotten
//	head     that behind all that can be read, or the one given if a standby lags
//	start    behind which to read
//	known    the snapshot of the cursor: what it has was read already
//	expired  whether there is something forgotten between the cursor and what is kept
const standing = `standing AS MATERIALIZED (
  SELECT s.epoch, s.safe, h.txid AS oldest_txid, h.seq AS oldest_seq, head.txid AS head_txid, head.seq AS head_seq, start.txid AS start_txid, start.seq AS start_seq, given.known,
    given.epoch IS NOT NULL AND (given.epoch <> s.epoch OR (given.txid, given.seq) < (h.txid, h.seq)) AS expired
  FROM (SELECT change_epoch() AS epoch, pg_snapshot_xmin(pg_current_snapshot()) AS safe OFFSET 0) s
  CROSS JOIN (SELECT {arg.after.epoch}::text AS epoch, {arg.after.txid}::text::xid8 AS txid, {arg.after.seq}::text::bigint AS seq, {arg.after.known}::text AS known) given
  CROSS JOIN change_horizon h
  LEFT JOIN LATERAL (SELECT c.txid, c.seq FROM change c WHERE c.txid < s.safe ORDER BY c.txid DESC, c.seq DESC LIMIT 1) last ON true
  CROSS JOIN LATERAL (SELECT p.txid, p.seq FROM (VALUES (last.txid, last.seq), (h.txid, h.seq), (CASE WHEN given.epoch IS NOT NULL THEN given.txid END, given.seq)) p (txid, seq)
    WHERE p.txid IS NOT NULL ORDER BY p.txid DESC, p.seq DESC LIMIT 1) head
  CROSS JOIN LATERAL (SELECT p.txid, p.seq FROM (VALUES (coalesce(given.txid, head.txid), coalesce(given.seq, head.seq)), (h.txid, h.seq)) p (txid, seq)
    ORDER BY p.txid DESC, p.seq DESC LIMIT 1) start
)`

// Which changes can be read, which of them are behind the cursor, and which the public
// is told of.
const (
	readable = `{txid} < (SELECT s.safe FROM standing s) AND ({txid}, {seq}) > ((SELECT s.oldest_txid FROM standing s), (SELECT s.oldest_seq FROM standing s))`
	behind   = `(({txid}, {seq}) > ((SELECT s.start_txid FROM standing s), (SELECT s.start_seq FROM standing s))
  AND ((SELECT s.known FROM standing s) IS NULL OR NOT pg_visible_in_snapshot({txid}, (SELECT s.known FROM standing s)::pg_snapshot)))`
	public = `({visible_before} OR {visible_after}) AND ({action} <> 'VISIBILITY' OR {visible_before} <> {visible_after})`
)

// ofChange puts the alias c in front of columns, and the parts of the cursor into parameters.
var ofChange = strings.NewReplacer("{arg.after.epoch}", "$1", "{arg.after.txid}", "$2", "{arg.after.seq}", "$3", "{arg.after.known}", "$4", "{", "c.", "}", "")

var reading = ofChange.Replace(`
WITH ` + standing + `
SELECT s.epoch, s.expired, s.head_txid::text, s.head_seq, c.txid::text, c.seq, c.type, c.id, c.version, c.visible_before, NOT c.visible_after, c.action = 'DUE', c.at
FROM standing s LEFT JOIN LATERAL (
  SELECT c.* FROM change c
  WHERE ` + readable + ` AND ` + behind + ` AND ($5::text[] IS NULL OR c.type = ANY($5)) AND ($7 OR ` + public + `)
  ORDER BY c.txid, c.seq LIMIT $6
) c ON true
ORDER BY c.txid, c.seq`)

func read(ctx context.Context, db postgres.DB, after place, types []string, limit int, hidden bool) (Page, error) {
	var page Page
	given := after.parts()
	rows, _ := db.Query(ctx, reading, given[0], given[1], given[2], given[3], types, limit+1, hidden)
	defer rows.Close()
	head := place{known: after.known}
	for rows.Next() {
		var expired bool
		var headTx string
		var txid, typeName *string
		var seq *int64
		var id *[16]byte
		var version *int
		var before, deleted, due *bool
		var at *time.Time
		if err := rows.Scan(&head.epoch, &expired, &headTx, &head.seq, &txid, &seq, &typeName, &id, &version, &before, &deleted, &due, &at); err != nil {
			return Page{}, fmt.Errorf("read changes: %w", err)
		}
		if expired {
			return Page{}, ErrExpired
		}
		head.txid = number(headTx)
		if seq == nil {
			continue
		}
		if len(page.Changes) == limit {
			page.More = true
			break
		}
		page.Changes = append(page.Changes, Change{
			Cursor: place{head.epoch, number(*txid), *seq, after.known}.cursor(),
			Type:   *typeName, ID: *id, Version: *version, Before: *before, Deleted: *deleted, Due: *due, At: *at,
		})
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return Page{}, fmt.Errorf("read changes: %w", err)
	}
	page.Next = head.cursor()
	if page.More {
		page.Next = page.Changes[len(page.Changes)-1].Cursor
	}
	return page, nil
}

// number reads what Postgres says of a transaction's id.
func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}
