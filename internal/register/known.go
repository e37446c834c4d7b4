package register

import (
	"slices"
	"time"
)

// known is what the shipped list of territorial changes says about the units that a
// database has and an edition of a file does not: what became of them is proved by a
// source, whoever the file is from. A unit stays missing if the edition is older than
// the change or does not have all that it became.
func known(e *Edition, old *stored) (*past, error) {
	if e.AsOf.IsZero() {
		return nil, nil
	}
	all, err := readPast(e, shippedBefore, shippedChanges)
	if err != nil {
		return nil, err
	}
	has := make(map[string]bool, len(e.Units))
	for i := range e.Units {
		has[e.Units[i].Key] = true
	}
	there := make(map[string]bool, len(old.units))
	for _, r := range old.units {
		there[r.Key] = there[r.Key] || !r.DissolvedOn.Valid
	}
	left := func(key string) bool {
		return !there[key] || has[key] || slices.ContainsFunc(all.changes, func(c territorialChange) bool {
			return c.formerKey == key && (!has[c.successor] || c.effectiveOn.After(e.AsOf))
		})
	}
	p := &past{asOf: all.asOf, populationOn: all.populationOn}
	for _, u := range all.gone {
		if !left(u.Key) {
			p.gone = append(p.gone, u)
		}
	}
	for _, u := range all.rekeyed {
		if !left(u.Key) {
			p.rekeyed = append(p.rekeyed, u)
		}
	}
	for _, c := range all.changes {
		if !left(c.formerKey) {
			p.changes = append(p.changes, c)
		}
	}
	return p, nil
}

// Territorial is a change of territory that an import recorded.
type Territorial struct {
	Kind          string `json:"kind"` // as in the schema
	EffectiveOn   string `json:"effectiveOn,omitempty"`
	FormerKey     string `json:"formerKey"`
	FormerName    string `json:"formerName"`
	SuccessorKey  string `json:"successorKey"`
	SuccessorName string `json:"successorName"`
}

func (p *planner) territorial(c territorialChange) Territorial {
	t := Territorial{Kind: c.kind, FormerKey: c.formerKey, FormerName: c.formerName, SuccessorKey: c.successor, SuccessorName: p.officialName(c.successor)}
	if !c.effectiveOn.IsZero() {
		t.EffectiveOn = c.effectiveOn.Format(time.DateOnly)
	}
	return t
}
