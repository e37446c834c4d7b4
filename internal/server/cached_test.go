package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/zstd"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/change"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/server"
	"stadtgraph/internal/write"
)

// instance is a server that keeps answers.
type instance struct {
	base    string
	planner *plan.Planner
	cache   *cache.Cache
}

// deaf is a log of changes that is not told of commits: it is asked when Sync is called,
// and otherwise as seldom as when listening fails.
type deaf struct{ change.Log }

func (deaf) Watch(ctx context.Context) <-chan struct{} {
	wake := make(chan struct{}, 1)
	wake <- struct{}{}
	go func() {
		defer close(wake)
		<-ctx.Done()
	}()
	return wake
}

// keeping starts a server that keeps answers, in front of a database of its own or of
// others, too.
func keeping(t testing.TB, pool *pgxpool.Pool, log cache.Log) instance {
	t.Helper()
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	writable, err := graph.Writable(read)
	if err != nil {
		t.Fatal(err)
	}
	i := instance{planner: plan.New(read, pool, true), cache: cache.New(16<<20, log, read.Prefix)}
	c := server.Config{
		Executor:     graph.NewExecutor(i.planner).Writes(write.NewWriter(writable, pool)),
		Authenticate: (&auth.Gate{DB: pool}).Authenticate,
		Database:     pool,
		Cache:        i.cache,
		MaxAge:       10 * time.Second,
		Log:          slog.New(slog.DiscardHandler),
	}
	ctx, cancel := context.WithCancel(context.Background())
	var following sync.WaitGroup
	following.Go(func() { i.cache.Follow(ctx) })
	t.Cleanup(func() {
		cancel()
		following.Wait()
	})
	i.base = start(t, c)
	i.cache.Sync(t.Context())
	return i
}

func state(r reply) string { return strings.TrimPrefix(r.Header.Get("Cache-Status"), "stadtgraph; ") }

const threeArticles = `
INSERT INTO article (id, slug, kind, title, publication_status) VALUES
  ('00000000-0000-7000-8000-000000000001', 'eins', 'NEWS', 'Eins', 'PUBLISHED'),
  ('00000000-0000-7000-8000-000000000002', 'zwei', 'NEWS', 'Zwei', 'PUBLISHED'),
  ('00000000-0000-7000-8000-000000000003', 'drei', 'NEWS', 'Drei', 'DRAFT')`

var oneID = nodeid.ID{Prefix: "article", UUID: nodeid.UUID{6: 0x70, 8: 0x80, 15: 1}}.String()

const (
	list = `{ articles(orderBy: [{field: TITLE}]) { totalCount nodes { title } } }`
	one  = `{ article(slug: "eins") { title } }`
)

// TestKept: the second answer is the first one, without a statement, until something in
// it changes; a change elsewhere leaves it.
func TestKept(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	exec(t, pool, threeArticles)
	i := keeping(t, pool, deaf{change.Log{Pool: pool}})
	again := func(query, want string, statements int64) {
		t.Helper()
		before := i.planner.Statements()
		r := post(t, i.base, query, nil)
		if r.body != want || i.planner.Statements()-before != statements {
			t.Errorf("%s\ngot  %s after %d statements\nwant %s after %d", query, r.body, i.planner.Statements()-before, want, statements)
		}
	}
	const eins, both = `{"data":{"article":{"title":"Eins"}}}`, `{"data":{"articles":{"totalCount":2,"nodes":[{"title":"Eins"},{"title":"Zwei"}]}}}`
	again(one, eins, 1)
	again(one, eins, 0)
	again(list, both, 1)
	again(list, both, 0)

	// Another article: the list may be another one, the article is not.
	exec(t, pool, `UPDATE article SET title = 'Zwo' WHERE slug = 'zwei'`)
	i.cache.Sync(t.Context())
	again(one, eins, 0)
	again(list, strings.Replace(both, "Zwei", "Zwo", 1), 1)

	// Without a new version of it.
	exec(t, pool, `UPDATE article SET modified_at = modified_at + interval '1 day' WHERE slug = 'eins'`)
	i.cache.Sync(t.Context())
	again(one, eins, 1)

	// Nothing, which becomes something; a name that is given to another.
	again(`{ article(slug: "drei") { title } }`, `{"data":{"article":null}}`, 1)
	exec(t, pool, `UPDATE article SET publication_status = 'PUBLISHED' WHERE slug = 'drei'`)
	exec(t, pool, `INSERT INTO former_slug (type, slug, id) SELECT 'article', 'alt', id FROM article WHERE slug = 'eins'`)
	i.cache.Sync(t.Context())
	again(`{ article(slug: "drei") { title } }`, `{"data":{"article":{"title":"Drei"}}}`, 1)
	again(`{ article(slug: "alt") { title } }`, eins, 1)
	exec(t, pool, `INSERT INTO article (id, slug, kind, title, publication_status) VALUES ('00000000-0000-7000-8000-000000000004', 'alt', 'NEWS', 'Neu', 'PUBLISHED')`)
	i.cache.Sync(t.Context())
	again(`{ article(slug: "alt") { title } }`, `{"data":{"article":{"title":"Neu"}}}`, 1)

	// Variables in another order are the same, others are not.
	const two = `query Q($a: String!, $b: Int!) { article(slug: $a) { title } topics(first: $b) { totalCount } }`
	a := do(t, http.MethodPost, i.base+"/graphql", fmt.Sprintf(`{"query":%q,"variables":{"a":"eins","b":1}}`, two), "Content-Type", plainJSON)
	b := do(t, http.MethodPost, i.base+"/graphql", fmt.Sprintf(`{"variables":{"b":1,"a":"eins"},"query":%q}`, two), "Content-Type", plainJSON)
	c := do(t, http.MethodPost, i.base+"/graphql", fmt.Sprintf(`{"query":%q,"variables":{"a":"zwei","b":1}}`, two), "Content-Type", plainJSON)
	if state(a) != "fwd=uri-miss; stored" || state(b) != "hit" || a.body != b.body || state(c) != "fwd=uri-miss; stored" || c.body == a.body {
		t.Errorf("got %s %q, %s %q, %s %q", a.body, state(a), b.body, state(b), c.body, state(c))
	}

	// What moves with the clock is read each time; introspection is not.
	moving := `{ articles(filter: {publishedAt: {last: "P1D"}}) { totalCount } }`
	post(t, i.base, moving, nil)
	if r := post(t, i.base, moving, nil); state(r) != "fwd=bypass" {
		t.Errorf("what moves: got %s %s", state(r), r.body)
	}
	post(t, i.base, `{ __schema { queryType { name } } }`, nil)
	if r := post(t, i.base, `{ __schema { queryType { name } } }`, nil); state(r) != "hit" || r.body != `{"data":{"__schema":{"queryType":{"name":"Query"}}}}` {
		t.Errorf("introspection: got %s %s", state(r), r.body)
	}
}

// TestOwnWrites: who has written sees it in the next answer, on the same instance,
// whoever asks, without having been told of a commit.
func TestOwnWrites(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	exec(t, pool, threeArticles)
	i := keeping(t, pool, deaf{change.Log{Pool: pool}})
	secret, _ := newToken(t, pool, "newsroom", auth.Publisher)
	for n := range 20 {
		post(t, i.base, one, nil)
		post(t, i.base, list, nil)
		title := fmt.Sprint("Eins ", n)
		r := post(t, i.base, `mutation($id: ID!, $title: String!, $version: Int!) { updateArticle(input: {id: $id, version: $version, article: {title: $title}}) { article { title } userErrors { message } } }`,
			map[string]any{"id": oneID, "title": title, "version": n + 1}, "Authorization", "Bearer "+secret)
		if !strings.Contains(r.body, title) || r.Header.Get("Cache-Control") != "private, no-store" {
			t.Fatalf("got %s %v", r.body, r.Header)
		}
		for _, query := range []string{one, list} {
			if r := post(t, i.base, query, nil); !strings.Contains(r.body, `"`+title+`"`) {
				t.Fatalf("%s after %s: got %s", query, title, r.body)
			}
		}
	}
}

// TestOneReads: of a hundred who ask the same at once, one reads.
func TestOneReads(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	exec(t, pool, threeArticles)
	i := keeping(t, pool, deaf{change.Log{Pool: pool}})
	before := i.planner.Statements()
	var group sync.WaitGroup
	var wrong atomic.Int64
	for range 100 {
		group.Go(func() {
			if r := post(t, i.base, list, nil); !strings.Contains(r.body, `"totalCount":2`) {
				wrong.Add(1)
			}
		})
	}
	group.Wait()
	if n := i.planner.Statements() - before; n != 1 || wrong.Load() > 0 {
		t.Errorf("%d statements, %d wrong answers", n, wrong.Load())
	}
}

// TestDueIsOutlived: an answer ends when something falls due, without anybody saying so.
func TestDueIsOutlived(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	exec(t, pool, threeArticles)
	exec(t, pool, `UPDATE article SET publication_status = 'SCHEDULED', published_at = clock_timestamp() + interval '1500 milliseconds' WHERE slug = 'drei'`)
	var at time.Time
	if err := pool.QueryRow(t.Context(), `SELECT published_at FROM article WHERE slug = 'drei'`).Scan(&at); err != nil {
		t.Fatal(err)
	}
	i := keeping(t, pool, deaf{change.Log{Pool: pool}})
	for {
		sent := time.Now()
		r := post(t, i.base, list, nil)
		got, there := time.Now(), strings.Contains(r.body, "Drei")
		if there && got.Before(at) || !there && sent.After(at) {
			t.Fatalf("asked at %s, due at %s: got %s", sent, at, r.body)
		}
		if r := get(t, i.base, map[string]string{"query": list}); !there {
			var age int
			if _, err := fmt.Sscanf(r.Header.Get("Cache-Control"), "public, max-age=%d", &age); err == nil && time.Now().Add(time.Duration(age)*time.Second).After(at.Add(50*time.Millisecond)) {
				t.Fatalf("%s at %s, due at %s", r.Header.Get("Cache-Control"), time.Now(), at)
			}
		}
		if sent.After(at) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestRepresentations: the same answer as media types, codings and methods want it.
func TestRepresentations(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	exec(t, pool, `INSERT INTO topic (id, slug, name, scheme) SELECT gen_random_uuid(), 't' || n, 'Thema ' || n, 'KEYWORD' FROM generate_series(1, 100) n`)
	i := keeping(t, pool, deaf{change.Log{Pool: pool}})
	const query = `{ topics(first: 100) { nodes { id slug name } } }`
	ask := func(headers ...string) reply { return get(t, i.base, map[string]string{"query": query}, headers...) }
	plain := ask("Accept-Encoding", "identity")
	if plain.Header.Get("Cache-Control") != "public, max-age=10, stale-while-revalidate=10" || plain.Header.Get("Cache-Tag") != "stadtgraph,Topic" || plain.Header.Get("Surrogate-Key") != "stadtgraph Topic" || plain.Header.Get("Age") != "0" {
		t.Errorf("got %v", plain.Header)
	}
	etags := map[string]bool{plain.Header.Get("ETag"): true}
	for _, c := range []struct{ accept, coding string }{
		{"gzip", "gzip"}, {"gzip, deflate, br, zstd", "zstd"}, {"zstd;q=0.5, gzip", "gzip"}, {"*", "gzip"}, {"gzip;q=0", ""}, {"br", ""}, {"gzip;q=0.1, identity", ""}, {"GZIP ; Q=1", "gzip"}, {"gzip;q=2", ""}, {"", ""},
	} {
		for _, accept := range []string{plainJSON, graphqlResponse} {
			r := ask("Accept-Encoding", c.accept, "Accept", accept)
			if r.Header.Get("Content-Encoding") != c.coding || decoded(t, r) != plain.body || r.Header.Get("Content-Type") != accept+"; charset=utf-8" || state(r) != "hit" {
				t.Errorf("%q: got %v", c.accept, r.Header)
			}
			etags[r.Header.Get("ETag")] = true
			again := ask("Accept-Encoding", c.accept, "Accept", accept, "If-None-Match", `"other", W/`+r.Header.Get("ETag"))
			if again.StatusCode != http.StatusNotModified || again.body != "" || again.Header.Get("ETag") != r.Header.Get("ETag") || again.Header.Get("Cache-Control") == "" || again.Header.Get("Vary") == "" {
				t.Errorf("%q: got %s %v", c.accept, again.Status, again.Header)
			}
		}
	}
	if len(etags) != 6 {
		t.Errorf("six representations have the tags %v", etags)
	}
	if r := post(t, i.base, query, nil, "Accept-Encoding", "identity", "If-None-Match", plain.Header.Get("ETag")); r.StatusCode != http.StatusOK || r.body != plain.body || r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("ETag") != "" {
		t.Errorf("POST: got %s %v", r.Status, r.Header)
	}
	head := do(t, http.MethodHead, i.base+"/graphql?query="+strings.ReplaceAll(query, " ", "%20"), "", "Accept-Encoding", "identity")
	if head.body != "" || head.Header.Get("Content-Length") != plain.Header.Get("Content-Length") || head.Header.Get("ETag") != plain.Header.Get("ETag") {
		t.Errorf("HEAD: got %v", head.Header)
	}
	secret, _ := newToken(t, pool, "newsroom", auth.Publisher)
	if r := ask("Authorization", "Bearer "+secret); r.Header.Get("Cache-Control") != "private, no-store" || r.Header.Get("ETag")+r.Header.Get("Cache-Tag") != "" || state(r) != "fwd=bypass" {
		t.Errorf("with a token: got %v", r.Header)
	}
	for range 2 { // errors are never kept
		if r := get(t, i.base, map[string]string{"query": `{ nothing }`}); r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("ETag") != "" || state(r) != "fwd=uri-miss" {
			t.Errorf("an error: got %v", r.Header)
		}
	}
	if r := get(t, i.base, map[string]string{"query": `mutation { createTopic(input: {}) { userErrors { code } } }`}); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a mutation by GET: got %s", r.Status)
	}
}

func decoded(t testing.TB, r reply) string {
	t.Helper()
	var from io.Reader = strings.NewReader(r.body)
	var err error
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		from, err = gzip.NewReader(from)
	case "zstd":
		from, err = zstd.NewReader(from)
	}
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(from); err != nil {
		t.Fatal(err)
	}
	body, _ := withoutCost(t, b.Bytes())
	return body
}

// TestRowTags: what was reached by its key has tags of its own.
func TestRowTags(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	exec(t, pool, threeArticles)
	i := keeping(t, pool, deaf{change.Log{Pool: pool}})
	r := get(t, i.base, map[string]string{"query": `{ a: article(slug: "eins") { title } b: article(slug: "zwei") { title } }`})
	if got := r.Header.Get("Surrogate-Key"); !regexp.MustCompile(`^stadtgraph Article\.any article_\w{26} article_\w{26}$`).MatchString(got) || !strings.Contains(got, oneID) {
		t.Errorf("got %s for %s", got, r.body)
	}
}

// broken is a log of changes that may fail.
type broken struct {
	deaf
	fails atomic.Bool
}

func (b *broken) Since(ctx context.Context, mark change.Mark, now time.Time) (change.Touched, error) {
	if b.fails.Load() {
		return change.Touched{}, io.ErrUnexpectedEOF
	}
	return b.Log.Since(ctx, mark, now)
}

// TestWithoutFeed: when changes cannot be read, no answer is older than the bound, and none
// from before a mutation is given; when the database is gone, older ones are, and say so.
func TestWithoutFeed(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	exec(t, pool, threeArticles)
	log := &broken{deaf: deaf{change.Log{Pool: pool}}}
	i := keeping(t, pool, log)
	post(t, i.base, list, nil)
	post(t, i.base, one, nil)
	log.fails.Store(true)
	exec(t, pool, `UPDATE article SET title = 'Zwo' WHERE slug = 'zwei'`)
	changed := time.Now()
	for {
		sent := time.Now()
		r := post(t, i.base, list, nil)
		if strings.Contains(r.body, "Zwo") {
			break
		}
		if sent.Sub(changed) > cache.Bound {
			t.Fatalf("after %s: got %s %s", sent.Sub(changed), r.body, state(r))
		}
		time.Sleep(50 * time.Millisecond)
	}
	i.cache.Sync(t.Context()) // fails
	if r := post(t, i.base, list, nil); state(r) == "hit" {
		t.Errorf("got %s", state(r))
	}
	log.fails.Store(false)
	i.cache.Sync(t.Context())
	post(t, i.base, list, nil)
	if r := post(t, i.base, list, nil); state(r) != "hit" {
		t.Errorf("changes are read again: got %s", state(r))
	}

	log.fails.Store(true)
	pool.Close()
	time.Sleep(cache.Bound + 100*time.Millisecond)
	r := get(t, i.base, map[string]string{"query": list})
	age, _ := strconv.Atoi(r.Header.Get("Age"))
	if r.StatusCode != http.StatusOK || !strings.Contains(r.body, "Zwo") || !strings.HasSuffix(state(r), "detail=stale-if-error") || age < 3 || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the database is gone: got %s %s %v", r.Status, r.body, r.Header)
	}
	if r := get(t, i.base, map[string]string{"query": `{ topics { totalCount } }`}); !json.Valid([]byte(r.body)) || r.errors(t)[0].Extensions["code"] == nil {
		t.Errorf("what was never read: got %s", r.body)
	}
}
