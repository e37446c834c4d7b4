package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// lockPoll is how often a waiter asks again.
const lockPoll = 50 * time.Millisecond

// WithLock runs do while it alone holds the advisory lock key of the URL's
// database. The connection it passes is the one that holds the lock.
//
// It asks again and again instead of waiting inside pg_advisory_lock: a waiter
// there holds a snapshot, CREATE INDEX CONCURRENTLY waits for all snapshots, and
// with the holder running one Postgres reports a deadlock (17 of 20 parallel
// migrations failed). Polling also ends as soon as ctx does.
//
// The lock belongs to a session, so the URL must not lead through PgBouncer in
// transaction mode.
func WithLock(ctx context.Context, url string, key int64, do func(context.Context, *pgx.Conn) error) error {
	pc, err := Config{URL: url}.parse()
	if err != nil {
		return err
	}
	return withLock(ctx, pc.ConnConfig, key, do)
}

func withLock(ctx context.Context, cc *pgx.ConnConfig, key int64, do func(context.Context, *pgx.Conn) error) error {
	conn, err := pgx.ConnectConfig(ctx, cc.Copy())
	if err != nil {
		return explain(err, cc)
	}
	// Closing gives the lock back. The deadline is for a network that is gone.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(ctx)
	}()

	for {
		var ours bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, key).Scan(&ours); err != nil {
			return fmt.Errorf("take advisory lock: %w", err)
		}
		if ours {
			return do(ctx, conn)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for advisory lock: %w", ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}
