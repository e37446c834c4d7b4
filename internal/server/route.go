package server

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/graphiql"
)

const (
	graphqlPath = "/graphql"
	schemaPath  = "/schema.graphql"
)

// routes says what answers where. Everything but GraphQL is only read.
func (s *Server) routes(c Config, originAllowed func(*http.Request) bool) http.Handler {
	page := graphiql.Handler(graphqlPath, c.Examples)
	found := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := page.Handler(r); pattern == "" {
			notFound(w, r)
			return
		}
		page.ServeHTTP(w, r)
	})
	mux := http.NewServeMux()
	g := newGraphQLHTTP(c, s.streams, originAllowed)
	if c.Places > 0 {
		g.admission = newAdmission(c.Places, c.Reserved, c.QueueTime, c.Metrics)
	}
	mux.Handle(graphqlPath, g)
	for _, p := range c.Pages {
		mux.Handle(p.Pattern, g.page(p))
	}
	for _, r := range c.Routes {
		mux.Handle(r.Pattern, g.route(r))
	}
	if c.Exports.Library != nil {
		exports := reading(newExportHTTP(g, c.Exports))
		mux.Handle(exportPath, exports)
		mux.Handle(exportPath+"/{file}", exports)
	}
	if !c.NoGraphiQL {
		mux.Handle("/{$}", reading(page))
		mux.Handle(graphiql.Assets, reading(found))
	}
	if c.SDL != "" {
		mux.Handle(schemaPath, reading(schema(c.SDL)))
	}
	mux.Handle("/livez", reading(http.HandlerFunc(s.livez)))
	mux.Handle("/readyz", reading(s.readyz(c.Database, c.Migrations)))
	mux.HandleFunc("/", notFound)
	return mux
}

// reading passes on what reads and refuses other methods.
func reading(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if allow(w, r, http.MethodGet, http.MethodHead) {
			next.ServeHTTP(w, r)
		}
	})
}

// allow says whether the request has one of the methods, and has answered it if
// it has none.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	w.Header().Set("Allow", strings.Join(append(methods, http.MethodOptions), ", "))
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return false
	}
	problem(w, r, http.StatusMethodNotAllowed, fault.New(fault.BadRequest, "This address takes %s only.", strings.Join(methods, ", ")))
	return false
}

func notFound(w http.ResponseWriter, r *http.Request) {
	fail(w, r, fault.New(fault.NotFound, "There is nothing at this address: the API is at "+graphqlPath+"."))
}

// schema serves the SDL, which changes with the binary only.
func schema(sdl string) http.Handler {
	hash := sha256.Sum256([]byte(sdl))
	etag := `"` + base64.RawURLEncoding.EncodeToString(hash[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8") // browsers save what they do not know
		h.Set("Cache-Control", "public, no-cache")         // ask with the ETag each time
		h.Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(sdl))
	})
}
