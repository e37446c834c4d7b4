package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// migrationLock is an arbitrary number that everything which migrates agrees on.
const migrationLock = 7_829_301_455_104_001

// Migrate applies every pending migration. Any number of processes may call it
// at once: one migrates, the others wait. A database that is newer than the
// migrations is left as it is, which is no error (see Schema.Newer).
//
// A file runs to its end even when ctx ends: stopping inside one would leave the
// database dirty. ctx is heeded while waiting and between files.
func Migrate(ctx context.Context, url string, migrations fs.FS) (Schema, error) {
	return change(ctx, url, migrations, func(m *migrate.Migrate, s Schema) error {
		if err := s.Err(); err != nil {
			return err
		}
		if s.Newer() {
			return nil
		}
		return m.Up()
	})
}

// MigrateDown takes back the last steps migrations.
func MigrateDown(ctx context.Context, url string, migrations fs.FS, steps int) (Schema, error) {
	return change(ctx, url, migrations, func(m *migrate.Migrate, s Schema) error {
		if err := s.Err(); err != nil {
			return err
		}
		if s.Newer() {
			return fmt.Errorf("the database is at version %d and this binary knows only %d: migrate down with the newer binary", s.Version, s.Latest)
		}
		if steps < 1 || steps > len(s.Applied) {
			return fmt.Errorf("%d migrations are applied: choose from 1 to %[1]d steps down, not %d", len(s.Applied), steps)
		}
		return m.Steps(-steps)
	})
}

// MigrateForce records that the database is at version, clean, and runs nothing:
// the end of a repair. 0 means before the first migration.
func MigrateForce(ctx context.Context, url string, migrations fs.FS, version uint) (Schema, error) {
	return change(ctx, url, migrations, func(m *migrate.Migrate, s Schema) error {
		if version == 0 {
			return m.Force(database.NilVersion)
		}
		for _, steps := range [][]Step{s.Applied, s.Pending} {
			for _, step := range steps {
				if step.Version == version {
					return m.Force(int(version))
				}
			}
		}
		return fmt.Errorf("there is no migration %d: choose one up to %d", version, s.Latest)
	})
}

// change holds our lock around all of golang-migrate, its CREATE TABLE IF NOT
// EXISTS schema_migrations included, and reports where the database then stands.
func change(ctx context.Context, url string, migrations fs.FS, do func(*migrate.Migrate, Schema) error) (after Schema, err error) {
	pc, err := Config{URL: url, ApplicationName: "stadtgraph migrate"}.parse()
	if err != nil {
		return Schema{}, err
	}
	cc := pc.ConnConfig
	cc.RuntimeParams["statement_timeout"] = "0" // building an index may take an hour
	if cc.ValidateConnect == nil {
		// Of several hosts, the lock and the migration must reach the same one.
		cc.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}

	err = withLock(ctx, cc, migrationLock, func(ctx context.Context, conn *pgx.Conn) error {
		before, err := ReadSchema(ctx, conn, migrations)
		if err != nil {
			return err
		}
		err = run(ctx, cc, migrations, func(m *migrate.Migrate) error { return do(m, before) })
		var readErr error
		after, readErr = ReadSchema(context.WithoutCancel(ctx), conn, migrations)
		if err != nil {
			return describe(err, after)
		}
		if readErr == nil {
			readErr = ctx.Err() // stopped between two files
		}
		return readErr
	})
	return after, err
}

func run(ctx context.Context, cc *pgx.ConnConfig, migrations fs.FS, do func(*migrate.Migrate) error) (err error) {
	src, err := iofs.New(migrations, ".")
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	db := stdlib.OpenDB(*cc)
	driver, err := migratepgx.WithInstance(db, &migratepgx.Config{})
	if err != nil {
		return errors.Join(explain(err, cc), db.Close())
	}
	m, err := migrate.NewWithInstance("iofs", src, "pgx5", driver)
	if err != nil {
		return errors.Join(err, driver.Close())
	}
	defer func() {
		srcErr, dbErr := m.Close() // closes db as well
		err = errors.Join(err, srcErr, dbErr)
	}()
	defer context.AfterFunc(ctx, func() { m.GracefulStop <- true })()

	if err := do(m); err != nil && !errors.Is(err, migrate.ErrNoChange) {
		return err
	}
	return nil
}

// describe replaces golang-migrate's message, which repeats the whole file, by
// the file's name, the line and what Postgres said.
func describe(err error, after Schema) error {
	var failed database.Error
	if !errors.As(err, &failed) {
		return err
	}
	where := ""
	if failed.Line > 0 {
		where = fmt.Sprintf(" in line %d", failed.Line)
	}
	return fmt.Errorf("migration to version %d failed%s: %w", after.Version, where, failed.OrigErr)
}
