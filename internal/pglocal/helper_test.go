package pglocal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ownerVariable makes the test binary a process that owns a cluster and writes
// into it until it is killed.
const ownerVariable = "STADTGRAPH_PGLOCAL_TEST_OWNER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerVariable); dir != "" {
		if err := ownAndWrite(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// ownAndWrite prints the number of each row after its commit was acknowledged.
func ownAndWrite(dir string) error {
	ctx := context.Background()
	s, err := Start(ctx, Config{DataDir: dir})
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.URL(Database))
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS written (n int)`); err != nil {
		return err
	}
	for n := 1; ; n++ {
		if _, err := conn.Exec(ctx, `INSERT INTO written VALUES ($1)`, n); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// owner is such a process.
type owner struct {
	cmd *exec.Cmd
	out *bufio.Scanner
}

func startOwner(t *testing.T, dir string) *owner {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerVariable+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return &owner{cmd, bufio.NewScanner(out)}
}

// written waits until the owner has been acknowledged n rows.
func (o *owner) written(t *testing.T, n int) {
	t.Helper()
	for o.out.Scan() {
		got, err := strconv.Atoi(o.out.Text())
		if err != nil {
			t.Fatalf("owner: %s", o.out.Text())
		}
		if got >= n {
			return
		}
	}
	t.Fatalf("owner ended before row %d", n)
}

// kill ends the owner with -9 and returns the last row it was acknowledged.
func (o *owner) kill(t *testing.T) (last int) {
	t.Helper()
	if err := o.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for o.out.Scan() {
		last, _ = strconv.Atoi(o.out.Text())
	}
	o.cmd.Wait()
	return last
}

// tempDir can be reached by the user Postgres runs as, which t.TempDir cannot. In
// memory where possible: a killed process loses nothing there either, and twenty
// initdb take a minute on a slow disk.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pglocal-")
	if err != nil {
		dir, err = os.MkdirTemp("", "pglocal-")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// dataDir is a data directory that does not exist yet.
func dataDir(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a cluster")
	}
	dir := filepath.Join(tempDir(t), "sg")
	t.Cleanup(func() {
		if err := Reset(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func start(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func exec1(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func query1[T any](t *testing.T, url, sql string) (value T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// copyFile makes an executable copy that everybody can read.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
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

func ping(t *testing.T, url string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return err
	}
	return conn.Close(context.Background())
}

// list describes a tree: names, sizes, times.
func list(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintln(&b, path, info.Size(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
