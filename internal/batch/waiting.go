package batch

import (
	"context"
	"fmt"
	"slices"

	"stadtgraph/internal/write"
)

// A record may refer to records behind it, and two records to each other. One that refers to
// what is not there waits until all others are written.

// How much may wait. What is beyond fails at once.
const (
	maxWaiting   = 20_000
	maxWaitBytes = 64 << 20
)

// waits says whether a record waits for others: nothing is wrong with it, but that fields
// of it refer to what is not there.
func (r *runner) waits(record Record, outcome Line) bool {
	if outcome.Status != "FAILED" || len(outcome.UserErrors) == 0 || record.Parts == nil || len(r.waiting) >= maxWaiting || r.held+record.Size > maxWaitBytes {
		return false
	}
	if slices.ContainsFunc(outcome.UserErrors, func(p Problem) bool { return p.Code != write.NotFound }) || record.Parts.Without(paths(outcome)) == nil {
		return false
	}
	r.waiting = append(r.waiting, record)
	r.held += record.Size
	return true
}

func paths(l Line) (out [][]string) {
	for _, p := range l.UserErrors {
		out = append(out, p.Path)
	}
	return out
}

// settle writes the records that wait.
func (r *runner) settle(ctx context.Context) error {
	if len(r.waiting) == 0 {
		return nil
	}
	var outcomes []Line
	err := r.writer.Run(ctx, r.actor, "importRecords", func(tx *write.Tx) (err error) {
		outcomes, err = late(ctx, tx, r.waiting)
		return err
	})
	if err != nil {
		return fmt.Errorf("lines that refer to later ones: %w", err)
	}
	for _, outcome := range outcomes {
		r.done.count(outcome.Status)
		if err := r.report(outcome); err != nil {
			return err
		}
	}
	r.progress(r.done)
	return nil
}

// late writes records that wait, inside a transaction, and says what became of them in
// their order. First each is tried again, as long as that helps. Those that are left
// refer to each other, or to nothing: they are written without what they miss, and then
// with it. One that fails even so leaves nothing behind, so the others are written anew.
func late(ctx context.Context, tx *write.Tx, waiting []Record) ([]Line, error) {
	outcomes := make([]Line, len(waiting))
	left := make([]int, len(waiting))
	for n := range waiting {
		left[n] = n
	}
	for before := len(left) + 1; len(left) > 0 && len(left) < before; {
		before = len(left)
		var still []int
		for _, n := range left {
			outcome, err := one(ctx, tx, waiting[n])
			if err != nil {
				return nil, err
			}
			if outcomes[n] = outcome; outcome.Status == "FAILED" {
				still = append(still, n)
			}
		}
		left = still
	}
	missed := slices.Clone(outcomes)
	for len(left) > 0 {
		inner, err := tx.Begin(ctx)
		if err != nil {
			return nil, err
		}
		within := *tx
		within.Tx = inner
		good, err := together(ctx, &within, waiting, left, missed, outcomes)
		if err != nil {
			return nil, err
		}
		if len(good) == len(left) {
			return outcomes, inner.Commit(ctx)
		}
		if err := inner.Rollback(ctx); err != nil {
			return nil, err
		}
		left = good
	}
	return outcomes, nil
}

// together writes records without what they miss, and then with it. It gives those that
// could be written.
func together(ctx context.Context, tx *write.Tx, waiting []Record, left []int, missed, outcomes []Line) (good []int, err error) {
	var begun []int
	first := map[int]Line{}
	for _, n := range left {
		part := waiting[n]
		if part.Write = part.Parts.Without(paths(missed[n])); part.Write == nil {
			outcomes[n] = missed[n]
			continue
		}
		outcome, err := one(ctx, tx, part)
		if err != nil {
			return nil, err
		}
		outcomes[n] = missed[n] // if it fails, what was wrong at first says more
		if outcome.Status != "FAILED" {
			begun, first[n] = append(begun, n), outcome
		}
	}
	for _, n := range begun {
		whole := waiting[n]
		whole.Write = whole.Parts.Onto(first[n].ID)
		outcome, err := one(ctx, tx, whole)
		if err != nil {
			return nil, err
		}
		if outcome.Status != "FAILED" {
			outcome = first[n]
			good = append(good, n)
		}
		outcomes[n] = outcome
	}
	return good, nil
}
