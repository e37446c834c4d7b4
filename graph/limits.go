package graph

import (
	"strings"

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

	// Introspection nests deeper and repeats itself: what GraphiQL sends passes.
	maxIntrospectionDepth = 20
)

// limits walks a document that is parsed but not validated.
type limits struct {
	fragments map[string]*ast.FragmentDefinition
	open      map[string]bool // spreads that are being expanded
	fields    int
}

func checkLimits(doc *ast.QueryDocument) *gqlerror.Error {
	for _, op := range doc.Operations {
		l := limits{fragments: map[string]*ast.FragmentDefinition{}, open: map[string]bool{}}
		for _, f := range doc.Fragments {
			l.fragments[f.Name] = f
		}
		if err := l.walk(op.SelectionSet, nil, MaxDepth); err != nil {
			return err
		}
	}
	return nil
}

func (l *limits) walk(set ast.SelectionSet, path ast.Path, depth int) *gqlerror.Error {
	for _, sel := range set {
		if l.fields++; l.fields > MaxFields {
			return tooLarge(path, "The operation selects more than %d fields, fragments counted wherever they are spread; ask for fewer.", MaxFields)
		}
		var err *gqlerror.Error
		switch sel := sel.(type) {
		case *ast.Field:
			depth := depth
			if len(path) == 0 && strings.HasPrefix(sel.Name, "__") {
				depth = maxIntrospectionDepth
			}
			path := append(path[:len(path):len(path)], ast.PathName(sel.Alias))
			if len(path) > depth {
				return tooLarge(path, "The operation nests fields more than %d deep; ask for the inner ones in an operation of their own.", depth)
			}
			err = l.walk(sel.SelectionSet, path, depth)
		case *ast.InlineFragment:
			err = l.walk(sel.SelectionSet, path, depth)
		case *ast.FragmentSpread:
			f := l.fragments[sel.Name]
			if f == nil || l.open[sel.Name] { // validation says so
				continue
			}
			l.open[sel.Name] = true
			err = l.walk(f.SelectionSet, path, depth)
			l.open[sel.Name] = false
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func tooLarge(path ast.Path, format string, args ...any) *gqlerror.Error {
	return &gqlerror.Error{
		Message: fault.New(fault.TooLarge, format, args...).Message, Path: path,
		Extensions: map[string]any{"code": string(fault.TooLarge)},
	}
}
