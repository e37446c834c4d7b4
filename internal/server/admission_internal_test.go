package server

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stadtgraph/internal/auth"
)

func editor(ctx context.Context) context.Context {
	return auth.With(ctx, &auth.Actor{Role: auth.Editor})
}

// crowd are operations that wait, by the order in which they were let in.
type crowd struct {
	a    *admission
	wait sync.WaitGroup

	mu      sync.Mutex
	in, out []int
	since   []time.Duration // how long those waited who were sent away
}

// add lets one more ask for a place; synctest.Wait says when it waits.
func (c *crowd) add(ctx context.Context, n int) {
	c.wait.Go(func() {
		start := time.Now()
		_, refused := c.a.enter(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		if refused != nil {
			c.out, c.since = append(c.out, n), append(c.since, time.Since(start))
		} else {
			c.in = append(c.in, n)
		}
	})
	synctest.Wait()
}

func (c *crowd) check(t *testing.T, what string, in, out []int) {
	t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.out) // they go at the same instant
	if !slices.Equal(c.in, in) || !slices.Equal(c.out, out) {
		t.Errorf("%s: in %v, want %v; sent away %v, want %v", what, c.in, in, c.out, out)
	}
}

func TestAdmissionOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(1, 0, time.Second, nil)
		c := &crowd{a: a}
		for n := range 6 {
			c.add(t.Context(), n)
		}
		c.check(t, "one place", []int{0}, nil)
		a.leave(public)
		c.check(t, "the oldest first", []int{0, 1}, nil)
		time.Sleep(600 * time.Millisecond)
		a.leave(public)
		c.check(t, "the newest first", []int{0, 1, 5}, nil)
		time.Sleep(time.Second)
		c.check(t, "nobody waits longer", []int{0, 1, 5}, []int{2, 3, 4})
		for _, took := range c.since {
			if took != time.Second {
				t.Errorf("one was sent away after %s", took)
			}
		}
		a.leave(public)
		c.add(t.Context(), 6)
		c.check(t, "free again", []int{0, 1, 5, 6}, []int{2, 3, 4})
		a.leave(public)
		c.wait.Wait()
		if a.running != 0 {
			t.Errorf("%d places are lost", a.running)
		}
	})
}

func TestAdmissionQueueIsShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(1, 0, time.Second, nil)
		c := &crowd{a: a}
		for n := range shortestQueue + 3 {
			c.add(t.Context(), n)
		}
		c.check(t, "who finds it full goes, at once", []int{0}, []int{shortestQueue + 1, shortestQueue + 2})
		if c.since[0] != 0 {
			t.Errorf("sent away after %s", c.since[0])
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		c.add(gone, -1)
		c.check(t, "who has left waits for nothing", []int{0}, []int{-1, shortestQueue + 1, shortestQueue + 2})
		for range shortestQueue {
			a.leave(public)
		}
		c.wait.Wait()
		if a.running != 1 || a.classes[public].waiting.Len() != 0 {
			t.Errorf("%d run, %d wait", a.running, a.classes[public].waiting.Len())
		}
	})
}

func TestAdmissionClasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAdmission(2, 1, time.Second, nil)
		c := &crowd{a: a}
		reader := auth.With(t.Context(), &auth.Actor{Role: auth.Reader})
		c.add(t.Context(), 1)
		c.add(reader, 2)
		c.add(t.Context(), 3)
		c.check(t, "readers have two places", []int{1, 2}, nil)
		c.add(editor(t.Context()), 10)
		c.add(editor(t.Context()), 11)
		c.check(t, "an editor has one more", []int{1, 2, 10}, nil)
		a.leave(public)
		c.check(t, "which is not the editors' when readers wait", []int{1, 2, 10, 3}, nil)
		a.leave(public)
		c.check(t, "and is when they do not", []int{1, 2, 10, 3, 11}, nil)
		a.leave(public)
		c.add(editor(t.Context()), 12)
		c.check(t, "all of them", []int{1, 2, 10, 3, 11, 12}, nil)
		c.add(t.Context(), 4)
		c.add(editor(t.Context()), 13)
		a.leave(staff)
		c.check(t, "but readers get theirs back first", []int{1, 2, 10, 3, 11, 12, 4}, nil)
		for range 2 {
			a.leave(staff)
		}
		a.leave(public)
		c.check(t, "in the end", []int{1, 2, 10, 3, 11, 12, 4, 13}, nil)
		a.leave(staff)
		c.wait.Wait()
		if a.running != 0 || a.classes[public].running != 0 || a.classes[staff].running != 0 {
			t.Errorf("places are lost: %d, %d of the public, %d of editors", a.running, a.classes[public].running, a.classes[staff].running)
		}
	})
}

func TestAdmissionAtRandom(t *testing.T) {
	t.Parallel()
	a := newAdmission(3, 1, 20*time.Millisecond, nil)
	var wait sync.WaitGroup
	var mu sync.Mutex
	var running, most [2]int
	for n := range 400 {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n%40)*time.Millisecond)
			defer cancel()
			if n%3 == 0 {
				ctx = editor(ctx)
			}
			class, refused := a.enter(ctx)
			if refused != nil {
				return
			}
			mu.Lock()
			running[class]++
			most[class] = max(most[class], running[class])
			if running[public]+running[staff] > 4 {
				t.Error("more run than there are places")
			}
			mu.Unlock()
			time.Sleep(time.Duration(n%5) * time.Millisecond)
			mu.Lock()
			running[class]--
			mu.Unlock()
			a.leave(class)
		})
	}
	wait.Wait()
	if most[public] > 3 || a.running != 0 || a.classes[public].waiting.Len()+a.classes[staff].waiting.Len() != 0 {
		t.Errorf("%v ran at once, %d are left", most, a.running)
	}
}
