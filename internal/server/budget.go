package server

import (
	"hash/maphash"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
)

// Budgets are how much clients may ask for, in the cost of operations.
type Budgets struct {
	Anonymous int            // of a client address, per minute; 0 for no bound
	Token     int            // of a token, per minute; 0 for no bound. Administrators have none.
	Proxies   []netip.Prefix // whose word about who asks is taken; see address
}

// costRefused is the cost of a request that does not run: reading and validating a
// document takes time, too.
const costRefused = 100

// budgets are the accounts of all clients. They are buckets that fill up within a minute.
// What was asked for is taken at once, whatever is in the bucket, as long as there is
// anything: so the last operation of a minute may overdraw it, and no operation is too
// large for it. A rate.Limiter refuses what is larger than the bucket, and takes twice
// the memory.
//
// An account that has not been used for two minutes is as good as new, so there
// are two generations of them, of which the older is dropped every two minutes. That
// bounds for how long anything is remembered, and most of how much; the rest is maxAccounts.
type budgets struct {
	Budgets
	seed      maphash.Seed // no address is kept, but a digest that is good for this process alone
	anonymous *quota
	token     *quota

	mu         sync.Mutex
	young, old map[uint64]*account
	turned     time.Time
	now        func() time.Time
}

// maxAccounts is how many accounts a generation has at most: one takes some 100 bytes.
const maxAccounts = 100_000

const generation = 2 * time.Minute

// account is what one client has left. It belongs to budgets.mu.
type account struct {
	left float64
	at   time.Time // of this
}

// quota is a budget and what does not change of the headers about it: those of
// draft-ietf-httpapi-ratelimit-headers-10, RateLimit and RateLimit-Policy, and the older
// ones that most clients know, RateLimit-Limit, -Remaining and -Reset (draft 06).
type quota struct {
	name          string
	budget        float64
	policy, limit []string
}

func newQuota(name string, budget int) *quota {
	if budget <= 0 {
		return nil
	}
	return &quota{name, float64(budget), []string{`"` + name + `";q=` + strconv.Itoa(budget) + ";w=60"}, []string{strconv.Itoa(budget)}}
}

func newBudgets(b Budgets) *budgets {
	return &budgets{Budgets: b, seed: maphash.MakeSeed(), anonymous: newQuota("anonymous", b.Anonymous), token: newQuota("token", b.Token),
		young: map[uint64]*account{}, now: time.Now}
}

// client is who asks, as far as it counts for budgets. Nil has no bound.
type client struct {
	budgets *budgets
	quota   *quota
	key     uint64
}

// of finds the client of a request: the token, or the address if there is none.
func (b *budgets) of(r *http.Request) *client {
	switch actor := auth.From(r.Context()); {
	case actor == nil && b.anonymous != nil:
		return &client{b, b.anonymous, maphash.Comparable(b.seed, network(address(r, b.Proxies)))}
	case actor != nil && actor.Role != auth.Admin && b.token != nil:
		return &client{b, b.token, maphash.Comparable(b.seed, actor.Token)}
	}
	return nil
}

// charge takes a cost from the client's budget, unless nothing is left of it: then it
// gives the refusal. The answer's headers say how the budget stands. A cost of 0 only
// asks, and says so if it refuses; a negative one gives back.
func (c *client) charge(h http.Header, cost int) *refusal {
	if c == nil {
		return nil
	}
	left, ok := c.take(float64(cost))
	if ok && cost == 0 {
		return nil
	}
	rate := c.quota.budget / 60
	reset := strconv.Itoa(int(math.Ceil((c.quota.budget - left) / rate))) // until it is full
	remaining := strconv.Itoa(int(max(left, 0)))
	h["Ratelimit-Policy"], h["Ratelimit-Limit"] = c.quota.policy, c.quota.limit
	h["Ratelimit"] = []string{`"` + c.quota.name + `";r=` + remaining + ";t=" + reset}
	h["Ratelimit-Remaining"], h["Ratelimit-Reset"] = []string{remaining}, []string{reset}
	if ok {
		return nil
	}
	wait := strconv.Itoa(int(math.Ceil((1 - left) / rate)))
	h["Retry-After"] = []string{wait}
	advice := "; ask less, or with a token, which has more"
	if c.quota == c.budgets.token {
		advice = "; ask less"
	}
	return &refusal{http.StatusTooManyRequests, fault.RateLimited,
		"You have asked for more than " + c.quota.limit[0] + " in a minute, in the cost of operations. Try again in " + wait + " s" + advice + "."}
}

func (c *client) take(cost float64) (left float64, ok bool) {
	b := c.budgets
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if now.Sub(b.turned) > generation || len(b.young) >= maxAccounts {
		b.old, b.young, b.turned = b.young, map[uint64]*account{}, now
	}
	a := b.young[c.key]
	if a == nil {
		if a = b.old[c.key]; a == nil {
			a = &account{c.quota.budget, now}
		}
		b.young[c.key] = a
	}
	a.left = min(a.left+now.Sub(a.at).Seconds()*c.quota.budget/60, c.quota.budget)
	a.at = now
	if a.left < 1 && cost >= 0 {
		return a.left, false
	}
	a.left = min(a.left-cost, c.quota.budget)
	return a.left, true
}
