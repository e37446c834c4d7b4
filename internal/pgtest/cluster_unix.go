//go:build unix

package pgtest

import (
	"os"
	"syscall"
)

// detached gives the keeper a session of its own, so that neither Ctrl-C nor a
// closed terminal takes the cluster from other test processes.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func ownedByUs(info os.FileInfo) bool {
	return int(info.Sys().(*syscall.Stat_t).Uid) == os.Getuid() && info.Mode()&0o022 == 0
}
