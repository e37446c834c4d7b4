package plan

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/trace"
)

// statement is a compiled SQL statement. Its parameters' types are known, so
// that running it takes no round trip to ask for them.
type statement struct {
	sql     string
	params  []param
	oids    []uint32
	formats []int16
	name    string
	runs    atomic.Int32
}

var statementNumber atomic.Int64

func (b *builder) statement(sql string) *statement {
	s := &statement{sql: sql, params: b.params, name: "plan_" + strconv.FormatInt(statementNumber.Add(1), 10)}
	for _, p := range b.params {
		s.oids = append(s.oids, p.oid())
		s.formats = append(s.formats, p.format())
	}
	return s
}

// binary asks for all columns in binary format.
var binaryFormat = []int16{1}

// maxPrepared bounds the prepared statements of a connection: Postgres keeps
// about 60 KB for each.
const maxPrepared = 128

// prepared are the statements that a connection knows.
type prepared struct {
	by  map[string]*known
	run int
}

// known is a statement that a connection knows: what its rows look like, which
// Postgres need not tell again, and the number of the run in which it was last
// used.
type known struct {
	rows *pgconn.StatementDescription
	last int
}

const preparedKey = "stadtgraph.plan.prepared"

// batch runs the statements of one operation: all are sent at once, each a
// transaction and so a snapshot of its own, and their results are read in order.
type batch struct {
	planner *Planner
	req     *Request
	viewer  Viewer
	roots   []*rootPlan
	at      int
	conn    *pgxpool.Conn
	known   *prepared
	pipe    *pgconn.Pipeline
	err     error
	stale   bool // what the connection has prepared is not what we think
	lost    bool // the database went away: what was read is worth nothing, and may be read again
	counted bool // somebody wants to know of each statement
	since   time.Time
}

// acquireTimeout is how long a request waits for a connection. What runs at once is
// bounded before, so that one is free or made at once, unless the database is away.
const acquireTimeout = 3 * time.Second

func (b *batch) send(ctx context.Context) error {
	if len(b.roots) == 0 {
		return nil
	}
	conn, err := b.acquire(ctx)
	if err != nil {
		return err
	}
	b.counted, b.since = trace.Counted(ctx), time.Now()
	b.conn = conn
	pg := conn.Conn().PgConn()
	b.known, _ = pg.CustomData()[preparedKey].(*prepared)
	if b.known == nil {
		b.known = &prepared{by: map[string]*known{}}
		pg.CustomData()[preparedKey] = b.known
	}
	b.known.run++
	b.pipe = pg.StartPipeline(ctx)
	for _, root := range b.roots {
		s := root.stmt
		b.planner.sent.Add(1)
		values := make([][]byte, len(s.params))
		for i, p := range s.params {
			values[i] = p.bind(b.req, b.viewer, root.types)
		}
		// A statement that runs for the first time may never run again.
		if s.runs.Add(1) == 1 || !b.planner.named {
			b.pipe.SendQueryParams(s.sql, values, s.oids, s.formats, binaryFormat)
		} else {
			of := b.known.by[s.name]
			if of == nil {
				b.known.forgetOldest(b.pipe)
				of = &known{}
				b.known.by[s.name] = of
				b.pipe.SendPrepare(s.name, s.sql, s.oids)
			}
			of.last = b.known.run
			if of.rows != nil {
				b.pipe.SendQueryStatement(of.rows, values, s.formats, binaryFormat)
			} else {
				b.pipe.SendQueryPrepared(s.name, values, s.formats, binaryFormat)
			}
		}
		b.pipe.SendPipelineSync()
	}
	return readableOrNil(b.pipe.Flush())
}

func (b *batch) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	waiting, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	conn, err := b.planner.pool.Acquire(waiting)
	switch {
	case err == nil:
		return conn, nil
	case waiting.Err() != nil && ctx.Err() == nil:
		return nil, unreachable(fmt.Errorf("acquire a connection: %w", err))
	}
	return nil, readable(fmt.Errorf("acquire a connection: %w", err))
}

// ran tells of the statement that has just ended: Postgres runs one after the other.
func (b *batch) ran(ctx context.Context, root *rootPlan, rows int, err error) {
	if !b.counted {
		return
	}
	var state string
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg):
		state = pg.Code
	case err != nil:
		state = "08006" // connection_failure
	}
	trace.Ran(ctx, trace.Statement{About: "SELECT " + root.field.Name, Name: root.stmt.name, SQL: root.stmt.sql, Start: b.since, Rows: int64(rows), State: state})
	b.since = time.Now()
}

// forgetOldest makes room for one more statement.
func (k *prepared) forgetOldest(pipe *pgconn.Pipeline) {
	if len(k.by) < maxPrepared {
		return
	}
	oldest := ""
	for name, of := range k.by {
		if oldest == "" || of.last < k.by[oldest].last {
			oldest = name
		}
	}
	delete(k.by, oldest)
	pipe.SendDeallocate(oldest)
}

// next reads the rows of the next statement. They are valid until the state is
// used for another answer.
func (b *batch) next(ctx context.Context, st *state) (rows, error) {
	if b.err != nil {
		return rows{}, b.err
	}
	root := b.roots[b.at]
	b.at++
	var rs rows
	var failure error
	start := len(st.flat)
	for {
		result, err := b.pipe.GetResults()
		if err != nil {
			var pg *pgconn.PgError
			if !errors.As(err, &pg) { // the connection is gone, and the other answers with it
				b.ran(ctx, root, rs.n, err)
				b.lost = ctx.Err() == nil
				b.err = readable(fmt.Errorf("read %s: %w", root.field.Name, err))
				return rows{}, b.err
			}
			failure = err
			continue
		}
		switch result := result.(type) {
		case *pgconn.StatementDescription:
			if of := b.known.by[root.stmt.name]; of != nil {
				result.Name = root.stmt.name
				of.rows = result
			}
		case *pgconn.ResultReader:
			rs.cols = len(result.FieldDescriptions())
			for result.NextRow() {
				rs.n++
				for _, v := range result.Values() {
					if v == nil {
						st.flat = append(st.flat, nil)
						continue
					}
					from := len(st.arena)
					st.arena = append(st.arena, v...)
					st.flat = append(st.flat, st.arena[from:len(st.arena):len(st.arena)])
				}
			}
			if _, err := result.Close(); err != nil {
				failure = err
			}
		case *pgconn.PipelineSync:
			b.ran(ctx, root, rs.n, failure)
			if failure != nil {
				b.distrust(failure)
				b.lost = b.lost || going(failure)
				if of := b.known.by[root.stmt.name]; of != nil && of.rows == nil {
					b.stale = true // who knows whether it is prepared
				}
				return rows{}, readable(fmt.Errorf("read %s: %w", root.field.Name, failure))
			}
			rs.flat = st.flat[start:len(st.flat):len(st.flat)]
			return rs, nil
		}
	}
}

// distrust closes the connection if it does not know a statement that it should
// know, or knows it for another schema.
func (b *batch) distrust(err error) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "26000" || pg.Code == "0A000" || pg.Code == "42P05") {
		b.stale = true
	}
}

func (b *batch) close() {
	if b.pipe != nil {
		_ = b.pipe.Close() // a broken connection is closed, and the pool makes another
	}
	if b.conn != nil {
		if b.stale {
			_ = b.conn.Conn().Close(context.Background())
		}
		b.conn.Release()
	}
}

func readableOrNil(err error) error {
	if err == nil {
		return nil
	}
	return readable(fmt.Errorf("send: %w", err))
}
