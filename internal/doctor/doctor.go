// Package doctor examines the database that a server stands on and says, a
// sentence each, what is wrong and what to do about it.
package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"stadtgraph/internal/postgres"
	"stadtgraph/internal/register"
)

const (
	minVersion = 15 // of Postgres

	// maxSkew is how far the clocks may be apart: what is published from an
	// instant on is visible by our clock and recorded by the database's.
	maxSkew = 2 * time.Second

	timeout = 15 * time.Second
)

// Finding is the outcome of one check.
type Finding struct {
	Subject string
	Fine    bool
	Text    string // what was found and, unless it is fine, what to do
}

func (f Finding) String() string {
	word := "ok"
	if !f.Fine {
		word = "FAIL"
	}
	return fmt.Sprintf("%-5s %-11s %s", word, f.Subject, f.Text)
}

func fine(format string, args ...any) Finding {
	return Finding{Fine: true, Text: fmt.Sprintf(format, args...)}
}

func bad(format string, args ...any) Finding {
	return Finding{Text: fmt.Sprintf(format, args...)}
}

// Check looks at one subject. What it finds says itself which.
type Check struct {
	Subject string
	Look    func(context.Context, postgres.DB) (Finding, error)
}

// Examine runs all checks that make sense: most ask a database that answers, and
// the register is looked for where there are tables, as is what more looks at. It changes
// nothing.
func Examine(ctx context.Context, databaseURL string, migrations fs.FS, more ...Check) []Finding {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	db, err := postgres.Open(ctx, postgres.Config{URL: databaseURL, ApplicationName: "stadtgraph doctor", MaxConns: 1})
	if err != nil {
		return []Finding{{Subject: "database", Text: err.Error()}}
	}
	defer db.Close()
	var findings []Finding
	for _, c := range append([]Check{
		{"database", checkVersion},
		{"writable", checkWritable},
		{"encoding", checkEncoding},
		{"collation", checkCollation},
		{"clock", checkClock},
		{"extensions", checkExtensions},
		{"migrations", func(ctx context.Context, db postgres.DB) (Finding, error) {
			return checkMigrations(ctx, db, migrations)
		}},
		{"indexes", checkIndexes},
		{"register", checkRegister},
	}, more...) {
		f, err := c.Look(ctx, db)
		if err != nil {
			f = bad("this cannot be checked: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		f.Subject = c.Subject
		findings = append(findings, f)
		if c.Subject == "migrations" && !f.Fine {
			break // what follows needs the tables
		}
	}
	return findings
}

func checkVersion(ctx context.Context, db postgres.DB) (Finding, error) {
	var number int
	var version string
	err := db.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_version')`).Scan(&number, &version)
	if err != nil {
		return Finding{}, err
	}
	if number/10000 < minVersion {
		return bad("Postgres %s is too old: move to version %d or later", version, minVersion), nil
	}
	return fine("Postgres %s", version), nil
}

func checkWritable(ctx context.Context, db postgres.DB) (Finding, error) {
	var replica bool
	if err := db.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&replica); err != nil {
		return Finding{}, err
	}
	if replica {
		return bad("this server is a replica: let DATABASE_URL lead to the primary, or add target_session_attrs=read-write"), nil
	}
	return fine("the server is a primary"), nil
}

func checkEncoding(ctx context.Context, db postgres.DB) (Finding, error) {
	var encoding string
	if err := db.QueryRow(ctx, `SELECT current_setting('server_encoding')`).Scan(&encoding); err != nil {
		return Finding{}, err
	}
	if encoding != "UTF8" {
		return bad("the database is encoded in %s: create it again with ENCODING 'UTF8'", encoding), nil
	}
	return fine("%s", encoding), nil
}

// checkCollation looks for the collation that puts Ä beside A.
func checkCollation(ctx context.Context, db postgres.DB) (Finding, error) {
	var there bool
	if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_collation WHERE collname = 'de-x-icu')`).Scan(&there); err != nil {
		return Finding{}, err
	}
	if !there {
		return bad("the collation de-x-icu is missing: use a Postgres that was built with ICU, as the packages of all distributions are"), nil
	}
	return fine("de-x-icu"), nil
}

func checkClock(ctx context.Context, db postgres.DB) (Finding, error) {
	var theirs time.Time
	before := time.Now()
	if err := db.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&theirs); err != nil {
		return Finding{}, err
	}
	after := time.Now()
	return judgeClock(before, theirs, after), nil
}

// judgeClock compares the database's clock with ours before and after asking.
func judgeClock(before, theirs, after time.Time) Finding {
	var skew time.Duration
	switch {
	case theirs.Before(before):
		skew = before.Sub(theirs)
	case theirs.After(after):
		skew = theirs.Sub(after)
	}
	if skew > maxSkew {
		return bad("the clocks of this machine and the database are %s apart: let both follow a time server", skew.Round(time.Millisecond))
	}
	return fine("less than %s apart from the database", maxSkew)
}

// checkExtensions looks for the one that finds words by parts of them.
func checkExtensions(ctx context.Context, db postgres.DB) (Finding, error) {
	if err := postgres.CheckExtension(ctx, db, "pg_trgm"); err != nil {
		return bad("%s", err), nil
	}
	return fine("pg_trgm"), nil
}

func checkMigrations(ctx context.Context, db postgres.DB, migrations fs.FS) (Finding, error) {
	s, err := postgres.ReadSchema(ctx, db, migrations)
	if err != nil {
		return Finding{}, err
	}
	switch {
	case s.Dirty:
		return bad("%s", s.Err()), nil
	case len(s.Pending) > 0:
		return bad("the database is at version %d and this binary needs %d: run `stadtgraph migrate up`", s.Version, s.Latest), nil
	case s.Newer():
		return fine("the database is at version %d, newer than the %d of this binary, which is fine", s.Version, s.Latest), nil
	}
	return fine("the database is at version %d, the latest", s.Version), nil
}

// checkIndexes finds what CREATE INDEX CONCURRENTLY leaves behind when it fails.
func checkIndexes(ctx context.Context, db postgres.DB) (Finding, error) {
	var broken []string
	err := db.QueryRow(ctx, `
SELECT coalesce(array_agg(indexrelid::regclass::text ORDER BY indexrelid::regclass::text), '{}')
FROM pg_index WHERE NOT indisvalid`).Scan(&broken)
	if err != nil {
		return Finding{}, err
	}
	if len(broken) > 0 {
		return bad("%s cannot be used by queries: run REINDEX INDEX CONCURRENTLY on each", strings.Join(broken, ", ")), nil
	}
	return fine("all valid"), nil
}

func checkRegister(ctx context.Context, db postgres.DB) (Finding, error) {
	day, err := register.Loaded(ctx, db)
	if err != nil {
		return Finding{}, err
	}
	if day.IsZero() {
		return bad("no register of municipalities is loaded: run `stadtgraph import register`"), nil
	}
	return fine("of %s", day.Format(time.DateOnly)), nil
}
