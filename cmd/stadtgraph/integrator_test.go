package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
)

// integrator is somebody who keeps a copy of all articles: an export, and then the
// changes from its cursor on. What it has it knows by place and content alone, as if it
// were started anew each time.
type integrator struct {
	base   string
	client *http.Client
	titles map[string]string // by id
	cursor string
	seen   map[string]bool // cursors of changes
	failed int             // requests that came to nothing
}

// get asks until it is answered.
func (i *integrator) get(ctx context.Context, path string) []byte {
	for ; ctx.Err() == nil; i.failed++ {
		if body, ok := i.try(ctx, path); ok {
			return body
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

func (i *integrator) try(ctx context.Context, path string) ([]byte, bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, i.base+path, nil)
	if err != nil {
		return nil, false
	}
	answer, err := i.client.Do(request)
	if err != nil {
		return nil, false
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return body, err == nil && answer.StatusCode == http.StatusOK
}

// export takes a copy; one that was cut off has no last line.
func (i *integrator) export(ctx context.Context) error {
	for ctx.Err() == nil {
		i.titles, i.cursor = map[string]string{}, ""
		for text := range bytes.Lines(i.get(ctx, "/export/all.ndjson")) {
			var line struct{ Type, ID, Title, Cursor string }
			if err := json.Unmarshal(text, &line); err != nil {
				return fmt.Errorf("%s: %w", text, err)
			}
			switch line.Type {
			case "Article":
				i.titles[line.ID] = line.Title
			case "Cursor":
				i.cursor = line.Cursor
			}
		}
		if i.cursor != "" {
			return nil
		}
	}
	return ctx.Err()
}

// follow reads a page of changes, and says whether there are more.
func (i *integrator) follow(ctx context.Context) (more bool, err error) {
	body := i.get(ctx, "/api/v1/changes?first=50&types=ARTICLE&after="+url.QueryEscape(i.cursor))
	var page struct {
		Changes []struct {
			Cursor, Kind, ID string
			Node             *struct{ Title string }
		}
		EndCursor string
		HasMore   bool
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return false, fmt.Errorf("%s: %w", body, err)
	}
	for _, c := range page.Changes {
		switch {
		case i.seen[c.Cursor]:
			return false, fmt.Errorf("%s comes twice", c.Cursor)
		case c.Kind == "DELETE":
			delete(i.titles, c.ID)
		case c.Node != nil: // else it is gone meanwhile, which is told later
			i.titles[c.ID] = c.Node.Title
		}
		i.seen[c.Cursor] = true
	}
	i.cursor = page.EndCursor
	return page.HasMore, nil
}

const (
	renameOne    = `mutation($id: ID!, $version: Int!, $n: String!) { updateArticle(input: {id: $id, version: $version, article: {title: $n}}) { article { id version } userErrors { code path message } } }`
	unpublishOne = `mutation($id: ID!, $version: Int!) { unpublishArticle(input: {id: $id, version: $version}) { article { id version } userErrors { code path message } } }`
)

// An export and the changes from its cursor on make a copy that is equal to the database,
// while others write, and though the server is stopped and killed meanwhile.
func TestIntegrator(t *testing.T) {
	t.Parallel()
	const many = 160 // articles: each is made and published; some are renamed, and some taken back
	database, address := pgtest.URL(t), freeAddress(t)
	r := newRush("http://"+address, newToken(t, database))
	p := startServe(t, database, address)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var writing sync.WaitGroup
	var next atomic.Int64
	for range 4 {
		writing.Go(func() {
			for n := int(next.Add(1)); n <= many && ctx.Err() == nil; n = int(next.Add(1)) {
				r.write(ctx, n)
				r.mu.Lock()
				id := r.ids[n]
				r.mu.Unlock()
				switch n % 4 {
				case 0:
					r.send(ctx, fmt.Sprintf("unpublish %d", n), unpublishOne, map[string]any{"id": id, "version": 2})
				case 1:
					r.send(ctx, fmt.Sprintf("rename %d", n), renameOne, map[string]any{"id": id, "version": 2, "n": fmt.Sprintf("Neues von %d", n)})
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { defer close(over); writing.Wait() }()

	r.after(t, 40)
	i := &integrator{base: r.base, client: r.client, seen: map[string]bool{}}
	if err := i.export(ctx); err != nil {
		t.Fatal(err)
	}
	copied := len(i.titles)
	following := make(chan error, 1)
	want := func() map[string]string { // what is public
		db, err := pgx.Connect(ctx, database)
		if err != nil {
			return nil
		}
		defer db.Close(context.Background())
		rows, _ := db.Query(ctx, `SELECT id, title FROM article WHERE publication_status = 'PUBLISHED'`)
		there := map[string]string{}
		var id [16]byte
		var title string
		_, _ = pgx.ForEachRow(rows, []any{&id, &title}, func() error {
			there[nodeid.ID{Prefix: "article", UUID: id}.String()] = title
			return nil
		})
		return there
	}
	go func() {
		for {
			more, err := i.follow(ctx)
			if err != nil {
				following <- err
				return
			}
			if more {
				continue
			}
			select {
			case <-over:
				if maps.Equal(i.titles, want()) { // changes wait for other tests' transactions
					following <- nil
					return
				}
			default:
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	for _, end := range []struct {
		after  int64 // mutations
		signal os.Signal
	}{{120, syscall.SIGTERM}, {240, os.Kill}} {
		r.after(t, end.after)
		p.end(t, end.signal)
		p = startServe(t, database, address)
	}
	if err := <-following; err != nil {
		t.Fatalf("%v; the copy has %d articles, and there are %d", err, len(i.titles), len(want()))
	}
	for _, answer := range r.broken {
		t.Errorf("a client was told %s", answer)
	}
	if got := len(i.titles); got != many*3/4 {
		t.Errorf("%d articles are public", got)
	}
	t.Logf("%d articles came with the export, then %d changes; %d requests failed", copied, len(i.seen), i.failed)
	if code := p.end(t, syscall.SIGTERM); code != exitOK {
		t.Errorf("SIGTERM: code %d", code)
	}
}
