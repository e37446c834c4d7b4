// Package trace follows what a request causes: as spans for OpenTelemetry where the
// environment says where to send them, as counts of statements and rows, and as a
// line in the log for each statement that took long.
//
//	tracer, err := trace.Start(ctx)             // once; nil unless OTEL_… says where to
//	ctx, span := tracer.Request(r)              // the span of a request, within that of its caller
//	ctx, span := trace.Begin(ctx, "graphql.plan") // one within it
//	trace.Ran(ctx, trace.Statement{…})          // a statement that has ended
//
// Nothing here holds a variable, a parameter, a text of SQL or anything else about
// who asked for what.
package trace

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"
)

const (
	scope   = "stadtgraph" // that spans say they come from
	service = "stadtgraph" // unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise
)

// Tracer begins traces, or goes on with those of callers. A nil one records nothing.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   otel.Tracer
}

// Start makes the tracer that the environment asks for by the standard names: traces
// go to OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT by OTLP
// over HTTP. It is nil if neither is set, or OTEL_SDK_DISABLED or
// OTEL_TRACES_EXPORTER switch it off. What is sampled is the caller's decision, and
// else all; OTEL_TRACES_SAMPLER has other ways.
func Start(ctx context.Context) (*Tracer, error) {
	on, err := configured(os.Getenv)
	if err != nil || !on {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces cannot be sent: %w: see OTEL_EXPORTER_OTLP_ENDPOINT", err)
	}
	return New(ctx, sdk.WithBatcher(exporter))
}

// configured says whether the environment asks for traces, in a way that we know.
func configured(env func(string) string) (bool, error) {
	get := func(name string) string { return strings.ToLower(strings.TrimSpace(env(name))) }
	if get("OTEL_SDK_DISABLED") == "true" {
		return false, nil
	}
	switch exporter := get("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return false, nil
	case "", "otlp":
	default:
		return false, fmt.Errorf("traces cannot be sent by %q: set OTEL_TRACES_EXPORTER to otlp or none", exporter)
	}
	if get("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return false, nil
	}
	protocol := get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
	if protocol == "" {
		protocol = get("OTEL_EXPORTER_OTLP_PROTOCOL")
	}
	if protocol != "" && protocol != "http/protobuf" {
		return false, fmt.Errorf("traces cannot be sent by %q: set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, on port 4318 of most collectors", protocol)
	}
	return true, nil
}

// New makes a tracer that sends what the options say.
func New(ctx context.Context, options ...sdk.TracerProviderOption) (*Tracer, error) {
	about := []attribute.KeyValue{attribute.String("service.name", service)}
	if info, ok := debug.ReadBuildInfo(); ok {
		about = append(about, attribute.String("service.version", info.Main.Version))
	}
	// The later of two wins: the environment.
	described, err := resource.New(ctx, resource.WithAttributes(about...), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describe this process in traces: %w: see OTEL_RESOURCE_ATTRIBUTES", err)
	}
	provider := sdk.NewTracerProvider(append([]sdk.TracerProviderOption{sdk.WithResource(described)}, options...)...)
	return &Tracer{provider, provider.Tracer(scope)}, nil
}

// Shutdown sends what is left.
func (t *Tracer) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Request begins the span of a request, within the one of its caller if there is a
// header traceparent (W3C Trace Context). The log names the caller's trace even where
// nothing is recorded.
func (t *Tracer) Request(r *http.Request) (context.Context, Span) {
	ctx := r.Context()
	if len(r.Header["Traceparent"]) > 0 {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	if t == nil {
		return ctx, Span{}
	}
	ctx, span := t.tracer.Start(ctx, r.Method, otel.WithSpanKind(otel.SpanKindServer))
	return ctx, recorded(span)
}

// Span is a part of a trace. The zero Span is one that is not recorded.
type Span struct{ span otel.Span }

func recorded(span otel.Span) Span {
	if !span.IsRecording() {
		return Span{} // there is nothing to end, either
	}
	return Span{span}
}

// Begin begins a span within that of the context. Where that one is not recorded it
// costs a look at the context.
func Begin(ctx context.Context, name string) (context.Context, Span) {
	outer := otel.SpanFromContext(ctx)
	if !outer.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := outer.TracerProvider().Tracer(scope).Start(ctx, name)
	return ctx, Span{span}
}

// Current is the span of the context.
func Current(ctx context.Context) Span { return recorded(otel.SpanFromContext(ctx)) }

// Name gives the span another name.
func (s Span) Name(name string) {
	if s.span != nil {
		s.span.SetName(name)
	}
}

// Text says more about the span, by the names of the semantic conventions.
func (s Span) Text(key, value string) {
	if s.span != nil && value != "" {
		s.span.SetAttributes(attribute.String(key, value))
	}
}

// Number says more about the span.
func (s Span) Number(key string, value int) {
	if s.span != nil {
		s.span.SetAttributes(attribute.Int(key, value))
	}
}

// Fail marks the span as one of an error of a kind.
func (s Span) Fail(kind string) {
	if s.span != nil {
		s.span.SetAttributes(attribute.String("error.type", kind))
		s.span.SetStatus(codes.Error, "")
	}
}

// End ends it.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}

// IDs are those of the trace and the span of a context, "" outside of one.
func IDs(ctx context.Context) (traceID, spanID string) {
	c := otel.SpanContextFromContext(ctx)
	if !c.IsValid() {
		return "", ""
	}
	return c.TraceID().String(), c.SpanID().String()
}
