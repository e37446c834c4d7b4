package register

import (
	"context"
	"fmt"
	"time"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/postgres"
)

// Options of an import.
type Options struct {
	DryRun       bool                  // do everything, then roll back
	PopulationOn time.Time             // day of the populations, if it is not the end of the year before the edition
	Progress     func(done, total int) // called now and then, and at the end
}

// Import brings the database to the state of an edition, in one transaction: all
// of it or nothing. It never deletes. A unit that the edition no longer has is
// reported and stays, with what it may have become, unless it is known from a source
// what did become of it. What the edition's format cannot say stays, too, such as
// coordinates. An edition that is older than the one loaded is refused; a CSV has no
// date, so that is up to the caller, who can set the edition's.
func Import(ctx context.Context, db postgres.DB, e *Edition, o Options) (Report, error) {
	return importEdition(ctx, db, e, o)
}

func importEdition(ctx context.Context, db postgres.DB, e *Edition, o Options, credits ...dataset) (_ Report, err error) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("import register: %w", err)
	}
	defer func() {
		if err != nil && ctx.Err() != nil { // pgx may say only that the connection was closed
			err = fmt.Errorf("import register: %w", context.Cause(ctx))
		}
		// The context may be over, and the connection should be usable afterwards.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = tx.Rollback(ctx)
	}()
	// Nobody else writes these tables meanwhile, so what was compared still holds
	// when it is written. Readers, and rows that refer to municipalities, go on.
	// The statement timeout of the pool is made for requests.
	if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
		return Report{}, fmt.Errorf("import register: %w", err)
	}
	if _, err := tx.Exec(ctx, `LOCK TABLE state, municipality, municipality_key, municipality_population, dataset IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return Report{}, fmt.Errorf("lock the register: %w", err)
	}
	old, err := load(ctx, tx)
	if err != nil {
		return Report{}, err
	}
	if old.asOf.Valid && !e.AsOf.IsZero() && e.AsOf.Before(old.asOf.Time) {
		return Report{}, fault.New(fault.Invalid, "%s is of %s, but the register of %s is loaded already: import a newer edition.",
			e.Name, e.AsOf.Format(time.DateOnly), old.asOf.Time.Format(time.DateOnly))
	}
	population := o.PopulationOn
	if population.IsZero() {
		population = e.PopulationDate()
	}
	before := e.past
	if before == nil {
		if before, err = known(e, old); err != nil {
			return Report{}, fmt.Errorf("import register: %w", err)
		}
	}
	p := compare(old, e, before, population)
	p.report.DryRun = o.DryRun
	if err := p.apply(ctx, tx, o.Progress); err != nil {
		return Report{}, err
	}
	if err := setLabels(ctx, tx); err != nil {
		return Report{}, err
	}
	for _, d := range append(credits, registerDataset(e, old)) {
		if err := d.store(ctx, tx); err != nil {
			return Report{}, err
		}
	}
	if err := p.report.mutations(ctx, tx); err != nil {
		return Report{}, err
	}
	if o.DryRun {
		return p.report, nil
	}
	if err := tx.Commit(ctx); err != nil {
		return Report{}, fmt.Errorf("import register: %w", err)
	}
	return p.report, nil
}
