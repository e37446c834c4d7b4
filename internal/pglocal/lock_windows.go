package pglocal

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// region lies beyond the text of a file, because Windows keeps others from reading
// a locked one.
var region = windows.Overlapped{OffsetHigh: 1}

func unlockFile(file *os.File) {
	at := region
	windows.UnlockFileEx(windows.Handle(file.Fd()), 0, 1, 0, &at)
}

func lockFile(file *os.File, shared bool) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if !shared {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	at := region
	err := windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}
