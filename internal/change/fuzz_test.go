package change

import (
	"context"
	"encoding/base64"
	"testing"
	"time"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/pgtest"
)

// Whatever a client makes up as a cursor, it is refused as one, or changes come.
func FuzzCursor(f *testing.F) {
	pool := pgtest.DB(f)
	head, err := Head(f.Context(), pool)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(head))
	for _, text := range []string{"a.1.1", "a.18446744073709551615.-1", "a\x00.1.1", "\xff.0.0", "a.0x1.1", "..", "a.1.9223372036854775808"} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(text)))
	}
	// What stands in the place of the epoch of this database reaches the statement.
	p, err := head.place()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		// Fuzzing goes on after the context of f, and of t, has ended.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		cursors := []Cursor{Cursor(s)}
		if made, err := Cursor(s).place(); err == nil && s != "" {
			if back, err := made.cursor().place(); err != nil || back != made {
				t.Fatalf("%q came back as %v, %v", s, back, err)
			}
			made.epoch = p.epoch
			cursors = append(cursors, made.cursor())
		}
		for _, c := range cursors {
			if _, err := Read(ctx, pool, c, nil, 10); err != nil {
				if _, ok := fault.From(err); !ok {
					t.Fatalf("%q: %v", c, err)
				}
			}
		}
	})
}
