package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/change"
)

// Changes are told as they are listed: the subscription `changed` has the payload of
// the list `changes`, and what is told of is a page of that.

// Changes that are read at once, as far as they do not cost more than one event may.
const (
	ahead     = 20
	aheadCost = 2000
)

// Names of variables and a response key that no operation can have.
const (
	firstVariable = "the first"
	afterVariable = "the after"
	typesVariable = "the types"
	placesAlias   = "the places"
)

// liftFeed makes of
//
//	subscription { changed(types: …) { nodeId node { … } } }
//
// the query
//
//	query { changed: changes(first: …, after: …, types: …) { edges { cursor } nodes { nodeId node { … } } } }
func (e *Executor) liftFeed(op *ast.OperationDefinition, root *ast.Field, kind subscription) *ast.OperationDefinition {
	key := lifted{op, root}
	if made, ok := e.lifts.Get(key); ok {
		return made
	}
	list := e.schema.Query.Fields.ForName(kind.list)
	connection := e.schema.Types[list.Type.Name()]
	edges := connection.Fields.ForName("edges")
	edge := e.schema.Types[edges.Type.Name()]
	cursor := &ast.Field{Alias: "cursor", Name: "cursor", Definition: edge.Fields.ForName("cursor"), ObjectDefinition: edge, Position: root.Position}
	var arguments ast.ArgumentList
	for name, variable := range map[string]string{"first": firstVariable, "after": afterVariable, "types": typesVariable} {
		t := list.Arguments.ForName(name).Type
		arguments = append(arguments, &ast.Argument{Name: name, Position: root.Position,
			Value: &ast.Value{Kind: ast.Variable, Raw: variable, Definition: e.schema.Types[t.Name()], ExpectedType: t}})
	}
	var query func(ast.SelectionSet) ast.SelectionSet
	query = func(set ast.SelectionSet) (out ast.SelectionSet) {
		within := func(directives ast.DirectiveList, set ast.SelectionSet) {
			out = append(out, &ast.InlineFragment{TypeCondition: e.schema.Query.Name, ObjectDefinition: e.schema.Query, Directives: directives, SelectionSet: query(set), Position: root.Position})
		}
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.Field:
				out = append(out, &ast.Field{Alias: sel.Alias, Name: list.Name, Definition: list, ObjectDefinition: e.schema.Query, Arguments: arguments,
					Directives: sel.Directives, Position: sel.Position, SelectionSet: ast.SelectionSet{
						&ast.Field{Alias: placesAlias, Name: "edges", Definition: edges, ObjectDefinition: connection, Position: sel.Position, SelectionSet: ast.SelectionSet{cursor}},
						&ast.Field{Alias: "nodes", Name: "nodes", Definition: connection.Fields.ForName("nodes"), ObjectDefinition: connection, Position: sel.Position, SelectionSet: sel.SelectionSet},
					}})
			case *ast.InlineFragment:
				within(sel.Directives, sel.SelectionSet)
			case *ast.FragmentSpread:
				within(sel.Directives, sel.Definition.SelectionSet)
			}
		}
		return out
	}
	made := &ast.OperationDefinition{Operation: ast.Query, Name: op.Name, SelectionSet: query(op.SelectionSet)}
	e.lifts.Add(key, made)
	return made
}

// page are the variables of a page of what a subscription to changes tells.
func (s *subscriber) page(after change.Cursor, first int) map[string]any {
	vars := maps.Clone(s.op.Variables)
	if vars == nil {
		vars = map[string]any{}
	}
	vars[firstVariable], vars[afterVariable], vars[typesVariable] = first, string(after), nil
	if types := s.field.Arguments.ForName("types"); types != nil {
		vars[typesVariable] = resolve(types.Value, s.op.Variables)
	}
	return vars
}

// follows are the types that a subscription is told of.
func (s *subscriber) follows() []string {
	if !s.kind.feed {
		return []string{s.kind.typeName}
	}
	types := s.page("", 1)[typesVariable]
	if types == nil {
		return change.Types(nil)
	}
	var names []string
	given, ok := types.([]any)
	if !ok { // a list of one
		given = []any{types}
	}
	for _, name := range given {
		names = append(names, fmt.Sprint(name))
	}
	return change.Types(names)
}

// readChanges reads the event of a change, and those of some that follow it, for who
// asks for them next.
func (s *subscriber) readChanges(ctx context.Context, c change.Change) ([]byte, error) {
	viewer := s.actor.Viewer(latest(time.Now(), c.At))
	request, errs := s.executor.teller.Prepare(s.reading, s.page(c.Cursor.Front(), max(1, min(ahead, aheadCost/s.cost))), viewer.Role)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	raw, errs := request.Read(ctx, viewer, nil, nil)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	var data map[string]struct {
		Places []struct{ Cursor change.Cursor } `json:"the places"`
		Nodes  []json.RawMessage
	}
	if err := json.Unmarshal(raw, &data); err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	page := data[s.field.Alias]
	var event []byte
	for i, at := range page.Places {
		told := fmt.Appendf(nil, "{%s:%s}", quoted(s.field.Alias), page.Nodes[i])
		if at.Cursor == c.Cursor {
			event = told
		} else {
			s.executor.shared.put(s.key+string(at.Cursor), told)
		}
	}
	return event, nil
}

// latest is the later one of two instants, of which one is by the clock of the database.
func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
