//go:build !linux

package postgres

import "syscall"

// controlSocket does nothing: how long to wait for an acknowledgement is set on Linux
// only.
func controlSocket(string, string, syscall.RawConn) error { return nil }
