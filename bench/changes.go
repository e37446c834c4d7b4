package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/rest"
	"stadtgraph/internal/server"
	"stadtgraph/internal/stream"
	"stadtgraph/migrations"
)

// The change feed is measured by itself: pages of it beside a handler by hand, and how
// many events a second reach those who listen, without others and with a thousand who
// wait for something else. Server and clients are one process.
const (
	changesOfFeed = 5000
	changesOfPage = 100
	busyListeners = 50
	idleListeners = 1000
	burst         = 200 // changes of a transaction
	bursts        = 10  // of a round
)

func (b *bench) changes(ctx context.Context) error {
	return b.alone(ctx, "changes", func(pool *pgxpool.Pool) error {
		if _, err := pool.Exec(ctx, `INSERT INTO article (id, slug, kind, title, lead, publication_status, published_at)
SELECT gen_random_uuid(), 'a' || n, 'NEWS', 'Artikel ' || n, 'Was darin steht, in einem Satz.', 'PUBLISHED', now() FROM generate_series(1, $1) n`, changesOfFeed); err != nil {
			return err
		}
		catalogue, err := graph.Catalogue()
		if err != nil {
			return err
		}
		planner, hub := plan.New(catalogue, pool, true), stream.New(pool)
		running, cancel := context.WithCancel(ctx)
		over := make(chan struct{})
		go func() { defer close(over); hub.Run(running) }()
		defer func() { cancel(); <-over }()
		s, err := server.New(server.Config{Executor: graph.NewExecutor(planner).Follows(hub, planner), Database: pool, Migrations: migrations.FS,
			Log: slog.New(slog.DiscardHandler), Pages: []server.Page{rest.Changes()}, Streams: server.Streams{MaxPerClient: 2 * (busyListeners + idleListeners)}})
		if err != nil {
			return err
		}
		mux := http.NewServeMux()
		mux.Handle("/", s.Handler())
		mux.Handle("/by-hand", pageByHand(pool))
		at := httptest.NewServer(mux)
		defer at.Close()
		if err := b.pagesOfFeed(ctx, at.URL); err != nil {
			return err
		}
		for _, idle := range []int{0, idleListeners} {
			if err := b.listeners(ctx, pool, at.URL, idle); err != nil {
				return err
			}
		}
		return nil
	})
}

// pageByHand answers pages of changes by a statement for articles alone.
func pageByHand(pool *pgxpool.Pool) http.Handler {
	type node struct {
		ID          string    `json:"id"`
		Slug        string    `json:"slug"`
		Kind        string    `json:"kind"`
		Title       string    `json:"title"`
		Lead        *string   `json:"lead"`
		Body        *string   `json:"body"`
		PublishedAt time.Time `json:"publishedAt"`
		CreatedAt   time.Time `json:"createdAt"`
		ModifiedAt  time.Time `json:"modifiedAt"`
	}
	type change struct {
		Cursor  string    `json:"cursor"`
		Kind    string    `json:"kind"`
		Type    string    `json:"type"`
		ID      string    `json:"id"`
		Version int       `json:"version"`
		At      time.Time `json:"at"`
		Node    node      `json:"node"`
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		txid, seq := "0", "0"
		if raw, err := base64.RawURLEncoding.DecodeString(r.FormValue("after")); err == nil && len(raw) > 0 {
			txid, seq, _ = strings.Cut(string(raw), ".")
		}
		rows, _ := pool.Query(r.Context(), `SELECT c.txid::text || '.' || c.seq, CASE WHEN c.visible_after THEN 'UPSERT' ELSE 'DELETE' END, c.id, c.version, c.at,
  a.slug, a.kind::text, a.title, a.lead, a.body, a.published_at, a.created_at, a.modified_at
FROM change c JOIN article a ON a.id = c.id
WHERE (c.txid, c.seq) > ($1::text::xid8, $2::text::bigint) AND c.txid < pg_snapshot_xmin(pg_current_snapshot()) AND c.type = 'Article' AND (c.visible_before OR c.visible_after)
ORDER BY c.txid, c.seq LIMIT $3`, txid, seq, changesOfPage)
		page := struct {
			Changes   []change `json:"changes"`
			EndCursor string   `json:"endCursor"`
		}{Changes: []change{}}
		var c change
		var id [16]byte
		_, err := pgx.ForEachRow(rows, []any{&c.Cursor, &c.Kind, &id, &c.Version, &c.At, &c.Node.Slug, &c.Node.Kind, &c.Node.Title, &c.Node.Lead, &c.Node.Body, &c.Node.PublishedAt, &c.Node.CreatedAt, &c.Node.ModifiedAt}, func() error {
			c.Type, c.ID = "ARTICLE", nodeid.ID{Prefix: "article", UUID: id}.String()
			c.Node.ID, c.Cursor = c.ID, base64.RawURLEncoding.EncodeToString([]byte(c.Cursor))
			page.Changes, page.EndCursor = append(page.Changes, c), c.Cursor
			return nil
		})
		if err != nil {
			http.Error(w, "it cannot be read", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(page)
	})
}

// pagesOfFeed walks the feed from its beginning to its end.
func (b *bench) pagesOfFeed(ctx context.Context, base string) error {
	rates := map[string][]float64{}
	addresses := map[string]string{"feed": base + "/api/v1/changes?types=ARTICLE&first=" + fmt.Sprint(changesOfPage), "by hand": base + "/by-hand?"}
	for round := range b.Rounds + 1 { // the first warms up
		for name, address := range addresses {
			walked, begun := 0, time.Now()
			for after := ""; walked < changesOfFeed; {
				var page struct {
					Changes   []json.RawMessage
					EndCursor string
				}
				if err := getJSON(ctx, address+"&after="+url.QueryEscape(after), &page); err != nil {
					return err
				}
				if len(page.Changes) == 0 {
					return fmt.Errorf("%s ends after %d changes", name, walked)
				}
				walked, after = walked+len(page.Changes), page.EndCursor
			}
			if round > 0 {
				rates[name] = append(rates[name], float64(walked)/time.Since(begun).Seconds())
			}
		}
	}
	for _, r := range rates {
		slices.Sort(r)
	}
	feed, hand := rates["feed"], rates["by hand"]
	fmt.Printf("Pages of %d: %.0f changes/s with their entries, by hand (articles, 9 fields, no lists) %.0f: %.2f\n", changesOfPage, feed[len(feed)/2], hand[len(hand)/2], feed[len(feed)/2]/hand[len(hand)/2])
	return nil
}

func getJSON(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(string(raw))
	}
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	return err
}

// listeners measures events that reach all who want them.
func (b *bench) listeners(ctx context.Context, pool *pgxpool.Pool, base string, idle int) error {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	var arrived atomic.Int64
	var reading sync.WaitGroup
	defer reading.Wait()
	defer func() {
		for _, c := range open {
			_ = c.SetDeadline(time.Now())
		}
	}()
	for i := range busyListeners + idle {
		types := "ARTICLE"
		if i >= busyListeners {
			types = "PLATFORM"
		}
		c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			return err
		}
		open = append(open, c)
		if _, err := fmt.Fprintf(c, "GET /api/v1/changes?types=%s HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n", types); err != nil {
			return err
		}
		lines := bufio.NewScanner(c)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() && !strings.Contains(lines.Text(), "subscribed") {
		}
		if i < busyListeners {
			reading.Go(func() {
				for lines.Scan() {
					if strings.HasPrefix(lines.Text(), "data:") && strings.Contains(lines.Text(), `"ARTICLE"`) {
						arrived.Add(1)
					}
				}
			})
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	var rates []float64
	for round := range b.Rounds + 1 {
		arrived.Store(0)
		begun := time.Now()
		for n := range bursts {
			if _, err := pool.Exec(ctx, `UPDATE article SET lead = 'Neues ' || $1::text WHERE id IN (SELECT id FROM article ORDER BY id OFFSET $2 LIMIT $3)`, fmt.Sprint(round), n*burst, burst); err != nil {
				return err
			}
		}
		for arrived.Load() < busyListeners*bursts*burst {
			if time.Since(begun) > 2*time.Minute {
				return fmt.Errorf("after two minutes %d events have arrived", arrived.Load())
			}
			time.Sleep(5 * time.Millisecond)
		}
		if round > 0 {
			rates = append(rates, float64(busyListeners*bursts*burst)/time.Since(begun).Seconds())
		}
	}
	slices.Sort(rates)
	fmt.Printf("%d listeners, %4d idle ones beside them: %.0f events/s (%.0f to %.0f), %d KB each\n", busyListeners, idle, rates[len(rates)/2], rates[0], rates[len(rates)-1],
		int(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/(busyListeners+idle)/1024)
	return nil
}
