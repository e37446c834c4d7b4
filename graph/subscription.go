package graph

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/stream"
)

// subscription is a field of Subscription: which changes it tells of, and how what has
// changed is read. Its payload has the node, and of the fields cursor, at, kind and
// the node's id those that the schema has.
type subscription struct {
	typeName string                   // what has changed
	wants    func(change.Change) bool // whether it tells of a change
	list     string                   // the field of Query that lists nodes: its filter says which are told of
	node     string                   // the node in the payload
	only     func(change.Change) any  // a condition beside that of the caller, as a filter; nil if there is none
	gone     bool                     // it tells of what cannot be seen any more, too, without a node
	least    plan.Role                // of those who may subscribe
}

var subscriptions = map[string]subscription{
	"articlePublished": {
		typeName: "Article", wants: change.Change.Appeared,
		list: "articles", node: "article",
	},
	"strategyChanged": {
		typeName: "Strategy", wants: change.Change.Seen, gone: true,
		list: "strategies", node: "strategy",
		only: func(change.Change) any { return oneOf("publicationStatus", "PUBLISHED", "ARCHIVED") },
	},
	"fundingCallOpening": { // by itself on its first day, or because its program is published while it is open
		typeName: "FundingCall", wants: func(c change.Change) bool { return c.Appeared() || c.Due && !c.Deleted },
		list: "fundingCalls", node: "call",
		only: func(c change.Change) any {
			if c.Due { // without a last day it is not known for how long
				return oneOf("status", "OPEN", "UNKNOWN")
			}
			return oneOf("status", "OPEN")
		},
	},
}

// oneOf is a filter by the value of a field.
func oneOf(field string, values ...any) any {
	return map[string]any{field: map[string]any{"in": values}}
}

// What a change is to subscribers.
const (
	kindPublished = "PUBLISHED"
	kindChanged   = "CHANGED"
	kindRemoved   = "REMOVED"
)

const (
	readers   = 2                // events that are read at once
	readLimit = 10 * time.Second // of one reading
	shareFor  = 5 * time.Second  // how long a reading is kept for those who come later
	maxShared = 1000             // readings that are kept
	retry     = time.Second      // until a reading that failed is tried again
)

// Follows makes the executor run subscriptions with a hub. What it tells of it reads
// through a planner that may be another one than that of requests.
func (e *Executor) Follows(h *stream.Hub, planner *plan.Planner) *Executor {
	e.hub, e.teller = h, planner
	return e
}

// Place is where a subscription stands. Transports that can tell a client without its
// asking give one to WithPlace.
type Place struct {
	// Begin is where to begin, whatever the operation says; nil if it decides.
	Begin *change.Cursor
	// Reached is behind all that was sent, and all that was not for this subscriber. It
	// is written while a response is waited for.
	Reached change.Cursor
}

type placeKey struct{}

// WithPlace lets a transport say where a subscription begins, and learn how far it is.
func WithPlace(ctx context.Context, p *Place) context.Context {
	return context.WithValue(ctx, placeKey{}, p)
}

// prepareSubscription checks a subscription before it begins, so that what is wrong
// with it is told at once.
func (e *Executor) prepareSubscription(ctx context.Context, op *graphql.OperationContext) (*subscriber, gqlerror.List) {
	fields := graphql.CollectFields(op, op.Operation.SelectionSet, []string{e.schema.Subscription.Name})
	if len(fields) != 1 {
		return nil, gqlerror.List{coded(errcode.ValidationFailed, "A subscription asks for exactly one field of `Subscription`; this one asks for none.")}
	}
	f := fields[0]
	located := func(err error) gqlerror.List {
		return gqlerror.List{{Err: err, Message: err.Error(), Path: ast.Path{ast.PathName(f.Alias)},
			Locations: []gqlerror.Location{{Line: f.Position.Line, Column: f.Position.Column}}}}
	}
	kind := subscriptions[f.Name]
	actor := auth.From(ctx)
	viewer := actor.Viewer(time.Now())
	switch {
	case viewer.Role >= kind.least:
	case actor == nil:
		return nil, located(fault.New(fault.Unauthenticated, "It takes a token to subscribe to `%s`: send one as `Authorization: Bearer …`.", f.Name))
	default:
		return nil, located(fault.New(fault.Forbidden, "This token may not subscribe to `%s`.", f.Name))
	}
	if e.hub == nil {
		return nil, located(fault.New(fault.Busy, "There are no subscriptions here."))
	}
	s := &subscriber{executor: e, op: op, field: f, kind: kind, actor: actor, reading: e.lift(op.Operation, f.Field, kind)}
	s.place, _ = ctx.Value(placeKey{}).(*Place)
	if s.place == nil {
		s.place = &Place{}
	}
	if after := f.Arguments.ForName("after"); s.place.Begin == nil && after != nil {
		if text, ok := resolve(after.Value, op.Variables).(string); ok {
			s.place.Begin = new(change.Cursor(text))
		}
	}
	if filter := f.Arguments.ForName("filter"); filter != nil {
		s.filter = resolve(filter.Value, op.Variables)
		if searches(s.filter) {
			return nil, located(fault.New(fault.Invalid, "Argument `filter.q` of `%s` cannot be used: what has just changed is found by its words a moment later.", f.Name))
		}
	}
	// The filter alone, so that errors name what the caller has sent.
	request, errs := e.teller.Prepare(s.reading, s.variables(s.filter), viewer.Role)
	if len(errs) > 0 {
		return nil, errs
	}
	s.cost = request.Cost()
	hash := sha256.New()
	for _, part := range []any{op.RawQuery, op.Operation.Name, op.Variables, viewer.Role, viewer.Token} {
		hash.Write(append(quoted(part), 0))
	}
	s.key = string(hash.Sum(nil))
	return s, nil
}

// resolve gives what an argument is, as JSON has it.
func resolve(v *ast.Value, vars map[string]any) any {
	value, err := v.Value(vars)
	if err != nil {
		return nil
	}
	return value
}

// searches says whether a filter searches for words.
func searches(filter any) bool {
	switch filter := filter.(type) {
	case map[string]any:
		for name, value := range filter {
			if name == "q" || (name == "and" || name == "or" || name == "not") && searches(value) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(filter, searches)
	}
	return false
}

// Names of variables that no operation can have.
const filterVariable = "the filter"

// lifted is what reads the node of a subscription.
type lifted struct {
	operation *ast.OperationDefinition
	field     *ast.Field
}

// lift makes of a subscription the query for its node: of
//
//	subscription { articlePublished(filter: …) { cursor article { title } } }
//
// it makes
//
//	query { articlePublished: articles(first: 1, filter: …) { article: nodes { title } } }
//
// so that what the public sees, and what a filter means, is what it is in lists. The
// names of the fields stay, for errors. Directives stay where they are.
func (e *Executor) lift(op *ast.OperationDefinition, root *ast.Field, kind subscription) *ast.OperationDefinition {
	key := lifted{op, root}
	if made, ok := e.lifts.Get(key); ok {
		return made
	}
	list := e.schema.Query.Fields.ForName(kind.list)
	connection := e.schema.Types[list.Type.Name()]
	nodes := connection.Fields.ForName("nodes")
	argument := func(name string, value *ast.Value) *ast.Argument {
		value.Definition, value.ExpectedType = e.schema.Types[list.Arguments.ForName(name).Type.Name()], list.Arguments.ForName(name).Type
		return &ast.Argument{Name: name, Value: value, Position: root.Position}
	}
	arguments := ast.ArgumentList{
		argument("first", &ast.Value{Kind: ast.IntValue, Raw: "1"}),
		argument("filter", &ast.Value{Kind: ast.Variable, Raw: filterVariable}),
	}
	var payload, query func(ast.SelectionSet) ast.SelectionSet
	payload = func(set ast.SelectionSet) (out ast.SelectionSet) {
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.Field:
				if sel.Name == kind.node {
					out = append(out, &ast.Field{Alias: sel.Alias, Name: nodes.Name, Definition: nodes, ObjectDefinition: connection,
						Directives: sel.Directives, SelectionSet: sel.SelectionSet, Position: sel.Position})
				}
			case *ast.InlineFragment:
				out = append(out, &ast.InlineFragment{TypeCondition: connection.Name, ObjectDefinition: connection, Directives: sel.Directives, SelectionSet: payload(sel.SelectionSet), Position: sel.Position})
			case *ast.FragmentSpread:
				out = append(out, &ast.InlineFragment{TypeCondition: connection.Name, ObjectDefinition: connection, Directives: sel.Directives, SelectionSet: payload(sel.Definition.SelectionSet), Position: sel.Position})
			}
		}
		return out
	}
	query = func(set ast.SelectionSet) (out ast.SelectionSet) {
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.Field:
				// Whether it is told of has to be known even if nothing of the node is asked for.
				found := &ast.Field{Alias: foundAlias, Name: nodes.Name, Definition: nodes, ObjectDefinition: connection, Position: sel.Position,
					SelectionSet: ast.SelectionSet{&ast.Field{Alias: "id", Name: "id", Position: sel.Position,
						Definition: e.schema.Types[kind.typeName].Fields.ForName("id"), ObjectDefinition: e.schema.Types[kind.typeName]}}}
				out = append(out, &ast.Field{Alias: sel.Alias, Name: sel.Name, Definition: list, ObjectDefinition: e.schema.Query, Arguments: arguments,
					Directives: sel.Directives, SelectionSet: append(ast.SelectionSet{found}, payload(sel.SelectionSet)...), Position: sel.Position})
			case *ast.InlineFragment:
				out = append(out, &ast.InlineFragment{TypeCondition: e.schema.Query.Name, ObjectDefinition: e.schema.Query, Directives: sel.Directives, SelectionSet: query(sel.SelectionSet), Position: sel.Position})
			case *ast.FragmentSpread:
				out = append(out, &ast.InlineFragment{TypeCondition: e.schema.Query.Name, ObjectDefinition: e.schema.Query, Directives: sel.Directives, SelectionSet: query(sel.Definition.SelectionSet), Position: sel.Position})
			}
		}
		return out
	}
	made := &ast.OperationDefinition{Operation: ast.Query, Name: op.Name, SelectionSet: query(op.SelectionSet)}
	e.lifts.Add(key, made)
	return made
}

// foundAlias is a response key that no operation can have.
const foundAlias = "the node"

// subscriber is one subscription that runs.
type subscriber struct {
	executor *Executor
	op       *graphql.OperationContext
	field    graphql.CollectedField
	kind     subscription
	actor    *auth.Actor
	reading  *ast.OperationDefinition
	filter   any
	cost     int    // of one event
	key      string // the same for all whose events are the same
	place    *Place

	follower *stream.Follower
	pending  *change.Change // what is told next, until it was
	over     bool
}

func (s *subscriber) variables(filter any) map[string]any {
	vars := make(map[string]any, len(s.op.Variables)+1)
	maps.Copy(vars, s.op.Variables)
	vars[filterVariable] = filter
	return vars
}

// subscribe begins a subscription.
func (e *Executor) subscribe(ctx context.Context, s *subscriber) graphql.ResponseHandler {
	waiting, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	var err error
	if s.follower, err = e.hub.Follow(waiting, s.place.Begin, s.kind.typeName); err != nil {
		s.fail(ctx, err)
		return nil
	}
	s.place.Reached = s.follower.Cursor()
	return s.next
}

func (s *subscriber) fail(ctx context.Context, err error) {
	graphql.AddError(ctx, &gqlerror.Error{Err: err, Message: err.Error(), Path: ast.Path{ast.PathName(s.field.Alias)},
		Locations: []gqlerror.Location{{Line: s.field.Position.Line, Column: s.field.Position.Column}}})
}

// next waits for the next event. It gives nil when the context has ended, and may be
// called again then: nothing is lost; and when the subscription is over. A response
// without data ends it.
func (s *subscriber) next(ctx context.Context) *graphql.Response {
	for !s.over && ctx.Err() == nil {
		if s.pending == nil {
			c, err := s.follower.Next(ctx)
			if ctx.Err() != nil && err != nil {
				s.place.Reached = s.follower.Cursor()
				return nil
			}
			if err != nil {
				s.over = true
				s.fail(ctx, err)
				return &graphql.Response{}
			}
			if !s.kind.wants(c) {
				continue
			}
			s.pending = &c
		}
		data, err := s.executor.shared.get(ctx, s.key+string(s.pending.Cursor), s.read(*s.pending))
		if ctx.Err() != nil && err != nil {
			return nil
		}
		if f, ok := fault.From(err); ok && f.Code == fault.Busy { // it is there when the database is
			select {
			case <-time.After(retry):
			case <-ctx.Done():
			}
			continue
		}
		if err != nil {
			s.over = true
			s.fail(ctx, err)
			return &graphql.Response{}
		}
		cursor := s.pending.Cursor
		s.pending = nil
		if data != nil {
			s.place.Reached = cursor
			return &graphql.Response{Data: data}
		}
	}
	return nil
}

// read gives the event of a change as JSON, nil if it is not for the subscriber.
func (s *subscriber) read(c change.Change) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		id := nodeid.ID{Prefix: s.executor.teller.Catalogue().Object(s.kind.typeName).Prefix, UUID: c.ID}
		var nodes map[string]json.RawMessage
		if !c.Deleted {
			var err error
			// None: it does not fit the filter, or has vanished since, which is another event.
			if nodes, err = s.nodes(ctx, c, id); err != nil || nodes == nil {
				return nil, err
			}
		} else if !s.kind.gone {
			return nil, nil
		}
		kind := kindChanged
		switch {
		case c.Deleted:
			kind = kindRemoved
		case c.Appeared():
			kind = kindPublished
		}
		values := map[string]any{"cursor": c.Cursor, "at": c.At.UTC().Format(time.RFC3339Nano), "kind": kind, s.kind.node + "Id": id.String()}
		payload := s.executor.schema.Types[s.field.Definition.Type.Name()]
		var b strings.Builder
		b.WriteByte('{')
		b.Write(quoted(s.field.Alias))
		b.WriteString(":{")
		for i, f := range graphql.CollectFields(s.op, s.field.Selections, []string{payload.Name}) {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(quoted(f.Alias))
			b.WriteByte(':')
			switch {
			case f.Name == "__typename":
				b.Write(quoted(payload.Name))
			case f.Name != s.kind.node:
				b.Write(quoted(values[f.Name]))
			case nodes == nil:
				b.WriteString("null")
			default:
				b.Write(nodes[f.Alias])
			}
		}
		b.WriteString("}}")
		return []byte(b.String()), nil
	}
}

// nodes reads what has changed, as the subscriber sees it now, by response key; nil if
// that is not what it has subscribed to.
func (s *subscriber) nodes(ctx context.Context, c change.Change, id nodeid.ID) (map[string]json.RawMessage, error) {
	all := []any{map[string]any{"id": map[string]any{"eq": id.String()}}}
	if s.kind.only != nil {
		all = append(all, s.kind.only(c))
	}
	if s.filter != nil {
		all = append(all, s.filter)
	}
	now := time.Now()
	if now.Before(c.At) { // by the clock of the database
		now = c.At
	}
	viewer := s.actor.Viewer(now)
	request, errs := s.executor.teller.Prepare(s.reading, s.variables(map[string]any{"and": all}), viewer.Role)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	raw, errs := request.Read(ctx, viewer, nil, nil)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	var data map[string]map[string][]json.RawMessage
	if err := json.Unmarshal(raw, &data); err != nil {
		return nil, fmt.Errorf("read an event: %w", err)
	}
	nodes := map[string]json.RawMessage{}
	for alias, found := range data[s.field.Alias] {
		if len(found) == 0 {
			return nil, nil
		}
		nodes[alias] = found[0]
	}
	return nodes, nil
}

// sharing lets subscribers whose events are the same read each of them once. Readings
// are kept for a moment, for those who come to the event later.
type sharing struct {
	mu       sync.Mutex
	readings map[string]*reading
	slots    chan struct{}
}

type reading struct {
	done chan struct{}
	data []byte
	err  error
}

func newSharing() *sharing {
	return &sharing{readings: map[string]*reading{}, slots: make(chan struct{}, readers)}
}

// get gives what read gives, or somebody else's read gives or has given for the same
// key. Who leaves does not end the reading for others.
func (s *sharing) get(ctx context.Context, key string, read func(context.Context) ([]byte, error)) ([]byte, error) {
	s.mu.Lock()
	r, ok := s.readings[key]
	if !ok {
		r = &reading{done: make(chan struct{})}
		s.readings[key] = r
		go s.run(context.WithoutCancel(ctx), key, r, read)
	}
	s.mu.Unlock()
	select {
	case <-r.done:
		return r.data, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *sharing) run(ctx context.Context, key string, r *reading, read func(context.Context) ([]byte, error)) {
	s.slots <- struct{}{}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer func() {
		cancel()
		if v := recover(); v != nil {
			slog.ErrorContext(ctx, "panic", "value", v)
			r.err = errors.New("panic")
		}
		<-s.slots
		close(r.done)
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.err != nil || len(s.readings) > maxShared {
			delete(s.readings, key)
			return
		}
		time.AfterFunc(shareFor, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.readings, key)
		})
	}()
	r.data, r.err = read(ctx)
}
