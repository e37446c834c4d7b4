package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/metric"
	"stadtgraph/internal/pgtest"
)

// gated executes operations that last until a test says so.
func gated() (stub, chan struct{}) {
	open := make(chan struct{})
	return func(ctx context.Context) *graphql.Response {
		select {
		case <-open:
		case <-ctx.Done():
			return nil
		}
		return &graphql.Response{Data: []byte(`{}`)}
	}, open
}

func TestOverload(t *testing.T) {
	t.Parallel()
	c := config(t)
	executor, open := gated()
	c.Executor, c.Metrics = executor, metric.New()
	c.Places, c.Reserved, c.QueueTime = 2, 1, 200*time.Millisecond
	c.Authenticate = func(_ context.Context, token string) (*auth.Actor, error) {
		return &auth.Actor{Role: auth.Role(token)}, nil
	}
	base := start(t, c)
	var wait sync.WaitGroup
	ask := func(want int, headers ...string) {
		wait.Go(func() {
			for _, accept := range []string{plainJSON, graphqlResponse} {
				begun := time.Now()
				got := post(t, base, `{ __typename }`, nil, append(headers, "Accept", accept)...)
				if got.StatusCode != want {
					t.Errorf("%s %s, want %d", got.Status, got.body, want)
				}
				if want != http.StatusServiceUnavailable {
					return
				}
				if got.Header.Get("Retry-After") != "1" || got.Header.Get("Content-Type") != accept+"; charset=utf-8" && got.Header.Get("Content-Type") != accept {
					t.Errorf("the headers of a refusal are %v", got.Header)
				}
				harmless(t, got, "")
				if e := got.errors(t)[0]; e.Extensions["code"] != "SERVICE_UNAVAILABLE" || !strings.Contains(e.Message, "Try again") {
					t.Errorf("a refusal says %+v", e)
				}
				if took := time.Since(begun); took > 2*time.Second {
					t.Errorf("a refusal took %s", took)
				}
			}
		})
	}
	for range 2 {
		ask(http.StatusOK)
	}
	shows(t, c.Metrics, "stadtgraph_graphql_running 2")
	for range 3 {
		ask(http.StatusServiceUnavailable)
	}
	shows(t, c.Metrics, "stadtgraph_graphql_waiting 3")
	ask(http.StatusServiceUnavailable, "Authorization", "Bearer READER")
	ask(http.StatusOK, "Authorization", "Bearer EDITOR")
	shows(t, c.Metrics, "stadtgraph_graphql_running 3")
	for _, path := range []string{"/livez", "/readyz", "/schema.graphql", "/"} {
		begun := time.Now()
		if got := do(t, http.MethodGet, base+path, ""); got.StatusCode != http.StatusOK || time.Since(begun) > time.Second {
			t.Errorf("%s: %s after %s", path, got.Status, time.Since(begun))
		}
	}
	shows(t, c.Metrics, `stadtgraph_graphql_refused_total{class="public"} 8`)
	close(open)
	wait.Wait()
	shows(t, c.Metrics, "stadtgraph_graphql_running 0", "stadtgraph_graphql_waiting 0", `stadtgraph_graphql_errors_total{code="SERVICE_UNAVAILABLE"} 8`)
	if got := post(t, base, `{ __typename }`, nil); got.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %s %s", got.Status, got.body)
	}
}

// shows waits until metrics have all of these lines.
func shows(t *testing.T, m *metric.Metrics, lines ...string) {
	t.Helper()
	var text string
	for range 500 {
		text = scrape(t, m)
		missing := false
		for _, line := range lines {
			missing = missing || !strings.Contains(text, "\n"+line+"\n")
		}
		if !missing {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("metrics lack one of %q:\n%s", lines, text)
}

// scrape reads metrics as Prometheus does.
func scrape(t *testing.T, m *metric.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("metrics: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// A client that leaves takes its statement with it, wherever it has come to, and its
// place is free.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	b := backend(t, url, 2)
	c := b.config(t)
	c.Places, c.QueueTime = 1, 5*time.Second
	base := start(t, c)
	locked, err := b.writing.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locked.Exec(t.Context(), `LOCK TABLE state IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	running := func() (n int) {
		if err := b.writing.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'stadtgraph' AND state = 'active'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for begun := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
			if time.Since(begun) > 3*time.Second {
				t.Fatal(what)
			}
		}
	}
	ctx, leave := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range 5 { // one runs, four wait
		wait.Go(func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/graphql", strings.NewReader(`{"query": "{ states { totalCount } }"}`))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", plainJSON)
			if got, err := http.DefaultTransport.RoundTrip(r); err == nil {
				got.Body.Close()
				t.Errorf("it was answered: %s", got.Status)
			}
		})
	}
	until("nothing runs", func() bool { return running() == 1 })
	shows(t, c.Metrics, "stadtgraph_graphql_waiting 4")
	leave()
	wait.Wait()
	until("a statement still runs for a client that has left", func() bool { return running() == 0 })
	shows(t, c.Metrics, "stadtgraph_graphql_running 0", "stadtgraph_graphql_waiting 0")
	if err := locked.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := post(t, base, `{ states { totalCount } }`, nil); got.body != `{"data":{"states":{"totalCount":0}}}` {
		t.Errorf("afterwards: %s %s", got.Status, got.body)
	}
}
