package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// A token reads
//
//	sgt_ and 58 characters of 0123456789abcdefghjkmnpqrstvwxyz
//
// which are, in base32, 32 random bytes and behind them their CRC-32 (IEEE, big
// endian). By prefix, length and sum, programs that look for leaked secrets know
// one from any other text, and a slip of the hand costs no statement.
const (
	prefix    = "sgt_"
	secretLen = 32
	sumLen    = 4
	hintLen   = len(prefix) + 6 // 226 bits remain
)

var encoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

var tokenLen = len(prefix) + encoding.EncodedLen(secretLen+sumLen)

// newSecret makes the text of a token.
func newSecret() string {
	b := make([]byte, secretLen, secretLen+sumLen)
	_, _ = rand.Read(b) // it never fails
	return prefix + encoding.EncodeToString(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

// hashOf is what is stored of a token: the SHA-256 of its text. It is false for a
// text that is no token.
func hashOf(token string) ([]byte, bool) {
	text, ok := strings.CutPrefix(token, prefix)
	if !ok || len(token) != tokenLen {
		return nil, false
	}
	b, err := encoding.DecodeString(text)
	if err != nil || len(b) != secretLen+sumLen || crc32.ChecksumIEEE(b[:secretLen]) != binary.BigEndian.Uint32(b[secretLen:]) {
		return nil, false
	}
	hash := sha256.Sum256([]byte(token))
	return hash[:], true
}
