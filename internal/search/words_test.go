package search_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stadtgraph/internal/german"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/search"
)

func TestSynonyms(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	refresh(t, pool)
	addArticle(t, pool, "eins", "Das Onlinezugangsgesetz", "")
	addArticle(t, pool, "zwei", "Das OZG", "")
	addArticle(t, pool, "drei", "Künstliche Intelligenz im Rathaus", "")
	refresh(t, pool)
	for query, want := range map[string]string{
		"ozg": "eins zwei", "onlinezugangsgesetz": "eins zwei", "KI": "drei", `"künstliche intelligenz"`: "drei",
		"ozg rathaus": "", "-ozg rathaus": "drei", "ki rathaus": "drei", "": "",
	} {
		if got := found(t, pool, "Article", query); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
	if n := list[int](t, pool, `SELECT count(*)::int FROM search_synonym WHERE origin <> 'SHIPPED'`)[0]; n != 0 {
		t.Errorf("%d synonyms did not ship", n)
	}
	search1 := list[string](t, pool, `SELECT array_to_string(expansions, ', ') FROM search_synonym WHERE term = 'OZG'`)
	if !slices.Equal(search1, []string{"Onlinezugangsgesetz"}) {
		t.Errorf("OZG is also %q", search1)
	}

	// What was edited stays, what no longer ships goes, what is missing comes.
	exec(t, pool, `UPDATE search_synonym SET expansions = '{Rathaus}', origin = 'EDITED' WHERE term = 'OZG';
		INSERT INTO search_synonym (term, expansions) VALUES ('Zukunftswerkstatt', '{Onlinezugangsgesetz}'), ('und', '{oder}');
		INSERT INTO search_synonym (term, expansions, origin) VALUES ('Vorgestern', '{Gestern}', 'SHIPPED');
		DELETE FROM search_synonym WHERE term = 'KI'`)
	if err := search.Synonyms(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{"ozg": "drei zwei", "zukunftswerkstatt": "eins", "ki": "drei", "vorgestern": ""} {
		if got := found(t, pool, "Article", query); got != want {
			t.Errorf("after an edit: %q finds %q, want %q", query, got, want)
		}
	}
	if n := list[int](t, pool, `SELECT count(*)::int FROM search_synonym WHERE term = 'Vorgestern'`)[0]; n != 0 {
		t.Error("a term that does not ship is still there")
	}
	before := list[string](t, pool, `SELECT xmin::text || term FROM search_synonym UNION ALL SELECT xmin::text || place FROM search_rewrite ORDER BY 1`)
	if err := search.Synonyms(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if after := list[string](t, pool, `SELECT xmin::text || term FROM search_synonym UNION ALL SELECT xmin::text || place FROM search_rewrite ORDER BY 1`); !slices.Equal(before, after) {
		t.Error("rows that are as they should be are written again")
	}
}

// A query is read once per statement, fast, and leads through the index.
func TestQueryPlan(t *testing.T) {
	t.Parallel()
	pool := shared(t)
	query := german.ParseQuery("Digitalisierungsstrategie der Kommune ki").TSQuery()
	for range 3 { // what is prepared, too
		plan := strings.Join(list[string](t, pool, `EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF)
			SELECT d.id FROM search_document d WHERE d.type = 'Comment' AND d.vector @@ (SELECT search_query($1))`, query), "\n")
		if !strings.Contains(plan, "Bitmap Index Scan on search_document_comment_vector_idx") || !strings.Contains(plan, "InitPlan") || strings.Contains(plan, "search_document_article") {
			t.Errorf("the plan is\n%s", plan)
		}
	}
	n := list[int](t, pool, `SELECT count(*)::int FROM search_rewrite`)[0]
	start := time.Now()
	const times = 200
	exec(t, pool, `SELECT count(search_query(left($1, 1000 + n))) FROM generate_series(1, $2) n`, query, times)
	t.Logf("%d rows for rewriting: %s per query", n, time.Since(start)/times)
}

// Words for corrections come from the lexicon and from names that are public
// whatever is published, and from nothing that may be a draft.
func TestWords(t *testing.T) {
	t.Parallel()
	pool := indexed(t)
	has := func(display string) string {
		return strings.Join(list[string](t, pool, `SELECT origin || ' ' || display || ' ' || query::text FROM search_word WHERE word = $1`, german.Fold(display)), "; ")
	}
	for word, want := range map[string]string{
		"Bamberg": "NAME Bamberg 'bamberg'", "Oldenburg": "NAME Oldenburg 'oldenburg'", "Sachsen": "NAME Sachsen 'sach'", "Verwaltung": "LEXICON Verwaltung 'verwalt'",
		"und": "", "am": "", "09461000": "",
	} {
		if got := has(word); got != want && !(word == "Sachsen" && strings.HasPrefix(got, "NAME Sachsen ")) {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
	addArticle(t, pool, "entwurf", "Geheimprojekt Silberpfeil", "Silberpfeil")
	exec(t, pool, `UPDATE article SET publication_status = 'DRAFT' WHERE slug = 'entwurf'`)
	exec(t, pool, `INSERT INTO person (id, slug, name) VALUES (gen_random_uuid(), 'p', 'Xaver Unbekannterich')`)
	topic := addTopic(t, pool, "thema", "Sonderfahrgastrecht")
	exec(t, pool, `UPDATE topic SET synonyms = '{Beiwortlein}' WHERE id = $1`, topic)
	refresh(t, pool)
	for word, want := range map[string]bool{"Silberpfeil": false, "Unbekannterich": true, "Sonderfahrgastrecht": true, "Beiwortlein": true} {
		if got := has(word) != ""; got != want {
			t.Errorf("%s is a word: %v", word, got)
		}
	}
	exec(t, pool, `UPDATE topic SET deleted_at = now() WHERE id = $1`, topic)
	exec(t, pool, `UPDATE person SET deleted_at = now() WHERE slug = 'p'`)
	exec(t, pool, `UPDATE municipality SET name = 'Umbenannthausen', label = 'Umbenannthausen' WHERE key = '09461000'`)
	refresh(t, pool)
	if got := has("Sonderfahrgastrecht") + has("Beiwortlein") + has("Unbekannterich"); got != "" {
		t.Errorf("of what is deleted: %q", got)
	}
	if got := has("Umbenannthausen"); got == "" {
		t.Error("the new name is no word")
	}
}
