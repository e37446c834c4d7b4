package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/change"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/export"
	"stadtgraph/internal/feed"
	"stadtgraph/internal/graphiql"
	"stadtgraph/internal/job"
	"stadtgraph/internal/linked"
	"stadtgraph/internal/metric"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/rest"
	"stadtgraph/internal/search"
	"stadtgraph/internal/server"
	"stadtgraph/internal/stream"
	"stadtgraph/internal/trace"
	"stadtgraph/internal/trusted"
	"stadtgraph/internal/webhook"
	"stadtgraph/internal/write"
	"stadtgraph/migrations"
)

// app is a server and the pools that it works on.
type app struct {
	server  *server.Server
	metrics *metric.Metrics
	close   func()
}

func newApp(ctx context.Context, c settings, linger time.Duration) (*app, error) {
	a := &app{metrics: metric.New(), close: func() {}}
	open := func(name string, p postgres.Config) (*pgxpool.Pool, error) {
		p.URL = c.DatabaseURL
		pool, err := postgres.Open(ctx, p)
		if err == nil {
			before := a.close
			a.close = func() { pool.Close(); before() }
			a.metrics.Pool(name, pool)
		}
		return pool, err
	}
	reading, err := open("reading", postgres.Config{StatementTimeout: postgres.ReadTimeout})
	if err != nil {
		return nil, err
	}
	places, reserved, err := c.places(int(reading.Config().MaxConns))
	if err != nil {
		a.close()
		return nil, err
	}
	writing, err := open("writing", postgres.Config{ApplicationName: "stadtgraph writing", StatementTimeout: postgres.WriteTimeout})
	if err != nil {
		a.close()
		return nil, err
	}
	// Health has connections of its own: a server whose pool is busy is ready.
	health, err := open("health", postgres.Config{ApplicationName: "stadtgraph health", MaxConns: 2})
	if err != nil {
		a.close()
		return nil, err
	}
	indexing, err := open("search", postgres.Config{ApplicationName: "stadtgraph search", MaxConns: 1})
	if err != nil {
		a.close()
		return nil, err
	}
	working, err := open("jobs", postgres.Config{ApplicationName: "stadtgraph jobs", MaxConns: 4})
	if err != nil {
		a.close()
		return nil, err
	}
	// What is told is read beside what is asked, so that neither waits for the other.
	following, err := open("streams", postgres.Config{ApplicationName: "stadtgraph streams", MaxConns: 4, StatementTimeout: postgres.ReadTimeout})
	if err != nil {
		a.close()
		return nil, err
	}
	// An export takes its connection for as long as its client reads.
	copying, err := open("exports", postgres.Config{ApplicationName: "stadtgraph exports", MaxConns: int32(c.MaxExports)})
	if err != nil {
		a.close()
		return nil, err
	}
	discussion, err := c.discussing.config()
	if err != nil {
		a.close()
		return nil, err
	}
	catalogue, err := graph.CatalogueWith(discussion.Keys)
	if err != nil {
		a.close()
		return nil, err
	}
	writable, err := graph.Writable(catalogue)
	if err != nil {
		a.close()
		return nil, err
	}
	library, err := export.New(catalogue, writable, copying)
	if err != nil {
		a.close()
		return nil, err
	}
	var answers *cache.Cache
	if c.CacheSize > 0 {
		following, err := open("cache", postgres.Config{ApplicationName: "stadtgraph cache", MaxConns: 1})
		if err != nil {
			a.close()
			return nil, err
		}
		answers = cache.New(c.CacheSize<<20, change.Log{Pool: following}, catalogue.Prefix)
	}
	examples, err := graphiql.LoadExamples(graph.Examples)
	if err != nil {
		a.close()
		return nil, err
	}
	tracer, err := trace.Start(ctx)
	if err != nil {
		a.close()
		return nil, err
	}
	budgets, err := c.budgets()
	if err != nil {
		a.close()
		return nil, err
	}
	published, err := c.publishing.site()
	if err != nil {
		a.close()
		return nil, err
	}
	a.metrics.Database(health)
	writer := write.NewWriter(writable, writing)
	hub := stream.New(following)
	executor := graph.NewExecutor(plan.New(catalogue, reading, postgres.Prepares(reading)).Limit(c.MaxCost)).
		Writes(writer).Discusses(comment.NewDesk(discussion, writer, writing)).Under(c.policy(), trusted.NewStore(reading)).
		Follows(hub, plan.New(catalogue, following, postgres.Prepares(following)))
	hooks, err := c.webhooks(a, open, catalogue)
	if err != nil {
		a.close()
		return nil, err
	}
	executor.Tells(hooks)
	if err := loadTrusted(ctx, writing, c.TrustedDocuments); err != nil {
		a.close()
		return nil, err
	}
	api, err := rest.New(rest.Config{Schema: graph.Schema(), Prefix: catalogue.Prefix, DB: reading})
	if err != nil {
		a.close()
		return nil, err
	}
	a.server, err = server.New(server.Config{
		Executor:     executor,
		Authenticate: (&auth.Gate{DB: writing}).Authenticate,
		Cache:        answers,
		MaxAge:       c.CacheMaxAge,
		Database:     health,
		Migrations:   migrations.FS,
		Pages:        slices.Concat(api.Pages, feed.Pages(published), linked.Pages(published, c.publishing.terms(), dumps(library), catalogue.Prefix)),
		Routes:       slices.Concat(api.Routes, feed.Sitemaps(published)),
		PublicURL:    strings.TrimSuffix(c.PublicURL, "/"),
		SDL:          c.sdl(),
		Examples:     examples,
		NoGraphiQL:   c.GraphiQL == "off",
		Origins:      c.CORSOrigins,
		Budgets:      budgets,
		Streams:      c.streaming.config(),
		Exports:      c.exporting.config(library),
		Linger:       linger,

		Places:        places,
		Reserved:      reserved,
		QueueTime:     c.QueueTime,
		Metrics:       a.metrics,
		Tracer:        tracer,
		SlowStatement: c.SlowStatement,
	})
	if err != nil {
		a.close()
		return nil, err
	}
	// What is written from now on is found in a moment, what falls due is done, and who
	// follows is told.
	ctx, cancel := context.WithCancel(ctx)
	var behind sync.WaitGroup
	behind.Go(func() { checkTrusted(ctx, working, executor) })
	behind.Go(func() { search.Keep(ctx, indexing, catalogue) })
	behind.Go(func() { hub.Run(ctx) })
	jobs := c.keeping.config(!postgres.Prepares(working))
	jobs.Emails, jobs.Webhooks, jobs.Deliveries = days(c.KeepEmails), hooks, days(c.KeepDeliveries)
	if jobs.Purge = c.purging(); jobs.Purge != nil {
		jobs.Purge.Prefix, jobs.Purge.All = catalogue.Prefix, cache.All
	}
	behind.Go(func() { job.Run(ctx, working, jobs) })
	if answers != nil {
		behind.Go(func() { answers.Follow(ctx) })
	}
	closePools := a.close
	a.close = func() {
		cancel()
		behind.Wait()
		closePools()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := tracer.Shutdown(last); err != nil {
			slog.Warn("the last traces were not sent", "error", err)
		}
	}
	return a, nil
}

// webhooks makes what tells others of changes. It has connections of its own, so that
// neither many receivers nor a long queue make requests wait.
func (c *settings) webhooks(a *app, open func(string, postgres.Config) (*pgxpool.Pool, error), catalogue *plan.Catalogue) (*webhook.Sender, error) {
	config, err := c.telling.config()
	if err != nil {
		return nil, err
	}
	pool, err := open("webhooks", postgres.Config{ApplicationName: "stadtgraph webhooks", MaxConns: 4})
	if err != nil {
		return nil, err
	}
	if config.Queue, err = job.WebhookQueue(pool); err != nil {
		return nil, err
	}
	config.Attempted = a.metrics.Told
	return webhook.New(config, pool, plan.New(catalogue, pool, postgres.Prepares(pool)))
}

// run serves until ctx ends and what was being answered is finished, and as long on
// the listener for whoever runs the server, if there is one.
func (a *app) run(ctx context.Context, listener, admin net.Listener) error {
	if admin != nil {
		watched, cancel := context.WithCancel(context.WithoutCancel(ctx))
		var over sync.WaitGroup
		over.Go(func() {
			if err := a.server.RunAdmin(watched, admin, a.metrics); err != nil {
				slog.Error("no metrics are answered any more", "error", err)
			}
		})
		defer over.Wait()
		defer cancel()
	}
	return a.server.Run(ctx, listener)
}

// dumps are the exports, for the catalogue that tells of them.
func dumps(l *export.Library) []linked.Dump {
	all := []linked.Dump{{Name: "all", Formats: []string{string(export.NDJSON)}}}
	for _, k := range l.Kinds() {
		d := linked.Dump{Type: k.Type, Name: k.Name}
		for _, f := range k.Formats {
			d.Formats = append(d.Formats, string(f))
		}
		all = append(all, d)
	}
	return all
}

// loadTrusted puts the documents of a manifest on record.
func loadTrusted(ctx context.Context, db postgres.DB, file string) error {
	if file == "" {
		return nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("the trusted documents cannot be read (--trusted-documents, STADTGRAPH_TRUSTED_DOCUMENTS): %w", err)
	}
	documents, err := trusted.ParseManifest(raw)
	if err == nil {
		err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
			for _, d := range documents {
				if err := trusted.Trust(ctx, tx, nil, d); err != nil {
					return fmt.Errorf("document %q: %w", d.ID, err)
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("the trusted documents of %s cannot be loaded (--trusted-documents, STADTGRAPH_TRUSTED_DOCUMENTS): %w", file, err)
	}
	return nil
}

// checkTrusted logs which of all trusted documents do not fit the schema.
func checkTrusted(ctx context.Context, db postgres.DB, executor *graph.Executor) {
	all, invalid, err := executor.CheckTrusted(ctx, db)
	switch {
	case err != nil: // the database is not there yet, or not migrated: /readyz says so
		slog.Debug("trusted documents were not checked", "error", err)
	case all > 0:
		slog.Info("trusted documents", "documents", all, "invalid", invalid)
	}
}

// listen takes the port, or says in a sentence why it cannot.
func listen(address, setting string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use: stop what listens there, or choose another address %s", address, setting)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("%s may not be listened on by this user: choose a port from 1024 on %s", address, setting)
	}
	return nil, fmt.Errorf("cannot listen on %s (%w): choose another address %s", address, err, setting)
}

// base is the address at which a browser on this machine reaches a listener.
func base(l net.Listener) *url.URL {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port), Path: "/"}
}
