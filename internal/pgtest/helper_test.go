//go:build unix

package pgtest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Processes that use a cluster of their own, as test binaries of other packages
// would, run this binary with clusterVariable and one of the tests named below.
const (
	clusterVariable = "STADTGRAPH_PGTEST_TEST_CLUSTER"
	testGrace       = time.Second
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(clusterVariable); dir != "" {
		theCluster = cluster{dir, testGrace}
	}
	os.Exit(m.Run())
}

// inCluster skips a test that only makes sense as a process of a test below.
func inCluster(t *testing.T) {
	t.Helper()
	if os.Getenv(clusterVariable) == "" {
		t.Skip("run by another test")
	}
}

// newCluster is a folder for a cluster that ends soon.
func newCluster(t *testing.T) cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a cluster of its own")
	}
	dir := filepath.Join(fastFolder(), "pgtest-"+strconv.Itoa(os.Getpid())+"-"+strings.ToLower(t.Name()))
	return cluster{dir, testGrace}
}

// process runs one of our tests in a process of its own.
func (c cluster) process(test string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.v", "-test.count=1", "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), clusterVariable+"="+c.dir, "STADTGRAPH_TEST_DATABASE_URL=")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// postmaster is the process id of the cluster's Postgres, or 0.
func (c cluster) postmaster() int {
	text, _ := os.ReadFile(c.path("cluster/data/postmaster.pid"))
	line, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(line)
	return pid
}

// keeper is the process id of the cluster's keeper, or 0.
func (c cluster) keeper() int {
	text, _ := os.ReadFile(c.path("cluster/stadtgraph.lock"))
	_, after, _ := strings.Cut(string(text), "process ")
	pid, _ := strconv.Atoi(strings.TrimRight(after, ".\n"))
	return pid
}

// isGone waits until the cluster has ended without a trace.
func (c cluster) isGone(t *testing.T, postmaster int) {
	t.Helper()
	err := errors.New("not tried")
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = c.traces(postmaster); err == nil {
			return
		}
	}
	t.Errorf("the cluster is still there: %v", err)
}

func (c cluster) traces(postmaster int) error {
	if _, err := os.Stat(c.dir); !os.IsNotExist(err) {
		return fmt.Errorf("folder %s: %w", c.dir, err)
	}
	if postmaster != 0 && running(postmaster) {
		return fmt.Errorf("postmaster %d is running", postmaster)
	}
	return nil
}

// start runs a process until kill is called.
func (c cluster) start(t *testing.T, test string) (lines *bufio.Scanner, kill func()) {
	t.Helper()
	cmd := c.process(test)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	t.Cleanup(kill)
	return bufio.NewScanner(out), kill
}

// output runs a process that is expected to pass.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return string(out)
}

// until reads the output of a process up to a line that begins with want.
func until(t *testing.T, out *bufio.Scanner, want string) string {
	t.Helper()
	for out.Scan() {
		if after, ok := strings.CutPrefix(strings.TrimSpace(out.Text()), want); ok {
			return after
		}
	}
	t.Fatalf("the process ended before %q", want)
	return ""
}
