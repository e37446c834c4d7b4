package graph

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/change"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/stream"
)

// subscription is a field of Subscription: which changes it tells of, and how what has
// changed is read. Its payload has the node, and of the fields cursor, at, kind and
// the node's id those that the schema has.
type subscription struct {
	typeName string                   // what has changed
	wants    func(change.Change) bool // whether it may tell of a change
	list     string                   // the field that lists nodes: its filter says which are told of
	within   string                   // the field of Query of the entry that has the list, and the argument that names it; "" if the list is one of Query
	node     string                   // the node in the payload
	only     func(change.Change) any  // a condition beside that of the caller, as a filter; nil if there is none
	look     look                     // reads what else decides; nil if nothing does
	says     func(happening) string   // what happened to those who are told; "" if they are not
	hidden   bool                     // it tells of what the public cannot see, too
	least    plan.Role                // of those who may subscribe
	feed     bool                     // the list is one of changes, of which each is told as it is there
}

// happening is a change as a subscriber meets it.
type happening struct {
	change.Change
	found  bool           // in the list
	moment comment.Moment // what look has read
}

// look reads what is to be known of a change beside it, once for all subscribers.
type look func(ctx context.Context, db postgres.DB, id nodeid.UUID, at time.Time) (comment.Moment, error)

// What happened, as the kinds of the schema say it.
const (
	kindPublished = "PUBLISHED"
	kindEntered   = "ENTERED"
	kindChanged   = "CHANGED"
	kindRemoved   = "REMOVED"
	kindLeft      = "LEFT"
)

// appearedOrChanged tells of what the list has.
func appearedOrChanged(h happening) string {
	switch {
	case !h.found:
		return ""
	case h.Appeared():
		return kindPublished
	}
	return kindChanged
}

var subscriptions = map[string]subscription{
	"articlePublished": {
		typeName: "Article", wants: change.Change.Appeared, says: appearedOrChanged,
		list: "articles", node: "article",
	},
	"strategyChanged": {
		typeName: "Strategy", wants: change.Change.Seen,
		list: "strategies", node: "strategy",
		only: func(change.Change) any { return oneOf("publicationStatus", "PUBLISHED", "ARCHIVED") },
		says: func(h happening) string {
			if h.Deleted {
				return kindRemoved
			}
			return appearedOrChanged(h)
		},
	},
	"fundingCallOpening": { // by itself on its first day, or because its program is published while it is open
		typeName: "FundingCall", wants: func(c change.Change) bool { return c.Appeared() || c.Due && !c.Deleted }, says: appearedOrChanged,
		list: "fundingCalls", node: "call",
		only: func(c change.Change) any {
			if c.Due { // without a last day it is not known for how long
				return oneOf("status", "OPEN", "UNKNOWN")
			}
			return oneOf("status", "OPEN")
		},
	},
	"commentApproved": {
		typeName: "Comment", wants: func(c change.Change) bool { return !c.Deleted }, look: comment.Look,
		list: "comments", within: "article", node: "comment",
		only: func(change.Change) any { return oneOf("status", "APPROVED") },
		says: func(h happening) string { // a tombstone becomes a comment again unnoticed by who only asks what the public sees
			if h.found && h.moment.Visible && (h.Appeared() || h.moment.Approved()) {
				return kindPublished
			}
			return ""
		},
	},
	"moderationQueueChanged": {
		typeName: "Comment", wants: func(change.Change) bool { return true }, look: comment.Look, hidden: true,
		list: "moderationQueue", node: "comment", least: plan.Moderator,
		says: func(h happening) string {
			switch {
			case h.found && h.moment.Queued && !h.moment.WasQueued:
				return kindEntered
			case h.found:
				return kindChanged
			case h.moment.WasQueued || h.moment.Decided():
				return kindLeft
			}
			return ""
		},
	},
	"changed": {wants: change.Change.Seen, list: "changes", feed: true},
}

// oneOf is a filter by the value of a field.
func oneOf(field string, values ...any) any {
	return map[string]any{field: map[string]any{"in": values}}
}

const (
	readers   = 2                // events that are read at once
	readLimit = 10 * time.Second // of one reading
	shareFor  = 3 * change.Poll  // how long a reading is kept for those who come later: no longer than answers are
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
	// Begun says that it has begun.
	Begun bool
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
	s := &subscriber{executor: e, op: op, field: f, kind: kind, actor: actor}
	if kind.within != "" {
		var ok bool
		if s.of, ok = e.entry(resolve(f.Arguments.ForName(kind.within).Value, op.Variables), kind); !ok {
			return nil, located(e.noEntry(f.Name, kind))
		}
	}
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
		if plan.Searches(s.filter) {
			return nil, located(fault.New(fault.Invalid, "Argument `filter.q` of `%s` cannot be used: what has just changed is found by its words a moment later.", f.Name))
		}
	}
	// The filter alone, so that errors name what the caller has sent.
	vars := s.variables(s.filter)
	if kind.feed {
		s.reading, vars = e.liftFeed(op.Operation, f.Field, kind), s.page("", 1)
	} else {
		s.reading = e.lift(op.Operation, f.Field, kind)
	}
	request, errs := e.teller.Prepare(s.reading, vars, viewer.Role)
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
// so that what the public sees, and what a filter means, is what it is in lists; and of
//
//	subscription { commentApproved(article: $a) { cursor comment { body } } }
//
// it makes
//
//	query { commentApproved: article(id: $a) { comments(first: 1, filter: …) { comment: nodes { body } } } }
//
// The names of the fields stay, for errors. Directives stay where they are.
func (e *Executor) lift(op *ast.OperationDefinition, root *ast.Field, kind subscription) *ast.OperationDefinition {
	key := lifted{op, root}
	if made, ok := e.lifts.Get(key); ok {
		return made
	}
	owner, within := e.schema.Query, e.schema.Query.Fields.ForName(kind.within)
	if within != nil {
		owner = e.schema.Types[within.Type.Name()]
	}
	list := owner.Fields.ForName(kind.list)
	connection := e.schema.Types[list.Type.Name()]
	nodes := connection.Fields.ForName("nodes")
	argument := func(of *ast.FieldDefinition, name string, value ast.Value) *ast.Argument {
		value.Definition, value.ExpectedType = e.schema.Types[of.Arguments.ForName(name).Type.Name()], of.Arguments.ForName(name).Type
		return &ast.Argument{Name: name, Value: &value, Position: root.Position}
	}
	arguments := ast.ArgumentList{
		argument(list, "first", ast.Value{Kind: ast.IntValue, Raw: "1"}),
		argument(list, "filter", ast.Value{Kind: ast.Variable, Raw: filterVariable}),
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
				read := &ast.Field{Alias: sel.Alias, Name: sel.Name, Definition: list, ObjectDefinition: owner, Arguments: arguments,
					Directives: sel.Directives, SelectionSet: append(ast.SelectionSet{found}, payload(sel.SelectionSet)...), Position: sel.Position}
				if within != nil {
					read.Alias, read.Name, read.Directives = listAlias, list.Name, nil
					read = &ast.Field{Alias: sel.Alias, Name: sel.Name, Definition: within, ObjectDefinition: e.schema.Query,
						Arguments:  ast.ArgumentList{argument(within, "id", *sel.Arguments.ForName(kind.within).Value)},
						Directives: sel.Directives, SelectionSet: ast.SelectionSet{read}, Position: sel.Position}
				}
				out = append(out, read)
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

// Response keys that no operation can have.
const (
	foundAlias = "the node"
	listAlias  = "the list"
)

// entry reads the id of the entry that has the list.
func (e *Executor) entry(id any, kind subscription) (nodeid.ID, bool) {
	text, _ := id.(string)
	of, err := nodeid.Parse(text)
	return of, err == nil && of.Prefix == e.teller.Catalogue().Object(e.ownerOf(kind)).Prefix
}

// ownerOf is the type of the entry that has the list.
func (e *Executor) ownerOf(kind subscription) string {
	return e.schema.Query.Fields.ForName(kind.within).Type.Name()
}

func (e *Executor) noEntry(name string, kind subscription) error {
	return fault.New(fault.NotFound, "There is no %s of this id to be seen; give argument `%s` of `%s` the id of one.", e.ownerOf(kind), kind.within, name)
}

// subscriber is one subscription that runs.
type subscriber struct {
	executor *Executor
	op       *graphql.OperationContext
	field    graphql.CollectedField
	kind     subscription
	actor    *auth.Actor
	reading  *ast.OperationDefinition
	filter   any
	of       nodeid.ID // of the entry that has the list, if it is one's
	cost     int       // of one event
	key      string    // the same for all whose events are the same
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
	if s.kind.within != "" {
		var there bool
		if _, there, err = s.nodes(waiting, time.Now(), oneOf("id", s.of.String())); err == nil && !there {
			err = e.noEntry(s.field.Name, s.kind)
		}
	}
	if err == nil {
		s.follower, err = e.hub.Follow(waiting, s.place.Begin, s.follows()...)
	}
	if err != nil {
		s.fail(ctx, err)
		return nil
	}
	s.place.Begun, s.place.Reached = true, s.follower.Cursor()
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
		if s.kind.feed {
			return s.readChanges(ctx, c)
		}
		h := happening{Change: c}
		var err error
		if s.kind.look != nil {
			if h.moment, err = s.moment(ctx, c); err != nil || s.kind.within != "" && s.of.UUID != h.moment.Article {
				return nil, err
			}
		}
		id := nodeid.ID{Prefix: s.executor.teller.Catalogue().Object(s.kind.typeName).Prefix, UUID: c.ID}
		var nodes map[string]json.RawMessage
		if !c.Deleted || s.kind.hidden {
			now := time.Now()
			if now.Before(c.At) { // by the clock of the database
				now = c.At
			}
			conditions := []any{oneOf("id", id.String())}
			if s.kind.only != nil {
				conditions = append(conditions, s.kind.only(c))
			}
			if s.filter != nil {
				conditions = append(conditions, s.filter)
			}
			// None: it does not fit the filter, or has vanished since, which is another event.
			if nodes, _, err = s.nodes(ctx, now, conditions...); err != nil {
				return nil, err
			}
			h.found = nodes != nil
		}
		kind := s.kind.says(h)
		if kind == "" {
			return nil, nil
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
			case !h.found:
				b.WriteString("null")
			default:
				b.Write(nodes[f.Alias])
			}
		}
		b.WriteString("}}")
		return []byte(b.String()), nil
	}
}

// moment looks at a change, once for all who are told of it.
func (s *subscriber) moment(ctx context.Context, c change.Change) (comment.Moment, error) {
	return s.executor.moments.get(ctx, string(c.Cursor), func(ctx context.Context) (comment.Moment, error) {
		m, err := s.kind.look(ctx, s.executor.hub.DB(), c.ID, c.At)
		if err != nil {
			return m, fmt.Errorf("%w (%w)", fault.New(fault.Busy, "The database cannot be reached just now; try again in a moment."), err)
		}
		return m, nil
	})
}

// nodes reads what has changed, as the subscriber sees it now, by response key. It is
// there if whatever has the list can be seen.
func (s *subscriber) nodes(ctx context.Context, now time.Time, conditions ...any) (nodes map[string]json.RawMessage, there bool, err error) {
	viewer := s.actor.Viewer(now)
	request, errs := s.executor.teller.Prepare(s.reading, s.variables(map[string]any{"and": conditions}), viewer.Role)
	if len(errs) > 0 {
		return nil, false, errs[0]
	}
	raw, errs := request.Read(ctx, viewer, nil, nil)
	if len(errs) > 0 {
		return nil, false, errs[0]
	}
	var data, entry map[string]json.RawMessage
	var list map[string][]json.RawMessage
	err = json.Unmarshal(raw, &data)
	read := data[s.field.Alias]
	if err == nil && s.kind.within != "" {
		if err = json.Unmarshal(read, &entry); err == nil && entry == nil {
			return nil, false, nil
		}
		read = entry[listAlias]
	}
	if err == nil {
		err = json.Unmarshal(read, &list)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read an event: %w", err)
	}
	nodes = map[string]json.RawMessage{}
	for alias, found := range list {
		if len(found) == 0 {
			return nil, true, nil
		}
		nodes[alias] = found[0]
	}
	return nodes, true, nil
}

// sharing lets subscribers whose events are the same read each of them once. Readings
// are kept for a moment, for those who come to the event later.
type sharing[T any] struct {
	mu       sync.Mutex
	readings map[string]*reading[T]
	slots    chan struct{}
}

type reading[T any] struct {
	done chan struct{}
	data T
	err  error
}

func newSharing[T any]() *sharing[T] {
	return &sharing[T]{readings: map[string]*reading[T]{}, slots: make(chan struct{}, readers)}
}

// get gives what read gives, or somebody else's read gives or has given for the same
// key. Who leaves does not end the reading for others.
func (s *sharing[T]) get(ctx context.Context, key string, read func(context.Context) (T, error)) (data T, err error) {
	s.mu.Lock()
	r, ok := s.readings[key]
	if !ok {
		r = &reading[T]{done: make(chan struct{})}
		s.readings[key] = r
		go s.run(context.WithoutCancel(ctx), key, r, read)
	}
	s.mu.Unlock()
	select {
	case <-r.done:
		return r.data, r.err
	case <-ctx.Done():
		return data, ctx.Err()
	}
}

func (s *sharing[T]) run(ctx context.Context, key string, r *reading[T], read func(context.Context) (T, error)) {
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
		s.keep(key, r)
	}()
	r.data, r.err = read(ctx)
}

// put gives what was read beside something else to those who ask for it next.
func (s *sharing[T]) put(key string, data T) {
	r := &reading[T]{done: make(chan struct{}), data: data}
	close(r.done)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readings[key] == nil {
		s.readings[key] = r
		s.keep(key, r)
	}
}

// keep keeps a reading for a while. s is locked.
func (s *sharing[T]) keep(key string, r *reading[T]) {
	if r.err != nil || len(s.readings) > maxShared {
		delete(s.readings, key)
		return
	}
	time.AfterFunc(shareFor, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.readings, key)
	})
}
