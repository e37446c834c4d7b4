package plan

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// A cursor is base64url, without padding, of: the format's number, the hash of
// the order it belongs to, and for each key of that order its length plus one as
// a varint (0 for null) and its bytes as Postgres sends them (decimals as text).
// It holds no secrets; what a client makes up is checked before it is used.
type cursor struct {
	text string
	keys [][]byte // nil for null
}

const cursorFormat = 1

var cursorEncoding = base64.RawURLEncoding

// appendCursor writes the cursor of a row, as a JSON string.
func appendCursor(dst []byte, scratch []byte, hash uint32, keys [][]byte) (out, buf []byte) {
	scratch = append(scratch[:0], cursorFormat)
	scratch = binary.BigEndian.AppendUint32(scratch, hash)
	for _, k := range keys {
		if k == nil {
			scratch = append(scratch, 0)
			continue
		}
		scratch = binary.AppendUvarint(scratch, uint64(len(k))+1)
		scratch = append(scratch, k...)
	}
	dst = append(dst, '"')
	dst = cursorEncoding.AppendEncode(dst, scratch)
	return append(dst, '"'), scratch
}

type cursorError int

const (
	cursorFine cursorError = iota
	cursorMalformed
	cursorOtherOrder
)

// parseCursor reads a cursor of an order.
func parseCursor(s string, o *order) (*cursor, cursorError) {
	raw, err := cursorEncoding.DecodeString(s)
	if err != nil || len(raw) < 5 || raw[0] != cursorFormat {
		return nil, cursorMalformed
	}
	if binary.BigEndian.Uint32(raw[1:]) != o.hash {
		return nil, cursorOtherOrder
	}
	raw = raw[5:]
	cur := &cursor{text: s, keys: make([][]byte, len(o.keys))}
	for i, k := range o.keys {
		n, size := binary.Uvarint(raw)
		if size <= 0 {
			return nil, cursorMalformed
		}
		raw = raw[size:]
		if n == 0 {
			if !k.nullable {
				return nil, cursorMalformed
			}
			continue
		}
		n--
		if n > uint64(len(raw)) || !keyValid(k.scalar, raw[:n]) {
			return nil, cursorMalformed
		}
		cur.keys[i] = raw[:n:n]
		raw = raw[n:]
	}
	if len(raw) > 0 {
		return nil, cursorMalformed
	}
	return cur, cursorFine
}

// keyValid says whether bytes are a value of a type, so that Postgres never has
// to refuse them.
func keyValid(scalar string, b []byte) bool {
	switch scalar {
	case "Int":
		return len(b) == 4
	case "Float":
		return len(b) == 8
	case "Date": // 4713 BC to 5874897, src/include/datatype/timestamp.h
		if len(b) != 4 {
			return false
		}
		days := int32(binary.BigEndian.Uint32(b))
		return days >= -2451545 && days < 2145031949
	case "DateTime": // 4713 BC to 294276
		if len(b) != 8 {
			return false
		}
		micros := int64(binary.BigEndian.Uint64(b))
		return micros >= -211813488000000000 && micros < 9223371331200000000
	case "ID":
		return len(b) == 16
	case "Boolean":
		return len(b) == 1 && b[0] <= 1
	case "Decimal":
		return decimal.Match(b)
	}
	return utf8.Valid(b) && !slices.Contains(b, 0)
}

// cursorSource is a cursor argument while a statement is compiled: which of its
// keys are null is part of the plan, their values are parameters.
type cursorSource struct {
	site   int
	before bool
	cur    *cursor
}

func (s cursorSource) null(i int) bool { return s.cur.keys[i] == nil }

func (s cursorSource) param(b *builder, i int, k orderKey) string {
	return b.param(param{from: fromCursor, site: s.site, arg: i, before: s.before, scalar: k.scalar})
}
