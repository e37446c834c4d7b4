package graph_test

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/graph"
	"stadtgraph/internal/nodeid"
)

// TestDocs compares the tables in docs/ with the schema and the catalogue that
// they are made from. `make generate` writes them.
func TestDocs(t *testing.T) {
	t.Parallel()
	for file, write := range map[string]func(*testing.T) string{
		"../docs/ids.md":   idsPage,
		"../docs/terms.md": termsPage,
	} {
		want := write(t)
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		} else if string(got) != want {
			t.Errorf("%s is not what the schema says; run make generate\n--- got\n%s\n--- want\n%s", file, got, want)
		}
	}
}

// idsPage lists the prefixes of global ids.
func idsPage(t *testing.T) string {
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	// A time and a place of no meaning, the same for all: 2026-01-01, then ones.
	key := nodeid.UUID{0x01, 0x9b, 0x76, 0xda, 0xa8, 0x00, 0x71, 0x11, 0x91, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11}
	var rows [][]string
	for _, o := range catalogue.Objects() {
		if o.Prefix != "" {
			rows = append(rows, []string{
				"`" + o.Type + "`", "`" + o.Prefix + "`", "`" + nodeid.ID{Prefix: o.Prefix, UUID: key}.String() + "`",
			})
		}
	}
	if len(rows) == 0 {
		t.Fatal("no type of the catalogue has ids")
	}
	return `# Global ids

<!-- Written by make generate from the catalogue. -->

The ` + "`id`" + ` of everything that implements ` + "`Node`" + ` is a
[TypeID](https://github.com/jetify-com/typeid/tree/main/spec): a prefix that
names the type, an underscore, and a UUIDv7 in 26 characters of base32. It is
unique over all types, never changes, and is what ` + "`node(id:)`" + ` takes. Keep it
as a text; take from it nothing but the type.

` + table([]string{"Type", "Prefix", "Example"}, rows) + `
## Tokens

An API token is no id but a secret. It has a form of its own, so that programs that
look for leaked secrets know one, and a slip of the hand is told from a token that
is not good any more: ` + "`sgt_`" + ` and 58 characters of base32
(` + "`0123456789abcdefghjkmnpqrstvwxyz`" + `), which are 32 random bytes and, behind them,
their CRC-32 (IEEE, big endian). Nothing can be read from it. The server keeps the
SHA-256 of the whole text alone: ` + "`printf %s sgt_… | sha256sum`" + ` is what stands in
` + "`api_token.hash`" + `.

    sgt_[0-9a-hjkmnp-tv-z]{58}
`
}

// termsPage lists the values of enums that answers hold. Enums that only
// arguments take, such as orders, stand for nothing outside of the API.
func termsPage(t *testing.T) string {
	schema := graph.Schema()
	answered := map[string]*ast.Definition{}
	for _, def := range schema.Types {
		for _, f := range def.Fields {
			if e := schema.Types[f.Type.Name()]; def.IsCompositeType() && !def.BuiltIn && e.Kind == ast.Enum && !e.BuiltIn {
				answered[e.Name] = e
			}
		}
	}
	if len(answered) == 0 {
		t.Fatal("no field of the schema is an enum")
	}
	var b strings.Builder
	b.WriteString(`# Terms

<!-- Written by make generate from schema.graphql. -->

The values that the API answers with, and what they are called in German
administration and publishing.
`)
	for _, def := range slices.SortedFunc(maps.Values(answered), func(a, b *ast.Definition) int {
		return cmp.Compare(a.Name, b.Name)
	}) {
		var rows [][]string
		for _, v := range def.EnumValues {
			rows = append(rows, []string{"`" + v.Name + "`", v.Description})
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s", def.Name, def.Description, table([]string{"Value", "Term"}, rows))
	}
	return b.String()
}

// table is one in Markdown that also reads well as plain text.
func table(head []string, rows [][]string) string {
	width := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			row[i] = strings.ReplaceAll(strings.Join(strings.Fields(cell), " "), "|", `\|`)
			width[i] = max(width[i], len([]rune(row[i])))
		}
	}
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = strings.Repeat("-", width[i])
	}
	var b strings.Builder
	for _, row := range slices.Concat([][]string{head, rule}, rows) {
		for i, cell := range row {
			b.WriteString("| " + cell + strings.Repeat(" ", width[i]-len([]rune(cell))+1))
		}
		b.WriteString("|\n")
	}
	return b.String()
}
