package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/seal"
)

// told is a receiver that holds what it is told against what it was told before.
type told struct {
	mu       sync.Mutex
	verify   *standardwebhooks.Webhook
	versions map[string]int // that it knows, by entry
	requests int
	again    int
	problems []string
}

func (r *told) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	var m struct {
		Data struct {
			ID      string
			Version int
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	if err := json.Unmarshal(body, &m); err != nil {
		r.problems = append(r.problems, err.Error())
	}
	if err := r.verify.Verify(body, request.Header); err != nil {
		r.problems = append(r.problems, err.Error())
	}
	switch known := r.versions[m.Data.ID]; m.Data.Version {
	case known + 1:
		r.versions[m.Data.ID]++
	case known:
		r.again++
	default:
		r.problems = append(r.problems, fmt.Sprintf("%s: version %d came after %d", m.Data.ID, m.Data.Version, known))
	}
	time.Sleep(time.Millisecond) // as somebody does who writes it down
	w.WriteHeader(http.StatusNoContent)
}

func (r *told) after(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		r.mu.Lock()
		ok := holds()
		r.mu.Unlock()
		switch {
		case ok:
			return
		case time.Now().After(deadline):
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("it never came: %s; %d requests, %d objects; %q", what, r.requests, len(r.versions), r.problems)
		}
	}
}

// A server that is killed in the middle of delivering is followed by one that goes on:
// every change arrives, once at least, and those of one entry in order.
func TestKilledWhileDelivering(t *testing.T) {
	t.Parallel()
	const objects, changes = 60, 8
	url, address := pgtest.URL(t), freeAddress(t)
	r := &told{versions: map[string]int{}}
	receiver := httptest.NewServer(r)
	t.Cleanup(receiver.Close)
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := auth.CreateToken(t.Context(), tx, auth.Params{Name: "hooks", Role: auth.Admin})
	if err == nil {
		err = tx.Commit(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"STADTGRAPH_WEBHOOK_KEYS=" + seal.NewKey(), "STADTGRAPH_WEBHOOK_REACH=127.0.0.0/8", "STADTGRAPH_WEBHOOK_HTTP=true", "STADTGRAPH_WEBHOOK_TIMEOUT=1s"}
	p := startServe(t, url, address, env...)
	body := `{"query": "mutation { createWebhook(input: {webhook: {name: \"a\", url: \"` + receiver.URL + `\", types: [ARTICLE]}}) { secret userErrors { message } } }"}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.base+"/graphql", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var created struct {
		Data struct{ CreateWebhook struct{ Secret string } }
	}
	if err := json.NewDecoder(answer.Body).Decode(&created); err != nil || created.Data.CreateWebhook.Secret == "" {
		t.Fatalf("%+v %v", created, err)
	}
	if r.verify, err = standardwebhooks.NewWebhook(created.Data.CreateWebhook.Secret); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), fmt.Sprintf(`INSERT INTO article (id, slug, kind, title, publication_status) SELECT gen_random_uuid(), 'a' || n, 'NEWS', 'A', 'PUBLISHED' FROM generate_series(1, %d) n`, objects)); err != nil {
		t.Fatal(err)
	}
	for range changes - 1 {
		if _, err := db.Exec(t.Context(), `UPDATE article SET title = title || '!'`); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{40, 200} {
		r.after(t, fmt.Sprint(n, " requests"), func() bool { return r.requests >= n })
		p.end(t, os.Kill)
		p = startServe(t, url, address, env...)
	}
	r.after(t, "everything", func() bool {
		for _, version := range r.versions {
			if version < changes {
				return false
			}
		}
		return len(r.versions) == objects
	})
	for _, problem := range r.problems {
		t.Error(problem)
	}
	t.Logf("%d requests, %d came again", r.requests, r.again)
	var log string
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) { // the last are noted
		if err := db.QueryRow(t.Context(), `SELECT string_agg(DISTINCT status, ' ') || ' ' || count(*) FROM webhook_delivery`).Scan(&log); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint("DELIVERED ", objects*changes); log == want {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the log: %s, want %s", log, want)
		}
	}
	if code := p.end(t, syscall.SIGTERM); code != exitOK {
		t.Errorf("SIGTERM: code %d", code)
	}
}
