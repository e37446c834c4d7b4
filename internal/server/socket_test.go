package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"stadtgraph/internal/server"
)

// The bounds of these tests: what takes longer is closed.
const (
	headerTime = 300 * time.Millisecond
	readTime   = 600 * time.Millisecond
	writeTime  = time.Second
	idleTime   = 500 * time.Millisecond
	sockets    = 40
)

// listening serves on a socket of its own, as impatiently as above.
func listening(t *testing.T, c server.Config) string {
	t.Helper()
	s, err := server.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Hasten(headerTime, readTime, writeTime, idleTime, sockets)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- s.Run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func dialed(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// closes reads until the server closes the connection, and gives what came before.
func closes(t *testing.T, conn net.Conn, within time.Duration) string {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(within))
	got, err := io.ReadAll(conn)
	if err, ok := err.(net.Error); ok && err.Timeout() { //nolint:errorlint // as it comes from a connection
		t.Errorf("it is still open after %s", within)
	}
	return string(got)
}

// Clients that are slow, or hostile, are cut off in time, and nobody else waits for
// them: not even for the one place that there is.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Places, c.QueueTime = 1, time.Second
	address := listening(t, c)
	const head = "POST /graphql HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\n"
	for name, hostile := range map[string]struct {
		send   string
		drip   string // then this, again and again
		within time.Duration
		answer string // part of what it gets
	}{
		"nothing at all":        {"", "", headerTime, ""},
		"a header that drips":   {head, "X-A: b\r\n", headerTime, ""},
		"a body that drips":     {head + "Content-Length: 100000\r\n\r\n{", " ", readTime, "HTTP/1.1 400"},
		"half a body":           {head + "Content-Length: 1000\r\n\r\n" + `{"query": "{`, "", readTime, "HTTP/1.1 400"},
		"half a chunk":          {head + "Transfer-Encoding: chunked\r\n\r\n1000\r\n{", "", readTime, "HTTP/1.1 400"},
		"idle after an answer":  {"GET /livez HTTP/1.1\r\nHost: a.example\r\n\r\n", "", idleTime, "HTTP/1.1 200"},
		"a huge header":         {head + "X-A: " + strings.Repeat("b", 2*server.MaxHeaderBytes) + "\r\n\r\n", "", headerTime, "HTTP/1.1 431"},
		"a flood of headers":    {head + strings.Repeat("X-A: b\r\n", server.MaxHeaderBytes/4) + "\r\n", "", headerTime, "HTTP/1.1 431"},
		"a long request line":   {"GET /graphql?query=" + strings.Repeat("a", 2*server.MaxHeaderBytes) + " HTTP/1.1\r\nHost: a.example\r\n\r\n", "", headerTime, "HTTP/1.1 431"},
		"two lengths":           {head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "", headerTime, "HTTP/1.1 400"},
		"no HTTP":               {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "", headerTime, "HTTP/1.1 400"},
		"a body without an end": {head + "Transfer-Encoding: chunked\r\n\r\n", strings.Repeat("fff\r\n"+strings.Repeat(" ", 0xfff)+"\r\n", 10), readTime, "HTTP/1.1 413"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dialed(t, address)
			start := time.Now()
			if _, err := io.WriteString(conn, hostile.send); err != nil {
				t.Log(err) // it was closed already
			}
			if hostile.drip != "" {
				go func() {
					for {
						if _, err := io.WriteString(conn, hostile.drip); err != nil {
							return
						}
						time.Sleep(20 * time.Millisecond)
					}
				}()
			}
			got := closes(t, conn, hostile.within+3*time.Second)
			if !strings.Contains(got, hostile.answer) || hostile.answer == "" && got != "" {
				t.Errorf("after %s it got %.300q, want %q", time.Since(start), got, hostile.answer)
			}
			if strings.Count(got, "HTTP/1.1") > 1 && !strings.Contains(got, "Connection: close") {
				t.Errorf("it was answered twice: %.300q", got)
			}
		})
		t.Run(name+", and the others", func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			if got := post(t, "http://"+address, `{ states { totalCount } }`, nil); got.StatusCode != http.StatusOK {
				t.Errorf("%s %s", got.Status, got.body)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// A client that does not read its answer keeps no place, and is cut off.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Places, c.QueueTime = 1, 100*time.Millisecond
	address := listening(t, c)
	// More than what buffers of sockets hold, after a few of them.
	var query strings.Builder
	for i := range 10 {
		fmt.Fprintf(&query, "a%d: municipalities(first: 100) { nodes { id name key population state { id name } } } ", i)
	}
	request := fmt.Sprintf(`{"query": "{ %s }"}`, &query)
	cut := make(chan struct{})
	const slow = 3
	for range slow {
		conn := dialed(t, address)
		if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		go func() {
			for { // pipelined, and never read
				if _, err := fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(request), request); err != nil {
					cut <- struct{}{}
					return
				}
			}
		}()
	}
	late := time.After(20 * time.Second)
	for left := slow; left > 0; {
		start := time.Now()
		if got := post(t, "http://"+address, `{ states { totalCount } }`, nil); got.StatusCode != http.StatusOK && got.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s %s", got.Status, got.body)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("another one waited for %s", took)
		}
		select {
		case <-cut:
			left--
		case <-late:
			t.Fatalf("%d are still open", left)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Requests that come before the answer to the one before are answered in order.
func TestPipelining(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Places, c.QueueTime = 1, time.Second
	conn := dialed(t, listening(t, c))
	const many = 50
	go func() {
		for i := range many {
			body := fmt.Sprintf(`{"query": "{ a%d: __typename states { totalCount } }"}`, i)
			fmt.Fprintf(conn, "POST /graphql HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		}
	}()
	in := bufio.NewReader(conn)
	for i := range many {
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(i, err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK || !strings.Contains(string(body), fmt.Sprintf(`"a%d":`, i)) {
			t.Fatalf("%d: %s %s %v", i, r.Status, body, err)
		}
	}
}

// However many sockets somebody opens and leaves, the next one is answered, and what
// they hold is bounded.
func TestIdleSockets(t *testing.T) {
	c := config(t)
	address := listening(t, c)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	open := make([]net.Conn, 0, 10*sockets)
	for i := range cap(open) {
		conn := dialed(t, address)
		if i%2 == 0 { // half of them have sent something
			_, _ = io.WriteString(conn, "GET /livez HTTP/1.1\r\n")
		}
		open = append(open, conn)
		if i%100 != 99 {
			continue
		}
		start := time.Now()
		if got := do(t, http.MethodGet, "http://"+address+"/readyz", ""); got.StatusCode != http.StatusOK {
			t.Errorf("%s %s", got.Status, got.body)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("with %d sockets open readyz took %s", len(open), took)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse+after.StackInuse) - int64(before.HeapInuse+before.StackInuse); grown > 16<<20 {
		t.Errorf("%d sockets take %d KB", len(open), grown>>10)
	}
	for _, conn := range open {
		closes(t, conn, headerTime+3*time.Second)
	}
}
