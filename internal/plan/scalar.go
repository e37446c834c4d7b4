package plan

import (
	"encoding/binary"
	"math"
	"strconv"
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
	return append(appendDay(append(dst, '"'), days), '"')
}

const microsPerDay = 24 * 60 * 60 * 1_000_000

// appendDateTime writes an instant in UTC after RFC 3339, with as many digits of
// its second as it has.
func appendDateTime(dst, b []byte) []byte {
	micros := int64(binary.BigEndian.Uint64(b))
	days := micros / microsPerDay
	if micros -= days * microsPerDay; micros < 0 {
		days, micros = days-1, micros+microsPerDay
	}
	dst = append(appendDay(append(dst, '"'), days), 'T')
	seconds := int(micros / 1_000_000)
	dst = append(appendDigits(dst, seconds/3600, 2), ':')
	dst = append(appendDigits(dst, seconds/60%60, 2), ':')
	dst = appendDigits(dst, seconds%60, 2)
	if fraction := int(micros % 1_000_000); fraction > 0 {
		dst = appendDigits(append(dst, '.'), fraction, 6)
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	return append(dst, 'Z', '"')
}

// appendDay writes a day that is counted from 2000-01-01. time.Time takes five
// times as long, and lists are full of days. The calendar is counted in eras of 400
// years that begin in March (Howard Hinnant, chrono-compatible date algorithms).
func appendDay(dst []byte, days int64) []byte {
	days += 730_425 // since 0000-03-01
	era := days / 146_097
	if days < 0 {
		era = (days - 146_096) / 146_097
	}
	day := days - era*146_097
	year := (day - day/1460 + day/36_524 - day/146_096) / 365
	day -= 365*year + year/4 - year/100
	month := (5*day + 2) / 153
	day -= (153*month + 2) / 5
	year += era * 400
	if month += 3; month > 12 {
		year, month = year+1, month-12
	}
	if year < 0 {
		dst, year = append(dst, '-'), -year
	}
	dst = append(appendDigits(dst, int(year), 4), '-')
	dst = append(appendDigits(dst, int(month), 2), '-')
	return appendDigits(dst, int(day)+1, 2)
}

// appendDigits writes a number with at least so many digits.
func appendDigits(dst []byte, n, digits int) []byte {
	var b [20]byte
	i := len(b)
	for ; n > 0 || digits > 0; digits-- {
		i--
		b[i] = '0' + byte(n%10)
		n /= 10
	}
	return append(dst, b[i:]...)
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
