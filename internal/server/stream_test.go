package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/job"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/server"
	"stadtgraph/internal/stream"
)

// patience is how long a test waits for what has to come. Changes wait for the oldest
// transaction of the cluster, which other tests use, too.
const patience = 2 * time.Minute

// following is a server on a database of its own, with subscriptions.
func following(t testing.TB) (server.Config, *pgxpool.Pool, *plan.Planner) {
	t.Helper()
	pool := pgtest.DB(t)
	c := guarded(t, pool)
	planner := plannerOver(t, pool)
	c.Executor = graph.NewExecutor(planner).Follows(running(t, pool), planner)
	return c, pool, planner
}

func plannerOver(t testing.TB, pool *pgxpool.Pool) *plan.Planner {
	t.Helper()
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return plan.New(read, pool, true)
}

func running(t testing.TB, pool *pgxpool.Pool) *stream.Hub {
	t.Helper()
	hub := stream.New(pool)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { hub.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return hub
}

// articleKey is the key of an article of a test.
func articleKey(n int) string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", n) }

// publish makes an article that the public can see.
func publish(t testing.TB, pool *pgxpool.Pool, n int) {
	t.Helper()
	exec(t, pool, `INSERT INTO article (id, slug, kind, title, publication_status, published_at) VALUES ($1, $2, 'NEWS', $2, 'PUBLISHED', now())`, articleKey(n), fmt.Sprintf("a%d", n))
}

const articles = `subscription ($after: String, $filter: ArticleFilter) { articlePublished(after: $after, filter: $filter) { cursor at article { title } } }`

// socket is a client of a WebSocket, which reads all the time: it would miss pings.
type socket struct {
	t        testing.TB
	conn     *websocket.Conn
	messages chan []byte
	end      error // why there are no more
}

func newSocket(t testing.TB, conn *websocket.Conn) *socket {
	s := &socket{t: t, conn: conn, messages: make(chan []byte, 10_000)}
	conn.SetReadLimit(16 << 20)
	go func() {
		defer close(s.messages)
		for {
			_, raw, err := conn.Read(context.WithoutCancel(t.Context()))
			if err != nil {
				s.end = err
				return
			}
			s.messages <- raw
		}
	}()
	t.Cleanup(func() { _ = conn.CloseNow() })
	return s
}

type wire struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

func dial(t testing.TB, base string, headers ...string) *socket {
	t.Helper()
	header := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		header.Add(headers[i], headers[i+1])
	}
	conn, response, err := websocket.Dial(t.Context(), base+"/graphql", &websocket.DialOptions{HTTPHeader: header, Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		defer response.Body.Close()
	}
	return newSocket(t, conn)
}

// greet is dial with the first messages.
func greet(t testing.TB, base string, headers ...string) *socket {
	t.Helper()
	s := dial(t, base, headers...)
	s.send(`{"type":"connection_init"}`)
	if m := s.read(); m.Type != "connection_ack" {
		t.Fatalf("got %+v, want connection_ack", m)
	}
	return s
}

func (s *socket) send(m string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *socket) read() (m wire) {
	s.t.Helper()
	select {
	case raw, ok := <-s.messages:
		if !ok {
			s.t.Fatal(s.end)
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			s.t.Fatalf("%s: %v", raw, err)
		}
	case <-time.After(patience):
		s.t.Fatal("no message came")
	}
	return m
}

// closed reads until the server closes the connection, and says how.
func (s *socket) closed() (ce websocket.CloseError) {
	s.t.Helper()
	for end := time.After(patience); ; {
		select {
		case _, ok := <-s.messages:
			if ok {
				continue
			}
			if !errors.As(s.end, &ce) {
				s.t.Fatalf("closed without a word: %v", s.end)
			}
			return ce
		case <-end:
			s.t.Fatal("it was not closed")
		}
	}
}

func (s *socket) subscribe(id, query string, variables map[string]any) {
	s.t.Helper()
	payload, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := json.Marshal(wire{Type: "subscribe", ID: id, Payload: payload})
	if err != nil {
		s.t.Fatal(err)
	}
	s.send(string(m))
	time.Sleep(20 * time.Millisecond) // there is no word that it has begun
}

type published struct {
	Data struct {
		ArticlePublished struct {
			Cursor  string
			Article struct{ Title string }
		}
	}
	Errors []answerError
}

// event reads the next event of a subscription.
func (s *socket) event() (title, cursor string) {
	s.t.Helper()
	m := s.read()
	var p published
	if err := json.Unmarshal(m.Payload, &p); m.Type != "next" || err != nil || len(p.Errors) > 0 {
		s.t.Fatalf("got %s %s", m.Type, m.Payload)
	}
	return p.Data.ArticlePublished.Article.Title, p.Data.ArticlePublished.Cursor
}

// events is a client of a stream of events.
type events struct {
	t      testing.TB
	lines  chan string
	status int
	header http.Header
	cancel context.CancelFunc
}

type sse struct{ event, id, data string }

func listen(t testing.TB, base, query string, variables map[string]any, headers ...string) *events {
	t.Helper()
	encoded, err := json.Marshal(variables)
	if err != nil {
		t.Fatal(err)
	}
	return request(t, http.MethodGet, base+"/graphql?"+url.Values{"query": {query}, "variables": {string(encoded)}}.Encode(), "", headers...)
}

func request(t testing.TB, method, address, body string, headers ...string) *events {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	e := &events{t: t, lines: make(chan string, 100_000), status: response.StatusCode, header: response.Header, cancel: cancel}
	go func() {
		defer response.Body.Close()
		defer close(e.lines)
		for scan := bufio.NewScanner(response.Body); scan.Scan(); {
			e.lines <- scan.Text()
		}
	}()
	t.Cleanup(cancel)
	return e
}

// next reads the next event; ids alone and comments are none, nor is the end.
func (e *events) next() (got sse, ok bool) {
	e.t.Helper()
	for {
		select {
		case line, open := <-e.lines:
			name, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch {
			case !open:
				return got, false
			case line == "" && got.event != "":
				return got, true
			case line == "":
			case name == "event":
				got.event = value
			case name == "id":
				got.id = value
			case name == "data":
				got.data = value
			}
		case <-time.After(patience):
			e.t.Fatal("no event came")
		}
	}
}

// begun waits until a subscription has begun.
func (e *events) begun() *events {
	e.t.Helper()
	for line := range e.lines {
		if strings.HasPrefix(line, ": subscribed") {
			return e
		}
	}
	e.t.Fatal("the stream ended before it began")
	return nil
}

func (e *events) title() (title, id string) {
	e.t.Helper()
	got, ok := e.next()
	var p published
	if err := json.Unmarshal([]byte(got.data), &p); !ok || got.event != "next" || err != nil || len(p.Errors) > 0 {
		e.t.Fatalf("got %+v, %v", got, err)
	}
	if p.Data.ArticlePublished.Cursor != got.id {
		e.t.Errorf("the id is %q, the cursor %q", got.id, p.Data.ArticlePublished.Cursor)
	}
	return p.Data.ArticlePublished.Article.Title, got.id
}

// TestSocketCloses: what ends a WebSocket, and how.
func TestSocketCloses(t *testing.T) {
	t.Parallel()
	c, _, _ := following(t)
	c.Streams.InitTimeout = 300 * time.Millisecond
	base := start(t, c)
	long := strings.Repeat("é", 100)
	for name, f := range map[string]struct {
		messages []string
		code     websocket.StatusCode
		reason   string
	}{
		"nothing":                 {nil, 4408, "Connection initialisation timeout"},
		"a ping, then nothing":    {[]string{`{"type":"ping"}`}, 4408, "Connection initialisation timeout"},
		"no JSON":                 {[]string{`{"type":`}, 4400, "JSON"},
		"empty":                   {[]string{``}, 4400, "JSON"},
		"a list":                  {[]string{`[]`}, 4400, "JSON"},
		"no type":                 {[]string{`{}`}, 4400, "type"},
		"a number as type":        {[]string{`{"type":1}`}, 4400, "type"},
		"an unknown type":         {[]string{`{"type":"start"}`}, 4400, "connection_init"},
		"what servers send":       {[]string{`{"type":"connection_init"}`, `{"type":"next","id":"1","payload":{}}`}, 4400, "connection_init"},
		"a list as payload":       {[]string{`{"type":"connection_init","payload":[]}`}, 4400, "payload"},
		"subscribing at once":     {[]string{`{"type":"subscribe","id":"1","payload":{"query":"{ __typename }"}}`}, 4401, "Unauthorized"},
		"two initialisations":     {[]string{`{"type":"connection_init"}`, `{"type":"connection_init"}`}, 4429, "Too many initialisation requests"},
		"an unknown token":        {[]string{`{"type":"connection_init","payload":{"authorization":"Bearer sgt_nobody"}}`}, 4403, "token"},
		"no bearer":               {[]string{`{"type":"connection_init","payload":{"Authorization":"Basic abc"}}`}, 4403, "Bearer"},
		"a number for a token":    {[]string{`{"type":"connection_init","payload":{"authorization":7}}`}, 4403, "string"},
		"no id":                   {[]string{`{"type":"connection_init"}`, `{"type":"subscribe","payload":{"query":"{ __typename }"}}`}, 4400, "id"},
		"no payload":              {[]string{`{"type":"connection_init"}`, `{"type":"subscribe","id":"1"}`}, 4400, "payload"},
		"no query":                {[]string{`{"type":"connection_init"}`, `{"type":"subscribe","id":"1","payload":{}}`}, 4400, "query"},
		"variables are text":      {[]string{`{"type":"connection_init"}`, `{"type":"subscribe","id":"1","payload":{"query":"{ __typename }","variables":"x"}}`}, 4400, "variables"},
		"completing nothing":      {[]string{`{"type":"connection_init"}`, `{"type":"complete"}`}, 4400, "id"},
		"one id for two":          {[]string{`{"type":"connection_init"}`, sub("1"), sub("1")}, 4409, "Subscriber for 1 already exists"},
		"a long id for two":       {[]string{`{"type":"connection_init"}`, sub(long), sub(long)}, 4409, "Subscriber for é"},
		"more than may be read":   {[]string{`{"type":"connection_init"}`, `{"type":"ping","payload":{"x":"` + strings.Repeat("x", 64<<10) + `"}}`}, 1009, ""},
		"as much as may be read ": {[]string{`{"type":"ping","payload":{"x":"` + strings.Repeat("x", 60<<10) + `"}}`}, 4408, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := dial(t, base)
			for _, m := range f.messages {
				s.send(m)
			}
			if got := s.closed(); got.Code != f.code || !strings.Contains(got.Reason, f.reason) || ours.MatchString(got.Reason) {
				t.Errorf("got %d %q, want %d with %q", got.Code, got.Reason, f.code, f.reason)
			}
		})
	}
	t.Run("binary", func(t *testing.T) {
		t.Parallel()
		s := dial(t, base)
		if err := s.conn.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"connection_init"}`)); err != nil {
			t.Fatal(err)
		}
		if got := s.closed(); got.Code != 4400 {
			t.Errorf("got %d %q", got.Code, got.Reason)
		}
	})
	for _, protocols := range [][]string{nil, {"graphql-ws"}} { // the older one has other messages
		conn, response, err := websocket.Dial(t.Context(), base+"/graphql", &websocket.DialOptions{Subprotocols: protocols})
		if err != nil {
			t.Fatal(err)
		}
		if response.Body != nil {
			response.Body.Close()
		}
		if got := newSocket(t, conn).closed(); got.Code != 4406 || got.Reason != "Subprotocol not acceptable" {
			t.Errorf("%q: got %d %q", protocols, got.Code, got.Reason)
		}
	}
}

func sub(id string) string {
	return `{"type":"subscribe","id":"` + id + `","payload":{"query":"subscription { articlePublished { cursor } }"}}`
}

// TestSocketOperations: operations of all kinds run over one WebSocket, and what is
// wrong with one leaves the others alone.
func TestSocketOperations(t *testing.T) {
	t.Parallel()
	c, pool, _ := following(t)
	c.Streams.Operations = 3
	base := start(t, c)
	s := greet(t, base)
	s.send(`{"type":"ping","payload":{"a":1}}`)
	if m := s.read(); m.Type != "pong" || string(m.Payload) != `{"a":1}` {
		t.Errorf("got %+v", m)
	}
	s.send(`{"type":"pong"}`)
	for id, f := range map[string]struct{ query, kind, payload string }{
		"query":      {`{ articles { totalCount } }`, "next", `{"data":{"articles":{"totalCount":0}}}`},
		"schema":     {`{ __typename }`, "next", `{"data":{"__typename":"Query"}}`},
		"invalid":    {`{ kanarienvogel }`, "error", `GRAPHQL_VALIDATION_FAILED`},
		"no GraphQL": {`{`, "error", `GRAPHQL_PARSE_FAILED`},
		"forbidden":  {`mutation { publishArticle(input: {id: "article_01h455vb4pex5vsknk084sn02q", version: 1}) { userErrors { code } } }`, "error", `UNAUTHENTICATED`},
		"two fields": {`subscription { articlePublished { cursor } strategyChanged { cursor } }`, "error", `GRAPHQL_VALIDATION_FAILED`},
		"no field":   {`subscription ($no: Boolean = false) { articlePublished @include(if: $no) { cursor } }`, "error", `exactly one field`},
		"typename":   {`subscription { __typename }`, "error", `GRAPHQL_VALIDATION_FAILED`},
		"bad cursor": {`subscription { articlePublished(after: "nonsense") { cursor } }`, "error", `This is no cursor of changes`},
		"bad filter": {`subscription ($f: ArticleFilter = {kind: {eq: "SONG"}}) { articlePublished(filter: $f) { cursor } }`, "error", `GRAPHQL_VALIDATION_FAILED`},
		"bad id":     {`subscription { articlePublished(filter: {id: {eq: "x"}}) { cursor } }`, "error", "Argument `filter.id.eq` of `articlePublished`"},
		"words":      {`subscription { articlePublished(filter: {not: {q: "x"}}) { cursor } }`, "error", "filter.q"},
		"too deep":   {`subscription { articlePublished { article { municipalities { nodes { state { municipalities { nodes { state { municipalities { nodes { state { name } } } } } } } } } } } }`, "error", `TOO_LARGE`},
		"too large":  {`subscription { articlePublished { article { comments(first: 100) { nodes { article { comments(first: 100) { nodes { article { comments(first: 100) { nodes { id } } } } } } } } } } }`, "error", `TOO_LARGE`},
		"drafts":     {`subscription { articlePublished { article { revisions { nodes { version } } } } }`, "error", `UNAUTHENTICATED`},
	} {
		s.subscribe(id, f.query, nil)
		m := s.read()
		if m.ID != id || m.Type != f.kind || !strings.Contains(string(m.Payload), f.payload) || ours.Match(m.Payload) {
			t.Errorf("%s: got %s %s %s, want %s with %s", id, m.ID, m.Type, m.Payload, f.kind, f.payload)
		}
		if m.Type == "error" && m.Payload[0] != '[' {
			t.Errorf("%s: the payload of an error is a list, not %s", id, m.Payload)
		}
		if f.kind == "next" {
			if m := s.read(); m.Type != "complete" || m.ID != id {
				t.Errorf("%s: got %+v, want complete", id, m)
			}
		}
	}
	// One that is completed is silent; its id is free.
	s.subscribe("a", articles, nil)
	s.send(`{"type":"complete","id":"a"}`)
	s.send(`{"type":"complete","id":"unknown"}`)
	s.subscribe("a", `subscription { again: articlePublished { it: article { title } __typename } }`, nil)
	publish(t, pool, 1)
	if m := s.read(); m.ID != "a" || string(m.Payload) != `{"data":{"again":{"it":{"title":"a1"},"__typename":"ArticlePublication"}}}` {
		t.Errorf("got %+v %s", m, m.Payload)
	}
	// No more than may be.
	s.subscribe("b", articles, nil)
	s.subscribe("c", articles, nil)
	s.subscribe("d", articles, nil)
	if m := s.read(); m.ID != "d" || m.Type != "error" || !strings.Contains(string(m.Payload), "TOO_LARGE") {
		t.Errorf("got %+v %s", m, m.Payload)
	}
	publish(t, pool, 2)
	ids := map[string]bool{}
	for range 3 {
		m := s.read()
		ids[m.ID] = m.Type == "next"
	}
	if !ids["a"] || !ids["b"] || !ids["c"] {
		t.Errorf("told %v", ids)
	}
}

// TestSocketRefused: what is no WebSocket of ours is answered like any other request.
func TestSocketRefused(t *testing.T) {
	t.Parallel()
	c, _, _ := following(t)
	c.Origins = []string{"https://www.example.org"}
	c.Streams.MaxPerClient = 1
	base := start(t, c)
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol", "graphql-transport-ws"}
	for name, f := range map[string]struct {
		headers []string
		status  int
		code    string
	}{
		"a foreign page":    {append(upgrade[:10:10], "Origin", "https://evil.example"), 403, "FORBIDDEN"},
		"no page":           {append(upgrade[:10:10], "Origin", "null"), 403, "FORBIDDEN"},
		"another version":   {append(upgrade[6:10:10], "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "8"), 426, "BAD_REQUEST"},
		"no key":            {append(upgrade[:6:6], "X", "y"), 400, "BAD_REQUEST"},
		"a short key":       {append(upgrade[:6:6], "Sec-WebSocket-Key", "abc"), 400, "BAD_REQUEST"},
		"an unknown token":  {append(upgrade[:10:10], "Authorization", "Bearer sgt_x"), 401, "UNAUTHENTICATED"},
		"another authority": {append(upgrade[:10:10], "Authorization", "Basic x"), 401, "UNAUTHENTICATED"},
	} {
		r := do(t, http.MethodGet, base+"/graphql", "", f.headers...)
		if r.StatusCode != f.status || r.errors(t)[0].Extensions["code"] != f.code || ours.MatchString(r.body) {
			t.Errorf("%s: got %s %s, want %d %s", name, r.Status, r.body, f.status, f.code)
		}
	}
	for _, origin := range []string{"https://www.example.org", base} {
		s := greet(t, base, "Origin", origin)
		r := do(t, http.MethodGet, base+"/graphql", "", upgrade...)
		if r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") == "" {
			t.Errorf("a second one: got %s %s", r.Status, r.body)
		}
		if r := listen(t, base, articles, nil); r.status != http.StatusTooManyRequests {
			t.Errorf("a stream of events: got %d", r.status)
		}
		_ = s.conn.Close(websocket.StatusNormalClosure, "")
		for range 500 { // until the server has noticed
			if r := post(t, base, `{ __typename }`, nil, "Accept", "text/event-stream"); r.StatusCode == http.StatusOK {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// TestEventStream: server-sent events, by GET and POST.
func TestEventStream(t *testing.T) {
	t.Parallel()
	c, pool, _ := following(t)
	c.Streams.Heartbeat = 50 * time.Millisecond
	base := start(t, c)
	e := listen(t, base, articles, nil)
	if got := e.header.Get("Content-Type") + e.header.Get("Cache-Control") + e.header.Get("X-Accel-Buffering"); e.status != 200 || got != "text/event-stream; charset=utf-8no-storeno" {
		t.Errorf("got %d %q", e.status, got)
	}
	e.begun()
	publish(t, pool, 1)
	first, cursor := e.title()
	publish(t, pool, 2)
	if second, _ := e.title(); first != "a1" || second != "a2" {
		t.Errorf("got %q, %q", first, second)
	}
	e.cancel()
	// Again, from where it was; the header wins over the argument.
	again := listen(t, base, articles, map[string]any{"after": "nonsense"}, "Last-Event-ID", cursor)
	title, cursor := again.title()
	if title != "a2" {
		t.Errorf("again: got %q", title)
	}
	// A quiet stream says how far it is, even where nothing was for it.
	exec(t, pool, `UPDATE article SET title = title || '!'`)
	for line := range again.lines {
		if now, ok := strings.CutPrefix(line, "id: "); ok && now != cursor {
			break
		}
	}

	for name, f := range map[string]struct {
		query string
		want  []sse
	}{
		"a query":   {`{ articles { totalCount } }`, []sse{{event: "next", data: `{"data":{"articles":{"totalCount":2}}}`}, {event: "complete"}}},
		"invalid":   {`{ kanarienvogel }`, []sse{{event: "next", data: `{"errors":[{"message":"Cannot query field \"kanarienvogel\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`}, {event: "complete"}}},
		"no cursor": {`subscription { articlePublished(after: "x") { cursor } }`, []sse{{event: "next", data: `{"errors":[{"message":"This is no cursor of changes: leave it out, or give one that came with them.","path":["articlePublished"],"locations":[{"line":1,"column":16}],"extensions":{"code":"BAD_USER_INPUT"}}]}`}, {event: "complete"}}},
	} {
		body, _ := json.Marshal(map[string]any{"query": f.query})
		for _, e := range []*events{listen(t, base, f.query, nil), request(t, http.MethodPost, base+"/graphql", string(body), "Content-Type", "application/json")} {
			for _, want := range f.want {
				if got, ok := e.next(); !ok || got != want {
					t.Errorf("%s: got %+v, want %+v", name, got, want)
				}
			}
			if got, ok := e.next(); ok {
				t.Errorf("%s: got %+v behind the end", name, got)
			}
		}
	}
	for name, f := range map[string]struct {
		r      reply
		status int
	}{
		"a mutation by GET":           {get(t, base, map[string]string{"query": "mutation { x }"}, "Accept", "text/event-stream"), 405},
		"no JSON":                     {do(t, http.MethodPost, base+"/graphql", "{", "Accept", "text/event-stream", "Content-Type", "application/json"), 400},
		"a subscription for one JSON": {post(t, base, articles, nil), 406},
		"an unknown token":            {post(t, base, articles, nil, "Accept", "text/event-stream", "Authorization", "Bearer sgt_x"), 401},
	} {
		if f.r.StatusCode != f.status || len(f.r.errors(t)) == 0 {
			t.Errorf("%s: got %s %s, want %d", name, f.r.Status, f.r.body, f.status)
		}
	}
	// What has one answer is answered with JSON where that is as welcome.
	if r := post(t, base, `{ __typename }`, nil, "Accept", "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"); r.Header.Get("Content-Type") != graphqlResponse+"; charset=utf-8" {
		t.Errorf("got %s", r.Header.Get("Content-Type"))
	}
	if e := listen(t, base, articles, nil, "Accept", "application/json, text/event-stream"); e.header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Errorf("got %s", e.header.Get("Content-Type"))
	}
	if r := do(t, http.MethodHead, base+"/graphql?query="+url.QueryEscape(articles), "", "Accept", "text/event-stream"); r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Errorf("HEAD: got %s", r.Status)
	}
}

// TestWhatIsTold: which changes make which events, for whom.
func TestWhatIsTold(t *testing.T) {
	t.Parallel()
	c, pool, _ := following(t)
	base := start(t, c)
	secret, _ := newToken(t, pool, "reader", auth.Reader)
	s := greet(t, base)
	reader := greet(t, base, "Authorization", "Bearer "+secret)
	const strategies = `subscription ($f: StrategyFilter) { e: strategyChanged(filter: $f) { kind strategyId strategy { title } } }`
	const calls = `subscription { e: fundingCallOpening { call { label status } } }`
	const published = `subscription ($f: ArticleFilter) { e: articlePublished(filter: $f) { article { title publicationStatus } } }`
	s.subscribe("article", published, nil)
	s.subscribe("news", published, map[string]any{"f": map[string]any{"kind": map[string]any{"eq": "NEWS"}, "or": []any{map[string]any{"sponsored": map[string]any{"eq": true}}, map[string]any{"sponsored": map[string]any{"eq": false}}}}})
	s.subscribe("strategy", strategies, nil)
	s.subscribe("roadmap", strategies, map[string]any{"f": map[string]any{"kind": map[string]any{"eq": "ROADMAP"}}})
	s.subscribe("call", calls, nil)
	reader.subscribe("article", published, nil)

	due := func() {
		if err := job.Due(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	for i, step := range []struct {
		do   string
		want map[string]string // payloads, by id of the operation
	}{
		{`INSERT INTO article (id, slug, kind, title, publication_status) VALUES ('` + articleKey(1) + `', 'a', 'NEWS', 'A', 'DRAFT')`, nil},
		{`UPDATE article SET publication_status = 'PUBLISHED', published_at = now() WHERE slug = 'a'`, map[string]string{"article": `{"article":{"title":"A","publicationStatus":"PUBLISHED"}}`, "news": `{"article":{"title":"A","publicationStatus":"PUBLISHED"}}`}},
		{`UPDATE article SET title = 'B' WHERE slug = 'a'`, nil},
		{`UPDATE article SET publication_status = 'DRAFT' WHERE slug = 'a'`, nil},
		{`UPDATE article SET publication_status = 'SCHEDULED', published_at = now() + interval '1 second', kind = 'INTERVIEW' WHERE slug = 'a'`, nil},
		{"due", map[string]string{"article": `{"article":{"title":"B","publicationStatus":"PUBLISHED"}}`}},
		{`UPDATE article SET publication_status = 'SCHEDULED', published_at = now() + interval '1 second' WHERE slug = 'a'`, nil},
		{"later", nil},
		{`UPDATE article SET title = 'C' WHERE slug = 'a'`, map[string]string{"article": `{"article":{"title":"C","publicationStatus":"PUBLISHED"}}`}}, // before the due list came to it
		{"due", nil},
		{`UPDATE article SET title = 'D' WHERE slug = 'a'`, nil},
		{`UPDATE article SET deleted_at = now() WHERE slug = 'a'`, nil},
		{`UPDATE article SET deleted_at = NULL, sponsored = true, sponsor_label = 'X', kind = 'NEWS' WHERE slug = 'a'`, map[string]string{"news": `{"article":{"title":"D","publicationStatus":"PUBLISHED"}}`}},
		{`INSERT INTO strategy (id, slug, title, kind, status, lineage_id) VALUES ('` + articleKey(2) + `', 's', 'S', 'ROADMAP', 'ADOPTED', '` + articleKey(2) + `')`, nil},
		{`UPDATE strategy SET publication_status = 'PUBLISHED', published_at = now()`, map[string]string{"strategy": `{"kind":"PUBLISHED","strategyId":ID,"strategy":{"title":"S"}}`, "roadmap": `{"kind":"PUBLISHED","strategyId":ID,"strategy":{"title":"S"}}`}},
		{`UPDATE strategy SET title = 'T', kind = 'OTHER'`, map[string]string{"strategy": `{"kind":"CHANGED","strategyId":ID,"strategy":{"title":"T"}}`}},
		{`UPDATE strategy SET publication_status = 'ARCHIVED'`, map[string]string{"strategy": `{"kind":"CHANGED","strategyId":ID,"strategy":{"title":"T"}}`}},
		{`UPDATE strategy SET deleted_at = now()`, map[string]string{"strategy": `{"kind":"REMOVED","strategyId":ID,"strategy":null}`, "roadmap": `{"kind":"REMOVED","strategyId":ID,"strategy":null}`}},
		{`INSERT INTO funding_program (id, slug, title, level) VALUES ('` + articleKey(3) + `', 'p', 'P', 'STATE');
		  INSERT INTO funding_call (id, program_id, label, opens_on, closes_on) VALUES ('` + articleKey(4) + `', '` + articleKey(3) + `', 'first', current_date - 30, current_date + 90), ('` + articleKey(5) + `', '` + articleKey(3) + `', 'later', current_date + 30, current_date + 90)`, nil},
		{`UPDATE funding_program SET publication_status = 'PUBLISHED'`, map[string]string{"call": `{"call":{"label":"first","status":"OPEN"}}`}},
		{`UPDATE funding_call SET label = 'second' WHERE label = 'first'`, nil},
		{`UPDATE funding_call SET opens_on = (now() AT TIME ZONE 'Europe/Berlin')::date WHERE label = 'later'`, nil},
		{"due", map[string]string{"call": `{"call":{"label":"later","status":"OPEN"}}`}},
		{`INSERT INTO funding_call (id, program_id, label, opens_on, closes_on) VALUES ('` + articleKey(6) + `', '` + articleKey(3) + `', 'today', (now() AT TIME ZONE 'Europe/Berlin')::date, current_date + 90)`, map[string]string{"call": `{"call":{"label":"today","status":"OPEN"}}`}},
		{"due", nil},
	} {
		switch step.do {
		case "later":
			time.Sleep(1200 * time.Millisecond)
		case "due":
			time.Sleep(1200 * time.Millisecond)
			due()
		default:
			exec(t, pool, step.do)
		}
		// What all are told comes last, so that what should not have come is seen.
		marker := fmt.Sprintf("marker-%d", i)
		exec(t, pool, `INSERT INTO article (id, slug, kind, title, publication_status, published_at) VALUES ($1, $2, 'NEWS', $2, 'PUBLISHED', now())`, articleKey(100+i), marker)
		got := map[string]string{}
		for marked := 0; marked < 2; {
			m := s.read()
			var p struct{ Data struct{ E json.RawMessage } }
			if err := json.Unmarshal(m.Payload, &p); err != nil || m.Type != "next" {
				t.Fatalf("got %s %s %s", m.Type, m.ID, m.Payload)
			}
			if strings.Contains(string(p.Data.E), marker) {
				marked++
				continue
			}
			got[m.ID] += string(p.Data.E)
		}
		time.Sleep(50 * time.Millisecond) // the others are not ordered with the markers
		s.send(`{"type":"ping","payload":{}}`)
		for {
			m := s.read()
			if m.Type == "pong" {
				break
			}
			var p struct{ Data struct{ E json.RawMessage } }
			_ = json.Unmarshal(m.Payload, &p)
			got[m.ID] += string(p.Data.E)
		}
		want := map[string]string{}
		maps.Copy(want, step.want)
		if id := strings.Join(between(got["strategy"]), ""); id != "" {
			for name := range want {
				want[name] = strings.ReplaceAll(want[name], "ID", id)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("step %d: %s\ngot  %v\nwant %v", i, step.do, got, want)
		}
	}
	// Who holds a token is told of the same.
	m := reader.read()
	if string(m.Payload) != `{"data":{"e":{"article":{"title":"A","publicationStatus":"PUBLISHED"}}}}` {
		// the first marker, or the article, by which came first
		if !strings.Contains(string(m.Payload), "marker-0") {
			t.Errorf("the reader got %s", m.Payload)
		}
	}
}

// between is the id in an event of a strategy.
func between(event string) []string {
	_, rest, ok := strings.Cut(event, `"strategyId":`)
	if !ok {
		return nil
	}
	id, _, _ := strings.Cut(rest, ",")
	return []string{id}
}
