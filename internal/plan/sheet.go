package plan

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/nodeid"
)

// Sheet reads all rows of a type, in the order of their keys, as JSON objects. It is
// compiled as an operation is, with the same visibility, and its rows are written as
// they come: what it takes does not grow with how many there are.
type Sheet struct {
	planner    *Planner
	name       string // of the type
	role       Role
	rows, size *statement
	enc        *objectEnc
}

// Pick is a member of these objects.
type Pick struct {
	Name string // if it is not the field's
	Text string // it is always this, or
	Of   []Pick // an object of these members, or

	Field string            // a field of the type: of a connection all it lists
	On    map[string][]Pick // of a place that holds one of several types: the members by type
	Count bool              // of a connection how long it is
	Set   bool              // a list is the only member, set, of an object

	Expr   SQL    // or something of the row beside its fields
	Scalar string // its GraphQL type, with List one of several; JSON for a text that is that
	List   bool
	Given  bool // it is left out where there is none
}

// SheetOf says what a sheet is about.
type SheetOf struct {
	Type   string
	Role   Role
	Picks  []Pick
	Table  SQL  // if the rows are not in that of the type
	Where  SQL  // which of the rows, if not all
	Stored bool // fields are what was written, not what it means today
}

// Sheet compiles one.
func (p *Planner) Sheet(of SheetOf) (*Sheet, error) {
	o, def := p.catalogue.objects[of.Type], p.catalogue.Schema.Types[of.Type]
	if o == nil || def == nil || o.Prefix == "" {
		return nil, fmt.Errorf("plan: %s has no rows of its own", of.Type)
	}
	s := &Sheet{planner: p, name: of.Type, role: of.Role}
	table := cmp.Or(of.Table, o.Table)
	build := func() (b *builder, t row, where string) {
		b = &builder{catalogue: p.catalogue, req: s.request(nodeid.UUID{}), role: of.Role, index: map[param]int{}, columns: map[string]bool{},
			reads: reads{direct: -1}, narrow: map[string]int{}, stored: of.Stored, whole: true}
		t = row{alias: b.alias(), args: map[string]param{"": {from: fromArgument, scalar: "ID"}}}
		conds := append([]string{b.expr("{id} > {arg}", t)}, b.visible(o, t, nil)...)
		b.whole = false
		if of.Where != "" {
			conds = append(conds, "("+b.expr(of.Where, t)+")")
		}
		return b, t, and(conds)
	}
	b, t, where := build()
	sc := newScope()
	enc, err := b.picked(sc, o, def, t, of.Picks)
	if err != nil {
		return nil, err
	}
	s.enc = enc
	s.rows = b.statement(fmt.Sprintf("SELECT %s\nFROM %s %s%s\nWHERE %s\nORDER BY %s.id", sc.list(), table, t.alias, sc.joins.String(), where, t.alias))
	b, t, where = build()
	s.size = b.statement(fmt.Sprintf("SELECT count(*) FROM %s %s WHERE %s", table, t.alias, where))
	return s, nil
}

// request is the operation that a sheet is instead: one field that has one argument, the
// key behind which it begins.
func (s *Sheet) request(after nodeid.UUID) *Request {
	return &Request{planner: s.planner, op: &operation{}, args: [][]any{{nodeid.ID{UUID: after}}}, pages: make([]pageArgs, 1)}
}

// picked compiles the members of an object that is a row.
func (b *builder) picked(sc *scope, o *Object, def *ast.Definition, t row, picks []Pick) (*objectEnc, error) {
	enc := &objectEnc{}
	for _, p := range picks {
		fe := fieldEnc{name: cmp.Or(p.Name, p.Field), given: p.Given}
		fe.key = append(quote(nil, fe.name), ':')
		switch {
		case p.Text != "":
			fe.enc = staticEnc(quote(nil, p.Text))
		case p.Expr != "":
			col, appended := sc.col(b.expr(p.Expr, t)), scalarAppender(p.Scalar, "")
			switch {
			case p.Scalar == "JSON":
				fe.enc = &scalarEnc{col: col, append: func(dst, b []byte) []byte { return append(dst, b...) }}
			case p.List:
				fe.enc = &scalarListEnc{col: col, append: appended}
			default:
				fe.enc = &scalarEnc{col: col, append: appended}
			}
		case p.Field == "":
			inner, err := b.picked(sc, o, def, t, p.Of)
			if err != nil {
				return nil, err
			}
			fe.enc = inner
		default:
			f, err := b.catalogue.pick(def, p)
			if err != nil {
				return nil, err
			}
			fe.nonNull = f.Definition.Type.NonNull
			fe.enc = b.field(sc, o, t, &selected{key: f.Alias, field: f, sets: []ast.SelectionSet{f.SelectionSet}})
			if p.Set {
				fe.enc = setEnc{fe.enc}
			}
		}
		enc.add(fe)
	}
	return enc, nil
}

// pick makes the field of an operation of a pick. It takes no arguments, and of a
// connection it is the list of all.
func (c *Catalogue) pick(def *ast.Definition, p Pick) (*ast.Field, error) {
	declared := def.Fields.ForName(p.Field)
	if declared == nil || c.objects[def.Name] != nil && c.objects[def.Name].Fields[p.Field].Least > Public {
		return nil, fmt.Errorf("plan: %s has no field %q that everybody may read", def.Name, p.Field)
	}
	own := *declared
	own.Arguments = nil
	f := &ast.Field{Name: p.Field, Alias: cmp.Or(p.Name, p.Field), Definition: &own, ObjectDefinition: def}
	of := p.Of
	if node := c.nodeOf(own.Type.Name()); p.Count {
		of = []Pick{{Field: "totalCount"}}
	} else if node != "" {
		own.Type = ast.NonNullListType(ast.NonNullNamedType(node, nil), nil)
	}
	var err error
	if f.SelectionSet, err = c.picks(c.Schema.Types[own.Type.Name()], of); err != nil {
		return nil, err
	}
	for name, of := range p.On {
		set, err := c.picks(c.Schema.Types[name], of)
		if err != nil {
			return nil, err
		}
		f.SelectionSet = append(f.SelectionSet, &ast.InlineFragment{TypeCondition: name, SelectionSet: set})
	}
	return f, nil
}

func (c *Catalogue) picks(def *ast.Definition, picks []Pick) (set ast.SelectionSet, err error) {
	for _, p := range picks {
		if p.Set || p.Expr != "" || p.Text != "" {
			return nil, fmt.Errorf("plan: %s.%s can be picked of a row alone", def.Name, cmp.Or(p.Name, p.Field))
		}
		f, err := c.pick(def, p)
		if err != nil {
			return nil, err
		}
		set = append(set, f)
	}
	return set, nil
}

// setEnc writes a list as {"set":[…]}.
type setEnc struct{ list encoder }

func (e setEnc) encode(st *state, vals [][]byte) outcome {
	start := len(st.out)
	st.out = append(st.out, `{"set":`...)
	if result := e.list.encode(st, vals); result != written {
		st.out = st.out[:start]
		return result
	}
	st.out = append(st.out, '}')
	return written
}

// Read gives each row behind a key to a function, which may use its bytes until it
// returns. The connection is the caller's, and so is the transaction, of which all
// sheets that it reads are one snapshot.
func (s *Sheet) Read(ctx context.Context, conn *pgconn.PgConn, v Viewer, after nodeid.UUID, each func(row []byte) error) (n int, err error) {
	r := s.request(after)
	st := newState()
	st.reset(r, nil)
	result := s.run(ctx, conn, s.rows, r, v)
	for result.NextRow() {
		st.out, st.path = st.out[:0], st.path[:0]
		if s.enc.encode(st, result.Values()) != written {
			err = fmt.Errorf("read all rows of %s: %w", s.name, st.errs)
		} else {
			err = each(st.out)
		}
		if err != nil {
			break
		}
		n++
	}
	if err != nil { // what is still to come is not waited for
		_ = conn.Close(context.WithoutCancel(ctx))
		return n, err
	}
	if _, err := result.Close(); err != nil {
		return n, readable(fmt.Errorf("read all rows of %s: %w", s.name, err))
	}
	return n, nil
}

// Count is how many rows there are behind a key.
func (s *Sheet) Count(ctx context.Context, conn *pgconn.PgConn, v Viewer, after nodeid.UUID) (n int, err error) {
	result := s.run(ctx, conn, s.size, s.request(after), v)
	for result.NextRow() {
		n = int(binary.BigEndian.Uint64(result.Values()[0]))
	}
	if _, err := result.Close(); err != nil {
		return 0, readable(fmt.Errorf("count rows of %s: %w", s.name, err))
	}
	return n, nil
}

func (s *Sheet) run(ctx context.Context, conn *pgconn.PgConn, of *statement, r *Request, v Viewer) *pgconn.ResultReader {
	v.Role = s.role
	values := make([][]byte, len(of.params))
	for i, p := range of.params {
		values[i] = p.bind(r, v, nil)
	}
	s.planner.sent.Add(1)
	return conn.ExecParams(ctx, of.sql, values, of.oids, of.formats, binaryFormat)
}

// SQL is the statement that reads the rows.
func (s *Sheet) SQL() string { return s.rows.sql }
