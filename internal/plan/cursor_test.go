package plan

import (
	"testing"
)

var someOrder = &order{hash: 7, keys: []orderKey{
	{expr: "{name}", scalar: "String", nullable: true}, {expr: "{n}", scalar: "Int"}, {expr: "{amount}", scalar: "Decimal", nullable: true}, {expr: "{id}", scalar: "ID"},
}}

// Whatever a client makes up, a cursor that is accepted holds values that
// Postgres can read.
func FuzzCursor(f *testing.F) {
	id := make([]byte, 16)
	for _, keys := range [][][]byte{
		{[]byte("Äpfingen"), {0, 0, 0, 1}, []byte("-1.50"), id},
		{nil, {0, 0, 0, 1}, nil, id},
		{{}, {255, 255, 255, 255}, []byte("0"), id},
	} {
		out, _ := appendCursor(nil, nil, someOrder.hash, keys)
		f.Add(string(out[1 : len(out)-1]))
	}
	f.Add("")
	f.Add("AQAAAAc")
	f.Fuzz(func(t *testing.T, s string) {
		cur, problem := parseCursor(s, someOrder)
		if problem != cursorFine {
			return
		}
		for i, k := range someOrder.keys {
			if cur.keys[i] == nil && !k.nullable || cur.keys[i] != nil && !keyValid(k.scalar, cur.keys[i]) {
				t.Fatalf("key %d of %q is %q", i, s, cur.keys[i])
			}
		}
		again, _ := appendCursor(nil, nil, someOrder.hash, cur.keys)
		back, problem := parseCursor(string(again[1:len(again)-1]), someOrder)
		if problem != cursorFine {
			t.Fatalf("%q does not come back", s)
		}
		for i := range cur.keys {
			if string(back.keys[i]) != string(cur.keys[i]) || (back.keys[i] == nil) != (cur.keys[i] == nil) {
				t.Fatalf("key %d of %q came back as %q", i, s, back.keys[i])
			}
		}
	})
}
