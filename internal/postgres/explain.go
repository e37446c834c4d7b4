package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ConnectError is a failed connection as one sentence that says what to do.
// What pgx reported is wrapped.
type ConnectError struct {
	sentence string
	err      error
}

func (e *ConnectError) Error() string { return e.sentence }
func (e *ConnectError) Unwrap() error { return e.err }

// unreadable does not wrap pgx's error: that carries the URL, and in a malformed
// URL nobody can tell which part is the password.
func unreadable(err error) error {
	text := err.Error()
	for _, setting := range []string{
		"pool_max_conns", "pool_min_conns", "pool_min_idle_conns", "pool_max_conn_lifetime", "pool_max_conn_idle_time",
		"pool_health_check_period", "pool_ping_timeout", "connect_timeout", "target_session_attrs", "sslmode", "channel_binding",
		"statement_cache_capacity", "description_cache_capacity", "default_query_exec_mode",
	} {
		// The name of a setting is safe to repeat, its value need not be.
		if strings.Contains(text, "cannot parse "+setting) || strings.Contains(text, "invalid "+setting) ||
			strings.Contains(text, "unknown "+setting) || strings.Contains(text, setting+" too small") || strings.Contains(text, setting+" is invalid") {
			return fmt.Errorf("the database URL has a value for %s that cannot be read: correct or remove it", setting)
		}
	}
	return errors.New("the database URL cannot be read: write it as postgres://user:password@host:5432/database, and characters such as @ : / ? # % in the password as %40 %3A %2F %3F %23 %25")
}

func explain(err error, cc *pgx.ConnConfig) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return &ConnectError{sentence(err, cc), err}
}

func sentence(err error, cc *pgx.ConnConfig) string {
	at := addresses(cc)
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case pg.Code == "28P01", pg.Code == "28000":
			return fmt.Sprintf("Postgres at %s refuses user %q: correct the user and password in the database URL (%s)", at, cc.User, pg.Message)
		case pg.Code == "3D000":
			return fmt.Sprintf("Postgres at %s has no database %q: create it with createdb, or correct the database URL", at, cc.Database)
		case pg.Code == "53300":
			return fmt.Sprintf("Postgres at %s has no connection left: raise max_connections or lower pool_max_conns", at)
		case pg.Code == "57P03":
			return fmt.Sprintf("Postgres at %s is starting up or shutting down: try again in a moment", at)
		case pg.Code == "08P01" && strings.Contains(pg.Message, "startup parameter"):
			return fmt.Sprintf("PgBouncer at %s refuses a setting (%s): add it to its ignore_startup_parameters and set it for the database user instead", at, pg.Message)
		}
		return fmt.Sprintf("Postgres at %s refuses the connection: %s", at, pg.Message)
	}
	var notPreferred *pgconn.NotPreferredError
	if errors.As(err, &notPreferred) {
		return fmt.Sprintf("no server at %s has the role that target_session_attrs asks for: add the missing host to the database URL", at)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return fmt.Sprintf("the host %q of the database URL cannot be found: correct the name", dns.Name)
	}
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
		return fmt.Sprintf("nothing answers at %s: start Postgres there, or correct the database URL", at)
	}
	if pgconn.Timeout(err) {
		return fmt.Sprintf("Postgres at %s did not answer in time: check host, port and firewall", at)
	}
	if strings.Contains(err.Error(), "refused TLS") {
		return fmt.Sprintf("Postgres at %s does not speak TLS: add sslmode=disable to the database URL if the network is trusted", at)
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		err = connect.Unwrap() // without the prefix that repeats user and database
	}
	return fmt.Sprintf("cannot connect to Postgres at %s: %s", at, strings.ReplaceAll(err.Error(), "\n", "; "))
}

// addresses lists each host once: with sslmode=prefer, pgx has every host twice.
func addresses(cc *pgx.ConnConfig) string {
	var list []string
	seen := map[string]bool{}
	add := func(host string, port uint16) {
		_, address := pgconn.NetworkAddress(host, port)
		if !seen[address] {
			seen[address] = true
			list = append(list, address)
		}
	}
	add(cc.Host, cc.Port)
	for _, f := range cc.Fallbacks {
		add(f.Host, f.Port)
	}
	return strings.Join(list, ", ")
}
