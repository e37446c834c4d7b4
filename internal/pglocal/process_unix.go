//go:build unix

package pglocal

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is whom Postgres runs as: ourselves, or, since Postgres refuses root,
// another user.
type account struct {
	name     string // empty: ourselves
	uid, gid uint32
}

func (a account) String() string {
	if a.name == "" {
		return "the current user"
	}
	return "user " + a.name + " (Postgres refuses to run as root)"
}

func clusterUser() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return account{name, uint32(uid), uint32(gid)}, nil
		}
	}
	return account{}, fmt.Errorf("Postgres refuses to run as root and there is no user postgres or nobody: run as an ordinary user")
}

// own gives a file or folder to the account.
func (a account) own(path string) error {
	if a.name == "" {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// reach checks the way to dir. Without it the error would be that initdb is not
// permitted, although only the folder it starts in is closed.
func (a account) reach(dir string) error {
	if a.name == "" {
		return nil
	}
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		bit := os.FileMode(0o001)
		switch {
		case stat.Uid == a.uid:
			bit = 0o100
		case stat.Gid == a.gid:
			bit = 0o010
		}
		if info.Mode()&bit == 0 {
			return fmt.Errorf("%s is closed to %s: choose another --data-dir, for example /var/lib/stadtgraph", dir, a)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
	}
}

func (a account) attributes() *syscall.SysProcAttr {
	// A process group of its own: Ctrl-C is for us, we stop Postgres when the
	// requests have been answered.
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a.name != "" {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	endWithParent(attr)
	return attr
}

func (install) shutdown(pid int, _ string, immediate bool) error {
	if immediate {
		return syscall.Kill(pid, syscall.SIGQUIT)
	}
	return syscall.Kill(pid, syscall.SIGINT)
}
