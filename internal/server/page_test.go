package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/server"
)

const titled = `query Titled($slug: String!) { article(slug: $slug) { id title } }`

// onePage answers with an article's title, in two types, and with a link.
func onePage(first func(context.Context) error) server.Page {
	return server.Page{Pattern: "/titles/{slug}", Document: titled, Types: []string{"text/plain", "text/x-title"}, Ask: func(r server.Request) (server.Asked, error) {
		if r.URL.RawQuery != "" {
			return server.Asked{}, fault.New(fault.Invalid, "No parameters, please.").At("x")
		}
		return server.Asked{Variables: map[string]any{"slug": r.PathValue("slug")}, First: first, Render: func(data []byte) (server.Answer, error) {
			var read struct{ Article *struct{ Title string } }
			if err := json.Unmarshal(data, &read); err != nil {
				return server.Answer{}, err
			}
			if read.Article == nil {
				return server.Answer{}, fault.New(fault.NotFound, "There is no such article.")
			}
			if read.Article.Title == "Zwei" {
				return server.Answer{}, errors.New("render: a secret")
			}
			return server.Answer{Body: []byte(read.Article.Title + strings.Repeat("!", 2000)), Header: http.Header{"Content-Type": {r.Type}, "Link": {"<" + r.Base + "/titles/x>"}}}, nil
		}}, nil
	}}
}

// TestPage: a stored document in a form of its own is kept, compressed, tagged, outdated
// and refused like what is asked at /graphql, and neither is given for the other.
func TestPage(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	exec(t, pool, threeArticles)
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	planner := plan.New(read, pool, true)
	answers := cache.New(16<<20, deaf{change.Log{Pool: pool}}, read.Prefix)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { answers.Follow(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	asked := 0
	unkept := onePage(func(context.Context) error { asked++; return nil })
	unkept.Pattern = "/unkept/{slug}"
	broken := onePage(func(context.Context) error { return change.ErrExpired })
	broken.Pattern = "/broken/{slug}"
	base := start(t, server.Config{
		Executor: graph.NewExecutor(planner).Under(graph.Policy{TrustedOnly: true}, nil), Authenticate: (&auth.Gate{DB: pool}).Authenticate, Database: pool, Cache: answers, MaxAge: 10 * time.Second,
		Log: slog.New(slog.DiscardHandler), Pages: []server.Page{onePage(nil), unkept, broken},
		Routes: []server.Route{{Pattern: "/both", Methods: []string{http.MethodGet}, Documents: []string{titled}, Serve: func(w http.ResponseWriter, c *server.Caller) error {
			for _, slug := range []string{"eins", "drei"} {
				data, err := c.Read(c.Context(), titled, map[string]any{"slug": slug})
				if err != nil {
					return err
				}
				_, _ = w.Write(data)
			}
			return nil
		}}},
		Budgets: server.Budgets{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	})
	answers.Sync(t.Context())
	ask := func(path string, headers ...string) reply {
		return do(t, http.MethodGet, base+path, "", append([]string{"Accept-Encoding", "identity"}, headers...)...)
	}
	a := ask("/titles/eins")
	if a.StatusCode != http.StatusOK || !strings.HasPrefix(a.body, "Eins!!") || state(a) != "fwd=uri-miss; stored" || a.Header.Get("Content-Type") != "text/plain" ||
		a.Header.Get("Link") != "<"+base+"/titles/x>" || !strings.Contains(a.Header.Get("Cache-Tag"), oneID) || !strings.HasPrefix(a.Header.Get("Cache-Control"), "public, max-age=10") || !slices.Contains(a.Header.Values("Vary"), "Accept, Accept-Encoding, Authorization") {
		t.Errorf("got %s %.20s %v", a.Status, a.body, a.Header)
	}
	before := planner.Statements()
	if b := ask("/titles/eins"); b.body != a.body || state(b) != "hit" || b.Header.Get("Link") != a.Header.Get("Link") || b.Header.Get("ETag") != a.Header.Get("ETag") || planner.Statements() != before {
		t.Errorf("again: got %s %v", b.Status, b.Header)
	}
	if b := ask("/titles/eins", "If-None-Match", a.Header.Get("ETag")); b.StatusCode != http.StatusNotModified || b.body != "" {
		t.Errorf("not modified: got %s %v", b.Status, b.Header)
	}
	if b := ask("/titles/eins", "Accept-Encoding", "zstd"); decoded(t, b) != a.body || b.Header.Get("Content-Encoding") != "zstd" {
		t.Errorf("compressed: got %s %v", b.Status, b.Header)
	}
	if b := do(t, http.MethodHead, base+"/titles/eins", "", "Accept-Encoding", "identity"); b.body != "" || b.Header.Get("Content-Length") != a.Header.Get("Content-Length") {
		t.Errorf("HEAD: got %s %v", b.Status, b.Header)
	}
	if b := ask("/titles/eins", "Accept", "text/x-title, text/plain;q=0.5"); state(b) != "fwd=uri-miss; stored" || b.Header.Get("Content-Type") != "text/x-title" {
		t.Errorf("another type: got %s %v", b.Status, b.Header)
	}
	if b := ask("/titles/eins", "X-Forwarded-Proto", "https"); b.Header.Get("Link") != strings.Replace(a.Header.Get("Link"), "http:", "https:", 1) {
		t.Errorf("behind a proxy: got %s %v", b.Status, b.Header)
	}
	exec(t, pool, `UPDATE article SET title = 'Anders' WHERE slug = 'eins'`)
	answers.Sync(t.Context())
	if b := ask("/titles/eins"); !strings.HasPrefix(b.body, "Anders!!") {
		t.Errorf("changed: got %.20s", b.body)
	}
	if b := ask("/unkept/eins"); !strings.HasPrefix(b.body, "Anders!!") || b.Header.Get("Cache-Control") != "public, no-cache" || b.Header.Get("ETag") == "" || asked != 1 {
		t.Errorf("not kept: got %s %v", b.Status, b.Header)
	} else if c := ask("/unkept/eins", "If-None-Match", b.Header.Get("ETag")); c.StatusCode != http.StatusNotModified || asked != 2 {
		t.Errorf("not kept, again: got %s %v", c.Status, c.Header)
	}
	for _, c := range []struct {
		path    string
		headers []string
		status  int
		want    string
	}{
		{"/titles/drei", nil, 404, `"status":404,"code":"NOT_FOUND","detail":"There is no such article.","requestId":"`},
		{"/titles/eins?a=b", nil, 400, `"code":"BAD_USER_INPUT","detail":"No parameters, please.","parameter":"x"`},
		{"/titles/eins", []string{"Accept", "image/png"}, 406, `"code":"BAD_REQUEST"`},
		{"/titles/eins", []string{"Authorization", "Bearer nothing"}, 401, `"code":"UNAUTHENTICATED"`},
		{"/broken/eins", nil, 410, `"code":"CURSOR_EXPIRED"`},
		{"/titles/zwei", nil, 500, `"code":"INTERNAL"`},
	} {
		r := ask(c.path, c.headers...)
		if r.StatusCode != c.status || !strings.Contains(r.body, c.want) || strings.Contains(r.body, "secret") || r.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(r.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("%s %v: got %s %s %v", c.path, c.headers, r.Status, r.body, r.Header)
		}
	}
	if r := do(t, http.MethodPost, base+"/titles/eins", "{}"); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %s", r.Status)
	}
	if r := ask("/both"); !strings.Contains(r.body, `"Anders"`) || !strings.HasSuffix(r.body, `{"article":null}`) {
		t.Errorf("a route: got %s %s", r.Status, r.body)
	}
	// The document of a page is no document that anybody may send.
	if r := post(t, base, titled, map[string]any{"slug": "eins"}); !strings.Contains(r.body, "DOCUMENT_NOT_TRUSTED") {
		t.Errorf("untrusted: got %s", r.body)
	}
	secret, _ := newToken(t, pool, "newsroom", auth.Publisher)
	if r := ask("/titles/drei", "Authorization", "Bearer "+secret); r.StatusCode != http.StatusOK || r.Header.Get("Cache-Control") != "private, no-store" || r.Header.Get("ETag") != "" {
		t.Errorf("with a token: got %s %v", r.Status, r.Header)
	}
}

// TestStoredDocuments: a document that is not valid stops the start.
func TestStoredDocuments(t *testing.T) {
	t.Parallel()
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range []string{`{ nothing }`, `{ about { version } } query B { about { version } }`, `mutation { a: createTopic(input: {}) { userErrors { code } } }`, `{`} {
		_, err := server.New(server.Config{Executor: graph.NewExecutor(plan.New(read, nil, true)), Pages: []server.Page{{Pattern: "/x", Document: document}}})
		if err == nil || !strings.Contains(err.Error(), "a stored document is not valid") {
			t.Errorf("%s: got %v", document, err)
		}
	}
}
