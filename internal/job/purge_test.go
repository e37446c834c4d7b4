package job_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/job"
	"stadtgraph/internal/pgtest"
)

// cdn is a cache that is told what to drop.
type cdn struct {
	*httptest.Server
	mu     sync.Mutex
	tags   []string
	asked  int
	answer func(n int, w http.ResponseWriter, r *http.Request) bool // whether it is accepted; nil for always
	wrong  []string
}

func newCDN(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request) bool) *cdn {
	c := &cdn{answer: answer}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent struct{ Tags []string }
		err := json.NewDecoder(r.Body).Decode(&sent)
		c.mu.Lock()
		c.asked++
		n := c.asked
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Surrogate-Key") != strings.Join(sent.Tags, " ") || r.Header.Get("Authorization") != "Bearer secret" || len(sent.Tags) > 30 || len(sent.Tags) == 0 {
			c.wrong = append(c.wrong, strings.Join(sent.Tags, " "))
		}
		c.mu.Unlock()
		if c.answer != nil && !c.answer(n, w, r) {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tags = append(c.tags, sent.Tags...)
	}))
	t.Cleanup(c.Close)
	return c
}

// took gives what was accepted since it was last asked.
func (c *cdn) took() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	tags := c.tags
	c.tags = nil
	slices.Sort(tags)
	return slices.Compact(tags)
}

func (c *cdn) requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

func (c *cdn) purge() *job.Purge {
	return &job.Purge{URL: c.URL, Token: "secret", All: "stadtgraph", Prefix: strings.ToLower}
}

func articles(t testing.TB, pool *pgxpool.Pool, from, to int) {
	for n := from; n <= to; n++ {
		run(t, pool, `INSERT INTO article (id, slug, kind, title, publication_status) VALUES (`+id(n)+`, 'a`+id(n)[30:37]+`', 'NEWS', 'A', 'PUBLISHED')`)
	}
}

// TestPurge: the first time all is dropped, then what was written since, once.
func TestPurge(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	c := newCDN(t, nil)
	p := c.purge()
	tell := func() []string {
		t.Helper()
		if err := p.Run(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		return c.took()
	}
	if got := tell(); !slices.Equal(got, []string{"stadtgraph"}) {
		t.Errorf("the first time: got %v", got)
	}
	if got := tell(); got != nil {
		t.Errorf("nothing was written: got %v", got)
	}
	articles(t, pool, 1, 1)
	if got := tell(); !slices.Equal(got, []string{"Article", "article_00000000007000800000000001"}) && len(got) != 2 {
		t.Errorf("an article: got %v", got)
	}
	run(t, pool, `INSERT INTO search_synonym (term, expansions) VALUES ('a', '{b}')`)
	if got := tell(); !slices.Equal(got, []string{"search_synonym"}) {
		t.Errorf("what is no object: got %v", got)
	}

	// A transaction that is open does not hold back what others commit, and comes when it does.
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), `UPDATE article SET title = 'B' WHERE id = `+id(1)); err != nil {
		t.Fatal(err)
	}
	articles(t, pool, 2, 2)
	if got := tell(); len(got) != 2 {
		t.Errorf("beside an open transaction: got %v", got)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := tell(); len(got) != 2 {
		t.Errorf("when it commits: got %v", got)
	}
	if len(c.wrong) > 0 {
		t.Errorf("wrong requests: %v", c.wrong)
	}
}

// TestPurgeFails: what a receiver refuses, redirects, or takes too long for is sent again,
// and what was under way when the process was killed.
func TestPurgeFails(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	elsewhere := newCDN(t, nil)
	var mu sync.Mutex
	mode, kill, arrived := "", context.CancelFunc(nil), 0
	c := newCDN(t, func(_ int, w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		switch mode {
		case "refuses":
			w.WriteHeader(http.StatusInternalServerError)
		case "redirects":
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		case "hangs":
			<-r.Context().Done()
		case "has one batch when we are killed":
			if arrived++; arrived == 1 {
				return true
			}
			kill()
			<-r.Context().Done()
		default:
			return true
		}
		return false
	})
	p := c.purge()
	if err := p.Run(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	c.took()
	articles(t, pool, 1, 70)
	for _, how := range []string{"refuses", "redirects", "hangs", "has one batch when we are killed"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		mu.Lock()
		mode, kill = how, cancel
		mu.Unlock()
		err := p.Run(ctx, pool)
		cancel()
		if err == nil {
			t.Errorf("a receiver that %s: no error", how)
		} else if strings.Contains(err.Error(), c.URL) {
			t.Errorf("a receiver that %s: the address is in %q", how, err)
		}
	}
	if elsewhere.requests() > 0 {
		t.Error("the redirect was followed, with the token")
	}
	mu.Lock()
	mode = ""
	mu.Unlock()
	if got := c.took(); len(got) != 30 {
		t.Errorf("before it was killed: %d tags", len(got))
	}
	if err := c.purge().Run(t.Context(), pool); err != nil { // another instance
		t.Fatal(err)
	}
	if got := c.took(); len(got) != 71 {
		t.Errorf("got %d tags: %v", len(got), got)
	}
	if len(c.wrong) > 0 {
		t.Errorf("wrong requests: %v", c.wrong)
	}
	articles(t, pool, 71, 72)
	run(t, pool, `UPDATE purge_cursor SET at = now() - interval '2 days'`) // nobody was there
	if err := c.purge().Run(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if got := c.took(); !slices.Equal(got, []string{"stadtgraph"}) {
		t.Errorf("after two days: got %v", got)
	}
}

// TestPurgeJob: instances that run jobs tell, of which one does; it is tried again.
func TestPurgeJob(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	c := newCDN(t, func(n int, w http.ResponseWriter, _ *http.Request) bool {
		if n == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
		return n > 1
	})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			job.Run(ctx, pool, job.Config{History: time.Hour, Feed: time.Hour, Polling: true, Purge: c.purge()})
		})
	}
	var got []string
	articles(t, pool, 1, 1)
	for deadline := time.Now().Add(20 * time.Second); len(got) == 0 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		got = c.took()
	}
	cancel()
	group.Wait()
	if !slices.Contains(got, "stadtgraph") || c.requests() > 4 {
		t.Errorf("got %v by %d requests", got, c.requests())
	}
}

// TestCheckPurgeURL: what is no address is refused, with what to do.
func TestCheckPurgeURL(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"": true, "https://cdn.example/purge": true, "http://127.0.0.1:8000/purge?zone=1": true,
		"cdn.example": false, "ftp://cdn.example": false, "https://": false, "https://user:secret@cdn.example/": false, "https://cdn.example/#a": false, "\x00": false,
	} {
		err := job.CheckPurgeURL(address)
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%v tells a password", err)
		}
	}
}
