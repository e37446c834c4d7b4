package webhook_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/webhook"
)

// articles tells of articles, to a receiver.
func articles(r *receiver) map[string]any {
	return map[string]any{"name": "city website", "url": r.URL + "/hooks", "types": []string{"ARTICLE"}}
}

// What the public can see is told as it happens, signed, and logged; drafts never are.
func TestTold(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, nil), newReceiver(t, nil)
	w.article(t, 1, "PUBLISHED") // before there is anybody to tell
	w.settles(t)
	h := w.creates(t, articles(r))
	r.knows(h.Secret)
	w.article(t, 2, "DRAFT")
	w.article(t, 3, "PUBLISHED")
	w.works(t)
	w.run(t, `UPDATE article SET title = 'B' WHERE id IN (`+key(2)+`, `+key(3)+`)`)
	w.run(t, `UPDATE article SET publication_status = 'PUBLISHED' WHERE id = `+key(2))
	w.works(t)
	w.run(t, `UPDATE article SET publication_status = 'DRAFT' WHERE id = `+key(2))
	w.run(t, `DELETE FROM article WHERE id = `+key(3))
	w.works(t)
	want := []string{"article.published 03 v1", "article.changed 03 v2", "article.published 02 v3", "article.removed 02 v4", "article.removed 03 v3"}
	got := r.took()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("told %q\nwant %q", got, want)
	}
	m := r.messages()[0]
	begin, end := `{"type":"article.published","timestamp":"20`, `","data":{"type":"Article","id":"`+global("article", 3)+`","version":1,"cursor":"`+m.Data.Cursor+`","kind":"PUBLISHED"}}`
	if !strings.HasPrefix(m.Body, begin) || !strings.HasSuffix(m.Body, end) {
		t.Errorf("got %s\nwant %s…%s", m.Body, begin, end)
	}
	if !strings.HasPrefix(m.ID, "msg_") || strings.Count(m.Signature, "v1,") != 1 {
		t.Errorf("got %+v", m)
	}
	var log struct {
		WebhookDeliveries struct {
			TotalCount int
			Nodes      []struct {
				Event, EntryID, Status, Origin, MessageID, Payload string
				Entry                                              *struct{ ID string }
				Webhook                                            struct{ Name, Cursor string }
				Attempts                                           []struct {
					Number, ResponseStatus int
					URL, RequestHeaders    string
					Error                  *string
				}
			}
		}
	}
	w.asks(t, admin, `{ webhookDeliveries(first: 100, filter: {webhook: {name: {eq: "city website"}}, event: {eq: "article.published"}}) { totalCount nodes { event entryId status origin messageId payload
		entry { id } webhook { name cursor } attempts { number url requestHeaders responseStatus error } } } }`, nil, &log)
	if log.WebhookDeliveries.TotalCount != 2 {
		t.Errorf("the log: %+v", log)
	}
	for _, d := range log.WebhookDeliveries.Nodes {
		if d.Status != "DELIVERED" || d.Origin != "CHANGE" || len(d.Attempts) != 1 || d.Attempts[0].ResponseStatus != 204 || d.Attempts[0].Error != nil ||
			!strings.Contains(d.Attempts[0].RequestHeaders, "webhook-id: "+d.MessageID) || d.Webhook.Cursor == "" || (d.EntryID == global("article", 2)) != (d.Entry != nil) {
			t.Errorf("a delivery: %+v", d)
		}
	}
}

// failing is a receiver's answer by what it was asked before: it fails so often for each
// message, then takes it.
func failing(times int, how func(w http.ResponseWriter, r *http.Request)) func(int, message, http.ResponseWriter, *http.Request) {
	var mu sync.Mutex
	seen := map[string]int{}
	return func(_ int, m message, w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[m.ID]++
		n := seen[m.ID]
		mu.Unlock()
		if n <= times {
			how(w, r)
		}
	}
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// Of one object nothing overtakes what came before, however the receiver fails, and with
// several instances at work; each attempt is the same message, signed anew.
func TestOrderUnderFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	r := newReceiver(t, failing(2, status(http.StatusInternalServerError)))
	h := w.creates(t, articles(r))
	r.knows(h.Secret)
	const objects, changes = 4, 5
	for n := 1; n <= objects; n++ {
		w.article(t, n, "PUBLISHED")
	}
	for i := 2; i <= changes; i++ {
		for n := 1; n <= objects; n++ {
			w.run(t, fmt.Sprintf(`UPDATE article SET title = 'T%d' WHERE id = %s`, i, key(n)))
		}
	}
	second, _ := instance(t, w.pool, w.config)
	w.feeds(t)
	w.worksUntil(t, "all are delivered", func() bool {
		if err := second.Feed(t.Context()); err != nil {
			t.Fatal(err)
		}
		return len(r.took()) >= objects*changes
	})
	versions := map[string]int{}
	for _, m := range r.got {
		if m.Data.Version != versions[m.Data.ID]+1 {
			t.Errorf("%s came after version %d", m, versions[m.Data.ID])
		}
		versions[m.Data.ID] = m.Data.Version
	}
	times := map[string]int{}
	for _, m := range r.messages() {
		times[m.ID]++
	}
	if len(times) != objects*changes {
		t.Errorf("%d messages", len(times))
	}
	for id, n := range times {
		if n != 3 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	if got := w.value(t, `SELECT string_agg(DISTINCT concat_ws(' ', status, attempt_count, failures), ', ') FROM webhook_delivery`); got != "DELIVERED 3 2" {
		t.Errorf("the log: %s", got)
	}
}

// Who does not answer at all is tried ten times; then the webhook is paused and shown, and
// goes on when it is resumed: nothing is lost.
func TestGivenUpAndResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var mu sync.Mutex
	broken := true
	r := newReceiver(t, func(_ int, _ message, w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if broken {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	h := w.creates(t, articles(r))
	w.article(t, 1, "PUBLISHED")
	w.feeds(t)
	state := func() string {
		return w.value(t, `SELECT concat_ws(' ', status, pause_reason) FROM webhook`)
	}
	w.worksUntil(t, "it is paused", func() bool { return state() != "ACTIVE" })
	if got := state(); got != "PAUSED EXHAUSTED" || len(r.messages()) != 10 {
		t.Errorf("%s after %d attempts", got, len(r.messages()))
	}
	w.run(t, `UPDATE article SET title = 'B'`)
	w.article(t, 2, "PUBLISHED")
	w.works(t)
	if got := w.value(t, `SELECT string_agg(status, ', ') FROM webhook_delivery`); got != "FAILED" || len(r.messages()) != 10 {
		t.Errorf("while it is paused: %s, %d messages", got, len(r.messages()))
	}
	mu.Lock()
	broken = false
	mu.Unlock()
	if wrong, answer := w.does(t, "resumeWebhook", map[string]any{"id": h.ID}, "webhook { status pauseReason failures }"); !strings.Contains(answer, `"ACTIVE","pauseReason":null,"failures":0`) {
		t.Errorf("resumed: %s %s", wrong, answer)
	}
	w.worksUntil(t, "all is told", func() bool { return len(r.took()) == 3 })
	if got := r.took(); !slices.Contains(got, "article.published 02 v1") || slices.Index(got, "article.published 01 v1") < 0 || slices.Index(got, "article.published 01 v1") > slices.Index(got, "article.changed 01 v2") {
		t.Errorf("got %q", got)
	}

	// Nor is anything told of when somebody wants to go on without.
	w.does(t, "pauseWebhook", map[string]any{"id": h.ID}, "")
	w.run(t, `UPDATE article SET title = 'C'`)
	w.settles(t)
	w.does(t, "resumeWebhook", map[string]any{"id": h.ID, "skipMissed": true}, "")
	w.article(t, 3, "PUBLISHED")
	w.works(t)
	if got := r.took(); len(got) != 4 || got[3] != "article.published 03 v1" {
		t.Errorf("without what was missed: %q", got)
	}
}

// What receivers say with their status is heard.
func TestStatus(t *testing.T) {
	t.Parallel()
	elsewhere := newReceiver(t, nil)
	forever := make([]byte, 64<<10)
	for i := range forever {
		forever[i] = 'x'
	}
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		want   string // status, reason, attempts' status, held, beginning of error
		check  string // of the last attempt
	}{
		"gone": {status(http.StatusGone), "PAUSED GONE FAILED 410 f", "The answer has the status 410."},
		"many": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusTooManyRequests)
		}, "ACTIVE PENDING 429 t", "The answer has the status 429."},
		"busy": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusServiceUnavailable)
		}, "ACTIVE PENDING 503 t", "The answer has the status 503."},
		"nonsense": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "soon")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, "ACTIVE PENDING 503 f", "The answer has the status 503."},
		"redirects": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "ACTIVE PENDING 307 f", "The answer is a redirect (307)"},
		"inward": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, "ACTIVE PENDING 302 f", "The answer is a redirect (302)"},
		"hangs":  {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "ACTIVE PENDING - f", "There was no answer within"},
		"breaks": {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "ACTIVE PENDING - f", "The connection broke"},
		"garbage": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w.(*recorder).ResponseWriter).Hijack()
			if err == nil {
				_, _ = conn.Write([]byte("\x00\xffno HTTP\r\n\r\n"))
				_ = conn.Close()
			}
			panic(http.ErrAbortHandler)
		}, "ACTIVE PENDING - f", "The connection broke"},
		"header": {func(w http.ResponseWriter, _ *http.Request) {
			for n := range 40 {
				w.Header().Set(fmt.Sprint("X-Long-", n), string(forever[:1000]))
			}
		}, "ACTIVE PENDING - f", "The connection broke"},
		"body": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte("a\x00b\xff<script>"))
		}, "ACTIVE PENDING 500 f", "The answer has the status 500."},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(forever); err != nil {
					return
				}
			}
		}, "ACTIVE DELIVERED 200 f", ""},
		"slow": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w.(*recorder).ResponseWriter).Flush()
			<-r.Context().Done()
		}, "ACTIVE DELIVERED 200 f", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *webhook.Config) {
				c.Delays = slices.Repeat([]time.Duration{time.Hour}, 9)
				c.Timeout = time.Second
			})
			r := newReceiver(t, func(_ int, _ message, w http.ResponseWriter, r *http.Request) { c.answer(w, r) })
			w.creates(t, articles(r))
			w.article(t, 1, "PUBLISHED")
			w.works(t)
			got := w.value(t, `SELECT concat_ws(' ', w.status, w.pause_reason, d.status, coalesce(a.response_status::text, '-'), coalesce(s.held_until > now() + interval '50 minutes', false)::text::char(1))
				FROM webhook w, webhook_delivery d, webhook_attempt a, webhook_state s`)
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if got := w.value(t, `SELECT coalesce(error, '') FROM webhook_attempt`); !strings.HasPrefix(got, c.check) || c.check == "" && got != "" {
				t.Errorf("it says %q, want %q", got, c.check)
			}
			if got := w.value(t, `SELECT max(length(response_body)) FROM webhook_attempt`); name == "endless" && got != "4096" || name == "body" && got != "12" {
				t.Errorf("%s characters of the body are kept", got)
			}
		})
	}
	if n := len(elsewhere.messages()); n > 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
}

// Nothing inside is reached, whatever its name is, unless it is allowed.
func TestReach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *webhook.Config) { c.Reach, c.Delays = nil, slices.Repeat([]time.Duration{time.Hour}, 9) })
	r := newReceiver(t, nil)
	create := `mutation ($w: WebhookInput!) { createWebhook(input: {webhook: $w}) { secret userErrors { path code } } }`
	for target, want := range map[string]string{
		"https://example.org/hooks?key=1": "", "http://example.org/": "", "https://example.org:8443": "", "https://[2606:4700::1111]/": "", "https://93.184.216.34/": "",
		"http://127.0.0.1/": "url", "https://127.1.2.3/": "url", "https://localhost/": "url", "https://a.localhost./": "url", "https://[::1]/": "url", "https://10.0.0.1/": "url",
		"https://172.31.0.1/": "url", "https://192.168.1.1/": "url", "https://100.64.0.1/": "url", "https://169.254.169.254/latest": "url", "https://0.0.0.0/": "url", "https://[::]/": "url",
		"https://[fd00:ec2::254]/": "url", "https://[fe80::1%25eth0]/": "url", "https://[::ffff:10.0.0.1]/": "url", "https://[64:ff9b::a00:1]/": "url", "https://[2002:a00:1::]/": "url",
		"https://224.0.0.1/": "url", "https://255.255.255.255/": "url", "https://192.0.0.192/": "url", "https://[fec0::1]/": "url",
		"ftp://example.org/": "url", "https://": "url", "example.org": "url", "https://user:password@example.org/": "url", "https://example.org/#a": "url", "\x00": "url", "": "url",
		"https://example.org/" + strings.Repeat("a", 2000): "url",
	} {
		got := w.asks(t, admin, create, map[string]any{"w": map[string]any{"name": fmt.Sprintf("%.50q", target), "url": target, "types": []string{"TOPIC"}}}, nil)
		if (want != "") != strings.Contains(got, `["input","webhook","url"]`) || strings.Contains(got, `"errors":`) {
			t.Errorf("%q: %s", target, got)
		}
	}
	// A name that means this machine is known only when it is looked up.
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(r.URL, "http://"))
	w.run(t, `DELETE FROM webhook`)
	w.creates(t, map[string]any{"name": "lying", "url": "http://ip6-localhost.example/", "types": []string{"ARTICLE"}})
	names := []string{"localhost"}
	if host, err := os.Hostname(); err == nil {
		names = append(names, host)
	}
	for n, name := range names {
		w.run(t, `UPDATE webhook SET url = 'http://`+name+`:`+port+`/'`)
		w.article(t, n+1, "PUBLISHED")
	}
	w.works(t)
	if n := len(r.messages()); n > 0 {
		t.Errorf("%d messages got in", n)
	}
	if got := w.value(t, `SELECT string_agg(DISTINCT regexp_replace(error, 'at \S+,', 'at X,'), '|') FROM webhook_attempt WHERE url LIKE '%localhost%' OR error LIKE '%reach%'`); got != "The host is at X, which webhooks may not reach: it is not a public address." {
		t.Errorf("the log says %q", got)
	}
}

// While a secret is changed both sign; then the new one alone. Nobody can read one anywhere.
func TestRotation(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, nil), newReceiver(t, nil)
	h := w.creates(t, articles(r))
	r.knows(h.Secret)
	var data struct {
		RotateWebhookSecret struct {
			Secret  string
			Webhook struct{ FormerSecretUntil *time.Time }
		}
	}
	rotate := `mutation ($id: ID!, $hours: Int!) { rotateWebhookSecret(input: {id: $id, overlapHours: $hours}) { secret webhook { formerSecretUntil } userErrors { path code message } } }`
	w.asks(t, admin, rotate, map[string]any{"id": h.ID, "hours": 24}, &data)
	if got := data.RotateWebhookSecret; !strings.HasPrefix(got.Secret, "whsec_") || got.Secret == h.Secret || got.Webhook.FormerSecretUntil == nil {
		t.Errorf("rotated: %+v", got)
	}
	w.article(t, 1, "PUBLISHED")
	w.works(t)
	r.knows(data.RotateWebhookSecret.Secret)
	w.article(t, 2, "PUBLISHED")
	w.works(t)
	w.run(t, `UPDATE webhook_secret SET until = now() - interval '1 second' WHERE until IS NOT NULL`)
	w.article(t, 3, "PUBLISHED")
	w.works(t)
	var counts []int
	for _, m := range r.messages() {
		counts = append(counts, strings.Count(m.Signature, "v1,"))
	}
	if !slices.Equal(counts, []int{2, 2, 1}) {
		t.Errorf("signed by %v secrets", counts)
	}
	for _, hours := range []int{-1, 169} {
		if got := w.asks(t, admin, rotate, map[string]any{"id": h.ID, "hours": hours}, nil); !strings.Contains(got, "OUT_OF_RANGE") {
			t.Errorf("%d hours: %s", hours, got)
		}
	}
	all := w.value(t, `SELECT (SELECT string_agg(w::text, '') FROM webhook w) || (SELECT string_agg(r::text, '') FROM revision r) || (SELECT string_agg(encode(s.sealed, 'escape'), '') FROM webhook_secret s)`)
	for _, secret := range []string{h.Secret, data.RotateWebhookSecret.Secret} {
		if strings.Contains(all, secret[6:]) {
			t.Error("a secret is stored as it is")
		}
	}
	// Without the key nothing is sent unsigned: it is paused, and a new secret mends it.
	blind, _ := instance(t, w.pool, func() webhook.Config {
		c := w.config
		c.Keys = seal.NewBox("webhook", seal.Key{9})
		return c
	}())
	w.article(t, 4, "PUBLISHED")
	w.feeds(t)
	id := w.value(t, `SELECT id FROM webhook`)
	parsed, err := nodeid.ParseUUID(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := blind.Tend(t.Context(), parsed); err != nil {
		t.Fatal(err)
	}
	if got := w.value(t, `SELECT concat_ws(' ', status, pause_reason) FROM webhook`); got != "PAUSED SECRET_LOST" || len(r.messages()) != 3 {
		t.Errorf("without the key: %s, %d messages", got, len(r.messages()))
	}
	for keys, want := range map[*seal.Box]webhook.State{&w.config.Keys: {Paused: 1, Failed: 1}, {}: {Paused: 1, Failed: 1, Lost: 1}} {
		if got, err := webhook.Look(t.Context(), w.pool, *keys); got != want || err != nil {
			t.Errorf("a look says %+v, want %+v (%v)", got, want, err)
		}
	}
}

// A range is told again, and so is one delivery, by the ids that the messages had.
func TestReplay(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, nil), newReceiver(t, nil)
	h := w.creates(t, articles(r))
	r.knows(h.Secret)
	for n := 1; n <= 6; n++ {
		w.article(t, n, "PUBLISHED")
		w.works(t)
	}
	before := r.messages()
	again := func(from, to int) {
		t.Helper()
		after := r.messages()[len(before):]
		var want, got []string
		for _, m := range before[from:to] {
			want = append(want, m.ID+m.Body)
		}
		for _, m := range after {
			got = append(got, m.ID+m.Body)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("told again %v, want %v", got, want)
		}
		before = r.messages()
	}
	replay := func(in map[string]any) string {
		t.Helper()
		in["id"] = h.ID
		wrong, _ := w.does(t, "replayWebhookRange", in, "webhook { replaying }")
		if wrong == "" {
			w.works(t)
		}
		return wrong
	}
	replay(map[string]any{"afterCursor": before[1].Data.Cursor, "untilCursor": before[3].Data.Cursor})
	again(2, 4)
	replay(map[string]any{"afterCursor": before[3].Data.Cursor})
	again(4, 6)
	at := func(n int) string { return w.value(t, `SELECT to_json(at) #>> '{}' FROM change WHERE id = `+key(n)) }
	replay(map[string]any{"sinceTime": at(2), "untilTime": at(5)})
	again(1, 5)
	replay(map[string]any{"sinceTime": "2001-01-01T00:00:00Z", "untilTime": "2001-01-02T00:00:00Z"})
	again(0, 0)
	if got := w.value(t, `SELECT count(*) FROM webhook_place`); got != "1" {
		t.Errorf("%s places are left", got)
	}
	for name, c := range map[string]struct {
		in   map[string]any
		want string
	}{
		"nothing":    {map[string]any{}, "REQUIRED input.afterCursor;"},
		"both":       {map[string]any{"afterCursor": before[0].Data.Cursor, "sinceTime": at(1)}, "REQUIRED input.afterCursor;"},
		"mixed":      {map[string]any{"afterCursor": before[0].Data.Cursor, "untilTime": at(1)}, "INVALID input.untilCursor;"},
		"backwards":  {map[string]any{"afterCursor": before[3].Data.Cursor, "untilCursor": before[1].Data.Cursor}, "INVALID input.untilCursor;"},
		"back times": {map[string]any{"sinceTime": at(3), "untilTime": at(1)}, "INVALID input.untilTime;"},
		"to come":    {map[string]any{"sinceTime": time.Now().Add(time.Hour).Format(time.RFC3339)}, "OUT_OF_RANGE input.sinceTime;"},
		"forged":     {map[string]any{"afterCursor": "x"}, "INVALID input.afterCursor;"},
		"elsewhere":  {map[string]any{"afterCursor": "MDAwMDAwMDAwMDAwLjEuMQ"}, "EXPIRED input.afterCursor;"},
	} {
		if got := replay(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	delivery := w.value(t, `SELECT global_id('webhook_delivery', id) FROM webhook_delivery ORDER BY seq LIMIT 1`)
	if wrong, answer := w.does(t, "replayWebhookDelivery", map[string]any{"id": delivery}, "delivery { origin status messageId }"); wrong != "" || !strings.Contains(answer, `"REPLAY","status":"PENDING","messageId":"`+before[0].ID) {
		t.Errorf("one: %s %s", wrong, answer)
	}
	w.works(t)
	again(0, 1)
}

// A test is sent at once and once, also while nothing else is.
func TestTest(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, nil), newReceiver(t, status410)
	h := w.creates(t, articles(r))
	r.knows(h.Secret)
	w.does(t, "pauseWebhook", map[string]any{"id": h.ID}, "")
	var data struct {
		TestWebhook struct {
			Delivery struct{ ID, Event, Status, Type string }
		}
	}
	w.asks(t, admin, `mutation ($id: ID!) { testWebhook(input: {id: $id}) { delivery { id event status type } userErrors { code } } }`, map[string]any{"id": h.ID}, &data)
	w.works(t)
	w.works(t)
	if got := r.messages(); len(got) != 1 || got[0].Type != "webhook.test" || got[0].Data.ID != h.ID || data.TestWebhook.Delivery.Event != "webhook.test" {
		t.Errorf("told %v of %+v", got, data)
	}
	if got := w.value(t, `SELECT concat_ws(' ', d.status, w.status, w.pause_reason) FROM webhook_delivery d, webhook w`); got != "FAILED PAUSED REQUESTED" {
		t.Error(got)
	}
	if wrong, _ := w.does(t, "replayWebhookDelivery", map[string]any{"id": data.TestWebhook.Delivery.ID}, ""); wrong != "NOT_ALLOWED input.id;" {
		t.Errorf("a test again: %s", wrong)
	}
}

func status410(_ int, _ message, w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusGone)
}

// Filters mean what they mean in lists, of what is there; what is gone is always told of.
func TestFilter(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, nil), newReceiver(t, nil)
	in := articles(r)
	in["types"], in["kinds"] = []string{"ARTICLE", "TOPIC"}, []string{"PUBLISHED", "REMOVED"}
	in["filters"] = map[string]any{"article": map[string]any{"title": map[string]any{"contains": "breitband"}, "publishedAt": map[string]any{"gte": "2020-01-01T00:00:00Z"}}}
	h := w.creates(t, in)
	r.knows(h.Secret)
	for n, title := range []string{"", "Breitband", "Anderes", "BREITBAND für alle"} {
		if n > 0 {
			w.run(t, fmt.Sprintf(`INSERT INTO article (id, slug, kind, title, publication_status, published_at, sponsored, sponsor_label) VALUES (%s, 'a%d', 'NEWS', '%s', 'PUBLISHED', now(), %v, 'X')`, key(n), n, title, n == 3))
		}
	}
	w.run(t, `INSERT INTO topic (id, slug, name, scheme) VALUES (`+key(7)+`, 't', 'T', 'KEYWORD')`)
	w.works(t)
	w.run(t, `UPDATE article SET title = title || '!'`) // is not wanted
	w.run(t, `UPDATE article SET deleted_at = now() WHERE id = `+key(2))
	w.works(t)
	got := r.took()
	slices.Sort(got)
	want := []string{"article.published 01 v1", "article.published 03 v1", "article.removed 02 v3", "topic.published 07 v1"}
	if !slices.Equal(got, want) {
		t.Errorf("told %q\nwant %q", got, want)
	}
	preview := func(in string) string {
		return w.asks(t, admin, `mutation ($id: ID!) { previewWebhook(input: {`+in+`}) { events { event entryId } userErrors { path code } } }`, map[string]any{"id": h.ID}, nil)
	}
	if got := preview("id: $id"); strings.Count(got, "published") != 3 || strings.Count(got, "removed") != 1 {
		t.Errorf("the preview: %s", got)
	}
	if got := preview("id: $id, last: 1"); strings.Count(got, `"event"`) != 1 || !strings.Contains(got, "removed") {
		t.Errorf("of the last: %s", got)
	}
	if got := preview("id: $id, webhook: {filters: null, types: [ARTICLE], kinds: null}"); strings.Count(got, "changed") != 3 {
		t.Errorf("without a filter: %s", got)
	}
	if got := w.asks(t, admin, `mutation { previewWebhook(input: {webhook: {types: [TOPIC]}, last: 501}) { userErrors { code } } a: previewWebhook(input: {webhook: {}}) { userErrors { code } } b: previewWebhook(input: {}) { userErrors { code } } }`, nil, nil); strings.Count(got, `"code"`) != 3 || strings.Contains(got, "errors\":[{\"message") {
		t.Errorf("wrong ones: %s", got)
	}
	for filters, want := range map[string]string{
		`{"article": {"q": "a"}}`:                    "INVALID input.webhook.filters.article;",
		`{"article": {"or": [{"not": {"q": "a"}}]}}`: "INVALID input.webhook.filters.article;",
		`{"article": null}`:                          "",
	} {
		var sent any
		if err := json.Unmarshal([]byte(filters), &sent); err != nil {
			t.Fatal(err)
		}
		if got, _ := w.does(t, "updateWebhook", map[string]any{"id": h.ID, "webhook": map[string]any{"filters": sent}}, ""); got != want {
			t.Errorf("%s: %q, want %q", filters, got, want)
		}
	}
}

// What was missed for good is not passed over in silence.
func TestExpired(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, nil), newReceiver(t, nil)
	h := w.creates(t, articles(r))
	r.knows(h.Secret)
	w.does(t, "pauseWebhook", map[string]any{"id": h.ID}, "")
	w.article(t, 1, "PUBLISHED")
	w.run(t, `UPDATE article SET title = 'B'`)
	w.settles(t)
	w.run(t, `SELECT history_forget(now(), now())`)
	w.run(t, `UPDATE webhook SET status = 'ACTIVE', pause_reason = NULL, paused_at = NULL`) // as if it had only been slow
	w.works(t)
	if got := w.value(t, `SELECT concat_ws(' ', status, pause_reason) FROM webhook`); got != "PAUSED CURSOR_EXPIRED" {
		t.Fatal(got)
	}
	w.does(t, "resumeWebhook", map[string]any{"id": h.ID}, "")
	w.article(t, 2, "PUBLISHED")
	w.works(t)
	got := r.messages()
	if len(got) != 2 || got[0].Type != "webhook.gap" || got[0].Data.Cursor == "" || got[0].Data.Kind != "GAP" || got[1].String() != "article.published 02 v1" {
		t.Errorf("told %v", got)
	}
}

// Whoever is no administrator neither sees nor changes anything, and no input is too ugly.
func TestWhoMay(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t, nil), newReceiver(t, nil)
	h := w.creates(t, articles(r))
	w.article(t, 1, "PUBLISHED")
	w.works(t)
	for _, actor := range []*auth.Actor{nil, {Role: auth.Reader}, {Role: auth.Editor}, {Role: auth.Publisher}, {Role: auth.Moderator}} {
		code := "FORBIDDEN"
		if actor == nil {
			code = "UNAUTHENTICATED"
		}
		for _, query := range []string{`{ webhooks { nodes { url } } }`, `{ webhook(id: "` + h.ID + `") { url } }`, `{ webhookDeliveries { nodes { payload } } }`,
			`mutation { testWebhook(input: {id: "` + h.ID + `"}) { delivery { id } } }`, `mutation { createWebhook(input: {webhook: {}}) { secret } }`} {
			if got := w.asks(t, actor, query, nil, nil); !strings.Contains(got, code) {
				t.Errorf("%v asks %s: %s", actor, query, got)
			}
		}
		if got := w.asks(t, actor, `{ node(id: "`+h.ID+`") { id } }`, nil, nil); !strings.Contains(got, `{"node":null}`) {
			t.Errorf("%v: %s", actor, got)
		}
	}
	for name, c := range map[string]struct {
		mutation string
		in       map[string]any
		want     string
	}{
		"empty":         {"createWebhook", map[string]any{"webhook": map[string]any{}}, "REQUIRED input.webhook.name;REQUIRED input.webhook.url;REQUIRED input.webhook.types;"},
		"the same name": {"createWebhook", map[string]any{"webhook": articles(r)}, "TAKEN input.webhook.name;"},
		"no types":      {"updateWebhook", map[string]any{"id": h.ID, "webhook": map[string]any{"types": []string{}}}, "REQUIRED input.webhook.types;"},
		"no kinds":      {"updateWebhook", map[string]any{"id": h.ID, "webhook": map[string]any{"kinds": []string{}}}, "REQUIRED input.webhook.kinds;"},
		"no name":       {"updateWebhook", map[string]any{"id": h.ID, "webhook": map[string]any{"name": " "}}, "REQUIRED input.webhook.name;"},
		"null":          {"updateWebhook", map[string]any{"id": h.ID, "webhook": map[string]any{"name": nil}}, "REQUIRED input.webhook.name;"},
		"a long name":   {"updateWebhook", map[string]any{"id": h.ID, "webhook": map[string]any{"name": strings.Repeat("ä", 101)}}, "TOO_LONG input.webhook.name;"},
		"control":       {"updateWebhook", map[string]any{"id": h.ID, "webhook": map[string]any{"name": "a\x00b"}}, "INVALID input.webhook.name;"},
		"stale":         {"updateWebhook", map[string]any{"id": h.ID, "version": 7, "webhook": map[string]any{"name": "b"}}, "CONFLICT input.version;"},
		"another type":  {"pauseWebhook", map[string]any{"id": global("article", 1), "version": 1}, "NOT_FOUND input.id;"},
		"unknown":       {"deleteWebhook", map[string]any{"id": global("webhook", 1), "version": 1}, "NOT_FOUND input.id;"},
		"no delivery":   {"replayWebhookDelivery", map[string]any{"id": global("webhook_delivery", 1)}, "NOT_FOUND input.id;"},
	} {
		if got, answer := w.does(t, c.mutation, c.in, ""); got != c.want {
			t.Errorf("%s: %q, want %q: %s", name, got, c.want, answer)
		}
	}
	if wrong, answer := w.does(t, "deleteWebhook", map[string]any{"id": h.ID}, "deletedId"); wrong != "" || !strings.Contains(answer, h.ID) {
		t.Errorf("deleted: %s %s", wrong, answer)
	}
	w.run(t, `UPDATE article SET title = 'B'`)
	w.works(t)
	if got := w.asks(t, admin, `{ webhooks { totalCount } webhookDeliveries { totalCount } }`, nil, nil); len(r.messages()) != 1 || strings.Count(got, `"totalCount":0`) != 2 || w.value(t, `SELECT count(*) FROM webhook_secret`) != "0" {
		t.Errorf("after it was deleted: %s", got)
	}
	_, w.executor = instance(t, w.pool, webhook.Config{Timeout: time.Second})
	if wrong, _ := w.does(t, "createWebhook", map[string]any{"webhook": articles(r)}, ""); wrong != "NOT_ALLOWED input;" {
		t.Errorf("without a key: %s", wrong)
	}
}
