package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/demo"
	"stadtgraph/internal/german"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/register"
	"stadtgraph/internal/search"
)

// seed fills a database with what `dev` loads.
func seed(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := register.LoadShipped(ctx, pool, nil); err != nil {
		return err
	}
	if err := demo.Load(ctx, pool); err != nil {
		return err
	}
	catalogue, err := graph.Catalogue()
	if err != nil {
		return err
	}
	return search.Refresh(ctx, pool, catalogue)
}

// seedVersion names what seed makes.
func seedVersion() string {
	return fmt.Sprint(register.Version(), demo.Version(), search.Version, crc32.ChecksumIEEE([]byte(german.SynonymsCSV)))
}

// shipped is a database with what `dev` loads, for tests that only read.
func shipped(t testing.TB) *pgxpool.Pool {
	return pgtest.Shared(t, "shipped", seedVersion(), seed)
}

func newPlanner(t testing.TB, pool *pgxpool.Pool) *plan.Planner {
	t.Helper()
	catalogue, err := graph.CatalogueWith(testKeys(t))
	if err != nil {
		t.Fatal(err)
	}
	return plan.New(catalogue, pool, true)
}

// run executes an operation as an anonymous caller and gives the whole answer.
func run(t testing.TB, e *graph.Executor, query string, variables map[string]any) string {
	t.Helper()
	return runAs(t, nil, e, query, variables)
}

// runAs executes an operation as an actor, nil for the public.
func runAs(t testing.TB, actor *auth.Actor, e *graph.Executor, query string, variables map[string]any) string {
	t.Helper()
	ctx := auth.With(graphql.StartOperationTrace(t.Context()), actor)
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables})
	var response *graphql.Response
	if len(errs) > 0 {
		response = e.DispatchError(graphql.WithOperationContext(ctx, op), errs)
	} else {
		handler, ctx := e.DispatchOperation(ctx, op)
		response = handler(ctx)
	}
	out, err := json.Marshal(response)
	if err != nil {
		t.Fatalf("the answer is no JSON: %v\n%s", err, response.Data)
	}
	return string(out)
}

func TestFirstQuestion(t *testing.T) {
	t.Parallel()
	e := graph.NewExecutor(newPlanner(t, shipped(t)))
	got := run(t, e, `{ municipality(key: "09461000") { name state { name } population strategies { nodes { title status } } } }`, nil)
	want := `{"data":{"municipality":{"name":"Bamberg","state":{"name":"Bayern"},"population":79935,"strategies":{"nodes":[` +
		`{"title":"Digitale Agenda 2024-2028","status":"PRESENTED"},{"title":"Digitale Agenda","status":"PRESENTED"}]}}}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// compares begins a test that compares thousands of answers, one after the other. There
// are no races in it, and the race detector makes minutes of it.
func compares(t *testing.T) {
	t.Helper()
	if race {
		t.Skip("compares one after the other: without the race detector it runs")
	}
}
