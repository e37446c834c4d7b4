package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/nodeid"
)

// plan is a compiled operation: for each root field a statement and an encoder.
type plan struct {
	roots []rootPlan
	cost  *cost
}

type rootPlan struct {
	field  *ast.Field
	static []byte // the answer, if it takes no statement
	// The answer is the generated code's.
	introspection bool
	stmt          *statement
	enc           rootEncoder
	types         []*Object // of a list of ids
	reads         reads
}

// compile makes the plan of a request for one role.
func (p *Planner) compile(r *Request, role Role) (*plan, error) {
	out := &plan{cost: &cost{}}
	root := p.catalogue.Schema.Query
	for _, f := range r.collect(root, []ast.SelectionSet{r.op.def.SelectionSet}) {
		if f.field.Name == "__typename" {
			out.roots = append(out.roots, rootPlan{field: f.field, static: []byte(`"` + root.Name + `"`)})
			continue
		}
		if strings.HasPrefix(f.field.Name, "__") {
			merged := *f.field
			merged.SelectionSet = slices.Concat(f.sets...)
			out.roots = append(out.roots, rootPlan{field: &merged, introspection: true})
			continue
		}
		b := &builder{catalogue: p.catalogue, req: r, role: role, index: map[param]int{}, columns: map[string]bool{},
			reads: reads{direct: -1}, narrow: map[string]int{}}
		rp, err := b.root(f, out.cost)
		if err != nil {
			return nil, err
		}
		if out.cost.fields += costStatement; b.searches {
			out.cost.fields += costSearch
		}
		if rp.stmt != nil {
			rp.reads = b.readsOf(rp.stmt.sql)
		}
		out.roots = append(out.roots, rp)
	}
	return out, nil
}

// selected is a field of a selection with everything that is selected under
// the same response key.
type selected struct {
	key   string
	field *ast.Field
	sets  []ast.SelectionSet
}

// collect gives the fields that selections ask of an object type, merged by
// response key, in the order of their first appearance (GraphQL
// specification, 6.3.2 CollectFields).
func (r *Request) collect(def *ast.Definition, sets []ast.SelectionSet) []*selected {
	var out []*selected
	byKey := map[string]*selected{}
	var walk func(set ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.Field:
				if !r.included(sel.Directives) {
					continue
				}
				s := byKey[sel.Alias]
				if s == nil {
					s = &selected{key: sel.Alias, field: sel}
					byKey[sel.Alias] = s
					out = append(out, s)
				}
				if len(sel.SelectionSet) > 0 {
					s.sets = append(s.sets, sel.SelectionSet)
				}
			case *ast.InlineFragment:
				if r.included(sel.Directives) && r.applies(sel.TypeCondition, def) {
					walk(sel.SelectionSet)
				}
			case *ast.FragmentSpread:
				if r.included(sel.Directives) && r.applies(sel.Definition.TypeCondition, def) {
					walk(sel.Definition.SelectionSet)
				}
			}
		}
	}
	for _, set := range sets {
		walk(set)
	}
	return out
}

func (r *Request) included(dirs ast.DirectiveList) bool {
	for _, d := range dirs {
		if d.Name != "skip" && d.Name != "include" {
			continue
		}
		v := d.Arguments.ForName("if").Value
		yes := v.Raw == "true"
		if v.Kind == ast.Variable {
			yes = r.vars[v.Raw] == true
		}
		if yes != (d.Name == "include") {
			return false
		}
	}
	return true
}

func (r *Request) applies(condition string, def *ast.Definition) bool {
	if condition == "" || condition == def.Name {
		return true
	}
	schema := r.planner.catalogue.Schema
	for _, t := range schema.PossibleTypes[condition] {
		if t.Name == def.Name {
			return true
		}
	}
	return false
}

// listArg is the list of ids of `nodes`.
func (r *Request) listArg(site int) []any {
	if len(r.args[site]) != 1 {
		return nil
	}
	list, _ := r.args[site][0].([]any)
	return list
}

// root compiles a root field.
func (b *builder) root(f *selected, total *cost) (rootPlan, error) {
	out := rootPlan{field: f.field}
	sc := newScope()
	total.fields++
	site, hasSite := b.req.op.index[f.field]
	if node := b.catalogue.nodeOf(f.field.Definition.Type.Name()); node != "" {
		var c *connectionPlan
		if feed := b.catalogue.feed(f.field); feed != nil {
			c = b.feed(f, b.catalogue.objects[node], feed)
		} else {
			c = b.connection(f, b.catalogue.objects[node], nil, row{})
		}
		out.enc = c
		out.stmt = b.statement(c.rootSQL())
		total.fields += c.head.cost.fields
		total.lists = append(append(total.lists, c.head.cost.lists...), listCost{site: site, entry: c.scope.cost})
		return out, nil
	}
	switch decl := b.catalogue.roots[f.field.Definition.Name]; {
	case f.field.Name == "node":
		id := b.req.args[site][0].(nodeid.ID)
		o := b.catalogue.byID[id.Prefix]
		if o == nil {
			out.static = []byte("null")
			return out, nil
		}
		b.lookup(&out, sc, o, f, "{id} = {arg}", argRef{site: site})
	case f.field.Name == "nodes":
		b.nodes(&out, sc, f, site)
		total.lists = append(total.lists, listCost{site: site, entry: sc.cost})
		return out, nil
	case decl.Rows != "":
		o := b.catalogue.objects[f.field.Definition.Type.Name()]
		t := row{alias: b.alias(), args: b.arguments(f)}
		enc, order := b.object(sc, o, t, f.sets), ""
		out.enc = &singleEnc{object: enc}
		if list := f.field.Definition.Type.Elem; list != nil {
			out.enc, order = &rowsEnc{item: enc, nonNull: list.NonNull}, "\nORDER BY "+t.alias+".place"
			total.lists = append(total.lists, listCost{site: site, entry: sc.cost})
			sc.cost = &cost{}
		}
		out.stmt = b.statement(fmt.Sprintf("SELECT %s\nFROM (%s) %s%s%s", sc.list(), b.expr(decl.Rows, t), t.alias, sc.joins.String(), order))
	default:
		if !hasSite {
			return out, fmt.Errorf("plan: look-up %s has no arguments", f.field.Name)
		}
		for i, v := range b.req.args[site] {
			if v == nil {
				continue
			}
			o := b.catalogue.objects[f.field.Definition.Type.Name()]
			name := f.field.Definition.Arguments[i].Name
			if given, ok := v.(nodeid.ID); ok && given.Prefix != o.Prefix {
				out.static = []byte("null") // an id of another type
				return out, nil
			}
			b.lookup(&out, sc, o, f, decl.Lookup[name], argRef{site: site, arg: i})
		}
	}
	total.fields += sc.cost.fields
	total.lists = append(total.lists, sc.cost.lists...)
	total.either = append(total.either, sc.cost.either...)
	return out, nil
}

// lookup compiles a root field that finds one row.
func (b *builder) lookup(out *rootPlan, sc *scope, o *Object, f *selected, where SQL, ref argRef) {
	scalar := b.catalogue.Schema.Types[f.field.Definition.Arguments[ref.arg].Type.Name()].Name
	t := row{alias: b.alias(), args: map[string]param{"": ref.of(scalar, false, asItIs)}}
	found := b.expr(where, t)
	conds := append([]string{found}, b.visible(o, t, nil)...)
	// The condition holds for the row as long as the row stays as it is, parts included.
	// Only a name that it had before may become that of another one.
	sc.keyed = true
	b.follow(sc, o, t.alias+".id")
	for w, n := range wordsOf(found) {
		b.narrow[w] += n
	}
	if b.narrow["former_slug"] > 0 {
		b.reads.direct = sc.col(b.expr("{slug} = {arg}", t))
	}
	out.enc = &singleEnc{object: b.object(sc, o, t, f.sets)}
	out.stmt = b.statement(fmt.Sprintf("SELECT %s\nFROM %s %s%s\nWHERE %s", sc.list(), o.Table, t.alias, sc.joins.String(), and(conds)))
}

// nodes compiles the list of rows of several types, in the order of their ids.
func (b *builder) nodes(out *rootPlan, sc *scope, f *selected, site int) {
	var variants []Variant
	for _, v := range b.req.listArg(site) {
		o := b.catalogue.byID[v.(nodeid.ID).Prefix]
		if o != nil && typeIndex(out.types, o.Prefix) < 0 {
			out.types = append(out.types, o)
			variants = append(variants, Variant{Type: o.Type, Column: "key"})
		}
	}
	ids := b.param(param{from: fromIDs, site: site, scalar: "ID", list: true})
	types := b.param(param{from: fromIDTypes, site: site, scalar: "Int", list: true})
	t := row{alias: b.alias()}
	enc := b.either(sc, variants, t, f, func(i int) string { return fmt.Sprintf("%s.type = %d", t.alias, i) })
	out.enc = &rowsEnc{item: enc, nonNull: f.field.Definition.Type.Elem.NonNull}
	out.stmt = b.statement(fmt.Sprintf("SELECT %s\nFROM unnest(%s, %s) WITH ORDINALITY AS %s (key, type, place)\nORDER BY %s.place",
		sc.list(), ids, types, t.alias, t.alias))
}

// object compiles what is selected of one row.
func (b *builder) object(sc *scope, o *Object, r row, sets []ast.SelectionSet) *objectEnc {
	def := b.catalogue.Schema.Types[o.Type]
	enc := &objectEnc{}
	for _, f := range b.req.collect(def, sets) {
		sc.cost.fields++
		fe := newFieldEnc(f)
		if f.field.Name == "__typename" {
			fe.enc = staticEnc(`"` + def.Name + `"`)
		} else {
			fe.enc = b.field(sc, o, r, f)
		}
		enc.add(fe)
	}
	return enc
}

func (b *builder) field(sc *scope, o *Object, r row, f *selected) encoder {
	decl := o.Fields[f.field.Name]
	typ := f.field.Definition.Type
	switch {
	case decl.Expr != "":
		r.args = b.arguments(f)
		return b.scalar(sc, o, decl, r, typ)
	case decl.Made != nil:
		return b.made(sc, decl.Made, r, f)
	case decl.Embed != nil:
		inner := row{alias: r.alias, prefix: r.prefix + decl.Embed.Prefix}
		return &presentEnc{
			col:    sc.col(b.expr(decl.Embed.Present, r)),
			object: b.object(sc, b.catalogue.objects[typ.Name()], inner, f.sets),
		}
	case len(decl.Relation.Either) > 0 && typ.Elem == nil:
		return b.either(sc, decl.Relation.Either, r, f, nil)
	case b.catalogue.nodeOf(typ.Name()) != "":
		return b.nestedConnection(sc, o, r, f, decl.Relation)
	case typ.Elem != nil:
		return b.list(sc, o, r, f, decl.Relation)
	}
	return b.single(sc, o, r, f, decl.Relation)
}

// arguments are those of a field, for pieces of SQL; members of an input object
// go by argument.member.
func (b *builder) arguments(f *selected) map[string]param {
	site, ok := b.req.op.index[f.field]
	if !ok {
		return nil
	}
	args := map[string]param{}
	for i, def := range f.field.Definition.Arguments {
		ref := argRef{site: site, arg: i}
		if in, ok := b.req.args[site][i].(*object); ok {
			for name, p := range ref.members(in) {
				args[def.Name+"."+name] = p
			}
			continue
		}
		args[def.Name] = ref.of(def.Type.Name(), def.Type.Elem != nil, asItIs)
	}
	return args
}

func (b *builder) scalar(sc *scope, o *Object, decl Field, r row, typ *ast.Type) encoder {
	sql := decl.Expr
	if b.stored && decl.Stored != "" {
		sql = decl.Stored
	}
	col := sc.col(b.expr(sql, r))
	if typ.Elem != nil {
		return &scalarListEnc{col: col, append: scalarAppender(typ.Name(), "")}
	}
	return &scalarEnc{col: col, append: scalarAppender(typ.Name(), o.Prefix)}
}

// single compiles a to-one relation: a join outside whatever limits the rows.
func (b *builder) single(sc *scope, o *Object, r row, f *selected, rel *Relation) encoder {
	target := b.catalogue.objects[f.field.Definition.Type.Name()]
	memo := r.alias + "." + r.prefix + f.field.Name
	alias, joined := sc.joined[memo]
	if !joined {
		alias = b.alias()
		sc.joined[memo] = alias
		t := row{alias: alias, parent: r.asParent()}
		switch {
		case rel.Rows != "":
			lateral := ""
			if rel.Rows[0] == '(' {
				lateral = "LATERAL "
			}
			conds := append([]string{b.expr(rel.On, t)}, b.visible(target, t, &reached{o.Type, rel})...)
			fmt.Fprintf(&sc.joins, "\nLEFT JOIN %s%s %s ON %s", lateral, b.expr(rel.Rows, t), alias, and(conds))
		case rel.Link != "":
			from, in := b.related(o, rel, target, r)
			fmt.Fprintf(&sc.joins, "\nLEFT JOIN LATERAL (SELECT %s.* FROM %s WHERE %s LIMIT 1) %s ON true",
				in.row.alias, from, and(in.conds), alias)
		default:
			conds := append([]string{b.expr(rel.On, t)}, b.visible(target, t, &reached{o.Type, rel})...)
			fmt.Fprintf(&sc.joins, "\nLEFT JOIN %s %s ON %s", target.Table, alias, and(conds))
			if rel.column != "" {
				b.follow(sc, target, r.asParent()+rel.column)
			}
		}
	}
	t := row{alias: alias}
	enc := b.object(sc, target, t, f.sets)
	if rel.Rows != "" && rel.present == "" {
		return enc // computed: it is always there
	}
	present := rel.present
	if present == "" {
		present = "{id}"
	}
	return &presentEnc{col: sc.col(b.expr(present, t)), object: enc}
}

// relatedRows are the rows of a relation inside a FROM: how to speak of them,
// and the conditions that choose them.
type relatedRows struct {
	row   row
	conds []string
}

// related joins the rows that belong to a row by a relation, as far as the
// viewer may see them.
func (b *builder) related(o *Object, rel *Relation, target *Object, parent row) (from string, in relatedRows) {
	in.row = row{alias: b.alias(), parent: parent.asParent()}
	from = string(target.Table) + " " + in.row.alias
	if rel.Rows != "" {
		rows := in.row
		rows.args = parent.args
		from = b.expr(rel.Rows, rows) + " " + in.row.alias
	}
	if rel.Link != "" {
		in.row.link = b.alias()
		from = string(rel.Link) + " " + in.row.link + " CROSS JOIN " + from
	}
	in.conds = append([]string{b.expr(rel.On, in.row)}, b.visible(target, in.row, &reached{o.Type, rel})...)
	return from, in
}

// list compiles a relation that is read whole.
func (b *builder) list(sc *scope, o *Object, r row, f *selected, rel *Relation) encoder {
	inner := newScope()
	sc.cost.lists = append(sc.cost.lists, listCost{site: -1, entry: inner.cost})
	typ := f.field.Definition.Type
	var from string
	var in relatedRows
	var item encoder
	if len(rel.Either) > 0 {
		in.row = row{alias: b.alias(), parent: r.asParent()}
		from = string(rel.Rows) + " " + in.row.alias
		e := b.either(inner, rel.Either, in.row, f, nil)
		in.conds = []string{b.expr(rel.On, in.row)}
		item = e
	} else {
		target := b.catalogue.objects[typ.Name()]
		r.args = b.arguments(f)
		from, in = b.related(o, rel, target, r)
		item = b.object(inner, target, in.row, f.sets)
	}
	if site, ok := b.req.op.index[f.field]; ok {
		for i, v := range b.req.args[site] {
			def := f.field.Definition.Arguments[i]
			if v == nil || rel.Args[def.Name] == "" {
				continue
			}
			r := in.row
			r.args = map[string]param{"": argRef{site: site, arg: i}.of(def.Type.Name(), def.Type.Elem != nil, asItIs)}
			in.conds = append(in.conds, b.expr(rel.Args[def.Name], r))
		}
	}
	order := ""
	if rel.Order != "" {
		order = " ORDER BY " + b.expr(rel.Order, in.row)
	} else if o := b.catalogue.objects[typ.Name()]; o != nil && o.Prefix != "" { // a connection, read whole
		order = " ORDER BY " + in.row.alias + ".id"
	}
	col := sc.col(fmt.Sprintf("ARRAY(SELECT ROW(%s) FROM %s%s WHERE %s%s)", inner.list(), from, inner.joins.String(), and(in.conds), order))
	_, either := item.(*eitherEnc)
	return &listEnc{col: col, item: item, nonNull: typ.Elem.NonNull, dropNull: either}
}

// either compiles a place that holds one of several types, as a record whose
// first field says which. The condition for a type is that its column is set,
// unless when says otherwise.
func (b *builder) either(sc *scope, variants []Variant, r row, f *selected, when func(i int) string) *eitherEnc {
	enc := &eitherEnc{}
	var sql strings.Builder
	var costs []*cost
	sql.WriteString("CASE")
	for i, v := range variants {
		o := b.catalogue.objects[v.Type]
		inner := newScope()
		inner.col(fmt.Sprint(i))
		t := row{alias: b.alias()}
		enc.types = append(enc.types, b.object(inner, o, t, f.sets))
		costs = append(costs, inner.cost)
		cond := r.asParent() + v.Column + " IS NOT NULL"
		switch {
		case when != nil:
			cond = when(i)
		case v.When != "":
			cond = b.expr(v.When, r)
		}
		conds := append([]string{t.alias + ".id = " + r.asParent() + v.Column}, b.visible(o, t, nil)...)
		fmt.Fprintf(&sql, " WHEN %s THEN (SELECT ROW(%s) FROM %s %s%s WHERE %s)",
			cond, inner.list(), o.Table, t.alias, inner.joins.String(), and(conds))
	}
	sc.cost.either = append(sc.cost.either, costs)
	sql.WriteString(" END")
	if len(variants) == 0 {
		sql.Reset()
		sql.WriteString("NULL::record")
	}
	enc.col = sc.col(sql.String())
	return enc
}
