package plan

import (
	"encoding/binary"
	"strconv"
)

// connectionEnc writes a connection: from the rows of a statement at the root,
// from an array of records below.
type connectionEnc struct {
	site  int
	hash  uint32 // of the order, for cursors
	parts []connectionPart
	keys  []int // columns of a row that make its cursor

	// Columns beside the rows, -1 if not asked for.
	count, next, previous int

	feed    *Feed // in whose order the rows are, if it is no other
	end     []int // the columns beside the rows that make the cursor behind all there is
	expired int   // the column that says that rows are missing

	nested bool
	rows   int // column of the array; -1 if no row is asked for
	headed int // at the root: how many columns stand beside the rows
}

type partKind uint8

const (
	partStatic partKind = iota
	partNodes
	partEdges
	partNode
	partCursor
	partPageInfo
	partHasNext
	partHasPrevious
	partStartCursor
	partEndCursor
	partCount
	partPrecision
	partPageCount
	partColumn
)

// connectionPart is one field of a connection, an edge or a PageInfo.
type connectionPart struct {
	fieldEnc
	kind   partKind
	static []byte
	object *objectEnc
	parts  []connectionPart
	column besideEnc // of a column beside the rows
}

// besideEnc writes a column that stands beside the rows. Below the root these
// columns stand elsewhere.
type besideEnc interface {
	encoder
	move(places []int)
}

func (e *listEnc) move(places []int)   { e.col = places[e.col] }
func (e *scalarEnc) move(places []int) { e.col = places[e.col] }

// pageRows is one page: which rows of what was read belong to it, and what is
// beside them.
type pageRows struct {
	rows
	from, to int
	head     [][]byte
}

func (e *connectionEnc) encode(st *state, vals [][]byte) outcome {
	mark := len(st.elems)
	var rs rows
	if e.rows >= 0 {
		rs.elems = st.array(vals[e.rows])
		rs.n = len(rs.elems)
	}
	result := e.page(st, rs, vals)
	st.elems = st.elems[:mark]
	return result
}

func (e *connectionEnc) encodeRows(st *state, rs rows) outcome {
	if e.headed == 0 {
		return e.page(st, rs, nil)
	}
	head := rs.row(st, 0)
	if e.feed != nil && head[e.expired][0] != 0 {
		st.errs = append(st.errs, st.req.located(e.feed.Problem, st.path[0].field))
		return failed
	}
	if rs.cols == e.headed || head[e.headed] == nil { // no rows are asked for, or there are none
		return e.page(st, rows{}, head)
	}
	rs.skip = e.headed + 1 // the place of the row, too
	return e.page(st, rs, head)
}

// page cuts the page out of the rows that were read, of which there is one more
// than it holds if more follow, and writes it.
func (e *connectionEnc) page(st *state, rs rows, head [][]byte) outcome {
	args := st.req.pages[e.site]
	p := pageRows{rows: rs, to: rs.n, head: head}
	if rs.n > args.limit {
		p.from, p.to = 0, args.limit
		if args.last {
			p.from, p.to = rs.n-args.limit, rs.n
		}
	}
	return e.object(st, e.parts, &p)
}

func (e *connectionEnc) object(st *state, parts []connectionPart, p *pageRows) outcome {
	start := len(st.out)
	st.out = append(st.out, '{')
	for i := range parts {
		part := &parts[i]
		if i > 0 {
			st.out = append(st.out, ',')
		}
		st.out = append(st.out, part.key...)
		st.path = append(st.path, pathStep{field: &part.fieldEnc})
		result := e.part(st, part, p)
		st.path = st.path[:len(st.path)-1]
		if result == null && !part.nonNull {
			st.out = append(st.out, "null"...)
			result = written
		}
		if result != written {
			st.out = st.out[:start]
			return failed
		}
	}
	st.out = append(st.out, '}')
	return written
}

// part writes a field of the connection or of its PageInfo. Cursors of an empty
// page are null.
func (e *connectionEnc) part(st *state, part *connectionPart, p *pageRows) outcome {
	overflow := p.to-p.from < p.n
	args := st.req.pages[e.site]
	switch part.kind {
	case partStatic:
		st.out = append(st.out, part.static...)
	case partNodes:
		return st.items(p.rows, p.from, p.to, part.object, true, false)
	case partEdges:
		return st.items(p.rows, p.from, p.to, &edgeEnc{connection: e, parts: part.parts}, true, false)
	case partPageInfo:
		return e.object(st, part.parts, p)
	case partHasNext:
		more := overflow && !args.last || e.flag(p, e.next)
		st.out = strconv.AppendBool(st.out, more)
	case partHasPrevious:
		more := overflow && args.last || e.flag(p, e.previous) && args.number != 1
		st.out = strconv.AppendBool(st.out, more)
	case partStartCursor:
		e.pageCursor(st, p, p.from)
	case partEndCursor:
		if e.feed != nil && !overflow { // behind what was left out, too
			e.cursorOf(st, p.head, e.end)
			break
		}
		e.pageCursor(st, p, p.to-1)
	case partCount:
		st.out = strconv.AppendInt(st.out, int64(min(e.total(p), MaxCount)), 10)
	case partPrecision:
		precision := `"EXACT"`
		if e.total(p) > MaxCount {
			precision = `"AT_LEAST"`
		}
		st.out = append(st.out, precision...)
	case partPageCount:
		st.out = strconv.AppendInt(st.out, int64((min(e.total(p), MaxCount)+args.limit-1)/args.limit), 10)
	case partColumn:
		return part.column.encode(st, p.head)
	}
	return written
}

func (e *connectionEnc) flag(p *pageRows, col int) bool {
	return col >= 0 && p.head[col][0] != 0
}

func (e *connectionEnc) total(p *pageRows) int {
	return int(binary.BigEndian.Uint32(p.head[e.count]))
}

// pageCursor writes the cursor of a row of the page; of an empty page, the one
// it was asked from.
func (e *connectionEnc) pageCursor(st *state, p *pageRows, i int) {
	if p.from == p.to {
		args := st.req.pages[e.site]
		switch {
		case e.feed != nil && args.after.keys[0] == nil: // it was asked from none
			e.cursorOf(st, p.head, e.end)
		case args.after != nil:
			st.out = quote(st.out, args.after.text)
		case args.before != nil:
			st.out = quote(st.out, args.before.text)
		default:
			st.out = append(st.out, "null"...)
		}
		return
	}
	mark := len(st.vals)
	e.cursor(st, p.row(st, i))
	st.vals = st.vals[:mark]
}

func (e *connectionEnc) cursor(st *state, vals [][]byte) { e.cursorOf(st, vals, e.keys) }

func (e *connectionEnc) cursorOf(st *state, vals [][]byte, cols []int) {
	mark := len(st.vals)
	for _, col := range cols {
		st.vals = append(st.vals, vals[col])
	}
	if e.feed != nil {
		st.out = quote(st.out, e.feed.Write(st.vals[mark:]))
	} else {
		st.out, st.buf = appendCursor(st.out, st.buf, e.hash, st.vals[mark:])
	}
	st.vals = st.vals[:mark]
}

// edgeEnc writes an edge.
type edgeEnc struct {
	connection *connectionEnc
	parts      []connectionPart
}

func (e *edgeEnc) encode(st *state, vals [][]byte) outcome {
	start := len(st.out)
	st.out = append(st.out, '{')
	for i := range e.parts {
		part := &e.parts[i]
		if i > 0 {
			st.out = append(st.out, ',')
		}
		st.out = append(st.out, part.key...)
		switch part.kind {
		case partStatic:
			st.out = append(st.out, part.static...)
		case partCursor:
			e.connection.cursor(st, vals)
		case partNode:
			st.path = append(st.path, pathStep{field: &part.fieldEnc})
			result := part.object.encode(st, vals)
			st.path = st.path[:len(st.path)-1]
			if result != written {
				st.out = st.out[:start]
				return failed
			}
		}
	}
	st.out = append(st.out, '}')
	return written
}
