package write

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
)

// Writer runs what somebody writes, each in a transaction of its own.
type Writer struct {
	*Registry
	pool *pgxpool.Pool
}

// NewWriter makes a writer over a pool of connections to the primary.
func NewWriter(r *Registry, pool *pgxpool.Pool) *Writer { return &Writer{Registry: r, pool: pool} }

// attempts are how often a transaction is run that met another one.
const attempts = 5

// ErrDry ends a transaction that was only to show what would happen.
var ErrDry = errors.New("write: a dry run")

// Run runs a transaction as an actor, and commits unless it fails. It may run it
// again, from the start, if it met another one: a slug that was free, a deadlock.
func (w *Writer) Run(ctx context.Context, actor *auth.Actor, action string, do func(tx *Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := w.once(ctx, actor, action, attempt > 1, do)
		if attempt < attempts && (deadlocked(err) || errors.Is(err, errSlugRace)) {
			continue
		}
		if errors.Is(err, ErrDry) {
			return nil
		}
		return readable(err)
	}
}

// turns is the advisory lock of those who run again.
const turns = 7_829_301_455_104_002

func (w *Writer) once(ctx context.Context, actor *auth.Actor, action string, again bool, do func(tx *Tx) error) error {
	tx, err := change.Begin(ctx, w.pool, actor, action)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // of one that is committed it does nothing
	if again {                                                     // one at a time, or those who met once would meet again
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(turns)); err != nil {
			return fmt.Errorf("wait for a turn: %w", err)
		}
	}
	if err := do(&Tx{Tx: tx, Registry: w.Registry, Actor: actor, Now: time.Now()}); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// errSlugRace says that somebody took a slug between looking and writing.
var errSlugRace = errors.New("write: the slug was taken in between")

func deadlocked(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001")
}

// readable turns what Postgres or the network say into faults that a caller can do
// something about, and leaves the rest as it is.
func readable(err error) error {
	var pg *pgconn.PgError
	var known *fault.Error
	var problems UserErrors
	switch {
	case err == nil, errors.As(err, &known), errors.As(err, &problems):
		return err
	case deadlocked(err), errors.Is(err, errSlugRace):
		return fmt.Errorf("%w (%w)", fault.New(fault.Busy, "Others are writing the same just now; nothing was written, try again in a moment."), err)
	case errors.As(err, &pg) && pg.Code == "57014", errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w (%w)", fault.New(fault.Timeout, "This took longer than allowed; nothing was written. Try again, with less at once."), err)
	case errors.As(err, &pg) && (pg.Code[:2] == "53" || pg.Code[:2] == "57" || pg.Code[:2] == "08" || pg.Code[:2] == "25" || pg.Code[:2] == "40"),
		errors.As(err, new(*pgconn.ConnectError)), pgconn.SafeToRetry(err), !errors.As(err, &pg) && !errors.Is(err, context.Canceled):
		return fmt.Errorf("%w (%w)", fault.New(fault.Busy, "The database cannot be reached just now; look whether it was written, and try again in a moment."), err)
	}
	return err
}
