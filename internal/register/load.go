package register

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"stadtgraph/internal/postgres"
)

// stateRow is a row of state. Rows hold comparable values only, so that two are
// equal or not.
type stateRow struct {
	ID                 pgtype.UUID
	Key                string
	Code               string
	Slug               string
	Name               string
	ISO3166            string `db:"iso3166"`
	NUTS1              string `db:"nuts1"`
	Seat               pgtype.Text
	Population         pgtype.Int4
	AreaHa             pgtype.Int4
	CityMunicipalityID pgtype.UUID
}

// unitRow is a row of municipality, without what the database keeps itself.
type unitRow struct {
	ID                       pgtype.UUID
	Slug                     string
	Level                    string
	Kind                     string
	Name                     string
	OfficialName             string
	Key                      string
	RegionalKey              pgtype.Text
	DistrictKey              pgtype.Text
	StateID                  pgtype.UUID
	GovernmentRegionID       pgtype.UUID
	DistrictID               pgtype.UUID
	AssociationID            pgtype.UUID
	Seat                     pgtype.Text
	AdministrationPostalCode pgtype.Text
	PostalCodeUnique         pgtype.Bool
	Population               pgtype.Int4
	PopulationAsOf           pgtype.Date
	AreaHa                   pgtype.Int4
	Latitude                 pgtype.Float8
	Longitude                pgtype.Float8
	Urbanisation             pgtype.Text
	ConstituencyFrom         pgtype.Int4
	ConstituencyTo           pgtype.Int4
	TravelRegionKey          pgtype.Text
	TravelRegionName         pgtype.Text
	DissolvedOn              pgtype.Date
}

// keyRow is a row of municipality_key.
type keyRow struct {
	Key            string
	MunicipalityID pgtype.UUID
	Name           string
	ValidUntil     pgtype.Date
	Former         bool // the unit has another key instead
}

// figureRow is a row of municipality_population.
type figureRow struct {
	MunicipalityID pgtype.UUID
	AsOf           pgtype.Date
	Population     int32
	Male           pgtype.Int4
}

// stored is the register as the database has it.
type stored struct {
	asOf    pgtype.Date // Gebietsstand; invalid if none was loaded
	states  map[string]*stateRow
	units   []*unitRow // dissolved ones too
	keys    map[string]keyRow
	figures map[figureID]figureRow
	changes map[string]bool // of territory, by former key and key of the successor
}

type figureID struct {
	unit pgtype.UUID
	asOf time.Time
}

// load reads all that an import compares with. 12,500 units with their keys and
// figures are read in a tenth of a second.
func load(ctx context.Context, db postgres.DB) (*stored, error) {
	s := &stored{states: map[string]*stateRow{}, keys: map[string]keyRow{}, figures: map[figureID]figureRow{}, changes: map[string]bool{}}
	day, err := Loaded(ctx, db)
	if err != nil {
		return nil, err
	}
	if !day.IsZero() {
		s.asOf = date(day)
	}

	rows, _ := db.Query(ctx, `
SELECT id, key, code, slug, name, iso3166, nuts1, seat, population, area_ha, city_municipality_id
FROM state`)
	states, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[stateRow])
	if err != nil {
		return nil, fmt.Errorf("read states: %w", err)
	}
	for _, r := range states {
		s.states[r.Key] = r
	}

	rows, _ = db.Query(ctx, `
SELECT id, slug, level, kind, name, official_name, key, regional_key, district_key,
  state_id, government_region_id, district_id, association_id,
  seat, administration_postal_code, postal_code_unique, population, population_as_of, area_ha,
  latitude, longitude, urbanisation, constituency_from, constituency_to,
  travel_region_key, travel_region_name, dissolved_on
FROM municipality`)
	if s.units, err = pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[unitRow]); err != nil {
		return nil, fmt.Errorf("read municipalities: %w", err)
	}

	rows, _ = db.Query(ctx, `SELECT key, municipality_id, name, valid_until, former FROM municipality_key`)
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[keyRow])
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	for _, r := range keys {
		s.keys[r.Key] = r
	}

	rows, _ = db.Query(ctx, `SELECT municipality_id, as_of, population, male FROM municipality_population`)
	figures, err := pgx.CollectRows(rows, pgx.RowToStructByPos[figureRow])
	if err != nil {
		return nil, fmt.Errorf("read populations: %w", err)
	}
	for _, r := range figures {
		s.figures[figureID{r.MunicipalityID, r.AsOf.Time}] = r
	}

	rows, _ = db.Query(ctx, `SELECT c.former_key || ' ' || m.key FROM territorial_change c JOIN municipality m ON m.id = c.successor_id WHERE c.former_key IS NOT NULL`)
	changes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read territorial changes: %w", err)
	}
	for _, change := range changes {
		s.changes[change] = true
	}
	return s, nil
}

// The columns of the rows, in the order of their fields.
var (
	stateColumns = []string{"id", "key", "code", "slug", "name", "iso3166", "nuts1", "seat", "population", "area_ha", "city_municipality_id"}
	unitColumns  = []string{"id", "slug", "level", "kind", "name", "official_name", "key", "regional_key", "district_key",
		"state_id", "government_region_id", "district_id", "association_id",
		"seat", "administration_postal_code", "postal_code_unique", "population", "population_as_of", "area_ha",
		"latitude", "longitude", "urbanisation", "constituency_from", "constituency_to",
		"travel_region_key", "travel_region_name", "dissolved_on"}
	keyColumns    = []string{"key", "municipality_id", "name", "valid_until", "former"}
	figureColumns = []string{"municipality_id", "as_of", "population", "male"}
)
