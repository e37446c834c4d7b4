package pglocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Lock is a lock on a file. The kernel gives it back when the process ends,
// however it ends, and child processes do not inherit it.
type Lock struct{ file *os.File }

// ErrLocked means that another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// TryLock locks the file at path, creating it if need be, or returns ErrLocked.
func TryLock(path string, shared bool) (*Lock, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lockFile(file, shared); err != nil {
			file.Close()
			return nil, err
		}
		// Its holder may have removed the file between our two calls; a lock on
		// a file that nobody can open any more keeps nobody out.
		ours, err := file.Stat()
		if err != nil {
			file.Close()
			return nil, err
		}
		if now, err := os.Stat(path); err == nil && os.SameFile(ours, now) {
			return &Lock{file}, nil
		}
		file.Close()
	}
}

// WaitLock is TryLock that waits until it succeeds or ctx ends.
func WaitLock(ctx context.Context, path string, shared bool) (*Lock, error) {
	for {
		lock, err := TryLock(path, shared)
		if !errors.Is(err, ErrLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", path, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Unlock gives the lock back. The file stays. Closing alone would not do at once:
// a child that another goroutine has just forked holds a copy until its exec.
func (l *Lock) Unlock() {
	unlockFile(l.file)
	l.file.Close()
}

const (
	marker     = "stadtgraph.lock"
	markerText = "This folder belongs to stadtgraph, which may delete it on --reset.\nOwned by process %d.\n"
)

// claim makes dir ours, or says why it cannot be.
func claim(dir string) (*Lock, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		// As root, the user Postgres runs as must get through, whatever the umask.
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
			return nil, unwritable(dir, err)
		}
	case err != nil:
		return nil, unwritable(dir, err)
	case len(entries) > 0 && !isOurs(dir):
		return nil, fmt.Errorf("%s holds other files: choose an empty folder with --data-dir", dir)
	}
	owner, err := TryLock(filepath.Join(dir, marker), false)
	if errors.Is(err, ErrLocked) {
		return nil, inUse(dir)
	}
	if err != nil {
		return nil, unwritable(dir, err)
	}
	if err := owner.file.Truncate(0); err != nil {
		owner.Unlock()
		return nil, unwritable(dir, err)
	}
	if _, err := fmt.Fprintf(owner.file, markerText, os.Getpid()); err != nil {
		owner.Unlock()
		return nil, unwritable(dir, err)
	}
	return owner, nil
}

func isOurs(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, marker))
	return err == nil
}

func unwritable(dir string, err error) error {
	return fmt.Errorf("the data directory %s cannot be written (%w): choose another one with --data-dir", dir, err)
}

// ErrInUse means that another live process owns the data directory.
var ErrInUse = errors.New("stop it, or choose another --data-dir")

func inUse(dir string) error {
	who := "another process"
	if text, err := os.ReadFile(filepath.Join(dir, marker)); err == nil {
		if _, pid, ok := strings.Cut(string(text), "Owned by "); ok {
			who = strings.TrimRight(pid, ".\n")
		}
	}
	return fmt.Errorf("%s is in use by %s: %w", dir, who, ErrInUse)
}
