package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/graph"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/server"
	"stadtgraph/migrations"
)

// stub executes what a test wants.
type stub func(ctx context.Context) *graphql.Response

func (stub) CreateOperationContext(context.Context, *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	return &graphql.OperationContext{Operation: &ast.OperationDefinition{Operation: ast.Query, Name: "Stub"}}, nil
}

func (s stub) DispatchOperation(ctx context.Context, _ *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	return func(ctx context.Context) *graphql.Response { return s(ctx) }, ctx
}

func (stub) Resolve(context.Context, *graphql.RawParams, string) (bool, *gqlerror.Error) {
	return false, nil
}

func (stub) Hold(string, bool) error { return nil }

func (stub) DispatchError(context.Context, gqlerror.List) *graphql.Response { return nil }

// journal is a log that a test reads.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(server.LogHandler(slog.NewTextHandler(j, nil)))
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	for _, c := range []struct {
		method, path string
		status       int
		contentType  string
		body         string // part of it
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "stadtgraph"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", ""},
		{"POST", "/", 405, "application/problem+json", "GET"},
		{"GET", "/graphiql/LICENSES.txt", 200, "text/plain; charset=utf-8", "MIT"},
		{"GET", "/graphiql/nothing.js", 404, "application/problem+json", "/graphql"},
		{"GET", "/graphiql/", 404, "application/problem+json", "/graphql"},
		{"GET", "/schema.graphql", 200, "text/plain; charset=utf-8", "type Municipality implements"},
		{"DELETE", "/schema.graphql", 405, "application/problem+json", "GET"},
		{"GET", "/livez", 200, "application/json", `"alive"`},
		{"GET", "/readyz", 200, "application/json", `"ready"`},
		{"POST", "/readyz", 405, "application/problem+json", "GET"},
		{"GET", "/nothing", 404, "application/problem+json", `"status":404`},
		{"POST", "/graphql/", 404, "application/problem+json", "/graphql"},
		{"GET", "/.git/config", 404, "application/problem+json", "/graphql"},
		{"GET", "/..%2f..%2fetc/passwd", 404, "application/problem+json", "/graphql"},
		{"OPTIONS", "/livez", 204, "", ""},
	} {
		r := do(t, c.method, base+c.path, "")
		if got := r.Header.Get("Content-Type"); r.StatusCode != c.status || got != c.contentType || !strings.Contains(r.body, c.body) {
			t.Errorf("%s %s: got %s %q %.200s, want %d %q with %q", c.method, c.path, r.Status, got, r.body, c.status, c.contentType, c.body)
		}
		if allow := r.Header.Get("Allow"); (c.status == 405 || c.status == 204) && allow != "GET, HEAD, OPTIONS" {
			t.Errorf("%s %s: Allow: %q", c.method, c.path, allow)
		}
		if c.status >= 400 {
			var problem struct {
				Title, Detail, RequestID string
				Status                   int
			}
			if err := json.Unmarshal([]byte(r.body), &problem); err != nil || problem.Status != c.status || problem.Title == "" || problem.Detail == "" || problem.RequestID == "" {
				t.Errorf("%s %s: got %s, %v", c.method, c.path, r.body, err)
			}
		}
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	r := do(t, http.MethodGet, base+"/schema.graphql", "")
	etag := r.Header.Get("ETag")
	if r.body != graph.SDL() || etag == "" {
		t.Errorf("got %d bytes with ETag %q, want the SDL of %d", len(r.body), etag, len(graph.SDL()))
	}
	if again := do(t, http.MethodGet, base+"/schema.graphql", "", "If-None-Match", etag); again.StatusCode != http.StatusNotModified || again.body != "" {
		t.Errorf("again: got %s, %d bytes", again.Status, len(again.body))
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const listed, foreign = "https://www.example.org", "https://evil.example"
	for name, c := range map[string]struct {
		origins []string
		origin  string
		want    string // Access-Control-Allow-Origin
	}{
		"nobody":            {nil, listed, ""},
		"listed":            {[]string{"https://a.example", listed}, listed, listed},
		"foreign":           {[]string{listed}, foreign, ""},
		"a longer name":     {[]string{listed}, listed + ".evil.example", ""},
		"another scheme":    {[]string{listed}, "http://www.example.org", ""},
		"another port":      {[]string{listed}, listed + ":8443", ""},
		"null":              {[]string{listed}, "null", ""},
		"all":               {[]string{"*"}, foreign, "*"},
		"local":             {server.LocalOrigins, "http://localhost:5173", "http://localhost:5173"},
		"local, port 80":    {server.LocalOrigins, "http://localhost", "http://localhost"},
		"local by number":   {server.LocalOrigins, "http://127.0.0.1:3000", "http://127.0.0.1:3000"},
		"not quite local":   {server.LocalOrigins, "http://localhost.evil.example", ""},
		"local, but secure": {server.LocalOrigins, "https://localhost:3000", ""},
	} {
		cfg := config(t)
		cfg.Origins = c.origins
		base := start(t, cfg)
		preflight := do(t, http.MethodOptions, base+"/graphql", "", "Origin", c.origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,x-apollo-operation-name")
		actual := post(t, base, "{ __typename }", nil, "Origin", c.origin)
		for what, r := range map[string]reply{"preflight": preflight, "request": actual} {
			if got := r.Header.Get("Access-Control-Allow-Origin"); got != c.want {
				t.Errorf("%s, %s: got origin %q, want %q", name, what, got, c.want)
			}
			if got := r.Header.Get("Access-Control-Allow-Credentials"); got != "" {
				t.Errorf("%s, %s: credentials are allowed", name, what)
			}
			if got := strings.Join(r.Header.Values("Vary"), ","); !strings.Contains(got, "Origin") && c.want != "*" {
				t.Errorf("%s, %s: Vary is %q", name, what, got)
			}
		}
		for _, header := range []string{"authorization", "content-type"} { // by name: a star is not Authorization
			if got := preflight.Header.Get("Access-Control-Allow-Headers"); c.want != "" && !strings.Contains(got, header) {
				t.Errorf("%s: headers %q", name, got)
			}
		}
		if c.want != "" && !strings.Contains(actual.Header.Get("Access-Control-Expose-Headers"), "X-Request-Id") {
			t.Errorf("%s: exposes %q", name, actual.Header.Get("Access-Control-Expose-Headers"))
		}
	}
}

func TestCheckOrigin(t *testing.T) {
	t.Parallel()
	for origin, fine := range map[string]bool{
		"*": true, "https://example.org": true, "http://localhost:3000": true, "http://localhost:*": true, "https://[::1]:8443": true,
		"": false, "example.org": false, "https://": false, "https://example.org/": false, "https://example.org/app": false, "https://*": false,
		"https://*.example.org": false, "ftp://example.org": false, "https://user@example.org": false, "https://a.example https://b.example": false, "null": false,
	} {
		if err := server.CheckOrigin(origin); (err == nil) != fine {
			t.Errorf("%q: %v", origin, err)
		}
	}
	if _, err := server.New(server.Config{Origins: []string{"nonsense"}}); err == nil {
		t.Error("a server with a nonsensical origin was made")
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	more := fstest.MapFS{"900000_more.up.sql": {Data: []byte("SELECT 1")}}
	for name, c := range map[string]struct {
		change func(*testing.T, *server.Config)
		status int
		reason string
	}{
		"ready": {func(*testing.T, *server.Config) {}, 200, ""},
		"newer": {func(_ *testing.T, c *server.Config) {
			c.Migrations = fstest.MapFS{"000001_first.up.sql": {Data: []byte("SELECT 1")}}
		}, 200, ""},
		"pending": {func(_ *testing.T, c *server.Config) { c.Migrations = more }, 503, "stadtgraph migrate up"},
		"dirty": {func(t *testing.T, c *server.Config) {
			db := pgtest.DB(t)
			if _, err := db.Exec(t.Context(), "UPDATE schema_migrations SET dirty = true"); err != nil {
				t.Fatal(err)
			}
			c.Database = db
		}, 503, "stopped in the middle"},
		"gone": {func(t *testing.T, c *server.Config) {
			db := pgtest.DB(t)
			db.Close()
			c.Database = db
		}, 503, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t)
			c.change(t, &cfg)
			base := start(t, cfg)
			r := do(t, http.MethodGet, base+"/readyz", "")
			if r.StatusCode != c.status || !strings.Contains(r.body, c.reason) || ours.MatchString(r.body) {
				t.Errorf("got %s %s, want %d with %q", r.Status, r.body, c.status, c.reason)
			}
			if live := do(t, http.MethodGet, base+"/livez", ""); live.StatusCode != http.StatusOK {
				t.Errorf("livez: got %s", live.Status)
			}
		})
	}
}

// Without a database, an operation fails with a code that says so, and what
// needs none still works.
func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	db := pgtest.DB(t)
	cfg := config(t)
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Executor = graph.NewExecutor(plan.New(read, db, true))
	db.Close()
	base := start(t, cfg)
	r := post(t, base, `{ municipality(key: "09461000") { name } states { totalCount } }`, nil, "Accept", graphqlResponse)
	if e := r.errors(t); len(e) == 0 || e[0].Extensions["code"] != string(fault.Busy) || ours.MatchString(r.body) {
		t.Errorf("got %s %s, want %s", r.Status, r.body, fault.Busy)
	}
	if r := post(t, base, "{ __typename }", nil); r.body != `{"data":{"__typename":"Query"}}` {
		t.Errorf("got %s", r.body)
	}
}

// A statement that takes too long is ended, and said to be.
func TestTimeout(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	open := func(c postgres.Config) *pgxpool.Pool {
		c.URL = url
		db, err := postgres.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		return db
	}
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(t)
	cfg.Executor = graph.NewExecutor(plan.New(read, open(postgres.Config{StatementTimeout: 100 * time.Millisecond}), true))
	base := start(t, cfg)

	other, err := open(postgres.Config{}).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), `LOCK TABLE state IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	const query = `{ states(filter: {name: {contains: "a"}}) { totalCount nodes { municipalities { totalCount } } } topics { totalCount } }`
	r := post(t, base, query, nil, "Accept", graphqlResponse)
	if e := r.errors(t); e[0].Extensions["code"] != string(fault.Timeout) || ours.MatchString(r.body) {
		t.Errorf("got %s %s, want %s", r.Status, r.body, fault.Timeout)
	} else if want := "narrow the filter of `states` (`name`), of `states.nodes.municipalities` (none yet), or ask for fewer items."; !strings.HasSuffix(e[0].Message, want) {
		t.Errorf("got %q, want what to narrow: %s", e[0].Message, want)
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := post(t, base, query, nil); r.body != `{"data":{"states":{"totalCount":0,"nodes":[]},"topics":{"totalCount":0}}}` {
		t.Errorf("afterwards: got %s", r.body)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	for sent, kept := range map[string]bool{
		"0b5f1c1e-9a3c-4f8e-8d5e-2f6b7a1c9d0e": true, "Root=1-67891233": false, "abc.DEF_1": true,
		"": false, "a b": false, "a\tb": false, "ü": false, strings.Repeat("a", 65): false, `"><script>`: false,
	} {
		r := get(t, base, map[string]string{"query": "{ __typename }"}, "X-Request-Id", sent)
		got := r.Header.Get("X-Request-Id")
		if kept != (got == sent) || got == "" || len(got) > 64 {
			t.Errorf("%q: got %q", sent, got)
		}
	}
	first, second := do(t, http.MethodGet, base+"/nothing", ""), do(t, http.MethodGet, base+"/nothing", "")
	if first.Header.Get("X-Request-Id") == second.Header.Get("X-Request-Id") {
		t.Error("two requests have one id")
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	var j journal
	cfg := config(t)
	cfg.Log = j.logger()
	base := start(t, cfg)
	post(t, base, `query Geheim($key: String!) { municipality(key: $key) { name } }`, map[string]any{"key": "09461000"}, "X-Request-Id", "id-1")
	do(t, http.MethodGet, base+"/nothing?secret=hunter2", "")
	do(t, http.MethodGet, base+"/livez", "")
	post(t, base, `query `+strings.Repeat("n", 5000)+` { __typename }`, nil)
	log := j.String()
	for _, want := range []string{"method=POST path=/graphql status=200 bytes=83 ", "operation=Geheim request_id=id-1", "path=/nothing status=404"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	for _, never := range []string{"hunter2", "09461000", "municipality", "127.0.0.1", "/livez", strings.Repeat("n", 200)} {
		if strings.Contains(log, never) {
			t.Errorf("the log has %q:\n%s", never, log)
		}
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	var j journal
	base := start(t, server.Config{Log: j.logger(), Executor: stub(func(context.Context) *graphql.Response {
		panic("kanarienvogel")
	})})
	for _, accept := range []string{plainJSON, graphqlResponse} {
		r := post(t, base, "{ x }", nil, "Accept", accept, "X-Request-Id", "id-7")
		harmless(t, r, "kanarienvogel")
		if e := r.errors(t)[0]; r.StatusCode != http.StatusInternalServerError || e.Extensions["code"] != "INTERNAL" || e.Extensions["requestId"] != "id-7" || !strings.HasPrefix(r.Header.Get("Content-Type"), accept) {
			t.Errorf("got %s %q %s", r.Status, r.Header.Get("Content-Type"), r.body)
		}
	}
	if log := j.String(); !strings.Contains(log, "kanarienvogel") || !strings.Contains(log, "request_id=id-7") || !strings.Contains(log, "status=500") {
		t.Errorf("the log is\n%s", log)
	}
}

// What goes wrong on our side is shown as INTERNAL with the request's id.
func TestInternal(t *testing.T) {
	t.Parallel()
	for code, status := range map[fault.Code]int{fault.Internal: 500, fault.Busy: 503, fault.Timeout: 503, fault.Invalid: 400} {
		failing := failingExecutor{gqlerror.List{{Message: "no", Extensions: map[string]any{"code": string(code)}}}}
		base := start(t, server.Config{Log: slog.New(slog.DiscardHandler), Executor: failing})
		if r := post(t, base, "{ x }", nil, "Accept", graphqlResponse); r.StatusCode != status {
			t.Errorf("%s: got %s, want %d", code, r.Status, status)
		}
	}
}

type failingExecutor struct{ errs gqlerror.List }

func (f failingExecutor) CreateOperationContext(context.Context, *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	return &graphql.OperationContext{}, f.errs
}

func (failingExecutor) DispatchOperation(context.Context, *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	panic("an operation that may not run")
}

func (failingExecutor) Resolve(context.Context, *graphql.RawParams, string) (bool, *gqlerror.Error) {
	return false, nil
}

func (failingExecutor) Hold(string, bool) error { return nil }

func (failingExecutor) DispatchError(_ context.Context, errs gqlerror.List) *graphql.Response {
	return &graphql.Response{Errors: errs}
}

// Errors of fields come with data, and before it.
func TestPartialAnswer(t *testing.T) {
	t.Parallel()
	response := &graphql.Response{
		Data:       json.RawMessage(`{"a":null,"b":"<&>"}`),
		Errors:     gqlerror.List{{Message: "a <b> & c", Path: ast.Path{ast.PathName("a")}}},
		Extensions: map[string]any{"cost": 7},
	}
	base := start(t, server.Config{Log: slog.New(slog.DiscardHandler), Executor: stub(func(context.Context) *graphql.Response { return response })})
	want := `{"errors":[{"message":"a <b> & c","path":["a"]}],"data":{"a":null,"b":"<&>"},"extensions":{"cost":7}}`
	if r := post(t, base, "{ x }", nil, "Accept", graphqlResponse); r.StatusCode != http.StatusOK || r.body != want {
		t.Errorf("got %s %s\nwant %s", r.Status, r.body, want)
	}
}

// run starts Run on a port of its own.
func run(t *testing.T, c server.Config) (base string, stop func() error) {
	t.Helper()
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, listener) }()
	t.Cleanup(cancel)
	return "http://" + listener.Addr().String(), func() error { cancel(); return <-done }
}

// What is being answered when the server is told to stop is still answered.
func TestShutdown(t *testing.T) {
	t.Parallel()
	running, finish := make(chan struct{}), make(chan struct{})
	cfg := config(t)
	cfg.Linger = 500 * time.Millisecond
	cfg.Executor = stub(func(context.Context) *graphql.Response {
		close(running)
		<-finish
		return &graphql.Response{Data: json.RawMessage(`{"done":true}`)}
	})
	base, stop := run(t, cfg)

	answered := make(chan reply, 1)
	go func() { answered <- post(t, base, "{ x }", nil) }()
	<-running
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	// It lingers, says that it is not ready, and answers all the same.
	ready := do(t, http.MethodGet, base+"/readyz", "")
	for ready.StatusCode == http.StatusOK {
		ready = do(t, http.MethodGet, base+"/readyz", "")
	}
	if !strings.Contains(ready.body, "shutting down") {
		t.Errorf("readiness: got %s %s", ready.Status, ready.body)
	}
	if r := do(t, http.MethodGet, base+"/livez", ""); r.StatusCode != http.StatusOK {
		t.Errorf("livez: got %s", r.Status)
	}
	for { // until no more connections are taken
		c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			break
		}
		c.Close()
		time.Sleep(10 * time.Millisecond)
	}
	select {
	case err := <-stopped:
		t.Fatalf("it stopped before the request was answered: %v", err)
	default:
	}
	close(finish)
	if r := <-answered; r.StatusCode != http.StatusOK || r.body != `{"data":{"done":true}}` {
		t.Errorf("got %s %s", r.Status, r.body)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// Clients that send slowly, or too much, are cut off.
func TestSlowHeader(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the time that a header may take")
	}
	t.Parallel()
	base, stop := run(t, config(t))
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	start := time.Now()
	if _, err := fmt.Fprint(conn, "POST /graphql HTTP/1.1\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(start.Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(conn)
	if took := time.Since(start); err != nil || took < 4*time.Second {
		t.Errorf("cut off after %s, %v", took, err)
	}
	if r, err := http.Get(base + "/graphql?query=" + strings.Repeat("a", 64<<10)); err != nil || r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long address: got %v, %v", r, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestServeFails(t *testing.T) {
	t.Parallel()
	s, err := server.New(server.Config{Log: slog.New(slog.DiscardHandler), Migrations: migrations.FS})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := s.Run(t.Context(), listener); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
