package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/postgres"
)

// crowd is how many write at once.
const crowd = 50

// newCrowd is an executor whose pool does not keep writers from meeting.
func newCrowd(t *testing.T) (*graph.Executor, *pgxpool.Pool) {
	t.Helper()
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: pgtest.URL(t), ApplicationName: "crowd", MaxConns: 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return newWriting(t, pool), pool
}

// written is what a mutation answered.
type written struct {
	node struct {
		ID, Slug string
		Version  int
	}
	code    string // of its first user error
	current int    // version, of a conflict
	raw     string
}

func mutate(t *testing.T, e *graph.Executor, query string, variables map[string]any) (w written) {
	t.Helper()
	w.raw = runAs(t, &auth.Actor{Name: "crowd", Role: auth.Admin}, e, query, variables)
	var got struct {
		Data map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(w.raw), &got); err != nil {
		t.Error(err)
	}
	for _, payload := range got.Data {
		for name, raw := range payload {
			var problems []struct {
				Code           string
				CurrentVersion int
			}
			switch {
			case name == "userErrors" && json.Unmarshal(raw, &problems) == nil && len(problems) > 0:
				w.code, w.current = problems[0].Code, problems[0].CurrentVersion
			case name == "article":
				_ = json.Unmarshal(raw, &w.node)
			}
		}
	}
	if w.code == "" && w.node.ID == "" && !strings.Contains(w.raw, `"results"`) {
		t.Errorf("got %s", w.raw)
	}
	return w
}

// together runs something as often as there are in the crowd, at once.
func together(do func(i int) written) []written {
	out := make([]written, crowd)
	var wait sync.WaitGroup
	start := make(chan struct{})
	for i := range crowd {
		wait.Go(func() { <-start; out[i] = do(i) })
	}
	close(start)
	wait.Wait()
	return out
}

const (
	createTitled = `mutation($t: String!) { createArticle(input: {article: {kind: NEWS, title: $t, lead: "L"}}) { article { id slug version } userErrors { code } } }`
	retitle      = `mutation($id: ID!, $v: Int!, $t: String!) { updateArticle(input: {id: $id, version: $v, article: {title: $t}}) {
		article { id version } userErrors { code currentVersion } } }`
	referTo = `mutation($id: ID!, $v: Int!, $to: ID!, $lead: String!) { updateArticle(input: {id: $id, version: $v, article: {previousCoverage: {add: [{id: $to}]}, lead: $lead}}) {
		article { id version } userErrors { code currentVersion } } }`
	importTwo = `mutation($a: ID!, $b: ID!, $t: String!) { importRecords(input: {records: [{id: $a, article: {title: $t}}, {id: $b, article: {title: $t}}]}) {
		results { status } userErrors { code } } }`
)

// Of all who change a row from one version, one wins; the others are told the version
// that it is at.
func TestOneWinsEachVersion(t *testing.T) {
	t.Parallel()
	e, pool := newCrowd(t)
	a := mutate(t, e, createTitled, map[string]any{"t": "Anfang"}).node
	for round := range 5 {
		won := 0
		for _, w := range together(func(i int) written {
			return mutate(t, e, retitle, map[string]any{"id": a.ID, "v": a.Version + round, "t": fmt.Sprintf("%d von %d", i, round)})
		}) {
			switch {
			case w.code == "" && w.node.Version == a.Version+round+1:
				won++
			case w.code != "CONFLICT" || w.current != a.Version+round+1:
				t.Errorf("round %d: got %s", round, w.raw)
			}
		}
		if won != 1 {
			t.Errorf("round %d: %d won", round, won)
		}
	}
	var history string
	if err := pool.QueryRow(t.Context(), `SELECT string_agg(version::text, ' ' ORDER BY txid, seq) FROM change WHERE type = 'Article'`).Scan(&history); err != nil {
		t.Fatal(err)
	}
	if history != "1 2 3 4 5 6" {
		t.Errorf("the history has versions %s", history)
	}
}

// Rows of one name get slugs of their own, whoever comes first.
func TestSlugsOfACrowd(t *testing.T) {
	t.Parallel()
	e, _ := newCrowd(t)
	var slugs, want []string
	for i, w := range together(func(int) written { return mutate(t, e, createTitled, map[string]any{"t": "Alle gleich"}) }) {
		slugs = append(slugs, w.node.Slug)
		want = append(want, "alle-gleich")
		if i > 0 {
			want[i] += fmt.Sprintf("-%d", i+1)
		}
	}
	slices.Sort(slugs)
	slices.Sort(want)
	if !slices.Equal(slugs, want) {
		t.Errorf("got %q", slugs)
	}
}

// Writers that need each other's rows succeed or are told of a conflict.
func TestCrossingWriters(t *testing.T) {
	t.Parallel()
	e, _ := newCrowd(t)
	a := mutate(t, e, createTitled, map[string]any{"t": "A"}).node
	b := mutate(t, e, createTitled, map[string]any{"t": "B"}).node
	for round := range 3 {
		lead := fmt.Sprint("Runde ", round) // or there would be nothing to change
		version := func(id string) int {
			return mutate(t, e, `mutation($id: ID!) { updateArticle(input: {id: $id, version: -1, article: {}}) { userErrors { code currentVersion } } }`, map[string]any{"id": id}).current
		}
		va, vb := version(a.ID), version(b.ID)
		won := 0
		for _, w := range together(func(i int) written {
			if i%2 == 0 {
				return mutate(t, e, referTo, map[string]any{"id": a.ID, "v": va, "to": b.ID, "lead": lead})
			}
			return mutate(t, e, referTo, map[string]any{"id": b.ID, "v": vb, "to": a.ID, "lead": lead})
		}) {
			if w.code == "" {
				won++
			} else if w.code != "CONFLICT" {
				t.Errorf("got %s", w.raw)
			}
		}
		if won != 2 {
			t.Errorf("%d won, not one of each row", won)
		}
	}
	for _, w := range together(func(i int) written {
		first, second := a.ID, b.ID
		if i%2 == 0 {
			first, second = second, first
		}
		return mutate(t, e, importTwo, map[string]any{"a": first, "b": second, "t": fmt.Sprint("Import ", i)})
	}) {
		if w.code != "" || strings.Contains(w.raw, "errors\":[{") {
			t.Errorf("got %s", w.raw)
		}
	}
}
