package plan

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"stadtgraph/internal/fault"
)

// maxTerms bounds the keys of one order: a page behind a cursor reads one range
// of rows for each of them.
const maxTerms = 5

// order is a total order of the rows of one type: its keys, and the row's own
// key behind them, in the direction of the last one, so that one index serves both
// directions.
type order struct {
	keys []orderKey
	hash uint32           // tells cursors of different orders apart
	args map[string]param // conditions of the filter that keys take
}

// row is a row whose keys are compared.
func (o *order) row(alias string) row { return row{alias: alias, args: o.args} }

type orderKey struct {
	expr       SQL
	condition  string // of the filter, if it takes one
	scalar     string // its GraphQL type
	nullable   bool
	desc       bool
	nullsFirst bool
}

// orderField says what ordering by a field of a type compares.
func (c *Catalogue) orderField(o *Object, field string) (orderKey, error) {
	if s, ok := o.Sorts[field]; ok {
		key := orderKey{expr: s.By, scalar: s.Scalar, nullable: s.Null}
		if _, rest, ok := strings.Cut(string(s.By), "arg."); ok {
			key.condition = rest[:strings.IndexAny(rest, ".}")]
		}
		return key, nil
	}
	decl, ok := o.Fields[field]
	def := c.Schema.Types[o.Type].Fields.ForName(field)
	if !ok || def == nil {
		return orderKey{}, fmt.Errorf("orders by %q, which is not declared", field)
	}
	key := orderKey{expr: decl.Expr, scalar: def.Type.Name(), nullable: !def.Type.NonNull}
	if decl.Sort != "" {
		key.expr = decl.Sort
	}
	if decl.Embed != nil {
		anchor := c.Schema.Types[def.Type.Name()].Fields.ForName(decl.Embed.Anchor)
		if anchor == nil {
			return orderKey{}, fmt.Errorf("orders by %q, a value without an anchor", field)
		}
		key.expr, key.scalar, key.nullable = decl.Embed.Present, anchor.Type.Name(), true
	}
	if key.expr == "" {
		return orderKey{}, fmt.Errorf("orders by %q, which is no column", field)
	}
	return key, nil
}

// order resolves a coerced orderBy. Without any it is the type's own order, and
// what was searched for comes by relevance. A field that stands twice counts where
// it stands first.
func (c *Catalogue) order(o *Object, orderBy any, filter *object) (*order, error) {
	if terms := termsOf(orderBy); len(terms) > 0 {
		return c.newOrder(o, terms, filter)
	}
	if filter != nil && filter.get(searchCondition) != nil {
		return c.newOrder(o, append([]Term{{Field: relevance, Desc: true}}, o.Order...), filter)
	}
	if known, ok := c.orders.Load(o); ok {
		return known.(*order), nil
	}
	ord, err := c.newOrder(o, o.Order, nil)
	if err == nil {
		c.orders.Store(o, ord)
	}
	return ord, err
}

func (c *Catalogue) newOrder(o *Object, terms []Term, filter *object) (*order, error) {
	ord := &order{}
	hash := fnv.New32a()
	_, _ = fmt.Fprint(hash, o.Type)
	seen := map[string]bool{}
	for _, t := range terms {
		if seen[t.Field] {
			continue
		}
		seen[t.Field] = true
		key, err := c.orderField(o, t.Field)
		if err != nil {
			return nil, err
		}
		if key.condition != "" && (filter == nil || filter.get(key.condition) == nil) {
			return nil, fault.New(fault.Invalid, "orders by %s, which takes `filter.%s`.", valueOf(t.Field), key.condition).At("orderBy")
		}
		key.desc, key.nullsFirst = t.Desc, t.NullsFirst
		ord.keys = append(ord.keys, key)
		if then := o.Sorts[t.Field].Then; then != "" {
			ord.keys = append(ord.keys, orderKey{expr: then, scalar: "String"})
		}
		_, _ = fmt.Fprint(hash, "|", t.Field, t.Desc, t.NullsFirst)
	}
	ord.keys = append(ord.keys, orderKey{expr: "{id}", scalar: "ID", desc: ord.keys[len(ord.keys)-1].desc})
	ord.hash = hash.Sum32()
	return ord, nil
}

// termsOf reads a coerced `orderBy`.
func termsOf(v any) []Term {
	list, _ := v.([]any)
	terms := make([]Term, 0, len(list))
	for _, item := range list {
		o := item.(*object)
		field, _ := o.get("field").(string)
		terms = append(terms, Term{
			Field: fieldOf(field), Desc: o.get("direction") == "DESC", NullsFirst: o.get("nulls") == "FIRST",
		})
	}
	return terms
}

// sql writes an ORDER BY list for rows under an alias.
func (o *order) sql(b *builder, alias string, reverse bool) string {
	var s strings.Builder
	for i, k := range o.keys {
		if i > 0 {
			s.WriteString(", ")
		}
		s.WriteString(b.expr(k.expr, o.row(alias)))
		desc, nullsFirst := k.desc != reverse, k.nullsFirst != reverse
		if desc {
			s.WriteString(" DESC")
		}
		// Postgres puts nulls last when ascending and first when descending.
		if k.nullable && nullsFirst != desc {
			s.WriteString(map[bool]string{true: " NULLS FIRST", false: " NULLS LAST"}[nullsFirst])
		}
	}
	return s.String()
}

// beyond gives the ranges of rows behind a cursor: disjoint conditions, in
// order, whose union is all that follows. Each range can be read from an index
// by itself, which one condition with OR cannot. With reverse, the rows in
// front of the cursor; with self, the row of the cursor too.
func (o *order) beyond(b *builder, alias string, cur cursorSource, reverse, self bool) []string {
	exprs := make([]string, len(o.keys))
	equal := make([]string, len(o.keys))
	for i, k := range o.keys {
		exprs[i] = b.expr(k.expr, o.row(alias))
		if cur.null(i) {
			equal[i] = exprs[i] + " IS NULL"
		} else {
			equal[i] = exprs[i] + " = " + cur.param(b, i, k)
		}
	}
	var ranges []string
	with := func(i int, cond string) {
		ranges = append(ranges, strings.Join(append(slices.Clone(equal[:i]), cond), " AND "))
	}
	// The last keys, as far as they have one direction, are compared as one row.
	last := len(o.keys) - 1
	from := last
	for from > 0 && !cur.null(from-1) && o.keys[from-1].desc == o.keys[last].desc {
		from--
	}
	op := " > "
	if o.keys[last].desc != reverse {
		op = " < "
	}
	if self {
		op = op[:2] + "= "
	}
	left, right := make([]string, 0, len(o.keys)), make([]string, 0, len(o.keys))
	for i := from; i <= last; i++ {
		left, right = append(left, exprs[i]), append(right, cur.param(b, i, o.keys[i]))
	}
	if from == last {
		with(from, left[0]+op+right[0])
	} else {
		with(from, "("+strings.Join(left, ", ")+")"+op+"("+strings.Join(right, ", ")+")")
	}
	// The longest common prefix comes first: rows that differ only in the last keys.
	for i, k := range slices.Backward(o.keys) {
		desc, nullsFirst := k.desc != reverse, k.nullsFirst != reverse
		switch {
		case cur.null(i):
			if nullsFirst {
				with(i, exprs[i]+" IS NOT NULL")
			}
			continue
		case i < from && desc:
			with(i, exprs[i]+" < "+cur.param(b, i, k))
		case i < from:
			with(i, exprs[i]+" > "+cur.param(b, i, k))
		}
		if k.nullable && !nullsFirst {
			with(i, exprs[i]+" IS NULL")
		}
	}
	return ranges
}
