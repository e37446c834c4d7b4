package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// choose gives the rows of a list: what to read them from, how to speak of one,
// and the conditions that choose them, but for those on the fields named.
type choose func(without ...string) (rows string, r row, conds []string)

// dimension joins the values of a facet to a row: one row for each value, or one
// of nulls. Its columns are value and label.
// There may be many of them, and one again.
func (b *builder) dimension(o *Object, r row, f Facet) (values, alias string, many, again bool) {
	var from, conds []string
	twice := false
	for _, step := range f.Path {
		decl := o.Fields[step]
		rel := decl.Relation
		if rel == nil {
			value := b.facetValue(o, r, step, f.Year)
			return b.valued(from, conds, value, value), b.alias(), many, many
		}
		target := b.catalogue.target(o, step)
		rows, in := b.related(o, rel, target, r)
		from, conds = append(from, rows), append(conds, in.conds...)
		def := b.catalogue.Schema.Types[o.Type].Fields.ForName(step)
		twice = many || !slices.Contains(target.Unique, target.Named.Key)
		many = many || b.catalogue.nodeOf(def.Type.Name()) != "" || def.Type.Elem != nil
		o, r = target, in.row
	}
	value := b.facetValue(o, r, o.Named.Key, false)
	return b.valued(from, conds, value, b.expr(o.Fields[o.Named.Label].Expr, r)+"::text"), b.alias(), many, many && twice
}

// facetValue is the value of a field as text.
func (b *builder) facetValue(o *Object, r row, field string, year bool) string {
	key, err := b.catalogue.orderField(o, field) // for value objects, their anchor
	if err != nil {
		panic(err) // the catalogue was checked
	}
	expr := key.expr
	if o.Fields[field].Expr != "" {
		expr = o.Fields[field].Expr
	}
	if year {
		return fmt.Sprintf("to_char(%s, 'FMYYYY')", b.expr(expr, r))
	}
	return "(" + b.expr(expr, r) + ")::text"
}

// valued is a query of values.
func (b *builder) valued(from, conds []string, value, label string) string {
	values := fmt.Sprintf("SELECT %s AS value, %s AS label", value, label)
	if len(from) > 0 {
		values += " FROM " + strings.Join(from, " CROSS JOIN ") + " WHERE " + and(conds)
	}
	return values
}

func joined(values, alias string) string {
	return fmt.Sprintf("LEFT JOIN LATERAL (%s) %s ON true", values, alias)
}

// cell counts rows that have the same values of several facets, of each of which a row
// has one at most, so that the rows are read once for all of these.
type cell struct {
	name, rows            string
	r                     row
	conds                 []string
	columns, joins, group []string
}

// add adds a facet and gives the query of its values, with how often each is there.
func (c *cell) add(values, v string) string {
	n := len(c.group)
	c.columns = append(c.columns, fmt.Sprintf("%s.value AS v%d, min(%[1]s.label) AS l%[2]d", v, n))
	c.joins, c.group = append(c.joins, joined(values, v)), append(c.group, v+".value")
	return fmt.Sprintf("SELECT v%d AS value, l%[1]d AS label, n FROM %s", n, c.name)
}

func (c *cell) sql() string {
	return fmt.Sprintf("%s AS MATERIALIZED (SELECT %s, count(*) AS n FROM %s %s WHERE %s GROUP BY %s)",
		c.name, strings.Join(c.columns, ", "), c.rows, strings.Join(c.joins, " "), and(c.conds), strings.Join(c.group, ", "))
}

var aliases = regexp.MustCompile(`\bt[0-9]+\b`)

// unnamed is SQL whose aliases are numbered from the start: what chooses the same rows
// reads the same.
func unnamed(sql string) string {
	names := map[string]string{}
	return aliases.ReplaceAllStringFunc(sql, func(name string) string {
		if names[name] == "" {
			names[name] = fmt.Sprint("t", len(names))
		}
		return names[name]
	})
}

// facets compiles the counts of a list's rows by some of the type's facets. Each
// counts what the filter finds without the conditions that choose from it.
func (b *builder) facets(head *scope, o *Object, f *selected, chosen choose) besideEnc {
	by, top := b.facetArgs(f)
	var dims, with []string
	var cells []*cell
	known := map[string]*cell{} // by how their rows are chosen
	for i, name := range by {
		facet := o.Facets[fieldOf(name)]
		rows, r, conds := chosen(facet.Filters...)
		same := unnamed(rows + " WHERE " + and(conds))
		c := known[same]
		if c == nil {
			c = &cell{name: fmt.Sprint("cell", len(cells)), rows: rows, r: r, conds: conds}
			known[same], cells = c, append(cells, c)
		}
		values, v, many, again := b.dimension(o, c.r, facet)
		var has string
		switch {
		case !many:
			has = c.add(values, v)
		case again: // once is enough; sorting it out for each row by itself takes three times as long
			has = fmt.Sprintf("SELECT %s.value, min(%[1]s.label) AS label, 1 AS n FROM %s %s WHERE %s GROUP BY %s, %[1]s.value",
				v, c.rows, joined(values, v), and(c.conds), c.r.key(o))
		default:
			has = fmt.Sprintf("SELECT %s.value, %[1]s.label, 1 AS n FROM %s %s WHERE %s", v, c.rows, joined(values, v), and(c.conds))
		}
		dims = append(dims, fmt.Sprintf(`SELECT %d AS place, '%s' AS by,
  array_agg(value ORDER BY rank) FILTER (WHERE rank <= %[3]s) AS values, array_agg(label ORDER BY rank) FILTER (WHERE rank <= %[3]s) AS labels,
  array_agg(count ORDER BY rank) FILTER (WHERE rank <= %[3]s) AS counts, coalesce(sum(count) FILTER (WHERE rank > %[3]s), 0)::int4 AS other_count,
  (count(*) FILTER (WHERE value IS NOT NULL))::int4 AS value_count, coalesce(max(count) FILTER (WHERE value IS NULL), 0)::int4 AS missing_count
 FROM (SELECT value, label, count, CASE WHEN value IS NOT NULL THEN row_number() OVER (ORDER BY value IS NULL, count DESC, value) END AS rank
  FROM (SELECT value, min(label) AS label, sum(n)::int4 AS count FROM (%[4]s) has GROUP BY value) counted) ranked`,
			i, name, top, has))
	}
	for _, c := range cells {
		if len(c.group) > 0 {
			with = append(with, c.sql())
		}
	}
	first := ""
	if len(with) > 0 {
		first = "WITH " + strings.Join(with, ", ") + " "
	}
	t := row{alias: b.alias()}
	inner := newScope()
	item := b.object(inner, b.catalogue.objects["Facet"], t, f.sets)
	head.cost.fields += len(by) * costFacet
	return &listEnc{item: item, nonNull: true, col: head.col(fmt.Sprintf("ARRAY(%sSELECT ROW(%s) FROM (%s) %s%s ORDER BY %s.place)",
		first, inner.list(), strings.Join(dims, " UNION ALL "), t.alias, inner.joins.String(), t.alias))}
}

// groups compiles the counts, and sums of money, for each combination of the
// values of some facets.
func (b *builder) groups(head *scope, o *Object, f *selected, chosen choose) besideEnc {
	by, top := b.facetArgs(f)
	rows, r, conds := chosen()
	var joins, columns, keys, values, labels, order []string
	for i, name := range by {
		has, v, _, again := b.dimension(o, r, o.Facets[fieldOf(name)])
		if again {
			has = "SELECT value, min(label) AS label FROM (" + has + ") named GROUP BY value"
		}
		joins = append(joins, joined(has, v))
		columns = append(columns, fmt.Sprintf("%s.value AS v%d, %[1]s.label AS l%[2]d", v, i))
		keys = append(keys, fmt.Sprintf("v%d", i))
		values, labels = append(values, fmt.Sprintf("v%d", i)), append(labels, fmt.Sprintf("min(l%d)", i))
		order = append(order, fmt.Sprintf("v%d NULLS LAST", i))
	}
	sum := "NULL::numeric AS sum, 0 AS known_count, 0 AS unknown_count"
	if o.Sum != "" {
		prefix := r.alias + "." + o.Fields[o.Sum].Embed.Prefix
		columns = append(columns, prefix+"amount AS amount", prefix+"currency AS currency")
		sum = "coalesce(sum(amount) FILTER (WHERE currency = 'EUR'), 0)::numeric AS sum, (count(*) FILTER (WHERE currency = 'EUR'))::int4 AS known_count, " +
			"(count(*) FILTER (WHERE (currency = 'EUR') IS NOT TRUE))::int4 AS unknown_count"
	}
	t := row{alias: b.alias()}
	inner := newScope()
	item := b.object(inner, b.catalogue.objects["Group"], t, f.sets)
	head.cost.fields += len(by) * costFacet
	return &listEnc{item: item, nonNull: true, col: head.col(fmt.Sprintf(`ARRAY(SELECT ROW(%s) FROM (
 SELECT ARRAY['%s'] AS facets, ARRAY[%s] AS values, ARRAY[%s] AS labels, count(*)::int4 AS count, %s
 FROM (SELECT %s FROM %s %s WHERE %s) combined GROUP BY %s ORDER BY count(*) DESC, %s LIMIT %s) %s%s)`,
		inner.list(), strings.Join(by, "', '"), strings.Join(values, ", "), strings.Join(labels, ", "), sum,
		strings.Join(columns, ", "), rows, strings.Join(joins, " "), and(conds), strings.Join(keys, ", "), strings.Join(order, ", "), top,
		t.alias, inner.joins.String()))}
}

// key tells rows of a list apart.
func (r row) key(o *Object) string {
	if o.Rows != nil { // of several types
		return r.alias + ".type, " + r.alias + ".id"
	}
	return r.alias + ".id"
}

// facetArgs are the facets that are asked for, and the parameter of how many
// values of each.
func (b *builder) facetArgs(f *selected) (by []string, top string) {
	site := b.req.op.index[f.field]
	for i, def := range f.field.Definition.Arguments {
		switch def.Name {
		case "by":
			seen := map[string]bool{}
			for _, v := range b.req.args[site][i].([]any) {
				if name := v.(string); !seen[name] {
					seen[name] = true
					by = append(by, name)
				}
			}
		case "first":
			top = b.param(argRef{site: site, arg: i}.of("Int", false, asItIs))
		}
	}
	return by, top
}

// beside compiles a field that the connection of one type has alone.
func (b *builder) beside(head *scope, target *Object, f *selected, r row) besideEnc {
	return &scalarEnc{col: head.col(b.expr(target.Beside[f.field.Name], r)), append: scalarAppender(f.field.Definition.Type.Name(), target.Prefix)}
}
