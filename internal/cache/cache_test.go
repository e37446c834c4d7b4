package cache

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"stadtgraph/internal/change"
	"stadtgraph/internal/plan"
)

// script is a log that tells what it is given.
type script struct {
	mu   sync.Mutex
	next change.Touched
}

func (*script) Watch(context.Context) <-chan struct{} { return nil }

func (s *script) Since(context.Context, change.Mark, time.Time) (change.Touched, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.next
	t.Mark = change.Mark{Epoch: "e", Snapshot: "1:1:"}
	s.next = change.Touched{}
	return t, nil
}

func (*script) Coverage(context.Context) (*change.Coverage, error) { return &change.Coverage{}, nil }

func (s *script) tell(t change.Touched) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = t
}

func made(t testing.TB) (*Cache, *script) {
	t.Helper()
	log := &script{}
	c := New(1<<20, log, func(string) string { return "" })
	c.Sync(t.Context())
	return c, log
}

func key(text string) Key { return KeyOf("", text, "", nil) }

func article() change.Touched {
	return change.Touched{Objects: []change.Object{{Type: "Article"}}}
}

// TestReadBefore: what was read before a change and is put in afterwards is not given.
func TestReadBefore(t *testing.T) {
	t.Parallel()
	c, log := made(t)
	l := c.Get(nil, key("a"))
	log.tell(article())
	c.Sync(t.Context())
	l.Keep(&Answer{Body: []byte("old"), Tags: Tags{Names: []string{"Article"}}})
	l.Done()
	if again := c.Get(nil, key("a")); again.Outcome != Miss {
		t.Errorf("got %s", again.Outcome)
	}
}

// TestStale: what a change of others has just outdated is given once more and read anew by
// one, unless something was written here, or it is too old.
func TestStale(t *testing.T) {
	t.Parallel()
	c, log := made(t)
	put := func() {
		l := c.Get(nil, key("a"))
		l.Keep(&Answer{Body: []byte("a"), Tags: Tags{Names: []string{"Article"}}})
		l.Done()
	}
	put()
	log.tell(article())
	if err := c.read(t.Context(), c.instant()); err != nil {
		t.Fatal(err)
	}
	first, second := c.Get(nil, key("a")), c.Get(nil, key("a"))
	if first.Outcome != Stale || !first.Refresh || second.Outcome != Stale || second.Refresh {
		t.Fatalf("got %+v, %+v", first, second)
	}
	first.Done()
	put()
	if l := c.Get(nil, key("a")); l.Outcome != Hit {
		t.Errorf("read anew: got %+v", l)
	}
	log.tell(article())
	c.Sync(t.Context())
	if l := c.Get(nil, key("a")); l.Outcome != Miss || !l.leads() {
		t.Errorf("after a write: got %+v", l)
	}
}

func (l *Lookup) leads() bool { return l.flight != nil }

// TestLost: when it is not known what was written, nothing is good any more.
func TestLost(t *testing.T) {
	t.Parallel()
	c, log := made(t)
	l := c.Get(nil, key("a"))
	l.Keep(&Answer{Body: []byte("a")})
	l.Done()
	log.tell(change.Touched{Lost: true})
	if err := c.read(t.Context(), c.instant()); err != nil {
		t.Fatal(err)
	}
	if l := c.Get(nil, key("a")); l.Outcome != Miss {
		t.Errorf("got %+v", l)
	}
}

// TestFailed: who waits for an answer that does not come reads it, not one after the other.
func TestFailed(t *testing.T) {
	t.Parallel()
	c, _ := made(t)
	l := c.Get(nil, key("a"))
	var group sync.WaitGroup
	start := time.Now()
	for range 20 {
		group.Go(func() {
			l := c.Get(nil, key("a"))
			defer l.Done()
			if l.Outcome != Miss {
				t.Errorf("got %+v", l)
			}
			time.Sleep(50 * time.Millisecond)
		})
	}
	time.Sleep(20 * time.Millisecond)
	l.Done()
	group.Wait()
	if took := time.Since(start); took > 500*time.Millisecond {
		t.Errorf("it took %s", took)
	}
	gone := make(chan struct{})
	close(gone)
	leader := c.Get(nil, key("b"))
	defer leader.Done()
	if l := c.Get(gone, key("b")); l.Outcome != Miss || l.leads() {
		t.Errorf("who has left: got %+v", l)
	}
}

// TestSize: the cache holds its size, compressed bytes included, and keeps nothing that is
// much of it.
func TestSize(t *testing.T) {
	t.Parallel()
	c, _ := made(t)
	body := []byte(strings.Repeat("0123456789abcdef", 1000))
	for n := range 500 {
		l := c.Get(nil, key(fmt.Sprint(n)))
		if e := l.Keep(&Answer{Body: body}); e != nil {
			c.Coded(e, Gzip)
			c.Coded(e, Zstd)
		}
		l.Done()
	}
	// What is too much goes behind the one who puts in, in its own time.
	for deadline := time.Now().Add(10 * time.Second); c.Bytes() > 1<<20 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		c.answers.CleanUp()
	}
	if n := c.Bytes(); n > 1<<20 || n < 1<<19 {
		t.Errorf("%d bytes", n)
	}
	l := c.Get(nil, key("large"))
	if e := l.Keep(&Answer{Body: make([]byte, 1<<18)}); e != nil {
		t.Error("it is kept")
	}
	l.Done()
	if l := c.Get(nil, key("large")); l.Outcome != Bypass {
		t.Errorf("got %s", l.Outcome)
	}
}

// TestHeader: tags are cut down to a length, never left out.
func TestHeader(t *testing.T) {
	t.Parallel()
	e := &Entry{tags: Tags{Names: []string{"Article.any", "article_1", "article_2"}, short: []string{"Article"}}}
	for most, want := range map[int]string{100: "stadtgraph Article.any article_1 article_2", 20: "stadtgraph Article", 15: "stadtgraph"} {
		if got := strings.Join(e.Header(most), " "); got != want {
			t.Errorf("%d: got %s, want %s", most, got, want)
		}
	}
}

// TestKeys: what differs has another key, what is the same in another order has not.
func TestKeys(t *testing.T) {
	t.Parallel()
	seen := map[Key]int{}
	for n, k := range []Key{
		KeyOf("", "a", "b", nil), KeyOf("", "ab", "", nil), KeyOf("", "a", "", map[string]any{"b": nil}), KeyOf("", "a", "", map[string]any{"b": "1"}), KeyOf("", "a", "", map[string]any{"b": 1.0}),
		KeyOf("", "a", "", map[string]any{"b": []any{"1", "2"}}), KeyOf("", "a", "", map[string]any{"b": []any{"12"}}), KeyOf("", "a", "", map[string]any{"b": []any{[]any{"1"}, "2"}}),
		KeyOf("", "a", "", map[string]any{"b": true}), KeyOf("", "a", "", map[string]any{"b": map[string]any{"c": true}}), KeyOf("", "a", "", map[string]any{"b": map[string]any{}, "c": true}),
	} {
		if other, ok := seen[k]; ok {
			t.Errorf("%d and %d have one key", n, other)
		}
		seen[k] = n
	}
	for range 10 {
		if KeyOf("", "a", "", map[string]any{"a": "1", "b": "2", "c": "3"}) != KeyOf("", "a", "", map[string]any{"c": "3", "b": "2", "a": "1"}) {
			t.Fatal("order matters")
		}
	}
}

// TestTimed: the next instant and the next German day are outlived by nothing that was
// compared with them.
func TestTimed(t *testing.T) {
	t.Parallel()
	c, log := made(t)
	due := time.Now().Add(time.Minute).Truncate(time.Microsecond)
	log.tell(change.Touched{Due: due})
	c.Sync(t.Context())
	l := c.Get(nil, key("a"))
	defer l.Done()
	if tags, ok := l.Tags(plan.Sources{Timed: true}); !ok || !tags.Expires.Equal(due) && !tags.Expires.Before(due) {
		t.Errorf("got %s, want %s", tags.Expires, due)
	}
	if tags, _ := l.Tags(plan.Sources{}); !tags.Expires.IsZero() {
		t.Errorf("got %s", tags.Expires)
	}
	winter := time.Date(2026, 1, 1, 22, 59, 59, 0, time.UTC)
	if got := plan.NextDay(winter); !got.Equal(winter.Add(time.Second)) {
		t.Errorf("got %s", got)
	}
	long := time.Date(2026, 10, 24, 22, 0, 0, 0, time.UTC) // of 25 hours
	if got := plan.NextDay(long); got.Sub(long) != 25*time.Hour {
		t.Errorf("got %s", got)
	}
}
