package comment

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/postgres"
	"stadtgraph/internal/seal"
)

// Keys are what only the program knows. The first encrypts and signs; the others are
// from before and still read what they wrote. Without any, e-mail addresses are
// neither taken nor kept.
type Keys []key

type key struct {
	box   seal.Box // of this key alone
	email []byte   // hashes addresses
	sign  []byte
}

// ParseKeys reads keys, as seal.ParseKeys does.
func ParseKeys(texts []string) (Keys, error) {
	raw, err := seal.ParseKeys(texts)
	if err != nil {
		return nil, err
	}
	var keys Keys
	for _, k := range raw {
		keys = append(keys, key{seal.NewBox("comment", k), k.Derive("comment email"), k.Derive("comment sign")})
	}
	return keys, nil
}

// seal encrypts a text for a row: in another one it does not open.
func (ks Keys) seal(text string, row [16]byte) []byte { return ks[0].box.Seal(text, row) }

// Open decrypts what seal has encrypted; "" if none of the keys does.
func (ks Keys) Open(sealed, row []byte) string {
	for _, k := range ks {
		if text := k.box.Open(sealed, row); text != "" {
			return text
		}
	}
	return ""
}

// hashes are what an address may be known by, the present one first.
func (ks Keys) hashes(email string) [][]byte {
	all := make([][]byte, len(ks))
	for i, k := range ks {
		all[i] = digest(k.email, email)
	}
	return all
}

// digest is a keyed hash of texts.
func digest(key []byte, texts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, text := range texts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(text), text)
	}
	return h.Sum(nil)
}

// secret is a key that all instances share, made by the first that asks for it.
func secret(ctx context.Context, db postgres.DB, name string) (key []byte, err error) {
	for range 2 {
		err = db.QueryRow(ctx, `SELECT key FROM comment_secret WHERE name = $1`, name).Scan(&key)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
		if _, err := db.Exec(ctx, `INSERT INTO comment_secret (name, key) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, seal.Random(32)); err != nil {
			return nil, fmt.Errorf("keep a key: %w", err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	return key, nil
}
