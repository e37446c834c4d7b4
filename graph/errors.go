package graph

import (
	"context"
	"errors"
	"log/slog"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/internal/fault"
)

// Present turns an error into what a caller sees of it. Faults and the errors of
// GraphQL itself go out as they are; anything else is logged, once, and shown as
// INTERNAL with the request's id.
func Present(ctx context.Context, err error) *gqlerror.Error {
	var shown *gqlerror.Error
	if !errors.As(err, &shown) {
		shown = &gqlerror.Error{Err: err, Path: graphql.GetPath(ctx)}
	}
	if shown.Extensions["code"] != nil && shown.Err == nil {
		return shown
	}
	out := &gqlerror.Error{Path: shown.Path, Locations: shown.Locations, Extensions: map[string]any{}}
	cause := shown.Err
	if cause == nil {
		cause = err
	}
	f, ok := fault.From(cause)
	if !ok || f.Code == fault.Internal {
		f = fault.New(fault.Internal, "Something went wrong on our side; tell us the request id.")
		out.Extensions["requestId"] = RequestID(ctx)
	}
	switch f.Code {
	case fault.Internal, fault.Busy, fault.Timeout:
		if !errors.Is(cause, context.Canceled) { // else the caller has left
			slog.ErrorContext(ctx, "operation failed", "code", f.Code, "error", cause.Error(), "path", shown.Path.String())
		}
	}
	out.Message = f.Message
	out.Extensions["code"] = string(f.Code)
	return out
}

type requestIDKey struct{}

// WithRequestID names the request that an operation belongs to.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID is the name of the request, "" outside of one.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
