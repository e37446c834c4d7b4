package ndjson_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/batch"
	"stadtgraph/internal/ndjson"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/write"
)

// TestLinesWait: a line may refer to lines behind it, and lines to each other; what
// refers to nothing fails, and leaves nothing behind.
func TestLinesWait(t *testing.T) {
	t.Parallel()
	const child = `{"type":"Topic","slug":"child","name":"Child","scheme":"KEYWORD","parent":{"slug":"parent"}}`
	const parent = `{"type":"Topic","slug":"parent","name":"Parent","scheme":"KEYWORD"}`
	const entry = `{"type":"RankingEntry","source":"x","externalId":"1","ranking":{"slug":"later"},"municipality":{"key":"09461000"}}`
	one := func(slug, previous string) string {
		return fmt.Sprintf(`{"type":"Article","slug":%q,"title":%[1]q,"kind":"NEWS","lead":"L","previousCoverage":{"set":[{"slug":%q}]},"publicationStatus":"PUBLISHED"}`, slug, previous)
	}
	for name, c := range map[string]struct {
		lines []string
		want  []string // what is reported, in this order
		there []string // slugs
	}{
		"before what it refers to": {[]string{child, parent}, []string{"2 CREATED", "1 CREATED"}, []string{"child", "parent"}},
		"to each other":            {[]string{one("a", "b"), one("b", "a")}, []string{"1 CREATED", "2 CREATED"}, []string{"a", "b"}},
		"in a ring with one that refers to nothing": {[]string{one("a", "b"), one("b", "c"), one("c", "a"), one("d", "nobody"), one("e", "d")},
			[]string{"1 CREATED", "2 CREATED", "3 CREATED", "4 FAILED previousCoverage.set.0", "5 FAILED previousCoverage.set.0"}, []string{"a", "b", "c"}},
		"needed and not there": {[]string{entry}, []string{"1 FAILED municipality ranking"}, nil},
		"what exports have besides": {[]string{`{"type":"State","id":"x","key":"09"}`, `{"type":"Comment","body":"b"}`, parent, `{"type":"Cursor","cursor":"c"}`},
			[]string{"1 SKIPPED", "2 SKIPPED", "3 CREATED", "4 SKIPPED"}, []string{"parent"}},
		"with what else it is found by": {[]string{strings.Replace(parent, "{", `{"formerSlugs":["mother"],"externalIds":[{"source":"s","id":"7"}],`, 1),
			strings.Replace(child, `"slug":"parent"`, `"external":{"source":"s","id":"7"}`, 1), strings.Replace(child, `"parent":{"slug":"parent"}`, `"parent":{"slug":"mother"}`, 1)},
			[]string{"1 CREATED", "2 CREATED", "3 UNCHANGED"}, []string{"child", "parent"}},
	} {
		for _, way := range []batch.Options{{}, {Stop: true}} {
			t.Run(fmt.Sprint(name, " ", way.Stop), func(t *testing.T) {
				t.Parallel()
				pool := pgtest.DB(t)
				catalogue, err := graph.Catalogue()
				if err != nil {
					t.Fatal(err)
				}
				writable, err := graph.Writable(catalogue)
				if err != nil {
					t.Fatal(err)
				}
				writer := write.NewWriter(writable, pool)
				var got []string
				way.Report = func(l batch.Line) error {
					line := fmt.Sprint(l.Line, " ", l.Status)
					var paths []string
					for _, p := range l.UserErrors {
						paths = append(paths, strings.Join(p.Path, "."))
					}
					slices.Sort(paths)
					got = append(got, strings.TrimSpace(line+" "+strings.Join(paths, " ")))
					return nil
				}
				if _, err := batch.Run(t.Context(), writer, &auth.Actor{Name: "test", Role: auth.Admin},
					ndjson.Read(strings.NewReader(strings.Join(c.lines, "\n")), writer, catalogue, ""), way); err != nil {
					t.Fatal(err)
				}
				want, there := c.want, c.there
				if failed := slices.IndexFunc(want, func(l string) bool { return strings.Contains(l, "FAILED") }); way.Stop && failed >= 0 {
					want, there = want[:failed+1], nil
				}
				if !slices.Equal(got, want) {
					t.Errorf("reported %q, want %q", got, want)
				}
				var slugs []string
				if err := pool.QueryRow(t.Context(), `SELECT array_agg(slug ORDER BY slug) FROM (SELECT slug FROM topic UNION ALL SELECT slug FROM article) s`).Scan(&slugs); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(slugs, there) {
					t.Errorf("there are %q, want %q", slugs, there)
				}
			})
		}
	}
}
