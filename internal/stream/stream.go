// Package stream follows the changes for everybody in this process who wants to be
// told of them: it reads each once, however many follow.
//
// A Hub keeps the latest changes in memory. Who follows has nothing there but a
// place, so that nobody who is slow makes others wait or takes memory: whoever falls
// behind what is kept, or comes back with a cursor of before, reads on from the
// database until the two meet.
//
//	hub := stream.New(pool)
//	go hub.Run(ctx)
//	f, err := hub.Follow(ctx, &cursor, "Article") // or nil: from now on
//	for { c, err := f.Next(ctx) … }               // in order, each once
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
)

const (
	kept        = 4096             // changes in memory, at least, once there were as many
	batch       = 1000             // changes that are read at once for all
	catchUp     = 200              // changes that are read at once for one who is behind
	readTimeout = 10 * time.Second // of one reading
	pause       = time.Second      // until a reading that failed is tried again
)

// Hub reads the changes and hands them on.
type Hub struct {
	pool  *pgxpool.Pool
	keep  int           // how many changes to keep
	ready chan struct{} // closed when the place to begin at is known

	mu    sync.Mutex
	kept  []change.Change // the latest, in order
	first int             // how many came before those that are kept
	base  change.Cursor   // the place in front of them
	head  change.Cursor   // everything up to here has been read
	epoch int             // counts the breaks: what followed before one has missed something
	more  chan struct{}   // closed when there is more, or a break
}

// New makes a hub. It reads through a pool that should not be the one that requests
// wait for.
func New(pool *pgxpool.Pool) *Hub {
	return &Hub{pool: pool, keep: kept, ready: make(chan struct{}), more: make(chan struct{})}
}

// DB is where the changes are read.
func (h *Hub) DB() *pgxpool.Pool { return h.pool }

// Run reads changes until the context ends. While the database cannot be reached it
// tries again; nothing is lost.
func (h *Hub) Run(ctx context.Context) {
	failing := false
	for range change.Watch(ctx, h.pool) {
		err := h.read(ctx)
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != failing {
			failing = err != nil
			if failing {
				slog.Warn("changes cannot be read; trying again every second", "error", err)
			} else {
				slog.Info("changes are read again")
			}
		}
	}
}

// read hands on all there is.
func (h *Hub) read(ctx context.Context) error {
	if h.head == "" { // only Run writes it
		if err := h.begin(ctx); err != nil {
			return err
		}
		close(h.ready)
	}
	for {
		page, err := h.page(ctx, h.head, nil, batch)
		if errors.Is(err, change.ErrExpired) { // restored, or taken over by a standby
			slog.Warn("the changes do not go on from where they were; who follows them has to begin again")
			return h.begin(ctx)
		}
		if err != nil {
			return err
		}
		h.add(page)
		if !page.More {
			return nil
		}
	}
}

func (h *Hub) begin(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	head, err := change.Head(ctx, h.pool)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.first, h.kept, h.base, h.head = h.first+len(h.kept), nil, head, head
	h.epoch++
	h.wake()
	return nil
}

func (h *Hub) page(ctx context.Context, after change.Cursor, types []string, limit int) (change.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return change.ReadAll(ctx, h.pool, after, types, limit)
}

func (h *Hub) add(page change.Page) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.head = page.Next
	if len(page.Changes) == 0 {
		return
	}
	h.kept = append(h.kept, page.Changes...)
	if drop := len(h.kept) - h.keep; drop > h.keep { // seldom, so that it costs nothing each time
		h.base = h.kept[drop-1].Cursor
		h.first += drop
		h.kept = slices.Clone(h.kept[drop:])
	}
	h.wake()
}

func (h *Hub) wake() {
	close(h.more)
	h.more = make(chan struct{})
}

// Follower is one who follows. It is used by one goroutine at a time.
type Follower struct {
	hub     *Hub
	types   []string
	epoch   int
	cursor  change.Cursor // everything up to here has been looked at
	live    bool          // it follows what the hub keeps, from at on
	at      int
	ahead   bool            // it has read what the hub has not yet
	backlog []change.Change // what was read for it alone
	next    change.Cursor   // the place behind the backlog
	more    bool            // there is more behind it
}

// Follow begins to follow the changes of the types behind a cursor, or without one, or behind change.Now,
// what happens from now on. A cursor that is too old is change.ErrExpired.
func (h *Hub) Follow(ctx context.Context, after *change.Cursor, types ...string) (*Follower, error) {
	select {
	case <-h.ready:
	case <-ctx.Done():
		return nil, fault.New(fault.Busy, "The database cannot be reached just now; try again in a moment.")
	}
	if after != nil && *after == change.Now {
		after = nil
	}
	f := &Follower{hub: h, types: types}
	h.mu.Lock()
	if after == nil {
		f.cursor, f.live, f.at, f.epoch = h.head, true, h.first+len(h.kept), h.epoch
	} else {
		f.cursor = *after
		f.join()
	}
	h.mu.Unlock()
	if f.live {
		return f, nil
	}
	if err := f.read(ctx); err != nil {
		if _, ok := fault.From(err); ok {
			return nil, err
		}
		return nil, fmt.Errorf("%w (%w)", fault.New(fault.Busy, "The database cannot be reached just now; try again in a moment."), err)
	}
	return f, nil
}

// Cursor is the place that the follower has come to: what it was given, and what was
// not for it.
func (f *Follower) Cursor() change.Cursor { return f.cursor }

// Next waits for the next change. Its errors are that of the context, and
// change.ErrExpired if changes were missed; while the database cannot be reached, it
// waits.
func (f *Follower) Next(ctx context.Context) (change.Change, error) {
	for {
		if c, ok := f.fromBacklog(); ok {
			return c, nil
		}
		if !f.live {
			err := f.read(ctx)
			switch {
			case ctx.Err() != nil:
				return change.Change{}, ctx.Err()
			case errors.Is(err, change.ErrExpired):
				return change.Change{}, err
			case err == nil && (len(f.backlog) > 0 || f.rejoin()):
				continue
			}
			select { // the database cannot be reached, or the hub is not there yet
			case <-time.After(pause):
			case <-ctx.Done():
			}
			continue
		}
		c, found, more, err := f.fromHub()
		if err != nil || found {
			return c, err
		}
		if !f.live { // it has fallen behind
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return change.Change{}, ctx.Err()
		}
	}
}

// fromBacklog gives the next change of those that were read for this follower. When
// there are no more, it goes on with the hub if it can.
func (f *Follower) fromBacklog() (change.Change, bool) {
	if len(f.backlog) == 0 {
		return change.Change{}, false
	}
	c := f.backlog[0]
	f.backlog, f.cursor = f.backlog[1:], c.Cursor
	if len(f.backlog) == 0 {
		f.backlog = nil
		f.rejoin()
	}
	return c, true
}

// rejoin is for when the backlog has been given: it goes on behind it, with the hub if
// that has got there.
func (f *Follower) rejoin() bool {
	f.cursor = f.next
	if f.more {
		return true
	}
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	f.join()
	return f.live
}

// read reads on in the database.
func (f *Follower) read(ctx context.Context) error {
	page, err := f.hub.page(ctx, f.cursor, f.types, catchUp)
	if err != nil {
		return err
	}
	f.backlog, f.next, f.more = page.Changes, page.Next, page.More
	return nil
}

// join goes on with what the hub keeps, if that is complete from the follower's place
// on. The hub is locked.
func (f *Follower) join() {
	h := f.hub
	if h.base != f.cursor && !h.base.Before(f.cursor) {
		return
	}
	f.live, f.epoch = true, h.epoch
	f.at = h.first + sort.Search(len(h.kept), func(i int) bool { return f.cursor.Before(h.kept[i].Cursor) })
	f.ahead = h.head.Before(f.cursor)
}

// fromHub looks for the next change in what the hub keeps. If there is none, it comes
// with what is closed when there is more.
func (f *Follower) fromHub() (c change.Change, found bool, more <-chan struct{}, err error) {
	h := f.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.epoch != h.epoch {
		return c, false, nil, change.ErrExpired
	}
	if f.at < h.first {
		f.live = false
		return c, false, nil, nil
	}
	for f.at < h.first+len(h.kept) {
		c = h.kept[f.at-h.first]
		f.at++
		if f.ahead && !f.cursor.Before(c.Cursor) {
			continue
		}
		f.ahead, f.cursor = false, c.Cursor
		if slices.Contains(f.types, c.Type) {
			return c, true, nil, nil
		}
	}
	if f.ahead = f.ahead && h.head.Before(f.cursor); !f.ahead {
		f.cursor = h.head
	}
	return change.Change{}, false, h.more, nil
}
