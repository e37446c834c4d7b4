package rest

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/server"
)

//go:embed resolve.graphql
var resolveDocument string

const (
	resolvePath  = Prefix + "/resolve"
	resolveTitle = "What became of official keys, many at once"
	csvType      = "text/csv"

	// What is resolved at once is held in memory while it is, so there are bounds: 8 MiB and
	// 100,000 rows each, and a few at a time.
	maxTable  = 8 << 20
	maxRows   = 100_000
	maxTables = 4

	batch = 1000 // keys that the planner takes at once
)

// unit is a municipality, as far as a row needs it.
type unit struct {
	ID   string `json:"id"`
	Key  string `json:"key"`
	Name string `json:"name"`
}

// fate is what became of a key.
type fate struct {
	Status     string  `json:"status"`
	Key        *string `json:"presentKey"`
	Name       *string `json:"presentName"`
	ID         *string `json:"presentId"`
	Successors []unit  `json:"successors"`
	Note       *string `json:"note"`
}

// added are the columns that a table of text gets, and members that an object of JSON does.
var added = []string{"status", "presentKey", "presentName", "presentId", "successors", "note"}

// Notes about a row.
const (
	restored = "LEADING_ZERO_RESTORED" // a spreadsheet took the key for a number
	noKey    = "NOT_A_KEY"             // it is no sequence of digits
)

// resolver answers POST /resolve: the rows of a table, in their order, with what became
// of the key of each. A row that makes no sense is told so, and spoils no other.
func resolver() server.Route {
	places := make(chan struct{}, maxTables)
	return server.Route{Pattern: resolvePath, Methods: []string{http.MethodPost}, Documents: []string{resolveDocument}, Serve: func(w http.ResponseWriter, c *server.Caller) error {
		sent, _, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
		if err != nil || sent != csvType && sent != jsonType || c.Header.Get("Content-Encoding") != "" {
			return server.Refusal(http.StatusUnsupportedMediaType, fault.New(fault.BadRequest, "Send a table as text/csv, or a list as application/json, without Content-Encoding; say which in the header Content-Type."))
		}
		wanted := c.Choose(sent, csvType, jsonType)
		if wanted == "" {
			return server.Refusal(http.StatusNotAcceptable, fault.New(fault.BadRequest, "Answers are text/csv or application/json; name one of them in the header Accept, or leave it out."))
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			return fault.New(fault.Busy, "Several tables are being read already; try again in a moment.")
		}
		t, err := readTable(w, c, sent)
		if err != nil {
			return err
		}
		fates, err := resolve(c.Context(), c, t)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", wanted+"; charset=utf-8")
		out := bufio.NewWriterSize(w, 64<<10)
		if wanted == csvType {
			err = t.writeCSV(out, fates)
		} else {
			err = t.writeJSON(out, fates)
		}
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			panic(http.ErrAbortHandler) // the client has left
		}
		return nil
	}}
}

// table is what was sent. Its rows are read twice rather than held.
type table struct {
	body   []byte // UTF-8 without a mark in front
	json   bool
	marked bool // that mark stood there
	comma  rune
	crlf   bool
	header []string // nil if there is none
	column int      // of the key
}

func readTable(w http.ResponseWriter, c *server.Caller, sent string) (*table, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, c.Body, maxTable))
	var exceeded *http.MaxBytesError
	switch {
	case errors.As(err, &exceeded):
		return nil, tooLarge()
	case err != nil:
		return nil, fault.New(fault.BadRequest, "The request ended before it was complete.")
	}
	t := &table{json: sent == jsonType, comma: ','}
	body, t.marked = bytes.CutPrefix(body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) {
		if t.json {
			return nil, fault.New(fault.BadRequest, "The body is not valid UTF-8.")
		}
		if body, err = charmap.Windows1252.NewDecoder().Bytes(body); err != nil { // as Excel writes it
			return nil, fault.New(fault.BadRequest, "The body is neither valid UTF-8 nor Windows-1252.")
		}
	}
	t.body = body
	if !t.json {
		t.sniff()
	}
	rows := 0
	err = t.rows(func(row) error {
		if rows++; rows > maxRows {
			return tooLarge()
		}
		return nil
	})
	if err == nil && rows == 0 {
		err = fault.New(fault.BadRequest, "There are no rows; send one key a line, or a list such as [\"09461000\"].")
	}
	return t, err
}

func tooLarge() error {
	return server.Refusal(http.StatusRequestEntityTooLarge, fault.New(fault.TooLarge, "A table has 100,000 rows and 8 MiB at most; send it in parts."))
}

// keyColumns are names that a column of keys has.
var keyColumns = []string{"key", "ags", "ars", "rs", "schlüssel", "schluessel", "gemeindeschlüssel", "gemeindeschluessel", "amtlicher gemeindeschlüssel", "regionalschlüssel", "kreisschlüssel"}

// sniff finds out how a table is written, and where its keys are.
func (t *table) sniff() {
	line, _, _ := bytes.Cut(t.body, []byte("\n"))
	t.crlf = bytes.HasSuffix(line, []byte("\r"))
	most := 0
	for _, comma := range ",;\t" {
		if n := bytes.Count(line, []byte(string(comma))); n > most {
			t.comma, most = comma, n
		}
	}
	first, err := t.reader().Read()
	if err != nil || len(first) == 0 {
		return
	}
	for i, cell := range first {
		if slices.Contains(keyColumns, strings.ToLower(strings.TrimSpace(cell))) {
			t.header, t.column = first, i
			return
		}
	}
	if strings.ContainsFunc(first[0], unicode.IsLetter) {
		t.header = first
	}
}

func (t *table) reader() *csv.Reader {
	r := csv.NewReader(bytes.NewReader(t.body))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = t.comma, -1, true
	return r
}

// row is one of a table.
type row struct {
	key   string // as it was sent
	cells []string
	raw   json.RawMessage // of JSON
}

// rows gives all rows but that of the header.
func (t *table) rows(do func(row) error) error {
	if t.json {
		return t.items(do)
	}
	r := t.reader()
	for n := 0; ; n++ {
		cells, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fault.New(fault.BadRequest, "The table cannot be read from its row %d on: it is no CSV.", n+1)
		case n == 0 && t.header != nil:
			continue
		}
		at := row{cells: cells}
		if t.column < len(cells) {
			at.key = cells[t.column]
		}
		if err := do(at); err != nil {
			return err
		}
	}
}

func (t *table) items(do func(row) error) error {
	bad := fault.New(fault.BadRequest, `The body is no JSON list; send one such as ["09461000"] or [{"key": "09461000"}].`)
	d := json.NewDecoder(bytes.NewReader(t.body))
	if begin, err := d.Token(); err != nil || begin != json.Delim('[') {
		return bad
	}
	for d.More() {
		var at row
		if err := d.Decode(&at.raw); err != nil {
			return bad
		}
		at.key = keyOf(at.raw)
		if err := do(at); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return bad
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad
	}
	return nil
}

// keyOf is the key in a text, a number, or an object with one; "" if there is none.
func keyOf(raw json.RawMessage) string {
	switch first := raw[0]; {
	case first == '"':
		var text string
		_ = json.Unmarshal(raw, &text) // it has been read before
		return text
	case first == '-' || first >= '0' && first <= '9':
		return string(raw)
	case first == '{':
		var of struct{ Key json.RawMessage }
		if err := json.Unmarshal(raw, &of); err == nil && len(of.Key) > 0 && of.Key[0] != '{' {
			return keyOf(of.Key)
		}
	}
	return ""
}

// normal is a key as the register has it, and whether its leading zero was missing: AGS
// have 8 digits, district keys 5, regional keys 12. "" if it is none.
func normal(text string) (key string, zero bool) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "'") // which keeps spreadsheets from taking it for a number
	key = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	if key == "" || len(key) > 12 || strings.Trim(key, "0123456789") != "" {
		return "", false
	}
	switch len(key) {
	case 4, 7, 11:
		return "0" + key, true
	}
	return key, false
}

// resolve finds what became of all keys of a table, each once.
func resolve(ctx context.Context, c *server.Caller, t *table) (map[string]*fate, error) {
	fates := map[string]*fate{}
	_ = t.rows(func(r row) error { // it has been read before
		if key, _ := normal(r.key); key != "" {
			fates[key] = nil
		}
		return nil
	})
	for keys := range slices.Chunk(slices.Sorted(maps.Keys(fates)), batch) {
		data, err := c.Read(ctx, resolveDocument, map[string]any{"keys": anys(keys)})
		if err != nil {
			return nil, err
		}
		var read struct {
			MunicipalitiesByKey []struct {
				Key, Status  string
				Municipality *struct {
					unit
					Successors []unit
				}
			}
		}
		if err := json.Unmarshal(data, &read); err != nil {
			return nil, err
		}
		for _, found := range read.MunicipalitiesByKey {
			f := &fate{Status: found.Status, Successors: []unit{}}
			switch m := found.Municipality; {
			case m == nil:
			case found.Status == "DISSOLVED":
				f.Successors = m.Successors
			default:
				f.Key, f.Name, f.ID = &m.Key, &m.Name, &m.ID
			}
			fates[found.Key] = f
		}
	}
	return fates, nil
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

// of is what became of a row's key.
func of(fates map[string]*fate, r row) fate {
	key, zero := normal(r.key)
	known := fates[key]
	f := fate{Status: "UNKNOWN", Successors: []unit{}}
	if known != nil {
		f = *known
	}
	switch {
	case key == "":
		f.Note = new(noKey)
	case zero:
		f.Note = new(restored)
	}
	return f
}

// cells are the columns of a fate; of successors the keys, with spaces between.
func (f fate) cells() []string {
	keys := make([]string, len(f.Successors))
	for i, s := range f.Successors {
		keys[i] = s.Key
	}
	return []string{f.Status, text(f.Key), text(f.Name), text(f.ID), strings.Join(keys, " "), text(f.Note)}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (t *table) writeCSV(w io.Writer, fates map[string]*fate) error {
	out := csv.NewWriter(w)
	out.Comma, out.UseCRLF = t.comma, t.crlf
	if t.marked {
		if _, err := io.WriteString(w, "\ufeff"); err != nil {
			return err
		}
	}
	width := len(t.header)
	switch {
	case t.json:
		width = 1
		if err := out.Write(append([]string{"key"}, added...)); err != nil {
			return err
		}
	case t.header != nil:
		if err := out.Write(append(safe(t.header), added...)); err != nil {
			return err
		}
	}
	err := t.rows(func(r row) error {
		cells := r.cells
		if t.json {
			cells = []string{r.key}
		}
		for len(cells) < width { // what is added stands below its header
			cells = append(cells, "")
		}
		return out.Write(append(safe(cells), of(fates, r).cells()...))
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

var number = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]+)*$`)

// safe neutralises cells that a spreadsheet would run.
func safe(cells []string) []string {
	out := make([]string, len(cells))
	for i, cell := range cells {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && !number.MatchString(cell) {
			cell = "'" + cell
		}
		out[i] = cell
	}
	return out
}

func (t *table) writeJSON(w *bufio.Writer, fates map[string]*fate) error {
	separator := byte('[')
	err := t.rows(func(r row) error {
		_ = w.WriteByte(separator) // the writer remembers its error
		separator = ','
		item := t.members(r)
		f, err := json.Marshal(of(fates, r))
		if err != nil {
			return err
		}
		_, _ = w.Write(item)
		_, err = w.Write(f[1:])
		return err
	})
	_, _ = w.WriteString("]\n")
	return err
}

// members are those that an object of JSON had, up to where more can be added; what is
// added takes the place of others of its name. The columns of a table are members, too.
func (t *table) members(r row) []byte {
	b := []byte{'{'}
	member := func(name string, value any) {
		if !slices.Contains(added, name) {
			encoded, _ := json.Marshal(value) // text, or what was JSON
			b = append(append(append(b, quoted(name)...), ':'), encoded...)
			b = append(b, ',')
		}
	}
	switch {
	case t.json && r.raw[0] == '{':
		d := json.NewDecoder(bytes.NewReader(r.raw))
		_, _ = d.Token()
		for d.More() {
			name, _ := d.Token()
			var value json.RawMessage
			_ = d.Decode(&value) // it has been read before
			member(name.(string), value)
		}
	case t.json:
		member("key", r.raw)
	case t.header == nil:
		member("key", r.key)
	default:
		for i, name := range t.header {
			cell := ""
			if i < len(r.cells) {
				cell = r.cells[i]
			}
			member(strings.TrimSpace(name), cell)
		}
	}
	return b
}
