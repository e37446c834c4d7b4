package rest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/rest"
	"stadtgraph/internal/server"
	"stadtgraph/internal/stream"
	"stadtgraph/migrations"
)

// patience is how long a test waits for what has to come. Changes wait for the oldest
// transaction of the cluster, which other tests use, too.
const patience = 2 * time.Minute

// follow is a server over a database of its own.
func follow(t *testing.T) (*httptest.Server, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.DB(t)
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	planner := plan.New(catalogue, pool, true)
	hub := stream.New(pool)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { hub.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	s, err := server.New(server.Config{Executor: graph.NewExecutor(planner).Follows(hub, planner), Database: pool, Migrations: migrations.FS,
		Pages: []server.Page{rest.Changes()}, Streams: server.Streams{MaxPerClient: 3}})
	if err != nil {
		t.Fatal(err)
	}
	over := httptest.NewServer(s.Handler())
	t.Cleanup(over.Close)
	return over, pool
}

type told struct {
	Cursor, Kind, Type, ID string
	Version                int
	Deleted                bool
	Node                   map[string]any
}

type page struct {
	Changes   []told
	EndCursor string
	HasMore   bool
	Status    int
	Code      string
	Detail    string
	Parameter string
	link      string
}

func get(t *testing.T, address string) (p page) {
	t.Helper()
	response, err := http.Get(address) //nolint:noctx // it ends with the test's server
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if p.Status, p.link = response.StatusCode, response.Header.Get("Link"); p.Status != http.StatusOK && response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %s", address, response.Header.Get("Content-Type"))
	}
	return p
}

// listen reads the events of a stream, until fewer are wanted.
func listen(t *testing.T, address, last string, each func(id string, c told) (more bool)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Last-Event-ID", last)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	id := ""
	for scan := bufio.NewScanner(response.Body); scan.Scan(); {
		if text, ok := strings.CutPrefix(scan.Text(), "id: "); ok {
			id = text
		}
		if data, ok := strings.CutPrefix(scan.Text(), "data: "); ok {
			var c told
			if err := json.Unmarshal([]byte(data), &c); err != nil {
				t.Errorf("%s: %v", data, err)
				return
			}
			if !each(id, c) {
				return
			}
		}
	}
	t.Errorf("the stream of %s has ended with status %d", address, response.StatusCode)
}

func run(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// copyOf is what somebody keeps who follows changes.
type copyOf struct {
	t     *testing.T
	name  string
	seen  map[string]bool // cursors
	nodes map[string]any  // slugs
}

func newCopy(t *testing.T, name string) *copyOf {
	return &copyOf{t, name, map[string]bool{}, map[string]any{}}
}

func (k *copyOf) take(c told) {
	if k.seen[c.Cursor] {
		k.t.Errorf("%s: %s comes again", k.name, c.Cursor)
	}
	k.seen[c.Cursor] = true
	switch {
	case c.Deleted != (c.Kind == "DELETE") || c.Deleted && c.Node != nil:
		k.t.Errorf("%s: %+v", k.name, c)
	case c.Deleted, c.Node == nil:
		delete(k.nodes, c.ID)
	default:
		k.nodes[c.ID] = fmt.Sprint(c.Node["slug"], " ", c.Node["title"], " ", c.Node["kind"])
	}
}

// Several write at once, some for long, and commit in another order than they began.
// Who follows, by pages or by a stream that is cut off again and again, ends with what
// the public can see, and gets nothing twice.
func TestFollowersEndEqual(t *testing.T) {
	t.Parallel()
	over, pool := follow(t)
	ctx := t.Context()
	const writers, each = 6, 12
	start := get(t, over.URL+"/api/v1/changes?after=now").EndCursor
	var writing sync.WaitGroup
	held := make(chan struct{}) // what the first writers wait for before they commit
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
					id := fmt.Sprintf("00000000-0000-7000-8000-%012d", w*100+i/2)
					statement := `INSERT INTO article (id, slug, kind, title, publication_status) VALUES ('` + id + `', 'a` + id[30:] + `', 'NEWS', 'A', 'PUBLISHED')`
					if i%2 == 1 {
						statement = []string{`UPDATE article SET title = 'B'`, `UPDATE article SET publication_status = 'DRAFT'`, `DELETE FROM article`}[i/2%3] + ` WHERE id = '` + id + `'`
					}
					if _, err := tx.Exec(ctx, statement); err != nil {
						return err
					}
					if w < 2 && i == 0 {
						<-held
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
			if w == writers-1 {
				close(held)
			}
		})
	}
	var following sync.WaitGroup
	last := make(chan string)
	stop := func() string { // the cursor behind everything, once all is written
		select {
		case cursor := <-last:
			return cursor
		default:
			return ""
		}
	}
	pages, events := newCopy(t, "pages"), newCopy(t, "events")
	following.Go(func() {
		after, until := start, ""
		for end := time.Now().Add(patience); time.Now().Before(end) && (until == "" || !pages.seen[until]); {
			p := get(t, over.URL+"/api/v1/changes?first=3&after="+after)
			for _, c := range p.Changes {
				pages.take(c)
			}
			if after = p.EndCursor; until == "" {
				until = stop()
			}
			if !p.HasMore {
				time.Sleep(5 * time.Millisecond)
			}
		}
	})
	following.Go(func() {
		after, until := start, ""
		for end := time.Now().Add(patience); time.Now().Before(end) && (until == "" || !events.seen[until]); {
			n := 0
			listen(t, over.URL+"/api/v1/changes", after, func(id string, c told) bool {
				if events.take(c); id != c.Cursor {
					t.Errorf("the id is %s, the cursor %s", id, c.Cursor)
				}
				if after = id; until == "" {
					until = stop()
				}
				n++
				return n < 7 && (until == "" || !events.seen[until])
			})
			if t.Failed() {
				return
			}
		}
	})
	writing.Wait()
	run(t, pool, `INSERT INTO article (id, slug, kind, title, publication_status) VALUES ('00000000-0000-7000-8000-000000009999', 'end', 'NEWS', 'Z', 'PUBLISHED')`)
	pgtest.Settle(t, pool)
	end := get(t, over.URL+"/api/v1/changes?after=now").EndCursor
	// One more, so that those who listen hear of something.
	for range 2 {
		select {
		case last <- end:
		case <-time.After(patience):
			t.Fatal("nobody follows any more")
		}
		run(t, pool, `UPDATE article SET title = title || '.' WHERE slug = 'end'`)
	}
	following.Wait()
	rows, _ := pool.Query(ctx, `SELECT 'a' || right(id::text, 6), title FROM article WHERE publication_status = 'PUBLISHED' AND slug <> 'end'`)
	want := map[string]bool{}
	var slug, title string
	if _, err := pgx.ForEachRow(rows, []any{&slug, &title}, func() error { want[slug+" "+title+" NEWS"] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, kept := range []*copyOf{pages, events} {
		got := map[string]bool{}
		for _, node := range kept.nodes {
			if text := fmt.Sprint(node); !strings.HasPrefix(text, "end ") {
				got[text] = true
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || len(want) != writers*2 {
			t.Errorf("%s end with\n%v\nthe database has\n%v", kept.name, got, want)
		}
	}
}

func TestChangesOverREST(t *testing.T) {
	t.Parallel()
	over, pool := follow(t)
	base := over.URL + "/api/v1/changes"
	run(t, pool, `INSERT INTO organization (id, slug, name, kind) SELECT gen_random_uuid(), 'o' || n, 'O & <b>"strategy__kind":', 'OTHER' FROM generate_series(1, 3) n`)
	run(t, pool, `INSERT INTO topic (id, slug, name, scheme) VALUES (gen_random_uuid(), 't', 'T', 'KEYWORD')`)
	pgtest.Settle(t, pool)
	first := get(t, base+"?first=2&types=ORGANIZATION,TOPIC")
	if len(first.Changes) != 2 || !first.HasMore || first.link != `<`+base+`?after=`+first.EndCursor+`&first=2&types=ORGANIZATION%2CTOPIC>; rel="next"` {
		t.Errorf("first page: %+v %s", first, first.link)
	}
	if c := first.Changes[0]; c.Node["kind"] != "OTHER" || c.Node["name"] != `O & <b>"strategy__kind":` || c.Node["id"] != c.ID {
		t.Errorf("a change: %+v", c)
	}
	address, _, _ := strings.Cut(strings.TrimPrefix(first.link, "<"), ">")
	if second := get(t, address); len(second.Changes) != 2 || second.HasMore || second.link != "" {
		t.Errorf("second page: %+v", second)
	}
	for query, parameter := range map[string]string{
		"first=0": "first", "first=101": "first", "first=x": "first", "first=99999999999999999999": "first", "first=": "first", "first=1&first=2": "first",
		"after=x": "after", "after=%00": "after", "after=%ff": "after", "after=" + first.EndCursor + "A": "after",
		"types=COUNTRY": "types", "types=": "types", "types=Article": "types", "types=ARTICLE,": "types", "since=now": "", "%zz": "",
	} {
		if p := get(t, base+"?"+query); p.Status != http.StatusBadRequest || p.Code != "BAD_USER_INPUT" || p.Parameter != parameter || !strings.HasSuffix(p.Detail, ".") {
			t.Errorf("%s: %+v", query, p)
		}
	}
	// Of another database, it has expired; for streams, too.
	other, _ := follow(t)
	cursor := get(t, other.URL+"/api/v1/changes").EndCursor
	if p := get(t, base+"?after="+cursor); p.Status != http.StatusGone || p.Code != "CURSOR_EXPIRED" || !strings.Contains(p.Detail, "again") {
		t.Errorf("expired: %+v", p)
	}
	for last, status := range map[string]int{cursor: http.StatusGone, "x": http.StatusBadRequest} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/event-stream")
		r.Header.Set("Last-Event-ID", last)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _ = response.Body.Close(); response.StatusCode != status || response.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("a stream behind %s: %s, %s", last, response.Status, response.Header.Get("Content-Type"))
		}
	}
}
