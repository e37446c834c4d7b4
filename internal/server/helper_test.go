package server_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/graphiql"
	"stadtgraph/internal/pgtest/shipped"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/server"
	"stadtgraph/migrations"
)

const (
	plainJSON       = "application/json"
	graphqlResponse = "application/graphql-response+json"
)

// catalogue is made once, as a program does.
var catalogue = sync.OnceValues(graph.Catalogue)

// config is a server on the shipped data.
func config(t testing.TB) server.Config {
	t.Helper()
	db := shipped.DB(t)
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	examples, err := graphiql.LoadExamples(graph.Examples)
	if err != nil {
		t.Fatal(err)
	}
	return server.Config{
		Executor:   graph.NewExecutor(plan.New(read, db, true)),
		Database:   db,
		Migrations: migrations.FS,
		SDL:        graph.SDL(),
		Examples:   examples,
		Log:        slog.New(slog.DiscardHandler),
	}
}

// start serves over real HTTP and gives the address.
func start(t testing.TB, c server.Config) string {
	t.Helper()
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return h.URL
}

// reply is an answer that has been read. Its cost stands beside it: -1 if it has none.
type reply struct {
	*http.Response
	body string
	cost int
}

var costMember = regexp.MustCompile(`,"extensions":\{"cost":\{"requested":(\d+)\}\}\}$`)

// errors are the answer's errors; a test of an answer that has none fails.
func (r reply) errors(t testing.TB) []answerError {
	t.Helper()
	var answer struct{ Errors []answerError }
	if err := json.Unmarshal([]byte(r.body), &answer); err != nil || len(answer.Errors) == 0 {
		t.Fatalf("got %s %q, want an answer with errors", r.Status, r.body)
	}
	return answer.Errors
}

type answerError struct {
	Message    string
	Path       []any
	Locations  []struct{ Line, Column int }
	Extensions map[string]any
}

// do sends a request; headers are pairs of name and value.
func do(t testing.TB, method, address, body string, headers ...string) reply {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, content)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	// Not the default client's, which would follow redirects.
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	rest, cost := withoutCost(t, read)
	return reply{response, rest, cost}
}

// withoutCost takes the cost out of an answer; -1 if it has none.
func withoutCost(t testing.TB, body []byte) (rest string, cost int) {
	t.Helper()
	m := costMember.FindSubmatchIndex(body)
	if m == nil {
		return string(body), -1
	}
	cost, err := strconv.Atoi(string(body[m[2]:m[3]]))
	if err != nil {
		t.Fatal(err)
	}
	return string(body[:m[0]]) + "}", cost
}

// post sends an operation the way clients do.
func post(t testing.TB, base, query string, variables map[string]any, headers ...string) reply {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	return do(t, http.MethodPost, base+"/graphql", string(body), append([]string{"Content-Type", plainJSON}, headers...)...)
}

// get sends a query in the address.
func get(t testing.TB, base string, params map[string]string, headers ...string) reply {
	t.Helper()
	values := url.Values{}
	for name, value := range params {
		values.Set(name, value)
	}
	return do(t, http.MethodGet, base+"/graphql?"+values.Encode(), "", headers...)
}

// ours are words that only we should ever read.
var ours = regexp.MustCompile(`(?i)sqlstate|pgx|pgconn|\bselect .* from\b|goroutine|panic|runtime error|reflect|unmarshal|interface ?\{|map\[|\*ast\.|(?-i:json\.[A-Z])|\bslice\b|\bint64\b|float64|\.go:\d|nil pointer|unable to`)

// harmless checks that an answer to something broken is an answer of ours.
func harmless(t testing.TB, r reply, canary string) {
	t.Helper()
	for _, e := range r.errors(t) {
		if ours.MatchString(e.Message) {
			t.Errorf("the message %q says too much", e.Message)
		}
		if e.Message == "" || e.Extensions["code"] == nil {
			t.Errorf("the error %+v has no message or no code", e)
		}
	}
	if canary != "" && strings.Contains(r.body, canary) {
		t.Errorf("the answer %q repeats what was sent", r.body)
	}
	if strings.Contains(r.body, `"data"`) {
		t.Errorf("the answer %q to a request that did not run has data", r.body)
	}
}

func exec(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
