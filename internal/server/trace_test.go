package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/metric"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/trace"
)

// A trace goes from the caller's span down to each statement, and holds nothing that
// was sent.
func TestTrace(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	tracer, err := trace.New(t.Context(), sdk.WithSyncer(spans))
	if err != nil {
		t.Fatal(err)
	}
	b := backend(t, pgtest.URL(t), 2)
	c := b.config(t)
	c.Tracer = tracer
	log := &journal{}
	c.Log = log.logger()
	base := start(t, c)
	token := b.token(t, auth.Publisher)

	const caller = "4bf92f3577b34da6a3ce929d0e0e4736"
	tree := func(query string, variables map[string]any, headers ...string) string {
		t.Helper()
		spans.Reset()
		headers = append(headers, "Traceparent", "00-"+caller+"-00f067aa0ba902b7-01")
		if got := post(t, base, query, variables, headers...); got.StatusCode != http.StatusOK || strings.Contains(got.body, `"errors"`) {
			t.Fatalf("%s %s", got.Status, got.body)
		}
		var all tracetest.SpanStubs
		for begun := time.Now(); ; time.Sleep(time.Millisecond) { // the last span ends behind the answer
			all = spans.GetSpans()
			if len(all) > 0 && all[len(all)-1].Parent.IsRemote() {
				break
			}
			if time.Since(begun) > 5*time.Second {
				t.Fatalf("no span has the caller's as its parent: %v", all)
			}
		}
		names := map[string]string{}
		for _, s := range all {
			names[s.SpanContext.SpanID().String()] = s.Name
		}
		var out strings.Builder
		for _, s := range all {
			if s.SpanContext.TraceID().String() != caller {
				t.Errorf("%s is in another trace", s.Name)
			}
			fmt.Fprintf(&out, "%s < %s\n", s.Name, names[s.Parent.SpanID().String()])
		}
		text, err := json.Marshal(all.Snapshots())
		if err == nil {
			for _, s := range all {
				text = fmt.Appendf(text, "%s %v %v", s.Name, s.Attributes, s.Events)
			}
		}
		if secret := regexp.MustCompile(`(?i)geheim|sgt_|fault|insert into|select .* from|127\.0\.0\.1`).Find(text); secret != nil {
			t.Errorf("the trace holds %q: %s", secret, text)
		}
		return out.String()
	}

	const query = `query Towns($name: String) { municipalities(filter: {name: {contains: $name}}) { nodes { name } } states { totalCount } }`
	const prepared = "graphql.plan < POST /graphql\nSELECT municipalities < graphql.execute\nSELECT states < graphql.execute\ngraphql.execute < POST /graphql\nPOST /graphql < \n"
	if got, want := tree(query, map[string]any{"name": "geheim"}), "graphql.validate < POST /graphql\n"+prepared; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := tree(query, map[string]any{"name": "Geheim"}); got != prepared {
		t.Errorf("a document that is known: got\n%s\nwant\n%s", got, prepared)
	}
	got := tree(createOne, map[string]any{"title": "Geheim", "body": "geheim"}, "Authorization", "Bearer "+token)
	for _, want := range []string{"SELECT api_token < POST /graphql\n", "BEGIN < graphql.execute\n", "INSERT article < graphql.execute\n", "COMMIT < graphql.execute\n", "SELECT node < graphql.execute\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the trace of a mutation lacks %q:\n%s", want, got)
		}
	}
	if text := log.String(); !strings.Contains(text, "trace_id="+caller) || !strings.Contains(text, "span_id=") || !strings.Contains(text, "operation=Towns") || strings.Contains(strings.ToLower(text), "geheim") {
		t.Errorf("the log says %s", text)
	}

	// What the caller does not record is not recorded here, but the log knows it.
	spans.Reset()
	post(t, base, query, nil, "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
	post(t, base, query, nil, "Traceparent", "nonsense")
	if got := spans.GetSpans(); len(got) == 0 || got[0].SpanContext.TraceID().String() == "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("recorded: %v", got)
	}
	if !strings.Contains(log.String(), "trace_id=0af7651916cd43dd8448eb211c80319c") {
		t.Errorf("the log says %s", log)
	}
}

// Metrics know an operation by its name, what it took, and how it went.
func TestOperationMetrics(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Metrics = metric.New()
	base := start(t, c)
	for range 2 {
		post(t, base, `query Towns { municipalities(first: 3) { nodes { name } } states { totalCount } }`, nil)
	}
	get(t, base, map[string]string{"query": `{ states { totalCount } }`})
	post(t, base, `query Wrong { nothing }`, nil)
	post(t, base, `query Bad { states(first: -1) { totalCount } }`, nil)
	post(t, base, `{`, nil)
	do(t, http.MethodPut, base+"/graphql", "")
	do(t, http.MethodGet, base+"/no/such/path", "")
	shows(t, c.Metrics,
		`stadtgraph_graphql_operation_duration_seconds_count{operation="Towns",type="query"} 2`,
		`stadtgraph_graphql_operation_statements_total{operation="Towns",type="query"} 4`,
		`stadtgraph_graphql_operation_rows_total{operation="Towns",type="query"} 8`,
		`stadtgraph_graphql_operation_duration_seconds_count{operation="(unnamed)",type="query"} 1`,
		`stadtgraph_graphql_errors_total{code="GRAPHQL_VALIDATION_FAILED"} 1`,
		`stadtgraph_graphql_errors_total{code="BAD_USER_INPUT"} 1`,
		`stadtgraph_graphql_errors_total{code="GRAPHQL_PARSE_FAILED"} 1`,
		`stadtgraph_graphql_errors_total{code="BAD_REQUEST"} 1`,
		`stadtgraph_http_requests_total{method="PUT",route="/graphql",status="405"} 1`,
		`stadtgraph_http_requests_total{method="GET",route="/",status="404"} 1`,
	)
	if text := scrape(t, c.Metrics); strings.Contains(text, "Wrong") || strings.Contains(text, "no/such") {
		t.Error("names of what is no operation are labels")
	}
}
