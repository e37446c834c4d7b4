package register

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"stadtgraph/internal/nodeid"
)

// derivedID is the id that every database gives to the first unit of a key.
func derivedID(prefix, key string) pgtype.UUID {
	return pgtype.UUID{Bytes: nodeid.Derive(prefix, key), Valid: true}
}

// randomID is a UUIDv7, for a key that an earlier unit had.
func randomID(now time.Time) pgtype.UUID {
	var b [16]byte
	_, _ = rand.Read(b[6:]) // never fails
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(b[:6], ms[2:])
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return pgtype.UUID{Bytes: b, Valid: true}
}
