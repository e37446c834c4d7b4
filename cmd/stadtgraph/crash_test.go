package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pglocal"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/postgres"
	"stadtgraph/migrations"
)

// newToken makes a token in a database.
func newToken(t *testing.T, url string) string {
	t.Helper()
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := auth.CreateToken(t.Context(), tx, auth.Params{Name: "crash", Role: auth.Publisher})
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return secret
}

// startServe runs serve at an address and waits until it is ready.
func startServe(t *testing.T, url, address string, env ...string) *process {
	t.Helper()
	p := &process{base: "http://" + address, cmd: program(t, append([]string{"DATABASE_URL=" + url, "STADTGRAPH_LISTEN=" + address}, env...), "serve")}
	p.start(t)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r, err := http.Get(p.base + "/readyz")
		if err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("it does not serve: %v\n%s", err, &p.stderr)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// rush are writers that each make articles and publish them, and send again whatever
// was not acknowledged, with the same Idempotency-Key, as a careful client does.
type rush struct {
	base, token  string
	client       *http.Client
	acknowledged atomic.Int64

	mu     sync.Mutex
	ids    map[int]string // that were acknowledged, by number
	again  int            // how often something was sent again
	broken []string       // answers that nobody should get
}

const (
	rushed  = 500 // articles: twice as many mutations
	writers = 16
)

func newRush(base, token string) *rush {
	return &rush{base: base, token: token, ids: map[int]string{},
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: writers}}}
}

// run returns when everything is acknowledged, or ctx ends.
func (r *rush) run(ctx context.Context) {
	var wait sync.WaitGroup
	var next atomic.Int64
	for range writers {
		wait.Go(func() {
			for n := int(next.Add(1)); n <= rushed && ctx.Err() == nil; n = int(next.Add(1)) {
				r.write(ctx, n)
			}
		})
	}
	wait.Wait()
}

const (
	createOne = `mutation($n: String!) { createArticle(input: {article: {kind: NEWS, title: $n, lead: "Ein Anfang.",
		links: [{url: "https://a.example"}, {url: "https://b.example"}], bylines: [{kind: AUTHOR, shorthand: "abc"}]}}) { article { id version } userErrors { code path message } } }`
	publishOne = `mutation($id: ID!, $version: Int!) { publishArticle(input: {id: $id, version: $version}) { article { id version } userErrors { code path message } } }`
)

func (r *rush) write(ctx context.Context, n int) {
	id, version, ok := r.send(ctx, fmt.Sprintf("create %d", n), createOne, map[string]any{"n": fmt.Sprintf("Meldung %d", n)})
	if !ok {
		return
	}
	r.mu.Lock()
	r.ids[n] = id
	r.mu.Unlock()
	r.send(ctx, fmt.Sprintf("publish %d", n), publishOne, map[string]any{"id": id, "version": version})
}

// send sends a mutation until it is acknowledged.
func (r *rush) send(ctx context.Context, key, query string, variables map[string]any) (id string, version int, ok bool) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		panic(err) // texts always have a form
	}
	for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		answer, err := r.post(ctx, key, body)
		var got struct {
			Data map[string]struct {
				Article *struct {
					ID      string
					Version int
				}
				UserErrors []json.RawMessage
			}
			Errors []struct{ Extensions struct{ Code string } }
		}
		switch {
		case err != nil: // nobody is there
		case json.Unmarshal(answer, &got) != nil:
			r.breaks(answer)
		case len(got.Errors) > 0:
			if code := got.Errors[0].Extensions.Code; code != "SERVICE_UNAVAILABLE" {
				r.breaks(answer)
				return "", 0, false
			}
		default:
			for _, payload := range got.Data {
				if payload.Article == nil {
					r.breaks(answer)
					return "", 0, false
				}
				r.acknowledged.Add(1)
				return payload.Article.ID, payload.Article.Version, true
			}
		}
		r.mu.Lock()
		r.again++
		r.mu.Unlock()
	}
	return "", 0, false
}

func (r *rush) breaks(answer []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = append(r.broken, string(answer))
}

func (r *rush) post(ctx context.Context, key string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+r.token)
	request.Header.Set("Idempotency-Key", key)
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

// after waits until so many mutations are acknowledged.
func (r *rush) after(t *testing.T, n int64) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); r.acknowledged.Load() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("only %d mutations are acknowledged; clients were told %.2000s", r.acknowledged.Load(), r.broken)
		}
	}
}

// check holds the database against what was acknowledged: all of it is there, once,
// whole, and with its history.
func (r *rush) check(t *testing.T, url string) {
	t.Helper()
	for _, answer := range r.broken {
		t.Errorf("a client was told %s", answer)
	}
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if got := r.acknowledged.Load(); got != 2*rushed || len(r.ids) != rushed {
		t.Errorf("%d mutations are acknowledged", got)
	}
	const whole = `SELECT string_agg(DISTINCT concat_ws(' ', a.publication_status, a.version,
  (SELECT count(*) FROM article_link l WHERE l.article_id = a.id), (SELECT count(*) FROM article_byline b WHERE b.article_id = a.id),
  (SELECT string_agg(concat_ws(' ', c.version, c.action, c.mutation, c.actor_name, c.visible_before, c.visible_after), ', ' ORDER BY c.version) FROM change c WHERE c.id = a.id)), '; ')
 FROM article a`
	for sql, want := range map[string]string{
		`SELECT count(*) || ' ' || count(DISTINCT title) || ' ' || count(DISTINCT slug) FROM article`: fmt.Sprintf("%d %[1]d %[1]d", rushed),
		whole: `PUBLISHED 2 2 1 1 CREATE createArticle crash f f, 2 UPDATE publishArticle crash f t`,
		`SELECT count(*) FROM change c WHERE NOT EXISTS (SELECT FROM article a WHERE a.id = c.id)`:               "0",
		`SELECT count(*) FROM article_link l WHERE NOT EXISTS (SELECT FROM article a WHERE a.id = l.article_id)`: "0",
	} {
		var got string
		if err := db.QueryRow(t.Context(), `SELECT (`+sql+`)::text`).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", sql, got, want)
		}
	}
	rows, _ := db.Query(t.Context(), `SELECT substring(title FROM '\d+')::int, id::text FROM article`)
	there := map[int]string{}
	var n int
	var id string
	if _, err := pgx.ForEachRow(rows, []any{&n, &id}, func() error { there[n] = id; return nil }); err != nil {
		t.Fatal(err)
	}
	for n, id := range r.ids {
		key, err := nodeid.Parse(id)
		if err != nil || there[n] != key.UUID.String() {
			t.Errorf("article %d was acknowledged as %s, and is %s", n, id, there[n])
		}
	}
}

// A server that is killed while it writes loses nothing that it has acknowledged, and
// leaves nothing half done; the next one goes on.
func TestServeKilled(t *testing.T) {
	t.Parallel()
	url, address := pgtest.URL(t), freeAddress(t)
	r := newRush("http://"+address, newToken(t, url))
	p := startServe(t, url, address)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	over := make(chan struct{})
	go func() { defer close(over); r.run(ctx) }()
	for _, n := range []int64{200, 600} {
		r.after(t, n)
		p.end(t, os.Kill)
		p = startServe(t, url, address)
	}
	<-over
	r.check(t, url)
	t.Logf("%d were sent again", r.again)
	if code := p.end(t, syscall.SIGTERM); code != exitOK {
		t.Errorf("SIGTERM: code %d", code)
	}
}

// Neither does a Postgres that is killed, and the server goes on by itself when there
// is one again.
func TestPostgresKilled(t *testing.T) {
	t.Parallel()
	config := pglocal.Config{DataDir: dataDir(t)}
	server, err := pglocal.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.Background()) })
	url := server.URL(pglocal.Database)
	if _, err := postgres.Migrate(t.Context(), url, migrations.FS); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	r := newRush("http://"+address, newToken(t, url))
	p := startServe(t, url, address)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	over := make(chan struct{})
	go func() { defer close(over); r.run(ctx) }()

	// One of its processes: the others end, too, and it recovers.
	r.after(t, 200)
	var backend int
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(t.Context(), `SELECT pid FROM pg_stat_activity WHERE application_name = 'stadtgraph writing' LIMIT 1`).Scan(&backend); err != nil {
		t.Fatal(err)
	}
	_ = db.Close(t.Context())
	kill(t, backend)

	// The whole of it.
	r.after(t, 600)
	text, err := os.ReadFile(filepath.Join(config.DataDir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	kill(t, postmaster)
	<-server.Done()
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for { // the old one's processes take a moment to see that it is gone
		again, err := pglocal.Start(t.Context(), config)
		if err == nil {
			server = again
			break
		}
		if time.Since(start) > 20*time.Second {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("Postgres answers again after %s", time.Since(start).Round(time.Millisecond))
	if again := server.URL(pglocal.Database); again != url {
		t.Fatalf("it is at %s now, not at %s", again, url)
	}
	<-over
	r.check(t, url)
	t.Logf("%d were sent again", r.again)
	if code := p.end(t, syscall.SIGTERM); code != exitOK {
		t.Errorf("SIGTERM: code %d", code)
	}
}

func kill(t *testing.T, pid int) {
	t.Helper()
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
}
