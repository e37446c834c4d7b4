package change

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Poll is how long a watcher waits at most: a notification comes with a commit, but a
// change can be read only when older transactions have ended, too.
const Poll = time.Second

const longestPause = 30 * time.Second // between attempts to listen

// Watch says when it is worth reading again, at once and then after each commit
// with changes, on a connection of its own. Where it cannot listen, as on a standby
// or while the connection is lost, it says so every Poll. It ends with the context.
func Watch(ctx context.Context, pool *pgxpool.Pool) <-chan struct{} {
	wake := make(chan struct{}, 1)
	wake <- struct{}{}
	nudge := func() {
		select {
		case wake <- struct{}{}:
		default: // somebody is awake already
		}
	}
	heard := make(chan struct{}, 1)
	go listen(ctx, pool, heard)
	go func() {
		defer close(wake)
		ticks := time.NewTicker(Poll)
		defer ticks.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-heard:
			case <-ticks.C:
			}
			nudge()
		}
	}()
	return wake
}

// listen tells of notifications, on one connection after the other.
func listen(ctx context.Context, pool *pgxpool.Pool, heard chan<- struct{}) {
	pause, failing := Poll, false
	for ctx.Err() == nil {
		err := hear(ctx, pool, heard, func() {
			if failing {
				slog.Info("changes are listened to again")
			}
			pause, failing = Poll, false
		})
		if ctx.Err() != nil {
			return
		}
		if !failing {
			slog.Warn("changes cannot be listened to; asking for them every second", "error", err)
		}
		failing = true
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

func hear(ctx context.Context, pool *pgxpool.Pool, heard chan<- struct{}, listening func()) error {
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, `LISTEN stadtgraph_change`); err != nil {
		return err
	}
	listening()
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		select {
		case heard <- struct{}{}:
		default:
		}
	}
}
