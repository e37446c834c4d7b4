package webhook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/write"
)

// Bounds of webhooks.
const (
	maxWebhooks = 100
	maxURL      = 2000
	maxName     = 100
	maxOverlap  = 168 // hours
	maxPreview  = 500 // changes
	maxReplays  = 10  // ranges of one webhook at once
	maxFilters  = 20_000
)

// given are the fields of a WebhookInput that were sent.
type given struct {
	name, url    *string
	types, kinds []string
	filters      []byte // JSON; null clears
	filtered     bool   // filters were sent
}

func refuse(code write.Code, path []string, format string, args ...any) error {
	return write.Refuse(code, path, format, args...)
}

// read holds an input to the rules, with all that is wrong at once.
func (s *Sender) read(in plan.Input, at ...string) (g given, err error) {
	var problems write.UserErrors
	wrong := func(code write.Code, field, format string, args ...any) {
		problems = append(problems, write.Refuse(code, append(slices.Clip(at), field), format, args...)...)
	}
	for name, v := range in {
		if v == nil && name != "filters" && name != "kinds" {
			wrong(write.Required, name, "This cannot be empty.")
		}
	}
	if name, ok := in["name"].(string); ok {
		name = strings.TrimSpace(name)
		g.name = &name
		switch {
		case name == "":
			wrong(write.Required, "name", "A webhook needs a name that says who is told, such as `city website`.")
		case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
			wrong(write.Invalid, "name", "The name holds characters that cannot be shown; leave them out.")
		case utf8.RuneCountInString(name) > maxName:
			wrong(write.TooLong, "name", "The name is longer than %d characters; choose a shorter one.", maxName)
		}
	}
	if target, ok := in["url"].(string); ok {
		target = strings.TrimSpace(target)
		g.url = &target
		if len(target) > maxURL {
			wrong(write.TooLong, "url", "The URL is longer than %d bytes.", maxURL)
		} else if f, bad := fault.From(s.checkURL(target)); bad {
			wrong(write.Invalid, "url", "%s", f.Message)
		}
	}
	if types, ok := in["types"].([]any); ok {
		if g.types = words(types); len(g.types) == 0 {
			wrong(write.Required, "types", "A webhook tells of one type at least.")
		}
	}
	if kinds, ok := in["kinds"]; ok {
		list, _ := kinds.([]any)
		if g.kinds = words(list); kinds == nil {
			g.kinds = []string{published, changed, removed}
		} else if len(g.kinds) == 0 {
			wrong(write.Required, "kinds", "A webhook tells of one kind of change at least; leave `kinds` out for all.")
		}
	}
	if filters, ok := in["filters"]; ok {
		g.filtered = true
		sent, _ := filters.(plan.Input)
		for name, filter := range sent {
			if filter == nil {
				delete(sent, name)
				continue
			}
			plain := asJSON(filter)
			if plan.Searches(plain) {
				wrong(write.Invalid, "filters."+name, "`q` cannot be used here: what has just changed is found by its words a moment later.")
			} else if _, err := s.prepare(name, nil, plain); err != nil {
				wrong(write.Invalid, "filters."+name, "This filter cannot be used: %s", err)
			}
		}
		if len(sent) > 0 {
			raw, err := json.Marshal(asJSON(sent))
			if err != nil {
				return g, err
			}
			if g.filters = raw; len(raw) > maxFilters {
				wrong(write.TooLong, "filters", "The filters are longer than %d bytes as JSON.", maxFilters)
			}
		}
	}
	for i, p := range problems { // the path of a filter has two parts
		if last := p.Path[len(p.Path)-1]; strings.HasPrefix(last, "filters.") {
			problems[i].Path = append(slices.Clip(p.Path[:len(p.Path)-1]), "filters", strings.TrimPrefix(last, "filters."))
		}
	}
	if len(problems) > 0 {
		return g, problems
	}
	return g, nil
}

// words are the values of enums, each once.
func words(list []any) []string {
	all := make([]string, 0, len(list))
	for _, v := range list {
		if word, ok := v.(string); ok && !slices.Contains(all, word) {
			all = append(all, word)
		}
	}
	return all
}

// asJSON is a coerced value as it was sent, as far as the API can tell.
func asJSON(v any) any {
	switch v := v.(type) {
	case plan.Input:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = asJSON(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = asJSON(item)
		}
		return out
	case nodeid.ID:
		return v.String()
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return v
}

// ready refuses where there is no key to keep secrets by.
func (s *Sender) ready() error {
	if len(s.Keys) == 0 {
		return refuse(write.NotAllowed, []string{"input"}, "Webhooks take a key to keep their secrets by: let whoever runs the server set STADTGRAPH_WEBHOOK_KEYS to what `openssl rand -base64 32` prints.")
	}
	return nil
}

// Create makes a webhook that begins now.
func (s *Sender) Create(ctx context.Context, tx *write.Tx, in plan.Input) (id nodeid.ID, secret string, err error) {
	if err := s.ready(); err != nil {
		return id, "", err
	}
	sent, _ := in["webhook"].(plan.Input)
	g, err := s.read(sent, "input", "webhook")
	var problems write.UserErrors
	if err != nil && !errors.As(err, &problems) {
		return id, "", err
	}
	for _, name := range []string{"name", "url", "types"} {
		if _, ok := sent[name]; !ok {
			problems = append(problems, write.Refuse(write.Required, []string{"input", "webhook", name}, "This is needed.")...)
		}
	}
	if len(problems) > 0 {
		return id, "", problems
	}
	if g.kinds == nil {
		g.kinds = []string{published, changed, removed}
	}
	var there int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM webhook WHERE deleted_at IS NULL`).Scan(&there); err != nil {
		return id, "", fmt.Errorf("count webhooks: %w", err)
	}
	if there >= maxWebhooks {
		return id, "", refuse(write.NotAllowed, []string{"input", "webhook"}, "There are %d webhooks already, which is all there may be; delete one first.", there)
	}
	head, err := change.Head(ctx, tx)
	if err != nil {
		return id, "", err
	}
	var by *nodeid.UUID
	if tx.Actor.Token != (nodeid.UUID{}) {
		by = (*nodeid.UUID)(&tx.Actor.Token)
	}
	id = nodeid.ID{Prefix: prefix, UUID: nodeid.New(tx.Now)}
	tag, err := tx.Exec(ctx, `INSERT INTO webhook (id, name, url, types, kinds, filters, created_by) VALUES (@id, @name, @url, @types, @kinds, @filters, @by)
ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING`,
		pgx.NamedArgs{"id": id.UUID, "name": g.name, "url": g.url, "types": g.types, "kinds": g.kinds, "filters": g.filters, "by": by})
	if err != nil {
		return id, "", fmt.Errorf("create a webhook: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return id, "", taken()
	}
	if _, err := tx.Exec(ctx, `WITH place AS (INSERT INTO webhook_place (id, webhook_id, cursor) VALUES ($1, $2, $3)) INSERT INTO webhook_state (webhook_id) VALUES ($2)`,
		nodeid.New(tx.Now), id.UUID, string(head)); err != nil {
		return id, "", fmt.Errorf("create a webhook: %w", err)
	}
	secret, err = s.newSecret(ctx, tx, id.UUID)
	return id, secret, err
}

func taken() error {
	return refuse(write.Taken, []string{"input", "webhook", "name"}, "Another webhook has this name.")
}

// secretLen is that of what deliveries are signed with, in bytes.
const secretLen = 32

// newSecret makes the present secret of a webhook.
func (s *Sender) newSecret(ctx context.Context, tx pgx.Tx, webhook nodeid.UUID) (string, error) {
	secret := "whsec_" + base64.StdEncoding.EncodeToString(seal.Random(secretLen))
	row := nodeid.New(time.Now())
	if _, err := tx.Exec(ctx, `INSERT INTO webhook_secret (id, webhook_id, sealed) VALUES ($1, $2, $3)`, row, webhook, s.Keys.Seal(secret, row)); err != nil {
		return "", fmt.Errorf("keep the secret of a webhook: %w", err)
	}
	return secret, nil
}

// lock finds a webhook for a change of it, at a version; 0 is any.
func lock(ctx context.Context, tx *write.Tx, in plan.Input, version int) (nodeid.ID, error) {
	id, _ := in["id"].(nodeid.ID)
	missing := refuse(write.NotFound, []string{"input", "id"}, "There is no such webhook.")
	if id.Prefix != prefix {
		return id, missing
	}
	var now int
	err := tx.QueryRow(ctx, `SELECT version FROM webhook WHERE id = $1 AND deleted_at IS NULL FOR UPDATE`, id.UUID).Scan(&now)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return id, missing
	case err != nil:
		return id, fmt.Errorf("look up a webhook: %w", err)
	case version != 0 && version != now:
		return id, tx.Stale(ctx, "Webhook", id.UUID, version, now, "input", "version")
	}
	return id, nil
}

// versioned is lock for inputs that say which version they go out from.
func versioned(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	version, _ := in["version"].(int64)
	if version < 1 {
		version = -1 // no row has it
	}
	return lock(ctx, tx, in, int(version))
}

// Update changes a webhook.
func (s *Sender) Update(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	sent, _ := in["webhook"].(plan.Input)
	g, err := s.read(sent, "input", "webhook")
	if err != nil {
		return nodeid.ID{}, err
	}
	id, err := versioned(ctx, tx, in)
	if err != nil {
		return id, err
	}
	var clash bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM webhook WHERE name = $2 AND id <> $1 AND deleted_at IS NULL)`, id.UUID, g.name).Scan(&clash); err != nil {
		return id, fmt.Errorf("update a webhook: %w", err)
	}
	if clash {
		return id, taken()
	}
	_, err = tx.Exec(ctx, `UPDATE webhook SET name = coalesce(@name, name), url = coalesce(@url, url), types = coalesce(@types, types), kinds = coalesce(@kinds, kinds),
  filters = CASE WHEN @filtered THEN @filters ELSE filters END WHERE id = @id`,
		pgx.NamedArgs{"id": id.UUID, "name": g.name, "url": g.url, "types": g.types, "kinds": g.kinds, "filters": g.filters, "filtered": g.filtered})
	if err != nil {
		return id, fmt.Errorf("update a webhook: %w", err)
	}
	return id, nil
}

// Pause stops a webhook until it is resumed.
func (s *Sender) Pause(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	id, err := versioned(ctx, tx, in)
	if err != nil {
		return id, err
	}
	return id, pause(ctx, tx, id.UUID, "REQUESTED")
}

// Resume lets a webhook go on: what waits is tried at once, and so is what was given up
// when it was paused.
func (s *Sender) Resume(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	id, err := versioned(ctx, tx, in)
	if err != nil {
		return id, err
	}
	if in["skipMissed"] == true {
		head, err := change.Head(ctx, tx)
		if err != nil {
			return id, err
		}
		return id, exec(ctx, tx, "resume a webhook", id.UUID,
			`UPDATE webhook_delivery SET status = 'SKIPPED', finished_at = now(), next_attempt_at = NULL WHERE webhook_id = $1 AND status = 'PENDING' AND origin <> 'TEST'`,
			`DELETE FROM webhook_place WHERE webhook_id = $1 AND until IS NOT NULL`,
			`UPDATE webhook_place SET cursor = '`+string(head)+`' WHERE webhook_id = $1`, // base64
			resumed, `UPDATE webhook_state SET failures = 0, held_until = NULL WHERE webhook_id = $1`)
	}
	var cursor, reason *string
	if err := tx.QueryRow(ctx, `SELECT p.cursor, w.pause_reason FROM webhook w JOIN webhook_place p ON p.webhook_id = w.id WHERE w.id = $1 AND p.until IS NULL`, id.UUID).Scan(&cursor, &reason); err != nil {
		return id, fmt.Errorf("resume a webhook: %w", err)
	}
	if reason == nil {
		return id, nil
	}
	if err := exec(ctx, tx, "resume a webhook", id.UUID,
		`UPDATE webhook_delivery d SET status = 'PENDING', finished_at = NULL, failures = 0, next_attempt_at = now() FROM webhook w
WHERE w.id = $1 AND d.webhook_id = w.id AND d.origin <> 'TEST' AND (d.status = 'PENDING' OR d.status = 'FAILED' AND d.finished_at >= w.paused_at)`,
		resumed, `UPDATE webhook_state SET failures = 0, held_until = NULL WHERE webhook_id = $1`); err != nil {
		return id, err
	}
	if _, err := change.Read(ctx, tx, change.Cursor(*cursor), []string{}, 0); errors.Is(err, change.ErrExpired) {
		return id, s.gap(ctx, tx, id.UUID)
	} else if err != nil {
		return id, err
	}
	return id, s.rouse(ctx, tx, id.UUID)
}

const resumed = `UPDATE webhook SET status = 'ACTIVE', pause_reason = NULL, paused_at = NULL WHERE id = $1 AND status = 'PAUSED'`

// exec runs statements about a webhook.
func exec(ctx context.Context, tx pgx.Tx, what string, webhook nodeid.UUID, statements ...string) error {
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql, webhook); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}

// gap goes on from now, and tells the receiver that it has missed something.
func (s *Sender) gap(ctx context.Context, tx pgx.Tx, webhook nodeid.UUID) error {
	head, err := change.Head(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE webhook_place SET cursor = $2 WHERE webhook_id = $1 AND until IS NULL`, webhook, string(head)); err != nil {
		return fmt.Errorf("go on behind a gap: %w", err)
	}
	e := newEvent("Webhook", nodeid.ID{Prefix: prefix, UUID: webhook}, "gap", ofGap, 0, head, time.Now())
	if err := deliver(ctx, tx, webhook, ofGap, []event{e}); err != nil {
		return err
	}
	return s.rouse(ctx, tx, webhook)
}

// Delete ends a webhook. Its secrets are forgotten at once.
func (s *Sender) Delete(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	id, err := versioned(ctx, tx, in)
	if err != nil {
		return id, err
	}
	return id, exec(ctx, tx, "delete a webhook", id.UUID,
		`UPDATE webhook_delivery SET status = 'SKIPPED', finished_at = now(), next_attempt_at = NULL WHERE webhook_id = $1 AND status = 'PENDING'`,
		`DELETE FROM webhook_secret WHERE webhook_id = $1`, `DELETE FROM webhook_place WHERE webhook_id = $1`, `DELETE FROM webhook_state WHERE webhook_id = $1`,
		`UPDATE webhook SET deleted_at = now() WHERE id = $1`)
}

// Rotate makes a new secret, beside which the one before signs for a while.
func (s *Sender) Rotate(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, string, error) {
	hours, _ := in["overlapHours"].(int64)
	if err := s.ready(); err != nil {
		return nodeid.ID{}, "", err
	}
	if hours < 0 || hours > maxOverlap {
		return nodeid.ID{}, "", refuse(write.OutOfRange, []string{"input", "overlapHours"}, "Two secrets sign for 0 to %d hours.", maxOverlap)
	}
	id, err := lock(ctx, tx, in, 0)
	if err != nil {
		return id, "", err
	}
	if err := exec(ctx, tx, "replace the secret of a webhook", id.UUID,
		`DELETE FROM webhook_secret WHERE webhook_id = $1 AND until IS NOT NULL`,
		fmt.Sprintf(`UPDATE webhook_secret SET until = now() + make_interval(hours => %d) WHERE webhook_id = $1`, hours),
		`DELETE FROM webhook_secret WHERE webhook_id = $1 AND until <= now()`,
		`UPDATE webhook SET rotated_at = now() WHERE id = $1`); err != nil {
		return id, "", err
	}
	secret, err := s.newSecret(ctx, tx, id.UUID)
	return id, secret, err
}

// Test sends an event that means nothing.
func (s *Sender) Test(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	id, err := lock(ctx, tx, in, 0)
	if err != nil {
		return id, err
	}
	head, err := change.Head(ctx, tx)
	if err != nil {
		return id, err
	}
	e := newEvent("Webhook", id, "test", ofTest, 0, head, time.Now())
	e.message = nodeid.ID{Prefix: "msg", UUID: nodeid.New(time.Now())}.String() // each is another one
	return s.single(ctx, tx, id.UUID, ofTest, e)
}

// single makes one delivery.
func (s *Sender) single(ctx context.Context, tx pgx.Tx, webhook nodeid.UUID, origin string, e event) (nodeid.ID, error) {
	if err := deliver(ctx, tx, webhook, origin, []event{e}); err != nil {
		return nodeid.ID{}, err
	}
	var key nodeid.UUID
	if err := tx.QueryRow(ctx, `SELECT id FROM webhook_delivery WHERE webhook_id = $1 AND status = 'PENDING' ORDER BY seq DESC LIMIT 1`, webhook).Scan(&key); err != nil {
		return nodeid.ID{}, fmt.Errorf("find a delivery: %w", err)
	}
	return nodeid.ID{Prefix: deliveryPrefix, UUID: key}, s.rouse(ctx, tx, webhook)
}

// Replay sends what a delivery told once more.
func (s *Sender) Replay(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	id, _ := in["id"].(nodeid.ID)
	missing := refuse(write.NotFound, []string{"input", "id"}, "There is no such delivery.")
	if id.Prefix != deliveryPrefix {
		return id, missing
	}
	var webhook nodeid.UUID
	var e event
	var kind *string
	var origin string
	err := tx.QueryRow(ctx, `SELECT w.id, d.message_id, d.event, d.type, d.object_id, d.kind, d.version, d.cursor, d.payload, d.occurred_at, d.origin
FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id WHERE d.id = $1 AND w.deleted_at IS NULL`, id.UUID).
		Scan(&webhook, &e.message, &e.name, &e.typeName, &e.object, &kind, &e.version, &e.cursor, &e.payload, &e.occurredAt, &origin)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return id, missing
	case err != nil:
		return id, fmt.Errorf("look up a delivery: %w", err)
	case origin == ofTest:
		return id, refuse(write.NotAllowed, []string{"input", "id"}, "This was a test; send another one with `testWebhook`.")
	}
	if kind != nil {
		e.kind = *kind
	}
	return s.single(ctx, tx, webhook, ofReplay, e)
}

// ReplayRange tells of the changes of a range again.
func (s *Sender) ReplayRange(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	after, byCursor := in["afterCursor"].(string)
	until, endsAtCursor := in["untilCursor"].(string)
	since, byTime := in["sinceTime"].(time.Time)
	till, endsAtTime := in["untilTime"].(time.Time)
	at := func(field string) []string { return []string{"input", field} }
	switch {
	case byCursor == byTime:
		return nodeid.ID{}, refuse(write.Required, at("afterCursor"), "Say where the range begins: by `afterCursor` or by `sinceTime`.")
	case byCursor && endsAtTime, byTime && endsAtCursor:
		return nodeid.ID{}, refuse(write.Invalid, at("untilCursor"), "A range begins and ends with cursors, or with instants.")
	case byTime && since.After(tx.Now):
		return nodeid.ID{}, refuse(write.OutOfRange, at("sinceTime"), "That is to come; there is nothing to tell of yet.")
	case byTime && endsAtTime && till.Before(since):
		return nodeid.ID{}, refuse(write.Invalid, at("untilTime"), "The range ends before it begins.")
	}
	id, err := lock(ctx, tx, in, 0)
	if err != nil {
		return id, err
	}
	var running int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM webhook_place WHERE webhook_id = $1 AND until IS NOT NULL`, id.UUID).Scan(&running); err != nil {
		return id, fmt.Errorf("look for ranges: %w", err)
	}
	if running >= maxReplays {
		return id, refuse(write.NotAllowed, at("id"), "%d ranges are being told again already; wait until one is over.", running)
	}
	head, err := change.Head(ctx, tx)
	if err != nil {
		return id, err
	}
	from, to := change.Cursor(after), head
	if byTime {
		if from, err = change.Since(ctx, tx, since); err != nil {
			return id, err
		}
	}
	if endsAtCursor {
		to = change.Cursor(until)
	}
	for field, cursor := range map[string]change.Cursor{"afterCursor": from, "untilCursor": to} {
		if f, wrong := fault.From(readable(ctx, tx, cursor)); wrong && f.Code == fault.CursorExpired {
			return id, refuse(write.Expired, at(field), "The changes of this range are not kept any more, or the database is another one; begin later, or let the receiver read everything again.")
		} else if wrong {
			return id, refuse(write.Invalid, at(field), "This is no cursor of changes: give one that came with a message or with changes.")
		}
	}
	if to == "" || to.Before(from) {
		return id, refuse(write.Invalid, at("untilCursor"), "The range ends before it begins.")
	}
	if head.Before(to) {
		to = head
	}
	var first, last *time.Time
	if byTime {
		first = &since
	}
	if endsAtTime {
		last = &till
	}
	if _, err := tx.Exec(ctx, `INSERT INTO webhook_place (id, webhook_id, cursor, until, since_at, until_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		nodeid.New(tx.Now), id.UUID, string(from), string(to), first, last); err != nil {
		return id, fmt.Errorf("keep a range: %w", err)
	}
	return id, nil
}

// readable says what is wrong with a cursor.
func readable(ctx context.Context, tx pgx.Tx, c change.Cursor) error {
	_, err := change.Read(ctx, tx, c, []string{}, 0)
	return err
}

// Preview shows which of the latest changes a webhook would tell of.
func (s *Sender) Preview(ctx context.Context, tx *write.Tx, in plan.Input) ([]map[string]any, error) {
	last, _ := in["last"].(int64)
	if last < 1 || last > maxPreview {
		return nil, refuse(write.OutOfRange, []string{"input", "last"}, "Look at 1 to %d changes.", maxPreview)
	}
	sent, inline := in["webhook"].(plan.Input)
	g, err := s.read(sent, "input", "webhook")
	if err != nil {
		return nil, err
	}
	sub := subscription{kinds: []string{published, changed, removed}}
	var filters []byte
	if in["id"] != nil {
		id, err := lock(ctx, tx, in, 0)
		if err != nil {
			return nil, err
		}
		if err := tx.QueryRow(ctx, `SELECT types, kinds, filters FROM webhook WHERE id = $1`, id.UUID).Scan(&sub.types, &sub.kinds, &filters); err != nil {
			return nil, fmt.Errorf("look up a webhook: %w", err)
		}
	} else if !inline {
		return nil, refuse(write.Required, []string{"input", "id"}, "Say which webhook: by `id`, by `webhook`, or by both.")
	}
	if g.types != nil {
		sub.types = g.types
	}
	if g.kinds != nil {
		sub.kinds = g.kinds
	}
	if g.filtered {
		filters = g.filters
	}
	if len(sub.types) == 0 {
		return nil, refuse(write.Required, []string{"input", "webhook", "types"}, "This is needed.")
	}
	if err := json.Unmarshal(orNull(filters), &sub.filters); err != nil {
		return nil, err
	}
	from, err := change.Back(ctx, tx, int(last))
	if err != nil {
		return nil, err
	}
	page, err := change.Read(ctx, tx, from, nil, int(last))
	if err != nil {
		return nil, err
	}
	events, err := s.match(ctx, sub, page.Changes)
	if err != nil {
		return nil, err
	}
	out := make([]map[string]any, len(events))
	for i, e := range events {
		out[i] = map[string]any{"event": e.name, "messageId": e.message, "entryId": e.entry, "payload": e.payload,
			"occurredAt": e.occurredAt.UTC().Format(time.RFC3339Nano)}
	}
	return out, nil
}

// Forget drops deliveries that are over and older than they are kept.
func Forget(ctx context.Context, tx pgx.Tx, keep time.Duration) error {
	if _, err := tx.Exec(ctx, `DELETE FROM webhook_delivery WHERE finished_at < now() - $1::interval`, keep); err != nil {
		return fmt.Errorf("forget deliveries: %w", err)
	}
	return nil
}
