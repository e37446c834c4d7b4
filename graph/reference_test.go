package graph_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
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

// reference answers operations in the plainest way there is: it walks the
// selection, and each value is a query of its own. It knows the declarations of
// the catalogue, because they say what the columns mean, and the rules of
// design.md; of the planner's code it shares nothing. It is slow, and it is how
// we know that the planner is right.
type reference struct {
	t         testing.TB
	pool      *pgxpool.Pool
	catalogue *plan.Catalogue
	memo      map[string][][]string // answers by statement: the data does not change
	ranks     map[string]map[string]int

	viewer  plan.Viewer
	vars    map[string]any
	aliases int
	errors  []string // paths of values that are missing
	visited func(item string)
}

// null is SQL's null in a row of texts.
const null = "\x00"

func newReference(t testing.TB, pool *pgxpool.Pool, catalogue *plan.Catalogue) *reference {
	return &reference{t: t, pool: pool, catalogue: catalogue, memo: map[string][][]string{}, ranks: map[string]map[string]int{}, visited: func(string) {}}
}

// query runs a statement whose columns are texts.
func (ref *reference) query(format string, args ...any) [][]string {
	ref.t.Helper()
	sql := fmt.Sprintf(format, args...)
	if rows, ok := ref.memo[sql]; ok {
		return rows
	}
	found, err := ref.pool.Query(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		ref.t.Fatalf("reference: %v\n%s", err, sql)
	}
	rows, err := pgx.CollectRows(found, func(r pgx.CollectableRow) ([]string, error) {
		var row []string
		for _, v := range r.RawValues() {
			text := null
			if v != nil {
				text = string(v)
			}
			row = append(row, text)
		}
		return row, nil
	})
	if err != nil {
		ref.t.Fatalf("reference: %v\n%s", err, sql)
	}
	ref.memo[sql] = rows
	return rows
}

// ─────────────────────────── what the answer is made of ───────────────────────────

// members is a JSON object that keeps its order.
type members []struct {
	key   string
	value any
}

func (m members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, member := range m {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		key, _ := json.Marshal(member.key)
		value, err := json.Marshal(member.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	if len(m) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// cursorOf stands for the cursor of a row in a list: what a cursor looks like is
// the planner's own business.
type cursorOf struct {
	list string // type and order
	id   string // of the row
}

func (c cursorOf) MarshalJSON() ([]byte, error) { return json.Marshal("cursor of " + c.id) }

// rowOfCursor is the row that one of the planner's cursors names: the last 16
// bytes are its key.
func rowOfCursor(cursor string) string {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) < 16 {
		return "no row: " + cursor
	}
	return nodeid.UUID(raw[len(raw)-16:]).String()
}

// row is one row: a FROM item that gives it and nothing else.
type row struct {
	o      *plan.Object
	source string
	prefix string // of its columns, if it is a value in columns of its holder
}

// ─────────────────────────── operation and selections ───────────────────────────

// answer reads an operation; its arguments are known to be good.
func (ref *reference) answer(op *ast.OperationDefinition, vars map[string]any, viewer plan.Viewer) any {
	ref.viewer, ref.vars, ref.errors = viewer, vars, nil
	data := ref.fields("Query", "", []ast.SelectionSet{op.SelectionSet}, ref.root)
	if _, failed := data.(failure); failed {
		return nil
	}
	return data
}

// failure is the value of a field in which a null stands where none may; it was
// reported already.
type failure struct{}

type asked struct {
	key   string
	path  string
	field *ast.Field
	sets  []ast.SelectionSet
}

// collect is CollectFields of the GraphQL specification.
func (ref *reference) collect(typeName string, sets ...ast.SelectionSet) (fields []*asked) {
	var walk func(set ast.SelectionSet)
	enter := func(directives ast.DirectiveList, condition string, set ast.SelectionSet) {
		if ref.included(directives) && (condition == "" || condition == typeName || slices.Contains(ref.catalogue.Schema.Types[typeName].Interfaces, condition)) {
			walk(set)
		}
	}
	walk = func(set ast.SelectionSet) {
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
				i := slices.IndexFunc(fields, func(f *asked) bool { return f.key == s.Alias })
				if i < 0 {
					fields = append(fields, &asked{key: s.Alias, field: s})
					i = len(fields) - 1
				}
				fields[i].sets = append(fields[i].sets, s.SelectionSet)
			}
		}
	}
	for _, set := range sets {
		walk(set)
	}
	return fields
}

func (ref *reference) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		condition, _ := ref.value(ast.NamedType("Boolean", nil), d.Arguments.ForName("if").Value)
		if (condition == "true") == (d.Name == "skip") {
			return false
		}
	}
	return true
}

// ─────────────────────────── arguments ───────────────────────────

// args gives the arguments that are there and not null. A value is a string (all
// scalars), a []any or a map[string]any without nulls.
func (ref *reference) args(f *ast.Field) map[string]any {
	args := map[string]any{}
	for _, a := range f.Arguments {
		if v, ok := ref.value(f.Definition.Arguments.ForName(a.Name).Type, a.Value); ok {
			args[a.Name] = v
		}
	}
	return args
}

func (ref *reference) value(t *ast.Type, v *ast.Value) (any, bool) {
	var given any
	switch v.Kind {
	case ast.Variable:
		given = ref.vars[v.Raw]
	case ast.NullValue:
	case ast.ListValue:
		list := []any{}
		for _, child := range v.Children {
			item, _ := ref.value(t.Elem, child.Value)
			list = append(list, item)
		}
		return list, true
	case ast.ObjectValue:
		object := map[string]any{}
		inner := t
		for inner.Elem != nil {
			inner = inner.Elem
		}
		for _, child := range v.Children {
			field := ref.catalogue.Schema.Types[inner.NamedType].Fields.ForName(child.Name)
			if item, ok := ref.value(field.Type, child.Value); ok {
				object[child.Name] = item
			}
		}
		given = object
	default:
		given = v.Raw
	}
	return ref.given(t, given)
}

func (ref *reference) given(t *ast.Type, v any) (any, bool) {
	if v == nil {
		return nil, false
	}
	if t.Elem != nil {
		items := reflect.ValueOf(v)
		if items.Kind() != reflect.Slice { // one item is a list of one
			items = reflect.ValueOf([]any{v})
		}
		list := []any{}
		for i := range items.Len() {
			item, _ := ref.given(t.Elem, items.Index(i).Interface())
			list = append(list, item)
		}
		return list, true
	}
	if m, ok := v.(map[string]any); ok {
		object := map[string]any{}
		for name, member := range m {
			field := ref.catalogue.Schema.Types[t.NamedType].Fields.ForName(name)
			if item, ok := ref.given(field.Type, member); ok {
				object[name] = item
			}
		}
		return object, true
	}
	return fmt.Sprint(v), true
}

// literal writes a value of a scalar as SQL.
func (ref *reference) literal(scalar string, o *plan.Object, v any) string {
	if list, ok := v.([]any); ok {
		items := []string{}
		for _, item := range list {
			items = append(items, ref.literal(scalar, o, item))
		}
		return "ARRAY[" + strings.Join(items, ", ") + "]::text[]"
	}
	text := v.(string)
	switch scalar {
	case "Int":
		return quoted(text) + "::int4"
	case "Float":
		return quoted(text) + "::float8"
	case "Boolean":
		return quoted(text) + "::bool"
	case "Date":
		return quoted(text) + "::date"
	case "DateTime":
		return quoted(text) + "::timestamptz"
	case "Decimal":
		return quoted(text) + "::numeric"
	case "ID":
		id, err := nodeid.Parse(text)
		if err != nil {
			ref.t.Fatalf("reference: %v", err)
		}
		if id.Prefix != o.Prefix {
			return "NULL::uuid" // names no row of this type
		}
		return quoted(id.UUID.String()) + "::uuid"
	}
	return quoted(text) + "::text"
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// ─────────────────────────── pieces of SQL ───────────────────────────

// names says what the placeholders of a piece of SQL stand for.
// parent ends in a point and the prefix of its columns.
type names struct {
	row, prefix, parent, link, value string
	args                             map[string]string
}

func (ref *reference) fill(piece plan.SQL, n names) string {
	before, rest, found := strings.Cut(string(piece), "{")
	if !found {
		return before
	}
	inside, after, _ := strings.Cut(rest, "}")
	words := append(strings.Fields(strings.ReplaceAll(inside, ".", " ")), "", "")
	text := n.row + "." + n.prefix + inside
	switch {
	case inside == "now":
		text = ref.now()
	case inside == "today":
		text = "(" + ref.now() + " AT TIME ZONE 'Europe/Berlin')::date"
	case inside == "arg":
		text = n.value
	case words[0] == "arg":
		text = n.args[words[1]]
	case words[0] == "parent":
		text = n.parent + words[1]
	case words[0] == "link":
		text = n.link + "." + words[1]
	case words[0] == "field":
		of := n
		if words[3] != "" {
			of = names{row: words[3]}
		}
		text = ref.fill(ref.catalogue.Object(words[1]).Fields[words[2]].Expr, of)
	case strings.HasPrefix(inside, "visible "):
		text = ref.visible(ref.catalogue.Object(words[1]), words[2])
	case strings.HasPrefix(inside, "listed "):
		o := ref.catalogue.Object(words[1])
		text = ref.visible(o, words[2]) + " AND " + ref.listed(o, words[2], nil)
	}
	return before + text + ref.fill(plan.SQL(after), n)
}

func (ref *reference) now() string {
	return quoted(ref.viewer.Now.UTC().Format(time.RFC3339Nano)) + "::timestamptz"
}

func (ref *reference) alias() string {
	ref.aliases++
	return "x" + strconv.Itoa(ref.aliases)
}

// visible is the condition for what the viewer may see of a type.
func (ref *reference) visible(o *plan.Object, alias string) string {
	rule := o.Visible.Public
	if ref.viewer.Role >= plan.Editor && o.Visible.Editor != "" {
		rule = o.Visible.Editor
	}
	if ref.viewer.Role >= plan.Moderator && o.Visible.Moderator != "" {
		rule = o.Visible.Moderator
	}
	cond := "true"
	if rule != "" {
		cond = "(" + ref.fill(rule, names{row: alias}) + ")"
	}
	if via := o.Visible.Via; via.Type != "" {
		holder, h := ref.catalogue.Object(via.Type), "holder_of_"+alias
		found := fmt.Sprintf("EXISTS (SELECT 1 FROM %s %s WHERE %s.id = %s.%s AND %s)", holder.Table, h, h, alias, via.Column, ref.visible(holder, h))
		if via.Optional {
			found = fmt.Sprintf("CASE WHEN %s.%s IS NULL THEN true ELSE %s END", alias, via.Column, found)
		}
		cond += " AND " + found
	}
	return cond
}

// listed is the condition for what lists show, given what they filter by.
func (ref *reference) listed(o *plan.Object, alias string, filter map[string]any) string {
	cond := "true"
	for _, l := range o.Listed {
		if !mentions(filter, l.Field) {
			cond += " AND (" + ref.fill(l.Where, names{row: alias}) + ")"
		}
	}
	return cond
}

func mentions(filter map[string]any, field string) bool {
	for name, v := range filter {
		switch name {
		case field:
			return true
		case "not":
			if mentions(v.(map[string]any), field) {
				return true
			}
		case "and", "or":
			for _, item := range v.([]any) {
				if mentions(item.(map[string]any), field) {
					return true
				}
			}
		}
	}
	return false
}

// placed is where the rows of a relation come from, each with a column that
// tells it from the others.
func (ref *reference) placed(rel *plan.Relation, target *plan.Object, n names) string {
	switch {
	case strings.HasPrefix(string(rel.Rows), "("):
		return "(SELECT *, row_number() OVER () AS ref_place FROM " + ref.fill(rel.Rows, n) + " computed)"
	case rel.Rows != "":
		return "(SELECT *, ctid AS ref_place FROM " + string(rel.Rows) + ")"
	case target.Prefix != "": // may be a view
		return "(SELECT *, id AS ref_place FROM " + string(target.Table) + ")"
	}
	return "(SELECT *, ctid AS ref_place FROM " + string(target.Table) + ")"
}

// related gives the FROM items and the condition for the rows of a relation that
// the viewer may see; alias names the row. parent is how its parent's columns
// begin: alias, point and prefix.
func (ref *reference) related(rel *plan.Relation, target *plan.Object, parent, alias string) (from, where string) {
	n := names{row: alias, parent: parent, link: "link_of_" + alias}
	from = "LATERAL " + ref.placed(rel, target, n) + " " + alias
	if rel.Link != "" {
		from = string(rel.Link) + " " + n.link + ", " + from
	}
	return from, "(" + ref.fill(rel.On, n) + ") AND " + ref.visible(target, alias)
}

// rowsOf reads the rows of a relation that its arguments leave, in its order.
func (ref *reference) rowsOf(parent row, rel *plan.Relation, target *plan.Object, f *asked) (rows []row) {
	n := names{row: "item", parent: "parent." + parent.prefix, link: "link_of_item"}
	from, where := ref.related(rel, target, n.parent, n.row)
	for name, v := range ref.args(f.field) {
		ref.visited(parent.o.Type + "." + f.field.Name + "." + name)
		n.value = ref.literal(f.field.Definition.Arguments.ForName(name).Type.Name(), target, v)
		where += " AND (" + ref.fill(rel.Args[name], n) + ")"
	}
	order := "item.ref_place"
	if rel.Order != "" {
		order = ref.fill(rel.Order, n)
	}
	for _, found := range ref.query("SELECT item.ref_place::text FROM %s parent, %s WHERE %s ORDER BY %s", parent.source, from, where, order) {
		source := fmt.Sprintf("(SELECT * FROM %s placed WHERE ref_place = '%s')", ref.placed(rel, target, n), found[0])
		if strings.HasPrefix(string(rel.Rows), "(") {
			source = fmt.Sprintf("(SELECT item.* FROM %s parent, %s WHERE item.ref_place = %s)", parent.source, from, found[0])
		}
		rows = append(rows, row{o: target, source: source})
	}
	return rows
}

// byKey is the row of a type with a key, if the viewer may see it.
func (ref *reference) byKey(o *plan.Object, key string) (row, bool) {
	return ref.one(o, "item.id = "+quoted(key))
}

func (ref *reference) one(o *plan.Object, where string) (row, bool) {
	found := ref.query("SELECT id::text FROM %s item WHERE %s AND %s", o.Table, where, ref.visible(o, "item"))
	if len(found) == 0 {
		return row{}, false
	}
	return row{o: o, source: fmt.Sprintf("(SELECT * FROM %s WHERE id = '%s')", o.Table, found[0][0])}, true
}

// ─────────────────────────── fields ───────────────────────────

// root reads a field of Query.
func (ref *reference) root(f *asked) any {
	args := ref.args(f.field)
	typeName := f.field.Definition.Type.Name()
	node := func(id any, path string) any {
		parsed, err := nodeid.Parse(id.(string))
		if err != nil {
			ref.t.Fatalf("reference: %v", err)
		}
		for _, o := range ref.catalogue.Objects() {
			if o.Prefix == parsed.Prefix {
				if r, ok := ref.byKey(o, parsed.UUID.String()); ok {
					return ref.object(r, path, f.sets)
				}
			}
		}
		return nil
	}
	switch {
	case f.field.Name == "node":
		return node(args["id"], f.path)
	case f.field.Name == "nodes":
		list := []any{}
		for i, id := range args["ids"].([]any) {
			item := node(id, fmt.Sprintf("%s.%d", f.path, i))
			if _, failed := item.(failure); failed {
				item = nil
			}
			list = append(list, item)
		}
		return list
	case strings.HasSuffix(typeName, "Connection"):
		o := ref.catalogue.Object(strings.TrimSuffix(typeName, "Connection"))
		return ref.connection(f, o, string(o.Table)+" item", ref.visible(o, "item"), false)
	}
	o, decl := ref.catalogue.Object(typeName), ref.catalogue.Root(f.field.Name)
	if decl.Rows != "" {
		n := names{args: map[string]string{}}
		for name, v := range args {
			ref.visited("Query." + f.field.Name + "." + name)
			n.args[name] = ref.literal(f.field.Definition.Arguments.ForName(name).Type.Name(), o, v)
		}
		rows := "(" + ref.fill(decl.Rows, n) + ")"
		if f.field.Definition.Type.Elem == nil {
			return ref.object(row{o: o, source: rows}, f.path, f.sets)
		}
		places := ref.query("SELECT rows.place::text FROM %s rows ORDER BY rows.place", rows)
		return ref.list(f.path, len(places), func(i int, path string) any {
			return ref.object(row{o: o, source: fmt.Sprintf("(SELECT * FROM %s rows WHERE place = %s)", rows, places[i][0])}, path, f.sets)
		})
	}
	for name, v := range args {
		ref.visited("Query." + f.field.Name + "." + name)
		value := ref.literal(f.field.Definition.Arguments.ForName(name).Type.Name(), o, v)
		if r, ok := ref.one(o, ref.fill(decl.Lookup[name], names{row: "item", value: value})); ok {
			return ref.object(r, f.path, f.sets)
		}
	}
	return nil
}

// object reads what is selected of a row.
func (ref *reference) object(r row, path string, sets []ast.SelectionSet) any {
	return ref.fields(r.o.Type, path, sets, func(f *asked) any { return ref.field(r, f) })
}

func (ref *reference) fields(typeName, path string, sets []ast.SelectionSet, read func(f *asked) any) any {
	out := members{}
	for _, f := range ref.collect(typeName, sets...) {
		f.path = strings.TrimPrefix(path+"."+f.key, ".")
		ref.visited(typeName + "." + f.field.Name)
		var v any = typeName
		if f.field.Name != "__typename" {
			v = read(f)
		}
		_, failed := v.(failure)
		if failed {
			v = nil
		}
		if v == nil && f.field.Definition.Type.NonNull {
			if !failed {
				ref.errors = append(ref.errors, f.path)
			}
			return failure{}
		}
		out = append(out, struct {
			key   string
			value any
		}{f.key, v})
	}
	return out
}

// list completes the items of a list; a null stands for nothing in any list of
// the schema but `nodes`.
func (ref *reference) list(path string, n int, read func(i int, path string) any) any {
	list := []any{}
	for i := range n {
		item := read(i, fmt.Sprintf("%s.%d", path, i))
		if _, failed := item.(failure); failed {
			return failure{}
		}
		list = append(list, item)
	}
	return list
}

func (ref *reference) field(r row, f *asked) any {
	decl, t := r.o.Fields[f.field.Name], f.field.Definition.Type
	target := ref.catalogue.Object(t.Name())
	switch {
	case decl.Expr != "":
		return ref.scalar(r, decl.Expr, t)
	case decl.Embed != nil:
		present := ref.query("SELECT (%s) IS NULL FROM %s item", ref.fill(decl.Embed.Present, names{row: "item", prefix: r.prefix}), r.source)
		if present[0][0] == "t" {
			return nil
		}
		return ref.object(row{o: target, source: r.source, prefix: r.prefix + decl.Embed.Prefix}, f.path, f.sets)
	case strings.HasSuffix(t.Name(), "Connection"):
		target = ref.catalogue.Object(strings.TrimSuffix(t.Name(), "Connection"))
		from, where := ref.related(decl.Relation, target, "parent."+r.prefix, "item")
		return ref.connection(f, target, r.source+" parent, "+from, where, decl.Relation.All)
	case len(decl.Relation.Either) > 0 && t.Elem == nil:
		if item, ok := ref.either(r, decl.Relation.Either); ok {
			return ref.object(item, f.path, f.sets)
		}
		return nil
	case len(decl.Relation.Either) > 0: // what the viewer may not see is not in the list
		var items []row
		for _, place := range ref.rowsOf(r, decl.Relation, &plan.Object{}, f) {
			if item, ok := ref.either(place, decl.Relation.Either); ok {
				items = append(items, item)
			}
		}
		return ref.list(f.path, len(items), func(i int, path string) any { return ref.object(items[i], path, f.sets) })
	}
	rows := ref.rowsOf(r, decl.Relation, target, f)
	if t.Elem != nil {
		return ref.list(f.path, len(rows), func(i int, path string) any { return ref.object(rows[i], path, f.sets) })
	}
	switch len(rows) {
	case 0:
		return nil
	case 1:
		if present := decl.Relation.Present(); present != "" && ref.query("SELECT (%s) IS NULL FROM %s item", ref.fill(present, names{row: "item"}), rows[0].source)[0][0] == "t" {
			return nil
		}
		return ref.object(rows[0], f.path, f.sets)
	}
	ref.t.Fatalf("reference: %s.%s is not one row but %d", r.o.Type, f.field.Name, len(rows))
	return nil
}

// either follows the column that is set.
func (ref *reference) either(r row, variants []plan.Variant) (row, bool) {
	for _, v := range variants {
		if key := ref.query("SELECT item.%s%s::text FROM %s item", r.prefix, v.Column, r.source)[0][0]; key != null {
			return ref.byKey(ref.catalogue.Object(v.Type), key)
		}
	}
	return row{}, false
}

// scalar reads one value as text and makes JSON of it.
func (ref *reference) scalar(r row, expr plan.SQL, t *ast.Type) any {
	sql := "(" + ref.fill(expr, names{row: "item", prefix: r.prefix}) + ")"
	switch {
	case t.Elem != nil:
		sql = "array_to_json" + sql
	case t.Name() == "DateTime":
		sql = "replace((" + sql + " AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z'"
	}
	text := ref.query("SELECT (%s)::text FROM %s item", sql, r.source)[0][0]
	if text == null {
		return nil
	}
	if t.Elem != nil {
		var list []any
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			ref.t.Fatalf("reference: %v", err)
		}
		return list
	}
	switch t.Name() {
	case "Int":
		return json.Number(text)
	case "Float":
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			ref.t.Fatalf("reference: %v", err)
		}
		return number
	case "Boolean":
		return text == "true"
	case "ID":
		return r.o.Prefix + "_" + base32(text)
	}
	return text
}

// base32 writes a UUID as TypeIDs do: 26 digits of five bits, the first of three.
func base32(uuid string) string {
	bits := "00"
	for _, c := range strings.ReplaceAll(uuid, "-", "") {
		digit, _ := strconv.ParseUint(string(c), 16, 8)
		bits += fmt.Sprintf("%04b", digit)
	}
	var text strings.Builder
	for i := 0; i < len(bits); i += 5 {
		digit, _ := strconv.ParseUint(bits[i:i+5], 2, 8)
		text.WriteByte("0123456789abcdefghjkmnpqrstvwxyz"[digit])
	}
	return text.String()
}

// ─────────────────────────── connections ───────────────────────────

// connection reads a page of the rows r of FROM items.
func (ref *reference) connection(f *asked, o *plan.Object, from, where string, all bool) any {
	args := ref.args(f.field)
	filter, _ := args["filter"].(map[string]any)
	where += " AND " + ref.matches(o, "item", "", filter)
	if !all {
		where += " AND " + ref.listed(o, "item", filter)
	}
	terms := ref.terms(o, args["orderBy"])
	rank, list := ref.rank(o, terms), ref.listName(o, terms)
	var ids []string
	for _, found := range ref.query("SELECT item.id::text FROM %s WHERE %s", from, where) {
		ids = append(ids, found[0])
	}
	sort.Slice(ids, func(i, j int) bool { return rank[ids[i]] < rank[ids[j]] })
	unpaged, total := slices.Clone(ids), len(ids)

	// The page lies behind `after` and in front of `before`, and is cut to size.
	size, hasNext, hasPrevious := 20, false, false
	var empty any // the cursor of an empty page
	for _, side := range []string{"before", "after"} {
		cursor, ok := args[side]
		if !ok {
			continue
		}
		ref.visited(o.Type + "Connection." + side)
		id := rowOfCursor(cursor.(string))
		place, ok := rank[id]
		if !ok {
			ref.t.Fatalf("reference: no row has the cursor %s", cursor)
		}
		empty = cursorOf{list, id}
		if side == "before" {
			hasNext = slices.ContainsFunc(unpaged, func(id string) bool { return rank[id] >= place })
			ids = slices.DeleteFunc(ids, func(id string) bool { return rank[id] >= place })
		} else {
			hasPrevious = slices.ContainsFunc(unpaged, func(id string) bool { return rank[id] <= place })
			ids = slices.DeleteFunc(ids, func(id string) bool { return rank[id] <= place })
		}
	}
	if first, ok := args["first"]; ok {
		ref.visited(o.Type + "Connection.first")
		size, _ = strconv.Atoi(first.(string))
	}
	if last, ok := args["last"]; ok {
		ref.visited(o.Type + "Connection.last")
		if size, _ = strconv.Atoi(last.(string)); len(ids) > size {
			ids, hasPrevious = ids[len(ids)-size:], true
		}
	} else if len(ids) > size {
		ids, hasNext = ids[:size], true
	}

	node := func(i int, path string, sets []ast.SelectionSet) any {
		return ref.object(row{o: o, source: fmt.Sprintf("(SELECT * FROM %s WHERE id = '%s')", o.Table, ids[i])}, path, sets)
	}
	return ref.fields(o.Type+"Connection", f.path, f.sets, func(f *asked) any {
		switch f.field.Name {
		case "totalCount":
			return total
		case "totalCountPrecision":
			return "EXACT"
		case "nodes":
			return ref.list(f.path, len(ids), func(i int, path string) any { return node(i, path, f.sets) })
		case "edges":
			return ref.list(f.path, len(ids), func(i int, path string) any {
				return ref.fields(o.Type+"Edge", path, f.sets, func(f *asked) any {
					if f.field.Name == "cursor" {
						return cursorOf{list, ids[i]}
					}
					return node(i, f.path, f.sets)
				})
			})
		}
		return ref.fields("PageInfo", f.path, f.sets, func(f *asked) any {
			switch {
			case f.field.Name == "hasNextPage":
				return hasNext
			case f.field.Name == "hasPreviousPage":
				return hasPrevious
			case len(ids) == 0:
				return empty
			case f.field.Name == "startCursor":
				return cursorOf{list, ids[0]}
			}
			return cursorOf{list, ids[len(ids)-1]}
		})
	})
}

// terms reads an `orderBy`. A field that stands twice counts where it stands
// first.
func (ref *reference) terms(o *plan.Object, orderBy any) (terms []plan.Term) {
	list, _ := orderBy.([]any)
	if len(list) == 0 {
		return o.Order
	}
	for _, item := range list {
		given := item.(map[string]any)
		direction, nulls := "ASC", "LAST"
		if given["direction"] != nil {
			direction = given["direction"].(string)
		}
		if given["nulls"] != nil {
			nulls = given["nulls"].(string)
		}
		term := plan.Term{Desc: direction == "DESC", NullsFirst: nulls == "FIRST"}
		for field := range o.Fields { // AREA_KM2 is areaKm2
			if strings.EqualFold(field, strings.ReplaceAll(given["field"].(string), "_", "")) {
				term.Field = field
			}
		}
		ref.visited(fmt.Sprintf("%sOrderField.%s.%s.%s", o.Type, given["field"], direction, nulls))
		if !slices.ContainsFunc(terms, func(t plan.Term) bool { return t.Field == term.Field }) {
			terms = append(terms, term)
		}
	}
	return terms
}

// rank numbers all rows of a type in an order.
func (ref *reference) rank(o *plan.Object, terms []plan.Term) map[string]int {
	var keys []string
	for _, t := range terms {
		decl := o.Fields[t.Field]
		piece := decl.Expr
		if decl.Sort != "" {
			piece = decl.Sort
		}
		if decl.Embed != nil {
			piece = decl.Embed.Present
		}
		keys = append(keys, ref.fill(piece, names{row: "item"})+
			map[bool]string{true: " DESC", false: " ASC"}[t.Desc]+map[bool]string{true: " NULLS FIRST", false: " NULLS LAST"}[t.NullsFirst])
	}
	sql := fmt.Sprintf("SELECT item.id::text FROM %s item ORDER BY %s", o.Table, strings.Join(append(keys, "item.id"), ", "))
	if ref.ranks[sql] == nil {
		ref.ranks[sql] = map[string]int{}
		for i, found := range ref.query("%s", sql) {
			ref.ranks[sql][found[0]] = i
		}
	}
	return ref.ranks[sql]
}

// listName tells lists apart whose cursors are not to be mixed.
func (ref *reference) listName(o *plan.Object, terms []plan.Term) string {
	return fmt.Sprintf("%d %v %s %+v", ref.viewer.Role, ref.viewer.Now, o.Type, terms)
}

// ─────────────────────────── filters ───────────────────────────

// matches is a filter as a condition that is true or false, never unknown.
func (ref *reference) matches(o *plan.Object, alias, prefix string, filter map[string]any) string {
	cond := "true"
	for _, name := range slices.Sorted(maps.Keys(filter)) {
		v := filter[name]
		switch name {
		case "and", "or":
			ref.visited(o.Type + "Filter." + name)
			var parts []string
			for _, item := range v.([]any) {
				parts = append(parts, "("+ref.matches(o, alias, prefix, item.(map[string]any))+")")
			}
			if name == "or" {
				cond += " AND (" + strings.Join(append(parts, "false"), " OR ") + ")"
			} else {
				cond += " AND (" + strings.Join(append(parts, "true"), " AND ") + ")"
			}
		case "not":
			ref.visited(o.Type + "Filter.not")
			cond += " AND NOT (" + ref.matches(o, alias, prefix, v.(map[string]any)) + ")"
		default:
			cond += " AND " + ref.compares(o, o.Type+"Filter."+name, alias, prefix, name, v.(map[string]any))
		}
	}
	return cond
}

// compares is the condition on one field.
func (ref *reference) compares(o *plan.Object, item, alias, prefix, name string, ops map[string]any) string {
	ref.visited(item)
	decl := o.Fields[name]
	typeName := ref.catalogue.Schema.Types[o.Type].Fields.ForName(name).Type.Name()
	cond := "true"
	switch {
	case decl.Expr != "":
		expr := ref.fill(decl.Expr, names{row: alias, prefix: prefix})
		for _, op := range slices.Sorted(maps.Keys(ops)) {
			ref.visited(item + "." + op)
			cond += " AND " + ref.operator(op, expr, typeName, o, ops[op])
		}
	case decl.Embed != nil:
		for _, op := range slices.Sorted(maps.Keys(ops)) {
			if op == "isNull" {
				ref.visited(item + ".isNull")
				present := ref.fill(decl.Embed.Present, names{row: alias, prefix: prefix})
				cond += fmt.Sprintf(" AND ((%s) IS NULL) = %s", present, ops[op])
				continue
			}
			cond += " AND " + ref.compares(ref.catalogue.Object(typeName), item+"."+op, alias, prefix+decl.Embed.Prefix, op, ops[op].(map[string]any))
		}
	default:
		target := ref.catalogue.Object(strings.TrimSuffix(typeName, "Connection"))
		found := func(filter any) string {
			r := ref.alias()
			defer func() { ref.aliases-- }()
			from, where := ref.related(decl.Relation, target, alias+"."+prefix, r)
			return fmt.Sprintf("(SELECT count(*) FROM %s WHERE %s AND %s)", from, where, ref.matches(target, r, "", filter.(map[string]any)))
		}
		input := ref.catalogue.Schema.Types[o.Type+"Filter"].Fields.ForName(name).Type.Name()
		if !strings.HasSuffix(input, "ListFilter") {
			return found(ops) + " > 0"
		}
		if some, ok := ops["some"]; ok {
			ref.visited(item + ".some")
			cond += " AND " + found(some) + " > 0"
		}
		if none, ok := ops["none"]; ok {
			ref.visited(item + ".none")
			cond += " AND " + found(none) + " = 0"
		}
	}
	return "(" + cond + ")"
}

func (ref *reference) operator(op, expr, scalar string, o *plan.Object, v any) string {
	is := func(comparison string, v any) string {
		return fmt.Sprintf("coalesce((%s) %s %s, false)", expr, comparison, ref.literal(scalar, o, v))
	}
	anyOf := func() string {
		cond := "false"
		for _, item := range v.([]any) {
			cond += " OR " + is("=", item)
		}
		return "(" + cond + ")"
	}
	switch op {
	case "eq":
		return is("=", v)
	case "ne":
		return "NOT " + is("=", v)
	case "in":
		return anyOf()
	case "notIn":
		return "NOT " + anyOf()
	case "lt":
		return is("<", v)
	case "lte":
		return is("<=", v)
	case "gt":
		return is(">", v)
	case "gte":
		return is(">=", v)
	case "contains":
		return fmt.Sprintf("coalesce(position(fold(%s) IN fold(%s)) > 0, false)", ref.literal(scalar, o, v), expr)
	case "startsWith":
		return fmt.Sprintf("coalesce(starts_with(fold(%s), fold(%s)), false)", expr, ref.literal(scalar, o, v))
	case "isNull":
		return fmt.Sprintf("((%s) IS NULL) = %s", expr, v)
	}
	ref.t.Fatalf("reference: unknown operator %s", op)
	return ""
}
