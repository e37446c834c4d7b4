package server_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/change"
	"stadtgraph/internal/pgtest"
)

// What an answer was, without a cache, from one instant to another.
type was struct {
	from, until time.Time
	body        string
}

// A witness knows what the answers to some questions were at any time, as long as nobody
// writes but in its turn.
type witness struct {
	t       *testing.T
	base    string // a server without a cache
	queries []string
	mu      sync.Mutex
	known   [][]was
}

// look reads what the answers are now. They may be so since an instant.
func (w *witness) look(since time.Time) {
	for n, q := range w.queries {
		body := post(w.t, w.base, q, nil).body
		now := time.Now()
		if last := len(w.known[n]) - 1; last >= 0 {
			w.known[n][last].until = now
			if w.known[n][last].body == body {
				continue
			}
		}
		w.known[n] = append(w.known[n], was{since, now, body})
	}
}

// turn lets somebody write.
func (w *witness) turn(write func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.look(w.since()) // what fell due meanwhile
	start := time.Now()
	write()
	w.look(start)
}

// since is when it was last looked.
func (w *witness) since() time.Time { return w.known[0][len(w.known[0])-1].until }

// right says whether an answer was right at some moment that was not longer than the bound
// before it was asked for.
func (w *witness) right(n int, body string, sent, got time.Time, bound time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := func() bool {
		for i, k := range w.known[n] {
			until := k.until
			if i == len(w.known[n])-1 {
				until = got // nothing was written since
			}
			if k.body == body && !until.Before(sent.Add(-bound)) && !k.from.After(got) {
				return true
			}
		}
		return false
	}
	if was() {
		return true
	}
	w.look(w.since()) // something may just have fallen due
	return was()
}

const thread = `
INSERT INTO topic (id, slug, name, scheme) VALUES ('00000000-0000-7000-8000-0000000000a1', 'netze', 'Netze', 'KEYWORD');
INSERT INTO article (id, slug, kind, title, publication_status, comments_status)
  SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'a' || n, 'NEWS', 'Artikel ' || n, 'PUBLISHED', 'OPEN' FROM generate_series(1, 6) n;
INSERT INTO comment (id, article_id, author_name, body, body_html, body_text, body_renderer, status)
  SELECT ('00000000-0000-7000-8000-' || lpad((100 + n)::text, 12, '0'))::uuid, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Anna', 'gut', '<p>gut</p>', 'gut', 1, 'PENDING' FROM generate_series(1, 6) n`

// TestNoAnswerIsTooOld: many read through two instances, each with a cache of its own, while
// others write, by mutations and by plain SQL, and scheduled articles fall due. Each answer
// is compared with what it would have been without a cache.
func TestNoAnswerIsTooOld(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	exec(t, pool, thread)
	plain := guarded(t, pool)
	w := &witness{t: t, base: start(t, plain), queries: []string{
		list,
		`{ articles(orderBy: [{field: COMMENT_COUNT, direction: DESC}], first: 3) { nodes { title commentCount topics { name } } } }`,
		`{ topics { nodes { name articles { totalCount nodes { title } } } } }`,
		`{ article(slug: "a1") { title commentCount commentsOpen comments(orderBy: [{field: TOP, direction: DESC}]) { nodes { authorName upvotes pinned tombstone editorNotes { text } } } } }`,
		`{ article(slug: "a2") { title topics { slug } } }`,
		`{ topic(slug: "netze") { name } }`,
		`{ articles { facets(by: [TOPIC]) { buckets { value count } } } }`, // one root field: each is a snapshot of its own
		`{ about { coverage { type count } } }`,
		fmt.Sprintf(`{ node(id: %q) { id ... on Article { title publicationStatus } } }`, oneID),
	}}
	w.known = make([][]was, len(w.queries))
	instances := []instance{keeping(t, pool, change.Log{Pool: pool}), keeping(t, pool, change.Log{Pool: pool})}
	secret, _ := newToken(t, pool, "newsroom", auth.Publisher)
	w.look(time.Now())

	stop := make(chan struct{})
	var group sync.WaitGroup
	var read, kept, late atomic.Int64
	for n := range 4 {
		random := rand.New(rand.NewPCG(uint64(n), 1))
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
				i, q := instances[random.IntN(2)], random.IntN(len(w.queries))
				sent := time.Now()
				r := post(t, i.base, w.queries[q], nil)
				got := time.Now()
				read.Add(1)
				if strings.HasPrefix(state(r), "hit") {
					kept.Add(1)
				}
				switch {
				case !w.right(q, r.body, sent, got, cache.Bound):
					t.Errorf("%s\nis answered %s with\n%s", w.queries[q], state(r), r.body)
				case !w.right(q, r.body, sent, got, 500*time.Millisecond):
					late.Add(1)
				}
			}
		})
	}
	writing(t, pool, w, instances, secret)
	close(stop)
	group.Wait()
	// One thing after the other: nothing else drops an answer that this one should.
	for _, kind := range []int{nothing, 5, 0, 6, 2, 7, 4, 9, 8, 3, 1} { // the article can be seen until the end
		w.turn(func() { something(t, pool, w, instances[kind%2], secret, 1, kind, -kind) })
		wrote := time.Now()
		for _, i := range instances {
			for n, q := range w.queries {
				for {
					sent := time.Now()
					r := post(t, i.base, q, nil)
					if w.right(n, r.body, sent, time.Now(), 0) {
						break
					}
					if sent.Sub(wrote) > cache.Bound {
						t.Fatalf("long after a write of kind %d %s\nis answered %s with\n%s", kind, q, state(r), r.body)
					}
					time.Sleep(5 * time.Millisecond)
				}
			}
		}
	}
	t.Logf("%d answers, %d of them kept, %d more than half a second old", read.Load(), kept.Load(), late.Load())
	if kept.Load() < read.Load()/5 {
		t.Error("next to nothing was kept")
	}
}

// kinds of things that editors do.
const (
	kinds   = 10
	nothing = kinds
)

// something is one of them; what falls due does so within due.
func something(t *testing.T, pool *pgxpool.Pool, w *witness, i instance, secret string, which, kind, n int) {
	article := fmt.Sprintf("'00000000-0000-7000-8000-%012d'", which)
	switch kind {
	case 0:
		exec(t, pool, `UPDATE article SET title = $1 WHERE id = `+article, fmt.Sprint("Artikel ", n))
	case 1:
		exec(t, pool, `UPDATE article SET publication_status = 'DRAFT' WHERE id = `+article)
	case 2:
		exec(t, pool, `UPDATE article SET publication_status = 'PUBLISHED', published_at = coalesce(published_at, now()) WHERE id = `+article)
	case 3:
		exec(t, pool, `UPDATE article SET publication_status = 'SCHEDULED', published_at = clock_timestamp() + interval '200 milliseconds' WHERE id = `+article)
	case 4:
		exec(t, pool, `UPDATE comment SET status = CASE status WHEN 'APPROVED' THEN 'REJECTED' ELSE 'APPROVED' END, upvotes = upvotes + 1 WHERE article_id = `+article)
	case 5:
		exec(t, pool, `UPDATE comment SET upvotes = upvotes + 1`)
	case 6:
		exec(t, pool, `INSERT INTO article_topic (article_id, topic_id, role, position) VALUES (`+article+`, '00000000-0000-7000-8000-0000000000a1', 'TOPIC', 1) ON CONFLICT DO NOTHING`)
	case 7:
		own(t, pool, w, i, secret, fmt.Sprint("Eigenes ", n))
	case 8:
		exec(t, pool, `UPDATE article SET comments_status = 'OPEN', comments_close_at = clock_timestamp() + interval '200 milliseconds' WHERE id = `+article)
	case 9:
		exec(t, pool, `INSERT INTO comment_note (comment_id, position, text, signature) SELECT id, 1, $1, 'Red.' FROM comment WHERE article_id = `+article+`
ON CONFLICT (comment_id, position) DO UPDATE SET text = excluded.text`, fmt.Sprint("Anmerkung ", n))
	}
}

// due is when a scheduled article is published.
const due = 250 * time.Millisecond

// writing is what editors do for some seconds.
func writing(t *testing.T, pool *pgxpool.Pool, w *witness, instances []instance, secret string) {
	random := rand.New(rand.NewPCG(5, 5))
	for end, n := time.Now().Add(3*time.Second), 0; time.Now().Before(end); n++ {
		time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
		kind := random.IntN(kinds)
		w.turn(func() { something(t, pool, w, instances[random.IntN(2)], secret, 1+random.IntN(6), kind, n) })
		if kind == 3 || kind == 8 { // one thing at a time
			time.Sleep(due)
		}
	}
	w.turn(func() { // there is a discussion to vote in, where it is read
		exec(t, pool, `UPDATE article SET publication_status = 'PUBLISHED'`)
		exec(t, pool, `UPDATE comment SET status = 'APPROVED'`)
	})
}

// own writes by a mutation: the same instance gives nothing from before.
func own(t *testing.T, pool *pgxpool.Pool, w *witness, i instance, secret, title string) {
	var version int
	if err := pool.QueryRow(t.Context(), `SELECT version FROM article WHERE slug = 'a1'`).Scan(&version); err != nil {
		t.Error(err)
		return
	}
	r := post(t, i.base, `mutation($id: ID!, $title: String!, $version: Int!) { updateArticle(input: {id: $id, version: $version, article: {title: $title}}) { article { title } userErrors { message } } }`,
		map[string]any{"id": oneID, "title": title, "version": version}, "Authorization", "Bearer "+secret)
	if !strings.Contains(r.body, title) {
		t.Errorf("a mutation is answered with %s", r.body)
	}
	for _, q := range w.queries {
		if r, want := post(t, i.base, q, nil), post(t, w.base, q, nil); r.body != want.body {
			t.Errorf("after a mutation here %s\nis answered %s with\n%s\nnot\n%s", q, state(r), r.body, want.body)
		}
	}
}
