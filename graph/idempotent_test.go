package graph_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/pgtest"
)

// TestIdempotency sends requests again: the same key and body gets the first answer,
// whatever became of the row, of the process, or of the first answer on its way.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	pool := pgtest.From(t, "shipped", seedVersion(), seed)
	send := func(e *graph.Executor, key, query string, variables map[string]any) string {
		ctx := auth.With(graphql.StartOperationTrace(t.Context()), &auth.Actor{Token: [16]byte{7}, Name: "t", Role: auth.Admin})
		op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables, Headers: http.Header{"Idempotency-Key": {key}}})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		handler, ctx := e.DispatchOperation(ctx, op)
		out, err := json.Marshal(handler(ctx))
		if err != nil {
			t.Error(err)
		}
		return string(out)
	}
	count := func() (n int) {
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM article WHERE title LIKE 'Einmal%'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const create = `mutation ($title: String!) { createArticle(input: {article: {title: $title, kind: NEWS}}) { article { id title slug } userErrors { path code } } }`
	e := newWriting(t, pool)
	title := map[string]any{"title": "Einmal ä"}
	first := send(e, "eins", create, title)
	if !strings.Contains(first, "Einmal ä") || count() != 1 {
		t.Fatalf("got %s", first)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE article SET title = 'Einmal anders' WHERE title = 'Einmal ä'`); err != nil {
		t.Fatal(err)
	}
	if again := send(newWriting(t, pool), "eins", create, title); again != first || count() != 1 {
		t.Errorf("another process answers %s, not %s", again, first)
	}
	if other := send(e, "eins", create, map[string]any{"title": "Einmal mehr"}); !strings.Contains(other, `"code":"CONFLICT"`) || count() != 1 {
		t.Errorf("another body gets %s", other)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE idempotency_key SET answer = NULL`); err != nil { // cut off behind the commit
		t.Fatal(err)
	}
	if again := send(e, "eins", create, title); !strings.Contains(again, "Einmal anders") || count() != 1 {
		t.Errorf("after it was cut off the answer is %s", again)
	}

	refused := send(e, "zwei", create, map[string]any{"title": ""})
	if again := send(e, "zwei", create, map[string]any{"title": ""}); !strings.Contains(refused, "REQUIRED") || again != refused {
		t.Errorf("got %s, then %s", refused, again)
	}

	var wg sync.WaitGroup
	answers := make([]string, 20)
	for i := range answers {
		wg.Go(func() { answers[i] = send(e, "drei", create, map[string]any{"title": "Einmal zugleich"}) })
	}
	wg.Wait()
	for _, answer := range answers {
		if answer != answers[0] || !strings.Contains(answer, `"slug":"einmal-zugleich"`) {
			t.Errorf("got %s and %s", answers[0], answer)
		}
	}
	if count() != 2 {
		t.Errorf("there are %d articles", count())
	}
}
