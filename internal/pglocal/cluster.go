package pglocal

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// create runs initdb unless there is a cluster. It works in data.new, so that an
// interrupted one never looks like a cluster.
func (s *Server) create(ctx context.Context, user account) error {
	if major, err := clusterMajor(s.data()); err != nil || major != 0 {
		return err
	}
	if err := os.WriteFile(s.path("password"), []byte(rand.Text()), 0o600); err != nil {
		return unwritable(s.dir, err)
	}
	if err := user.own(s.path("password")); err != nil {
		return unwritable(s.dir, err)
	}
	args := []string{
		"--pgdata=" + s.path("data.new"), "--username=" + superuser, "--pwfile=" + s.path("password"),
		"--auth-local=trust", "--auth-host=scram-sha-256",
		"--encoding=UTF8", "--locale-provider=libc",
	}
	if s.volatile {
		args = append(args, "--no-sync")
	}
	// C.UTF-8 sorts by code point everywhere alike and knows that Ä is a letter.
	// Not every system has it, and plain C breaks pg_trgm on umlauts.
	var out []byte
	var err error
	for _, locale := range [][]string{{"--locale=C.UTF-8"}, {"--lc-collate=C", "--lc-ctype=en_US.UTF-8"}, {"--locale=C"}} {
		if err := s.emptyFolder("data.new", user); err != nil {
			return err
		}
		out, err = s.initdb(ctx, user, append(args, locale...))
		if err == nil || !bytes.Contains(out, []byte("invalid locale")) {
			break
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("initdb failed in %s (%w): %s", s.dir, err, lastLines(string(out), 3))
	}
	if err := os.Rename(s.path("data.new"), s.data()); err != nil {
		return unwritable(s.dir, err)
	}
	return nil
}

func (s *Server) emptyFolder(name string, user account) error {
	path := s.path(name)
	if err := errors.Join(os.RemoveAll(path), os.Mkdir(path, 0o700)); err != nil {
		return unwritable(s.dir, err)
	}
	if err := user.own(path); err != nil {
		return unwritable(s.dir, err)
	}
	return nil
}

func (s *Server) initdb(ctx context.Context, user account, args []string) ([]byte, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, s.install.program("initdb"), args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	exited, err := s.spawn(cmd, user)
	if err != nil {
		return nil, err
	}
	err = <-exited
	return out.Bytes(), err
}

// spawn starts a program as user and sends what Wait returns.
func (s *Server) spawn(cmd *exec.Cmd, user account) (<-chan error, error) {
	cmd.Dir = s.dir // the folder we stand in may be closed to user
	cmd.SysProcAttr = user.attributes()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PG") && !strings.HasPrefix(v, "LC_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C") // messages that launch can recognise

	started, exited := make(chan error), make(chan error, 1)
	go func() {
		// Linux signals the child when the thread that started it ends, which Go
		// may do at any time to a thread that is not locked.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			exited <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		if errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("%s may not be run by %s (%w): install Postgres where everybody can read it, or set STADTGRAPH_POSTGRES_BIN", cmd.Path, user, err)
		}
		return nil, err
	}
	return exited, nil
}

// adopt takes over a postmaster that outlived its owner, waiting for one that is
// still starting or shutting down.
func (s *Server) adopt(ctx context.Context, c Config) (bool, error) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		at, err := readAddress(s.data())
		if err != nil || !alive(at.pid, s.data()) {
			return false, nil //nolint:nilerr // no address is no server to adopt
		}
		err = s.dial(ctx, at)
		if err == nil && at.ready {
			s.at = at
			go s.watch(at.pid)
			if at.tcp == (c.Port != 0 || runtime.GOOS == "windows") && (c.Port == 0 || c.Port == at.port) {
				return true, nil
			}
			// It listens elsewhere: replace it.
			if err := s.end(ctx); err != nil {
				return false, err
			}
			s.done = make(chan struct{})
			return false, nil
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if time.Now().After(deadline) {
			return false, fmt.Errorf("process %d runs Postgres in %s and does not answer: end it, then try again", at.pid, s.data())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Server) dial(ctx context.Context, at address) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, at.url(superuser, s.password, "postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// watch closes done when a postmaster that is not our child ends. It looks at the
// process once a second, which costs a run of ps on some systems, and more often
// once postmaster.pid is gone, which is the last thing but one that Postgres does.
func (s *Server) watch(pid int) {
	done := s.done
	for tick := 0; ; tick++ {
		at, err := readAddress(s.data())
		if (tick%20 == 0 || err != nil || at.pid != pid) && !alive(pid, s.data()) {
			close(done)
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Stop ends the postmaster, adopted or not, and gives the data directory back.
// When ctx ends first, Postgres is told to stop without the final checkpoint,
// which loses nothing and makes the next start slower.
func (s *Server) Stop(ctx context.Context) error {
	defer s.release()
	return s.end(ctx)
}

// release gives up what outlives the postmaster.
func (s *Server) release() {
	if strings.HasPrefix(s.at.socket, filepath.Join(os.TempDir(), tempPrefix)) {
		os.RemoveAll(s.at.socket)
	}
	s.owner.Unlock()
}

func (s *Server) end(ctx context.Context) error {
	if s.at.pid == 0 || closed(s.done) {
		return nil
	}
	// Without durability the checkpoint is for nothing, and after many created
	// databases it took up to 38 s.
	if !s.volatile {
		if err := s.install.shutdown(s.at.pid, s.data(), false); err != nil && !closed(s.done) {
			return fmt.Errorf("stop Postgres: %w", err)
		}
		select {
		case <-s.done:
			return nil
		case <-ctx.Done():
		}
	}
	if err := s.install.shutdown(s.at.pid, s.data(), true); err != nil && !closed(s.done) {
		return fmt.Errorf("stop Postgres: %w", err)
	}
	select {
	case <-s.done:
		return nil
	case <-time.After(20 * time.Second):
		return fmt.Errorf("Postgres, process %d, does not stop: end it by hand", s.at.pid)
	}
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// Reset stops what runs in dataDir and deletes what Start put there. It leaves
// other files alone and refuses a folder that Start did not make.
func Reset(dataDir string) error {
	entries, err := os.ReadDir(dataDir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return unwritable(dataDir, err)
	}
	if !isOurs(dataDir) {
		return fmt.Errorf("%s was not made by stadtgraph and is left alone: choose the right --data-dir, or delete it by hand", dataDir)
	}
	s := &Server{done: make(chan struct{}), volatile: true}
	if s.dir, err = filepath.Abs(dataDir); err != nil {
		return err
	}
	if s.owner, err = claim(s.dir); err != nil {
		return err
	}
	defer s.release()

	// Stopping comes first: a postmaster without files keeps its port for ever.
	if at, err := readAddress(s.data()); err == nil && alive(at.pid, s.data()) {
		s.at = at
		go s.watch(at.pid)
		if err := s.end(context.Background()); err != nil {
			return err
		}
	}
	for _, name := range []string{"data", "data.new", "run", "password", TokenFile, KeyFile, "postgres.log", marker} {
		if err := os.RemoveAll(s.path(name)); err != nil {
			return unwritable(s.dir, err)
		}
	}
	os.Remove(s.dir) // unless something else is in there
	return nil
}

// Running returns the URL of Database in the cluster in dataDir, if a live
// process owns it and it answers.
func Running(ctx context.Context, dataDir string) (url string, ok bool) {
	if !isOurs(dataDir) {
		return "", false
	}
	if lock, err := TryLock(filepath.Join(dataDir, marker), true); err == nil {
		lock.Unlock()
		return "", false
	}
	at, err := readAddress(filepath.Join(dataDir, "data"))
	if err != nil {
		return "", false
	}
	password, err := os.ReadFile(filepath.Join(dataDir, "password"))
	if err != nil {
		return "", false
	}
	url = at.url(Role, string(password), Database)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", false
	}
	return url, conn.Close(ctx) == nil
}

// readAddress reads postmaster.pid: process id, data directory, start time, port,
// socket folder, listen address, shared memory, state.
func readAddress(data string) (address, error) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return address{}, err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 6 {
		return address{}, fmt.Errorf("postmaster.pid is incomplete")
	}
	at := address{socket: lines[4], tcp: lines[5] != ""}
	if at.pid, err = strconv.Atoi(lines[0]); err != nil {
		return address{}, err
	}
	if at.port, err = strconv.Atoi(lines[3]); err != nil {
		return address{}, err
	}
	at.ready = len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
	return at, nil
}
