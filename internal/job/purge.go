package job

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"stadtgraph/internal/change"
)

// Purge tells the cache of a CDN which of its answers are outdated, by the tags that they
// came with. Each request is a POST that says it in the ways that CDNs understand: a JSON
// object such as {"tags":["Article","article_01h…"]}, and a header Surrogate-Key with the
// same tags, a space between two. Any status from 200 to 299 means that it is done.
//
// How far it has come stands in the database, so nothing is lost: what was not
// answered is sent again, whoever works then. Sent twice it does no harm.
type Purge struct {
	URL    string
	Token  string                       // sent as Authorization: Bearer …; none if empty
	Prefix func(typeName string) string // of global ids: plan.Catalogue.Prefix
	All    string                       // the tag that each answer has
	Client interface {
		Do(*http.Request) (*http.Response, error)
	} // for tests; a careful one if nil
}

const (
	purgeEvery   = 2 * time.Second
	purgeTimeout = 10 * time.Second // of one request

	// purgeBatch is how many tags one request has: of the known CDNs, none takes fewer.
	purgeBatch = 30
	// From so many tags on all answers go: the CDN's limits on requests would be met first.
	purgeMost = 3000
)

// CheckPurgeURL says what is wrong with an address to tell of outdated answers.
func CheckPurgeURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("the address to purge is none: write it as https://cdn.example/purge, without a password, which belongs into STADTGRAPH_PURGE_TOKEN (--purge-url, STADTGRAPH_PURGE_URL)")
	}
	return nil
}

type purgeArgs struct{}

func (purgeArgs) Kind() string { return "purge" }

// InsertOpts: one waits, runs or is tried again at a time, with longer and longer pauses.
func (purgeArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 8, UniqueOpts: river.UniqueOpts{ByQueue: true}}
}

type purgeWorker struct {
	river.WorkerDefaults[purgeArgs]
	pool  *pgxpool.Pool
	purge *Purge
}

func (w *purgeWorker) Timeout(*river.Job[purgeArgs]) time.Duration { return 20 * time.Minute }

// NextRetry waits 2, 4, 8 … seconds.
func (w *purgeWorker) NextRetry(j *river.Job[purgeArgs]) time.Time {
	return time.Now().Add(time.Second << min(j.Attempt, 8))
}

func (w *purgeWorker) Work(ctx context.Context, _ *river.Job[purgeArgs]) error {
	return w.purge.Run(ctx, w.pool)
}

// Run tells what has been outdated since it was last told.
func (p *Purge) Run(ctx context.Context, pool *pgxpool.Pool) error {
	log := change.Log{Pool: pool}
	var from change.Mark
	var at time.Time
	err := pool.QueryRow(ctx, `SELECT epoch, snapshot, at FROM purge_cursor`).Scan(&from.Epoch, &from.Snapshot, &at)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read up to where was purged: %w", err)
	}
	coverage, err := log.Coverage(ctx)
	if err != nil {
		return err
	}
	t, err := log.Since(ctx, from, time.Now())
	if err != nil {
		return err
	}
	tags := t.Tags(coverage, p.Prefix)
	if t.Lost || from.Snapshot == "" || time.Since(at) > change.Memory/2 || len(tags) > purgeMost {
		tags = []string{p.All}
	}
	// No transaction is open meanwhile: it would hold back readers of changes.
	for batch := range slices.Chunk(tags, purgeBatch) {
		if err := p.send(ctx, batch); err != nil {
			return err
		}
	}
	// Whoever came in between sent the same.
	_, err = pool.Exec(ctx, `INSERT INTO purge_cursor (epoch, snapshot) VALUES ($1, $2)
ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, snapshot = excluded.snapshot, at = now()
WHERE (purge_cursor.epoch, purge_cursor.snapshot) = ($3, $4)`, t.Mark.Epoch, t.Mark.Snapshot, from.Epoch, from.Snapshot)
	if err != nil {
		return fmt.Errorf("note up to where was purged: %w", err)
	}
	return nil
}

// careful follows no redirect: the token is for one address.
var careful = &http.Client{Timeout: purgeTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (p *Purge) send(ctx context.Context, tags []string) error {
	body, err := json.Marshal(map[string][]string{"tags": tags})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "stadtgraph")
	r.Header.Set("Surrogate-Key", strings.Join(tags, " "))
	if p.Token != "" {
		r.Header.Set("Authorization", "Bearer "+p.Token)
	}
	client := p.Client
	if client == nil {
		client = careful
	}
	response, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("tell what to purge: %w", withoutURL(err))
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("tell what to purge: the answer is %s", response.Status)
	}
	return nil
}

// withoutURL leaves out the address, which may hold a key.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
