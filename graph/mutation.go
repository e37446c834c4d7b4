package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

// mutate runs the fields of a mutation one after the other, each in a transaction of
// its own, and reads what its payload asks for when it is committed.
func (e *Executor) mutate(ctx context.Context, op *graphql.OperationContext) *graphql.Response {
	var out strings.Builder
	out.WriteByte('{')
	for i, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{e.schema.Mutation.Name}) {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(quoted(f.Alias))
		out.WriteByte(':')
		if f.Name == "__typename" {
			out.Write(quoted(e.schema.Mutation.Name))
			continue
		}
		payload, err := e.mutateField(ctx, op, f, i)
		if err != nil { // no mutation has an answer without a payload
			graphql.AddError(ctx, &gqlerror.Error{Err: err, Message: err.Error(), Path: ast.Path{ast.PathName(f.Alias)},
				Locations: []gqlerror.Location{{Line: f.Position.Line, Column: f.Position.Column}}})
			return &graphql.Response{Data: []byte("null")}
		}
		out.Write(payload)
	}
	out.WriteByte('}')
	return &graphql.Response{Data: []byte(out.String())}
}

// mutateField runs one field and gives its payload as JSON.
func (e *Executor) mutateField(ctx context.Context, op *graphql.OperationContext, f graphql.CollectedField, index int) ([]byte, error) {
	if e.writer == nil {
		return nil, fault.New(fault.Busy, "Nothing can be written here.")
	}
	actor := auth.From(ctx)
	m := mutations[f.Name]
	in, err := e.planner.Catalogue().Input(f.Field, op.Variables, m.apart)
	if err != nil {
		problem, ok := fault.From(err)
		if !ok {
			return nil, err
		}
		path := problem.Path
		return e.payload(ctx, op, f, answer{"userErrors": write.UserErrors{{Path: append([]string{"input"}, path...), Code: write.Invalid, Message: sentence(problem.Message)}}})
	}
	key, err := keyOf(op, index)
	if err != nil {
		return nil, err
	}
	if key != nil && m.secret { // answers are kept
		return nil, fault.New(fault.Invalid, "What this answers is kept nowhere; send it without `Idempotency-Key`.")
	}
	var out answer
	run := func(tx *write.Tx) (err error) {
		if m.hook != nil {
			out, err = m.hook(ctx, e.webhooks, tx, in)
		} else {
			out, err = m.run(ctx, tx, in)
		}
		return err
	}
	switch {
	case m.hook != nil && e.webhooks == nil:
		return nil, fault.New(fault.Busy, "There are no webhooks here.")
	case m.desk != nil:
		if e.desk == nil {
			return nil, fault.New(fault.Busy, "Nothing can be written here.")
		}
		key = nil
		out, err = m.desk(ctx, caller{e.desk, op.Headers.Get(voterHeader)}, in)
	case key == nil:
		err = e.writer.Run(ctx, actor, f.Name, run)
	default:
		var kept *write.Kept
		kept, err = e.writer.Once(ctx, actor, f.Name, *key, run, func() any { return out.outcome() })
		switch {
		case kept != nil && err == nil && kept.Answer != nil:
			return kept.Answer, nil
		case kept != nil && err == nil: // it was cut off between commit and answer
			out, err = answerOf(kept.Outcome)
		}
	}
	var problems write.UserErrors
	switch {
	case errors.As(err, &problems) || mendable(err, &problems):
		if out == nil {
			out = answer{}
		}
		out["userErrors"] = problems
	case err != nil:
		return nil, err
	}
	payload, err := e.payload(ctx, op, f, out)
	if err == nil && key != nil && !m.private {
		err = e.writer.Keep(ctx, actor, *key, payload)
	}
	return payload, err
}

// mendable says whether a fault is one with a field of the input.
func mendable(err error, problems *write.UserErrors) bool {
	f, ok := fault.From(err)
	if !ok || len(f.Path) == 0 || f.Code != fault.Invalid && f.Code != fault.NotFound {
		return false
	}
	code := write.Invalid
	if f.Code == fault.NotFound {
		code = write.NotFound
	}
	*problems = write.Refuse(code, append([]string{"input"}, f.Path...), "%s", f.Message)
	return true
}

// sentence makes one of "must not be null."
func sentence(message string) string { return "This " + message }

// payload is the answer of a mutation as its selection wants it. Rows are read
// through the planner, all of them with one batch.
func (e *Executor) payload(ctx context.Context, op *graphql.OperationContext, f graphql.CollectedField, out answer) ([]byte, error) {
	def := e.schema.Types[f.Definition.Type.Name()]
	fields := graphql.CollectFields(op, f.Selections, []string{def.Name})
	nodes, err := e.nodes(ctx, op, fields, out)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteByte('{')
	for i, field := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quoted(field.Alias))
		b.WriteByte(':')
		switch v := out[field.Name].(type) {
		case nodeid.ID:
			b.Write(nodes[field.Alias])
		default:
			b.Write(e.value(op, field, v, def.Name))
		}
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// value is a plain value of a payload as its selection wants it.
func (e *Executor) value(op *graphql.OperationContext, f graphql.CollectedField, v any, typeName string) []byte {
	if f.Name == "__typename" {
		return quoted(typeName)
	}
	items := []answer{}
	switch v := v.(type) {
	case write.UserErrors:
		for _, p := range v {
			items = append(items, userError(p))
		}
	case []answer:
		items = v
	case nil:
		if !f.Definition.Type.NonNull {
			return []byte("null")
		}
	default:
		return quoted(v)
	}
	def := e.schema.Types[f.Definition.Type.Name()]
	var b strings.Builder
	b.WriteByte('[')
	for i, item := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('{')
		for j, field := range graphql.CollectFields(op, f.Selections, []string{def.Name}) {
			if j > 0 {
				b.WriteByte(',')
			}
			b.Write(quoted(field.Alias))
			b.WriteByte(':')
			b.Write(e.value(op, field, item[field.Name], def.Name))
		}
		b.WriteByte('}')
	}
	b.WriteByte(']')
	return []byte(b.String())
}

func userError(p write.UserError) answer {
	out := answer{"path": p.Path, "code": string(p.Code), "message": p.Message}
	if c := p.Current; c != nil {
		out["currentVersion"], out["changedAt"], out["changedFields"] = c.Version, c.ModifiedAt.UTC().Format(time.RFC3339Nano), c.Changed
		if c.By != "" {
			out["changedBy"] = c.By
		}
	}
	return out
}

// nodes reads the rows of a payload, by response key.
func (e *Executor) nodes(ctx context.Context, op *graphql.OperationContext, fields []graphql.CollectedField, out answer) (map[string]json.RawMessage, error) {
	reading, vars := e.reading(op, fields, out)
	if reading == nil {
		return nil, nil
	}
	viewer := auth.From(ctx).Viewer(time.Now())
	request, errs := e.planner.Prepare(reading, vars, viewer.Role)
	if len(errs) > 0 {
		return nil, errs
	}
	raw, errs := request.Read(ctx, viewer, nil, nil)
	if len(errs) > 0 {
		return nil, errs
	}
	nodes := map[string]json.RawMessage{}
	return nodes, json.Unmarshal(raw, &nodes)
}

// reading is the query of the rows of a payload, with its variables; nil if it has none.
func (e *Executor) reading(op *graphql.OperationContext, fields []graphql.CollectedField, out answer) (*ast.OperationDefinition, map[string]any) {
	var key strings.Builder
	vars := map[string]any{}
	maps.Copy(vars, op.Variables)
	for _, f := range fields {
		if id, ok := out[f.Name].(nodeid.ID); ok {
			fmt.Fprintf(&key, "%p ", f.Field)
			vars["payload_"+f.Name] = id.String()
		}
	}
	if key.Len() == 0 {
		return nil, nil
	}
	known, ok := e.payloads.Get(key.String())
	if !ok {
		known.reading = &ast.OperationDefinition{Operation: ast.Query}
		for _, f := range fields {
			if _, ok := out[f.Name].(nodeid.ID); ok {
				known.fields = append(known.fields, f.Field)
				known.reading.SelectionSet = append(known.reading.SelectionSet, e.node(f))
			}
		}
		e.payloads.Add(key.String(), known)
	}
	return known.reading, vars
}

// payload is how the rows of a payload are read. It holds the fields whose addresses it
// is found by, so that no others get these.
type payload struct {
	reading *ast.OperationDefinition
	fields  []*ast.Field
}

// Costs of what is no query.
const (
	costMutation      = 100 // a field of Mutation, and 1 more for each value in the variables
	costIntrospection = 10  // as many values of introspection cost 1
)

// prepareMutation says what a mutation costs. It refuses what the caller may not do, and
// payloads that could not be read afterwards, when it is too late.
func (e *Executor) prepareMutation(ctx context.Context, op *graphql.OperationContext, role plan.Role) (int, gqlerror.List) {
	cost := values(op.Variables)
	for _, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{e.schema.Mutation.Name}) {
		if f.Name == "__typename" {
			continue
		}
		if refused := forbidden(ctx, f.Name); refused != nil {
			return 0, gqlerror.List{{Err: refused, Message: refused.Message, Path: ast.Path{ast.PathName(f.Alias)}}}
		}
		fields := graphql.CollectFields(op, f.Selections, []string{f.Definition.Type.Name()})
		most := 0
		for _, out := range e.someAnswers(fields) {
			reading, vars := e.reading(op, fields, out)
			if reading == nil {
				continue
			}
			request, errs := e.planner.Prepare(reading, vars, role)
			if len(errs) > 0 {
				for _, err := range errs {
					err.Path = append(ast.Path{ast.PathName(f.Alias)}, err.Path...)
				}
				return 0, errs
			}
			most = max(most, request.Cost())
		}
		cost += costMutation + most
	}
	return cost, nil
}

// someAnswers are rows that a payload may have: of a field that has rows of several
// types, one for each type that it is asked about.
func (e *Executor) someAnswers(fields []graphql.CollectedField) []answer {
	fixed, all := answer{}, []answer{}
	for _, f := range fields {
		def := e.schema.Types[f.Definition.Type.Name()]
		for _, o := range e.planner.Catalogue().Objects() {
			id := nodeid.ID{Prefix: o.Prefix}
			switch {
			case o.Prefix == "":
			case o.Type == def.Name:
				fixed[f.Name] = id
			case def.IsAbstractType() && slices.ContainsFunc(e.schema.PossibleTypes[def.Name], func(t *ast.Definition) bool { return t.Name == o.Type }):
				all = append(all, answer{f.Name: id})
			}
		}
	}
	for _, out := range all {
		maps.Copy(out, fixed)
	}
	if len(all) == 0 {
		all = append(all, fixed)
	}
	return all
}

// values counts the values that a value holds.
func values(v any) (n int) {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			n += values(member)
		}
	case []any:
		for _, item := range v {
			n += values(item)
		}
	default:
		return 1
	}
	return n
}

// node is a look-up of a row by its id, with the selection of a field of a payload.
func (e *Executor) node(f graphql.CollectedField) *ast.Field {
	def := e.schema.Query.Fields.ForName("node")
	return &ast.Field{
		Alias: f.Alias, Name: "node", Definition: def, ObjectDefinition: e.schema.Query, Position: f.Position,
		Arguments: ast.ArgumentList{{Name: "id", Value: &ast.Value{Kind: ast.Variable, Raw: "payload_" + f.Name, Definition: e.schema.Types["ID"]}}},
		SelectionSet: ast.SelectionSet{&ast.InlineFragment{
			TypeCondition: f.Definition.Type.Name(), SelectionSet: f.Selections, ObjectDefinition: e.schema.Types[f.Definition.Type.Name()],
		}},
	}
}

func quoted(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return []byte("null")
	}
	return text
}
