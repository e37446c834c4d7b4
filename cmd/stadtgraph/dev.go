package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"stadtgraph/internal/demo"
	"stadtgraph/internal/pglocal"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/register"
	"stadtgraph/internal/server"
	"stadtgraph/migrations"
)

type devCommand struct {
	Listen  string `default:"127.0.0.1:8080" env:"STADTGRAPH_LISTEN" placeholder:"HOST:PORT" help:"Where to serve (default: ${default})."`
	DataDir string `type:"path" placeholder:"DIR" help:"Where Postgres keeps its data (default: the user's cache folder; as root /var/lib/stadtgraph)."`
	Reset   bool   `help:"Delete the data first."`
	Empty   bool   `help:"Load nothing: the schema only."`
}

func (*devCommand) Help() string {
	return `It finds the programs of Postgres (STADTGRAPH_POSTGRES_BIN names their folder), runs a database of its own in the data directory, migrates it, loads the register of municipalities and first content when it is empty, and serves. Started again, it keeps the data. Browsers on http://localhost and http://127.0.0.1, any port, may call it.

Examples:
  stadtgraph dev
  stadtgraph dev --listen 127.0.0.1:8099 --data-dir ./data
  stadtgraph dev --reset`
}

// Validate is called by kong.
func (c *devCommand) Validate() error { return checkListen(c.Listen) }

// Run is called by kong.
func (c *devCommand) Run(ctx context.Context) (err error) {
	start := time.Now()
	slog.SetDefault(slog.New(server.LogHandler(slog.NewTextHandler(os.Stderr, nil))))
	// The port comes first: if it is taken, the database is left alone.
	listener, err := listen(c.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
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
	if _, err := postgres.Migrate(ctx, url, migrations.FS); err != nil {
		return err
	}
	if !c.Empty {
		if err := loadIfEmpty(ctx, url); err != nil {
			return err
		}
	}
	a, err := newApp(ctx, url, server.LocalOrigins, 0)
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
  Data       %s (stadtgraph dev --reset starts afresh)

Ctrl-C stops it and keeps the data.
`, time.Since(start).Round(10*time.Millisecond), at, at.JoinPath("graphql"), at.JoinPath("schema.graphql"), url, c.DataDir)

	running, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-db.Done():
			cancel()
		case <-running.Done():
		}
	}()
	if err := a.server.Run(running, listener); err != nil {
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
