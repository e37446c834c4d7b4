package webhook

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/postgres"
	"stadtgraph/internal/seal"
)

// State is how many webhooks there are.
type State struct {
	Active, Paused int
	Failed         int // of those that are paused, by what failed
	Lost           int // whose present secret cannot be read
}

// Look says how webhooks are, given the keys that keep their secrets.
func Look(ctx context.Context, db postgres.DB, keys seal.Box) (s State, err error) {
	rows, _ := db.Query(ctx, `
SELECT w.status, coalesce(w.pause_reason, ''), coalesce(k.id, w.id), coalesce(k.sealed, '')
FROM webhook w LEFT JOIN webhook_secret k ON k.webhook_id = w.id AND k.until IS NULL WHERE w.deleted_at IS NULL`)
	var status, reason string
	var row [16]byte
	var sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&status, &reason, &row, &sealed}, func() error {
		if status == "ACTIVE" {
			s.Active++
		} else {
			s.Paused++
		}
		if reason != "" && reason != "REQUESTED" {
			s.Failed++
		}
		if keys.Open(sealed, row[:]) == "" {
			s.Lost++
		}
		return nil
	})
	if err != nil {
		return State{}, fmt.Errorf("look at webhooks: %w", err)
	}
	return s, nil
}
