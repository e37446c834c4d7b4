package export

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/plan"
)

// bookkeeping is of the database, not of what it holds: a copy has its own.
var bookkeeping = []string{"version", "createdAt", "modifiedAt", "revisions"}

// counted are the lists of which a table says how long they are.
var counted = map[string][]string{
	"State":        {"municipalities", "strategies", "fundingPrograms", "articles"},
	"Municipality": {"strategies", "measures", "awards", "articles"},
}

// sheet is what is read for a type in a format.
func (l *Library) sheet(k Kind, f Format, role plan.Role) (*plan.Sheet, error) {
	if k.Type == "Comment" {
		role = plan.Public // whoever may read more of them reads it where it is decided about
	}
	key := sheetKey{k.Type, f, role}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.sheets[key]; s != nil {
		return s, nil
	}
	of := plan.SheetOf{Type: k.Type, Role: role}
	var err error
	switch f {
	case NDJSON:
		if slices.Contains(l.importable, k.Type) {
			of.Stored = true
			of.Table = plan.SQL(l.registry.Object(k.Type).Table) // what the register tells is not written
			of.Picks, err = l.record(k.Type, role)
			break
		}
		of.Picks = append([]plan.Pick{{Name: "type", Text: k.Type}}, l.told(k.Type, nil)...)
	case CSV:
		of.Picks = l.columns(k.Type)
	case GeoJSON:
		of.Picks, of.Where = l.feature(k.Type), "{latitude} IS NOT NULL AND {dissolved_on} IS NULL"
	}
	if err != nil {
		return nil, err
	}
	s, err := l.planner.Sheet(of)
	if err == nil {
		l.sheets[key] = s
	}
	return s, err
}

// record is what a line says of a type that can be imported: a record of the mutation
// importRecords, with the fields of its input one level up.
func (l *Library) record(typeName string, role plan.Role) ([]plan.Pick, error) {
	o, def := l.registry.Object(typeName), l.schema.Types[typeName]
	picks := []plan.Pick{{Name: "type", Text: typeName}, {Field: "id"}}
	if role >= plan.Editor { // what others call it is between them and the editors
		from := "FROM external_id e WHERE e.type = '" + typeName + "' AND e.id = {id}"
		first := func(column string) plan.SQL {
			return plan.SQL("(SELECT e." + column + " " + from + " ORDER BY e.source, e.external_id LIMIT 1)")
		}
		picks = append(picks,
			plan.Pick{Name: "source", Expr: first("source"), Scalar: "String", Given: true},
			plan.Pick{Name: "externalId", Expr: first("external_id"), Scalar: "String", Given: true},
			plan.Pick{Name: "externalIds", Scalar: "JSON", Given: true, Expr: plan.SQL("(SELECT jsonb_agg(jsonb_build_object('source', m.source, 'id', m.external_id) ORDER BY m.source, m.external_id)::text" +
				" FROM (SELECT e.source, e.external_id " + from + " ORDER BY e.source, e.external_id OFFSET 1) m)")})
	}
	if o.Published {
		picks = append(picks, plan.Pick{Field: "publicationStatus"}, plan.Pick{Field: "publishedAt"})
	}
	if def.Fields.ForName("updatedAt") != nil {
		picks = append(picks, plan.Pick{Field: "updatedAt"})
	}
	if o.Slug != "" {
		picks = append(picks, plan.Pick{Name: "formerSlugs", Scalar: "String", List: true, Given: true,
			Expr: plan.SQL("(SELECT array_agg(f.slug ORDER BY f.slug) FROM former_slug f WHERE f.type = '" + o.Table + "' AND f.id = {id})")})
	}
	content, err := l.given(typeName, l.schema.Types[typeName+"Input"])
	return append(picks, content...), err
}

// given are the fields of an input, as they would be given.
func (l *Library) given(typeName string, input *ast.Definition) (picks []plan.Pick, err error) {
	for _, f := range input.Fields {
		p := plan.Pick{Field: f.Name}
		t := l.schema.Types[f.Type.Name()]
		targets, err := l.targets(typeName, f.Name)
		switch {
		case err != nil:
			return nil, err
		case t.Name == "ReferenceInput":
			l.reference(&p, targets)
		case t.Name == "ReferenceListInput":
			p.Set = true
			l.reference(&p, targets)
		case t.Kind == ast.InputObject:
			if len(targets) != 1 {
				return nil, fmt.Errorf("export: %s.%s holds values of several types", typeName, f.Name)
			}
			if p.Of, err = l.given(targets[0], t); err != nil {
				return nil, err
			}
		}
		picks = append(picks, p)
	}
	return picks, nil
}

// reference is how a row is referred to: what has an official key by that, everything
// else by its id.
func (l *Library) reference(p *plan.Pick, targets []string) {
	by := func(typeName string) []plan.Pick {
		if o := l.catalogue.Object(typeName); o.Named.Key == "key" {
			return []plan.Pick{{Field: "key"}}
		}
		return []plan.Pick{{Field: "id"}}
	}
	if len(targets) == 1 {
		p.Of = by(targets[0])
		return
	}
	p.On = map[string][]plan.Pick{}
	for _, name := range targets {
		p.On[name] = by(name)
	}
}

// told is all that a type tells that cannot be imported: its own fields, values, and
// references to what it names. What others tell of it, such as sums and counts, changes
// with them, and stands in their lines.
func (l *Library) told(typeName string, within []string) (picks []plan.Pick) {
	for _, f := range l.schema.Types[typeName].Fields {
		if !l.tells(typeName, f) {
			continue
		}
		switch {
		case slices.Contains(bookkeeping, f.Name) && (typeName != "Comment" || f.Name != "createdAt"),
			f.Type.Name() == "MoneySum",
			strings.Contains(string(l.catalogue.Object(typeName).Fields[f.Name].Expr), "SELECT"),
			f.Type.Elem != nil && slices.Contains(l.importable, f.Type.Name()):
			continue
		}
		p := plan.Pick{Field: f.Name}
		if !l.schema.Types[f.Type.Name()].IsLeafType() {
			targets, err := l.targets(typeName, f.Name)
			switch {
			case err != nil || slices.Contains(within, targets[0]):
				continue
			case l.catalogue.Prefix(targets[0]) != "":
				l.reference(&p, targets)
			default:
				p.Of = l.told(targets[0], append(slices.Clip(within), typeName))
			}
		}
		picks = append(picks, p)
	}
	return picks
}

// tells says whether a field tells something of its row to everybody: not what lists
// beside it say, nor what has to be asked with an argument.
func (l *Library) tells(typeName string, f *ast.FieldDefinition) bool {
	decl := l.catalogue.Object(typeName).Fields[f.Name]
	required := slices.ContainsFunc(f.Arguments, func(a *ast.ArgumentDefinition) bool { return a.Type.NonNull && a.DefaultValue == nil })
	return !strings.HasPrefix(f.Name, "__") && !strings.HasSuffix(f.Type.Name(), "Connection") && decl.Least == plan.Public && decl.Made == nil && !required
}

// columns are those of a table: the fields of a type, and of what it names the key and
// the name. A column is called as the path of its value is in the schema.
func (l *Library) columns(typeName string) (picks []plan.Pick) {
	def, input := l.schema.Types[typeName], l.schema.Types[typeName+"Input"]
	for _, f := range def.Fields {
		switch {
		case slices.Contains(counted[typeName], f.Name):
			picks = append(picks, plan.Pick{Name: f.Name + ".totalCount", Field: f.Name, Count: true})
		case strings.HasSuffix(f.Type.Name(), "Connection") && input != nil && input.Fields.ForName(f.Name) != nil, l.tells(typeName, f) && !rendered(def, f.Name):
			for _, path := range l.paths(typeName, f, false, nil) {
				picks = append(picks, chain(path))
			}
		}
	}
	return picks
}

// rendered says whether a field is another one in another form.
func rendered(def *ast.Definition, name string) bool {
	for _, suffix := range []string{"Html", "Text"} {
		if of, ok := strings.CutSuffix(name, suffix); ok && def.Fields.ForName(of) != nil {
			return true
		}
	}
	return name == "tableOfContents" || name == "version"
}

// paths are those of the values of a field. A list may be on the way, but not a list in
// a list.
func (l *Library) paths(typeName string, f *ast.FieldDefinition, listed bool, within []string) (paths [][]string) {
	name := f.Type.Name()
	list := f.Type.Elem != nil || strings.HasSuffix(name, "Connection")
	if list && listed {
		return nil
	}
	if l.schema.Types[name].IsLeafType() {
		return [][]string{{f.Name}}
	}
	targets, err := l.targets(typeName, f.Name)
	if err != nil || slices.Contains(within, targets[0]) {
		return nil
	}
	target := l.schema.Types[targets[0]]
	if o := l.catalogue.Object(target.Name); o.Prefix != "" {
		names := []string{"id", o.Named.Key, o.Named.Label}
		if len(targets) > 1 {
			names = []string{"id", "name"}
			target = l.schema.Types[name]
		}
		for _, name := range names {
			if target.Fields.ForName(name) != nil && (name != "id" || o.Named.Key == "") {
				paths = append(paths, []string{f.Name, name})
			}
		}
		return paths
	}
	for _, inner := range target.Fields {
		if l.tells(target.Name, inner) {
			for _, path := range l.paths(target.Name, inner, listed || list, append(slices.Clip(within), typeName)) {
				paths = append(paths, append([]string{f.Name}, path...))
			}
		}
	}
	return paths
}

// chain picks the value at the end of a path.
func chain(path []string) plan.Pick {
	p := plan.Pick{Field: path[len(path)-1]}
	for i := len(path) - 2; i >= 0; i-- {
		p = plan.Pick{Field: path[i], Of: []plan.Pick{p}}
	}
	p.Name = strings.Join(path, ".")
	return p
}

// located says whether rows of a type are at a point.
func (l *Library) located(typeName string) bool {
	f := l.schema.Types[typeName].Fields.ForName("location")
	return f != nil && f.Type.Name() == "GeoPoint"
}

// feature is what a map shows of a row: where it is, and what it is.
func (l *Library) feature(typeName string) []plan.Pick {
	properties := []plan.Pick{{Field: "key"}, {Field: "name"}, {Field: "label"}, {Field: "level"}, {Field: "kind"}, {Field: "population"},
		{Name: "stateKey", Field: "state", Of: []plan.Pick{{Field: "key"}}}, {Name: "districtKey", Field: "district", Of: []plan.Pick{{Field: "key"}}}}
	for _, name := range counted[typeName] {
		properties = append(properties, plan.Pick{Field: name, Count: true})
	}
	return append([]plan.Pick{{Field: "id"}, {Name: "longitude", Field: "location", Of: []plan.Pick{{Field: "longitude"}}},
		{Name: "latitude", Field: "location", Of: []plan.Pick{{Field: "latitude"}}}}, properties...)
}

// name is what a member is called.
func name(p plan.Pick) string { return cmp.Or(p.Name, p.Field) }
