package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestImportCSV(t *testing.T) {
	t.Parallel()
	i := newImporting(t)
	file := filepath.Join(t.TempDir(), "programs.csv")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("id_hash;title;url;description;funding_type\n" +
		"1;Breitband;https://www.foerderdatenbank.de/FDB/Content/DE/Foerderprogramm/Bund/x.html;\"Für\nalle.\";Zuschuss\n" +
		"2;Gold;https://www.foerderdatenbank.de/FDB/Content/DE/Foerderprogramm/Bund/y.html;Für wenige.;Gold\n")
	got := runProgram(t, i.env, "import", "csv", file, "--dry-run")
	if got.complaint(t, exitFailed); !strings.Contains(got.stderr, "2 lines: 1 created, 0 updated, 0 unchanged, 1 failed; a dry run, nothing is written.") || i.value(t, `SELECT count(*) FROM funding_program`) != "0" {
		t.Errorf("dry run: %+v", got)
	}
	got = runProgram(t, i.env, "import", "csv", file, "--publish", "--all")
	lines := reported(t, got.stdout)
	if line := got.complaint(t, exitFailed); !strings.Contains(line, "1 of 2 lines failed") || len(lines) != 2 || lines[0].Status != "CREATED" || lines[1].Line != 4 || lines[1].UserErrors[0].Path[0] != "funding_type" {
		t.Errorf("%+v", got)
	}
	for sql, want := range map[string]string{
		`SELECT title || ' ' || publication_status FROM funding_program`: "Breitband PUBLISHED",
		`SELECT source || ' ' || external_id FROM external_id`:           "foerderdatenbank 1",
		`SELECT string_agg(DISTINCT actor_name, ',') FROM change`:        "import csv",
		`SELECT count(*) FROM search_document`:                           "1",
	} {
		if v := i.value(t, sql); v != want {
			t.Errorf("%s: got %q, want %q", sql, v, want)
		}
	}
	write(strings.ReplaceAll(string(must(os.ReadFile(file))), "Gold\n", "Darlehen\n"))
	if got = runProgram(t, i.env, "import", "csv", file); got.code != exitOK || got.stdout != "" || !strings.Contains(got.stderr, "2 lines: 1 created, 0 updated, 1 unchanged, 0 failed.") {
		t.Errorf("again: %+v", got)
	}
	write("name,population\n")
	if line := runProgram(t, i.env, "import", "csv", file).complaint(t, exitFailed); !strings.Contains(line, "The file lacks the column id_hash") {
		t.Errorf("got %q", line)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
