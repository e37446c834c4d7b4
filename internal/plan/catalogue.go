package plan

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"
)

// SQL is a constant piece of a statement. A string that a caller sent does not
// convert into it by accident; values are always parameters. In a piece
//
//	{column}             is a column of the row that the piece is about
//	{parent.column}      is a column of the row that a relation starts from
//	{link.column}        is a column of the link table of a relation
//	{arg}                is the argument of a look-up, a list or a condition, {arg.name} one of several,
//	                     {arg.name.member} a member of an input object; null if it is not given
//	{tsquery arg.name}   is that argument read as words to search for; see conversions for other readings
//	{search Type alias}  is the text of a row from which hits show a piece, {label Type alias} what
//	                     suggestions call it
//	{now}, {today}       are the instant and the German day of the operation
//	{viewer}             is the key of the token that reads; null for the public
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
	Made   bool     // it is made in Go, of columns of its holder
	Keyed  bool     // its rows have a key in the column id, though no global id

	// Rows are those of Table if they are computed: a query with the columns type and
	// id, and of the others those that the statement uses. With is what it and other
	// pieces of the type read, in front of it.
	Rows func(used func(column string) bool) SQL
	With SQL

	Visible Visibility // which rows a caller may see, on every path
	Listed  []Listing  // which of them lists leave out unless asked
	Order   []Term     // of connections that are given none

	Fields  Fields
	Filters map[string]SQL  // conditions beside those on fields, by name in the filter
	Sorts   map[string]Sort // what lists are ordered by beside fields, by name as of a field
	Facets  map[string]Facet
	Sum     string // the field of money that groupings add up
	Named   Named
	Beside  map[string]SQL // fields of its connection about the list as a whole
	Search  *Search        // how full-text search finds its rows; nil if it does not
}

// Sort is something to order by that is no field. As its argument it may use a
// condition of the list's filter.
type Sort struct {
	By     SQL
	Scalar string // its GraphQL type
	Null   bool   // it may be null

	// Then is a text by which those go on that are equal so far, always ascending.
	Then SQL
}

// Facet is a dimension by which the rows of a list are counted: the values of a
// field, or of what relations lead to.
type Facet struct {
	Path    []string // relations, one after the other, and a field unless the last one's target has a name
	Year    bool     // of a date
	Filters []string // the conditions of a filter that choose from it: a facet counts without them
}

// By counts by the field at the end of a path of relations, or by what the last
// relation leads to. Conditions on the first step of the path choose from it.
func By(path ...string) Facet { return Facet{Path: path, Filters: path[:1]} }

// ByYear counts by the year of a date.
func ByYear(path ...string) Facet { return Facet{Path: path, Filters: path[:1], Year: true} }

// With names other conditions that choose from a facet.
func (f Facet) With(conditions ...string) Facet {
	f.Filters = slices.Concat(f.Filters, conditions)
	return f
}

// Named are the fields by which a row stands in filters and to readers.
type Named struct{ Key, Label string }

// Search says by which texts of a row full-text search finds it, and what of it
// narrows a search. Each piece is about a row of the type's table; an empty one
// stands for nothing.
type Search struct {
	Title   SQL // what names it: weight A
	Labels  SQL // kicker, keywords, names of what it belongs to: weight B
	Summary SQL // weight C
	Body    SQL // as plain text: weight D

	ByName bool // a row is not found by its summary and body alone; what is there only narrows

	Label SQL     // what tells namesakes apart where hits are shown, if not the title
	Found SQL     // which rows a search over all types finds, if not those that lists show
	Boost float64 // of its relevance beside that of other types, if not 1
	Kinds SQL     // an array of words for what it is, folded, of which people put one before its name
	Fame  SQL     // from 0 to 1, how likely somebody means it who has typed its name or what it begins with; 0.5 if not given

	Date           SQL // the day that it is from
	Municipalities SQL // an array of keys of municipalities
	States         SQL // an array of keys of states
	Topics         SQL // an array of keys of topics
}

// Fields maps the fields of a GraphQL type to where they are read from.
type Fields map[string]Field

// Visibility is the predicate for each role; one that is not given is that of the
// role before. An empty one holds for every row. Via adds that the row's holder
// is visible.
type Visibility struct {
	Public, Editor, Moderator, Admin SQL
	Via                              Via
}

// of is the predicate for a role.
func (v Visibility) of(role Role) SQL {
	sql := v.Public
	for at, more := range []SQL{Editor: v.Editor, Moderator: v.Moderator, Admin: v.Admin} {
		if more != "" && role >= Role(at) {
			sql = more
		}
	}
	return sql
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
// Relation, Embed and Made is set.
type Field struct {
	Expr     SQL
	Sort     SQL // what to order by, if it is not Expr
	Stored   SQL // what was written, if Expr is what it means today
	Relation *Relation
	Embed    *Embed
	Made     *Made

	// Least is the least role that may ask for it. Others are refused before
	// anything is read, whatever there is.
	Least Role
}

// For keeps a field to a role and those above it. It must not be compared or ordered
// by, which would tell of it.
func (f Field) For(least Role) Field {
	f.Least = least
	return f
}

// Column is a field that is a column of the table.
func Column(name string) Field { return Field{Expr: SQL("{" + name + "}")} }

// Text is a column that people read: it is ordered the German way.
func Text(name string) Field {
	return Field{Expr: SQL("{" + name + "}"), Sort: SQL("{" + name + "} COLLATE \"de-x-icu\"")}
}

// From says which column what a field tells was written to.
func (f Field) From(column string) Field {
	f.Stored = SQL("{" + column + "}")
	return f
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

	present SQL       // of a computed value: null if there is none
	child   string    // the column of the target that holds the parent's key, if it is that simple
	column  string    // the column of the parent that holds the target's key, if it is that simple
	linked  *Relation // the same through a link table, for filters
}

// Present is the column of a computed value that is null if there is none; empty
// if there always is one.
func (r *Relation) Present() SQL { return r.present }

// Variant is one type that a place of an interface type may hold, and the
// column with its key.
type Variant struct {
	Type   string
	Column string
	When   SQL // tells that it is this type; if empty, that the column is set
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
	r.column, r.linked = "", nil
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

// Linked are the rows that a link table connects with this row, be it more than
// once. To filter by them it is a table between: Postgres turns an EXISTS inside
// another one, which is about the rows around both, into a look at all there is.
func Linked(link SQL, parent, child string) Field {
	of, has := SQL(parent), SQL(child)
	return Field{Relation: &Relation{
		On:     "EXISTS (SELECT FROM " + link + " l WHERE l." + has + " = {id} AND l." + of + " = {parent.id})",
		linked: &Relation{Link: link, On: "{link." + of + "} = {parent.id} AND {id} = {link." + has + "}"},
	}}
}

// Computed is a value object, or a list of them, that a query over the parent
// gives; it may use {parent.column}, and a list {arg.name}.
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
	// Listed is, of a connection, what it leaves out unless its filter asks for it, if
	// not what all lists of the type do.
	Listed []Listing
	// Feed is the order of a connection that has no other; nil if it does.
	Feed *Feed
	// Least is the least role that may ask for it.
	Least Role
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
	if types := searched(schema, objects); types != nil {
		object, root := suggestion(types)
		objects = append(slices.Clip(objects), searchHit(types), object, Object{Type: "Highlight", Made: true}, Object{Type: "TextRange", Made: true})
		roots = append(slices.Clip(roots), root)
	}
	for i := range objects {
		o := c.searchable(&objects[i])
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

// Prefix is that of the global ids of a type, "" if it has none.
func (c *Catalogue) Prefix(typeName string) string {
	if o := c.objects[typeName]; o != nil {
		return o.Prefix
	}
	return ""
}

// Root is the declaration of a field of Query, nil if it needs none.
func (c *Catalogue) Root(name string) *Root { return c.roots[name] }

// target is the type of the rows that a relation leads to.
func (c *Catalogue) target(o *Object, field string) *Object {
	name := c.Schema.Types[o.Type].Fields.ForName(field).Type.Name()
	if node := c.nodeOf(name); node != "" {
		name = node
	}
	return c.objects[name]
}

// nodeOf gives the type that a connection type lists, "" for other types.
func (c *Catalogue) nodeOf(name string) string {
	base, ok := strings.CutSuffix(name, "Connection")
	if !ok || c.Schema.Types[name] == nil {
		return ""
	}
	return base
}

// Answers says whether a type is one of those that mutations answer with, or
// subscriptions tell: nothing is read of them.
func (c *Catalogue) Answers(def *ast.Definition) bool {
	return c.objects[def.Name] == nil && c.tells(def) || strings.HasSuffix(def.Name, "Payload") || def.Name == "UserError" ||
		strings.HasSuffix(def.Name, "Result") && def.Kind == ast.Object
}

// tells says whether a field of Subscription has a type.
func (c *Catalogue) tells(def *ast.Definition) bool {
	return c.Schema.Subscription != nil && slices.ContainsFunc(c.Schema.Subscription.Fields, func(f *ast.FieldDefinition) bool {
		return f.Type.Name() == def.Name
	})
}

// check finds what the schema promises and no declaration keeps, and the
// other way round.
func (c *Catalogue) check() (problems []string) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, def := range c.Schema.Types {
		switch {
		case def.BuiltIn, def.Kind != ast.Object, def == c.Schema.Query, def == c.Schema.Mutation, def == c.Schema.Subscription:
			continue
		case c.Answers(def):
			continue
		case def.Name == "PageInfo", strings.HasSuffix(def.Name, "Edge") && c.Schema.Types[strings.TrimSuffix(def.Name, "Edge")+"Connection"] != nil:
			continue
		case c.nodeOf(def.Name) != "":
			if o := c.objects[c.nodeOf(def.Name)]; o == nil {
				bad("%s lists a type that is not declared", def.Name)
			} else {
				problems = append(problems, c.checkConnection(def, o)...)
			}
			continue
		}
		o := c.objects[def.Name]
		if o == nil {
			bad("type %s is not declared", def.Name)
			continue
		}
		if o.Made {
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
				if strings.Contains(string(decl.Expr), "{arg."+a.Name) || decl.Relation != nil && strings.Contains(string(decl.Relation.Rows), "{arg."+a.Name+"}") {
					continue
				}
				if c.nodeOf(f.Type.Name()) == "" && (f.Type.Elem == nil || decl.Relation == nil || decl.Relation.Args[a.Name] == "") {
					bad("argument %s.%s(%s:) has no condition", def.Name, f.Name, a.Name)
				}
			}
			leaf := c.Schema.Types[f.Type.Name()].IsLeafType()
			if leaf != (decl.Expr != "") && decl.Made == nil {
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
		problems = append(problems, c.checkPrivileged(o, def)...)
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
			if c.nodeOf(f.Type.Name()) == "" && r.Lookup[a.Name] == "" && !strings.Contains(string(r.Rows), "arg."+a.Name+"}") {
				bad("Query.%s(%s:) has no condition", name, a.Name)
			}
		}
	}
	return problems
}

// checkConnection: what a connection says of a list as a whole is declared.
func (c *Catalogue) checkConnection(def *ast.Definition, o *Object) (problems []string) {
	for _, f := range def.Fields {
		switch f.Name {
		case "edges", "nodes", "pageInfo", "totalCount", "totalCountPrecision", "pageCount":
		case "facets", "groups":
			for _, v := range c.Schema.Types[f.Arguments.ForName("by").Type.Name()].EnumValues {
				facet, ok := o.Facets[fieldOf(v.Name)]
				if !ok {
					problems = append(problems, fmt.Sprintf("%s.%s is no facet of %s", def.Name, v.Name, o.Type))
				} else if err := c.checkFacet(o, facet); err != nil {
					problems = append(problems, fmt.Sprintf("%s.%s: %v", def.Name, v.Name, err))
				}
			}
		default:
			if o.Beside[f.Name] == "" {
				problems = append(problems, fmt.Sprintf("field %s.%s is not declared", def.Name, f.Name))
			}
		}
	}
	for name := range o.Facets {
		if e := c.Schema.Types[o.Type+"Facet"]; e == nil || e.EnumValues.ForName(valueOf(name)) == nil {
			problems = append(problems, fmt.Sprintf("declared facet %s of %s is not in the schema", name, o.Type))
		}
	}
	return problems
}

// checkFacet: its path leads to a value, and what it leaves out are conditions.
func (c *Catalogue) checkFacet(o *Object, f Facet) error {
	filter := c.Schema.Types[o.Type+"Filter"]
	for _, name := range f.Filters {
		if filter == nil || filter.Fields.ForName(name) == nil {
			return fmt.Errorf("%q is no condition of its filter", name)
		}
	}
	for i, step := range f.Path {
		decl, ok := o.Fields[step]
		if !ok {
			return fmt.Errorf("%s.%s is not declared", o.Type, step)
		}
		if decl.Relation == nil {
			if i < len(f.Path)-1 {
				return fmt.Errorf("%s.%s is no relation", o.Type, step)
			}
			_, err := c.orderField(o, step)
			return err
		}
		if o = c.target(o, step); o == nil {
			return fmt.Errorf("%q leads to rows of several types", step)
		}
	}
	if o.Fields[o.Named.Key].Expr == "" || o.Fields[o.Named.Label].Expr == "" {
		return fmt.Errorf("%s has no name", o.Type)
	}
	return nil
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

// checkPrivileged: a field that not everybody may ask for is told by nothing else: no
// condition, order or facet, and no interface, whose types may differ in it.
func (c *Catalogue) checkPrivileged(o *Object, def *ast.Definition) (problems []string) {
	for name, f := range o.Fields {
		if f.Least == Public {
			continue
		}
		told := []bool{o.Facets[name].Path != nil || o.Sorts[name].By != ""}
		for _, facet := range o.Facets {
			told = append(told, slices.Contains(facet.Path, name))
		}
		for _, t := range o.Order {
			told = append(told, t.Field == name)
		}
		if input := c.Schema.Types[o.Type+"Filter"]; input != nil {
			told = append(told, input.Fields.ForName(name) != nil)
		}
		if enum := c.Schema.Types[o.Type+"OrderField"]; enum != nil {
			told = append(told, enum.EnumValues.ForName(valueOf(name)) != nil)
		}
		for _, i := range def.Interfaces {
			told = append(told, c.Schema.Types[i].Fields.ForName(name) != nil)
		}
		if slices.Contains(told, true) {
			problems = append(problems, fmt.Sprintf("field %s.%s is kept to some, and a condition, order, facet or interface tells others of it", o.Type, name))
		}
	}
	return problems
}

// checkFilter: a filter field is named like the field whose values it compares.
func (c *Catalogue) checkFilter(o *Object) (problems []string) {
	def := c.Schema.Types[o.Type+"Filter"]
	if def == nil || def.Kind != ast.InputObject {
		return nil
	}
	fields := def.Fields
	for _, root := range c.Schema.Query.Fields { // which may have a filter of its own
		if arg := root.Arguments.ForName("filter"); arg != nil && c.nodeOf(root.Type.Name()) == o.Type && arg.Type.Name() != def.Name {
			fields = slices.Concat(fields, c.Schema.Types[arg.Type.Name()].Fields)
		}
	}
	for _, f := range fields {
		_, isField := o.Fields[f.Name]
		_, isCondition := o.Filters[f.Name]
		if !isField && !isCondition && f.Name != "and" && f.Name != "or" && f.Name != "not" && f.Name != "isNull" {
			problems = append(problems, fmt.Sprintf("%s.%s compares a field that is not declared", def.Name, f.Name))
		}
	}
	for name := range o.Filters {
		if def.Fields.ForName(name) == nil {
			problems = append(problems, fmt.Sprintf("declared condition %s of %s is not in the schema", name, def.Name))
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
	for name := range o.Sorts {
		if def.EnumValues.ForName(valueOf(name)) == nil {
			problems = append(problems, fmt.Sprintf("declared order %s of %s is not in the schema", name, o.Type))
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

// valueOf is the enum value for a field.
func valueOf(field string) string {
	var b strings.Builder
	for _, r := range field {
		if unicode.IsUpper(r) || unicode.IsDigit(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
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
