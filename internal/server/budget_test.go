package server_test

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"testing"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/server"
)

// Whoever asks for too much is told so before anything runs, and when to come back.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Budgets = server.Budgets{Anonymous: 600, Token: 60_000, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	c.Origins = []string{"https://www.example.org"}
	c.Authenticate = func(_ context.Context, token string) (*auth.Actor, error) {
		switch token {
		case "admin":
			return &auth.Actor{Role: auth.Admin}, nil
		case "reader":
			return &auth.Actor{Token: [16]byte{1}, Role: auth.Reader}, nil
		}
		return nil, fault.New(fault.Unauthenticated, "No.")
	}
	base := start(t, c)
	const query = `{ states(first: 20) { nodes { name key slug } } }` // costs 72
	remaining := func(r reply) int {
		n, err := strconv.Atoi(r.Header.Get("RateLimit-Remaining"))
		if err != nil {
			t.Fatalf("got %v", r.Header)
		}
		return n
	}
	left, ran := 600, 0
	var r reply
	for ran < 20 {
		r = post(t, base, query, nil, "Accept", graphqlResponse)
		if r.StatusCode != http.StatusOK {
			break
		}
		ran++
		if n := remaining(r); n > max(left-72+20, 0) || n < left-72 { // it fills up again, ten in a second
			t.Errorf("%d are left of %d", n, left)
		} else {
			left = n
		}
	}
	if ran < 9 || ran > 11 || r.StatusCode != http.StatusTooManyRequests || r.errors(t)[0].Extensions["code"] != "RATE_LIMITED" {
		t.Errorf("after %d: got %s %s", ran, r.Status, r.body)
	}
	harmless(t, r, "")
	if wait, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 10 {
		t.Errorf("Retry-After: %q", r.Header.Get("Retry-After"))
	}
	// It is the address that counts, and it is known through the proxy.
	for name, c := range map[string]struct {
		headers []string
		ok      bool
	}{
		"by GET":             {nil, false},
		"another media type": {[]string{"Accept", plainJSON}, false},
		"a page":             {[]string{"Origin", "https://www.example.org"}, false},
		"somebody else":      {[]string{"X-Forwarded-For", "198.51.100.1"}, true},
		"a made-up address":  {[]string{"X-Forwarded-For", "198.51.100.1, 127.0.0.1, nonsense"}, false},
		"a reader":           {[]string{"Authorization", "Bearer reader"}, true},
		"an administrator":   {[]string{"Authorization", "Bearer admin"}, true},
	} {
		r := get(t, base, map[string]string{"query": "{ __typename }"}, c.headers...)
		if (r.StatusCode == http.StatusOK) != c.ok || !c.ok && r.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%s: got %s %s", name, r.Status, r.body)
		}
		if unlimited := r.Header.Get("RateLimit-Limit") == ""; unlimited != (name == "an administrator") {
			t.Errorf("%s: got %v", name, r.Header)
		}
	}
	// What does not run takes time, too.
	before := remaining(get(t, base, map[string]string{"query": "{ __typename }"}, "X-Forwarded-For", "198.51.100.2"))
	if after := remaining(get(t, base, map[string]string{"query": "{ nonsense }"}, "X-Forwarded-For", "198.51.100.2")); after > before-90 {
		t.Errorf("a request that does not run costs %d", before-after)
	}
	// Nothing is counted of what is no operation.
	if r := do(t, http.MethodGet, base+"/livez", ""); r.StatusCode != http.StatusOK || r.Header.Get("RateLimit-Limit") != "" {
		t.Errorf("livez: got %s %v", r.Status, r.Header)
	}
}
