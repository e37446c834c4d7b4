package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"stadtgraph/internal/server"
)

// database is the setting that names the database.
type database struct {
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"The database, as in postgres://user:password@host:5432/stadtgraph. Several hosts may be given, separated by commas. Behind PgBouncer before 1.21 add default_query_exec_mode=cache_describe; pool_max_conns limits the connections."`
}

// Validate is called by kong.
func (d *database) Validate() error {
	if d.DatabaseURL == "" {
		return errors.New("no database is given: set DATABASE_URL, or --database-url, to postgres://user:password@host:5432/stadtgraph")
	}
	return nil
}

// checkListen says what is wrong with an address to listen on.
func checkListen(address string) error {
	_, port, err := net.SplitHostPort(address)
	if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is no address to listen on: write host and port, such as 127.0.0.1:8080 or 0.0.0.0:8080 (--listen, STADTGRAPH_LISTEN)", address)
	}
	return nil
}

// checkOrigins says what is wrong with the first bad origin.
func checkOrigins(origins []string) error {
	for _, origin := range origins {
		if err := server.CheckOrigin(origin); err != nil {
			return fmt.Errorf("%w (--cors-origins, STADTGRAPH_CORS_ORIGINS)", err)
		}
	}
	return nil
}
