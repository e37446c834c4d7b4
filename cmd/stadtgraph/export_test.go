package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExport(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	lines := `{"type":"Topic","slug":"open-data","name":"Open data","scheme":"KEYWORD"}
{"type":"Article","slug":"draft","title":"=Draft","kind":"NEWS","keywords":{"set":[{"slug":"open-data"}]}}`
	if got, _ := i.run(t, lines); got.code != exitOK {
		t.Fatal(got.stderr)
	}
	dir := t.TempDir()
	run := func(args ...string) result { return runProgram(t, i.env, append([]string{"export"}, args...)...) }

	file := filepath.Join(dir, "all.ndjson")
	got := run("ndjson", "--out", file)
	raw, err := os.ReadFile(file)
	if err != nil || got.code != exitOK || got.stdout != "" || !strings.Contains(got.stderr, "rows; changes go on at the cursor ") {
		t.Fatalf("%v %d %q %q", err, got.code, got.stdout, got.stderr)
	}
	written := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if last := written[len(written)-1]; !strings.HasPrefix(last, `{"type":"Cursor","cursor":"`) || !strings.Contains(string(raw), `"slug":"draft"`) {
		t.Errorf("it ends with %s", last)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("beside the file there are %v", left)
	}
	if again, reports := i.run(t, string(raw), "--all"); again.code != exitOK || !strings.Contains(again.stderr, " 0 created, 0 updated,") {
		t.Errorf("imported again: %s %v", again.stderr, reports)
	}

	if got := run("ndjson", "--type", "articles", "--anonymous"); got.code != exitOK || strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("the public sees %q", got.stdout)
	}
	if got := run("csv", "--type", "Article", "--excel"); got.code != exitOK || !strings.HasPrefix(got.stdout, "\ufeffid;slug;") || !strings.Contains(got.stdout, `"'=Draft"`) {
		t.Errorf("as a table %q", got.stdout)
	}
	if got := run("geojson"); got.code != exitOK || !strings.Contains(got.stdout, "FeatureCollection") {
		t.Errorf("as a map %q", got.stdout)
	}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitUsage, "--type", []string{"csv"}},
		{exitFailed, "choose one of Municipality", []string{"geojson", "--type", "Topic"}},
		{exitFailed, "choose one of State", []string{"csv", "--type", "all"}},
		{exitFailed, "--after", []string{"ndjson", "--after", "topic_1"}},
		{exitFailed, "choose another file with --out", []string{"ndjson", "--out", filepath.Join(dir, "none", "x")}},
	} {
		if got := run(c.args...); got.code != c.code || !strings.Contains(got.stderr, c.says) || got.stdout != "" {
			t.Errorf("%q: exit %d, %q", c.args, got.code, got.stderr)
		}
	}
}
