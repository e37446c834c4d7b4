package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/register"
	"stadtgraph/internal/sample"
)

// What can be asked of a list is found by an index, or by following the index of
// the list's order. Every single condition and every order is planned, over tables
// that are large enough for Postgres to care, and its plan read: no large table is
// read from front to end, none is sorted.

// large is how many rows make a table large, and sortable how many may be sorted.
const (
	large    = 5000
	sortable = 2000
)

// unindexed are the questions that no index answers, by what they begin with.
var unindexed = map[string]string{
	"measures orderBy.{field: POPULATION":        "the town's, and a measure may have several: it is looked up for each measure",
	"measures orderBy.{field: MUNICIPALITY_NAME": "the town's, and a measure may have several: it is looked up for each measure",
	"articles orderBy.{field: COMMENT_COUNT":     "counted in the index of comments for each article; stored, each comment would change the article",
	"comments orderBy.{field: THREAD":            "the order in which one article's are read; across articles it would cost each comment another index",
	"comments orderBy.{field: TOP":               "the same, and each vote would move an entry of that index",
	"comments filter.pinned":                     "few are, and they are asked for by their article",
	"auditLog filter.action.isNull":              "no entry is without one",
	"auditLog filter.createdAt.isNull":           "no entry is without one",
	"articles filter.territory":                  "the towns of a state have a good part of all articles, and a plan is made for any territory",
}

func sampled(t testing.TB) *pgxpool.Pool {
	return pgtest.Shared(t, "sample for plans", register.Version()+"1", fillSampled)
}

func fillSampled(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := register.LoadShipped(ctx, pool, nil); err != nil {
		return err
	}
	if err := sample.Load(ctx, pool, sample.Options{Scale: 0.1}); err != nil {
		return err
	}
	return nil
}

// question is a list with one condition or order.
type question struct {
	list      string // field of Query
	what      string // the condition or order, as in a filter
	arguments string
}

func (q question) query() string {
	return fmt.Sprintf("{ %s(%s) { nodes { __typename } } }", q.list, q.arguments)
}

// asker lists what can be asked.
type asker struct {
	schema    *ast.Schema
	catalogue *plan.Catalogue
	all       []question
}

func (a *asker) lists() {
	for _, f := range a.schema.Query.Fields {
		node, ok := strings.CutSuffix(f.Type.Name(), "Connection")
		if !ok {
			continue
		}
		also := ""
		if f.Arguments.ForName("query") != nil {
			also = `query: "muster", `
		}
		ask := func(what, arguments string) {
			a.all = append(a.all, question{f.Name, what, also + "first: 20, " + arguments})
		}
		if arg := f.Arguments.ForName("filter"); arg != nil {
			a.filter(a.schema.Types[arg.Type.Name()], node, func(what, value string) { ask("filter."+what, "filter: "+value) })
		}
		if arg := f.Arguments.ForName("orderBy"); arg != nil {
			ask("no order", "orderBy: []")
			a.all = append(a.all, question{f.Name, "no order, last", also + "last: 20"})
			for _, v := range a.schema.Types[a.schema.Types[arg.Type.Name()].Fields.ForName("field").Type.Name()].EnumValues {
				filter := map[string]string{"RELEVANCE": `, filter: {q: "muster"}`, "DISTANCE": ", filter: {near: {latitude: 50, longitude: 10, km: 20}}"}[v.Name]
				for _, direction := range []string{"ASC", "DESC"} {
					for _, nulls := range []string{"", ", nulls: FIRST"} {
						what := fmt.Sprintf("{field: %s, direction: %s%s}", v.Name, direction, nulls)
						ask("orderBy."+what, "orderBy: "+what+filter)
					}
				}
			}
		}
	}
}

// filter lists the conditions of a filter: how each is called, and the filter that holds it alone.
func (a *asker) filter(def *ast.Definition, node string, ask func(what, value string)) {
	for _, f := range def.Fields {
		under := func(what, value string) { ask(f.Name+"."+what, "{"+f.Name+": "+value+"}") }
		t := a.schema.Types[f.Type.Name()]
		switch {
		case f.Name == "and" || f.Name == "or" || f.Name == "not":
		case t.Kind != ast.InputObject: // a condition
			for _, v := range a.values(f.Name, f.Type, node) {
				ask(f.Name+" "+v, "{"+f.Name+": "+v+"}")
			}
		case strings.HasSuffix(t.Name, "ListFilter"):
			one := a.one(a.schema.Types[t.Fields.ForName("some").Type.Name()])
			under("some", "{some: "+one+"}")
			under("none", "{none: "+one+"}")
			under("all", "{all: ["+one+", "+one+"]}")
		case t.Fields.ForName("and") != nil:
			one := a.one(t)
			under(one, one)
		case t.Fields.ForName("eq") != nil:
			for _, op := range t.Fields {
				for _, v := range a.values(op.Name, op.Type, node) {
					what := op.Name
					if op.Type.Name() == "Boolean" {
						what += " " + v
					}
					under(what, "{"+op.Name+": "+v+"}")
				}
			}
		case strings.HasSuffix(t.Name, "Filter") && t.Fields.ForName("isNull") != nil: // a value object
			a.filter(t, node, under)
		default: // a condition with members
			var members []string
			for _, m := range t.Fields {
				members = append(members, m.Name+": "+a.values(m.Name, m.Type, node)[0])
			}
			ask(f.Name, "{"+f.Name+": {"+strings.Join(members, ", ")+"}}")
		}
	}
}

// one is a filter that few rows of a type meet.
func (a *asker) one(def *ast.Definition) string {
	node := strings.TrimSuffix(def.Name, "Filter")
	for _, name := range []string{"key", "slug", "id"} {
		if f := def.Fields.ForName(name); f != nil {
			op := a.schema.Types[f.Type.Name()].Fields.ForName("in")
			return fmt.Sprintf("{%s: {in: %s}}", name, a.values(op.Name, op.Type, node)[0])
		}
	}
	panic("nothing tells one " + node + " from another")
}

// values are values of a type that make different statements.
func (a *asker) values(name string, t *ast.Type, node string) []string {
	if t.Elem != nil {
		inner := a.values(name, t.Elem, node)
		return []string{"[" + inner[0] + ", " + inner[0] + "]"}
	}
	def := a.schema.Types[t.Name()]
	if def.Kind == ast.Enum {
		return []string{def.EnumValues[0].Name}
	}
	if name == "latitude" {
		return []string{"50"}
	}
	switch def.Name {
	case "Boolean":
		return []string{"true", "false"}
	case "Int":
		return []string{"2020"}
	case "Float":
		return []string{"10.5"}
	case "String":
		return []string{`"muster"`}
	case "Date":
		return []string{`"2024-02-29"`}
	case "DateTime":
		return []string{`"2024-02-29T12:00:00Z"`}
	case "Decimal":
		return []string{`"1000.50"`}
	case "Duration":
		return []string{`"P30D"`}
	case "ID":
		return []string{fmt.Sprintf("%q", a.catalogue.Object(node).Prefix+"_01h455vb4pex5vsknk084sn02q")}
	}
	panic("no value of " + def.Name)
}

func TestIndexed(t *testing.T) {
	t.Parallel()
	compares(t)
	if testing.Short() {
		t.Skip("fills large tables")
	}
	pool := sampled(t)
	planner := newPlanner(t, pool)
	a := &asker{schema: planner.Catalogue().Schema, catalogue: planner.Catalogue()}
	a.lists()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	r := &planReader{conn: conn.Conn(), rows: map[string]float64{}}
	rows, _ := conn.Query(t.Context(), `SELECT relname, reltuples FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples >= $1`, large)
	var name string
	var n float64
	if _, err := pgx.ForEachRow(rows, []any{&name, &n}, func() error { r.rows[name] = n; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `SET plan_cache_mode = force_generic_plan`); err != nil {
		t.Fatal(err)
	}
	excused := map[string]bool{}
	for _, q := range a.all {
		doc, errs := gqlparser.LoadQueryWithRules(a.schema, q.query(), rules.NewDefaultRules())
		if errs != nil {
			t.Fatalf("%s\n%v", q.query(), errs)
		}
		role := plan.Public
		if root := a.catalogue.Root(q.list); root != nil {
			role = root.Least
		}
		request, errs := planner.Prepare(doc.Operations[0], nil, role)
		if errs != nil {
			t.Fatalf("%s\n%v", q.query(), errs)
		}
		for i, sql := range request.SQL() {
			problems := r.read(t, sql, request.Types()[i])
			what := q.list + " " + q.what
			if len(problems) > 0 && !excuse(what, excused) {
				t.Errorf("%s: %s", what, strings.Join(problems, "; "))
			}
		}
	}
	for what := range unindexed {
		if !excused[what] {
			t.Errorf("%s is indexed by now", what)
		}
	}
	t.Logf("%d questions", len(a.all))
}

func excuse(what string, excused map[string]bool) bool {
	for start := range unindexed {
		if strings.HasPrefix(what, start) {
			excused[start] = true
			return true
		}
	}
	return false
}

type planReader struct {
	conn *pgx.Conn
	rows map[string]float64 // of large tables
}

// node is one of a plan, as EXPLAIN writes it.
type node struct {
	Type     string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Plan Rows"`
	Plans    []node
}

// read has a statement planned for any values, and gives what is wrong with the plan.
func (r *planReader) read(t testing.TB, sql string, types []uint32) []string {
	ctx := t.Context()
	var names []string
	var values []string
	for _, oid := range types {
		names = append(names, fmt.Sprintf("%d::oid::regtype::text", oid))
		values = append(values, "NULL")
	}
	if len(names) > 0 {
		var list string
		if err := r.conn.QueryRow(ctx, "SELECT concat_ws(', ', "+strings.Join(names, ", ")+")").Scan(&list); err != nil {
			t.Fatal(err)
		}
		if _, err := r.conn.Exec(ctx, "PREPARE page ("+list+") AS "+sql); err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
	} else if _, err := r.conn.Exec(ctx, "PREPARE page AS "+sql); err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	execute := "EXECUTE page"
	if len(values) > 0 {
		execute += " (" + strings.Join(values, ", ") + ")"
	}
	var raw []byte
	if err := r.conn.QueryRow(ctx, "EXPLAIN (FORMAT JSON) "+execute, pgx.QueryExecModeSimpleProtocol).Scan(&raw); err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	if _, err := r.conn.Exec(ctx, "DEALLOCATE page"); err != nil {
		t.Fatal(err)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal(raw, &plans); err != nil {
		t.Fatal(err)
	}
	var problems []string
	r.walk(&plans[0].Plan, &problems)
	slices.Sort(problems)
	return slices.Compact(problems)
}

func (r *planReader) walk(n *node, problems *[]string) {
	if r.rows[n.Relation] > 0 && n.Type == "Seq Scan" {
		*problems = append(*problems, "reads "+n.Relation)
	}
	if n.Type == "Sort" && n.Plans[0].Rows > sortable {
		*problems = append(*problems, fmt.Sprintf("sorts %.0f", n.Plans[0].Rows))
	}
	for i := range n.Plans {
		r.walk(&n.Plans[i], problems)
	}
}
