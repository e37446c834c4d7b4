package comment

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/render"
	"stadtgraph/internal/write"
)

// transitions are where moderators may take a comment from each status.
var transitions = map[string][]string{
	"PENDING":  {"APPROVED", "REJECTED", "SPAM"},
	"APPROVED": {"HIDDEN", "REJECTED", "SPAM"},
	"HIDDEN":   {"APPROVED", "PENDING"},
	"REJECTED": {"APPROVED", "PENDING"},
	"SPAM":     {"APPROVED", "PENDING"},
}

// decisions are the statuses that moderators' actions lead to; UNDO goes back and KEEP
// leaves it as it is.
var decisions = map[string]string{"APPROVE": "APPROVED", "REJECT": "REJECTED", "MARK_SPAM": "SPAM", "HIDE": "HIDDEN", "RETURN": "PENDING"}

// MaxModerated is how many comments are decided about at once.
const MaxModerated = 100

// belongs is where a comment belongs.
const belongs = `
SELECT l.municipality_id, NULL::uuid AS state_id FROM comment c JOIN article_municipality l ON l.article_id = c.article_id WHERE c.id = @id
UNION ALL SELECT NULL, l.state_id FROM comment c JOIN article_state l ON l.article_id = c.article_id WHERE c.id = @id`

// Outcome is what became of one comment of several.
type Outcome struct {
	ID         nodeid.ID
	Status     string
	Version    int
	UserErrors write.UserErrors
}

// row is a comment as moderators decide about it.
type row struct {
	ID       [16]byte
	Status   string
	Previous *string
	Version  int
	Top      bool
	Reports  int
}

// lock reads comments for an update, in one order so that nobody waits in a circle.
func lock(ctx context.Context, tx *write.Tx, ids [][16]byte) (map[[16]byte]row, error) {
	rows, _ := tx.Query(ctx, `
SELECT c.id, c.status, c.previous_status, c.version, c.parent_id IS NULL, c.open_reports FROM comment c WHERE c.id = ANY($1) ORDER BY c.id FOR UPDATE`, ids)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return nil, err
	}
	by := map[[16]byte]row{}
	for _, r := range found {
		by[r.ID] = r
	}
	return by, nil
}

// one locks the comment that an input is about, at the version that it says.
func one(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, row, error) {
	id, _ := in["id"].(nodeid.ID)
	rows, err := lock(ctx, tx, [][16]byte{id.UUID})
	if err != nil {
		return id, row{}, err
	}
	r, err := check(ctx, tx, rows, in, "input")
	return id, r, err
}

// check refuses a comment that is not there, was erased, has changed or is not the
// token's to decide about.
func check(ctx context.Context, tx *write.Tx, rows map[[16]byte]row, in plan.Input, path ...string) (row, error) {
	id, _ := in["id"].(nodeid.ID)
	version, _ := in["version"].(int64)
	r, known := rows[id.UUID]
	switch {
	case !known || id.Prefix != prefix:
		return r, write.Refuse(write.NotFound, append(slices.Clip(path), "id"), "There is no Comment of this id.")
	case r.Status == "ERASED":
		return r, write.Refuse(write.NotAllowed, append(slices.Clip(path), "id"), "It was erased; nothing can be done with it any more.")
	case int64(r.Version) != version:
		return r, tx.Stale(ctx, "Comment", id.UUID, int(version), r.Version, append(slices.Clip(path), "version")...)
	}
	return r, tx.Within(ctx, "Comment", belongs, id.UUID, append(slices.Clip(path), "id")...)
}

// Moderate decides about comments. Each is decided about by itself: what cannot be done
// with one keeps nothing from the others.
func Moderate(ctx context.Context, tx *write.Tx, in plan.Input) ([]Outcome, error) {
	items, _ := in["comments"].([]any)
	if len(items) > MaxModerated {
		return nil, write.Refuse(write.TooLong, []string{"input", "comments"}, "This may have %d comments at most.", MaxModerated)
	}
	action, _ := in["action"].(string)
	reason, _ := in["reason"].(string)
	note := strings.TrimSpace(given(in, "reasonText"))
	if len([]rune(note)) > 1000 {
		return nil, write.Refuse(write.TooLong, []string{"input", "reasonText"}, "This may have 1,000 characters at most.")
	}
	if reason == "RULES" {
		return nil, write.Refuse(write.Invalid, []string{"input", "reason"}, "Only rules give this reason.")
	}
	var ids [][16]byte
	for _, item := range items {
		if id, ok := asInput(item)["id"].(nodeid.ID); ok {
			ids = append(ids, id.UUID)
		}
	}
	rows, err := lock(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(items))
	var changed [][16]byte
	var to []string
	var kept [][16]byte
	decided := map[[16]byte]bool{}
	for i, item := range items {
		given := asInput(item)
		outcomes[i].ID, _ = given["id"].(nodeid.ID)
		path := []string{"input", "comments", itoa(i)}
		r, err := check(ctx, tx, rows, given, path...)
		if err == nil && decided[r.ID] {
			err = write.Refuse(write.Invalid, append(slices.Clip(path), "id"), "It stands in the list twice; the first time counts.")
		}
		if err == nil {
			outcomes[i].Status, err = decide(r, action, path)
		}
		var problems write.UserErrors
		switch {
		case errors.As(err, &problems):
			outcomes[i].UserErrors = problems
			continue
		case err != nil:
			return nil, err
		}
		kept = append(kept, r.ID)
		if r.Status != outcomes[i].Status {
			changed, to = append(changed, r.ID), append(to, outcomes[i].Status)
		}
		decided[r.ID] = true
	}
	if len(kept) == 0 {
		return outcomes, nil
	}
	if _, err := tx.Exec(ctx, `UPDATE comment_report SET resolved_at = now() WHERE comment_id = ANY($1) AND resolved_at IS NULL`, kept); err != nil {
		return nil, err
	}
	if len(changed) > 0 {
		_, err := tx.Exec(ctx, `
UPDATE comment c SET status = d.status, previous_status = c.status, decided_at = CASE WHEN d.status <> 'PENDING' THEN now() END,
  decided_by = CASE WHEN d.status <> 'PENDING' THEN $3 END, reason = nullif($4, ''), reason_text = nullif($5, ''),
  published_at = CASE WHEN d.status = 'APPROVED' AND c.audience = 'PUBLIC' THEN coalesce(c.published_at, now()) ELSE c.published_at END
FROM unnest($1::uuid[], $2::text[]) d (id, status) WHERE c.id = d.id`, changed, to, tx.Actor.Name, reason, note)
		if err != nil {
			return nil, err
		}
	}
	now, err := lock(ctx, tx, kept)
	if err != nil {
		return nil, err
	}
	for i := range outcomes {
		if len(outcomes[i].UserErrors) == 0 {
			outcomes[i].Version = now[outcomes[i].ID.UUID].Version
		}
	}
	return outcomes, nil
}

func asInput(v any) plan.Input {
	in, _ := v.(plan.Input)
	return in
}

// decide says what an action makes of a comment.
func decide(r row, action string, path []string) (string, error) {
	at := append(slices.Clip(path), "id")
	switch action {
	case "KEEP":
		if r.Reports == 0 {
			return "", write.Refuse(write.NotAllowed, at, "No report of it is open.")
		}
		return r.Status, nil
	case "UNDO":
		if r.Previous == nil {
			return "", write.Refuse(write.NotAllowed, at, "There is no decision about it to take back.")
		}
		return *r.Previous, nil
	}
	to := decisions[action]
	if !slices.Contains(transitions[r.Status], to) {
		return "", write.Refuse(write.NotAllowed, at, "It is %s; from there it does not become %s.", r.Status, to)
	}
	return to, nil
}

// Pin puts a thread in front of the others, or back.
func Pin(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	id, r, err := one(ctx, tx, in)
	if err != nil {
		return id, err
	}
	pinned := in["pinned"] == true
	if pinned && (!r.Top || r.Status != "APPROVED") {
		return id, write.Refuse(write.NotAllowed, []string{"input", "id"}, "Only an approved comment at the top of a thread can be pinned.")
	}
	_, err = tx.Exec(ctx, `UPDATE comment SET pinned = $2 WHERE id = $1 AND pinned <> $2`, r.ID, pinned)
	return id, err
}

// maxNotes is how many notes a comment may carry.
const maxNotes = 20

// AddNote puts a note of the editors beside a comment.
func AddNote(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	id, r, err := one(ctx, tx, in)
	if err != nil {
		return id, err
	}
	said, signature := strings.TrimSpace(given(in, "text")), strings.TrimSpace(given(in, "signature"))
	var p problems
	for _, f := range []struct {
		name, value string
		limit       int
	}{{"text", said, 2000}, {"signature", signature, 100}} {
		switch n := len([]rune(f.value)); {
		case n == 0:
			p.refuse(write.Required, f.name, "This cannot be empty.")
		case n > f.limit:
			p.refuse(write.TooLong, f.name, "This may have "+grouped(f.limit)+" characters at most.")
		default:
			p.clean(f.name, f.value)
		}
	}
	if err := p.err(); err != nil {
		return id, err
	}
	tag, err := tx.Exec(ctx, `
INSERT INTO comment_note (comment_id, position, text, signature, created_at)
SELECT $1, coalesce(max(position), 0) + 1, $2, $3, now() FROM comment_note WHERE comment_id = $1 HAVING count(*) < $4`, r.ID, said, signature, maxNotes)
	if err == nil && tag.RowsAffected() == 0 {
		return id, write.Refuse(write.OutOfRange, []string{"input", "id"}, "A comment carries %d notes at most.", maxNotes)
	}
	return id, err
}

// RemoveNote takes a note away.
func RemoveNote(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	id, r, err := one(ctx, tx, in)
	if err != nil {
		return id, err
	}
	tag, err := tx.Exec(ctx, `
DELETE FROM comment_note n WHERE n.comment_id = $1 AND n.position =
  (SELECT position FROM (SELECT position, row_number() OVER (ORDER BY position) AS place FROM comment_note WHERE comment_id = $1) p WHERE place = $2)`, r.ID, in["note"])
	if err == nil && tag.RowsAffected() == 0 {
		return id, write.Refuse(write.NotFound, []string{"input", "note"}, "It has no such note; the first is 1.")
	}
	return id, err
}

// redacted stands where something was taken out.
const redacted = "[…]"

// Redact takes a passage out of a comment. Moderators shorten what somebody said, and
// it is marked; they do not rewrite it.
func Redact(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	id, r, err := one(ctx, tx, in)
	if err != nil {
		return id, err
	}
	var body string
	if err := tx.QueryRow(ctx, `SELECT body FROM comment WHERE id = $1`, r.ID).Scan(&body); err != nil {
		return id, err
	}
	passage := given(in, "passage")
	if strings.TrimSpace(passage) == "" || !strings.Contains(body, passage) {
		return id, write.Refuse(write.NotFound, []string{"input", "passage"}, "The comment does not say this; copy the passage from its `body`.")
	}
	body = strings.ReplaceAll(body, passage, redacted)
	if len([]rune(body)) > MaxBody {
		return id, write.Refuse(write.TooLong, []string{"input", "passage"}, "The passage is too short to be marked so often; choose more of it.")
	}
	columns := map[string]any{"body": body}
	for _, c := range render.Columns {
		if c.Table == "comment" {
			maps.Copy(columns, c.Values(body))
		}
	}
	values, err := json.Marshal(columns)
	if err != nil {
		return id, err
	}
	if _, err := tx.Exec(ctx, `
UPDATE comment c SET body = n.body, body_html = n.body_html, body_text = n.body_text, body_renderer = n.body_renderer, redacted_at = now()
FROM jsonb_populate_record(NULL::comment, $2) n WHERE c.id = $1`, r.ID, values); err != nil {
		return id, err
	}
	if in["forget"] == true {
		_, err = tx.Exec(ctx, `SELECT comment_forget_versions($1)`, r.ID)
	}
	return id, err
}

// Discuss opens or closes the discussion of an article, now or at an instant.
func Discuss(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	id, _ := in["id"].(nodeid.ID)
	version, _ := in["version"].(int64)
	if version < 1 {
		version = -1 // no row has it
	}
	_, err := tx.Change(ctx, "Article", id, int(version), func(d *write.Draft) error {
		if status, ok := in["status"].(string); ok {
			d.Set["comments_status"] = status
		}
		at, sent := in["closeAt"]
		if when, ok := at.(time.Time); ok {
			if !when.After(tx.Now) {
				return write.Refuse(write.OutOfRange, []string{"input", "closeAt"}, "This must be in the future; to close it now, give the status CLOSED.")
			}
			d.Set["comments_close_at"] = when.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
		} else if sent {
			d.Set["comments_close_at"] = nil
		}
		return nil
	})
	return id, err
}
