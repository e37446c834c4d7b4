package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"stadtgraph/internal/pglocal"
)

// The cluster is shared by all test processes of a user and outlives each of
// them. Its folder holds:
//
//	start    locked while somebody looks whether the cluster runs, starts it, or ends it
//	users    locked, shared, by every test process as long as it lives
//	cluster  what pglocal keeps, owned by the keeper
//
// The keeper is a detached second run of the test binary that started it. It is
// the parent of Postgres, and ends it when users has been free for the grace time.
// The kernel drops locks even on kill -9, so nothing is left behind.
type cluster struct {
	dir   string
	grace time.Duration
}

// keeperVariable tells a test binary that it is to be the keeper: the folder,
// and the grace time.
const keeperVariable = "STADTGRAPH_PGTEST_KEEPER"

var theCluster = cluster{grace: time.Minute} // tests of this package have their own

// usersLock lives as long as the process.
var usersLock *pglocal.Lock //nolint:unused // held, not read

func init() {
	grace, dir, ok := strings.Cut(os.Getenv(keeperVariable), " ")
	if !ok {
		return
	}
	duration, err := time.ParseDuration(grace)
	if err == nil {
		err = cluster{dir, duration}.keep()
	}
	if err != nil {
		fmt.Println(err) // to the process that started us, see spawnKeeper
		os.Exit(1)
	}
	os.Exit(0)
}

// useCluster returns the URL of the cluster's maintenance database, after
// starting it if need be.
func useCluster(ctx context.Context) (string, error) {
	c := theCluster
	if c.dir == "" {
		var err error
		if c.dir, err = defaultDir(ctx); err != nil {
			return "", err
		}
	}
	if err := c.makeDir(); err != nil {
		return "", err
	}
	start, err := c.lockStart(ctx)
	if err != nil {
		return "", fmt.Errorf("wait for the test cluster: %w", err)
	}
	defer start.Unlock()
	if usersLock, err = pglocal.WaitLock(ctx, c.path("users"), true); err != nil {
		return "", fmt.Errorf("join the test cluster: %w", err)
	}
	// A process that comes and goes between two looks of the keeper counts too.
	now := time.Now()
	if err := os.Chtimes(c.path("users"), now, now); err != nil {
		return "", err
	}
	if url, ok := pglocal.Running(ctx, c.path("cluster")); ok {
		return url, nil
	}
	if err := c.spawnKeeper(); err != nil {
		return "", fmt.Errorf("start the test cluster: %w", err)
	}
	url, ok := pglocal.Running(ctx, c.path("cluster"))
	if !ok {
		return "", errors.New("the test cluster ended at once: run the test again")
	}
	return url, nil
}

func (c cluster) path(name string) string { return filepath.Join(c.dir, name) }

// defaultDir carries the user and the major version, so that neither has to fit
// the other's cluster.
func defaultDir(ctx context.Context) (string, error) {
	major, err := pglocal.Major(ctx)
	if err != nil {
		return "", err
	}
	return filepath.Join(fastFolder(), fmt.Sprintf("stadtgraph-test-%d-pg%d", os.Getuid(), major)), nil
}

// makeDir makes sure that the folder is ours alone to write: its parent is open
// to everybody.
func (c cluster) makeDir() error {
	if err := os.Mkdir(c.dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("the test cluster has no folder: %w", err)
	}
	info, err := os.Lstat(c.dir)
	if errors.Is(err, os.ErrNotExist) {
		return c.makeDir() // the keeper has just removed it
	}
	if err != nil {
		return err
	}
	if !info.IsDir() || !ownedByUs(info) {
		return fmt.Errorf("%s belongs to somebody else: remove it, or set STADTGRAPH_TEST_DATABASE_URL", c.dir)
	}
	return nil
}

// lockStart makes the folder again if the keeper removes it meanwhile.
func (c cluster) lockStart(ctx context.Context) (*pglocal.Lock, error) {
	for {
		start, err := pglocal.WaitLock(ctx, c.path("start"), false)
		if !errors.Is(err, os.ErrNotExist) {
			return start, err
		}
		if err := c.makeDir(); err != nil {
			return nil, err
		}
	}
}

// spawnKeeper returns when the cluster answers. The caller holds the start lock.
func (c cluster) spawnKeeper() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), keeperVariable+"="+c.grace.String()+" "+c.dir)
	cmd.SysProcAttr = detached()
	// The keeper has none of our files: `go test` waits until nobody holds its
	// output any more.
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	report, err := io.ReadAll(out)
	go func() { _ = cmd.Wait() }() // only so that it is no zombie while this process lives
	if text := strings.TrimSpace(string(report)); err == nil && text != "ready" {
		err = errors.New(text)
	}
	return err
}

// keep runs the cluster until nobody has used it for the grace time.
func (c cluster) keep() error {
	signal.Ignore(syscall.SIGPIPE) // whoever waits for our word may be killed
	server, err := c.takeOver()
	if err != nil {
		return err
	}
	fmt.Println("ready")
	os.Stdout.Close()
	if server == nil {
		return nil // there is a keeper already
	}

	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-server.Done(); cancel() }()
	start, err := c.awaitIdle(ctx)
	if stopErr := server.Stop(context.Background()); stopErr != nil {
		return stopErr
	}
	if err != nil {
		// Postgres ended by itself. Stop came first, because a process that has
		// noticed may hold start until its own keeper gets the folder from us.
		if start, err = c.lockStart(context.Background()); err != nil {
			return err
		}
	}
	defer start.Unlock()
	if err := pglocal.Reset(c.path("cluster")); errors.Is(err, pglocal.ErrInUse) {
		return nil // there is another keeper by now
	} else if err != nil {
		return err
	}
	// Removing lock files is safe: who opened them before will see that they are
	// gone (pglocal.TryLock). But start comes last, since after it the folder may
	// be another process's, and goes only if it is empty.
	os.Remove(c.path("users"))
	os.Remove(c.path("start"))
	os.Remove(c.dir)
	return nil
}

// takeOver starts a new cluster, and removes what a keeper that was killed left:
// without durability nobody knows what it is worth. It returns nil when there is a
// keeper at work, because the process that started it was killed before the
// cluster answered.
func (c cluster) takeOver() (*pglocal.Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	data := c.path("cluster")
	for {
		err := pglocal.Reset(data)
		if err == nil {
			var server *pglocal.Server
			server, err = pglocal.Start(ctx, pglocal.Config{DataDir: data, Volatile: true, Settings: settings})
			if err == nil {
				return server, nil
			}
		}
		if !errors.Is(err, pglocal.ErrInUse) || ctx.Err() != nil {
			return nil, err
		}
		if _, ok := pglocal.Running(ctx, data); ok {
			return nil, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// awaitIdle waits until users has been free for the grace time, and returns the
// start lock, which keeps it free.
func (c cluster) awaitIdle(ctx context.Context) (*pglocal.Lock, error) {
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(time.Second, c.grace/4)):
		}
		if !c.idle() {
			last = time.Now()
			continue
		}
		if info, err := os.Stat(c.path("users")); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		if time.Since(last) < c.grace {
			continue
		}
		start, err := c.lockStart(ctx)
		if err != nil || c.idle() {
			return start, err
		}
		start.Unlock()
	}
}

func (c cluster) idle() bool {
	lock, err := pglocal.TryLock(c.path("users"), false)
	if err != nil {
		return false
	}
	lock.Unlock()
	return true
}

// settings suit many short-lived databases. Autovacuum is off so that plans do not
// depend on when it came by; statistics come with the template or from ANALYZE.
// Shared memory in files goes with the folder, even after kill -9, and does not
// need a large /dev/shm.
var settings = map[string]string{
	"max_connections":            "500",
	"autovacuum":                 "off",
	"dynamic_shared_memory_type": "mmap",
	"wal_level":                  "minimal",
	"max_wal_senders":            "0",
	"max_wal_size":               "1GB",
	"checkpoint_timeout":         "1h",
}
