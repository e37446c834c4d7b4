package main

import (
	"context"
	"fmt"

	"stadtgraph/graph"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/render"
	"stadtgraph/internal/search"
	"stadtgraph/migrations"
)

type migrateCommand struct {
	Up     migrateUp     `cmd:"" help:"Apply all migrations that are pending."`
	Down   migrateDown   `cmd:"" help:"Take back the last N migrations."`
	Status migrateStatus `cmd:"" help:"Say which migrations are applied and which are pending."`
	Force  migrateForce  `cmd:"" help:"Record that the database is at version V, and run nothing: the end of a repair."`
}

type migrateUp struct{ database }

func (*migrateUp) Help() string {
	return "Several processes may do this at once: one migrates, the others wait.\n\nExample:\n  stadtgraph migrate up"
}

// Run is called by kong.
func (c *migrateUp) Run(ctx context.Context) error {
	state, err := migrate(ctx, c.DatabaseURL)
	return printState(state, err)
}

// migrate brings a database up to date with this binary: its schema, and what
// is computed of the texts in it.
func migrate(ctx context.Context, url string) (postgres.Schema, error) {
	state, err := migrateSchema(ctx, url)
	if err != nil || state.Newer() {
		return state, err
	}
	return state, refresh(ctx, url)
}

// migrateSchema applies the migrations, or says beforehand why they would fail.
func migrateSchema(ctx context.Context, url string) (postgres.Schema, error) {
	pool, err := postgres.Open(ctx, postgres.Config{URL: url, ApplicationName: "stadtgraph migrate", MaxConns: 1})
	if err != nil {
		return postgres.Schema{}, err
	}
	defer pool.Close()
	if err := postgres.CheckExtension(ctx, pool, "pg_trgm"); err != nil {
		return postgres.Schema{}, err
	}
	return postgres.Migrate(ctx, url, migrations.FS)
}

// refresh computes what is missing: renderings of texts, and what search finds.
func refresh(ctx context.Context, url string) error {
	catalogue, err := graph.Catalogue()
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: url, ApplicationName: "stadtgraph refresh"})
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := render.Refresh(ctx, pool); err != nil {
		return err
	}
	return search.Refresh(ctx, pool, catalogue)
}

type migrateDown struct {
	database
	Steps int `arg:"" name:"n" help:"How many."`
}

func (*migrateDown) Help() string {
	return "What the migrations added is dropped, with the data in it.\n\nExample:\n  stadtgraph migrate down 1"
}

// Run is called by kong.
func (c *migrateDown) Run(ctx context.Context) error {
	state, err := postgres.MigrateDown(ctx, c.DatabaseURL, migrations.FS, c.Steps)
	return printState(state, err)
}

type migrateStatus struct{ database }

func (*migrateStatus) Help() string { return "Example:\n  stadtgraph migrate status" }

// Run is called by kong.
func (c *migrateStatus) Run(ctx context.Context) error {
	pool, err := postgres.Open(ctx, postgres.Config{URL: c.DatabaseURL, MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	state, err := postgres.ReadSchema(ctx, pool, migrations.FS)
	if err != nil {
		return err
	}
	for _, step := range state.Applied {
		fmt.Println("applied", step)
	}
	for _, step := range state.Pending {
		fmt.Println("pending", step)
	}
	return printState(state, state.Err())
}

type migrateForce struct {
	database
	Version uint `arg:"" name:"v" help:"The version; 0 is before the first migration."`
}

func (*migrateForce) Help() string { return "Example:\n  stadtgraph migrate force 8" }

// Run is called by kong.
func (c *migrateForce) Run(ctx context.Context) error {
	state, err := postgres.MigrateForce(ctx, c.DatabaseURL, migrations.FS, c.Version)
	return printState(state, err)
}

// printState says in a line where the database stands.
func printState(s postgres.Schema, err error) error {
	if err != nil {
		return err
	}
	switch {
	case s.Newer():
		fmt.Printf("The database is at version %d, newer than the %d of this binary.\n", s.Version, s.Latest)
	case len(s.Pending) > 0:
		fmt.Printf("The database is at version %d, %d pending up to %d.\n", s.Version, len(s.Pending), s.Latest)
	default:
		fmt.Printf("The database is at version %d, the latest.\n", s.Version)
	}
	return nil
}
