// Package job runs what has to happen by itself, on River (riverqueue.com), whose
// queue is in our Postgres: any number of instances may run it, and each job is done
// once. Its tables come with our migrations.
//
// Jobs come round: one writes the changes of what has fallen due, such as scheduled
// publications (history_due), another forgets what is older than is to be kept:
// the history (history_forget), kept answers and what is personal of those who comment;
// and if there is a CDN, one tells it what is outdated (Purge). What webhooks send is made of
// the changes as they come, and a job for each webhook sends what is due of it.
package job

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"stadtgraph/internal/change"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/webhook"
	"stadtgraph/internal/write"
)

const (
	dueEvery    = 5 * time.Second
	forgetEvery = 6 * time.Hour
	pause       = 10 * time.Second // until it is tried again
)

// Config says how long to keep what.
type Config struct {
	History time.Duration // who changed what, and what it was before
	Feed    time.Duration // changes that nobody made: what it hangs on was published, or time went by
	Emails  time.Duration // addresses of those who comment, from the decision on
	Polling bool          // behind a proxy that loses notifications
	Purge   *Purge        // nil if nobody is to be told

	Webhooks   *webhook.Sender // nil if there are none
	Deliveries time.Duration   // what webhooks have sent
}

// Run works until the context ends. What goes wrong is logged when it begins, and tried
// again: a database whose schema is older has no queue yet.
func Run(ctx context.Context, pool *pgxpool.Pool, c Config) {
	failing := false
	for ctx.Err() == nil {
		err := run(ctx, pool, c)
		if ctx.Err() != nil {
			return
		}
		if !failing {
			slog.Error("no jobs are run; trying again", "error", err)
		}
		failing = true
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func run(ctx context.Context, pool *pgxpool.Pool, c Config) error {
	var ready, settled bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass('river_job') IS NOT NULL`).Scan(&ready); err != nil {
		return err
	}
	if !ready {
		return fmt.Errorf("the queue of jobs is missing: run `stadtgraph migrate up`")
	}
	if err := pool.QueryRow(ctx, `SELECT history_settle()`).Scan(&settled); err != nil {
		return err
	}
	if settled {
		slog.Info("the history was restored from another cluster; cursors of before have expired")
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &dueWorker{pool: pool})
	river.AddWorker(workers, &forgetWorker{pool: pool, config: c})
	periodic := []*river.PeriodicJob{every(dueEvery, dueArgs{}), every(forgetEvery, forgetArgs{})}
	if c.Purge != nil {
		river.AddWorker(workers, &purgeWorker{pool: pool, purge: c.Purge})
		periodic = append(periodic, every(purgeEvery, purgeArgs{}))
	}
	queues := map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2}}
	if c.Webhooks != nil {
		river.AddWorker(workers, &webhookWorker{webhooks: c.Webhooks})
		queues[webhookQueue] = river.QueueConfig{MaxWorkers: webhooksAtOnce}
	}
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Workers:  workers,
		Queues:   queues,
		PollOnly: c.Polling,
		Logger:   slog.New(quiet{slog.Default().Handler()}),

		CompletedJobRetentionPeriod: time.Hour, // one comes every few seconds
		PeriodicJobs:                periodic,
	})
	if err != nil {
		return fmt.Errorf("make a client of the queue: %w", err)
	}
	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	if c.Webhooks != nil {
		c.Webhooks.Run(ctx)
	}
	<-client.Stopped() // it ends with the context
	return ctx.Err()
}

// every is a job that comes round, and at the start.
func every(interval time.Duration, args river.JobArgs) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(interval), func() (river.JobArgs, *river.InsertOpts) { return args, nil }, &river.PeriodicJobOpts{RunOnStart: true})
}

// quiet leaves out what is no warning: a line for each start and stop of its parts.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

type dueArgs struct{}

func (dueArgs) Kind() string { return "due" }

func (dueArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 3} }

type dueWorker struct {
	river.WorkerDefaults[dueArgs]
	pool *pgxpool.Pool
}

func (w *dueWorker) Work(ctx context.Context, _ *river.Job[dueArgs]) error {
	return Due(ctx, w.pool)
}

// Due writes the changes of what has fallen due. Called at once by several, each
// change is written by one of them.
func Due(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, `SELECT history_due()`); err != nil {
		return fmt.Errorf("write what has fallen due: %w", err)
	}
	return nil
}

type forgetArgs struct{}

func (forgetArgs) Kind() string { return "forget" }

func (forgetArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 3} }

type forgetWorker struct {
	river.WorkerDefaults[forgetArgs]
	pool   *pgxpool.Pool
	config Config
}

func (w *forgetWorker) Timeout(*river.Job[forgetArgs]) time.Duration { return time.Hour }

func (w *forgetWorker) Work(ctx context.Context, _ *river.Job[forgetArgs]) error {
	return Forget(ctx, w.pool, w.config)
}

// Forget drops what of the history is not to be kept any longer. What is left can
// still be told apart, version by version.
func Forget(ctx context.Context, pool *pgxpool.Pool, c Config) error {
	tx, err := pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: `BEGIN; SET LOCAL statement_timeout = 0`})
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	if _, err := tx.Exec(ctx, `SELECT history_forget(now() - $1::interval, now() - $2::interval)`, c.Feed, c.History); err != nil {
		return fmt.Errorf("forget what is old: %w", err)
	}
	if _, err := tx.Exec(ctx, `SELECT touched_forget(now() - $1::interval)`, change.Memory); err != nil {
		return fmt.Errorf("forget what was touched: %w", err)
	}
	if err := write.Forget(ctx, tx, write.Remember); err != nil {
		return fmt.Errorf("forget answers that nobody asks for again: %w", err)
	}
	if err := comment.Forget(ctx, tx, c.Emails); err != nil {
		return err
	}
	if c.Webhooks != nil {
		if err := webhook.Forget(ctx, tx, c.Deliveries); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}
