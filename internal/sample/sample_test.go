package sample

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/register"
)

const tiny = 0.002

func registered(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := register.LoadShipped(ctx, pool, nil)
	return err
}

// sampled is a database of one's own with the register and the smallest sample.
func sampled(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.From(t, "register for sample", "1", registered)
	if err := Load(t.Context(), pool, Options{Scale: tiny}); err != nil {
		t.Fatal(err)
	}
	return pool
}

func value(t *testing.T, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, sql string, args ...any) string {
	t.Helper()
	var s *string
	if err := db.QueryRow(t.Context(), sql, args...).Scan(&s); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if s == nil {
		return "null"
	}
	return *s
}

// checksums are those of the tables that the sample fills, in the order of its columns.
func checksums(t *testing.T, pool *pgxpool.Pool) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for _, table := range tables {
		sums[table.name] = value(t, pool, fmt.Sprintf(`SELECT count(*) || ' ' || coalesce(md5(string_agg(r, e'\n' ORDER BY r COLLATE "C")), '') FROM (SELECT t::text AS r FROM %s t) x`, table.name))
	}
	return sums
}

func TestSameRowsEverywhere(t *testing.T) {
	t.Parallel()
	one, two := sampled(t), sampled(t)
	a, b := checksums(t, one), checksums(t, two)
	for name, sum := range a {
		if b[name] != sum {
			t.Errorf("%s: %s and %s", name, sum, b[name])
		}
		if strings.HasPrefix(sum, "0 ") {
			t.Errorf("%s has no rows", name)
		}
	}

	// Again, and with another scale: nothing.
	for _, scale := range []float64{tiny, 0.01} {
		if err := Load(t.Context(), one, Options{Scale: scale, Progress: func(int, int) { t.Error("the second load makes progress") }}); err != nil {
			t.Fatal(err)
		}
	}
	for name, sum := range checksums(t, one) {
		if a[name] != sum {
			t.Errorf("%s: %s and, loaded twice, %s", name, a[name], sum)
		}
	}
}

// The parts follow each other: the last one changes rows, for a while.
func TestContent(t *testing.T) { //nolint:tparallel // see above
	t.Parallel()
	pool := pgtest.From(t, "register for sample", "1", registered)
	// The register has sources of its own.
	if _, err := pool.Exec(t.Context(), `CREATE TABLE others AS SELECT id FROM source`); err != nil {
		t.Fatal(err)
	}
	last, total := 0, 0
	if err := Load(t.Context(), pool, Options{Scale: tiny, Progress: func(done, of int) {
		if done <= last || total != 0 && of != total {
			t.Errorf("progress from %d of %d to %d of %d", last, total, done, of)
		}
		last, total = done, of
	}}); err != nil {
		t.Fatal(err)
	}
	if last != total {
		t.Errorf("progress ends at %d of %d", last, total)
	}

	t.Run("counts", func(t *testing.T) {
		for _, c := range counts {
			want := fmt.Sprint(max(int(math.Round(float64(c.perScale)*tiny)), c.least))
			if got := value(t, pool, `SELECT count(*)::text FROM `+c.of+` WHERE id NOT IN (TABLE others)`); got != want {
				t.Errorf("%s: %s rows, want %s", c.of, got, want)
			}
		}
		if got := value(t, pool, `SELECT attribution FROM dataset WHERE name = 'sample'`); got != "synthetic, made by stadtgraph" {
			t.Errorf("credited as %q", got)
		}
	})

	t.Run("marked", func(t *testing.T) {
		for table, marks := range map[string]string{
			"topic": "name", "indicator": "name", "organization": "name", "person": "name", "source": "title", "event": "title", "funding_program": "title",
			"funding_call": "label", "strategy": "title", "measure": "title", "ranking": "name", "article": "title", "media_asset": "coalesce(url, credit, rights_holder, 'Muster')",
			"funding_award": "coalesce(title, 'Muster')", "comment": "coalesce(author_name, 'Muster')", "identifier": "value",
		} {
			where := ""
			switch table {
			case "indicator":
				where = " AND code <> 'population'"
			case "source":
				where = " AND id NOT IN (TABLE others)"
			}
			if got := value(t, pool, fmt.Sprintf(`SELECT string_agg(%s, '; ') FROM %s WHERE %s !~* 'muster'%s`, marks, table, marks, where)); got != "null" {
				t.Errorf("%s does not say that it is synthetic: %.300s", table, got)
			}
		}
		// Nothing leads to an address that somebody has.
		for table, column := range map[string]string{"article": "body", "source": "url", "media_asset": "url", "article_link": "url", "organization": "website", "comment": "body", "strategy": "body"} {
			if got := value(t, pool, fmt.Sprintf(`SELECT min(m[1]) FROM (SELECT %[2]s FROM %[1]s WHERE to_jsonb(%[1]s)->>'id' IS NULL OR to_jsonb(%[1]s)->>'id' NOT IN (SELECT id::text FROM others)) x, regexp_matches(x.%[2]s, 'https?://([^/)]+)', 'g') m WHERE m[1] !~ '\.example$'`, table, column)); got != "null" {
				t.Errorf("%s.%s leads to %s", table, column, got)
			}
		}
		for _, column := range []string{"title", "kicker", "lead", "body"} {
			if got := value(t, pool, fmt.Sprintf(`SELECT min(%[1]s) FROM article WHERE %[1]s ~ '[<>{}]' AND %[1]s !~ '^>|\n>'`, column)); got != "null" {
				t.Errorf("article.%s is not filled in: %s", column, got)
			}
		}
	})

	t.Run("kinds", func(t *testing.T) {
		// Every value of every list that a constraint knows has a row.
		rows, _ := pool.Query(t.Context(), `
SELECT DISTINCT conrelid::regclass::text, a.attname, m[1]
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1],
  regexp_matches(pg_get_constraintdef(c.oid), '''([A-Z_]+)''::text', 'g') m
WHERE c.contype = 'c' AND cardinality(c.conkey) = 1 AND conname LIKE '%\_known' AND a.attndims = 0`)
		type known struct{ Table, Column, Value string }
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[known])
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for _, k := range list {
			if _, ok := tableIndex[k.Table]; !ok || slices.Contains([]string{"identifier", "former_slug"}, k.Table) || strings.HasSuffix(k.Table, "_link") || strings.HasSuffix(k.Table, "_mention") {
				continue
			}
			checked++
			if got := value(t, pool, fmt.Sprintf(`SELECT count(*)::text FROM %s WHERE %s = $1`, k.Table, k.Column), k.Value); got == "0" {
				t.Errorf("no %s has %s %s", k.Table, k.Column, k.Value)
			}
		}
		if checked < 80 {
			t.Errorf("found only %d values to check", checked)
		}
	})

	t.Run("sense", func(t *testing.T) {
		for _, tc := range []struct{ name, sql string }{
			{"no two strategies of a kind are in force", `SELECT string_agg(municipality_id || kind, ', ') FROM (SELECT o.municipality_id, s.kind FROM strategy s JOIN strategy_owner o ON o.strategy_id = s.id
				JOIN municipality m ON m.id = o.municipality_id AND m.level = 'MUNICIPALITY'
				WHERE s.status = 'ADOPTED' GROUP BY 1, 2 HAVING count(*) > 1) x`},
			{"what is superseded has an adopted successor", `SELECT min(s.title) FROM strategy s WHERE s.status = 'SUPERSEDED' AND NOT EXISTS (SELECT FROM strategy n WHERE n.predecessor_id = s.id AND n.status IN ('ADOPTED', 'SUPERSEDED', 'EXPIRED'))`},
			{"what is adopted has a date", `SELECT min(title) FROM strategy WHERE status = 'ADOPTED' AND adopted_on_start IS NULL`},
			{"awards have a lead", `SELECT min(a.title) FROM funding_award a WHERE NOT EXISTS (SELECT FROM funding_award_recipient r WHERE r.award_id = a.id AND r.role = 'LEAD')`},
			{"some amounts are unknown", `SELECT 'all' WHERE NOT EXISTS (SELECT FROM funding_award WHERE amount_awarded_amount IS NULL) OR NOT EXISTS (SELECT FROM funding_award WHERE amount_awarded_amount IS NOT NULL)`},
			{"no draft has a date", `SELECT min(title) FROM article WHERE publication_status IN ('DRAFT', 'IN_REVIEW') AND num_nonnulls(published_at, published_on_start) > 0`},
			{"days in Germany and instants agree", `SELECT min(title) FROM article WHERE published_on_precision = 'DAY' AND (published_at AT TIME ZONE 'Europe/Berlin')::date <> published_on_start`},
			{"nothing was made after the sample's day", `SELECT min(title) FROM article WHERE greatest(created_at, modified_at, updated_at) > '2026-06-30'`},
			{"no comment comes before its parent or article", `SELECT min(c.id::text) FROM comment c JOIN article a ON a.id = c.article_id LEFT JOIN comment p ON p.id = c.parent_id
				WHERE c.created_at < coalesce(p.created_at, a.published_at)`},
			{"comments are where they may be", `SELECT min(a.title) FROM comment c JOIN article a ON a.id = c.article_id WHERE a.comments_status = 'DISABLED'`},
			{"ids sort by time", `SELECT min(x.id::text) FROM (SELECT id, created_at, max(created_at) OVER (ORDER BY id) AS latest FROM comment) x WHERE created_at < latest - interval '1 millisecond'`},
		} {
			if got := func() (s string) {
				err := pool.QueryRow(t.Context(), `SELECT coalesce((`+tc.sql+`), 'fine')`).Scan(&s)
				if err != nil {
					t.Fatalf("%s: %v", tc.name, err)
				}
				return s
			}(); got != "fine" {
				t.Errorf("%s: %s", tc.name, got)
			}
		}
	})

	t.Run("rendered", func(t *testing.T) { checkRendered(t, pool) })
	t.Run("triggers", func(t *testing.T) { checkTriggers(t, pool) })
}

// checkRendered renders stored texts as they stand.
func checkRendered(t *testing.T, pool *pgxpool.Pool) {
	for _, c := range []struct{ table, name string }{{"article", "body"}, {"strategy", "body"}, {"funding_program", "body"}, {"measure", "description"}, {"comment", "body"}} {
		rows, _ := pool.Query(t.Context(), fmt.Sprintf(`SELECT %[2]s, to_jsonb(t) FROM %[1]s t WHERE %[2]s IS NOT NULL ORDER BY id LIMIT 300`, c.table, c.name))
		var markdown string
		var stored []byte
		n := 0
		if _, err := pgx.ForEachRow(rows, []any{&markdown, &stored}, func() error {
			n++
			var have map[string]json.RawMessage
			if err := json.Unmarshal(stored, &have); err != nil {
				return err
			}
			for name, want := range column(c.table, c.name).Values(markdown) {
				w, err := json.Marshal(want)
				if err != nil {
					return err
				}
				if !same(t, have[name], w) {
					return fmt.Errorf("%s.%s of %q\nis   %s\nwant %s", c.table, name, markdown, have[name], w)
				}
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		if n < 5 {
			t.Errorf("%s: found %d texts", c.table, n)
		}
	}
}

func same(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	for _, v := range []struct {
		from []byte
		to   *any
	}{{a, &x}, {b, &y}} {
		if err := json.Unmarshal(v.from, v.to); err != nil {
			t.Fatal(err)
		}
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return bytes.Equal(p, q)
}

// checkTriggers has the triggers do again what the generator did without them.
func checkTriggers(t *testing.T, pool *pgxpool.Pool) {
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	for _, sql := range []string{
		`CREATE TEMP TABLE was ON COMMIT DROP AS SELECT * FROM comment`,
		`DELETE FROM comment_note`,
		`DELETE FROM comment`,
		`INSERT INTO comment SELECT (jsonb_populate_record(w, '{"visible": false, "tombstone": false, "depth": 0, "root_id": "00000000-0000-0000-0000-000000000000", "path": "", "thread_rank": 0}')).* FROM was w ORDER BY w.depth`,
		`CREATE TEMP TABLE lineage ON COMMIT DROP AS SELECT id, lineage_id FROM strategy`,
		`UPDATE strategy SET lineage_id = id`,
		`UPDATE strategy SET predecessor_id = predecessor_id`,
	} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if got := value(t, tx, `SELECT string_agg(w::text || ' ' || c::text, e'\n') FROM was w JOIN comment c USING (id)
		WHERE (w.root_id, w.depth, w.visible, w.tombstone, w.path, w.thread_at, w.thread_rank) IS DISTINCT FROM (c.root_id, c.depth, c.visible, c.tombstone, c.path, c.thread_at, c.thread_rank)`); got != "null" {
		t.Errorf("the triggers differ about comments:\n%s", got)
	}
	if got := value(t, tx, `SELECT string_agg(s.title, e'\n') FROM strategy s JOIN lineage l USING (id) WHERE l.lineage_id <> s.lineage_id`); got != "null" {
		t.Errorf("the triggers differ about lineages:\n%s", got)
	}
	if got := value(t, tx, `SELECT (count(*) FILTER (WHERE tombstone) > 0 AND count(*) FILTER (WHERE depth > 1) > 0 AND count(*) FILTER (WHERE NOT visible AND status = 'APPROVED') > 0)::text FROM comment`); got != "true" {
		t.Error("the discussions are too simple")
	}
	if got := value(t, tx, `SELECT string_agg(tgname, ', ') FROM pg_trigger WHERE tgenabled <> 'O'`); got != "null" {
		t.Errorf("left disabled: %s", got)
	}
}

// The names of places are put into texts beside Markdown: none means anything in it.
func TestNamesOfPlaces(t *testing.T) {
	t.Parallel()
	edition, err := register.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, u := range edition.Units {
		names[u.Name] = true
	}
	for name := range names {
		if strings.ContainsAny(name, "[]*_`<>\\{}|\n") {
			t.Errorf("%q", name)
		}
	}
	if len(names) < 9000 {
		t.Errorf("found %d names", len(names))
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	for _, scale := range []float64{0, -1, math.NaN(), math.Inf(1), 101} {
		if err := Load(t.Context(), pool, Options{Scale: scale}); err == nil || !strings.Contains(err.Error(), "choose one above 0") {
			t.Errorf("scale %v: %v", scale, err)
		}
	}
	if err := Load(t.Context(), pool, Options{Scale: tiny}); err == nil || !strings.Contains(err.Error(), "load the register first") {
		t.Errorf("without a register: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Load(ctx, pool, Options{Scale: tiny}); err == nil {
		t.Error("a cancelled load has no error")
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	starts := shares(10, []uint32{0, 1, 0, 3, 1, 0})
	if want := []int32{0, 0, 2, 2, 8, 10, 10}; !slices.Equal(starts, want) {
		t.Errorf("%v, want %v", starts, want)
	}
	for i, want := range []int{1, 1, 3, 3, 3, 3, 3, 3, 4, 4} {
		if got := holder(starts, i); got != want {
			t.Errorf("%d belongs to %d, want %d", i, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	at := time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC)
	u := key("article", 7, at)
	if u[6]>>4 != 7 || u[8]>>6 != 2 {
		t.Errorf("%s is no UUIDv7", u)
	}
	if ms := (nodeid.UUID{}); key("article", 8, at) == u || key("comment", 7, at) == u || u == ms {
		t.Error("keys repeat")
	}
}
