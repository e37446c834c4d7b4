package server_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rs/zerolog"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/metric"
	"stadtgraph/internal/pglocal"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/server"
	"stadtgraph/internal/write"
)

// pools are those of a program.
type pools struct{ reading, writing, health *pgxpool.Pool }

func backend(t *testing.T, url string, connections int32) pools {
	t.Helper()
	open := func(c postgres.Config) *pgxpool.Pool {
		c.URL = url
		pool, err := postgres.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	return pools{
		reading: open(postgres.Config{MaxConns: connections, StatementTimeout: postgres.ReadTimeout}),
		writing: open(postgres.Config{MaxConns: connections, ApplicationName: "stadtgraph writing", StatementTimeout: postgres.WriteTimeout}),
		health:  open(postgres.Config{MaxConns: 2, ApplicationName: "stadtgraph health"}),
	}
}

// config is a server that reads and writes, as a program has it.
func (p pools) config(t *testing.T) server.Config {
	t.Helper()
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	writable, err := graph.Writable(read)
	if err != nil {
		t.Fatal(err)
	}
	c := config(t)
	c.Executor = graph.NewExecutor(plan.New(read, p.reading, true)).Writes(write.NewWriter(writable, p.writing))
	c.Authenticate = (&auth.Gate{DB: p.writing}).Authenticate
	c.Database = p.health
	c.Metrics = metric.New()
	return c
}

// token makes one of a role.
func (p pools) token(t *testing.T, role auth.Role) string {
	t.Helper()
	tx, err := p.writing.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := auth.CreateToken(t.Context(), tx, auth.Params{Name: "fault", Role: role})
	if err == nil {
		err = tx.Commit(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

const createOne = `mutation($title: String!, $body: String) { createArticle(input: {article: {kind: NEWS, title: $title, body: $body}}) { article { id } userErrors { message } } }`

// answered is what one request got.
type answered struct {
	code string // of the first error; "" if there is none
	took time.Duration
}

// patrol asks, and writes, all the time, and checks that every answer is one that a
// caller may get.
type patrol struct {
	t           *testing.T
	base, token string
	stop        atomic.Bool
	wait        sync.WaitGroup

	mu      sync.Mutex
	read    []answered
	wrote   []answered
	written []string // titles that were acknowledged
}

// deadline is that of an operation, and a little for a machine that is busy.
const deadline = 12 * time.Second

func startPatrol(t *testing.T, base, token string, readers, writers int) *patrol {
	t.Helper()
	p := &patrol{t: t, base: base, token: token}
	for range readers {
		p.wait.Go(func() {
			for !p.stop.Load() {
				p.look()
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	for w := range writers {
		p.wait.Go(func() {
			for i := 0; !p.stop.Load(); i++ {
				p.write(fmt.Sprintf("Meldung %d-%d", w, i), "")
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	return p
}

func (p *patrol) look() answered {
	begun := time.Now()
	got := post(p.t, p.base, `{ articles(first: 1) { totalCount nodes { title } } }`, nil)
	a := p.judge(got, time.Since(begun))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = append(p.read, a)
	return a
}

func (p *patrol) write(title, body string) answered {
	begun := time.Now()
	got := post(p.t, p.base, createOne, map[string]any{"title": title, "body": body}, "Authorization", "Bearer "+p.token)
	a := p.judge(got, time.Since(begun))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrote = append(p.wrote, a)
	if a.code == "" {
		p.written = append(p.written, title)
	}
	return a
}

func (p *patrol) judge(got reply, took time.Duration) answered {
	var answer struct{ Errors []answerError }
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		p.t.Errorf("%s %q: %v", got.Status, got.body, err)
		return answered{"none", took}
	}
	a := answered{took: took}
	for _, e := range answer.Errors {
		a.code, _ = e.Extensions["code"].(string)
		if !slices.Contains([]string{"SERVICE_UNAVAILABLE", "TIMEOUT"}, a.code) || ours.MatchString(e.Message) || !strings.Contains(strings.ToLower(e.Message), "try again") && a.code != "TIMEOUT" {
			p.t.Errorf("somebody was told %s", got.body)
		}
	}
	if took > deadline {
		p.t.Errorf("%q came after %s", got.body, took)
	}
	return a
}

// worst gives the codes of answers since the last time, and the longest of them.
func (p *patrol) worst() (reading, writing map[string]int, longest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	count := func(all []answered) map[string]int {
		codes := map[string]int{}
		for _, a := range all {
			codes[a.code]++
			longest = max(longest, a.took)
		}
		return codes
	}
	reading, writing = count(p.read), count(p.wrote)
	p.read, p.wrote = nil, nil
	return reading, writing, longest
}

// heals waits until reading, writing and readiness are as ever.
func (p *patrol) heals(within time.Duration) {
	p.t.Helper()
	begun := time.Now()
	for {
		ready := do(p.t, http.MethodGet, p.base+"/readyz", "").StatusCode
		read, wrote := p.look(), p.write(fmt.Sprintf("Danach %d", time.Now().UnixNano()), "")
		if ready == http.StatusOK && read.code == "" && wrote.code == "" {
			p.t.Logf("well again %s after the fault was mended", time.Since(begun).Round(time.Millisecond))
			return
		}
		if time.Since(begun) > within {
			p.t.Fatalf("after %s: readyz %d, reading %q, writing %q", within, ready, read.code, wrote.code)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// unready waits until readiness says no, and liveness does not.
func (p *patrol) unready(within time.Duration) {
	p.t.Helper()
	for begun := time.Now(); do(p.t, http.MethodGet, p.base+"/readyz", "").StatusCode != http.StatusServiceUnavailable; {
		if time.Since(begun) > within {
			p.t.Fatalf("readyz says yes after %s", within)
		}
	}
	if got := do(p.t, http.MethodGet, p.base+"/livez", ""); got.StatusCode != http.StatusOK {
		p.t.Errorf("livez: %s", got.Status)
	}
}

// end stops asking, and checks that all is there that was acknowledged.
func (p *patrol) end(pool *pgxpool.Pool) {
	p.t.Helper()
	p.stop.Store(true)
	p.wait.Wait()
	var missing []string
	if err := pool.QueryRow(p.t.Context(), `SELECT array_agg(w) FROM unnest($1::text[]) w WHERE NOT EXISTS (SELECT FROM article a WHERE a.title = w)`,
		p.written).Scan(&missing); err != nil {
		p.t.Fatal(err)
	}
	if len(missing) > 0 {
		p.t.Errorf("of %d that were acknowledged these are lost: %q", len(p.written), missing)
	}
}

// Postgres is stopped and started, and killed and started, under load.
func TestPostgresRestarts(t *testing.T) {
	t.Parallel()
	cluster := &pglocal.Config{}
	db := pgtest.Own(t, cluster)
	b := backend(t, db.URL(pglocal.Database), 4)
	c := b.config(t)
	c.Places, c.Reserved, c.QueueTime = 3, 1, time.Second
	base := start(t, c)
	p := startPatrol(t, base, b.token(t, auth.Editor), 3, 2)
	again := func() {
		t.Helper()
		var err error
		if db, err = pglocal.Start(t.Context(), *cluster); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Stop(context.Background()) })
	}
	time.Sleep(200 * time.Millisecond)

	if err := db.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	again()
	p.heals(10 * time.Second)
	reading, writing, longest := p.worst()
	t.Logf("restarted: reading %v, writing %v, longest %s", reading, writing, longest)

	text, err := os.ReadFile(filepath.Join(cluster.DataDir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	<-db.Done()
	_ = db.Stop(t.Context())
	p.unready(5 * time.Second)
	again()
	p.heals(10 * time.Second)
	reading, writing, longest = p.worst()
	t.Logf("killed: reading %v, writing %v, longest %s", reading, writing, longest)
	p.end(b.writing)
}

// proxied is a server whose network to Postgres a test can break.
func proxied(t *testing.T, connections int32) (*toxiproxy.Proxy, pools, server.Config) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	db := pgtest.Own(t, &pglocal.Config{Volatile: true, Port: port})
	u, err := url.Parse(db.TCPURL(pglocal.Database))
	if err != nil {
		t.Fatal(err)
	}
	proxy := toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "postgres", "127.0.0.1:0", u.Host)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	u.Host = proxy.Listen
	b := backend(t, u.String(), connections)
	return proxy, b, b.config(t)
}

func poison(t *testing.T, proxy *toxiproxy.Proxy, toxic string) {
	t.Helper()
	if _, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		t.Fatal(err)
	}
}

// The network to Postgres swallows everything, is slow, breaks connections, is gone.
func TestNetwork(t *testing.T) {
	t.Parallel()
	proxy, b, c := proxied(t, 4)
	c.Places, c.Reserved, c.QueueTime = 3, 1, time.Second
	p := startPatrol(t, start(t, c), b.token(t, auth.Editor), 3, 1)
	time.Sleep(200 * time.Millisecond)
	report := func(what string) (reading, writing map[string]int) {
		reading, writing, longest := p.worst()
		t.Logf("%s: reading %v, writing %v, longest %s", what, reading, writing, longest.Round(time.Millisecond))
		return reading, writing
	}
	report("before")

	poison(t, proxy, `{"name": "slow", "type": "latency", "stream": "downstream", "attributes": {"latency": 100, "jitter": 50}}`)
	time.Sleep(time.Second)
	proxy.Toxics.ResetToxics(t.Context())
	p.heals(5 * time.Second)
	if reading, writing := report("latency"); len(reading) != 1 || len(writing) != 1 {
		t.Error("a network that is slow is an error")
	}

	poison(t, proxy, `{"name": "reset", "type": "reset_peer", "attributes": {"timeout": 50}}`)
	time.Sleep(time.Second)
	proxy.Toxics.ResetToxics(t.Context())
	p.heals(5 * time.Second)
	report("reset")

	proxy.Stop()
	p.unready(5 * time.Second)
	for range 3 {
		if a := p.look(); a.code != "SERVICE_UNAVAILABLE" || a.took > 4*time.Second {
			t.Errorf("with nobody there: %+v", a)
		}
	}
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	p.heals(5 * time.Second)
	report("gone")

	poison(t, proxy, `{"name": "hole", "type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`)
	poison(t, proxy, `{"name": "hole, too", "type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`)
	p.unready(5 * time.Second)
	if a := p.look(); a.code == "" {
		t.Error("somebody answers from the black hole")
	}
	if text := scrape(t, c.Metrics); !strings.Contains(text, "stadtgraph_graphql_running") {
		t.Errorf("no metrics during an outage: %s", text)
	}
	proxy.Toxics.ResetToxics(t.Context())
	p.heals(15 * time.Second)
	report("black hole")
	p.end(b.health)
}

// Somebody else holds all connections that Postgres has, or that the pool has.
func TestExhaustion(t *testing.T) {
	t.Parallel()
	b := backend(t, pgtest.URL(t), 2)
	c := b.config(t)
	p := startPatrol(t, start(t, c), b.token(t, auth.Editor), 0, 0)
	var held []*pgxpool.Conn
	for _, pool := range []*pgxpool.Pool{b.reading, b.reading} {
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	if a := p.look(); a.code != "SERVICE_UNAVAILABLE" || a.took > 4*time.Second {
		t.Errorf("without a connection: %+v", a)
	}
	if got := do(t, http.MethodGet, p.base+"/readyz", ""); got.StatusCode != http.StatusOK {
		t.Errorf("readyz: %s", got.Status)
	}
	for _, conn := range held {
		conn.Release()
	}
	p.heals(time.Second)
	p.end(b.health)
}

// The disk is full: what is to be written is refused, what is there is read, and when
// there is room again all is well.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 160<<20)
	db := pgtest.Own(t, &pglocal.Config{DataDir: filepath.Join(disk, "data"),
		Settings: map[string]string{"wal_recycle": "off", "min_wal_size": "32MB", "max_wal_size": "32MB", "autovacuum": "off"}})
	b := backend(t, db.URL(pglocal.Database), 4)
	p := startPatrol(t, start(t, b.config(t)), b.token(t, auth.Editor), 1, 0)
	body := func() string { return strings.Repeat(rand.Text()+" ", 2000) } // 54 KB that nothing makes smaller
	// The file to which the log of writes goes must not end here: where Postgres finds no
	// room for the next one it stops, and starts again only when somebody makes room.
	for offset := 1 << 30; offset > 8<<20; {
		if a := p.write("Davor", body()); a.code != "" {
			t.Fatalf("before: %+v", a)
		}
		if err := b.reading.QueryRow(t.Context(), `SELECT file_offset FROM pg_walfile_name_offset(pg_current_wal_insert_lsn())`).Scan(&offset); err != nil {
			t.Fatal(err)
		}
	}
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	full := false
	for i := range 200 {
		if a := p.write(fmt.Sprintf("Voll %d", i), body()); a.code != "" {
			full = true
			if a.code != "SERVICE_UNAVAILABLE" {
				t.Errorf("on a full disk: %+v", a)
			}
			break
		}
	}
	if !full {
		t.Fatal("the disk was never full")
	}
	if a := p.look(); a.code != "" {
		t.Errorf("on a full disk nothing is read: %+v", a)
	}
	if got := do(t, http.MethodGet, p.base+"/readyz", ""); got.StatusCode != http.StatusOK {
		t.Errorf("readyz: %s %s", got.Status, got.body)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	p.heals(10 * time.Second)
	p.end(b.health)
}

// fill writes until nothing more fits.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096} {
		block := make([]byte, size)
		for err == nil {
			_, err = f.Write(block)
		}
		err = nil
	}
}
