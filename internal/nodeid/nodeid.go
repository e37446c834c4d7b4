// Package nodeid converts between the keys of the database (UUIDs) and the
// global ids of the API, which are TypeIDs: a readable prefix for the type, an
// underscore, and the UUID in 26 characters of Crockford's base32, as in
//
//	article_01h455vb4pex5vsknk084sn02q
//
// The format is version 0.3 of the TypeID specification
// (github.com/jetify-com/typeid/tree/main/spec).
package nodeid

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// UUID is a key of the database.
type UUID [16]byte

// ID is a global id: the prefix of a type and the key of one of its rows.
type ID struct {
	Prefix string
	UUID   UUID
}

const (
	alphabet  = "0123456789abcdefghjkmnpqrstvwxyz"
	suffixLen = 26
)

// digits maps a character of the alphabet to its value, and others to 255.
var digits = func() (d [256]byte) {
	for i := range d {
		d[i] = 255
	}
	for i := range len(alphabet) {
		d[alphabet[i]] = byte(i)
	}
	return d
}()

// ErrMalformed says that a text is no TypeID.
var ErrMalformed = errors.New("malformed id")

// Append writes the global id of a row, given the prefix of its type and the
// 16 bytes of its key as Postgres sends them.
func Append(dst []byte, prefix string, key []byte) []byte {
	_ = key[15]
	dst = append(dst, prefix...)
	dst = append(dst, '_')
	// 128 bits are 26 groups of five with two leading zero bits. A window of
	// bits slides over the key from its start.
	window, have := uint(0), 2
	for _, b := range key[:16] {
		window = window<<8 | uint(b)
		have += 8
		for have >= 5 {
			have -= 5
			dst = append(dst, alphabet[window>>have&31])
		}
	}
	return dst
}

// String is the id as the API shows it.
func (id ID) String() string { return string(Append(nil, id.Prefix, id.UUID[:])) }

// Parse reads a TypeID. It does not know which prefixes exist.
func Parse(s string) (ID, error) {
	cut := strings.LastIndexByte(s, '_')
	if cut < 1 || cut > 63 || len(s)-cut-1 != suffixLen || !prefixValid(s[:cut]) {
		return ID{}, ErrMalformed
	}
	suffix := s[cut+1:]
	if digits[suffix[0]] > 7 { // more than 128 bits
		return ID{}, ErrMalformed
	}
	id := ID{Prefix: s[:cut]}
	window, have, at := uint(digits[suffix[0]]), 3, 0
	for i := 1; i < suffixLen; i++ {
		d := digits[suffix[i]]
		if d == 255 {
			return ID{}, ErrMalformed
		}
		window = window<<5 | uint(d)
		have += 5
		if have >= 8 {
			have -= 8
			id.UUID[at] = byte(window >> have)
			at++
		}
	}
	return id, nil
}

func prefixValid(p string) bool {
	for i := range len(p) {
		if (p[i] < 'a' || p[i] > 'z') && p[i] != '_' {
			return false
		}
	}
	return p[0] != '_' && p[len(p)-1] != '_'
}

// derivedAt is the time part of every derived id: 2023-11-30 00:00 UTC, the date
// of the first register. Ids made later sort behind.
const derivedAt uint64 = 1701302400000

// Derive gives the key of a row that ships with the product, from its type's
// prefix and its natural key, so that every database has the same ids. The
// result has the form of a UUIDv7 (RFC 9562, section 5.7); what is random there
// is a SHA-256 here.
func Derive(prefix, natural string) UUID {
	sum := sha256.Sum256([]byte(prefix + "\x00" + natural))
	var u UUID
	copy(u[:], sum[:])
	for i := range 6 {
		u[i] = byte(derivedAt >> (40 - 8*i))
	}
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	return u
}

// String is the key as Postgres and RFC 9562 write it.
func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// New makes a key for a new row: a UUIDv7 (RFC 9562, section 5.7), so that later
// rows sort behind earlier ones.
func New(now time.Time) UUID {
	var u UUID
	if _, err := rand.Read(u[:]); err != nil {
		panic(err) // never happens, says its documentation
	}
	ms := uint64(now.UnixMilli()) //nolint:gosec // after 1970
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	u[6] = u[6]&0x0F | 0x70
	u[8] = u[8]&0x3F | 0x80
	return u
}

// ParseUUID reads a key as Postgres writes it.
func ParseUUID(s string) (u UUID, err error) {
	digits := strings.ReplaceAll(s, "-", "")
	if len(s) != 36 || len(digits) != 32 {
		return u, ErrMalformed
	}
	_, err = hex.Decode(u[:], []byte(digits))
	return u, err
}
