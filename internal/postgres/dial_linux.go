package postgres

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// controlSocket lets the system give up a connection when what was sent is not
// acknowledged, even while it waits for an answer: keep-alive looks at idle ones only.
func controlSocket(network, _ string, c syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	var err error
	if failure := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unacknowledged/time.Millisecond))
	}); failure != nil {
		return failure
	}
	return err
}
