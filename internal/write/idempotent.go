package write

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
)

// Key names one field of a request that may be sent again.
type Key struct {
	Text  string
	Field int      // its place among the fields of the request
	Body  [32]byte // digest of the request
}

// Kept is what is known of a request that was sent before.
type Kept struct {
	Outcome json.RawMessage // what it came to
	Answer  []byte          // what it was told, unless it was cut off before that
}

// MaxKey is how long an idempotency key may be.
const MaxKey = 255

// Once runs a transaction that must not run twice. If the key was used before, it gives
// what is known of that; else outcome is what the transaction came to, in a form that
// Kept can hold. A request that comes while the first is still running waits for it.
func (w *Writer) Once(ctx context.Context, actor *auth.Actor, action string, key Key, do func(tx *Tx) error, outcome func() any) (*Kept, error) {
	var kept *Kept
	err := w.Run(ctx, actor, action, func(tx *Tx) error {
		kept = nil
		token := nodeid.UUID(actor.Token).String()
		tag, err := tx.Exec(ctx, `INSERT INTO idempotency_key (token_id, key, field, body, outcome) VALUES ($1, $2, $3, $4, 'null') ON CONFLICT DO NOTHING`,
			token, key.Text, key.Field, key.Body[:])
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			kept = &Kept{}
			var body []byte
			var answer *string
			if err := tx.QueryRow(ctx, `SELECT body, outcome, answer FROM idempotency_key WHERE token_id = $1 AND key = $2 AND field = $3`,
				token, key.Text, key.Field).Scan(&body, &kept.Outcome, &answer); err != nil {
				return err
			}
			if string(body) != string(key.Body[:]) {
				return fault.New(fault.Conflict, "This `Idempotency-Key` was used for another request; take a new one.")
			}
			if answer != nil {
				kept.Answer = []byte(*answer)
			}
			return nil
		}
		if err := do(tx); err != nil {
			return err
		}
		came, err := json.Marshal(outcome())
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE idempotency_key SET outcome = $4 WHERE token_id = $1 AND key = $2 AND field = $3`, token, key.Text, key.Field, came)
		return err
	})
	return kept, err
}

// Keep keeps the answer to a request, also of one that wrote nothing.
func (w *Writer) Keep(ctx context.Context, actor *auth.Actor, key Key, answer []byte) error {
	_, err := w.pool.Exec(ctx, `INSERT INTO idempotency_key (token_id, key, field, body, outcome, answer) VALUES ($1, $2, $3, $4, 'null', $5)
ON CONFLICT (token_id, key, field) DO UPDATE SET answer = excluded.answer WHERE idempotency_key.body = excluded.body AND idempotency_key.answer IS NULL`,
		nodeid.UUID(actor.Token).String(), key.Text, key.Field, key.Body[:], string(answer))
	return readable(err)
}

// Remember is how long an answer is kept for whoever sends its request again.
const Remember = 7 * 24 * time.Hour

// Forget drops what is kept of requests that are older.
func Forget(ctx context.Context, tx pgx.Tx, age time.Duration) error {
	_, err := tx.Exec(ctx, `DELETE FROM idempotency_key WHERE created_at < now() - $1::interval`, age)
	return err
}
