package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"stadtgraph/internal/server"
)

// settings are what a server is told, by flag or by environment.
type settings struct {
	database
	Listen      string   `default:"127.0.0.1:8080" env:"STADTGRAPH_LISTEN" placeholder:"HOST:PORT" help:"Where to serve (default: ${default})."`
	CORSOrigins []string `name:"cors-origins" env:"STADTGRAPH_CORS_ORIGINS" placeholder:"ORIGIN,…" help:"Origins whose pages may call the API from a browser, such as https://www.example.org; * for all (default: none)."`
	PublicURL   string   `name:"public-url" env:"STADTGRAPH_PUBLIC_URL" placeholder:"URL" help:"Where the public finds this server, such as https://api.example.org: what links in feeds and the REST API begin with (default: what each request was sent to)."`
	serving
}

type serveCommand struct {
	settings
	Migrate       bool          `help:"Bring the schema of the database up to date first."`
	ShutdownDelay time.Duration `default:"0s" placeholder:"5s" help:"How long to go on answering after SIGTERM while /readyz already says no, for load balancers that ask it (default: ${default})."`
}

func (*serveCommand) Help() string {
	return `It logs JSON lines to standard error. /livez says that the process answers, /readyz that the database does and has the schema that is needed. Traces go by OTLP over HTTP to where OTEL_EXPORTER_OTLP_ENDPOINT says; the other standard names OTEL_… hold, too. On SIGTERM it finishes what it is answering, for 15 seconds at most. Flags win over the environment.

Examples:
  DATABASE_URL=postgres://stadtgraph:secret@db:5432/stadtgraph stadtgraph serve --migrate
  stadtgraph serve --database-url "host=/run/postgresql dbname=stadtgraph" --listen 0.0.0.0:80`
}

// Validate is called by kong.
func (c *serveCommand) Validate() error {
	if c.ShutdownDelay < 0 || c.ShutdownDelay > 5*time.Minute {
		return fmt.Errorf("a shutdown delay of %s makes no sense: choose one from 0s to 5m (--shutdown-delay)", c.ShutdownDelay)
	}
	return c.check()
}

// check says what of the settings makes no sense.
func (c *settings) check() error {
	if err := c.Validate(); err != nil {
		return err
	}
	if err := checkListen(c.Listen, listenSetting); err != nil {
		return err
	}
	if err := checkOrigins(c.CORSOrigins); err != nil {
		return err
	}
	if c.PublicURL != "" {
		if err := server.CheckPublicURL(c.PublicURL); err != nil {
			return fmt.Errorf("%w (--public-url, STADTGRAPH_PUBLIC_URL)", err)
		}
	}
	return c.serving.check()
}

// Run is called by kong.
func (c *serveCommand) Run(ctx context.Context) error {
	slog.SetDefault(slog.New(server.LogHandler(slog.NewJSONHandler(os.Stderr, nil))))
	listener, err := listen(c.Listen, listenSetting)
	if err != nil {
		return err
	}
	defer listener.Close()
	var admin net.Listener
	if c.AdminListen != off {
		if admin, err = listen(c.AdminListen, adminListenSetting); err != nil {
			return err
		}
		defer admin.Close()
	}
	if c.Migrate {
		state, err := migrate(ctx, c.DatabaseURL)
		if err != nil {
			return err
		}
		slog.Info("migrated", "version", state.Version)
	}
	a, err := newApp(ctx, c.settings, c.ShutdownDelay)
	if err != nil {
		return err
	}
	defer a.close()
	if len(c.CommentKeys) == 0 {
		slog.Info("comments are taken without e-mail addresses: there is no key to keep them by (STADTGRAPH_COMMENT_KEYS)")
	}
	slog.Info("serving", "address", listener.Addr().String())
	if admin != nil {
		slog.Info("serving metrics", "address", admin.Addr().String())
	}
	if err := a.run(ctx, listener, admin); err != nil {
		return err
	}
	slog.Info("stopped")
	return nil
}
