package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"stadtgraph/graph"
	"stadtgraph/internal/demo"
	"stadtgraph/internal/pglocal"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/register"
	"stadtgraph/internal/sample"
	"stadtgraph/internal/search"
	"stadtgraph/migrations"
)

// A database holds the data that is measured.
type database struct {
	url    string
	server *pglocal.Server // nil if it is not ours
	pid    int             // of its postmaster, 0 if it is not ours
}

// settings keep the data in memory and background work out of the figures. The
// data can be made again, so nothing waits for the disk.
var settings = map[string]string{
	"shared_buffers": "2GB", "autovacuum": "off", "max_wal_size": "4GB",
	"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
}

// made is the file in a data directory that says what its data was made by.
const made = "made-by"

// open starts the Postgres of a scale, and makes the data if they are not there
// or were made by other migrations or another generator.
func open(ctx context.Context, dir string, scale float64, stale bool) (db *database, err error) {
	dir = filepath.Join(dir, "scale-"+strconv.FormatFloat(scale, 'f', -1, 64))
	by, err := fingerprint()
	if err != nil {
		return nil, err
	}
	there, err := os.ReadFile(filepath.Join(dir, made))
	fresh := err == nil && (stale || string(there) == by)
	if !fresh {
		if err := pglocal.Reset(dir); err != nil {
			return nil, err
		}
	}
	server, err := pglocal.Start(ctx, pglocal.Config{DataDir: dir, Settings: settings})
	if err != nil {
		return nil, err
	}
	db = &database{url: server.URL(pglocal.Database), server: server}
	defer func() {
		if err != nil {
			err = errors.Join(err, (&database{server: server}).close()) // db is nil by now
		}
	}()
	if _, err := postgres.Migrate(ctx, db.url, migrations.FS); err != nil {
		return nil, err
	}
	if !fresh {
		if err := db.load(ctx, scale); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, made), []byte(by), 0o644); err != nil {
			return nil, err
		}
	}
	pid, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(pid), "\n")
	db.pid, err = strconv.Atoi(first)
	return db, err
}

// load loads what `dev --sample` does.
func (db *database) load(ctx context.Context, scale float64) error {
	start := time.Now()
	fmt.Fprintf(os.Stderr, "Making the data of scale %v; they are kept for the next run …\n", scale)
	pool, err := postgres.Open(ctx, postgres.Config{URL: db.url, ApplicationName: "stadtgraph load"})
	if err != nil {
		return err
	}
	defer pool.Close()
	if _, err := register.LoadShipped(ctx, pool, nil); err != nil {
		return err
	}
	if err := demo.Load(ctx, pool); err != nil {
		return err
	}
	if err := sample.Load(ctx, pool, sample.Options{Scale: scale}); err != nil {
		return err
	}
	loaded := time.Now()
	catalogue, err := graph.Catalogue()
	if err != nil {
		return err
	}
	if err := search.Refresh(ctx, pool, catalogue); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Loaded in %s, indexed for search in %s.\n", loaded.Sub(start).Round(time.Second), time.Since(loaded).Round(time.Second))
	if _, err := pool.Exec(ctx, `VACUUM (ANALYZE)`); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	fmt.Fprintf(os.Stderr, "Made in %s.\n", time.Since(start).Round(time.Second))
	return nil
}

func (db *database) close() error {
	if db.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return db.server.Stop(ctx)
}

// fingerprint stands for what the data are made by: migrations, the sources of
// the generator and of what it stands on, and the version of what search finds.
func fingerprint() (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "search %d\n", search.Version)
	trees := []fs.FS{migrations.FS}
	for _, dir := range []string{"internal/sample", "internal/register", "internal/demo"} {
		trees = append(trees, os.DirFS(dir))
	}
	for _, tree := range trees {
		err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(tree, path)
			fmt.Fprintf(h, "%s %d\n%s", path, len(text), text)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("run this in the top folder of the repository: %w", err)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
