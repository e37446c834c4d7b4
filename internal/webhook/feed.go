package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/change"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
)

const (
	batch      = 500    // changes that are looked at in one transaction
	maxPending = 10_000 // deliveries of one webhook that wait; the changes behind them wait in the feed
	breath     = 50 * time.Millisecond
	lookup     = 100 // entries that are held against a filter at once
	feedTime   = 30 * time.Second
)

// What happened, as receivers are told.
const (
	published = "PUBLISHED"
	changed   = "CHANGED"
	removed   = "REMOVED"
)

// Why there is a delivery.
const (
	ofChange = "CHANGE"
	ofReplay = "REPLAY"
	ofGap    = "GAP"
	ofTest   = "TEST"
)

// subscription is what a webhook tells of.
type subscription struct {
	types   []string // of the enum
	kinds   []string
	filters map[string]any // by member of WebhookFiltersInput
}

// event is a message, before it is one of a webhook.
type event struct {
	message    string
	name       string
	typeName   string
	object     nodeid.UUID
	entry      string
	kind       string
	version    int
	cursor     change.Cursor
	payload    string
	occurredAt time.Time
}

// body is that of a message.
type body struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      data      `json:"data"`
}

type data struct {
	Type    string        `json:"type"`
	ID      string        `json:"id"`
	Version int           `json:"version"`
	Cursor  change.Cursor `json:"cursor"`
	Kind    string        `json:"kind"`
}

// newEvent makes what is told of an entry.
func newEvent(typeName string, id nodeid.ID, verb, kind string, version int, cursor change.Cursor, at time.Time) event {
	name := id.Prefix + "." + verb
	payload, err := json.Marshal(body{Type: name, Timestamp: at.UTC(), Data: data{Type: typeName, ID: id.String(), Version: version, Cursor: cursor, Kind: kind}})
	if err != nil {
		panic(err) // texts and numbers always have a form
	}
	// The same change is the same message, whenever and however often it is told.
	sum := sha256.Sum256([]byte(name + "\x00" + string(cursor)))
	return event{message: nodeid.ID{Prefix: "msg", UUID: nodeid.UUID(sum[:16])}.String(), name: name, typeName: typeName, object: id.UUID,
		entry: id.String(), kind: kind, version: version, cursor: cursor, payload: string(payload), occurredAt: at}
}

// kindOf is what a change is to the public.
func kindOf(c change.Change) string {
	switch {
	case c.Deleted:
		return removed
	case c.Appeared():
		return published
	}
	return changed
}

// filtered is how entries of a type are held against a filter: as the list of the type
// does.
type filtered struct {
	list      string
	operation *ast.OperationDefinition
	all       []any // conditions that hold for everything, and let the list leave out nothing
}

// filtering finds for each member of WebhookFiltersInput the list whose filter it is.
func filtering(catalogue *plan.Catalogue) (map[string]filtered, error) {
	all := map[string]filtered{}
	for _, m := range catalogue.Schema.Types["WebhookFiltersInput"].Fields {
		typeName := strings.TrimSuffix(m.Type.Name(), "Filter")
		var list *ast.FieldDefinition
		for _, f := range catalogue.Schema.Query.Fields {
			filter := f.Arguments.ForName("filter")
			root := catalogue.Root(f.Name)
			if f.Type.Name() == typeName+"Connection" && filter != nil && filter.Type.Name() == m.Type.Name() && (root == nil || root.Least == plan.Public) {
				list = f
			}
		}
		if list == nil {
			return nil, fmt.Errorf("webhooks: no list of the public is filtered by %s", m.Type.Name())
		}
		doc, err := gqlparser.LoadQueryWithRules(catalogue.Schema, fmt.Sprintf("query ($filter: %s) { found: %s(first: %d, filter: $filter) { nodes { id } } }", m.Type.Name(), list.Name, lookup), nil)
		if err != nil {
			return nil, fmt.Errorf("webhooks: %w", err)
		}
		f := filtered{list: list.Name, operation: doc.Operations[0]}
		for _, l := range catalogue.Object(typeName).Listed {
			operator := "isNull"
			if def := catalogue.Schema.Types[m.Type.Name()].Fields.ForName(l.Field); catalogue.Schema.Types[def.Type.Name()].Fields.ForName(operator) == nil {
				operator = "eq" // of a truth value
			}
			f.all = append(f.all, map[string]any{"or": []any{
				map[string]any{l.Field: map[string]any{operator: true}}, map[string]any{l.Field: map[string]any{operator: false}}}})
		}
		all[m.Name] = f
	}
	return all, nil
}

// prepare makes the reading of those of some entries that fit a filter.
func (s *Sender) prepare(member string, ids []string, filter any) (*plan.Request, error) {
	f := s.filters[member]
	all := append([]any{map[string]any{"id": map[string]any{"in": ids}}, filter}, f.all...)
	request, errs := s.planner.Prepare(f.operation, map[string]any{"filter": map[string]any{"and": all}}, plan.Public)
	if len(errs) > 0 {
		return nil, errors.New(strings.ReplaceAll(errs[0].Message, "filter.and.1.", ""))
	}
	return request, nil
}

// fitting gives those of some entries that fit a filter, as the public sees them now.
func (s *Sender) fitting(ctx context.Context, member string, ids []string, filter any, now time.Time) (map[string]bool, error) {
	fit := map[string]bool{}
	for some := range slices.Chunk(ids, lookup) {
		request, err := s.prepare(member, some, filter)
		if err != nil {
			return nil, err
		}
		raw, errs := request.Read(ctx, plan.Viewer{Role: plan.Public, Now: now}, nil, nil)
		if len(errs) > 0 {
			return nil, errs[0]
		}
		var data struct {
			Found struct{ Nodes []struct{ ID string } }
		}
		if err := json.Unmarshal(raw, &data); err != nil {
			return nil, fmt.Errorf("read what fits a filter: %w", err)
		}
		for _, n := range data.Found.Nodes {
			fit[n.ID] = true
		}
	}
	return fit, nil
}

// match makes events of changes, of those that a subscription is about.
func (s *Sender) match(ctx context.Context, sub subscription, changes []change.Change) ([]event, error) {
	members := map[string]string{}
	for _, t := range sub.types {
		members[typeName(t)] = member(t)
	}
	wanted := func(c change.Change) bool {
		_, ok := members[c.Type]
		return ok && slices.Contains(sub.kinds, kindOf(c))
	}
	ids, now := map[string]map[string]bool{}, time.Now()
	catalogue := s.planner.Catalogue()
	id := func(c change.Change) nodeid.ID {
		return nodeid.ID{Prefix: catalogue.Object(c.Type).Prefix, UUID: c.ID}
	}
	for _, c := range changes {
		if m := members[c.Type]; wanted(c) && !c.Deleted && sub.filters[m] != nil {
			if ids[m] == nil {
				ids[m] = map[string]bool{}
			}
			ids[m][id(c).String()] = true
			if now.Before(c.At) { // by the clock of the database
				now = c.At
			}
		}
	}
	fit := map[string]bool{}
	for m, all := range ids {
		some, err := s.fitting(ctx, m, slices.Sorted(maps.Keys(all)), sub.filters[m], now)
		if err != nil {
			return nil, err
		}
		maps.Copy(fit, some)
	}
	var events []event
	for _, c := range changes {
		if !wanted(c) || !c.Deleted && sub.filters[members[c.Type]] != nil && !fit[id(c).String()] {
			continue
		}
		kind := kindOf(c)
		events = append(events, newEvent(c.Type, id(c), strings.ToLower(kind), kind, c.Version, c.Cursor, c.At))
	}
	return events, nil
}

// Run makes deliveries of what happens, and sees to it that they are sent, until the
// context ends. Any number of instances may run it.
func (s *Sender) Run(ctx context.Context) {
	failing := false
	for range change.Watch(ctx, s.pool) {
		err := s.Feed(ctx)
		if err == nil {
			err = s.Rouse(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if (err != nil) != failing {
			failing = err != nil
			if failing {
				slog.Warn("webhooks are not told of changes; trying again every second", "error", err)
			} else {
				slog.Info("webhooks are told of changes again")
			}
		}
		select { // what comes in the meantime comes together
		case <-time.After(breath):
		case <-ctx.Done():
		}
	}
}

// Feed makes deliveries of what has happened.
func (s *Sender) Feed(ctx context.Context) error {
	head, err := change.Head(ctx, s.pool)
	if err != nil {
		return err
	}
	rows, _ := s.pool.Query(ctx, `
SELECT p.id FROM webhook_place p JOIN webhook w ON w.id = p.webhook_id
WHERE w.status = 'ACTIVE' AND w.deleted_at IS NULL AND (p.cursor <> $1 OR p.until IS NOT NULL)`, string(head))
	places, err := pgx.CollectRows(rows, pgx.RowTo[nodeid.UUID])
	if err != nil {
		return fmt.Errorf("look for places of webhooks: %w", err)
	}
	var failed error
	for _, place := range places {
		for more := true; more && err == nil; {
			more, err = s.feed(ctx, place)
		}
		if err != nil { // the others go on
			failed, err = fmt.Errorf("make deliveries: %w", err), nil
		}
	}
	return failed
}

// place is a webhook's place in the order of changes.
type place struct {
	Webhook nodeid.UUID
	Cursor  string
	Until   *string
	SinceAt *time.Time
	UntilAt *time.Time
	Types   []string
	Kinds   []string
	Filters []byte
	Full    bool
}

// feed makes deliveries of the next changes behind a place, and says whether there are
// more. Of several who do it at once one does.
func (s *Sender) feed(ctx context.Context, id nodeid.UUID) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, feedTime)
	defer cancel()
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, `
SELECT w.id AS webhook, p.cursor, p.until, p.since_at, p.until_at, w.types, w.kinds, w.filters,
  (SELECT count(*) FROM (SELECT FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.status = 'PENDING' LIMIT $2) d) >= $2 AS full
FROM webhook_place p JOIN webhook w ON w.id = p.webhook_id
WHERE p.id = $1 AND w.status = 'ACTIVE' AND w.deleted_at IS NULL FOR UPDATE OF p SKIP LOCKED`, id, maxPending)
		p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[place])
		if errors.Is(err, pgx.ErrNoRows) || err == nil && p.Full {
			return nil
		}
		if err != nil {
			return err
		}
		sub := subscription{types: p.Types, kinds: p.Kinds}
		if err := json.Unmarshal(orNull(p.Filters), &sub.filters); err != nil {
			return err
		}
		var names []string
		for _, t := range p.Types {
			names = append(names, typeName(t))
		}
		page, err := change.Read(ctx, tx, change.Cursor(p.Cursor), names, batch)
		switch {
		case errors.Is(err, change.ErrExpired) && p.Until == nil:
			slog.Warn("a webhook has missed changes that are not kept any more; it is paused", "webhook", nodeid.ID{Prefix: prefix, UUID: p.Webhook}.String())
			return pause(ctx, tx, p.Webhook, "CURSOR_EXPIRED")
		case errors.Is(err, change.ErrExpired):
			return s.lose(ctx, tx, id, p)
		case err != nil:
			return err
		}
		over := p.Until != nil && !page.Next.Before(change.Cursor(*p.Until))
		changes := slices.DeleteFunc(page.Changes, func(c change.Change) bool {
			return p.Until != nil && change.Cursor(*p.Until).Before(c.Cursor) || p.SinceAt != nil && c.At.Before(*p.SinceAt) || p.UntilAt != nil && c.At.After(*p.UntilAt)
		})
		events, err := s.match(ctx, sub, changes)
		if err != nil {
			return err
		}
		origin := ofChange
		if p.Until != nil {
			origin = ofReplay
		}
		if err := deliver(ctx, tx, p.Webhook, origin, events); err != nil {
			return err
		}
		if over {
			_, err = tx.Exec(ctx, `DELETE FROM webhook_place WHERE id = $1`, id)
		} else {
			_, err = tx.Exec(ctx, `UPDATE webhook_place SET cursor = $2 WHERE id = $1`, id, string(page.Next))
		}
		if err != nil {
			return err
		}
		more = page.More && !over
		if len(events) == 0 {
			return nil
		}
		return s.rouse(ctx, tx, p.Webhook)
	})
	return more && err == nil, err
}

func orNull(b []byte) []byte {
	if b == nil {
		return []byte("null")
	}
	return b
}

// lose ends a range that is to be told again and is not kept any more. The log says so.
func (s *Sender) lose(ctx context.Context, tx pgx.Tx, id nodeid.UUID, p place) error {
	e := newEvent("Webhook", nodeid.ID{Prefix: prefix, UUID: p.Webhook}, "gap", ofGap, 0, change.Cursor(p.Cursor), time.Now())
	_, err := tx.Exec(ctx, `
WITH lost AS (
  INSERT INTO webhook_delivery (id, webhook_id, message_id, event, type, object_id, version, cursor, payload, origin, status, attempt_count, next_attempt_at, finished_at, occurred_at)
  VALUES (@id, @webhook, @message, @event, 'Webhook', @webhook, 0, @cursor, @payload, 'REPLAY', 'FAILED', 1, NULL, now(), now()) RETURNING id)
INSERT INTO webhook_attempt (delivery_id, number, url, request_headers, error, duration_ms, sent_at)
SELECT id, 1, '', '', 'The changes that were to be told again are not kept any more; nothing was sent.', 0, now() FROM lost`,
		pgx.NamedArgs{"id": nodeid.New(time.Now()), "webhook": p.Webhook, "message": e.message, "event": e.name, "cursor": p.Cursor, "payload": e.payload})
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM webhook_place WHERE id = $1`, id)
	}
	return err
}

// deliver makes deliveries of events, in order.
func deliver(ctx context.Context, tx pgx.Tx, webhook nodeid.UUID, origin string, events []event) error {
	if len(events) == 0 {
		return nil
	}
	now := time.Now()
	columns := []string{"id", "webhook_id", "message_id", "event", "type", "object_id", "kind", "version", "cursor", "payload", "origin", "occurred_at"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"webhook_delivery"}, columns, pgx.CopyFromSlice(len(events), func(i int) ([]any, error) {
		e := events[i]
		var kind *string
		if e.typeName != "Webhook" {
			kind = &e.kind
		}
		return []any{nodeid.New(now), webhook, e.message, e.name, e.typeName, e.object, kind, e.version, string(e.cursor), e.payload, origin, e.occurredAt}, nil
	}))
	if err != nil {
		return fmt.Errorf("make deliveries: %w", err)
	}
	return nil
}

// waiting are the deliveries of a webhook w that wait, each with the first one of the same
// object, and the first one that tells of a gap: they go before it. That is looked up in one
// pass, whatever Postgres thinks of how many there are; there are maxPending at most.
const waiting = `(SELECT d.id, d.seq, d.origin, d.next_attempt_at,
    min(d.seq) FILTER (WHERE d.origin <> 'TEST') OVER (PARTITION BY d.object_id) AS first, min(d.seq) FILTER (WHERE d.origin = 'GAP') OVER () AS gap
  FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.status = 'PENDING')`

// due says of a delivery d that waits, of a webhook w with the state s, that it is to be sent
// now. What is only a test is sent also if nothing else is.
const due = `d.next_attempt_at <= clock_timestamp() AND w.deleted_at IS NULL
  AND (d.origin = 'TEST' OR w.status = 'ACTIVE' AND coalesce(s.held_until <= clock_timestamp(), true) AND d.seq = d.first AND coalesce(d.seq <= d.gap, true))`

// rouse puts a job into the queue that sends what is due, for the webhooks that have
// something and that no job looks after: each of them if none is named. If the job is
// lost there is another one when its time is over.
func (s *Sender) rouse(ctx context.Context, tx pgx.Tx, webhooks ...nodeid.UUID) error {
	if s.Queue == nil {
		return nil
	}
	rows, _ := tx.Query(ctx, `
UPDATE webhook_state t SET tended_by = NULL, tended_until = clock_timestamp() + $1::interval
WHERE t.webhook_id IN (
  SELECT s.webhook_id FROM webhook_state s JOIN webhook w ON w.id = s.webhook_id
  WHERE ($2::uuid[] IS NULL OR s.webhook_id = ANY($2)) AND coalesce(s.tended_until <= clock_timestamp(), true)
    AND EXISTS (SELECT FROM `+waiting+` d WHERE `+due+`)
  ORDER BY s.webhook_id FOR UPDATE OF s)
RETURNING t.webhook_id`, s.lease(), webhooks)
	roused, err := pgx.CollectRows(rows, pgx.RowTo[nodeid.UUID])
	if err != nil {
		return fmt.Errorf("look for deliveries that are due: %w", err)
	}
	if len(roused) == 0 {
		return nil
	}
	return s.Queue(ctx, tx, roused)
}

// Rouse does it for all webhooks: for what is to be tried again, and what somebody who
// was killed has left.
func (s *Sender) Rouse(ctx context.Context) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return s.rouse(ctx, tx) })
}

// pause stops a webhook.
func pause(ctx context.Context, tx pgx.Tx, webhook nodeid.UUID, reason string) error {
	_, err := tx.Exec(ctx, `UPDATE webhook SET status = 'PAUSED', pause_reason = $2, paused_at = now() WHERE id = $1 AND status = 'ACTIVE'`, webhook, reason)
	if err != nil {
		return fmt.Errorf("pause a webhook: %w", err)
	}
	return nil
}
