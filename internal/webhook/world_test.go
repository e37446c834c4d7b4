package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/webhook"
	"stadtgraph/internal/write"
)

// world is a database with webhooks, whose queue is worked off when a test says so.
type world struct {
	pool     *pgxpool.Pool
	config   webhook.Config
	sender   *webhook.Sender
	executor *graph.Executor

	mu    sync.Mutex
	queue []nodeid.UUID
}

var testKey = seal.Key{1, 2, 3}

func newWorld(t *testing.T, change func(*webhook.Config)) *world {
	t.Helper()
	w := &world{pool: pgtest.DB(t)}
	w.config = webhook.Config{Keys: seal.NewBox("webhook", testKey), HTTP: true, Timeout: 2 * time.Second,
		Reach:  []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Delays: slices.Repeat([]time.Duration{time.Millisecond}, 9),
		Queue: func(_ context.Context, _ pgx.Tx, ids []nodeid.UUID) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.queue = append(w.queue, ids...)
			return nil
		}}
	if change != nil {
		change(&w.config)
	}
	w.sender, w.executor = instance(t, w.pool, w.config)
	return w
}

// instance is a process that works on a database.
func instance(t *testing.T, pool *pgxpool.Pool, c webhook.Config) (*webhook.Sender, *graph.Executor) {
	t.Helper()
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	writable, err := graph.Writable(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	planner := plan.New(catalogue, pool, true)
	sender, err := webhook.New(c, pool, planner)
	if err != nil {
		t.Fatal(err)
	}
	return sender, graph.NewExecutor(planner).Writes(write.NewWriter(writable, pool)).Tells(sender)
}

// asks runs an operation and puts its data into a value.
func (w *world) asks(t *testing.T, actor *auth.Actor, query string, vars map[string]any, into any) string {
	t.Helper()
	raw, err := json.Marshal(vars)
	if err != nil {
		t.Fatal(err)
	}
	var given map[string]any
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if err := d.Decode(&given); err != nil {
		t.Fatal(err)
	}
	ctx := graphql.StartOperationTrace(auth.With(t.Context(), actor))
	op, errs := w.executor.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: given})
	var answer []byte
	if len(errs) > 0 {
		answer, _ = json.Marshal(w.executor.DispatchError(graphql.WithOperationContext(ctx, op), errs))
	} else {
		handler, ctx := w.executor.DispatchOperation(ctx, op)
		answer, _ = json.Marshal(handler(ctx))
	}
	if into != nil {
		var whole struct {
			Data   json.RawMessage
			Errors json.RawMessage
		}
		if err := json.Unmarshal(answer, &whole); err != nil || whole.Errors != nil {
			t.Fatalf("%s\n%v\n%s", query, vars, answer)
		}
		if err := json.Unmarshal(whole.Data, into); err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
	}
	return string(answer)
}

var admin = &auth.Actor{Name: "admin", Role: auth.Admin}

// hook is a webhook as its creator knows it.
type hook struct {
	ID     string
	Secret string
}

// creates makes a webhook.
func (w *world) creates(t *testing.T, input map[string]any) hook {
	t.Helper()
	var data struct {
		CreateWebhook struct {
			Webhook    *struct{ ID string }
			Secret     string
			UserErrors []any
		}
	}
	raw := w.asks(t, admin, `mutation ($w: WebhookInput!) { createWebhook(input: {webhook: $w}) { webhook { id } secret userErrors { path code message } } }`, map[string]any{"w": input}, &data)
	if data.CreateWebhook.Webhook == nil {
		t.Fatalf("no webhook: %s", raw)
	}
	return hook{data.CreateWebhook.Webhook.ID, data.CreateWebhook.Secret}
}

// does runs a mutation about a webhook, at its present version if it takes one, and gives
// what is wrong as "CODE path".
func (w *world) does(t *testing.T, name string, input map[string]any, selection string) (wrong, answer string) {
	t.Helper()
	typeName := strings.ToUpper(name[:1]) + name[1:] + "Input"
	def := graph.Schema().Types[typeName]
	if id, ok := input["id"].(string); ok && def.Fields.ForName("version") != nil && input["version"] == nil {
		var data struct{ Webhook struct{ Version int } }
		w.asks(t, admin, `query ($id: ID!) { webhook(id: $id) { version } }`, map[string]any{"id": id}, &data)
		input["version"] = data.Webhook.Version
	}
	var data struct {
		M struct {
			UserErrors []struct {
				Path []string
				Code string
			}
		}
	}
	answer = w.asks(t, admin, fmt.Sprintf(`mutation ($in: %s!) { m: %s(input: $in) { %s userErrors { path code message } } }`, typeName, name, selection), map[string]any{"in": input}, &data)
	for _, e := range data.M.UserErrors {
		wrong += e.Code + " " + strings.Join(e.Path, ".") + ";"
	}
	return wrong, answer
}

// settles waits until everything that was written can be read as a change: transactions of
// other tests may hold it back.
func (w *world) settles(t *testing.T) {
	t.Helper()
	for range 12_000 {
		var ready bool
		if err := w.pool.QueryRow(t.Context(), `SELECT NOT EXISTS (SELECT FROM change WHERE txid >= pg_snapshot_xmin(pg_current_snapshot()))`).Scan(&ready); err != nil {
			t.Fatal(err)
		}
		if ready {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("a transaction is open for too long")
}

// feeds makes deliveries of all that was written.
func (w *world) feeds(t *testing.T) {
	t.Helper()
	w.settles(t)
	if err := w.sender.Feed(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// works makes deliveries and sends what is due, until nothing is.
func (w *world) works(t *testing.T) {
	t.Helper()
	w.feeds(t)
	for {
		if err := w.sender.Rouse(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		queue := w.queue
		w.queue = nil
		w.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		var wait sync.WaitGroup
		for _, id := range queue {
			wait.Go(func() {
				if err := w.sender.Tend(t.Context(), id); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
	}
}

// worksUntil works again and again until something holds.
func (w *world) worksUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 2000 {
		w.works(t)
		if holds() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatalf("it never came: %s", what)
}

func (w *world) run(t *testing.T, sql string) {
	t.Helper()
	if _, err := w.pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (w *world) value(t *testing.T, sql string, args ...any) (v string) {
	t.Helper()
	if err := w.pool.QueryRow(t.Context(), `SELECT coalesce((`+sql+`)::text, 'null')`, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// key is the n-th key of a test, as SQL, and global is its global id as an article.
func key(n int) string { return fmt.Sprintf("'00000000-0000-7000-8000-%012d'", n) }

func global(prefix string, n int) string {
	id, err := nodeid.ParseUUID(strings.Trim(key(n), "'"))
	if err != nil {
		panic(err)
	}
	return nodeid.ID{Prefix: prefix, UUID: id}.String()
}

func (w *world) article(t *testing.T, n int, status string) {
	t.Helper()
	w.run(t, fmt.Sprintf(`INSERT INTO article (id, slug, kind, title, publication_status) VALUES (%s, 'a%d', 'NEWS', 'A', '%s')`, key(n), n, status))
}

// message is one that a receiver got.
type message struct {
	ID        string
	Signature string
	Body      string
	Type      string
	Data      struct {
		Type, ID, Cursor, Kind string
		Version                int
	}
}

func (m message) String() string {
	return fmt.Sprintf("%s %s v%d", m.Type, m.Data.ID[len(m.Data.ID)-2:], m.Data.Version)
}

// receiver is one that checks what it gets with the library of Standard Webhooks.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	secret   string
	verify   *standardwebhooks.Webhook
	answer   func(n int, m message, w http.ResponseWriter, r *http.Request) // writes another answer than 204
	got      []message                                                      // that it has acknowledged
	asked    []message                                                      // all that came
	problems []string
}

func newReceiver(t *testing.T, answer func(n int, m message, w http.ResponseWriter, r *http.Request)) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(func() {
		r.CloseClientConnections()
		r.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, p := range r.problems {
			t.Errorf("the receiver: %s", p)
		}
	})
	return r
}

// knows tells the receiver its secret.
func (r *receiver) knows(secret string) {
	v, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		panic(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verify, r.secret = v, secret
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

func (r *receiver) serve(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return
	}
	m := message{ID: request.Header.Get("webhook-id"), Signature: request.Header.Get("webhook-signature"), Body: string(body)}
	r.mu.Lock()
	wrong := func(format string, args ...any) { r.problems = append(r.problems, fmt.Sprintf(format, args...)) }
	if err := json.Unmarshal(body, &m); err != nil {
		wrong("%s: %v", body, err)
	}
	if r.verify != nil {
		if err := r.verify.Verify(body, request.Header); err != nil {
			wrong("%v: %v", m, err)
		}
	}
	if request.Method != http.MethodPost || request.Header.Get("Content-Type") != "application/json" || request.Header.Get("Cookie") != "" {
		wrong("%s with %v", request.Method, request.Header)
	}
	r.asked = append(r.asked, m)
	n := len(r.asked)
	r.mu.Unlock()
	rec := &recorder{ResponseWriter: w}
	if r.answer != nil {
		r.answer(n, m, rec, request)
	}
	if rec.status == 0 {
		rec.WriteHeader(http.StatusNoContent)
	}
	if rec.status >= 200 && rec.status < 300 {
		r.mu.Lock()
		r.got = append(r.got, m)
		r.mu.Unlock()
	}
}

// took gives what was acknowledged, in order, as texts.
func (r *receiver) took() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.got {
		all = append(all, m.String())
	}
	return all
}

func (r *receiver) messages() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.asked)
}
