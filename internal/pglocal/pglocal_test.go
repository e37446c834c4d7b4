package pglocal

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStartCreatesACluster(t *testing.T) {
	t.Parallel()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{DataDir: dataDir(t), Port: port, Settings: map[string]string{"work_mem": "7MB"}})
	if s.Adopted() {
		t.Error("got an adopted server, want a new one")
	}
	for name, url := range map[string]string{"socket": s.URL(Database), "TCP": s.TCPURL(Database)} {
		got := query1[string](t, url, `
			SELECT concat_ws(' ', current_user, current_setting('is_superuser'), pg_encoding_to_char(encoding), datlocprovider, datctype,
				current_setting('TimeZone'), current_setting('fsync'), current_setting('synchronous_commit'), current_setting('work_mem'))
			FROM pg_database WHERE datname = current_database()`)
		if want := "stadtgraph off UTF8 c C.UTF-8 UTC on on 7MB"; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	// The owner of a database may add the extensions we use, as on managed servers.
	exec1(t, s.URL(Database), `CREATE EXTENSION pg_trgm; CREATE EXTENSION unaccent`)
	if got := query1[string](t, s.URL(Database), `SELECT lower('ÄÖÜ')`); got != "äöü" {
		t.Errorf("lower: got %q", got)
	}
	wrong := strings.Replace(s.TCPURL(Database), s.password, "wrong", 1)
	if err := s.dial(t.Context(), s.at); err != nil {
		t.Error(err)
	}
	if err := ping(t, wrong); err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("wrong password over TCP: got %v", err)
	}
}

func TestRestartKeepsData(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, Config{DataDir: dir})
	exec1(t, s.URL(Database), `CREATE TABLE kept AS SELECT 42 AS n`)
	stop(t, s)
	if err := ping(t, s.URL(Database)); err == nil {
		t.Error("it answers after Stop")
	}
	stop(t, s) // again does no harm

	begin := time.Now()
	s = start(t, Config{DataDir: dir})
	t.Logf("second start: %v", time.Since(begin))
	if got := query1[int](t, s.URL(Database), `SELECT n FROM kept`); got != 42 || s.Adopted() {
		t.Errorf("got %d, adopted %v", got, s.Adopted())
	}
}

func TestSecondOwnerIsRefused(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, Config{DataDir: dir})
	for name, try := range map[string]func() error{
		"start": func() error { _, err := Start(t.Context(), Config{DataDir: dir}); return err },
		"reset": func() error { return Reset(dir) },
	} {
		err := try()
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "in use by process ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := ping(t, s.URL(Database)); err != nil {
		t.Errorf("the first: %v", err)
	}
}

func TestRunning(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	if _, ok := Running(t.Context(), dir); ok {
		t.Error("running before it exists")
	}
	s := start(t, Config{DataDir: dir, Volatile: true})
	if url, ok := Running(t.Context(), dir); !ok || url != s.URL(Database) {
		t.Errorf("got %q, %v", url, ok)
	}
	stop(t, s)
	if _, ok := Running(t.Context(), dir); ok {
		t.Error("running after Stop")
	}
}

func TestInterruptedInitdb(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := Start(ctx, Config{DataDir: dir}); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 3*time.Second {
		t.Fatalf("got %v after %v, want a prompt end with the context", err, time.Since(begin))
	}
	// As after kill -9: a folder that is half filled.
	if err := os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data.new", "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{DataDir: dir})
	if got := query1[int](t, s.URL(Database), `SELECT 1`); got != 1 {
		t.Error(got)
	}
	if _, err := os.Stat(filepath.Join(dir, "data.new")); !os.IsNotExist(err) {
		t.Errorf("data.new: got %v", err)
	}
}

func TestOtherMajorVersionTouchesNothing(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, Config{DataDir: dir})
	stop(t, s)
	if err := os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := list(t, filepath.Join(dir, "data"))
	_, err := Start(t.Context(), Config{DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "was made by Postgres 9") || !strings.Contains(err.Error(), "--reset") {
		t.Errorf("got %v", err)
	}
	if after := list(t, filepath.Join(dir, "data")); after != before {
		t.Errorf("the cluster has changed:\n%s\nbefore:\n%s", after, before)
	}
	if err := Reset(dir); err != nil {
		t.Errorf("reset: %v", err)
	}
	start(t, Config{DataDir: dir})
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := dataDir(t)
	_, err = Start(t.Context(), Config{DataDir: dir, Port: l.Addr().(*net.TCPAddr).Port})
	if err == nil || !strings.Contains(err.Error(), "of 127.0.0.1 is in use") {
		t.Errorf("got %v", err)
	}
	start(t, Config{DataDir: dir}) // the directory is free again
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), strings.Repeat("long-", 30), "sg")
	t.Cleanup(func() { Reset(dir) })
	s := start(t, Config{DataDir: dir})
	socket := s.at.socket
	if got := query1[int](t, s.URL(Database), `SELECT 1`); got != 1 || strings.HasPrefix(socket, dir) {
		t.Errorf("got %d, socket in %s", got, socket)
	}
	stop(t, s)
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket's folder is left behind: %v", err)
	}
}

func TestForeignFolder(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Config{DataDir: dir}); err == nil || !strings.Contains(err.Error(), "holds other files") {
		t.Errorf("start: got %v", err)
	}
	if err := Reset(dir); err == nil || !strings.Contains(err.Error(), "not made by stadtgraph") {
		t.Errorf("reset: got %v", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestResetKeepsOtherFiles(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	if err := Reset(dir); err != nil {
		t.Errorf("a folder that does not exist: %v", err)
	}
	s := start(t, Config{DataDir: dir})
	stop(t, s)
	other := filepath.Join(dir, "media")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Reset(dir); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || entries[0].Name() != "media" {
		t.Errorf("got %v, %v, want only media", entries, err)
	}
	os.Remove(other)
}

func TestStopWithoutTime(t *testing.T) {
	t.Parallel()
	s := start(t, Config{DataDir: dataDir(t)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begin := time.Now()
	if err := s.Stop(ctx); err != nil || time.Since(begin) > 5*time.Second {
		t.Errorf("got %v after %v", err, time.Since(begin))
	}
}
