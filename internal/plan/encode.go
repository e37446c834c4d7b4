package plan

import (
	"encoding/binary"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/internal/fault"
)

// state is what encoding one answer needs. Its slices are reused.
type state struct {
	req  *Request
	out  []byte
	errs gqlerror.List

	path  []pathStep // of the composite value that is being written
	vals  [][]byte   // stack of the fields of records
	elems [][]byte   // stack of the elements of arrays
	flat  [][]byte   // values of the rows of statements
	arena []byte     // their bytes
	buf   []byte     // for cursors
}

// newState has bytes from the start: an empty text that comes first would else
// be a slice of nothing, which is null.
func newState() *state { return &state{arena: []byte{}} }

type pathStep struct {
	field *fieldEnc // or, if nil, an item of a list
	index int
}

// outcome says what an encoder did.
type outcome uint8

const (
	written outcome = iota
	null            // nothing was written: the value is null
	failed          // nothing was written: a null stands where none may, and is reported
)

// encoder writes one value of a row.
type encoder interface {
	encode(st *state, vals [][]byte) outcome
}

// rootEncoder writes the answer of a root field from the rows of its statement.
type rootEncoder interface {
	encodeRows(st *state, rs rows) outcome
}

// rows are the rows of a statement, all values in one slice, or the elements of
// an array of records.
type rows struct {
	n     int
	cols  int
	skip  int // columns in front that belong to the whole, not to the row
	flat  [][]byte
	elems [][]byte
}

// row gives the values of a row. They stay on the stack of values until the
// caller cuts it.
func (rs rows) row(st *state, i int) [][]byte {
	if rs.elems != nil {
		return st.record(rs.elems[i])
	}
	return rs.flat[i*rs.cols+rs.skip : (i+1)*rs.cols]
}

// record splits a record into its fields (record_send: their number, and for
// each its type, length and bytes).
func (st *state) record(b []byte) [][]byte {
	n := int(binary.BigEndian.Uint32(b))
	b = b[4:]
	start := len(st.vals)
	for range n {
		size := int32(binary.BigEndian.Uint32(b[4:]))
		b = b[8:]
		if size < 0 {
			st.vals = append(st.vals, nil)
			continue
		}
		st.vals = append(st.vals, b[:size:size])
		b = b[size:]
	}
	return st.vals[start:len(st.vals):len(st.vals)]
}

// array splits a one-dimensional array into its elements (array_send).
func (st *state) array(b []byte) [][]byte {
	start := len(st.elems)
	if len(b) >= 20 && binary.BigEndian.Uint32(b) > 0 {
		n := int(binary.BigEndian.Uint32(b[12:]))
		b = b[20:]
		for range n {
			size := int32(binary.BigEndian.Uint32(b))
			b = b[4:]
			if size < 0 {
				st.elems = append(st.elems, nil)
				continue
			}
			st.elems = append(st.elems, b[:size:size])
			b = b[size:]
		}
	}
	return st.elems[start:len(st.elems):len(st.elems)]
}

// fieldEnc writes one field of an object.
type fieldEnc struct {
	key     []byte // `"name":`, in an object with what stands in front of it
	name    string
	nonNull bool
	given   bool // it is left out where there is none; never the first
	pos     *ast.Position
	enc     encoder

	scalar appender // of a scalar, and
	col    int      // its column
}

func newFieldEnc(f *selected) fieldEnc {
	return fieldEnc{
		key:  append(quote(nil, f.key), ':'),
		name: f.key, nonNull: f.field.Definition.Type.NonNull, pos: f.field.Position,
	}
}

// missing reports a null where the schema promises a value.
func (st *state) missing(f *fieldEnc) {
	path := make(ast.Path, 0, len(st.path)+1)
	for _, step := range st.path {
		if step.field != nil {
			path = append(path, ast.PathName(step.field.name))
		} else {
			path = append(path, ast.PathIndex(step.index))
		}
	}
	if f != nil {
		path = append(path, ast.PathName(f.name))
	}
	e := &gqlerror.Error{
		Message: "This value is missing although it should not be.", Path: path,
		Extensions: map[string]any{"code": string(fault.Internal)},
	}
	pos := (*ast.Position)(nil)
	if f != nil {
		pos = f.pos
	}
	for i := len(st.path) - 1; pos == nil && i >= 0; i-- {
		if st.path[i].field != nil {
			pos = st.path[i].field.pos
		}
	}
	if pos != nil {
		e.Locations = []gqlerror.Location{{Line: pos.Line, Column: pos.Column}}
	}
	st.errs = append(st.errs, e)
}

// objectEnc writes an object from the columns of a row.
type objectEnc struct {
	fields []*fieldEnc
}

func (e *objectEnc) add(f fieldEnc) {
	sep := byte(',')
	if len(e.fields) == 0 {
		sep = '{'
	}
	f.key = append([]byte{sep}, f.key...)
	if s, ok := f.enc.(*scalarEnc); ok {
		f.scalar, f.col = s.append, s.col
	}
	e.fields = append(e.fields, &f)
}

func (e *objectEnc) encode(st *state, vals [][]byte) outcome {
	start := len(st.out)
	if len(e.fields) == 0 { // all of them are skipped
		st.out = append(st.out, '{')
	}
	for _, f := range e.fields {
		st.out = append(st.out, f.key...)
		if f.scalar != nil { // most fields: no path is needed
			if v := vals[f.col]; v != nil {
				st.out = f.scalar(st.out, v)
				continue
			}
		}
		if f.given {
			if f.enc.encode(st, vals) != written {
				st.out = st.out[:len(st.out)-len(f.key)]
			}
			continue
		}
		if !f.write(st, vals) {
			st.out = st.out[:start]
			return failed
		}
	}
	st.out = append(st.out, '}')
	return written
}

// write writes the field's value; false means that its object must be null.
func (f *fieldEnc) write(st *state, vals [][]byte) bool {
	st.path = append(st.path, pathStep{field: f})
	result := f.enc.encode(st, vals)
	st.path = st.path[:len(st.path)-1]
	if result == null && f.nonNull {
		st.missing(f)
		return false
	}
	if result == failed && f.nonNull {
		return false
	}
	if result != written {
		st.out = append(st.out, "null"...)
	}
	return true
}

type staticEnc []byte

func (e staticEnc) encode(st *state, _ [][]byte) outcome {
	st.out = append(st.out, e...)
	return written
}

// scalarEnc writes a column.
type scalarEnc struct {
	col    int
	append appender
}

func (e *scalarEnc) encode(st *state, vals [][]byte) outcome {
	if vals[e.col] == nil {
		return null
	}
	st.out = e.append(st.out, vals[e.col])
	return written
}

// scalarListEnc writes an array column; the constraints of the tables keep
// nulls out of it.
type scalarListEnc struct {
	col    int
	append appender
}

func (e *scalarListEnc) encode(st *state, vals [][]byte) outcome {
	if vals[e.col] == nil {
		return null
	}
	mark := len(st.elems)
	st.out = append(st.out, '[')
	for i, item := range st.array(vals[e.col]) {
		if i > 0 {
			st.out = append(st.out, ',')
		}
		st.out = e.append(st.out, item)
	}
	st.out = append(st.out, ']')
	st.elems = st.elems[:mark]
	return written
}

// presentEnc writes an object of joined or prefixed columns, if there is one.
type presentEnc struct {
	col    int
	object *objectEnc
}

func (e *presentEnc) encode(st *state, vals [][]byte) outcome {
	if vals[e.col] == nil {
		return null
	}
	return e.object.encode(st, vals)
}

// listEnc writes an array of records.
type listEnc struct {
	col      int
	item     encoder
	nonNull  bool
	dropNull bool // an item that the viewer may not see is no item
}

func (e *listEnc) encode(st *state, vals [][]byte) outcome {
	if vals[e.col] == nil {
		return null
	}
	mark := len(st.elems)
	elems := st.array(vals[e.col])
	result := st.items(rows{n: len(elems), elems: elems}, 0, len(elems), e.item, e.nonNull, e.dropNull)
	st.elems = st.elems[:mark]
	return result
}

// items writes the rows from..to as a list.
func (st *state) items(rs rows, from, to int, item encoder, nonNull, dropNull bool) outcome {
	start := len(st.out)
	st.out = append(st.out, '[')
	st.path = append(st.path, pathStep{})
	step := len(st.path) - 1
	for i := from; i < to; i++ {
		st.path[step].index = i - from
		mark, before := len(st.vals), len(st.out)
		if before > start+1 {
			st.out = append(st.out, ',')
		}
		result := item.encode(st, rs.row(st, i))
		st.vals = st.vals[:mark]
		switch {
		case result == written:
		case result == null && dropNull:
			st.out = st.out[:before]
		case nonNull:
			if result == null {
				st.missing(nil)
			}
			st.path = st.path[:step]
			st.out = st.out[:start]
			return failed
		default:
			st.out = append(st.out, "null"...)
		}
	}
	st.path = st.path[:step]
	st.out = append(st.out, ']')
	return written
}

// eitherEnc writes a record whose first field says of which type it is.
type eitherEnc struct {
	col   int
	types []*objectEnc
}

func (e *eitherEnc) encode(st *state, vals [][]byte) outcome {
	if vals[e.col] == nil {
		return null
	}
	mark := len(st.vals)
	record := st.record(vals[e.col])
	result := e.types[binary.BigEndian.Uint32(record[0])].encode(st, record)
	st.vals = st.vals[:mark]
	return result
}

// singleEnc writes the one row of a statement.
type singleEnc struct{ object *objectEnc }

func (e *singleEnc) encodeRows(st *state, rs rows) outcome {
	if rs.n == 0 {
		return null
	}
	return e.object.encode(st, rs.row(st, 0))
}

// rowsEnc writes all rows of a statement as a list.
type rowsEnc struct {
	item    encoder
	nonNull bool
}

func (e *rowsEnc) encodeRows(st *state, rs rows) outcome {
	return st.items(rs, 0, rs.n, e.item, e.nonNull, false)
}
