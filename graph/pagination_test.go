package graph_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
)

// pages reads one list page by page, through the planner.
type pages struct {
	t      testing.TB
	c      *comparison
	viewer plan.Viewer
	op     *ast.OperationDefinition
	vars   map[string]any // what is the same on all pages
	nested bool
}

type page struct {
	IDs     []string
	Cursors []string
	Info    struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	Total int
}

// over reads a list: a field of Query, or one of the row with an id.
func (c *comparison) over(t testing.TB, viewer plan.Viewer, holder, id, field string, o *plan.Object) *pages {
	list := fmt.Sprintf(`list: %s(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, filter: $filter) {
		edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount }`, field)
	filters := o.Type + "Filter"
	if f := c.catalogue.Schema.Query.Fields.ForName(field); id == "" && f != nil {
		filters = f.Arguments.ForName("filter").Type.Name()
	}
	declared := fmt.Sprintf("$first: Int, $after: String, $last: Int, $before: String, $orderBy: [%sOrder!], $filter: %s", o.Type, filters)
	if root := c.catalogue.Root(field); id == "" && root != nil {
		viewer.Role = max(viewer.Role, root.Least)
	}
	p := &pages{t: t, c: c, viewer: viewer, vars: map[string]any{}, nested: id != ""}
	query := fmt.Sprintf("query (%s) { %s }", declared, list)
	if p.nested {
		query = fmt.Sprintf("query (%s, $id: ID!) { node(id: $id) { ... on %s { %s } } }", declared, holder, list)
		p.vars["id"] = id
	}
	op, err := c.parse(query)
	if err != nil {
		t.Fatal(err)
	}
	p.op = op
	return p
}

// read reads one page; args are names and values of page arguments in turn.
func (p *pages) read(args ...any) page {
	p.t.Helper()
	vars := map[string]any{}
	maps.Copy(vars, p.vars)
	for i := 0; i < len(args); i += 2 {
		vars[args[i].(string)] = args[i+1]
	}
	request, errs := p.c.planner.Prepare(p.op, vars, p.viewer.Role)
	if len(errs) > 0 {
		p.t.Fatalf("%v: %v", vars, errs)
	}
	raw, errs := request.Read(p.t.Context(), p.viewer, nil, nil)
	if len(errs) > 0 {
		p.t.Fatalf("%v: %v", vars, errs)
	}
	type list struct {
		Edges []struct {
			Cursor string
			Node   struct{ ID string }
		}
		PageInfo struct {
			HasNextPage, HasPreviousPage bool
			StartCursor, EndCursor       *string
		}
		TotalCount int
	}
	var data struct {
		List *list
		Node *struct{ List *list }
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		p.t.Fatalf("%v\n%s", err, raw)
	}
	if p.nested {
		data.List = data.Node.List
	}
	out := page{Info: data.List.PageInfo, Total: data.List.TotalCount}
	for _, e := range data.List.Edges {
		out.IDs, out.Cursors = append(out.IDs, e.Node.ID), append(out.Cursors, e.Cursor)
	}
	if n := len(out.Cursors); n > 0 && (*out.Info.StartCursor != out.Cursors[0] || *out.Info.EndCursor != out.Cursors[n-1]) {
		p.t.Errorf("%v: the cursors of the page are not those of its ends", vars)
	}
	return out
}

// expect checks a page against all rows of the list in their order: it has to
// hold those from..to, and to know what is around them.
func (p *pages) expect(all []string, from, to int, next, previous bool, args ...any) page {
	p.t.Helper()
	got := p.read(args...)
	if !slices.Equal(got.IDs, all[from:to]) {
		p.t.Errorf("%v %v:\ngot  %v\nwant %v", p.vars, args, got.IDs, all[from:to])
	}
	if got.Info.HasNextPage != next || got.Info.HasPreviousPage != previous {
		p.t.Errorf("%v %v, rows %d to %d of %d: next %v, previous %v", p.vars, args, from, to, len(all), got.Info.HasNextPage, got.Info.HasPreviousPage)
	}
	if got.Total != len(all) {
		p.t.Errorf("%v %v: totalCount is %d of %d", p.vars, args, got.Total, len(all))
	}
	return got
}

// walk reads the whole list both ways and gives the cursors of its rows.
func (p *pages) walk(all []string, size int) (cursors []string) {
	p.t.Helper()
	args := []any{"first", size}
	for from := 0; ; from += size {
		to := min(from+size, len(all))
		got := p.expect(all, from, to, to < len(all), from > 0, args...)
		cursors = append(cursors, got.Cursors...)
		if p.t.Failed() || to == len(all) {
			break
		}
		args = []any{"first", size, "after", *got.Info.EndCursor}
	}
	if p.t.Failed() || len(all) == 0 {
		return cursors
	}
	last, first := cursors[len(cursors)-1], cursors[0]
	for _, empty := range []page{
		p.expect(all, len(all), len(all), false, true, "first", size, "after", last),
		p.expect(all, 0, 0, true, false, "last", size, "before", first),
		p.expect(all, 0, 0, true, false, "first", size, "before", first),
		p.expect(all, len(all), len(all), false, true, "last", size, "after", last),
	} {
		if empty.Info.EndCursor == nil || empty.Info.StartCursor == nil || *empty.Info.EndCursor != *empty.Info.StartCursor {
			p.t.Errorf("%v: an empty page behind a cursor does not give it back", p.vars)
		}
	}
	args = []any{"last", size}
	for to := len(all); ; to -= size {
		from := max(to-size, 0)
		got := p.expect(all, from, to, to < len(all), from > 0, args...)
		if p.t.Failed() || from == 0 {
			return cursors
		}
		args = []any{"last", size, "before", *got.Info.StartCursor}
	}
}

// between reads pages between two cursors, `first` and `last`, also where the
// cursors are the wrong way round.
func (p *pages) between(all, cursors []string, r *rand.Rand) {
	p.t.Helper()
	for range 3 {
		i, j, n := r.IntN(len(all)), r.IntN(len(all)), 1+r.IntN(5)
		p.expect(all, 0, min(n, j), true, false, "first", n, "before", cursors[j])
		p.expect(all, max(i+1, len(all)-n), len(all), false, true, "last", n, "after", cursors[i])
		from, to := i+1, j
		if to < from {
			from, to = 0, 0
		}
		p.expect(all, from, min(from+n, to), true, true, "first", n, "after", cursors[i], "before", cursors[j])
		p.expect(all, max(from, to-n), to, true, true, "last", n, "after", cursors[i], "before", cursors[j])
	}
}

// takesCondition says whether an order needs a condition of the filter, as
// DISTANCE needs near.
func takesCondition(o *plan.Object, value string) bool {
	for name, sort := range o.Sorts {
		if strings.EqualFold(name, strings.ReplaceAll(value, "_", "")) && strings.Contains(string(sort.By), "arg.") {
			return true
		}
	}
	return false
}

// orders are all single keys of a type, both ways and with nulls at both ends,
// and some pairs.
func orders(schema *ast.Schema, o *plan.Object, r *rand.Rand) (all []any) {
	all = append(all, nil)
	var terms []any
	for _, v := range schema.Types[o.Type+"OrderField"].EnumValues {
		if takesCondition(o, v.Name) {
			continue
		}
		for _, direction := range []string{"ASC", "DESC"} {
			for _, nulls := range []string{"FIRST", "LAST"} {
				terms = append(terms, map[string]any{"field": v.Name, "direction": direction, "nulls": nulls})
				all = append(all, []any{terms[len(terms)-1]})
			}
		}
	}
	for range 4 {
		all = append(all, []any{terms[r.IntN(len(terms))], terms[r.IntN(len(terms))], terms[r.IntN(len(terms))]})
	}
	return all
}

func TestPagesOfRoots(t *testing.T) {
	t.Parallel()
	compares(t)
	c := newComparison(t)
	viewer := plan.Viewer{Role: plan.Editor, Now: awkwardNows[0]}
	c.ref.viewer = viewer
	r := rand.New(rand.NewPCG(3, 4))
	for _, f := range c.catalogue.Schema.Query.Fields {
		name, ok := strings.CutSuffix(f.Type.Name(), "Connection")
		if !ok || f.Arguments.ForName("orderBy") == nil { // hits are walked by the operations of property_test.go
			continue
		}
		o := c.catalogue.Object(name)
		p := c.over(t, viewer, "", "", f.Name, o)
		c.ref.viewer = p.viewer
		for i, orderBy := range orders(c.catalogue.Schema, o, r) {
			if i > 0 && r.IntN(2) > 0 {
				continue
			}
			p.vars["orderBy"] = orderBy
			in := c.ref.rooted(f.Name, o)
			all := each(c.ref.list(in, c.ref.seen(in, "true"), false, p.vars, nil), globalID)
			cursors := p.walk(all, min(max(1+r.IntN(40), len(all)/8), plan.MaxPage))
			p.expect(all, 0, min(100, len(all)), len(all) > 100, false, "first", 100)
			if t.Failed() {
				t.Fatal(f.Name)
			}
			p.between(all, cursors, r)
		}
	}
}

// TestPagesByDistance walks a list whose order takes what a condition says.
func TestPagesByDistance(t *testing.T) {
	t.Parallel()
	c := newComparison(t)
	viewer := plan.Viewer{Role: plan.Public, Now: awkwardNows[0]}
	c.ref.viewer = viewer
	o := c.catalogue.Object("Municipality")
	p := c.over(t, viewer, "", "", "municipalities", o)
	r := rand.New(rand.NewPCG(11, 12))
	for _, direction := range []string{"ASC", "DESC"} {
		for _, second := range []string{"NAME", "POPULATION"} {
			p.vars["filter"] = map[string]any{"near": map[string]any{"latitude": 10 * r.Float64(), "longitude": 170 + 10*r.Float64(), "km": 1e9}}
			p.vars["orderBy"] = []any{map[string]any{"field": "DISTANCE", "direction": direction}, map[string]any{"field": second}}
			all := each(c.ref.list(all(o), c.ref.seen(all(o), "true"), false, p.vars, nil), globalID)
			if len(all) < 20 {
				t.Fatalf("%d municipalities are too few to say anything", len(all))
			}
			p.between(all, p.walk(all, 7), r)
		}
	}
}

func TestPagesOfRelations(t *testing.T) {
	t.Parallel()
	compares(t)
	c := newComparison(t)
	viewer := plan.Viewer{Role: plan.Moderator, Now: awkwardNows[0]}
	c.ref.viewer = viewer
	r := rand.New(rand.NewPCG(5, 6))
	for _, list := range []string{"State.municipalities", "Municipality.members", "Municipality.awards", "Strategy.articles", "FundingProgram.calls",
		"FundingProgram.awards", "Article.comments", "Article.strategies", "Comment.replies", "Topic.articles", "Organization.strategies", "Strategy.measures", "Municipality.observations", "Article.persons",
		"Person.articles", "Ranking.entries", "Event.articles"} {
		holderName, field, _ := strings.Cut(list, ".")
		holder := c.catalogue.Object(holderName)
		def := c.catalogue.Schema.Types[holderName].Fields.ForName(field)
		o := c.catalogue.Object(strings.TrimSuffix(def.Type.Name(), "Connection"))
		rel := holder.Fields[field].Relation
		longest, holders := 0, 0
		for _, id := range c.known.ids[holderName] {
			if holders >= 3 && longest >= 3 {
				break
			}
			parsed, _ := nodeid.Parse(id)
			holding := c.ref.seen(all(holder), plan.SQL("{id} = '"+parsed.UUID.String()+"'"))
			if len(holding) == 0 {
				continue
			}
			holders++
			p := c.over(t, viewer, holderName, id, field, o)
			members := c.ref.related(holding[0], rel, o, nil)
			for i, orderBy := range orders(c.catalogue.Schema, o, r) {
				if i%5 != holders%5 {
					continue
				}
				p.vars["orderBy"] = orderBy
				all := each(c.ref.list(all(o), members, rel.All, p.vars, nil), globalID)
				cursors := p.walk(all, max(1+r.IntN(7), len(all)/8))
				if t.Failed() {
					t.Fatal(list)
				}
				if longest = max(longest, len(all)); len(all) > 0 {
					p.between(all, cursors, r)
				}
			}
		}
		if longest < 3 {
			t.Errorf("the longest list of %s has %d rows: too short to say anything", list, longest)
		}
	}
}

// TestPagesWhileRowsChange deletes and adds rows between two pages: the very row
// of the cursor, others that were read, some that were not.
func TestPagesWhileRowsChange(t *testing.T) {
	t.Parallel()
	pool := pgtest.From(t, "awkward", awkwardVersion, fillAwkward)
	c := comparisonOver(t, pool)
	viewer := plan.Viewer{Role: plan.Public, Now: awkwardNows[0]}
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	// What was ever there is kept aside, and says where a row that is gone stood.
	program := nodeid.ID{Prefix: "funding_program", UUID: nodeid.Derive("funding_program", "calls")}
	calls := c.catalogue.Object("FundingCall")
	ever := *calls
	ever.Table = "ever"
	exec(`INSERT INTO funding_program (id, slug, title, level, publication_status) VALUES ($1, 'calls', 'Calls', 'EU', 'PUBLISHED')`, program.UUID.String())
	exec(`CREATE TABLE ever AS SELECT * FROM funding_call LIMIT 0`)
	number := 0
	insert := func(n int) {
		exec(`WITH added AS (
				INSERT INTO funding_call (id, program_id, label, number, year, opens_on, closes_on)
				SELECT gen_random_uuid(), $1, 'x', CASE WHEN i % 7 > 0 THEN i END, nullif(2000 + i % 3, 2001), nullif(date '2024-01-01' + i % 4, '2024-01-02'), nullif(date '2025-01-01' + i % 2, '2025-01-01')
				FROM generate_series($2::int, $3) i RETURNING *)
			INSERT INTO ever SELECT * FROM added`, program.UUID.String(), number+1, number+n)
		number += n
	}
	r := rand.New(rand.NewPCG(7, 8))
	for round, orderBy := range orders(c.catalogue.Schema, calls, r) {
		exec(`DELETE FROM funding_call WHERE program_id = $1`, program.UUID.String())
		exec(`TRUNCATE ever`)
		insert(30)
		enough := number + 40 // rows that come while we read
		size, side, backward := "first", "after", round%2 == 1
		if backward {
			size, side = "last", "before"
		}
		p := c.over(t, viewer, "FundingProgram", program.String(), "calls", calls)
		p.vars["orderBy"] = orderBy
		args := []any{size, 4}
		for lastSeen, more := "", true; more; {
			ref := newReference(t, pool, c.catalogue) // which remembers what it read
			ref.viewer = viewer
			rest := each(ref.list(all(&ever), ref.seen(all(&ever), "true"), true, p.vars, nil), globalID)
			if backward {
				slices.Reverse(rest)
			}
			rest = rest[slices.Index(rest, lastSeen)+1:]
			there := each(ref.seen(all(calls), plan.SQL("{program_id} = '"+program.UUID.String()+"'")), globalID)
			rest = slices.DeleteFunc(rest, func(id string) bool { return !slices.Contains(there, id) })

			got := p.read(args...)
			cursor := got.Info.EndCursor
			if backward {
				slices.Reverse(got.IDs)
				cursor = got.Info.StartCursor
			}
			if want := rest[:min(4, len(rest))]; !slices.Equal(got.IDs, want) {
				t.Fatalf("%v %v\ngot  %v\nwant %v", orderBy, args, got.IDs, want)
			}
			next, previous := len(rest) > 4, len(there) > len(rest)
			if backward {
				next, previous = previous, next
			}
			if got.Info.HasNextPage != next || got.Info.HasPreviousPage != previous {
				t.Fatalf("%v %v: next %v, previous %v; %d rows to come of %d", orderBy, args, got.Info.HasNextPage, got.Info.HasPreviousPage, len(rest), len(there))
			}
			if more = len(got.IDs) > 0; !more {
				break
			}
			lastSeen = got.IDs[len(got.IDs)-1]
			args = []any{size, 4, side, *cursor}
			for _, id := range []string{lastSeen, got.IDs[0], rest[len(rest)-1], rest[r.IntN(len(rest))]} {
				if parsed, _ := nodeid.Parse(id); r.IntN(2) > 0 {
					exec(`DELETE FROM funding_call WHERE id = $1`, parsed.UUID.String())
				}
			}
			if number < enough {
				insert(r.IntN(3))
			}
		}
	}
}

// TestPagesWhileOthersWrite walks lists while another connection inserts, deletes
// and updates rows of any kind: in columns that mean nothing to the list, in its
// sort keys, in what makes a row visible or meet the filter. After each change the
// reference says which rows the list has and by which keys they are sorted. Those
// that it has with the same keys all the time come once each, in their order; any
// other only while it is in the list, and on one page once.
func TestPagesWhileOthersWrite(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var total tally
	t.Cleanup(func() {
		t.Logf("%+v", total)
		if total.still < 1000 || total.changed < 100 || total.moved < 100 {
			t.Error("too few to say anything")
		}
	})
	for i, list := range []struct{ field, tables string }{
		{"Query.articles", "article comment article_strategy"},
		{"Query.strategies", "strategy strategy_owner"},
		{"Query.municipalities", "municipality"},
		{"Query.awards", "funding_award funding_program funding_award_recipient"},
		{"Query.organizations", "organization"},
		{"Article.comments", "comment"},
		{"State.municipalities", "municipality"},
		{"Topic.articles", "article article_topic"},
		{"FundingProgram.awards", "funding_award"},
		{"Municipality.articles", "article article_municipality"},
	} {
		t.Run(list.field, func(t *testing.T) {
			t.Parallel()
			for round := range max(1, *operations/2000) { // lists get shorter and shorter
				w := newWriter(t, uint64(i+100*round), strings.Fields(list.tables))
				for range 5 {
					w.walk(t, list.field)
				}
				mu.Lock()
				total.add(w.tally)
				mu.Unlock()
			}
		})
	}
}

// tally counts rows of a list that stood still all the time, those of them that
// changed otherwise, rows that did not, and changes.
type tally struct{ still, changed, moved, changes, refused int }

func (t *tally) add(more tally) {
	t.still, t.changed, t.moved, t.changes, t.refused = t.still+more.still, t.changed+more.changed, t.moved+more.moved, t.changes+more.changes, t.refused+more.refused
}

// writer changes rows while somebody reads a list, and remembers what the list was
// after each change.
type writer struct {
	*rand.Rand
	c       *comparison
	tables  []string              // the first has the rows of the list
	columns map[string][][]string // of each table, in groups that change together
	hot     string                // names what the list depends on

	look   func() (ids []string, state map[string]standing)
	states []map[string]standing // after each change, by global id
	tally
}

// standing is where a row stands in a list, and all that is in the row.
type standing struct{ keys, all string }

func newWriter(t *testing.T, seed uint64, tables []string) *writer {
	w := &writer{Rand: rand.New(rand.NewPCG(*seedFlag, seed)), tables: tables, columns: map[string][][]string{},
		c: comparisonOver(t, pgtest.From(t, "awkward", awkwardVersion, fillAwkward))}
	for _, table := range tables {
		rows, err := w.c.ref.pool.Query(t.Context(), `SELECT array_agg(attname::text) FROM pg_attribute
			WHERE attrelid = $1::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped
			GROUP BY regexp_replace(attname, '_(start|end|precision|text|amount|currency|approximate)$', '') ORDER BY 1`, table)
		if err == nil {
			w.columns[table], err = pgx.CollectRows(rows, pgx.RowTo[[]string])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// walk reads a list once: in a random order and direction, in pages of a random
// size, as a random viewer, mostly under a filter.
func (w *writer) walk(t *testing.T, list string) {
	p := w.choose(t, list)
	order, start := w.look()
	w.states = []map[string]standing{start}
	size, side, backward := "first", "after", w.IntN(2) > 0
	if backward {
		size, side = "last", "before"
		slices.Reverse(order)
	}
	var walked []string
	n := 1 + len(order)/12 + w.IntN(len(order)/4)
	for args := []any{size, n}; args != nil; {
		before, done := len(w.states)-1, make(chan error)
		go func() { done <- w.write(t.Context()) }()
		got := p.read(args...)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for i, id := range got.IDs {
			isThere := func(state map[string]standing) bool { _, ok := state[id]; return ok }
			if slices.Contains(got.IDs[:i], id) || !slices.ContainsFunc(w.states[before:], isThere) {
				t.Fatalf("%v %v: %s is on the page twice, or was not in the list\n%v", p.vars, args, id, got.IDs)
			}
		}
		cursor, more := got.Info.EndCursor, got.Info.HasNextPage
		if backward {
			slices.Reverse(got.IDs)
			cursor, more = got.Info.StartCursor, got.Info.HasPreviousPage
		}
		if walked = append(walked, got.IDs...); len(walked) > 1000 {
			t.Fatalf("%v %v: the list does not end", p.vars, args)
		}
		if args = nil; more {
			args = []any{size, n, side, *cursor}
		}
	}

	moved, changed := map[string]bool{}, map[string]bool{}
	for _, state := range w.states {
		for _, id := range slices.Concat(order, slices.Collect(maps.Keys(state))) {
			moved[id] = moved[id] || state[id].keys != start[id].keys
			changed[id] = changed[id] || state[id] != start[id]
		}
	}
	still := slices.DeleteFunc(order, func(id string) bool { return moved[id] })
	got := slices.DeleteFunc(slices.Clone(walked), func(id string) bool { return !slices.Contains(still, id) })
	if !slices.Equal(got, still) {
		t.Fatalf("%v %v by %s %d: of the rows that stood still\ngot  %v\nwant %v\nof all %v", p.viewer, p.vars, size, n, got, still, walked)
	}
	for id := range changed {
		w.still += b2i(!moved[id])
		w.changed += b2i(!moved[id] && changed[id])
		w.moved += b2i(moved[id])
	}
}

func b2i(b bool) int { return map[bool]int{true: 1}[b] }

// choose finds a list that is long enough, of some holder and under some filter.
func (w *writer) choose(t *testing.T, list string) *pages {
	catalogue := w.c.catalogue
	holderName, field, _ := strings.Cut(list, ".")
	o := catalogue.Object(strings.TrimSuffix(catalogue.Schema.Types[holderName].Fields.ForName(field).Type.Name(), "Connection"))
	g := &generator{Rand: w.Rand, catalogue: catalogue, known: w.c.known, ref: w.c.ref, literal: 1}
	for try := range 150 {
		viewer, id := plan.Viewer{Role: plan.Role(w.IntN(3)), Now: awkwardNows[0]}, ""
		if holderName != "Query" {
			id = w.c.known.ids[holderName][w.IntN(4)]
		}
		p := w.c.over(t, viewer, holderName, id, field, o)
		p.vars["orderBy"] = oneOf(g, orders(catalogue.Schema, o, w.Rand))
		if w.IntN(4) > 0 {
			g.filters = 2
			p.vars["filter"] = g.filter(o, o.Type+"Filter", 0).json(0)
		}
		keys := strings.NewReplacer(" ASC NULLS FIRST", "", " ASC NULLS LAST", "", " DESC NULLS FIRST", "", " DESC NULLS LAST", "", "{id} ASC", "{id}", "{id} DESC", "{id}").
			Replace(string(w.c.ref.order(o, p.vars)))
		w.hot = strings.ToLower(fmt.Sprint(keys, o.Visible, o.Listed, p.vars["filter"]))
		w.look = func() (ids []string, state map[string]standing) {
			ref := newReference(t, w.c.ref.pool, catalogue) // which remembers what it read
			ref.viewer, state = viewer, map[string]standing{}
			for _, r := range p.members(ref, holderName, field, o) {
				ids = append(ids, globalID(r))
				state[globalID(r)] = standing{ref.value(r, plan.SQL("ROW("+keys+")::text")), ref.value(r, "md5(self::text)")}
			}
			return ids, state
		}
		if ids, _ := w.look(); len(ids) >= max(6, 16-try/10) {
			return p
		}
	}
	t.Fatalf("%s is never long enough", list)
	return nil
}

// members are the rows of the list, as the reference has them.
func (p *pages) members(ref *reference, holderName, field string, o *plan.Object) []row {
	if !p.nested {
		in := ref.rooted(field, o)
		return ref.list(in, ref.seen(in, "true"), false, p.vars, nil)
	}
	holders := ref.byID(holderName, p.vars["id"])
	if len(holders) == 0 {
		return nil
	}
	rel := holders[0].o.Fields[field].Relation
	return ref.list(all(o), ref.related(holders[0], rel, o, nil), rel.All, p.vars, nil)
}

// write commits some changes, twice.
func (w *writer) write(ctx context.Context) error {
	for range 2 {
		err := pgx.BeginFunc(ctx, w.c.ref.pool, func(tx pgx.Tx) error {
			for range 1 + w.IntN(4) {
				if err := w.try(ctx, tx, w.change()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		_, state := w.look()
		w.states = append(w.states, state)
	}
	return nil
}

// try makes a change, unless a row may not be so.
func (w *writer) try(ctx context.Context, tx pgx.Tx, sql string) error {
	inner, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	result, err := inner.Exec(ctx, sql)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code[:2] == "23" {
		w.refused++
		return inner.Rollback(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, sql)
	}
	w.changes += int(result.RowsAffected())
	return inner.Commit(ctx)
}

// change is a statement that changes a few rows: deletes them, gives them other
// values of other rows, or adds others like them.
func (w *writer) change() string {
	table := w.tables[max(0, w.IntN(len(w.tables)+2)-2)]
	columns := slices.Concat(w.columns[table]...)
	some := fmt.Sprintf("(SELECT * FROM %s ORDER BY ctid OFFSET %d LIMIT 1)", table, w.IntN(40))
	rows := fmt.Sprintf("ctid = ANY(ARRAY(SELECT ctid FROM %s ORDER BY ctid OFFSET %d LIMIT %d))", table, w.IntN(100), 1+w.IntN(3))
	if ids := slices.Sorted(maps.Keys(w.states[len(w.states)-1])); table == w.tables[0] && len(ids) > 0 && w.IntN(4) > 0 {
		id, _ := nodeid.Parse(ids[w.IntN(len(ids))])
		rows = "id = '" + id.UUID.String() + "'"
	}
	switch w.IntN(8) {
	case 0:
		return "DELETE FROM " + table + " WHERE " + rows
	case 1, 2:
		values := make([]string, len(columns))
		for i, column := range columns {
			switch values[i] = "a." + column; {
			case column == "id":
				values[i] = "gen_random_uuid()"
			case column == "slug":
				values[i] = "gen_random_uuid()::text"
			case column == "key":
				values[i] = fmt.Sprintf("lpad('%d', length(a.key), '7')", w.IntN(1e9))
			case column == "position", column == "project_number":
				values[i] = fmt.Sprint(50 + w.IntN(1e6))
			case column == "predecessor_id":
				values[i] = "NULL"
			case !slices.Contains(columns, "id") && w.IntN(2) > 0: // a link between others
				values[i] = "b." + column
			}
		}
		return fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s a, %s b WHERE a.%s", table, strings.Join(columns, ", "), strings.Join(values, ", "), table, some, rows)
	}
	groups := slices.DeleteFunc(slices.Clone(w.columns[table]), func(group []string) bool {
		return slices.Contains([]string{"id", "slug", "key", "predecessor_id"}, group[0])
	})
	if hot := slices.DeleteFunc(slices.Clone(groups), func(group []string) bool {
		return !slices.ContainsFunc(group, func(column string) bool {
			return strings.Contains(w.hot, column) || strings.Contains(w.hot, strings.ReplaceAll(column, "_", ""))
		})
	}); len(hot) > 0 && w.IntN(3) > 0 {
		groups = hot
	}
	names := strings.Join(groups[w.IntN(len(groups))], ", ")
	return fmt.Sprintf("UPDATE %s SET (%s) = ROW(%s) FROM %s b WHERE %s.%s", table, names, "b."+strings.ReplaceAll(names, ", ", ", b."), some, table, rows)
}

// TestMadeUpCursors changes real cursors: each is refused, or reads some page;
// none reaches Postgres as something that it cannot read.
func TestMadeUpCursors(t *testing.T) {
	t.Parallel()
	compares(t)
	c := newComparison(t)
	viewer := plan.Viewer{Role: plan.Public, Now: awkwardNows[0]}
	r := rand.New(rand.NewPCG(9, 10))
	for _, f := range c.catalogue.Schema.Query.Fields {
		name, ok := strings.CutSuffix(f.Type.Name(), "Connection")
		if !ok || f.Arguments.ForName("orderBy") == nil { // hits are walked by the operations of property_test.go
			continue
		}
		o := c.catalogue.Object(name)
		p := c.over(t, viewer, "", "", f.Name, o)
		for i, orderBy := range orders(c.catalogue.Schema, o, r) {
			if i > 0 && r.IntN(3) > 0 {
				continue
			}
			p.vars["orderBy"] = orderBy
			cursors := p.read("first", 100).Cursors
			refused := 0
			const changes = 40
			for range changes {
				raw, err := base64.RawURLEncoding.DecodeString(cursors[r.IntN(len(cursors))])
				if err != nil {
					t.Fatal(err)
				}
				for range 1 + r.IntN(3) { // behind format and order, mostly
					switch at := 5 + r.IntN(len(raw)-5); r.IntN(5) {
					case 0:
						raw[at] = []byte{0, 1, 4, 0x7f, 0x80, 0xff}[r.IntN(6)]
					case 1:
						raw[at] ^= 1 << r.IntN(8)
					case 2: // a whole key at the end of what it can be
						for i := at; i < min(at+8, len(raw)); i++ {
							raw[i] = map[bool]byte{true: 0xff, false: 0}[r.IntN(2) > 0]
						}
					case 3:
						raw = raw[:max(at, 6)]
					case 4:
						raw = append(raw, byte(r.IntN(256)))
					}
				}
				vars := map[string]any{"orderBy": orderBy, []string{"after", "before"}[r.IntN(2)]: base64.RawURLEncoding.EncodeToString(raw)}
				request, errs := c.planner.Prepare(p.op, vars, p.viewer.Role)
				if len(errs) > 0 {
					refused++
					continue
				}
				if _, errs = request.Read(t.Context(), p.viewer, nil, nil); len(errs) > 0 {
					t.Errorf("%s %v, cursor %x: %v", f.Name, vars, raw, errs)
				}
			}
			if refused == changes {
				t.Errorf("%s %v: every changed cursor is refused", f.Name, orderBy)
			}
		}
	}
}

// TestBadArguments: whatever is wrong with an argument, wherever it stands, is
// an error before anything is read.
func TestBadArguments(t *testing.T) {
	t.Parallel()
	c := newComparison(t)
	p := c.over(t, plan.Viewer{Now: awkwardNows[0]}, "", "", "articles", c.catalogue.Object("Article"))
	titles := c.over(t, plan.Viewer{Now: awkwardNows[0]}, "", "", "topics", c.catalogue.Object("Topic")).read("first", 1)
	p.vars["orderBy"] = []any{map[string]any{"field": "TITLE", "direction": "ASC", "nulls": "LAST"}}
	cursor := p.read("first", 1).Cursors[0]
	for _, args := range []string{
		`first: 0`, `first: -1`, `first: 101`, `last: 0`, `last: 101`, `first: 1, last: 1`, `first: 2147483648`,
		`after: ""`, `after: "x"`, `after: "` + titles.Cursors[0] + `"`, `before: "` + cursor + `"`, `after: "` + cursor + `!"`,
		`orderBy: {field: TITLE, direction: DESC}, after: "` + cursor + `"`, `filter: {id: {eq: "article"}}`, `filter: {id: {in: ["article_1"]}}`,
		`filter: {id: {eq: "article_81hgercx00eewtm2291jttyk6q"}}`, `filter: {publishedAt: {eq: "2024-02-30T00:00:00Z"}}`, `filter: {publishedAt: {lt: "2024"}}`,
		`filter: {publishedOn: {start: {eq: "2024-02-30"}}}`, `filter: {not: {not: {commentCount: {eq: 2147483648}}}}`, `filter: {title: {eq: "\u0000"}}`,
		`orderBy: [` + strings.Repeat(`{field: TITLE}`, 6) + `]`,
		`filter: {strategies: {some: {municipalities: {some: {state: {municipalities: {some: {}}}}}}}}`,
		`filter: {or: [` + strings.Repeat(`{title: {eq: "a"}}`, 51) + `]}`,
	} {
		for _, query := range []string{
			"{ articles(" + args + ") { totalCount } }",
			"{ topics { nodes { ...F } } } fragment F on Topic { articles(" + args + ") { nodes { id } } }",
		} {
			op, err := c.parse(query)
			if err != nil {
				continue // validation has seen it
			}
			if _, errs := c.planner.Prepare(op, nil, plan.Public); len(errs) != 1 || errs[0].Extensions["code"] != "BAD_USER_INPUT" || len(errs[0].Path) == 0 {
				t.Errorf("%s: %v", query, errs)
			}
		}
	}
	for _, id := range []string{"", "article", "_01h455vb4pex5vsknk084sn02q", "article_01h455vb4pex5vsknk084sn02", "article_01h455vb4pex5vsknk084sn0iL"} {
		for _, query := range []string{"query ($id: ID!) { node(id: $id) { id } }", "query ($id: ID!) { nodes(ids: [$id]) { id } }", "query ($id: ID!) { topics(filter: {parent: {not: {id: {ne: $id}}}}) { totalCount } }"} {
			op, err := c.parse(query)
			if err != nil {
				t.Fatal(err)
			}
			if _, errs := c.planner.Prepare(op, map[string]any{"id": id}, plan.Public); len(errs) != 1 {
				t.Errorf("%s %q: %v", query, id, errs)
			}
		}
	}
}
