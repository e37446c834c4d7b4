package plan

import (
	"fmt"
	"maps"
	"sort"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
)

// SQL is a constant piece of a statement. A string that a caller sent does not
// convert into it by accident; values are always parameters. In a piece
//
//	{column}             is a column of the row that the piece is about
//	{parent.column}      is a column of the row that a relation starts from
//	{link.column}        is a column of the link table of a relation
//	{arg}                is the argument of a look-up or a list, {arg.name} of a root that is a query
//	{now}, {today}       are the instant and the German day of the operation
//	{visible Type alias} is what the caller may see of a type, for a row named alias
//	{listed Type alias}  is what lists show of it
//	{field Type.name}    is a computed field of a type, for the row that the piece is about,
//	                     or with an alias behind it, for the row of that name
type SQL string

// Object declares the readable shape of one GraphQL type.
type Object struct {
	Type   string
	Table  SQL      // where its rows are; empty for a value that lives in columns of its holder
	Prefix string   // of its global ids; empty if it has none
	Unique []string // fields, beside id, of which no two rows have the same value
	Keyed  bool     // its rows have a key in the column id, though no global id

	Visible Visibility // which rows a caller may see, on every path
	Listed  []Listing  // which of them lists leave out unless asked
	Order   []Term     // of connections that are given none

	Fields Fields
}

// Fields maps the fields of a GraphQL type to where they are read from.
type Fields map[string]Field

// Visibility is the predicate for each role; one that is not given is that of the
// role before. An empty one holds for every row. Via adds that the row's holder
// is visible.
type Visibility struct {
	Public, Editor, Moderator SQL
	Via                       Via
}

// Via names the type and the column that a row hangs on. Optional says that the
// column may be null: then nothing but the row itself decides.
type Via struct {
	Type     string
	Column   string
	Optional bool
}

// Listing leaves rows out of connections unless the filter speaks of the field.
type Listing struct {
	Field string
	Where SQL
}

// Term is one key of an order.
type Term struct {
	Field      string
	Desc       bool
	NullsFirst bool
}

// Field says where one field of a type is read from. Exactly one of Expr,
// Relation and Embed is set.
type Field struct {
	Expr     SQL
	Sort     SQL // what to order by, if it is not Expr
	Relation *Relation
	Embed    *Embed
}

// Column is a field that is a column of the table.
func Column(name string) Field { return Field{Expr: SQL("{" + name + "}")} }

// Text is a column that people read: it is ordered the German way.
func Text(name string) Field {
	return Field{Expr: SQL("{" + name + "}"), Sort: SQL("{" + name + "} COLLATE \"de-x-icu\"")}
}

// Expr is a field that is computed.
func Expr(sql SQL) Field { return Field{Expr: sql} }

// Embed is a value object that lives in prefixed columns of its holder.
type Embed struct {
	Prefix  string
	Anchor  string // the field of the value that it is ordered by
	Present SQL    // null if the holder has no such value
}

// Value is a value object whose columns begin with prefix; anchor is the one
// of them that is null if there is no value.
func Value(prefix, anchor string) Field {
	return Field{Embed: &Embed{Prefix: prefix, Anchor: anchor, Present: SQL("{" + prefix + anchor + "}")}}
}

// ValueIf is a value object whose presence takes more than one column to tell.
func ValueIf(prefix string, present SQL) Field {
	return Field{Embed: &Embed{Prefix: prefix, Present: present}}
}

// Relation says which rows of another type belong to a row. Whether it is read
// as one item, a list or a connection is up to the schema.
type Relation struct {
	Rows   SQL // what the rows come from, if not the table of the target type
	Link   SQL // a table in between
	On     SQL // which rows belong to the parent
	Order  SQL // of a list
	Either []Variant
	Args   map[string]SQL // for each argument of a list a condition on {arg}, if it is given
	All    bool           // nothing is left out as not listed: the parent names its members

	present SQL    // of a computed value: null if there is none
	child   string // the column of the target that holds the parent's key, if it is that simple
	column  string // the column of the parent that holds the target's key, if it is that simple
}

// Present is the column of a computed value that is null if there is none; empty
// if there always is one.
func (r *Relation) Present() SQL { return r.present }

// Variant is one type that a place of an interface type may hold, and the
// column with its key.
type Variant struct {
	Type   string
	Column string
}

// One follows a column to the row it names.
func One(column string) Field {
	return Field{Relation: &Relation{On: SQL("{id} = {parent." + column + "}"), column: column}}
}

// Held are the rows whose column names this row.
func Held(column string, order SQL) Field {
	return Field{Relation: &Relation{On: SQL("{" + column + "} = {parent.id}"), Order: order, child: column}}
}

// Rows are value objects in a table of their own, whose column names this row.
func Rows(table SQL, column string, order SQL) Field {
	f := Held(column, order)
	f.Relation.Rows = table
	return f
}

// Through are the rows that a link table connects with this row.
func Through(link SQL, parent, child string) Field {
	return Field{Relation: &Relation{
		Link: link, Order: "{link.position}", All: true,
		On: SQL("{link." + parent + "} = {parent.id} AND {id} = {link." + child + "}"),
	}}
}

// And narrows a relation.
func (f Field) And(sql SQL) Field {
	r := *f.Relation
	r.On += " AND " + sql
	r.column = ""
	f.Relation = &r
	return f
}

// By orders a list.
func (f Field) By(order SQL) Field {
	r := *f.Relation
	r.Order = order
	f.Relation = &r
	return f
}

// Joined is a relation given by its condition.
func Joined(on SQL) Field { return Field{Relation: &Relation{On: on}} }

// Computed is a value object, or a list of them, that a query over the parent
// gives; it may use {parent.column}.
func Computed(query SQL) Field {
	return Field{Relation: &Relation{Rows: "(" + query + ")", On: "true"}}
}

// Where narrows a list by an argument, if it is given.
func (f Field) Where(argument string, sql SQL) Field {
	r := *f.Relation
	r.Args = map[string]SQL{argument: sql}
	f.Relation = &r
	return f
}

// If says which column of a computed value is null if there is none.
func (f Field) If(column string) Field {
	r := *f.Relation
	r.present = SQL("{" + column + "}")
	f.Relation = &r
	return f
}

// Either is a place that holds a row of one of several types: for each type a
// column of this row names it, and at most one of the columns is set.
func Either(variants ...Variant) Field { return Field{Relation: &Relation{Either: variants}} }

// Eithers is a list of such places: rows names the table of the places, column
// the one that holds this row's key.
func Eithers(rows SQL, column string, order SQL, variants ...Variant) Field {
	return Field{Relation: &Relation{Rows: rows, On: SQL("{" + column + "} = {parent.id}"), Order: order, Either: variants}}
}

// Root declares one field of Query.
type Root struct {
	Name string
	// Lookup finds a single row: for each argument a condition on {arg}.
	Lookup map[string]SQL
	// Rows is a query whose single row, or whose rows in the order of their
	// column place, are the answer. It may use its arguments as {arg.name}.
	Rows SQL
	// Items bounds the lists among its arguments, if not at 100.
	Items int
}

// Catalogue is everything that can be read, checked against the schema.
type Catalogue struct {
	Schema  *ast.Schema
	objects map[string]*Object
	roots   map[string]*Root
	byID    map[string]*Object // by prefix of ids
	orders  sync.Map           // of types, by their declarations
}

// NewCatalogue puts the declarations together and checks that they keep what
// the schema promises, field by field.
func NewCatalogue(schema *ast.Schema, objects []Object, roots []Root) (*Catalogue, error) {
	c := &Catalogue{Schema: schema, objects: map[string]*Object{}, roots: map[string]*Root{}, byID: map[string]*Object{}}
	for i := range objects {
		o := &objects[i]
		if c.objects[o.Type] != nil {
			return nil, fmt.Errorf("catalogue: %s is declared twice", o.Type)
		}
		c.objects[o.Type] = o
		if o.Prefix != "" {
			if c.byID[o.Prefix] != nil {
				return nil, fmt.Errorf("catalogue: %s and %s share the id prefix %q", c.byID[o.Prefix].Type, o.Type, o.Prefix)
			}
			c.byID[o.Prefix] = o
			fields := Fields{"id": Column("id")} // the declaration is not ours to change
			maps.Copy(fields, o.Fields)
			o.Fields = fields
		}
	}
	for i := range roots {
		c.roots[roots[i].Name] = &roots[i]
	}
	if problems := c.check(); len(problems) > 0 {
		sort.Strings(problems)
		return nil, fmt.Errorf("catalogue: %s", strings.Join(problems, "; "))
	}
	return c, nil
}

// Objects lists the declared types by name.
func (c *Catalogue) Objects() []*Object {
	all := make([]*Object, 0, len(c.objects))
	for _, o := range c.objects {
		all = append(all, o)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Type < all[j].Type })
	return all
}

// Object is the declaration of a type, nil if it has none.
func (c *Catalogue) Object(name string) *Object { return c.objects[name] }

// Root is the declaration of a field of Query, nil if it needs none.
func (c *Catalogue) Root(name string) *Root { return c.roots[name] }

// nodeOf gives the type that a connection type lists, "" for other types.
func (c *Catalogue) nodeOf(name string) string {
	base, ok := strings.CutSuffix(name, "Connection")
	if !ok || c.Schema.Types[name] == nil {
		return ""
	}
	return base
}

// check finds what the schema promises and no declaration keeps, and the
// other way round.
func (c *Catalogue) check() (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, def := range c.Schema.Types {
		switch {
		case def.BuiltIn, def.Kind != ast.Object, def == c.Schema.Query, def == c.Schema.Mutation, def == c.Schema.Subscription:
			continue
		case def.Name == "PageInfo", strings.HasSuffix(def.Name, "Edge") && c.Schema.Types[strings.TrimSuffix(def.Name, "Edge")+"Connection"] != nil:
			continue
		case c.nodeOf(def.Name) != "":
			if c.objects[c.nodeOf(def.Name)] == nil {
				bad("%s lists a type that is not declared", def.Name)
			}
			continue
		}
		o := c.objects[def.Name]
		if o == nil {
			bad("type %s is not declared", def.Name)
			continue
		}
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			decl, ok := o.Fields[f.Name]
			if !ok {
				bad("field %s.%s is not declared", def.Name, f.Name)
				continue
			}
			if f.Type.NonNull && f.Type.Elem == nil && decl.Relation != nil && c.nodeOf(f.Type.Name()) == "" && !c.kept(o, decl.Relation, f.Type.Name()) {
				bad("field %s.%s promises a row that the viewer may not be allowed to see", def.Name, f.Name)
			}
			if rel := decl.Relation; rel != nil && o.Prefix == "" && !o.Keyed && strings.Contains(string(rel.Rows+rel.On), "{parent.id}") {
				bad("field %s.%s starts from the id of a type that has none", def.Name, f.Name)
			}
			for _, a := range f.Arguments {
				if c.nodeOf(f.Type.Name()) == "" && (f.Type.Elem == nil || decl.Relation == nil || decl.Relation.Args[a.Name] == "") {
					bad("argument %s.%s(%s:) has no condition", def.Name, f.Name, a.Name)
				}
			}
			leaf := c.Schema.Types[f.Type.Name()].IsLeafType()
			if leaf != (decl.Expr != "") {
				bad("field %s.%s is declared as another kind than the schema says", def.Name, f.Name)
			}
		}
		for name := range o.Fields {
			if def.Fields.ForName(name) == nil {
				bad("declared field %s.%s is not in the schema", def.Name, name)
			}
		}
		problems = append(problems, c.checkFilter(o)...)
		problems = append(problems, c.checkOrder(o)...)
	}
	for name := range c.objects {
		if c.Schema.Types[name] == nil {
			bad("declared type %s is not in the schema", name)
		}
	}
	for _, f := range c.Schema.Query.Fields {
		t := c.Schema.Types[f.Type.Name()]
		if strings.HasPrefix(f.Name, "__") || c.nodeOf(t.Name) != "" || f.Name == "node" || f.Name == "nodes" {
			continue
		}
		if c.roots[f.Name] == nil {
			bad("Query.%s is not declared", f.Name)
		}
	}
	for name, r := range c.roots {
		f := c.Schema.Query.Fields.ForName(name)
		if f == nil {
			bad("declared root %s is not in the schema", name)
			continue
		}
		for _, a := range f.Arguments {
			if r.Lookup[a.Name] == "" && !strings.Contains(string(r.Rows), "{arg."+a.Name+"}") {
				bad("Query.%s(%s:) has no condition", name, a.Name)
			}
		}
	}
	return problems
}

// kept says whether a to-one relation always finds its row: all rows of its type
// are visible, or the holder is visible only with them.
func (c *Catalogue) kept(o *Object, rel *Relation, target string) bool {
	switch {
	case rel.Rows != "":
		return rel.present == ""
	case len(rel.Either) > 0:
		return o.Visible.Public != ""
	case o.Visible.Via.Type == target:
		return rel.On == One(o.Visible.Via.Column).Relation.On
	}
	t := c.objects[target]
	return t != nil && (t.Visible == Visibility{})
}

// checkFilter: a filter field is named like the field whose values it compares.
func (c *Catalogue) checkFilter(o *Object) (problems []string) {
	def := c.Schema.Types[o.Type+"Filter"]
	if def == nil || def.Kind != ast.InputObject {
		return nil
	}
	for _, f := range def.Fields {
		if _, ok := o.Fields[f.Name]; !ok && f.Name != "and" && f.Name != "or" && f.Name != "not" && f.Name != "isNull" {
			problems = append(problems, fmt.Sprintf("%s.%s compares a field that is not declared", def.Name, f.Name))
		}
	}
	return problems
}

// checkOrder: an enum value of an order is named like the field it compares.
func (c *Catalogue) checkOrder(o *Object) (problems []string) {
	def := c.Schema.Types[o.Type+"OrderField"]
	if def == nil {
		return nil
	}
	for _, v := range def.EnumValues {
		if _, err := c.orderField(o, fieldOf(v.Name)); err != nil {
			problems = append(problems, fmt.Sprintf("%s.%s: %v", def.Name, v.Name, err))
		}
	}
	if len(o.Order) == 0 {
		problems = append(problems, fmt.Sprintf("%s has no order of its own", o.Type))
	}
	for _, t := range o.Order {
		if _, err := c.orderField(o, t.Field); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", o.Type, err))
		}
	}
	return problems
}

// fieldOf turns an enum value of an order into the field that it names:
// PUBLISHED_ON is publishedOn.
func fieldOf(value string) string {
	var b strings.Builder
	for i, part := range strings.Split(strings.ToLower(value), "_") {
		if i > 0 && part != "" {
			part = strings.ToUpper(part[:1]) + part[1:]
		}
		b.WriteString(part)
	}
	return b.String()
}
