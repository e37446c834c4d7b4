package auth

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/postgres"
)

// Token is one on record, without its secret, which nobody keeps.
type Token struct {
	ID          nodeid.UUID
	Name        string
	Role        Role
	Hint        string
	Territories []string
	CreatedAt   time.Time
	CreatedBy   *string // name of the token; nil for a command
	ExpiresAt   *time.Time
	RevokedAt   *time.Time
	LastUsedAt  *time.Time
}

// Live says whether a token is good at an instant.
func (t Token) Live(at time.Time) bool {
	return t.RevokedAt == nil && (t.ExpiresAt == nil || t.ExpiresAt.After(at))
}

// Params are what a new token is made from. Their names in faults are those of
// the input of the API.
type Params struct {
	Name        string
	Role        Role
	ExpiresAt   *time.Time // never if nil
	Territories []string   // official keys
}

// Bounds of what a token is made from.
const (
	maxName        = 100
	maxTerritories = 100
	maxLife        = 10 // years
)

var officialKey = regexp.MustCompile(`^[0-9]{2,12}$`)

// check holds parameters to the rules that take no database.
func (p *Params) check() error {
	p.Name = strings.TrimSpace(p.Name)
	switch {
	case p.Name == "":
		return fault.New(fault.Invalid, "A token needs a name that says who uses it, such as `newsroom import`.").At("name")
	case !utf8.ValidString(p.Name) || strings.ContainsFunc(p.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fault.New(fault.Invalid, "The name holds characters that cannot be shown; leave them out.").At("name")
	case utf8.RuneCountInString(p.Name) > maxName:
		return fault.New(fault.Invalid, "The name is longer than %d characters; choose a shorter one.", maxName).At("name")
	case !slices.Contains(Roles, p.Role):
		return fault.New(fault.Invalid, "There is no such role; choose one of %s.", joined(Roles)).At("role")
	case p.ExpiresAt != nil && !p.ExpiresAt.After(time.Now()):
		return fault.New(fault.Invalid, "That is past; choose an instant to come.").At("expiresAt")
	case p.ExpiresAt != nil && p.ExpiresAt.After(time.Now().AddDate(maxLife, 0, 0)):
		return fault.New(fault.Invalid, "A token is good for %d years at most, or until it is revoked if no end is given.", maxLife).At("expiresAt")
	case len(p.Territories) > maxTerritories:
		return fault.New(fault.Invalid, "A token may have %d territories at most; name their state or region instead.", maxTerritories).At("territories")
	case len(p.Territories) > 0 && p.Role == Reader:
		return fault.New(fault.Invalid, "Territories limit what is written, and a %s writes nothing: it reads all drafts. Leave them out.", Reader).At("territories")
	case len(p.Territories) > 0 && p.Role == Admin:
		return fault.New(fault.Invalid, "An %s is not limited to territories: it could make a token that is not. Leave them out.", Admin).At("territories")
	}
	for i, key := range p.Territories {
		if !officialKey.MatchString(key) {
			return unknownTerritory(i)
		}
	}
	return nil
}

func unknownTerritory(i int) error {
	return fault.New(fault.Invalid, "No state, region, district, association or municipality has this official key; `09` is Bavaria, `09461000` Bamberg.").At("territories", strconv.Itoa(i))
}

func joined(roles []Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// CreateToken makes a token as whoever acts in the context, and gives its text,
// which can never be had again. Whether that actor may is for the caller to ask.
func CreateToken(ctx context.Context, tx pgx.Tx, p Params) (secret string, id nodeid.UUID, err error) {
	if err := p.check(); err != nil {
		return "", id, err
	}
	place := -1
	err = tx.QueryRow(ctx, `
SELECT coalesce(min(k.place), 0)::integer - 1 FROM unnest(@keys::text[]) WITH ORDINALITY k (key, place)
WHERE NOT EXISTS (SELECT FROM municipality_key m WHERE m.key = k.key) AND NOT EXISTS (SELECT FROM state s WHERE s.key = k.key)`,
		pgx.NamedArgs{"keys": p.Territories}).Scan(&place)
	if err != nil {
		return "", id, fmt.Errorf("look up the territories of a token: %w", err)
	}
	if place >= 0 {
		return "", id, unknownTerritory(place)
	}
	secret = newSecret()
	hash, _ := hashOf(secret)
	territories := slices.Compact(slices.Sorted(slices.Values(p.Territories)))
	var by *nodeid.UUID
	if a := From(ctx); a != nil && a.Token != (nodeid.UUID{}) {
		by = (*nodeid.UUID)(&a.Token)
	}
	err = tx.QueryRow(ctx, `
INSERT INTO api_token (id, name, role, hash, hint, territories, created_by, expires_at)
VALUES (@id, @name, @role, @hash, @hint, @territories, @by, @expires)
ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
RETURNING id`, pgx.NamedArgs{
		"id": nodeid.New(time.Now()), "name": p.Name, "role": p.Role, "hash": hash, "hint": secret[:hintLen],
		"territories": append([]string{}, territories...), "by": by, "expires": p.ExpiresAt,
	}).Scan(&id)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", id, fault.New(fault.Invalid, "A token of this name is there already; revoke it first, or choose another name.").At("name")
	case err != nil:
		return "", id, fmt.Errorf("create a token: %w", err)
	}
	return secret, id, nil
}

// RevokeToken ends a token for good, from the next request on, wherever that
// arrives. One that is revoked already stays so.
func RevokeToken(ctx context.Context, tx pgx.Tx, id nodeid.UUID) error {
	tag, err := tx.Exec(ctx, `UPDATE api_token SET revoked_at = coalesce(revoked_at, now()) WHERE id = @id`, pgx.NamedArgs{"id": id})
	if err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.NotFound, "There is no such token.").At("id")
	}
	return nil
}

// List gives all tokens, the latest first.
func List(ctx context.Context, db postgres.DB) ([]Token, error) {
	rows, _ := db.Query(ctx, `
SELECT t.id, t.name, t.role, t.hint, t.territories, t.created_at, b.name AS created_by, t.expires_at, t.revoked_at, t.last_used_at
FROM api_token t LEFT JOIN api_token b ON b.id = t.created_by
ORDER BY t.created_at DESC, t.id DESC`) // the error comes with the rows
	tokens, err := pgx.CollectRows(rows, pgx.RowToStructByName[Token])
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return tokens, nil
}

// Find gives the token of a global id, of a name that a live one has, or of the
// name that only one has had.
func Find(ctx context.Context, db postgres.DB, idOrName string) (nodeid.UUID, error) {
	tokens, err := List(ctx, db)
	if err != nil {
		return nodeid.UUID{}, err
	}
	var revoked []nodeid.UUID
	for _, t := range tokens {
		switch {
		case ID(t.ID).String() == idOrName, t.Name == idOrName && t.RevokedAt == nil:
			return t.ID, nil
		case t.Name == idOrName:
			revoked = append(revoked, t.ID)
		}
	}
	if len(revoked) == 1 {
		return revoked[0], nil
	}
	return nodeid.UUID{}, fault.New(fault.NotFound, "There is no token of this id or name.")
}

// ID is the global id of a token.
func ID(key nodeid.UUID) nodeid.ID { return nodeid.ID{Prefix: "api_token", UUID: key} }
