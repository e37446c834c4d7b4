package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/slug"
)

// A mutation that is measured, and what it is sent.
type mutation struct{ label, what, document string }

const payload = `{ article { id slug version publicationStatus title lead topics { slug name } links { url title } } userErrors { path code message } } }`

var (
	create = &mutation{"M1", "createArticle with a topic and two links", `mutation($title: String!, $topic: String!) { createArticle(input: {article: {kind: NEWS, title: $title, lead: "Ein Anfang.",
 topics: {set: [{slug: $topic}]}, links: [{url: "https://a.example", title: "A"}, {url: "https://b.example", title: "B"}]}}) ` + payload}
	update = &mutation{"M2", "updateArticle, title and lead", `mutation($id: ID!, $version: Int!, $title: String!) { updateArticle(input: {id: $id, version: $version,
 article: {title: $title, lead: "Ein anderer Anfang."}}) ` + payload}
	publish = &mutation{"M3", "publishArticle", `mutation($id: ID!, $version: Int!) { publishArticle(input: {id: $id, version: $version}) ` + payload}
)

// given are the variables of all three.
type given struct {
	Title   string `json:"title,omitempty"`
	Topic   string `json:"topic,omitempty"`
	ID      string `json:"id,omitempty"`
	Version int    `json:"version,omitempty"`
}

// ------------------------------------------------------------ by hand

// writers answer each mutation as one would by hand: the statements that the product
// sends, in one transaction with as many round trips, without its input and its rules.
type writers struct{ pool *pgxpool.Pool }

func (h *writers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent struct{ Variables given }
	err := json.NewDecoder(r.Body).Decode(&sent)
	var name string
	var id nodeid.UUID
	if err == nil {
		switch r.URL.Path {
		case "/M1":
			name = "createArticle"
			id, err = h.create(r.Context(), sent.Variables)
		case "/M2":
			name = "updateArticle"
			id, err = h.update(r.Context(), sent.Variables)
		default:
			name = "publishArticle"
			id, err = h.publish(r.Context(), sent.Variables)
		}
	}
	var answer []byte
	if err == nil {
		answer, err = h.read(r.Context(), name, id)
	}
	if err != nil {
		log.Print(err)
		http.Error(w, "This did not work.", http.StatusInternalServerError)
		return
	}
	w.Header()["Content-Type"] = jsonType
	w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
	_, _ = w.Write(answer) // its error is a client that has left
}

func (h *writers) in(ctx context.Context, name string, do func(tx pgx.Tx) error) error {
	tx, err := h.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: `BEGIN; SET LOCAL stadtgraph.actor = '{"name": "bench", "role": "PUBLISHER", "action": "` + name + `"}'`})
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback(ctx))
	}
	return tx.Commit(ctx)
}

func (h *writers) create(ctx context.Context, in given) (id nodeid.UUID, err error) {
	id = nodeid.New(time.Now())
	return id, h.in(ctx, "createArticle", func(tx pgx.Tx) error {
		base, topic, taken := slug.Make(in.Title), "", ""
		look := &pgx.Batch{}
		look.Queue(`SELECT id::text FROM topic WHERE slug = $1 AND deleted_at IS NULL`, in.Topic).QueryRow(func(row pgx.Row) error { return row.Scan(&topic) })
		look.Queue(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, "slug article "+base)
		look.Queue(`SELECT slug FROM article WHERE slug = $1 OR slug LIKE $1 || '-%' UNION ALL SELECT slug FROM former_slug WHERE type = 'article' AND (slug = $1 OR slug LIKE $1 || '-%')`, base).
			Query(func(rows pgx.Rows) error {
				_, err := pgx.ForEachRow(rows, []any{&taken}, func() error { return nil })
				return err
			})
		if err := tx.SendBatch(ctx, look).Close(); err != nil {
			return err
		}
		if taken != "" {
			return errors.New("the slug is taken")
		}
		write := &pgx.Batch{}
		write.Queue(`INSERT INTO article (id, slug, kind, title, lead) VALUES ($1, $2, 'NEWS', $3, 'Ein Anfang.')`, id.String(), base, in.Title)
		write.Queue(`INSERT INTO article_topic (article_id, topic_id, role, position) VALUES ($1, $2, 'TOPIC', 1)`, id.String(), topic)
		write.Queue(`INSERT INTO article_link (article_id, position, url, title, kind) VALUES ($1, 1, 'https://a.example', 'A', 'WEBSITE'), ($1, 2, 'https://b.example', 'B', 'WEBSITE')`, id.String())
		return tx.SendBatch(ctx, write).Close()
	})
}

// lock takes a row that is at a version.
func lock(ctx context.Context, tx pgx.Tx, in given) (nodeid.UUID, error) {
	id, err := nodeid.Parse(in.ID)
	if err != nil {
		return id.UUID, err
	}
	var version int
	if err := tx.QueryRow(ctx, `SELECT version FROM article WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`, id.UUID.String()).Scan(&version); err != nil {
		return id.UUID, err
	}
	if version != in.Version {
		return id.UUID, fmt.Errorf("it is at version %d", version)
	}
	return id.UUID, nil
}

func (h *writers) update(ctx context.Context, in given) (id nodeid.UUID, err error) {
	err = h.in(ctx, "updateArticle", func(tx pgx.Tx) error {
		if id, err = lock(ctx, tx, in); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE article SET title = $2, lead = 'Ein anderer Anfang.' WHERE id = $1`, id.String(), in.Title)
		return err
	})
	return id, err
}

func (h *writers) publish(ctx context.Context, in given) (id nodeid.UUID, err error) {
	err = h.in(ctx, "publishArticle", func(tx pgx.Tx) error {
		if id, err = lock(ctx, tx, in); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE article SET publication_status = 'PUBLISHED', published_at = now(), published_on_start = current_date,
 published_on_end = current_date, published_on_precision = 'DAY' WHERE id = $1`, id.String())
		return err
	})
	return id, err
}

func (h *writers) read(ctx context.Context, name string, id nodeid.UUID) ([]byte, error) {
	var article, topics, links []byte
	err := h.pool.QueryRow(ctx, `SELECT json_build_object('slug', slug, 'version', version, 'publicationStatus', publication_status, 'title', title, 'lead', lead),
  (SELECT coalesce(json_agg(json_build_object('slug', t.slug, 'name', t.name) ORDER BY t.name COLLATE "de-x-icu", t.id), '[]') FROM article_topic l JOIN topic t ON t.id = l.topic_id WHERE l.article_id = a.id AND l.role = 'TOPIC'),
  (SELECT coalesce(json_agg(json_build_object('url', l.url, 'title', l.title) ORDER BY l.position), '[]') FROM article_link l WHERE l.article_id = a.id)
FROM article a WHERE id = $1`, id.String()).Scan(&article, &topics, &links)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"data":{"%s":{"article":{"id":"%s",%s,"topics":%s,"links":%s},"userErrors":[]}}}`,
		name, nodeid.ID{Prefix: "article", UUID: id}, article[1:len(article)-1], topics, links), nil
}

// ------------------------------------------------------------ measured

// article is one that a client has written.
type article struct {
	ID      string
	Version int
}

// ask sends a mutation.
func (m *mutation) ask(c *client, t *target, token string, in given) (a article, answer []byte, err error) {
	body, err := json.Marshal(map[string]any{"query": m.document, "variables": in})
	if err != nil {
		return a, nil, err
	}
	path := "/" + m.label
	if t.product() {
		path = "/graphql"
	}
	answer, err = c.do(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", path, t.addr, token, len(body), body))
	if err != nil {
		return a, nil, err
	}
	var got struct {
		Data map[string]struct{ Article article }
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return a, nil, err
	}
	for _, p := range got.Data {
		a = p.Article
	}
	if a.ID == "" {
		err = fmt.Errorf("%s of %s: %s", m.label, t.kind, answer)
	}
	return a, answer, err
}

// pace lets clients send a mutation for some time, or until each has nothing more to send.
func (b *bench) pace(t *target, do func(c *client, n int) (more bool, err error)) (s result, err error) {
	var wait sync.WaitGroup
	var mu sync.Mutex
	var all []time.Duration
	start := time.Now()
	for n := range b.Clients {
		c, err := dial(t.addr)
		if err != nil {
			return s, err
		}
		defer c.conn.Close()
		wait.Go(func() {
			var took []time.Duration
			var failure error
			for then := start; time.Since(start) < b.length(); {
				more, err := do(c, n)
				if failure = err; err != nil || !more {
					break
				}
				now := time.Now()
				took, then = append(took, now.Sub(then)), now
			}
			mu.Lock()
			defer mu.Unlock()
			all, err = append(all, took...), errors.Join(err, failure)
		})
	}
	wait.Wait()
	if err != nil || len(all) == 0 {
		return s, cmp.Or(err, errors.New("nothing was written"))
	}
	s.rate = float64(len(all)) / time.Since(start).Seconds()
	slices.Sort(all)
	s.p50, s.p99 = all[len(all)/2].Seconds()*1000, all[len(all)*99/100].Seconds()*1000
	return s, nil
}

// writes measures mutations, on a copy of the data.
func (b *bench) writes(ctx context.Context) error {
	return b.onCopy(ctx, func(url string) error { return b.writesTo(ctx, url) })
}

// onCopy makes a copy of the data for as long as something is done with it.
func (b *bench) onCopy(ctx context.Context, do func(url string) error) (err error) {
	db, err := b.database(ctx, b.Scale)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	admin, err := pgx.Connect(ctx, db.url)
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	const copied = "bench_write"
	url, err := postgres.Database(db.url, copied)
	if err != nil {
		return err
	}
	maintenance, err := postgres.Database(db.url, "postgres")
	if err != nil {
		return err
	}
	if err := admin.Close(ctx); err != nil {
		return err
	}
	if admin, err = pgx.Connect(ctx, maintenance); err != nil { // a template may not be in use
		return err
	}
	for _, sql := range []string{`DROP DATABASE IF EXISTS ` + copied + ` WITH (FORCE)`, `CREATE DATABASE ` + copied + ` TEMPLATE stadtgraph STRATEGY file_copy`} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return err
		}
	}
	defer func() {
		_, dropErr := admin.Exec(context.WithoutCancel(ctx), `DROP DATABASE `+copied+` WITH (FORCE)`)
		err = errors.Join(err, dropErr)
	}()
	return do(url)
}

func (b *bench) writesTo(ctx context.Context, url string) error {
	token, topic, err := prepareWrites(ctx, url)
	if err != nil {
		return err
	}
	targets := []*target{}
	for _, kind := range []string{"planned", "writers"} {
		t, err := start(kind, url)
		if err != nil {
			return err
		}
		defer func() { _ = t.stop() }()
		targets = append(targets, t)
	}
	if err := equalWrites(targets, token, topic); err != nil {
		return err
	}
	all := []*mutation{create, update, publish}
	results := map[string]map[*mutation][]result{"planned": {}, "writers": {}}
	for round := range b.Rounds + 1 { // the first one warms up
		fmt.Fprintf(os.Stderr, "Round %d of %d …\n", round, b.Rounds)
		for i := range targets {
			t := targets[(i+round)%len(targets)]
			measured, err := b.write(t, token, topic)
			if err != nil {
				return err
			}
			for m, r := range measured {
				if round > 0 {
					results[t.kind][m] = append(results[t.kind][m], r)
				}
			}
		}
	}
	fmt.Printf("| mutation | | req/s, goal ≥ 0.8 of by hand | req/s | by hand | p50 ms | by hand | p99 ms | by hand |\n|---|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, m := range all {
		p, h := results["planned"][m], results["writers"][m]
		rate, p50, p99 := func(s result) float64 { return s.rate }, func(s result) float64 { return s.p50 }, func(s result) float64 { return s.p99 }
		fmt.Printf("| %s | %s | %.2f | %.0f | %.0f | %.2f | %.2f | %.2f | %.2f |\n", m.label, m.what, ratio(p, h, rate),
			median(p, rate), median(h, rate), median(p, p50), median(h, p50), median(p, p99), median(h, p99))
	}
	return nil
}

// write measures the three mutations: what the first makes, the others change.
func (b *bench) write(t *target, token, topic string) (map[*mutation]result, error) {
	made := make([][]article, b.Clients)
	out := map[*mutation]result{}
	var err error
	if out[create], err = b.pace(t, func(c *client, n int) (bool, error) {
		a, _, err := create.ask(c, t, token, given{Title: fmt.Sprintf("Meldung %d", rand.Uint64()), Topic: topic})
		made[n] = append(made[n], a)
		return true, err
	}); err != nil {
		return nil, err
	}
	if out[update], err = b.pace(t, func(c *client, n int) (more bool, err error) {
		a := &made[n][0]
		*a, _, err = update.ask(c, t, token, given{ID: a.ID, Version: a.Version, Title: fmt.Sprintf("Anders %d", rand.Uint64())})
		return true, err
	}); err != nil {
		return nil, err
	}
	next := make([]atomic.Int64, b.Clients)
	out[publish], err = b.pace(t, func(c *client, n int) (bool, error) {
		i := int(next[n].Add(1)) - 1
		if i >= len(made[n]) {
			return false, nil
		}
		_, _, err := publish.ask(c, t, token, given{ID: made[n][i].ID, Version: made[n][i].Version})
		return true, err
	})
	return out, err
}

// prepareWrites makes a token, and names a topic.
func prepareWrites(ctx context.Context, url string) (token, topic string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", "", err
	}
	defer conn.Close(ctx)
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		token, _, err = auth.CreateToken(ctx, tx, auth.Params{Name: "bench", Role: auth.Publisher})
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT slug FROM topic WHERE scheme = 'ACTION_FIELD' AND deleted_at IS NULL ORDER BY slug LIMIT 1`).Scan(&topic)
	})
	return token, topic, err
}

var another = regexp.MustCompile(`article_[0-9a-z]{26}|[Mm]eldung.[0-9]+`)

// equalWrites sends everything once: what targets answer differs in ids and names only.
func equalWrites(targets []*target, token, topic string) error {
	var first string
	for _, t := range targets {
		c, err := dial(t.addr)
		if err != nil {
			return err
		}
		defer c.conn.Close()
		var said strings.Builder
		a, answer, err := create.ask(c, t, token, given{Title: fmt.Sprintf("Meldung %d", rand.Uint64()), Topic: topic})
		said.Write(answer)
		if err == nil {
			a, answer, err = update.ask(c, t, token, given{ID: a.ID, Version: a.Version, Title: "Anders"})
			said.Write(answer)
		}
		if err == nil {
			_, answer, err = publish.ask(c, t, token, given{ID: a.ID, Version: a.Version})
			said.Write(answer)
		}
		if err != nil {
			return err
		}
		text := another.ReplaceAllString(strings.NewReplacer(`" : `, `":`, `, "`, `,"`, `}, {`, `},{`).Replace(said.String()), "x")
		if first == "" {
			first = text
		} else if text != first {
			return fmt.Errorf("the answers are not those of the product:\n%s\n%s", first, text)
		}
	}
	return nil
}
