package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/postgres"
)

// Authenticate says whose token this is. It asks the database each time, by one
// look into an index, so that what is revoked is refused by every instance at once.
// It looks the token up by its hash: how long that takes says nothing about tokens
// that are good. No error of its repeats the token.
func Authenticate(ctx context.Context, db postgres.DB, token string) (*Actor, error) {
	hash, ok := hashOf(token)
	if !ok {
		return nil, fault.New(fault.Unauthenticated, "This is no token of ours, or not all of it: one is `%s` and %d letters and digits.", prefix, tokenLen-len(prefix))
	}
	a := &Actor{}
	var expired, revoked bool
	err := db.QueryRow(ctx, `
SELECT id, name, role, territories, coalesce(expires_at <= now(), false), revoked_at IS NOT NULL
FROM api_token WHERE hash = $1`, hash).Scan(&a.Token, &a.Name, &a.Role, &a.Territories, &expired, &revoked)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, fault.New(fault.Unauthenticated, "This token is not known here; ask an administrator for another one.")
	case err != nil:
		return nil, fmt.Errorf("%w (authenticate: %w)", fault.New(fault.Busy, "The database cannot be reached just now; try again in a moment."), err)
	case revoked:
		return nil, fault.New(fault.Unauthenticated, "This token was revoked; ask an administrator for another one.")
	case expired:
		return nil, fault.New(fault.Unauthenticated, "This token has expired; ask an administrator for another one.")
	}
	return a, nil
}

// Gate authenticates requests, and notes when a token was last used.
type Gate struct {
	DB postgres.DB

	mu    sync.Mutex
	noted map[[16]byte]time.Time // by this instance; there are as many as good tokens
}

// coarse is how exact the last use of a token is.
const coarse = time.Minute

// Authenticate is the function of the same name.
func (g *Gate) Authenticate(ctx context.Context, token string) (*Actor, error) {
	a, err := Authenticate(ctx, g.DB, token)
	if err == nil && g.due(a.Token) {
		go g.note(context.WithoutCancel(ctx), a.Token) // nobody waits for it
	}
	return a, err
}

// due says whether it is time to note a use, and takes it that somebody does.
func (g *Gate) due(id [16]byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if at, ok := g.noted[id]; ok && now.Sub(at) < coarse {
		return false
	}
	if g.noted == nil {
		g.noted = map[[16]byte]time.Time{}
	}
	g.noted[id] = now
	return true
}

// note writes when a token was used. Another instance may just have done so, and
// somebody may be about to revoke it: then it is left alone.
func (g *Gate) note(ctx context.Context, id [16]byte) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := g.DB.Exec(ctx, `
UPDATE api_token SET last_used_at = now() WHERE id = (
  SELECT id FROM api_token WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - make_interval(secs => $2))
  FOR UPDATE SKIP LOCKED)`, id, coarse.Seconds())
	if err != nil {
		slog.DebugContext(ctx, "the use of a token was not noted", "error", err)
	}
}
