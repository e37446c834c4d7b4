//go:build unix && !linux

package pglocal

import (
	"bytes"
	"os/exec"
	"strconv"
	"syscall"
)

// endWithParent does nothing: only Linux can. What outlives us is adopted by the
// next Start.
func endWithParent(*syscall.SysProcAttr) {}

// alive says whether pid is a postmaster. After a reboot the number in a stale
// postmaster.pid may belong to anything.
func alive(pid int, _ string) bool {
	out, err := exec.Command("ps", "-p", strconv.Itoa(pid), "-o", "command=").Output()
	return err == nil && bytes.Contains(out, []byte("postgres"))
}
