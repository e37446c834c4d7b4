package pgtest

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.DETACHED_PROCESS}
}

// ownedByUs relies on TEMP being the user's own.
func ownedByUs(os.FileInfo) bool { return true }
