//go:build unix

package pgtest

import (
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func running(pid int) bool { return syscall.Kill(pid, 0) == nil }

// TestProcessOfMany is what a package with database tests looks like.
func TestProcessOfMany(t *testing.T) {
	inCluster(t)
	t.Run("", func(t *testing.T) {
		for i := range 10 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				exec1(t, DB(t), `CREATE TABLE mine ()`)
				if _, err := Tx(t).Exec(t.Context(), fmt.Sprintf(`CREATE TABLE mine%d ()`, i)); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// TestProcessThatWaits holds a database and a transaction until it is killed.
func TestProcessThatWaits(t *testing.T) {
	inCluster(t)
	pool := DB(t)
	Tx(t)
	fmt.Println("database", query1[string](t, pool, `SELECT current_database()`))
	fmt.Println("url", URL(t))
	time.Sleep(time.Minute)
}

// TestProcessThatLists shows which databases of tests there are.
func TestProcessThatLists(t *testing.T) {
	inCluster(t)
	s := connect(t)
	var names string
	err := s.admin.QueryRow(t.Context(), `SELECT coalesce(string_agg(datname, ' '), 'none') FROM pg_database WHERE starts_with(datname, 'test_')`).Scan(&names)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("databases", names)
}

func TestThreeProcessesAtOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, round := range []string{"cold", "warm"} {
		begin := time.Now()
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { output(t, c.process("TestProcessOfMany")) })
		}
		group.Wait()
		t.Logf("%s: %v", round, time.Since(begin))
	}
	pid := c.postmaster()
	if pid == 0 {
		t.Fatal("the cluster did not outlive its users")
	}
	c.isGone(t, pid)
}

func TestKilledProcessLeaksNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	lines, kill := c.start(t, "TestProcessThatWaits")
	database := until(t, lines, "database ")
	if got := output(t, c.process("TestProcessThatLists")); !strings.Contains(got, database) {
		t.Errorf("a living process lost its database %s: %s", database, got)
	}
	kill()
	var got string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); { // Postgres takes a moment to see that the process is gone
		if got = output(t, c.process("TestProcessThatLists")); strings.Contains(got, "databases none") {
			break
		}
	}
	if !strings.Contains(got, "databases none") {
		t.Errorf("want no database of the killed process: %s", got)
	}
	c.isGone(t, c.postmaster())
}

// The keeper belongs to nobody: killing the process that is waiting for it
// neither ends it nor troubles the next.
func TestKilledWhileStarting(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, kill := c.start(t, "TestProcessOfMany")
	for deadline := time.Now().Add(10 * time.Second); c.keeper() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	kill()
	output(t, c.process("TestProcessOfMany"))
	c.isGone(t, c.postmaster())
}

func TestKilledWhileStartingAlone(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	_, kill := c.start(t, "TestProcessOfMany")
	for deadline := time.Now().Add(10 * time.Second); c.keeper() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	kill()
	c.isGone(t, 0)
}

func TestKilledKeeperAndPostmaster(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for _, victim := range []func() int{c.keeper, c.postmaster} {
		output(t, c.process("TestProcessThatLists"))
		if err := syscall.Kill(victim(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	output(t, c.process("TestProcessOfMany"))
	c.isGone(t, c.postmaster())
}

// Where /dev/shm is missing or small, the cluster lies on disk.
func TestClusterOnDisk(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.dir = filepath.Join(os.TempDir(), filepath.Base(c.dir))
	output(t, c.process("TestProcessThatLists"))
	c.isGone(t, c.postmaster())
}

func TestDatabaseURLFromTheEnvironment(t *testing.T) {
	t.Parallel()
	server, c := newCluster(t), newCluster(t)
	c.dir += "-unused"
	lines, kill := server.start(t, "TestProcessThatWaits")
	variable := "STADTGRAPH_TEST_DATABASE_URL=" + until(t, lines, "url ")

	output(t, c.process("TestProcessOfMany", variable))
	// What tests share is left when a process ends, and goes when the next begins.
	if got := output(t, c.process("TestProcessThatLists", variable)); strings.Count(got, " test_") != 3 {
		t.Errorf("want only the three databases of the process that waits: %s", got)
	}
	kill()
	server.isGone(t, server.postmaster())

	out, err := c.process("TestProcessThatLists", "STADTGRAPH_TEST_DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/d").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "nothing answers at 127.0.0.1:1") || strings.Contains(string(out), "hunter2") {
		t.Errorf("got %v: %s", err, out)
	}
	if _, err := os.Stat(c.dir); !os.IsNotExist(err) {
		t.Errorf("a cluster was started: %v", err)
	}
}

func TestFolderOfSomebodyElse(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(c.dir)
	if err := os.Chmod(c.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := c.makeDir(); err == nil || !strings.Contains(err.Error(), "belongs to somebody else") {
		t.Errorf("got %v", err)
	}
}

// TestAsOrdinaryUser repeats what matters as nobody, when we are root.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("we are an ordinary user")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	uid, _ := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, _ := strconv.ParseUint(nobody.Gid, 10, 32)
	t.Parallel()
	home, err := os.MkdirTemp("", "pgtest-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(home)
	if err := os.Chown(home, int(uid), int(gid)); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(home, "pgtest.test")
	copyExecutable(t, binary)
	if err := os.Chmod(home, 0o755); err != nil {
		t.Fatal(err)
	}

	c := newCluster(t)
	cmd := c.process("TestProcessOfMany")
	cmd.Path, cmd.Dir = binary, home
	cmd.Env = append(cmd.Env, "HOME="+home)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	output(t, cmd)
	if info, err := os.Stat(c.path("cluster/data")); err != nil || info.Sys().(*syscall.Stat_t).Uid != uint32(uid) {
		t.Errorf("got %v, %v, want a cluster of nobody", info, err)
	}
	c.isGone(t, c.postmaster())
}

func copyExecutable(t *testing.T, to string) {
	t.Helper()
	in, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
