package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/fault"
)

// argRef is a place inside a coerced argument: indices of members and items.
type argRef struct {
	site, arg int
	path      string
}

func (a argRef) down(i int) argRef {
	a.path += string(rune(i))
	return a
}

func (a argRef) of(scalar string, list bool, conv conversion) param {
	return param{from: fromArgument, site: a.site, arg: a.arg, path: a.path, scalar: scalar, list: list, conv: conv}
}

// members are the parameters of an input object's members, by name.
func (a argRef) members(in *object) map[string]param {
	params := map[string]param{}
	for i, m := range in.members {
		t := in.def.Fields.ForName(m.name).Type
		params[m.name] = a.down(i).of(t.Name(), t.Elem != nil, asItIs)
	}
	return params
}

// conditions are the parameters of a filter's conditions, for what orders by one.
func (a argRef) conditions(filter *object) map[string]param {
	params := map[string]param{}
	for i, m := range filter.members {
		ref := a.down(i)
		if in, ok := m.value.(*object); ok {
			for name, p := range ref.members(in) {
				params[m.name+"."+name] = p
			}
			continue
		}
		params[m.name] = ref.of(filter.def.Fields.ForName(m.name).Type.Name(), false, asItIs)
	}
	return params
}

// filter turns a filter input into conditions on a row. A field of the filter
// is named like the field of the type whose values it compares, so that no
// filter is declared twice. Conditions named by without are left out, where all
// of them have to hold.
func (b *builder) filter(o *Object, r row, ref argRef, in *object, without ...string) []string {
	var conds []string
	for i, m := range in.members {
		ref := ref.down(i)
		if slices.Contains(without, m.name) {
			continue
		}
		switch m.name {
		case "and", "or":
			var parts, inside []string
			if m.name == "and" {
				inside = without
			}
			for j, item := range m.value.([]any) {
				parts = append(parts, "("+and(b.filter(o, r, ref.down(j), item.(*object), inside...))+")")
			}
			switch {
			case m.name == "and":
				conds = append(conds, parts...)
			case len(parts) == 0:
				conds = append(conds, "false")
			default:
				conds = append(conds, "("+strings.Join(parts, " OR ")+")")
			}
		case "not":
			conds = append(conds, "("+and(b.filter(o, r, ref, m.value.(*object)))+") IS NOT TRUE")
		default:
			if sql, ok := o.Filters[m.name]; ok {
				conds = append(conds, b.condition(sql, r, ref, in.def.Fields.ForName(m.name).Type, m.value))
				continue
			}
			conds = append(conds, b.compare(o, r, m.name, ref, m.value.(*object))...)
		}
	}
	return conds
}

// condition is one that the type declares beside those on its fields.
func (b *builder) condition(sql SQL, r row, ref argRef, t *ast.Type, value any) string {
	if in, ok := value.(*object); ok {
		r.args = ref.members(in)
	} else {
		r.args = map[string]param{"": ref.of(t.Name(), t.Elem != nil, asItIs)}
	}
	cond := "(" + b.expr(sql, r) + ")"
	if value == false { // it is never unknown, and NOT EXISTS can be a join
		return "NOT " + cond
	}
	return cond
}

// compare turns the condition on one field into SQL.
func (b *builder) compare(o *Object, r row, name string, ref argRef, in *object) []string {
	decl := o.Fields[name]
	def := b.catalogue.Schema.Types[o.Type].Fields.ForName(name)
	switch {
	case decl.Expr != "":
		return b.operators(o, decl, r, def.Type, ref, in)
	case decl.Embed != nil:
		value := b.catalogue.objects[def.Type.Name()]
		inner := row{alias: r.alias, prefix: r.prefix + decl.Embed.Prefix}
		present := b.expr(decl.Embed.Present, r)
		conds := []string{}
		for i, m := range in.members {
			if m.name == "isNull" {
				conds = append(conds, isNull(present, m.value.(bool)))
				continue
			}
			conds = append(conds, b.compare(value, inner, m.name, ref.down(i), m.value.(*object))...)
		}
		return conds
	}
	target := b.catalogue.objects[def.Type.Name()]
	if target == nil {
		target = b.catalogue.objects[b.catalogue.nodeOf(def.Type.Name())]
	}
	rel := decl.Relation
	if rel.linked != nil {
		rel = rel.linked
	}
	exists := func(ref argRef, in *object) string {
		from, t := b.related(o, rel, target, r)
		conds := append(b.filter(target, t.row, ref, in), t.conds...)
		return fmt.Sprintf("EXISTS (SELECT FROM %s WHERE %s)", from, and(conds))
	}
	if !strings.HasSuffix(in.def.Name, "ListFilter") {
		if decl.Relation.column != "" && target.single(in) {
			return []string{b.is(target, r, decl.Relation, ref, in)}
		}
		return []string{exists(ref, in)}
	}
	var conds []string
	for i, m := range in.members {
		ref := ref.down(i)
		switch m.name {
		case "some":
			conds = append(conds, exists(ref, m.value.(*object)))
		case "none":
			conds = append(conds, "NOT "+exists(ref, m.value.(*object)))
		case "all":
			for j, item := range m.value.([]any) {
				conds = append(conds, exists(ref.down(j), item.(*object)))
			}
		}
	}
	return conds
}

// single says whether a filter can hold for one row only.
func (o *Object) single(in *object) bool {
	return slices.ContainsFunc(in.members, func(m member) bool {
		ops, ok := m.value.(*object)
		return ok && (m.name == "id" || slices.Contains(o.Unique, m.name)) && ops.get("eq") != nil
	})
}

// is compares a column with the key of the only row that a filter can hold for:
// an index on the column finds the rows, which it would not through a join.
func (b *builder) is(target *Object, r row, rel *Relation, ref argRef, in *object) string {
	t := row{alias: b.alias()}
	conds := append(b.filter(target, t, ref, in), b.visible(target, t, nil)...)
	return fmt.Sprintf("%s%s = (SELECT %s.id FROM %s %s WHERE %s)", r.asParent(), rel.column, t.alias, target.Table, t.alias, and(conds))
}

// operators turns the operators on one scalar into SQL. Each of them is true or
// false, never unknown, or is made so by the IS NOT TRUE around a `not`.
//
// Plans are made for any value, so each operator has the form of which Postgres
// expects what is usual of it. It would take IS DISTINCT FROM to hold for no row
// where a column has few values, and read the table for that.
func (b *builder) operators(o *Object, decl Field, r row, t *ast.Type, ref argRef, in *object) []string {
	conds := make([]string, 0, len(in.members))
	expr := b.expr(decl.Expr, r)
	same := expr // in the form in which it is indexed
	if decl.Sort != "" {
		same = b.expr(decl.Sort, r)
	}
	scalar := t.Name()
	if b.catalogue.Schema.Types[scalar].Kind == ast.Enum {
		scalar = "String"
	}
	for i, m := range in.members {
		ref := ref.down(i)
		argument := func(list bool, conv conversion) string {
			p := ref.of(scalar, list, conv)
			if scalar == "ID" {
				p.prefix = o.Prefix
			}
			return b.param(p)
		}
		value := func() string { return argument(false, asItIs) }
		list := func() string { return argument(true, asItIs) }
		pattern := func(c conversion) string { return argument(false, c) }
		var cond string
		if value, ok := m.value.(bool); ok { // which is part of the statement
			conds = append(conds, truth(m.name, expr, value, t.NonNull && o.Table != ""))
			continue
		}
		switch m.name {
		case "eq":
			cond = same + " = " + value()
		case "ne":
			cond = "NOT coalesce(" + expr + " = " + value() + ", false)"
		case "in":
			cond = same + " = ANY(" + list() + ")"
		case "notIn":
			cond = "NOT coalesce(" + expr + " = ANY(" + list() + "), false)"
		case "lt":
			cond = expr + " < " + value()
		case "lte":
			cond = expr + " <= " + value()
		case "gt":
			cond = expr + " > " + value()
		case "gte":
			cond = expr + " >= " + value()
		case "contains":
			cond = "fold(" + expr + ") LIKE '%' || fold(" + pattern(likePattern) + ") || '%'"
		case "startsWith":
			cond = "fold(" + expr + ") LIKE fold(" + pattern(likePattern) + ") || '%'"
		case "last", "next":
			cond = b.around(expr, scalar, m.name, ref)
		default:
			panic("plan: operator " + m.name + " of " + in.def.Name + " has no meaning")
		}
		conds = append(conds, cond)
	}
	return conds
}

// around is a span of time that ends or begins now.
func (b *builder) around(expr, scalar, side string, ref argRef) string {
	if scalar != "Date" {
		b.reads.moving = true
	}
	now := b.param(param{from: fromNow, scalar: "DateTime"})
	if scalar == "Date" {
		now = b.param(param{from: fromToday, scalar: "Date"})
	}
	span := b.param(ref.of("Duration", false, asItIs))
	if side == "last" {
		return fmt.Sprintf("%s BETWEEN %s - %s AND %s", expr, now, span, now)
	}
	return fmt.Sprintf("%s BETWEEN %s AND %s + %s", expr, now, now, span)
}

// truth is an operator that takes a truth value.
func truth(op, expr string, value, nonNull bool) string {
	switch {
	case op == "isNull" && nonNull: // Postgres 17 would see it by itself
		return strconv.FormatBool(!value)
	case op == "isNull":
		return isNull(expr, value)
	case op == "ne":
		return expr + " IS NOT " + strings.ToUpper(strconv.FormatBool(value))
	case value:
		return expr
	}
	return "NOT " + expr
}

func isNull(expr string, yes bool) string {
	if yes {
		return expr + " IS NULL"
	}
	return expr + " IS NOT NULL"
}

// listed leaves out what lists leave out, unless the filter asks for it.
func (b *builder) listed(listed []Listing, r row, filter *object) (conds []string) {
	for _, l := range listed {
		if filter == nil || !speaksOf(filter, l.Field) {
			conds = append(conds, "("+b.expr(l.Where, r)+")")
		}
	}
	return conds
}

func speaksOf(filter *object, field string) bool {
	return slices.ContainsFunc(filter.members, func(m member) bool {
		switch m.name {
		case field:
			return true
		case "and", "or":
			return slices.ContainsFunc(m.value.([]any), func(item any) bool { return speaksOf(item.(*object), field) })
		case "not":
			return speaksOf(m.value.(*object), field)
		}
		return false
	})
}

// checkFilter holds a filter to the bounds on its size.
func checkFilter(filter *object) error {
	predicates, objects := 0, 0
	var walk func(o *object, relations int) error
	walk = func(o *object, relations int) error {
		if objects++; objects > 4*maxPredicates { // `not` in `not` in `not` holds none
			return fault.New(fault.Invalid, "may hold %d conditions at most.", maxPredicates)
		}
		if relations > maxRelationDepth {
			return fault.New(fault.Invalid, "may follow %d relations at most, one inside the other.", maxRelationDepth)
		}
		for _, m := range o.members {
			var err error
			switch v := m.value.(type) {
			case *object:
				inner := relations
				if m.name != "not" && v.def.Fields.ForName("and") != nil { // the filter of a related type
					inner++
				}
				err = walk(v, inner)
			case []any:
				if m.name != "and" && m.name != "or" && m.name != "all" {
					predicates++
					if len(v) > maxItems {
						err = fault.New(fault.Invalid, "may hold %d entries at most, not %d.", maxItems, len(v))
					}
					break
				}
				inner := relations + b2i(m.name == "all")
				for _, item := range v {
					if err = walk(item.(*object), inner); err != nil {
						return at(err, m.name)
					}
				}
			case string:
				predicates++
				if m.name == "q" && utf8.RuneCountInString(v) > MaxSearch {
					err = fault.New(fault.Invalid, "may have %d characters at most.", MaxSearch)
				}
			default:
				predicates++
			}
			if err != nil {
				return at(err, m.name)
			}
		}
		if predicates > maxPredicates {
			return fault.New(fault.Invalid, "may hold %d conditions at most.", maxPredicates)
		}
		return nil
	}
	return walk(filter, 0)
}

// Searches says whether a filter, as JSON has it, searches for words.
func Searches(filter any) bool {
	switch filter := filter.(type) {
	case map[string]any:
		for name, value := range filter {
			if name == "q" || (name == "and" || name == "or" || name == "not") && Searches(value) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(filter, Searches)
	}
	return false
}
