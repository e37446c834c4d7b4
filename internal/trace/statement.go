package trace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	otel "go.opentelemetry.io/otel/trace"
)

// Work is what Postgres does for a request.
type Work struct {
	Slow time.Duration // a statement that takes this long is logged; never if zero

	statements, rows atomic.Int64
}

// Statements is how many there were.
func (w *Work) Statements() int64 { return w.statements.Load() }

// Rows is how many they gave or changed.
func (w *Work) Rows() int64 { return w.rows.Load() }

type workKey struct{}

// Count counts what is done in a context.
func Count(ctx context.Context, w *Work) context.Context { return context.WithValue(ctx, workKey{}, w) }

// Counted says whether anybody counts, or records, what is done in a context.
func Counted(ctx context.Context) bool {
	return ctx.Value(workKey{}) != nil || otel.SpanFromContext(ctx).IsRecording()
}

// Statement is one that has ended.
type Statement struct {
	About string // what it is for, such as the field that it reads
	Name  string // under which its connection knows it, as in pg_prepared_statements
	SQL   string // only its hash goes anywhere
	Start time.Time
	Rows  int64
	State string // SQLSTATE if it failed
}

// Ran counts a statement, records it in the trace, and logs it if it was slow.
func Ran(ctx context.Context, s Statement) {
	end := time.Now()
	if w, ok := ctx.Value(workKey{}).(*Work); ok {
		w.statements.Add(1)
		w.rows.Add(s.Rows)
		if took := end.Sub(s.Start); w.Slow > 0 && took >= w.Slow {
			slog.LogAttrs(ctx, slog.LevelWarn, "slow statement", slog.Duration("duration", took),
				slog.String("about", s.About), slog.String("statement", s.Name), slog.String("hash", s.hash()),
				slog.Int64("rows", s.Rows), slog.String("sqlstate", s.State))
		}
	}
	outer := otel.SpanFromContext(ctx)
	if !outer.IsRecording() {
		return
	}
	_, span := outer.TracerProvider().Tracer(scope).Start(ctx, s.About, otel.WithSpanKind(otel.SpanKindClient), otel.WithTimestamp(s.Start),
		otel.WithAttributes(attribute.String("db.system.name", "postgresql"), attribute.String("db.query.summary", s.About),
			attribute.String("stadtgraph.statement.name", s.Name), attribute.String("stadtgraph.statement.hash", s.hash()),
			attribute.Int64("db.response.returned_rows", s.Rows)))
	if s.State != "" {
		span.SetAttributes(attribute.String("db.response.status_code", s.State), attribute.String("error.type", s.State))
		span.SetStatus(codes.Error, "")
	}
	span.End(otel.WithTimestamp(end))
}

// hash is the same for the same statement, in every process and after every start.
func (s Statement) hash() string {
	sum := sha256.Sum256([]byte(s.SQL))
	return hex.EncodeToString(sum[:6])
}
