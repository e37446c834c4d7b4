package write

import (
	"context"
	"slices"
	"strings"
	"time"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
)

// The states of the editorial life cycle, and where each may go.
var transitions = map[string][]string{
	"DRAFT":     {"IN_REVIEW", "SCHEDULED", "PUBLISHED"},
	"IN_REVIEW": {"DRAFT", "SCHEDULED", "PUBLISHED"},
	"SCHEDULED": {"DRAFT", "SCHEDULED", "PUBLISHED"},
	"PUBLISHED": {"ARCHIVED", "DRAFT"},
	"ARCHIVED":  {"PUBLISHED"},
}

// berlin is where days begin.
var berlin = func() *time.Location {
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic("write: no time zone data: " + err.Error())
	}
	return l
}()

// Status is where a row is in its life cycle at an instant: one that is scheduled and
// due is published, without anybody saying so.
func (d *Draft) Status(now time.Time) string {
	status, _ := d.Old["publication_status"].(string)
	if at, ok := instant(d.Old["published_at"]); ok && status == "SCHEDULED" && !at.After(now) {
		return "PUBLISHED"
	}
	return status
}

// Public says whether readers see a row at an instant.
func (d *Draft) Public(now time.Time) bool {
	if !d.Object.Published {
		return true
	}
	status := d.Status(now)
	return status == "PUBLISHED" || status == "ARCHIVED"
}

func instant(v any) (time.Time, bool) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

// Move takes a row to another state of its life cycle. Whoever makes something public
// or takes it back must be allowed to publish.
func (tx *Tx) Move(ctx context.Context, typeName string, id nodeid.ID, version int, to string, at time.Time) (*Draft, error) {
	return tx.Change(ctx, typeName, id, version, func(d *Draft) error {
		from := d.Status(tx.Now)
		if to != "IN_REVIEW" && (to != "DRAFT" || from != "IN_REVIEW") {
			if err := tx.May(auth.Publish); err != nil {
				return err
			}
		}
		return tx.move(d, from, to, at)
	})
}

func (tx *Tx) move(d *Draft, from, to string, at time.Time) error {
	if !slices.Contains(transitions[from], to) {
		return Refuse(NotAllowed, []string{"input", "id"}, "It is %s; from there it does not become %s.", from, to)
	}
	d.Set["publication_status"] = to
	first, known := instant(d.Old["published_at"])
	if known && first.After(tx.Now) && d.Old["published_on_start"] == first.In(berlin).Format(time.DateOnly) { // it came from the schedule
		for _, part := range []string{"start", "end", "precision", "text"} {
			d.Set["published_on_"+part] = nil
		}
	}
	switch to {
	case "SCHEDULED":
		if !at.After(tx.Now) {
			return Refuse(OutOfRange, []string{"input", "publishAt"}, "This must be in the future.")
		}
		if known && !first.After(tx.Now) {
			return Refuse(NotAllowed, []string{"input", "id"}, "It was public before, from %s on; publish it again instead.", first.Format(time.RFC3339))
		}
		d.Set["published_at"] = at.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
	case "PUBLISHED":
		if !known || first.After(tx.Now) {
			at = tx.Now
			d.Set["published_at"] = at.UTC().Format(time.RFC3339Nano)
		}
	case "DRAFT", "IN_REVIEW":
		if known && first.After(tx.Now) { // it was never public
			d.Set["published_at"] = nil
		}
		return nil
	default:
		return nil
	}
	d.dated(at)
	d.Complete()
	if len(d.UserErrors) > 0 {
		return d.UserErrors
	}
	return nil
}

// dated gives a row that becomes public the date that readers see, unless it has one.
func (d *Draft) dated(at time.Time) {
	if _, dated := d.Old["published_on_start"]; !dated || d.Value("published_on_start") != nil {
		return
	}
	if when, ok := instant(d.Value("published_at")); ok {
		at = when
	}
	on := at.In(berlin).Format(time.DateOnly)
	d.Set["published_on_start"], d.Set["published_on_end"], d.Set["published_on_precision"] = on, on, "DAY"
}

// Complete notes what a row lacks for being public.
func (d *Draft) Complete() {
	readable := len(d.Object.Readable) == 0
	for _, column := range d.Object.Readable {
		text, _ := d.Value(column).(string)
		readable = readable || text != ""
	}
	if !readable {
		field := "id"
		if len(d.Path) > 1 { // a record of an import
			field = "publicationStatus"
		}
		d.refuse(Required, append(slices.Clip(d.Path), field), "It needs a text before it can be public: `%s`.", strings.Join(d.Object.Readable, "` or `"))
	}
}

// Delete hides a row, so that it can be restored.
func (tx *Tx) Delete(ctx context.Context, typeName string, id nodeid.ID, version int) (*Draft, error) {
	return tx.Change(ctx, typeName, id, version, func(d *Draft) error {
		if d.Public(tx.Now) && d.Object.Published {
			if err := tx.May(auth.Publish); err != nil {
				return err
			}
		}
		d.Set["deleted_at"] = tx.Now.UTC().Format(time.RFC3339Nano)
		return nil
	})
}

// Restore shows a row again that was deleted.
func (tx *Tx) Restore(ctx context.Context, typeName string, id nodeid.ID) (*Draft, error) {
	if err := tx.Is(typeName, id); err != nil {
		return nil, err
	}
	d := &Draft{Object: tx.objects[typeName], ID: id.UUID, Set: map[string]any{}, Path: []string{"input"}}
	deleted, err := tx.old(ctx, d)
	if err != nil {
		return nil, err
	}
	if !deleted {
		return nil, Refuse(NotFound, []string{"input", "id"}, "There is no deleted %s of this id.", typeName)
	}
	if d.Public(tx.Now) && d.Object.Published {
		if err := tx.May(auth.Publish); err != nil {
			return nil, err
		}
	}
	d.Set["deleted_at"] = nil
	return d, tx.store(ctx, d)
}
