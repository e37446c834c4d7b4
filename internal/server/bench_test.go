package server_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/cache"
	"stadtgraph/internal/change"
	"stadtgraph/internal/server"
)

// nobody is a client that costs nothing.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header       { return n.header }
func (nobody) Write(b []byte) (int, error) { return len(b), nil }
func (nobody) WriteHeader(int)             {}

func benchmark(b *testing.B, c server.Config, body string) {
	s, err := server.New(c)
	if err != nil {
		b.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	request.Header.Set("Content-Type", plainJSON)
	request.Header.Set("Accept", graphqlResponse)
	h := s.Handler()
	request.Body = io.NopCloser(strings.NewReader(body))
	once := httptest.NewRecorder()
	if h.ServeHTTP(once, request); strings.Contains(once.Body.String(), `"errors"`) {
		b.Fatal(once.Body)
	}
	b.ReportAllocs()
	for b.Loop() {
		request.Body = io.NopCloser(strings.NewReader(body))
		request.ContentLength = int64(len(body))
		h.ServeHTTP(nobody{http.Header{}}, request)
	}
}

// What the way from HTTP to the executor and back costs.
func BenchmarkTransport(b *testing.B) {
	response := &graphql.Response{Data: json.RawMessage(`{"a":1}`)}
	benchmark(b, server.Config{Log: slog.New(slog.DiscardHandler), Executor: stub(func(context.Context) *graphql.Response { return response })},
		`{"query":"query City($key: String!) { municipality(key: $key) { name } }","operationName":"City","variables":{"key":"09461000"}}`)
}

// A whole request, without the network.
func BenchmarkCity(b *testing.B) {
	benchmark(b, config(b), `{"query":"query City($key: String!) { municipality(key: $key) { name state { name } population } }","variables":{"key":"09461000"}}`)
}

func BenchmarkPage(b *testing.B) {
	benchmark(b, config(b), `{"query":"{ municipalities(first: 100) { nodes { id slug key name officialName level kind population areaKm2 state { name } district { name } } } }"}`)
}

// What a hit costs, without the network, but for the log.
func BenchmarkHit(b *testing.B) {
	c := config(b)
	read, err := catalogue()
	if err != nil {
		b.Fatal(err)
	}
	c.Cache = cache.New(16<<20, deaf{change.Log{Pool: c.Database.(*pgxpool.Pool)}}, read.Prefix)
	c.Log = slog.New(server.LogHandler(slog.NewJSONHandler(io.Discard, nil)))
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	go func() { // as Follow does, without being told of anything
		for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
			c.Cache.Sync(ctx)
		}
	}()
	c.Cache.Sync(ctx)
	benchmark(b, c, `{"query":"query City($key: String!) { municipality(key: $key) { name state { name } population } }","variables":{"key":"09461000"}}`)
}
