package pgtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stadtgraph/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// server is where the databases of this process live.
type server struct {
	base     string        // URL of the maintenance database
	oid      uint32        // of that database, in all names: our locks are only known inside it
	admin    *pgxpool.Pool // on it
	id       uint32        // of this process, in the names of its databases
	alive    *pgx.Conn     // holds the advisory lock of id as long as the process lives
	strategy string        // how databases are copied
	serial   atomic.Int64

	mu        sync.Mutex
	templates map[string]bool // known to be there
	shared    map[[2]string]func() (*pgxpool.Pool, error)
}

var theServer = sync.OnceValues(func() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if url := os.Getenv("STADTGRAPH_TEST_DATABASE_URL"); url != "" {
		return newServer(ctx, url, "")
	}
	url, err := useCluster(ctx)
	if err != nil {
		return nil, err
	}
	// Without durability copying files is cheaper than copying them through the
	// WAL: 53 to 78 ms for an empty database, 160 to 300 ms for 99 MB.
	return newServer(ctx, url, " STRATEGY file_copy")
})

func connect(t testing.TB) *server {
	t.Helper()
	s, err := theServer()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return s
}

func newServer(ctx context.Context, url, strategy string) (*server, error) {
	if _, err := postgres.Database(url, ""); err != nil {
		return nil, err
	}
	s := &server{
		base: url, id: rand.Uint32(), strategy: strategy,
		templates: map[string]bool{}, shared: map[[2]string]func() (*pgxpool.Pool, error){},
	}
	var err error
	if s.admin, err = postgres.Open(ctx, postgres.Config{URL: url, ApplicationName: "pgtest admin", MaxConns: 4}); err != nil {
		return nil, err
	}
	if s.alive, err = pgx.Connect(ctx, url); err != nil {
		return nil, err
	}
	if err := s.alive.QueryRow(ctx, `SELECT oid FROM pg_database WHERE datname = current_database()`).Scan(&s.oid); err != nil {
		return nil, err
	}
	// Nothing else will ever be asked on this connection.
	if _, err := s.alive.Exec(ctx, `SET idle_session_timeout = 0`); err != nil {
		return nil, err
	}
	if _, err := s.alive.Exec(ctx, `SELECT pg_advisory_lock($1, $2)`, lockSpace, int32(s.id)); err != nil {
		return nil, fmt.Errorf("lock our id: %w", err)
	}
	return s, s.sweep(ctx)
}

// lockSpace separates our advisory locks from others in the same database.
const lockSpace = 7_829_301

// sweep drops the databases of processes that are gone: those that were killed,
// and those that shared one among their tests, since a test binary has no hook for
// its end. A process is gone when nobody holds the lock of its id.
func (s *server) sweep(ctx context.Context) error {
	prefix := s.prefix()
	rows, err := s.admin.Query(ctx, `SELECT datname FROM pg_database WHERE starts_with(datname, $1)`, prefix)
	if err != nil {
		return fmt.Errorf("list test databases: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list test databases: %w", err)
	}
	gone := map[string]bool{}
	for _, name := range names {
		owner, _, ok := strings.Cut(strings.TrimPrefix(name, prefix), "_")
		id, err := strconv.ParseUint(owner, 16, 32)
		if !ok || err != nil {
			continue
		}
		if _, ok := gone[owner]; !ok {
			// Kept until this process ends: another one need not look at it again.
			var free bool
			err := s.alive.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2)`, lockSpace, int32(uint32(id))).Scan(&free)
			if err != nil {
				return fmt.Errorf("ask for process %s: %w", owner, err)
			}
			gone[owner] = free && uint32(id) != s.id
		}
		if gone[owner] {
			if err := s.drop(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// prefix of the databases of tests; then come the id of the process and a number.
func (s *server) prefix() string { return fmt.Sprintf("test_%d_", s.oid) }

// url names a database of the server; "" is the maintenance database.
func (s *server) url(database string) string {
	if database == "" {
		return s.base
	}
	url, err := postgres.Database(s.base, database)
	if err != nil {
		panic(err) // newServer has tried
	}
	return url
}

func (s *server) copy(ctx context.Context, template string) (string, error) {
	name := fmt.Sprintf("%s%08x_%d", s.prefix(), s.id, s.serial.Add(1))
	_, err := s.admin.Exec(ctx, `CREATE DATABASE `+name+` TEMPLATE `+template+s.strategy)
	if err != nil {
		return "", fmt.Errorf("copy %s: %w", template, err)
	}
	return name, nil
}

func (s *server) drop(ctx context.Context, database string) error {
	_, err := s.admin.Exec(ctx, `DROP DATABASE IF EXISTS `+database+` WITH (FORCE)`)
	if err != nil {
		return fmt.Errorf("drop %s: %w", database, err)
	}
	return nil
}
