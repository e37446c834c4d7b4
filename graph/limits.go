package graph

import (
	"fmt"
	"math"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/lexer"

	"stadtgraph/internal/fault"
)

// A limit is a bound on what a document may hold. It is checked before the document
// is validated: validation itself takes quadratic time in repeated fields.
type limit struct {
	name    string
	max     int
	message string // takes what was found, and max
}

var (
	maxTokens     = limit{"tokens", 1500, "The document has %d tokens, and may have %d; split it."} // this also bounds how deep the parser recurses
	maxAliases    = limit{"aliases", 200, "The document has %d aliases, and may have %d; split it."}
	maxFragments  = limit{"fragments", 100, "The document defines %d fragments, and may define %d; split it."}
	maxDirectives = limit{"directives", 100, "The document has %d directives, and may have %d; split it."}
	maxDirected   = limit{"directivesInOnePlace", 5, "There are %d directives in one place, and may be %d; leave some out."}
	maxVariables  = limit{"variables", 100, "The operation declares %d variables, and may declare %d; put them into an input object, or write values into the document."}
	maxNesting    = limit{"variableDepth", 50, "The value of a variable is nested %d deep, and may be %d deep."}
	maxDepth      = limit{"depth", 10, "The operation nests fields %d deep, and may %d deep; ask for the inner ones in an operation of their own."}
	maxFields     = limit{"fields", 1000, "The operation selects %d fields, fragments counted wherever they are spread, and may select %d; ask for fewer."}
	maxRoots      = limit{"roots", 50, "The operation has %d fields at its root, and may have %d; split it."} // each is a statement
	// What validation compares: every two fields that answer under the same key in the same place.
	maxPairs = limit{"repeatedFields", 5000, "The operation asks for the same field here again and again, which takes %d comparisons, and may take %d; ask once."}

	// Introspection nests deeper and repeats itself: what GraphiQL sends passes.
	maxIntrospectionDepth = limit{"introspectionDepth", 20, "The operation nests fields of introspection %d deep, and may %d deep."}
)

// maxIntrospection is how many values of introspection may be asked for, roughly, per
// thing that the schema names. GraphiQL's query asks for twenty.
const maxIntrospection = 60

// exceeded says that there is more than the limit allows.
func (l limit) exceeded(found int, path ast.Path) *gqlerror.Error {
	return &gqlerror.Error{Message: fmt.Sprintf(l.message, found, l.max), Path: path, Extensions: map[string]any{
		"code": string(fault.TooLarge), "limit": l.name, "found": found, "maximum": l.max,
	}}
}

// countTokens counts the tokens of a document that has too many of them.
func countTokens(document string) (n int) {
	l := lexer.New(&ast.Source{Input: document})
	for {
		token, err := l.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			return n
		}
		n++
	}
}

// counts are what is counted over a whole document, as it is written.
type counts struct {
	aliases, directives     int
	aliasesAt, directivesAt ast.Path // of the first that is too much
}

// check counts what a document writes: this takes time by its length.
func (c *counts) check(doc *ast.QueryDocument) *gqlerror.Error {
	if n := len(doc.Fragments); n > maxFragments.max {
		return maxFragments.exceeded(n, nil)
	}
	for _, op := range doc.Operations {
		if n := len(op.VariableDefinitions); n > maxVariables.max {
			return maxVariables.exceeded(n, nil)
		}
		for _, v := range op.VariableDefinitions {
			if err := c.directed(v.Directives, nil); err != nil {
				return err
			}
		}
		if err := c.directed(op.Directives, nil); err != nil {
			return err
		}
		if err := c.walk(op.SelectionSet, nil); err != nil {
			return err
		}
	}
	for _, f := range doc.Fragments {
		if err := c.directed(f.Directives, nil); err != nil {
			return err
		}
		if err := c.walk(f.SelectionSet, nil); err != nil {
			return err
		}
	}
	if c.aliases > maxAliases.max {
		return maxAliases.exceeded(c.aliases, c.aliasesAt)
	}
	if c.directives > maxDirectives.max {
		return maxDirectives.exceeded(c.directives, c.directivesAt)
	}
	return nil
}

func (c *counts) walk(set ast.SelectionSet, path ast.Path) *gqlerror.Error {
	for _, sel := range set {
		var directives ast.DirectiveList
		var inner ast.SelectionSet
		within := path
		switch sel := sel.(type) {
		case *ast.Field:
			directives, inner = sel.Directives, sel.SelectionSet
			within = append(slices.Clip(path), ast.PathName(sel.Alias))
			if sel.Alias != sel.Name {
				if c.aliases++; c.aliases == maxAliases.max+1 {
					c.aliasesAt = within
				}
			}
		case *ast.InlineFragment:
			directives, inner = sel.Directives, sel.SelectionSet
		case *ast.FragmentSpread:
			directives = sel.Directives
		}
		if err := c.directed(directives, within); err != nil {
			return err
		}
		if err := c.walk(inner, within); err != nil {
			return err
		}
	}
	return nil
}

func (c *counts) directed(directives ast.DirectiveList, path ast.Path) *gqlerror.Error {
	if c.directives <= maxDirectives.max {
		c.directivesAt = path
	}
	c.directives += len(directives)
	if len(directives) > maxDirected.max {
		return maxDirected.exceeded(len(directives), path)
	}
	return nil
}

// limits walks a document that is parsed but not validated.
type limits struct {
	fragments map[string]*ast.FragmentDefinition
	open      map[string]bool // spreads that are being expanded
	sizes     sizes
	fields    int
	roots     int
	cost      float64        // of introspection
	same      map[string]int // fields by their place in the answer
	extents   map[string]extent
	pairs     int
}

// checkLimits holds a document to the limits. It gives, for each operation, roughly
// how many values of introspection it asks for.
func checkLimits(s sizes, doc *ast.QueryDocument) (map[*ast.OperationDefinition]int, *gqlerror.Error) {
	if err := new(counts).check(doc); err != nil {
		return nil, err
	}
	introspected := map[*ast.OperationDefinition]int{}
	for _, op := range doc.Operations {
		l := limits{fragments: map[string]*ast.FragmentDefinition{}, open: map[string]bool{}, sizes: s, same: map[string]int{}}
		for _, f := range doc.Fragments {
			l.fragments[f.Name] = f
		}
		if err := l.walk(op.SelectionSet, place{depth: maxDepth, validations: 1}); err != nil {
			return nil, l.inAll(err, op)
		}
		introspected[op] = int(l.cost)
	}
	return introspected, nil
}

// inAll puts into an error of the walk, which ends where a limit is passed, how much
// there is in all.
func (l *limits) inAll(err *gqlerror.Error, op *ast.OperationDefinition) *gqlerror.Error {
	clear(l.open)
	l.extents = map[string]extent{}
	switch all := l.extent(op.SelectionSet); err.Extensions["limit"] {
	case maxFields.name:
		return maxFields.exceeded(all.fields, err.Path)
	case maxRoots.name:
		return maxRoots.exceeded(all.roots, err.Path)
	}
	return err
}

// extent is how large a selection is with every fragment expanded.
type extent struct{ fields, roots, depth int }

// extent is known for each fragment once: fragments that double take no longer than others.
func (l *limits) extent(set ast.SelectionSet) (e extent) {
	for _, sel := range set {
		var inner extent
		switch sel := sel.(type) {
		case *ast.Field:
			inner = l.extent(sel.SelectionSet)
			inner.roots, inner.depth = 1, inner.depth+1
		case *ast.InlineFragment:
			inner = l.extent(sel.SelectionSet)
		case *ast.FragmentSpread:
			f := l.fragments[sel.Name]
			if f != nil && !l.open[sel.Name] {
				known, ok := l.extents[sel.Name]
				if !ok {
					l.open[sel.Name] = true
					known = l.extent(f.SelectionSet)
					l.open[sel.Name] = false
					l.extents[sel.Name] = known
				}
				inner = known
			}
		}
		e.fields = min(e.fields+inner.fields+1, math.MaxInt32)
		e.roots = min(e.roots+inner.roots, math.MaxInt32)
		e.depth = max(e.depth, inner.depth)
	}
	return e
}

// place is where in an operation a selection stands.
type place struct {
	path        ast.Path // of response keys
	key         string   // path as text
	depth       limit    // that holds here
	validations int      // how often it is validated: once more for each fragment around it
	items       float64  // of introspection, how many answers it has
}

func (l *limits) walk(set ast.SelectionSet, at place) *gqlerror.Error {
	for _, sel := range set {
		if l.fields++; l.fields > maxFields.max {
			return maxFields.exceeded(l.fields, at.path)
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
	if l.pairs += l.same[inner.key] * at.validations; l.pairs > maxPairs.max {
		return maxPairs.exceeded(l.pairs, inner.path)
	}
	l.same[inner.key]++
	if len(at.path) == 0 {
		if l.roots++; l.roots > maxRoots.max {
			return maxRoots.exceeded(l.roots, inner.path)
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
		most := limit{"introspection", int(l.sizes.names * maxIntrospection), "The operation asks for about %d values of the schema at once, and may ask for %d; take it from /schema.graphql, or ask for less."}
		return most.exceeded(int(l.cost), inner.path)
	}
	if len(inner.path) > inner.depth.max {
		clear(l.open)
		l.extents = map[string]extent{}
		return inner.depth.exceeded(len(inner.path)+l.extent(f.SelectionSet).depth, inner.path)
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
