package pgtest

import (
	"os"
	"syscall"
)

// fastFolder is in memory if there is room: containers often have 64 MB there,
// which is less than an empty cluster.
func fastFolder() string {
	const shm, need = "/dev/shm", 1 << 30
	var stat syscall.Statfs_t
	if err := syscall.Statfs(shm, &stat); err != nil || stat.Bavail*uint64(stat.Bsize) < need {
		return os.TempDir()
	}
	probe, err := os.MkdirTemp(shm, "stadtgraph-probe-")
	if err != nil {
		return os.TempDir()
	}
	os.Remove(probe)
	return shm
}
