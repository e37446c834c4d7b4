package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"stadtgraph/internal/change"
)

// writer writes rows in a format.
type writer interface {
	row(json []byte) error
	end(cursor change.Cursor) error
}

// lines are rows as they are, a line each. The last line says where changes go on, so
// that one that is missing shows that others are.
type lines struct {
	w   io.Writer
	buf []byte
}

func (l *lines) row(row []byte) error {
	l.buf = append(append(l.buf[:0], row...), '\n')
	_, err := l.w.Write(l.buf)
	return err
}

func (l *lines) end(cursor change.Cursor) error {
	_, err := fmt.Fprintf(l.w, `{"type":"%s","cursor":"%s"}`+"\n", CursorType, cursor)
	return err
}

// CursorType is the type of the last line.
const CursorType = "Cursor"

// table is RFC 4180: a line of names, and one for each row. For Excel in German it has
// semicolons, and a mark by which it knows UTF-8.
type table struct {
	w     io.Writer
	comma byte
	buf   []byte
	cell  []byte
}

func newTable(w io.Writer, columns []string, excel bool) (*table, error) {
	t := &table{w: w, comma: ','}
	if excel {
		t.comma = ';'
		t.buf = append(t.buf, "\ufeff"...)
	}
	for i, name := range columns {
		if i > 0 {
			t.buf = append(t.buf, t.comma)
		}
		t.buf = append(t.buf, name...)
	}
	t.buf = append(t.buf, "\r\n"...)
	_, err := w.Write(t.buf)
	return t, err
}

func (t *table) row(row []byte) error {
	t.buf = t.buf[:0]
	for i := 0; len(row) > 1; i++ { // each member stands behind { or ,
		if i > 0 {
			t.buf = append(t.buf, t.comma)
		}
		rest := row[1+skip(row[1:])+1:]
		n := skip(rest)
		t.cell = appendCell(t.cell[:0], rest[:n])
		t.quoted(t.cell)
		row = rest[n:]
	}
	t.buf = append(t.buf, "\r\n"...)
	_, err := t.w.Write(t.buf)
	return err
}

func (*table) end(change.Cursor) error { return nil }

// quoted adds a cell. One that a spreadsheet would take for a formula gets an apostrophe
// in front, as OWASP advises; a number is none.
func (t *table) quoted(cell []byte) {
	formula := len(cell) > 0 && strings.IndexByte("=+-@\t\r", cell[0]) >= 0 && !numeric(cell)
	if !formula && !bytes.ContainsAny(cell, "\",;\r\n") && !padded(cell) {
		t.buf = append(t.buf, cell...)
		return
	}
	t.buf = append(t.buf, '"')
	if formula {
		t.buf = append(t.buf, '\'')
	}
	for _, c := range cell {
		if c == '"' {
			t.buf = append(t.buf, '"')
		}
		t.buf = append(t.buf, c)
	}
	t.buf = append(t.buf, '"')
}

// padded says whether a cell begins or ends with a space, which some readers drop.
func padded(cell []byte) bool {
	return len(cell) > 0 && (cell[0] == ' ' || cell[len(cell)-1] == ' ')
}

// numeric says whether a cell is a number below zero.
func numeric(cell []byte) bool {
	var n json.Number
	return cell[0] == '-' && json.Unmarshal(cell, &n) == nil
}

// skip is how long the JSON value is with which b begins. It is JSON that we wrote.
func skip(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ':':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(b)
}

// unwrap gives the value at the end of a path of objects, each of which has one member.
func unwrap(value []byte) []byte {
	for len(value) > 0 && value[0] == '{' {
		value = value[1+skip(value[1:])+1 : len(value)-1]
	}
	return value
}

// appendCell writes a value as text: nothing for null, and the items of a list behind
// each other.
func appendCell(dst, value []byte) []byte {
	value = unwrap(value)
	switch {
	case bytes.Equal(value, null):
		return dst
	case value[0] == '"':
		return appendText(dst, value[1:len(value)-1])
	case value[0] != '[':
		return append(dst, value...)
	}
	for i := 0; value[0] != ']' && len(value) > 1 && value[1] != ']'; i++ {
		if i > 0 {
			dst = append(dst, "; "...)
		}
		n := skip(value[1:])
		dst = appendCell(dst, value[1:1+n])
		value = value[1+n:]
	}
	return dst
}

var null = []byte("null")

// appendText writes what stands in the quotes of a JSON string.
func appendText(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			var r rune
			if _, err := fmt.Sscanf(string(s[i+1:i+5]), "%04x", &r); err == nil {
				dst = utf8.AppendRune(dst, r)
			}
			i += 4
		default:
			dst = append(dst, s[i])
		}
	}
	return dst
}

// features are RFC 7946: the first three members of a row are its id and its point, the
// others its properties.
type features struct {
	w   io.Writer
	buf []byte
	n   int
}

func (f *features) row(row []byte) error {
	f.buf = f.buf[:0]
	if f.n++; f.n == 1 {
		f.buf = append(f.buf, `{"type":"FeatureCollection","features":[`+"\n"...)
	} else {
		f.buf = append(f.buf, ",\n"...)
	}
	f.buf = append(f.buf, `{"type":"Feature"`...)
	for i := 0; len(row) > 1; i++ {
		n := skip(row[1:])
		name, rest := row[1:1+n], row[1+n+1:]
		n = skip(rest)
		value := unwrap(rest[:n])
		row = rest[n:]
		switch i {
		case 0:
			f.buf = append(f.buf, `,"id":`...)
		case 1:
			f.buf = append(f.buf, `,"geometry":{"type":"Point","coordinates":[`...)
		case 2:
			f.buf = append(f.buf, ',')
		case 3:
			f.buf = append(append(append(f.buf, `]},"properties":{`...), name...), ':')
		default:
			f.buf = append(append(append(f.buf, ','), name...), ':')
		}
		f.buf = append(f.buf, value...)
	}
	f.buf = append(f.buf, "}}"...)
	_, err := f.w.Write(f.buf)
	return err
}

func (f *features) end(change.Cursor) error {
	begin := ""
	if f.n == 0 {
		begin = `{"type":"FeatureCollection","features":[`
	}
	_, err := io.WriteString(f.w, begin+"\n]}\n")
	return err
}
