// Package postgres opens connection pools, runs the migrations, and says in one
// sentence what to do when either fails.
//
// A DSN may name several hosts (target_session_attrs picks among them) and may
// set everything pgx knows. Five things are ours: times are UTC, a connection
// keeps at most 128 statements, the exec mode is one of the two that deliver
// binary values, nothing is compiled just in time unless the DSN says so, and a
// connection to nowhere is noticed.
package postgres

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DB is what a function needs to read and write. A pool, a connection and a
// transaction all are one, so the caller decides where a transaction begins.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Begin(ctx context.Context) (pgx.Tx, error)
}

const (
	// CacheStatement prepares each statement once per connection. The default.
	CacheStatement = "cache_statement"
	// CacheDescribe keeps descriptions instead of named statements, which
	// PgBouncer before 1.21 mixes up between clients in transaction mode.
	CacheDescribe = "cache_describe"

	// ReadTimeout is the statement timeout of the pool for reading. Exports,
	// imports and migrations need longer and choose their own.
	ReadTimeout = 5 * time.Second
	// WriteTimeout is that of the pool for writing: a writer may wait for another one.
	WriteTimeout = 10 * time.Second

	// A cached statement with three levels of relations takes 60 KB parsed, in
	// the backend of every connection.
	statementCache = 128

	connectTimeout = 5 * time.Second

	// A network that swallows what is sent says nothing for ever. A connection that was
	// idle is asked whether it lives before it is used, and given up after pingTimeout;
	// one that waits for an answer is given up by the system: when nothing is
	// acknowledged, or nobody there answers its keep-alive.
	pingTimeout       = 2 * time.Second
	unacknowledged    = 10 * time.Second
	keepAliveIdle     = 15 * time.Second
	keepAliveInterval = 5 * time.Second
	keepAliveCount    = 3
	healthCheckPeriod = 15 * time.Second // of idle connections: those that are too many or too old go
)

// Config says how a pool connects. Only the URL is required; what is zero is left
// to the URL, and then to pgx and the server.
type Config struct {
	URL              string
	ApplicationName  string        // as pg_stat_activity shows it; "stadtgraph" if empty
	Mode             string        // CacheStatement or CacheDescribe
	MaxConns         int32         // pool_max_conns
	StatementTimeout time.Duration // ReadTimeout for reading
}

// Open returns a pool that has answered once.
func Open(ctx context.Context, c Config) (*pgxpool.Pool, error) {
	pc, err := c.parse()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, explain(err, pc.ConnConfig)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, explain(err, pc.ConnConfig)
	}
	return pool, nil
}

func (c Config) parse() (*pgxpool.Config, error) {
	if c.URL == "" {
		return nil, fmt.Errorf("the database URL is empty: write it as postgres://user:password@host:5432/database")
	}
	pc, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, unreadable(err)
	}
	cc := pc.ConnConfig

	switch c.Mode {
	case "":
	case CacheStatement:
		cc.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	case CacheDescribe:
		cc.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	default:
		return nil, refuseMode(c.Mode)
	}
	switch cc.DefaultQueryExecMode {
	case pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe:
	default:
		return nil, refuseMode(strings.ReplaceAll(cc.DefaultQueryExecMode.String(), " ", "_"))
	}
	cc.StatementCacheCapacity = statementCache
	cc.DescriptionCacheCapacity = statementCache

	if c.MaxConns > 0 {
		pc.MaxConns = c.MaxConns
	}
	if cc.ConnectTimeout == 0 {
		cc.ConnectTimeout = connectTimeout
	}
	pc.PingTimeout = cmp.Or(pc.PingTimeout, pingTimeout)
	pc.HealthCheckPeriod = min(pc.HealthCheckPeriod, healthCheckPeriod)
	cc.DialFunc = (&net.Dialer{Control: controlSocket,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount}}).DialContext
	cc.Tracer = tracer{}
	setDefault(cc.RuntimeParams, "application_name", c.ApplicationName)
	setDefault(cc.RuntimeParams, "application_name", "stadtgraph")
	// Planned statements have many parts that are cheap and estimated dear: compiling
	// one took seconds where it ran for milliseconds.
	setDefault(cc.RuntimeParams, "jit", "off")
	// They are written so that a plan for any arguments is good. Making one for the
	// arguments of each of the first five runs took longer than running it.
	setDefault(cc.RuntimeParams, "plan_cache_mode", "force_generic_plan")
	if c.StatementTimeout > 0 {
		setDefault(cc.RuntimeParams, "statement_timeout", strconv.FormatInt(c.StatementTimeout.Milliseconds(), 10))
	}
	cc.RuntimeParams["timezone"] = "UTC"
	return pc, nil
}

// setDefault leaves what the operator wrote into the URL.
func setDefault(params map[string]string, name, value string) {
	if params[name] == "" && value != "" {
		params[name] = value
	}
}

func refuseMode(mode string) error {
	return fmt.Errorf("exec mode %q is not supported, because it does not deliver binary values from prepared statements: use %s, or %s behind PgBouncer before 1.21",
		mode, CacheStatement, CacheDescribe)
}

// Database returns the URL with another database in it.
func Database(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return "", fmt.Errorf("the database URL must begin with postgres:// here")
	}
	u.Path = "/" + name
	return u.String(), nil
}

// Prepares says whether the pool's connections keep statements under a name,
// which is the default and wrong behind a proxy that mixes connections.
func Prepares(pool *pgxpool.Pool) bool {
	return pool.Config().ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
}
