package main

import (
	"errors"
	"fmt"
	"net"
	"os"
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

// operating is how much a server takes on, and whom it tells what it does.
type operating struct {
	AdminListen   string        `default:"127.0.0.1:9090" env:"STADTGRAPH_ADMIN_LISTEN" placeholder:"HOST:PORT" help:"Where to answer /metrics for Prometheus and /debug/pprof, to anybody who gets there: no token is asked for; off for nowhere (default: ${default})."`
	MaxInFlight   int           `default:"0" env:"STADTGRAPH_MAX_IN_FLIGHT" placeholder:"N" help:"How many operations of the public run at once, at most as many as pool_max_conns of the database URL allows; those who edit or administer have what is left of it for themselves (default: three quarters of it)."`
	QueueTime     time.Duration `default:"500ms" env:"STADTGRAPH_QUEUE_TIME" placeholder:"500ms" help:"How long an operation waits for its turn when as many run already, before it is told to come again, with status 503 (default: ${default})."`
	SlowStatement time.Duration `default:"500ms" env:"STADTGRAPH_SLOW_STATEMENT" placeholder:"500ms" help:"From when on a statement is slow and logged, with the name of its operation and without its values; 0 logs none (default: ${default})."`
}

// off is an address that nothing listens on.
const off = "off"

// check says what makes no sense.
func (o *operating) check() error {
	if o.AdminListen != off {
		if err := checkListen(o.AdminListen, adminListenSetting); err != nil {
			return err
		}
	}
	switch {
	case o.MaxInFlight < 0:
		return fmt.Errorf("%d operations at once make no sense: choose 1 or more, or 0 for three quarters of the pool (--max-in-flight, STADTGRAPH_MAX_IN_FLIGHT)", o.MaxInFlight)
	case o.QueueTime < 0 || o.QueueTime > 5*time.Second:
		return fmt.Errorf("to wait %s for a turn makes no sense: choose from 0s to 5s (--queue-time, STADTGRAPH_QUEUE_TIME)", o.QueueTime)
	case o.SlowStatement < 0:
		return fmt.Errorf("a statement cannot take %s: choose from when on it is slow, or 0 for never (--slow-statement, STADTGRAPH_SLOW_STATEMENT)", o.SlowStatement)
	}
	return nil
}

// places is how many operations of the public run at once, and how many more of those
// who edit or administer: as many as there are connections, so that a place is one.
func (o *operating) places(connections int) (public, reserved int, err error) {
	public = o.MaxInFlight
	if public == 0 {
		public = max(1, connections-max(1, connections/4))
	}
	if public > connections {
		return 0, 0, fmt.Errorf("%d operations at once need as many connections, and the pool has %d: choose fewer (--max-in-flight, STADTGRAPH_MAX_IN_FLIGHT), or raise pool_max_conns in the database URL", public, connections)
	}
	return public, connections - public, nil
}

// The settings that say where to listen.
const (
	listenSetting      = "(--listen, STADTGRAPH_LISTEN)"
	adminListenSetting = "(--admin-listen, STADTGRAPH_ADMIN_LISTEN)"
)

// caching is what is kept of answers, and where.
type caching struct {
	CacheSize   int           `default:"64" env:"STADTGRAPH_CACHE_SIZE" placeholder:"MIB" help:"How much memory answers to the public may take that are kept until something in them changes, in MiB; 0 to read each anew (default: ${default})."`
	CacheMaxAge time.Duration `default:"5s" env:"STADTGRAPH_CACHE_MAX_AGE" placeholder:"5s" help:"For how long browsers and proxies may keep answers to GET without asking again: nobody tells them of changes, unless it is --purge-url. 0s lets them ask each time (default: ${default})."`
	PurgeURL    string        `env:"STADTGRAPH_PURGE_URL" placeholder:"URL" help:"Where to tell the cache of a CDN what to drop: by POST, as tags in JSON and in the header Surrogate-Key, with the token in STADTGRAPH_PURGE_TOKEN (default: nowhere)."`
}

// check says what makes no sense.
func (c *caching) check() error {
	switch {
	case c.CacheSize < 0 || c.CacheSize > 1<<20:
		return fmt.Errorf("a cache of %d MiB makes no sense: choose from 0 to %d (--cache-size, STADTGRAPH_CACHE_SIZE)", c.CacheSize, 1<<20)
	case c.CacheMaxAge < 0 || c.CacheMaxAge > 365*24*time.Hour:
		return fmt.Errorf("keeping answers for %s makes no sense: choose from 0s to 8760h (--cache-max-age, STADTGRAPH_CACHE_MAX_AGE)", c.CacheMaxAge)
	}
	return job.CheckPurgeURL(c.PurgeURL)
}

// purging is how CDNs are told; nil if they are not.
func (c *caching) purging() *job.Purge {
	if c.PurgeURL == "" {
		return nil
	}
	return &job.Purge{URL: c.PurgeURL, Token: os.Getenv("STADTGRAPH_PURGE_TOKEN")} // a flag would be seen by all users of the machine
}

// checkListen says what is wrong with an address to listen on.
func checkListen(address, setting string) error {
	_, port, err := net.SplitHostPort(address)
	if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is no address to listen on: write host and port, such as 127.0.0.1:8080 or 0.0.0.0:8080 %s", address, setting)
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
