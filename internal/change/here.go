package change

import (
	"context"
	"regexp"
	"strings"

	"stadtgraph/internal/postgres"
)

// Here is the cursor at which a transaction stands that reads from one snapshot: changes
// from it on are those that the transaction does not see, each of them once.
func Here(ctx context.Context, tx postgres.DB) (Cursor, error) {
	page, err := read(ctx, tx, place{}, []string{}, 0, false)
	if err != nil {
		return "", err
	}
	var snapshot string
	err = tx.QueryRow(ctx, `
SELECT coalesce((SELECT s::text FROM pg_current_snapshot() s WHERE EXISTS (SELECT FROM change c WHERE c.txid >= pg_snapshot_xmin(s))), '')`).Scan(&snapshot)
	if err != nil || snapshot == "" {
		return page.Next, err
	}
	p, err := page.Next.place()
	if err != nil {
		return "", err
	}
	p.known = known(snapshot)
	return p.cursor(), nil
}

// known is a snapshot, as Postgres writes it: the oldest transaction that was open, the
// first one that had not begun, and those open in between. Who has read everything in
// it has the changes of transactions that were over, though they come in the order
// behind those that were open.
type known string

var knownForm = regexp.MustCompile(`^[1-9][0-9]{0,18}:[1-9][0-9]{0,18}:([1-9][0-9]{0,18}(,[1-9][0-9]{0,18})*)?$`)

// valid says whether Postgres reads it, too.
func (k known) valid() bool {
	if !knownForm.MatchString(string(k)) {
		return false
	}
	parts := strings.Split(string(k), ":")
	last, end := number(parts[0]), number(parts[1])
	for open := range strings.SplitSeq(parts[2], ",") {
		if open == "" {
			break
		}
		if n := number(open); n < last || n >= end {
			return false
		}
		last = number(open)
	}
	return last <= end
}

// end is the first transaction that it knows nothing of.
func (k known) end() uint64 {
	if k == "" {
		return 0
	}
	return number(strings.Split(string(k), ":")[1])
}
