package server

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"stadtgraph/graph"
	"stadtgraph/internal/fault"
)

const requestIDHeader = "X-Request-Id"

// record is what the access log says about a request and only its handler knows.
type record struct {
	operation string // name of the GraphQL operation
}

type recordKey struct{}

func recordOf(ctx context.Context) *record {
	r, ok := ctx.Value(recordKey{}).(*record)
	if !ok {
		return &record{} // nobody logs this request
	}
	return r
}

// observe names each request, logs it when it is answered, and turns a panic
// into an answer. The log holds no query, no variables and no address: nothing
// about who asked for what.
func observe(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := r.Header.Get(requestIDHeader)
		if !saneID(id) {
			id = rand.Text()
		}
		h := w.Header()
		h.Set(requestIDHeader, id)
		h.Set("X-Content-Type-Options", "nosniff")

		rec := &record{}
		ctx := graph.WithRequestID(context.WithValue(r.Context(), recordKey{}, rec), id)
		counted := &countingWriter{ResponseWriter: w}
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
			level := slog.LevelInfo
			if r.URL.Path == "/livez" || r.URL.Path == "/readyz" {
				level = slog.LevelDebug // asked every few seconds
			}
			log.LogAttrs(ctx, level, "request",
				slog.String("method", clip(r.Method, 20)), slog.String("path", clip(r.URL.Path, 200)),
				slog.Int("status", counted.status), slog.Int64("bytes", counted.bytes),
				slog.Duration("duration", time.Since(start)), slog.String("operation", clip(rec.operation, 100)))
		}()
		next.ServeHTTP(counted, r)
	})
}

// broken answers a request whose handler panicked.
func broken(w http.ResponseWriter, r *http.Request, id string) {
	const sorry = "Something went wrong on our side; tell us the request id."
	if r.URL.Path == graphqlPath {
		send(w, http.StatusInternalServerError, negotiated(r).contentType(),
			requestError(fault.Internal, sorry, id))
		return
	}
	problem(w, r, http.StatusInternalServerError, sorry)
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

// LogHandler adds the id of the request to what is logged while it is answered.
func LogHandler(h slog.Handler) slog.Handler { return logHandler{h} }

type logHandler struct{ slog.Handler }

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := graph.RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.Handler.WithGroup(name)}
}
