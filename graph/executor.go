package graph

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/executor"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/graph/generated"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/stream"
	"stadtgraph/internal/trace"
	"stadtgraph/internal/trusted"
	"stadtgraph/internal/webhook"
	"stadtgraph/internal/write"
)

// Executor runs GraphQL operations. It is gqlgen's executor but for three things:
// documents meet our limits before they are validated, all arguments of a query are
// coerced before any of it runs, and mutations and subscriptions are run here
// (mutation.go, subscription.go).
type Executor struct {
	*executor.Executor
	schema    *ast.Schema
	checker   checker
	policy    Policy
	trusted   *trusted.Store             // nil if there are none
	persisted *lru.Cache[string, string] // documents that clients gave with their digests
	planner   *plan.Planner
	writer    *write.Writer
	hub       *stream.Hub
	teller    *plan.Planner            // reads what subscriptions tell
	shared    *sharing[[]byte]         // events
	moments   *sharing[comment.Moment] // what decides who is told of them
	desk      *comment.Desk
	webhooks  *webhook.Sender
	documents *lru.Cache[string, *document]
	held      map[string]*document                         // the program's own
	payloads  *lru.Cache[string, payload]                  // by their fields
	lifts     *lru.Cache[lifted, *ast.OperationDefinition] // what reads events
}

var _ graphql.GraphExecutor = (*Executor)(nil)

// NewExecutor makes an executor that reads through the planner.
func NewExecutor(planner *plan.Planner) *Executor {
	e := &Executor{planner: planner, shared: newSharing[[]byte](), moments: newSharing[comment.Moment](), held: map[string]*document{}, documents: keep[string, *document](), persisted: keep[string, string](),
		payloads: keep[string, payload](), lifts: keep[lifted, *ast.OperationDefinition]()}
	schema := executableSchema{generated.NewExecutableSchema(generated.Config{}), e}
	e.Executor, e.schema, e.checker = executor.New(schema), Schema(), newChecker(Schema())
	e.SetErrorPresenter(Present)
	e.SetRecoverFunc(func(ctx context.Context, v any) error {
		slog.ErrorContext(ctx, "panic", "value", v)
		return errors.New("panic")
	})
	return e
}

// Writes makes the executor run mutations with a writer.
func (e *Executor) Writes(w *write.Writer) *Executor {
	e.writer = w
	return e
}

// Discusses makes the executor take comments and votes at a desk.
func (e *Executor) Discusses(d *comment.Desk) *Executor {
	e.desk = d
	return e
}

// Tells makes the executor look after webhooks.
func (e *Executor) Tells(s *webhook.Sender) *Executor {
	e.webhooks = s
	return e
}

// kept is how many documents are kept, parsed.
const kept = 1000

func keep[K comparable, V any]() *lru.Cache[K, V] {
	c, err := lru.New[K, V](kept)
	if err != nil {
		panic(err) // only for a size below one
	}
	return c
}

// requestStat keys what CreateOperationContext has prepared for Exec.
const requestStat = "plan"

// prepared is an operation that is ready to run.
type prepared struct {
	request    *plan.Request // of a query
	subscriber *subscriber   // of a subscription
	viewer     plan.Viewer
	cost       int
}

// Cost is what an operation costs that was prepared, or that was refused because of its
// cost; false if it was refused for something else.
func Cost(op *graphql.OperationContext) (int, bool) {
	p, ok := op.Stats.GetExtension(requestStat).(prepared)
	return p.cost, ok
}

// CreateOperationContext parses, limits and validates an operation and coerces
// its variables and, of a query, all arguments. Its errors are request errors.
// If the document could be read at all, the context holds the operation even so.
func (e *Executor) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	op := &graphql.OperationContext{
		RawQuery:      params.Query,
		OperationName: params.OperationName,
		Extensions:    params.Extensions,
		Headers:       params.Headers,
		RecoverFunc:   func(ctx context.Context, v any) error { return e.PresentRecoveredError(ctx, v) },
		ResolverMiddleware: func(ctx context.Context, next graphql.Resolver) (any, error) {
			return next(ctx)
		},
		RootResolverMiddleware: func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
			return next(ctx)
		},
	}
	doc, errs := e.document(ctx, params.Query)
	if doc.QueryDocument != nil {
		op.Doc, op.Operation = doc.QueryDocument, doc.Operations.ForName(params.OperationName)
	}
	if len(errs) > 0 {
		return op, errs
	}
	e.persist(params)
	if op.Operation == nil {
		message := "The document holds several operations; say in `operationName` which one to run."
		if params.OperationName != "" {
			message = "The document holds no operation of the name given in `operationName`."
		}
		return op, gqlerror.List{coded(errcode.ValidationFailed, message)}
	}
	if hidden := e.hidden(ctx, doc.introspected[op.Operation]); hidden != nil {
		return op, gqlerror.List{hidden}
	}
	var invalid *gqlerror.Error
	if op.Variables, invalid = givenVariables(op.Operation, params.Variables); invalid != nil {
		return op, gqlerror.List{invalid}
	}
	ready := prepared{viewer: auth.From(ctx).Viewer(time.Now()), cost: doc.introspected[op.Operation] / costIntrospection}
	switch op.Operation.Operation {
	case ast.Query:
		_, span := trace.Begin(ctx, "graphql.plan")
		ready.request, errs = e.planner.Prepare(op.Operation, op.Variables, ready.viewer.Role)
		span.End()
		if len(errs) == 0 {
			ready.cost += ready.request.Cost()
		}
	case ast.Mutation:
		var cost int
		cost, errs = e.prepareMutation(ctx, op, ready.viewer.Role)
		ready.cost += cost
	case ast.Subscription:
		if ready.subscriber, errs = e.prepareSubscription(ctx, op); len(errs) == 0 {
			ready.cost += ready.subscriber.cost
		}
	}
	if found, ok := costOf(errs); ok {
		ready.cost = found
	} else if len(errs) > 0 {
		return op, errs
	}
	ready.cost = max(ready.cost, 1)
	op.Stats.SetExtension(requestStat, ready)
	if len(errs) > 0 {
		return op, errs
	}
	if invalid = checkVariables(e.schema, op.Operation, op.Variables); invalid != nil {
		return op, gqlerror.List{invalid}
	}
	return op, nil
}

// costOf is the cost of an operation that was refused because of it.
func costOf(errs gqlerror.List) (int, bool) {
	for _, err := range errs {
		if found, ok := err.Extensions["found"].(int); ok && err.Extensions["limit"] == "cost" {
			return found, true
		}
	}
	return 0, false
}

// executableSchema is the generated one, whose queries the planner reads.
type executableSchema struct {
	graphql.ExecutableSchema
	executor *Executor
}

// Exec runs an operation. Introspection beside planned fields is left to the
// generated code, one field at a time.
func (s executableSchema) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	ready, ok := op.Stats.GetExtension(requestStat).(prepared)
	if op.Operation.Operation == ast.Mutation {
		return graphql.OneShot(s.executor.mutate(ctx, op))
	}
	if op.Operation.Operation == ast.Subscription {
		return s.executor.subscribe(ctx, ready.subscriber)
	}
	if !ok || !ready.request.Planned() { // introspection, which stays the same
		tell(ctx, plan.Sources{Complete: true})
		return s.ExecutableSchema.Exec(ctx)
	}
	return graphql.OneShot(func() *graphql.Response {
		introspected := map[string]json.RawMessage{}
		for _, f := range ready.request.Introspection() {
			introspected[f.Alias] = s.introspect(ctx, op, f)
		}
		buf := buffer(ctx)
		start := len(*buf)
		answer, errs := ready.request.Read(ctx, ready.viewer, *buf, introspected)
		*buf = answer
		tell(ctx, ready.request.Sources())
		for _, err := range errs {
			graphql.AddError(ctx, err)
		}
		return &graphql.Response{Data: answer[start:]}
	}())
}

// introspect runs a single field of introspection.
func (s executableSchema) introspect(ctx context.Context, op *graphql.OperationContext, f *ast.Field) json.RawMessage {
	alone := *op.Operation
	alone.SelectionSet = ast.SelectionSet{f}
	inner := &graphql.OperationContext{
		RawQuery: op.RawQuery, Variables: op.Variables, Doc: op.Doc, Operation: &alone, RecoverFunc: op.RecoverFunc,
		ResolverMiddleware: op.ResolverMiddleware, RootResolverMiddleware: op.RootResolverMiddleware,
	}
	ctx = graphql.WithOperationContext(ctx, inner)
	var data map[string]json.RawMessage
	response := s.ExecutableSchema.Exec(ctx)(ctx)
	if err := json.Unmarshal(response.Data, &data); err != nil {
		return json.RawMessage("null")
	}
	return data[f.Alias]
}

type bufferKey struct{}

// WithBuffer gives an operation a buffer to write its answer into, behind what
// the buffer holds. It is the caller's again, grown and with the answer in it, when
// the answer was sent.
func WithBuffer(ctx context.Context, buf *[]byte) context.Context {
	return context.WithValue(ctx, bufferKey{}, buf)
}

type sourcesKey struct{}

// WithSources lets an operation say what a query was read from.
func WithSources(ctx context.Context, from *plan.Sources) context.Context {
	return context.WithValue(ctx, sourcesKey{}, from)
}

func tell(ctx context.Context, from plan.Sources) {
	if to, ok := ctx.Value(sourcesKey{}).(*plan.Sources); ok {
		*to = from
	}
}

// buffer is the one that the operation was given, or a new one.
func buffer(ctx context.Context) *[]byte {
	if buf, ok := ctx.Value(bufferKey{}).(*[]byte); ok {
		return buf
	}
	return new([]byte)
}
