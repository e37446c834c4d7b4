package change_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/change"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/postgres"
)

// key is the n-th key of a test.
func key(n int) string { return fmt.Sprintf("00000000-0000-7000-8000-%012d", n) }

func uuid(n int) (id nodeid.UUID) {
	id[6], id[8] = 0x70, 0x80
	for i, c := range fmt.Sprintf("%012d", n) {
		id[10+i/2] |= byte(c-'0') << (4 * (1 - i%2))
	}
	return id
}

// run runs statements in one transaction. {n} is the n-th key.
func run(t testing.TB, db postgres.DB, statements string) {
	t.Helper()
	if _, err := db.Exec(t.Context(), fill(statements)); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

func fill(sql string) string {
	for n := range 100 {
		sql = strings.ReplaceAll(sql, fmt.Sprintf("{%d}", n), "'"+key(n)+"'")
	}
	return sql
}

// log are the changes since the last one logged, as "type id version action before after".
func log(t testing.TB, db postgres.DB, after *int64) []string {
	t.Helper()
	rows, _ := db.Query(t.Context(), `SELECT seq, format('%s %s v%s %s %s>%s', type, ltrim(right(id::text, 12), '0'), version, action, visible_before::int, visible_after::int)
FROM change WHERE seq > $1 ORDER BY seq`, *after)
	var lines []string
	var line string
	if _, err := pgx.ForEachRow(rows, []any{after, &line}, func() error { lines = append(lines, line); return nil }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

const article = `INSERT INTO article (id, slug, kind, title, publication_status) VALUES `

// What one statement, or several in one transaction, leave in the history.
func TestWhatIsRecorded(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	var seen int64
	for i, step := range []struct {
		do   string
		want []string
	}{
		{article + `({1}, 'a', 'NEWS', 'A', 'DRAFT')`, []string{"Article 1 v1 CREATE 0>0"}},
		{`UPDATE article SET title = 'B' WHERE id = {1}`, []string{"Article 1 v2 UPDATE 0>0"}},
		{`UPDATE article SET title = 'B' WHERE id = {1}`, nil},
		{`UPDATE article SET version = version + 1, modified_at = now(), title = 'C' WHERE id = {1}`, []string{"Article 1 v3 UPDATE 0>0"}},
		// a writer may say that something changed which the tables do not hold
		{`UPDATE article SET version = version + 1, modified_at = now()`, []string{"Article 1 v4 UPDATE 0>0"}},
		// a link alone, then two tables in one transaction
		{`INSERT INTO article_link VALUES ({1}, 1, 'https://a', NULL, 'OTHER')`, []string{"Article 1 v5 UPDATE 0>0"}},
		{`UPDATE article_link SET position = position + 1 WHERE article_id = {1}; UPDATE article SET title = 'D', publication_status = 'PUBLISHED' WHERE id = {1}; DELETE FROM article_link`,
			[]string{"Article 1 v6 UPDATE 0>1"}},
		// what readers see of it is rendered again
		{`UPDATE article SET body_html = NULL WHERE id = {1}`, nil},
		// a picture is seen with its article
		{`INSERT INTO media_asset (id, url) VALUES ({2}, 'https://a/b.png')`, []string{"MediaAsset 2 v1 CREATE 0>0"}},
		{`INSERT INTO article_media (article_id, position, media_id) VALUES ({1}, 1, {2})`, []string{"Article 1 v7 UPDATE 1>1", "MediaAsset 2 v1 VISIBILITY 0>1"}},
		{`UPDATE article SET publication_status = 'DRAFT' WHERE id = {1}`, []string{"Article 1 v8 UPDATE 1>0", "MediaAsset 2 v1 VISIBILITY 1>0"}},
		{`UPDATE article SET publication_status = 'PUBLISHED' WHERE id = {1}`, []string{"Article 1 v9 UPDATE 0>1", "MediaAsset 2 v1 VISIBILITY 0>1"}},
		{`DELETE FROM article_media`, []string{"Article 1 v10 UPDATE 1>1", "MediaAsset 2 v1 VISIBILITY 1>0"}},
		// comments follow their thread, and their article
		{`INSERT INTO comment (id, article_id, body, body_html, body_text, body_renderer, status) VALUES ({3}, {1}, 'a', '', '', 1, 'PENDING')`, []string{"Comment 3 v1 CREATE 0>0"}},
		{`UPDATE comment SET status = 'APPROVED' WHERE id = {3}`, []string{"Comment 3 v2 UPDATE 0>1"}},
		{`INSERT INTO comment (id, article_id, parent_id, body, body_html, body_text, body_renderer, status) VALUES ({4}, {1}, {3}, 'a', '', '', 1, 'APPROVED')`, []string{"Comment 4 v1 CREATE 0>1"}},
		{`UPDATE comment SET status = 'HIDDEN' WHERE id = {3}`, []string{"Comment 3 v3 UPDATE 1>1"}},
		{`UPDATE comment SET status = 'REJECTED' WHERE id = {3}`, []string{"Comment 3 v4 UPDATE 1>0", "Comment 4 v1 VISIBILITY 1>0"}},
		{`UPDATE comment SET status = 'APPROVED' WHERE id = {3}; UPDATE article SET deleted_at = now() WHERE id = {1}`,
			[]string{"Article 1 v11 DELETE 1>0", "Comment 3 v5 UPDATE 0>0", "Comment 4 v1 VISIBILITY 0>0"}},
		{`UPDATE comment SET upvotes = 3 WHERE id = {3}`, nil},
		{`UPDATE article SET deleted_at = NULL WHERE id = {1}`, []string{"Article 1 v12 RESTORE 0>1", "Comment 3 v5 VISIBILITY 0>1", "Comment 4 v1 VISIBILITY 0>1"}},
		// there and gone within one transaction
		{article + `({5}, 'e', 'NEWS', 'E', 'PUBLISHED'); INSERT INTO article_link VALUES ({5}, 1, 'https://a', NULL, 'OTHER'); DELETE FROM article WHERE id = {5}`, nil},
		// really deleted, and back
		{article + `({6}, 'f', 'NEWS', 'F', 'PUBLISHED'); INSERT INTO article_link VALUES ({6}, 1, 'https://a', NULL, 'OTHER')`, []string{"Article 6 v1 CREATE 0>1"}},
		{`DELETE FROM article WHERE id = {6}`, []string{"Article 6 v2 DELETE 1>0"}},
		{article + `({6}, 'f', 'NEWS', 'F', 'PUBLISHED')`, []string{"Article 6 v3 RESTORE 0>1"}},
		{`DELETE FROM article WHERE id = {6}; ` + article + `({6}, 'f', 'NEWS', 'G', 'PUBLISHED')`, []string{"Article 6 v4 UPDATE 1>1"}},
		// programs and what hangs on them
		{`INSERT INTO funding_program (id, slug, title, level) VALUES ({10}, 'p', 'P', 'STATE');
		  INSERT INTO funding_call (id, program_id, label) VALUES ({11}, {10}, 'first')`, []string{"FundingCall 11 v1 CREATE 0>0", "FundingProgram 10 v1 CREATE 0>0"}},
		{`UPDATE funding_program SET publication_status = 'PUBLISHED'`, []string{"FundingCall 11 v1 VISIBILITY 0>1", "FundingProgram 10 v2 UPDATE 0>1"}},
		{`UPDATE funding_call SET label = 'second'; UPDATE funding_program SET publication_status = 'DRAFT'`, []string{"FundingCall 11 v2 UPDATE 1>0", "FundingProgram 10 v3 UPDATE 1>0"}},
		{`UPDATE funding_program SET publication_status = 'PUBLISHED'; UPDATE funding_program SET publication_status = 'DRAFT'`, []string{"FundingCall 11 v2 VISIBILITY 0>0", "FundingProgram 10 v4 UPDATE 0>0"}},
		// measures belong to a strategy or to none
		{`INSERT INTO strategy (id, slug, title, kind, status, lineage_id) VALUES ({12}, 's', 'S', 'ROADMAP', 'ADOPTED', {12});
		  INSERT INTO measure (id, slug, title, status) VALUES ({13}, 'm', 'M', 'PLANNED')`, []string{"Measure 13 v1 CREATE 0>1", "Strategy 12 v1 CREATE 0>0"}},
		{`UPDATE measure SET strategy_id = {12}`, []string{"Measure 13 v2 UPDATE 1>0"}},
		{`UPDATE strategy SET publication_status = 'PUBLISHED', published_at = now()`, []string{"Measure 13 v2 VISIBILITY 0>1", "Strategy 12 v2 UPDATE 0>1"}},
		// an identifier changes hands
		{`INSERT INTO organization (id, slug, name, kind) VALUES ({20}, 'o', 'O', 'OTHER'), ({21}, 'q', 'Q', 'OTHER');
		  INSERT INTO identifier (scheme, value, organization_id) VALUES ('GND', '1', {20})`, []string{"Organization 20 v1 CREATE 0>1", "Organization 21 v1 CREATE 0>1"}},
		{`UPDATE identifier SET organization_id = {21}`, []string{"Organization 20 v2 UPDATE 1>1", "Organization 21 v2 UPDATE 1>1"}},
		// many at once
		{article + strings.Join(func() (rows []string) {
			for n := 30; n < 90; n++ {
				rows = append(rows, fmt.Sprintf("({%d}, 'many-%[1]d', 'NEWS', 'M', 'DRAFT')", n))
			}
			return
		}(), ", "), many("CREATE", 1)},
		{`UPDATE article SET title = 'N' WHERE slug LIKE 'many-%'`, many("UPDATE", 2)},
	} {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		run(t, tx, step.do)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if got := log(t, pool, &seen); !slices.Equal(got, step.want) {
			t.Errorf("step %d: %s\ngot  %q\nwant %q", i, step.do, got, step.want)
		}
	}
	// Rows say what the history says.
	var wrong int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM article a WHERE a.version <> (SELECT max(c.version) FROM change c WHERE c.id = a.id AND c.type = 'Article')
		OR a.modified_at <> (SELECT max(c.at) FROM change c WHERE c.id = a.id AND c.action NOT IN ('CREATE', 'VISIBILITY'))`).Scan(&wrong); err != nil || wrong > 0 {
		t.Errorf("%d articles have another version than their history (%v)", wrong, err)
	}
}

func many(action string, version int) (lines []string) {
	for n := 30; n < 90; n++ {
		lines = append(lines, fmt.Sprintf("Article %d v%d %s 0>0", n, version, action))
	}
	return lines
}

func TestSavepoints(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	run(t, pool, article+`({1}, 'a', 'NEWS', 'A', 'DRAFT')`)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run(t, tx, `SAVEPOINT a; UPDATE article SET title = 'B'; ROLLBACK TO a`)
	run(t, tx, `SAVEPOINT b; UPDATE article SET title = 'C'; RELEASE b`)
	run(t, tx, `SAVEPOINT c; INSERT INTO article_link VALUES ({1}, 1, 'https://a', NULL, 'OTHER'); ROLLBACK TO c`)
	run(t, tx, `UPDATE article SET title = 'D'`)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	var seen int64
	if got, want := log(t, pool, &seen), []string{"Article 1 v1 CREATE 0>0", "Article 1 v2 UPDATE 0>0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var title, table string
	var version, entries int
	if err := pool.QueryRow(t.Context(), `SELECT a.title, a.version, min(r.before ->> 'title'), min(r.source), count(*) FROM article a, revision r GROUP BY 1, 2`).
		Scan(&title, &version, &table, &table, &entries); err != nil {
		t.Fatal(err)
	}
	if title != "D" || version != 2 || entries != 1 || table != "article" {
		t.Error(title, version, entries, table)
	}
}

func TestWhoActed(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	actor := &auth.Actor{Token: uuid(9), Name: `O'Neill \ "Redaktion" 😀`, Role: auth.Publisher}
	tx, err := change.Begin(t.Context(), pool, actor, "createArticle")
	if err != nil {
		t.Fatal(err)
	}
	run(t, tx, article+`({1}, 'a', 'NEWS', 'A', 'DRAFT')`)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	run(t, pool, `UPDATE article SET title = 'B'`)
	tx, err = change.Begin(t.Context(), pool, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	run(t, tx, `UPDATE article SET title = 'C'`)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, _ := pool.Query(t.Context(), `SELECT concat_ws('|', version, token_id, actor_name, actor_role, mutation) FROM change ORDER BY seq`)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	want := []string{"1|" + key(9) + "|" + actor.Name + "|PUBLISHER|createArticle", "2", "3"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, want %q (%v)", got, want, err)
	}
}

func TestHistoryIsKept(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	run(t, pool, article+`({1}, 'a', 'NEWS', 'A', 'DRAFT')`)
	run(t, pool, `UPDATE article SET title = 'B'`)
	for _, statement := range []string{
		`UPDATE change SET action = 'CREATE'`, `DELETE FROM change`, `TRUNCATE change`, `UPDATE revision SET before = NULL`, `DELETE FROM revision`, `TRUNCATE revision`,
		`UPDATE article SET title = 'C'; DELETE FROM change`,
	} {
		if _, err := pool.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "is history") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// Every table that belongs to an object is in the register of the history, and has
// its triggers.
func TestNoTableIsForgotten(t *testing.T) {
	t.Parallel()
	tx := pgtest.Tx(t)
	rows, _ := tx.Query(t.Context(), `
WITH main AS (SELECT t.source FROM history_type t)
SELECT format('%s.%s is no part of an object', c.relname, a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
JOIN pg_constraint f ON f.conrelid = c.oid AND f.contype = 'f' AND f.conkey[1] = a.attnum AND f.confdeltype = 'c' AND f.confrelid::regclass::text IN (TABLE main)
WHERE NOT EXISTS (SELECT FROM history_part p WHERE p.source = c.relname AND p.owner = a.attname)
  AND c.relname NOT IN ('comment_submission', 'comment_vote', 'comment_report', -- what is personal has no history
    'webhook_secret', 'webhook_place', 'webhook_state', 'webhook_delivery') -- nor have secrets, and what the server does by itself
UNION ALL
SELECT format('%s has no history', c.relname) FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname NOT IN (TABLE main) AND c.relname NOT IN (SELECT p.source FROM history_part p)
  AND c.relname NOT IN ('dataset', 'former_slug', 'comment_submission', 'comment_vote', 'comment_report',
    'webhook_secret', 'webhook_place', 'webhook_state', 'webhook_delivery') AND EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.confrelid::regclass::text IN (TABLE main))
UNION ALL
SELECT format('%s has a version and no history', c.relname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'version' AND c.relname !~ '^river_'
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname NOT IN (TABLE main) AND c.relname NOT IN ('change', 'schema_migrations', 'webhook_delivery')
UNION ALL
SELECT format('%s has no key', s.source) FROM (SELECT source FROM history_type UNION SELECT source FROM history_part) s
WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = s.source::regclass AND i.indisprimary)
UNION ALL
SELECT format('%s lacks triggers', s.source) FROM (SELECT source, 3 AS least FROM history_type UNION ALL SELECT source, 3 * count(*) FROM history_part GROUP BY 1) s
WHERE s.least > (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = s.source::regclass AND g.tgname ^@ 'history_' AND g.tgenabled = 'O')
UNION ALL
SELECT format('%s.%s does not exist', t.source, d) FROM history_type t, unnest(t.derived) d
WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.source::regclass AND a.attname = d)`)
	problems, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

// version is an article with its parts at a version.
func version(t testing.TB, db postgres.DB, n, version int) string {
	t.Helper()
	var state *string
	if err := db.QueryRow(t.Context(), `SELECT concat_ws(' ', s ->> 'title', s ->> 'slug', s ->> 'publication_status', (SELECT string_agg(l ->> 'position' || (l ->> 'url'), ',') FROM jsonb_array_elements(s -> 'links') l))
FROM revision_state('Article', $1, $2) s WHERE s IS NOT NULL`, uuid(n), version).Scan(&state); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	if state == nil {
		return "-"
	}
	return *state
}

func TestRevisions(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	for _, step := range []string{
		article + `({1}, 'a', 'NEWS', 'A', 'DRAFT'); INSERT INTO article_link VALUES ({1}, 1, 'https://a', NULL, 'OTHER')`,
		`UPDATE article SET title = 'B', slug = 'b'`,
		`INSERT INTO article_link VALUES ({1}, 2, 'https://b', NULL, 'OTHER')`,
		`DELETE FROM article_link WHERE position = 1; UPDATE article_link SET position = 1; INSERT INTO article_link VALUES ({1}, 2, 'https://c', NULL, 'OTHER')`,
		`UPDATE article SET publication_status = 'PUBLISHED', slug = 'c', published_at = now()`,
		`DELETE FROM article`,
		article + `({1}, 'd', 'NEWS', 'D', 'DRAFT')`,
	} {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		run(t, tx, step)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"-", "A a DRAFT 1https://a", "B b DRAFT 1https://a", "B b DRAFT 1https://a,2https://b", "B b DRAFT 1https://b,2https://c", "B c PUBLISHED 1https://b,2https://c", "-", "D d DRAFT", "-"}
	for v, want := range want {
		if got := version(t, pool, 1, v); got != want {
			t.Errorf("version %d: %q, want %q", v, got, want)
		}
	}
	rows, _ := pool.Query(t.Context(), `SELECT concat_ws('|', path, coalesce(before, '-'), coalesce(after, '-')) FROM revision_changes('Article', $1, 2, 4) ORDER BY place`, uuid(1))
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(got) != 2 || !strings.HasPrefix(got[0], `links.1|{`) || !strings.HasPrefix(got[1], `links.2|-|{`) {
		t.Errorf("%q %v", got, err)
	}

	for to, want := range map[int]string{3: "B d DRAFT 1https://a,2https://b", 5: "B c DRAFT 1https://b,2https://c", 1: "A a DRAFT 1https://a"} {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(context.WithoutCancel(t.Context()))
		n, err := change.Restore(t.Context(), tx, "Article", uuid(1), to)
		if err != nil {
			t.Fatalf("restore %d: %v", to, err)
		}
		if to == 3 {
			want = "B b DRAFT 1https://a,2https://b"
		}
		if got := version(t, tx, 1, n); got != want || n != 8 {
			t.Errorf("restored %d as %d: %q, want %q", to, n, got, want)
		}
		// and that can be undone
		if got := version(t, tx, 1, 7); got != "D d DRAFT" {
			t.Errorf("before: %q", got)
		}
		_ = tx.Rollback(t.Context())
	}
	if _, err := change.Restore(t.Context(), pool, "Article", uuid(1), 99); err == nil {
		t.Error("restored a version that never was")
	}
	// Of what is gone altogether the last version comes back.
	run(t, pool, `DELETE FROM article`)
	n, err := change.Restore(t.Context(), pool, "Article", uuid(1), 5)
	if got := version(t, pool, 1, 9); err != nil || n != 9 || got != "B c PUBLISHED 1https://b,2https://c" {
		t.Errorf("%d %q %v", n, got, err)
	}
}

// Texts come back rendered; a slug under which something was published stays.
func TestRestoreRenders(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	rendered := `body = '%[1]s', body_html = '%[1]s', body_text = '%[1]s', body_contents = '[]', body_excerpt = '%[1]s', body_reading_minutes = 1, body_renderer = 1`
	run(t, pool, article+`({1}, 'a', 'NEWS', 'A', 'PUBLISHED')`)
	run(t, pool, `UPDATE article SET `+fmt.Sprintf(rendered, "one"))
	run(t, pool, `UPDATE article SET slug = 'b', title = 'B', `+fmt.Sprintf(rendered, "two"))
	for to, want := range map[int]string{2: "b A one <p>one</p> PUBLISHED", 1: "b A PUBLISHED"} {
		if _, err := change.Restore(t.Context(), pool, "Article", uuid(1), to); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := pool.QueryRow(t.Context(), `SELECT concat_ws(' ', slug, title, body, body_html, publication_status) FROM article`).Scan(&got); err != nil || got != want {
			t.Errorf("%d: %q, want %q (%v)", to, got, want, err)
		}
	}
}

func TestConcurrentUpdates(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	run(t, pool, article+`({1}, 'a', 'NEWS', 'A', 'DRAFT')`)
	const writers, each = 8, 5
	errs := make(chan error, writers)
	for w := range writers {
		go func() {
			errs <- func() error {
				for i := range each {
					statement := fmt.Sprintf(`UPDATE article SET title = '%d/%d'`, w, i)
					if w%2 == 0 {
						statement = fmt.Sprintf(`INSERT INTO article_link VALUES ({1}, %d, 'https://a', NULL, 'OTHER')`, 1+w*each+i)
					}
					if _, err := pool.Exec(t.Context(), fill(statement)); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	var versions, distinct, now int
	if err := pool.QueryRow(t.Context(), `SELECT count(*), count(DISTINCT version), (SELECT version FROM article) FROM change`).Scan(&versions, &distinct, &now); err != nil {
		t.Fatal(err)
	}
	if versions != 1+writers*each || distinct != versions || now != versions {
		t.Errorf("%d changes, %d versions, at version %d", versions, distinct, now)
	}
	for v := 1; v <= now; v++ {
		if got := version(t, pool, 1, v); got == "-" {
			t.Errorf("version %d is not known", v)
		}
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	run(t, pool, article+`({1}, 'a', 'NEWS', 'A', 'DRAFT')`)
	run(t, pool, `UPDATE article SET title = 'B'`)
	pgtest.Settle(t, pool)
	cursor, err := change.Head(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	run(t, pool, `UPDATE article SET title = 'C'`)
	var before string
	if err := pool.QueryRow(t.Context(), `SELECT clock_timestamp()::text`).Scan(&before); err != nil {
		t.Fatal(err)
	}
	run(t, pool, `UPDATE article SET title = 'D'`)
	run(t, pool, `UPDATE article SET title = 'E'`)
	run(t, pool, `SELECT history_forget('-infinity', '`+before+`')`)
	for v, want := range []string{"-", "-", "-", "C a DRAFT", "D a DRAFT", "E a DRAFT"} {
		if got := version(t, pool, 1, v); got != want {
			t.Errorf("version %d: %q, want %q", v, got, want)
		}
	}
	pgtest.Settle(t, pool)
	if _, err := change.Read(t.Context(), pool, cursor, nil, 10); !expired(err) {
		t.Errorf("a reader who has missed something: %v", err)
	}
	run(t, pool, `UPDATE article SET title = 'F'`)
	if got := version(t, pool, 1, 6); got != "F a DRAFT" {
		t.Error(got)
	}
	if _, err := pool.Exec(t.Context(), `DELETE FROM change`); err == nil {
		t.Error("forgetting has opened the history")
	}
}

func TestErasedCommentsAreGone(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	run(t, pool, article+`({1}, 'a', 'NEWS', 'A', 'PUBLISHED'); INSERT INTO comment (id, article_id, author_name, body, body_html, body_text, body_renderer, status) VALUES ({3}, {1}, 'Erika', 'secret', '', '', 1, 'APPROVED')`)
	run(t, pool, `UPDATE comment SET body = 'secret too'`)
	run(t, pool, `UPDATE comment SET status = 'ERASED', body = '', author_name = NULL`)
	var left int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM revision WHERE before::text LIKE '%secret%' OR before::text LIKE '%Erika%'`).Scan(&left); err != nil || left > 0 {
		t.Errorf("%d entries still say it (%v)", left, err)
	}
}

// What changes many rows at once takes time by their number, not by its square: this
// took more than ten minutes.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	run(t, pool, `INSERT INTO topic (id, slug, name, scheme) SELECT gen_random_uuid(), 't' || n, 'T' || n, 'KEYWORD' FROM generate_series(1, 15000) n`)
	run(t, pool, `SET LOCAL statement_timeout = '60s'; UPDATE topic SET name = name || '!'; DELETE FROM topic`)
	var changes, entries int
	if err := pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM change WHERE version = 2 AND action = 'DELETE'), (SELECT count(*) FROM revision)`).Scan(&changes, &entries); err != nil {
		t.Fatal(err)
	}
	if changes != 15000 || entries != 15000 {
		t.Errorf("%d changes and %d entries of 15000", changes, entries)
	}
}
