package job

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/webhook"
)

// Jobs of webhooks wait for receivers, most of their time, so that many may run at once.
// None of them has a connection meanwhile.
const (
	webhookQueue   = "webhooks"
	webhooksAtOnce = 50
	webhookTimeout = 2 * time.Minute
)

type webhookArgs struct {
	Webhook string `json:"webhook"`
}

func (webhookArgs) Kind() string { return "webhook" }

// InsertOpts: another one comes when its time is over, whatever became of it.
func (webhookArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: webhookQueue, MaxAttempts: 3}
}

type webhookWorker struct {
	river.WorkerDefaults[webhookArgs]
	webhooks *webhook.Sender
}

func (w *webhookWorker) Timeout(*river.Job[webhookArgs]) time.Duration { return webhookTimeout }

func (w *webhookWorker) Work(ctx context.Context, j *river.Job[webhookArgs]) error {
	id, err := nodeid.ParseUUID(j.Args.Webhook)
	if err != nil {
		return river.JobCancel(err)
	}
	return w.webhooks.Tend(ctx, id)
}

// WebhookQueue gives what puts jobs of webhooks into the queue, in a transaction.
func WebhookQueue(pool *pgxpool.Pool) (func(ctx context.Context, tx pgx.Tx, webhooks []nodeid.UUID) error, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		return nil, fmt.Errorf("make a client of the queue: %w", err)
	}
	return func(ctx context.Context, tx pgx.Tx, webhooks []nodeid.UUID) error {
		jobs := make([]river.InsertManyParams, len(webhooks))
		for i, id := range webhooks {
			jobs[i].Args = webhookArgs{id.String()}
		}
		if _, err := client.InsertManyFastTx(ctx, tx, jobs); err != nil {
			return fmt.Errorf("put jobs of webhooks into the queue: %w", err)
		}
		return nil
	}, nil
}
