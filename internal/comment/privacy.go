package comment

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

// Personal is what is kept of somebody: one comment.
type Personal struct {
	ID         nodeid.ID
	Article    nodeid.ID
	AuthorName *string
	Email      string
	Body       string
	Status     string
	CreatedAt  time.Time
}

// of are the keys of the comments of an address.
func (d *Desk) of(ctx context.Context, tx pgx.Tx, in plan.Input) (email string, ids [][16]byte, err error) {
	if len(d.Keys) == 0 {
		return "", nil, write.Refuse(write.NotAllowed, []string{"input", "email"}, "This server has no key for e-mail addresses (STADTGRAPH_COMMENT_KEYS), so it keeps none and finds none.")
	}
	email, ok := normalEmail(given(in, "email"))
	if !ok {
		return "", nil, write.Refuse(write.Invalid, []string{"input", "email"}, "This is no e-mail address; write one such as name@example.org.")
	}
	rows, _ := tx.Query(ctx, `SELECT comment_id FROM comment_submission WHERE email_hash = ANY($1) ORDER BY comment_id`, d.Keys.hashes(email))
	ids, err = pgx.CollectRows(rows, pgx.RowTo[[16]byte])
	return email, ids, err
}

// Export gives all that is kept of an address.
func (d *Desk) Export(ctx context.Context, in plan.Input) (found []Personal, err error) {
	err = d.writer.Run(ctx, auth.From(ctx), "exportPersonalData", func(tx *write.Tx) error {
		email, ids, err := d.of(ctx, tx, in)
		if err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, `SELECT id, article_id, author_name, body, status, created_at FROM comment WHERE id = ANY($1) ORDER BY created_at, id`, ids)
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Personal, error) {
			p := Personal{ID: nodeid.ID{Prefix: prefix}, Article: nodeid.ID{Prefix: "article"}, Email: email}
			return p, row.Scan((*[16]byte)(&p.ID.UUID), (*[16]byte)(&p.Article.UUID), &p.AuthorName, &p.Body, &p.Status, &p.CreatedAt)
		})
		return err
	})
	return found, err
}

// Erase wipes all that is kept of an address, or of one comment, and says how many comments that was.
func (d *Desk) Erase(ctx context.Context, in plan.Input) (n int, err error) {
	err = d.writer.Run(ctx, auth.From(ctx), "erasePersonalData", func(tx *write.Tx) error {
		_, ids, err := d.of(ctx, tx, in)
		if err != nil {
			return err
		}
		n = len(ids)
		return erase(ctx, tx, ids)
	})
	return n, err
}

// EraseOne wipes one comment.
func EraseOne(ctx context.Context, tx *write.Tx, in plan.Input) (nodeid.ID, error) {
	id, r, err := one(ctx, tx, in)
	if err != nil {
		return id, err
	}
	return id, erase(ctx, tx, [][16]byte{r.ID})
}

// erase wipes what comments say and who said it. Triggers do so with what stands
// beside them, and with their history.
func erase(ctx context.Context, tx *write.Tx, ids [][16]byte) error {
	if _, err := tx.Exec(ctx, `SELECT FROM comment WHERE id = ANY($1) ORDER BY id FOR UPDATE`, ids); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
UPDATE comment SET status = 'ERASED', author_name = NULL, body = '', body_html = '', body_text = '', reason = NULL, reason_text = NULL,
  previous_status = NULL, decided_at = now(), decided_by = NULL, pinned = false, spam_score = 0, spam_reasons = '{}'
WHERE id = ANY($1) AND status <> 'ERASED'`, ids); err != nil {
		return fmt.Errorf("erase comments: %w", err)
	}
	return nil
}

// Forget drops what is kept no longer: addresses, some time after the decision; keys and
// counts of networks; forms that nobody can send any more.
func Forget(ctx context.Context, tx pgx.Tx, emails time.Duration) error {
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`UPDATE comment_submission s SET email = NULL, email_hash = NULL, network = NULL FROM comment c
WHERE c.id = s.comment_id AND s.email IS NOT NULL AND c.status <> 'PENDING' AND c.decided_at < now() - $1::interval`, []any{emails}},
		{`UPDATE comment_submission SET network = NULL WHERE network IS NOT NULL AND created_at < now() - interval '2 days'`, nil},
		{`DELETE FROM comment_secret WHERE name LIKE 'network %' AND created_at < now() - interval '2 days'`, nil},
		{`DELETE FROM comment_rate WHERE since < now() - interval '2 hours'`, nil},
		{`DELETE FROM comment_form WHERE created_at < now() - interval '2 days'`, nil},
	} {
		if _, err := tx.Exec(ctx, step.sql, step.args...); err != nil {
			return fmt.Errorf("forget what belongs to comments: %w", err)
		}
	}
	return nil
}
