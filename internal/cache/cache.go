// Package cache keeps whole answers to what the public asks, in memory, until what
// they were read from changes.
//
// An answer is kept with its tags: the types of objects of which any may have decided
// what it is, such as Article for a list of articles, and the global ids of those that
// were reached by their key alone. A change feed (feed.go) says which tags are not what
// they were, on every instance, and Sync before a mutation answers. Nobody looks
// through the answers then: each tag has a number that goes up, and an answer that
// was read before its tags' last number is no good any more, even if it is put in
// afterwards. Tags share a fixed number of places; two that share one drop each other's
// answers, which costs a read and is never wrong.
//
// What the cache promises: an answer was right at some moment in the last Bound, and not
// before the last Sync. Within the Bound, an answer that has just been outdated is given
// once more while it is read anew. Time is a change, too: no answer outlives the next
// publication that is scheduled, or the German day, if it was compared with either.
// Only when the database fails answers may be older, by Grace at most, and say so.
package cache

import (
	"bytes"
	"crypto/sha256"
	"hash/maphash"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"stadtgraph/internal/change"
)

const (
	// Bound is how old an answer may be: the feed is read once in change.Poll at least,
	// and reading it may take as long again and more.
	Bound = 3 * change.Poll

	// Grace is how old an answer may be that is given in place of an error of the database.
	Grace = 5 * time.Minute

	// places that tags share.
	places = 1 << 16

	// An answer that would take more than this share of the cache is not kept.
	largest = 8

	// passing is for how long it is remembered that the answer to something is not kept, so
	// that nobody waits for it.
	passing = time.Minute
)

// Key tells operations apart.
type Key [sha256.Size]byte

// Cache keeps answers, as long as it Follows the log of changes.
type Cache struct {
	size    uint64
	answers *otter.Cache[Key, *Entry]
	seed    maphash.Seed
	began   time.Time // what the instants below count from

	last   atomic.Uint64         // number of the last change
	places [places]atomic.Uint64 // number of the last change of the tags of a place
	all    atomic.Uint64         // number of the last change of everything
	polled atomic.Int64          // instant up to which changes are known
	floor  atomic.Int64          // instant up to which an answer must not be older, whatever the bound
	next   atomic.Int64          // Unix time in nanoseconds at which something falls due; 0 if nothing does

	mu      sync.Mutex
	flights map[Key]*flight

	prefix func(typeName string) string
	feed
}

// An Entry is an answer with what has to be known to give it once more.
type Entry struct {
	body    []byte
	etags   [codings][2]string
	tags    Tags
	marks   []uint32 // places of the tags
	number  uint64   // of the last change when it was read
	expires time.Time
	asOf    atomic.Int64 // instant at which it was known to be right
	pass    bool         // there is no answer: it is not kept

	// Cost is what the operation counts for in budgets: a hit counts like a read. Operation is
	// its name.
	Cost      int
	Operation string

	// Headers go with the answer, if its form has some of its own.
	Headers http.Header

	coded [codings]atomic.Pointer[[]byte] // compressed, once somebody wants it so
	press sync.Mutex
	key   Key
}

// New makes a cache of so many bytes. prefix is that of the global ids of a type, "" if
// it has none.
func New(size int, log Log, prefix func(typeName string) string) *Cache {
	c := &Cache{size: uint64(size), prefix: prefix, feed: feed{log: log, nudged: make(chan struct{}, 1)}, seed: maphash.MakeSeed(), began: time.Now(), flights: map[Key]*flight{}}
	c.answers = otter.Must(&otter.Options[Key, *Entry]{MaximumWeight: c.size, Weigher: func(_ Key, e *Entry) uint32 { return e.weight() }})
	return c
}

// overhead is about what an entry takes beside its bytes.
const overhead = 600

func (e *Entry) weight() uint32 {
	n := overhead + len(e.body)
	for i := range e.coded {
		if b := e.coded[i].Load(); b != nil {
			n += len(*b)
		}
	}
	for _, t := range e.tags.Names {
		n += len(t) + 20
	}
	for name, values := range e.Headers {
		n += len(name) + 100*len(values)
	}
	return uint32(n)
}

// Bytes is how many bytes are kept.
func (c *Cache) Bytes() uint64 { return c.answers.WeightedSize() }

func (c *Cache) instant() int64 { return int64(time.Since(c.began)) }

// place is that of a tag.
func (c *Cache) place(tag string) uint32 { return uint32(maphash.String(c.seed, tag) % places) }

// valid says whether nothing that the entry was read from has changed, as far as is known.
func (c *Cache) valid(e *Entry) bool {
	for _, p := range e.marks {
		if c.places[p].Load() > e.number {
			return false
		}
	}
	return c.all.Load() <= e.number
}

// known says when the entry was right, as late as is known, and whether it may be still.
func (c *Cache) known(e *Entry) (asOf int64, valid bool) {
	polled := c.polled.Load() // before the places: they are written first
	asOf, valid = e.asOf.Load(), c.valid(e)
	if valid && polled > asOf {
		e.asOf.Store(polled)
		asOf = polled
	}
	return asOf, valid
}

// since is the instant after which an entry must have been right that may be that old.
func (c *Cache) since(now int64, age time.Duration) int64 { return max(now-int64(age), c.floor.Load()) }

// Outcome is what became of a look-up.
type Outcome string

// The outcomes, as metrics and logs name them.
const (
	Hit    Outcome = "hit"
	Stale  Outcome = "stale"  // it is being read anew, or cannot be
	Miss   Outcome = "miss"   // it has to be read
	Bypass Outcome = "bypass" // it is not looked for, or not kept
)

// A Lookup is how an operation stands with the cache.
type Lookup struct {
	Outcome   Outcome
	Entry     *Entry // of a hit, and of what is stale
	Collapsed bool   // somebody else was reading it

	// Refresh is set if the caller, and nobody else, should read a stale answer anew.
	Refresh bool

	cache  *Cache
	key    Key
	number uint64
	began  int64
	next   int64
	flight *flight // that others wait for
}

// A flight is an answer that is being read.
type flight struct {
	began int64
	done  chan struct{}
	entry *Entry // nil if nothing came of it
}

// Get looks for an answer. If somebody is reading it already, it waits for that, until
// ended. A caller that gets a Miss or is to Refresh must end it with Done.
func (c *Cache) Get(ended <-chan struct{}, key Key) *Lookup {
	l := &Lookup{Outcome: Miss, cache: c, key: key}
	if l.look() && l.Outcome != Stale {
		return l
	}
	c.mu.Lock()
	// Somebody may just have put it in.
	found, now := l.look(), c.instant()
	f := c.flights[key]
	// Who asks now gets nothing that was read for somebody long ago.
	join := f != nil && f.began >= c.since(now, change.Poll)
	lead := !join && (!found || l.Outcome == Stale)
	if lead {
		l.flight = &flight{began: now, done: make(chan struct{})}
		c.flights[key] = l.flight
	}
	c.mu.Unlock()
	switch {
	case found:
		l.Refresh = lead
	case join:
		select {
		case <-f.done:
			if f.entry != nil {
				l.Outcome, l.Entry, l.Collapsed = Hit, f.entry, true
				return l
			}
		case <-ended:
		}
		// Nobody waits for this one: what went wrong once may go on doing so.
	}
	l.start()
	return l
}

// look says whether an answer, or that none is kept, can be told at once.
func (l *Lookup) look() bool {
	e, ok := l.cache.answers.GetIfPresent(l.key)
	if !ok || !time.Now().Before(e.expires) {
		return false
	}
	if e.pass {
		l.Outcome = Bypass
		return true
	}
	asOf, valid := l.cache.known(e)
	if asOf < l.cache.since(l.cache.instant(), Bound) {
		return false
	}
	l.Outcome, l.Entry = Hit, e
	if !valid {
		l.Outcome = Stale
	}
	return true
}

// start notes what is known before anything is read.
func (l *Lookup) start() {
	l.began = l.cache.instant()
	l.number = l.cache.last.Load() // before next, which is written first
	l.next = l.cache.next.Load()
}

// Done ends the reading.
func (l *Lookup) Done() {
	if l.flight == nil {
		return
	}
	l.cache.mu.Lock()
	if l.cache.flights[l.key] == l.flight {
		delete(l.cache.flights, l.key)
	}
	l.cache.mu.Unlock()
	close(l.flight.done)
	l.flight = nil
}

// Answer is what was read.
type Answer struct {
	Body      []byte
	Tags      Tags
	Cost      int
	Operation string
	Headers   http.Header // that go with it; nobody changes them any more
}

// Tags are what has to change for an answer to change.
type Tags struct {
	Names   []string
	Expires time.Time // when it is outlived in any case; zero if time makes no difference

	short []string // objects by their types
}

// Keep keeps an answer, of which it makes a copy, and gives its entry; nil if it is too
// large. Without tags, the look-up says from now on that it is not kept.
func (l *Lookup) Keep(a *Answer) *Entry {
	c := l.cache
	if c.coverage.Load() == nil {
		return nil // it is not known yet what may be
	}
	if a == nil || uint64(len(a.Body)) > c.size/largest {
		e := &Entry{pass: true, expires: time.Now().Add(passing), key: l.key}
		c.answers.Set(l.key, e)
		return nil
	}
	e := &Entry{body: bytes.Clone(a.Body), etags: etagsOf(a.Body), tags: a.Tags, number: l.number, expires: a.Tags.Expires, Cost: a.Cost, Operation: a.Operation, Headers: a.Headers, key: l.key}
	e.asOf.Store(l.began)
	for _, t := range e.tags.Names {
		e.marks = append(e.marks, c.place(t))
	}
	slices.Sort(e.marks)
	e.marks = slices.Compact(e.marks)
	if e.expires.IsZero() {
		e.expires = c.began.AddDate(100, 0, 0)
	}
	c.answers.Set(l.key, e)
	if l.flight != nil {
		l.flight.entry = e
	}
	return e
}

// Saved gives what was kept before the database failed, if it is not too old; nil if there
// is nothing.
func (l *Lookup) Saved() *Entry {
	e, ok := l.cache.answers.GetIfPresent(l.key)
	if !ok || e.pass || !time.Now().Before(e.expires) {
		return nil
	}
	if asOf, _ := l.cache.known(e); asOf < l.cache.since(l.cache.instant(), Grace) {
		return nil
	}
	return e
}

// drop outdates what has one of the tags, up to an instant from which on all that has
// changed is known.
func (c *Cache) drop(tags []string, upto int64) {
	if len(tags) > 0 {
		n := c.last.Add(1)
		for _, t := range tags {
			c.places[c.place(t)].Store(n)
		}
	}
	c.polled.Store(upto)
}

// clear drops everything.
func (c *Cache) clear(upto int64) {
	c.all.Store(c.last.Add(1))
	raise(&c.floor, upto)
	c.polled.Store(upto)
	c.answers.InvalidateAll()
}

// raise makes a number larger, never smaller.
func raise(to *atomic.Int64, n int64) {
	for old := to.Load(); old < n && !to.CompareAndSwap(old, n); old = to.Load() {
	}
}

// Age is how long ago the entry was known to be right.
func (c *Cache) Age(e *Entry) time.Duration {
	return max(0, time.Duration(c.instant()-e.asOf.Load()))
}

// Expires is when the entry is outlived; far away if time makes no difference to it.
func (e *Entry) Expires() time.Time { return e.expires }
