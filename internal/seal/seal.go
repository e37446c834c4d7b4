// Package seal keeps texts that the program has to read again, and nobody else: they are
// stored encrypted, by keys that only the configuration has. Each use has keys of its
// own, derived from those.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// keyLen is that of keys: AES-256 and HMAC-SHA-256.
const keyLen = 32

// Key is one of the configuration.
type Key [keyLen]byte

// ParseKeys reads keys: each is 32 bytes in base64, as `openssl rand -base64 32`
// writes them. The first is the present one; the others are from before and still read
// what they wrote. No error of its repeats them.
func ParseKeys(texts []string) ([]Key, error) {
	var keys []Key
	for _, text := range texts {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil || len(raw) != keyLen {
			return nil, errors.New("a key is 32 bytes in base64: make one with `openssl rand -base64 32`")
		}
		keys = append(keys, Key(raw))
	}
	return keys, nil
}

// NewKey makes a key, as ParseKeys reads it.
func NewKey() string { return base64.StdEncoding.EncodeToString(Random(keyLen)) }

// Random gives so many bytes that nobody can guess.
func Random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}

// Derive makes of a key another one of the same length, for one purpose.
func (k Key) Derive(purpose string) []byte {
	b, err := hkdf.Key(sha256.New, k[:], nil, "stadtgraph "+purpose, keyLen)
	if err != nil {
		panic(err) // only for lengths that are beyond reason
	}
	return b
}

// Box seals texts for one use and opens them again. An empty one can do neither.
type Box []sealer

type sealer struct {
	id   [4]byte // tells which key sealed something
	aead cipher.AEAD
}

// NewBox makes a box for a use, such as "comment". The first key seals, all open.
func NewBox(use string, keys ...Key) Box {
	box := make(Box, len(keys))
	for i, k := range keys {
		block, err := aes.NewCipher(k.Derive(use + " seal"))
		if err == nil {
			box[i].aead, err = cipher.NewGCM(block)
		}
		if err != nil {
			panic(err) // only for keys of another length
		}
		copy(box[i].id[:], k.Derive(use+" id"))
	}
	return box
}

// Seal encrypts a text for a row: in another one it does not open.
func (b Box) Seal(text string, row [16]byte) []byte {
	s := b[0]
	nonce := Random(s.aead.NonceSize())
	return s.aead.Seal(append(s.id[:], nonce...), nonce, []byte(text), row[:])
}

// Open decrypts what Seal has encrypted; "" if none of the keys does.
func (b Box) Open(sealed, row []byte) string {
	for _, s := range b {
		if n := s.aead.NonceSize(); len(sealed) > 4+n && string(sealed[:4]) == string(s.id[:]) {
			if text, err := s.aead.Open(nil, sealed[4:4+n], sealed[4+n:], row); err == nil {
				return string(text)
			}
		}
	}
	return ""
}
