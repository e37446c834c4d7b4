package metric

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"stadtgraph/internal/pgtest"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// All metrics, as promtool check metrics sees them.
func TestConventions(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	if _, err := pool.Exec(t.Context(), `INSERT INTO river_job (kind, max_attempts, args) VALUES ('due', 1, '{}')`); err != nil {
		t.Fatal(err)
	}
	m := New()
	m.Pool("reading", pool)
	m.Pool("writing", pool)
	m.Database(pool)
	m.Gauge("stadtgraph_test", "A test.", func() float64 { return 1 })
	m.Answered(Request{Route: "/graphql", Method: http.MethodPost, Status: 200, Bytes: 17, Took: time.Millisecond})
	m.Waited(time.Millisecond)
	m.Refused("public")
	m.Failed("TIMEOUT")
	m.Told("delivered", time.Millisecond)
	m.Ran(Operation{Name: "Towns", Type: "query", Took: time.Millisecond, Statements: 1, Rows: 20, Cost: 60, Cache: "miss", Code: "TIMEOUT"})
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	got := scrape(t, m)
	for _, want := range []string{
		`stadtgraph_http_requests_total{method="POST",route="/graphql",status="200"} 1`,
		`stadtgraph_http_response_bytes_total{route="/graphql"} 17`,
		`stadtgraph_http_request_duration_seconds_count{route="/graphql"} 1`,
		`stadtgraph_graphql_operation_duration_seconds_count{operation="Towns",type="query"} 1`,
		`stadtgraph_graphql_operation_statements_total{operation="Towns",type="query"} 1`,
		`stadtgraph_graphql_operation_rows_total{operation="Towns",type="query"} 20`,
		`stadtgraph_graphql_operation_cost_total{operation="Towns",type="query"} 60`,
		`stadtgraph_graphql_operation_cache_total{operation="Towns",outcome="miss",type="query"} 1`,
		`stadtgraph_graphql_operation_errors_total{code="TIMEOUT",operation="Towns",type="query"} 1`,
		`stadtgraph_pool_max_connections{pool="reading"} 8`,
		`stadtgraph_jobs{queue="default",state="available"} 1`,
		`stadtgraph_search_stale_documents 0`,
		`stadtgraph_change_feed_lag_seconds 0`,
		`stadtgraph_database_up 1`,
		`go_build_info{`,
		`go_goroutines`,
	} {
		if !strings.Contains(got, "\n"+want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	pool.Close()
	got = scrape(t, m)
	if !strings.Contains(got, "\nstadtgraph_database_up 0\n") || strings.Contains(got, "\nstadtgraph_jobs") || !strings.Contains(got, "stadtgraph_http_requests_total{") {
		t.Errorf("without a database:\n%s", got)
	}
}

// An open transaction holds changes back that were made after it began. (So do those of
// other tests, so it is not told when it is over.)
func TestFeedLag(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	m := New()
	m.Database(pool)
	old, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer old.Rollback(context.Background())
	if _, err := old.Exec(t.Context(), `SELECT pg_current_xact_id()`); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `INSERT INTO topic (id, slug, name, scheme) VALUES (gen_random_uuid(), 'a', 'A', 'KEYWORD')`); err != nil {
		t.Fatal(err)
	}
	lag := func() (seconds float64) {
		for line := range strings.Lines(scrape(t, m)) {
			if _, err := fmt.Sscanf(line, "stadtgraph_change_feed_lag_seconds %g", &seconds); err == nil {
				return seconds
			}
		}
		t.Fatal("no lag")
		return 0
	}
	time.Sleep(20 * time.Millisecond)
	if got := lag(); got < 0.02 || got > 60 {
		t.Errorf("held back for %v s", got)
	}
}

// Whatever callers name their operations, the series are few.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	m := New()
	for i := range 10 * mostOther {
		m.Ran(Operation{Name: fmt.Sprintf("Made_up_%d", i), Type: "query"})
	}
	m.Ran(Operation{Name: strings.Repeat("n", 5000), Type: "query", Known: true})
	m.Ran(Operation{Type: "query"})
	m.Ran(Operation{Name: "Ours", Type: "query", Known: true})
	m.Answered(Request{Route: "/", Method: strings.Repeat("M", 5000), Status: 99999})
	got := scrape(t, m)
	if n := strings.Count(got, "\nstadtgraph_graphql_operation_duration_seconds_count{"); n != mostOther+3 {
		t.Errorf("%d series", n)
	}
	for _, want := range []string{
		fmt.Sprintf(`_count{operation="(other)",type="query"} %d`, 9*mostOther+1),
		`_count{operation="(unnamed)",type="query"} 1`,
		`_count{operation="Ours",type="query"} 1`,
		`stadtgraph_http_requests_total{method="(other)",route="/",status="(other)"} 1`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestNobodyCounts(t *testing.T) {
	t.Parallel()
	var m *Metrics
	m.Pool("", nil)
	m.Database(nil)
	m.Gauge("", "", nil)
	m.Answered(Request{})
	m.Waited(0)
	m.Refused("")
	m.Failed("")
	m.Ran(Operation{})
}

func BenchmarkOperation(b *testing.B) {
	m := New()
	b.ReportAllocs()
	for b.Loop() {
		m.Answered(Request{Route: "/graphql", Method: http.MethodPost, Status: 200, Bytes: 17, Took: time.Millisecond})
		m.Ran(Operation{Name: "Towns", Type: "query", Took: time.Millisecond, Statements: 1, Rows: 20, Cost: 60, Cache: "miss"})
	}
}
