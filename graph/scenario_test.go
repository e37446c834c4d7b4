package graph_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/search"
)

var update = flag.Bool("update", false, "rewrite the expected answers in testdata")

// TestScenarios runs the files in testdata: each is a txtar archive of
//
//	data.sql            rows beside what ships, or beside nothing (see below)
//	NAME.graphql        an operation; a first line "# as READER" sends it with a token of that role
//	NAME.variables.json its variables, if any
//	NAME.json           the answer
//
// A file whose comment says "empty database" starts from the bare schema, and one
// that says "searchable" makes what search needs of its data. A new
// case is a new file; its answers are written by go test ./graph -update, and
// then read.
func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runScenario(t, file)
		})
	}
}

func runScenario(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	section := func(name string) *txtar.File {
		for i := range archive.Files {
			if archive.Files[i].Name == name {
				return &archive.Files[i]
			}
		}
		return nil
	}
	pool := shipped(t)
	data := section("data.sql")
	switch {
	case bytes.Contains(archive.Comment, []byte("empty database")):
		pool = pgtest.DB(t)
	case data != nil:
		pool = pgtest.From(t, "shipped", seedVersion(), seed)
	}
	if data != nil {
		if _, err := pool.Exec(t.Context(), string(data.Data)); err != nil {
			t.Fatalf("data.sql: %v", err)
		}
	}
	planner := newPlanner(t, pool)
	if bytes.Contains(archive.Comment, []byte("searchable")) {
		if err := search.Refresh(t.Context(), pool, planner.Catalogue()); err != nil {
			t.Fatal(err)
		}
	}
	executor := graph.NewExecutor(planner)
	changed := false
	for _, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, ".graphql")
		if !ok {
			continue
		}
		var variables map[string]any
		if v := section(name + ".variables.json"); v != nil {
			decoder := json.NewDecoder(bytes.NewReader(v.Data))
			decoder.UseNumber()
			if err := decoder.Decode(&variables); err != nil {
				t.Fatalf("%s: variables: %v", name, err)
			}
		}
		before := planner.Statements()
		var got bytes.Buffer
		_ = json.Indent(&got, []byte(runAs(t, actorOf(t, f.Data), executor, string(f.Data), variables)), "", "  ")
		got.WriteByte('\n')
		if sent := planner.Statements() - before; sent > roots(t, string(f.Data)) {
			t.Errorf("%s took %d statements", name, sent)
		}
		want := section(name + ".json")
		switch {
		case want != nil && bytes.Equal(want.Data, got.Bytes()):
		case *update && want != nil:
			want.Data, changed = got.Bytes(), true
		case *update:
			archive.Files, changed = append(archive.Files, txtar.File{Name: name + ".json", Data: got.Bytes()}), true
		case want == nil:
			t.Errorf("%s has no expected answer; got\n%s", name, got.Bytes())
		default:
			t.Errorf("%s\ngot  %s\nwant %s", name, got.Bytes(), want.Data)
		}
	}
	if changed {
		if err := os.WriteFile(file, txtar.Format(ordered(archive)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// actorOf reads who sends an operation; nil for the public. The key of the token is
// that of the role in data.sql: 1 for READER, and so on.
func actorOf(t *testing.T, operation []byte) *auth.Actor {
	line, _, _ := strings.Cut(string(operation), "\n")
	name, ok := strings.CutPrefix(line, "# as ")
	if !ok {
		return nil
	}
	at := slices.Index(auth.Roles, auth.Role(name))
	if at < 0 {
		t.Fatalf("%q is no role", name)
	}
	return &auth.Actor{Name: name, Role: auth.Role(name), Token: [16]byte{6: 0x70, 8: 0x80, 15: byte(at + 1)}}
}

// ordered puts each answer behind its operation.
func ordered(a *txtar.Archive) *txtar.Archive {
	out := &txtar.Archive{Comment: a.Comment}
	answers := map[string]txtar.File{}
	for _, f := range a.Files {
		if name, ok := strings.CutSuffix(f.Name, ".json"); ok && !strings.HasSuffix(name, ".variables") {
			answers[name] = f
		}
	}
	for i, f := range a.Files {
		name := strings.TrimSuffix(f.Name, filepath.Ext(f.Name))
		if _, isAnswer := answers[name]; isAnswer && filepath.Ext(f.Name) == ".json" {
			continue
		}
		out.Files = append(out.Files, f)
		if filepath.Ext(f.Name) == ".graphql" {
			if i+1 < len(a.Files) && a.Files[i+1].Name == name+".variables.json" {
				continue
			}
			out.Files = append(out.Files, answers[name])
		}
		if base, ok := strings.CutSuffix(f.Name, ".variables.json"); ok {
			out.Files = append(out.Files, answers[base])
		}
	}
	return out
}

// roots counts the fields at the top of a query: at most one statement each.
func roots(t testing.TB, query string) int64 {
	t.Helper()
	n, depth := int64(0), 0
	for line := range strings.SplitSeq(query, "\n") {
		text := strings.TrimSpace(line)
		if depth == 1 && text != "" && text[0] != '#' && text[0] != '}' {
			n++
		}
		depth += strings.Count(text, "{") + strings.Count(text, "(") - strings.Count(text, "}") - strings.Count(text, ")")
	}
	return max(n, 1)
}
