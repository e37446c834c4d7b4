// Package write is the one writer of the product. Nouns declare their writable
// shape as data: where each field of a type's input goes. Mutations, imports and
// restored revisions all pass through it:
//
//	read      an input becomes columns, rows of child tables, and references
//	look up   references are resolved, the row is locked and its version compared
//	write     the row and its children, in one batch
//
// It runs inside the caller's transaction. What the caller can mend comes back as
// UserErrors, each at the path of the input field; then nothing may be committed.
package write

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/render"
)

// Object declares the writable shape of one type. A field of its input that is not
// declared goes to the column of its name; an input object inside it goes to
// columns with its name in front; a reference goes to the column that ends in _id.
type Object struct {
	Type     string
	Table    string
	Holder   string   // the column of child tables that names the row
	Required []string // fields without which a row is not made
	Slug     string   // the field that a slug is made of, if rows have slugs
	Fields   Fields

	Published bool     // it has the editorial life cycle
	Readable  []string // columns of which one must hold something before it is published
	Belongs   string   // a query of the columns municipality_id and state_id: where the row @id belongs
	Natural   string   // the field, beside slug, by which imports find a row

	// Check holds the row to the noun's rules, before it is written. It may add columns.
	Check func(ctx context.Context, tx *Tx, d *Draft) error
	// After does what follows from a change, in the same transaction.
	After func(ctx context.Context, tx *Tx, d *Draft) error
}

// Fields are those of an input that do not go to the column of their name.
type Fields map[string]Field

// Field says where a field of an input goes.
type Field struct {
	Column string // of the row

	// Of a child table, one row for each item:
	Table   string
	Role    string            // what its column role says
	Ordered bool              // it has a position
	Target  string            // the column of what is linked
	Either  map[string]string // or one for each type of it
	Fields  Fields            // of items that are input objects
	Sourced bool              // items are sources, in a table of their own
	Of      string            // the column of the position of the row that an item's own items hang on
	Shared  bool              // the table is one for all types; the holder has a column of its own
}

// To is another column than that of the name.
func To(column string) Field { return Field{Column: column} }

// Links are references, a row each in a table of links.
func Links(table, target string) Field { return Field{Table: table, Target: target} }

// LinksEither are references to rows of several types, a column each.
func LinksEither(table string, columns map[string]string) Field {
	return Field{Table: table, Either: columns, Ordered: true}
}

// As says that the links are those of a role.
func (f Field) As(role string) Field { f.Role = role; return f }

// InOrder says that the order of the items counts.
func (f Field) InOrder() Field { f.Ordered = true; return f }

// Rows are input objects, a row each, in their order.
func Rows(table string, fields Fields) Field {
	return Field{Table: table, Fields: fields, Ordered: true}
}

// Sources are where facts were read.
func Sources(table string) Field { return Field{Table: table, Sourced: true, Ordered: true} }

// Identifiers are what others call the row.
func Identifiers(column string) Field {
	return Field{Table: "identifier", Column: column, Shared: true}
}

// Either is a reference to a row of one of several types, a column each.
func Either(columns map[string]string) Field { return Field{Either: columns} }

// Tx is a transaction in which somebody writes.
type Tx struct {
	pgx.Tx
	*Registry
	Actor *auth.Actor
	Now   time.Time
}

// Registry is what may be written.
type Registry struct {
	catalogue *plan.Catalogue
	objects   map[string]*Object
}

// NewRegistry checks what the nouns declare against the schema.
func NewRegistry(catalogue *plan.Catalogue, objects []Object) (*Registry, error) {
	r := &Registry{catalogue: catalogue, objects: map[string]*Object{}}
	for i := range objects {
		o := &objects[i]
		input := catalogue.Schema.Types[o.Type+"Input"]
		if catalogue.Object(o.Type) == nil || input == nil {
			return nil, fmt.Errorf("write: the schema has no %s or no %[1]sInput", o.Type)
		}
		for name := range o.Fields {
			if input.Fields.ForName(name) == nil {
				return nil, fmt.Errorf("write: %sInput has no field %s", o.Type, name)
			}
		}
		for _, name := range o.Required {
			if input.Fields.ForName(name) == nil {
				return nil, fmt.Errorf("write: %sInput has no field %s", o.Type, name)
			}
		}
		r.objects[o.Type] = o
	}
	return r, nil
}

// Catalogue is what can be read.
func (r *Registry) Catalogue() *plan.Catalogue { return r.catalogue }

// Object gives what was declared of a type; nil if it cannot be written.
func (r *Registry) Object(typeName string) *Object { return r.objects[typeName] }

// Types are those that can be written, in order.
func (r *Registry) Types() []string {
	var types []string
	for name := range r.objects {
		types = append(types, name)
	}
	slices.Sort(types)
	return types
}

func (r *Registry) input(o *Object) *ast.Definition { return r.catalogue.Schema.Types[o.Type+"Input"] }

// id is the global id of a row.
func (r *Registry) id(o *Object, key nodeid.UUID) nodeid.ID {
	return nodeid.ID{Prefix: r.catalogue.Object(o.Type).Prefix, UUID: key}
}

// ID is a global id of a type, without a row.
func (r *Registry) ID(typeName string) nodeid.ID {
	return nodeid.ID{Prefix: r.catalogue.Object(typeName).Prefix}
}

// ofPrefix is the type whose global ids begin so.
func (r *Registry) ofPrefix(prefix string) string {
	for name, def := range r.catalogue.Schema.Types {
		if o := r.catalogue.Object(name); def.Kind == ast.Object && o != nil && o.Prefix == prefix {
			return name
		}
	}
	return ""
}

// rendered is the column of Markdown of a table, if it has one.
func rendered(table string) (render.Column, bool) {
	for _, c := range render.Columns {
		if c.Table == table {
			return c, true
		}
	}
	return render.Column{}, false
}

// snake is a name of the schema as a column.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Code says what is wrong with an input, for programs.
type Code string

// The codes of the schema's UserErrorCode.
const (
	Required   Code = "REQUIRED"
	Invalid    Code = "INVALID"
	TooLong    Code = "TOO_LONG"
	OutOfRange Code = "OUT_OF_RANGE"
	NotFound   Code = "NOT_FOUND"
	Taken      Code = "TAKEN"
	Conflict   Code = "CONFLICT"
	NotAllowed Code = "NOT_ALLOWED"
	OutOfScope Code = "OUT_OF_SCOPE"

	Closed      Code = "CLOSED"
	Expired     Code = "EXPIRED"
	RateLimited Code = "RATE_LIMITED"
)

// UserError is one thing that the caller can mend.
type UserError struct {
	Path    []string // from `input` on
	Code    Code
	Message string
	Current *Current // of a conflict
}

// Current is what a row has become since the version that was sent.
type Current struct {
	Version    int
	ModifiedAt time.Time
	By         string
	Changed    []string // fields
}

// UserErrors are why nothing was written.
type UserErrors []UserError

func (p UserErrors) Error() string {
	var b strings.Builder
	for i, problem := range p {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(strings.Join(problem.Path, ".") + ": " + problem.Message)
	}
	return b.String()
}

// Refuse is a problem by itself.
func Refuse(code Code, path []string, format string, args ...any) UserErrors {
	return UserErrors{{Path: path, Code: code, Message: fmt.Sprintf(format, args...)}}
}
