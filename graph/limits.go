package graph

import (
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/internal/fault"
)

// Limits of an operation's text, checked before it is validated: validation
// itself takes quadratic time in repeated fields.
const (
	MaxTokens = 1500 // of a document; this also bounds how deep the parser recurses
	MaxDepth  = 10   // fields inside each other
	MaxFields = 1000 // with every fragment expanded wherever it is spread

	MaxRoots = 50 // fields of Query in one operation: each is a statement

	// Introspection nests deeper and repeats itself: what GraphiQL sends passes.
	maxIntrospectionDepth = 20
	// How many values of introspection may be asked for, roughly, per thing that
	// the schema names. GraphiQL's query asks for twenty.
	maxIntrospection = 60

	// maxPairs bounds what validation compares: every two fields that answer
	// under the same key in the same place.
	maxPairs = 5000
)

// limits walks a document that is parsed but not validated.
type limits struct {
	fragments map[string]*ast.FragmentDefinition
	open      map[string]bool // spreads that are being expanded
	sizes     sizes
	fields    int
	roots     int
	cost      float64        // of introspection
	same      map[string]int // fields by their place in the answer
	pairs     int
}

func checkLimits(s sizes, doc *ast.QueryDocument) *gqlerror.Error {
	for _, op := range doc.Operations {
		l := limits{fragments: map[string]*ast.FragmentDefinition{}, open: map[string]bool{}, sizes: s, same: map[string]int{}}
		for _, f := range doc.Fragments {
			l.fragments[f.Name] = f
		}
		if err := l.walk(op.SelectionSet, place{depth: MaxDepth, validations: 1}); err != nil {
			return err
		}
	}
	return nil
}

// place is where in an operation a selection stands.
type place struct {
	path        ast.Path // of response keys
	key         string   // path as text
	depth       int      // that is allowed here
	validations int      // how often it is validated: once more for each fragment around it
	items       float64  // of introspection, how many answers it has
}

func (l *limits) walk(set ast.SelectionSet, at place) *gqlerror.Error {
	for _, sel := range set {
		if l.fields++; l.fields > MaxFields {
			return tooLarge(at.path, "The operation selects more than %d fields, fragments counted wherever they are spread; ask for fewer.", MaxFields)
		}
		var err *gqlerror.Error
		switch sel := sel.(type) {
		case *ast.Field:
			err = l.field(sel, at)
		case *ast.InlineFragment:
			at := at
			at.validations++
			err = l.walk(sel.SelectionSet, at)
		case *ast.FragmentSpread:
			f := l.fragments[sel.Name]
			if f == nil || l.open[sel.Name] { // validation says so
				continue
			}
			at := at
			at.validations++
			l.open[sel.Name] = true
			err = l.walk(f.SelectionSet, at)
			l.open[sel.Name] = false
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *limits) field(f *ast.Field, at place) *gqlerror.Error {
	inner := place{
		path:        append(slices.Clip(at.path), ast.PathName(f.Alias)),
		key:         at.key + "." + f.Alias,
		depth:       at.depth,
		validations: at.validations,
	}
	if l.pairs += l.same[inner.key] * at.validations; l.pairs > maxPairs {
		return tooLarge(inner.path, "The operation asks for `%s` here again and again; ask once.", clip(f.Alias))
	}
	l.same[inner.key]++
	if len(at.path) == 0 {
		if l.roots++; l.roots > MaxRoots {
			return tooLarge(inner.path, "The operation has more than %d fields at its root; split it.", MaxRoots)
		}
		if f.Name == "__schema" || f.Name == "__type" {
			inner.depth, inner.items = maxIntrospectionDepth, 1
		}
	}
	if at.items > 0 {
		size, list := l.sizes.of(f.Name)
		inner.items = at.items * size
		if list { // which costs something even where it is empty
			l.cost += 10 * at.items
		}
	}
	if l.cost += inner.items; l.cost > l.sizes.names*maxIntrospection {
		return tooLarge(inner.path, "The operation asks for too much of the schema at once; take it from /schema.graphql, or ask for less.")
	}
	if len(inner.path) > inner.depth {
		return tooLarge(inner.path, "The operation nests fields more than %d deep; ask for the inner ones in an operation of their own.", inner.depth)
	}
	return l.walk(f.SelectionSet, inner)
}

// sizes are how many answers the lists of introspection have, on average.
type sizes struct {
	types, fields, args, inputs, values, directives, possible, interfaces float64

	names float64 // all types, fields, arguments and values there are
}

// of is how many answers a field has, and whether they are a list. A type inside
// another is there half the time.
func (s sizes) of(field string) (size float64, list bool) {
	switch field {
	case "types":
		return s.types, true
	case "fields":
		return s.fields, true
	case "args":
		return s.args, true
	case "inputFields":
		return s.inputs, true
	case "enumValues":
		return s.values, true
	case "directives":
		return s.directives, true
	case "possibleTypes":
		return s.possible, true
	case "interfaces":
		return s.interfaces, true
	case "ofType":
		return 0.5, false
	}
	return 1, false
}

func sizesOf(schema *ast.Schema) sizes {
	var s sizes
	for _, def := range schema.Types {
		s.types++
		switch def.Kind {
		case ast.InputObject:
			s.inputs += float64(len(def.Fields))
		case ast.Object, ast.Interface:
			s.fields += float64(len(def.Fields))
			for _, f := range def.Fields {
				s.args += float64(len(f.Arguments))
			}
		case ast.Enum:
			s.values += float64(len(def.EnumValues))
		}
		s.interfaces += float64(len(def.Interfaces))
		s.possible += float64(len(schema.PossibleTypes[def.Name]))
	}
	s.names = s.types + s.fields + s.args + s.inputs + s.values
	s.args /= s.fields
	s.fields /= s.types
	s.inputs /= s.types
	s.values /= s.types
	s.interfaces /= s.types
	s.possible /= s.types
	s.directives = float64(len(schema.Directives))
	return s
}

func tooLarge(path ast.Path, format string, args ...any) *gqlerror.Error {
	return &gqlerror.Error{
		Message: fault.New(fault.TooLarge, format, args...).Message, Path: path,
		Extensions: map[string]any{"code": string(fault.TooLarge)},
	}
}
