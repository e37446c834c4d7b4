package cache

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"stadtgraph/internal/change"
)

// Log is what tells of changes: change.Log.
type Log interface {
	Watch(ctx context.Context) <-chan struct{}
	Since(ctx context.Context, mark change.Mark, now time.Time) (change.Touched, error)
	Coverage(ctx context.Context) (*change.Coverage, error)
}

// pollTimeout is for how long a reading of the feed may take: from then on answers would
// be too old in any case.
const pollTimeout = Bound

// feed is how far the changes are known.
type feed struct {
	log      Log
	reading  sync.Mutex // one reads at a time
	readAt   int64      // when the last reading began that succeeded
	mark     change.Mark
	coverage atomic.Pointer[change.Coverage]
	nudged   chan struct{}
}

// Follow drops answers as the log tells of changes, until the context ends. Nothing is kept
// before it has read what the log covers.
func (c *Cache) Follow(ctx context.Context) {
	failing := false
	woken := c.log.Watch(ctx)
	for {
		select {
		case _, more := <-woken:
			if !more {
				return
			}
		case <-c.nudged:
		}
		err := c.read(ctx, c.instant())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			slog.Warn("changes cannot be read: answers are not kept for longer than a moment", "error", err)
		case err == nil && failing:
			slog.Info("changes can be read again")
		}
		failing = err != nil
	}
}

// Sync returns when everything that was committed before it was called is known, so that
// no answer from before is given any more. It does not fail: if changes cannot be read,
// no older answer is good.
func (c *Cache) Sync(ctx context.Context) {
	asked := c.instant()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pollTimeout)
	defer cancel()
	if err := c.read(ctx, asked); err != nil {
		slog.WarnContext(ctx, "changes cannot be read after a mutation", "error", err)
	}
	raise(&c.floor, asked)
}

// read reads what is new in the feed, unless somebody began to after asked.
func (c *Cache) read(ctx context.Context, asked int64) error {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.readAt > asked {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	began, now := c.instant(), time.Now()
	coverage := c.coverage.Load()
	if coverage == nil {
		var err error
		if coverage, err = c.log.Coverage(ctx); err != nil {
			return err
		}
	}
	t, err := c.log.Since(ctx, c.mark, now)
	if err != nil {
		return err
	}
	// Whatever is read after the number goes up is read with this in mind.
	next := int64(0)
	if !t.Due.IsZero() {
		next = t.Due.UnixNano()
	}
	c.next.Store(next)
	gap := time.Duration(began - c.readAt)
	if t.Lost || c.mark.Snapshot == "" || gap > change.Memory/2 {
		c.clear(began)
	} else {
		c.drop(t.Tags(coverage, c.prefix), began)
	}
	c.mark, c.readAt = t.Mark, began
	c.coverage.Store(coverage)
	return nil
}

// nudge asks for the feed to be read.
func (c *Cache) nudge() {
	select {
	case c.nudged <- struct{}{}:
	default: // it is about to be
	}
}
