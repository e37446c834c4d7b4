package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/internal/fault"
)

// Planner reads what operations ask for.
type Planner struct {
	catalogue  *Catalogue
	pool       *pgxpool.Pool
	named      bool // statements may be prepared under a name
	operations *lru.Cache[*ast.OperationDefinition, *operation]
	states     sync.Pool
	sent       atomic.Int64
	maxCost    int // of an operation
	deep       map[*ast.OperationDefinition]bool
}

// New makes a planner over a pool of connections. With named, statements that
// run again are prepared; behind a proxy that hands out another connection for
// each transaction they must not be.
func New(c *Catalogue, pool *pgxpool.Pool, named bool) *Planner {
	operations, err := lru.New[*ast.OperationDefinition, *operation](1000)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &Planner{catalogue: c, pool: pool, named: named, operations: operations, maxCost: MaxCost, deep: map[*ast.OperationDefinition]bool{},
		states: sync.Pool{New: func() any { return newState() }}}
}

// Limit makes operations that cost more be refused.
func (p *Planner) Limit(maxCost int) *Planner {
	p.maxCost = maxCost
	return p
}

// Deepen lets the numbered pages of an operation of the program's own reach further than
// MaxDepth. It must not be called any more when operations are read.
func (p *Planner) Deepen(def *ast.OperationDefinition) { p.deep[def] = true }

// Catalogue is what the planner reads by.
func (p *Planner) Catalogue() *Catalogue { return p.catalogue }

// Statements counts the statements that were sent to Postgres, for tests.
func (p *Planner) Statements() int64 { return p.sent.Load() }

// plan gives the compiled form of a request, from the cache if the same shape
// came before.
func (p *Planner) plan(r *Request, role Role) (*plan, error) {
	r.shape = append(r.shape, '@', '0'+byte(role))
	r.op.mu.Lock()
	compiled, ok := r.op.plans[string(r.shape)]
	r.op.mu.Unlock()
	if ok {
		return compiled, nil
	}
	compiled, err := p.compile(r, role)
	if err != nil {
		return nil, err
	}
	r.op.mu.Lock()
	defer r.op.mu.Unlock()
	if len(r.op.plans) >= maxPlans { // an operation of ever new shapes
		clear(r.op.plans)
	}
	r.op.plans[string(r.shape)] = compiled
	return compiled, nil
}

// Read runs all root fields of a prepared operation in one batch and appends
// the object of their answers to dst. If a field that must not be null failed,
// it appends null. Answers to introspection come from elsewhere.
//
// A database that is restarted, or hands over to another one, is away for a moment.
// What was being read is then read again, as long as patience says.
func (r *Request) Read(ctx context.Context, v Viewer, dst []byte, introspected map[string]json.RawMessage) ([]byte, gqlerror.List) {
	until := time.Now().Add(patience)
	for pause, broken := firstPause, 0; ; pause *= 2 {
		out, errs, again := r.read(ctx, v, dst, introspected)
		if again == lost {
			// All connections of before are of the same kind. Whoever broke two of
			// them might be the reason.
			r.planner.pool.Reset()
			broken++
		}
		if again == fine || broken > 2 || time.Now().Add(pause).After(until) {
			return out, errs
		}
		select {
		case <-ctx.Done():
			return out, errs
		case <-time.After(pause):
		}
	}
}

const (
	patience   = 2 * time.Second
	firstPause = 20 * time.Millisecond
)

// setback is what kept a request from being read, if it is worth reading again.
type setback uint8

const (
	fine setback = iota // or nothing that another attempt would change
	away                // no connection was to be had
	lost                // it broke
)

func (r *Request) read(ctx context.Context, v Viewer, dst []byte, introspected map[string]json.RawMessage) ([]byte, gqlerror.List, setback) {
	p := r.planner
	roots := r.plan.roots
	st := p.states.Get().(*state)
	defer p.states.Put(st)
	st.reset(r, dst)

	statements := make([]*rootPlan, 0, len(roots))
	for i := range roots {
		if roots[i].stmt != nil {
			statements = append(statements, &roots[i])
		}
	}
	run := batch{planner: p, req: r, viewer: v, roots: statements}
	again := fine
	if err := run.send(ctx); err != nil {
		run.err = err
		switch {
		case ctx.Err() != nil:
		case run.conn != nil:
			run.lost = true
		case refused(err):
			again = away
		}
	}
	defer run.close()

	start := len(st.out)
	st.out = append(st.out, '{')
	ok := true
	for i := range roots {
		root := &roots[i]
		f := fieldEnc{name: root.field.Alias, nonNull: root.field.Definition.Type.NonNull, pos: root.field.Position}
		if i > 0 {
			st.out = append(st.out, ',')
		}
		st.out = append(quote(st.out, f.name), ':')
		var result outcome
		switch {
		case root.introspection:
			st.out = append(st.out, introspected[f.name]...)
			result = written
		case root.static != nil:
			st.out = append(st.out, root.static...)
			result = written
		default:
			rs, err := run.next(ctx, st)
			if err != nil {
				st.errs = append(st.errs, r.located(err, &f))
				result = failed
				break
			}
			r.note(root, rs)
			st.path = append(st.path, pathStep{field: &f})
			result = root.enc.encodeRows(st, rs)
			st.path = st.path[:0]
			if result == null && f.nonNull {
				st.missing(&f)
			}
		}
		if result != written {
			ok = ok && !f.nonNull
			st.out = append(st.out, "null"...)
		}
	}
	st.out = append(st.out, '}')
	if !ok {
		st.out = append(st.out[:start], "null"...)
	}
	out, errs := st.out, st.errs
	st.out, st.errs = nil, nil
	if run.lost && ctx.Err() == nil {
		again = lost
	}
	return out, errs, again
}

// Planned says whether the planner has anything to read.
func (r *Request) Planned() bool {
	return slices.ContainsFunc(r.plan.roots, func(root rootPlan) bool { return !root.introspection })
}

// Introspection gives the root fields that ask about the schema.
func (r *Request) Introspection() []*ast.Field {
	var fields []*ast.Field
	for i := range r.plan.roots {
		if r.plan.roots[i].introspection {
			fields = append(fields, r.plan.roots[i].field)
		}
	}
	return fields
}

func (st *state) reset(r *Request, dst []byte) {
	st.req, st.out, st.errs = r, dst, nil
	st.path, st.vals, st.elems, st.flat, st.arena = st.path[:0], st.vals[:0], st.elems[:0], st.flat[:0], st.arena[:0]
}

// located makes the error of a root field.
func (r *Request) located(err error, f *fieldEnc) *gqlerror.Error {
	if known, ok := fault.From(err); ok && known.Code == fault.Timeout {
		err = fmt.Errorf("%w (%w)", fault.New(fault.Timeout, "This took longer than allowed; %s.", r.shorter(f.name)), err)
	}
	e := internal(err)
	e.Path = ast.Path{ast.PathName(f.name)}
	if f.pos != nil {
		e.Locations = []gqlerror.Location{{Line: f.pos.Line, Column: f.pos.Column}}
	}
	return e
}

// shorter says how a root field takes less time: which filters there are to narrow.
func (r *Request) shorter(root string) string {
	var filters []string
	for i, s := range r.op.sites {
		if s.target == nil || r.args[i] == nil || s.path[0] != ast.PathName(root) {
			continue
		}
		names := []string{}
		for j, def := range s.field.Definition.Arguments {
			switch v := r.args[i][j].(type) {
			case *object:
				for _, m := range v.members {
					names = append(names, "`"+m.name+"`")
				}
			case string:
				if def.Name == "query" {
					names = append(names, "`query`")
				}
			}
		}
		if len(names) == 0 {
			names = []string{"none yet"}
		}
		filters = append(filters, fmt.Sprintf("of `%s` (%s)", s.path, strings.Join(names, ", ")))
	}
	if len(filters) == 0 {
		return "ask for fewer items"
	}
	return "narrow the filter " + strings.Join(filters, ", ") + ", or ask for fewer items"
}

// internal keeps the cause of an error for the log; a caller sees the fault in
// it, or nothing of it.
func internal(err error) *gqlerror.Error {
	return &gqlerror.Error{Err: err, Message: err.Error()}
}

// readable turns what Postgres or the network say into faults that a caller
// can do something about, and leaves the rest as it is.
func readable(err error) error {
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && pg.Code == "57014", errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w (%w)", fault.New(fault.Timeout, "This took longer than allowed; ask for fewer items or narrow the filter."), err)
	case errors.As(err, &pg) && (pg.Code[:2] == "53" || pg.Code[:2] == "57" || pg.Code[:2] == "08"),
		!errors.As(err, &pg) && !errors.Is(err, context.Canceled):
		return unreachable(err)
	}
	return err
}

func unreachable(err error) error {
	return fmt.Errorf("%w (%w)", fault.New(fault.Busy, "The database cannot be reached just now; try again in a moment."), err)
}

// going says whether Postgres ends the connection, because it stops or starts again.
func going(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "57P01" || pg.Code == "57P02" || pg.Code == "57P03")
}

// refused says whether nobody was there to connect to, or not yet. Whoever waited in
// vain has waited enough.
func refused(err error) bool {
	var connect *pgconn.ConnectError
	return going(err) || errors.As(err, &connect) && !errors.Is(err, context.DeadlineExceeded)
}

// SQL gives the statements of a request, for tests that read or explain them.
func (r *Request) SQL() []string {
	var out []string
	for i := range r.plan.roots {
		if s := r.plan.roots[i].stmt; s != nil {
			out = append(out, s.sql)
		}
	}
	return out
}

// Types gives, for each of these statements, the types of its parameters.
func (r *Request) Types() [][]uint32 {
	var out [][]uint32
	for i := range r.plan.roots {
		if s := r.plan.roots[i].stmt; s != nil {
			out = append(out, s.oids)
		}
	}
	return out
}
