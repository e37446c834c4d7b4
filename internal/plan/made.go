package plan

import "strconv"

// Made is what Go makes of columns of a row: nil, a string, an int, a Record, or a
// list of these.
type Made struct {
	From []SQL
	Make func(columns [][]byte) any
}

// Record is an object that is made so, by field.
type Record map[string]any

// madeEnc writes one.
type madeEnc struct {
	cols   []int
	make   func([][]byte) any
	fields []madeField
}

type madeField struct {
	key    []byte // `"name":`
	name   string
	static []byte
	fields []madeField
}

func (b *builder) made(sc *scope, m *Made, r row, f *selected) encoder {
	enc := &madeEnc{make: m.Make, fields: b.madeFields(sc, f)}
	for _, sql := range m.From {
		enc.cols = append(enc.cols, sc.col(b.expr(sql, r)))
	}
	return enc
}

func (b *builder) madeFields(sc *scope, f *selected) (fields []madeField) {
	def := b.catalogue.Schema.Types[f.field.Definition.Type.Name()]
	if def.IsLeafType() {
		return nil
	}
	for _, f := range b.req.collect(def, f.sets) {
		sc.cost.fields++
		field := madeField{key: append(quote(nil, f.key), ':'), name: f.field.Name}
		if f.field.Name == "__typename" {
			field.static = []byte(`"` + def.Name + `"`)
		} else {
			field.fields = b.madeFields(sc, f)
		}
		fields = append(fields, field)
	}
	return fields
}

func (e *madeEnc) encode(st *state, vals [][]byte) outcome {
	mark := len(st.vals)
	for _, col := range e.cols {
		st.vals = append(st.vals, vals[col])
	}
	value := e.make(st.vals[mark:])
	st.vals = st.vals[:mark]
	if value == nil {
		return null
	}
	st.out = appendValue(st.out, value, e.fields)
	return written
}

func appendValue(dst []byte, value any, fields []madeField) []byte {
	switch v := value.(type) {
	case string:
		return quote(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case Record:
		dst = append(dst, '{')
		for i, f := range fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, f.key...)
			if f.static != nil {
				dst = append(dst, f.static...)
				continue
			}
			dst = appendValue(dst, v[f.name], f.fields)
		}
		return append(dst, '}')
	case []string:
		return appendValues(dst, v, fields)
	case []Record:
		return appendValues(dst, v, fields)
	}
	return append(dst, "null"...)
}

func appendValues[T any](dst []byte, items []T, fields []madeField) []byte {
	dst = append(dst, '[')
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendValue(dst, item, fields)
	}
	return append(dst, ']')
}
