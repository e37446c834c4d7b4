package comment

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/postgres"
)

// keyLen is that of keys: AES-256 and HMAC-SHA-256.
const keyLen = 32

// Keys are what only the program knows. The first encrypts and signs; the others are
// from before and still read what they wrote. Without any, e-mail addresses are
// neither taken nor kept.
type Keys []key

type key struct {
	id    [4]byte // tells which key sealed something
	seal  cipher.AEAD
	email []byte // hashes addresses
	sign  []byte
}

// ParseKeys reads keys: each is 32 bytes in base64, as `openssl rand -base64 32`
// writes them. No error of its repeats them.
func ParseKeys(texts []string) (Keys, error) {
	var keys Keys
	for _, text := range texts {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil || len(raw) != keyLen {
			return nil, errors.New("a key for comments is 32 bytes in base64: make one with `openssl rand -base64 32`")
		}
		k, err := newKey(raw)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// NewKey makes a key, as ParseKeys reads it.
func NewKey() string { return base64.StdEncoding.EncodeToString(random(keyLen)) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}

func newKey(raw []byte) (key, error) {
	var k key
	derive := func(purpose string) []byte {
		b, err := hkdf.Key(sha256.New, raw, nil, "stadtgraph comment "+purpose, keyLen)
		if err != nil {
			panic(err) // only for lengths that are beyond reason
		}
		return b
	}
	block, err := aes.NewCipher(derive("seal"))
	if err != nil {
		return k, err
	}
	if k.seal, err = cipher.NewGCM(block); err != nil {
		return k, err
	}
	copy(k.id[:], derive("id"))
	k.email, k.sign = derive("email"), derive("sign")
	return k, nil
}

// seal encrypts a text for a row: in another one it does not open.
func (ks Keys) seal(text string, row [16]byte) []byte {
	k := ks[0]
	nonce := random(k.seal.NonceSize())
	return k.seal.Seal(append(k.id[:], nonce...), nonce, []byte(text), row[:])
}

// Open decrypts what seal has encrypted; "" if none of the keys does.
func (ks Keys) Open(sealed, row []byte) string {
	for _, k := range ks {
		if n := k.seal.NonceSize(); len(sealed) > 4+n && string(sealed[:4]) == string(k.id[:]) {
			if text, err := k.seal.Open(nil, sealed[4:4+n], sealed[4+n:], row); err == nil {
				return string(text)
			}
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
		if _, err := db.Exec(ctx, `INSERT INTO comment_secret (name, key) VALUES ($1, $2) ON CONFLICT DO NOTHING`, name, random(keyLen)); err != nil {
			return nil, fmt.Errorf("keep a key: %w", err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	return key, nil
}
