package graph_test

import (
	"bytes"
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
	operations = flag.Int("operations", 600, "how many operations TestPlannerAgreesWithReference generates")
	seedFlag   = flag.Uint64("seed", 1, "what TestPlannerAgreesWithReference generates them from")
)

// enough operations read everything that the catalogue declares.
const enough = 600

// TestPlannerAgreesWithReference generates operations and compares what the
// planner answers with what the reference does. An operation that makes a
// difference is shrunk and shown with its variables and both answers:
//
//	go test ./graph -run Reference -operations 20000 -seed 7
func TestPlannerAgreesWithReference(t *testing.T) {
	t.Parallel()
	t.Logf("seed %d", *seedFlag)
	c := newComparison(t)
	g := &generator{Rand: rand.New(rand.NewPCG(*seedFlag, 0)), catalogue: c.catalogue, known: c.known, ref: c.ref}
	invalid, tooLarge, ran := 0, 0, 0
	for ran < *operations {
		g.viewer = plan.Viewer{Role: plan.Role(g.IntN(3)), Now: awkwardNows[g.IntN(2)]}
		op := g.operation()
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
				g.viewer = plan.Viewer{Role: plan.Role(g.IntN(3)), Now: awkwardNows[g.IntN(2)]}
			}
			problem := c.compare(doc, op.run(run), g.viewer)
			if problem == "" {
				continue
			}
			if problem == refusedAsTooLarge {
				tooLarge++
				break
			}
			t.Errorf("operation %d, run %d, %v\n%s", ran, run, g.viewer, problem)
			t.Fatalf("shrunk:\n%s", c.shrink(op, run, g.viewer))
		}
	}
	t.Logf("%d operations in %d runs each, %d as too large, %d others invalid; %d statements; %d of %d entries read",
		ran, runsOf, tooLarge, invalid, len(c.ref.columns), len(c.known.items)-len(c.known.missed()), len(c.known.items))
	if tooLarge > ran/10 {
		t.Errorf("%d of %d operations are too large", tooLarge, ran)
	}
	if missed := c.known.missed(); len(missed) > 0 && ran >= enough {
		t.Errorf("never read:\n%s", strings.Join(missed, "\n"))
	}
}

// comparison is a planner and a reference over one database.
type comparison struct {
	t         testing.TB
	catalogue *plan.Catalogue
	planner   *plan.Planner
	ref       *reference
	known     *known
	cursors   *rand.Rand
	compared  int
}

func newComparison(t testing.TB) *comparison { return comparisonOver(t, awkward(t)) }

func comparisonOver(t testing.TB, pool *pgxpool.Pool) *comparison {
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{
		t: t, catalogue: catalogue, planner: plan.New(catalogue, pool, true), ref: newReference(t, pool, catalogue),
		known:   newKnown(catalogue),
		cursors: rand.New(rand.NewPCG(*seedFlag, 1)),
	}
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
	c.known.codes = c.texts("indicator", "code")
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
		for name, member := range members {
			c.countInput(item+"."+name, c.catalogue.Schema.Types[def.Fields.ForName(name).Type.Name()], member)
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
// or says what is wrong.
func (c *comparison) compare(op *ast.OperationDefinition, given map[string]any, viewer plan.Viewer) string {
	vars, err := c.variables(op, given)
	if err != nil {
		return fmt.Sprintf("the variables are refused: %v", err)
	}
	request, errs := c.planner.Prepare(op, vars, viewer.Role)
	if len(errs) > 0 {
		if f, ok := fault.From(errs[0].Err); ok && f.Code == fault.TooLarge {
			return refusedAsTooLarge
		}
		return fmt.Sprintf("the planner refuses the operation: %v", errs)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var raw []byte
	done := make(chan struct{})
	go func() {
		raw, errs = request.Read(ctx, viewer, nil, nil)
		close(done)
	}()
	want := c.ref.answer(op, plain(vars).(map[string]any), viewer)
	<-done
	problem := c.differ(raw, want)
	if problem == "" && len(errs) == 0 {
		return ""
	}
	return fmt.Sprintf("%s\nerrors %v\n%s", problem, errs, strings.Join(request.SQL(), "\n--\n"))
}

// variables adds what was not given: as a server does that leaves coercion to the
// planner, or as the library does, in turn.
func (c *comparison) variables(op *ast.OperationDefinition, given map[string]any) (map[string]any, error) {
	if c.compared++; c.compared%3 == 0 {
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
				if rowOfCursor(cursor) == key {
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

// TestRequestsAgreeWithReference is the same for whole requests, which have
// variables of their own and limits, and no choice of the viewer.
func TestRequestsAgreeWithReference(t *testing.T) {
	t.Parallel()
	c := newComparison(t)
	g := &generator{Rand: rand.New(rand.NewPCG(*seedFlag, 2)), catalogue: c.catalogue, known: c.known, ref: c.ref}
	g.viewer = plan.Viewer{Role: plan.Public, Now: time.Now()}
	executor := graph.NewExecutor(c.planner)
	refused := 0
	const requests = 60
	for range requests {
		op := g.operation()
		doc, err := c.parse(op.String())
		if err != nil {
			continue
		}
		for n := range runsOf {
			vars, _ := json.Marshal(op.run(n))
			var given map[string]any
			decoder := json.NewDecoder(bytes.NewReader(vars))
			decoder.UseNumber()
			if err := decoder.Decode(&given); err != nil {
				t.Fatal(err)
			}
			var answer struct {
				Data   json.RawMessage
				Errors gqlerror.List
			}
			text := run(t, executor, op.String(), given)
			if err := json.Unmarshal([]byte(text), &answer); err != nil {
				t.Fatal(err)
			}
			if len(answer.Errors) > 0 && answer.Errors[0].Extensions["code"] == "TOO_LARGE" {
				refused++
				break
			}
			coerced, err := c.variables(doc, op.run(n))
			if err != nil {
				t.Fatal(err)
			}
			want := c.ref.answer(doc, plain(coerced).(map[string]any), g.viewer)
			if problem := c.differ(answer.Data, want); problem != "" || len(answer.Errors) > 0 {
				t.Fatalf("%s\n%s\n%s\n%.2000s", op, vars, problem, text)
			}
		}
	}
	if refused > requests/4 {
		t.Errorf("%d of %d requests are too large", refused, requests)
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
		if def.BuiltIn || def.Kind != ast.Object {
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
			if def == schema.Query && catalogue.Root(f.Name) != nil || def != schema.Query && !strings.HasSuffix(f.Type.Name(), "Connection") {
				for _, a := range f.Arguments {
					need("%s.%s.%s", def.Name, f.Name, a.Name)
				}
			}
		}
		if target, ok := strings.CutSuffix(def.Name, "Connection"); ok {
			for _, a := range []string{"first", "last", "after", "before"} {
				need("%s.%s", def.Name, a)
			}
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
			case inner.Kind != ast.InputObject:
			case inner.Fields.ForName("and") != nil:
				leads[item+"."+f.Name] = []string{inner.Name}
			case strings.HasSuffix(inner.Name, "ListFilter"):
				need("%s.%s.some", item, f.Name)
				need("%s.%s.none", item, f.Name)
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
		c.planner = plan.New(c.catalogue, c.ref.pool, true)
		for range 3 {
			problem := c.compare(doc, op.run(run), viewer)
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
	return fmt.Sprintf("%s%s\n%v\n%s", op, vars, viewer, last)
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
