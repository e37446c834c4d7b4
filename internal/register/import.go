package register

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/postgres"
)

// Options of an import.
type Options struct {
	DryRun       bool                  // do everything, then roll back
	PopulationOn time.Time             // day of the populations, if it is not the end of the year before the edition
	Progress     func(done, total int) // called now and then with how many states and units are done
}

// dataset is a row of dataset: a source and its credit.
type dataset struct {
	name                      string
	asOf                      pgtype.Date
	attribution, license, url string
}

const license = "Vervielfältigung und Verbreitung, auch auszugsweise, mit Quellenangabe gestattet"

var sheetDataset = dataset{
	name: "gv-auszug", asOf: date(sheetAsOf), license: license,
	attribution: "© Statistisches Bundesamt (Destatis), Gemeindeverzeichnis, Auszug, Gebietsstand 31.12.2020; Koordinaten © GeoBasis-DE / BKG 2020",
	url:         "https://www.destatis.de/DE/Themen/Laender-Regionen/Regionales/Gemeindeverzeichnis/_inhalt.html",
}

// registerDataset credits the register. An edition without a date leaves the date
// of the one that was loaded before.
func registerDataset(e *Edition, old *stored) dataset {
	d := dataset{
		name: "gv100ad", asOf: old.asOf, license: license, url: sheetDataset.url,
		attribution: "© Statistisches Bundesamt (Destatis), Gemeindeverzeichnis-Informationssystem GV-ISys, GV100AD",
	}
	if !e.AsOf.IsZero() {
		d.asOf = date(e.AsOf)
	}
	if d.asOf.Valid {
		d.attribution += ", Gebietsstand " + d.asOf.Time.Format("02.01.2006")
	}
	return d
}

// Import brings the database to the state of an edition, in one transaction: all
// of it or nothing. It never deletes. A unit that the edition no longer has is
// reported and stays, and so does what the edition's format cannot say, such as
// coordinates. An edition that is older than the one loaded is refused.
func Import(ctx context.Context, db postgres.DB, e *Edition, o Options) (Report, error) {
	return importEdition(ctx, db, e, o)
}

func importEdition(ctx context.Context, db postgres.DB, e *Edition, o Options, credits ...dataset) (report Report, err error) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return Report{}, fmt.Errorf("import register: %w", err)
	}
	// The context may be over, and the connection should be usable afterwards.
	defer func() {
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
		return Report{}, fault.New(fault.Invalid, "%s is the register of %s, and the one of %s is loaded already: import a newer edition.",
			e.Name, e.AsOf.Format(time.DateOnly), old.asOf.Time.Format(time.DateOnly))
	}
	population := o.PopulationOn
	if population.IsZero() {
		population = e.PopulationDate()
	}
	p := compare(old, e, population)
	p.report.DryRun = o.DryRun
	a := &applier{tx: tx, progress: o.Progress, total: len(e.States) + len(e.Units)}
	if err := a.apply(ctx, p); err != nil {
		return Report{}, err
	}
	for _, d := range append(credits, registerDataset(e, old)) {
		if err := a.credit(ctx, d); err != nil {
			return Report{}, err
		}
	}
	if o.DryRun {
		return p.report, nil
	}
	if err := tx.Commit(ctx); err != nil {
		return Report{}, fmt.Errorf("import register: %w", err)
	}
	return p.report, nil
}

// applier writes a plan.
type applier struct {
	tx          pgx.Tx
	progress    func(done, total int)
	done, total int
}

// step is how often progress is reported, in rows.
const step = 500

func (a *applier) advance(n int) {
	before := a.done
	a.done += n
	if a.progress != nil && (a.done/step != before/step || a.done == a.total) {
		a.progress(a.done, a.total)
	}
}

func (a *applier) apply(ctx context.Context, p *plan) error {
	a.advance(p.report.Count(Unchanged))
	for _, do := range []func(context.Context, *plan) error{
		a.createStates, a.createUnits, a.changeUnits, a.changeStates, a.writeKeys, a.writeFigures,
	} {
		if err := do(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// createStates leaves out the municipality of a city state, which refers back and
// comes in changeStates.
func (a *applier) createStates(ctx context.Context, p *plan) error {
	for _, s := range p.newStates {
		if _, err := a.tx.Exec(ctx, `
INSERT INTO state (id, key, code, slug, name, iso3166, nuts1, seat, population, area_ha)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			s.ID, s.Key, s.Code, s.Slug, s.Name, s.ISO3166, s.NUTS1, s.Seat, s.Population, s.AreaHa); err != nil {
			return fmt.Errorf("create state %s: %w", s.Key, err)
		}
	}
	a.advance(len(p.newStates))
	return nil
}

func (a *applier) changeStates(ctx context.Context, p *plan) error {
	for _, s := range p.newStates {
		if !s.CityMunicipalityID.Valid {
			continue
		}
		if _, err := a.tx.Exec(ctx, `UPDATE state SET city_municipality_id = $2 WHERE id = $1`, s.ID, s.CityMunicipalityID); err != nil {
			return fmt.Errorf("link city state %s: %w", s.Key, err)
		}
	}
	for _, s := range p.changedStates {
		if _, err := a.tx.Exec(ctx, `
UPDATE state
SET code = $2, name = $3, iso3166 = $4, nuts1 = $5, seat = $6, population = $7, area_ha = $8,
  city_municipality_id = $9, version = version + 1, modified_at = now()
WHERE id = $1`,
			s.ID, s.Code, s.Name, s.ISO3166, s.NUTS1, s.Seat, s.Population, s.AreaHa, s.CityMunicipalityID); err != nil {
			return fmt.Errorf("change state %s: %w", s.Key, err)
		}
	}
	a.advance(len(p.changedStates))
	return nil
}

// createUnits needs no order: references are checked when all rows are in.
func (a *applier) createUnits(ctx context.Context, p *plan) error {
	return a.copy(ctx, "municipality", p.created)
}

func (a *applier) changeUnits(ctx context.Context, p *plan) error {
	if len(p.changed) == 0 {
		return nil
	}
	if _, err := a.tx.Exec(ctx, `CREATE TEMP TABLE register_change (LIKE municipality INCLUDING DEFAULTS) ON COMMIT DROP`); err != nil {
		return fmt.Errorf("stage changes: %w", err)
	}
	if err := a.copy(ctx, "register_change", p.changed); err != nil {
		return err
	}
	if _, err := a.tx.Exec(ctx, `
UPDATE municipality m
SET level = c.level, kind = c.kind, name = c.name, official_name = c.official_name,
  regional_key = c.regional_key, district_key = c.district_key,
  state_id = c.state_id, government_region_id = c.government_region_id,
  district_id = c.district_id, association_id = c.association_id,
  seat = c.seat, administration_postal_code = c.administration_postal_code, postal_code_unique = c.postal_code_unique,
  population = c.population, population_as_of = c.population_as_of, area_ha = c.area_ha,
  latitude = c.latitude, longitude = c.longitude, urbanisation = c.urbanisation,
  constituency_from = c.constituency_from, constituency_to = c.constituency_to,
  travel_region_key = c.travel_region_key, travel_region_name = c.travel_region_name,
  version = m.version + 1, modified_at = now()
FROM register_change c
WHERE c.id = m.id`); err != nil {
		return fmt.Errorf("change municipalities: %w", err)
	}
	// Two imports may share an outer transaction.
	if _, err := a.tx.Exec(ctx, `DROP TABLE register_change`); err != nil {
		return fmt.Errorf("change municipalities: %w", err)
	}
	return nil
}

func (a *applier) copy(ctx context.Context, table string, rows []*unitRow) error {
	if len(rows) == 0 {
		return nil
	}
	values := make([]any, len(unitColumns))
	_, err := a.tx.CopyFrom(ctx, pgx.Identifier{table}, unitColumns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		v := reflect.ValueOf(rows[i]).Elem()
		for i := range values {
			values[i] = v.Field(i).Interface()
		}
		a.advance(1)
		return values, nil
	}))
	if err != nil {
		return fmt.Errorf("copy into %s: %w", table, err)
	}
	return nil
}

func (a *applier) writeKeys(ctx context.Context, p *plan) error {
	n := len(p.keys)
	keys, ids, names, until := make([]string, n), make([]pgtype.UUID, n), make([]string, n), make([]pgtype.Date, n)
	for i, r := range p.keys {
		keys[i], ids[i], names[i], until[i] = r.Key, r.MunicipalityID, r.Name, r.ValidUntil
	}
	if _, err := a.tx.Exec(ctx, `
INSERT INTO municipality_key (key, municipality_id, name, valid_until)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::date[])
ON CONFLICT (key) DO UPDATE
SET municipality_id = excluded.municipality_id, name = excluded.name, valid_until = excluded.valid_until`,
		keys, ids, names, until); err != nil {
		return fmt.Errorf("write keys: %w", err)
	}
	return nil
}

func (a *applier) writeFigures(ctx context.Context, p *plan) error {
	n := len(p.figures)
	ids, days, populations, males := make([]pgtype.UUID, n), make([]pgtype.Date, n), make([]int32, n), make([]pgtype.Int4, n)
	for i, r := range p.figures {
		ids[i], days[i], populations[i], males[i] = r.MunicipalityID, r.AsOf, r.Population, r.Male
	}
	if _, err := a.tx.Exec(ctx, `
INSERT INTO municipality_population (municipality_id, as_of, population, male)
SELECT * FROM unnest($1::uuid[], $2::date[], $3::integer[], $4::integer[])
ON CONFLICT (municipality_id, as_of) DO UPDATE
SET population = excluded.population, male = excluded.male`,
		ids, days, populations, males); err != nil {
		return fmt.Errorf("write populations: %w", err)
	}
	return nil
}

// credit stores how to credit a source, and leaves a row that says so already.
func (a *applier) credit(ctx context.Context, d dataset) error {
	if _, err := a.tx.Exec(ctx, `
INSERT INTO dataset AS d (name, as_of, attribution, license, url)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (name) DO UPDATE
SET as_of = excluded.as_of, attribution = excluded.attribution, license = excluded.license, url = excluded.url, loaded_at = now()
WHERE (d.as_of, d.attribution, d.license, d.url) IS DISTINCT FROM (excluded.as_of, excluded.attribution, excluded.license, excluded.url)`,
		d.name, d.asOf, d.attribution, d.license, d.url); err != nil {
		return fmt.Errorf("credit %s: %w", d.name, err)
	}
	return nil
}
