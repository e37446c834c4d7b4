package server

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/graph"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/metric"
	"stadtgraph/internal/trace"
)

const requestIDHeader = "X-Request-Id"

// record is what log, metrics and trace say about a request and only its handler
// knows.
type record struct {
	operation string // name of the GraphQL operation
	kind      string // query, mutation or subscription
	valid     bool   // it is an operation of our schema
	known     bool   // its document is one that we hold
	cost      int
	cache     string // what the cache of answers had
	codes     []string
	work      trace.Work
}

type recordKey struct{}

func recordOf(ctx context.Context) *record {
	r, ok := ctx.Value(recordKey{}).(*record)
	if !ok {
		return &record{} // nobody logs this request
	}
	return r
}

// failed notes the code of an error in an answer.
func failed(w http.ResponseWriter, code string) {
	for w != nil {
		if c, ok := w.(*countingWriter); ok {
			c.record.codes = append(c.record.codes, code)
			return
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return
		}
		w = inner.Unwrap()
	}
}

// observer is whom observe tells.
type observer struct {
	log     *slog.Logger
	metrics *metric.Metrics
	tracer  *trace.Tracer
	slow    time.Duration
}

// observe names each request, counts it and logs it when it is answered, and turns a
// panic into an answer. Log, metrics and traces hold no query, no variables and no
// address: nothing about who asked for what.
func observe(o observer, next http.Handler) http.Handler {
	log := o.log
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := r.Header.Get(requestIDHeader)
		if !saneID(id) {
			id = rand.Text()
		}
		h := w.Header()
		h.Set(requestIDHeader, id)
		h.Set("X-Content-Type-Options", "nosniff")

		rec := &record{work: trace.Work{Slow: o.slow}}
		ctx, span := o.tracer.Request(r)
		ctx = trace.Count(context.WithValue(ctx, recordKey{}, rec), &rec.work)
		ctx = graph.WithRequestID(ctx, id)
		counted := &countingWriter{ResponseWriter: w, record: rec}
		r = r.WithContext(ctx)
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler { //nolint:errorlint // a sentinel that is panicked with, never wrapped
					panic(v)
				}
				log.ErrorContext(ctx, "panic", "value", v, "stack", string(debug.Stack()))
				if counted.status == 0 {
					broken(counted, r, id)
				}
			}
			took := time.Since(start)
			o.count(r, counted, took)
			describe(span, r, counted)
			span.End()
			level := slog.LevelInfo
			if r.URL.Path == "/livez" || r.URL.Path == "/readyz" {
				level = slog.LevelDebug // asked every few seconds
			}
			log.LogAttrs(ctx, level, "request",
				slog.String("method", clip(r.Method, 20)), slog.String("path", clip(r.URL.Path, 200)),
				slog.Int("status", counted.status), slog.Int64("bytes", counted.bytes),
				slog.Duration("duration", took))
		}()
		next.ServeHTTP(counted, r)
	})
}

// count tells the metrics of a request that was answered. The pattern of its route is
// the mux's.
func (o *observer) count(r *http.Request, w *countingWriter, took time.Duration) {
	if o.metrics == nil {
		return
	}
	o.metrics.Answered(metric.Request{Route: routeOf(r), Method: r.Method, Status: w.status, Bytes: w.bytes, Took: took})
	for _, code := range w.record.codes {
		o.metrics.Failed(code)
	}
	rec := w.record
	if !rec.valid || rec.kind == string(ast.Subscription) { // one that lasts as long as somebody listens
		return
	}
	op := metric.Operation{Name: rec.operation, Type: rec.kind, Known: rec.known, Took: took,
		Statements: rec.work.Statements(), Rows: rec.work.Rows(), Cost: rec.cost, Cache: rec.cache}
	if len(rec.codes) > 0 {
		op.Code = rec.codes[0]
	}
	o.metrics.Ran(op)
}

func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "(none)" // refused before it came that far
	}
	return r.Pattern
}

// describe says what a trace may know of a request.
func describe(span trace.Span, r *http.Request, w *countingWriter) {
	if span == (trace.Span{}) {
		return
	}
	span.Name(clip(r.Method, 20) + " " + routeOf(r))
	span.Text("http.request.method", clip(r.Method, 20))
	span.Text("http.route", routeOf(r))
	span.Number("http.response.status_code", w.status)
	span.Text("graphql.operation.name", clip(w.record.operation, 100))
	span.Text("graphql.operation.type", w.record.kind)
	if len(w.record.codes) > 0 {
		span.Text("graphql.error.code", w.record.codes[0])
	}
	if w.status >= http.StatusInternalServerError {
		span.Fail(strconv.Itoa(w.status))
	}
}

// broken answers a request whose handler panicked.
func broken(w http.ResponseWriter, r *http.Request, id string) {
	const sorry = "Something went wrong on our side; tell us the request id."
	if r.URL.Path == graphqlPath {
		failed(w, string(fault.Internal))
		send(w, http.StatusInternalServerError, negotiated(r).contentType(),
			requestError(fault.Internal, sorry, id))
		return
	}
	fail(w, r, fault.New(fault.Internal, sorry))
}

// saneID says whether an id that a proxy or client gave is fit for logs and
// headers.
func saneID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// countingWriter knows what was answered.
type countingWriter struct {
	http.ResponseWriter
	record *record
	status int
	bytes  int64
}

// Unwrap is for http.ResponseController.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *countingWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// LogHandler adds to what is logged while a request is answered which one it is: its
// id, those of its trace, and the name of its operation.
func LogHandler(h slog.Handler) slog.Handler { return logHandler{h} }

type logHandler struct{ slog.Handler }

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if rec, ok := ctx.Value(recordKey{}).(*record); ok && rec.operation != "" {
		r.AddAttrs(slog.String("operation", clip(rec.operation, 100)))
	}
	if id := graph.RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	if traceID, spanID := trace.IDs(ctx); traceID != "" {
		r.AddAttrs(slog.String("trace_id", traceID), slog.String("span_id", spanID))
	}
	return h.Handler.Handle(ctx, r)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.Handler.WithGroup(name)}
}
