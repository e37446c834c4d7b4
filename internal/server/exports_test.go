package server_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/zstd"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/export"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/pgtest/shipped"
	"stadtgraph/internal/server"
)

// exporting is a server that exports, on a database.
func exporting(t testing.TB, pool *pgxpool.Pool) server.Config {
	t.Helper()
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	writable, err := graph.Writable(read)
	if err != nil {
		t.Fatal(err)
	}
	library, err := export.New(read, writable, pool)
	if err != nil {
		t.Fatal(err)
	}
	c := config(t)
	c.Exports = server.Exports{Library: library}
	c.Authenticate = func(_ context.Context, token string) (*auth.Actor, error) {
		if token != "sgt_admin" {
			return nil, fault.New(fault.Unauthenticated, "This token is not known.")
		}
		return &auth.Actor{Name: "admin", Role: auth.Admin}, nil
	}
	return c
}

// uncompressed undoes the coding of an answer.
func uncompressed(t *testing.T, r reply) string {
	t.Helper()
	in := io.Reader(strings.NewReader(r.body))
	var err error
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		in, err = gzip.NewReader(in)
	case "zstd":
		in, err = zstd.NewReader(in)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExports(t *testing.T) {
	t.Parallel()
	base := start(t, exporting(t, shipped.DB(t)))
	var index struct {
		Exports []struct {
			Name, Type, Format, MediaType, URL string
			Rows                               int
		}
		Attributions []struct{ Text, License string }
		Cursor       string
	}
	list := do(t, http.MethodGet, base+"/export", "")
	if err := json.Unmarshal([]byte(list.body), &index); err != nil || len(index.Exports) < 30 || len(index.Attributions) == 0 || index.Cursor == "" {
		t.Fatalf("%v %s", err, list.body)
	}
	for i, e := range index.Exports {
		if e.Type == "Municipality" || e.Name == "all" { // long; once below
			continue
		}
		coding := []string{"identity", "gzip", "zstd"}[i%3]
		got := do(t, http.MethodGet, base+e.URL, "", "Accept-Encoding", coding)
		text := uncompressed(t, got)
		rows := strings.Count(text, "\n") - 1 // one line is the last or the first
		switch e.Format {
		case "csv":
			all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
			if rows = len(all) - 1; err != nil {
				t.Error(err)
			}
		case "ndjson":
			if !strings.HasSuffix(text, `{"type":"Cursor","cursor":"`+index.Cursor+`"}`+"\n") {
				t.Errorf("%s ends with %q", e.URL, text[max(0, len(text)-200):])
			}
		}
		h := got.Header
		if got.StatusCode != http.StatusOK || rows != e.Rows || h.Get("Content-Type") != e.MediaType || h.Get("Change-Cursor") != index.Cursor ||
			h.Get("Content-Disposition") != fmt.Sprintf(`attachment; filename="%s.%s"`, e.Name, e.Format) {
			t.Errorf("%s: %s, %d rows of %d, %v", e.URL, got.Status, rows, e.Rows, h)
		}
	}
	first := do(t, http.MethodGet, base+"/export/topics.ndjson", "")
	for _, have := range []struct {
		etag, path, token string
		want              int
	}{
		{first.Header.Get("ETag"), "topics.ndjson", "", http.StatusNotModified},
		{first.Header.Get("ETag"), "topics.ndjson", "sgt_admin", http.StatusOK},
		{first.Header.Get("ETag"), "topics.csv", "", http.StatusOK},
		{`"other"`, "topics.ndjson", "", http.StatusOK},
	} {
		headers := []string{"If-None-Match", have.etag}
		if have.token != "" {
			headers = append(headers, "Authorization", "Bearer "+have.token)
		}
		if got := do(t, http.MethodGet, base+"/export/"+have.path, "", headers...); got.StatusCode != have.want {
			t.Errorf("%+v: %s", have, got.Status)
		}
	}
	if head := do(t, http.MethodHead, base+"/export/all.ndjson", ""); head.StatusCode != http.StatusOK || head.Header.Get("Change-Cursor") != index.Cursor || head.body != "" {
		t.Errorf("HEAD: %s %v %q", head.Status, head.Header, head.body)
	}
	topic := regexp.MustCompile(`topic_[0-9a-z]+`).FindString(first.body)
	for path, want := range map[string]int{
		"/export/nothing.ndjson":                           http.StatusNotFound,
		"/export/Topic.ndjson":                             http.StatusNotFound,
		"/export/topics":                                   http.StatusNotFound,
		"/export/topics.geojson":                           http.StatusNotFound,
		"/export/all.csv":                                  http.StatusNotFound,
		"/export/comment-rules.ndjson":                     http.StatusNotFound,
		"/export/topics.ndjson?after=x":                    http.StatusBadRequest,
		"/export/strategies.ndjson?after=" + topic:         http.StatusBadRequest,
		"/export/all.ndjson?after=" + topic:                http.StatusBadRequest,
		"/export/topics.ndjson?after=" + topic + "&after=": http.StatusBadRequest,
		"/export/topics.ndjson?variant=excel":              http.StatusBadRequest,
		"/export/topics.csv?variant=calc":                  http.StatusBadRequest,
		"/export/topics.csv?first=7":                       http.StatusBadRequest,
		"/export?first=7":                                  http.StatusBadRequest,
		"/export/topics.csv?%zz":                           http.StatusBadRequest,
	} {
		got := do(t, http.MethodGet, base+path, "")
		var problem struct{ Detail string }
		if err := json.Unmarshal([]byte(got.body), &problem); err != nil || got.StatusCode != want || problem.Detail == "" || ours.MatchString(problem.Detail) {
			t.Errorf("%s: %s %s", path, got.Status, got.body)
		}
	}
	if got := do(t, http.MethodGet, base+"/export/topics.ndjson", "", "Authorization", "Bearer sgt_other"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("another token: %s", got.Status)
	}
	if got := do(t, http.MethodPost, base+"/export/topics.ndjson", "{}"); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", got.Status)
	}
}

// TestExportBudget: rows cost, and whoever has taken many waits.
func TestExportBudget(t *testing.T) {
	t.Parallel()
	c := exporting(t, shipped.DB(t))
	c.Budgets.Anonymous = 10_000
	base := start(t, c)
	if got := do(t, http.MethodGet, base+"/export/municipalities.ndjson", ""); got.StatusCode != http.StatusOK {
		t.Fatal(got.Status)
	}
	if got := do(t, http.MethodGet, base+"/export/topics.ndjson", ""); got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
		t.Errorf("after 12,500 rows: %s", got.Status)
	}
}

// slowReader asks for an export and reads its first line alone.
func slowReader(t *testing.T, base, path string) (*bufio.Reader, net.Conn) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReaderSize(conn, 4<<10)
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("%q %v", line, err)
	}
	return r, conn
}

// exportsOf is how many connections of a database are busy with an export.
func exportsOf(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
 AND query LIKE '%ORDER BY t1.id' AND state <> 'idle'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestExportClients: of clients that read slowly only some are served at once, one that
// has left takes nothing any more, and one that takes too long is cut off, which it
// sees.
func TestExportClients(t *testing.T) {
	t.Parallel()
	pool := shipped.Copy(t)
	// More than the buffers of sockets hold.
	exec(t, pool, `INSERT INTO topic (id, slug, name, scheme, synonyms) SELECT gen_random_uuid(), 'long-' || n, 'Long ' || n, 'KEYWORD', ARRAY(SELECT repeat(md5(m::text), 10) FROM generate_series(1, 30) m) FROM generate_series(1, 4000) n`)
	c := exporting(t, pool)
	c.Exports.Max, c.Exports.MaxPerClient, c.Exports.WriteTimeout = 1, 1, 20*time.Second
	base := start(t, c)
	_, conn := slowReader(t, base, "/export/topics.ndjson")
	busy := do(t, http.MethodGet, base+"/export/states.ndjson", "")
	if busy.StatusCode != http.StatusServiceUnavailable || busy.Header.Get("Retry-After") == "" {
		t.Errorf("while another export runs: %s", busy.Status)
	}
	if n := exportsOf(t, pool); n != 1 {
		t.Errorf("%d exports run", n)
	}
	_ = conn.Close()
	for range 500 {
		if exportsOf(t, pool) == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := exportsOf(t, pool); n != 0 {
		t.Errorf("%d exports run whose client has left", n)
	}

	c.Exports.WriteTimeout = 50 * time.Millisecond
	base = start(t, c)
	r, _ := slowReader(t, base, "/export/topics.ndjson")
	for range 500 {
		if exportsOf(t, pool) == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	rest, err := io.ReadAll(r)
	if err == nil && strings.HasSuffix(string(rest), "0\r\n\r\n") || strings.Contains(string(rest), `"type":"Cursor"`) {
		t.Errorf("what was cut off after %d bytes looks whole: %v", len(rest), err)
	}

	// In the middle of it the database goes away.
	c.Exports.WriteTimeout = 20 * time.Second
	base = start(t, c)
	response, err := http.Get(base + "/export/topics.ndjson") //nolint:noctx // it is read to its end
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadFull(response.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	exec(t, pool, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%ORDER BY t1.id'`)
	if _, err := io.Copy(io.Discard, response.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an export that was broken off ends with %v", err)
	}
}
