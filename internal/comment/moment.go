package comment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/postgres"
)

// Moment is what a change did to a comment, beyond what everybody is told of it.
type Moment struct {
	Article nodeid.UUID
	Visible bool   // it is no tombstone, and shown where its article is
	Was, Is string // its status before the change and now; "" if it was or is not there

	// Whether it waited or was reported before, and does or is now.
	WasQueued, Queued bool
}

// Approved says whether it is, and was not before.
func (m Moment) Approved() bool { return m.Is == "APPROVED" && m.Was != m.Is }

// Decided says whether somebody decided about it. What was erased counts: its history
// is gone, and with it what it was.
func (m Moment) Decided() bool { return m.Was != "" && m.Was != m.Is || m.Is == "ERASED" }

// Look says what the change of an instant did to a comment.
func Look(ctx context.Context, db postgres.DB, id nodeid.UUID, at time.Time) (m Moment, err error) {
	err = db.QueryRow(ctx, `
SELECT c.article_id, c.visible, c.status, coalesce(b.status, c.status), c.status = 'PENDING' OR c.open_reports > 0,
  coalesce(b.status, c.status) = 'PENDING' OR EXISTS (SELECT FROM comment_report r
    WHERE r.comment_id = c.id AND r.created_at < $2 AND (r.resolved_at IS NULL OR r.resolved_at >= $2))
FROM comment c LEFT JOIN LATERAL (
  SELECT CASE WHEN h.action <> 'CREATE' THEN coalesce(r.before ->> 'status', c.status) ELSE '' END AS status
  FROM change h LEFT JOIN revision r ON r.change = h.seq AND r.source = 'comment'
  WHERE h.type = 'Comment' AND h.id = c.id AND h.at = $2 LIMIT 1
) b ON true WHERE c.id = $1`, [16]byte(id), at).Scan((*[16]byte)(&m.Article), &m.Visible, &m.Is, &m.Was, &m.Queued, &m.WasQueued)
	if errors.Is(err, pgx.ErrNoRows) {
		return Moment{Is: "ERASED"}, nil // its row, too
	}
	if err != nil {
		return Moment{}, fmt.Errorf("look at a comment: %w", err)
	}
	return m, nil
}
