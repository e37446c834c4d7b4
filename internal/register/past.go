package register

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Both files are plain. Command pack makes the first; the second was compiled by
// hand, with a source in each row.
var (
	//go:embed data/before_2020-12-31.csv
	shippedBefore []byte
	//go:embed data/territory_changes.csv
	shippedChanges []byte
)

// past is what an earlier register knew and the edition does not know any more.
type past struct {
	asOf         time.Time // of the earlier register
	populationOn time.Time // day of its populations
	gone         []Unit    // units that were dissolved, as they were
	rekeyed      []Unit    // units that have another key now, as they were
	names        []Unit    // units that have another official name under the same key, as they were
	changes      []territorialChange
}

// territorialChange is a row of territory_changes.csv: what became of the unit of
// a key that is gone. A unit that was divided has a row for each part.
type territorialChange struct {
	formerKey, formerName string
	kind                  string    // as in the schema
	effectiveOn           time.Time // first day of the new state; zero if no source says it
	successor             string    // key
	successorName         string
	source                source
	note                  string
}

// source is where a change was read.
type source struct{ publisher, title, url string }

// kindRekeyed is the one kind of change after which the unit is the same.
const kindRekeyed = "REKEYED"

// readPast reads what the shipped edition does not know any more, and sorts it by
// what became of it.
func readPast(e *Edition, before, changes []byte) (*past, error) {
	p := &past{asOf: sheetAsOf, populationOn: sheetPopulationDate}
	if err := p.readChanges(changes); err != nil {
		return nil, fmt.Errorf("territorial changes: %w", err)
	}
	rows, err := csvRows(before, "regional_key", "official_name", "text_code", "area_ha", "postal_code")
	if err != nil {
		return nil, fmt.Errorf("earlier register: %w", err)
	}
	keys := make(map[string]bool, len(e.Units))
	for i := range e.Units {
		keys[e.Units[i].Key] = true
	}
	for _, row := range rows {
		u, err := earlierUnit(row, keys)
		if err != nil {
			return nil, fmt.Errorf("earlier register, %s: %w", row[0], err)
		}
		i := slices.IndexFunc(p.changes, func(c territorialChange) bool { return c.formerKey == u.Key })
		switch {
		case i < 0:
			p.names = append(p.names, u)
		case p.changes[i].kind == kindRekeyed:
			p.rekeyed = append(p.rekeyed, u)
		default:
			p.gone = append(p.gone, u)
		}
	}
	return p, nil
}

// earlierUnit is a municipality as it was, as far as what it belonged to is still
// among the keys of the edition.
func earlierUnit(row []string, keys map[string]bool) (Unit, error) {
	regional, official, code := row[0], row[1], row[2]
	u := Unit{
		Level: levelMunicipality, Kind: municipalityKinds[code],
		Key: regional[:5] + regional[9:], RegionalKey: regional, DistrictKey: regional[:5],
		Name: shortName(levelMunicipality, official), OfficialName: official,
		State: regional[:2], GovernmentRegion: governmentRegionOf(regional), PostalCode: row[4],
	}
	if u.Kind == "UNINCORPORATED_AREA" {
		u.Level = levelUnincorporated
	}
	if keys[regional[:5]] {
		u.District = regional[:5]
	}
	if keys[regional[:9]] {
		u.Association = regional[:9]
	}
	var err error
	u.AreaHa, err = strconv.Atoi(row[3])
	return u, err
}

func (p *past) readChanges(file []byte) error {
	rows, err := csvRows(file, "former_key", "former_name", "kind", "effective_on", "successor_key", "successor_name",
		"source_publisher", "source_title", "source_url", "note")
	if err != nil {
		return err
	}
	for _, row := range rows {
		c := territorialChange{
			formerKey: row[0], formerName: row[1], kind: row[2], successor: row[4], successorName: row[5],
			source: source{publisher: row[6], title: row[7], url: row[8]}, note: row[9],
		}
		if row[3] != "" {
			if c.effectiveOn, err = time.Parse(time.DateOnly, row[3]); err != nil {
				return err
			}
		}
		p.changes = append(p.changes, c)
	}
	return nil
}

// csvRows are the rows of a file whose first line is the given header.
func csvRows(file []byte, header ...string) ([][]string, error) {
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || !slices.Equal(rows[0], header) {
		return nil, fmt.Errorf("the columns are not %v", header)
	}
	return rows[1:], nil
}

// successor is the present key of a unit that was re-keyed.
func (p *past) successor(key string) string {
	for _, c := range p.changes {
		if c.formerKey == key && c.kind == kindRekeyed {
			return c.successor
		}
	}
	return ""
}

// effectiveOn is the day from which the unit of a key was gone, or had another
// key; zero if no source says it.
func (p *past) effectiveOn(key string) time.Time {
	for _, c := range p.changes {
		if c.formerKey == key {
			return c.effectiveOn
		}
	}
	return time.Time{}
}
