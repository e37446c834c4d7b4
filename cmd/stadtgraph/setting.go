package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"stadtgraph/internal/job"
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

// keeping is how long what is kept.
type keeping struct {
	KeepHistory int `default:"3650" env:"STADTGRAPH_KEEP_HISTORY" placeholder:"DAYS" help:"How many days to keep who changed what, and what it was before: revisions and the audit log (default: ${default})."`
	KeepFeed    int `default:"90" env:"STADTGRAPH_KEEP_FEED" placeholder:"DAYS" help:"How many days to keep changes that nobody made, because something else was published or time went by; readers of changes who were away for longer read everything again (default: ${default})."`
}

// check says what makes no sense.
func (k *keeping) check() error {
	switch {
	case k.KeepHistory < 1 || k.KeepHistory > 36500:
		return fmt.Errorf("a history of %d days makes no sense: choose from 1 to 36500 (--keep-history, STADTGRAPH_KEEP_HISTORY)", k.KeepHistory)
	case k.KeepFeed < 1 || k.KeepFeed > k.KeepHistory:
		return fmt.Errorf("changes for %d days make no sense: choose from 1 to the %d of --keep-history (--keep-feed, STADTGRAPH_KEEP_FEED)", k.KeepFeed, k.KeepHistory)
	}
	return nil
}

func (k *keeping) config(polling bool) job.Config {
	const day = 24 * time.Hour
	return job.Config{History: time.Duration(k.KeepHistory) * day, Feed: time.Duration(k.KeepFeed) * day, Polling: polling}
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
