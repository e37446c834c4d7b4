package demo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// table is one that content may fill, in an order in which rows refer to earlier
// tables only.
type table struct {
	name     string
	key      string
	children []child
}

// child is a table whose rows are written inside their owner's.
type child struct {
	name  string
	owner string // its column for the owner
	order order
}

// order says whether rows are numbered, and within what.
type order int

const (
	unordered order = iota
	positioned
	positionedPerRole
)

var tables = []table{
	{"dataset", "name", nil},
	{"organization", "id", nil},
	{"topic", "id", nil},
	{"source", "id", nil},
	{"strategy", "id", []child{
		{"strategy_owner", "strategy_id", positioned},
		{"strategy_decision", "strategy_id", positioned},
		{"strategy_topic", "strategy_id", positionedPerRole},
		{"strategy_responsible", "strategy_id", positioned},
		{"strategy_link", "strategy_id", positioned},
		{"strategy_source", "strategy_id", positioned},
	}},
	{"funding_program", "id", []child{
		{"funding_program_funder", "program_id", positioned},
		{"funding_program_state", "program_id", unordered},
		{"funding_program_rate", "program_id", positioned},
		{"funding_program_topic", "program_id", positionedPerRole},
		{"funding_program_link", "program_id", positioned},
		{"funding_program_source", "program_id", positioned},
	}},
	{"funding_call", "id", nil},
	{"funding_award", "id", []child{
		{"funding_award_recipient", "award_id", positioned},
		{"funding_award_strategy", "award_id", unordered},
		{"funding_award_source", "award_id", positioned},
	}},
	{"article", "id", []child{
		{"article_byline", "article_id", positioned},
		{"article_topic", "article_id", positionedPerRole},
		{"article_link", "article_id", positioned},
		{"article_municipality", "article_id", unordered},
		{"article_state", "article_id", unordered},
		{"article_strategy", "article_id", unordered},
		{"article_funding_program", "article_id", unordered},
		{"article_funding_award", "article_id", unordered},
		{"article_organization", "article_id", unordered},
		{"article_source", "article_id", positioned},
	}},
	{"comment", "id", []child{
		{"comment_note", "comment_id", positioned},
	}},
}

// prefixes are the types that a reference may name.
var prefixes = func() map[string]bool {
	p := map[string]bool{"state": true, "municipality": true}
	for _, t := range tables {
		p[t.name] = t.key == "id"
	}
	return p
}()

// partialDates are the vague dates, four columns each.
var partialDates = map[string]bool{
	"published_on": true, "presented_on": true, "adopted_on": true, "awarded_on": true,
	"period_from": true, "period_to": true, "date": true,
}

// written is a row as it stands in a file.
type written struct {
	place  string
	values map[string]any
}

// row is one that Postgres can take.
type row struct {
	place  string
	owner  string // table and key of the row itself, or of the one it hangs on
	insert string
	json   string
}

// reference is a mention of a row, and where it stands.
type reference struct {
	place, name, id string
}

type content struct {
	rows        []*row
	keys        map[string][]string // by table, of rows that own themselves
	territories []reference
	version     string
}

// compile reads all files and checks what can be checked without a database.
func compile(files fs.FS) (*content, error) {
	rows := map[string][]written{}
	names, err := fs.Glob(files, "content/*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := read(files, name)
		if err != nil {
			return nil, err
		}
		if err := parse(data, path.Base(name), rows); err != nil {
			return nil, err
		}
	}
	if data, err := read(files, projectsFile); err == nil {
		if err := parseProjects(data, rows); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}

	b := &builder{
		content: &content{keys: map[string][]string{}}, files: files,
		defined: map[string]string{}, territories: map[string]reference{},
	}
	for _, t := range tables {
		for _, w := range rows[t.name] {
			if err := b.add(t, w); err != nil {
				return nil, fmt.Errorf("%s: %w", w.place, err)
			}
		}
	}
	for _, r := range b.references {
		if b.defined[r.id] == "" {
			return nil, fmt.Errorf("%s: there is no %s", r.place, strings.Replace(r.name, ":", " ", 1))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.territories)) {
		b.content.territories = append(b.content.territories, b.territories[name])
	}
	sum := sha256.New()
	for _, r := range b.content.rows {
		fmt.Fprintln(sum, r.insert, r.json)
	}
	b.content.version = hex.EncodeToString(sum.Sum(nil)[:8])
	return b.content, nil
}

func read(files fs.FS, name string) ([]byte, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, fmt.Errorf("%s: not UTF-8 text", path.Base(name))
	}
	return data, nil
}

// parse reads a file of tables.
func parse(data []byte, file string, into map[string][]written) error {
	if err := unique(json.NewDecoder(bytes.NewReader(data))); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var content map[string][]map[string]any
	if err := d.Decode(&content); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%s: something follows the last row", file)
	}
	for name, rows := range content {
		if !slices.ContainsFunc(tables, func(t table) bool { return t.name == name }) {
			return fmt.Errorf("%s: %s is no table that content can fill", file, name)
		}
		for i, values := range rows {
			into[name] = append(into[name], written{fmt.Sprintf("%s, %s row %d%s", file, name, i+1, called(values)), values})
		}
	}
	return nil
}

// unique refuses an object that has a key twice: decoding would keep the second
// and lose, for instance, all rows of the first "article".
func unique(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if seen[name] {
				return fmt.Errorf("%q is written twice, at byte %d", name, d.InputOffset())
			}
			seen[name] = true
		}
		if err := unique(d); err != nil {
			return err
		}
	}
	_, err = d.Token() // the end
	return err
}

// called names a row for a person, as far as it has a name.
func called(values map[string]any) string {
	for _, column := range []string{"slug", "id", "name"} {
		if s, ok := values[column].(string); ok {
			return fmt.Sprintf(" (%s)", s)
		}
	}
	return ""
}

type builder struct {
	content     *content
	files       fs.FS
	defined     map[string]string // id -> place
	references  []reference
	territories map[string]reference
}

func (b *builder) add(t table, w written) error {
	own := map[string]any{}
	children := map[string][]any{}
	for column, v := range w.values {
		if slices.ContainsFunc(t.children, func(c child) bool { return c.name == column }) {
			list, ok := v.([]any)
			if !ok {
				return fmt.Errorf("%s is not a list of rows", column)
			}
			children[column] = list
			continue
		}
		own[column] = v
	}
	if slug, ok := own["slug"].(string); ok && own["id"] == nil {
		own["id"] = t.name + ":" + slug
	}
	columns, err := b.expand(w.place, own)
	if err != nil {
		return err
	}
	key, ok := columns[t.key].(string)
	if !ok {
		return fmt.Errorf("the row has neither a %s nor a slug", t.key)
	}
	if name, ok := own["id"].(string); ok {
		if prefix, _, _ := strings.Cut(name, ":"); prefix != t.name {
			return fmt.Errorf("the id begins with %s", prefix)
		}
		if before := b.defined[key]; before != "" {
			return fmt.Errorf("the same id as %s", before)
		}
		b.defined[key] = w.place
	}
	owner := t.name + " " + key
	b.content.keys[t.name] = append(b.content.keys[t.name], key)
	if err := b.insert(w.place, owner, t.name, columns); err != nil {
		return err
	}

	for _, c := range t.children {
		positions := map[any]int{}
		for i, v := range children[c.name] {
			place := fmt.Sprintf("%s, %s row %d", w.place, c.name, i+1)
			values, ok := v.(map[string]any)
			if !ok {
				return fmt.Errorf("%s row %d is not a row", c.name, i+1)
			}
			columns, err := b.expand(place, values)
			if err != nil {
				return fmt.Errorf("%s row %d: %w", c.name, i+1, err)
			}
			columns[c.owner] = key
			if c.order != unordered {
				var within any
				if c.order == positionedPerRole {
					within = columns["role"]
				}
				positions[within]++
				columns["position"] = positions[within]
			}
			if err := b.insert(place, owner, c.name, columns); err != nil {
				return err
			}
		}
	}
	return nil
}

// insert writes the statement for one row. It names the columns that the row
// has, so that the others get their defaults.
func (b *builder) insert(place, owner, table string, columns map[string]any) error {
	data, err := json.Marshal(columns)
	if err != nil {
		return err
	}
	var names []string
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		names = append(names, pgx.Identifier{column}.Sanitize())
	}
	list, name := strings.Join(names, ", "), pgx.Identifier{table}.Sanitize()
	b.content.rows = append(b.content.rows, &row{place, owner,
		fmt.Sprintf(`INSERT INTO %[1]s (%[2]s) SELECT %[2]s FROM jsonb_populate_record(NULL::%[1]s, $1::text::jsonb)`, name, list),
		string(data)})
	return nil
}

// expand turns what is written into columns.
func (b *builder) expand(place string, values map[string]any) (map[string]any, error) {
	columns := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		if name == "//" {
			continue
		}
		if err := b.column(place, name, v, columns); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return columns, nil
}

func (b *builder) column(place, name string, v any, columns map[string]any) error {
	if partialDates[name] {
		return partialDate(name, v, columns)
	}
	if name == "id" || strings.HasSuffix(name, "_id") {
		written, ok := v.(string)
		if !ok {
			return fmt.Errorf("%v is no reference", v)
		}
		prefix, id, err := derive(written)
		if err != nil {
			return err
		}
		r := reference{place, written, id}
		switch {
		case name == "id":
		case prefix == "state" || prefix == "municipality":
			b.territories[written] = r
		default:
			b.references = append(b.references, r)
		}
		columns[name] = id
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		if file, ok := v["file"].(string); ok && len(v) == 1 {
			text, err := read(b.files, path.Join("content", file))
			if err != nil {
				return err
			}
			columns[name] = strings.TrimSpace(string(text))
			return nil
		}
		for _, part := range slices.Sorted(maps.Keys(v)) {
			columns[name+"_"+part] = v[part]
		}
	case string:
		if strings.ContainsRune(v, 0) {
			return errors.New("the text contains NUL, which Postgres cannot store")
		}
		columns[name] = v
	default:
		columns[name] = v
	}
	return nil
}

// partialDate writes the four columns of a vague date.
func partialDate(name string, v any, columns map[string]any) error {
	set := func(first, last time.Time, precision string) {
		columns[name+"_start"] = first.Format(time.DateOnly)
		columns[name+"_end"] = last.Format(time.DateOnly)
		columns[name+"_precision"] = precision
	}
	switch v := v.(type) {
	case string:
		first, last, precision, err := parsePartial(v)
		if err != nil {
			return err
		}
		set(first, last, precision)
		return nil
	case map[string]any:
		part := func(key string) (first, last time.Time, precision string, err error) {
			s, ok := v[key].(string)
			if !ok {
				return first, last, "", fmt.Errorf("%q is missing or no text", key)
			}
			return parsePartial(s)
		}
		for key := range v {
			if !slices.Contains([]string{"on", "from", "to", "text"}, key) {
				return fmt.Errorf("a date has no %q", key)
			}
		}
		if text, ok := v["text"]; ok {
			if s, ok := text.(string); !ok || s == "" {
				return errors.New(`"text" is empty or no text`)
			}
			columns[name+"_text"] = text
		}
		if v["on"] != nil {
			if v["from"] != nil || v["to"] != nil {
				return errors.New(`a date has either "on" or "from" and "to"`)
			}
			first, last, precision, err := part("on")
			if err != nil {
				return err
			}
			set(first, last, precision)
			return nil
		}
		first, _, _, err := part("from")
		if err != nil {
			return err
		}
		_, last, _, err := part("to")
		if err != nil {
			return err
		}
		if !last.After(first) {
			return errors.New("the span ends before it begins")
		}
		set(first, last, "INTERVAL")
		return nil
	}
	return fmt.Errorf("%v is no date", v)
}

// parsePartial reads a day, month or year and finds its first and last day.
func parsePartial(s string) (first, last time.Time, precision string, err error) {
	for _, f := range []struct {
		layout, precision   string
		years, months, days int
	}{
		{"2006-01-02", "DAY", 0, 0, 0},
		{"2006-01", "MONTH", 0, 1, -1},
		{"2006", "YEAR", 1, 0, -1},
	} {
		if t, err := time.Parse(f.layout, s); err == nil {
			return t, t.AddDate(f.years, f.months, f.days), f.precision, nil
		}
	}
	return first, last, "", fmt.Errorf("%q is no date: write 2024, 2024-02 or 2024-02-06", s)
}
