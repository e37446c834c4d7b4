package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"stadtgraph/internal/demo"
	"stadtgraph/internal/pglocal"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/register"
	"stadtgraph/internal/sample"
	"stadtgraph/internal/server"
)

type devCommand struct {
	Listen  string `default:"127.0.0.1:8080" env:"STADTGRAPH_LISTEN" placeholder:"HOST:PORT" help:"Where to serve (default: ${default})."`
	DataDir string `type:"path" placeholder:"DIR" help:"Where Postgres keeps its data (default: the user's cache folder; as root /var/lib/stadtgraph)."`
	Reset   bool   `help:"Delete the data first."`
	Empty   bool   `help:"Load nothing: the schema only."`
	Sample  bool   `help:"Add a large data set that is clearly made up: strategies, articles, comments … over the real register."`

	SampleScale float64 `default:"0.1" placeholder:"0.1" help:"How large it is: 1 is 100,000 articles and 500,000 comments (default: ${default})."`
}

func (*devCommand) Help() string {
	return `It finds the programs of Postgres (STADTGRAPH_POSTGRES_BIN names their folder), runs a database of its own in the data directory, migrates it, loads the register of municipalities and first content when it is empty, and serves. Started again, it keeps the data. It prints an administrator's token for local use, which it keeps in the data directory. Browsers on http://localhost and http://127.0.0.1, any port, may call it.

Examples:
  stadtgraph dev
  stadtgraph dev --listen 127.0.0.1:8099 --data-dir ./data
  stadtgraph dev --reset
  stadtgraph dev --sample --sample-scale 0.5`
}

// Validate is called by kong.
func (c *devCommand) Validate() error {
	if c.Sample && c.Empty {
		return errors.New("--empty and --sample contradict each other: the sample stands on the register")
	}
	if !(c.SampleScale > 0 && c.SampleScale <= sample.MaxScale) {
		return fmt.Errorf("a sample of scale %v makes no sense: choose one above 0, and %d at most (--sample-scale)", c.SampleScale, sample.MaxScale)
	}
	return checkListen(c.Listen, listenSetting)
}

// Run is called by kong.
func (c *devCommand) Run(ctx context.Context) (err error) {
	start := time.Now()
	slog.SetDefault(slog.New(server.LogHandler(slog.NewTextHandler(os.Stderr, nil))))
	// The port comes first: if it is taken, the database is left alone.
	listener, err := listen(c.Listen, listenSetting)
	if err != nil {
		return err
	}
	defer listener.Close()
	// Any free port: a second dev has one, too.
	admin, err := listen("127.0.0.1:0", adminListenSetting)
	if err != nil {
		return err
	}
	defer admin.Close()
	if c.DataDir == "" {
		if c.DataDir, err = pglocal.DefaultDataDir(); err != nil {
			return err
		}
	}
	if c.Reset {
		if err := pglocal.Reset(c.DataDir); err != nil {
			return err
		}
	}

	fmt.Fprintf(os.Stderr, "Starting Postgres in %s …\n", c.DataDir)
	db, err := pglocal.Start(ctx, pglocal.Config{DataDir: c.DataDir})
	if err != nil {
		return err
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		err = errors.Join(err, db.Stop(stop))
	}()
	url := db.URL(pglocal.Database)
	schema, err := migrateSchema(ctx, url)
	if err != nil {
		return err
	}
	if !c.Empty {
		if err := loadIfEmpty(ctx, url); err != nil {
			return err
		}
	}
	if c.Sample {
		if err := loadSample(ctx, url, c.SampleScale); err != nil {
			return err
		}
	}
	if !schema.Newer() {
		if err := refresh(ctx, url); err != nil {
			return err
		}
	}
	token, err := devToken(ctx, url, c.DataDir)
	if err != nil {
		return err
	}
	as := settings{database: database{DatabaseURL: url}}
	if err := kong.ApplyDefaults(&as); err != nil {
		return err
	}
	as.DatabaseURL, as.CORSOrigins = url, server.LocalOrigins // whatever the environment says
	as.PublicURL, as.Suggestions = base(listener).String(), "on"
	if err := as.limiting.check(); err != nil {
		return err
	}
	key, err := devKey(c.DataDir)
	if err != nil {
		return err
	}
	as.CommentKeys, as.CommentEmail = []string{key}, ""
	as.telling.local(key)
	a, err := newApp(ctx, as, 0)
	if err != nil {
		return err
	}
	defer a.close()

	at := base(listener)
	fmt.Printf(`Ready after %s.

  GraphiQL   %s
  GraphQL    %s
  Schema     %s
  Database   psql '%s'
  Metrics    %s
  Data       %s (stadtgraph dev --reset starts afresh)
  Token      %s

The token is an administrator's, for this database alone:

  curl %s -H 'Content-Type: application/json' -H 'Authorization: Bearer %[8]s' -d '{"query": "{ viewer { name role capabilities } }"}'

Ctrl-C stops it and keeps the data.
`, time.Since(start).Round(10*time.Millisecond), at, at.JoinPath("graphql"), at.JoinPath("schema.graphql"), url, base(admin).JoinPath("metrics"), c.DataDir, token, at.JoinPath("graphql"))

	running, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-db.Done():
			cancel()
		case <-running.Done():
		}
	}()
	if err := a.run(running, listener, admin); err != nil {
		return err
	}
	if ctx.Err() == nil {
		return errors.New("Postgres has ended, see postgres.log in the data directory: start again")
	}
	fmt.Fprintln(os.Stderr, "Stopping Postgres …")
	return nil
}

// loadIfEmpty loads what ships into a database that has no register: all of it
// or, if it is interrupted, nothing.
func loadIfEmpty(ctx context.Context, url string) error {
	pool, err := postgres.Open(ctx, postgres.Config{URL: url, ApplicationName: "stadtgraph load", MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	day, err := register.Loaded(ctx, pool)
	if err != nil || !day.IsZero() {
		return err
	}
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit it does nothing
	bar := newProgress("Loading the register of municipalities")
	report, err := register.LoadShipped(ctx, tx, bar.update)
	bar.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Loading model projects, strategies, articles and comments …\n")
	if err := demo.Load(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("load the data: %w", err)
	}
	// Autovacuum would come by only after the first questions.
	if _, err := pool.Exec(ctx, `ANALYZE`); err != nil {
		return fmt.Errorf("load the data: %w", err)
	}
	slog.Debug("loaded", "units", len(report.Rows))
	return nil
}

// loadSample adds the sample, unless it is there already.
func loadSample(ctx context.Context, url string, scale float64) error {
	pool, err := postgres.Open(ctx, postgres.Config{URL: url, ApplicationName: "stadtgraph load", MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	bar := newProgress("Making up a large data set")
	defer bar.end()
	return sample.Load(ctx, pool, sample.Options{Scale: scale, Progress: bar.update})
}
