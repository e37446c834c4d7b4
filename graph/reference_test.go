package graph_test

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
)

// reference answers operations in the plainest way there is. It walks the
// selection row by row, and whatever it has to know of a row is an expression
// that one query reads for all rows of the table: the value of a field, whether
// the viewer may see the row, whether it meets one condition of a filter, where it
// stands in an order, which rows a relation leads to. All else is Go: nesting,
// logic, pages. It knows the declarations of the catalogue, because they say what
// columns mean, and the rules of design.md; of the planner's code it shares
// nothing. Its answers are JSON texts.
type reference struct {
	t         testing.TB
	pool      *pgxpool.Pool
	catalogue *plan.Catalogue
	columns   map[any]map[string]json.RawMessage // what was read: the data does not change
	visited   func(typeName string, f *ast.Field)

	viewer plan.Viewer
	vars   map[string]any
}

func newReference(t testing.TB, pool *pgxpool.Pool, catalogue *plan.Catalogue) *reference {
	return &reference{t: t, pool: pool, catalogue: catalogue, columns: map[any]map[string]json.RawMessage{}, visited: func(string, *ast.Field) {}}
}

// source is where rows are: a FROM item whose column ref_key tells them apart.
type source struct {
	o      *plan.Object
	from   string
	prefix string // of the columns, of a value in columns of its holder
}

type row struct {
	source
	key string
}

// all are the rows of a type with global ids.
func all(o *plan.Object) source { return keyed(o, o.Table, "id") }

func keyed(o *plan.Object, from plan.SQL, key string) source {
	return source{o: o, from: fmt.Sprintf("(SELECT *, %s::text AS ref_key FROM %s)", key, from)}
}

// column reads an expression over the row self for all rows there are, as JSON.
func (ref *reference) column(in source, expr plan.SQL) map[string]json.RawMessage {
	question := [3]any{in, expr, ref.viewer}
	if ref.columns[question] == nil {
		sql := fmt.Sprintf("SELECT coalesce(json_object_agg(ref_key, value), '{}') FROM (SELECT self.ref_key, %s AS value FROM %s self) found",
			ref.fill(expr, names{row: "self." + in.prefix}), in.from)
		values := ref.columns[sql]
		if values == nil {
			if err := ref.pool.QueryRow(context.Background(), sql, pgx.QueryExecModeSimpleProtocol).Scan(&values); err != nil {
				ref.t.Fatalf("reference: %v\n%s", err, sql)
			}
		}
		ref.columns[question], ref.columns[sql] = values, values
	}
	return ref.columns[question]
}

func (ref *reference) value(r row, expr plan.SQL) string {
	return string(ref.column(r.source, expr)[r.key])
}

// seen are the rows that meet a condition and that the viewer may see.
func (ref *reference) seen(in source, condition plan.SQL) (rows []row) {
	for key, met := range ref.column(in, condition) {
		if r := (row{in, key}); string(met) == "true" && ref.sees(r) {
			rows = append(rows, r)
		}
	}
	return rows
}

func (ref *reference) sees(r row) bool {
	return r.o.Type == "" || ref.value(r, plan.SQL("{visible "+r.o.Type+" self}")) == "true"
}

// ─────────────────────────── pieces of SQL ───────────────────────────

// names says what the placeholders of a piece of SQL stand for: how the columns
// of the row and of its parent begin, and the literals of arguments.
type names struct {
	row, parent string
	args        map[string]string
}

func (ref *reference) fill(piece plan.SQL, n names) string {
	before, rest, found := strings.Cut(string(piece), "{")
	if !found {
		return before
	}
	inside, behind, _ := strings.Cut(rest, "}")
	words := append(strings.FieldsFunc(inside, func(r rune) bool { return r == ' ' || r == '.' }), "")
	text := n.row + inside // a column
	switch {
	case inside == "now":
		text = "'" + ref.viewer.Now.UTC().Format(time.RFC3339Nano) + "'::timestamptz"
	case inside == "today":
		text = "(" + ref.fill("{now}", n) + " AT TIME ZONE 'Europe/Berlin')::date"
	case words[0] == "arg":
		text = n.args[words[1]]
	case len(words) == 2:
	case words[0] == "parent":
		text = n.parent + words[1]
	case words[0] == "link":
		text = inside
	case words[0] == "visible":
		text = ref.visible(ref.catalogue.Object(words[1]), words[2])
	case words[0] == "listed":
		o := ref.catalogue.Object(words[1])
		text = ref.visible(o, words[2]) + " AND " + ref.fill(listed(o, nil), names{row: words[2] + "."})
	case words[0] == "field" && words[3] != "":
		text = ref.fill(ref.catalogue.Object(words[1]).Fields[words[2]].Expr, names{row: words[3] + "."})
	case words[0] == "field":
		text = ref.fill(ref.catalogue.Object(words[1]).Fields[words[2]].Expr, n)
	}
	return before + text + ref.fill(plan.SQL(behind), n)
}

// visible is the condition for what the viewer may see of a type.
func (ref *reference) visible(o *plan.Object, alias string) string {
	rule := plan.SQL("true")
	for _, more := range []plan.SQL{o.Visible.Public, o.Visible.Editor, o.Visible.Moderator}[:ref.viewer.Role+1] {
		rule = cmp.Or(more, rule)
	}
	condition := "(" + ref.fill(rule, names{row: alias + "."}) + ")"
	if via := o.Visible.Via; via.Type != "" {
		holder, column := ref.catalogue.Object(via.Type), alias+"."+via.Column
		condition += fmt.Sprintf(" AND (%s IN (SELECT holder.id FROM %s holder WHERE %s) OR %v AND %s IS NULL)",
			column, holder.Table, ref.visible(holder, "holder"), via.Optional, column)
	}
	return condition
}

// listed is the condition for what lists show that are filtered so.
func listed(o *plan.Object, filter any) plan.SQL {
	condition := plan.SQL("true")
	for _, l := range o.Listed {
		if !mentions(filter, l.Field) {
			condition += " AND (" + l.Where + ")"
		}
	}
	return condition
}

func mentions(filter any, field string) bool {
	return slices.ContainsFunc(itemsOf(filter), func(item any) bool {
		f := item.(map[string]any)
		return f[field] != nil || mentions(f["not"], field) || mentions(f["and"], field) || mentions(f["or"], field)
	})
}

// literal writes an argument as SQL, without braces.
func literal(v any) string {
	if list, ok := v.([]any); ok {
		return "ARRAY[" + strings.Join(each(list, literal), ", ") + "]::text[]"
	}
	return "E'" + escapes.Replace(fmt.Sprint(v)) + "'"
}

var escapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "{", `\x7b`)

// itemsOf gives those of a list; one that stands alone is a list of one.
func itemsOf(v any) []any {
	if list, ok := v.([]any); ok || v == nil {
		return list
	}
	return []any{v}
}

func each[T any](items []T, text func(item T) string) (texts []string) {
	for _, item := range items {
		texts = append(texts, text(item))
	}
	return texts
}

// ─────────────────────────── selections ───────────────────────────

// field is one of a selection, with all that is selected under its response key.
type field struct {
	*ast.Field
	set ast.SelectionSet
}

// answer reads an operation; its arguments are known to be good.
func (ref *reference) answer(op *ast.OperationDefinition, vars map[string]any, viewer plan.Viewer) string {
	ref.viewer, ref.vars = viewer, vars
	return ref.fields("Query", op.SelectionSet, ref.root)
}

// fields reads what is selected of one object.
func (ref *reference) fields(typeName string, set ast.SelectionSet, read func(f *field) string) string {
	members := each(ref.collect(typeName, set, nil), func(f *field) string {
		ref.visited(typeName, f.Field)
		value := quote(typeName)
		if f.Name != "__typename" {
			value = read(f)
		}
		if value == "null" && f.Definition.Type.NonNull {
			ref.t.Fatalf("reference: %s.%s is null", typeName, f.Name)
		}
		return quote(f.Alias) + ":" + value
	})
	return "{" + strings.Join(members, ",") + "}"
}

func quote(s string) string { text, _ := json.Marshal(s); return string(text) }

// collect is CollectFields of the GraphQL specification.
func (ref *reference) collect(typeName string, set ast.SelectionSet, into []*field) []*field {
	enter := func(directives ast.DirectiveList, condition string, set ast.SelectionSet) {
		if ref.included(directives) && (condition == "" || condition == typeName || slices.Contains(ref.catalogue.Schema.Types[typeName].Interfaces, condition)) {
			into = ref.collect(typeName, set, into)
		}
	}
	for _, s := range set {
		switch s := s.(type) {
		case *ast.InlineFragment:
			enter(s.Directives, s.TypeCondition, s.SelectionSet)
		case *ast.FragmentSpread:
			enter(s.Directives, s.Definition.TypeCondition, s.Definition.SelectionSet)
		case *ast.Field:
			if !ref.included(s.Directives) {
				continue
			}
			i := slices.IndexFunc(into, func(f *field) bool { return f.Alias == s.Alias })
			if i < 0 {
				i, into = len(into), append(into, &field{Field: s})
			}
			into[i].set = slices.Concat(into[i].set, s.SelectionSet)
		}
	}
	return into
}

func (ref *reference) included(directives ast.DirectiveList) bool {
	return !slices.ContainsFunc(directives, func(d *ast.Directive) bool {
		condition, _ := d.Arguments.ForName("if").Value.Value(ref.vars)
		return (condition == true) == (d.Name == "skip")
	})
}

// object reads what is selected of a row.
func (ref *reference) object(f *field, r row) string {
	return ref.fields(r.o.Type, f.set, func(f *field) string { return ref.field(r, f) })
}

// objects reads what is selected of the rows of a list, or of one row at most.
func (ref *reference) objects(f *field, rows []row, list bool) string {
	found := each(rows, func(r row) string { return ref.object(f, r) })
	switch {
	case list:
		return "[" + strings.Join(found, ",") + "]"
	case len(found) > 1:
		ref.t.Fatalf("reference: %s.%s is not one row but %d", f.ObjectDefinition.Name, f.Name, len(found))
	case len(found) == 0:
		return "null"
	}
	return found[0]
}

// ─────────────────────────── fields ───────────────────────────

func (ref *reference) root(f *field) string {
	args, typeName, list := f.ArgumentMap(ref.vars), f.Definition.Type.Name(), f.Definition.Type.Elem != nil
	o, decl := ref.catalogue.Object(strings.TrimSuffix(typeName, "Connection")), ref.catalogue.Root(f.Name)
	switch {
	case f.Name == "nodes":
		return "[" + strings.Join(each(itemsOf(args["ids"]), func(id any) string { return ref.objects(f, ref.byID("", id), false) }), ",") + "]"
	case args["id"] != nil:
		return ref.objects(f, ref.byID(strings.TrimSuffix(typeName, "Node"), args["id"]), false)
	case o.Type != typeName:
		return ref.connection(f, o, ref.seen(all(o), "true"), false)
	case decl.Rows != "": // computed, of nothing
		nothing := row{source: source{from: "(SELECT '' AS ref_key)"}}
		return ref.objects(f, ref.related(nothing, &plan.Relation{Rows: "(" + decl.Rows + ")", On: "true", Order: "{place}"}, o, f), list)
	}
	var rows []row
	for name, v := range args {
		if v != nil {
			rows = ref.seen(all(o), plan.SQL(ref.fill(decl.Lookup[name], names{row: "self.", args: map[string]string{"": literal(v)}})))
		}
	}
	return ref.objects(f, rows, false)
}

// byID is the row with a global id, if it is of a type, or of any.
func (ref *reference) byID(typeName string, id any) []row {
	parsed, _ := nodeid.Parse(fmt.Sprint(id))
	for _, o := range ref.catalogue.Objects() {
		if r := (row{all(o), parsed.UUID.String()}); o.Prefix == parsed.Prefix && (typeName == "" || typeName == o.Type) && ref.sees(r) {
			return []row{r}
		}
	}
	return nil
}

func (ref *reference) field(r row, f *field) string {
	decl, typeName, list := r.o.Fields[f.Name], f.Definition.Type.Name(), f.Definition.Type.Elem != nil
	target, rel := ref.catalogue.Object(strings.TrimSuffix(typeName, "Connection")), decl.Relation
	var rows []row
	switch {
	case decl.Expr != "":
		return ref.scalar(r, decl.Expr, typeName)
	case decl.Embed != nil:
		if ref.value(r, decl.Embed.Present) != "null" {
			rows = []row{r.embedded(target, decl.Embed)}
		}
	case target != nil && target.Type != typeName:
		return ref.connection(f, target, ref.related(r, rel, target, nil), rel.All)
	case rel.Either == nil:
		rows = ref.related(r, rel, target, f)
	case list: // what the viewer may not see is not in it
		for _, place := range ref.related(r, rel, &plan.Object{}, f) {
			rows = append(rows, ref.either(place, rel.Either)...)
		}
	default:
		rows = ref.either(r, rel.Either)
	}
	return ref.objects(f, rows, list)
}

// embedded is a value in columns of the row.
func (r row) embedded(o *plan.Object, e *plan.Embed) row {
	return row{source{o, r.from, r.prefix + e.Prefix}, r.key}
}

// related reads which rows of target a relation leads to, as far as the viewer
// may see them; of a field, what its arguments leave, in its order.
func (ref *reference) related(r row, rel *plan.Relation, target *plan.Object, f *field) (rows []row) {
	n := names{row: "item.", parent: "self." + r.prefix, args: map[string]string{}}
	condition, order := rel.On, plan.SQL("{ref_key}")
	if rel.Present() != "" {
		condition += " AND " + rel.Present() + " IS NOT NULL"
	}
	if f != nil && f.Definition.Type.Elem != nil {
		order = cmp.Or(rel.Order, order)
	}
	if f != nil {
		for name, v := range f.ArgumentMap(ref.vars) {
			if f.Definition.Arguments.ForName(name).Type.Elem != nil {
				v = itemsOf(v)
			}
			if n.args[name], n.args[""] = literal(v), literal(v); v != nil && rel.Args[name] != "" {
				condition += " AND " + rel.Args[name]
			}
		}
	}
	in := all(target)
	switch {
	case strings.HasPrefix(string(rel.Rows), "("): // computed for each row
		in.from = fmt.Sprintf("(SELECT self.ref_key AS ref_parent, self.ref_key || '/' || computed.ref_place AS ref_key, computed.*"+
			" FROM %s self, LATERAL (SELECT *, row_number() OVER (ORDER BY query::text) AS ref_place FROM %s query) computed)", r.from, ref.fill(rel.Rows, n))
		condition += " AND {ref_parent} = self.ref_key"
	case target.Prefix == "":
		in = keyed(target, cmp.Or(rel.Rows, target.Table), "ctid")
	}
	from := in.from + " item"
	if rel.Link != "" {
		from += ", " + string(rel.Link) + " link"
	}
	keys := ref.value(r, plan.SQL(fmt.Sprintf("array_to_string(ARRAY(SELECT item.ref_key FROM %s WHERE %s ORDER BY %s), ' ')",
		from, ref.fill(condition, n), ref.fill(order, n))))
	for key := range strings.FieldsSeq(strings.Trim(keys, `"`)) {
		if item := (row{in, key}); ref.sees(item) {
			rows = append(rows, item)
		}
	}
	return rows
}

// either follows the column that is set; to no row if the viewer may not see it.
func (ref *reference) either(r row, variants []plan.Variant) (rows []row) {
	for _, v := range variants {
		rows = append(rows, ref.related(r, plan.One(v.Column).Relation, ref.catalogue.Object(v.Type), nil)...)
	}
	return rows
}

// scalar reads one value. Postgres writes JSON as we do, but for what JSON has not.
func (ref *reference) scalar(r row, expr plan.SQL, scalar string) string {
	switch scalar {
	case "Decimal":
		expr = "(" + expr + ")::text"
	case "DateTime":
		expr = "replace(((" + expr + ") AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z'"
	case "ID":
		return quote(globalID(r))
	}
	return ref.value(r, expr)
}

func globalID(r row) string {
	key, _ := hex.DecodeString(strings.ReplaceAll(r.key, "-", ""))
	return nodeid.ID{Prefix: r.o.Prefix, UUID: nodeid.UUID(key)}.String()
}

// ─────────────────────────── connections ───────────────────────────

// connection reads a page of those rows of a type that its arguments leave. named
// says that the holder names them, so that all of them are listed.
func (ref *reference) connection(f *field, o *plan.Object, rows []row, named bool) string {
	args := f.ArgumentMap(ref.vars)
	place := ref.places(o, args["orderBy"])
	rows = ref.list(o, rows, named, args)
	cursor := func(key string) string { return quote(cursorOf + key + " in " + ref.listName(o, args["orderBy"])) }

	// The page lies behind `after` and in front of `before`, and is cut to size.
	from, to, start, end := 0, len(rows), "null", "null"
	if before := args["before"]; before != nil {
		at := rowOfCursor(before)
		start, to = cursor(at), sort.Search(len(rows), func(i int) bool { return place(rows[i].key) >= place(at) })
	}
	if after := args["after"]; after != nil {
		at := rowOfCursor(after)
		start, from = cursor(at), sort.Search(len(rows), func(i int) bool { return place(rows[i].key) > place(at) })
	}
	page, previous, next := rows[from:max(from, to)], from > 0, to < len(rows)
	if last := number(args["last"]); last > 0 {
		previous = previous || last < len(page)
		page = page[max(0, len(page)-last):]
	} else {
		first := cmp.Or(number(args["first"]), 20)
		next = next || first < len(page)
		page = page[:min(first, len(page))]
	}
	if end = start; len(page) > 0 {
		start, end = cursor(page[0].key), cursor(page[len(page)-1].key)
	}

	return ref.fields(o.Type+"Connection", f.set, func(f *field) string {
		switch f.Name {
		case "totalCount":
			return strconv.Itoa(len(rows))
		case "totalCountPrecision":
			return quote("EXACT")
		case "nodes":
			return ref.objects(f, page, true)
		case "edges":
			return "[" + strings.Join(each(page, func(r row) string {
				return ref.fields(o.Type+"Edge", f.set, func(f *field) string {
					if f.Name == "cursor" {
						return cursor(r.key)
					}
					return ref.object(f, r)
				})
			}), ",") + "]"
		}
		return ref.fields("PageInfo", f.set, func(f *field) string {
			return map[string]string{"startCursor": start, "endCursor": end, "hasPreviousPage": strconv.FormatBool(previous), "hasNextPage": strconv.FormatBool(next)}[f.Name]
		})
	})
}

func number(v any) int { n, _ := strconv.Atoi(fmt.Sprint(v)); return n }

// list gives those of some rows that a connection with these arguments lists, in
// its order.
func (ref *reference) list(o *plan.Object, rows []row, named bool, args map[string]any) []row {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool {
		return !named && ref.value(r, listed(o, args["filter"])) != "true" || !ref.meets(r, args["filter"])
	})
	place := ref.places(o, args["orderBy"])
	slices.SortFunc(rows, func(a, b row) int { return place(a.key) - place(b.key) })
	return rows
}

// places says where each row of a type stands in an order.
func (ref *reference) places(o *plan.Object, orderBy any) func(key string) int {
	numbers := ref.column(all(o), "row_number() OVER (ORDER BY "+ref.order(o, orderBy)+")")
	return func(key string) int { return number(string(numbers[key])) }
}

// order writes an `orderBy` as SQL; the key comes last.
func (ref *reference) order(o *plan.Object, orderBy any) (order plan.SQL) {
	terms := o.Order
	if given := itemsOf(orderBy); len(given) > 0 {
		terms = nil
		for _, item := range given {
			term := item.(map[string]any)
			for name := range o.Fields { // AREA_KM2 is areaKm2
				if strings.EqualFold(name, strings.ReplaceAll(fmt.Sprint(term["field"]), "_", "")) {
					terms = append(terms, plan.Term{Field: name, Desc: term["direction"] == "DESC", NullsFirst: term["nulls"] == "FIRST"})
				}
			}
		}
	}
	seen, direction := map[string]bool{}, map[bool]plan.SQL{true: " DESC", false: " ASC"}
	desc := false // as the last key
	for _, t := range terms {
		if !seen[t.Field] {
			seen[t.Field], desc = true, t.Desc
		}
		expr := cmp.Or(o.Fields[t.Field].Sort, o.Fields[t.Field].Expr)
		if expr == "" {
			expr = o.Fields[t.Field].Embed.Present
		}
		order += expr + direction[t.Desc] + map[bool]plan.SQL{true: " NULLS FIRST, ", false: " NULLS LAST, "}[t.NullsFirst]
	}
	return order + "{id}" + direction[desc]
}

// listName tells lists apart whose cursors are not to be mixed.
func (ref *reference) listName(o *plan.Object, orderBy any) string {
	return o.Type + " by " + ref.fill(ref.order(o, orderBy), names{})
}

// ─────────────────────────── filters ───────────────────────────

// meets says whether a row meets all of a filter.
func (ref *reference) meets(r row, filter any) bool {
	met := func(filter any) bool { return ref.meets(r, filter) }
	return holds(filter, func(name string, v any) bool {
		switch name {
		case "and":
			return !slices.ContainsFunc(itemsOf(v), func(v any) bool { return !met(v) })
		case "or":
			return slices.ContainsFunc(itemsOf(v), met)
		case "not":
			return !met(v)
		}
		return ref.compares(r, name, v)
	})
}

// holds says whether all members of an input object do that are not null.
func holds(input any, member func(name string, v any) bool) bool {
	members, _ := input.(map[string]any)
	for name, v := range members {
		if v != nil && !member(name, v) {
			return false
		}
	}
	return true
}

// compares says whether one field of a row meets all of its conditions.
func (ref *reference) compares(r row, name string, conditions any) bool {
	decl, t := r.o.Fields[name], ref.catalogue.Schema.Types[r.o.Type].Fields.ForName(name).Type
	target := ref.catalogue.Object(strings.TrimSuffix(t.Name(), "Connection"))
	leads := func(filter any) bool { // to a row that meets a filter
		return slices.ContainsFunc(ref.related(r, decl.Relation, target, nil), func(r row) bool { return ref.meets(r, filter) })
	}
	if decl.Relation != nil && t.Name() == target.Type && t.Elem == nil {
		return leads(conditions)
	}
	return holds(conditions, func(op string, v any) bool {
		switch {
		case decl.Relation != nil:
			return leads(v) == (op == "some") // or "none"
		case decl.Embed != nil && op == "isNull":
			return (ref.value(r, decl.Embed.Present) == "null") == v
		case decl.Embed != nil:
			return ref.compares(r.embedded(target, decl.Embed), op, v)
		case op == "isNull":
			return (ref.value(r, decl.Expr) == "null") == v
		}
		is := func(v any) bool {
			if t.Name() == "ID" {
				return globalID(r) == v
			}
			return ref.value(r, plan.SQL(fmt.Sprintf(cmp.Or(operators[op], "%s = %s"), "("+decl.Expr+")", literal(v)))) == "true"
		}
		return slices.ContainsFunc(itemsOf(v), is) == (op != "ne" && op != "notIn")
	})
}

// operators in SQL; a null meets none. `eq` and `in` are to equal one of a list,
// `ne` and `notIn` to equal none.
var operators = map[string]string{
	"lt": "%s < %s", "lte": "%s <= %s", "gt": "%s > %s", "gte": "%s >= %s",
	"startsWith": "starts_with(fold(%s), fold(%s))", "contains": "position(fold(%[2]s) IN fold(%[1]s)) > 0",
}
