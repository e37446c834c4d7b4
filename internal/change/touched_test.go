package change_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"stadtgraph/internal/change"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
)

// TestTouched: what was committed between two marks is told, whatever else is open, and
// under the names that what was read from it leads to.
func TestTouched(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	log := change.Log{Pool: pool}
	coverage, err := log.Coverage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var mark change.Mark
	tell := func() []string {
		t.Helper()
		touched, err := log.Since(t.Context(), mark, time.Now())
		if err != nil || touched.Lost {
			t.Fatal(err, touched.Lost)
		}
		mark = touched.Mark
		return touched.Tags(coverage, func(of string) string { return map[string]string{"Article": "article"}[of] })
	}
	if got := tell(); len(got) > 0 {
		t.Errorf("since nothing: got %v", got)
	}
	one := nodeid.ID{Prefix: "article", UUID: uuid(1)}.String()
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{`INSERT INTO article (id, slug, kind, title, publication_status) VALUES ('` + key(1) + `', 'a', 'NEWS', 'A', 'PUBLISHED')`, []string{"Article", one}},
		{`UPDATE article SET title = 'B'`, []string{"Article", one}},
		{`UPDATE article SET modified_at = modified_at + interval '1 hour'`, []string{"Article", "Article.any"}},
		{`UPDATE article SET body_renderer = body_renderer`, []string{"Article", "Article.any"}},
		{`INSERT INTO article_link (article_id, position, url, title, kind) VALUES ('` + key(1) + `', 1, 'https://a.example', 'A', 'WEBSITE')`, []string{"Article", "article_link", one}},
		{`INSERT INTO search_document (type, id, analysis, vector, title, title_folded, municipality_ids, state_ids, topic_ids) VALUES ('Article', '` + key(1) + `', 1, '', '', '', '{}', '{}', '{}')`, []string{"search_document"}},
		{`DELETE FROM search_document_article`, []string{"search_document"}},
		{`TRUNCATE article_link`, []string{"article_link"}},
		{`DELETE FROM article`, []string{"Article", one, "article_link"}},
		{`INSERT INTO external_id (type, source, external_id, id) VALUES ('Article', 'a', 'b', '` + key(1) + `')`, nil},
	} {
		run(t, pool, c.sql)
		got := tell()
		for _, tag := range c.want {
			if !slices.Contains(got, tag) {
				t.Errorf("%s\ngot %v, without %s", c.sql, got, tag)
			}
		}
		if len(c.want) == 0 && len(got) > 0 {
			t.Errorf("%s\ngot %v", c.sql, got)
		}
	}

	// An old transaction holds back nobody, and comes when it commits.
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run(t, tx, `INSERT INTO topic (id, slug, name, scheme) VALUES ('`+key(2)+`', 't', 'T', 'KEYWORD')`)
	run(t, pool, `INSERT INTO person (id, slug, name) VALUES ('`+key(3)+`', 'p', 'P')`)
	if got := tell(); !slices.Contains(got, "Person") || slices.Contains(got, "Topic") {
		t.Errorf("beside an open transaction: got %v", got)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := tell(); !slices.Contains(got, "Topic") || slices.Contains(got, "Person") {
		t.Errorf("when it is committed: got %v", got)
	}

	// What is due next; another database; too much to tell.
	run(t, pool, `INSERT INTO article (id, slug, kind, title, publication_status, published_at) VALUES ('`+key(5)+`', 'b', 'NEWS', 'B', 'SCHEDULED', '2031-01-01 12:00Z')`)
	touched, err := log.Since(t.Context(), mark, time.Now())
	if want := time.Date(2031, 1, 1, 12, 0, 0, 0, time.UTC); err != nil || !touched.Due.Equal(want) {
		t.Errorf("due %s, want %s (%v)", touched.Due, want, err)
	}
	if touched, err := log.Since(t.Context(), change.Mark{Epoch: "another", Snapshot: mark.Snapshot}, time.Now()); err != nil || !touched.Lost {
		t.Errorf("another database: got %+v, %v", touched, err)
	}
	run(t, pool, `INSERT INTO topic (id, slug, name, scheme) SELECT gen_random_uuid(), 't' || n, 'T' || n, 'KEYWORD' FROM generate_series(1, 10001) n`)
	if touched, err := log.Since(t.Context(), mark, time.Now()); err != nil || !touched.Lost {
		t.Errorf("too much: got %d, %v", len(touched.Objects), err)
	}
}

// TestCoverage: functions and views lead to the tables that they read.
func TestCoverage(t *testing.T) {
	t.Parallel()
	coverage, err := change.Log{Pool: pgtest.DB(t)}.Coverage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{
		"observation": "[Municipality Observation municipality_population]", "territory_members": "[Municipality State municipality_key]", "search_query": "[search_rewrite]", "article_topic": "[article_topic]",
		"search_document": "[search_document]", "nothing": "[]", "fold": "[]",
	} {
		if names, unknown := coverage.Names([]string{word}); fmt.Sprint(names) != want || unknown != "" {
			t.Errorf("%s: got %v %s, want %s", word, names, unknown, want)
		}
	}
	for _, word := range []string{"api_token", "recorded_change", "search_stale"} {
		if _, unknown := coverage.Names([]string{"article", word}); unknown != word {
			t.Errorf("%s is taken for known", word)
		}
	}
}
