package german

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTermsOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query          string
		lexemes, start []string
	}{
		{``, nil, nil},
		{`'a' & 'b' | 'c':*`, []string{"a", "b"}, []string{"c"}},
		{`'a' & !'b' & !( 'c' | 'd' & !'e' ) & 'f':*AB & 'g':C`, []string{"a", "e", "g"}, []string{"f"}},
		{`'it''s' <-> 'a\\b' <2> !!'c'`, []string{"it's", `a\b`, "c"}, nil},
		{`'a`, []string{"a"}, nil},
		{`))'a'((`, []string{"a"}, nil},
		{`''':`, []string{"':"}, nil},
	} {
		got := TermsOf(c.query)
		var lexemes []string
		for lexeme := range got.lexemes {
			lexemes = append(lexemes, lexeme)
		}
		slices.Sort(lexemes)
		slices.Sort(c.lexemes)
		if !slices.Equal(lexemes, c.lexemes) || !slices.Equal(got.prefixes, c.start) {
			t.Errorf("TermsOf(%s) = %q, %q, want %q, %q", c.query, lexemes, got.prefixes, c.lexemes, c.start)
		}
	}
}

func TestHighlight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ query, text, want string }{
		{"Strategie", "Die Digitalisierungsstrategien der Stadt", "Die <mark>Digitalisierungsstrategien</mark> der Stadt"},
		{"Smart City", "Smart-City-Projekte & <b>Städte</b>", "<mark>Smart-City</mark>-Projekte &amp; &lt;b&gt;Städte&lt;/b&gt;"},
		{"Bürger", "Bürger:innen, Fo\u0308rderung", "<mark>Bürger:innen</mark>, Fo\u0308rderung"},
		{"Foerderung", "Bürger:innen, Fo\u0308rderung", "Bürger:innen, <mark>Fo\u0308rderung</mark>"},
		{"Stadt -Bamberg", "Stadt Bamberg", "<mark>Stadt</mark> Bamberg"},
		{"", "<script>", "&lt;script&gt;"},
		{"a", "a\x00\xffb\"'", "<mark>a</mark>\ufffd\ufffdb&#34;&#39;"},
	} {
		if got := Mark(c.text, Highlight(c.text, TermsOf(ParseQuery(c.query).TSQuery()))); got != c.want {
			t.Errorf("%s in %s: %s, want %s", c.query, c.text, got, c.want)
		}
	}
	prefixes := TermsOf(ParseQuery("digitalisier").Prefix())
	if got, want := Mark("Die Digitalisierungsstrategie", Highlight("Die Digitalisierungsstrategie", prefixes)), "Die <mark>Digitalisierungsstrategie</mark>"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSnippet(t *testing.T) {
	t.Parallel()
	const text = "Die Stadt hat im Jahr 2024 vieles beschlossen. Im Rat gab es lange Reden über Wege und Plätze. " +
		"Mit der Digitalisierungsstrategie will die Stadt ihre Verwaltung erneuern. Danach ging es um den Haushalt, um Kitas und um Schulen. Am Ende standen Fragen."
	for _, c := range []struct {
		query string
		runes int
		want  string
		words string
	}{
		{"Strategie Stadt", 110, "…Mit der <mark>Digitalisierungsstrategie</mark> will die <mark>Stadt</mark> ihre Verwaltung erneuern. Danach ging es um den Haushalt…", "Digitalisierungsstrategie Stadt"},
		{"Fragen", 60, "…um Kitas und um Schulen. Am Ende standen <mark>Fragen</mark>.", "Fragen"},
		{"nirgends", 30, "Die Stadt hat im Jahr 2024…", ""},
		{"Stadt", 1000, "", "Stadt"},
		{"Digitalisierungsstrategie", 10, "…<mark>Digitalisierungsstrategie</mark>…", "Digitalisierungsstrategie"},
	} {
		e := Snippet(text, TermsOf(ParseQuery(c.query).TSQuery()), c.runes)
		if got := e.HTML(); got != c.want && c.want != "" {
			t.Errorf("%s: %s\nwant %s", c.query, got, c.want)
		}
		if got := strings.Join(e.Words, " "); got != c.words {
			t.Errorf("%s: words %s, want %s", c.query, got, c.words)
		}
		if n := utf8.RuneCountInString(e.Text); n > c.runes && c.runes > 30 {
			t.Errorf("%s: %d characters, want at most %d", c.query, n, c.runes)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", `"smart city" -a OR b`, "a-b", `-"`, "OR OR", "„a“", "a\x00\xff", "ODER ", "x:innen*"} {
		f.Add(s, "Smart-City-Projekte der Stadt, OZG", 20)
	}
	f.Fuzz(func(t *testing.T, query, text string, runes int) {
		q := ParseQuery(query)
		if q.Empty() != (q.TSQuery() == "") || strings.Count(q.TSQuery(), "'")%2 != 0 || strings.Count(q.TSQuery(), "(") != strings.Count(q.TSQuery(), ")") {
			t.Errorf("%q: empty %v, %s", query, q.Empty(), q.TSQuery())
		}
		if len(q.Words()) > mostWords {
			t.Errorf("%q: %d words", query, len(q.Words()))
		}
		for _, w := range q.Words() {
			if query[w.Start:w.End] != w.Text {
				t.Errorf("%q: word %+v", query, w)
			}
		}
		terms := TermsOf(q.Prefix())
		TermsOf(query)
		runes %= 1000
		e := Snippet(text, terms, runes)
		if utf8.ValidString(text) && !utf8.ValidString(e.Text) {
			t.Errorf("%q: excerpt %q", text, e.Text)
		}
		end := 0
		for _, r := range e.Hits {
			if r.Start < end || r.End <= r.Start || r.End > len(e.Text) {
				t.Errorf("%q in %q: %+v", query, text, e)
			}
			end = r.End
		}
		e.HTML()
	})
}
