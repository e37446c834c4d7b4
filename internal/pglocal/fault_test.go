//go:build unix

package pglocal

import (
	"context"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestKilledPostmasterRecovers(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, Config{DataDir: dir})
	exec1(t, s.URL(Database), `CREATE TABLE acknowledged AS SELECT n FROM generate_series(1, 1000) n`)
	// A busy backend outlives its postmaster for a while.
	busy, err := pgx.Connect(t.Context(), s.URL(Database))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	defer func() { <-ended }()
	go func() {
		defer close(ended)
		defer busy.Close(context.Background())
		busy.Exec(context.Background(), `SELECT count(*) FROM generate_series(1, 3000000)`)
	}()

	if err := syscall.Kill(s.at.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("Done is still open")
	}
	stop(t, s)

	s = start(t, Config{DataDir: dir})
	if got := query1[int](t, s.URL(Database), `SELECT count(*) FROM acknowledged`); got != 1000 {
		t.Errorf("got %d rows, want 1000", got)
	}
}

func TestKilledOwner(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	owner := startOwner(t, dir)
	owner.written(t, 50)
	last := owner.kill(t)

	// At once, while Postgres may still be shutting down.
	begin := time.Now()
	s := start(t, Config{DataDir: dir})
	t.Logf("start after %v, adopted: %v", time.Since(begin), s.Adopted())
	if got := query1[int](t, s.URL(Database), `SELECT max(n) FROM written`); got < last {
		t.Errorf("got rows up to %d, but %d was acknowledged", got, last)
	}
	if runtime.GOOS == "linux" && s.Adopted() {
		t.Error("Postgres has outlived its owner, although Linux can prevent that")
	}
}

// orphan runs a postmaster without an owner, as kill -9 leaves it where the
// system does not tell it of its parent's death.
func orphan(t *testing.T, dir string, settings ...string) int {
	t.Helper()
	first := start(t, Config{DataDir: dir})
	stop(t, first)
	user, err := clusterUser()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-D", first.data(), "-k", first.path("run"), "-c", "listen_addresses="}, settings...)
	cmd := exec.Command(first.install.program("postgres"), args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if user.name != "" {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user.uid, Gid: user.gid}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go cmd.Wait()
	for range 1000 {
		if at, err := readAddress(first.data()); err == nil && at.ready {
			return at.pid
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the orphan does not become ready")
	return 0
}

func TestOrphanIsAdopted(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	pid := orphan(t, dir)
	begin := time.Now()
	s := start(t, Config{DataDir: dir})
	t.Logf("adopted after %v", time.Since(begin))
	if !s.Adopted() || s.at.pid != pid {
		t.Errorf("got process %d, adopted %v, want %d", s.at.pid, s.Adopted(), pid)
	}
	if got := query1[int](t, s.URL(Database), `SELECT 1`); got != 1 {
		t.Error(got)
	}
	stop(t, s)
	if alive(pid, s.data()) {
		t.Error("the orphan outlives Stop")
	}
	select {
	case <-s.Done():
	case <-time.After(time.Second):
		t.Error("Done is still open")
	}
}

func TestOrphanOnAnotherPortIsReplaced(t *testing.T) {
	t.Parallel()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	dir := dataDir(t)
	pid := orphan(t, dir)
	s := start(t, Config{DataDir: dir, Port: port})
	if s.Adopted() || s.at.pid == pid || s.at.port != port {
		t.Errorf("got %+v, adopted %v", s.at, s.Adopted())
	}
}

func TestResetEndsAnOrphan(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	pid := orphan(t, dir)
	if err := Reset(dir); err != nil {
		t.Fatal(err)
	}
	if alive(pid, filepath.Join(dir, "data")) {
		t.Error("the orphan is alive")
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("got %v, want no folder", err)
	}
}

// After a reboot the number in postmaster.pid may be anybody's.
func TestStalePostmasterPid(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, Config{DataDir: dir})
	file := filepath.Join(s.data(), "postmaster.pid")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, s)
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer other.Process.Kill()
	stale := strings.Replace(string(text), strconv.Itoa(s.at.pid), strconv.Itoa(other.Process.Pid), 1)
	if err := os.WriteFile(file, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	if user, err := clusterUser(); err != nil || user.own(file) != nil {
		t.Fatal(err)
	}
	s, err = Start(t.Context(), Config{DataDir: dir})
	if err == nil {
		stop(t, s)
	}
	if os.Getuid() == 0 {
		if err != nil {
			t.Error(err)
		}
	} else if err == nil || !strings.Contains(err.Error(), "delete this file") {
		// Postgres itself refuses while a process of its user has that number.
		t.Errorf("got %v", err)
	}
}

func TestUnreachableFolder(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root runs Postgres as another user")
	}
	t.Parallel()
	closed := tempDir(t)
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{DataDir: filepath.Join(closed, "sg")})
	if err == nil || !strings.Contains(err.Error(), closed+" is closed to user ") {
		t.Errorf("got %v", err)
	}
}

func TestUnwritableFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "sg")
	if os.Getuid() == 0 {
		dir = "/proc/stadtgraph" // nothing else is closed to root
	} else if err := os.Chmod(filepath.Dir(dir), 0o555); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), dir+" cannot be written") {
		t.Errorf("got %v", err)
	}
}

// TestAsOrdinaryUser repeats what matters as nobody, when we are root.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 || testing.Short() {
		t.Skip("we are an ordinary user, or in a hurry")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	uid, _ := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, _ := strconv.ParseUint(nobody.Gid, 10, 32)
	t.Parallel()
	home := tempDir(t)
	if err := os.Chown(home, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(home, "pglocal.test")
	copyFile(t, os.Args[0], binary)
	cmd := exec.Command(binary, "-test.v", "-test.run", "^Test(StartCreatesACluster|RestartKeepsData|KilledOwner|OrphanIsAdopted|StalePostmasterPid|UnwritableFolder|SecondOwner.*|DefaultDataDir)$")
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+home, "XDG_CACHE_HOME=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS") != 8 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestDefaultDataDir(t *testing.T) {
	dir, err := DefaultDataDir()
	home, _ := os.UserHomeDir()
	if want := filepath.Join(home, ".cache", "stadtgraph"); os.Getuid() == 0 {
		if dir != "/var/lib/stadtgraph" || err != nil {
			t.Errorf("root: got %s, %v", dir, err)
		}
	} else if runtime.GOOS == "linux" && (dir != want || err != nil) {
		t.Errorf("got %s, %v, want %s", dir, err, want)
	}
}
