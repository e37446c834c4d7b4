package pglocal

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// account is always ourselves: Windows needs no other user, only one without
// administrator's rights, which Postgres refuses.
type account struct{}

func (account) String() string     { return "the current user" }
func (account) own(string) error   { return nil }
func (account) reach(string) error { return nil }
func (account) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

func clusterUser() (account, error) { return account{}, nil }

func alive(pid int, _ string) bool {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return false
	}
	defer windows.CloseHandle(h)
	var code uint32
	return windows.GetExitCodeProcess(h, &code) == nil && code == uint32(windows.STATUS_PENDING)
}

// shutdown leaves it to pg_ctl, because Windows has no signals; where no
// installation is at hand, as in Reset, the process is killed.
func (i install) shutdown(pid int, data string, immediate bool) error {
	if i.bin == "" {
		p, err := os.FindProcess(pid)
		if err != nil {
			return err
		}
		return p.Kill()
	}
	mode := "fast"
	if immediate {
		mode = "immediate"
	}
	return exec.Command(i.program("pg_ctl"), "stop", "--no-wait", "--mode="+mode, "--pgdata="+data).Run()
}
