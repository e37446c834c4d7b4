package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/tools/txtar"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/webhook"
	"stadtgraph/internal/write"
)

// newWriting is an executor that reads and writes a database.
func newWriting(t testing.TB, pool *pgxpool.Pool) *graph.Executor {
	t.Helper()
	planner := newPlanner(t, pool)
	writable, err := graph.Writable(planner.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	writer := write.NewWriter(writable, pool)
	hooks, err := webhook.New(webhook.Config{Keys: seal.NewBox("webhook", seal.Key{1}), Timeout: time.Second}, pool, planner)
	if err != nil {
		t.Fatal(err)
	}
	return graph.NewExecutor(planner).Writes(writer).Discusses(comment.NewDesk(discussion(t), writer, pool)).Tells(hooks)
}

// discussion is how tests let the public take part: with a key, and without waiting.
func discussion(t testing.TB) comment.Config {
	t.Helper()
	c := comment.Defaults
	c.Keys, c.Email, c.Fill, c.Depth = testKeys(t), comment.Required, 0, 3
	return c
}

func testKeys(t testing.TB) comment.Keys {
	t.Helper()
	keys, err := comment.ParseKeys([]string{"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// token is an actor with a role, limited to territories if there are any; nil is the public.
func token(role auth.Role, territories ...string) *auth.Actor {
	if role == "" {
		return nil
	}
	return &auth.Actor{Token: [16]byte{1}, Name: strings.ToLower(string(role)), Role: role, Territories: territories}
}

// TestWritten runs the files in testdata/written: each is a story, whose operations
// run one after the other on a database of its own with what ships. The first line of
// an operation says who acts: # as PUBLISHER, or # as EDITOR of 09461 for a token
// that is limited to territories, or # as the public. In variables, "{STEP.path.to.value}"
// is a value of an earlier answer. In answers, ids that are new are numbered,
// signed tokens are TOKEN and instants of the run are NOW.
func TestWritten(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/written/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			tell(t, file)
		})
	}
}

var (
	actsAs    = regexp.MustCompile(`^# as (?:the public|([A-Z]+)(?: of ([0-9 ]+))?)`)
	earlier   = regexp.MustCompile(`\{([a-z0-9-]+)\.([A-Za-z0-9_.]+)\}`)
	newID     = regexp.MustCompile(`"([a-z_]+)_(0[1-9][0-9a-z]{24})"`)
	newToken  = regexp.MustCompile(`"[A-Za-z0-9_-]{66}"`) // signed
	newMoment = regexp.MustCompile(`"20[0-9-]+T[0-9:.]+Z"`)
)

func tell(t *testing.T, file string) {
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
	pool := pgtest.From(t, "shipped", seedVersion(), seed)
	if data := section("data.sql"); data != nil {
		if _, err := pool.Exec(t.Context(), string(data.Data)); err != nil {
			t.Fatalf("data.sql: %v", err)
		}
	}
	if _, err := pool.Exec(t.Context(), `INSERT INTO api_token (id, name, role, hash, hint) VALUES ('01000000-0000-0000-0000-000000000000', 'story', 'ADMIN', sha256('story'), 'sgt_stor')`); err != nil {
		t.Fatal(err)
	}
	executor := newWriting(t, pool)
	answers, ids, changed := map[string]any{}, map[string]string{}, false
	for _, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, ".graphql")
		if !ok {
			continue
		}
		who := actsAs.FindStringSubmatch(string(f.Data))
		if who == nil {
			t.Fatalf("%s does not say who acts", f.Name)
		}
		var variables map[string]any
		if v := section(name + ".variables.json"); v != nil {
			text := earlier.ReplaceAllFunc(v.Data, func(place []byte) []byte { return []byte(valueAt(t, answers, string(place))) })
			decoder := json.NewDecoder(bytes.NewReader(text))
			decoder.UseNumber()
			if err := decoder.Decode(&variables); err != nil {
				t.Fatalf("%s: variables: %v\n%s", name, err, text)
			}
		}
		raw := runAs(t, token(auth.Role(who[1]), strings.Fields(who[2])...), executor, string(f.Data), variables)
		var answer any
		if err := json.Unmarshal([]byte(raw), &answer); err != nil {
			t.Fatal(err)
		}
		answers[name] = answer
		var got bytes.Buffer
		_ = json.Indent(&got, []byte(settled(raw, ids)), "", "  ")
		got.WriteByte('\n')
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

// valueAt is the value that {step.path} names.
func valueAt(t *testing.T, answers map[string]any, place string) string {
	parts := strings.Split(strings.Trim(place, "{}"), ".")
	v := answers[parts[0]]
	if m, ok := v.(map[string]any); ok {
		v = m["data"]
	}
	for _, part := range parts[1:] {
		switch at := v.(type) {
		case map[string]any:
			v = at[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(at) {
				t.Fatalf("%s: no item %s", place, part)
			}
			v = at[i]
		}
	}
	if v == nil {
		t.Fatalf("%s is not in the answer", place)
	}
	return fmt.Sprint(v)
}

// settled replaces what is another on each run.
func settled(raw string, ids map[string]string) string {
	raw = newID.ReplaceAllStringFunc(raw, func(id string) string {
		if strings.Contains(id, "_01hgercx00") || strings.Contains(id, "_01h") { // of what ships
			return id
		}
		if ids[id] == "" {
			ids[id] = fmt.Sprintf(`"NEW %d"`, len(ids)+1)
		}
		return ids[id]
	})
	raw = newToken.ReplaceAllString(raw, `"TOKEN"`)
	return newMoment.ReplaceAllStringFunc(raw, func(moment string) string {
		if moment > `"2026` && moment < `"2090` {
			return `"NOW"`
		}
		return moment
	})
}
