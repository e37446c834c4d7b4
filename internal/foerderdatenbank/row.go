package foerderdatenbank

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"stadtgraph/internal/batch"
	"stadtgraph/internal/fault"
)

var errTooLong = errors.New("foerderdatenbank: the row is too long")

// rows cuts a file into rows, which may have line breaks inside of quotes. It knows
// where one ends without reading it, so that one that is broken, or too long to be
// held, costs no other.
type rows struct {
	in         *bufio.Reader
	separators string // one, as soon as the header was read
	line       int    // how many ended
	read       int64
}

func newRows(in io.Reader) *rows {
	r := &rows{in: bufio.NewReaderSize(in, 256<<10), separators: ",;\t"}
	const mark = "\ufeff"
	if start, _ := r.in.Peek(len(mark)); string(start) == mark {
		n, _ := r.in.Discard(len(mark))
		r.read = int64(n)
	}
	return r
}

// next gives the next row that is not empty, and the line where it begins. One that is
// too long is passed over without keeping it.
func (r *rows) next() (raw []byte, line int, err error) {
	for {
		raw, line, err = r.cut()
		if err != nil || len(bytes.TrimSpace(raw)) > 0 {
			return raw, line, err
		}
	}
}

// cut gives the next row, without its end.
func (r *rows) cut() (raw []byte, line int, err error) {
	const (
		start   = iota // of a cell
		plain          // in a cell without quotes, or behind them
		quoted         // in quotes
		closing        // behind a quote, which ends the cell unless another one follows
	)
	line, tooLong := r.line+1, false
	for at := start; ; {
		b, err := r.in.ReadByte()
		if errors.Is(err, io.EOF) && (len(raw) > 0 || tooLong) {
			r.line++
			break // the last row has no end
		}
		if err != nil {
			return nil, line, err
		}
		r.read++
		if b == '\n' {
			r.line++
			if at != quoted {
				break
			}
		}
		switch {
		case at == quoted && b == '"':
			at = closing
		case at == quoted:
		case b == '"' && (at == start || at == closing):
			at = quoted
		case strings.IndexByte(r.separators, b) >= 0:
			at = start
		default:
			at = plain
		}
		if tooLong = tooLong || len(raw) >= batch.MaxRecord; tooLong {
			raw = nil
		} else {
			raw = append(raw, b)
		}
	}
	if tooLong {
		return nil, line, errTooLong
	}
	return bytes.TrimSuffix(raw, []byte("\r")), line, nil
}

// split gives the cells of a row. What it says of a row that has none is for whoever
// has made the file.
func (r *rows) split(raw []byte) ([]string, error) {
	if !utf8.Valid(raw) {
		return nil, fault.New(fault.Invalid, "This is no UTF-8, but maybe Latin-1: save the file as UTF-8.")
	}
	c := csv.NewReader(bytes.NewReader(raw))
	c.Comma, c.FieldsPerRecord = rune(r.separators[0]), -1
	cells, err := c.Read()
	if err != nil {
		return nil, fault.New(fault.Invalid, "The quotes of this row are wrong: a cell with a quote in it stands in quotes, the ones inside are doubled, and the last one closes it.")
	}
	return cells, nil
}

// header reads the names of the columns, and finds out what separates them.
func (r *rows) header(known []string) ([]string, error) {
	raw, _, err := r.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fault.New(fault.Invalid, "The file is empty: its first line has to name the columns.")
	case errors.Is(err, errTooLong):
		return nil, fault.New(fault.Invalid, "The first line is longer than %d MB: name a CSV file whose first line names the columns.", batch.MaxRecord>>20)
	case err != nil:
		return nil, err
	}
	if bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) || bytes.IndexByte(raw, 0) >= 0 {
		return nil, fault.New(fault.Invalid, "The file is UTF-16 or no text: save it as CSV in UTF-8.")
	}
	var best []string
	most, separators, found := -1, r.separators, ""
	for i := range separators {
		r.separators = separators[i : i+1]
		names, err := r.split(raw)
		if err != nil {
			return nil, err
		}
		n := 0
		for i, name := range names {
			if names[i] = strings.TrimSpace(name); slices.Contains(known, names[i]) {
				n++
			}
		}
		if n > most {
			best, most, found = names, n, r.separators
		}
	}
	r.separators = found
	return best, nil
}
