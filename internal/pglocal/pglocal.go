// Package pglocal runs a Postgres of our own, so that `stadtgraph dev` and the
// tests need no set-up. It uses the programs that are installed and keeps one
// cluster in one directory:
//
//	stadtgraph.lock   marks the directory as ours; locked by the process that owns it
//	data              the cluster; data.new while initdb works on it
//	run               the Unix socket, where the path is short enough for one
//	password          for TCP
//	postgres.log      of the current start
//
// Whoever can reach the socket may log in, and only the user Postgres runs as
// (and root) can reach it. TCP, if asked for, listens on 127.0.0.1 and wants the
// password. We work as a role of our own that is no superuser, as in production.
//
// It never downloads Postgres: the one library that does accepts an archive
// without a checksum, and deletes data directories of another version.
package pglocal

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// Database exists in every cluster of ours and belongs to Role.
	Database = "stadtgraph"
	// TokenFile is where whoever starts a cluster may keep a secret of its own, in the
	// data directory: it goes when the data goes.
	TokenFile = "admin-token"
	// KeyFile is another.
	KeyFile = "comment-key"
	// Role owns the databases and may create more.
	Role = "stadtgraph"

	superuser  = "postgres"
	minVersion = 15
)

// Config says which cluster to run and how. Only DataDir is required.
type Config struct {
	DataDir string
	Bin     string // folder of the Postgres programs; if empty, $STADTGRAPH_POSTGRES_BIN, then what is installed
	Port    int    // on 127.0.0.1; 0 means no TCP (on Windows: any free port)

	// Volatile trades durability for speed: a crash may lose everything.
	Volatile bool
	// Settings are more lines of postgresql.conf.
	Settings map[string]string
}

// Server is a running Postgres that belongs to this process.
type Server struct {
	dir      string // Config.DataDir
	at       address
	password string
	install  install
	adopted  bool
	volatile bool
	owner    *Lock
	done     chan struct{} // closed when the postmaster is gone
}

// address is what postmaster.pid says about a postmaster.
type address struct {
	pid    int
	port   int
	socket string // folder of the Unix socket; empty if there is none
	tcp    bool
	ready  bool
}

// DefaultDataDir survives a reboot. As root it lies where the user that Postgres
// will run as can reach it, which a home directory of mode 0700 is not.
func DefaultDataDir() (string, error) {
	if os.Getuid() == 0 {
		return "/var/lib/stadtgraph", nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the database is known (%w): set HOME or choose one with --data-dir", err)
	}
	return filepath.Join(cache, "stadtgraph"), nil
}

// Start runs the cluster, creating it if there is none, and returns when it
// answers. A postmaster that an earlier owner left behind is adopted. Errors are
// one sentence that says what to do.
func Start(ctx context.Context, c Config) (_ *Server, err error) {
	if c.DataDir, err = filepath.Abs(c.DataDir); err != nil {
		return nil, err
	}
	owner, err := claim(c.DataDir)
	if err != nil {
		return nil, err
	}
	s := &Server{dir: c.DataDir, owner: owner, volatile: c.Volatile, done: make(chan struct{})}
	defer func() {
		if err != nil {
			s.release()
		}
	}()

	if s.install, err = choose(ctx, c.Bin, s.data()); err != nil {
		return nil, err
	}
	user, err := clusterUser()
	if err != nil {
		return nil, err
	}
	if err := user.reach(s.dir); err != nil {
		return nil, err
	}
	if err := s.create(ctx, user); err != nil {
		return nil, err
	}
	password, err := os.ReadFile(s.path("password"))
	if err != nil {
		return nil, fmt.Errorf("read the password of the cluster: %w", err)
	}
	s.password = string(password)

	if s.adopted, err = s.adopt(ctx, c); err != nil {
		return nil, err
	}
	if !s.adopted {
		if err := s.launch(ctx, c, user); err != nil {
			return nil, err
		}
	}
	if err := s.provision(ctx); err != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return nil, errors.Join(err, s.Stop(stop))
	}
	return s, nil
}

// Adopted says that the postmaster was already running, left behind by an owner
// that was killed. It is ours now: Stop stops it.
func (s *Server) Adopted() bool { return s.adopted }

// Done is closed when the postmaster has ended, whoever ended it.
func (s *Server) Done() <-chan struct{} { return s.done }

// URL names a database of this server, over the Unix socket where there is one.
func (s *Server) URL(database string) string {
	return s.at.url(Role, s.password, database)
}

// TCPURL is for programs that cannot use the socket; empty without Config.Port.
func (s *Server) TCPURL(database string) string {
	if !s.at.tcp {
		return ""
	}
	at := s.at
	at.socket = ""
	return at.url(Role, s.password, database)
}

func (a address) url(role, password, database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database}
	// sslmode is explicit because PGSSLMODE in the environment would reach us otherwise.
	q := url.Values{"sslmode": {"disable"}}
	if a.socket != "" {
		u.User = url.User(role)
		q.Set("host", a.socket)
		q.Set("port", strconv.Itoa(a.port))
	} else {
		u.User = url.UserPassword(role, password)
		u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(a.port))
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// provision creates our role and database in a cluster that lacks them.
func (s *Server) provision(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.at.url(superuser, s.password, "postgres"))
	if err != nil {
		return fmt.Errorf("connect to our own Postgres: %w", err)
	}
	defer conn.Close(ctx)
	for _, object := range []struct{ catalog, create string }{
		{`SELECT count(*) FROM pg_roles WHERE rolname = '` + Role + `'`,
			`CREATE ROLE ` + Role + ` LOGIN CREATEDB PASSWORD '` + s.password + `'`},
		{`SELECT count(*) FROM pg_database WHERE datname = '` + Database + `'`,
			`CREATE DATABASE ` + Database + ` OWNER ` + Role},
	} {
		var n int
		if err := conn.QueryRow(ctx, object.catalog).Scan(&n); err != nil {
			return fmt.Errorf("look into our own Postgres: %w", err)
		}
		if n > 0 {
			continue
		}
		if _, err := conn.Exec(ctx, object.create); err != nil {
			return fmt.Errorf("set up our own Postgres: %w", err)
		}
	}
	return nil
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }
func (s *Server) data() string            { return s.path("data") }

// log returns the end of Postgres's log as one line, for error sentences.
func (s *Server) log() string {
	text, _ := os.ReadFile(s.path("postgres.log"))
	return lastLines(string(text), 4)
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}
