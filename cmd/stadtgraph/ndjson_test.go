package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/batch"
	"stadtgraph/internal/pgtest"
)

// importing runs import ndjson on a database.
type importing struct {
	env []string
	db  *pgx.Conn
}

func newImporting(t *testing.T) *importing {
	t.Helper()
	url := pgtest.URL(t)
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	return &importing{[]string{"DATABASE_URL=" + url}, db}
}

// run imports a text and gives what became of it.
func (i *importing) run(t *testing.T, text string, args ...string) (result, []batch.Line) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "lines.ndjson")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := runProgram(t, i.env, append([]string{"import", "ndjson", file}, args...)...)
	return got, reported(t, got.stdout)
}

func reported(t *testing.T, text string) (lines []batch.Line) {
	t.Helper()
	for line := range strings.Lines(text) {
		var l batch.Line
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("a report that is no JSON: %v\n%s", err, line)
		}
		lines = append(lines, l)
	}
	return lines
}

func (i *importing) value(t *testing.T, sql string) string {
	t.Helper()
	var v string
	if err := i.db.QueryRow(t.Context(), `SELECT coalesce((`+sql+`)::text, '')`).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

const someContent = `{"type":"Topic","slug":"open-data","name":"Open Data","scheme":"ACTION_FIELD"}
{"type":"Organization","slug":"stadtwerke","name":"Stadtwerke","kind":"COMPANY"}
{"type":"Article","externalId":"7","kind":"NEWS","title":"Offene Daten","lead":"Ein Anfang.","topics":{"set":[{"slug":"open-data"}]},"sponsor":null,"publicationStatus":"PUBLISHED","publishedAt":"2020-05-01T12:00:00Z"}
{"type":"Article","externalId":"8","kind":"NEWS","title":"Mehr","previousCoverage":{"add":[{"external":{"source":"cms","id":"7"}}]}}
`

func TestImportNDJSON(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	const articles = `SELECT count(*) FROM article`

	got, _ := i.run(t, someContent, "--source", "cms", "--dry-run")
	if got.code != exitOK || !strings.Contains(got.stderr, "4 lines: 4 created, 0 updated, 0 unchanged, 0 failed; a dry run") || i.value(t, articles) != "0" {
		t.Errorf("dry run: got %+v", got)
	}
	got, lines := i.run(t, someContent, "--source", "cms", "--all")
	if got.code != exitOK || len(lines) != 4 || lines[2].Status != "CREATED" || lines[2].Type != "Article" || !strings.HasPrefix(lines[2].ID, "article_") {
		t.Fatalf("got %+v", got)
	}
	for sql, want := range map[string]string{
		articles: "2",
		`SELECT slug || ' ' || publication_status || ' ' || published_at FROM article WHERE id = (SELECT id FROM external_id WHERE external_id = '7')`: "offene-daten PUBLISHED 2020-05-01 12:00:00+00",
		`SELECT count(*) FROM article_previous`: "1",
		`SELECT name || ' ' || topic_count FROM (SELECT name, (SELECT count(*) FROM article_topic) AS topic_count FROM topic) t`: "Open Data 1",
		`SELECT string_agg(DISTINCT actor_name, ',') FROM change`:                                                                "import ndjson",
		`SELECT count(*) FROM search_stale`:                                                                                      "0",
		`SELECT count(*) FROM search_document WHERE type = 'Article'`:                                                            "2",
	} {
		if v := i.value(t, sql); v != want {
			t.Errorf("%s: got %q, want %q", sql, v, want)
		}
	}
	// Again: nothing twice.
	if got, _ = i.run(t, someContent, "--source", "cms"); got.code != exitOK || got.stdout != "" || !strings.Contains(got.stderr, "4 lines: 0 created") || i.value(t, articles) != "2" {
		t.Errorf("again: got %+v", got)
	}
	// A version is compared.
	got, lines = i.run(t, `{"type":"Article","source":"cms","externalId":"7","version":99,"title":"Anders"}`)
	if line := got.complaint(t, exitFailed); len(lines) != 1 || lines[0].UserErrors[0].Code != "CONFLICT" || lines[0].UserErrors[0].Path[0] != "version" || lines[0].UserErrors[0].CurrentVersion == 0 || !strings.Contains(line, "1 of 1 lines failed") {
		t.Errorf("version: got %+v", got)
	}
}

// Whatever a file holds, each line that cannot be imported is named, and all others
// are there.
func TestImportNDJSONUgly(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	topic := func(n int) string {
		return fmt.Sprintf(`{"type":"Topic","slug":"t-%d","name":"T %[1]d","scheme":"ACTION_FIELD"}`, n)
	}
	var file string
	var want []string
	for _, c := range []struct{ line, path, want string }{
		{"\ufeff" + topic(1), "", ""},
		{topic(2) + "\r", "", ""},
		{" \t\r", "", ""},
		{"", "", ""},
		{`{"type":"Topic","name":"` + strings.Repeat("x", 50<<20) + `"}`, "", "TOO_LONG A line may have 8 MB at most."},
		{topic(3), "", ""},
		{"{\"type\":\"Topic\",\"name\":\"M\xfcnchen\"}", "", "INVALID This is no UTF-8, from byte 26 on"},
		{`{"type":"Topic","name":"a\u0000b"}`, "name", "INVALID This must not contain the NUL character."},
		{"{\"type\":\"Topic\",\"name\":\"a\x00b\"}", "", "INVALID This is no JSON, near byte"},
		{`{"type":"Topic","name":"a","name":"b"}`, "name", "INVALID This field is there twice"},
		{`{"type":"Topic","name":"a","parent":{"slug":"x","slug":"y"}}`, "parent.slug", "INVALID This field is there twice"},
		{`{"type":"Topik","name":"a"}`, "type", `INVALID "Topik" is no type that can be imported: it is one of Article, `},
		{`{"type":7,"name":"a"}`, "type", `INVALID "7" is no type`},
		{`{"name":"a"}`, "type", "REQUIRED A line says what it is: one of Article, "},
		{`{"type":"Municipality","name":"a"}`, "", ""}, // of an export: it comes with the register
		{`{"type":"Topic","name":"a","colour":"red"}`, "colour", "INVALID This is a field that TopicInput does not know."},
		{`{"type":"Article","title":"a","topics":{"put":[]}}`, "topics.put", "INVALID This is a field that ReferenceListInput does not know."},
		{`{"type":"Article","title":"a","topics":[{"slug":"t-1"}]}`, "topics", "INVALID This"},
		{`{"type":"Article","kind":"news","title":"a"}`, "kind", "INVALID This"},
		{`{"type":"Topic"}`, "name", "REQUIRED This is needed."},
		{`{"type":"Article","kind":"NEWS","title":"a","topics":{"set":[{"slug":"t-1"},{"slug":"t-99"}]}}`, "topics.set.1", "NOT_FOUND There is no Topic with this slug."},
		{`{"type":"Topic","name":"a","id":"topic_1"}`, "id", "INVALID This"},
		{`{"type":"Topic","name":"a","id":"article_01h455vb4pex5vsknk084sn02q"}`, "id", "NOT_FOUND This is no id of a Topic."},
		{`{"type":"Topic","name":"a","source":"cms"}`, "", "INVALID Give `source` and `externalId`, or neither."},
		{`{"type":"Topic","name":"a","scheme":"ACTION_FIELD","publicationStatus":"PUBLISHED"}`, "publicationStatus", "INVALID A Topic has no life cycle of its own."},
		{topic(4) + ` {"type":"Topic"}`, "", "INVALID There is something behind the object, from byte 67 on."},
		{topic(4) + `,`, "", "INVALID There is something behind the object"},
		{`[` + topic(4) + `]`, "", "INVALID A line holds one JSON object"},
		{`null`, "", "INVALID A line holds one JSON object"},
		{`{"type":"Topic",`, "", "INVALID The object does not end on its line."},
		{`{"type":"Topic","name":` + strings.Repeat("[", 1<<20), "name", "INVALID This is nested deeper"},
		{`{"type":"Topic","name":1e999999}`, "name", "INVALID This"},
		{topic(5), "", ""},
	} {
		number := 1 + strings.Count(file, "\n")
		file += c.line + "\n"
		if c.want != "" {
			want = append(want, fmt.Sprintf("%d %s: %s", number, c.path, c.want))
		}
	}
	file += topic(6) // without an end
	got, lines := i.run(t, file)
	got.complaint(t, exitFailed)
	if len(lines) != len(want) {
		t.Errorf("%d lines are reported, not %d\n%s", len(lines), len(want), got.stdout)
	}
	slices.SortFunc(lines, func(a, b batch.Line) int { return a.Line - b.Line }) // what refers to nothing comes last
	for n, line := range lines {
		p := line.UserErrors[0]
		said := fmt.Sprintf("%d %s: %s %s", line.Line, strings.Join(p.Path, "."), p.Code, p.Message)
		if n < len(want) && !strings.HasPrefix(said, want[n]) {
			t.Errorf("got  %s\nwant %s", said, want[n])
		}
	}
	if v := i.value(t, `SELECT string_agg(slug, ' ' ORDER BY slug) FROM topic`); v != "t-1 t-2 t-3 t-5 t-6" {
		t.Errorf("got topics %s", v)
	}

	// With --errors stop the first one ends it, and nothing is written.
	got, lines = i.run(t, topic(7)+"\n"+`{"type":"Topic"}`+"\n"+topic(8), "--errors", "stop")
	if got.complaint(t, exitFailed); len(lines) != 1 || lines[0].Line != 2 || !strings.Contains(got.stderr, "2 lines: 1 created, 0 updated, 0 unchanged, 1 failed; nothing is written") {
		t.Errorf("stop: got %+v", got)
	}
	if v := i.value(t, `SELECT count(*) FROM topic`); v != "5" {
		t.Errorf("stop: %s topics", v)
	}
	if got, _ = i.run(t, topic(7)+"\n"+topic(8), "--errors", "stop"); got.code != exitOK || i.value(t, `SELECT count(*) FROM topic`) != "7" {
		t.Errorf("stop: got %+v", got)
	}
}

func TestImportNDJSONFiles(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	dir := t.TempDir()
	for _, file := range []string{dir, filepath.Join(dir, "nothing")} {
		if line := runProgram(t, i.env, "import", "ndjson", file).complaint(t, exitFailed); !strings.Contains(line, file) {
			t.Errorf("got %q, want a line about %s", line, file)
		}
	}
	if got, _ := i.run(t, ""); got.code != exitOK || !strings.Contains(got.stderr, "0 lines") {
		t.Errorf("an empty file: got %+v", got)
	}
	report := filepath.Join(dir, "report.ndjson")
	cmd := program(t, i.env, "import", "ndjson", "-", "--report", report)
	cmd.Stdin = strings.NewReader(someContent)
	if out, err := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("standard input: %v\n%s", err, out)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	if lines := reported(t, string(text)); len(lines) != 2 || lines[0].Line != 3 { // no source is given
		t.Errorf("the report in a file: got %s", text)
	}
}

// What was reported before the import was killed is there, and running it again
// brings the rest, once.
func TestImportNDJSONKilled(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	var file bytes.Buffer
	const n = 1500
	for k := range n {
		fmt.Fprintf(&file, `{"type":"Topic","externalId":"%d","name":"Thema %[1]d","scheme":"ACTION_FIELD"}`+"\n", k)
	}
	name := filepath.Join(t.TempDir(), "topics.ndjson")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := program(t, i.env, "import", "ndjson", name, "--source", "s", "--all")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var before strings.Builder
	for out := bufio.NewReader(pipe); ; {
		line, err := out.ReadString('\n')
		if err != nil {
			break
		}
		before.WriteString(line)
		if strings.Count(before.String(), "\n") == 300 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Fatalf("it was not killed: %v", err)
	}
	lines := reported(t, before.String())
	if len(lines) < 300 || len(lines) >= n {
		t.Fatalf("%d lines were reported", len(lines))
	}
	waitForNobody(t, i.db)
	for _, line := range lines {
		if v := i.value(t, fmt.Sprintf(`SELECT count(*) FROM external_id e JOIN topic t USING (id) WHERE e.external_id = '%d'`, line.Line-1)); v != "1" {
			t.Fatalf("line %d was reported as %s and is not there", line.Line, line.Status)
		}
	}
	written := i.value(t, `SELECT count(*) FROM topic`)
	got := runProgram(t, i.env, "import", "ndjson", name, "--source", "s")
	if got.code != exitOK || !strings.Contains(got.stderr, fmt.Sprintf("%d lines: ", n)) || i.value(t, `SELECT count(*) FROM topic`) != fmt.Sprint(n) {
		t.Errorf("again: got %+v", got)
	}
	t.Logf("%s of %d were written when it was killed, %d of them reported", written, n, len(lines))
}

// waitForNobody waits until a process that was killed has no transaction any more.
func waitForNobody(t *testing.T, db *pgx.Conn) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var others int
		if err := db.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&others); err != nil {
			t.Fatal(err)
		}
		if others == 0 {
			return
		}
	}
	t.Fatal("there are still connections")
}
