package graph_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

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
	declared := fmt.Sprintf("$first: Int, $after: String, $last: Int, $before: String, $orderBy: [%sOrder!], $filter: %sFilter", o.Type, o.Type)
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

// orders are all single keys of a type, both ways and with nulls at both ends,
// and some pairs.
func orders(schema *ast.Schema, o *plan.Object, r *rand.Rand) (all []any) {
	all = append(all, nil)
	var terms []any
	for _, v := range schema.Types[o.Type+"OrderField"].EnumValues {
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
	c := newComparison(t)
	viewer := plan.Viewer{Role: plan.Editor, Now: awkwardNows[0]}
	c.ref.viewer = viewer
	r := rand.New(rand.NewPCG(3, 4))
	for _, f := range c.catalogue.Schema.Query.Fields {
		name, ok := strings.CutSuffix(f.Type.Name(), "Connection")
		if !ok {
			continue
		}
		o := c.catalogue.Object(name)
		p := c.over(t, viewer, "", "", f.Name, o)
		for i, orderBy := range orders(c.catalogue.Schema, o, r) {
			if i > 0 && r.IntN(2) > 0 {
				continue
			}
			p.vars["orderBy"] = orderBy
			all := each(c.ref.list(o, c.ref.seen(all(o), "true"), false, p.vars), globalID)
			cursors := p.walk(all, max(1+r.IntN(40), len(all)/8))
			if t.Failed() {
				t.Fatal(f.Name)
			}
			p.between(all, cursors, r)
		}
	}
}

func TestPagesOfRelations(t *testing.T) {
	t.Parallel()
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
				all := each(c.ref.list(o, members, rel.All, p.vars), globalID)
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
			rest := each(ref.list(&ever, ref.seen(all(&ever), "true"), true, p.vars), globalID)
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

// TestMadeUpCursors changes real cursors: each is refused, or reads some page;
// none reaches Postgres as something that it cannot read.
func TestMadeUpCursors(t *testing.T) {
	t.Parallel()
	c := newComparison(t)
	viewer := plan.Viewer{Role: plan.Public, Now: awkwardNows[0]}
	r := rand.New(rand.NewPCG(9, 10))
	for _, f := range c.catalogue.Schema.Query.Fields {
		name, ok := strings.CutSuffix(f.Type.Name(), "Connection")
		if !ok {
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
				request, errs := c.planner.Prepare(p.op, vars, viewer.Role)
				if len(errs) > 0 {
					refused++
					continue
				}
				if _, errs = request.Read(t.Context(), viewer, nil, nil); len(errs) > 0 {
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
