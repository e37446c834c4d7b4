package plan

import (
	"encoding/binary"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"stadtgraph/internal/nodeid"
)

// appender writes the JSON of a value that Postgres sent in its binary format.
type appender func(dst, b []byte) []byte

// scalarAppender gives the appender of a GraphQL leaf type. The columns of the
// catalogue have the type in Postgres that belongs to it (a test checks them).
func scalarAppender(name, idPrefix string) appender {
	switch name {
	case "Int":
		return func(dst, b []byte) []byte {
			return strconv.AppendInt(dst, int64(int32(binary.BigEndian.Uint32(b))), 10)
		}
	case "Float":
		return func(dst, b []byte) []byte {
			return strconv.AppendFloat(dst, math.Float64frombits(binary.BigEndian.Uint64(b)), 'f', -1, 64)
		}
	case "Boolean":
		return func(dst, b []byte) []byte { return strconv.AppendBool(dst, b[0] != 0) }
	case "ID":
		return func(dst, b []byte) []byte {
			return append(nodeid.Append(append(dst, '"'), idPrefix, b), '"')
		}
	case "Date":
		return appendDate
	case "DateTime":
		return appendDateTime
	case "Decimal":
		return appendDecimal
	}
	return appendString // String, enums, URL
}

func appendDate(dst, b []byte) []byte {
	days := int64(int32(binary.BigEndian.Uint32(b)))
	return append(time.Unix(epoch.Unix()+days*86400, 0).UTC().AppendFormat(append(dst, '"'), time.DateOnly), '"')
}

func appendDateTime(dst, b []byte) []byte {
	micros := int64(binary.BigEndian.Uint64(b))
	return append(time.UnixMicro(epoch.UnixMicro()+micros).UTC().AppendFormat(append(dst, '"'), time.RFC3339Nano), '"')
}

// appendDecimal writes a numeric: groups of four decimal digits, the weight of
// the first one, the sign, and how many digits stand behind the point
// (src/backend/utils/adt/numeric.c, numeric_send).
func appendDecimal(dst, b []byte) []byte {
	groups := int(binary.BigEndian.Uint16(b))
	weight := int(int16(binary.BigEndian.Uint16(b[2:])))
	negative := binary.BigEndian.Uint16(b[4:]) == 0x4000
	scale := int(binary.BigEndian.Uint16(b[6:]))
	group := func(i int) int {
		if i < 0 || i >= groups {
			return 0
		}
		return int(binary.BigEndian.Uint16(b[8+2*i:]))
	}
	dst = append(dst, '"')
	if negative {
		dst = append(dst, '-')
	}
	if weight < 0 {
		dst = append(dst, '0')
	}
	for i := 0; i <= weight; i++ {
		if i == 0 {
			dst = strconv.AppendInt(dst, int64(group(i)), 10)
			continue
		}
		dst = appendFour(dst, group(i), 4)
	}
	if scale > 0 {
		dst = append(dst, '.')
		for i := weight + 1; scale > 0; i++ {
			dst = appendFour(dst, group(i), min(scale, 4))
			scale -= 4
		}
	}
	return append(dst, '"')
}

// appendFour writes the first digits of a group of four.
func appendFour(dst []byte, group, digits int) []byte {
	for unit := 1000; digits > 0; digits-- {
		dst = append(dst, '0'+byte(group/unit%10))
		unit /= 10
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// plain says which bytes stand for themselves in a JSON string.
var plain = func() (p [256]bool) {
	for i := range p {
		p[i] = i >= 0x20 && i != '"' && i != '\\'
	}
	return p
}()

// appendString writes a text, which Postgres guarantees to be valid UTF-8.
func appendString(dst, b []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i, c := range b {
		if plain[c] {
			continue
		}
		dst = append(dst, b[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, b[start:]...), '"')
}

// quote writes a Go string as JSON, whatever it holds.
func quote(dst []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	return appendString(dst, []byte(s))
}
