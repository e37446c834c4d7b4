package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// connectionPlan is a connection in the making, and its encoder. Its rows are
// what `edges.node` and `nodes` ask for together; what is asked of the list as a
// whole are columns beside them.
type connectionPlan struct {
	connectionEnc
	scope *scope
	with  func() string // the rows of the list, if they are computed
	from  string        // the rows of the page
	order string        // in which order, and how many if from does not say so
	head  *scope        // count, and rows beyond the page
	paged bool          // whether anything of the page is asked for
}

// connection compiles a connection of rows of target: all of them at the root,
// or those of a relation of a parent row.
func (b *builder) connection(f *selected, target *Object, from *reached, parent row) *connectionPlan {
	site := b.req.op.index[f.field]
	page := b.req.pages[site]
	var orderBy any
	var filter *object
	var filterRef argRef
	for i, def := range f.field.Definition.Arguments {
		switch def.Name {
		case "orderBy":
			orderBy = b.req.args[site][i]
		case "filter":
			filter, _ = b.req.args[site][i].(*object)
			filterRef = argRef{site: site, arg: i}
		}
	}
	ord, err := b.catalogue.order(target, orderBy, filter)
	if err != nil { // it was resolved when the arguments were coerced
		panic(err)
	}
	if filter != nil { // the order is shared
		own := *ord
		own.args = filterRef.conditions(filter)
		ord = &own
	}

	c := &connectionPlan{scope: newScope(), head: newScope()}
	// choose gives the rows of the list, but for the conditions named.
	choose := func(without ...string) (string, row, []string) {
		var rows string
		var in relatedRows
		if from == nil {
			in.row = row{alias: b.alias(), args: b.arguments(f)}
			rows = string(target.Table) + " " + in.row.alias
			in.conds = b.visible(target, in.row, nil)
		} else {
			rows, in = b.related(b.catalogue.objects[from.holder], from.relation, target, parent)
		}
		if from == nil || !from.relation.All {
			listed := target.Listed
			if root := b.catalogue.roots[f.field.Definition.Name]; from == nil && root != nil && root.Listed != nil {
				listed = root.Listed
			}
			in.conds = append(in.conds, b.listed(listed, in.row, filter)...)
		}
		if filter != nil {
			in.conds = append(in.conds, b.filter(target, in.row, filterRef, filter, without...)...)
		}
		return rows, in.row, in.conds
	}
	sources := []func() (string, row, []string){func() (string, row, []string) { return choose() }} // to read few of them
	source := sources[0]
	chosen := func(without ...string) (string, row, []string) {
		b.whole = true
		defer func() { b.whole = false }()
		return choose(without...)
	}

	if target.Rows != nil { // found once, whatever is asked of it
		of := row{args: b.arguments(f)}
		c.with = func() string {
			used := func(column string) bool { return b.columns[column] }
			return fmt.Sprintf("%s,\n%s AS MATERIALIZED (%s)\n", b.expr(target.With, of), target.Table, b.expr(target.Rows(used), of))
		}
	}

	c.site, c.hash = site, ord.hash
	t := row{alias: b.alias()}

	def := b.catalogue.Schema.Types[f.field.Definition.Type.Name()]
	asked := b.req.collect(def, f.sets)
	if from == nil && target.Rows == nil && filter != nil && counted(asked) {
		rows, r, conds := chosen()
		found := fmt.Sprintf("WITH found AS MATERIALIZED (SELECT %s.id FROM %s WHERE %s LIMIT %d)\n", r.alias, rows, and(conds), MaxCount+1)
		c.with = func() string { return found }
		sources = []func() (string, row, []string){func() (string, row, []string) {
			in := row{alias: b.alias(), args: b.arguments(f)}
			return fmt.Sprintf("found CROSS JOIN %s %s", target.Table, in.alias), in, []string{in.alias + ".id = found.id", fmt.Sprintf("(SELECT count(*) <= %d FROM found)", fewRows)}
		}, func() (string, row, []string) {
			rows, in, conds := source()
			return rows, in, append(conds, fmt.Sprintf("(SELECT count(*) > %d FROM found)", fewRows))
		}}
	}

	keys := func() []int {
		cols := make([]int, len(ord.keys))
		for i, k := range ord.keys {
			expr := b.expr(k.expr, ord.row(t.alias))
			if k.scalar == "Decimal" { // cursors hold decimals as text
				expr = "(" + expr + ")::text"
			}
			cols[i] = c.scope.col(expr)
		}
		return cols
	}
	count := func() int {
		if c.count < 0 {
			c.head.cost.fields += costCount
		}
		if len(sources) > 1 {
			return c.head.col("(SELECT count(*)::int4 FROM found)")
		}
		rows, _, conds := chosen()
		return c.head.col(fmt.Sprintf("(SELECT count(*)::int4 FROM (SELECT FROM %s WHERE %s LIMIT %d) counted)", rows, and(conds), MaxCount+1))
	}
	// before asks whether there is a row in front of a numbered page.
	before := func() int {
		rows, _, conds := source()
		return c.head.col(fmt.Sprintf("EXISTS (SELECT FROM %s WHERE %s)", rows, and(conds)))
	}
	// beyond asks whether there is a row on the other side of a cursor, its own
	// row included.
	beyond := func(cur *cursor, before bool) int {
		if cur == nil {
			return -1
		}
		var parts []string
		for i := 0; ; i++ {
			rows, in, conds := source()
			ranges := ord.beyond(b, in.alias, cursorSource{site: site, before: before, cur: cur}, !before, true)
			if i == len(ranges) {
				break
			}
			parts = append(parts, fmt.Sprintf("EXISTS (SELECT FROM %s WHERE %s)", rows, and(append(conds, ranges[i]))))
		}
		return c.head.col("(" + strings.Join(parts, " OR ") + ")")
	}

	limit := param{from: fromLimit, site: site, scalar: "limit"}
	c.count, c.next, c.previous, c.rows = -1, -1, -1, -1
	of := paging{cursor: keys, next: func() int {
		limit.from = fromLimitAndOne
		return beyond(page.before, true)
	}, previous: func() int {
		limit.from = fromLimitAndOne
		if page.number > 0 {
			return before()
		}
		return beyond(page.after, false)
	}}
	field := f
	for _, f := range asked {
		if c.rowsAsked(b, def, target, t, f, of) {
			continue
		}
		c.head.cost.fields++
		part := connectionPart{fieldEnc: newFieldEnc(f)}
		switch f.field.Name {
		case "totalCount":
			part.kind, c.count = partCount, count()
		case "totalCountPrecision":
			part.kind, c.count = partPrecision, count()
		case "pageCount":
			part.kind, c.count = partPageCount, count()
		case "facets":
			part.kind = partColumn
			part.column = b.facets(c.head, target, f, chosen)
		case "groups":
			part.kind = partColumn
			part.column = b.groups(c.head, target, f, chosen)
		default: // of this list alone
			part.kind = partColumn
			part.column = b.beside(c.head, target, f, row{args: b.arguments(field)})
		}
		c.parts = append(c.parts, part)
	}
	if c.paged || len(c.head.cols) == 0 {
		c.order = ord.sql(b, t.alias, false)
		c.from = fmt.Sprintf("(%s) %s", b.page(sources, ord, page, limit, from != nil), t.alias)
	}
	return c
}

// paging says what of a page takes more than its rows to tell, as columns.
type paging struct {
	cursor         func() []int // of a row
	next, previous func() int   // whether there is more on either side; -1 if the number of rows says so
}

// rowsAsked compiles a field of a connection that is about the rows of its page; false
// if it is about the list as a whole.
func (c *connectionPlan) rowsAsked(b *builder, holder *ast.Definition, target *Object, t row, f *selected, of paging) bool {
	part := connectionPart{fieldEnc: newFieldEnc(f)}
	def := b.catalogue.Schema.Types[f.field.Definition.Type.Name()]
	switch f.field.Name {
	case "__typename":
		part.kind, part.static = partStatic, []byte(`"`+holder.Name+`"`)
	case "nodes":
		part.kind, c.paged = partNodes, true
		part.object = b.object(c.scope, target, t, f.sets)
	case "edges":
		part.kind, c.paged = partEdges, true
		for _, f := range b.req.collect(def, f.sets) {
			c.scope.cost.fields++
			sub := connectionPart{fieldEnc: newFieldEnc(f)}
			switch f.field.Name {
			case "__typename":
				sub.kind, sub.static = partStatic, []byte(`"`+def.Name+`"`)
			case "cursor":
				sub.kind, c.keys = partCursor, of.cursor()
			case "node":
				sub.kind = partNode
				sub.object = b.object(c.scope, target, t, f.sets)
			}
			part.parts = append(part.parts, sub)
		}
	case "pageInfo":
		part.kind, c.paged = partPageInfo, true
		for _, f := range b.req.collect(def, f.sets) {
			c.head.cost.fields++
			sub := connectionPart{fieldEnc: newFieldEnc(f)}
			switch f.field.Name {
			case "__typename":
				sub.kind, sub.static = partStatic, []byte(`"PageInfo"`)
			case "hasNextPage":
				sub.kind, c.next = partHasNext, of.next()
			case "hasPreviousPage":
				sub.kind, c.previous = partHasPrevious, of.previous()
			case "startCursor":
				sub.kind, c.keys = partStartCursor, of.cursor()
			case "endCursor":
				sub.kind, c.keys = partEndCursor, of.cursor()
			}
			part.parts = append(part.parts, sub)
		}
	default:
		return false
	}
	c.head.cost.fields++
	c.parts = append(c.parts, part)
	return true
}

// fewRows is how many rows a filter may find that they are found once, both to be
// counted and to be sorted for the page. Of more, the page is read in the order of an
// index: it ends long before all are found.
const fewRows = 10_000

// counted says whether both the page of a list and its count are asked for.
func counted(asked []*selected) bool {
	has := func(names ...string) bool {
		return slices.ContainsFunc(asked, func(f *selected) bool { return slices.Contains(names, f.field.Name) })
	}
	return has("nodes", "edges", "pageInfo") && has("totalCount", "totalCountPrecision", "pageCount")
}

// page writes the rows of one page, and one more if it must be known whether
// there is one. At the root the page size is a parameter over a constant bound: a
// plan for any size would take it for a tenth of the table and sort that. Below
// another row there is little to sort, and less with the size itself.
func (b *builder) page(sources []func() (string, row, []string), ord *order, page pageArgs, limit param, nested bool) string {
	site, size := limit.site, b.param(limit)
	bound := strconv.Itoa(MaxPage + 1)
	if nested && page.after == nil && page.before == nil {
		bound = size
	}
	// Conditions of the cursor that the page does not start from narrow it.
	cur, other := page.after, page.before
	if page.last {
		cur, other = page.before, page.after
	}
	read := func(source func() (string, row, []string), i int) (sql string, more bool) {
		rows, in, conds := source()
		if other != nil {
			ranges := ord.beyond(b, in.alias, cursorSource{site: site, before: !page.last, cur: other}, !page.last, false)
			conds = append(conds, "("+strings.Join(ranges, " OR ")+")")
			if len(ranges) == 0 {
				conds = append(conds[:len(conds)-1], "false")
			}
		}
		if cur != nil {
			ranges := ord.beyond(b, in.alias, cursorSource{site: site, before: page.last, cur: cur}, page.last, false)
			if i == len(ranges) {
				return "", false
			}
			conds = append(conds, ranges[i])
			more = true
		}
		offset := ""
		if page.number > 0 {
			offset = " OFFSET " + b.param(param{from: fromOffset, site: site, scalar: "limit"})
		}
		return fmt.Sprintf("SELECT %s.* FROM %s WHERE %s ORDER BY %s LIMIT %s%s",
			in.alias, rows, and(conds), ord.sql(b, in.alias, page.last), bound, offset), more
	}
	var parts []string
	for _, source := range sources {
		for i := 0; ; i++ {
			sql, more := read(source, i)
			if sql != "" {
				parts = append(parts, sql)
			}
			if !more {
				break
			}
		}
	}
	if bound == size {
		return parts[0]
	}
	inner := b.alias()
	return fmt.Sprintf("SELECT * FROM ((%s)) %s ORDER BY %s LIMIT %s", strings.Join(parts, ")\n  UNION ALL ("), inner, ord.sql(b, inner, page.last), size)
}

// rootSQL is the statement of a connection at the root: its rows are rows. With
// columns beside them, these stand on each row, and on one row without others if
// the page is empty.
func (c *connectionPlan) rootSQL() string {
	sql := c.reading()
	if c.with != nil {
		sql = c.with() + sql
	}
	return sql
}

func (c *connectionPlan) reading() string {
	if !c.paged && len(c.head.cols) > 0 {
		c.headed = len(c.head.cols)
		return fmt.Sprintf("SELECT %s", c.head.list())
	}
	if len(c.head.cols) == 0 {
		return fmt.Sprintf("SELECT %s\nFROM %s%s\nORDER BY %s", c.scope.list(), c.from, c.scope.joins.String(), c.order)
	}
	names := make([]string, len(c.scope.cols))
	for i, col := range c.scope.cols {
		names[i] = fmt.Sprintf("%s AS c%d", col, i)
	}
	for i, col := range c.head.cols {
		c.head.cols[i] = fmt.Sprintf("%s AS h%d", col, i)
	}
	c.headed = len(c.head.cols)
	return fmt.Sprintf("SELECT head.*, page.*\nFROM (SELECT %s) head\nLEFT JOIN LATERAL (SELECT row_number() OVER (ORDER BY %s) AS place%s\n FROM %s%s) page ON true\nORDER BY page.place",
		c.head.list(), c.order, prefixed(", ", names), c.from, c.scope.joins.String())
}

func prefixed(sep string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return sep + strings.Join(names, sep)
}

// nestedConnection compiles a connection below another row.
func (b *builder) nestedConnection(sc *scope, o *Object, r row, f *selected, rel *Relation) encoder {
	target := b.catalogue.objects[b.catalogue.nodeOf(f.field.Definition.Type.Name())]
	c := b.connection(f, target, &reached{o.Type, rel}, r)
	sc.cost.fields += c.head.cost.fields
	sc.cost.lists = append(append(sc.cost.lists, c.head.cost.lists...), listCost{site: c.site, entry: c.scope.cost})
	if c.paged {
		c.rows = sc.col(fmt.Sprintf("ARRAY(SELECT ROW(%s) FROM %s%s ORDER BY %s)", c.scope.list(), c.from, c.scope.joins.String(), c.order))
	}
	places := make([]int, len(c.head.cols))
	for i, col := range c.head.cols {
		places[i] = sc.col(col)
	}
	for _, col := range []*int{&c.count, &c.next, &c.previous} {
		if *col >= 0 && *col < len(places) {
			*col = places[*col]
		}
	}
	for i := range c.parts {
		if at := c.parts[i].column; at != nil {
			at.move(places)
		}
	}
	c.nested = true
	return &c.connectionEnc
}
