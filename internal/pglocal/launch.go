package pglocal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// socketLimit is the shortest limit of the systems we run on (macOS: 104 bytes,
// Linux: 108), less the final zero.
const socketLimit = 103

// tempPrefix begins the names of socket folders outside of the data directory.
const tempPrefix = "stadtgraph-socket-"

// launch starts the postmaster and waits until it accepts connections.
func (s *Server) launch(ctx context.Context, c Config, user account) error {
	settings, err := s.settings(c, user)
	if err != nil {
		return err
	}
	// After kill -9 of a postmaster its backends notice when their statement ends,
	// and until then Postgres rightly refuses to start beside them.
	for deadline := time.Now().Add(30 * time.Second); ; {
		err := s.try(ctx, settings, user)
		if err == nil {
			return nil
		}
		log := s.log()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case strings.Contains(log, "pre-existing shared memory block") && time.Now().Before(deadline):
			time.Sleep(100 * time.Millisecond)
			continue
		case strings.Contains(log, "could not create any TCP/IP sockets"):
			return fmt.Errorf("port %d of 127.0.0.1 is in use: stop what listens there, or choose another port", c.Port)
		case strings.Contains(log, "already exists"):
			return fmt.Errorf("%s names a process that is not ours: delete this file if no Postgres runs there", filepath.Join(s.data(), "postmaster.pid"))
		}
		return fmt.Errorf("Postgres did not start (%w), see %s: %s", err, s.path("postgres.log"), log)
	}
}

func (s *Server) settings(c Config, user account) (map[string]string, error) {
	settings := map[string]string{
		"port":             "5432", // part of the socket's name
		"listen_addresses": "",
		"timezone":         "UTC",
		"log_timezone":     "UTC",
	}
	if runtime.GOOS == "windows" {
		if c.Port == 0 {
			port, err := freePort()
			if err != nil {
				return nil, err
			}
			c.Port = port
		}
	} else {
		dir, err := s.socketFolder(user)
		if err != nil {
			return nil, err
		}
		settings["unix_socket_directories"] = dir
		settings["unix_socket_permissions"] = "0700"
	}
	if c.Port != 0 {
		settings["port"] = strconv.Itoa(c.Port)
		settings["listen_addresses"] = "127.0.0.1"
	}
	if c.Volatile {
		maps.Copy(settings, map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"})
	}
	maps.Copy(settings, c.Settings)
	return settings, nil
}

// socketFolder is below the data directory unless that makes the path too long.
func (s *Server) socketFolder(user account) (string, error) {
	if len(s.path("run"))+len("/.s.PGSQL.65535.lock") <= socketLimit {
		return s.path("run"), s.emptyFolder("run", user)
	}
	dir, err := os.MkdirTemp("", tempPrefix)
	if err != nil {
		return "", fmt.Errorf("no folder for the socket of Postgres: %w", err)
	}
	s.at.socket = dir
	if err := user.own(dir); err != nil {
		return "", err
	}
	return dir, user.reach(dir)
}

// try starts the postmaster once.
func (s *Server) try(ctx context.Context, settings map[string]string, user account) error {
	log, err := os.Create(s.path("postgres.log"))
	if err != nil {
		return unwritable(s.dir, err)
	}
	defer log.Close()

	args := []string{"-D", s.data()}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	cmd := exec.Command(s.install.program("postgres"), args...)
	cmd.Stdout, cmd.Stderr = log, log
	exited, err := s.spawn(cmd, user)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	var exit error
	go func() { exit = <-exited; close(done) }()

	for {
		select {
		case <-done:
			return fmt.Errorf("it ended: %w", exit)
		case <-ctx.Done():
			s.at.pid, s.done = cmd.Process.Pid, done
			return errors.Join(ctx.Err(), s.end(ctx))
		case <-time.After(10 * time.Millisecond):
		}
		// The file of a postmaster that was killed says ready as well, so it must
		// be our child's.
		at, err := readAddress(s.data())
		if err == nil && at.ready && at.pid == cmd.Process.Pid {
			s.at, s.done = at, done
			return nil
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
