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

	"stadtgraph/internal/render"
)

// table is one that content may fill, in an order in which rows refer to earlier
// tables only.
type table struct {
	name     string
	key      string // its columns, separated by blanks
	children []child
}

// child is a table whose rows are written inside their owner's.
type child struct {
	name     string
	owner    string // its column for the owner
	order    order
	row      string  // its column for the owner's row, where the owner is itself a child
	children []child // of its rows
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
	{"media_asset", "id", nil},
	{"indicator", "id", nil},
	{"person", "id", []child{
		{name: "person_affiliation", owner: "person_id", order: positioned},
	}},
	{"event", "id", []child{
		{name: "event_organization", owner: "event_id", order: positionedPerRole},
		{name: "event_mention", owner: "event_id", order: positioned},
		{name: "event_topic", owner: "event_id", order: positioned},
		{name: "event_link", owner: "event_id", order: positioned},
		{name: "event_source", owner: "event_id", order: positioned},
	}},
	{"strategy", "id", []child{
		{name: "strategy_owner", owner: "strategy_id", order: positioned},
		{name: "strategy_decision", owner: "strategy_id", order: positioned, children: []child{
			{name: "strategy_decision_source", owner: "strategy_id", order: positioned, row: "decision"},
		}},
		{name: "strategy_topic", owner: "strategy_id", order: positionedPerRole},
		{name: "strategy_responsible", owner: "strategy_id", order: positioned},
		{name: "strategy_participation", owner: "strategy_id", order: positioned},
		{name: "strategy_link", owner: "strategy_id", order: positioned},
		{name: "strategy_source", owner: "strategy_id", order: positioned},
	}},
	{"measure", "id", []child{
		{name: "measure_owner", owner: "measure_id", order: positioned},
		{name: "measure_organization", owner: "measure_id", order: positionedPerRole},
		{name: "measure_topic", owner: "measure_id", order: positioned},
		{name: "measure_link", owner: "measure_id", order: positioned},
		{name: "measure_source", owner: "measure_id", order: positioned},
	}},
	{"ranking", "id", []child{
		{name: "ranking_source", owner: "ranking_id", order: positioned},
	}},
	{"ranking_entry", "id", nil},
	{"platform", "id", []child{
		{name: "platform_state", owner: "platform_id"},
		{name: "platform_source", owner: "platform_id", order: positioned},
	}},
	{"figure", "id", []child{
		{name: "figure_source", owner: "figure_id", order: positioned},
	}},
	{"funding_program", "id", []child{
		{name: "funding_program_funder", owner: "program_id", order: positioned},
		{name: "funding_program_state", owner: "program_id"},
		{name: "funding_program_rate", owner: "program_id", order: positioned},
		{name: "funding_program_topic", owner: "program_id", order: positionedPerRole},
		{name: "funding_program_link", owner: "program_id", order: positioned},
		{name: "funding_program_source", owner: "program_id", order: positioned},
	}},
	{"funding_call", "id", []child{
		{name: "funding_call_source", owner: "call_id", order: positioned},
	}},
	{"funding_award", "id", []child{
		{name: "funding_award_recipient", owner: "award_id", order: positioned},
		{name: "funding_award_strategy", owner: "award_id"},
		{name: "funding_award_measure", owner: "award_id"},
		{name: "funding_award_source", owner: "award_id", order: positioned},
	}},
	{"article", "id", []child{
		{name: "article_byline", owner: "article_id", order: positioned},
		{name: "article_mention", owner: "article_id", order: positioned},
		{name: "article_media", owner: "article_id", order: positioned},
		{name: "article_topic", owner: "article_id", order: positionedPerRole},
		{name: "article_link", owner: "article_id", order: positioned},
		{name: "article_previous", owner: "article_id", order: positioned},
		{name: "article_municipality", owner: "article_id"},
		{name: "article_state", owner: "article_id"},
		{name: "article_strategy", owner: "article_id"},
		{name: "article_measure", owner: "article_id"},
		{name: "article_funding_program", owner: "article_id"},
		{name: "article_funding_award", owner: "article_id"},
		{name: "article_organization", owner: "article_id"},
		{name: "article_event", owner: "article_id"},
		{name: "article_platform", owner: "article_id"},
		{name: "article_ranking_entry", owner: "article_id"},
		{name: "article_figure", owner: "article_id", order: positioned},
		{name: "article_source", owner: "article_id", order: positioned},
	}},
	{"comment", "id", []child{
		{name: "comment_note", owner: "comment_id", order: positioned},
	}},
	{"identifier", "scheme value", nil},
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
	"period_from": true, "period_to": true, "date": true, "as_of": true,
	"capacity_period_from": true, "capacity_period_to": true,
}

// datasetDay is the one column of such a name that is a plain day.
const datasetDay = "dataset.as_of"

// rendered are the columns of Markdown, by table.
var rendered = func() map[string]render.Column {
	columns := map[string]render.Column{}
	for _, c := range render.Columns {
		columns[c.Table] = c
	}
	return columns
}()

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
	own, children, err := split(w.values, t.children)
	if err != nil {
		return err
	}
	if slug, ok := own["slug"].(string); ok && own["id"] == nil {
		own["id"] = t.name + ":" + slug
	}
	columns, err := b.expand(w.place, t.name, own)
	if err != nil {
		return err
	}
	var parts []string
	for column := range strings.FieldsSeq(t.key) {
		part, ok := columns[column].(string)
		if !ok && column == "id" {
			return errors.New("the row has neither an id nor a slug")
		} else if !ok {
			return fmt.Errorf("the row has no %s", column)
		}
		parts = append(parts, part)
	}
	key := strings.Join(parts, " ")
	if name, ok := own["id"].(string); ok {
		if prefix, _, _ := strings.Cut(name, ":"); prefix != t.name {
			return fmt.Errorf("the id begins with %s", prefix)
		}
		if before := b.defined[key]; before != "" {
			return fmt.Errorf("the same id as %s", before)
		}
		b.defined[key] = w.place
	}
	if c, ok := rendered[t.name]; ok {
		if markdown, ok := columns[c.Name].(string); ok {
			maps.Copy(columns, c.Values(markdown))
		}
	}
	owner := t.name + " " + key
	b.content.keys[t.name] = append(b.content.keys[t.name], key)
	if err := b.insert(w.place, owner, t.name, columns); err != nil {
		return err
	}
	return b.addChildren(t.children, w.place, owner, key, 0, children)
}

// addChildren adds the rows that were written inside a row, which is the owner
// or the row of that number in one of its children.
func (b *builder) addChildren(kinds []child, place, owner, key string, number int, lists map[string][]any) error {
	for _, c := range kinds {
		positions := map[any]int{}
		for i, v := range lists[c.name] {
			place := fmt.Sprintf("%s, %s row %d", place, c.name, i+1)
			values, ok := v.(map[string]any)
			if !ok {
				return fmt.Errorf("%s row %d is not a row", c.name, i+1)
			}
			own, inside, err := split(values, c.children)
			if err != nil {
				return fmt.Errorf("%s row %d: %w", c.name, i+1, err)
			}
			columns, err := b.expand(place, c.name, own)
			if err != nil {
				return fmt.Errorf("%s row %d: %w", c.name, i+1, err)
			}
			columns[c.owner] = key
			if c.row != "" {
				columns[c.row] = number
			}
			position := 0
			if c.order != unordered {
				var within any
				if c.order == positionedPerRole {
					within = columns["role"]
				}
				positions[within]++
				position = positions[within]
				columns["position"] = position
			}
			if err := b.insert(place, owner, c.name, columns); err != nil {
				return err
			}
			if err := b.addChildren(c.children, place, owner, key, position, inside); err != nil {
				return fmt.Errorf("%s row %d: %w", c.name, i+1, err)
			}
		}
	}
	return nil
}

// split parts a row's own columns from the rows written inside it.
func split(values map[string]any, kinds []child) (own map[string]any, inside map[string][]any, err error) {
	own, inside = map[string]any{}, map[string][]any{}
	for column, v := range values {
		if !slices.ContainsFunc(kinds, func(c child) bool { return c.name == column }) {
			own[column] = v
			continue
		}
		list, ok := v.([]any)
		if !ok {
			return nil, nil, fmt.Errorf("%s is not a list of rows", column)
		}
		inside[column] = list
	}
	return own, inside, nil
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
func (b *builder) expand(place, table string, values map[string]any) (map[string]any, error) {
	columns := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		if name == "//" {
			continue
		}
		if err := b.column(place, table, name, v, columns); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return columns, nil
}

func (b *builder) column(place, table, name string, v any, columns map[string]any) error {
	if partialDates[name] && table+"."+name != datasetDay {
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
			if err := b.column(place, table, name+"_"+part, v[part], columns); err != nil {
				return err
			}
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
