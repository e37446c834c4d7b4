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

// streaming is how many may follow what happens.
type streaming struct {
	MaxStreams          int `default:"2000" env:"STADTGRAPH_MAX_STREAMS" placeholder:"N" help:"How many WebSockets and streams of events may be open in all (default: ${default})."`
	MaxStreamsPerClient int `default:"200" env:"STADTGRAPH_MAX_STREAMS_PER_CLIENT" placeholder:"N" help:"How many of them from one address; behind a proxy all have its address (default: ${default})."`
}

// check says what makes no sense.
func (s *streaming) check() error {
	switch {
	case s.MaxStreams < 1 || s.MaxStreams > 100_000:
		return fmt.Errorf("%d open streams make no sense: choose from 1 to 100000 (--max-streams, STADTGRAPH_MAX_STREAMS)", s.MaxStreams)
	case s.MaxStreamsPerClient < 1 || s.MaxStreamsPerClient > s.MaxStreams:
		return fmt.Errorf("%d open streams of one client make no sense: choose from 1 to the %d of --max-streams (--max-streams-per-client, STADTGRAPH_MAX_STREAMS_PER_CLIENT)", s.MaxStreamsPerClient, s.MaxStreams)
	}
	return nil
}

func (s *streaming) config() server.Streams {
	return server.Streams{Max: s.MaxStreams, MaxPerClient: s.MaxStreamsPerClient}
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
