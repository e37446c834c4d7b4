//go:build !linux

package pgtest

import "os"

func fastFolder() string { return os.TempDir() }
