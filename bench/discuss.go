package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pglocal"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/server"
	"stadtgraph/internal/write"
	"stadtgraph/migrations"
)

// A discussion is measured by itself: one article with a thousand comments, the
// product and handlers by hand in one process, and a flood of comments that nobody wants.

const (
	discussedID = "article_00000000000000000000000001"
	threadSize  = 1000
	floodSize   = 10_000
	asking      = 8 // clients
)

// fromHeader says from which network a request comes; only the bench listens to it.
const fromHeader = "X-Bench-From"

type discussion struct {
	pool          *pgxpool.Pool
	product, hand *httptest.Server
	token         string
	comments      [][16]byte
	networks      atomic.Int32
}

func (b *bench) discuss(ctx context.Context) error {
	dir := b.DataDir
	if dir == "" {
		ofDev, err := pglocal.DefaultDataDir()
		if err != nil {
			return err
		}
		dir = ofDev + "-bench"
	}
	dir = filepath.Join(dir, "discussion")
	if err := pglocal.Reset(dir); err != nil {
		return err
	}
	db, err := pglocal.Start(ctx, pglocal.Config{DataDir: dir, Settings: settings})
	if err != nil {
		return err
	}
	defer func() { _ = db.Stop(context.WithoutCancel(ctx)) }()
	if _, err := postgres.Migrate(ctx, db.URL(pglocal.Database), migrations.FS); err != nil {
		return err
	}
	d := &discussion{}
	if d.pool, err = postgres.Open(ctx, postgres.Config{URL: db.URL(pglocal.Database), ApplicationName: "bench", MaxConns: 10}); err != nil {
		return err
	}
	defer d.pool.Close()
	if err := d.fill(ctx); err != nil {
		return err
	}
	d.hand = httptest.NewServer(http.HandlerFunc(d.byHand))
	defer d.hand.Close()
	unlimited := comment.Defaults
	unlimited.Fill, unlimited.Submissions, unlimited.Votes, unlimited.Voters = 0, 1<<30, 1<<30, 1<<30
	product, err := d.serve(unlimited)
	if err != nil {
		return err
	}
	d.product = product
	defer product.Close()
	for _, task := range []struct {
		name string
		goal float64
		one  func(c *http.Client, base string, i int) error
	}{{"thread", 0.9, d.thread}, {"submit", 0.8, d.submit}, {"vote", 0.8, d.vote}} {
		var ratios []float64
		var rates [2]float64
		for round := range b.Rounds + 1 {
			for i := range 2 {
				at := (i + round) % 2
				rate, err := d.pace(b.length(), []string{d.product.URL, d.hand.URL}[at], task.one)
				if err != nil {
					return fmt.Errorf("%s: %w", task.name, err)
				}
				rates[at] = rate
			}
			if round > 0 { // the first warms up
				ratios = append(ratios, rates[0]/rates[1])
			}
		}
		slices.Sort(ratios)
		fmt.Printf("%-8s product %7.0f/s, by hand %7.0f/s, ratio %.2f (%.2f to %.2f), goal %.1f\n", task.name, rates[0], rates[1],
			ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1], task.goal)
	}
	limited := comment.Defaults
	limited.Fill = 0
	return d.floods(limited)
}

// fill makes the article, its comments, and a moderator.
func (d *discussion) fill(ctx context.Context) error {
	if _, err := d.pool.Exec(ctx, `INSERT INTO article (id, slug, kind, title, publication_status, comments_status) VALUES
('00000000-0000-0000-0000-000000000001', 'diskussion', 'NEWS', 'Diskussion', 'PUBLISHED', 'OPEN')`); err != nil {
		return err
	}
	rows := make([][]any, threadSize)
	for i := range rows {
		id := nodeid.Derive("comment", fmt.Sprint("bench ", i))
		d.comments = append(d.comments, id)
		var parent any
		if i%5 > 0 { // threads of five, each answer below the one before or the top
			parent = d.comments[i-i%5]
			if i%5 > 2 {
				parent = d.comments[i-1]
			}
		}
		text := fmt.Sprintf("Beitrag %d: das ist eine Meinung von mittlerer Länge, wie man sie unter Artikeln liest.", i)
		rows[i] = []any{id, nodeid.UUID{15: 1}, parent, fmt.Sprint("Leser ", i%97), text, "<p>" + text + "</p>", text, 1, "APPROVED", i * 7 % 40, i * 3 % 11, time.Now().Add(time.Duration(i-2*threadSize) * time.Minute)}
	}
	for _, row := range rows {
		if _, err := d.pool.Exec(ctx, `INSERT INTO comment (id, article_id, parent_id, author_name, body, body_html, body_text, body_renderer, status, upvotes, downvotes, created_at, published_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`, row...); err != nil {
			return err
		}
	}
	// As if they had been handed in, so that plans are made for tables that hold something.
	if _, err := d.pool.Exec(ctx, `
INSERT INTO comment_submission (comment_id, email, email_hash, network, text_hash) SELECT id, 'x', sha256(id::text::bytea), 'x', sha256(id::text::bytea) FROM comment;
INSERT INTO comment_form (nonce, comment_id, body) SELECT id::text::bytea, id, sha256('x') FROM comment;
INSERT INTO comment_vote (comment_id, voter, value) SELECT id, n::text::bytea, 1 FROM comment, generate_series(1, 10) n`); err != nil {
		return err
	}
	if _, err := d.pool.Exec(ctx, `VACUUM ANALYZE`); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) (err error) {
		d.token, _, err = auth.CreateToken(ctx, tx, auth.Params{Name: "bench", Role: auth.Moderator})
		return err
	})
}

// serve is the product with a configuration.
func (d *discussion) serve(c comment.Config) (*httptest.Server, error) {
	keys, err := comment.ParseKeys([]string{seal.NewKey()})
	if err != nil {
		return nil, err
	}
	c.Keys, c.Email = keys, comment.Required
	catalogue, err := graph.CatalogueWith(keys)
	if err != nil {
		return nil, err
	}
	writable, err := graph.Writable(catalogue)
	if err != nil {
		return nil, err
	}
	writer := write.NewWriter(writable, d.pool)
	product, err := server.New(server.Config{
		Executor:     graph.NewExecutor(plan.New(catalogue, d.pool, true)).Writes(writer).Discusses(comment.NewDesk(c, writer, d.pool)),
		Authenticate: (&auth.Gate{DB: d.pool}).Authenticate,
		Database:     d.pool, Migrations: migrations.FS, SDL: graph.SDL(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from := r.Header.Get(fromHeader); from != "" {
			r.RemoteAddr = from + ":1"
		}
		product.Handler().ServeHTTP(w, r)
	})), nil
}

// asks sends an operation. By hand it is answered by its name.
func (d *discussion) asks(c *http.Client, base, name, query string, variables map[string]any, headers ...string) (map[string]any, error) {
	body, err := json.Marshal(map[string]any{"operationName": name, "query": query, "variables": variables})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, base+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil || len(raw) > 4000 { // a thread: nobody reads it here
		return nil, err
	}
	var answer struct {
		Data   map[string]map[string]any
		Errors []any
	}
	if err := json.Unmarshal(raw, &answer); err != nil || len(answer.Errors) > 0 {
		return nil, fmt.Errorf("%s: %s (%w)", name, raw, err)
	}
	return answer.Data["m"], nil
}

func (d *discussion) thread(c *http.Client, base string, _ int) error {
	_, err := d.asks(c, base, "Thread", `query Thread { article(slug: "diskussion") { commentCount comments(first: 100, orderBy: [{field: TOP, direction: DESC}]) {
 nodes { id depth tombstone authorName bodyHtml createdAt upvotes downvotes } } } }`, nil)
	return err
}

const submitting = `mutation Submit($in: SubmitCommentInput!) { m: submitComment(input: $in) { commentId status editToken userErrors { code } } }`

func (d *discussion) submit(c *http.Client, base string, i int) error {
	_, err := d.submits(c, base, d.network(), i)
	return err
}

// network is one that nobody else has.
func (d *discussion) network() string {
	n := d.networks.Add(1)
	return fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
}

// submits asks for a form and sends it; refused says with which code it was refused.
func (d *discussion) submits(c *http.Client, base, from string, i int) (refused string, err error) {
	form, err := d.asks(c, base, "Form", `mutation Form($in: OpenCommentFormInput!) { m: openCommentForm(input: $in) { formToken } }`, map[string]any{"in": map[string]any{"article": discussedID}}, fromHeader, from)
	if err != nil {
		return "", err
	}
	sent, err := d.asks(c, base, "Submit", submitting, map[string]any{"in": map[string]any{"article": discussedID, "formToken": form["formToken"],
		"email": fmt.Sprintf("a%d@example.org", i), "authorName": "Erika Muster", "body": fmt.Sprintf("Beitrag %d-%d aus %s: **gut** so.", i, time.Now().UnixNano(), from)}}, fromHeader, from)
	if err != nil {
		return "", err
	}
	if problems, _ := sent["userErrors"].([]any); len(problems) > 0 {
		code, _ := problems[0].(map[string]any)["code"].(string)
		return code, nil
	}
	return "", nil
}

func (d *discussion) vote(c *http.Client, base string, i int) error {
	id := nodeid.ID{Prefix: "comment", UUID: d.comments[i%100]}
	_, err := d.asks(c, base, "Vote", `mutation Vote($in: VoteCommentInput!) { m: voteComment(input: $in) { comment { upvotes downvotes } value voterToken userErrors { code } } }`,
		map[string]any{"in": map[string]any{"id": id.String(), "value": 1 - i%2*2}}, fromHeader, d.network())
	return err
}

// pace says how often clients get something done in a second.
func (*discussion) pace(length time.Duration, base string, one func(c *http.Client, base string, i int) error) (float64, error) {
	var done atomic.Int64
	var failed atomic.Pointer[error]
	start := time.Now()
	var wait sync.WaitGroup
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: asking}}
	for range asking {
		wait.Go(func() {
			for time.Since(start) < length && failed.Load() == nil {
				if err := one(c, base, int(done.Add(1))); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(start).Seconds(), nil
}

// byHand answers as one would by hand: no more round trips than it takes, and none of
// the product's rules.
func (d *discussion) byHand(w http.ResponseWriter, r *http.Request) {
	var sent struct {
		OperationName string
		Variables     struct {
			In struct {
				ID, Body, AuthorName, Email string
				Value                       int
			}
		}
	}
	err := json.NewDecoder(r.Body).Decode(&sent)
	ctx, in := r.Context(), sent.Variables.In
	var out []byte
	switch {
	case err != nil:
	case sent.OperationName == "Form":
		_, err = d.pool.Exec(ctx, `SELECT comments_status FROM article WHERE id = $1`, [16]byte{15: 1})
		out = []byte(`{"data":{"m":{"formToken":"x"}}}`)
	case sent.OperationName == "Thread":
		out, err = d.threadByHand(ctx)
	case sent.OperationName == "Submit":
		id := nodeid.New(time.Now())
		err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
			nonce := nodeid.New(time.Now())
			read := &pgx.Batch{}
			read.Queue(`INSERT INTO comment_form (nonce, comment_id, body) VALUES ($1, $2, $3)`, nonce[:], [16]byte(id), make([]byte, 32))
			read.Queue(`SELECT comments_status FROM article WHERE id = $1`, [16]byte{15: 1})
			read.Queue(`SELECT count(*) FROM comment_submission WHERE text_hash = $1`, make([]byte, 32))
			read.Queue(`SELECT kind, pattern, threshold, score FROM comment_rule WHERE active`)
			if err := tx.SendBatch(ctx, read).Close(); err != nil {
				return err
			}
			writes := &pgx.Batch{}
			writes.Queue(`INSERT INTO comment (id, article_id, author_name, body, body_html, body_text, body_renderer) VALUES ($1, $2, $3, $4, $5, $4, 1)`,
				[16]byte(id), [16]byte{15: 1}, in.AuthorName, in.Body, "<p>"+in.Body+"</p>")
			writes.Queue(`INSERT INTO comment_submission (comment_id, email, email_hash, text_hash) VALUES ($1, $2, $3, $3)`, [16]byte(id), []byte(in.Email), append(id[:], id[:]...))
			return tx.SendBatch(ctx, writes).Close()
		})
		out = fmt.Appendf(nil, `{"data":{"m":{"commentId":%q,"status":"PENDING","editToken":"x","userErrors":[]}}}`, id)
	case sent.OperationName == "Vote":
		id, _ := nodeid.Parse(in.ID)
		voter := nodeid.New(time.Now())
		var up, down int
		err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
			batch := &pgx.Batch{}
			batch.Queue(`INSERT INTO comment_vote (comment_id, voter, value) VALUES ($1, $2, $3) ON CONFLICT (comment_id, voter) DO UPDATE SET value = excluded.value`, [16]byte(id.UUID), voter[:], in.Value)
			batch.Queue(`UPDATE comment SET upvotes = upvotes + ($2 = 1)::integer, downvotes = downvotes + ($2 = -1)::integer WHERE id = $1 AND visible RETURNING upvotes, downvotes`, [16]byte(id.UUID), in.Value).
				QueryRow(func(row pgx.Row) error { return row.Scan(&up, &down) })
			return tx.SendBatch(ctx, batch).Close()
		})
		out = fmt.Appendf(nil, `{"data":{"m":{"comment":{"upvotes":%d,"downvotes":%d},"value":%d,"voterToken":"x","userErrors":[]}}}`, up, down, in.Value)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out)
}

func (d *discussion) threadByHand(ctx context.Context) ([]byte, error) {
	batch := &pgx.Batch{}
	batch.Queue(`SELECT count(*) FROM comment c JOIN article a ON a.id = c.article_id WHERE a.slug = 'diskussion' AND c.visible`)
	batch.Queue(`SELECT c.id, c.depth, c.tombstone, c.author_name, c.body_html, c.created_at, c.upvotes, c.downvotes FROM comment c
WHERE c.article_id = (SELECT id FROM article WHERE slug = 'diskussion' AND publication_status = 'PUBLISHED' AND deleted_at IS NULL) AND (c.visible OR c.tombstone)
ORDER BY c.thread_rank DESC, c.path, c.id LIMIT 100`)
	results := d.pool.SendBatch(ctx, batch)
	defer results.Close()
	var n int
	if err := results.QueryRow().Scan(&n); err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	out := fmt.Appendf(nil, `{"data":{"article":{"commentCount":%d,"comments":{"nodes":[`, n)
	var id [16]byte
	var depth, up, down int
	var tombstone bool
	var name *string
	var html string
	var at time.Time
	first := true
	_, err = pgx.ForEachRow(rows, []any{&id, &depth, &tombstone, &name, &html, &at, &up, &down}, func() error {
		if !first {
			out = append(out, ',')
		}
		first = false
		out = nodeid.Append(append(out, `{"id":"`...), "comment", id[:])
		out = fmt.Appendf(out, `","depth":%d,"tombstone":%t,"authorName":%q,"bodyHtml":%q,"createdAt":"`, depth, tombstone, *name, html)
		out = at.UTC().AppendFormat(out, time.RFC3339Nano)
		out = fmt.Appendf(out, `","upvotes":%d,"downvotes":%d}`, up, down)
		return nil
	})
	return append(out, "]}}}}"...), err
}

// floods sends comments that nobody wants, from one network and from many, while others
// read and write as they do.
func (d *discussion) floods(c comment.Config) error {
	product, err := d.serve(c)
	if err != nil {
		return err
	}
	defer product.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	for _, flood := range []struct {
		name    string
		network func(i int) string
	}{{"no flood", nil}, {"from one network", func(int) string { return "203.0.113.1" }}, {"from many", func(int) string { return d.network() }}} {
		var sent, taken atomic.Int64
		var over atomic.Bool
		var wait, honest sync.WaitGroup
		var failed atomic.Pointer[error]
		check := func(err error) {
			if err != nil {
				failed.Store(&err)
			}
		}
		start := time.Now()
		if flood.network != nil {
			for range 32 {
				wait.Go(func() {
					for i := sent.Add(1); i <= floodSize && failed.Load() == nil; i = sent.Add(1) {
						refused, err := d.submits(client, product.URL, flood.network(int(i)), int(i))
						check(err)
						if refused == "" {
							taken.Add(1)
						}
					}
				})
			}
		}
		var mu sync.Mutex
		took := map[string][]time.Duration{}
		for what, do := range map[string]func(i int) error{
			"read": func(i int) error { return d.thread(client, product.URL, i) },
			"submit": func(i int) error {
				refused, err := d.submits(client, product.URL, d.network(), i)
				if refused != "" {
					err = errors.Join(err, fmt.Errorf("an honest comment is refused: %s", refused))
				}
				return err
			},
			"queue": func(int) error {
				_, err := d.asks(client, product.URL, "Queue", `query Queue { moderationQueue(first: 50) { totalCount nodes { id version body status moderation { spamScore spamReasons } } } }`, nil, "Authorization", "Bearer "+d.token)
				return err
			},
		} {
			honest.Go(func() {
				for i := 0; !over.Load() && failed.Load() == nil; i++ {
					before := time.Now()
					check(do(i))
					mu.Lock()
					took[what] = append(took[what], time.Since(before))
					mu.Unlock()
					time.Sleep(20 * time.Millisecond)
				}
			})
		}
		if flood.network == nil {
			time.Sleep(5 * time.Second)
		}
		wait.Wait()
		over.Store(true)
		honest.Wait()
		if err := failed.Load(); err != nil {
			return *err
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Printf("%-17s %6d sent, %6d taken in %5.1f s; heap %3d MB", flood.name, max(sent.Load()-32, 0), taken.Load(), time.Since(start).Seconds(), m.HeapAlloc>>20)
		for _, what := range []string{"read", "submit", "queue"} {
			all := took[what]
			slices.Sort(all)
			fmt.Printf("; %s p50 %s p95 %s", what, all[len(all)/2].Round(100*time.Microsecond), all[len(all)*95/100].Round(100*time.Microsecond))
		}
		fmt.Println()
	}
	_, err = fmt.Fprintln(os.Stderr)
	return err
}
