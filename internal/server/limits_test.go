package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// repeat writes something n times, with what may differ.
func repeat(n int, f func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
		b.WriteByte(' ')
	}
	return b.String()
}

func same(s string) func(int) string { return func(int) string { return s } }

func nestedIn(n int) any {
	var v any = 1
	for range n {
		v = []any{v}
	}
	return v
}

// Each limit lets pass what reaches it, and says of one more which limit it is, how much
// there is and where.
func TestLimits(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	nodes := func(s string) string { return "{ municipalities(first: 1) { nodes { " + s + " } } }" }
	numbered := func(format string) func(int) string { return func(i int) string { return fmt.Sprintf(format, i) } }
	for _, c := range []struct {
		limit   string
		maximum int
		of      func(n int) string
		path    string
	}{
		{"aliases", 200, func(n int) string { return nodes(repeat(n, numbered("a%d: name"))) }, "municipalities.nodes.a200"},
		{"fragments", 100, func(n int) string {
			return nodes(repeat(n, numbered("...f%d"))) + repeat(n, numbered("fragment f%d on Municipality { name }"))
		}, ""},
		{"directives", 100, func(n int) string { return nodes(repeat(n, numbered("a%d: name @skip(if: false)"))) }, "municipalities.nodes.a100"},
		{"directivesInOnePlace", 5, func(n int) string { return nodes("name " + repeat(n, same("@skip(if: false)"))) }, "municipalities.nodes.name"},
		{"variables", 100, func(n int) string { return "query(" + repeat(n, numbered("$a%d: Int")) + ") { __typename }" }, ""},
		{"depth", 10, func(n int) string {
			return "{ municipality(key: \"09461000\") { " + strings.Repeat("district { ", n-2) + "name" + strings.Repeat(" }", n-2) + " } }"
		},
			"municipality." + strings.TrimSuffix(strings.Repeat("district.", 9), ".") + ".name"},
		{"fields", 1000, func(n int) string {
			return "{ " + repeat(3, numbered("a%d: municipality { ...f }")) + repeat(n-3*332, numbered("b%d: __typename")) + "} fragment f on Municipality { " + repeat(330, numbered("f%d")) + "}"
		}, ""},
		{"roots", 50, func(n int) string { return "{ " + repeat(n, numbered("a%d: __typename")) + "}" }, "a50"},
	} {
		if r := post(t, base, c.of(c.maximum), nil, "Accept", graphqlResponse); r.StatusCode == http.StatusBadRequest && strings.Contains(r.body, `"limit":"`+c.limit+`"`) {
			t.Errorf("%s: %d are refused: %s", c.limit, c.maximum, r.body)
		}
		refusedBy(t, post(t, base, c.of(c.maximum+1), nil, "Accept", graphqlResponse), c.limit, c.maximum+1, c.maximum, c.path)
	}
	for _, c := range []struct {
		limit, query   string
		variables      map[string]any
		found, maximum int
		path           string
	}{
		{"tokens", "{ " + repeat(1499, same("a")) + "}", nil, 1501, 1500, ""},
		// Found is known without expanding anything.
		{"fields", "{ ...a } fragment a on Query { " + repeat(40, same("...b")) + "} fragment b on Query { " + repeat(30, same("...c")) + "}", nil, 1 + 40*31, 1000, ""},
		{"fields", "{ ...a } " + repeat(20, func(i int) string { return fmt.Sprintf("fragment %c on Query { ...%c ...%[2]c }", 'a'+i, 'b'+i) }), nil, 1<<21 - 1, 1000, ""},
		{"depth", "{ municipality(key: \"1\") { " + strings.Repeat("district { ", 30) + "name" + strings.Repeat(" }", 31) + " }", nil, 32, 10, "municipality" + strings.Repeat(".district", 10)},
		{"repeatedFields", nodesOf(repeat(110, same("name"))), nil, 5050, 5000, "municipalities.nodes.name"},
		{"introspectionDepth", "{ __type(name: \"A\") { " + strings.Repeat("ofType { ", 20) + "name" + strings.Repeat(" }", 21) + " }", nil, 22, 20, "__type" + strings.Repeat(".ofType", 20)},
		{"variableDepth", "query($f: MunicipalityFilter) { municipalities(filter: $f) { totalCount } }", map[string]any{"f": nestedIn(51)}, 51, 50, ""},
		{"cost", "{ a: __typename municipalities(first: 100) { nodes { n: members(first: 100) { nodes { name members { nodes { name } } } } } } }", nil, 230212, 100_000, "municipalities.nodes.n.nodes.members"},
	} {
		r := post(t, base, c.query, c.variables, "Accept", graphqlResponse)
		refusedBy(t, r, c.limit, c.found, c.maximum, c.path)
		if c.limit == "cost" && r.cost != c.found {
			t.Errorf("%s: the cost is %d", c.limit, r.cost)
		}
	}
}

func nodesOf(s string) string { return "{ municipalities { nodes { " + s + " } } }" }

// refusedBy checks that an operation was refused by a limit, with all that is known of it.
func refusedBy(t *testing.T, r reply, limit string, found, maximum int, path string) {
	t.Helper()
	if r.StatusCode != http.StatusBadRequest {
		t.Errorf("%s: got %s %.300s", limit, r.Status, r.body)
		return
	}
	harmless(t, r, "")
	e := r.errors(t)[0]
	at := strings.ReplaceAll(strings.Trim(fmt.Sprint(e.Path), "[]"), " ", ".")
	if e.Extensions["code"] != "TOO_LARGE" || e.Extensions["limit"] != limit || e.Extensions["found"] != float64(found) || e.Extensions["maximum"] != float64(maximum) || at != path {
		t.Errorf("%s: got %q at %q, %v, want %d of %d at %q", limit, e.Message, at, e.Extensions, found, maximum, path)
	}
	for _, n := range []int{found, maximum} {
		if !strings.Contains(e.Message, fmt.Sprint(n)) {
			t.Errorf("%s: the message %q lacks %d", limit, e.Message, n)
		}
	}
}

// The cost of an operation is known by the formula that the README has.
func TestCost(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	for _, c := range []struct {
		query     string
		variables map[string]any
		cost      int
	}{
		{`{ __typename }`, nil, 1},
		{`{ municipality(key: "09461000") { name } }`, nil, 10 + 1 + 1},
		{`{ municipality(key: "09461000") { name state { name } } }`, nil, 10 + 1 + 1 + 1 + 1},
		{`{ municipality(key: "unbekannt") { name } }`, nil, 12}, // what it asks for, not what there is
		{`{ states { nodes { name } } }`, nil, 10 + 2 + 20},
		{`{ states(first: 3) { nodes { name } } }`, nil, 10 + 2 + 3},
		{`{ states(last: 3) { nodes { name key } } }`, nil, 10 + 2 + 6},
		{`{ states(page: 1, pageSize: 4) { nodes { name } } }`, nil, 10 + 2 + 4},
		{`query($n: Int) { states(first: $n) { nodes { name } } }`, map[string]any{"n": 7}, 10 + 2 + 7},
		{`{ states(first: 3) { edges { cursor node { name } } pageInfo { hasNextPage endCursor } } }`, nil, 10 + 2 + 3*3 + 1 + 2},
		{`{ states { totalCount totalCountPrecision } }`, nil, 10 + 3 + 10},
		{`{ states(first: 2) { nodes { municipalities(first: 5) { totalCount nodes { name } } } } }`, nil, 10 + 2 + 2*(1+2+10+5)},
		{`{ nodes(ids: ["state_01h455vb4pex5vsknk084sn02q", "state_01h455vb4pex5vsknk084sn02q"]) { id } }`, nil, 10 + 1 + 2},
		{`query($k: [String!]!) { municipalitiesByKey(keys: $k) { key status } }`, map[string]any{"k": []string{"1", "2", "3"}}, 10 + 1 + 6},
		{`{ strategies { facets(by: [STATE]) { by } } }`, nil, 10 + 2 + 100},
		{`{ a: states(first: 1) { nodes { name } } b: states(first: 1) { nodes { name } } }`, nil, 2 * 13},
		{`query($b: Boolean!) { states { nodes @include(if: $b) { name } totalCount } }`, map[string]any{"b": false}, 10 + 2 + 10},
	} {
		r := post(t, base, c.query, c.variables)
		if r.StatusCode != http.StatusOK || r.cost != c.cost {
			t.Errorf("%s %v: got %s %s, cost %d, want %d", c.query, c.variables, r.Status, r.body, r.cost, c.cost)
		}
	}
	// Searching costs more, and so does the schema.
	if r := post(t, base, `{ municipalities(first: 1, filter: {q: "Bamberg"}) { nodes { name } } }`, nil); r.cost != 10+100+2+1 {
		t.Errorf("search: cost %d, %s", r.cost, r.body)
	}
	if r := post(t, base, `{ __schema { types { name fields { name } } } }`, nil); r.cost < 100 || r.cost > 10_000 {
		t.Errorf("introspection: cost %d", r.cost)
	}
	// An error of a field has a cost beside it, one of the request has none.
	if r := post(t, base, `{ states(first: 0) { nodes { name } } }`, nil); r.cost != -1 {
		t.Errorf("refused: cost %d", r.cost)
	}
}
