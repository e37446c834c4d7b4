package pglocal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// fakeInstall looks like Postgres of that version.
func fakeInstall(t *testing.T, version string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell script")
	}
	bin := filepath.Join(t.TempDir(), "bin")
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	for _, name := range []string{"initdb", "postgres"} {
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

func TestChoose(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]int{
		"15.18 (Debian 15.18-0+deb12u1)": 15,
		"18beta1":                        18,
		"17.2":                           17,
		"14.9":                           0,
		"9.6.24":                         0,
		"nonsense":                       0,
	} {
		i, err := choose(t.Context(), fakeInstall(t, version), data)
		if want == 0 && err == nil || want != 0 && (err != nil || i.major != want) {
			t.Errorf("%s: got %d, %v, want %d", version, i.major, err, want)
		}
		if want == 0 && !strings.Contains(err.Error(), "STADTGRAPH_POSTGRES_BIN") {
			t.Errorf("%s: %v does not say what to do", version, err)
		}
	}

	t.Setenv("STADTGRAPH_POSTGRES_BIN", fakeInstall(t, "16.1"))
	if i, err := choose(t.Context(), "", data); err != nil || i.major != 16 {
		t.Errorf("environment: got %+v, %v", i, err)
	}
	t.Setenv("STADTGRAPH_POSTGRES_BIN", "/nonexistent")
	if _, err := choose(t.Context(), "", data); err == nil || !strings.Contains(err.Error(), "/nonexistent holds no usable Postgres") {
		t.Errorf("wrong environment: got %v", err)
	}
}

// A lone link to postgres says where initdb is, even without pg_config.
func TestChooseFollowsLinks(t *testing.T) {
	bin, links := fakeInstall(t, "99.1"), t.TempDir()
	if err := os.Symlink(filepath.Join(bin, "postgres"), filepath.Join(links, "postgres")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STADTGRAPH_POSTGRES_BIN", "")
	t.Setenv("PATH", links)
	i, err := choose(t.Context(), "", filepath.Join(links, "data"))
	if err != nil || i.major != 99 {
		t.Errorf("got %+v, %v", i, err)
	}
}

func TestChooseFindsNothing(t *testing.T) {
	t.Setenv("STADTGRAPH_POSTGRES_BIN", "")
	t.Setenv("PATH", t.TempDir())
	defer func(before []string) { folders = before }(folders)
	folders = nil
	if i, err := choose(t.Context(), "", t.TempDir()); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %+v, %v", i, err)
	}
	folders = []string{fakeInstall(t, "14.1"), fakeInstall(t, "16.1")}
	if i, err := choose(t.Context(), "", t.TempDir()); err != nil || i.major != 16 {
		t.Errorf("got %+v, %v, want the first that is new enough", i, err)
	}
}

func TestNumber(t *testing.T) {
	for path, want := range map[string]int{
		"/usr/lib/postgresql/9.6/bin": 9, "/usr/pgsql-17/bin": 17, "/opt/homebrew/opt/postgresql@18/bin": 18,
		"/Applications/Postgres.app/Contents/Versions/latest/bin": 0,
	} {
		if got := number(path); got != want {
			t.Errorf("%s: got %d, want %d", path, got, want)
		}
	}
}

func TestNotFoundSaysHowToInstall(t *testing.T) {
	for _, want := range []string{"apt install postgresql", "dnf install postgresql-server", "brew install postgresql@17", "Windows", "STADTGRAPH_POSTGRES_BIN", "DATABASE_URL"} {
		if !strings.Contains(ErrNotFound.Error(), want) {
			t.Errorf("%q does not mention %s", ErrNotFound, want)
		}
	}
}
