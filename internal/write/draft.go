package write

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/slug"
)

// Draft is a row that is about to be written.
type Draft struct {
	Object *Object
	ID     nodeid.UUID
	Old    map[string]any // the row as it is, by column; nil if it is new
	Set    map[string]any // columns that are given a value
	Given  plan.Input
	Path   []string // of the input object

	UserErrors UserErrors

	children   []*child
	references []*reference
	slugGiven  bool
	fresh      bool // it is to be made, not changed
	behind     int  // how many rows of a list its first one comes behind

	Effects []string // keys of other rows that changed by this one
}

// child is what becomes of the rows of a child table.
type child struct {
	field   Field
	table   string
	path    []string
	def     *ast.Definition // of the input object that a row is made of; nil for links
	owner   map[string]any  // the columns that name the row it hangs on, and its role
	rows    []map[string]any
	add     []map[string]any // references to add or remove, instead of rows
	remove  []map[string]any
	partial bool
}

// reference is a mention of another row, which a column takes.
type reference struct {
	path  []string
	types []string          // what it may be
	to    map[string]string // the column for each type, or "" for the only one
	into  map[string]any
	by    string // id, key, slug, external
	value string
	found bool
}

// refuse notes a problem with a field of the input.
func (d *Draft) refuse(code Code, path []string, format string, args ...any) {
	d.UserErrors = append(d.UserErrors, UserError{Path: slices.Clone(path), Code: code, Message: fmt.Sprintf(format, args...)})
}

// Refuse notes a problem with a field of the draft's input.
func (d *Draft) Refuse(code Code, field, format string, args ...any) {
	d.refuse(code, append(slices.Clip(d.Path), strings.Split(field, ".")...), format, args...)
}

// Value is what a column will hold.
func (d *Draft) Value(column string) any {
	if v, ok := d.Set[column]; ok {
		return v
	}
	return d.Old[column]
}

// New says whether the row is not there yet.
func (d *Draft) New() bool { return d.Old == nil }

// read turns the input into columns, child rows and references.
func (r *Registry) read(d *Draft) {
	d.Set = map[string]any{}
	def := r.input(d.Object)
	r.columns(d, d.Object.Table, def, d.Given, d.Object.Fields, "", d.Set, d.Path, nil)
	if c, ok := rendered(d.Object.Table); ok {
		if markdown, given := d.Set[c.Name]; given {
			values := c.Values("")
			for name := range values {
				values[name] = nil
			}
			if text, ok := markdown.(string); ok && text != "" {
				values = c.Values(text)
			} else {
				d.Set[c.Name] = nil
			}
			maps.Copy(d.Set, values)
		}
	}
	if s, ok := d.Set["slug"].(string); ok && d.Object.Slug != "" {
		d.slugGiven = true
		if s == "" || slug.Make(s) != s || len(s) > maxSlug {
			d.Refuse(Invalid, "slug", "A slug has lower case letters a to z, digits and single hyphens, %d characters at most.", maxSlug)
		}
	}
}

// columns puts the fields of an input object into columns of a table, with a prefix.
func (r *Registry) columns(d *Draft, table string, def *ast.Definition, given plan.Input, fields Fields, prefix string, into map[string]any, path []string, owner map[string]any) {
	for _, f := range def.Fields {
		v, ok := given[f.Name]
		if !ok {
			continue
		}
		at := append(slices.Clip(path), f.Name)
		field := fields[f.Name]
		t := r.catalogue.Schema.Types[f.Type.Name()]
		column := prefix + cmp.Or(field.Column, snake(f.Name))
		switch {
		case field.Table != "":
			r.child(d, t, field, v, at, owner)
		case t.Name == "PartialDateInput":
			d.partialDate(into, column, v, at)
		case t.Name == "ReferenceInput":
			r.reference(d, table, def, f, field, v, prefix, into, at)
		case t.Kind == ast.InputObject:
			inner, _ := v.(plan.Input)
			if inner == nil { // null clears all of it
				inner = plan.Input{}
				for _, m := range t.Fields {
					inner[m.Name] = nil
				}
			}
			r.columns(d, table, t, inner, field.Fields, column+"_", into, at, nil)
		case v == nil && limits[table+"."+column].required:
			if !d.fresh { // else it is as if it was not given
				d.refuse(Required, at, "This cannot be empty.")
			}
		default:
			into[column] = d.scalar(limits[table+"."+column], t, f, v, at)
		}
	}
}

// scalar is a value as Postgres reads it from JSON.
func (d *Draft) scalar(l limit, t *ast.Definition, f *ast.FieldDefinition, v any, path []string) any {
	switch given := v.(type) {
	case string:
		if f.Name != "body" && f.Name != "description" { // Markdown may begin with spaces that count
			given = strings.TrimSpace(given)
		}
		if t.Name == "URL" && !address(given) {
			d.refuse(Invalid, path, "This must be an address that begins with https:// or http://, 2,000 characters at most.")
			return nil
		}
		v = given
	case time.Time:
		return given.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
	case []any:
		if len(given) > maxItems {
			d.refuse(TooLong, path, "This may have %d entries at most.", maxItems)
			return nil
		}
		items := make([]any, len(given))
		for i, item := range given {
			items[i] = d.scalar(limit{text: true, min: shortest, max: longest}, t, f, item, append(slices.Clip(path), strconv.Itoa(i)))
		}
		return items
	}
	if code, message := l.check(v); code != "" {
		d.refuse(code, path, "%s", message)
	}
	return v
}

func address(s string) bool {
	return (strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")) && len(s) <= 2000 &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"<>`, r) })
}

// partialDate fills the four columns of a vague date. The last day that it can mean
// follows from the first, unless it is an interval.
func (d *Draft) partialDate(into map[string]any, column string, v any, path []string) {
	given, _ := v.(plan.Input)
	if given == nil {
		for _, part := range []string{"start", "end", "precision", "text"} {
			into[column+"_"+part] = nil
		}
		return
	}
	start, _ := given["start"].(string)
	end, _ := given["end"].(string)
	precision, _ := given["precision"].(string)
	first, _ := time.Parse(time.DateOnly, start)
	last := first
	switch precision {
	case "MONTH":
		first = time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC)
		last = first.AddDate(0, 1, -1)
	case "YEAR":
		first = time.Date(first.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
		last = first.AddDate(1, 0, -1)
	case "INTERVAL":
		last, _ = time.Parse(time.DateOnly, end)
		if end == "" || !last.After(first) {
			d.refuse(Invalid, append(slices.Clip(path), "end"), "An interval ends after it begins; give its last day.")
			return
		}
	}
	if end != "" && end != last.Format(time.DateOnly) {
		d.refuse(Invalid, append(slices.Clip(path), "end"), "With this start and precision the last day is %s; leave `end` out or set the precision INTERVAL.", last.Format(time.DateOnly))
		return
	}
	into[column+"_start"], into[column+"_end"] = first.Format(time.DateOnly), last.Format(time.DateOnly)
	into[column+"_precision"], into[column+"_text"] = precision, given["text"]
	if code, message := (limit{}).check(given["text"]); code != "" {
		d.refuse(code, append(slices.Clip(path), "text"), "%s", message)
	}
}

// reference notes one that the column of a row takes.
func (r *Registry) reference(d *Draft, table string, def *ast.Definition, f *ast.FieldDefinition, field Field, v any, prefix string, into map[string]any, path []string) {
	to := map[string]string{}
	if field.Either != nil {
		for typeName, column := range field.Either {
			to[typeName] = prefix + column
		}
	} else {
		to[r.target(def, f)] = prefix + cmp.Or(field.Column, snake(f.Name)+"_id")
	}
	for _, column := range to {
		if v == nil && limits[table+"."+column].required {
			if !d.fresh {
				d.refuse(Required, path, "This cannot be empty.")
			}
			return
		}
		into[column] = nil
	}
	if given, _ := v.(plan.Input); given != nil {
		r.refer(d, given, to, into, path)
	}
}

// refer notes a reference.
func (r *Registry) refer(d *Draft, given plan.Input, to map[string]string, into map[string]any, path []string) {
	ref := &reference{path: path, types: slices.Sorted(maps.Keys(to)), to: to, into: into}
	for name, v := range given {
		if v == nil {
			continue
		}
		if ref.by != "" {
			d.refuse(Invalid, path, "Give one of `id`, `key`, `slug` and `external`, not several.")
			return
		}
		ref.by = name
		switch v := v.(type) {
		case nodeid.ID:
			typeName := r.ofPrefix(v.Prefix)
			if !slices.Contains(ref.types, typeName) {
				d.refuse(NotFound, append(slices.Clip(path), "id"), "This is no id of %s.", oneOf(ref.types))
				return
			}
			ref.types, ref.value = []string{typeName}, v.UUID.String()
		case string:
			ref.value = v
		case plan.Input:
			text, err := json.Marshal([]any{v["source"], v["id"]})
			if err != nil {
				panic(err) // texts always have a form
			}
			ref.value = string(text)
		}
	}
	if ref.by == "" {
		d.refuse(Required, path, "Give one of `id`, `key`, `slug` and `external`.")
		return
	}
	d.references = append(d.references, ref)
}

func oneOf(types []string) string { return "a " + strings.Join(types, " or ") }

// target is the type that a field of an input refers to: the type of the field of
// that name which readers see, or else of the field's description in references.
func (r *Registry) target(def *ast.Definition, f *ast.FieldDefinition) string {
	readable := r.catalogue.Schema.Types[strings.TrimSuffix(def.Name, "Input")]
	return strings.TrimSuffix(readable.Fields.ForName(f.Name).Type.Name(), "Connection")
}

// maxItems is how many rows of one child table a mutation takes.
const maxItems = 1000

// child notes what becomes of the rows of a child table.
func (r *Registry) child(d *Draft, t *ast.Definition, field Field, v any, path []string, owner map[string]any) {
	c := &child{field: field, table: field.Table, path: path, owner: map[string]any{}}
	if field.Shared {
		c.owner[field.Column] = d.ID.String()
	} else {
		c.owner[d.Object.Holder] = d.ID.String()
	}
	maps.Copy(c.owner, owner)
	if field.Role != "" {
		c.owner["role"] = field.Role
	}
	d.children = append(d.children, c)
	if t.Name == "ReferenceInput" { // a list of one
		if given, _ := v.(plan.Input); given != nil {
			c.rows = []map[string]any{{field.Target: nil}}
			r.refer(d, given, map[string]string{r.linked(d, path[len(path)-1]): field.Target}, c.rows[0], path)
		}
		return
	}
	if t.Name == "ReferenceListInput" {
		given, _ := v.(plan.Input)
		if given == nil {
			return // null clears it
		}
		for name, items := range given {
			list, _ := items.([]any)
			if len(list) > maxItems {
				d.refuse(TooLong, append(slices.Clip(path), name), "This may have %d entries at most.", maxItems)
				continue
			}
			rows := make([]map[string]any, len(list))
			for i, item := range list {
				rows[i] = map[string]any{}
				at := append(slices.Clip(path), name, strconv.Itoa(i))
				to := field.Either
				if to == nil {
					to = map[string]string{r.linked(d, path[len(path)-1]): field.Target}
				}
				for _, column := range to {
					rows[i][column] = nil
				}
				given, _ := item.(plan.Input)
				r.refer(d, given, to, rows[i], at)
			}
			switch name {
			case "set":
				c.rows = rows
			case "add":
				c.add, c.partial = rows, true
			case "remove":
				c.remove, c.partial = rows, true
			}
		}
		if c.partial && given["set"] != nil {
			d.refuse(Invalid, path, "Give `set` for the whole list, or `add` and `remove`, not both.")
		}
		return
	}
	c.def = t
	list, _ := v.([]any)
	if len(list) > maxItems {
		d.refuse(TooLong, path, "This may have %d entries at most.", maxItems)
		return
	}
	table := field.Table
	if field.Sourced {
		table = "source"
	}
	sources := &child{table: "source", path: path, def: t}
	if field.Sourced {
		d.children = append(d.children[:len(d.children)-1], sources, c)
	}
	for i, item := range list {
		given, _ := item.(plan.Input)
		row := map[string]any{}
		at := append(slices.Clip(path), strconv.Itoa(i))
		var below map[string]any
		if field.Of != "" {
			below = map[string]any{field.Of: d.behind + i + 1}
		}
		for _, f := range t.Fields { // all rows have the same columns
			if _, ok := given[f.Name]; !ok && (field.Fields[f.Name].Table == "" || !d.fresh) { // nor keeps a row what an earlier one had
				if given == nil {
					given = plan.Input{}
				}
				given[f.Name] = nil
			}
		}
		r.columns(d, table, t, given, field.Fields, "", row, at, below)
		if field.Sourced {
			id := nodeid.New(time.Now()).String()
			row["id"] = id
			sources.rows = append(sources.rows, row)
			row = map[string]any{"source_id": id}
		}
		c.rows = append(c.rows, row)
	}
}

// linked is the type of what a field of references links.
func (r *Registry) linked(d *Draft, name string) string {
	f := r.catalogue.Schema.Types[d.Object.Type].Fields.ForName(name)
	return strings.TrimSuffix(f.Type.Name(), "Connection")
}

// Gives says whether the input has a field.
func (d *Draft) Gives(field string) bool { _, ok := d.Given[field]; return ok }

// Rows are what becomes of the rows of a child table, for a field of the input.
func (d *Draft) Rows(field string) []map[string]any {
	for _, c := range d.children {
		if len(c.path) == len(d.Path)+1 && c.path[len(d.Path)] == field && c.table != "source" {
			return c.rows
		}
	}
	return nil
}

// Links are the keys of what a field of references will link.
func (d *Draft) Links(field string) (keys []string) {
	for _, row := range d.Rows(field) {
		for column, v := range row {
			if key, ok := v.(string); ok && strings.HasSuffix(column, "_id") {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// version is that of the row as it is.
func (d *Draft) version() int {
	n, _ := d.Old["version"].(float64)
	return int(n)
}
