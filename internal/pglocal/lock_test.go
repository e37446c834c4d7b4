package pglocal

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	shared, err := TryLock(path, true)
	if err != nil {
		t.Fatal(err)
	}
	again, err := TryLock(path, true)
	if err != nil {
		t.Errorf("shared twice: %v", err)
	}
	if _, err := TryLock(path, false); !errors.Is(err, ErrLocked) {
		t.Errorf("exclusive beside shared: got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := WaitLock(ctx, path, false); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting: got %v", err)
	}
	shared.Unlock()
	again.Unlock()
	exclusive, err := TryLock(path, false)
	if err != nil {
		t.Fatal(err)
	}
	// A removed file keeps nobody out.
	if err := os.Remove(path); err != nil {
		t.Skip(err) // Windows
	}
	other, err := TryLock(path, false)
	if err != nil {
		t.Fatal(err)
	}
	exclusive.Unlock()
	if _, err := TryLock(path, false); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want the lock on the new file to hold", err)
	}
	other.Unlock()
}

// Between fork and exec a child holds copies of our files, locks included.
func TestUnlockWhileOthersFork(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	stop := make(chan struct{})
	var forks sync.WaitGroup
	for range 2 {
		forks.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					exec.Command("true").Run()
				}
			}
		})
	}
	defer forks.Wait()
	defer close(stop)
	for i := range 2000 {
		lock, err := TryLock(path, false)
		if err != nil {
			t.Fatalf("after %d times: %v", i, err)
		}
		lock.Unlock()
	}
}
