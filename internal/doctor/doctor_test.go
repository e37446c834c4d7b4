package doctor

import (
	"strings"
	"testing"
	"time"

	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/postgres"
	"stadtgraph/migrations"
)

// examine gives the findings by subject.
func examine(t *testing.T, url string) map[string]Finding {
	t.Helper()
	found := map[string]Finding{}
	for _, f := range Examine(t.Context(), url, migrations.FS) {
		found[f.Subject] = f
		if strings.Contains(f.Text, "\n") || f.Text == "" {
			t.Errorf("%s: %q is not one line", f.Subject, f.Text)
		}
	}
	return found
}

func TestExamine(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	found := examine(t, url)
	for _, subject := range []string{"database", "writable", "encoding", "collation", "clock", "extensions", "migrations", "indexes"} {
		if f := found[subject]; !f.Fine {
			t.Errorf("%s: got %s", subject, f)
		}
	}
	if f := found["register"]; f.Fine || !strings.Contains(f.Text, "stadtgraph import register") {
		t.Errorf("an empty database: got %s", f)
	}

	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, c := range []struct{ sql, subject, want string }{
		{`INSERT INTO dataset (name, as_of, attribution, license) VALUES ('gv100ad', '2023-11-30', 'a', 'l')`, "register", "of 2023-11-30"},
		{`UPDATE schema_migrations SET dirty = true`, "migrations", "stadtgraph migrate force"},
		{`UPDATE schema_migrations SET dirty = false, version = 1`, "migrations", "stadtgraph migrate up"},
		{`UPDATE schema_migrations SET version = 999`, "migrations", "newer"},
		{`DROP EXTENSION pg_trgm CASCADE`, "extensions", "pg_trgm"},
		{`DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM PUBLIC, CURRENT_USER', current_database()); END $$`, "extensions", "let an administrator run CREATE EXTENSION pg_trgm"},
	} {
		if _, err := db.Exec(t.Context(), c.sql); err != nil {
			t.Fatal(err)
		}
		if f := examine(t, url)[c.subject]; !strings.Contains(f.Text, c.want) {
			t.Errorf("%s: got %s, want %q", c.sql, f, c.want)
		}
	}

	if f := examine(t, "postgres://nobody@127.0.0.1:1/x"); len(f) != 1 || f["database"].Fine || !strings.Contains(f["database"].Text, "nothing answers") {
		t.Errorf("no database: got %v", f)
	}
}

func TestIndexes(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url, MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, sql := range []string{`CREATE TABLE twice (n int)`, `INSERT INTO twice VALUES (1), (1)`} {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec(t.Context(), `CREATE UNIQUE INDEX CONCURRENTLY twice_n ON twice (n)`); err == nil {
		t.Fatal("the index could be made")
	}
	if f := examine(t, url)["indexes"]; f.Fine || !strings.Contains(f.Text, "twice_n") {
		t.Errorf("got %s", f)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	before := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	after := before.Add(time.Second)
	for theirs, want := range map[time.Duration]bool{0: true, 500 * time.Millisecond: true, -2 * time.Second: true, 3 * time.Second: true, -3 * time.Second: false, time.Hour: false} {
		if f := judgeClock(before, before.Add(theirs), after); f.Fine != want {
			t.Errorf("%s: got %s", theirs, f)
		}
	}
}
