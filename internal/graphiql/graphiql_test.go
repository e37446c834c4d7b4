package graphiql_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"stadtgraph/internal/graphiql"
)

var examples = []graphiql.Example{
	{Name: "Bürgerbeteiligung", Query: "# Bürgerbeteiligung </script><b>\nquery Größe { __typename }\n", Variables: `{"key": "09461000"}`},
}

func get(t *testing.T, h http.Handler, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPage(t *testing.T) {
	h := graphiql.Handler("/graphql", examples)
	resp := get(t, h, "/")
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET /: %s", resp.Status)
	}
	if got, want := resp.Header.Get("Content-Type"), "text/html; charset=utf-8"; got != want {
		t.Errorf("Content-Type: %q, want %q", got, want)
	}
	html := body(t, resp)
	for _, want := range []string{
		`"endpoint":"/graphql"`,
		`query Größe { __typename }`,
		`\u003c/script\u003e`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// The policy is the promise that no other host is asked; a test of the page in
// a browser is in tools/browsercheck.
func TestContentSecurityPolicy(t *testing.T) {
	h := graphiql.Handler("/graphql", nil)
	resp := get(t, h, "/")
	csp := resp.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("policy %q lacks %q", csp, want)
		}
	}
	for _, never := range []string{"unsafe", "*", "http:", "https:"} {
		if strings.Contains(csp, never) {
			t.Errorf("policy %q has %q", csp, never)
		}
	}
	nonce := regexp.MustCompile(`'nonce-([^']+)'`).FindStringSubmatch(csp)
	if nonce == nil {
		t.Fatalf("policy %q has no nonce", csp)
	}
	if html := body(t, resp); !strings.Contains(html, `nonce="`+nonce[1]+`"`) {
		t.Errorf("the page does not carry the policy's nonce %s", nonce[1])
	}
	if again := get(t, h, "/").Header.Get("Content-Security-Policy"); again == csp {
		t.Error("two answers carry the same nonce")
	}
}

func TestAssets(t *testing.T) {
	h := graphiql.Handler("/graphql", examples)
	html := body(t, get(t, h, "/"))
	refs := regexp.MustCompile(`(?:href|src)="(graphiql/[^"]+)"`).FindAllStringSubmatch(html, -1)
	if len(refs) != 2 {
		t.Fatalf("the page refers to %d assets, want a script and a style sheet: %q", len(refs), refs)
	}
	for _, ref := range refs {
		t.Run(ref[1], func(t *testing.T) {
			path := "/" + ref[1]
			packed := get(t, h, path, "Accept-Encoding", "br;q=1.0, gzip;q=0.8, *;q=0.1")
			plain := get(t, h, path)
			for _, resp := range []*http.Response{packed, plain} {
				if resp.StatusCode != http.StatusOK {
					t.Fatalf("GET %s: %s", path, resp.Status)
				}
				if cc := resp.Header.Get("Cache-Control"); !strings.Contains(cc, "immutable") {
					t.Errorf("Cache-Control: %q", cc)
				}
				if v := resp.Header.Get("Vary"); v != "Accept-Encoding" {
					t.Errorf("Vary: %q", v)
				}
			}
			if enc := packed.Header.Get("Content-Encoding"); enc != "gzip" {
				t.Errorf("Content-Encoding: %q where gzip is accepted", enc)
			}
			if enc := plain.Header.Get("Content-Encoding"); enc != "" {
				t.Errorf("Content-Encoding: %q where nothing is accepted", enc)
			}
			r, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatal(err)
			}
			unpacked, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			want, err := io.ReadAll(plain.Body)
			if err != nil {
				t.Fatal(err)
			}
			if len(want) == 0 || !bytes.Equal(unpacked, want) {
				t.Errorf("the gzipped asset unpacks to %d bytes, the plain one has %d", len(unpacked), len(want))
			}
		})
	}
	for _, gone := range []string{"/graphiql/", "/graphiql/nothing.js", "/nothing"} {
		if resp := get(t, h, gone); resp.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: %s, want 404", gone, resp.Status)
		}
	}
}

func TestGzipIsNegotiated(t *testing.T) {
	h := graphiql.Handler("/graphql", nil)
	path := "/" + regexp.MustCompile(`graphiql/[^"]+\.js`).FindString(body(t, get(t, h, "/")))
	for accept, want := range map[string]string{
		"gzip":              "gzip",
		"GZIP":              "gzip",
		"br, gzip;q=0.5":    "gzip",
		"*":                 "gzip",
		"":                  "",
		"br":                "",
		"gzip;q=0":          "",
		"gzip; q=0.000, *":  "",
		"*, gzip;q=0":       "",
		"*;q=0":             "",
		"identity, gzip;q=": "",
	} {
		if got := get(t, h, path, "Accept-Encoding", accept).Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: Content-Encoding %q, want %q", accept, got, want)
		}
	}
}

// loads is what stands before an address that a browser asks for by itself: in
// a page, a style sheet or a script. Links that a reader may follow, and names
// of XML namespaces, stand after none of it.
var loads = regexp.MustCompile(`(?:` + strings.Join([]string{
	`<(?:script|link|img|iframe|source)[^<>]*(?:src|href)=["']?`,
	`url\(\s*["']?`,
	`@import\s*["']`,
	`(?:import|fetch|importScripts|Worker|SharedWorker|EventSource|WebSocket)\s*\(\s*["'\x60]`,
	`\.(?:src|href)\s*=\s*["'\x60]`,
}, "|") + `)(?:https?:|wss?:)?//$`)

func TestNoOtherHost(t *testing.T) {
	h := graphiql.Handler("/graphql", examples)
	html := body(t, get(t, h, "/"))
	texts := map[string]string{"/": html}
	for _, ref := range regexp.MustCompile(`graphiql/[^"]+\.(?:js|css)`).FindAllString(html, -1) {
		texts[ref] = body(t, get(t, h, "/"+ref))
	}
	for name, text := range texts {
		for end := range text {
			if !strings.HasPrefix(text[end:], "//") {
				continue
			}
			if at := text[max(0, end-100) : end+2]; loads.MatchString(at) {
				t.Errorf("%s loads from another host: %s%.60s", name, at, text[end+2:])
			}
		}
	}
}

func TestLicences(t *testing.T) {
	text := body(t, get(t, graphiql.Handler("/graphql", nil), "/graphiql/LICENSES.txt"))
	for _, want := range []string{"graphiql ", "graphql ", "react ", "codemirror ", "(MIT)", "Copyright"} {
		if !strings.Contains(text, want) {
			t.Errorf("LICENSES.txt lacks %q", want)
		}
	}
}

func TestLoadExamples(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	got, err := graphiql.LoadExamples(fstest.MapFS{
		"2-states.graphql":          file("# The states\nquery States { states { nodes { name } } }\n"),
		"1-city.graphql":            file("# Bamberg und seine Strategie\n# by its key\nquery City($key: String!) { municipality(key: $key) { name } }\n"),
		"1-city.variables.json":     file("{\"key\": \"09461000\"}\n"),
		"README.md":                 file("not an example"),
		"old/0-elsewhere.graphql":   file("broken"),
		"other.variables.json":      file("{}"),
		"3-mutation.graphql":        file("# Publishing\nmutation Publish { publishArticle { article { id } } }"),
		"3-mutation.graphql.backup": file("broken"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []graphiql.Example{
		{"Bamberg und seine Strategie", "# Bamberg und seine Strategie\n# by its key\nquery City($key: String!) { municipality(key: $key) { name } }\n", `{"key": "09461000"}`},
		{"The states", "# The states\nquery States { states { nodes { name } } }\n", ""},
		{"Publishing", "# Publishing\nmutation Publish { publishArticle { article { id } } }", ""},
	}
	if len(got) != len(want) {
		t.Fatalf("%d examples, want %d: %q", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("example %d: %q, want %q", i, got[i], want[i])
		}
	}
	for name, text := range map[string]string{
		"no heading":        "query States { states { nodes { name } } }",
		"no operation name": "# The states\n{ states { nodes { name } } }",
	} {
		if _, err := graphiql.LoadExamples(fstest.MapFS{"bad.graphql": file(text)}); err == nil || !strings.Contains(err.Error(), "bad.graphql") {
			t.Errorf("%s: error %v, want one that names the file", name, err)
		}
	}
}
