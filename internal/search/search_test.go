package search_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/demo"
	"stadtgraph/internal/german"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/register"
	"stadtgraph/internal/sample"
	"stadtgraph/internal/search"
)

var update = flag.Bool("update", false, "rewrite testdata")

func catalogue(t testing.TB) *plan.Catalogue {
	t.Helper()
	c, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func readings(t testing.TB) []search.Reading {
	t.Helper()
	all, err := search.Readings(catalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// indexed is a database of one's own in which everything can be found, shared one
// for all tests that leave it as it is.
func indexed(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return pgtest.From(t, "indexed", seeded(), seed(t))
}

func shared(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return pgtest.Shared(t, "indexed", seeded(), seed(t))
}

func seeded() string { return fmt.Sprint(search.Version, register.Version(), demo.Version()) }

// seed fills a database with some of everything.
func seed(t *testing.T) pgtest.Seed {
	c := catalogue(t)
	return func(ctx context.Context, pool *pgxpool.Pool) error {
		if _, err := register.LoadShipped(ctx, pool, nil); err != nil {
			return err
		}
		if err := demo.Load(ctx, pool); err != nil {
			return err
		}
		if err := sample.Load(ctx, pool, sample.Options{Scale: 0.001}); err != nil {
			return err
		}
		return search.Refresh(ctx, pool, c)
	}
}

func refresh(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	if err := search.Refresh(t.Context(), pool, catalogue(t)); err != nil {
		t.Fatal(err)
	}
}

func list[T any](t testing.TB, db postgres.DB, sql string, args ...any) []T {
	t.Helper()
	rows, _ := db.Query(t.Context(), sql, args...)
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return all
}

func exec(t testing.TB, db postgres.DB, sql string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// found are the slugs of what a query finds of a type.
func found(t testing.TB, db postgres.DB, typ, query string) string {
	t.Helper()
	table := list[string](t, db, `SELECT lower(regexp_replace($1, '([a-z])([A-Z])', '\1_\2', 'g'))`, typ)[0]
	return strings.Join(list[string](t, db, `SELECT coalesce(to_jsonb(r)->>'slug', r.id::text) FROM search_document d JOIN `+table+` r ON r.id = d.id
		WHERE d.type = $1 AND d.vector @@ (SELECT search_query($2)) ORDER BY 1`, typ, german.ParseQuery(query).TSQuery()), " ")
}

// queued are the entries of the queue, as type and slug.
func queued(t testing.TB, db postgres.DB) string {
	t.Helper()
	return strings.Join(list[string](t, db, `
SELECT DISTINCT s.type || ' ' || coalesce(a.slug, x.slug, o.slug, s.id::text) FROM search_stale s
LEFT JOIN article a ON a.id = s.id LEFT JOIN strategy x ON x.id = s.id LEFT JOIN topic o ON o.id = s.id ORDER BY 1`), ", ")
}

// addArticle writes a published article with nothing but texts.
func addArticle(t testing.TB, db postgres.DB, slug, title, body string) string {
	t.Helper()
	return list[string](t, db, `
INSERT INTO article (id, slug, kind, title, body, body_html, body_text, body_contents, body_excerpt, body_reading_minutes, body_renderer,
  publication_status, published_at, published_on_start, published_on_end, published_on_precision)
VALUES (gen_random_uuid(), $1, 'NEWS', $2, left($3, 1000), '', $3, '[]', '', 1, 1, 'PUBLISHED', now(), '2024-05-06', '2024-05-06', 'DAY')
RETURNING id::text`, slug, title, body)[0]
}

func addTopic(t testing.TB, db postgres.DB, slug, name string) string {
	t.Helper()
	return list[string](t, db, `INSERT INTO topic (id, slug, name, scheme) VALUES (gen_random_uuid(), $1, $2, 'KEYWORD') RETURNING id::text`, slug, name)[0]
}

// consistent compares all documents, or those of one type, with the rows that they
// are made of.
func consistent(t *testing.T, db postgres.DB, only ...string) {
	t.Helper()
	ctx := t.Context()
	for _, r := range readings(t) {
		if len(only) > 0 && !slices.Contains(only, r.Type) {
			continue
		}
		table := list[string](t, db, `SELECT lower(regexp_replace($1, '([a-z])([A-Z])', '\1_\2', 'g'))`, r.Type)[0]
		w, err := r.Read(ctx, db, list[pgtype.UUID](t, db, `SELECT id FROM `+table))
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range list[string](t, db, `
SELECT format('%s: %s', coalesce(d.id, n.id), CASE WHEN d.id IS NULL THEN 'has no document' WHEN n.id IS NULL THEN 'has no row' ELSE 'is stale: ' || d.title END)
FROM (SELECT * FROM search_document WHERE type = $1) d
FULL JOIN unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $10::text[]) n (id, vector, title, on_date, municipality_ids, state_ids, topic_ids, title_folded) ON n.id = d.id
WHERE d.id IS NULL OR n.id IS NULL OR d.analysis <> $9 OR (d.vector, d.title, d.title_folded, d.on_date, d.municipality_ids, d.state_ids, d.topic_ids) IS DISTINCT FROM
  (n.vector::tsvector, n.title, n.title_folded, n.on_date::date, n.municipality_ids::uuid[], n.state_ids::uuid[], n.topic_ids::uuid[]) LIMIT 5`,
			r.Type, w.IDs, w.Vectors, w.Titles, w.Dates, w.Municipalities, w.States, w.Topics, search.Version, w.Names) {
			t.Errorf("%s %s", r.Type, wrong)
		}
	}
	if left := queued(t, db); left != "" {
		t.Errorf("in the queue: %.300s", left)
	}
}

// What documents are made of is written down, with the version that it has.
// Whoever changes a declaration increases declared, so that documents are made again.
func TestDeclarations(t *testing.T) {
	t.Parallel()
	const file = "testdata/declarations.sql"
	var b strings.Builder
	for _, r := range readings(t) {
		fmt.Fprintf(&b, "-- %s\n%s;\n\n", r.Type, r.SQL)
	}
	head := fmt.Sprintf("-- What the documents of declarations %d are made of. Written by go test -update.\n\n", search.Version%1000)
	before, err := os.ReadFile(file)
	if err == nil && string(before) == head+b.String() {
		return
	}
	if strings.HasPrefix(string(before), head) {
		t.Fatal("the nouns declare other texts for search: increase declared in search.go, then run go test ./internal/search -update")
	}
	if !*update {
		t.Fatalf("%s is of another version: run go test ./internal/search -update", file)
	}
	if err := os.WriteFile(file, []byte(head+b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAllIsIndexed(t *testing.T) {
	t.Parallel()
	pool := shared(t)
	consistent(t, pool)
	for _, c := range []struct{ typ, query, want string }{
		{"Municipality", "bamberg -landkreis", "bamberg"},
		{"Municipality", "09461000", "bamberg"},
		{"State", "BY", "bayern"},
		{"Strategy", `"digitale agenda 2024" bamberg`, "bamberg-digitale-agenda-2024-2028"},
		{"FundingProgram", "MPSC", "modellprojekte-smart-cities"},
	} {
		if got := found(t, pool, c.typ, c.query); !strings.Contains(" "+got+" ", " "+c.want+" ") {
			t.Errorf("%s %q finds %.300q, want %s", c.typ, c.query, got, c.want)
		}
	}
	// A title is the first of its lines; all rows of a type have one, or none has.
	if got := list[string](t, pool, `SELECT d.title FROM search_document d JOIN municipality m ON m.id = d.id WHERE m.key = '09461000'`); len(got) != 1 || got[0] != "Bamberg" {
		t.Errorf("got %q", got)
	}
	if got := list[int](t, pool, `SELECT count(*)::int FROM search_document WHERE (title = '') <> (type = 'Comment') AND type <> 'FundingAward'`); got[0] != 0 {
		t.Errorf("%d documents without a title, or comments with one", got[0])
	}
	// Nobody sees a removed comment's text, or what is deleted.
	if got := list[int](t, pool, `SELECT count(*)::int FROM search_document d JOIN comment c ON c.id = d.id WHERE c.status IN ('HIDDEN', 'ERASED') AND d.vector <> ''`); got[0] != 0 {
		t.Errorf("%d removed comments can be found", got[0])
	}
	if got := list[int](t, pool, `SELECT count(*)::int FROM search_document d WHERE d.id IN (SELECT id FROM article WHERE deleted_at IS NOT NULL
		UNION ALL SELECT id FROM organization WHERE deleted_at IS NOT NULL UNION ALL SELECT id FROM funding_award WHERE deleted_at IS NOT NULL)`); got[0] != 0 {
		t.Errorf("%d deleted rows can be found", got[0])
	}
}

// Every way to write makes the right documents stale, and Refresh makes them.
func TestWays(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	refresh(t, pool)
	var article, topic string
	for _, step := range []struct {
		do             func()
		queued         string
		query, finding string // of articles, afterwards
	}{
		{func() { article = addArticle(t, pool, "eins", "Der Haushalt", "Von Glasfaserkabeln.") }, "Article eins", "glasfaser", "eins"},
		{func() { exec(t, pool, `UPDATE article SET title = 'Die Fördermittel'`) }, "Article eins", "foerdermittel", "eins"},
		{func() { exec(t, pool, `UPDATE article SET version = version + 1, modified_at = now(), title = title`) }, "", "haushalt", ""},
		{func() { topic = addTopic(t, pool, "stichwort", "Bürgerbeteiligung") }, "Topic stichwort", "beteiligung", ""},
		{func() {
			exec(t, pool, `INSERT INTO article_topic (article_id, topic_id, role, position) VALUES ($1, $2, 'KEYWORD', 1)`, article, topic)
		}, "Article eins", "bürgerbeteiligung", "eins"},
		{func() { exec(t, pool, `UPDATE topic SET name = 'Mitsprache'`) }, "Article eins, Topic stichwort", "mitsprache", "eins"},
		{func() { exec(t, pool, `UPDATE topic SET deleted_at = now()`) }, "Article eins, Topic stichwort", "mitsprache", ""},
		{func() { exec(t, pool, `UPDATE topic SET deleted_at = NULL`) }, "Article eins, Topic stichwort", "mitsprache", "eins"},
		{func() { exec(t, pool, `DELETE FROM article_topic`) }, "Article eins", "mitsprache", ""},
		{func() {
			_, err := pool.CopyFrom(t.Context(), pgx.Identifier{"article"}, []string{"id", "slug", "kind", "title"}, pgx.CopyFromRows([][]any{
				{"11111111-1111-7111-8111-111111111111", "zwei", "NEWS", "Kopiert"}, {"11111111-1111-7111-8111-111111111112", "drei", "NEWS", "Kopiert"},
			}))
			if err != nil {
				t.Fatal(err)
			}
		}, "Article drei, Article zwei", "kopiert", "drei zwei"},
		{func() { exec(t, pool, `DELETE FROM article WHERE slug = 'zwei'`) }, "Article 11111111-1111-7111-8111-111111111111", "kopiert", "drei"},
		{func() { exec(t, pool, `UPDATE article SET deleted_at = now() WHERE slug = 'drei'`) }, "Article drei", "kopiert", ""},
		{func() {
			exec(t, pool, `INSERT INTO article AS a (id, slug, kind, title) SELECT id, slug, kind, 'Gerufen' FROM article WHERE slug = 'eins' ON CONFLICT (id) DO UPDATE SET title = excluded.title`)
		}, "Article eins", "gerufen", "eins"},
		{func() {
			exec(t, pool, `MERGE INTO article a USING (VALUES ('eins')) v (slug) ON a.slug = v.slug WHEN MATCHED THEN UPDATE SET title = 'Verschmolzen'`)
		}, "Article eins", "verschmolzen", "eins"},
	} {
		step.do()
		if got := queued(t, pool); got != step.queued {
			t.Fatalf("before %q: in the queue %q, want %q", step.query, got, step.queued)
		}
		refresh(t, pool)
		if got := found(t, pool, "Article", step.query); got != step.finding {
			t.Errorf("%q finds %q, want %q", step.query, got, step.finding)
		}
		consistent(t, pool)
	}
}

// A change that is taken back leaves nothing, and Index shows a transaction its
// own before it commits.
func TestTransaction(t *testing.T) {
	t.Parallel()
	pool, c := pgtest.DB(t), catalogue(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	addArticle(t, tx, "eins", "Verwaltungsdigitalisierung", "")
	if got := found(t, tx, "Article", "verwaltungsdigitalisierung"); got != "" {
		t.Errorf("before Index: found %q", got)
	}
	if err := search.Index(t.Context(), tx, c); err != nil {
		t.Fatal(err)
	}
	if got := found(t, tx, "Article", "digitalisierung der verwaltung"); got != "eins" {
		t.Errorf("after Index: found %q", got)
	}
	if got := found(t, pool, "Article", "verwaltungsdigitalisierung"); got != "" {
		t.Errorf("others find %q", got)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := list[int](t, pool, `SELECT (SELECT count(*) FROM search_document)::int + (SELECT count(*) FROM search_stale)::int`); got[0] != 0 {
		t.Errorf("%d rows are left", got[0])
	}

	// What others have in the queue is not looked at.
	addArticle(t, pool, "zwei", "Anderes", "")
	if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		addArticle(t, tx, "drei", "Drittes", "")
		exec(t, tx, `DELETE FROM article WHERE slug = 'drei'`)
		addArticle(t, tx, "vier", "Viertes", "")
		return search.Index(t.Context(), tx, c)
	}); err != nil {
		t.Fatal(err)
	}
	if got := found(t, pool, "Article", "anderes OR drittes OR viertes"); got != "vier" {
		t.Errorf("found %q", got)
	}
	refresh(t, pool)
	consistent(t, pool)
}

// Texts that nobody expects.
func TestOddTexts(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	var many strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&many, "Wort%xende ", i*2654435761)
	}
	for slug, text := range map[string]string{
		"emoji":    "Digital 👩‍💻🏙️ zur Stadt der Zukunft 🚀",
		"marks":    `a'b\c":*|&!() <-> 'x':1A %s {title} $1 --`,
		"hidden":   "Soft\u00adtrenn\u00adstrich, Null\u200bbreite, \u202eumgekehrt\u202c, zerlegt: u\u0308ber",
		"long":     strings.Repeat("Donaudampfschifffahrtsgesellschaft", 3000),
		"huge":     many.String(), // 1 MB of different words
		"far":      strings.Repeat("weit ", 250_000) + " Schlusswort",
		"nothing":  " \n\t ",
		"foreign":  "Ελληνικά Кириллица 日本語 العربية",
		"controls": "\x01\x02\x7f\ufeff\ufffd\U0010ffff",
	} {
		addArticle(t, pool, slug, slug+" "+string([]rune(text)[:min(len([]rune(text)), 450)]), text)
	}
	exec(t, pool, `UPDATE article SET title = repeat('😀', 500) WHERE slug = 'emoji'`)
	refresh(t, pool)
	consistent(t, pool)
	for query, want := range map[string]string{"zukunft": "emoji", "softtrennstrich": "hidden", "nullbreite": "hidden", "кириллица": "foreign", "far": "far", "schlusswort": "far", "nothing": "nothing", "wort0ende": "huge"} {
		if got := found(t, pool, "Article", query); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
}

// Keys and numbers at the ends of what they can be.
func TestOddRows(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	exec(t, pool, `INSERT INTO topic (id, slug, name, scheme) VALUES ('00000000-0000-0000-0000-000000000000', 'zeros', 'Sonderfall null', 'KEYWORD'),
		('ffffffff-ffff-ffff-ffff-ffffffffffff', 'ones', 'Sonderfall eins', 'KEYWORD')`)
	exec(t, pool, `INSERT INTO state (id, key, code, slug, name, iso3166, nuts1) VALUES (gen_random_uuid(), '09', 'BY', 'bayern', 'Bayern', 'DE-BY', 'DE2')`)
	exec(t, pool, `INSERT INTO municipality (id, slug, level, kind, name, official_name, key, state_id, population)
		SELECT gen_random_uuid(), 'sonderstadt', 'MUNICIPALITY', 'TOWN', 'Sonderstadt', 'Sonderstadt, Stadt', '09999999', id, 2147483647 FROM state`)
	refresh(t, pool)
	if got := found(t, pool, "Topic", "sonderfall"); got != "ones zeros" {
		t.Errorf("finds %q", got)
	}
	consistent(t, pool)
}

// A document that Postgres refuses holds up no other.
func TestSpoilt(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	exec(t, pool, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.title LIKE 'Gift%' THEN RAISE EXCEPTION 'poison' USING ERRCODE = '22000'; END IF; RETURN NEW; END $$;
		CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON search_document_article FOR EACH ROW EXECUTE FUNCTION refuse()`)
	for i := range 5 {
		addArticle(t, pool, fmt.Sprint("gut", i), "Gutes", "")
	}
	addArticle(t, pool, "gift", "Gift", "")
	refresh(t, pool)
	if got := found(t, pool, "Article", "gutes"); got != "gut0 gut1 gut2 gut3 gut4" {
		t.Errorf("found %q", got)
	}
	if got := list[string](t, pool, `SELECT d.title || d.vector::text FROM search_document d JOIN article a ON a.id = d.id WHERE a.slug = 'gift'`); len(got) != 1 || got[0] != "" {
		t.Errorf("the refused one is %q", got)
	}
	// It does not fail who writes it, either.
	if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		addArticle(t, tx, "gift2", "Gift 2", "")
		return search.Index(t.Context(), tx, catalogue(t))
	}); err != nil {
		t.Error(err)
	}
}

// Documents of another analysis are made again.
func TestVersions(t *testing.T) {
	t.Parallel()
	pool := indexed(t)
	exec(t, pool, `UPDATE search_document SET analysis = 0, vector = '' WHERE type IN ('Article', 'Comment', 'State')`)
	exec(t, pool, `UPDATE search_document SET analysis = 2000000000, vector = '' WHERE type = 'Strategy'`)
	exec(t, pool, `UPDATE search_word SET analysis = 0, query = ''`)
	refresh(t, pool)
	consistent(t, pool)
	if got := list[int](t, pool, `SELECT count(*)::int FROM search_word WHERE query = ''`); got[0] != 0 {
		t.Errorf("%d words are not looked for", got[0])
	}
}

// No document holds a text of a row that may be a draft: beside the row itself and what
// hangs on it, statements read names that are public, and the row without which
// nobody sees this one.
func TestOnlyWhatIsPublic(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	public := []string{"state", "municipality", "municipality_key", "municipality_former_name", "topic", "organization", "person"}
	holders := map[string][]string{
		"Measure":      {"strategy_owner"}, // no texts: keys
		"FundingCall":  {"funding_program"},
		"FundingAward": {"funding_program"},
	}
	source := regexp.MustCompile(`(?:FROM|JOIN) ([a-z_]+)([^()]*)`)
	for _, r := range readings(t) {
		own := string(c.Object(r.Type).Table)
		for _, match := range source.FindAllStringSubmatch(r.SQL, -1) {
			table, rest := match[1], match[2]
			ok := table == own || strings.HasPrefix(table, own+"_") || slices.Contains(public, table)
			for _, holder := range holders[r.Type] {
				ok = ok || table == holder || strings.HasPrefix(table, holder+"_")
			}
			if !ok {
				t.Errorf("%s reads %s, whose rows may be drafts", r.Type, table)
			}
			// The register deletes nothing; of the others no name outlives its row.
			if slices.Contains([]string{"topic", "organization", "person"}, table) && table != own && !strings.Contains(rest, "deleted_at IS NULL") {
				t.Errorf("%s reads %s without asking whether it is deleted", r.Type, table)
			}
		}
	}
}
