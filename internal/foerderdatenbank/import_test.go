package foerderdatenbank_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/batch"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/foerderdatenbank"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

// importer imports files into a database that has states.
type importer struct {
	pool      *pgxpool.Pool
	catalogue *plan.Catalogue
	writer    *write.Writer
}

func newImporter(t testing.TB) *importer {
	t.Helper()
	pool := pgtest.DB(t)
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	writable, err := graph.Writable(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(context.Background(), `
INSERT INTO state (id, key, code, slug, name, iso3166, nuts1) VALUES
 ('018bcfe5-6800-7000-8000-000000000006', '06', 'HE', 'hessen', 'Hessen', 'DE-HE', 'DE7'),
 ('018bcfe5-6800-7000-8000-000000000009', '09', 'BY', 'bayern', 'Bayern', 'DE-BY', 'DE2')`); err != nil {
		t.Fatal(err)
	}
	return &importer{pool, catalogue, write.NewWriter(writable, pool)}
}

// options are how a file is imported.
type options struct{ publish, stop, dry bool }

func (i *importer) try(ctx context.Context, file string, o options) (sum batch.Summary, lines []batch.Line, err error) {
	source, err := foerderdatenbank.Read(strings.NewReader(file), i.catalogue, foerderdatenbank.Options{Source: "fdb", Publish: o.publish})
	if err != nil {
		return sum, nil, err
	}
	sum, err = batch.Run(ctx, i.writer, &auth.Actor{Name: "import csv", Role: auth.Admin}, source, batch.Options{
		Stop: o.stop, DryRun: o.dry, Report: func(l batch.Line) error { lines = append(lines, l); return nil }})
	return sum, lines, err
}

func (i *importer) run(t *testing.T, file string, o options) (string, []batch.Line) {
	t.Helper()
	sum, lines, err := i.try(t.Context(), file, o)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d created, %d updated, %d unchanged, %d failed", sum.Created, sum.Updated, sum.Unchanged, sum.Failed), lines
}

// is compares what a query gives, a row a line, with what is wanted.
func (i *importer) is(t *testing.T, what, sql string, want ...string) {
	t.Helper()
	rows, err := i.pool.Query(t.Context(), `SELECT t::text FROM (`+sql+`) t`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := []string{}
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.Trim(row, "()"))
	}
	if !slices.Equal(got, append([]string{}, want...)) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// file is a file of rows, each given as column and cell by turns.
func file(comma rune, header []string, rows ...map[string]string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = comma
	_ = w.Write(header)
	for _, row := range rows {
		cells := make([]string, len(header))
		for i, name := range header {
			cells[i] = row[name]
		}
		_ = w.Write(cells)
	}
	w.Flush()
	return b.String()
}

// layout is the whole of it.
var layout = strings.Fields(`id_hash id_url url title description more_info legal_basis contact_info_institution contact_info_street
 contact_info_city contact_info_fax contact_info_phone contact_info_email contact_info_website funding_type funding_area
 funding_location eligible_applicants funding_body further_links checksum license_info previous_update_dates last_updated
 on_website_from deleted`)

// Made up, in the layout.
var (
	labs = map[string]string{
		"id_hash": "aa01", "id_url": "land-hessen-reallabore", "url": "https://www.foerderdatenbank.de/FDB/Content/DE/Foerderprogramm/Land/Hessen/reallabore.html",
		"title": "Reallabore im\n ländlichen Raum", "description": "### Kurztext\n\nDas Land fördert „Labore“, und zwar *echte*.\n\n- eins\n- zwei",
		"more_info": "Fristen gibt es keine.", "legal_basis": "<div><p>Richtlinie vom <strong>1. Mai</strong>, <a href=\"/FDB/x.html\">hier</a></p></div>",
		"contact_info_institution": "Institut für Beispiele", "contact_info_street": "Musterweg 1", "contact_info_city": "35037 Marburg",
		"contact_info_phone": "06421 1", "contact_info_email": "labor@example.org", "contact_info_website": "https://example.org",
		"funding_type": `["Zuschuss", "Darlehen"]`, "funding_area": "Digitalisierung, Kultur, Medien & Sport", "funding_location": "['Hessen']",
		"eligible_applicants": "['Kommune' 'Öffentliche Einrichtung']", "funding_body": "Hessisches Ministerium für Beispiele",
		"further_links": `["https://example.org/a,b", "https://example.org/c"]`, "license_info": "Reallabore von Bundesministerium, lizensiert unter CC BY-ND 3.0 DE",
		"last_updated": "2025-07-02 02:05:31.123456+00:00", "deleted": "false", "checksum": "x",
	}
	loans = map[string]string{
		"id_hash": "aa02", "id_url": "bund-kfw-breitband", "url": "https://www.foerderdatenbank.de/FDB/Content/DE/Foerderprogramm/Bund/KfW/breitband.html",
		"title": "Breitband; für alle", "description": "Ein \"Darlehen\".", "funding_type": "darlehen", "funding_area": "smart_cities_regionen;Digitalisierung",
		"funding_location": "_bundesweit|Bayern", "eligible_applicants": "kommune\nexistenzgruenderin", "funding_body": "Hessisches Ministerium für Beispiele", "deleted": "False",
	}
)

// with is a row with other cells.
func with(row map[string]string, cells ...string) map[string]string {
	changed := maps.Clone(row)
	for i := 0; i < len(cells); i += 2 {
		changed[cells[i]] = cells[i+1]
	}
	return changed
}

func TestPrograms(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	text := file(',', layout, labs, loans)

	sum, lines := i.run(t, text, options{publish: true, dry: true})
	if sum != "2 created, 0 updated, 0 unchanged, 0 failed" || lines[0].ID != "" {
		t.Errorf("dry run: %s %+v", sum, lines)
	}
	i.is(t, "after a dry run", `SELECT count(*) FROM funding_program UNION ALL SELECT count(*) FROM topic UNION ALL SELECT count(*) FROM organization`, "0", "0", "0")

	sum, lines = i.run(t, text, options{publish: true})
	if sum != "2 created, 0 updated, 0 unchanged, 0 failed" || lines[0].Line != 2 || lines[1].Line != 9 || !strings.HasPrefix(lines[1].ID, "funding_program_") {
		t.Errorf("%s %+v", sum, lines)
	}
	i.is(t, "programs", `SELECT title, level, funding_types, eligible_applicants, nationwide, publication_status FROM funding_program ORDER BY slug`,
		`"Breitband; für alle",FEDERAL,{LOAN},"{MUNICIPALITY,FOUNDER}",t,PUBLISHED`,
		`"Reallabore im ländlichen Raum",STATE,"{GRANT,LOAN}","{MUNICIPALITY,PUBLIC_INSTITUTION}",f,PUBLISHED`)
	var body, contact string
	if err := i.pool.QueryRow(t.Context(), `SELECT body, contact FROM funding_program WHERE slug = 'reallabore-im-laendlichen-raum'`).Scan(&body, &contact); err != nil {
		t.Fatal(err)
	}
	if want := "### Kurztext\n\nDas Land fördert „Labore“, und zwar *echte*.\n\n- eins\n- zwei\n\n## Zusatzinfos\n\nFristen gibt es keine.\n\n## Rechtsgrundlage\n\n" +
		"Richtlinie vom **1. Mai**, [hier](https://www.foerderdatenbank.de/FDB/x.html)"; body != want {
		t.Errorf("body:\n%s\nwant\n%s", body, want)
	}
	if want := "Institut für Beispiele\nMusterweg 1\n35037 Marburg\nTel.: 06421 1\nlabor@example.org\nhttps://example.org"; contact != want {
		t.Errorf("contact:\n%s\nwant\n%s", contact, want)
	}
	i.is(t, "funding areas", `SELECT p.slug, string_agg(t.name, ' + ' ORDER BY l.position) FROM funding_program p JOIN funding_program_topic l ON l.program_id = p.id JOIN topic t ON t.id = l.topic_id GROUP BY p.slug ORDER BY 1`,
		`breitband-fuer-alle,"Smart Cities & Regionen + Digitalisierung"`, `reallabore-im-laendlichen-raum,"Digitalisierung + Kultur, Medien & Sport"`)
	i.is(t, "topics", `SELECT slug, scheme FROM topic ORDER BY slug`, "foerderbereich-digitalisierung,FUNDING_AREA", "foerderbereich-kultur-medien-sport,FUNDING_AREA", "foerderbereich-smart-cities-regionen,FUNDING_AREA")
	i.is(t, "states", `SELECT p.slug, s.key FROM funding_program_state l JOIN funding_program p ON p.id = l.program_id JOIN state s ON s.id = l.state_id`, "reallabore-im-laendlichen-raum,06")
	i.is(t, "one funder for both", `SELECT o.name, o.kind, count(*) FROM organization o JOIN funding_program_funder f ON f.organization_id = o.id GROUP BY o.id`, `"Hessisches Ministerium für Beispiele",MINISTRY,2`)
	i.is(t, "links", `SELECT url, kind FROM funding_program_link ORDER BY position`, `"https://example.org/a,b",WEBSITE`, "https://example.org/c,WEBSITE")
	i.is(t, "sources", `SELECT q.publisher, q.url = l.url, q.license, q.retrieved_at AT TIME ZONE 'UTC' FROM funding_program p JOIN funding_program_source x ON x.program_id = p.id JOIN source q ON q.id = x.source_id
 JOIN (VALUES ('reallabore-im-laendlichen-raum', '`+labs["url"]+`'), ('breitband-fuer-alle', '`+loans["url"]+`')) l(slug, url) USING (slug) ORDER BY slug`,
		`"Förderdatenbank des Bundes",t,"CC BY-ND 3.0 DE",`,
		`"Förderdatenbank des Bundes",t,"Reallabore von Bundesministerium, lizensiert unter CC BY-ND 3.0 DE","2025-07-02 02:05:31.123456"`)
	i.is(t, "identifiers", `SELECT scheme, value FROM identifier ORDER BY value`, "FOERDERDATENBANK,bund-kfw-breitband", "FOERDERDATENBANK,land-hessen-reallabore")

	// The same again, in another form: another separator, order and encoding of lists.
	reversed := slices.Clone(layout)
	slices.Reverse(reversed)
	again := strings.ReplaceAll("\ufeff"+file(';', reversed, loans, with(labs, "funding_type", "Zuschuss, Darlehen", "funding_area", `["Digitalisierung","Kultur","Medien & Sport"]`)), "\n", "\r\n")
	if sum, lines = i.run(t, again, options{publish: true}); sum != "0 created, 0 updated, 2 unchanged, 0 failed" {
		t.Errorf("again: %s %+v", sum, lines)
	}
	// What the file does not speak of stays.
	if sum, lines = i.run(t, file('\t', []string{"title", "id_hash"}, with(labs, "title", "Reallabore")), options{}); sum != "0 created, 1 updated, 0 unchanged, 0 failed" {
		t.Errorf("two columns: %s %+v", sum, lines)
	}
	i.is(t, "and what it does", `SELECT title, length(body) > 100, cardinality(funding_types), (SELECT count(*) FROM funding_program_funder WHERE program_id = id) FROM funding_program WHERE slug LIKE 'reallabore%'`,
		"Reallabore,t,2,1")
}

// A program that leaves the Förderdatenbank is archived, and comes back with it; what
// editors decide of it stays.
func TestProgramsComeAndGo(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	here, gone := file(',', layout, labs), file(',', layout, map[string]string{"id_hash": "aa01", "deleted": "True"})
	for n, step := range []struct{ sql, file, want, status string }{
		{"", gone, "UNCHANGED", ""}, // it was never here
		{"", here, "CREATED", "DRAFT"},
		{"", gone, "UNCHANGED", "DRAFT"}, // and does not become public by that
		{`UPDATE funding_program SET publication_status = 'PUBLISHED', published_at = now()`, here, "UNCHANGED", "PUBLISHED"},
		{"", gone, "UPDATED", "ARCHIVED"},
		{"", gone, "UNCHANGED", "ARCHIVED"},
		{"", here, "UPDATED", "PUBLISHED"},
		{"", gone, "UPDATED", "ARCHIVED"},
		{`UPDATE funding_program SET summary = 'Ein Rückblick.'`, here, "UNCHANGED", "ARCHIVED"},
		{`UPDATE funding_program SET publication_status = 'DRAFT'`, gone, "UNCHANGED", "DRAFT"},
		{`UPDATE funding_program SET deleted_at = now()`, here, "UNCHANGED", "DRAFT"},
	} {
		if _, err := i.pool.Exec(t.Context(), step.sql); err != nil {
			t.Fatal(err)
		}
		sum, lines := i.run(t, step.file, options{})
		if lines[0].Status != step.want {
			t.Errorf("step %d: %s %+v, want %s", n, sum, lines, step.want)
		}
		want := []string{step.status}
		if step.status == "" {
			want = nil
		}
		i.is(t, fmt.Sprintf("step %d", n), `SELECT publication_status FROM funding_program`, want...)
	}
	i.is(t, "the title of a row that says none", `SELECT title FROM funding_program`, `"Reallabore im ländlichen Raum"`)
}

// What is there of topics and organizations is used, not made anew nor changed.
func TestWhatIsThereStays(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	if _, err := i.pool.Exec(t.Context(), `
INSERT INTO topic (id, slug, name, scheme) VALUES ('018bcfe5-6800-7000-8000-000000000021', 'digitales', 'Digitalisierung', 'FUNDING_AREA'),
 ('018bcfe5-6800-7000-8000-000000000022', 'foerderbereich-kultur-medien-sport', 'Kultur', 'FUNDING_AREA'), ('018bcfe5-6800-7000-8000-000000000023', 'x', 'Raumfahrt', 'FUNDING_AREA');
INSERT INTO organization (id, slug, name, kind) VALUES ('018bcfe5-6800-7000-8000-000000000031', 'hessisches-ministerium-fuer-beispiele', 'Ministerium für Beispiele', 'AUTHORITY')`); err != nil {
		t.Fatal(err)
	}
	sum, lines := i.run(t, file(',', layout, with(labs, "funding_area", labs["funding_area"]+", Raumfahrt")), options{})
	if sum != "1 created, 0 updated, 0 unchanged, 0 failed" {
		t.Errorf("%s %+v", sum, lines)
	}
	i.is(t, "topics", `SELECT slug, name FROM topic ORDER BY slug`, "digitales,Digitalisierung", "foerderbereich-kultur-medien-sport,Kultur", "x,Raumfahrt")
	i.is(t, "linked", `SELECT count(*) FROM funding_program_topic`, "3")
	i.is(t, "organizations", `SELECT name, kind FROM organization`, `"Ministerium für Beispiele",AUTHORITY`)
}

// Whatever is in a file, each row that cannot be imported is named, and the others are
// there.
func TestUglyRows(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	header := []string{"id_hash", "title", "url", "description", "funding_type", "funding_area", "funding_location", "eligible_applicants", "funding_body", "further_links", "last_updated", "deleted", "contact_info_city"}
	const land = "https://www.foerderdatenbank.de/FDB/Content/DE/Foerderprogramm/Land/Hessen/x.html"
	good := func(id string, cells ...string) string {
		row := with(map[string]string{"id_hash": id, "title": "T " + id, "url": land, "description": "D"}, cells...)
		return strings.SplitN(file(',', header, row), "\n", 2)[1]
	}
	var text strings.Builder
	text.WriteString(file(',', header))
	var want []string
	for _, c := range []struct{ row, want string }{
		{good("1", "description", "a\nb\r\nc"), ""},
		{"\n  \r\n", ""}, // empty
		{good("2", "funding_type", "Zuschuss, Spende"), `funding_type: INVALID This has "Spende", which is none of "Zuschuss", "Darlehen", "Bürgschaft"`},
		{good("3", "eligible_applicants", "[7]"), `eligible_applicants: INVALID This has "7", which is none of "Unternehmen"`},
		{good("4", "funding_location", "Hessen, Atlantis", "funding_type", "Gold"), `funding_type: INVALID This has "Gold"`},
		{good("5", "funding_area", "Zauberei", "funding_body", "Amt für Zauberei"), `funding_area: NOT_FOUND This has "Zauberei", which is none of "Arbeit", `},
		{good("6", "funding_location", "Bremen"), "funding_location: NOT_FOUND There is no State with this key."}, // it was not loaded
		{good("7", "title", " "), "title: REQUIRED This cannot be empty."},
		{good(""), "id_hash: REQUIRED This is needed."},
		{good("1"), "id_hash: TAKEN This is the id of line 2, too."},
		{good("8", "url", "https://www.foerderdatenbank.de/FDB/Content/DE/Archiv/x.html"), "url: REQUIRED Who gives the money is read from the address"},
		{good("9", "url", "ftp://x/Foerderprogramm/EU/"), "url: INVALID This must be an address that begins with https://"},
		{good("10", "further_links", "https://example.org, javascript:alert(1)"), "further_links.1: INVALID This must be an address"},
		{good("11", "deleted", "maybe"), `deleted: INVALID This is "maybe", where true or false stands.`},
		{good("12", "last_updated", "gestern"), `last_updated: INVALID This is "gestern"`},
		{good("13", "last_updated", "2026-W34"), ""},
		{good("14", "title", "a\x00b"), "title: INVALID This must not contain the NUL character."},
		{good("15", "funding_body", "a\x00b"), "funding_body: INVALID This must not contain the NUL character."},
		{good("16", "title", "M\xfcnchen"), ": INVALID This is no UTF-8, but maybe Latin-1"},
		{good("17", "title", strings.Repeat("x", 501)), "title: TOO_LONG This may have 500 characters at most, not 501."},
		{good("18", "description", strings.Repeat("x", 200_001)), "description: TOO_LONG This may have 200,000 characters at most"},
		{good("19", "description", strings.Repeat("<p>x</p>", 200_000)), "description: TOO_LONG This may have 1024 KB at most."},
		{good("20", "description", strings.Repeat("x", 50<<20)), ": TOO_LONG A row may have 8 MB at most"},
		{good("21", "funding_body", strings.Repeat("x", 301)), "funding_body: TOO_LONG This may have 300 characters at most"},
		{good(strings.Repeat("x", 501), "title", "T"), "id_hash: TOO_LONG"},
		{"22,T,too,few\n", ": INVALID This row has 4 cells, and the header 13"},
		{strings.Replace(good("23"), "T 23", `5" disk`, 1), ": INVALID The quotes of this row are wrong"},
		{strings.Replace(good("24"), "T 24", `"a" b`, 1), ": INVALID The quotes of this row are wrong"},
		{good("25", "funding_location", "Sonstige", "further_links", "[", "funding_type", "['Zuschuss", "contact_info_city", "🏛"), "further_links.0: INVALID This must be an address"},
		{good("26", "description", "<p>x</p>"+strings.Repeat("<div>", 20_000)), "description: INVALID This is HTML that cannot be read"},
		{good("27", "funding_type", "[]", "funding_area", "[None]", "further_links", "[null]"), ""},
		{strings.TrimSuffix(good("28", "description", "x,"), "\n") + "\n" + `29,"never closed,` + good("30"), ": INVALID The quotes of this row are wrong"},
	} {
		number := 1 + strings.Count(text.String(), "\n")
		text.WriteString(c.row)
		if strings.HasPrefix(c.row, "28") {
			number++
		}
		if c.want != "" {
			want = append(want, fmt.Sprintf("%d %s", number, c.want))
		}
	}
	sum, lines := i.run(t, text.String(), options{})
	var got []string
	for _, l := range lines {
		if l.Status == "FAILED" {
			p := l.UserErrors[0]
			got = append(got, fmt.Sprintf("%d %s: %s %s", l.Line, strings.Join(p.Path, "."), p.Code, p.Message))
		}
	}
	for n := range max(len(got), len(want)) {
		if n >= len(got) || n >= len(want) || !strings.HasPrefix(got[n], want[n]) {
			t.Errorf("failure %d:\n got %.300q\nwant %.300q", n, slices.Concat(got, make([]string, len(want)))[n], slices.Concat(want, make([]string, len(got)))[n])
		}
	}
	i.is(t, "what is there ("+sum+")", `SELECT title FROM funding_program ORDER BY length(title), title`, `"T 1"`, `"T 13"`, `"T 27"`, `"T 28"`)
	i.is(t, "and nothing of what failed", `SELECT name FROM organization`)

	// With all or nothing the first one ends it.
	if sum, lines = i.run(t, file(',', header)+good("40")+good("41", "deleted", "x")+good("42"), options{stop: true}); sum != "1 created, 0 updated, 0 unchanged, 1 failed" || len(lines) != 2 {
		t.Errorf("stop: %s %+v", sum, lines)
	}
	i.is(t, "after a stop", `SELECT count(*) FROM funding_program`, "4")
}

func TestFilesOfAnotherLayout(t *testing.T) {
	t.Parallel()
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"":                             "The file is empty: its first line has to name the columns.",
		"\ufeff\n \n":                  "The file is empty",
		"name,population\nBamberg,1\n": "The file lacks the column id_hash",
		"id_hash;url\n":                "The file lacks the column title",
		"id_hash,title,url,url\n":      "The column url is there twice",
		"\xff\xfei\x00d\x00":           "The file is UTF-16 or no text",
		"PK\x03\x04\x00\x00":           "The file is UTF-16 or no text",
		"id_hash,title,Förder\n"[:19] + "\xf6\n": "This is no UTF-8",
		"id_hash,\"title\n":                      "The quotes of this row are wrong",
		strings.Repeat("x", 9<<20):               "The first line is longer than 8 MB",
	} {
		_, err := foerderdatenbank.Read(strings.NewReader(text), catalogue, foerderdatenbank.Options{})
		if f, ok := fault.From(err); !ok || !strings.HasPrefix(f.Message, want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
	if _, err := foerderdatenbank.Read(strings.NewReader("a,b,a,id_hash , title\n"), catalogue, foerderdatenbank.Options{}); err != nil {
		t.Errorf("columns that do not matter: %v", err)
	}
}

// Whatever is in a file, its rows are those that encoding/csv finds in it, and each is
// written or has an error that says why.
func FuzzImport(f *testing.F) {
	i := newImporter(f)
	whole := file(',', layout, labs, loans)
	for _, seed := range []string{whole, file(';', layout, loans), "id_hash,title\n\"a\"\"\",\"\n\"\r\n\n1,\"x", "id_hash\ttitle\turl\n1\tä\t/Foerderprogramm/Bund/", "id_hash,title,funding_area\n1,2,\"['a\\''b', None\"]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// Fuzzing goes on after the context of f, and of t, has ended.
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_, lines, err := i.try(ctx, string(data), options{})
		if _, ours := fault.From(err); err != nil && !ours {
			t.Fatal(err)
		}
		for _, l := range lines {
			if (l.Status == "FAILED") != (len(l.UserErrors) > 0) {
				t.Errorf("%+v", l)
			}
			for _, p := range l.UserErrors {
				if p.Code == batch.Internal || strings.Contains(p.Message, "SQLSTATE") || strings.Contains(p.Message, "%!") {
					t.Errorf("line %d: %+v", l.Line, p)
				}
			}
		}
	})
}
