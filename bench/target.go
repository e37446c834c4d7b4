package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/change"
	"stadtgraph/internal/metric"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/server"
	"stadtgraph/internal/write"
	"stadtgraph/migrations"
)

// kinds are the targets, in the order of the table.
var kinds = []string{"planned", "hand", "pg", "constant", "cached"}

// product says whether a target is the product: the others have a path for each query.
func (t *target) product() bool { return t.kind == "planned" || t.kind == "cached" }

// A target is a process that answers the queries in one way.
type target struct {
	kind  string
	addr  string
	debug string // where it tells of itself
	pid   int
	cmd   *exec.Cmd
	stdin io.Closer // the target ends when it is closed
}

// start runs a target: this program with other arguments.
func start(kind, url string) (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "target", kind, url)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t := &target{kind: kind, cmd: cmd, stdin: stdin, pid: cmd.Process.Pid}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	if _, err := fmt.Sscan(line, &t.addr, &t.debug); err != nil {
		return nil, errors.Join(fmt.Errorf("the target %s did not start", kind), t.stop())
	}
	return t, nil
}

func (t *target) stop() error {
	_ = t.stdin.Close() // it may have ended already
	return t.cmd.Wait()
}

// path is where a target answers a query: the hand-written ones have a path for
// each.
func (t *target) path(q *query) string {
	if t.product() {
		return "/graphql"
	}
	return "/" + q.name
}

// figures are what a process counts of itself.
type figures struct {
	Mallocs, Bytes uint64
	Statements     int64
}

func (t *target) figures() (f figures, err error) {
	body, err := t.tell("/figures")
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(body, &f)
}

// tell gives what a target tells of itself.
func (t *target) tell(path string) ([]byte, error) {
	r, err := http.Get("http://" + t.debug + path)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s%s: %s", t.kind, path, body)
	}
	return body, err
}

// serve is a target: it answers until its standard input ends.
func serve(ctx context.Context, kind, url string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	debug, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: url, ApplicationName: "bench " + kind, StatementTimeout: postgres.ReadTimeout})
	if err != nil {
		return err
	}
	defer pool.Close()

	var run func(context.Context, net.Listener) error
	var statements func() int64
	switch kind {
	case "planned", "cached":
		product, planner, err := newProduct(ctx, pool, kind == "cached")
		if err != nil {
			return err
		}
		run, statements = product.Run, planner.Statements
	case "writers":
		h := &writers{pool}
		run = func(_ context.Context, l net.Listener) error { return http.Serve(l, h) }
		statements = func() int64 { return 0 }
	default:
		h := &handlers{kind: kind, pool: pool, known: map[string][]byte{}}
		run = func(_ context.Context, l net.Listener) error { return http.Serve(l, h) }
		statements = h.statements.Load
	}
	go func() { _ = http.Serve(debug, debugging(statements)) }() // as long as the process
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
		listener.Close()
	}()
	fmt.Println(listener.Addr(), debug.Addr())
	if err := run(ctx, listener); ctx.Err() == nil {
		return err
	}
	return nil
}

// newProduct wires the server as cmd/stadtgraph does, with its cache or without. It
// writes its log, but nobody keeps it.
func newProduct(ctx context.Context, pool *pgxpool.Pool, cached bool) (*server.Server, *plan.Planner, error) {
	catalogue, err := graph.Catalogue()
	if err != nil {
		return nil, nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, nil, err
	}
	writable, err := graph.Writable(catalogue)
	if err != nil {
		return nil, nil, err
	}
	planner := plan.New(catalogue, pool, postgres.Prepares(pool))
	var answers *cache.Cache
	if cached {
		answers = cache.New(64<<20, change.Log{Pool: pool}, catalogue.Prefix)
		go answers.Follow(ctx)
		answers.Sync(ctx)
	}
	metrics := metric.New()
	metrics.Pool("reading", pool)
	places := int(pool.Config().MaxConns)
	reserved := max(1, places/4)
	product, err := server.New(server.Config{
		Executor:     graph.NewExecutor(planner).Writes(write.NewWriter(writable, pool)),
		Authenticate: (&auth.Gate{DB: pool}).Authenticate,
		Cache:        answers,
		Database:     pool,
		Migrations:   migrations.FS,
		SDL:          graph.SDL(),

		Places:        places - reserved,
		Reserved:      reserved,
		QueueTime:     500 * time.Millisecond,
		Metrics:       metrics,
		SlowStatement: 500 * time.Millisecond,
		Log:           slog.New(server.LogHandler(slog.NewJSONHandler(null, nil))),
	})
	return product, planner, err
}

// debugging answers what a process counts of itself, and profiles it.
func debugging(statements func() int64) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/figures", func(w http.ResponseWriter, _ *http.Request) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		_ = json.NewEncoder(w).Encode(figures{m.Mallocs, m.TotalAlloc, statements()})
	})
	var profile bytes.Buffer
	mux.HandleFunc("/profile/start", func(w http.ResponseWriter, _ *http.Request) {
		if err := pprof.StartCPUProfile(&profile); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("/profile/stop", func(w http.ResponseWriter, _ *http.Request) {
		pprof.StopCPUProfile()
		_, _ = w.Write(profile.Bytes())
	})
	return mux
}
