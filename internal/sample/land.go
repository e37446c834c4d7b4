package sample

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/nodeid"
)

// place is a municipality, a district or an association of the register.
type place struct {
	id         nodeid.UUID
	slug, name string
	level      string
	kind       string
	state      int
	district   nodeid.UUID
	population int
	neighbours []int // the towns of its district, itself included
}

type state struct {
	id   nodeid.UUID
	code string
	name string
}

// land is what the register says.
type land struct {
	states       []state
	towns        []place // by key
	districts    []place
	associations []place
	upTo         []int // running sum of the towns' weights
}

func survey(ctx context.Context, tx pgx.Tx) (*land, error) {
	l := &land{}
	byState := map[nodeid.UUID]int{}
	rows, _ := tx.Query(ctx, `SELECT id, code, name FROM state ORDER BY key COLLATE "C"`)
	var id [16]byte
	var s state
	if _, err := pgx.ForEachRow(rows, []any{&id, &s.code, &s.name}, func() error {
		s.id = id
		byState[s.id] = len(l.states)
		l.states = append(l.states, s)
		return nil
	}); err != nil {
		return nil, err
	}

	rows, _ = tx.Query(ctx, `
SELECT id, slug, name, level, kind, state_id, coalesce(district_id, id), coalesce(population, 0)
FROM municipality
WHERE level IN ('MUNICIPALITY', 'DISTRICT', 'ASSOCIATION') AND dissolved_on IS NULL
ORDER BY key COLLATE "C"`)
	var p place
	var stateID, districtID [16]byte
	byDistrict := map[nodeid.UUID][]int{}
	_, err := pgx.ForEachRow(rows, []any{&id, &p.slug, &p.name, &p.level, &p.kind, &stateID, &districtID, &p.population}, func() error {
		p.id, p.district, p.state = id, districtID, byState[stateID]
		switch p.level {
		case "DISTRICT":
			l.districts = append(l.districts, p)
		case "ASSOCIATION":
			l.associations = append(l.associations, p)
		default:
			byDistrict[p.district] = append(byDistrict[p.district], len(l.towns))
			l.towns = append(l.towns, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(l.towns) == 0 || len(l.states) == 0 {
		return nil, errors.New("the database has no municipalities: load the register first, with stadtgraph import register")
	}
	if len(l.districts) == 0 {
		l.districts = l.towns
	}
	if len(l.associations) == 0 {
		l.associations = l.towns
	}
	sum := 0
	for i := range l.towns {
		l.towns[i].neighbours = byDistrict[l.towns[i].district]
		sum += l.towns[i].population + 1000 // the smallest are reported on, too
		l.upTo = append(l.upTo, sum)
	}
	return l, nil
}

// town is a town, the likelier the more people live there.
func (l *land) town(d dice) int {
	n := d.IntN(l.upTo[len(l.upTo)-1])
	return sort.SearchInts(l.upTo, n+1)
}

// The cases in which texts speak of a place: "in Bamberg", "der Stadt Bamberg".
func (p *place) words() (in, of string) {
	if p.level == "DISTRICT" && !strings.Contains(strings.ToLower(p.name), "kreis") {
		switch {
		case strings.Contains(strings.ToLower(p.name), "region"):
			return "in der " + p.name, "der " + p.name
		case p.kind == "COUNTY":
			return "im Kreis " + p.name, "des Kreises " + p.name
		case p.kind == "RURAL_DISTRICT":
			return "im Landkreis " + p.name, "des Landkreises " + p.name
		}
	}
	if p.level == "STATE" {
		if p.name == "Saarland" {
			return "im Saarland", "des Landes Saarland"
		}
		return "in " + p.name, "des Landes " + p.name
	}
	switch p.kind {
	case "TOWN", "INDEPENDENT_CITY", "URBAN_DISTRICT", "LARGE_DISTRICT_TOWN":
		return "in " + p.name, "der Stadt " + p.name
	case "MARKET_TOWN", "RURAL_MUNICIPALITY":
		return "in " + p.name, "der Gemeinde " + p.name
	}
	if of := associations[p.kind]; of != "" {
		return "in " + p.name, of + " " + p.name
	}
	return "in " + p.name, "von " + p.name
}

var associations = map[string]string{
	"AMT": "des Amts", "SAMTGEMEINDE": "der Samtgemeinde", "VERBANDSGEMEINDE": "der Verbandsgemeinde",
	"VERWALTUNGSGEMEINSCHAFT": "der Verwaltungsgemeinschaft",
}

// fill fills the name of a place into a pattern, without links.
func (p *place) fill(pattern string) string {
	in, of := p.words()
	return strings.NewReplacer("<town>", p.name, "<in>", in, "<In>", capital(in), "<of>", of).Replace(pattern)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// linked is how bodies name it: the first time with a link.
func (p *place) linked() (in, of string) {
	path := "kommunen"
	if p.level == "STATE" {
		path = "laender"
	}
	link := fmt.Sprintf("[%s](/%s/%s)", p.name, path, p.slug)
	in, of = p.words()
	return strings.Replace(in, p.name, link, 1), strings.Replace(of, p.name, link, 1)
}
