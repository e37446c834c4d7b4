package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/register"
)

// loaded is a database with the real register and the content, for reading.
func loaded(t *testing.T) *pgxpool.Pool {
	t.Helper()
	edition, err := register.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	version := edition.AsOf.Format("2006-01-02") + " " + Version()
	return pgtest.Shared(t, "demo on register", version, func(ctx context.Context, pool *pgxpool.Pool) error {
		if _, err := register.LoadShipped(ctx, pool, nil); err != nil {
			return err
		}
		return Load(ctx, pool)
	})
}

// bare is a database of one's own with nothing but a row for each state and for
// each municipality that the content mentions.
func bare(t *testing.T) *pgxpool.Pool {
	t.Helper()
	c, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	pool := pgtest.DB(t)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	for i, code := range strings.Fields("SH HH NI HB NW HE RP BW BY SL BE BB MV SN ST TH") {
		key := fmt.Sprintf("%02d", i+1)
		exec(`INSERT INTO state (id, key, code, slug, name, iso3166, nuts1) VALUES ($1, $2, $3, $3, $3, $3, $3)`,
			nodeid.Derive("state", key).String(), key, code)
	}
	for _, r := range c.territories {
		if key, ok := strings.CutPrefix(r.name, "municipality:"); ok {
			exec(`
INSERT INTO municipality (id, slug, level, kind, name, official_name, key, state_id)
SELECT $1, $2, CASE length($2) WHEN 5 THEN 'DISTRICT' ELSE 'MUNICIPALITY' END, 'TOWN', $2, $2, $2, s.id
FROM state s WHERE s.key = left($2, 2)`, r.id, key)
		}
	}
	return pool
}

// value answers a question about the database with one text.
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

func TestModelProjects(t *testing.T) {
	t.Parallel()
	db := loaded(t)
	const projects = ` FROM funding_award a JOIN funding_program p ON p.id = a.program_id AND p.slug = 'modellprojekte-smart-cities'`
	for _, tc := range []struct{ sql, want string }{
		{`SELECT count(*)::text` + projects, "73"},
		{`SELECT count(DISTINCT a.project_number)::text || ' from ' || min(a.project_number) || ' to ' || max(a.project_number)` + projects, "73 from 1 to 73"},
		{`SELECT string_agg(n, ', ' ORDER BY n) FROM (SELECT c.number || '/' || c.year || ': ' || count(*) AS n` + projects + ` JOIN funding_call c ON c.id = a.call_id AND c.program_id = p.id GROUP BY c.id) x`,
			"1/2019: 13, 2/2020: 32, 3/2021: 28"},
		{`SELECT string_agg(n, ', ' ORDER BY n) FROM (SELECT a.category || ': ' || count(*) AS n` + projects + ` GROUP BY a.category) x`,
			"Großstadt: 28, Interkommunale Kooperation oder Landkreis: 23, Kleinstadt oder Landgemeinde: 10, Mittelstadt: 12"},

		{`SELECT count(*)::text FROM funding_award_recipient`, "89"},
		{`SELECT count(*)::text FROM funding_award_recipient WHERE role = 'LEAD'`, "73"},
		{`SELECT count(*)::text FROM funding_award_recipient WHERE role = 'LEAD' AND role_inferred`, "6"},
		{`SELECT count(*)::text FROM funding_award_recipient r JOIN municipality m ON m.id = r.municipality_id WHERE m.level = 'DISTRICT'`, "11"},
		{`SELECT string_agg(o.name, ', ') FROM funding_award_recipient r JOIN organization o ON o.id = r.organization_id`, "Verband Region Rhein-Neckar"},
		{`SELECT string_agg(m.name, ', ' ORDER BY r.position)` + projects + ` JOIN funding_award_recipient r ON r.award_id = a.id JOIN municipality m ON m.id = r.municipality_id WHERE a.project_number = 39`,
			"Hamburg, Leipzig, München"},

		{`SELECT sum(a.amount_awarded_amount)::text || ' in ' || count(a.amount_awarded_amount)` + projects, "21050000.00 in 2"},
		{`SELECT sum(a.total_budget_amount)::text || ' in ' || count(a.total_budget_amount)` + projects, "25500000.00 in 2"},
		{`SELECT (a.total_budget_amount - a.amount_awarded_amount)::text || ' ' || a.amount_awarded_approximate` + projects + ` WHERE a.project_number = 44`, "2700000.00 true"},

		{`SELECT count(*)::text` + projects + ` WHERE NOT EXISTS (SELECT FROM funding_award_source s WHERE s.award_id = a.id)`, "0"},
		{`SELECT count(DISTINCT s.source_id)::text FROM funding_award_source s JOIN source c ON c.id = s.source_id WHERE s.position = 1 AND c.url IS NOT NULL`, "4"},
		{`SELECT string_agg(percent::text || coalesce(' ' || condition, ''), ', ' ORDER BY position) FROM funding_program_rate`, "65.00, 90.00 Haushaltsnotlage"},
		{`SELECT count(*)::text` + projects + ` WHERE a.note ~ 'seed|source|partner[^n]|grant'`, "0"},
	} {
		if got := value(t, db, tc.sql); got != tc.want {
			t.Errorf("%s\ngave %s\nwant %s", tc.sql, got, tc.want)
		}
	}
}

func TestProjectTitles(t *testing.T) {
	t.Parallel()
	db := loaded(t)
	for number, want := range map[int]string{
		1:  "Modellprojekt Smart Cities: Solingen",
		4:  "Modellprojekt Smart Cities: Cottbus/Chóśebuz",
		11: "Modellprojekt Smart Cities: Arnsberg mit Olpe, Menden (Sauerland), Soest und Bad Berleburg",
		13: "Modellprojekt Smart Cities: Landkreis Wunsiedel i. Fichtelgebirge",
		33: "Modellprojekt Smart Cities: Kirchheim b. München",
		34: "Modellprojekt Smart Cities: Aalen mit Heidenheim an der Brenz",
		37: "Modellprojekt Smart Cities: Eifelkreis Bitburg-Prüm",
		39: "Modellprojekt Smart Cities: Hamburg mit Leipzig und München",
		68: "Modellprojekt Smart Cities: Kreis Höxter",
		73: "Modellprojekt Smart Cities: Verband Region Rhein-Neckar",
	} {
		if got := value(t, db, `SELECT title FROM funding_award WHERE project_number = $1`, number); got != want {
			t.Errorf("project %d is called %q, want %q", number, got, want)
		}
	}
	// Whether a district is a Kreis or a Landkreis is for the register to say.
	for _, kind := range []string{"COUNTY Kreis", "RURAL_DISTRICT Landkreis"} {
		kind, word, _ := strings.Cut(kind, " ")
		if got := value(t, db, `
SELECT string_agg(a.title, ', ') FROM funding_award a
JOIN funding_award_recipient r ON r.award_id = a.id JOIN municipality m ON m.id = r.municipality_id
WHERE m.level = 'DISTRICT' AND m.kind = $1 AND m.name !~ 'kreis' AND a.title NOT LIKE '%: ' || $2 || ' %'`, kind, word); got != "null" {
			t.Errorf("not called %s: %s", word, got)
		}
	}
}

func TestBamberg(t *testing.T) {
	t.Parallel()
	db := loaded(t)
	for _, tc := range []struct{ sql, want string }{
		{`
SELECT concat_ws(' ', a.amount_awarded_amount, a.amount_awarded_currency, a.amount_awarded_approximate,
  a.total_budget_amount, a.funding_rate_percent, a.awarded_on_start, a.awarded_on_precision, a.category, m.key)
FROM funding_award a JOIN funding_award_recipient r ON r.award_id = a.id JOIN municipality m ON m.id = r.municipality_id
WHERE a.project_number = 27`, "15750000.00 EUR f 17500000.00 90.00 2020-09-08 DAY Mittelstadt 09461000"},
		{`
SELECT string_agg(concat_ws(' ', s.title, s.status, s.presented_on_start, s.period_from_start, s.period_to_end), ', ' ORDER BY s.presented_on_start)
FROM strategy s JOIN strategy_owner o ON o.strategy_id = s.id JOIN municipality m ON m.id = o.municipality_id WHERE m.key = '09461000'`,
			"Digitale Agenda PRESENTED 2018-09-26, Digitale Agenda 2024-2028 PRESENTED 2023-07-25 2024-01-01 2028-12-31"},
		{`SELECT p.slug FROM strategy s JOIN strategy p ON p.id = s.predecessor_id AND p.lineage_id = s.lineage_id WHERE s.slug = 'bamberg-digitale-agenda-2024-2028'`,
			"bamberg-digitale-agenda"},
		{`
SELECT concat_ws(' ', kind, publication_status, published_on_start, published_on_precision, comments_status, left(body, 17))
FROM article WHERE slug = 'aufgaben-der-stadt-digital-meistern'`, "REPORT PUBLISHED 2023-07-31 DAY CLOSED Mehr als 70 Diens"},
		{`SELECT string_agg(b.shorthand || ' ' || b.kind, ', ' ORDER BY b.position) FROM article_byline b JOIN article a ON a.id = b.article_id WHERE a.slug = 'aufgaben-der-stadt-digital-meistern'`,
			"PM-mdw PRESS_RELEASE, PM-mdw EDITOR"},
		{`SELECT string_agg(concat_ws(' ', c.upvotes, c.downvotes, c.depth, c.visible, c.author_name), ', ' ORDER BY c.created_at) FROM comment c`,
			"11 2 0 t, 10 7 0 t, 10 1 1 t"},
		{`
SELECT concat_ws(' ', p.upvotes, n.text, n.signature) FROM comment c
JOIN comment p ON p.id = c.parent_id JOIN comment_note n ON n.comment_id = c.id`, "10 RAZ ist das Rathaus am ZOB WebZ"},
		{`SELECT substring(body FROM 'https://\S+') FROM comment ORDER BY created_at LIMIT 1`, "https://youtu.be/nyu4u3VZYaQ"},
	} {
		if got := value(t, db, tc.sql); got != tc.want {
			t.Errorf("%s\ngave %s\nwant %s", tc.sql, got, tc.want)
		}
	}
}

func TestStrategiesAndPrograms(t *testing.T) {
	t.Parallel()
	db := loaded(t)
	for _, tc := range []struct{ sql, want string }{
		{`SELECT concat_ws(' ', status, revision_number, target_year, adopted_on_start, adopted_on_end, adopted_on_precision) FROM strategy WHERE slug = 'oldenburg-digitalisierungsstrategie'`,
			"ADOPTED 0 2045 2023-12-01 2023-12-31 MONTH"},
		{`SELECT string_agg(role || ' ' || n, ', ' ORDER BY role) FROM (SELECT t.role, count(*) AS n FROM strategy_topic t JOIN strategy s ON s.id = t.strategy_id WHERE s.slug = 'oldenburg-digitalisierungsstrategie' GROUP BY t.role) x`,
			"ACTION_FIELD 8, CROSS_CUTTING 1, TOPIC 1"},
		{`SELECT concat_ws(' ', s.status, s.revision_number, s.adopted_on_precision, o.name, d.kind) FROM strategy s JOIN strategy_decision d ON d.strategy_id = s.id JOIN organization o ON o.id = d.body_id WHERE s.slug LIKE 'muenchen-%'`,
			"ADOPTED 5 YEAR Stadtrat der Landeshauptstadt München ADOPTED"},
		{`SELECT string_agg(m.name, ', ' ORDER BY o.position) FROM strategy s JOIN strategy_owner o ON o.strategy_id = s.id JOIN municipality m ON m.id = o.municipality_id WHERE s.slug LIKE 'kreis-recklinghausen-%'`,
			"Recklinghausen, Castrop-Rauxel, Datteln, Dorsten, Gladbeck, Haltern am See, Herten, Marl, Oer-Erkenschwick, Recklinghausen, Waltrop"},
		{`SELECT string_agg(coalesce(t.name, m.name), ', ' ORDER BY o.position) FROM strategy s JOIN strategy_owner o ON o.strategy_id = s.id LEFT JOIN state t ON t.id = o.state_id LEFT JOIN municipality m ON m.id = o.municipality_id WHERE s.slug = 'hamburg-digitalstrategie'`,
			"Hamburg, Hamburg"},
		{`SELECT concat_ws(' ', p.level, s.code, p.total_volume_amount, p.funding_source, p.period_from_start, p.period_from_precision) FROM funding_program p JOIN funding_program_state x ON x.program_id = p.id JOIN state s ON s.id = x.state_id WHERE p.slug LIKE 'saarland-%'`,
			"STATE SL 17000000.00 Sondervermögen Pandemie 2021-01-01 YEAR"},
		{`SELECT concat_ws(' ', s.code, c.opens_on, c.closes_on, c.status_verified_on) FROM funding_call c JOIN funding_program_state x USING (program_id) JOIN state s ON s.id = x.state_id`,
			"RP 2024-06-07"},
		// The rules of domain.md that no constraint keeps.
		{`SELECT string_agg(slug, ', ') FROM strategy WHERE status = 'ADOPTED' AND adopted_on_start IS NULL`, "null"},
		{`SELECT string_agg(slug, ', ') FROM (SELECT slug, publication_status p FROM article UNION ALL SELECT slug, publication_status FROM strategy UNION ALL SELECT slug, publication_status FROM funding_program) x WHERE p <> 'PUBLISHED'`, "meldung-2025-01-07"},
		{`SELECT string_agg(slug, ', ') FROM strategy s WHERE NOT EXISTS (SELECT FROM strategy_source x WHERE x.strategy_id = s.id)`, "null"},
		{`SELECT string_agg(slug, ', ') FROM funding_program s WHERE NOT EXISTS (SELECT FROM funding_program_source x WHERE x.program_id = s.id)`, "null"},
		{`SELECT string_agg(slug, ', ') FROM article s WHERE NOT EXISTS (SELECT FROM article_source x WHERE x.article_id = s.id)`, "null"},
		// Nothing lies around unused.
		{`SELECT string_agg(coalesce(url, title), ', ') FROM source s WHERE NOT EXISTS (
			SELECT source_id FROM strategy_source x WHERE source_id = s.id UNION ALL SELECT source_id FROM funding_program_source WHERE source_id = s.id
			UNION ALL SELECT source_id FROM funding_award_source WHERE source_id = s.id UNION ALL SELECT source_id FROM article_source WHERE source_id = s.id
			UNION ALL SELECT source_id FROM figure_source WHERE source_id = s.id UNION ALL SELECT source_id FROM ranking_source WHERE source_id = s.id
			UNION ALL SELECT source_id FROM territorial_change_source WHERE source_id = s.id)`, "null"},
		{`SELECT string_agg(slug, ', ') FROM measure s WHERE NOT EXISTS (SELECT FROM measure_source x WHERE x.measure_id = s.id)`, "null"},
		{`SELECT string_agg(slug, ', ') FROM event s WHERE NOT EXISTS (SELECT FROM event_source x WHERE x.event_id = s.id)`, "null"},
		{`SELECT string_agg(slug, ', ') FROM ranking s WHERE NOT EXISTS (SELECT FROM ranking_source x WHERE x.ranking_id = s.id)`, "null"},
		{`SELECT string_agg(s.id::text, ', ') FROM figure s WHERE NOT EXISTS (SELECT FROM figure_source x WHERE x.figure_id = s.id)`, "null"},
		{`SELECT string_agg(slug, ', ') FROM person p WHERE NOT EXISTS (SELECT FROM article_mention x WHERE x.person_id = p.id)`, "null"},
		{`SELECT string_agg(coalesce(caption, credit), ', ') FROM media_asset m WHERE NOT EXISTS (SELECT FROM article_media x WHERE x.media_id = m.id)`, "null"},
		{`SELECT string_agg(code, ', ') FROM indicator i WHERE NOT EXISTS (SELECT FROM observation x WHERE x.indicator_id = i.id)`, "null"},
		{`SELECT string_agg(DISTINCT verified_at::date::text, ', ') FROM source s WHERE NOT EXISTS (SELECT FROM territorial_change_source x WHERE x.source_id = s.id)`, "2026-11-21"},
		{`SELECT count(*) || ' ' || count(DISTINCT state_id) FROM identifier`, "32 16"},
		{`SELECT string_agg(slug, ', ') FROM topic t WHERE NOT EXISTS (
			SELECT FROM strategy_topic WHERE topic_id = t.id UNION ALL SELECT FROM funding_program_topic WHERE topic_id = t.id
			UNION ALL SELECT FROM article_topic WHERE topic_id = t.id UNION ALL SELECT FROM event_topic WHERE topic_id = t.id
			UNION ALL SELECT FROM measure_topic WHERE topic_id = t.id)`, "null"},
		{`SELECT string_agg(name || ' ' || license, ', ' ORDER BY name) FROM dataset WHERE name IN ('demo', 'mpsc')`, "demo MIT, mpsc MIT"},
	} {
		if got := value(t, db, tc.sql); got != tc.want {
			t.Errorf("%s\ngave %s\nwant %s", tc.sql, got, tc.want)
		}
	}
}

// snapshot is every row of every table that content fills, times left out where
// asked.
func snapshot(t *testing.T, pool *pgxpool.Pool, leaveOut ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, name := range contentTables() {
		all[name] = value(t, pool, fmt.Sprintf(`SELECT string_agg(r::text, E'\n' ORDER BY r::text) FROM (SELECT to_jsonb(x) - $1::text[] AS r FROM %s x) y`, name), leaveOut)
	}
	return all
}

func contentTables() []string {
	var names []string
	var below func(kinds []child)
	below = func(kinds []child) {
		for _, c := range kinds {
			names = append(names, c.name)
			below(c.children)
		}
	}
	for _, t := range tables {
		names = append(names, t.name)
		below(t.children)
	}
	return names
}

func TestLoadingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	pool := bare(t)
	for range 2 {
		if err := Load(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	before := snapshot(t, pool)
	if err := Load(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if after := snapshot(t, pool); !maps.Equal(before, after) {
		t.Error("loading again changed rows")
	}
}

func TestLoadingLeavesWhatEditorsChanged(t *testing.T) {
	t.Parallel()
	pool := bare(t)
	if err := Load(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		`UPDATE article SET title = 'Neuer Titel' WHERE slug = 'digitalisierungsstrategie-verabschiedet'`,
		`DELETE FROM article_link WHERE position = 1`,
		`UPDATE article_topic SET position = position + 10`,
		`UPDATE funding_program SET slug = 'mpsc' WHERE slug = 'modellprojekte-smart-cities'`,
		`DELETE FROM comment_note`,
		`DELETE FROM comment WHERE parent_id IS NOT NULL`,
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	before := snapshot(t, pool)
	if err := Load(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	after := snapshot(t, pool)
	for name := range before {
		switch {
		case strings.HasPrefix(name, "comment"): // what is gone comes back whole
			if value(t, pool, `SELECT count(*) || ' ' || (SELECT count(*) FROM comment_note) FROM comment`) != "3 1" {
				t.Errorf("%s: the deleted comment did not come back with its note", name)
			}
		case before[name] != after[name]:
			t.Errorf("%s changed", name)
		}
	}
}

func TestTwoLoadersAtOnce(t *testing.T) {
	t.Parallel()
	pool := bare(t)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := Load(t.Context(), pool); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := value(t, pool, `SELECT count(*)::text FROM funding_award`); got != "73" {
		t.Errorf("%s awards, want 73", got)
	}
}

// unused are tables that no content fills.
var unused = map[string]bool{"funding_award_strategy": true, "funding_award_measure": true}

func TestTwoDatabasesAgree(t *testing.T) {
	t.Parallel()
	one := loaded(t)
	two := bare(t)
	if err := Load(t.Context(), two); err != nil {
		t.Fatal(err)
	}
	times := []string{"created_at", "modified_at", "loaded_at"}
	a, b := snapshot(t, one, times...), snapshot(t, two, times...)
	for _, name := range contentTables() {
		if name == "dataset" || name == "source" { // the register has its own
			continue
		}
		if a[name] != b[name] {
			t.Errorf("%s differs between two databases", name)
		}
		if a[name] == "null" && !unused[name] {
			t.Errorf("%s is empty", name)
		}
	}
}

// These ids are published: exports and other databases carry them.
func TestIDsNeverChange(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"article:aufgaben-der-stadt-digital-meistern":   "article_01hgercx00f38s27k65r5vjk19",
		"strategy:bamberg-digitale-agenda-2024-2028":    "strategy_01hgercx00f8bacm9zgxd51zr3",
		"funding_program:modellprojekte-smart-cities":   "funding_program_01hgercx00ev0b769pw1svxfta",
		"funding_award:modellprojekte-smart-cities/27":  "funding_award_01hgercx00epct22j6n564qsrz",
		"comment:aufgaben-der-stadt-digital-meistern/1": "comment_01hgercx00eqpb28ep3njy67za",
	} {
		prefix, natural, _ := strings.Cut(name, ":")
		if got := (nodeid.ID{Prefix: prefix, UUID: nodeid.Derive(prefix, natural)}).String(); got != want {
			t.Errorf("the id of %s is %s, want %s", name, got, want)
		}
	}
}

func TestWithoutTheRegister(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	err := Load(t.Context(), pool)
	if err == nil || !strings.Contains(err.Error(), "load the register first") || !strings.Contains(err.Error(), "row") {
		t.Errorf("error %v", err)
	}
	if got := value(t, pool, `SELECT count(*)::text FROM organization`); got != "0" {
		t.Errorf("%s organisations were written all the same", got)
	}
}

func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file string
		want []string
	}{
		"no JSON":            {`{"topic": [`, []string{"x.json: "}},
		"trailing text":      {`{"topic": []} {}`, []string{"x.json", "something follows"}},
		"unknown table":      {`{"topics": []}`, []string{"x.json: topics is no table"}},
		"register table":     {`{"municipality": []}`, []string{"x.json: municipality is no table"}},
		"child on its own":   {`{"article_link": []}`, []string{"x.json: article_link is no table"}},
		"table twice":        {`{"topic": [], "topic": []}`, []string{`x.json: "topic" is written twice`}},
		"column twice":       {`{"topic": [{"slug": "a", "slug": "b"}]}`, []string{`x.json: "slug" is written twice`}},
		"no UTF-8":           {"{\"topic\": [{\"slug\": \"\xff\"}]}", []string{"x.json: not UTF-8"}},
		"NUL":                {`{"topic": [{"slug": "a", "name": "\u0000"}]}`, []string{"x.json, topic row 1 (a): name", "NUL"}},
		"no id":              {`{"topic": [{"name": "Politik"}]}`, []string{"x.json, topic row 1 (Politik)", "neither an id nor a slug"}},
		"foreign id":         {`{"source": [{"id": "topic:a"}]}`, []string{"x.json, source row 1 (topic:a)", "begins with topic"}},
		"id twice":           {`{"topic": [{"slug": "a"}, {"slug": "b"}, {"slug": "a"}]}`, []string{"x.json, topic row 3 (a)", "the same id as x.json, topic row 1 (a)"}},
		"no reference":       {`{"topic": [{"slug": "a", "parent_id": "b"}]}`, []string{"x.json, topic row 1 (a): parent_id", `"b" is no reference`}},
		"unknown type":       {`{"topic": [{"slug": "a", "parent_id": "thema:b"}]}`, []string{"x.json, topic row 1 (a): parent_id", "no reference"}},
		"key for reference":  {`{"topic": [{"slug": "a", "parent_id": 7}]}`, []string{"x.json, topic row 1 (a): parent_id", "7 is no reference"}},
		"dangling reference": {`{"topic": [{"slug": "a", "parent_id": "topic:b"}]}`, []string{"x.json, topic row 1 (a): there is no topic b"}},
		"dangling in child":  {`{"article": [{"slug": "a", "article_topic": [{"topic_id": "topic:b", "role": "TOPIC"}]}]}`, []string{"x.json, article row 1 (a), article_topic row 1: there is no topic b"}},
		"children no list":   {`{"article": [{"slug": "a", "article_link": {}}]}`, []string{"x.json, article row 1 (a): article_link is not a list"}},
		"child no row":       {`{"article": [{"slug": "a", "article_link": ["https://example.org"]}]}`, []string{"article_link row 1 is not a row"}},
		"dangling below":     {`{"strategy": [{"slug": "a", "strategy_decision": [{"kind": "NOTED", "strategy_decision_source": [{"source_id": "source:b"}]}]}]}`, []string{"strategy_decision row 1, strategy_decision_source row 1: there is no source b"}},
		"below no list":      {`{"strategy": [{"slug": "a", "strategy_decision": [{"kind": "NOTED", "strategy_decision_source": "b"}]}]}`, []string{"strategy_decision row 1: strategy_decision_source is not a list"}},
		"office nowhere":     {`{"person": [{"slug": "p"}], "event": [{"slug": "a", "event_mention": [{"person_id": "person:p", "capacity": {"organization_id": "organization:b"}}]}]}`, []string{"event_mention row 1: there is no organization b"}},
		"half a key":         {`{"identifier": [{"scheme": "NUTS", "state_id": "state:09"}]}`, []string{"x.json, identifier row 1: the row has no value"}},
		"no such day":        {`{"article": [{"slug": "a", "published_on": "2023-02-29"}]}`, []string{"x.json, article row 1 (a): published_on", "no date"}},
		"span backwards":     {`{"article": [{"slug": "a", "published_on": {"from": "2024", "to": "2023"}}]}`, []string{"ends before it begins"}},
		"span of one day":    {`{"article": [{"slug": "a", "published_on": {"from": "2024-02-01", "to": "2024-02-01"}}]}`, []string{"ends before it begins"}},
		"half a span":        {`{"article": [{"slug": "a", "published_on": {"from": "2024"}}]}`, []string{`"to" is missing`}},
		"date of numbers":    {`{"article": [{"slug": "a", "published_on": 2024}]}`, []string{"2024 is no date"}},
		"unknown part":       {`{"article": [{"slug": "a", "published_on": {"om": "2024"}}]}`, []string{`no "om"`}},
		"missing text":       {`{"article": [{"slug": "a", "body": {"file": "nirgends.md"}}]}`, []string{"x.json, article row 1 (a): body", "nirgends.md"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compile(fstest.MapFS{"content/x.json": {Data: []byte(tc.file)}})
			if err == nil {
				t.Fatalf("no error for %s", tc.file)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is\n%v\nwithout %q", err, want)
				}
			}
		})
	}
}

func TestBrokenProjects(t *testing.T) {
	t.Parallel()
	head := strings.Join(projectColumns, ",") + "\n"
	for name, tc := range map[string]struct{ file, want string }{
		"empty":           {"", "the columns are not"},
		"other columns":   {"a,b\n1,2\n", "the columns are not"},
		"short line":      {head + "1,2019\n", "wrong number of fields"},
		"call":            {head + "1,2018,LARGE_CITY,1,MUNICIPALITY,05122000,Solingen,LEAD,single,,,,,u\n", `row 1: there is no call of "2018"`},
		"category":        {head + "1,2019,HUGE,1,MUNICIPALITY,05122000,Solingen,LEAD,single,,,,,u\n", `row 1: the category "HUGE" is unknown`},
		"kind":            {head + "1,2019,LARGE_CITY,1,PERSON,05122000,Solingen,LEAD,single,,,,,u\n", `row 1: the recipient kind "PERSON" is unknown`},
		"number":          {head + "a,2019,LARGE_CITY,1,MUNICIPALITY,05122000,Solingen,LEAD,single,,,,,u\n", `row a: the number "a" is none`},
		"amount":          {head + "1,2019,LARGE_CITY,1,MUNICIPALITY,05122000,Solingen,LEAD,single,1.5,,,,u\n", `row 1: "1.5" is no amount`},
		"note":            {head + "1,2019,LARGE_CITY,1,MUNICIPALITY,05122000,Solingen,LEAD,single,,,,hm,u\n", `row 1: the note "hm" has no translation`},
		"differing calls": {head + "1,2019,LARGE_CITY,1,MUNICIPALITY,05122000,Solingen,LEAD,single,,,,,u\n1,2020,LARGE_CITY,2,MUNICIPALITY,05122000,Solingen,PARTNER,single,,,,,u\n", "row 1: its recipients differ"},
		"program":         {head + "1,2019,LARGE_CITY,1,MUNICIPALITY,05122000,Solingen,LEAD,single,,,,,u\n", "there is no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compile(fstest.MapFS{projectsFile: {Data: []byte(tc.file)}})
			if err == nil || !strings.HasPrefix(err.Error(), projectsFile) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the error is\n%v\nwithout %q", err, tc.want)
			}
		})
	}
}

// What only Postgres can find still names the row, and nothing is written.
func TestRowsThatPostgresRefuses(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	for name, tc := range map[string]struct {
		file string
		want []string
	}{
		"unknown column": {`{"topic": [{"slug": "a", "name": "A", "scheme": "KEYWORD"}, {"slug": "b", "nam": "B", "scheme": "KEYWORD"}]}`,
			[]string{"x.json, topic row 2 (b)", `"nam"`}},
		"constraint": {`{"topic": [{"slug": "a", "name": "A", "scheme": "KEYWORT"}]}`, []string{"x.json, topic row 1 (a)", "topic_scheme_known"}},
		"in a child": {`{"article": [{"slug": "a", "kind": "NEWS", "title": "A", "article_link": [{"url": "https://example.org", "kind": "OTHER"}, {"url": "nichts", "kind": "OTHER"}]}]}`,
			[]string{"x.json, article row 1 (a), article_link row 2", "article_link_url_http"}},
		"missing value": {`{"topic": [{"slug": "a", "scheme": "KEYWORD"}]}`, []string{"x.json, topic row 1 (a)", `"name"`}},
		"no such unit":  {`{"organization": [{"slug": "a", "name": "A", "kind": "OTHER", "municipality_id": "municipality:09999999"}]}`, []string{"x.json, organization row 1 (a): the database has no municipality 09999999"}},
	} {
		c, err := compile(fstest.MapFS{"content/x.json": {Data: []byte(tc.file)}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		err = c.load(t.Context(), pool)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is\n%v\nwithout %q", name, err, want)
			}
		}
		if got := value(t, pool, `SELECT count(*)::text FROM topic`); got != "0" {
			t.Errorf("%s: %s rows were written", name, got)
		}
	}
}

func TestPartialDates(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		`"2023-07-25"`: "2023-07-25 2023-07-25 DAY",
		`"2024-02"`:    "2024-02-01 2024-02-29 MONTH",
		`"2023-12"`:    "2023-12-01 2023-12-31 MONTH",
		`"2024"`:       "2024-01-01 2024-12-31 YEAR",
		`{"on": "2023-02", "text": "im Februar"}`:                                                  "2023-02-01 2023-02-28 MONTH im Februar",
		`{"from": "2019", "to": "2020"}`:                                                           "2019-01-01 2020-12-31 INTERVAL",
		`{"from": "2017-11-25", "to": "2017-11-26", "text": "am letzten Novemberwochenende 2017"}`: "2017-11-25 2017-11-26 INTERVAL am letzten Novemberwochenende 2017",
	} {
		var v any
		if err := json.Unmarshal([]byte(written), &v); err != nil {
			t.Fatal(err)
		}
		columns := map[string]any{}
		if err := partialDate("d", v, columns); err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		got := fmt.Sprint(columns["d_start"], " ", columns["d_end"], " ", columns["d_precision"])
		if text := columns["d_text"]; text != nil {
			got += fmt.Sprint(" ", text)
		}
		if got != want {
			t.Errorf("%s gives %s, want %s", written, got, want)
		}
	}
}

// The abbreviations rest on how the schema names things.
func TestTheSchemaIsAsTheLoaderThinks(t *testing.T) {
	t.Parallel()
	pool := pgtest.Shared(t, "", "", nil)
	for _, tc := range []struct{ what, sql, want string }{
		{"a column that is a reference but is not named like one, or the other way round", `
SELECT string_agg(table_name || '.' || column_name, ', ') FROM information_schema.columns
WHERE table_schema = 'public' AND table_name !~ '^river_' AND table_name NOT IN ('api_token', 'external_id', 'trusted_document', 'webhook', 'webhook_state', 'webhook_delivery') AND (data_type = 'uuid') <> (column_name = 'id' OR column_name LIKE '%\_id')`, "null"},
		{"tables that content cannot fill", `
SELECT string_agg(table_name, ', ' ORDER BY table_name) FROM information_schema.tables
WHERE table_schema = 'public' AND table_name !~ '^(search|history|due|river)_' AND table_name <> ALL ($1)`, "api_token, change, change_horizon, comment_form, comment_rate, comment_report, comment_rule, comment_secret, comment_submission, comment_vote, external_id, former_slug, idempotency_key, municipality, municipality_former_name, municipality_key, municipality_population, observation, purge_cursor, recorded_change, revision, schema_migrations, state, territorial_change, territorial_change_source, touched, trusted_document, webhook, webhook_attempt, webhook_delivery, webhook_place, webhook_secret, webhook_state"},
		{"vague dates", `
SELECT string_agg(DISTINCT left(column_name, -10), ', ') FROM information_schema.columns
WHERE table_schema = 'public' AND column_name LIKE '%\_precision' AND table_name = ANY ($1)`, strings.Join(slices.Sorted(maps.Keys(partialDates)), ", ")},
	} {
		var args []any
		if strings.Contains(tc.sql, "$1") {
			args = append(args, contentTables())
		}
		if got := value(t, pool, tc.sql, args...); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.what, got, tc.want)
		}
	}
	for _, owner := range tables {
		for _, c := range owner.children { // a table inside a child is checked by loading it
			if got := value(t, pool, `
SELECT (SELECT count(*) FROM information_schema.columns WHERE table_name = $1 AND column_name = $2) || ' ' ||
  (SELECT count(*) FROM information_schema.columns WHERE table_name = $1 AND column_name = 'position')`, c.name, c.owner); (got == "1 1") != (c.order != unordered) || !strings.HasPrefix(got, "1") {
				t.Errorf("%s: owner and position columns: %s", c.name, got)
			}
		}
	}
}

var untidy = regexp.MustCompile(`"|  | - |\.\.\.|[“][^”]*[”]| $|^ |(?i:\bseed\b|lorem)`)

// What readers see is set like German print: „quotes“, dashes with spaces, no
// leftovers of how it was made.
func TestTypography(t *testing.T) {
	t.Parallel()
	c, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	prose := []string{"name", "title", "short_title", "summary", "lead", "body", "note", "label", "motto", "kicker", "text", "category", "awarded_on_text"}
	for _, r := range c.rows {
		var columns map[string]any
		if err := json.Unmarshal([]byte(r.json), &columns); err != nil {
			t.Fatal(err)
		}
		for _, name := range prose {
			text, _ := columns[name].(string)
			for line := range strings.SplitSeq(strings.TrimPrefix(text, "- "), "\n") {
				if found := untidy.FindString(strings.TrimPrefix(line, "- ")); found != "" {
					t.Errorf("%s: %s has %q in %q", r.place, name, found, line)
				}
			}
		}
	}
}

// Every Markdown file is the text of some row.
func TestNoTextIsLeftOut(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	files, err := fs.Glob(shipped, "content/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, ".json") {
			data, err := read(shipped, name)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(data)
		}
	}
	for _, name := range files {
		if base := strings.TrimPrefix(name, "content/"); strings.HasSuffix(name, ".md") && !strings.Contains(all.String(), fmt.Sprintf(`{"file": %q}`, base)) {
			t.Errorf("no row has the text %s", base)
		}
	}
}

func TestVersionFollowsTheContent(t *testing.T) {
	t.Parallel()
	version := func(body string) string {
		c, err := compile(fstest.MapFS{
			"content/x.json": {Data: []byte(`{"article": [{"slug": "a", "body": {"file": "a.md"}}]}`)},
			"content/a.md":   {Data: []byte(body)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return c.version
	}
	one, same, other := version("a"), version("a"), version("b")
	if one != same || one == other {
		t.Errorf("the versions are %s, %s for the same text, and %s for another", one, same, other)
	}
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(Version()) {
		t.Errorf("Version() = %q", Version())
	}
}
