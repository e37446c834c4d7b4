// Package change is the history of all content: what changed, in one order for
// everybody, and the way back.
//
// Triggers write it (migrations 000027 and 000028): one row of the table change for
// each transaction and object, and in revision what each row was before. No writer has
// to think of it, a loader or psql as little as a mutation; who acts travels as a
// setting of the transaction, see Begin. What each type consists of is data, in
// history_type, history_holder and history_part.
//
//	tx, err := change.Begin(ctx, pool, actor, "publishArticle") // who, in one round trip
//	page, err := change.Read(ctx, pool, cursor, types, 100)     // what is new, in order
//	for range change.Watch(ctx, pool) { … }                     // when to look again
//	err := change.Restore(ctx, tx, "Article", id, 3)            // back, as a new version
package change

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
)

// Beginner is a pool or a connection.
type Beginner interface {
	BeginTx(ctx context.Context, options pgx.TxOptions) (pgx.Tx, error)
}

// acting is how triggers know an actor.
type acting struct {
	Token  string    `json:"token,omitempty"`
	Name   string    `json:"name,omitempty"` // nobody has to say who it is who comments
	Role   auth.Role `json:"role,omitempty"`
	Action string    `json:"action,omitempty"`
}

// Begin begins a transaction in which an actor does something, such as
// "publishArticle". Without an actor nobody in particular acts, as in commands.
func Begin(ctx context.Context, db Beginner, actor *auth.Actor, action string) (pgx.Tx, error) {
	if actor == nil {
		return db.BeginTx(ctx, pgx.TxOptions{})
	}
	by := acting{Name: actor.Name, Role: actor.Role, Action: action}
	if actor.Token != [16]byte{} {
		by.Token = nodeid.UUID(actor.Token).String()
	}
	text, err := json.Marshal(by)
	if err != nil {
		return nil, fmt.Errorf("say who acts: %w", err)
	}
	// JSON has no zero bytes; backslashes and quotes are all that such a literal minds.
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(string(text))
	return db.BeginTx(ctx, pgx.TxOptions{BeginQuery: `BEGIN; SET LOCAL stadtgraph.actor = E'` + quoted + `'`})
}
