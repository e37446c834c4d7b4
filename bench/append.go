package main

import (
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"strconv"

	"stadtgraph/internal/nodeid"
)

// What follows writes a key, as it stands, and the value of a column in the
// binary format of Postgres.

func id(out []byte, key, prefix string, v []byte) []byte {
	return append(nodeid.Append(append(out, key...), prefix, v), '"')
}

func integer(out []byte, key string, v []byte) []byte {
	out = append(out, key...)
	if v == nil {
		return append(out, "null"...)
	}
	return strconv.AppendInt(out, int64(int32(binary.BigEndian.Uint32(v))), 10)
}

func text(out []byte, key string, v []byte) []byte {
	out = append(out, key...)
	if v == nil {
		return append(out, "null"...)
	}
	out = append(out, '"')
	for {
		n := plain(v)
		out = append(out, v[:n]...)
		if n == len(v) {
			return append(out, '"')
		}
		switch c := v[n]; c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			const digits = "0123456789abcdef"
			out = append(out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
		v = v[n+1:]
	}
}

// plain is how many bytes stand for themselves in JSON. It looks at eight at
// once: the high bit of a byte of the mask says that one is below 0x20, a quote
// or a backslash.
func plain(v []byte) int {
	const each = 0x0101010101010101
	i := 0
	for ; i+8 <= len(v); i += 8 {
		x := binary.LittleEndian.Uint64(v[i:])
		quote, slash := x^each*'"', x^each*'\\'
		if mask := ((x-each*' ')&^x | (quote-each)&^quote | (slash-each)&^slash) & (each * 0x80); mask != 0 {
			return i + bits.TrailingZeros64(mask)/8
		}
	}
	for ; i < len(v) && v[i] >= ' ' && v[i] != '"' && v[i] != '\\'; i++ {
	}
	return i
}

const day = 86400e6 // in microseconds

func date(out []byte, key string, v []byte) []byte {
	out = append(out, key...)
	if v == nil {
		return append(out, "null"...)
	}
	return append(civil(append(out, '"'), int64(int32(binary.BigEndian.Uint32(v)))), '"')
}

func instant(out []byte, key string, v []byte) []byte {
	out = append(out, key...)
	if v == nil {
		return append(out, "null"...)
	}
	micros := int64(binary.BigEndian.Uint64(v))
	days, of := micros/day, micros%day
	if of < 0 {
		days, of = days-1, of+day
	}
	out = civil(append(out, '"'), days)
	seconds := of / 1e6
	out = two(append(out, 'T'), seconds/3600)
	out = two(append(out, ':'), seconds/60%60)
	out = two(append(out, ':'), seconds%60)
	if of %= 1e6; of > 0 {
		out = append(out, '.')
		for unit := int64(1e5); of > 0; unit /= 10 {
			out = append(out, '0'+byte(of/unit))
			of %= unit
		}
	}
	return append(out, 'Z', '"')
}

// civil writes the date of a day counted from 2000-01-01, by the algorithm
// civil_from_days of Howard Hinnant: years that begin in March, in eras of 400.
func civil(out []byte, days int64) []byte {
	days += 730425 // from 0000-03-01
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	ofEra := days - era*146097
	year := (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	ofYear := ofEra - (365*year + year/4 - year/100)
	month := (5*ofYear + 2) / 153
	dayOf := ofYear - (153*month+2)/5 + 1
	year += era * 400
	if month += 3; month > 12 {
		month -= 12
		year++
	}
	out = two(two(out, year/100), year%100)
	out = two(append(out, '-'), month)
	return two(append(out, '-'), dayOf)
}

func two(out []byte, n int64) []byte { return append(out, '0'+byte(n/10), '0'+byte(n%10)) }

func comma(out []byte, i int) []byte {
	if i > 0 {
		out = append(out, ',')
	}
	return out
}

// pageInfo writes what is beside n rows that were read for a page of size.
func (s *scratch) pageInfo(out []byte, n, size int) []byte {
	out = strconv.AppendBool(append(out, `,"pageInfo":{"hasNextPage":`...), n > size)
	out = append(out, `,"endCursor":"`...)
	if n == 0 { // that of the request
		s.last = append(s.last[:0], s.cursor...)
	}
	return append(base64.RawURLEncoding.AppendEncode(out, s.last), '"', '}')
}

// items skips the head of a one-dimensional array (array_send).
func items(array []byte) []byte {
	if binary.BigEndian.Uint32(array) == 0 {
		return nil
	}
	return array[20:]
}

// record takes the next record of an array apart (record_send).
func record(fields *[8][]byte, rest []byte) (values [][]byte, after []byte) {
	size := binary.BigEndian.Uint32(rest)
	b, after := rest[4:4+size], rest[4+size:]
	n := binary.BigEndian.Uint32(b)
	b = b[4:]
	for i := range n {
		length := int32(binary.BigEndian.Uint32(b[4:]))
		b = b[8:]
		if length < 0 {
			fields[i] = nil
			continue
		}
		fields[i] = b[:length:length]
		b = b[length:]
	}
	return fields[:n], after
}
