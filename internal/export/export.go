// Package export writes all there is of a type, or of all types, for those who take a
// copy: JSON lines, CSV and GeoJSON. An answer is one snapshot, read by the planner as
// what asks for it may see it, and comes with the place in the order of changes from
// which on a copy stays current.
//
// Nothing here lists fields. The lines of what can be imported are its inputs, each
// field read from the field of the same name; what else is told follows from the types
// in the schema (shape.go). So an export of an administrator, imported into an empty
// database with the register, makes an equal one.
package export

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

// Format is how rows are written.
type Format string

// The formats, by the ends of the names of their files.
const (
	NDJSON  Format = "ndjson"
	CSV     Format = "csv"
	GeoJSON Format = "geojson"
)

// MediaType is what an answer says that it is.
func (f Format) MediaType() string {
	return map[Format]string{NDJSON: "application/x-ndjson", CSV: "text/csv; charset=utf-8; header=present", GeoJSON: "application/geo+json"}[f]
}

// Kind is a type that is exported.
type Kind struct {
	Type    string // as in GraphQL
	Name    string // of its files: the plural
	Formats []Format
}

// All is the name of the file that holds every type.
const All = "all"

// Library is what is exported.
type Library struct {
	planner    *plan.Planner
	pool       *pgxpool.Pool
	schema     *ast.Schema
	catalogue  *plan.Catalogue
	registry   *write.Registry
	importable []string
	kinds      []Kind
	version    string

	mu     sync.Mutex
	sheets map[sheetKey]*plan.Sheet
}

type sheetKey struct {
	typeName string
	format   Format
	role     plan.Role
}

// New makes the library of a catalogue, of which a pool of connections of its own is
// read.
func New(catalogue *plan.Catalogue, registry *write.Registry, pool *pgxpool.Pool) (*Library, error) {
	planner := plan.New(catalogue, pool, false)
	l := &Library{planner: planner, pool: pool, catalogue: catalogue, schema: catalogue.Schema, registry: registry,
		importable: registry.Importable(), sheets: map[sheetKey]*plan.Sheet{}}
	ordered, err := l.ordered()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Concat([]string{"State", "Municipality"}, ordered, []string{"Comment"}) {
		k := Kind{Type: name, Name: plural(name), Formats: []Format{NDJSON, CSV}}
		if l.located(name) {
			k.Formats = append(k.Formats, GeoJSON)
		}
		l.kinds = append(l.kinds, k)
		for _, f := range k.Formats { // what cannot be read shows at the start
			sheet, err := l.sheet(k, f, plan.Admin)
			if err != nil {
				return nil, err
			}
			l.version += sheet.SQL()
		}
	}
	digest := sha256.Sum256([]byte(l.version))
	l.version = hex.EncodeToString(digest[:8])
	return l, nil
}

// Kinds are the types that are exported, each behind those that it refers to.
func (l *Library) Kinds() []Kind { return l.kinds }

// Kind finds one by the name of its files or by its type.
func (l *Library) Kind(name string) (Kind, bool) {
	i := slices.IndexFunc(l.kinds, func(k Kind) bool { return k.Name == name || k.Type == name })
	if i < 0 {
		return Kind{}, false
	}
	return l.kinds[i], true
}

// Prefix is that of the ids of a kind.
func (l *Library) Prefix(k Kind) string { return l.catalogue.Prefix(k.Type) }

// Version tells apart what libraries write of the same.
func (l *Library) Version() string { return l.version }

// plural is what many of a type are called in addresses.
func plural(typeName string) string {
	var b strings.Builder
	for i, r := range typeName {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	if stem, ok := strings.CutSuffix(b.String(), "y"); ok {
		return stem + "ies"
	}
	return b.String() + "s"
}

// ordered are the types that can be imported, each behind those that it refers to. A
// type may refer to itself: the importer waits for lines that come later.
func (l *Library) ordered() ([]string, error) {
	before := map[string]map[string]bool{}
	for _, name := range l.importable {
		before[name] = map[string]bool{}
		if err := l.references(name, name, before[name]); err != nil {
			return nil, err
		}
		delete(before[name], name)
	}
	var out []string
	for len(before) > 0 {
		next := ""
		for _, name := range slices.Sorted(maps.Keys(before)) {
			if len(before[name]) == 0 {
				next = name
				break
			}
		}
		if next == "" {
			return nil, fmt.Errorf("export: %s refer to each other", strings.Join(slices.Sorted(maps.Keys(before)), ", "))
		}
		delete(before, next)
		for _, needs := range before {
			delete(needs, next)
		}
		out = append(out, next)
	}
	return out, nil
}

// references notes the types of what an input refers to, as far as they can be imported.
func (l *Library) references(typeName, input string, into map[string]bool) error {
	for _, f := range l.schema.Types[input+"Input"].Fields {
		t := l.schema.Types[f.Type.Name()]
		if t.Kind != ast.InputObject {
			continue
		}
		targets, err := l.targets(typeName, f.Name)
		if err != nil {
			return err
		}
		for _, target := range targets {
			switch {
			case t.Name != "ReferenceInput" && t.Name != "ReferenceListInput":
				err = l.references(target, target, into)
			case slices.Contains(l.importable, target):
				into[target] = true
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// targets are the types that a field of a readable type leads to.
func (l *Library) targets(typeName, field string) ([]string, error) {
	def, o := l.schema.Types[typeName], l.catalogue.Object(typeName)
	if def == nil || o == nil || def.Fields.ForName(field) == nil {
		return nil, fmt.Errorf("export: %s.%s can be written and not be read", typeName, field)
	}
	if rel := o.Fields[field].Relation; rel != nil && len(rel.Either) > 0 {
		var types []string
		for _, v := range rel.Either {
			types = append(types, v.Type)
		}
		return types, nil
	}
	return []string{strings.TrimSuffix(def.Fields.ForName(field).Type.Name(), "Connection")}, nil
}
