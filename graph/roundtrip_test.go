package graph_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/write"
)

// trips is what goes to Postgres: a word for each round trip, and how many statements
// each took.
type trips struct {
	mu   sync.Mutex
	said []string
}

var _ pgx.BatchTracer = (*trips)(nil)

func (r *trips) say(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, what)
}

func (r *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	first := strings.ToLower(regexp.MustCompile(`^\w+`).FindString(strings.TrimSpace(data.SQL)))
	r.say(first)
	return ctx
}

func (r *trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (r *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	r.say(fmt.Sprintf("batch of %d", data.Batch.Len()))
	return ctx
}

func (r *trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (r *trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// A mutation costs what it must: begin, look up, write, commit, read what the payload
// asks for. A round trip more is a decision.
func TestRoundTripsOfWriting(t *testing.T) {
	t.Parallel()
	config, err := pgxpool.ParseConfig(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	seen := &trips{}
	config.ConnConfig.Tracer = seen
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(t.Context(), `INSERT INTO topic (id, slug, name, scheme) VALUES (gen_random_uuid(), 'a', 'A', 'ACTION_FIELD'), (gen_random_uuid(), 'b', 'B', 'KEYWORD')`); err != nil {
		t.Fatal(err)
	}
	planner := newPlanner(t, pool)
	writable, err := graph.Writable(planner.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	e := graph.NewExecutor(planner).Writes(write.NewWriter(writable, pool))
	const fields = `{ article { id version title topics { slug } links { url } } userErrors { code path message } }`
	for range 2 {
		a := mutate(t, e, createTitled, map[string]any{"t": "Anfang"}).node
		for _, c := range []struct {
			what, query string
			version     int
			want        string
		}{
			{"create", `mutation { createArticle(input: {article: {kind: NEWS, title: "T", lead: "L", topics: {set: [{slug: "a"}]}, keywords: {set: [{slug: "b"}]},
				links: [{url: "https://a.example"}, {url: "https://b.example"}]}}) ` + fields + ` }`, 0,
				"begin, batch of 3, batch of 5, commit, 1 read"},
			{"update", `mutation($id: ID!, $v: Int!) { updateArticle(input: {id: $id, version: $v, article: {title: "U", topics: {add: [{slug: "a"}]}}}) ` + fields + ` }`, 1,
				"begin, batch of 3, batch of 3, commit, 1 read"},
			{"publish", `mutation($id: ID!, $v: Int!) { publishArticle(input: {id: $id, version: $v}) ` + fields + ` }`, 2,
				"begin, batch of 1, batch of 1, commit, 1 read"},
		} {
			seen.mu.Lock()
			seen.said = nil
			seen.mu.Unlock()
			before := planner.Statements()
			w := mutate(t, e, c.query, map[string]any{"id": a.ID, "v": c.version})
			if w.code != "" {
				t.Fatalf("%s: got %s", c.what, w.raw)
			}
			seen.say(fmt.Sprintf("%d read", planner.Statements()-before)) // past pgx, which would make texts of it
			if got := strings.Join(seen.said, ", "); got != c.want {
				t.Errorf("%s: got %s, want %s", c.what, got, c.want)
			}
		}
	}
}
