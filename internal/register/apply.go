package register

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// applier writes a plan.
type applier struct {
	*plan
	tx          pgx.Tx
	progress    func(done, total int)
	done, total int // rows of all tables; units that stay as they are count too
}

func (p *plan) apply(ctx context.Context, tx pgx.Tx, progress func(done, total int)) error {
	unchanged := p.report.Count(Unchanged)
	a := &applier{plan: p, tx: tx, progress: progress, total: unchanged + p.size()}
	a.advance(unchanged)
	for _, write := range []func(context.Context) error{
		a.createStates, a.createUnits, a.changeUnits, a.changeStates, a.writeKeys, a.writeFigures, a.writeNames, a.writeChanges,
	} {
		if err := write(ctx); err != nil {
			return err
		}
	}
	return nil
}

// size is how many rows the plan writes.
func (p *plan) size() int {
	return len(p.newStates) + len(p.changedStates) + len(p.created) + len(p.changed) +
		len(p.newKeys) + len(p.changedKeys) + len(p.newFigures) + len(p.changedFigures)
}

// step is how often progress is reported, in rows.
const step = 500

func (a *applier) advance(n int) {
	before := a.done
	a.done += n
	if a.progress != nil && n > 0 && (a.done/step != before/step || a.done == a.total) {
		a.progress(a.done, a.total)
	}
}

// createStates leaves out the municipality of a city state, which refers back and
// comes in changeStates.
func (a *applier) createStates(ctx context.Context) error {
	for _, s := range a.newStates {
		if _, err := a.tx.Exec(ctx, `
INSERT INTO state (id, key, code, slug, name, iso3166, nuts1, seat, population, area_ha)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			s.ID, s.Key, s.Code, s.Slug, s.Name, s.ISO3166, s.NUTS1, s.Seat, s.Population, s.AreaHa); err != nil {
			return fmt.Errorf("create state %s: %w", s.Key, err)
		}
	}
	a.advance(len(a.newStates))
	return nil
}

func (a *applier) changeStates(ctx context.Context) error {
	for _, s := range a.newStates {
		if !s.CityMunicipalityID.Valid {
			continue
		}
		if _, err := a.tx.Exec(ctx, `UPDATE state SET city_municipality_id = $2 WHERE id = $1`, s.ID, s.CityMunicipalityID); err != nil {
			return fmt.Errorf("link city state %s: %w", s.Key, err)
		}
	}
	for _, s := range a.changedStates {
		if _, err := a.tx.Exec(ctx, `
UPDATE state
SET code = $2, name = $3, iso3166 = $4, nuts1 = $5, seat = $6, population = $7, area_ha = $8,
  city_municipality_id = $9, version = version + 1, modified_at = now()
WHERE id = $1`,
			s.ID, s.Code, s.Name, s.ISO3166, s.NUTS1, s.Seat, s.Population, s.AreaHa, s.CityMunicipalityID); err != nil {
			return fmt.Errorf("change state %s: %w", s.Key, err)
		}
	}
	a.advance(len(a.changedStates))
	return nil
}

// createUnits needs no order for the sake of references, which are checked when
// all rows are in. By name, the indexes on names grow at their ends, which made
// this a quarter faster, and lists read neighbouring pages.
func (a *applier) createUnits(ctx context.Context) error {
	slices.SortFunc(a.created, func(x, y *unitRow) int {
		return cmp.Or(cmp.Compare(x.Level, y.Level), cmp.Compare(x.Name, y.Name))
	})
	return copyRows(ctx, a, "municipality", unitColumns, a.created)
}

func (a *applier) changeUnits(ctx context.Context) error {
	if len(a.changed) == 0 {
		return nil
	}
	if _, err := a.tx.Exec(ctx, `
CREATE TEMP TABLE register_change (LIKE municipality INCLUDING DEFAULTS) ON COMMIT DROP;
ALTER TABLE register_change ALTER label DROP NOT NULL -- set at the end of the import`); err != nil {
		return fmt.Errorf("stage changes: %w", err)
	}
	if err := copyRows(ctx, a, "register_change", unitColumns, a.changed); err != nil {
		return err
	}
	if _, err := a.tx.Exec(ctx, `
UPDATE municipality m
SET key = c.key, level = c.level, kind = c.kind, name = c.name, official_name = c.official_name,
  regional_key = c.regional_key, district_key = c.district_key,
  state_id = c.state_id, government_region_id = c.government_region_id,
  district_id = c.district_id, association_id = c.association_id,
  seat = c.seat, administration_postal_code = c.administration_postal_code, postal_code_unique = c.postal_code_unique,
  population = c.population, population_as_of = c.population_as_of, area_ha = c.area_ha,
  latitude = c.latitude, longitude = c.longitude, urbanisation = c.urbanisation,
  constituency_from = c.constituency_from, constituency_to = c.constituency_to,
  travel_region_key = c.travel_region_key, travel_region_name = c.travel_region_name,
  dissolved_on = c.dissolved_on,
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

// writeKeys and writeFigures know which rows are new, so that the bulk of a first
// load is copied and not looked up once more by ON CONFLICT.
func (a *applier) writeKeys(ctx context.Context) error {
	if err := copyRows(ctx, a, "municipality_key", keyColumns, a.newKeys); err != nil {
		return err
	}
	n := len(a.changedKeys)
	keys, ids, names, until, former := make([]string, n), make([]pgtype.UUID, n), make([]string, n), make([]pgtype.Date, n), make([]bool, n)
	for i, r := range a.changedKeys {
		keys[i], ids[i], names[i], until[i], former[i] = r.Key, r.MunicipalityID, r.Name, r.ValidUntil, r.Former
	}
	if _, err := a.tx.Exec(ctx, `
UPDATE municipality_key k
SET municipality_id = c.municipality_id, name = c.name, valid_until = c.valid_until, former = c.former
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::date[], $5::boolean[]) c (key, municipality_id, name, valid_until, former)
WHERE c.key = k.key`,
		keys, ids, names, until, former); err != nil {
		return fmt.Errorf("change keys: %w", err)
	}
	a.advance(n)
	return nil
}

func (a *applier) writeFigures(ctx context.Context) error {
	if err := copyRows(ctx, a, "municipality_population", figureColumns, a.newFigures); err != nil {
		return err
	}
	n := len(a.changedFigures)
	ids, days, populations, males := make([]pgtype.UUID, n), make([]pgtype.Date, n), make([]int32, n), make([]pgtype.Int4, n)
	for i, r := range a.changedFigures {
		ids[i], days[i], populations[i], males[i] = r.MunicipalityID, r.AsOf, r.Population, r.Male
	}
	if _, err := a.tx.Exec(ctx, `
UPDATE municipality_population p
SET population = c.population, male = c.male
FROM unnest($1::uuid[], $2::date[], $3::integer[], $4::integer[]) c (municipality_id, as_of, population, male)
WHERE (c.municipality_id, c.as_of) = (p.municipality_id, p.as_of)`,
		ids, days, populations, males); err != nil {
		return fmt.Errorf("change populations: %w", err)
	}
	a.advance(n)
	return nil
}

// copyRows copies structs whose fields stand in the order of the columns.
func copyRows[Row any](ctx context.Context, a *applier, table string, columns []string, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	values := make([]any, len(columns))
	_, err := a.tx.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
		row := reflect.Indirect(reflect.ValueOf(rows[i]))
		for i := range values {
			values[i] = row.Field(i).Interface()
		}
		a.advance(1)
		return values, nil
	}))
	if err != nil {
		return fmt.Errorf("copy into %s: %w", table, err)
	}
	return nil
}

// writeNames and writeChanges leave rows that say the same already.
func (a *applier) writeNames(ctx context.Context) error {
	n := len(a.names)
	ids, names, seen := make([]pgtype.UUID, n), make([]string, n), make([]pgtype.Date, n)
	for i, r := range a.names {
		ids[i], names[i], seen[i] = r.MunicipalityID, r.Name, r.LastSeenOn
	}
	if _, err := a.tx.Exec(ctx, `
INSERT INTO municipality_former_name AS n (municipality_id, name, last_seen_on)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::date[])
ON CONFLICT (municipality_id, name) DO UPDATE SET last_seen_on = excluded.last_seen_on
WHERE n.last_seen_on < excluded.last_seen_on`, ids, names, seen); err != nil {
		return fmt.Errorf("keep former names: %w", err)
	}
	return nil
}

func (a *applier) writeChanges(ctx context.Context) error {
	for _, r := range a.changes {
		if _, err := a.tx.Exec(ctx, `
INSERT INTO source AS s (id, publisher, title, url)
VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE SET publisher = excluded.publisher, title = excluded.title, version = s.version + 1, modified_at = now()
WHERE (s.publisher, s.title) IS DISTINCT FROM (excluded.publisher, excluded.title)`,
			r.SourceID, r.Source.publisher, r.Source.title, r.Source.url); err != nil {
			return fmt.Errorf("keep the source of %s: %w", r.FormerKey, err)
		}
		// The same change may have been recorded under another id.
		if _, err := a.tx.Exec(ctx, `
INSERT INTO territorial_change AS c (id, kind, predecessor_id, successor_id, former_key, former_name, note,
  effective_on_start, effective_on_end, effective_on_precision)
SELECT $1, $2, $3, $4, $5, $6, $7, $8::date, $8::date, CASE WHEN $8::date IS NOT NULL THEN 'DAY' END
WHERE NOT EXISTS (SELECT FROM territorial_change o
  WHERE o.id <> $1 AND (o.predecessor_id, o.successor_id, o.former_key) IS NOT DISTINCT FROM ($3::uuid, $4::uuid, $5::text))
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, predecessor_id = excluded.predecessor_id, successor_id = excluded.successor_id,
  former_name = excluded.former_name, note = excluded.note, effective_on_start = excluded.effective_on_start,
  effective_on_end = excluded.effective_on_end, effective_on_precision = excluded.effective_on_precision,
  version = c.version + 1, modified_at = now()
WHERE (c.kind, c.predecessor_id, c.successor_id, c.former_name, c.note, c.effective_on_start)
  IS DISTINCT FROM (excluded.kind, excluded.predecessor_id, excluded.successor_id, excluded.former_name, excluded.note, excluded.effective_on_start)`,
			r.ID, r.Kind, r.PredecessorID, r.SuccessorID, r.FormerKey, r.FormerName, r.Note, r.EffectiveOn); err != nil {
			return fmt.Errorf("keep what became of %s: %w", r.FormerKey, err)
		}
		if _, err := a.tx.Exec(ctx, `
INSERT INTO territorial_change_source (change_id, position, source_id)
SELECT id, 1, $2 FROM territorial_change
WHERE id = $1 AND NOT EXISTS (SELECT FROM territorial_change_source WHERE change_id = $1 AND source_id = $2)
ON CONFLICT (change_id, position) DO UPDATE SET source_id = excluded.source_id`, r.ID, r.SourceID); err != nil {
			return fmt.Errorf("link the source of %s: %w", r.FormerKey, err)
		}
	}
	return nil
}
