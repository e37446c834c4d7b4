package graph_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"stadtgraph/graph"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
)

var (
	operations = flag.Int("operations", 2000, "how many operations TestPlannerAgreesWithReference generates")
	seedFlag   = flag.Uint64("seed", 1, "what TestPlannerAgreesWithReference generates them from")
)

// enough operations read everything that the catalogue declares.
const enough = 1200

// TestPlannerAgreesWithReference generates operations and compares what the
// planner answers with what the reference does: each in several runs, with other
// values of its variables and as other viewers, each of them twice. An operation
// that makes a difference is shrunk and shown with its variables and both answers,
// to be kept in testdata/generated.txtar:
//
//	go test ./graph -run Reference -operations 20000 -seed 7
func TestPlannerAgreesWithReference(t *testing.T) {
	t.Parallel()
	compares(t)
	t.Logf("seed %d", *seedFlag)
	c := newComparison(t)
	executor := graph.NewExecutor(c.planners[0])
	g := &generator{Rand: rand.New(rand.NewPCG(*seedFlag, 0)), catalogue: c.catalogue, known: c.known, ref: c.ref}
	invalid, tooLarge, ran := 0, 0, 0
	if testing.Short() {
		*operations = min(*operations, 200)
	}
	for ran < *operations {
		g.viewer = g.anybody()
		op := g.operation()
		viewer := g.viewer
		doc, err := c.parse(op.String())
		if err != nil {
			if invalid++; invalid > 50+ran/4 {
				t.Fatalf("too many operations are invalid, such as\n%s\n%v", op, err)
			}
			continue
		}
		ran++
		for run := range runsOf {
			if run > 0 && !op.paged { // another viewer must not get this one's plan
				viewer = g.anybody()
			}
			problem := c.compare(op, doc, run, viewer)
			if problem == refusedAsTooLarge {
				tooLarge++
				break
			}
			if problem != "" {
				t.Errorf("operation %d, run %d, %v\n%s", ran, run, viewer, problem)
				t.Fatalf("shrunk:\n%s", c.shrink(op, run, viewer))
			}
		}
		if ran%25 == 0 {
			if problem := c.compareRequest(executor, op, doc, ran%runsOf); problem != "" {
				t.Fatalf("request %d\n%s", ran, problem)
			}
		}
	}
	missed := c.known.missed()
	t.Logf("%d operations in %d runs each, %d too large, %d others invalid; the reference read %d columns; %d of %d entries were asked for",
		ran, runsOf, tooLarge, invalid, len(c.ref.columns), len(c.known.items)-len(missed), len(c.known.items))
	if tooLarge > ran/10 {
		t.Errorf("%d of %d operations are too large", tooLarge, ran)
	}
	if len(missed) > 0 && ran >= enough {
		t.Errorf("never asked for:\n%s", strings.Join(missed, "\n"))
	}
}

// anybody is a viewer of any kind.
func (g *generator) anybody() plan.Viewer {
	v := plan.Viewer{Role: plan.Role(g.IntN(int(plan.Admin) + 1)), Now: awkwardNows[g.IntN(2)]}
	if v.Role > plan.Public {
		v.Token = nodeid.Derive("shared", fmt.Sprint(g.IntN(6)))
	}
	return v
}

// comparison is a planner and a reference over one database. A second planner's
// connections run every prepared statement by its generic plan.
type comparison struct {
	t          testing.TB
	catalogue  *plan.Catalogue
	planners   [2]*plan.Planner
	planner    *plan.Planner // the one whose turn it is
	statements string        // of the first run
	ref        *reference
	known      *known
	cursors    *rand.Rand
	compared   int
}

func newComparison(t testing.TB) *comparison { return comparisonOver(t, awkward(t)) }

func comparisonOver(t testing.TB, pool *pgxpool.Pool) *comparison {
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	config := pool.Config()
	config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	generic, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(generic.Close)
	c := &comparison{
		t: t, catalogue: catalogue, ref: newReference(t, pool, catalogue),
		planners: [2]*plan.Planner{plan.New(catalogue, pool, true), plan.New(catalogue, generic, true)},
		known:    newKnown(catalogue),
		cursors:  rand.New(rand.NewPCG(*seedFlag, 1)),
	}
	c.planner = c.planners[0]
	c.ref.visited = c.count
	for _, o := range catalogue.Objects() {
		if o.Prefix == "" {
			continue
		}
		for _, key := range c.texts(string(o.Table), "id") {
			c.known.ids[o.Type] = append(c.known.ids[o.Type], globalID(row{all(o), key}))
		}
		slices.SortStableFunc(c.known.ids[o.Type], func(a, b string) int { return strings.Compare(fmt.Sprint(!sharedKey(a)), fmt.Sprint(!sharedKey(b))) })
		if _, ok := o.Fields["slug"]; ok {
			former := fmt.Sprintf("(SELECT * FROM former_slug WHERE type = '%s') f", o.Table)
			c.known.slugs[o.Type] = append(c.texts(string(o.Table), "slug"), c.texts(former, "slug")...)
		}
	}
	c.known.keys = c.texts("municipality_key", "key")
	c.known.words = c.texts("(SELECT DISTINCT word FROM search_document, regexp_split_to_table(title, '[[:space:]]+') word) w", "word")
	c.known.codes = c.texts("indicator", "code")
	c.known.cursors["changes"] = c.texts("change", "translate(encode(convert_to(concat_ws('.', change_epoch(), txid, seq), 'UTF8'), 'base64'), '+/=', '-_')")
	return c
}

// texts are those in a column, in order.
func (c *comparison) texts(from, column string) []string {
	rows, err := c.ref.pool.Query(context.Background(), "SELECT "+column+"::text FROM "+from+" ORDER BY 1")
	if err != nil {
		c.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

// count notes that a field was read, with what its arguments hold.
func (c *comparison) count(typeName string, f *ast.Field) {
	item := typeName + "." + f.Name
	c.known.visit(item)
	if item == "Query.search" {
		_, hits, correction := c.ref.hits(f.ArgumentMap(c.ref.vars))
		c.known.visit("form: search finds " + map[bool]string{true: "something", false: "nothing"}[len(hits) > 0] + map[bool]string{true: ", corrected"}[correction != "null"])
	}
	if strings.HasSuffix(f.Definition.Type.Name(), "Connection") {
		item = f.Definition.Type.Name()
	}
	for name, v := range f.ArgumentMap(c.ref.vars) {
		c.countInput(item+"."+name, c.catalogue.Schema.Types[f.Definition.Arguments.ForName(name).Type.Name()], v)
	}
}

func (c *comparison) countInput(item string, def *ast.Definition, v any) {
	for _, v := range itemsOf(v) {
		c.known.visit(item)
		members, _ := v.(map[string]any)
		if def.Fields.ForName("and") != nil {
			item = def.Name
		}
		if field := members["field"]; field != nil && strings.HasSuffix(def.Name, "Order") {
			or := func(v any, fallback string) any {
				if v == nil {
					return fallback
				}
				return v
			}
			c.known.visit(fmt.Sprintf("%sField.%s.%s.%s", def.Name, field, or(members["direction"], "ASC"), or(members["nulls"], "LAST")))
		}
		if value, ok := v.(string); ok && strings.HasSuffix(item, ".by") {
			c.known.visit(item + "." + value)
		}
		if value, ok := v.(bool); ok {
			c.known.visit(fmt.Sprintf("%s.%v", item, value))
		}
		for name, member := range members {
			c.countInput(item+"."+name, c.catalogue.Schema.Types[def.Fields.ForName(name).Type.Name()], member)
		}
	}
}

// forms are what operations have to be like, beside what they read.
var forms = strings.Split(strings.TrimSpace(`
viewer: public, first now
viewer: public, second now
viewer: editor, first now
viewer: editor, second now
viewer: moderator, first now
viewer: moderator, second now
several root fields
a field twice, with other arguments
a field twice, under one key
inline fragment without a type
inline fragment on an interface
inline fragment on an object
inline fragment on an object, of an interface
inline fragment on an object, of a union
inline fragment on an interface, of a union
inline fragment on a union
named fragment on an interface
named fragment on an object
named fragment on an object, of an interface
named fragment on an object, of a union
named fragment on an interface, of a union
named fragment on a union
named fragment spread twice
@skip, true
@skip, false
@skip, true by a variable
@skip, false by a variable
@include, true
@include, false
@include, true by a variable
@include, false by a variable
__typename of Query
__typename of an object
__typename of an interface
__typename of a union
__typename of a connection
__typename of an edge
__typename of PageInfo
argument absent
argument null
argument given
variable absent
variable absent, with a default
variable null
variable null, with a default
variable given
variable given, with a default
variable of Int
variable of String
variable of Boolean
variable of ID
variable of Date
variable of DateTime
variable of Decimal
variable of Duration
variable of Float
variable of an enum
variable of an input object
variable of a list of scalars
variable of a list of input objects
variable that must not be null
variable inside an object
variable inside an object, absent
variable inside a list
variable for a member with a default, absent
member null
member with a default, absent
one item for a list
one item for a list, in a variable
block string
a facet chosen from
a facet chosen from, inside and
a facet chosen from, inside or
a facet chosen from, inside not
a facet chosen from, beside or
a numbered page
a cursor by relevance
a cursor of hits
relevance unasked
search finds something
search finds something, corrected
search finds nothing
a wrong argument
a wrong argument in a variable
a wrong argument, skipped
a prepared statement with other values
another statement for other values
`), "\n")

// see notes the forms of an operation in a run.
func (c *comparison) see(op *ast.OperationDefinition, vars map[string]any, viewer plan.Viewer, wrong bool) {
	saw := func(form string, is bool) {
		if is {
			c.known.visit("form: " + form)
		}
	}
	role := map[plan.Role]string{plan.Public: "public", plan.Editor: "editor", plan.Moderator: "moderator", plan.Admin: "admin"}[viewer.Role]
	saw("viewer: "+role+map[bool]string{true: ", first now", false: ", second now"}[viewer.Now.Equal(awkwardNows[0])], true)
	types, spreads, atWrong := c.catalogue.Schema.Types, map[string]int{}, false
	kind := func(name string) string {
		switch def := types[name]; {
		case name == "Query", name == "PageInfo":
			return name
		case def.Kind == ast.Interface:
			return "an interface"
		case def.Kind == ast.Union:
			return "a union"
		case strings.HasSuffix(name, "Connection"):
			return "a connection"
		case strings.HasSuffix(name, "Edge"):
			return "an edge"
		}
		return "an object"
	}
	var value func(v *ast.Value, t *ast.Type, inside string)
	value = func(v *ast.Value, t *ast.Type, inside string) {
		def := types[t.Name()]
		switch v.Kind {
		case ast.Variable:
			given, ok := vars[v.Raw]
			_, isList := given.([]any)
			declared := v.VariableDefinition.Type
			fallback := map[bool]string{true: ", with a default"}[v.VariableDefinition.DefaultValue != nil]
			saw("variable absent"+fallback, !ok)
			saw("variable null"+fallback, ok && given == nil)
			saw("variable given"+fallback, given != nil)
			saw("variable of "+def.Name, declared.Elem == nil)
			saw("variable of an enum", declared.Elem == nil && def.Kind == ast.Enum)
			saw("variable of an input object", declared.Elem == nil && def.Kind == ast.InputObject)
			saw("variable of a list of scalars", declared.Elem != nil && def.Kind != ast.InputObject)
			saw("variable of a list of input objects", declared.Elem != nil && def.Kind == ast.InputObject)
			saw("variable that must not be null", declared.NonNull)
			saw("variable inside "+inside, inside != "")
			saw("variable inside an object, absent", inside == "an object" && !ok)
			saw("one item for a list, in a variable", t.Elem != nil && given != nil && !isList)
			saw("a wrong argument in a variable", wrong && atWrong)
		case ast.ListValue:
			for _, child := range v.Children {
				value(child.Value, t.Elem, "a list")
			}
		case ast.ObjectValue:
			saw("one item for a list", t.Elem != nil)
			for _, f := range def.Fields {
				switch child := v.Children.ForName(f.Name); {
				case child == nil:
					saw("member with a default, absent", f.DefaultValue != nil)
				default:
					saw("member null", child.Kind == ast.NullValue)
					_, ok := vars[child.Raw]
					saw("variable for a member with a default, absent", child.Kind == ast.Variable && f.DefaultValue != nil && !ok)
					value(child, f.Type, "an object")
				}
			}
		default:
			saw("one item for a list", t.Elem != nil && v.Kind != ast.NullValue)
			saw("block string", v.Kind == ast.BlockValue)
		}
	}
	directives := func(all ast.DirectiveList) {
		for _, d := range all {
			condition := d.Arguments.ForName("if").Value
			yes, _ := condition.Value(vars)
			saw(fmt.Sprintf("@%s, %v%s", d.Name, yes, map[bool]string{true: " by a variable"}[condition.Kind == ast.Variable]), true)
		}
	}
	var selections func(set ast.SelectionSet, typeName string)
	fragment := func(how, on, typeName string, all ast.DirectiveList, set ast.SelectionSet) {
		directives(all)
		saw(how+" without a type", on == "")
		on = cmp.Or(on, typeName)
		saw(how+" on an interface", types[on].Kind == ast.Interface)
		saw(how+" on an object", types[on].Kind == ast.Object && on == typeName)
		saw(how+" on a union", types[on].Kind == ast.Union)
		saw(how+" on an object, of an interface", types[on].Kind == ast.Object && types[typeName].Kind == ast.Interface)
		saw(how+" on an object, of a union", types[on].Kind == ast.Object && types[typeName].Kind == ast.Union)
		saw(how+" on an interface, of a union", types[on].Kind == ast.Interface && types[typeName].Kind == ast.Union)
		selections(set, on)
	}
	selections = func(set ast.SelectionSet, typeName string) {
		var fields []*ast.Field
		for _, s := range set {
			switch s := s.(type) {
			case *ast.InlineFragment:
				fragment("inline fragment", s.TypeCondition, typeName, s.Directives, s.SelectionSet)
			case *ast.FragmentSpread:
				spreads[s.Name]++
				saw("named fragment spread twice", spreads[s.Name] > 1)
				fragment("named fragment", s.Definition.TypeCondition, typeName, s.Directives, s.Definition.SelectionSet)
			case *ast.Field:
				directives(s.Directives)
				for _, twin := range fields {
					saw("a field twice, with other arguments", twin.Name == s.Name && twin.Alias != s.Alias && fmt.Sprint(twin.ArgumentMap(vars)) != fmt.Sprint(s.ArgumentMap(vars)))
					saw("a field twice, under one key", twin.Alias == s.Alias)
				}
				fields = append(fields, s)
				saw("__typename of "+kind(typeName), s.Name == "__typename")
				for _, a := range s.Definition.Arguments {
					given := s.Arguments.ForName(a.Name)
					saw("argument absent", given == nil)
					saw("argument null", given != nil && given.Value.Kind == ast.NullValue)
					saw("argument given", given != nil && given.Value.Kind != ast.NullValue)
					if atWrong = s.Alias == wrongAlias; given != nil {
						value(given.Value, a.Type, "")
					}
				}
				if target, ok := strings.CutSuffix(s.Definition.Type.Name(), "Connection"); ok && !wrong {
					c.seeList(s, c.catalogue.Object(target), saw)
				}
				selections(s.SelectionSet, s.Definition.Type.Name())
			}
		}
		saw("several root fields", typeName == "Query" && len(fields) > 1)
	}
	c.ref.vars = vars
	selections(op.SelectionSet, "Query")
	saw("a wrong argument", wrong)
	c.ref.vars = vars
	saw("a wrong argument, skipped", wrong && len(c.ref.reaches(op.SelectionSet, wrongAlias, "")) == 0)
}

// seeList notes the forms of one list.
func (c *comparison) seeList(list *ast.Field, o *plan.Object, saw func(form string, is bool)) {
	args := list.ArgumentMap(c.ref.vars)
	filter, _ := args["filter"].(map[string]any)
	order := fmt.Sprint(args["orderBy"])
	asked := len(itemsOf(args["orderBy"])) > 0
	paged := args["after"] != nil || args["before"] != nil
	saw("a numbered page", args["page"] != nil)
	saw("relevance unasked", filter["q"] != nil && !asked)
	saw("a cursor by relevance", paged && (strings.Contains(order, "RELEVANCE") || filter["q"] != nil && !asked))
	saw("a cursor of hits", paged && o.Type == "SearchHit")
	for _, s := range list.SelectionSet {
		f, ok := s.(*ast.Field)
		if !ok || f.Name != "facets" {
			continue
		}
		for _, by := range itemsOf(f.ArgumentMap(c.ref.vars)["by"]) {
			for _, name := range o.Facets[camel(by)].Filters {
				saw("a facet chosen from", filter[name] != nil)
				saw("a facet chosen from, beside or", filter[name] != nil && filter["or"] != nil)
				for _, inside := range []string{"and", "or", "not"} {
					saw("a facet chosen from, inside "+inside, mentions(filter[inside], name))
				}
			}
		}
	}
}

// sharedKey says whether an id is one of those whose key rows of all types have.
func sharedKey(id string) bool {
	parsed, _ := nodeid.Parse(id)
	for i := range 12 {
		if parsed.UUID == nodeid.Derive("shared", fmt.Sprint(i)) {
			return true
		}
	}
	return false
}

func (c *comparison) parse(query string) (*ast.OperationDefinition, error) {
	doc, errs := gqlparser.LoadQueryWithRules(c.catalogue.Schema, query, rules.NewDefaultRules())
	if len(errs) > 0 {
		return nil, errs
	}
	return doc.Operations[0], nil
}

const refusedAsTooLarge = "too large"

// compare runs an operation both ways; it gives "" if the answers are the same,
// or says what is wrong. A second run of the same has to give the same bytes: its
// statements are prepared, and those of later runs may be prepared already.
func (c *comparison) compare(op *operation, doc *ast.OperationDefinition, run int, viewer plan.Viewer) string {
	wrong := op.isWrong(run)
	vars, err := c.variables(doc, op.run(run), wrong)
	if err != nil {
		return fmt.Sprintf("the variables are refused: %v", err)
	}
	if run == 0 {
		c.planner = c.planners[c.compared%2]
	}
	c.ref.viewer, c.ref.vars = viewer, plain(vars).(map[string]any)
	if kept := c.ref.kept(doc.SelectionSet, ""); len(kept) > 0 {
		_, errs := c.planner.Prepare(doc, vars, viewer.Role)
		return differFromKept(kept, viewer.Role, errs)
	}
	c.see(doc, op.run(run), viewer, wrong)
	request, errs := c.planner.Prepare(doc, vars, viewer.Role)
	switch {
	case len(errs) > 0 && errs[0].Extensions["limit"] == "cost":
		return refusedAsTooLarge
	case wrong:
		return c.differFromRefusal(doc, vars, errs)
	case len(errs) > 0:
		return fmt.Sprintf("the planner refuses the operation: %v", errs)
	}
	if statements := strings.Join(request.SQL(), ""); run > 0 && len(vars) > 0 && statements != "" {
		if statements == c.statements {
			c.known.visit("form: a prepared statement with other values")
		} else {
			c.known.visit("form: another statement for other values")
		}
	} else {
		c.statements = statements
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var raw []byte
	done := make(chan struct{})
	go func() {
		raw, errs = request.Read(ctx, viewer, nil, nil)
		close(done)
	}()
	want := c.ref.answer(doc, plain(vars).(map[string]any), viewer)
	<-done
	problem := c.differ(raw, want)
	if problem == "" && len(errs) == 0 {
		var again []byte
		if request, errs = c.planner.Prepare(doc, vars, viewer.Role); len(errs) == 0 {
			again, errs = request.Read(ctx, viewer, nil, nil)
		}
		if len(errs) == 0 && bytes.Equal(again, raw) {
			return ""
		}
		problem = fmt.Sprintf("the second answer is another one\nfirst  %.3000s\nsecond %.3000s", raw, again)
	}
	return fmt.Sprintf("%s\nerrors %v\n%s", problem, errs, strings.Join(request.SQL(), "\n--\n"))
}

// differFromKept says what is wrong with the errors of an operation that asks for
// fields that are kept to others: each has one, and nothing else has.
func differFromKept(kept []string, role plan.Role, errs gqlerror.List) string {
	var paths []string
	code := map[bool]fault.Code{true: fault.Unauthenticated, false: fault.Forbidden}[role == plan.Public]
	for _, err := range errs {
		got, _ := err.Extensions["code"].(string)
		if f, ok := fault.From(err.Err); ok {
			got = string(f.Code)
		}
		if got != string(code) {
			return fmt.Sprintf("a field is kept to others, the planner says %v (%s)\nwant %s", err, got, code)
		}
		paths = append(paths, err.Path.String())
	}
	if !slices.Equal(paths, kept) {
		return fmt.Sprintf("fields are kept to others, the planner refuses %v\nwant %v", paths, kept)
	}
	return ""
}

// differFromRefusal says what is wrong with the errors of an operation of which an
// argument is wrong: they have to say at which field, unless nothing reaches it.
func (c *comparison) differFromRefusal(doc *ast.OperationDefinition, vars map[string]any, errs gqlerror.List) string {
	c.ref.vars = plain(vars).(map[string]any)
	paths := c.ref.reaches(doc.SelectionSet, wrongAlias, "")
	if len(paths) == 0 && len(errs) == 0 {
		return ""
	}
	for _, err := range errs {
		if err.Extensions["code"] != "BAD_USER_INPUT" || !slices.Contains(paths, err.Path.String()) {
			return fmt.Sprintf("an argument is wrong, the planner says %v of %v\nwant an error at one of %v", err, err.Path, paths)
		}
	}
	if len(paths) > 0 && len(errs) == 0 {
		return fmt.Sprintf("an argument is wrong, the planner says nothing\nwant an error at one of %v", paths)
	}
	return ""
}

// reaches gives the paths of response keys to the fields of an alias.
func (ref *reference) reaches(set ast.SelectionSet, alias, path string) (paths []string) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			at := strings.TrimPrefix(path+"."+s.Alias, ".")
			if !ref.included(s.Directives) {
				continue
			}
			if s.Alias == alias {
				paths = append(paths, at)
			}
			paths = append(paths, ref.reaches(s.SelectionSet, alias, at)...)
		case *ast.InlineFragment:
			if ref.included(s.Directives) {
				paths = append(paths, ref.reaches(s.SelectionSet, alias, path)...)
			}
		case *ast.FragmentSpread:
			if ref.included(s.Directives) {
				paths = append(paths, ref.reaches(s.Definition.SelectionSet, alias, path)...)
			}
		}
	}
	return paths
}

// compareRequest is the same for a whole request as it comes over HTTP: with
// limits, and with no choice of the viewer.
func (c *comparison) compareRequest(executor *graph.Executor, op *operation, doc *ast.OperationDefinition, n int) string {
	sent, _ := json.Marshal(op.run(n))
	var given map[string]any
	decoder := json.NewDecoder(bytes.NewReader(sent))
	decoder.UseNumber()
	if err := decoder.Decode(&given); err != nil {
		return err.Error()
	}
	wrong := op.isWrong(n)
	vars, err := c.variables(doc, op.run(n), true)
	if err != nil {
		return err.Error()
	}
	viewer := plan.Viewer{Role: plan.Public, Now: time.Now()}
	text := run(c.t, executor, op.String(), given)
	var answer struct {
		Data   json.RawMessage
		Errors gqlerror.List
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return err.Error()
	}
	var problem string
	c.ref.viewer, c.ref.vars = viewer, plain(vars).(map[string]any)
	kept := c.ref.kept(doc.SelectionSet, "")
	switch {
	case len(kept) > 0:
		problem = differFromKept(kept, viewer.Role, answer.Errors)
	case len(answer.Errors) > 0 && answer.Errors[0].Extensions["code"] == "TOO_LARGE":
		return ""
	case wrong && len(answer.Errors) > 0 && string(answer.Data) == "null":
		problem = c.differFromRefusal(doc, vars, answer.Errors)
	case len(answer.Errors) > 0:
		problem = "it is refused"
	default:
		problem = c.differ(answer.Data, c.ref.answer(doc, plain(vars).(map[string]any), viewer))
	}
	if problem == "" {
		return ""
	}
	return fmt.Sprintf("%s%s\n%s\n%.2000s", op, sent, problem, text)
}

// variables adds what was not given: as a server does that leaves coercion to the
// planner, or as the library does, in turn.
// Of values that are wrong the library knows only some.
func (c *comparison) variables(op *ast.OperationDefinition, given map[string]any, wrong bool) (map[string]any, error) {
	if c.compared++; c.compared%3 == 0 && !wrong {
		return validator.VariableValues(c.catalogue.Schema, op, given)
	}
	for _, def := range op.VariableDefinitions {
		if _, ok := given[def.Variable]; !ok && def.DefaultValue != nil {
			v, err := def.DefaultValue.Value(nil)
			if err != nil {
				return nil, err
			}
			given[def.Variable] = v
		}
	}
	return given, nil
}

// plain gives a value as JSON has it: the library makes lists of many types.
func plain(v any) any {
	switch of := reflect.ValueOf(v); of.Kind() {
	case reflect.Slice:
		list := []any{}
		for i := range of.Len() {
			list = append(list, plain(of.Index(i).Interface()))
		}
		return list
	case reflect.Map:
		members := map[string]any{}
		for name, member := range v.(map[string]any) {
			members[name] = plain(member)
		}
		return members
	}
	return v
}

// differ says where an answer is another one than the reference has. The cursors in
// it are kept for other operations.
func (c *comparison) differ(raw []byte, want string) string {
	got, err := tokens(raw)
	if err != nil || !json.Valid(raw) {
		return fmt.Sprintf("the answer is no JSON: %v\n%s", err, raw)
	}
	wanted, err := tokens([]byte(want))
	if err != nil {
		c.t.Fatalf("reference: %v\n%s", err, want)
	}
	for i := range max(len(got), len(wanted)) {
		if i < min(len(got), len(wanted)) {
			if got[i] == wanted[i] {
				continue
			}
			text, _ := wanted[i].(string)
			if cursor, ok := got[i].(string); ok && strings.HasPrefix(text, cursorOf) {
				key, list, _ := strings.Cut(strings.TrimPrefix(text, cursorOf), " in ")
				if known, ok := c.ref.rows[cursor]; strings.HasSuffix(key, rowOfCursor(cursor)) && (!ok || known == key) {
					c.ref.rows[cursor] = key
					c.keep(list, cursor)
					continue
				}
			}
		}
		from := max(0, i-8)
		return fmt.Sprintf("they differ behind %v\ngot  %.20v\nwant %.20v\ngot  %.3000s\nwant %.3000s",
			got[from:min(i, len(got))], got[min(i, len(got)):], wanted[min(i, len(wanted)):], raw, want)
	}
	return ""
}

func (c *comparison) keep(list, cursor string) {
	if kept := c.known.cursors[list]; len(kept) < 60 {
		c.known.cursors[list] = append(kept, cursor)
	} else {
		kept[c.cursors.IntN(len(kept))] = cursor
	}
}

// cursorOf stands for the cursor of a row in the reference's answers: what a cursor
// looks like is the planner's own business.
const cursorOf = "cursor of "

// rowOfCursor is the row that one of the planner's cursors names: the last 16
// bytes are its key.
func rowOfCursor(cursor any) string {
	raw, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(cursor))
	if err != nil || len(raw) < 16 {
		return "no row"
	}
	return nodeid.UUID(raw[len(raw)-16:]).String()
}

// tokens are those of a JSON text, in order: delimiters, names and values.
func tokens(text []byte) (all []json.Token, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, token)
	}
}

// items lists all that operations have to read: fields, keys of look-ups, page
// arguments, conditions, orders; and where the way to them leads through.
func items(catalogue *plan.Catalogue) (items []string, leads map[string][]string) {
	leads = map[string][]string{}
	need := func(format string, args ...any) { items = append(items, fmt.Sprintf(format, args...)) }
	schema := catalogue.Schema
	for _, def := range schema.Types {
		if def.BuiltIn || def.Kind != ast.Object || def == schema.Mutation || def == schema.Subscription || catalogue.Answers(def) {
			continue
		}
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			need("%s.%s", def.Name, f.Name)
			if target, ok := strings.CutSuffix(f.Type.Name(), "Connection"); ok {
				leads[def.Name+"."+f.Name] = []string{target + "Filter", target + "OrderField", target, f.Type.Name()}
			} else if schema.Types[f.Type.Name()].Kind == ast.Object {
				leads[def.Name+"."+f.Name] = []string{f.Type.Name()}
			}
			for _, a := range f.Arguments {
				switch {
				case strings.HasSuffix(f.Type.Name(), "Connection"): // with those of all such lists
					if item := f.Type.Name() + "." + a.Name; !slices.Contains(items, item) {
						need("%s", item)
					}
				case def == schema.Query && catalogue.Root(f.Name) == nil:
				default:
					need("%s.%s.%s", def.Name, f.Name, a.Name)
				}
				if a.Name == "by" {
					for _, v := range schema.Types[a.Type.Name()].EnumValues {
						need("%s.%s.by.%s", def.Name, f.Name, v.Name)
					}
				}
			}
		}
		if target, ok := strings.CutSuffix(def.Name, "Connection"); ok && schema.Types[target+"OrderField"] != nil {
			for _, v := range schema.Types[target+"OrderField"].EnumValues {
				for _, how := range []string{"ASC.LAST", "ASC.FIRST", "DESC.LAST", "DESC.FIRST"} {
					need("%sOrderField.%s.%s", target, v.Name, how)
				}
			}
		}
	}
	var conditions func(item string, input *ast.Definition)
	conditions = func(item string, input *ast.Definition) {
		for _, f := range input.Fields {
			need("%s.%s", item, f.Name)
			inner := schema.Types[f.Type.Name()]
			switch {
			case inner.Name == "Boolean":
				need("%s.%s.true", item, f.Name)
				need("%s.%s.false", item, f.Name)
			case inner.Kind != ast.InputObject:
			case inner.Fields.ForName("and") != nil:
				leads[item+"."+f.Name] = []string{inner.Name}
			case strings.HasSuffix(inner.Name, "ListFilter"):
				need("%s.%s.some", item, f.Name)
				need("%s.%s.none", item, f.Name)
				need("%s.%s.all", item, f.Name)
				leads[item+"."+f.Name] = []string{strings.TrimSuffix(inner.Name, "ListFilter") + "Filter"}
			default:
				conditions(item+"."+f.Name, inner)
			}
		}
	}
	for _, o := range catalogue.Objects() {
		if input := schema.Types[o.Type+"Filter"]; input != nil && input.Fields.ForName("and") != nil {
			conditions(input.Name, input)
		}
	}
	for _, f := range schema.Query.Fields { // to what hangs on the rows of a root, too
		target := strings.TrimSuffix(f.Type.Name(), "Connection")
		for _, inner := range schema.Types[target].Fields {
			if strings.HasSuffix(f.Type.Name(), "Connection") && inner.Type.Name() != f.Type.Name() {
				leads["Query."+f.Name] = append(leads["Query."+f.Name], leads[target+"."+inner.Name]...)
			}
		}
	}
	for _, form := range forms {
		need("form: %s", form)
	}
	sort.Strings(items)
	return items, leads
}

// ─────────────────────────── shrinking ───────────────────────────

// shrink drops whatever does not matter for the difference that a run makes. If
// the difference needs the runs before, all of it is needed.
func (c *comparison) shrink(op *operation, run int, viewer plan.Viewer) string {
	var last, first string
	alike := func(problem string) bool { // a refusal for another reason is another problem
		return first == "" || first[:20] == problem[:20] && (first[:20] != "the planner refuses " || first[len(first)-20:] == problem[len(problem)-20:])
	}
	fails := func() bool {
		doc, err := c.parse(op.String())
		if err != nil {
			return false
		}
		for range 3 {
			problem := c.compare(op, doc, run, viewer)
			if problem != "" && problem != refusedAsTooLarge && alike(problem) {
				if last = problem; first == "" {
					first = problem
				}
				return true
			}
		}
		return false
	}
	if !fails() {
		return "the operation alone does not fail; it takes the ones before it"
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		progress := false
		for _, cut := range cuts(op, run) {
			undo := cut()
			if fails() {
				progress = true
				break
			}
			undo()
		}
		if !progress {
			break
		}
	}
	fails()
	vars, _ := json.Marshal(op.run(run))
	return fmt.Sprintf("-- shrunk.graphql --\n%s-- shrunk.variables.json --\n%s\n\n%v\n%s", op, vars, viewer, last)
}

// cuts are the ways to make an operation smaller by one piece; each gives the way
// back.
func cuts(op *operation, run int) (all []func() (undo func())) {
	var selections func(set *[]*selection)
	var values func(v **value)
	arguments := func(args *[]*argument) {
		all = append(all, cutOne(args)...)
		for _, a := range *args {
			values(&a.value)
		}
	}
	values = func(v **value) {
		was := *v
		switch was.kind {
		case isVariable:
			if given := was.runs[run]; given != nil {
				all = append(all, func() func() { *v = given; return func() { *v = was } })
			}
		case isList:
			all = append(all, cutOne(&was.list)...)
			for i := range was.list {
				values(&was.list[i])
			}
		case isObject:
			arguments(&was.members)
		}
	}
	selections = func(set *[]*selection) {
		all = append(all, cutOne(set)...)
		for i, s := range *set {
			if s.field == "" { // a fragment gives way to what it holds
				all = append(all, func() func() {
					was := *set
					*set = slices.Replace(slices.Clone(was), i, i+1, s.sub...)
					return func() { *set = was }
				})
			}
			arguments(&s.args)
			arguments(&s.directives)
			selections(&s.sub)
		}
	}
	selections(&op.roots)
	return all
}

func cutOne[T any](list *[]T) (all []func() func()) {
	for i := range *list {
		all = append(all, func() func() {
			was := *list
			*list = slices.Delete(slices.Clone(was), i, i+1)
			return func() { *list = was }
		})
	}
	return all
}
