package graph_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/german"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
)

// reference answers operations in the plainest way there is. It walks the
// selection row by row, and whatever it has to know of a row is an expression
// that one query reads for all rows of the table: the value of a field, whether
// the viewer may see the row, whether it meets one condition of a filter, where it
// stands in an order, which rows a relation leads to. All else is Go: nesting,
// logic, pages, counts. It knows the declarations of the catalogue, because they say
// what columns mean, and the rules of design.md; of the planner's code it shares
// nothing. Its answers are JSON texts.
type reference struct {
	t         testing.TB
	pool      *pgxpool.Pool
	catalogue *plan.Catalogue
	columns   map[any]map[string]json.RawMessage // what was read: the data does not change
	visited   func(typeName string, f *ast.Field)
	rows      map[string]string // the keys of the rows of cursors: what those look like is the planner's own business

	viewer plan.Viewer
	vars   map[string]any
}

func newReference(t testing.TB, pool *pgxpool.Pool, catalogue *plan.Catalogue) *reference {
	return &reference{t: t, pool: pool, catalogue: catalogue, columns: map[any]map[string]json.RawMessage{}, visited: func(string, *ast.Field) {}, rows: map[string]string{}}
}

// source is where rows are: a FROM item whose column ref_key tells them apart.
type source struct {
	o      *plan.Object
	from   string
	prefix string // of the columns, of a value in columns of its holder
	root   string // the field of Query that lists them, if one does
}

type row struct {
	source
	key string
}

// all are the rows of a type with global ids.
func all(o *plan.Object) source { return keyed(o, o.Table, "id") }

// rooted are the same as a field of Query lists them.
func (ref *reference) rooted(field string, o *plan.Object) source {
	in := all(o)
	in.root = field
	return in
}

// listings are what the lists of a source leave out.
func (ref *reference) listings(in source) []plan.Listing {
	if root := ref.catalogue.Root(in.root); root != nil && root.Listed != nil {
		return root.Listed
	}
	return in.o.Listed
}

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

// text is a value as a text, "" if there is none.
func (ref *reference) text(r row, expr plan.SQL) (text string) {
	_ = json.Unmarshal([]byte(ref.value(r, "("+expr+")::text")), &text)
	return text
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

// names says how the columns of a row and of its parent begin.
type names struct{ row, parent string }

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
	case inside == "viewer":
		text = "nullif('" + ref.viewer.Token.String() + "', '" + nodeid.UUID{}.String() + "')::uuid"
	case inside == "today":
		text = "(" + ref.fill("{now}", n) + " AT TIME ZONE 'Europe/Berlin')::date"
	case len(words) == 2:
	case words[0] == "parent":
		text = n.parent + words[1]
	case words[0] == "link":
		text = inside
	case words[0] == "label":
		text = ref.fill(ref.catalogue.Object(words[1]).Search.Label, names{row: words[2] + "."})
	case words[0] == "visible":
		text = ref.visible(ref.catalogue.Object(words[1]), words[2])
	case words[0] == "listed":
		o := ref.catalogue.Object(words[1])
		text = ref.visible(o, words[2]) + " AND " + ref.fill(listed(o.Listed, nil), names{row: words[2] + "."})
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
	for _, more := range []plan.SQL{o.Visible.Public, o.Visible.Editor, o.Visible.Moderator, o.Visible.Admin}[:ref.viewer.Role+1] {
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
func listed(listings []plan.Listing, filter any) plan.SQL {
	condition := plan.SQL("true")
	for _, l := range listings {
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

// given writes an argument into a piece of SQL: for {arg}, for {arg.name}, or for
// {arg.name.member} if it is an input object; read as words to search for where a
// word stands in front. What is not given is null.
func (ref *reference) given(piece plan.SQL, t *ast.Type, name string, v any) plan.SQL {
	if !strings.Contains(string(piece), "arg"+name) {
		return piece
	}
	def := ref.catalogue.Schema.Types[t.Name()]
	if members, ok := v.(map[string]any); ok {
		for _, f := range def.Fields {
			piece = ref.given(piece, f.Type, name+"."+f.Name, members[f.Name])
		}
		return piece
	}
	if t.Elem != nil && v != nil {
		v = itemsOf(v)
	}
	for how, read := range readings {
		if placeholder := "{" + how + " arg" + name + "}"; strings.Contains(string(piece), placeholder) {
			piece = plan.SQL(strings.ReplaceAll(string(piece), placeholder, literal(read(v))))
		}
	}
	text := literal(v)
	if def.Name == "Float" {
		text += "::float8"
	}
	return plan.SQL(strings.ReplaceAll(string(piece), "{arg"+name+"}", text))
}

// allGiven does so with all arguments of a field.
func (ref *reference) allGiven(piece plan.SQL, f *ast.Field) plan.SQL {
	args := f.ArgumentMap(ref.vars)
	for _, def := range f.Definition.Arguments {
		v := args[def.Name]
		if v == nil && def.DefaultValue != nil {
			v, _ = def.DefaultValue.Value(nil)
		}
		piece = ref.given(piece, def.Type, "."+def.Name, v)
	}
	return piece
}

// literal writes a value as SQL, without braces.
func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case []any:
		return "ARRAY[" + strings.Join(each(v, literal), ", ") + "]::text[]"
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

// kept gives the paths of the fields that are kept to roles above the viewer's.
func (ref *reference) kept(set ast.SelectionSet, path string) (paths []string) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.InlineFragment:
			if ref.included(s.Directives) {
				paths = append(paths, ref.kept(s.SelectionSet, path)...)
			}
		case *ast.FragmentSpread:
			if ref.included(s.Directives) {
				paths = append(paths, ref.kept(s.Definition.SelectionSet, path)...)
			}
		case *ast.Field:
			if !ref.included(s.Directives) || strings.HasPrefix(s.Name, "__") {
				continue
			}
			at, least := strings.TrimPrefix(path+"."+s.Alias, "."), plan.Public
			if root := ref.catalogue.Root(s.Name); s.ObjectDefinition.Name == "Query" && root != nil {
				least = root.Least
			} else if o := ref.catalogue.Object(s.ObjectDefinition.Name); o != nil {
				least = o.Fields[s.Name].Least
			}
			if ref.viewer.Role < least {
				paths = append(paths, at)
			}
			paths = append(paths, ref.kept(s.SelectionSet, at)...)
		}
	}
	return paths
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
		if ref.included(directives) && (condition == "" || condition == typeName || slices.ContainsFunc(ref.catalogue.Schema.PossibleTypes[condition], func(t *ast.Definition) bool { return t.Name == typeName })) {
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
	case f.Name == "search":
		in, hits, _ := ref.hits(args)
		return ref.connection(f, in, hits, false)
	case f.Name == "nodes":
		return "[" + strings.Join(each(itemsOf(args["ids"]), func(id any) string { return ref.objects(f, ref.byID("", id), false) }), ",") + "]"
	case args["id"] != nil:
		return ref.objects(f, ref.byID(strings.TrimSuffix(typeName, "Node"), args["id"]), false)
	case decl != nil && decl.Feed != nil:
		return ref.feed(f, o, args)
	case o.Type != typeName:
		in := ref.rooted(f.Name, o)
		return ref.connection(f, in, ref.seen(in, "true"), false)
	case decl.Rows != "": // computed, of nothing
		rows := ref.related(nothing, &plan.Relation{Rows: ref.allGiven("("+decl.Rows+")", f.Field), On: "true", Order: "{place}"}, o, f)
		if f.Name == "suggest" {
			rows = slices.DeleteFunc(rows, func(r row) bool { return !ref.findable(ref.found(r)) })
		}
		return ref.objects(f, rows, list)
	}
	var rows []row
	for _, def := range f.Definition.Arguments {
		if v := args[def.Name]; v != nil {
			rows = ref.seen(all(o), ref.given(decl.Lookup[def.Name], def.Type, "", v))
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
		return ref.scalar(r, ref.allGiven(decl.Expr, f.Field), typeName)
	case f.Name == "authorEmail": // nobody has handed in what is made up
		return "null"
	case decl.Made != nil && r.o.Type == "Change":
		return quote(map[string]string{"cursor": ref.changed(r), "type": changeType(ref.text(r, "{type}")),
			"nodeId": globalID(row{all(ref.catalogue.Object(ref.text(r, "{type}"))), ref.text(r, "{id}")})}[f.Name])
	case decl.Made != nil:
		return ref.made(f, ref.shown(r, f.Name))
	case f.Name == "node" && rel.Either == nil: // of a hit or a suggestion
		return ref.object(f, ref.found(r))
	case decl.Embed != nil:
		if ref.value(r, decl.Embed.Present) != "null" {
			rows = []row{r.embedded(target, decl.Embed)}
		}
	case target != nil && target.Type != typeName:
		return ref.connection(f, all(target), ref.related(r, rel, target, nil), rel.All)
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
	return row{source{o, r.from, r.prefix + e.Prefix, ""}, r.key}
}

// related reads which rows of target a relation leads to, as far as the viewer
// may see them; of a field, what its arguments leave, in its order.
func (ref *reference) related(r row, rel *plan.Relation, target *plan.Object, f *field) (rows []row) {
	n := names{row: "item.", parent: "self." + r.prefix}
	condition, order := rel.On, plan.SQL("{ref_key}")
	if rel.Present() != "" {
		condition += " AND " + rel.Present() + " IS NOT NULL"
	}
	if f != nil && f.Definition.Type.Elem != nil {
		order = cmp.Or(rel.Order, order)
	}
	if f != nil {
		for name, v := range f.ArgumentMap(ref.vars) {
			if v != nil && rel.Args[name] != "" {
				condition += " AND " + ref.given(rel.Args[name], f.Definition.Arguments.ForName(name).Type, "", v)
			}
		}
	}
	in := all(target)
	items := ""
	switch {
	case strings.HasPrefix(string(rel.Rows), "("): // computed for each row
		query := rel.Rows
		if f != nil {
			query = ref.allGiven(query, f.Field)
		}
		const computed = "(SELECT self.ref_key || '/' || computed.ref_place AS ref_key, computed.*" +
			" FROM %s (SELECT *, row_number() OVER (ORDER BY query::text) AS ref_place FROM %s query) computed)"
		in.from = fmt.Sprintf(computed, r.from+" self, LATERAL", ref.fill(query, n))
		items = fmt.Sprintf(computed, "", ref.fill(query, n)) // of the row that asks
	case target.Prefix == "":
		in = keyed(target, cmp.Or(rel.Rows, target.Table), "ctid")
	}
	from := cmp.Or(items, in.from) + " item"
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
		if v.When != "" && ref.value(r, v.When) != "true" {
			continue
		}
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

// connection reads a page of those of some rows that its arguments leave. named
// says that the holder names them, so that all of them are listed.
func (ref *reference) connection(f *field, in source, members []row, named bool) string {
	args, o := f.ArgumentMap(ref.vars), in.o
	chosen := func(without []string) []row { return ref.list(in, members, named, args, without) }
	place, rows := ref.places(in, args), chosen(nil)
	cursor := func(r row) string { return quote(cursorOf + r.key + " in " + ref.listName(in, args)) }
	at := func(given any) row {
		key, ok := ref.rows[fmt.Sprint(given)]
		if !ok {
			ref.t.Fatalf("reference: no row has the cursor %v", given)
		}
		return row{in, key}
	}

	// The page lies behind `after` and in front of `before`, and is cut to size.
	from, to, start := 0, len(rows), "null"
	if before := args["before"]; before != nil {
		r := at(before)
		start, to = cursor(r), sort.Search(len(rows), func(i int) bool { return place(rows[i]) >= place(r) })
	}
	if after := args["after"]; after != nil {
		r := at(after)
		start, from = cursor(r), sort.Search(len(rows), func(i int) bool { return place(rows[i]) > place(r) })
	}
	size := cmp.Or(number(args["first"]), number(args["last"]), number(args["pageSize"]), 20)
	if n := number(args["page"]); n > 0 {
		from = min((n-1)*size, len(rows))
	}
	page, previous, next := rows[from:max(from, to)], from > 0, to < len(rows)
	if args["last"] != nil {
		previous = previous || size < len(page)
		page = page[max(0, len(page)-size):]
	} else {
		next = next || size < len(page)
		page = page[:min(size, len(page))]
	}
	end := start
	if len(page) > 0 {
		start, end = cursor(page[0]), cursor(page[len(page)-1])
	}

	return ref.pageOf(f, o, page, cursor, pageInfo{start, end, previous, next}, func(f *field) string {
		switch f.Name {
		case "totalCount":
			return strconv.Itoa(len(rows))
		case "totalCountPrecision":
			return quote("EXACT")
		case "pageCount":
			return strconv.Itoa((len(rows) + size - 1) / size)
		case "facets":
			return ref.made(f, ref.facets(f, o, chosen))
		case "groups":
			return ref.made(f, ref.groups(f, o, rows))
		}
		_, _, correction := ref.hits(args) // didYouMean
		return correction
	})
}

type pageInfo struct {
	start, end     string
	previous, next bool
}

// pageOf reads what is asked of a page, and whole what is asked of all of its list.
func (ref *reference) pageOf(f *field, o *plan.Object, page []row, cursor func(row) string, info pageInfo, whole func(*field) string) string {
	return ref.fields(o.Type+"Connection", f.set, func(f *field) string {
		switch f.Name {
		case "nodes":
			return ref.objects(f, page, true)
		case "edges":
			return "[" + strings.Join(each(page, func(r row) string {
				return ref.fields(o.Type+"Edge", f.set, func(f *field) string {
					if f.Name == "cursor" {
						return cursor(r)
					}
					return ref.object(f, r)
				})
			}), ",") + "]"
		case "pageInfo":
			return ref.fields("PageInfo", f.set, func(f *field) string {
				return map[string]string{"startCursor": info.start, "endCursor": info.end, "hasPreviousPage": strconv.FormatBool(info.previous), "hasNextPage": strconv.FormatBool(info.next)}[f.Name]
			})
		}
		return whole(f)
	})
}

func number(v any) int { n, _ := strconv.Atoi(fmt.Sprint(v)); return n }

// list gives those of some rows that a connection with these arguments lists, in
// its order.
func (ref *reference) list(in source, rows []row, named bool, args map[string]any, without []string) []row {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r row) bool {
		return !named && ref.value(r, listed(ref.listings(in), args["filter"])) != "true" || !ref.meets(r, args["filter"], without)
	})
	place := ref.places(in, args)
	slices.SortFunc(rows, func(a, b row) int { return place(a) - place(b) })
	return rows
}

// places says where each row stands in an order.
func (ref *reference) places(in source, args map[string]any) func(r row) int {
	numbers := ref.column(in, "row_number() OVER (ORDER BY "+ref.order(in.o, args)+")")
	return func(r row) int { return number(string(numbers[r.key])) }
}

// order writes the order of a list as SQL; the key comes last. What was searched
// for comes by relevance if nothing else is asked for.
func (ref *reference) order(o *plan.Object, args map[string]any) (order plan.SQL) {
	terms, filter := o.Order, map[string]any{}
	if given, ok := args["filter"].(map[string]any); ok {
		filter = given
	}
	if given := itemsOf(args["orderBy"]); len(given) > 0 {
		terms = nil
		for _, item := range given {
			term := item.(map[string]any)
			terms = append(terms, plan.Term{Field: camel(term["field"]), Desc: term["direction"] == "DESC", NullsFirst: term["nulls"] == "FIRST"})
		}
	} else if filter["q"] != nil {
		terms = append([]plan.Term{{Field: "relevance", Desc: true}}, terms...)
	}
	seen, direction := map[string]bool{}, map[bool]plan.SQL{true: " DESC", false: " ASC"}
	desc := false // as the last key
	for _, t := range terms {
		if !seen[t.Field] {
			seen[t.Field], desc = true, t.Desc
		}
		expr := cmp.Or(o.Sorts[t.Field].By, o.Fields[t.Field].Sort, o.Fields[t.Field].Expr)
		if expr == "" {
			expr = o.Fields[t.Field].Embed.Present
		}
		for name, v := range filter {
			if f := ref.catalogue.Schema.Types[o.Type+"Filter"].Fields.ForName(name); f != nil { // else no order asks for it
				expr = ref.given(expr, f.Type, "."+name, v)
			}
		}
		order += expr + direction[t.Desc] + map[bool]plan.SQL{true: " NULLS FIRST, ", false: " NULLS LAST, "}[t.NullsFirst]
		if then := o.Sorts[t.Field].Then; then != "" {
			order += then + " ASC NULLS LAST, "
		}
	}
	return order + "{id}" + direction[desc]
}

// camel is the field that an enum value names: AREA_KM2 is areaKm2.
func camel(enum any) string {
	words := strings.Split(strings.ToLower(fmt.Sprint(enum)), "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// listName tells lists apart whose cursors are not to be mixed.
func (ref *reference) listName(in source, args map[string]any) string {
	name := in.o.Type + " by " + ref.fill(ref.order(in.o, args), names{})
	if in.o.Type == "SearchHit" { // whose score is that of a query
		name += in.from
	}
	return name
}

// feed reads a page of changes. All there are can be read, and none was forgotten.
func (ref *reference) feed(f *field, o *plan.Object, args map[string]any) string {
	in := keyed(o, o.Table, "seq")
	places := ref.column(in, "row_number() OVER (ORDER BY {txid}, {seq})")
	place := func(r row) int { return number(string(places[r.key])) }
	head, behind := "", 0 // the cursor behind all, and how many changes are in front of the page
	for key := range places {
		cursor := ref.changed(row{in, key})
		if place(row{in, key}) == len(places) {
			head = cursor
		}
		if cursor == args["after"] {
			behind = place(row{in, key})
		}
	}
	start := head
	switch after, _ := args["after"].(string); after {
	case "":
	case "now":
		behind = len(places)
	default:
		start = after
	}
	rows := ref.seen(in, "({action} <> 'VISIBILITY' OR {visible_before} <> {visible_after})")
	rows = slices.DeleteFunc(rows, func(r row) bool {
		name := changeType(ref.text(r, "{type}"))
		return ref.catalogue.Schema.Types["ChangeType"].EnumValues.ForName(name) == nil || args["types"] != nil && !slices.Contains(itemsOf(args["types"]), any(name))
	})
	slices.SortFunc(rows, func(a, b row) int { return place(a) - place(b) })
	page := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return place(r) <= behind })
	previous, next, end := len(page) < len(rows), false, head
	if size := cmp.Or(number(args["first"]), 20); len(page) > size {
		page, next, end = page[:size], true, ref.changed(page[size-1])
	}
	if len(page) > 0 {
		start = ref.changed(page[0])
	}
	return ref.pageOf(f, o, page, func(r row) string { return quote(ref.changed(r)) }, pageInfo{quote(start), quote(end), previous, next}, nil)
}

// changed is the cursor of a change.
func (ref *reference) changed(r row) string {
	return base64.RawURLEncoding.EncodeToString([]byte(ref.text(r, "concat_ws('.', change_epoch(), {txid}, {seq})")))
}

// changeType is the value of ChangeType for a type.
func changeType(name string) string {
	return strings.ToUpper(name[:1] + regexp.MustCompile("[A-Z]").ReplaceAllString(name[1:], "_$0"))
}

// ─────────────────────────── facets and groups ───────────────────────────

// facets count the rows of a list by their values, each without the conditions
// that choose from it.
func (ref *reference) facets(f *field, o *plan.Object, chosen func(without []string) []row) (all []any) {
	args := f.ArgumentMap(ref.vars)
	for _, by := range unique(itemsOf(args["by"])) {
		facet := o.Facets[camel(by)]
		counts, labels, missing := map[string]int{}, map[string]string{}, 0
		for _, r := range chosen(facet.Filters) {
			values := ref.values(r, facet.Path, facet.Year)
			for value, label := range values {
				counts[value]++
				labels[value] = least(labels[value], label)
			}
			missing += b2i(len(values) == 0)
		}
		buckets, others := []any{}, 0
		for _, value := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) }) {
			if len(buckets) == ref.top(f) {
				others += counts[value]
				continue
			}
			buckets = append(buckets, map[string]any{"value": value, "label": labels[value], "count": counts[value]})
		}
		all = append(all, map[string]any{"by": by, "buckets": buckets, "valueCount": len(counts), "otherCount": others, "missingCount": missing})
	}
	return all
}

// groups count the rows of a list by combinations of values, and add up money.
func (ref *reference) groups(f *field, o *plan.Object, rows []row) (all []any) {
	type group struct {
		values []any // a text or nil for each facet
		labels []any
		rows   []row
	}
	groups, by := map[string]*group{}, unique(itemsOf(f.ArgumentMap(ref.vars)["by"]))
	for _, r := range rows {
		combinations := []group{{}}
		for _, name := range by {
			values := ref.values(r, o.Facets[camel(name)].Path, o.Facets[camel(name)].Year)
			var longer []group
			for _, c := range combinations {
				for value, label := range values {
					longer = append(longer, group{values: append(slices.Clone(c.values), value), labels: append(slices.Clone(c.labels), label)})
				}
				if len(values) == 0 {
					longer = append(longer, group{values: append(slices.Clone(c.values), nil), labels: append(slices.Clone(c.labels), nil)})
				}
			}
			combinations = longer
		}
		for _, c := range combinations {
			key := fmt.Sprintf("%q", c.values)
			if groups[key] == nil {
				groups[key] = &c
			}
			g := groups[key]
			g.rows = append(g.rows, r)
			for i, label := range c.labels {
				if label != nil {
					g.labels[i] = least(g.labels[i].(string), label.(string))
				}
			}
		}
	}
	sorted := slices.SortedFunc(maps.Values(groups), func(a, b *group) int {
		order := len(b.rows) - len(a.rows)
		for i := range a.values {
			before, _ := a.values[i].(string)
			behind, _ := b.values[i].(string)
			order = cmp.Or(order, b2i(a.values[i] == nil)-b2i(b.values[i] == nil), strings.Compare(before, behind))
		}
		return order
	})
	for _, g := range sorted[:min(len(sorted), ref.top(f))] {
		values := []any{}
		for i, name := range by {
			values = append(values, map[string]any{"by": name, "value": g.values[i], "label": g.labels[i]})
		}
		all = append(all, map[string]any{"values": values, "count": len(g.rows), "amount": ref.sum(o, g.rows)})
	}
	return all
}

// sum adds up the euros of rows, nil if rows of the type have no money.
func (ref *reference) sum(o *plan.Object, rows []row) any {
	if o.Sum == "" {
		return nil
	}
	sum, known := new(big.Rat), 0
	for _, r := range rows {
		money := r.embedded(ref.catalogue.Object("Money"), o.Fields[o.Sum].Embed)
		if amount, ok := new(big.Rat).SetString(ref.text(money, "{amount}")); ok && ref.text(money, "{currency}") == "EUR" {
			sum.Add(sum, amount)
			known++
		}
	}
	text := "0"
	if known > 0 {
		text = sum.FloatString(2)
	}
	return map[string]any{"sum": text, "knownCount": known, "unknownCount": len(rows) - known}
}

// values are those that a row has in a facet, with their labels.
func (ref *reference) values(r row, path []string, year bool) map[string]string {
	if len(path) == 0 {
		return map[string]string{ref.text(r, r.o.Fields[r.o.Named.Key].Expr): ref.text(r, r.o.Fields[r.o.Named.Label].Expr)}
	}
	decl, all := r.o.Fields[path[0]], map[string]string{}
	if decl.Relation != nil {
		target := ref.catalogue.Object(strings.TrimSuffix(ref.catalogue.Schema.Types[r.o.Type].Fields.ForName(path[0]).Type.Name(), "Connection"))
		for _, r := range ref.related(r, decl.Relation, target, nil) {
			for value, label := range ref.values(r, path[1:], year) {
				all[value] = least(all[value], label)
			}
		}
		return all
	}
	expr := decl.Expr
	if decl.Embed != nil {
		expr = decl.Embed.Present
	}
	if year {
		expr = "extract(year FROM " + expr + ")"
	}
	if ref.value(r, expr) != "null" {
		value := ref.text(r, expr)
		all[value] = value
	}
	return all
}

// least is the first of two texts, of which one may be missing.
func least(a, b string) string {
	if a == "" || b != "" && b < a {
		return b
	}
	return a
}

// top is how many the argument `first` asks for; null is its default.
func (ref *reference) top(f *field) int {
	fallback, _ := f.Definition.Arguments.ForName("first").DefaultValue.Value(nil)
	return cmp.Or(number(f.ArgumentMap(ref.vars)["first"]), number(fallback))
}

func unique(items []any) (once []any) {
	for _, item := range items {
		if !slices.Contains(once, item) {
			once = append(once, item)
		}
	}
	return once
}

// made reads what is selected of a value that was made here.
func (ref *reference) made(f *field, v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case int:
		return strconv.Itoa(v)
	case []any:
		return "[" + strings.Join(each(v, func(item any) string { return ref.made(f, item) }), ",") + "]"
	case map[string]any:
		return ref.fields(f.Definition.Type.Name(), f.set, func(f *field) string { return ref.made(f, v[f.Name]) })
	}
	return quote(fmt.Sprint(v))
}

// ─────────────────────────── filters ───────────────────────────

// meets says whether a row meets all of a filter, but for the conditions named,
// where all have to be met.
func (ref *reference) meets(r row, filter any, without []string) bool {
	return holds(filter, func(name string, v any) bool {
		condition, isCondition := r.o.Filters[name]
		switch {
		case slices.Contains(without, name):
			return true
		case name == "and":
			return !slices.ContainsFunc(itemsOf(v), func(v any) bool { return !ref.meets(r, v, without) })
		case name == "or":
			return slices.ContainsFunc(itemsOf(v), func(v any) bool { return ref.meets(r, v, nil) })
		case name == "not":
			return !ref.meets(r, v, nil)
		case isCondition:
			t := ref.catalogue.Schema.Types[r.o.Type+"Filter"].Fields.ForName(name).Type
			return (ref.value(r, ref.given(condition, t, "", v)) == "true") == (v != false)
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
		return slices.ContainsFunc(ref.related(r, decl.Relation, target, nil), func(r row) bool { return ref.meets(r, filter, nil) })
	}
	if decl.Relation != nil && t.Name() == target.Type && t.Elem == nil {
		return leads(conditions)
	}
	return holds(conditions, func(op string, v any) bool {
		switch {
		case decl.Relation != nil && op == "all": // one for each
			return !slices.ContainsFunc(itemsOf(v), func(v any) bool { return !leads(v) })
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
			return ref.value(r, plan.SQL(fmt.Sprintf(cmp.Or(operators[op+" "+t.Name()], operators[op], "%s = %s"), "("+decl.Expr+")", literal(v)))) == "true"
		}
		return slices.ContainsFunc(itemsOf(v), is) == (op != "ne" && op != "notIn")
	})
}

// operators in SQL; a null meets none. `eq` and `in` are to equal one of a list,
// `ne` and `notIn` to equal none.
var operators = map[string]string{
	"lt": "%s < %s", "lte": "%s <= %s", "gt": "%s > %s", "gte": "%s >= %s",
	"last": "%s BETWEEN {now} - interval %s AND {now}", "next": "%s BETWEEN {now} AND {now} + interval %s",
	"last Date": "%s BETWEEN {today} - interval %s AND {today}", "next Date": "%s BETWEEN {today} AND {today} + interval %s",
	"startsWith": "starts_with(fold(%s), fold(%s))", "contains": "position(fold(%[2]s) IN fold(%[1]s)) > 0",
}

// ─────────────────────────── search ───────────────────────────

// readings are what pieces of SQL ask of words to search for.
var readings = map[string]func(v any) any{
	"tsquery": func(v any) any {
		if c, ok := v.(corrected); ok {
			return c.query
		}
		return german.ParseQuery(fmt.Sprint(v)).TSQuery()
	},
	"named": func(v any) any {
		if c, ok := v.(corrected); ok {
			return c.named
		}
		var folded []string
		for _, w := range german.ParseQuery(fmt.Sprint(v)).Words() {
			if !w.Negated {
				folded = append(folded, w.Folded)
			}
		}
		return strings.Join(folded, " ")
	},
	"titles":    func(v any) any { return german.ParseQuery(fmt.Sprint(v)).Prefix() },
	"typed":     func(v any) any { return german.Name(fmt.Sprint(v)) },
	"spellings": func(v any) any { return words(v, func(w german.Word) any { return w.Text }) },
	"words":     func(v any) any { return words(v, func(w german.Word) any { return w.Folded }) },
	"tsqueries": func(v any) any {
		return words(v, func(w german.Word) any { return german.ParseQuery(w.Text).TSQuery() })
	},
}

// words are those of a query that may be misspelt.
func words(v any, form func(w german.Word) any) []any {
	all := []any{}
	for _, w := range german.ParseQuery(fmt.Sprint(v)).Words() {
		if !w.Negated && len(w.Lexemes) > 0 {
			all = append(all, form(w))
		}
	}
	return all
}

// corrected is a query whose words were put right.
type corrected struct{ query, wording, named string }

// hits are what search finds of all types, and the query with its spelling corrected,
// as JSON, if only that finds something.
func (ref *reference) hits(args map[string]any) (in source, hits []row, correction string) {
	if in, hits = ref.find(args["query"], args["types"]); len(hits) > 0 {
		return in, hits, "null"
	}
	read := func(column string) string {
		call := plan.SQL("SELECT " + column + "::text FROM search_corrected({spellings arg}, {words arg}, {tsqueries arg}, {tsquery arg}::tsquery, {arg}, {named arg})")
		return ref.text(nothing, "("+ref.given(call, ast.NamedType("String", nil), "", args["query"])+")")
	}
	c := corrected{read("query"), read("wording"), read("named")}
	if near, hits := ref.find(c, args["types"]); c.wording != args["query"] && len(hits) > 0 {
		return near, hits, quote(c.wording)
	}
	return in, nil, "null"
}

// nothing is a row of no table.
var nothing = row{source: source{from: "(SELECT '' AS ref_key)"}}

// find is what the condition q finds of several types, with their relevance.
func (ref *reference) find(query, types any) (in source, hits []row) {
	var parts []string
	for _, v := range ref.catalogue.Schema.Types["SearchType"].EnumValues {
		o := ref.searched(v.Name)
		fill := func(piece plan.SQL, name string) string {
			return ref.fill(ref.given(piece, ast.NamedType("String", nil), name, query), names{row: "self."})
		}
		parts = append(parts, fmt.Sprintf(`SELECT '%s ' || self.id AS ref_key, '%s' AS type, d.*, %s AS score, %s AS label, search_query(%s)::text AS query
			FROM %s self, (SELECT id, on_date, municipality_ids, state_ids, topic_ids, title FROM search_document WHERE type = '%[1]s') d WHERE d.id = self.id AND (%[7]s)`,
			o.Type, v.Name, fill(o.Sorts["relevance"].By, ".q"), fill(cmp.Or(o.Search.Label, "nullif(d.title, '')"), ""), literal(readings["tsquery"](query)), o.Table, fill(o.Filters["q"], "")))
	}
	in = source{o: ref.catalogue.Object("SearchHit"), from: "(" + strings.Join(parts, " UNION ALL ") + ")"}
	for key := range ref.column(in, "true") {
		if r := (row{in, key}); (types == nil || slices.Contains(itemsOf(types), any(ref.text(r, "{type}")))) && ref.findable(ref.found(r)) {
			hits = append(hits, r)
		}
	}
	return in, hits
}

// findable says whether search shows the viewer a row at all.
func (ref *reference) findable(r row) bool {
	return ref.sees(r) && ref.value(r, cmp.Or(r.o.Search.Found, listed(r.o.Listed, nil))) == "true"
}

// found is the row that a hit or a suggestion is of.
func (ref *reference) found(r row) row {
	return row{all(ref.searched(ref.text(r, "{type}"))), ref.text(r, "{id}")}
}

// searched is the type that a value of SearchType names.
func (ref *reference) searched(value string) *plan.Object {
	return ref.catalogue.Object(value[:1] + camel(value)[1:])
}

// shown is what a hit shows of texts.
func (ref *reference) shown(r row, name string) any {
	terms, of := german.TermsOf(ref.text(r, "{query}")), ref.found(r)
	title, body := ref.text(r, "{label}"), ""
	for _, piece := range []plan.SQL{of.o.Search.Summary, of.o.Search.Body} {
		if piece != "" && ref.value(of, piece) != "null" {
			body += "\n" + ref.text(of, piece)
		}
	}
	body = strings.TrimPrefix(body, "\n")
	if name == "matchedTerms" {
		words := []any{}
		for _, text := range []string{title, body} {
			for _, at := range german.Highlight(text, terms) {
				words = append(words, text[at.Start:at.End])
			}
		}
		words = unique(words)
		return words[:min(20, len(words))]
	}
	text := map[string]string{"title": title, "snippet": body}[name]
	if text == "" {
		return nil
	}
	excerpt := german.Snippet(text, terms, 200)
	ranges := []any{}
	for _, at := range excerpt.Hits {
		units := func(end int) int { return len(utf16.Encode([]rune(excerpt.Text[:end]))) }
		ranges = append(ranges, map[string]any{"start": units(at.Start), "end": units(at.End)})
	}
	return map[string]any{"text": excerpt.Text, "html": excerpt.HTML(), "ranges": ranges}
}
