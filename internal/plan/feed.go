package plan

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
)

// Feed declares a list in the order in which things happened: it grows at one end, what
// is old is forgotten at the other, and it is read forward. Its cursors are those by
// which others read it, too, and there is always one to go on from.
//
// Its pieces are about one row of the list, and {arg.after.part} is a part of the cursor
// that was given, as a text.
type Feed struct {
	Parts []string                             // of a cursor, by name
	Parse func(cursor string) (parts [][]byte) // nil if it is none; "" if none was given
	Write func(parts [][]byte) (cursor string) // of the texts of Key or End

	With    SQL   // what the others read, in front of the statement
	Rows    SQL   // which rows there are
	Behind  SQL   // which of them are behind the cursor that was given; the others are not
	Order   SQL   // of the rows
	Key     []SQL // the cursor of a row
	End     []SQL // that behind all there is
	Expired SQL   // whether rows behind the cursor that was given are forgotten
	Problem error // if they are
}

// feed is the order of a field of Query, if it has one of that kind.
func (c *Catalogue) feed(f *ast.Field) *Feed {
	if root := c.roots[f.Name]; root != nil && f.ObjectDefinition == c.Schema.Query {
		return root.Feed
	}
	return nil
}

func (f *Feed) cursor(text string) *cursor {
	parts := f.Parse(text)
	if parts == nil {
		return nil
	}
	return &cursor{text: text, keys: parts}
}

// feed compiles a connection whose order is that of a feed.
func (b *builder) feed(f *selected, target *Object, decl *Feed) *connectionPlan {
	site := b.req.op.index[f.field]
	args := b.arguments(f)
	for i, part := range decl.Parts {
		args["after."+part] = param{from: fromCursor, site: site, arg: i, scalar: "String"}
	}
	b.reads.moving = true // what can be read waits for older transactions, of which nothing tells

	c := &connectionPlan{scope: newScope(), head: newScope()}
	c.site, c.feed, c.count, c.next, c.rows = site, decl, -1, -1, -1
	c.expired = c.head.col(b.expr(decl.Expired, row{args: args}))
	c.with = func() string { return b.expr(decl.With, row{args: args}) + "\n" }
	in, t := row{alias: b.alias(), args: args}, row{alias: b.alias()}
	rows := append(b.visible(target, in, nil), b.expr(decl.Rows, in))
	behind := b.expr(decl.Behind, in)
	exprs := func(sc *scope, pieces []SQL) (cols []int) {
		for _, sql := range pieces {
			cols = append(cols, sc.col(b.expr(sql, t)))
		}
		return cols
	}
	of := paging{cursor: func() []int {
		c.end = exprs(c.head, decl.End)
		return exprs(c.scope, decl.Key)
	}, next: func() int { return -1 }, previous: func() int {
		return c.head.col(fmt.Sprintf("EXISTS (SELECT FROM %s %s WHERE %s AND NOT %s)", target.Table, in.alias, and(rows), behind))
	}}
	def := b.catalogue.Schema.Types[f.field.Definition.Type.Name()]
	for _, f := range b.req.collect(def, f.sets) {
		c.rowsAsked(b, def, target, t, f, of)
	}
	c.from = fmt.Sprintf("(SELECT %[1]s.* FROM %[2]s %[1]s WHERE %[3]s AND %[4]s ORDER BY %[5]s LIMIT %[6]s) %[7]s",
		in.alias, target.Table, and(rows), behind, b.expr(decl.Order, in), b.param(param{from: fromLimitAndOne, site: site, scalar: "limit"}), t.alias)
	c.order = b.expr(decl.Order, t)
	return c
}
