package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/change"
	"stadtgraph/internal/pgtest"
)

func start(t *testing.T, pool *pgxpool.Pool, keep int) *Hub {
	t.Helper()
	h := New(pool)
	h.keep = keep
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { h.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return h
}

func follow(t *testing.T, h *Hub, after *change.Cursor) *Follower {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f, err := h.Follow(ctx, after, "Topic")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// topics adds an organization, which nobody follows, and n topics in one transaction.
func topics(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), `INSERT INTO organization (id, slug, name, kind) SELECT k, k, k, 'OTHER' FROM gen_random_uuid() k`); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), fmt.Sprintf(`INSERT INTO topic (id, slug, name, scheme) SELECT k, k, k, 'KEYWORD' FROM (SELECT gen_random_uuid() k FROM generate_series(1, %d)) x`, n)); err != nil {
		t.Fatal(err)
	}
}

// take reads n changes.
func take(t *testing.T, f *Follower, n int) (got []change.Change) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // for other transactions in the cluster
	defer cancel()
	for range n {
		c, err := f.Next(ctx)
		if err != nil {
			t.Fatalf("after %d of %d: %v", len(got), n, err)
		}
		got = append(got, c)
	}
	return got
}

// TestBehind: who falls behind what is kept, or comes back, gets what everybody gets.
func TestBehind(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	h := start(t, pool, 10)
	prompt, slow := follow(t, h, nil), follow(t, h, nil)
	begin := slow.Cursor()
	var all []change.Change
	for range 6 {
		topics(t, pool, 70)
		all = append(all, take(t, prompt, 70)...)
	}
	if got := take(t, slow, len(all)); !slices.Equal(got, all) {
		t.Error("who was slow got something else")
	}
	if got := take(t, follow(t, h, &begin), len(all)); !slices.Equal(got, all) {
		t.Error("who began at the same place got something else")
	}
	for _, at := range []int{0, 1, 199, 200, 201, len(all) - 2} {
		f := follow(t, h, &all[at].Cursor)
		if got := take(t, f, len(all)-at-1); !slices.Equal(got, all[at+1:]) {
			t.Errorf("who came back behind %d got something else", at)
		}
	}
	// All of them wait, and are woken.
	again := follow(t, h, &all[len(all)-1].Cursor)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if c, err := again.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v", c, err)
	}
	topics(t, pool, 1)
	for _, f := range []*Follower{prompt, slow, again} {
		take(t, f, 1)
	}
	if len(h.kept) > 3*batch || h.first == 0 {
		t.Errorf("%d changes are kept, %d were dropped", len(h.kept), h.first)
	}
}

// TestMissed: what is not there any more is said to be missing.
func TestMissed(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	h := start(t, pool, 10)
	f := follow(t, h, nil)
	topics(t, pool, 2)
	seen := take(t, f, 2)
	old, last := seen[0].Cursor, seen[1].Cursor
	if _, err := pool.Exec(t.Context(), `SELECT history_forget(now() + interval '1 hour', now() + interval '1 hour')`); err != nil {
		t.Fatal(err)
	}
	fresh := start(t, pool, 10)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := fresh.Follow(ctx, &old, "Topic"); !errors.Is(err, change.ErrExpired) {
		t.Errorf("got %v", err)
	}
	follow(t, fresh, &last) // has missed nothing
	// Nobody is told that they have to begin again who had been told everything.
	topics(t, pool, 1)
	take(t, f, 1)
}
