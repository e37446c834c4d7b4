// Package graphiql serves GraphiQL, the browser's workbench for GraphQL, out of
// the binary: a page, one script and one style sheet. The page asks no other
// host for anything, and its Content-Security-Policy keeps it so.
//
// The script and the style sheet in dist are bundled from tools/graphiql:
//
//	cd tools/graphiql && npm ci && npm run build
package graphiql

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Assets is the path under which the page finds its script and style sheet.
// A server routes it, and the page's own path, to the Handler.
const Assets = "/graphiql/"

//go:embed dist
var dist embed.FS

// Handler serves the page at / and what it loads under Assets; it is a mux, so
// that a server can ask it which paths it knows. The page sends its operations to endpoint, a path such as
// /graphql, and opens on a browser's first visit with one tab per example.
func Handler(endpoint string, examples []Example) *http.ServeMux {
	if examples == nil {
		examples = []Example{}
	}
	assets := loadAssets()
	before, after := page(endpoint, examples, assets)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		nonce := rand.Text()
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy(nonce))
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store") // the nonce is for one answer
		h.Set("Content-Length", strconv.Itoa(len(before)+len(nonce)+len(after)))
		_, _ = io.WriteString(w, before+nonce+after)
	})
	for _, a := range assets {
		mux.Handle("GET "+Assets+a.name, a)
	}
	return mux
}

// policy admits what comes from the page's own origin and nothing else. The
// nonce is for the <style> elements that open dialogs and menus add; data: is
// for the page's icon.
func policy(nonce string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + nonce + "'; " +
		"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// icon is a small graph: three nodes and their edges.
const icon = `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E` +
	`%3Cpath d='M3 12 8 3l5 9z' fill='none' stroke='%23436' stroke-width='1.5'/%3E` +
	`%3Cg fill='%23436'%3E%3Ccircle cx='3' cy='12' r='2.5'/%3E%3Ccircle cx='8' cy='3' r='2.5'/%3E%3Ccircle cx='13' cy='12' r='2.5'/%3E%3C/g%3E%3C/svg%3E`

// page is the HTML up to the nonce and after it. Its references are relative,
// so that it also works below a path prefix that a proxy takes away.
func page(endpoint string, examples []Example, assets []*asset) (before, after string) {
	config, err := json.Marshal(map[string]any{"endpoint": endpoint, "examples": examples})
	if err != nil {
		panic(err) // strings always marshal
	}
	var refs strings.Builder
	for _, a := range assets {
		ref := strings.TrimPrefix(Assets, "/") + a.name
		switch path.Ext(a.name) {
		case ".css":
			fmt.Fprintf(&refs, "<link rel=\"stylesheet\" href=\"%s\">\n", ref)
		case ".js":
			fmt.Fprintf(&refs, "<script defer src=\"%s\"></script>\n", ref)
		}
	}
	before = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>stadtgraph</title>
<link rel="icon" href="` + html.EscapeString(icon) + `">
<meta property="csp-nonce" nonce="`
	// json.Marshal writes <, > and & as \u003c and so on: the text cannot end
	// the element that it stands in.
	after = `">
<script id="config" type="application/json">` + string(config) + `</script>
` + refs.String() + `<div id="graphiql"><noscript>GraphiQL needs JavaScript; the API itself is at ` + html.EscapeString(endpoint) + `.</noscript></div>
</html>
`
	return before, after
}

// asset is a file of dist. The script and the style sheet are stored gzipped
// and carry a hash of their content in their name, so browsers may keep them.
type asset struct {
	name        string
	contentType string
	hashed      bool
	stored      []byte
	plain       func() []byte // stored, decompressed
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".txt": "text/plain; charset=utf-8",
}

func loadAssets() []*asset {
	files, err := dist.ReadDir("dist")
	if err != nil {
		panic(err) // embedded: it is there or does not compile
	}
	assets := make([]*asset, 0, len(files))
	for _, f := range files {
		stored, err := dist.ReadFile("dist/" + f.Name())
		if err != nil {
			panic(err)
		}
		a := &asset{stored: stored, plain: func() []byte { return stored }}
		a.name, a.hashed = strings.CutSuffix(f.Name(), ".gz")
		a.contentType = contentTypes[path.Ext(a.name)]
		if a.hashed {
			a.plain = sync.OnceValue(func() []byte { return gunzip(stored) })
		}
		assets = append(assets, a)
	}
	return assets
}

// gunzip decompresses a file of dist; the tests read every one of them.
func gunzip(b []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return plain
}

func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	body := a.plain
	if a.hashed {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Values("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			body = func() []byte { return a.stored }
		}
	}
	b := body()
	h.Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b)
}

// acceptsGzip reads Accept-Encoding as RFC 9110, 12.5.3 has it: a list of
// codings with weights, where a weight of zero refuses and * is any other.
func acceptsGzip(values []string) bool {
	accepted, named := false, false
	for coding := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, params, _ := strings.Cut(coding, ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q="); ok {
			weight, _ = strconv.ParseFloat(q, 64)
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			accepted, named = weight > 0, true
		case "*":
			if !named {
				accepted = weight > 0
			}
		}
	}
	return accepted
}
