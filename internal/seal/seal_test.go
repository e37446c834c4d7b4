package seal_test

import (
	"strings"
	"testing"

	"stadtgraph/internal/seal"
)

// What was sealed opens in its row alone, for its use, by a key that is still known.
func TestBox(t *testing.T) {
	t.Parallel()
	keys, err := seal.ParseKeys([]string{seal.NewKey(), " " + seal.NewKey() + "\n"})
	if err != nil {
		t.Fatal(err)
	}
	row, other := [16]byte{1}, [16]byte{2}
	old := seal.NewBox("test", keys[1])
	sealed := old.Seal("geheim", row)
	if strings.Contains(string(sealed), "geheim") || string(sealed) == string(old.Seal("geheim", row)) {
		t.Errorf("sealed as %q", sealed)
	}
	damaged := append([]byte{}, sealed...)
	damaged[len(damaged)-1]++
	for name, c := range map[string]struct {
		box    seal.Box
		sealed []byte
		row    [16]byte
		want   string
	}{
		"the same":      {old, sealed, row, "geheim"},
		"a new key":     {seal.NewBox("test", keys...), sealed, row, "geheim"},
		"another key":   {seal.NewBox("test", keys[0]), sealed, row, ""},
		"another use":   {seal.NewBox("else", keys...), sealed, row, ""},
		"another row":   {old, sealed, other, ""},
		"damaged":       {old, damaged, row, ""},
		"cut off":       {old, sealed[:10], row, ""},
		"nothing":       {old, nil, row, ""},
		"without a key": {nil, sealed, row, ""},
	} {
		if got := c.box.Open(c.sealed, c.row[:]); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
