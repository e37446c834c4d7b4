package postgres_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
)

var (
	_ postgres.DB = (*pgxpool.Pool)(nil)
	_ postgres.DB = (*pgx.Conn)(nil)
	_ postgres.DB = (pgx.Tx)(nil)
)

func TestOpenSettings(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	tests := map[string]struct {
		config postgres.Config
		want   string // application_name, statement_timeout, TimeZone
	}{
		"defaults":         {postgres.Config{URL: url}, "stadtgraph 0 UTC"},
		"for reading":      {postgres.Config{URL: url, StatementTimeout: postgres.ReadTimeout}, "stadtgraph 5s UTC"},
		"named":            {postgres.Config{URL: url, ApplicationName: "import"}, "import 0 UTC"},
		"URL wins":         {postgres.Config{URL: url + "&statement_timeout=250&application_name=mine", StatementTimeout: time.Second, ApplicationName: "ours"}, "mine 250ms UTC"},
		"UTC all the same": {postgres.Config{URL: url + "&timezone=Europe/Berlin"}, "stadtgraph 0 UTC"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, err := postgres.Open(t.Context(), test.config)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			var got string
			err = pool.QueryRow(t.Context(),
				`SELECT concat_ws(' ', current_setting('application_name'), current_setting('statement_timeout'), current_setting('TimeZone'))`).Scan(&got)
			if err != nil || got != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestOpenMode(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	tests := []struct {
		inURL, field string
		want         pgx.QueryExecMode // 0: refused
	}{
		{"", "", pgx.QueryExecModeCacheStatement},
		{"cache_statement", "", pgx.QueryExecModeCacheStatement},
		{"cache_describe", "", pgx.QueryExecModeCacheDescribe},
		{"", "cache_describe", pgx.QueryExecModeCacheDescribe},
		{"exec", "cache_describe", pgx.QueryExecModeCacheDescribe},
		{"describe_exec", "", 0},
		{"exec", "", 0},
		{"simple_protocol", "", 0},
		{"", "exec", 0},
		{"nonsense", "", 0},
	}
	for _, test := range tests {
		dsn := url
		if test.inURL != "" {
			dsn += "&default_query_exec_mode=" + test.inURL
		}
		pool, err := postgres.Open(t.Context(), postgres.Config{URL: dsn, Mode: test.field, MaxConns: 3})
		if test.want == 0 {
			if err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "mode") {
				t.Errorf("%+v: got error %v, want one about the mode", test, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		c := pool.Config()
		if c.ConnConfig.DefaultQueryExecMode != test.want || c.ConnConfig.StatementCacheCapacity != 128 || c.MaxConns != 3 {
			t.Errorf("%+v: got mode %v, %d statements, %d connections", test, c.ConnConfig.DefaultQueryExecMode, c.ConnConfig.StatementCacheCapacity, c.MaxConns)
		}
		pool.Close()
	}
}

func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: pgtest.URL(t), StatementTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), `SELECT pg_sleep(10)`); err == nil || !strings.Contains(err.Error(), "57014") {
		t.Errorf("got %v, want statement timeout", err)
	}
}

// Every error is one line, says what to do, and never holds the password.
func TestOpenErrors(t *testing.T) {
	t.Parallel()
	missing, err := postgres.Database(pgtest.URL(t), "nowhere")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ url, want string }{
		"empty":             {"", "is empty"},
		"not a URL":         {"mysql://u:hunter2@h/d", "cannot be read"},
		"slash in password": {"postgres://u:hun/hunter2@h:5432/d", "%2F"},
		"at in password":    {"postgres://u:p@hunter2:x@h:5432/d", "%40"},
		"backtick":          {"postgres://u:`: hunter2@h:bad/d", "cannot be read"},
		"port":              {"postgres://u:hunter2@h:99999/d", "cannot be read"},
		"keywords":          {"host=h password=hunter2 port=x", "cannot be read"},
		"pool size":         {"postgres://u:hunter2@h/d?pool_max_conns=hunter2", "pool_max_conns"},
		"role":              {"postgres://u:hunter2@h/d?target_session_attrs=hunter2", "target_session_attrs"},
		"sslmode":           {"postgres://u:hunter2@h/d?sslmode=hunter2", "sslmode"},
		"refused":           {"postgres://u:hunter2@127.0.0.1:1/d", "nothing answers at 127.0.0.1:1: start Postgres"},
		"no socket":         {"postgres://u:hunter2@/d?host=/nonexistent", "start Postgres"},
		"unknown host":      {"postgres://u:hunter2@db.invalid/d", `"db.invalid"`},
		"no database":       {missing, `no database "nowhere"`},
		"wrong password":    {refusal(t, "28P01", `password authentication failed for user "u"`), `refuses user "u": correct the user and password`},
		"full":              {refusal(t, "53300", "sorry, too many clients already"), "max_connections"},
		"starting":          {refusal(t, "57P03", "the database system is starting up"), "try again"},
		"PgBouncer":         {refusal(t, "08P01", "unsupported startup parameter: statement_timeout"), "ignore_startup_parameters"},
		"anything else":     {refusal(t, "XX000", "no luck"), "no luck"},
		"silence":           {silence(t), "did not answer in time"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, err := postgres.Open(t.Context(), postgres.Config{URL: test.url})
			if err == nil {
				pool.Close()
				t.Fatal("got no error")
			}
			got := err.Error()
			if !strings.Contains(got, test.want) || strings.Contains(got, "\n") || strings.Contains(got, "hunter2") {
				t.Errorf("got %q, want one line with %q and no password", got, test.want)
			}
		})
	}
}

// refusal is a server that answers every connection with an error.
func refusal(t *testing.T, code, message string) string {
	return serve(t, func(conn net.Conn) {
		backend := pgproto3.NewBackend(conn, conn)
		if _, err := backend.ReceiveStartupMessage(); err != nil {
			return
		}
		backend.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: message})
		backend.Flush()
	}) + "?sslmode=disable"
}

func silence(t *testing.T) string {
	return serve(t, func(conn net.Conn) { <-t.Context().Done() }) + "?sslmode=disable&connect_timeout=1"
}

func serve(t *testing.T, answer func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer(conn)
			}()
		}
	}()
	return "postgres://u:hunter2@" + l.Addr().String() + "/d"
}
