package register

import (
	"context"
	"fmt"
	"time"

	"stadtgraph/internal/postgres"
)

// Loaded is the day of the edition that a database has; zero if it has none.
func Loaded(ctx context.Context, db postgres.DB) (time.Time, error) {
	var day *time.Time
	if err := db.QueryRow(ctx, `SELECT max(as_of) FROM dataset WHERE name = 'gv100ad'`).Scan(&day); err != nil {
		return time.Time{}, fmt.Errorf("read the date of the register: %w", err)
	}
	if day == nil {
		return time.Time{}, nil
	}
	return *day, nil
}
