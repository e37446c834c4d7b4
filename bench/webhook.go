package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/job"
	"stadtgraph/internal/pglocal"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/webhook"
	"stadtgraph/internal/write"
	"stadtgraph/migrations"
)

// Webhooks are measured by themselves: how many deliveries a second reach receivers in this
// process, from the change feed to the note in the log, by the jobs of one instance.

// changesOfHooks are what a round tells of, each webhook all of them.
const changesOfHooks = 5000

func (b *bench) webhooks(ctx context.Context) error {
	return b.alone(ctx, "webhooks", func(pool *pgxpool.Pool) error {
		if _, err := pool.Exec(ctx, `INSERT INTO article (id, slug, kind, title, publication_status)
SELECT gen_random_uuid(), 'a' || n, 'NEWS', 'A', 'PUBLISHED' FROM generate_series(1, $1) n`, changesOfHooks); err != nil {
			return err
		}
		for _, receivers := range []int{1, 10} {
			if err := tellAll(ctx, pool, receivers, b.Rounds); err != nil {
				return err
			}
		}
		return nil
	})
}

// alone measures on an empty database in a Postgres of its own.
func (b *bench) alone(ctx context.Context, name string, measure func(*pgxpool.Pool) error) (err error) {
	dir := b.DataDir
	if dir == "" {
		ofDev, err := pglocal.DefaultDataDir()
		if err != nil {
			return err
		}
		dir = ofDev + "-bench"
	}
	dir = filepath.Join(dir, name)
	if err := pglocal.Reset(dir); err != nil {
		return err
	}
	db, err := pglocal.Start(ctx, pglocal.Config{DataDir: dir, Settings: settings})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Stop(context.WithoutCancel(ctx))) }()
	if _, err := postgres.Migrate(ctx, db.URL(pglocal.Database), migrations.FS); err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: db.URL(pglocal.Database), ApplicationName: "bench", MaxConns: 8})
	if err != nil {
		return err
	}
	defer pool.Close()
	return measure(pool)
}

// tellAll tells so many receivers of everything, again and again.
func tellAll(ctx context.Context, pool *pgxpool.Pool, receivers, rounds int) error {
	var arrived atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()
	catalogue, err := graph.Catalogue()
	if err != nil {
		return err
	}
	writable, err := graph.Writable(catalogue)
	if err != nil {
		return err
	}
	config := webhook.Config{Keys: seal.NewBox("webhook", seal.Key(seal.Random(32))), HTTP: true, Timeout: webhook.Timeout, Delays: webhook.Delays,
		Reach: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	if config.Queue, err = job.WebhookQueue(pool); err != nil {
		return err
	}
	sender, err := webhook.New(config, pool, plan.New(catalogue, pool, true))
	if err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, `TRUNCATE webhook CASCADE`); err != nil {
		return err
	}
	writer := write.NewWriter(writable, pool)
	for i := range receivers {
		err := writer.Run(ctx, &auth.Actor{Name: "bench", Role: auth.Admin}, "createWebhook", func(tx *write.Tx) error {
			_, _, err := sender.Create(ctx, tx, plan.Input{"webhook": plan.Input{"name": fmt.Sprint(i), "url": receiver.URL, "types": []any{"ARTICLE"}}})
			return err
		})
		if err != nil {
			return err
		}
	}
	running, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		job.Run(running, pool, job.Config{History: 1000 * time.Hour, Feed: 1000 * time.Hour, Webhooks: sender})
	}()
	defer func() { cancel(); <-over }()
	var rates []float64
	for round := range rounds + 1 {
		arrived.Store(0)
		if _, err := pool.Exec(ctx, `UPDATE article SET title = title || '!'`); err != nil {
			return err
		}
		begun := time.Now()
		for noted := 0; noted < receivers*changesOfHooks*(round+1); {
			if err := pool.QueryRow(ctx, `SELECT count(*) FROM webhook_delivery WHERE status = 'DELIVERED'`).Scan(&noted); err != nil {
				return err
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if round > 0 { // the first warms up
			rates = append(rates, float64(receivers*changesOfHooks)/time.Since(begun).Seconds())
		}
	}
	slices.Sort(rates)
	fmt.Printf("%2d receivers: %6.0f deliveries/s (%.0f to %.0f), %d changes each\n", receivers, rates[len(rates)/2], rates[0], rates[len(rates)-1], changesOfHooks)
	return nil
}
