package comment

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// What a signed token is for.
const (
	formToken  byte = 'f' // of an article: one submission
	editToken  byte = 'e' // of a comment: its author may change it
	voterToken byte = 'v' // of nobody: the same reader as before
)

// token is what somebody holds and sends back, and nobody else can make.
type token struct {
	kind  byte
	of    [16]byte
	at    time.Time
	nonce [8]byte
}

const (
	tokenLen = 1 + 16 + 8 + 8
	macLen   = 16
)

func (t token) sign(key []byte) string {
	b := append([]byte{t.kind}, t.of[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(t.at.UnixMilli()))
	b = append(b, t.nonce[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, digest(key, "token", string(b))[:macLen]...))
}

// read says what a token is; false if none of the keys has signed it.
func read(kind byte, text string, keys ...[]byte) (token, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != tokenLen+macLen || b[0] != kind {
		return token{}, false
	}
	signed := b[:tokenLen]
	for _, key := range keys {
		if hmac.Equal(digest(key, "token", string(signed))[:macLen], b[tokenLen:]) {
			t := token{kind: kind, at: time.UnixMilli(int64(binary.BigEndian.Uint64(b[17:])))}
			copy(t.of[:], b[1:])
			copy(t.nonce[:], b[25:])
			return t, true
		}
	}
	return token{}, false
}
