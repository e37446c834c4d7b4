package export_test

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/batch"
	"stadtgraph/internal/change"
	"stadtgraph/internal/export"
	"stadtgraph/internal/ndjson"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/pgtest/shipped"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/register"
	"stadtgraph/internal/sample"
	"stadtgraph/internal/write"
)

var declared = sync.OnceValues(func() (*write.Registry, error) {
	catalogue, err := graph.Catalogue()
	if err != nil {
		return nil, err
	}
	return graph.Writable(catalogue)
})

func library(t testing.TB, pool *pgxpool.Pool) *export.Library {
	t.Helper()
	registry, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	l, err := export.New(registry.Catalogue(), registry, pool)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// viewer sees what a role may see now.
func viewer(role plan.Role) plan.Viewer { return plan.Viewer{Role: role, Now: time.Now()} }

// written is an export, as who asks for it sees it.
func written(t testing.TB, pool *pgxpool.Pool, role plan.Role, of export.Of, types ...string) string {
	t.Helper()
	l := library(t, pool)
	for _, k := range l.Kinds() {
		if len(types) == 0 || slices.Contains(types, k.Type) {
			of.Kinds = append(of.Kinds, k)
		}
	}
	s, err := l.Begin(t.Context(), viewer(role), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var b strings.Builder
	rows, err := s.Write(t.Context(), &b, of)
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, k := range of.Kinds {
		n, err := s.Count(t.Context(), k, of.Format, of.After)
		if err != nil {
			t.Fatal(err)
		}
		counted += n
	}
	if rows != counted {
		t.Errorf("%d rows are written, and %d counted", rows, counted)
	}
	return b.String()
}

// registered has the register alone. The seed is that of the sample's tests.
func registered(t testing.TB) *pgxpool.Pool {
	return pgtest.From(t, "register for sample", "1", func(ctx context.Context, pool *pgxpool.Pool) error {
		_, err := register.LoadShipped(ctx, pool, nil)
		return err
	})
}

func do(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// awkward is what no generator makes: rows that refer to later ones and to each other,
// dates that nobody knows, what is not public, slugs and ids of before, and texts that
// formats stumble on.
const awkward = `
UPDATE article SET title = '=1+1;"<b>&'',` + "\t\n" + `ß😀', lead = E'# \u2028\n\n\\ "x"\r\n.' WHERE id = (SELECT min(id::text)::uuid FROM article);
DELETE FROM article_previous;
INSERT INTO article_previous (article_id, position, previous_id) SELECT a.id, 1, b.id FROM
 (SELECT id, row_number() OVER (ORDER BY id) n FROM article WHERE deleted_at IS NULL) a JOIN (SELECT id, row_number() OVER (ORDER BY id) n FROM article WHERE deleted_at IS NULL) b ON b.n = a.n + 1 AND a.n < 6;
INSERT INTO article_previous (article_id, position, previous_id) SELECT p.previous_id, 2, p.article_id FROM article_previous p WHERE EXISTS (SELECT FROM article_previous q WHERE q.article_id = p.previous_id);
UPDATE article SET publication_status = 'PUBLISHED', published_at = NULL, published_on_start = NULL, published_on_end = NULL, published_on_precision = NULL, published_on_text = NULL
 WHERE id = (SELECT id FROM article WHERE publication_status = 'PUBLISHED' ORDER BY id LIMIT 1);
UPDATE article SET publication_status = 'DRAFT' WHERE id = (SELECT id FROM article WHERE published_at < now() ORDER BY id OFFSET 3 LIMIT 1);
UPDATE article SET publication_status = 'SCHEDULED', published_at = now() + interval '1 year' WHERE id = (SELECT id FROM article ORDER BY id OFFSET 5 LIMIT 1);
UPDATE article SET updated_at = '2024-05-06 07:08:09.123456Z' WHERE id = (SELECT id FROM article ORDER BY id OFFSET 7 LIMIT 1);
UPDATE article SET deleted_at = now() WHERE id = (SELECT id FROM article ORDER BY id OFFSET 9 LIMIT 1);
INSERT INTO former_slug (type, slug, id) SELECT 'article', 'former-' || n, (SELECT id FROM article ORDER BY id LIMIT 1) FROM generate_series(1, 2) n;
INSERT INTO former_slug (type, slug, id) SELECT 'strategy', 'former', (SELECT id FROM strategy ORDER BY id LIMIT 1);
INSERT INTO external_id (type, source, external_id, id) SELECT 'Topic', 'cms ' || n, '"' || n || '"', (SELECT id FROM topic ORDER BY id LIMIT 1) FROM generate_series(1, 3) n;
UPDATE topic t SET parent_id = (SELECT max(id::text)::uuid FROM topic WHERE scheme = t.scheme) WHERE id = (SELECT id FROM topic ORDER BY id LIMIT 1) AND id <> (SELECT max(id::text)::uuid FROM topic WHERE scheme = t.scheme);
`

// TestRoundTrip: what an administrator exports makes an equal database of an empty one
// that has the register.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	one, two := registered(t), registered(t)
	if err := sample.Load(t.Context(), one, sample.Options{Scale: 0.0005}); err != nil {
		t.Fatal(err)
	}
	do(t, one, awkward)
	registry, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	importable := append(slices.Clone(registry.Importable()), "Comment")
	lines := written(t, one, plan.Admin, export.Of{Format: export.NDJSON}, importable...)
	actor := &auth.Actor{Name: "test", Role: auth.Admin}
	run := func(pool *pgxpool.Pool) batch.Summary {
		t.Helper()
		writer := write.NewWriter(registry, pool)
		sum, err := batch.Run(t.Context(), writer, actor, ndjson.Read(strings.NewReader(lines), writer, registry.Catalogue(), ""), batch.Options{
			Report: func(l batch.Line) error {
				if l.Status == "FAILED" {
					t.Errorf("line %d: %+v\n%s", l.Line, l.UserErrors, strings.Split(lines, "\n")[l.Line-1])
				}
				return nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	sum := run(two)
	t.Logf("%+v", sum)
	again := written(t, two, plan.Admin, export.Of{Format: export.NDJSON}, importable...)
	here, there := content(lines), content(again)
	for i, line := range here {
		if i >= len(there) || line != there[i] {
			t.Fatalf("line %d is\n%s\nand was\n%s", i+1, there[min(i, len(there)-1)], line)
		}
	}
	if len(here) != len(there) {
		t.Errorf("%d lines, and %d before", len(there), len(here))
	}
	// What is due is published, whoever says so; what was deleted nobody misses.
	do(t, one, `UPDATE article SET publication_status = 'PUBLISHED' WHERE publication_status = 'SCHEDULED' AND published_at <= now()`)
	do(t, one, `DELETE FROM comment; DELETE FROM article WHERE deleted_at IS NOT NULL`)
	before, after := tables(t, one), tables(t, two)
	for name, sum := range before {
		if after[name] != sum {
			t.Errorf("%s: %s, and %s before", name, after[name], sum)
		}
	}
	if sum := run(two); sum.Created+sum.Updated+sum.Failed > 0 {
		t.Errorf("imported again it changes something: %+v", sum)
	}
}

// content is the lines of what can be imported.
func content(text string) []string {
	return slices.DeleteFunc(slices.Collect(strings.Lines(text)), func(line string) bool {
		return strings.HasPrefix(line, `{"type":"Comment"`) || strings.HasPrefix(line, `{"type":"Cursor"`)
	})
}

// tables are sums of what is in the tables that hold content, but for what a copy has of
// its own.
func tables(t *testing.T, pool *pgxpool.Pool) map[string]string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT DISTINCT table_name::text FROM information_schema.columns c WHERE table_schema = 'public'
 AND (table_name IN (SELECT source FROM history_type) OR table_name IN (SELECT source FROM history_part) OR table_name IN ('former_slug'))
 AND table_name NOT LIKE 'comment%' AND table_name NOT LIKE 'source%'`)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	var name string
	var names []string
	for rows.Next() {
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	for _, name := range names {
		var sum string
		err := pool.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*) || ' ' || coalesce(md5(string_agg(r, e'\n' ORDER BY r COLLATE "C")), '') FROM
 (SELECT (to_jsonb(t) - '{version,created_at,modified_at,source_id,lineage_id}'::text[])::text AS r FROM %s t WHERE to_jsonb(t) ->> 'deleted_at' IS NULL) x`, name)).Scan(&sum)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sums[name] = sum
	}
	return sums
}

// TestStaysCurrent: who exports while others write, some of them for long, and goes on
// from the cursor gets each change once that the export has not, and none that it has.
func TestStaysCurrent(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	topics := export.Of{Format: export.NDJSON}
	const insert = `INSERT INTO topic (id, slug, name, scheme) VALUES ($1, $2, $2, 'KEYWORD')`
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil && n < 150; n++ {
				err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
					id := nodeid.New(time.Now())
					if _, err := tx.Exec(t.Context(), insert, id.String(), fmt.Sprintf("topic-%d-%d", w, n)); err != nil {
						return err
					}
					if n%3 == 0 { // a long one: others begin after it and end before it
						if _, err := tx.Exec(t.Context(), `SELECT pg_sleep(0.01)`); err != nil {
							return err
						}
					}
					if n%5 == 4 {
						_, err := tx.Exec(t.Context(), `UPDATE topic SET name = name || '!' WHERE slug = $1`, fmt.Sprintf("topic-%d-%d", w, n-2))
						return err
					}
					if n%7 == 6 {
						_, err := tx.Exec(t.Context(), `UPDATE topic SET deleted_at = now() WHERE slug = $1`, fmt.Sprintf("topic-%d-%d", w, n-3))
						return err
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	// What each copy holds: the version of each topic that it knows.
	type copied struct {
		cursor   change.Cursor
		versions map[nodeid.UUID]int
	}
	var copies []copied
	l := library(t, pool)
	kind, _ := l.Kind("topics")
	for len(copies) < 12 {
		s, err := l.Begin(t.Context(), viewer(plan.Public), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		c := copied{s.Cursor, map[nodeid.UUID]int{}}
		var b strings.Builder
		topics.Kinds = []export.Kind{kind}
		if _, err := s.Write(t.Context(), &b, topics); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			var row struct{ Type, ID, Name, Cursor string }
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err)
			}
			if row.Type == export.CursorType {
				if row.Cursor != string(s.Cursor) {
					t.Errorf("the last line says %q", line)
				}
				continue
			}
			id, err := nodeid.Parse(row.ID)
			if err != nil {
				t.Fatal(err)
			}
			c.versions[id.UUID] = 1 + strings.Count(row.Name, "!")
		}
		s.Close()
		copies = append(copies, c)
		if len(copies) == 12 {
			stop()
		}
	}
	writers.Wait()
	present := map[nodeid.UUID]int{}
	rows, err := pool.Query(t.Context(), `SELECT id, version FROM topic WHERE deleted_at IS NULL`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var id [16]byte
		var version int
		if err := rows.Scan(&id, &version); err != nil {
			t.Fatal(err)
		}
		present[id] = version
	}
	overlapping := 0
	for i, c := range copies {
		cursor := c.cursor
		if strings.Count(plainCursor(t, cursor), ".") == 3 {
			overlapping++
		}
		for {
			var held bool // by transactions of other tests
			if err := pool.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM change WHERE txid >= pg_snapshot_xmin(pg_current_snapshot()))`).Scan(&held); err != nil {
				t.Fatal(err)
			}
			page, err := change.Read(t.Context(), pool, cursor, []string{"Topic"}, 7)
			if err != nil {
				t.Fatal(err)
			}
			for _, ch := range page.Changes {
				if ch.Version <= c.versions[ch.ID] {
					t.Errorf("copy %d gets version %d of what it has at version %d", i, ch.Version, c.versions[ch.ID])
				}
				c.versions[ch.ID] = ch.Version
				if ch.Deleted {
					delete(c.versions, ch.ID)
				}
			}
			if cursor = page.Next; !page.More {
				if !held {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		if !maps.Equal(c.versions, present) {
			t.Errorf("copy %d has %d topics, and there are %d", i, len(c.versions), len(present))
		}
	}
	if overlapping == 0 {
		t.Log("no export met a transaction that was open") // on a machine that is that quick
	}
}

// plainCursor is what a cursor is made of.
func plainCursor(t *testing.T, c change.Cursor) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestTables: CSV is read by any reader of RFC 4180, opens no formula in a spreadsheet,
// and keeps zeros in front.
func TestTables(t *testing.T) {
	t.Parallel()
	pool := shipped.Copy(t)
	do(t, pool, `UPDATE article SET title = E'=HYPERLINK("x")\n;,' , kicker = '-1', subtitle = '@a' WHERE id = (SELECT id FROM article WHERE publication_status = 'PUBLISHED' ORDER BY id LIMIT 1)`)
	records := func(text string, comma rune) []map[string]string {
		t.Helper()
		r := csv.NewReader(strings.NewReader(text))
		r.Comma = comma
		all, err := r.ReadAll()
		if err != nil {
			t.Fatalf("%v\n%s", err, text[:min(len(text), 500)])
		}
		var out []map[string]string
		for _, cells := range all[1:] {
			row := map[string]string{}
			for i, name := range all[0] {
				row[name] = cells[i]
			}
			out = append(out, row)
		}
		return out
	}
	articles := records(written(t, pool, plan.Public, export.Of{Format: export.CSV}, "Article"), ',')
	if a := articles[0]; a["title"] != "'=HYPERLINK(\"x\")\n;," || a["kicker"] != "-1" || a["subtitle"] != "'@a" {
		t.Errorf("title %q, kicker %q, subtitle %q", a["title"], a["kicker"], a["subtitle"])
	}
	excel := written(t, pool, plan.Public, export.Of{Format: export.CSV, Excel: true}, "Article")
	if rest, ok := strings.CutPrefix(excel, "\ufeff"); !ok || len(records(rest, ';')) != len(articles) {
		t.Errorf("for Excel: %q", excel[:100])
	}
	for _, k := range library(t, pool).Kinds() { // each is a table
		records(written(t, pool, plan.Admin, export.Of{Format: export.CSV}, k.Type), ',')
	}
	awards := records(written(t, pool, plan.Public, export.Of{Format: export.CSV}, "FundingAward"), ',')
	joint := slices.IndexFunc(awards, func(a map[string]string) bool { return strings.Contains(a["recipients.role"], "; ") })
	if joint < 0 || strings.Count(awards[joint]["recipients.recipient.name"], "; ") != strings.Count(awards[joint]["recipients.role"], "; ") {
		t.Errorf("no joint award: %v", awards[max(joint, 0)])
	}
	for _, m := range records(written(t, pool, plan.Public, export.Of{Format: export.CSV}, "Municipality"), ',') {
		if m["name"] == "Bamberg" && m["level"] == "MUNICIPALITY" {
			if m["key"] != "09461000" || m["state.key"] != "09" || m["strategies.totalCount"] == "0" {
				t.Errorf("Bamberg: %v", m)
			}
			return
		}
	}
	t.Error("there is no Bamberg")
}

// TestFeatures: GeoJSON is RFC 7946, with coordinates in its order.
func TestFeatures(t *testing.T) {
	t.Parallel()
	var all struct {
		Type     string
		Features []struct {
			Type, ID string
			Geometry struct {
				Type        string
				Coordinates []float64
			}
			Properties map[string]any
		}
	}
	text := written(t, shipped.DB(t), plan.Public, export.Of{Format: export.GeoJSON}, "Municipality")
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range all.Features {
		lon, lat := f.Geometry.Coordinates[0], f.Geometry.Coordinates[1]
		if f.Type != "Feature" || f.Geometry.Type != "Point" || lon < 5 || lon > 16 || lat < 47 || lat > 56 || f.Properties["key"] == "" {
			t.Fatalf("%+v", f)
		}
		if f.Properties["key"] == "09461000" {
			found = f.Properties["name"] == "Bamberg" && f.Properties["stateKey"] == "09" && f.Properties["strategies"] != 0.0
		}
	}
	if all.Type != "FeatureCollection" || !found {
		t.Errorf("%s with %d features, Bamberg %v", all.Type, len(all.Features), found)
	}
	if err := json.Unmarshal([]byte(written(t, pgtest.DB(t), plan.Public, export.Of{Format: export.GeoJSON}, "Municipality")), &all); err != nil || len(all.Features) > 0 {
		t.Errorf("of nothing: %v", err)
	}
}

// TestWhoSeesWhat: the public gets what it sees everywhere, and nobody gets what is kept.
func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	pool := shipped.Copy(t)
	do(t, pool, `UPDATE strategy SET publication_status = 'DRAFT', title = 'Secret' WHERE id = (SELECT strategy_id FROM measure WHERE strategy_id IS NOT NULL LIMIT 1);
INSERT INTO comment (id, article_id, body, body_html, body_text, body_renderer, author_name, status) SELECT gen_random_uuid(), id, 'waits here', '<p>waits here</p>', 'waits here', 1, 'Waiting', 'PENDING' FROM article ORDER BY id LIMIT 1;
INSERT INTO external_id (type, source, external_id, id) SELECT 'Topic', 'the-cms', '7', id FROM topic LIMIT 1`)
	for _, f := range []export.Format{export.NDJSON, export.CSV} {
		for _, k := range library(t, pool).Kinds() {
			public, admin := written(t, pool, plan.Public, export.Of{Format: f}, k.Type), written(t, pool, plan.Admin, export.Of{Format: f}, k.Type)
			for _, secret := range []string{"Secret", "the-cms"} {
				if strings.Contains(public, secret) {
					t.Errorf("%s as %s tells the public of %q", k.Name, f, secret)
				}
			}
			if k.Type == "Strategy" && !strings.Contains(admin, "Secret") || k.Type == "Topic" && f == export.NDJSON && !strings.Contains(admin, `"source":"the-cms","externalId":"7"`) {
				t.Errorf("%s as %s does not tell an administrator", k.Name, f)
			}
			if strings.Contains(admin, "waits here") || strings.Contains(admin, "authorEmail") || strings.Contains(admin, "spamScore") {
				t.Errorf("%s as %s tells of comments that wait", k.Name, f)
			}
		}
	}
}

// TestEveryFieldOfInputs: lines hold all that can be written, and rows behind a key.
func TestEveryFieldOfInputs(t *testing.T) {
	t.Parallel()
	registry, err := declared()
	if err != nil {
		t.Fatal(err)
	}
	pool := shipped.DB(t)
	for _, typeName := range registry.Importable() {
		first, _, _ := strings.Cut(written(t, pool, plan.Admin, export.Of{Format: export.NDJSON}, typeName), "\n")
		var row map[string]any
		if err := json.Unmarshal([]byte(first), &row); err != nil {
			t.Fatal(err)
		}
		for _, f := range registry.Catalogue().Schema.Types[typeName+"Input"].Fields {
			if _, ok := row[f.Name]; !ok {
				t.Errorf("the line of a %s lacks %s", typeName, f.Name)
			}
		}
	}
	text := written(t, pool, plan.Public, export.Of{Format: export.NDJSON}, "Topic")
	lines := slices.Collect(strings.Lines(text))
	var third struct{ ID string }
	if err := json.Unmarshal([]byte(lines[2]), &third); err != nil {
		t.Fatal(err)
	}
	id, err := nodeid.Parse(third.ID)
	if err != nil {
		t.Fatal(err)
	}
	rest := written(t, pool, plan.Public, export.Of{Format: export.NDJSON, After: id.UUID}, "Topic")
	if got := slices.Collect(strings.Lines(rest)); !slices.Equal(got[:len(got)-1], lines[3:len(lines)-1]) {
		t.Errorf("behind the third there are %d lines of %d", len(got), len(lines))
	}
}
