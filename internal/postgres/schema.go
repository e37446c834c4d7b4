package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/golang-migrate/migrate/v4/source"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Schema is where a database stands among the migrations of this binary.
type Schema struct {
	Version uint   // of the database; 0 before the first migration
	Latest  uint   // of this binary
	Dirty   bool   // a migration stopped in the middle
	Applied []Step // oldest first
	Pending []Step // next first
}

// Step is one migration: 7, "add_funding".
type Step struct {
	Version uint
	Name    string
}

func (s Step) String() string { return fmt.Sprintf("%06d_%s", s.Version, s.Name) }

// Newer says that the database has been migrated by a newer binary. That is fine
// for serving: migrations stay compatible with the release before, so that a
// release can be taken back without touching the database.
func (s Schema) Newer() bool { return s.Version > s.Latest }

// Current says that nothing keeps this binary from serving.
func (s Schema) Current() bool { return !s.Dirty && len(s.Pending) == 0 }

// Err is nil, or a *DirtyError.
func (s Schema) Err() error {
	if s.Dirty {
		return &DirtyError{Version: s.Version, Before: s.before()}
	}
	return nil
}

func (s Schema) before() uint {
	if n := len(s.Applied); n > 1 {
		return s.Applied[n-2].Version
	}
	return 0
}

// DirtyError means that a migration stopped in the middle and a person has to look.
type DirtyError struct {
	Version uint // that was being reached
	Before  uint // the one below
}

func (e *DirtyError) Error() string {
	return fmt.Sprintf("a migration stopped in the middle at version %d: find the highest migration whose changes are all in the database (%d, if the failed one was rolled back), run `stadtgraph migrate force` with its number, then `stadtgraph migrate up`",
		e.Version, e.Before)
}

// ReadSchema reads the state and changes nothing. A database without any
// migration is at version 0.
func ReadSchema(ctx context.Context, db DB, migrations fs.FS) (Schema, error) {
	steps, err := readSteps(migrations)
	if err != nil {
		return Schema{}, err
	}
	var s Schema
	err = db.QueryRow(ctx, `SELECT version, dirty FROM schema_migrations LIMIT 1`).Scan(&s.Version, &s.Dirty)
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case errors.As(err, &pg) && pg.Code == "42P01": // undefined_table
	case err != nil:
		return Schema{}, fmt.Errorf("read the version of the database: %w", err)
	}
	for i, step := range steps {
		s.Latest = step.Version
		if step.Version <= s.Version {
			s.Applied = steps[:i+1]
		}
	}
	s.Pending = steps[len(s.Applied):]
	return s, nil
}

func readSteps(migrations fs.FS) ([]Step, error) {
	src, err := iofs.New(migrations, ".")
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	defer src.Close()
	var steps []Step
	version, err := src.First()
	for ; err == nil; version, err = src.Next(version) {
		name, err := stepName(src, version)
		if err != nil {
			return nil, fmt.Errorf("read migration %d: %w", version, err)
		}
		steps = append(steps, Step{version, name})
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return steps, nil
}

func stepName(src source.Driver, version uint) (string, error) {
	file, name, err := src.ReadUp(version)
	if err != nil {
		return "", err
	}
	return name, file.Close()
}
