package pglocal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// endWithParent lets Postgres shut down cleanly even if we are killed.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// alive says whether pid is a postmaster in data. After a reboot the number in a
// stale postmaster.pid may belong to anything, and a zombie counts as gone.
func alive(pid int, data string) bool {
	if syscall.Kill(pid, 0) != nil { // gone, or another user's
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	if i := bytes.LastIndexByte(stat, ')'); i < 0 || i+2 >= len(stat) || stat[i+2] == 'Z' || stat[i+2] == 'X' {
		return false
	}
	// Postgres works inside its data directory. Root in a container may not be
	// allowed to look; then the process counts as a postmaster.
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return os.IsPermission(err)
	}
	if resolved, err := filepath.EvalSymlinks(data); err == nil {
		data = resolved
	}
	return cwd == data
}
