package german_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"stadtgraph/internal/german"
	"stadtgraph/internal/pgtest"
)

// nasty are inputs that could break out of the quotes of a lexeme, the syntax
// around it, or a limit of Postgres.
var nasty = []string{
	"", " ", "'", `\`, `''`, `\'`, `'a' & 'b'`, "a & b | !c:* <-> (d)", "a:*AB", "<->", "<2>", "!!", "((((", "))))", `"`, `"""`, `"a`, `a"b"c`, `-`, `--a`, `-"`, `-"a b"`, "OR", "a OR", "OR a", "a OR OR b", "a OR -b", "-a OR -b", "a ODER \"b c\" OR",
	"a\x00b", "\x00", "\xff\xfe", "a\xffb", "\u0308", "a\u0308", "İstanbul", "ﬁ ½ ² ⅷ", "🏙️ Stadt 👩‍💻", "日本語 テスト", "العربية", "Москва", "\u200b\u00ad", "a\u00adb",
	"O'Reilly d'Artagnan", `C:\Windows\System32`, "%_%", "$1", "--", "/* */", "; DROP TABLE x", "a-", "-a-", "a--b", "a\u2011b-c", "http://", "https://'\\", "www.", "a@b", "a@b.de", "x'@b.de", "1.000", "1.000.", "12.3.2025", "§ 3a", "Bürger:innen", "Bürger(innen)", "der die das", "Einer-für-alle", "und-oder",
	strings.Repeat("a", 3000), strings.Repeat("ä", 300), strings.Repeat("a ", 20_000), strings.Repeat("verwaltung", 25), strings.Repeat(`"a b" `, 100), strings.Repeat("-a ", 100), strings.Repeat("a-", 300), strings.Repeat("a OR ", 50), strings.Repeat("(", 5000),
}

func TestPostgresReadsAll(t *testing.T) {
	t.Parallel()
	db := pgtest.Tx(t)
	read := func(input, kind, text string) {
		t.Helper()
		if _, err := db.Exec(t.Context(), "SAVEPOINT s"); err != nil {
			t.Fatal(err)
		}
		var again string
		if err := db.QueryRow(t.Context(), "SELECT $1::text::"+kind+"::text", text).Scan(&again); err != nil {
			t.Errorf("%.100q: Postgres does not take the %s %.200s: %v", input, kind, text, err)
			if _, err := db.Exec(t.Context(), "ROLLBACK TO s"); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(input string) {
		t.Helper()
		read(input, "tsvector", german.Vector(german.Weighted{Text: input, Weight: 'A'}, german.Weighted{Text: input, Weight: 'D'}))
		q := german.ParseQuery(input)
		read(input, "tsquery", q.TSQuery())
		read(input, "tsquery", q.Prefix())
		if q.Empty() != (q.TSQuery() == "") {
			t.Errorf("%q: Empty() is %v, TSQuery() %q", input, q.Empty(), q.TSQuery())
		}
	}
	for _, input := range nasty {
		check(input)
	}
	random := rand.New(rand.NewPCG(1, 2))
	pieces := append([]string{"Stadt", "und", `"`, " ", " ", "-", ":", "'", `\`, "OR", "(", ")", "&", "|", "!", "*", "<->", "ö", "\x00", "\xff", "Smart-City", "e", ".", "@", "de", "1"}, "Digitalisierungsstrategie")
	for range 2000 {
		var s strings.Builder
		for range random.IntN(20) {
			s.WriteString(pieces[random.IntN(len(pieces))])
		}
		check(s.String())
	}
}

// Beyond the limits of Postgres what comes first is kept.
func TestLimits(t *testing.T) {
	t.Parallel()
	db := pgtest.Tx(t)
	var many strings.Builder // of 16383 words, each another
	for i := range 20_000 {
		fmt.Fprintf(&many, "wort%06d ", i)
	}
	var long strings.Builder // of more than a megabyte
	for i := range 6000 {
		fmt.Fprintf(&long, "%s%06d ", strings.Repeat("x", 240), i)
	}
	for _, c := range []struct {
		text           string
		lexemes, least int // with the last positions
	}{
		{many.String(), 16383, 16383},
		{long.String(), 4000, 4000},
		{strings.Repeat("stadt ", 1000), 1, 255},
	} {
		var lexemes, last int
		err := db.QueryRow(t.Context(), "SELECT length(v), (SELECT max(p) FROM unnest(v) u, unnest(u.positions) p) FROM (SELECT $1::text::tsvector) x (v)",
			german.Vector(german.Weighted{Text: c.text, Weight: 'B'})).Scan(&lexemes, &last)
		if err != nil {
			t.Fatal(err)
		}
		if lexemes < c.lexemes || last < c.least {
			t.Errorf("%.20q…: %d lexemes to position %d, want at least %d to %d", c.text, lexemes, last, c.lexemes, c.least)
		}
	}
}

func TestFinds(t *testing.T) {
	t.Parallel()
	db := pgtest.Tx(t)
	for _, c := range []struct {
		query, text string
		want        bool
	}{
		{"Digitalisierungsstrategie", "Die Strategie zur Digitalisierung", true},
		{"Digitalisierungsstrategie", "Digitalisierungs-Strategien", true},
		{"Digitalisierungsstrategie", "Die Strategie", false},
		{"Strategie", "Digitalisierungsstrategien der Städte", true},
		{"Digitalisierung", "Verwaltungsdigitalisierung", true},
		{"foerdermittel", "Fördermitteln", true},
		{"Fördermittel", "Mittel zur Förderung", true},
		{"Bürgerbeteiligung", "Eine Bürgerbeteiligungsplattform", true},
		{"Smart City Projekt", "Smart-City-Projekte", true},
		{"Smart City Projekt", "ein Smartcityprojekt", true},
		{"Smartcityprojekt", "Smart-City-Projekte", true},
		{`"Smart City Projekt"`, "Smart-City-Projekte", true},
		{`"Smart City Projekt"`, "ein Smartcityprojekt", true},
		{`"Smart City Projekt"`, "Smart ist das Projekt der City", false},
		{`"Digitalisierung Strategie"`, "Digitalisierungsstrategie", true},
		{`"Strategie zur Digitalisierung"`, "eine Strategie zur Digitalisierung", true},
		{`"Strategie zur Digitalisierung"`, "Strategie, Digitalisierung", false},
		{`"Digitalisierungsstrategie"`, "Strategie zur Digitalisierung", false},
		{"E-Government", "eGovernment", true},
		{"E-Government", "E-Government-Gesetz", true},
		{"eGovernment", "E-Government-Gesetz", true},
		{`"E-Government in Bayern"`, "eGovernment in Bayern", true},
		{`"E-Government in Bayern"`, "E-Government in Bayern", true},
		{"Open Data", "Opendata", true},
		{"Bürgermeister", "Bürger und Meister", false},
		{"Rat", "Stadtrat", true},
		{"Stadtrat", "Die Stadt gab einen Rat", false},
		{"Stadtrat", "Stadtratssitzung", true},
		{"Bürgerinnen", "Bürger:innen", true},
		{"Bürger", "Bürgerinnen", true},
		{"Bürger", "die Burg", false},
		{"Stadt", "Neustadt", false},
		{"digital -Bamberg", "digitale Stadt Bamberg", false},
		{"digital -Bamberg", "digitale Stadt Köln", true},
		{"-Digitalisierungsstrategie digital", "Digitale Strategie", true},
		{"Förderung Bayern OR Hessen", "Förderung in Hessen", true},
		{"Förderung Bayern ODER Hessen", "Förderung in Sachsen", false},
		{"Förderung Bayern OR Hessen", "Bayern", false},
		{"Bayern OR", "Bayern", true},
		{"OR Bayern UND Hessen", "Hessen, Bayern", true},
		{"Trinkwasserversorgung", "Versorgung mit Trinkwasser", true},
		{"Steuer", "Steuerung", false},
		{"PCs", "ein PC", true},
		{"Kulturausschuss", "Kultur- und Bildungsausschuss", true},
		{"klimatische Anpassung", "Klimaanpassung", true},
		{"10000 Euro", "10.000 Euro", true},
		{"12.03.2025", "am 12.03.2025", true},
		{"2025", "am 12.03.2025", true},
		{"Klettgau", "Klettgaustrategie", true},
		{"bamberg.de", "siehe https://www.bamberg.de/x", true},
		{"Datenschutzgrundverordnung", "Datenschutz-Grundverordnung", true},
		{"Datenschutz-Grundverordnung", "Datenschutzgrundverordnung", true},
		{"OB", "der OB sprach", true},
		{"OB", "gefragt, ob", false},
	} {
		var got bool
		err := db.QueryRow(t.Context(), "SELECT $1::text::tsvector @@ $2::text::tsquery",
			german.Vector(german.Weighted{Text: c.text}), german.ParseQuery(c.query).TSQuery()).Scan(&got)
		if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s in %s: %v, want %v (%s in %s)", c.query, c.text, got, c.want, german.ParseQuery(c.query).TSQuery(), german.Vector(german.Weighted{Text: c.text}))
		}
	}
}

func TestPrefixFinds(t *testing.T) {
	t.Parallel()
	db := pgtest.Tx(t)
	for _, query := range []string{"Dig", "Digitalisie", "Digitalisierungs", "Digitalisierungsstrategie", "der digitalisi", "smart ci", "Smart-Ci", "Smart-City-Proj", `"smart ci`, "Bürgerme", "über", "uebers", "Strateg", "Strategie"} {
		var got bool
		err := db.QueryRow(t.Context(), "SELECT $1::text::tsvector @@ $2::text::tsquery",
			german.Vector(german.Weighted{Text: "Bürgermeister stellt Digitalisierungsstrategie und Smart-City-Projekte in einer Übersicht vor"}),
			german.ParseQuery(query).Prefix()).Scan(&got)
		if err != nil {
			t.Fatal(err)
		}
		if !got {
			t.Errorf("%s finds nothing as %s", query, german.ParseQuery(query).Prefix())
		}
	}
}

// A phrase does not cross from one part into the next.
func TestPartsAreApart(t *testing.T) {
	t.Parallel()
	db := pgtest.Tx(t)
	var got bool
	err := db.QueryRow(t.Context(), "SELECT $1::text::tsvector @@ $2::text::tsquery",
		german.Vector(german.Weighted{Text: "Smart", Weight: 'A'}, german.Weighted{}, german.Weighted{Text: "City", Weight: 'B'}),
		german.ParseQuery(`"smart city"`).TSQuery()).Scan(&got)
	if err != nil || got {
		t.Errorf("found: %v, %v", got, err)
	}
}

func TestSynonymsInPostgres(t *testing.T) {
	t.Parallel()
	db := pgtest.Tx(t)
	groups, err := german.ReadSynonyms(strings.NewReader(german.SynonymsCSV))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(t.Context(), "CREATE TEMP TABLE synonym (target tsquery PRIMARY KEY, substitute tsquery NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	for _, r := range german.Rewrites(groups) {
		if _, err := db.Exec(t.Context(), "INSERT INTO synonym VALUES ($1::text::tsquery, $2::text::tsquery)", r.Target, r.Substitute); err != nil {
			t.Fatalf("%s -> %s: %v", r.Target, r.Substitute, err)
		}
	}
	for _, c := range []struct {
		query, text string
		want        bool
	}{
		{"OZG", "Umsetzung des Onlinezugangsgesetzes", true},
		{"Onlinezugangsgesetz", "OZG-Umsetzung", true},
		{"KI", "künstliche Intelligenz in der Verwaltung", true},
		{"künstliche Intelligenz", "KI-Chatbot", true},
		{`"künstliche Intelligenz"`, "KI-Chatbot", true},
		{"Verwaltung künstliche Intelligenz Stadt", "KI in der Verwaltung der Stadt", true},
		{`"KI Strategie"`, "eine Künstliche-Intelligenz-Strategie", true},
		{"DSGVO", "Datenschutz-Grundverordnung", true},
		{"DSGVO", "Datenschutzgrundverordnung", true},
		{"Datenschutz-Grundverordnung", "die DSGVO", true},
		{"EfA", "Einer-für-alle-Prinzip", true},
		{"Kommune", "Stadt", true},
		{"Stadt", "Kommune", false},
		{"Förderung", "ein Zuschuss", true},
		{"Zuschuss", "eine Förderung", false},
		{"Smart City", "Smarte Städte", true},
		{"E-Government", "elektronische Verwaltung", true},
		{"elektronische Verwaltung", "eGovernment", true},
		{"Stadt -KI", "Stadt und künstliche Intelligenz", false},
		{"IKZ", "Interkommunale Zusammenarbeit", true},
	} {
		var got bool
		var rewritten string
		err := db.QueryRow(t.Context(), "SELECT $1::text::tsvector @@ q, q::text FROM ts_rewrite($2::text::tsquery, 'SELECT target, substitute FROM synonym ORDER BY numnode(target) DESC') q",
			german.Vector(german.Weighted{Text: c.text}), german.ParseQuery(c.query).TSQuery()).Scan(&got, &rewritten)
		if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s in %s: %v, want %v (%s)", c.query, c.text, got, c.want, rewritten)
		}
		// What Postgres says of the query is what TermsOf reads.
		if c.want && len(german.Highlight(c.text, german.TermsOf(rewritten))) == 0 {
			t.Errorf("%s: nothing is highlighted in %s by %s", c.query, c.text, rewritten)
		}
	}
}
