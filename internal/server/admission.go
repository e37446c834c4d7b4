package server

import (
	"container/list"
	"context"
	"net/http"
	"sync"
	"time"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/metric"
)

// admission bounds how many operations run at once, so that under any load those
// that run are as fast as ever. Some places are kept for whoever edits or
// administers; the public has the others, and neither takes the other's: a long
// import does not shut out readers. A place that nobody of its class wants goes to
// editors, never to the public.
//
// Whoever finds no place waits in a short queue. The oldest goes first, as long as
// waits are short. Once one has waited for half of what is allowed there is more to
// do than can be done, and the newest goes first: it is answered as if there was no
// queue, and the others, whose clients are about to give up, are told to come again.
// In the order of arrival all of them would be answered late.
//
// The queue is outside of Postgres and its pool: who waits has no connection and no
// slot, and has done nothing yet.
//
// A nil one bounds nothing.
type admission struct {
	longest time.Duration // that anybody waits
	length  int           // of each queue; one more is refused at once, which costs least
	metrics *metric.Metrics

	mu      sync.Mutex
	classes [2]class
	running int
}

// class is a class of callers.
type class struct {
	name    string
	places  int // that are its own
	running int
	waiting list.List // of *waiter, the oldest first
}

const (
	public = iota // anybody, and whoever only reads
	staff
)

// waiter is an operation in a queue.
type waiter struct {
	since time.Time
	ready chan struct{} // closed when it has a place, and is in the queue no more
}

// shortestQueue is long enough for what a page asks at once and for clients that
// each ask one thing after another.
const shortestQueue = 128

func newAdmission(places, reserved int, longest time.Duration, metrics *metric.Metrics) *admission {
	a := &admission{longest: longest, length: max(shortestQueue, 16*places), metrics: metrics}
	a.classes[public] = class{name: "public", places: places}
	a.classes[staff] = class{name: "staff", places: reserved}
	metrics.Gauge("stadtgraph_graphql_running", "Operations that run.", func() float64 {
		a.mu.Lock()
		defer a.mu.Unlock()
		return float64(a.running)
	})
	metrics.Gauge("stadtgraph_graphql_waiting", "Operations that wait for their turn.", func() float64 {
		a.mu.Lock()
		defer a.mu.Unlock()
		return float64(a.classes[public].waiting.Len() + a.classes[staff].waiting.Len())
	})
	return a
}

// classOf is the class of whoever asks.
func classOf(ctx context.Context) int {
	if a := auth.From(ctx); a != nil && a.Role != auth.Reader {
		return staff
	}
	return public
}

// errBusy is what is told to whoever does not get a place.
var errBusy = &refusal{http.StatusServiceUnavailable, fault.Busy, "There is more to do than can be done just now; nothing of this was run. Try again in a moment."}

// enter takes a place, which leave gives back, or says why there is none. It waits
// for one, but not for long.
func (a *admission) enter(ctx context.Context) (class int, refused *refusal) {
	if a == nil {
		return public, nil
	}
	class = classOf(ctx)
	c := &a.classes[class]
	a.mu.Lock()
	if c.waiting.Len() == 0 && a.free(class) {
		a.take(c)
		a.mu.Unlock()
		return class, nil
	}
	if c.waiting.Len() >= a.length || ctx.Err() != nil { // nobody waits for it any more
		a.mu.Unlock()
		a.metrics.Refused(c.name)
		return class, errBusy
	}
	w := &waiter{since: time.Now(), ready: make(chan struct{})}
	place := c.waiting.PushBack(w)
	a.mu.Unlock()

	timer := time.NewTimer(a.longest)
	defer timer.Stop()
	admitted := true
	select {
	case <-w.ready:
	case <-timer.C:
		admitted = a.withdraw(c, place)
	case <-ctx.Done():
		admitted = a.withdraw(c, place)
	}
	a.metrics.Waited(time.Since(w.since))
	if !admitted {
		a.metrics.Refused(c.name)
		return class, errBusy
	}
	return class, nil
}

// withdraw takes an operation out of the queue, and says whether it has got a place in
// the meantime.
func (a *admission) withdraw(c *class, place *list.Element) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-place.Value.(*waiter).ready:
		return true
	default:
		c.waiting.Remove(place)
		return false
	}
}

// leave gives a place back, to whoever is next.
func (a *admission) leave(class int) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.running--
	a.classes[class].running--
	for _, class := range []int{staff, public} {
		for a.classes[class].waiting.Len() > 0 && a.free(class) {
			a.take(&a.classes[class])
			close(a.next(&a.classes[class]).ready)
		}
	}
}

// free says whether there is a place for a class.
func (a *admission) free(class int) bool {
	c := &a.classes[class]
	if a.running >= a.classes[public].places+a.classes[staff].places {
		return false
	}
	// Beyond their own places editors take those that the public does not want.
	return c.running < c.places || class == staff && a.classes[public].waiting.Len() == 0
}

func (a *admission) take(c *class) {
	a.running++
	c.running++
}

// next takes the one whose turn it is out of a queue.
func (a *admission) next(c *class) *waiter {
	place := c.waiting.Front()
	if time.Since(place.Value.(*waiter).since) > a.longest/2 {
		place = c.waiting.Back()
	}
	return c.waiting.Remove(place).(*waiter)
}
