package register

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"stadtgraph/internal/nodeid"
)

// Candidate is a unit that a missing one may have become, for a person to judge.
type Candidate struct {
	Kind     string `json:"kind"` // of the change that it would be, as in the schema
	Key      string `json:"key"`
	Name     string `json:"name"`
	Why      string `json:"why"`
	Mutation string `json:"mutation,omitempty"` // records it, with the day as $day
}

// What counts as the same area: files round to hectares or to two decimals of a square
// kilometre, and surveys correct a little. Smaller growth happens without any change.
const (
	sameHa   = 2
	leastHa  = 50
	together = 4 // how many units are looked for at most that went into one
)

// candidates looks for what missing municipalities may have become: what is new under
// the same name, and what is new or has grown by just their area, alone or together,
// within a state. Where an area fits several, none is named. Nothing of it is written.
func (p *planner) candidates() {
	type target struct {
		unit   *unitRow
		fresh  bool
		growth int
	}
	var targets []target
	for _, r := range p.plan.created {
		if local(r) && !r.DissolvedOn.Valid {
			targets = append(targets, target{r, true, int(r.AreaHa.Int32)})
		}
	}
	for _, r := range p.plan.changed {
		if old := p.match[r.Key]; old != nil && local(r) && !r.DissolvedOn.Valid {
			targets = append(targets, target{r, false, int(r.AreaHa.Int32 - old.AreaHa.Int32)})
		}
	}
	found := make(map[pgtype.UUID][]Candidate)
	for _, t := range targets {
		var near []*unitRow // in the same state
		for _, r := range p.lost {
			if r.StateID == t.unit.StateID && local(r) {
				near = append(near, r)
			}
		}
		sets := fitting(near, t.growth)
		for _, r := range near {
			same := t.fresh && r.Name == t.unit.Name
			c := Candidate{Key: t.unit.Key, Name: t.unit.OfficialName, Kind: "INCORPORATED"}
			fits := len(sets) == 1 && slices.Contains(sets[0], r)
			switch {
			case fits && same && len(sets[0]) == 1:
				c.Kind, c.Why = "REKEYED", "It has the same name and area under a new key."
			case fits && t.fresh:
				c.Kind, c.Why = "MERGED", fmt.Sprintf("It is new, and its %d ha are those of %s.", t.growth, names(sets[0]))
			case fits:
				c.Why = fmt.Sprintf("It grew by %d ha, the area of %s.", t.growth, names(sets[0]))
			case same:
				c.Kind, c.Why = "MERGED", "It is new under the same name."
			default:
				continue
			}
			found[r.ID] = append(found[r.ID], c)
		}
	}
	for i := range p.plan.report.Rows {
		row := &p.plan.report.Rows[i]
		if row.Outcome == Missing && len(found[row.id]) == 1 {
			row.Candidates = found[row.id]
		}
	}
}

func local(r *unitRow) bool { return r.Level == levelMunicipality || r.Level == levelUnincorporated }

// fitting are the sets of units whose areas together are an area; two at most.
func fitting(units []*unitRow, ha int) (sets [][]*unitRow) {
	if ha < leastHa {
		return nil
	}
	var look func(from, left int, set []*unitRow)
	look = func(from, left int, set []*unitRow) {
		if len(set) > 0 && -sameHa <= left && left <= sameHa {
			sets = append(sets, slices.Clone(set))
			return
		}
		if len(set) == together || left < 0 || len(sets) > 1 {
			return
		}
		for i := from; i < len(units); i++ {
			look(i+1, left-int(units[i].AreaHa.Int32), append(set, units[i]))
		}
	}
	look(0, ha, nil)
	return sets
}

func names(units []*unitRow) string {
	list := make([]string, len(units))
	for i, r := range units {
		list[i] = r.Name + " (" + r.Key + ")"
	}
	return strings.Join(list, " and ")
}

// mutations writes out how each candidate is recorded, if somebody finds it right.
func (r *Report) mutations(ctx context.Context, tx pgx.Tx) error {
	for i := range r.Rows {
		row := &r.Rows[i]
		if len(row.Candidates) == 0 {
			continue
		}
		var version int
		if err := tx.QueryRow(ctx, `SELECT version FROM municipality WHERE id = $1`, row.id).Scan(&version); err != nil {
			return fmt.Errorf("read the version of %s: %w", row.Key, err)
		}
		for j := range row.Candidates {
			row.Candidates[j].Mutation = fmt.Sprintf(`mutation ($day: Date!) { dissolveMunicipality(input: {id: %q, version: %d, dissolvedOn: $day, successors: [{key: %q}]}) { userErrors { path message } } }`,
				nodeid.ID{Prefix: "municipality", UUID: row.id.Bytes}.String(), version, row.Candidates[j].Key)
		}
	}
	return nil
}
