package comment

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/peer"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/render"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/write"
)

// prefix is that of comments' global ids.
const prefix = "comment"

// public is who acts where nobody has to say who it is.
var public = &auth.Actor{}

// Form is what a page needs to let somebody write.
type Form struct {
	Token              string
	SendFrom, SendTill time.Time
}

// open is the condition of an article a under which the public may see it.
const open = `a.deleted_at IS NULL AND (a.publication_status IN ('PUBLISHED', 'ARCHIVED') OR a.publication_status = 'SCHEDULED' AND a.published_at <= now())`

// closed says of an article a that is open whether its discussion is not: nobody may
// submit or vote.
const closed = `(a.publication_status = 'ARCHIVED' OR a.comments_status <> 'OPEN' OR coalesce(a.comments_close_at <= now(), false))`

// Open hands out a form for the discussion of an article.
func (d *Desk) Open(ctx context.Context, in plan.Input) (*Form, error) {
	id, _ := in["article"].(nodeid.ID)
	var shut *bool
	if err := d.pool.QueryRow(ctx, `SELECT (SELECT `+closed+` FROM article a WHERE a.id = $1 AND `+open+`)`, [16]byte(id.UUID)).Scan(&shut); err != nil {
		return nil, fmt.Errorf("look at the discussion: %w", err)
	}
	if err := discussed(shut, id); err != nil {
		return nil, err
	}
	keys, err := d.signing(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	t := token{kind: formToken, of: id.UUID, at: now}
	copy(t.nonce[:], seal.Random(len(t.nonce)))
	return &Form{Token: t.sign(keys[0]), SendFrom: now.Add(d.Fill), SendTill: now.Add(d.FormLife)}, nil
}

// discussed refuses an article that the public cannot see, or not discuss; shut is nil if
// it is not there.
func discussed(shut *bool, id nodeid.ID) error {
	switch {
	case shut == nil || id.Prefix != "article":
		return write.Refuse(write.NotFound, []string{"input", "article"}, "There is no Article of this id.")
	case *shut:
		return write.Refuse(write.Closed, []string{"input", "article"}, "The discussion of this article is closed.")
	}
	return nil
}

// Submitted is what became of a comment that somebody handed in.
type Submitted struct {
	ID            nodeid.ID
	EditToken     string
	EditableUntil time.Time
	AuthorName    string
	Body          string
	BodyHTML      string
}

// handed is what somebody handed in.
type handed struct {
	name, body, email string
	rendered          map[string]any
	facts             facts
	text              []byte // keyed hash of what it says
}

func given(in plan.Input, field string) string {
	s, _ := in[field].(string)
	return s
}

// Submit takes a comment, which waits for a moderator. Whatever the rules think of
// it, the answer is the same.
func (d *Desk) Submit(ctx context.Context, in plan.Input) (*Submitted, error) {
	now := time.Now()
	keys, err := d.signing(ctx)
	if err != nil {
		return nil, err
	}
	var p problems
	h := hand(&p, in, keys[0])
	h.email = d.address(&p, in)
	_, h.facts.emailHost, _ = strings.Cut(h.email, "@")
	h.facts.honeypot = given(in, "website") != ""
	article, _ := in["article"].(nodeid.ID)
	form := d.form(&p, in, article, now, keys)
	if err := p.err(); err != nil {
		return nil, err
	}
	network, err := d.networkHash(ctx, peer.Network(ctx), now)
	if err != nil {
		return nil, err
	}
	n, err := d.counts(network, now, limit{"submit", d.Submissions})
	if err != nil {
		return nil, err
	}
	var c created
	err = d.writer.Run(ctx, public, "submitComment", func(tx *write.Tx) error {
		c = created{nodeid.New(now), now.UTC().Truncate(time.Microsecond)}
		return d.submit(ctx, tx, in, h, form, n, &c)
	})
	if err != nil {
		return nil, err
	}
	html, _ := h.rendered["body_html"].(string)
	t := token{kind: editToken, of: c.id, at: c.at.Add(d.Editable)}
	return &Submitted{ID: nodeid.ID{Prefix: prefix, UUID: c.id}, EditToken: t.sign(keys[0]), EditableUntil: t.at, AuthorName: h.name, Body: h.body, BodyHTML: html}, nil
}

// hand reads the name and the text.
func hand(p *problems, in plan.Input, key []byte) handed {
	h := handed{name: p.line("authorName", given(in, "authorName"), maxName)}
	body, rendered := p.body("body", given(in, "body"))
	h.body = body
	h.rendered = map[string]any{"body": body}
	for _, c := range render.Columns {
		if c.Table == "comment" && body != "" {
			maps.Copy(h.rendered, c.Rendered(rendered))
		}
	}
	h.facts = facts{words: wordsOf(h.name + " " + rendered.Text), links: links(rendered)}
	h.text = digest(key, "text", wordsOf(rendered.Text))
	return h
}

// address reads the e-mail address.
func (d *Desk) address(p *problems, in plan.Input) string {
	text := given(in, "email")
	if text != "" && d.Email == Refused {
		p.refuse(write.NotAllowed, "email", "E-mail addresses are not taken here; leave it out.")
		return ""
	}
	email := p.email("email", text)
	if strings.TrimSpace(text) == "" && d.Email == Required {
		p.refuse(write.Required, "email", "This is needed; it is not published.")
	}
	return email
}

// form reads the token of the form.
func (d *Desk) form(p *problems, in plan.Input, article nodeid.ID, now time.Time, keys [][]byte) token {
	t, ok := read(formToken, given(in, "formToken"), keys...)
	switch {
	case !ok || t.of != [16]byte(article.UUID):
		p.refuse(write.Invalid, "formToken", "This is no token of `openCommentForm` for this article; ask for one.")
	case now.After(t.at.Add(d.FormLife)):
		p.refuse(write.Expired, "formToken", "The form is too old; ask for another with `openCommentForm`, and send it with the same text.")
	case now.Before(t.at.Add(d.Fill)):
		p.refuse(write.NotAllowed, "formToken", fmt.Sprintf("This came quicker than anybody can write; send it again after %s.", d.Fill))
	}
	return t
}

// submit writes a comment. If its form was sent before with the same content, again
// says what it became.
func (d *Desk) submit(ctx context.Context, tx *write.Tx, in plan.Input, h handed, form token, n count, c *created) error {
	article, _ := in["article"].(nodeid.ID)
	parent, answers := in["parent"].(nodeid.ID)
	audience, _ := in["audience"].(string)
	sent := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%s|%d:%s|%d:%s|%s", article, parent, audience, len(h.name), h.name, len(h.body), h.body, h.email))
	used, score, reasons, err := d.judged(ctx, tx, h, form, n, sent[:], c.id, article, parent, audience, answers)
	if used {
		return c.again(ctx, tx, form, sent[:])
	}
	if err != nil {
		return err
	}
	columns := map[string]any{"id": c.id.String(), "article_id": article.UUID.String(), "status": "PENDING", "audience": audience,
		"spam_score": score, "spam_reasons": reasons, "created_at": c.at.Format(time.RFC3339Nano), "author_name": nil, "parent_id": nil}
	if answers {
		columns["parent_id"] = parent.UUID.String()
	}
	if h.name != "" {
		columns["author_name"] = h.name
	}
	if score >= spam {
		columns["status"], columns["decided_at"], columns["reason"], columns["previous_status"] = "SPAM", columns["created_at"], "RULES", "PENDING"
	}
	maps.Copy(columns, h.rendered)
	values, err := json.Marshal(columns)
	if err != nil {
		return err
	}
	var sealed, hash []byte
	if h.email != "" {
		sealed, hash = d.Keys.seal(h.email, c.id), d.Keys.hashes(h.email)[0]
	}
	batch := &pgx.Batch{}
	batch.Queue(`
INSERT INTO comment (id, article_id, parent_id, author_name, body, body_html, body_text, body_renderer, status, audience, spam_score, spam_reasons,
  created_at, decided_at, reason, previous_status)
SELECT id, article_id, parent_id, author_name, body, body_html, body_text, body_renderer, status, audience, spam_score, spam_reasons,
  created_at, decided_at, reason, previous_status
FROM jsonb_populate_record(NULL::comment, $1)`, values)
	batch.Queue(`INSERT INTO comment_submission (comment_id, email, email_hash, network, text_hash) VALUES ($1, $2, $3, $4, $5)`,
		[16]byte(c.id), sealed, hash, n.network, h.text)
	return tx.SendBatch(ctx, batch).Close()
}

// created is a comment in the making, or the one that its form has made already.
type created struct {
	id nodeid.UUID
	at time.Time
}

// again takes the comment that a form has made, if that had the same content.
func (c *created) again(ctx context.Context, tx *write.Tx, form token, sent []byte) error {
	var same bool
	err := tx.QueryRow(ctx, `SELECT c.id, c.created_at, f.body = $2 FROM comment_form f JOIN comment c ON c.id = f.comment_id WHERE f.nonce = $1`, form.nonce[:], sent).
		Scan((*[16]byte)(&c.id), &c.at, &same)
	if err == nil && same {
		return nil
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	return write.Refuse(write.Taken, []string{"input", "formToken"}, "This form was sent already; ask for another with `openCommentForm`.")
}

// judged takes the form, looks at the discussion and asks the rules, all in one round
// trip. What the same person has just sent already is refused.
func (d *Desk) judged(ctx context.Context, tx *write.Tx, h handed, form token, n count, sent []byte, id nodeid.UUID, article, parent nodeid.ID, audience string, answers bool) (used bool, score int, reasons []string, err error) {
	hashes := [][]byte{}
	if h.email != "" {
		hashes = d.Keys.hashes(h.email)
	}
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO comment_form (nonce, comment_id, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, form.nonce[:], [16]byte(id), sent)
	batch.Queue(judging, [16]byte(article.UUID), [16]byte(parent.UUID), h.text, n.network, hashes)
	batch.Queue(activeRules)
	batch.Queue(counting, n.args()...) // the last, as the row of a network is locked from then on
	results := tx.SendBatch(ctx, batch)
	defer results.Close()
	tag, err := results.Exec()
	if err != nil || tag.RowsAffected() == 0 {
		return err == nil, 0, nil, err
	}
	var shut, visible *bool
	var depth *int
	var same bool
	f := h.facts
	if err := results.QueryRow().Scan(&shut, &visible, &depth, &same, &f.duplicated, &f.first); err != nil {
		return false, 0, nil, fmt.Errorf("look at the discussion: %w", err)
	}
	if err := discussed(shut, article); err != nil {
		return false, 0, nil, err
	}
	if answers {
		if err := d.answerable(visible != nil && *visible && parent.Prefix == prefix, depth, audience); err != nil {
			return false, 0, nil, err
		}
	}
	rows, err := results.Query()
	if err != nil {
		return false, 0, nil, err
	}
	rules, err := pgx.CollectRows(rows, pgx.RowToStructByPos[rule])
	if err != nil {
		return false, 0, nil, err
	}
	if same {
		return false, 0, nil, write.Refuse(write.Taken, []string{"input", "body"}, "You have sent this already; it waits for a moderator or was decided about.")
	}
	if rows, err = results.Query(); err == nil {
		err = d.counted(rows, n, tx.Now)
	}
	score, reasons = judge(rules, f)
	return false, score, reasons, err
}

// judging asks what is there to be asked about a comment that is handed in: whether the
// discussion of its article is closed, null if nobody sees the article; what it answers;
// and whether somebody, or the same person, has just sent the same, and nothing of this
// person was approved yet.
const judging = `
SELECT (SELECT ` + closed + ` FROM article a WHERE a.id = $1 AND ` + open + `), p.visible, p.depth, coalesce(sent.same, false), sent.n > 0,
  NOT EXISTS (SELECT FROM comment_submission s JOIN comment c ON c.id = s.comment_id WHERE s.email_hash = ANY($5) AND c.status = 'APPROVED')
FROM (
  SELECT bool_or(s.network = $4 OR s.email_hash = ANY($5)) AS same, count(*) AS n
  FROM comment_submission s WHERE s.text_hash = $3 AND s.created_at > now() - interval '1 day'
) sent LEFT JOIN comment p ON p.id = $2 AND p.article_id = $1`

// answerable refuses what cannot be answered.
func (d *Desk) answerable(there bool, depth *int, audience string) error {
	at := []string{"input", "parent"}
	switch {
	case !there:
		return write.Refuse(write.NotFound, at, "There is no Comment of this id in this discussion that can be answered.")
	case audience == "EDITORS":
		return write.Refuse(write.Invalid, at, "A message to the editors answers no comment.")
	case *depth >= d.Depth:
		return write.Refuse(write.OutOfRange, at, "Answers are nested %d deep at most; answer the comment above.", d.Depth)
	}
	return nil
}

// Own is a comment that its author may still change.
type Own struct {
	ID                         nodeid.ID
	EditableUntil              time.Time
	AuthorName, Body, BodyHTML string
}

// own locks a comment for its author.
func (d *Desk) own(ctx context.Context, tx *write.Tx, in plan.Input, keys [][]byte) (*Own, error) {
	id, _ := in["id"].(nodeid.ID)
	t, ok := read(editToken, given(in, "editToken"), keys...)
	if !ok || t.of != [16]byte(id.UUID) || id.Prefix != prefix {
		return nil, write.Refuse(write.Invalid, []string{"input", "editToken"}, "This is no token for this comment.")
	}
	own := &Own{ID: id, EditableUntil: t.at}
	var name *string
	var waits bool
	err := tx.QueryRow(ctx, `
SELECT author_name, body, body_html, status = 'PENDING' OR status = 'SPAM' AND reason = 'RULES' FROM comment WHERE id = $1 FOR UPDATE`, [16]byte(id.UUID)).
		Scan(&name, &own.Body, &own.BodyHTML, &waits)
	switch {
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return nil, err
	case err != nil || !waits:
		return nil, write.Refuse(write.NotAllowed, []string{"input", "id"}, "It was decided about or withdrawn; it cannot be changed any more.")
	case !tx.Now.Before(t.at):
		return nil, write.Refuse(write.Expired, []string{"input", "editToken"}, "The time to change it is over; it waits for a moderator.")
	}
	if name != nil {
		own.AuthorName = *name
	}
	return own, nil
}

// Edit lets an author change what waits, or look at it.
func (d *Desk) Edit(ctx context.Context, in plan.Input) (out *Own, err error) {
	keys, err := d.signing(ctx)
	if err != nil {
		return nil, err
	}
	network, err := d.networkHash(ctx, peer.Network(ctx), time.Now())
	if err != nil {
		return nil, err
	}
	err = d.writer.Run(ctx, public, "editComment", func(tx *write.Tx) error {
		own, err := d.own(ctx, tx, in, keys)
		if err != nil {
			return err
		}
		out = own
		body, changes := in["body"].(string)
		name, named := in["authorName"]
		if !changes && !named {
			return nil
		}
		if !changes {
			body = own.Body
		}
		if !named {
			name = own.AuthorName
		}
		var p problems
		h := hand(&p, plan.Input{"body": body, "authorName": name}, keys[0])
		if err := p.err(); err != nil {
			return err
		}
		// The address is as it was, so what it said of the author holds.
		var before []string
		if err := tx.QueryRow(ctx, `SELECT spam_reasons FROM comment WHERE id = $1`, [16]byte(own.ID.UUID)).Scan(&before); err != nil {
			return err
		}
		score, reasons, err := d.judgedAgain(ctx, tx, h, network, own.ID.UUID, before)
		if err != nil {
			return err
		}
		out.AuthorName, out.Body = h.name, h.body
		out.BodyHTML, _ = h.rendered["body_html"].(string)
		values, err := json.Marshal(h.rendered)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
WITH changed AS (
  UPDATE comment c SET author_name = nullif($2, ''), body = r.body, body_html = r.body_html, body_text = r.body_text, body_renderer = r.body_renderer,
    spam_score = $3, spam_reasons = $4
  FROM jsonb_populate_record(NULL::comment, $5) r WHERE c.id = $1
)
UPDATE comment_submission SET text_hash = $6 WHERE comment_id = $1`, [16]byte(own.ID.UUID), h.name, score, reasons, values, h.text)
		return err
	})
	return out, err
}

// judgedAgain judges a text that was changed.
func (d *Desk) judgedAgain(ctx context.Context, tx *write.Tx, h handed, network []byte, id nodeid.UUID, before []string) (int, []string, error) {
	rows, _ := tx.Query(ctx, activeRules)
	rules, err := pgx.CollectRows(rows, pgx.RowToStructByPos[rule])
	if err != nil {
		return 0, nil, err
	}
	f := h.facts
	for _, reason := range before {
		f.first = f.first || reason == "FIRST_COMMENT"
		f.honeypot = f.honeypot || reason == "HONEYPOT"
	}
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM comment_submission s WHERE s.text_hash = $1 AND s.created_at > now() - interval '1 day' AND s.comment_id <> $2)`,
		h.text, [16]byte(id)).Scan(&f.duplicated)
	score, reasons := judge(rules, f)
	return score, reasons, err
}

// Withdraw takes back what waits: nothing is left of it.
func (d *Desk) Withdraw(ctx context.Context, in plan.Input) (out *Own, err error) {
	keys, err := d.signing(ctx)
	if err != nil {
		return nil, err
	}
	err = d.writer.Run(ctx, public, "withdrawComment", func(tx *write.Tx) error {
		if out, err = d.own(ctx, tx, in, keys); err != nil {
			return err
		}
		return erase(ctx, tx, [][16]byte{out.ID.UUID})
	})
	return out, err
}
