package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stadtgraph/internal/trace"
)

// tracer tells trace of statements that pgx runs. The planner, which works below pgx,
// tells of its own in the same words. It is ours because the libraries there are put
// texts of SQL into traces, and ours begin with who acts.
type tracer struct{}

var (
	_ pgx.QueryTracer = tracer{}
	_ pgx.BatchTracer = tracer{}
)

type startedKey struct{}

type started struct {
	sql string
	at  time.Time
}

// TraceQueryStart is called by pgx.
func (tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if !trace.Counted(ctx) {
		return ctx
	}
	return context.WithValue(ctx, startedKey{}, started{q.SQL, time.Now()})
}

// TraceQueryEnd is called by pgx.
func (tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryEndData) {
	if s, ok := ctx.Value(startedKey{}).(started); ok {
		ran(ctx, s, q.CommandTag, q.Err)
	}
}

// TraceBatchStart is called by pgx.
func (tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery is called by pgx.
func (tracer) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, q pgx.TraceBatchQueryData) {
	if trace.Counted(ctx) {
		ran(ctx, started{q.SQL, q.ReadStartTime}, q.CommandTag, q.Err)
	}
}

// TraceBatchEnd is called by pgx.
func (tracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func ran(ctx context.Context, s started, tag pgconn.CommandTag, err error) {
	var state string
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		state = pg.Code
	} else if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		state = "08006" // connection_failure
	}
	sql := s.sql
	if begins(sql) {
		sql = "BEGIN" // what follows says who acts
	}
	trace.Ran(ctx, trace.Statement{About: about(sql), SQL: sql, Start: s.at, Rows: tag.RowsAffected(), State: state})
}

func begins(sql string) bool { return len(sql) >= 5 && strings.EqualFold(sql[:5], "BEGIN") }

// about is the command, and what it works on where that is easy to tell: it is one
// of few.
func about(sql string) string {
	words := strings.Fields(sql)
	if len(words) == 0 {
		return "statement"
	}
	command := strings.ToUpper(words[0])
	for i, word := range words[:min(len(words)-1, 200)] {
		switch strings.ToUpper(word) {
		case "INTO", "FROM", "UPDATE":
			if table := strings.TrimFunc(words[i+1], func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }); table != "" {
				return command + " " + table
			}
		}
	}
	return command
}
