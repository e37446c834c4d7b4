// Package server answers HTTP: GraphQL at /graphql, GraphiQL at /, the schema,
// and whether the process lives and is ready.
//
// A request passes through these steps, outermost first:
//
//	observe      request id, trace, access log, metrics; panics become INTERNAL
//	CORS         browsers of the configured origins may call
//	routes       which path takes which methods; problem+json for the rest
//	graphqlHTTP  negotiates, authenticates, reads the request strictly, looks for its answer
//	             (cached.go), lets graph prepare it
//	admission    bounds what runs at once; what is too much is told to come again
//	graphqlHTTP  lets graph run it, keeps the answer, writes the bytes
//
// Whatever else is served goes the same way: a Page (page.go) is a stored document with
// an address and a form of its own, a Route asks for documents while it answers.
//
// What goes on telling is answered by eventStream (server-sent events) or socket (a
// WebSocket), and counted by streams. What is everything at once is answered by exportHTTP.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/graphiql"
	"stadtgraph/internal/metric"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/trace"
)

// What a connection may take. A client that is slower or larger is cut off.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 20 * time.Second
	writeTimeout      = time.Minute // from the request's header to the answer's end
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10

	// maxConnections are 100 MB at most, and fewer than the descriptors that systems
	// allow a service.
	maxConnections = 4096

	// operationTimeout ends operations that Postgres' own timeout does not
	// reach, such as those that wait for a connection.
	operationTimeout = 10 * time.Second

	// drainTimeout is how long requests may take to finish after the server was
	// told to stop.
	drainTimeout = 15 * time.Second
)

// Executor runs operations.
type Executor interface {
	graphql.GraphExecutor
	// Resolve puts the document into a request that names one, says whether it is known
	// to be on record, and refuses documents that the caller may not run.
	Resolve(ctx context.Context, params *graphql.RawParams, documentID string) (known bool, refused *gqlerror.Error)
	// Hold validates a document of the program's own and keeps it ready. It is called
	// before anything runs.
	Hold(document string, deep bool) error
}

// Config is what a server needs.
type Config struct {
	Executor Executor

	// Authenticate says who holds a token. Requests without one never ask it.
	Authenticate func(ctx context.Context, token string) (*auth.Actor, error)

	// Database is asked whether it answers and which migrations it has. It should
	// not be the pool that requests wait for: a busy server is still ready.
	Database   postgres.DB
	Migrations fs.FS

	// Cache keeps answers for the public; nil to read each anew. MaxAge is for how long
	// others, such as browsers, may keep them.
	Cache  *cache.Cache
	MaxAge time.Duration

	// Pages and Routes answer beside GraphQL; see there. PublicURL is what their links
	// begin with, without a slash at the end; if it is empty, with what the request was
	// sent to.
	Pages     []Page
	Routes    []Route
	PublicURL string

	SDL        string             // what /schema.graphql shows; nothing if empty
	Examples   []graphiql.Example // what GraphiQL opens with
	NoGraphiQL bool               // at /
	Origins    []string           // that browsers may call from; see CheckOrigin
	Budgets    Budgets            // of clients; none if zero
	Exports    Exports            // none without a library
	Streams    Streams            // how many may be open, and how they are kept
	Log        *slog.Logger       // slog's default if nil; see LogHandler

	// Places is how many operations of the public run at once, and Reserved how many more
	// of those who edit or administer: together as many as the pool that they read
	// through has connections. QueueTime is how long one waits for its turn. Without
	// Places all run at once.
	Places, Reserved int
	QueueTime        time.Duration

	Metrics       *metric.Metrics // what is counted; nothing if nil
	Tracer        *trace.Tracer   // where traces go; nowhere if nil
	SlowStatement time.Duration   // from when on a statement is logged; never if zero

	// Linger is how long the server goes on answering after it was told to stop,
	// so that whoever distributes requests sees that it is not ready any more.
	Linger time.Duration
}

// Server answers requests until it is told to stop.
type Server struct {
	handler  http.Handler
	log      *slog.Logger
	linger   time.Duration
	bounds   bounds
	open     *connections
	streams  *streams
	draining atomic.Bool
}

// New makes a server.
func New(c Config) (*Server, error) {
	for _, origin := range c.Origins {
		if err := CheckOrigin(origin); err != nil {
			return nil, err
		}
	}
	if err := c.hold(); err != nil {
		return nil, err
	}
	s := &Server{log: cmp.Or(c.Log, slog.Default()), linger: c.Linger, streams: newStreams(c.Streams), open: newConnections(maxConnections),
		bounds: bounds{readHeaderTimeout, readTimeout, writeTimeout, idleTimeout}}
	origins := crossOrigin(c.Origins)
	s.handler = observe(observer{s.log, c.Metrics, c.Tracer, c.SlowStatement}, origins.Handler(s.routes(c, origins.OriginAllowed)))
	return s, nil
}

// Handler is everything the server answers.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves on a listener until ctx ends. Then it says that it is not ready,
// lingers, takes no more connections, tells streams to go and lets requests finish,
// for 15 seconds at most.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	requests, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	h := s.http(s.handler)
	h.ConnState = s.open.track
	h.BaseContext = func(net.Listener) context.Context { return requests }
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}

	s.draining.Store(true)
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-time.After(s.linger):
	}
	drain, cancel := context.WithTimeout(requests, drainTimeout)
	defer cancel()
	told := make(chan struct{})
	go func() { s.streams.drain(drain); close(told) }()
	defer func() { <-told }() // WebSockets are none of the requests that Shutdown waits for
	if err := h.Shutdown(drain); err != nil {
		abort()
		_ = h.Close() // its error is Shutdown's
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("requests were still running %s after the server was told to stop and have been cut off", drainTimeout)
		}
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}
