package plan_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
)

// A schema of the tests' own shows what no row of the real one may show: a null
// where none may be, and a union.
const schema = `
interface Node { id: ID! }
union Content = Stone | Feather
type Stone implements Node { id: ID! weight: Int! }
type Feather implements Node { id: ID! color: String }
type Box implements Node { id: ID! name: String! content: Content contents: [Content!]! strict: Strict loose: Loose items: [Item!]! shelf: [Box]! }
type Strict { size: Int! }
type Loose { size: Int! }
type Item { label: String! }
type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
enum CountPrecision { EXACT AT_LEAST }
type BoxEdge { cursor: String! node: Box! }
type BoxConnection { edges: [BoxEdge!]! nodes: [Box!]! pageInfo: PageInfo! totalCount: Int! totalCountPrecision: CountPrecision! }
enum BoxOrderField { NAME }
enum OrderDirection { ASC DESC }
enum NullsOrder { FIRST LAST }
input BoxOrder { field: BoxOrderField! direction: OrderDirection! = ASC nulls: NullsOrder! = LAST }
input BoxFilter { and: [BoxFilter!] or: [BoxFilter!] not: BoxFilter }
type Query {
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  box(id: ID, name: String): Box
  boxes(first: Int, after: String, last: Int, before: String, filter: BoxFilter, orderBy: [BoxOrder!]): BoxConnection!
}`

const tables = `
CREATE TABLE stone (id uuid PRIMARY KEY, weight int);
CREATE TABLE feather (id uuid PRIMARY KEY, color text);
CREATE TABLE box (id uuid PRIMARY KEY, name text, strict int, strict_size int, loose_size int, stone_id uuid, feather_id uuid);
CREATE TABLE place (box_id uuid, position int, stone_id uuid, feather_id uuid);
CREATE TABLE item (box_id uuid, label text);
INSERT INTO stone VALUES ('00000000-0000-0000-0000-000000000001', 7), ('00000000-0000-0000-0000-000000000002', NULL);
INSERT INTO feather VALUES ('00000000-0000-0000-0000-000000000003', 'blau'), ('00000000-0000-0000-0000-000000000004', '');
INSERT INTO box VALUES
  ('00000000-0000-0000-0000-00000000000a', 'a', 1, 1, 1, '00000000-0000-0000-0000-000000000001', NULL),
  ('00000000-0000-0000-0000-00000000000b', 'b', 1, NULL, 1, NULL, '00000000-0000-0000-0000-000000000003'),
  ('00000000-0000-0000-0000-00000000000c', NULL, NULL, 1, NULL, '00000000-0000-0000-0000-000000000002', NULL),
  ('00000000-0000-0000-0000-00000000000d', 'd', NULL, NULL, NULL, NULL, NULL);
INSERT INTO place VALUES
  ('00000000-0000-0000-0000-00000000000a', 1, '00000000-0000-0000-0000-000000000001', NULL),
  ('00000000-0000-0000-0000-00000000000a', 2, NULL, '00000000-0000-0000-0000-000000000003'),
  ('00000000-0000-0000-0000-00000000000b', 1, '00000000-0000-0000-0000-000000000002', NULL);
INSERT INTO item VALUES ('00000000-0000-0000-0000-00000000000b', 'x'), ('00000000-0000-0000-0000-00000000000b', NULL);
`

var variants = []plan.Variant{{Type: "Stone", Column: "stone_id"}, {Type: "Feather", Column: "feather_id"}}

func seed(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, tables)
	return err
}

func newPlanner(t *testing.T) *plan.Planner {
	t.Helper()
	catalogue, err := plan.NewCatalogue(gqlparser.MustLoadSchema(&ast.Source{Input: schema}), []plan.Object{
		{Type: "Stone", Table: "stone", Prefix: "stone", Fields: plan.Fields{"weight": plan.Column("weight")}},
		{Type: "Feather", Table: "feather", Prefix: "feather", Fields: plan.Fields{"color": plan.Column("color")}},
		{Type: "Box", Table: "box", Prefix: "box", Order: []plan.Term{{Field: "name"}}, Fields: plan.Fields{
			"name":     plan.Text("name"),
			"content":  plan.Either(variants...),
			"contents": plan.Eithers("place", "box_id", "{position}", variants...),
			"strict":   plan.ValueIf("strict_", "{strict}"),
			"loose":    plan.Value("loose_", "size"),
			"items":    plan.Rows("item", "box_id", "{label}"),
			"shelf":    plan.Joined("true").By("{id}"),
		}},
		{Type: "Strict", Fields: plan.Fields{"size": plan.Column("size")}},
		{Type: "Loose", Fields: plan.Fields{"size": plan.Column("size")}},
		{Type: "Item", Table: "item", Fields: plan.Fields{"label": plan.Column("label")}},
	}, []plan.Root{{Name: "box", Lookup: map[string]plan.SQL{"id": "{id} = {arg}", "name": "{name} = {arg}"}}})
	if err != nil {
		t.Fatal(err)
	}
	return plan.New(catalogue, pgtest.Shared(t, "plan", tables, seed), true)
}

func read(t *testing.T, p *plan.Planner, query string, variables map[string]any) (string, gqlerror.List) {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(p.Catalogue().Schema, query, rules.NewDefaultRules())
	if errs != nil {
		t.Fatal(errs)
	}
	v := plan.Viewer{Role: plan.Public, Now: time.Now()}
	r, list := p.Prepare(doc.Operations[0], variables, v.Role)
	if len(list) > 0 {
		return "", list
	}
	data, list := r.Read(t.Context(), v, nil, nil)
	if !json.Valid(data) {
		t.Fatalf("no JSON: %s", data)
	}
	return string(data), list
}

func TestNullsTravelUp(t *testing.T) { //nolint:tparallel // one planner, one case after the other
	t.Parallel()
	p := newPlanner(t)
	for _, tc := range []struct{ name, query, data, errors string }{
		{
			"a nullable place takes the null",
			`{ box(name: "b") { id strict { size } loose { size } } }`,
			`{"box":{"id":"box_0000000000000000000000000b","strict":null,"loose":{"size":1}}}`,
			`1:32 box.strict.size`,
		},
		{
			"an absent value is no error",
			`{ box(name: "d") { strict { size } loose { size } content { __typename } } }`,
			`{"box":{"strict":null,"loose":null,"content":null}}`, ``,
		},
		{
			"through an alias to the look-up",
			`{ c: box(id: "box_0000000000000000000000000c") { other: name } d: box(name: "d") { name } }`,
			`{"c":null,"d":{"name":"d"}}`,
			`1:50 c.other`,
		},
		{
			"from an item to its list's holder",
			`{ box(name: "b") { items { label } } }`,
			`{"box":null}`,
			`1:28 box.items[1].label`,
		},
		{
			"from a page to the whole answer",
			`{ boxes(first: 4) { edges { node { name } } } }`,
			`null`,
			`1:36 boxes.edges[3].node.name`,
		},
		{
			"no further than an item that may be null",
			`{ box(name: "a") { shelf { name } } }`,
			`{"box":{"shelf":[{"name":"a"},{"name":"b"},null,{"name":"d"}]}}`,
			`1:28 box.shelf[2].name`,
		},
		{
			"out of a union",
			`{ box(name: "b") { name contents { ... on Stone { weight } } } other: box(id: "box_0000000000000000000000000c") { content { ... on Stone { weight } } } }`,
			`{"box":null,"other":{"content":null}}`,
			`1:51 box.contents[0].weight; 1:140 other.content.weight`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data, errs := read(t, p, tc.query, nil)
			var where []string
			for _, e := range errs {
				where = append(where, fmt.Sprintf("%d:%d %s", e.Locations[0].Line, e.Locations[0].Column, e.Path.String()))
			}
			if data != tc.data || strings.Join(where, "; ") != tc.errors {
				t.Errorf("got  %s  %s\nwant %s  %s", data, strings.Join(where, "; "), tc.data, tc.errors)
			}
		})
	}
}

func TestUnions(t *testing.T) {
	t.Parallel()
	p := newPlanner(t)
	got, errs := read(t, p, `{ box(name: "a") {
		content { __typename ...S ... on Feather { color } }
		contents { kind: __typename ... on Node { id } ... on Feather { color } ...S }
	} }
	fragment S on Stone { weight heavy: weight }`, nil)
	want := `{"box":{"content":{"__typename":"Stone","weight":7,"heavy":7},` +
		`"contents":[{"kind":"Stone","id":"stone_00000000000000000000000001","weight":7,"heavy":7},{"kind":"Feather","id":"feather_00000000000000000000000003","color":"blau"}]}}`
	if got != want || len(errs) > 0 {
		t.Errorf("got  %s %v\nwant %s", got, errs, want)
	}
}

// An empty text is one, also as the first value that a planner ever reads.
func TestEmptyTextComesFirst(t *testing.T) {
	t.Parallel()
	const want = `{"node":{"color":""}}`
	if got, errs := read(t, newPlanner(t), `{ node(id: "feather_00000000000000000000000004") { ... on Feather { color } } }`, nil); got != want || len(errs) > 0 {
		t.Errorf("got  %s %v\nwant %s", got, errs, want)
	}
}

// A cached plan must not mix up requests of other shapes: which ids, which
// members, which directives.
func TestPlansAreKeptApart(t *testing.T) {
	t.Parallel()
	p := newPlanner(t)
	for range 3 {
		for _, tc := range []struct {
			query string
			vars  map[string]any
			want  string
		}{
			{`query ($id: ID!) { node(id: $id) { __typename } }`, map[string]any{"id": "stone_00000000000000000000000001"}, `{"node":{"__typename":"Stone"}}`},
			{`query ($id: ID!) { node(id: $id) { __typename } }`, map[string]any{"id": "feather_00000000000000000000000003"}, `{"node":{"__typename":"Feather"}}`},
			{`query ($x: Boolean!) { box(name: "a") { name @include(if: $x) id @skip(if: $x) } }`, map[string]any{"x": true}, `{"box":{"name":"a"}}`},
			{`query ($x: Boolean!) { box(name: "a") { name @include(if: $x) id @skip(if: $x) } }`, map[string]any{"x": false}, `{"box":{"id":"box_0000000000000000000000000a"}}`},
			{
				`query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Feather { color } ... on Stone { id } } }`,
				map[string]any{"ids": []any{"feather_00000000000000000000000003", "stone_00000000000000000000000001"}},
				`{"nodes":[{"color":"blau"},{"id":"stone_00000000000000000000000001"}]}`,
			},
			{
				`query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Feather { color } ... on Stone { id } } }`,
				map[string]any{"ids": []any{"stone_00000000000000000000000001", "stone_00000000000000000000000009", "feather_00000000000000000000000003"}},
				`{"nodes":[{"id":"stone_00000000000000000000000001"},null,{"color":"blau"}]}`,
			},
		} {
			if got, errs := read(t, p, tc.query, tc.vars); got != tc.want || len(errs) > 0 {
				t.Errorf("%v\ngot  %s %v\nwant %s", tc.vars, got, errs, tc.want)
			}
		}
	}
}

// TestKept: fields that are kept to a role are refused to others before anything is
// read, wherever they stand; there is no database here.
func TestKept(t *testing.T) {
	t.Parallel()
	catalogue, err := plan.NewCatalogue(gqlparser.MustLoadSchema(&ast.Source{Input: `
		type Query { thing(id: ID): Thing open(id: ID): Thing }
		type Thing { id: ID! name: String note(size: Int): String log: [Entry!]! }
		type Entry { text: String }`}), []plan.Object{
		{Type: "Thing", Table: "thing", Prefix: "thing", Fields: plan.Fields{
			"name": plan.Column("name"), "note": plan.Expr("left({note}, {arg.size})").For(plan.Moderator), "log": plan.Rows("log", "thing_id", "{text}").For(plan.Editor),
		}},
		{Type: "Entry", Table: "log", Fields: plan.Fields{"text": plan.Column("text").For(plan.Admin)}},
	}, []plan.Root{{Name: "thing", Lookup: plan.ByID, Least: plan.Editor}, {Name: "open", Lookup: plan.ByID}})
	if err != nil {
		t.Fatal(err)
	}
	p := plan.New(catalogue, nil, true)
	const id = `(id: "thing_00000000000000000000000001")`
	for _, tc := range []struct {
		query   string
		refused [4]string // for each role
	}{
		{`{ open` + id + ` { name } }`, [4]string{}},
		{`{ thing` + id + ` { name } }`, [4]string{"thing"}},
		{`{ a: thing(id: "nonsense") { name } }`, [4]string{"a", "a", "a", "a"}}, // above, the argument is what is wrong
		{`{ open` + id + ` { n: note(size: 1) } }`, [4]string{"open.n", "open.n"}},
		{`{ open` + id + ` { ...F } b: open` + id + ` { ...F } } fragment F on Thing { ... on Thing { log { t: text } } }`,
			[4]string{"open.log open.log.t b.log b.log.t", "open.log.t b.log.t", "open.log.t b.log.t"}},
		{`query ($x: Boolean = true) { open` + id + ` { name log @skip(if: $x) { text } note @include(if: false) } }`, [4]string{}},
		{`query ($x: Boolean = true) { open` + id + ` { name log @include(if: $x) { __typename } } }`, [4]string{"open.log"}},
	} {
		doc, errs := gqlparser.LoadQueryWithRules(catalogue.Schema, tc.query, rules.NewDefaultRules())
		if errs != nil {
			t.Fatal(errs)
		}
		for role, want := range tc.refused {
			_, list := p.Prepare(doc.Operations[0], map[string]any{"x": true}, plan.Role(role))
			var got []string
			for _, err := range list {
				got = append(got, err.Path.String())
				f, ok := fault.From(err.Err)
				wanted := map[bool]fault.Code{true: fault.Unauthenticated, false: fault.Forbidden}[role == 0]
				if ok && f.Code != wanted || len(err.Locations) == 0 {
					t.Errorf("%s as %d: got %v", tc.query, role, err)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s as %d: refused %q, want %q", tc.query, role, got, want)
			}
		}
	}
}

func TestCatalogueKeepsThePromisesOfTheSchema(t *testing.T) {
	t.Parallel()
	parsed := gqlparser.MustLoadSchema(&ast.Source{Input: `
		type Query { thing(id: ID): Thing }
		type Thing { id: ID! name: String other: Thing! parts(size: Int): [Thing!]! }
		input ThingFilter { name: StringFilter } input StringFilter { eq: String } `})
	parts := plan.Held("whole_id", "{id}").Where("size", "{size} = {arg}")
	root := []plan.Root{{Name: "thing", Lookup: plan.ByID}}
	for want, object := range map[string]plan.Object{
		"field Thing.name is not declared": {Type: "Thing", Table: "thing", Prefix: "thing", Fields: plan.Fields{"other": plan.One("other_id")}},
		"declared field Thing.more is not in the schema": {Type: "Thing", Table: "thing", Prefix: "thing", Fields: plan.Fields{
			"name": plan.Column("name"), "other": plan.One("other_id"), "more": plan.Column("more")}},
		"field Thing.other promises a row that the viewer may not be allowed to see": {Type: "Thing", Table: "thing", Prefix: "thing", Visible: plan.NotDeleted,
			Fields: plan.Fields{"name": plan.Column("name"), "other": plan.One("other_id")}},
		"field Thing.name is declared as another kind than the schema says": {Type: "Thing", Table: "thing", Prefix: "thing",
			Fields: plan.Fields{"name": plan.One("name_id"), "other": plan.One("other_id")}},
		"field Thing.parts starts from the id of a type that has none": {Type: "Thing", Table: "thing",
			Fields: plan.Fields{"id": plan.Column("id"), "name": plan.Column("name"), "other": plan.One("other_id")}},
		"field Thing.name is kept to some, and a condition, order, facet or interface tells others of it": {Type: "Thing", Table: "thing", Prefix: "thing",
			Fields: plan.Fields{"name": plan.Column("name").For(plan.Editor), "other": plan.One("other_id")}},
		"argument Thing.parts(size:) has no condition": {Type: "Thing", Table: "thing", Keyed: true,
			Fields: plan.Fields{"name": plan.Column("name"), "other": plan.One("other_id"), "parts": plan.Held("whole_id", "{id}")}},
	} {
		if object.Fields["parts"].Relation == nil {
			object.Fields["parts"] = parts
		}
		if _, err := plan.NewCatalogue(parsed, []plan.Object{object}, root); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
