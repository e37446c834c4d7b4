package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/jackc/pgx/v5"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/server"
)

// TestResume: whoever comes back again and again, over either transport, while others
// write and commit in another order than they began, gets each event once.
func TestResume(t *testing.T) {
	t.Parallel()
	c, pool, _ := following(t)
	base := start(t, c)
	const writers, each = 8, 25
	begin := listen(t, base, articles, nil).begun()
	publish(t, pool, 9999)
	_, cursor := begin.title()
	begin.cancel()

	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				n := 1 + w*each + i
				tx, err := pool.Begin(context.Background())
				if err == nil {
					_, err = tx.Exec(context.Background(), `INSERT INTO article (id, slug, kind, title, publication_status, published_at) VALUES ($1, $2, 'NEWS', $2, 'PUBLISHED', now())`, articleKey(n), fmt.Sprintf("a%d", n))
				}
				time.Sleep(time.Duration((w*7+i*3)%11) * time.Millisecond)
				if err == nil {
					err = tx.Commit(context.Background())
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	orders := make([][]string, 4)
	var readers sync.WaitGroup
	for r := range orders {
		readers.Go(func() {
			at := cursor
			for len(orders[r]) < writers*each && !t.Failed() {
				var title string
				if r%2 == 0 {
					e := listen(t, base, articles, nil, "Last-Event-ID", at)
					for range 3 + r*5 {
						if title, at = e.title(); true {
							orders[r] = append(orders[r], title)
						}
						if len(orders[r]) == writers*each {
							break
						}
					}
					e.cancel()
					continue
				}
				s := greet(t, base)
				s.subscribe("1", articles, map[string]any{"after": at})
				for range 2 + r*7 {
					title, at = s.event()
					orders[r] = append(orders[r], title)
					if len(orders[r]) == writers*each {
						break
					}
				}
				_ = s.conn.CloseNow()
			}
		})
	}
	group.Wait()
	readers.Wait()
	seen := map[string]bool{}
	for _, title := range orders[0] {
		if seen[title] {
			t.Errorf("%s came twice", title)
		}
		seen[title] = true
	}
	if len(seen) != writers*each {
		t.Errorf("%d came of %d", len(seen), writers*each)
	}
	for r := range orders {
		if fmt.Sprint(orders[r]) != fmt.Sprint(orders[0]) {
			t.Errorf("reader %d has another order:\n%v\n%v", r, orders[r], orders[0])
		}
	}
}

// TestExpired: a cursor that is too old, or of another database, is refused with a code.
func TestExpired(t *testing.T) {
	t.Parallel()
	c, pool, _ := following(t)
	base := start(t, c)
	e := listen(t, base, articles, nil).begun()
	publish(t, pool, 1)
	_, cursor := e.title()
	publish(t, pool, 2)
	e.title()
	exec(t, pool, `SELECT history_forget(now() + interval '1 hour', now() + interval '1 hour')`)
	other, otherPool, _ := following(t)
	elsewhere := start(t, other)
	publish(t, otherPool, 1)
	for _, at := range []string{base, elsewhere} {
		// The first hub has it in memory still; a restarted one has not.
		if at == base {
			fresh := c
			planner := plannerOver(t, pool)
			fresh.Executor = graph.NewExecutor(planner).Follows(running(t, pool), planner)
			at = start(t, fresh)
		}
		s := greet(t, at)
		s.subscribe("1", articles, map[string]any{"after": cursor})
		if m := s.read(); m.Type != "error" || !strings.Contains(string(m.Payload), "CURSOR_EXPIRED") {
			t.Errorf("got %+v %s", m, m.Payload)
		}
		if got, _ := listen(t, at, articles, nil, "Last-Event-ID", cursor).next(); !strings.Contains(got.data, "CURSOR_EXPIRED") {
			t.Errorf("got %+v", got)
		}
	}
}

// TestToken: a stream ends soon after its token is revoked, and nobody else's does.
func TestToken(t *testing.T) {
	t.Parallel()
	c, pool, _ := following(t)
	c.Streams.Recheck, c.Streams.Heartbeat = 50*time.Millisecond, 3*time.Second // a busy machine answers a ping in that time
	base := start(t, c)
	secret, id := newToken(t, pool, "reader", auth.Reader)
	public := greet(t, base)
	public.subscribe("1", articles, nil)
	byHeader := greet(t, base, "Authorization", "Bearer "+secret)
	byMessage := dial(t, base)
	byMessage.send(`{"type":"connection_init","payload":{"Authorization":"bearer ` + secret + `"}}`)
	byMessage.read()
	stream := listen(t, base, articles, nil, "Authorization", "Bearer "+secret).begun()
	for _, s := range []*socket{byHeader, byMessage} {
		s.subscribe("who", `{ viewer { name } }`, nil)
		if m := s.read(); string(m.Payload) != `{"data":{"viewer":{"name":"reader"}}}` {
			t.Errorf("got %s", m.Payload)
		}
	}
	exec(t, pool, `UPDATE api_token SET revoked_at = now() WHERE id = $1`, [16]byte(id))
	for _, s := range []*socket{byHeader, byMessage} {
		if got := s.closed(); got.Code != 4403 || !strings.Contains(got.Reason, "revoked") {
			t.Errorf("got %d %q", got.Code, got.Reason)
		}
	}
	if got, _ := stream.next(); !strings.Contains(got.data, "UNAUTHENTICATED") || !strings.Contains(got.data, "revoked") {
		t.Errorf("got %+v", got)
	}
	if got, _ := stream.next(); got.event != "complete" {
		t.Errorf("got %+v", got)
	}
	publish(t, pool, 1)
	if title, _ := public.event(); title != "a1" {
		t.Errorf("got %q", title)
	}
}

// TestGoingAway: a server that stops tells its streams, and does not wait for them.
func TestGoingAway(t *testing.T) {
	t.Parallel()
	c, _, _ := following(t)
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, listener) }()
	base := "http://" + listener.Addr().String()
	client := greet(t, base)
	client.subscribe("1", articles, nil)
	stream := listen(t, base, articles, nil).begun()
	stop()
	started := time.Now()
	if got := client.closed(); got.Code != websocket.StatusGoingAway {
		t.Errorf("got %d %q", got.Code, got.Reason)
	}
	if got, ok := stream.next(); ok {
		t.Errorf("got %+v, want the end: browsers connect again then", got)
	}
	if err := <-ended; err != nil || time.Since(started) > 5*time.Second {
		t.Errorf("ended after %s: %v", time.Since(started), err)
	}
}

// TestDeadlines: a stream outlives the deadlines of requests, and one whose client
// takes nothing does not.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	c, pool, _ := following(t)
	c.Streams.WriteTimeout = 200 * time.Millisecond
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(s.Handler())
	h.Config.ReadTimeout, h.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	h.Start()
	t.Cleanup(h.Close)
	stream := listen(t, h.URL, articles, nil).begun()
	client := greet(t, h.URL)
	client.subscribe("1", articles, nil)
	time.Sleep(400 * time.Millisecond)
	publish(t, pool, 1)
	if title, _ := stream.title(); title != "a1" {
		t.Errorf("got %q", title)
	}
	if title, _ := client.event(); title != "a1" {
		t.Errorf("got %q", title)
	}

	// More than the kernel keeps for a client.
	const long, many, size = `subscription { articlePublished { article { bodyHtml } } }`, 16, 900_000
	deaf := map[string]net.Conn{
		"events": rawDial(t, h.URL, "GET /graphql?query="+strings.ReplaceAll(long, " ", "%20")+" HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"),
		"socket": rawSocket(t, h.URL, long),
	}
	time.Sleep(100 * time.Millisecond)
	for i := range many {
		exec(t, pool, `INSERT INTO article (id, slug, kind, title, publication_status, published_at, body, body_html, body_text, body_contents, body_excerpt, body_renderer, body_reading_minutes)
VALUES ($1, $2, 'NEWS', $2, 'PUBLISHED', now(), 'x', repeat('x', $3), 'x', '[]', 'x', 1, 1)`, articleKey(2+i), fmt.Sprintf("a%d", 2+i), size)
	}
	for range many {
		stream.title()
	}
	time.Sleep(5 * time.Second) // what a busy machine needs until the kernel takes no more
	for what, conn := range deaf {
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := io.Copy(io.Discard, conn)
		if ne, ok := err.(net.Error); ok && ne.Timeout() || n >= many*size { //nolint:errorlint // of a connection
			t.Errorf("%s: after %d bytes it is still open (%v)", what, n, err)
		}
	}
}

func rawDial(t testing.TB, base, request string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn
}

// rawSocket is a WebSocket with a subscription of which nothing more is read: a
// client that takes no memory of its own.
func rawSocket(t testing.TB, base, query string) net.Conn {
	t.Helper()
	conn := rawDial(t, base, "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReaderSize(io.LimitReader(conn, 4096), 16), nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(response, err)
	}
	for _, m := range []string{`{"type":"connection_init"}`, `{"type":"subscribe","id":"1","payload":{"query":"` + query + `"}}`} {
		frame := []byte{0x81, 0x80 | byte(len(m)), 0, 0, 0, 0} // masked with zeros
		if len(m) > 125 {
			frame = []byte{0x81, 0x80 | 126, byte(len(m) >> 8), byte(len(m)), 0, 0, 0, 0}
		}
		if _, err := conn.Write(append(frame, m...)); err != nil {
			t.Fatal(err)
		}
	}
	return conn
}

// TestThousand: a thousand subscribers who wait take little memory, and an event that
// all of them get is read once.
func TestThousand(t *testing.T) {
	c, pool, planner := following(t)
	const each = 500
	c.Streams.MaxPerClient = 2*each + 10
	c.Streams.Heartbeat = time.Minute // rawSocket answers no ping
	base := start(t, c)
	const query = `subscription { articlePublished { cursor article { title } } }`
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	greet(t, base) // what is made once
	before := memory()
	var conns []net.Conn
	for range each {
		conns = append(conns, rawSocket(t, base, query),
			rawDial(t, base, "GET /graphql?query="+strings.ReplaceAll(query, " ", "%20")+" HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"))
	}
	time.Sleep(500 * time.Millisecond)
	per := (int64(memory()) - int64(before)) / (2 * each)
	t.Logf("%d bytes for each subscriber", per)
	if per > 64<<10 {
		t.Errorf("a subscriber who waits takes %d bytes", per)
	}
	statements := planner.Statements()
	publish(t, pool, 1)
	var group sync.WaitGroup
	for _, conn := range conns {
		group.Go(func() {
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			var got []byte
			buf := make([]byte, 1024)
			for !strings.Contains(string(got), `"title":"a1"`) {
				n, err := conn.Read(buf)
				got = append(got, buf[:n]...)
				if err != nil {
					t.Errorf("got %q, %v", got, err)
					return
				}
			}
		})
	}
	group.Wait()
	if n := planner.Statements() - statements; n != 1 {
		t.Errorf("%d subscribers of the same took %d statements", 2*each, n)
	}
	// Another role, and other variables, are others.
	secret, _ := newToken(t, pool, "reader", auth.Reader)
	reader := greet(t, base, "Authorization", "Bearer "+secret)
	reader.subscribe("1", query, nil)
	statements = planner.Statements()
	publish(t, pool, 2)
	reader.event()
	for end := time.Now().Add(patience); planner.Statements()-statements < 2 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond) // the others' may be read behind it
	}
	if n := planner.Statements() - statements; n != 2 {
		t.Errorf("%d statements for two roles", n)
	}
}

// TestOutage: while the database is away, streams stay open; then nothing is missing.
func TestOutage(t *testing.T) {
	t.Parallel()
	c, pool, _ := following(t)
	base := start(t, c)
	s := greet(t, base)
	s.subscribe("1", articles, nil)
	e := listen(t, base, articles, nil).begun()
	publish(t, pool, 1)
	s.event()
	e.title()
	// Nobody may connect, and whoever is connected is thrown out.
	var name string
	if err := pool.QueryRow(t.Context(), `SELECT current_database()`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	config := pool.Config().ConnConfig.Copy()
	config.Database = "postgres"
	admin, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	outside := func(sql string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	writer, err := pgx.ConnectConfig(t.Context(), pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close(context.WithoutCancel(t.Context()))
	var pid int
	if err := writer.QueryRow(t.Context(), `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		t.Fatal(err)
	}
	outside(`ALTER DATABASE ` + name + ` ALLOW_CONNECTIONS false`)
	outside(fmt.Sprintf(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND pid <> %d`, name, pid))
	for n := range 3 {
		if _, err := writer.Exec(t.Context(), `INSERT INTO article (id, slug, kind, title, publication_status, published_at) VALUES ($1, $2, 'NEWS', $2, 'PUBLISHED', now())`, articleKey(2+n), fmt.Sprintf("a%d", 2+n)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(1500 * time.Millisecond)
	outside(`ALTER DATABASE ` + name + ` ALLOW_CONNECTIONS true`)
	for n := range 3 {
		want := fmt.Sprintf("a%d", 2+n)
		if title, _ := s.event(); title != want {
			t.Errorf("got %q, want %q", title, want)
		}
		if title, _ := e.title(); title != want {
			t.Errorf("got %q, want %q", title, want)
		}
	}
}
