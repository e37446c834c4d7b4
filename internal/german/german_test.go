package german

import (
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ words, want string }{
		{"Fördermittel Foerdermittel Fordermittel FÖRDERMITTEL Fo\u0308rdermittel För\u00adder\u200bmittel", "fordermittel"},
		{"Straße Strasse STRASSE STRAẞE", "strasse"},
		{"Bürger Buerger Burger", "burger"},
		{"Städte Staedte Stadte", "stadte"},
		{"neue", "neue"}, {"Bauer", "bauer"}, {"Steuer", "steuer"}, {"Quelle", "quelle"}, {"Treue", "treue"},
		{"Menüeintrag Menueeintrag Menueintrag", "menuintrag"},
		{"Büroeröffnung Bueroeroeffnung", "buroroffnung"},
		{"Cottbus/Chóśebuz", "cottbus/chosebuz"},
		{"Łužyca", "luzyca"}, {"Ærø", "aro"}, {"Œuvre", "ouvre"},
		{"İstanbul", "istanbul"}, {"ISTANBUL", "istanbul"}, {"ısı", "isi"},
		{"ﬁnanz", "finanz"}, {"Москва", "москва"}, {"²", "2"},
		{"", ""}, {"\xff\xfea", "a"}, {"a\x00b", "a\x00b"},
	} {
		for word := range strings.SplitSeq(c.words, " ") {
			if got := Fold(word); got != c.want {
				t.Errorf("Fold(%q) = %q, want %q", word, got, c.want)
			}
		}
	}
}

// Forms of a word have one lexeme, and words that differ have not.
func TestInflection(t *testing.T) {
	t.Parallel()
	words := map[string]string{}
	for _, forms := range []string{
		"Stadt Städte Städten Staedte Stadte",
		"Gemeinde Gemeinden",
		"Haus Hauses Häuser Häusern Haeuser",
		"Projekt Projekte Projekten Projekts Projektes",
		"Strategie Strategien",
		"Kommune Kommunen",
		"kommunal kommunale kommunalen kommunaler kommunales kommunalem",
		"Bürger Bürgers Bürgern Bürgerin Bürgerinnen BürgerInnen Buerger",
		"Burg Burgen",
		"Plan Pläne Plänen Plans Planes",
		"Amt Ämter Ämtern Amtes Amts Aemter",
		"Antrag Anträge Anträgen Antrags Antrages",
		"Förderung Förderungen Foerderung fördern fördert gefördert",
		"Digitalisierung digitalisieren digitalisiert digitalisierte digitalisierten Digitalisierungen",
		"Ministerium Ministerien Ministeriums",
		"Zentrum Zentren Zentrums",
		"Kollege Kollegen Kollegin Kolleginnen",
		"System Systeme Systemen Systems",
		"Ergebnis Ergebnisse Ergebnissen Ergebnisses",
		"zuständig zuständige zuständigen Zuständigkeit Zuständigkeiten",
		"Zustand Zustände Zustandes",
		"Sicherheit sicher sichere",
		"Rat Räte Räten Rates",
		"Papier Papiere Papieren",
		"Kamera Kameras", "Büro Büros Bueros", "App Apps", "PC PCs",
		"Bayern Bayerns", "Hessen Hessens", "Bamberg Bambergs Bamberger Bambergern",
		"Koordinatorin Koordinatorinnen Koordinator",
		"Expertin Expertinnen Experte Experten",
		"Stipendium Stipendien", "Zynismus Zynismen",
		"Innenministerium Innenministerien",
		"Digitalisierungsstrategie Digitalisierungsstrategien",
		"Oberbürgermeister Oberbürgermeisterin Oberbürgermeisterinnen",
	} {
		want := ""
		for form := range strings.SplitSeq(forms, " ") {
			got := analyse(form).lexemes[0]
			if want == "" {
				want = got
				if other, ok := words[got]; ok {
					t.Errorf("%s and %s have the same lexeme %q", form, other, got)
				}
				words[got] = form
			}
			if got != want {
				t.Errorf("%s has the lexeme %q, want %q as others of %s", form, got, want, forms)
			}
		}
	}
}

func TestCompounds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ word, want string }{
		// whole = part + part, what several parts make; what is found by a word besides
		{"Digitalisierungsstrategie", "digitalisierungsstrategi = digitalisier + strategi"},
		{"Breitbandausbau", "breitbandausbau = breitband + ausbau"},
		{"Bürgerbeteiligungsplattform", "burgerbeteiligungsplattform = burger + beteil + plattform, burgerbeteil beteiligungsplattform"},
		{"Bürgerbeteiligung", "burgerbeteil = burger + beteil"},
		{"Glasfaserausbau", "glasfaserausbau = glasfaser + ausbau"},
		{"Verwaltungsdigitalisierung", "verwaltungsdigitalisier = verwalt + digitalisier"},
		{"Fördermittelantrag", "fordermittelantrag = forder + mittel + antrag, fordermittel mittelantrag"},
		{"Foerdermittelantraege", "fordermittelantrag = forder + mittel + antrag, fordermittel mittelantrag"},
		{"Stadtentwicklungskonzept", "stadtentwicklungskonzept = stadt + entwickl + konzept, stadtentwickl entwicklungskonzept"},
		{"Onlinezugangsgesetz", "onlinezugangsgesetz = onlinezugang + gesetz, onlin zugang"},
		{"Smartcityprojekte", "smartcityprojekt = smart + city + projekt, smartcity cityprojekt"},
		{"Digitalpakt", "digitalpakt = digital + pakt"},
		{"Städtebauförderung", "stadtebauforder = stadt + bau + forder, stadtebau bauforder"},
		{"Länderfinanzausgleich", "landerfinanzausgleich = land + finanz + ausgleich, landerfinanz finanzausgleich"},
		// links and lost letters
		{"Sprachassistent", "sprachassistent = sprach + assistent"},
		{"Schulamt", "schulamt = schul + amt"},
		{"Hilfsmittel", "hilfsmittel = hilf + mittel"},
		{"Kitaeinrichtung", "kitaeinricht = kita + einricht"},
		{"Bürgerinnenrat", "burgerinnenrat = burger + rat"},
		{"Ratenzahlung", "ratenzahlung = rate + zahlung"},
		{"Staubecken", "staubecken = stau + becken"},
		{"Innenministerien", "innenministerium = innen + ministerium"},
		// found by their parts, but not looked for by them
		{"Stadtrat", "stadtrat, stadt rat"},
		{"Stadtratssitzung", "stadtratssitzung = stadtrat + sitzung, stadt rat"},
		{"Datenschutz", "datenschutz, daten schutz"},
		{"Bundesland", "bundesland, bund land"},
		// an unknown part
		{"Klettgaustrategie", "klettgaustrategi = klettgau + strategi"},
		{"Verwaltungswirrwarr", "verwaltungswirrwarr = verwalt + wirrwarr"},
		// no compounds
		{"Verwaltung", "verwalt"}, {"Beratung", "berat"}, {"Leistung", "leistung"}, {"Urinstinkt", "urinstinkt"},
		{"Oldenburg", "oldenburg"}, {"Bamberg", "bamberg"}, {"Würzburg", "wurzburg"},
		{"Neustadt", "neustadt"}, {"Wiesbaden", "wiesbaden"}, {"Brandenburger", "brandenburg"}, {"Mannheim", "mannheim"},
		{"Verkehr", "verkehr"}, {"praktisch", "praktisch"}, {"vergessen", "vergess"}, {"Unterstützung", "unterstutz"},
		{"Bürgermeister", "burgermeister"}, {"Haushalt", "haushalt"}, {"Freitag", "freitag"}, {"Wiedervereinigung", "wiederverein"},
		{"Chatbot", "chatbot, chat bot"}, {"ÖPNV", "opnv"}, {"KI", "ki"}, {"2024", "2024"}, {"5G", "5g"},
	} {
		w := analyse(c.word)
		got := w.lexemes[0]
		if w.parts > 0 {
			got += " = " + strings.Join(w.lexemes[1:1+w.parts], " + ")
		}
		if rest := w.lexemes[1+w.parts:]; len(rest) > 0 {
			got += ", " + strings.Join(rest, " ")
		}
		if got != c.want {
			t.Errorf("%s: %s\nwant %s", c.word, got, c.want)
		}
	}
}

// show writes tokens as "text@position lexemes".
func show(text string) string {
	var s []string
	for token := range Tokens(text) {
		s = append(s, fmt.Sprintf("%s@%d%v", text[token.Start:token.End], token.Position, token.Lexemes))
	}
	return strings.Join(s, " ")
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", ""}, {" — 🏙️ …", ""}, {"\x00\xff", ""},
		{"Die Stadt und der Kreis", "Die@1[] Stadt@2[stadt] und@3[] der@4[] Kreis@5[kreis]"},
		{"Smart-City-Projekte!", "Smart@1[smart smartcityprojekt smartcity] City@2[city smartcity cityprojekt] Projekte@3[projekt smartcityprojekt cityprojekt]"},
		{"E-Government", "E@1[e egovernment] Government@2[government egovernment]"},
		{"KI\u2011Chatbot", "KI@1[ki kichatbot] Chatbot@2[chatbot chat bot kichatbot]"},
		{"2024-2028 – 2030", "2024@1[2024] 2028@2[2028] 2030@3[2030]"},
		{"Bürger:innen, Bürger*innen, Bürger_innen", "Bürger:innen@1[burger] Bürger*innen@2[burger] Bürger_innen@3[burger]"},
		{"BürgerInnen Bürger/-innen Bürger/innen Bürger(innen)", "BürgerInnen@1[burger] Bürger/-innen@2[burger] Bürger/innen@3[burger] Bürger(innen@4[burger]"},
		{"Beauftragte:r, Leiter*in und/oder Stadt/Land", "Beauftragte:r@1[beauftragt] Leiter*in@2[leiter] und@3[] oder@4[] Stadt@5[stadt] Land@6[land]"},
		{"Bürger:innenrat", "Bürger:innenrat@1[burgerinnenrat burger rat]"},
		{"10.000 Euro, 1.234.567; 12.03.2025", "10.000@1[10000] Euro@2[euro] 1.234.567@3[1234567] 12@4[12] 03@5[03] 2025@6[2025]"},
		{"17,5 Mio. § 3a OZG", "17@1[17] 5@2[5] Mio@3[mio] 3a@4[3a] OZG@5[ozg]"},
		{"info@bamberg.de und max.muster@stadt-x.de.", "info@bamberg.de@1[info@bamberg.de] und@2[] max.muster@stadt-x.de@3[max.muster@stadt-x.de]"},
		{"siehe https://www.Smart-City-Dialog.de/a/b?c=d#e.", "siehe@1[sieh] https://www.Smart-City-Dialog.de/a/b?c=d#e.@2[smart-city-dialog.de smart city dialog]"},
		{"(www.bamberg.de), bamberg.de.", "www.bamberg.de@1[bamberg.de bamberg] bamberg.de@2[bamberg.de bamberg]"},
		{"Ende.Anfang", "Ende@1[end] Anfang@2[anfang]"},
		{"Förder- und Projektmittel", "Förder@1[forder] und@2[] Projektmittel@3[projektmittel projekt mittel]"},
		{"Fo\u0308rder\u00admittel", "Fo\u0308rder\u00admittel@1[fordermittel forder mittel]"},
		{"Der OB fragt, ob", "Der@1[] OB@2[ob] fragt@3[fragt] ob@4[]"},
		{"Einer-für-alle", "Einer@1[einerfurall] für@2[] alle@3[einerfurall]"},
	} {
		if got := show(c.text); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestHugeWords(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		strings.Repeat("a", 100_000), strings.Repeat("ä", 100_000), strings.Repeat("verwaltung", 10_000),
		strings.Repeat("a-", 100_000), strings.Repeat("1.", 100_000), strings.Repeat("a.", 100_000), strings.Repeat("a@", 100_000),
		strings.Repeat("a_", 100_000), strings.Repeat("a:", 100_000), strings.Repeat("a://", 100_000), "a" + strings.Repeat("\u0308", 100_000),
		strings.Repeat("a:in", 100_000), strings.Repeat("a-b.", 100_000),
	} {
		n := 0
		start := time.Now()
		for token := range Tokens(text) {
			n++
			for _, lexeme := range token.Lexemes {
				if len(lexeme) > 2*longestWord {
					t.Errorf("%.20q…: a lexeme of %d bytes", text, len(lexeme))
				}
			}
		}
		if n == 0 {
			t.Errorf("%.20q…: no tokens", text)
		}
		if d := time.Since(start); d > 5*time.Second { // it takes less than a tenth
			t.Errorf("%.20q…: took %s", text, d)
		}
		t.Logf("%.20q…: %s", text, time.Since(start))
	}
}

// The lexicon says what it means.
func TestLexicon(t *testing.T) {
	t.Parallel()
	l := theLexicon()
	if len(l.nodes) > 1<<16 || len(l.entries) >= 1<<16 {
		t.Fatalf("%d nodes, %d entries: too many for uint16", len(l.nodes), len(l.entries))
	}
	byBase := map[string]bool{}
	for line := range lines(lexiconText) {
		form := strings.ReplaceAll(strings.Fields(line)[0], "|", "")
		if byBase[Fold(form)] {
			t.Errorf("%s is listed twice", form)
		}
		byBase[Fold(form)] = true
		for field := range strings.FieldsSeq(line) {
			if !ascii(strings.TrimLeft(strings.Trim(strings.ReplaceAll(Fold(field), "|", ""), "-"), "=")) {
				t.Errorf("%s: %s is no word", line, field)
			}
		}
	}
}

// What is stored must be analysed again when the analysis changes.
func TestVersion(t *testing.T) {
	t.Parallel()
	const version, sum = 2, 0x6dc9ff99
	got := crc32.NewIEEE()
	for line := range lines(lexiconText + namesText + stopwordsText) {
		for form := range strings.FieldsSeq(line) {
			fmt.Fprintln(got, form, analyse(strings.Trim(form, "=-")+"en").lexemes, analyse("unbekannt"+strings.ReplaceAll(form, "|", "")).lexemes)
		}
	}
	if Version != version || got.Sum32() != sum {
		t.Errorf("version %d has the sum %#x, not %#x of version %d: if texts are stored, raise Version, and keep the new sum here", Version, got.Sum32(), sum, version)
	}
}

func FuzzTokens(f *testing.F) {
	for _, text := range []string{"", "Smart-City-Projekte", "Bürger:innen", "a@b.de", "https://x.de", "1.000.000", "a\u0308\x00\xff", "ⅷ½", "İ", "a-\u2011b", "x/-innen"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end, position := 0, 0
		for token := range Tokens(text) {
			if token.Start < end || token.End <= token.Start || token.End > len(text) || token.Position != position+1 {
				t.Fatalf("%q: token %+v after the end %d", text, token, end)
			}
			end, position = token.End, token.Position
			for _, lexeme := range token.Lexemes {
				if lexeme == "" || !utf8.ValidString(lexeme) || strings.ContainsRune(lexeme, 0) || len(lexeme) > 2*longestWord {
					t.Fatalf("%q: lexeme %q", text, lexeme)
				}
			}
		}
		if once := Fold(text); Fold(once) != once {
			t.Errorf("Fold(%q) = %q, and of that %q", text, once, Fold(once))
		}
		Vector(Weighted{text, 'A'})
	})
}

func BenchmarkVector(b *testing.B) {
	text := sample(3000)
	Vector(Weighted{text, 'C'})
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Vector(Weighted{text, 'C'})
	}
}

func BenchmarkVectorParallel(b *testing.B) {
	text := sample(3000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			Vector(Weighted{text, 'C'})
		}
	})
}

// Nothing is remembered: each word is analysed.
func BenchmarkVectorCold(b *testing.B) {
	text := sample(3000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for i := range remembered {
			clear(remembered[i].pieces)
		}
		Vector(Weighted{text, 'C'})
	}
}

func BenchmarkSnippet(b *testing.B) {
	text := sample(3000)
	terms := TermsOf(ParseQuery("Digitalisierungsstrategie Stadt").TSQuery())
	b.ReportAllocs()
	for b.Loop() {
		Snippet(text, terms, 200)
	}
}

func BenchmarkParseQuery(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ParseQuery(`"smart city" Digitalisierungsstrategie Bamberg -Hessen`).TSQuery()
	}
}
