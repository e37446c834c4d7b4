package plan

import (
	"context"
	"slices"
)

// Bind gives the values of all parameters of a request.
func (r *Request) Bind(v Viewer) (n int) {
	for i := range r.plan.roots {
		root := &r.plan.roots[i]
		if root.stmt == nil {
			continue
		}
		for _, p := range root.stmt.params {
			n += len(p.bind(r, v, root.types))
		}
	}
	return n
}

// Fetched are the rows of a request with a single root field.
type Fetched struct {
	req  *Request
	rows rows
	st   *state
}

// Fetch reads the rows and writes nothing.
func (r *Request) Fetch(ctx context.Context, v Viewer) (Fetched, error) {
	st := newState()
	st.reset(r, nil)
	run := batch{planner: r.planner, req: r, viewer: v, roots: []*rootPlan{&r.plan.roots[0]}}
	if err := run.send(ctx); err != nil {
		return Fetched{}, err
	}
	defer run.close()
	rs, err := run.next(ctx, st)
	rs.flat = slices.Clone(rs.flat)
	return Fetched{r, rs, st}, err
}

// Encode writes the JSON of the root field.
func (f Fetched) Encode(dst []byte) []byte {
	f.st.reset(f.req, dst)
	f.req.plan.roots[0].enc.encodeRows(f.st, f.rows)
	return f.st.out
}
