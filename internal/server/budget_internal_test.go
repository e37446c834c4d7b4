package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stadtgraph/internal/auth"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct{ peer, forwardedFor, forwarded, want string }{
		{"192.0.2.1:5", "", "", "192.0.2.1"},
		{"192.0.2.1:5", "198.51.100.7", "for=198.51.100.8", "192.0.2.1"}, // nobody asked it
		{"10.0.0.1:5", "", "", "10.0.0.1"},
		{"10.0.0.1:5", "198.51.100.7", "", "198.51.100.7"},
		{"10.0.0.1:5", "1.1.1.1, 198.51.100.7", "", "198.51.100.7"}, // what comes first may be made up
		{"10.0.0.1:5", "1.1.1.1,198.51.100.7 , 10.2.3.4", "", "198.51.100.7"},
		{"10.0.0.1:5", "10.9.9.9, 10.2.3.4", "", "10.9.9.9"},
		{"10.0.0.1:5", "198.51.100.7:4711", "", "198.51.100.7"},
		{"10.0.0.1:5", "[2001:db8::1]:4711", "", "2001:db8::1"},
		{"10.0.0.1:5", "2001:db8::1", "", "2001:db8::1"},
		{"10.0.0.1:5", "::ffff:198.51.100.7", "", "198.51.100.7"},
		{"[::ffff:10.0.0.1]:5", "198.51.100.7", "", "198.51.100.7"},
		{"[fd00::1]:5", "198.51.100.7", "", "198.51.100.7"},
		{"10.0.0.1:5", "1.1.1.1, unknown", "", "10.0.0.1"},
		{"10.0.0.1:5", "1.1.1.1, x, 10.0.0.2", "", "10.0.0.2"},
		{"10.0.0.1:5", ",,,", "", "10.0.0.1"},
		{"10.0.0.1:5", "999.1.1.1", "", "10.0.0.1"},
		{"10.0.0.1:5", "", "for=198.51.100.7;proto=https;by=10.0.0.1", "198.51.100.7"},
		{"10.0.0.1:5", "", `For="[2001:db8::1]:4711"`, "2001:db8::1"},
		{"10.0.0.1:5", "", `for=1.1.1.1, for="198.51.100.7";proto=http, for=10.0.0.9`, "198.51.100.7"},
		{"10.0.0.1:5", "", "for=1.1.1.1, for=_hidden", "10.0.0.1"},
		{"10.0.0.1:5", "", "proto=https", "10.0.0.1"},
		{"10.0.0.1:5", "198.51.100.7", "for=198.51.100.7", "198.51.100.7"},
		{"10.0.0.1:5", "198.51.100.7", "for=1.1.1.1", "10.0.0.1"}, // one of them is the client's own
		{"nonsense", "198.51.100.7", "", "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.forwardedFor != "" {
			r.Header.Set("X-Forwarded-For", c.forwardedFor)
		}
		if c.forwarded != "" {
			r.Header.Set("Forwarded", c.forwarded)
		}
		if got := address(r, trusted); got.String() != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
	for a, want := range map[string]string{"192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64"} {
		if got := network(netip.MustParseAddr(a)); got.String() != want {
			t.Errorf("%s: got %s, want %s", a, got, want)
		}
	}
}

// clock is a time that a test sets.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d)) }

func testBudgets(c Budgets) (*budgets, *clock) {
	b, time := newBudgets(c), &clock{}
	time.at.Store(1e18)
	b.now = time.now
	return b, time
}

func TestBudget(t *testing.T) {
	t.Parallel()
	b, clock := testBudgets(Budgets{Anonymous: 600, Token: 6000})
	h := http.Header{}
	one := b.of(asks("192.0.2.1:1", nil))
	expect := func(what string, refused *refusal, ok bool, remaining, reset string) {
		t.Helper()
		if (refused == nil) != ok || h.Get("RateLimit-Remaining") != remaining || h.Get("RateLimit-Reset") != reset {
			t.Errorf("%s: got %+v, %v", what, refused, h)
		}
	}
	expect("only asked", one.charge(h, 0), true, "", "")
	expect("some", one.charge(h, 400), true, "200", "40")
	expect("from another port", b.of(asks("192.0.2.1:2", nil)).charge(h, 100), true, "100", "50")
	expect("another address", b.of(asks("192.0.2.2:1", nil)).charge(h, 1), true, "599", "1")
	expect("more than there is", one.charge(h, 600), true, "0", "110")
	refused := one.charge(h, 1)
	expect("nothing left", refused, false, "0", "110")
	if refused.status != http.StatusTooManyRequests || refused.code != "RATE_LIMITED" || h.Get("Retry-After") != "51" || !strings.Contains(refused.message, "600") {
		t.Errorf("got %+v, %v", refused, h)
	}
	if h.Get("RateLimit-Policy") != `"anonymous";q=600;w=60` || h.Get("RateLimit") != `"anonymous";r=0;t=110` || h.Get("RateLimit-Limit") != "600" {
		t.Errorf("got %v", h)
	}
	clock.advance(50 * time.Second)
	expect("too early", one.charge(h, 1), false, "0", "60")
	clock.advance(time.Second)
	expect("as it was told", one.charge(h, 1), true, "9", "60")
	for range 2 {
		clock.advance(generation + time.Second)
		_ = b.of(asks("192.0.2.3:1", nil)).charge(h, 1)
	}
	expect("much later", one.charge(h, 1), true, "599", "1")

	token := b.of(asks("192.0.2.1:1", &auth.Actor{Token: [16]byte{1}, Role: auth.Editor}))
	expect("a token", token.charge(h, 6000), true, "0", "60")
	expect("a token", token.charge(h, 0), false, "0", "60")
	clock.advance(time.Second)
	expect("a second later", token.charge(h, 10), true, "90", "60")
	expect("given back", token.charge(h, -10), true, "100", "59")
	expect("another token", b.of(asks("192.0.2.1:1", &auth.Actor{Token: [16]byte{2}, Role: auth.Reader})).charge(h, 60), true, "5940", "1")
	if b.of(asks("192.0.2.1:1", &auth.Actor{Token: [16]byte{3}, Role: auth.Admin})) != nil {
		t.Error("an administrator has a budget")
	}
	none, _ := testBudgets(Budgets{})
	if c := none.of(asks("192.0.2.1:1", nil)); c != nil || c.charge(h, 1e9) != nil {
		t.Error("a budget where there is none")
	}
}

func asks(peer string, actor *auth.Actor) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	r.RemoteAddr = peer
	if actor != nil {
		r = r.WithContext(auth.With(r.Context(), actor))
	}
	return r
}

// What many take at once is what is gone afterwards, and no more than one is let into debt.
func TestBudgetAtOnce(t *testing.T) {
	t.Parallel()
	b, _ := testBudgets(Budgets{Anonymous: 1000})
	var wg sync.WaitGroup
	var taken atomic.Int64
	for range 50 {
		wg.Go(func() {
			for range 100 {
				if b.of(asks("192.0.2.1:1", nil)).charge(http.Header{}, 7) == nil {
					taken.Add(7)
				}
			}
		})
	}
	wg.Wait()
	if n := taken.Load(); n != 1001 {
		t.Errorf("took %d of 1000", n)
	}
}

// Many addresses take bounded memory, and are forgotten.
func TestManyAddresses(t *testing.T) {
	t.Parallel()
	b, clock := testBudgets(Budgets{Anonymous: 1000})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := asks("192.0.2.1:1", nil)
	for i := range 3 * maxAccounts {
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)
		b.of(r).charge(http.Header{}, 1)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := len(b.young) + len(b.old); n > 2*maxAccounts {
		t.Errorf("%d accounts are kept", n)
	}
	t.Logf("%d accounts, about %d bytes each", len(b.young)+len(b.old), (after.HeapAlloc-before.HeapAlloc)/uint64(len(b.young)+len(b.old)))
	for range 2 {
		clock.advance(generation + time.Second)
		b.of(r).charge(http.Header{}, 1)
	}
	if n := len(b.young) + len(b.old); n > 2 { // this one, twice
		t.Errorf("%d accounts are left after four minutes", n)
	}
}
