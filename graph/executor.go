package graph

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/executor"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"stadtgraph/graph/generated"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/stream"
	"stadtgraph/internal/trace"
	"stadtgraph/internal/write"
)

// Executor runs GraphQL operations. It is gqlgen's executor but for three things:
// documents meet our limits before they are validated, all arguments of a query are
// coerced before any of it runs, and mutations and subscriptions are run here
// (mutation.go, subscription.go).
type Executor struct {
	*executor.Executor
	schema    *ast.Schema
	sizes     sizes // of the schema
	planner   *plan.Planner
	writer    *write.Writer
	hub       *stream.Hub
	shared    *sharing
	documents *lru.Cache[string, *ast.QueryDocument]
	payloads  *lru.Cache[string, *ast.OperationDefinition] // what reads them, by their fields
	lifts     *lru.Cache[lifted, *ast.OperationDefinition] // what reads events
}

var _ graphql.GraphExecutor = (*Executor)(nil)

// NewExecutor makes an executor that reads through the planner.
func NewExecutor(planner *plan.Planner) *Executor {
	e := &Executor{planner: planner, shared: newSharing(), documents: keep[string, *ast.QueryDocument](),
		payloads: keep[string, *ast.OperationDefinition](), lifts: keep[lifted, *ast.OperationDefinition]()}
	schema := executableSchema{generated.NewExecutableSchema(generated.Config{}), e}
	e.Executor, e.schema, e.sizes = executor.New(schema), Schema(), sizesOf(Schema())
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

// kept is how many documents are kept, parsed.
const kept = 1000

func keep[K comparable, V any]() *lru.Cache[K, V] {
	c, err := lru.New[K, V](kept)
	if err != nil {
		panic(err) // only for a size below one
	}
	return c
}

// request keys what CreateOperationContext has prepared for Exec.
const requestStat = "plan"

// prepared is a query that is ready to be read.
type prepared struct {
	request *plan.Request
	viewer  plan.Viewer
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
	if doc != nil {
		op.Doc, op.Operation = doc, doc.Operations.ForName(params.OperationName)
	}
	if len(errs) > 0 {
		return op, errs
	}
	if op.Operation == nil {
		message := "The document holds several operations; say in `operationName` which one to run."
		if params.OperationName != "" {
			message = "The document holds no operation of the name given in `operationName`."
		}
		return op, gqlerror.List{coded(errcode.ValidationFailed, message)}
	}
	var invalid *gqlerror.Error
	if op.Variables, invalid = givenVariables(op.Operation, params.Variables); invalid != nil {
		return op, gqlerror.List{invalid}
	}
	if op.Operation.Operation == ast.Query {
		viewer := auth.From(ctx).Viewer(time.Now())
		_, span := trace.Begin(ctx, "graphql.plan")
		request, errs := e.planner.Prepare(op.Operation, op.Variables, viewer.Role)
		span.End()
		if len(errs) > 0 {
			return op, errs
		}
		op.Stats.SetExtension(requestStat, prepared{request, viewer})
	}
	if op.Operation.Operation == ast.Mutation {
		for _, f := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{e.schema.Mutation.Name}) {
			if f.Name == "__typename" {
				continue
			}
			if refused := forbidden(ctx, f.Name); refused != nil {
				return op, gqlerror.List{{Err: refused, Message: refused.Message, Path: ast.Path{ast.PathName(f.Alias)}}}
			}
		}
	}
	if op.Operation.Operation == ast.Subscription {
		begun, errs := e.prepareSubscription(ctx, op)
		if len(errs) > 0 {
			return op, errs
		}
		op.Stats.SetExtension(requestStat, begun)
	}
	if invalid = checkVariables(e.schema, op.Operation, op.Variables); invalid != nil {
		return op, gqlerror.List{invalid}
	}
	return op, nil
}

// document parses and validates a document, or gives the one kept from before.
// One that is not valid comes with its errors.
func (e *Executor) document(ctx context.Context, query string) (*ast.QueryDocument, gqlerror.List) {
	if doc, ok := e.documents.Get(query); ok {
		return doc, nil
	}
	_, span := trace.Begin(ctx, "graphql.validate")
	defer span.End()
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, MaxTokens)
	if err != nil {
		var invalid *gqlerror.Error
		if !errors.As(err, &invalid) {
			invalid = coded(errcode.ParseFailed, "The document is no GraphQL.")
		}
		if strings.Contains(invalid.Message, "exceeded token limit") {
			invalid = tooLarge(nil, "The document has more than %d tokens; split it.", MaxTokens)
		} else {
			errcode.Set(invalid, errcode.ParseFailed)
			invalid.Message = clip(invalid.Message)
		}
		return nil, gqlerror.List{invalid}
	}
	if len(doc.Operations) == 0 {
		return nil, gqlerror.List{coded(errcode.ValidationFailed, "The document holds no operation.")}
	}
	if err := checkLimits(e.sizes, doc); err != nil {
		return doc, gqlerror.List{err}
	}
	if errs := validator.ValidateWithRules(e.schema, doc, rules.NewDefaultRules()); len(errs) > 0 {
		errs = errs[:min(len(errs), maxErrors)]
		for _, err := range errs {
			errcode.Set(err, errcode.ValidationFailed)
			err.Message = clip(err.Message)
		}
		return doc, errs
	}
	e.documents.Add(query, doc)
	return doc, nil
}

// Errors of a document quote it. There may be many, of long names.
const (
	maxErrors  = 20
	maxMessage = 400
)

func clip(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + " …"
}

func coded(code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
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
	if op.Operation.Operation == ast.Mutation {
		return graphql.OneShot(s.executor.mutate(ctx, op))
	}
	if op.Operation.Operation == ast.Subscription {
		begun, _ := op.Stats.GetExtension(requestStat).(*subscriber)
		return s.executor.subscribe(ctx, begun)
	}
	ready, ok := op.Stats.GetExtension(requestStat).(prepared)
	if !ok || !ready.request.Planned() {
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

// buffer is the one that the operation was given, or a new one.
func buffer(ctx context.Context) *[]byte {
	if buf, ok := ctx.Value(bufferKey{}).(*[]byte); ok {
		return buf
	}
	return new([]byte)
}
