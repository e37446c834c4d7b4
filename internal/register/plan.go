package register

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"stadtgraph/internal/slug"
)

// plan is what an import has to write, and the report on it.
type plan struct {
	newStates, changedStates   []*stateRow
	created, changed           []*unitRow
	newKeys, changedKeys       []keyRow
	newFigures, changedFigures []figureRow
	names                      []nameRow   // stored ones too
	changes                    []changeRow // stored ones too
	report                     Report
}

// planner compares an edition with what is stored. All of it fits into memory,
// and a comparison in Go can say which field changed from what to what.
type planner struct {
	old        *stored
	edition    *Edition
	population time.Time // day of the edition's populations; zero if unknown
	slugs      *slugs
	match      map[string]*unitRow    // the stored unit that a key of the edition means
	ids        map[string]pgtype.UUID // of units by key, stored and new
	keys       map[pgtype.UUID]string // the reverse
	seen       map[pgtype.UUID]bool   // stored units that the edition has
	claimed    map[string]bool        // keys that units of the edition have now
	rekeyed    map[pgtype.UUID]bool   // stored units that have another key in the edition
	past       *past                  // what became of units that the edition does not have; nil if nothing is known
	lost       []*unitRow             // stored units that the edition does not have, and nobody knows why
	plan       *plan
}

func compare(old *stored, e *Edition, before *past, population time.Time) *plan {
	p := &planner{
		old: old, edition: e, past: before, population: population,
		slugs:   newSlugs(e.Units, old.units),
		match:   make(map[string]*unitRow, len(old.units)),
		ids:     make(map[string]pgtype.UUID, len(old.units)+len(e.Units)),
		keys:    make(map[pgtype.UUID]string, len(old.units)+len(e.Units)),
		seen:    make(map[pgtype.UUID]bool, len(old.units)),
		claimed: make(map[string]bool, 3*len(e.Units)),
		rekeyed: make(map[pgtype.UUID]bool),
		plan:    &plan{report: Report{File: e.Name, Format: e.Format, AsOf: e.AsOf}},
	}
	p.identify()
	for i := range e.States {
		p.state(&e.States[i])
	}
	for i := range e.Units {
		p.unit(&e.Units[i])
	}
	p.explain()
	p.retireKeys()
	p.missing()
	p.candidates()
	p.plan.report.sort()
	return p.plan
}

// identify finds the stored unit of every key, and gives ids to units that are new.
func (p *planner) identify() {
	units := make(map[pgtype.UUID]*unitRow, len(p.old.units))
	for _, r := range p.old.units {
		units[r.ID] = r
		p.keys[r.ID] = r.Key
		if !r.DissolvedOn.Valid {
			p.match[r.Key] = r
		}
	}
	// A unit that was dissolved or got another key after the day of the edition is
	// the one that the edition means. If it was before, the key has been given away
	// again. An edition without a date may be of any day, so it never means that.
	day := p.edition.AsOf
	for _, r := range p.old.units {
		if r.DissolvedOn.Valid && r.DissolvedOn.Time.After(day) && p.match[r.Key] == nil {
			p.match[r.Key] = r
		}
	}
	for key, r := range p.old.keys {
		if u := units[r.MunicipalityID]; u.Key != key && r.ValidUntil.Valid && !r.ValidUntil.Time.Before(day) && p.match[key] == nil {
			p.match[key] = u
		}
	}
	p.identifyRekeyed()
	for key, r := range p.match {
		p.ids[key] = r.ID
	}
	now := time.Now()
	for i := range p.edition.Units {
		key := p.edition.Units[i].Key
		if p.match[key] != nil {
			p.seen[p.match[key].ID] = true
			continue
		}
		id := derivedID("municipality", key)
		if units[id] != nil {
			id = randomID(now)
		}
		p.ids[key], p.keys[id] = id, key
	}
}

// past says whether the stored unit has changed since the day of the edition in
// a way that no register takes back.
func (r *unitRow) past(u *Unit) bool { return r.DissolvedOn.Valid || r.Key != u.Key }

func (p *planner) state(s *State) {
	old := p.old.states[s.Key]
	want := stateRow{ID: derivedID("state", s.Key), Slug: slug.Make(s.Name)}
	if old != nil {
		want = *old
	}
	for _, known := range states {
		if known.key == s.Key {
			want.Code, want.ISO3166, want.NUTS1 = known.code, "DE-"+known.code, known.nuts1
		}
	}
	want.Key, want.Name = s.Key, s.Name
	if p.edition.Format != Sheet {
		want.Seat = text(s.Seat)
	}
	want.Population, want.AreaHa = number(s.Population), number(s.AreaHa)
	if city, ok := cityStates[s.Key]; ok {
		want.CityMunicipalityID = p.ids[city]
	}
	p.ids[s.Key], p.keys[want.ID] = want.ID, s.Key

	row := Row{Level: levelState, Key: s.Key, Name: s.Name}
	switch {
	case old == nil:
		row.Outcome = Created
		p.plan.newStates = append(p.plan.newStates, &want)
	case want == *old:
		row.Outcome = Unchanged
	default:
		row.Outcome = Changed
		row.Changes = p.changes(stateColumns, *old, want)
		if old.Name != want.Name {
			row.Outcome, row.OldName = Renamed, old.Name
		}
		p.plan.changedStates = append(p.plan.changedStates, &want)
	}
	p.plan.report.Rows = append(p.plan.report.Rows, row)
}

func (p *planner) unit(u *Unit) {
	row := Row{Level: u.Level, Key: u.Key, Name: u.OfficialName}
	old := p.match[u.Key]
	if old != nil && old.past(u) && !p.rekeyed[old.ID] {
		row.Outcome = Unchanged
		p.plan.report.Rows = append(p.plan.report.Rows, row)
		return
	}
	want := &unitRow{ID: p.ids[u.Key]}
	if old != nil {
		*want = *old // keeps what the edition cannot say
	}
	p.fill(want, u)
	p.claim(want, u)
	history, shown := u.Earlier, pgtype.Date{}
	if !p.population.IsZero() {
		history = append([]Figure{{AsOf: p.population, Population: u.Population, Male: u.Male}}, history...)
	}
	if old != nil && old.PopulationAsOf != want.PopulationAsOf {
		shown = want.PopulationAsOf
	}
	figures := p.compareFigures(want.ID, history, shown)
	switch {
	case old == nil:
		want.Slug = p.slugs.name(u)
		row.Outcome = Created
		p.plan.created = append(p.plan.created, want)
	case *want == *old && figures == nil:
		row.Outcome = Unchanged
	default:
		row.Outcome = Changed
		if p.rekeyed[old.ID] {
			row.Outcome, row.OldKey = Rekeyed, old.Key
		}
		if old.OfficialName != want.OfficialName {
			row.OldName = old.OfficialName
			if row.Outcome == Changed {
				row.Outcome = Renamed
			}
			p.formerName(want.ID, old.OfficialName, p.old.asOf)
		}
		row.Changes = append(p.changes(unitColumns, *old, *want), figures...)
		p.plan.changed = append(p.plan.changed, want)
	}
	p.plan.report.Rows = append(p.plan.report.Rows, row)
}

// fill writes what the edition says about a unit into its row.
func (p *planner) fill(r *unitRow, u *Unit) {
	if p.population.IsZero() {
		if r.Population != number(u.Population) {
			r.PopulationAsOf = pgtype.Date{} // a figure of an unknown day
		}
	} else {
		r.PopulationAsOf = date(p.population)
	}
	r.Level, r.Kind = u.Level, u.Kind
	r.Name, r.OfficialName = u.Name, u.OfficialName
	if p.edition.Format != Sheet {
		r.Seat = text(u.Seat)
		r.PostalCodeUnique = pgtype.Bool{Bool: u.PostalCodeUnique, Valid: u.PostalCode != ""}
	}
	r.Key, r.RegionalKey, r.DistrictKey = u.Key, text(u.RegionalKey), text(u.DistrictKey)
	r.StateID = p.ids[u.State]
	r.DistrictID = p.ids[u.District]
	r.AssociationID = p.ids[u.Association]
	r.Population, r.AreaHa = number(u.Population), number(u.AreaHa)
	r.AdministrationPostalCode = text(u.PostalCode)
	r.GovernmentRegionID = p.ids[u.GovernmentRegion]
	if p.edition.Format == GV100AD {
		r.ConstituencyFrom, r.ConstituencyTo = optional(u.ConstituencyFrom), optional(u.ConstituencyTo)
	}
	if u.Location != nil {
		r.Latitude = pgtype.Float8{Float64: u.Location.Latitude, Valid: true}
		r.Longitude = pgtype.Float8{Float64: u.Location.Longitude, Valid: true}
	}
	if u.Urbanisation != "" {
		r.Urbanisation = text(u.Urbanisation)
	}
	if u.TravelRegionKey != "" {
		r.TravelRegionKey, r.TravelRegionName = text(u.TravelRegionKey), text(u.TravelRegionName)
	}
}

// claim makes the unit known under all its keys.
func (p *planner) claim(r *unitRow, u *Unit) {
	for _, key := range u.keys() {
		p.claimed[key] = true
		want := keyRow{Key: key, MunicipalityID: r.ID, Name: u.OfficialName}
		switch old, ok := p.old.keys[key]; {
		case !ok:
			p.plan.newKeys = append(p.plan.newKeys, want)
		case old != want:
			p.plan.changedKeys = append(p.plan.changedKeys, want)
		}
	}
}

// retireKeys ends keys that a unit of the edition had and no unit has any more,
// such as the regional key of a municipality that left its association. They
// were valid on the day of the register that was loaded before, that much is known.
func (p *planner) retireKeys() {
	last := p.old.asOf
	if !last.Valid {
		return
	}
	for i := range p.edition.Units {
		u := &p.edition.Units[i]
		old := p.match[u.Key]
		if old == nil || old.past(u) {
			continue
		}
		for _, key := range []string{old.RegionalKey.String, old.DistrictKey.String} {
			r, ok := p.old.keys[key]
			if ok && !p.claimed[key] && r.MunicipalityID == old.ID && !r.ValidUntil.Valid {
				r.ValidUntil, r.Former = last, true
				p.plan.changedKeys = append(p.plan.changedKeys, r)
			}
		}
	}
}

// compareFigures finds what the history of populations lacks. The figure of the
// day shown is not reported, because the row's own population changes with it.
func (p *planner) compareFigures(id pgtype.UUID, figures []Figure, shown pgtype.Date) []Change {
	var changes []Change
	for _, f := range figures {
		row := figureRow{MunicipalityID: id, AsOf: date(f.AsOf), Population: int32(f.Population), Male: number(f.Male)}
		was, ok := p.old.figures[figureID{id, f.AsOf}]
		switch {
		case !ok:
			p.plan.newFigures = append(p.plan.newFigures, row)
		case was != row:
			p.plan.changedFigures = append(p.plan.changedFigures, row)
		default:
			continue
		}
		if row.AsOf == shown {
			continue
		}
		c := Change{Field: "population of " + f.AsOf.Format(time.DateOnly), New: figureText(row)}
		if ok {
			c.Old = figureText(was)
		}
		changes = append(changes, c)
	}
	return changes
}

func figureText(r figureRow) string {
	return fmt.Sprintf("%d (%d male)", r.Population, r.Male.Int32)
}

// missing reports stored units that the edition does not have. They stay: what
// became of them only an administrator can say.
func (p *planner) missing() {
	for _, r := range p.old.units {
		if p.seen[r.ID] || r.DissolvedOn.Valid || r.Level == levelGovernmentRegion && p.edition.Format == Joined {
			continue
		}
		p.plan.report.Rows = append(p.plan.report.Rows, Row{Outcome: Missing, Level: r.Level, Key: r.Key, Name: r.OfficialName, id: r.ID})
		p.lost = append(p.lost, r)
	}
}

// changes compares two rows field by field. Fields stand in the order of columns.
func (p *planner) changes(columns []string, old, want any) []Change {
	a, b := reflect.ValueOf(old), reflect.ValueOf(want)
	var changes []Change
	for i, column := range columns {
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); x != y {
			changes = append(changes, Change{Field: strings.TrimSuffix(column, "_id"), Old: p.show(x), New: p.show(y)})
		}
	}
	return changes
}

// show is a field's value as text, and of a reference the key of the unit.
func (p *planner) show(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case pgtype.Text:
		return v.String
	case pgtype.UUID:
		return p.keys[v]
	case pgtype.Date:
		if v.Valid {
			return v.Time.Format(time.DateOnly)
		}
	case pgtype.Int4:
		if v.Valid {
			return strconv.Itoa(int(v.Int32))
		}
	case pgtype.Float8:
		if v.Valid {
			return strconv.FormatFloat(v.Float64, 'f', -1, 64)
		}
	case pgtype.Bool:
		if v.Valid {
			return strconv.FormatBool(v.Bool)
		}
	}
	return ""
}

func text(s string) pgtype.Text    { return pgtype.Text{String: s, Valid: s != ""} }
func number(n int) pgtype.Int4     { return pgtype.Int4{Int32: int32(n), Valid: true} }
func optional(n int) pgtype.Int4   { return pgtype.Int4{Int32: int32(n), Valid: n != 0} }
func date(t time.Time) pgtype.Date { return pgtype.Date{Time: t, Valid: true} }
