package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"stadtgraph/internal/postgres"
	"stadtgraph/migrations"

	"github.com/jackc/pgx/v5"
)

// template returns the name of the database that a copy is made from, after
// building it if nobody has. It is named by a hash of the migrations and of what
// the seed is called, so that branches and seeds don't meet; a template that is
// no longer wanted goes with the cluster.
//
// It is built under another name and renamed, so that one that was interrupted
// is never used, and locked against connections, which would keep it from being
// copied.
func (s *server) template(ctx context.Context, name, version string, seed Seed) (string, error) {
	hash, err := hashMigrations()
	if err != nil {
		return "", err
	}
	if seed != nil {
		hash = sha256.Sum256(fmt.Appendf(nil, "%x %q %q", hash, name, version))
	}
	template := fmt.Sprintf("template_%d_%x", s.oid, hash[:8])

	s.mu.Lock()
	known := s.templates[template]
	s.mu.Unlock()
	if known {
		return template, nil
	}
	key := int64(binary.BigEndian.Uint64(hash[:8]))
	err = postgres.WithLock(ctx, s.url(""), key, func(ctx context.Context, conn *pgx.Conn) error {
		var there bool
		err := conn.QueryRow(ctx, `SELECT count(*) > 0 FROM pg_database WHERE datname = $1`, template).Scan(&there)
		if err != nil || there {
			return err
		}
		base := "template1"
		if seed != nil {
			if base, err = s.template(ctx, "", "", nil); err != nil {
				return err
			}
		}
		return s.build(ctx, conn, template, base, seed)
	})
	if err != nil {
		return "", fmt.Errorf("build the template database: %w", err)
	}
	s.mu.Lock()
	s.templates[template] = true
	s.mu.Unlock()
	return template, nil
}

func (s *server) build(ctx context.Context, conn *pgx.Conn, template, base string, seed Seed) error {
	unfinished := template + "_new"
	for _, sql := range []string{
		`DROP DATABASE IF EXISTS ` + unfinished + ` WITH (FORCE)`,
		`CREATE DATABASE ` + unfinished + ` TEMPLATE ` + base + s.strategy,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if seed == nil {
		if _, err := postgres.Migrate(ctx, s.url(unfinished), migrations.FS); err != nil {
			return err
		}
	} else if err := s.plant(ctx, unfinished, seed); err != nil {
		return err
	}
	for _, sql := range []string{
		`ALTER DATABASE ` + unfinished + ` ALLOW_CONNECTIONS false`,
		`ALTER DATABASE ` + unfinished + ` RENAME TO ` + template,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) plant(ctx context.Context, database string, seed Seed) error {
	pool, err := postgres.Open(ctx, postgres.Config{URL: s.url(database), ApplicationName: "pgtest seed"})
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := seed(ctx, pool); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	// Copies inherit the statistics and the visibility map, so that plans in
	// tests are those of a database that has been running for a while.
	_, err = pool.Exec(ctx, `VACUUM (ANALYZE)`)
	return err
}

var hashMigrations = sync.OnceValues(func() (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	err = fs.WalkDir(migrations.FS, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations.FS, path)
		fmt.Fprintf(h, "%q %d\n%s", path, len(text), text)
		return err
	})
	return [sha256.Size]byte(h.Sum(nil)), errors.Join(err)
})
