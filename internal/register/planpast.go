package register

import (
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// nameRow is a row of municipality_former_name.
type nameRow struct {
	MunicipalityID pgtype.UUID
	Name           string
	LastSeenOn     pgtype.Date
}

// changeRow is a row of territorial_change, with the source that proves it.
type changeRow struct {
	ID, PredecessorID, SuccessorID pgtype.UUID
	Kind                           string
	EffectiveOn                    pgtype.Date
	FormerKey, FormerName          string
	Note                           pgtype.Text
	SourceID                       pgtype.UUID
	Source                         source
}

// identifyRekeyed lets a key of the edition mean the unit that a database filled
// from an earlier edition has under its former key. Where no earlier edition was
// loaded, the unit has the id that is derived from its present key, because that
// is the key that it ships with.
func (p *planner) identifyRekeyed() {
	if p.past == nil {
		return
	}
	for _, u := range p.past.rekeyed {
		key := p.past.successor(u.Key)
		if r := p.match[u.Key]; r != nil && !r.DissolvedOn.Valid && p.match[key] == nil {
			p.match[key], p.rekeyed[r.ID] = r, true
			delete(p.match, u.Key)
		}
	}
}

// explain compares what the edition does not know any more with what is stored.
func (p *planner) explain() {
	past := p.past
	if past == nil {
		return
	}
	for i := range past.gone {
		p.gone(&past.gone[i])
	}
	for i := range past.rekeyed {
		u := &past.rekeyed[i]
		id := p.ids[past.successor(u.Key)]
		p.endedKeys(id, u, true)
		if now := p.officialName(past.successor(u.Key)); now != u.OfficialName {
			p.formerName(id, u.OfficialName, date(past.asOf))
		}
	}
	for _, u := range past.names {
		p.formerName(p.ids[u.Key], u.OfficialName, date(past.asOf))
	}
	recorded := make(map[string][]Territorial)
	for _, c := range past.changes {
		predecessor := p.ids[c.formerKey]
		if c.kind == kindRekeyed {
			predecessor = p.ids[c.successor]
		}
		p.plan.changes = append(p.plan.changes, changeRow{
			ID:            derivedID("territorial_change", c.formerKey+" "+c.successor),
			PredecessorID: predecessor, SuccessorID: p.ids[c.successor],
			Kind: c.kind, EffectiveOn: knownDate(c.effectiveOn), FormerKey: c.formerKey, FormerName: c.formerName, Note: text(c.note),
			SourceID: derivedID("source", "register:"+c.source.url), Source: c.source,
		})
		row := c.formerKey
		if c.kind == kindRekeyed {
			row = c.successor
		}
		if !p.old.changes[c.formerKey+" "+p.keys[p.ids[c.successor]]] {
			recorded[row] = append(recorded[row], p.territorial(c))
		}
	}
	for i := range p.plan.report.Rows {
		row := &p.plan.report.Rows[i]
		row.Territorial = recorded[row.Key]
	}
}

// gone keeps the record of a unit that was dissolved. If no source says when, it
// is dissolved on the day of the edition, the first that is known not to have it:
// the last day that it can be, as where only the year is known.
func (p *planner) gone(u *Unit) {
	on := p.past.effectiveOn(u.Key)
	known := !on.IsZero()
	if !known {
		on = p.edition.AsOf
	}
	old := p.stored(u.Key)
	want := &unitRow{ID: derivedID("municipality", u.Key)}
	if old != nil {
		*want = *old // what a later edition or somebody said since
		p.seen[old.ID] = true
	} else {
		p.fill(want, u)
		want.PopulationAsOf, want.PostalCodeUnique = date(p.past.populationOn), pgtype.Bool{}
		want.Slug = p.slugs.name(u)
	}
	if known || !want.DissolvedOn.Valid {
		want.DissolvedOn = date(on)
	}
	p.ids[u.Key], p.keys[want.ID] = want.ID, u.Key
	p.endedKeys(want.ID, u, false)
	figures := p.compareFigures(want.ID, u.Earlier, pgtype.Date{})

	row := Row{Level: u.Level, Key: u.Key, Name: u.OfficialName}
	switch {
	case old == nil:
		row.Outcome = Created
		p.plan.created = append(p.plan.created, want)
	case *want == *old && figures == nil:
		row.Outcome = Unchanged
	default:
		row.Outcome = Changed
		if !old.DissolvedOn.Valid {
			row.Outcome = Dissolved
		}
		row.Changes = append(p.changes(unitColumns, *old, *want), figures...)
		p.plan.changed = append(p.plan.changed, want)
	}
	p.plan.report.Rows = append(p.plan.report.Rows, row)
}

// stored is the unit that a key means or, before it was dissolved, meant.
func (p *planner) stored(key string) *unitRow {
	if r := p.match[key]; r != nil {
		return r
	}
	var found *unitRow
	for _, r := range p.old.units {
		if r.Key == key && (found == nil || r.ID == derivedID("municipality", key)) {
			found = r
		}
	}
	return found
}

// endedKeys keeps the keys of a unit as it was: former ones if it has others now.
// A key that has been given to another unit since stays with that.
func (p *planner) endedKeys(id pgtype.UUID, u *Unit, former bool) {
	until := pgtype.Date{}
	if on := p.past.effectiveOn(u.Key); !on.IsZero() {
		until = date(on.AddDate(0, 0, -1))
	}
	for _, key := range u.keys() {
		want := keyRow{Key: key, MunicipalityID: id, Name: u.OfficialName, ValidUntil: until, Former: former}
		old, ok := p.old.keys[key]
		switch {
		case p.claimed[key]:
		case !ok:
			p.plan.newKeys = append(p.plan.newKeys, want)
		case old.MunicipalityID == id && old != want:
			p.plan.changedKeys = append(p.plan.changedKeys, want)
		}
	}
}

// formerName keeps a name that a unit had. The edition that was loaded before, and the
// list of former names, may both know it.
func (p *planner) formerName(id pgtype.UUID, name string, seen pgtype.Date) {
	if id.Valid && !slices.ContainsFunc(p.plan.names, func(r nameRow) bool { return r.MunicipalityID == id && r.Name == name }) {
		p.plan.names = append(p.plan.names, nameRow{id, name, seen})
	}
}

func (p *planner) officialName(key string) string {
	for i := range p.edition.Units {
		if u := &p.edition.Units[i]; u.Key == key {
			return u.OfficialName
		}
	}
	return ""
}

func knownDate(t time.Time) pgtype.Date { return pgtype.Date{Time: t, Valid: !t.IsZero()} }
