package text

import (
	"bytes"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	gtext "github.com/yuin/goldmark/text"
	"golang.org/x/net/html"
)

func TestHTML(t *testing.T) {
	t.Parallel()
	const ext, ugc = ` rel="noopener"`, ` rel="nofollow ugc noopener"`
	for name, tc := range map[string]struct{ in, article, comment string }{
		"empty":             {"", "", ""},
		"white space":       {" \n\t\n", "", ""},
		"only markup":       {"#\n\n>\n\n-", "<blockquote>\n</blockquote>\n<ul>\n<li></li>\n</ul>", "<p>#</p>\n<blockquote>\n</blockquote>\n<ul>\n<li></li>\n</ul>"},
		"German":            {"Die *Große Kreisstadt* Löbau **spart** 5 €.", "<p>Die <em>Große Kreisstadt</em> Löbau <strong>spart</strong> 5 €.</p>", "<p>Die <em>Große Kreisstadt</em> Löbau <strong>spart</strong> 5 €.</p>"},
		"decomposed":        {"Mu\u0308nchen", "<p>München</p>", "<p>München</p>"},
		"typography stays":  {`"Ja" -- 'nein' ...`, `<p>&#34;Ja&#34; -- &#39;nein&#39; ...</p>`, `<p>&#34;Ja&#34; -- &#39;nein&#39; ...</p>`},
		"line breaks":       {"eins\nzwei  \ndrei\\\nvier\r\nfünf\rsechs", "<p>eins\nzwei<br>\ndrei<br>\nvier\nfünf\nsechs</p>", "<p>eins<br>\nzwei<br>\ndrei<br>\nvier<br>\nfünf<br>\nsechs</p>"},
		"NUL and controls":  {"a\x00b\x07c&#0;d&#1;e\x7f", "<p>abc\ufffdde</p>", "<p>abc\ufffdde</p>"},
		"invalid UTF-8":     {"a\xff\xfeb", "<p>a\ufffdb</p>", "<p>a\ufffdb</p>"},
		"heading":           {"# Überblick & Maßnahmen", `<h2 id="ueberblick-massnahmen">Überblick &amp; Maßnahmen</h2>`, "<p># Überblick &amp; Maßnahmen</p>"},
		"heading in quote":  {"> ## Ziele", "<blockquote>\n<h2 id=\"ziele\">Ziele</h2>\n</blockquote>", "<blockquote>\n<p>## Ziele</p>\n</blockquote>"},
		"underlined":        {"Ziele\n===\n\nWege\n---", `<h2 id="ziele">Ziele</h2>` + "\n" + `<h3 id="wege">Wege</h3>`, "<p>Ziele<br>\n===</p>\n<p>Wege</p>\n<hr>"},
		"external":          {"[Bund](https://www.bund.de/a?b=1&c=2#d)", `<p><a href="https://www.bund.de/a?b=1&amp;c=2#d"` + ext + `>Bund</a></p>`, `<p><a href="https://www.bund.de/a?b=1&amp;c=2#d"` + ugc + `>Bund</a></p>`},
		"internal":          {"[hier](/artikel/loebau) [dort](#ziele)", `<p><a href="/artikel/loebau">hier</a> <a href="#ziele">dort</a></p>`, "<p>hier dort</p>"},
		"no scheme, a host": {`[a](//evil.example) [b](/\evil.example) [c](evil.example)`, `<p>a <a href="/%5Cevil.example">b</a> c</p>`, "<p>a b c</p>"},
		"mail":              {"<rathaus@loebau.de>", `<p><a href="mailto:rathaus@loebau.de">rathaus@loebau.de</a></p>`, `<p><a href="mailto:rathaus@loebau.de"` + ugc + `>rathaus@loebau.de</a></p>`},
		"mail with more":    {"[a](mailto:a@b.de?subject=x&bcc=c@d.de)", `<p><a href="mailto:a@b.de?subject=x&amp;bcc=c@d.de">a</a></p>`, `<p><a href="mailto:a@b.de"` + ugc + `>a</a></p>`},
		"umlaut host":       {"[K](https://www.köln.de:443/ä)", `<p><a href="https://www.xn--kln-sna.de:443/%C3%A4"` + ext + `>K</a></p>`, `<p><a href="https://www.xn--kln-sna.de:443/%C3%A4"` + ugc + `>K</a></p>`},
		"lying host":        {"[a](https://bund.de@evil.example/)", "<p>a</p>", "<p>a</p>"},
		"auto link":         {"<https://bund.de/?a=1&b=2> <javascript:alert(1)>", `<p><a href="https://bund.de/?a=1&amp;b=2"` + ext + `>https://bund.de/?a=1&amp;b=2</a> javascript:alert(1)</p>`, `<p><a href="https://bund.de/?a=1&amp;b=2"` + ugc + `>https://bund.de/?a=1&amp;b=2</a> javascript:alert(1)</p>`},
		"bare address":      {"https://bund.de", "<p>https://bund.de</p>", "<p>https://bund.de</p>"},
		"by reference":      {"[Bund][b]\n\n[b]: https://bund.de 'Titel \"x\"'", `<p><a href="https://bund.de"` + ext + ` title="Titel &#34;x&#34;">Bund</a></p>`, `<p><a href="https://bund.de"` + ugc + `>Bund</a></p>`},
		"empty link":        {"[](https://bund.de/)", `<p><a href="https://bund.de/"` + ext + `>https://bund.de/</a></p>`, `<p><a href="https://bund.de/"` + ugc + `>https://bund.de/</a></p>`},
		"scripts":           {"[a](javascript:alert(1)) [b](JaVaScRiPt&#58;alert) [c](&#x6A;avascript:x) [d](data:text/html,x) [e](vbscript:x) [f](<java\tscript:x>) [g](\x01javascript:x) [h](javascript&colon;x)", "<p>a b c d e f g h</p>", "<p>a b c d e f g h</p>"},
		"long address":      {"[a](https://a.de/" + strings.Repeat("x", maxURL) + ")", "<p>a</p>", "<p>a</p>"},
		"raw HTML":          {"<script>alert(1)</script>\n\nx <b onclick=y>z</b> <!-- c --> 3 < 5", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n<p>x &lt;b onclick=y&gt;z&lt;/b&gt; &lt;!-- c --&gt; 3 &lt; 5</p>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n<p>x &lt;b onclick=y&gt;z&lt;/b&gt; &lt;!-- c --&gt; 3 &lt; 5</p>"},
		"entities":          {"&lt;img src=x onerror=y&gt; &uuml; &amp;", "<p>&lt;img src=x onerror=y&gt; ü &amp;</p>", "<p>&lt;img src=x onerror=y&gt; ü &amp;</p>"},
		"attributes":        {"# a {onclick=x #y}", `<h2 id="a-onclick-x-y">a {onclick=x #y}</h2>`, "<p># a {onclick=x #y}</p>"},
		"image":             {"![Das *Rathaus*](https://a.de/b.jpg \"Titel\")", `<p><img src="https://a.de/b.jpg" alt="Das Rathaus" title="Titel"></p>`, `<p><a href="https://a.de/b.jpg"` + ugc + `>Das <em>Rathaus</em></a></p>`},
		"image, no address": {`![a"b](javascript:x)`, "<p>a&#34;b</p>", "<p>a&#34;b</p>"},
		"image in link":     {"[![a](https://a.de/b.jpg)](https://c.de)", `<p><a href="https://c.de"` + ext + `><img src="https://a.de/b.jpg" alt="a"></a></p>`, `<p><a href="https://c.de"` + ugc + `>a</a></p>`},
		"link in image":     {"![a [b](https://b.de) <https://d.de>](https://c.de)", `<p><img src="https://c.de" alt="a b https://d.de"></p>`, `<p><a href="https://c.de"` + ugc + `>a b https://d.de</a></p>`},
		"code":              {"```go onclick=x\na < b\n```\n\n`<i>`", "<pre><code class=\"language-go\">a &lt; b\n</code></pre>\n<p><code>&lt;i&gt;</code></p>", "<pre><code>a &lt; b\n</code></pre>\n<p><code>&lt;i&gt;</code></p>"},
		"ordered":           {"3) a\n4) b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>"},
		"table": {
			"Ort|Zahl\n---|--:\nUlm|`a\\|b`",
			"<table>\n<thead>\n<tr>\n<th>Ort</th>\n<th align=\"right\">Zahl</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>Ulm</td>\n<td align=\"right\"><code>a|b</code></td>\n</tr>\n</tbody>\n</table>",
			"<p>Ort|Zahl<br>\n---|--:<br>\nUlm|<code>a\\|b</code></p>",
		},
		"overrides":     {"a\u202eb\u2066c&#x202e;d&rlm;e", "<p>a\u202eb\u2066c\u202ed\u200fe</p>", "<p>abcde</p>"},
		"family, flags": {"👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣", "<p>👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣</p>", "<p>👨‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣</p>"},
		"form":          {"Ort, Datum " + strings.Repeat("_", 900) + " *hier*", "<p>Ort, Datum " + strings.Repeat("_", 900) + " <em>hier</em></p>", "<p>Ort, Datum " + strings.Repeat("_", 900) + " <em>hier</em></p>"},
	} {
		if got := Render(tc.in, Article).HTML; got != tc.article {
			t.Errorf("%s: article %q\n gives %q\n want  %q", name, tc.in, got, tc.article)
		}
		if got := Render(tc.in, Comment).HTML; got != tc.comment {
			t.Errorf("%s: comment %q\n gives %q\n want  %q", name, tc.in, got, tc.comment)
		}
	}
}

// What nobody knows is taken for a comment.
func TestUnknownProfile(t *testing.T) {
	t.Parallel()
	if got, want := Render("# a", 99), Render("# a", Comment); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestZalgo(t *testing.T) {
	t.Parallel()
	marks := strings.Repeat("\u0316\u0301", 50)
	for _, in := range []string{
		"x" + marks + "y",
		"x" + strings.ReplaceAll(marks, "\u0301", "&#769;") + "y",
		"x" + strings.ReplaceAll(marks, "\u0301", "\u200d\u0301") + "y", // joiners are no way out
		"x*" + marks + "*_" + marks + "_ y",                             // nor are elements
	} {
		n := 0
		for _, r := range Render(in, Comment).Text {
			if unicode.Is(unicode.Mn, r) {
				n++
			}
		}
		if n > 8 { // the last text has another space to stack on
			t.Errorf("%q keeps %d marks", in, n)
		}
	}
	const fine = "ệ Việt שָׁלוֹם กู้"
	if got := Render(fine, Comment).Text; got != fine {
		t.Errorf("%q became %q", fine, got)
	}
}

func TestContents(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in   string
		want []Heading
	}{
		"none":      {"Text", []Heading{}},
		"from h1":   {"# A\n## B\n###### C", []Heading{{2, "a", "A"}, {3, "b", "B"}, {6, "c", "C"}}},
		"from h3":   {"### A\n#### B\n### C", []Heading{{2, "a", "A"}, {3, "b", "B"}, {2, "c", "C"}}},
		"same":      {"# Kosten\n# Kosten\n# Kosten 2\n# Kosten", []Heading{{2, "kosten", "Kosten"}, {2, "kosten-3", "Kosten"}, {2, "kosten-2", "Kosten 2"}, {2, "kosten-4", "Kosten"}}},
		"same slug": {"# Maße\n# Masse\n# MASSE!", []Heading{{2, "masse", "Maße"}, {2, "masse-2", "Masse"}, {2, "masse-3", "MASSE!"}}},
		"no slug":   {"# 🏙️\n# 北京\n# 2024: Ziele", []Heading{{2, "abschnitt", "🏙️"}, {2, "abschnitt-2", "北京"}, {2, "abschnitt-2024-ziele", "2024: Ziele"}}},
		"markup":    {"## *Smart* [City](https://a.de) &amp; `Code` \\* Groß&shy;stadt", []Heading{{2, "smart-city-code-gross-stadt", "Smart City & Code * Großstadt"}}},
		"two lines": {"Ziele\nund Wege\n---", []Heading{{2, "ziele-und-wege", "Ziele und Wege"}}},
		"not own":   {"> # A\n\n- # B\n\n# C", []Heading{{2, "c", "C"}}},
		"empty":     {"#\n\n## \n\n### A", []Heading{{2, "a", "A"}}},
		"long": {"# " + strings.Repeat("Digitalisierung ", 9),
			[]Heading{{2, "digitalisierung-digitalisierung-digitalisierung-digitalisierung-digitalisierung", strings.TrimSpace(strings.Repeat("Digitalisierung ", 9))}}},
	} {
		if got := Render(tc.in, Article).Contents; !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %q\n gives %+v\n want  %+v", name, tc.in, got, tc.want)
		}
	}
	if got := Render("# A", Comment).Contents; got == nil || len(got) != 0 {
		t.Errorf("a comment has contents %v", got)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ in, want string }{
		"paragraphs": {"Eins\nzwei.\n\nDrei  vier  \nfünf", "Eins zwei.\nDrei vier\nfünf"},
		"entities":   {"A &amp; B &lt;c&gt; <d> &quot;\"", `A & B <c> <d> ""`},
		"links":      {"Das [*Rathaus*](https://a.de) <https://b.de>", "Das Rathaus https://b.de"},
		"images":     {"Vor ![Bild](https://a.de/b.png) nach", "Vor nach"},
		"list":       {"# Ziele\n- eins\n  - zwei\n- **drei**\n\n> Zitat", "Ziele\neins\nzwei\ndrei\nZitat"},
		"table":      {"|Ort|Zahl|\n|-|-|\n|Bad  Ems| 5 |\n||6|", "Ort\tZahl\nBad Ems\t5\n\t6"},
		"code":       {"```\nif a {\n    b\n}\n```\nDanach `c  d`", "if a {\n    b\n}\nDanach c d"},
		"unseen":     {"Groß&shy;stadt\u200b\ufeff \u202ex &nbsp; y", "Großstadt x y"},
		"only hr":    {"---", ""},
	} {
		if got := Render(tc.in, Article).Text; got != tc.want {
			t.Errorf("%s: %q\n gives %q\n want  %q", name, tc.in, got, tc.want)
		}
	}
}

func TestReadingMinutes(t *testing.T) {
	t.Parallel()
	for words, want := range map[int]int{0: 0, 1: 1, 200: 1, 201: 2, 1000: 5} {
		if got := Render("## –\n\n"+strings.Repeat("Straße ", words), Article).ReadingMinutes; got != want {
			t.Errorf("%d words take %d minutes, want %d", words, got, want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	family := "👨‍👩‍👧‍👦" // seven code points
	for _, tc := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 10, ""},
		{"Ein Satz.", 9, "Ein Satz."},
		{"Ein\n zweiter   Satz.", 20, "Ein zweiter Satz."},
		{"Über große Städte", 16, "Über große\u00a0…"},
		{"Über große, Städte", 13, "Über große\u00a0…"},
		{"Über große Städte", 12, "Über große\u00a0…"}, // exactly
		{"Über große Städte", 11, "Über groß…"},        // half of it would be lost otherwise
		{"Donaudampfschifffahrt", 10, "Donaudam…"},
		{"Mu\u0308u\u0308u\u0308u\u0308", 6, "Mu\u0308…"},
		{family + family, 13, family + "…"},
		{family + family, 8, "…"},
		{"a b", 0, ""},
		{"a b", -5, ""},
		{"a b", 1, "…"},
		{"„(( ab", 5, "„((…"},
	} {
		got := Excerpt(tc.in, tc.limit)
		if got != tc.want {
			t.Errorf("Excerpt(%q, %d) = %q, want %q", tc.in, tc.limit, got, tc.want)
		}
		if n := utf8.RuneCountInString(got); n > max(tc.limit, 0) {
			t.Errorf("Excerpt(%q, %d) = %q has %d characters", tc.in, tc.limit, got, n)
		}
	}
	r := Render("# Titel\n\n|a|b|\n|-|-|\n|c|d|\n\nErster Absatz.\n\n- Punkt\n\n```\ncode\n```", Article)
	if want := "Erster Absatz. Punkt"; r.Excerpt != want {
		t.Errorf("excerpt %q, want %q", r.Excerpt, want)
	}
	if got := Render("# Nur Titel", Article).Excerpt; got != "Nur Titel" {
		t.Errorf("excerpt %q", got)
	}
	long := Render(strings.Repeat("Die Große Kreisstadt prüft das. ", 50), Article).Excerpt
	if n := utf8.RuneCountInString(long); n > ExcerptLength || n < ExcerptLength-20 || !strings.HasSuffix(long, "\u00a0…") {
		t.Errorf("excerpt of %d characters: %q", n, long)
	}
}

// hostile is what took goldmark, or a naive renderer around it, more than
// linear time or space, see bounds.go. Each makes a text of about n bytes.
var hostile = map[string]func(n int) string{
	"opening brackets": repeat("["),
	"images":           repeat("!["),
	"brackets":         repeat("[a]"),
	"nested links":     func(n int) string { return strings.Repeat("[", n/4) + "a" + strings.Repeat("](b", n/4) },
	"link halves":      repeat("[a](<b"),
	"link openings":    repeat("[a](("),
	"titles":           repeat("[a](b \"c"),
	"asterisks":        repeat("*"),
	"emphasis":         repeat("*a "),
	"strong":           repeat("**a *a "),
	"underscores":      repeat("_a __b "),
	"mixed":            repeat("*a_b**c__"),
	"closed":           func(n int) string { return strings.Repeat("*a **b", n/12) + strings.Repeat("c** d*", n/12) },
	"paragraphs": func(n int) string {
		return strings.Repeat(strings.Repeat("*a **b ", maxMarks/2)+"\n\n", n/(maxMarks*7/2))
	},
	"quote":          repeat(">"),
	"quotes":         repeat("> "),
	"quoted lines":   repeat("> > > > > > > > > > > > > > > > > > > > a\n"),
	"list":           repeat("- "),
	"numbered":       repeat("1. "),
	"mixed nesting":  repeat("> - 1. "),
	"stairs":         stairs,
	"less than":      repeat("<"),
	"tags":           repeat("<a "),
	"comments":       repeat("<!-- "),
	"declarations":   repeat("<?<!A<![CDATA["),
	"mail":           repeat("<a@b.c"),
	"backticks":      repeat("`"),
	"backtick runs":  func(n int) string { return runs(n) + strings.Repeat("a\n", n/4) },
	"fences":         repeat("```\n~~~\n"),
	"backslashes":    repeat("\\"),
	"entities":       repeat("&a&#x;"),
	"entity":         repeat("&amp;"),
	"spaces":         repeat(" "),
	"tabs":           repeat("\t- "),
	"blank lines":    repeat("\n"),
	"lines":          repeat("a\n"),
	"items":          repeat("- a\n"),
	"loose items":    repeat("- a\n\n"),
	"separate lists": repeat("- a\n+ a\n"),
	"lazy lines":     func(n int) string { return strings.Repeat("> ", 16) + strings.Repeat("a\n", n/2) },
	"deep lines": func(n int) string {
		return strings.Repeat("- ", 16) + "a" + strings.Repeat("\n\n"+strings.Repeat(" ", 32)+"a", n/35)
	},
	"below the bounds": blocks("[", "[[a]", "![a](b", "[a](b 'c", "`a ``b ", "<a@", "<http:", "*a_b**c__", "*a **b_", "[a][", "[*a", "![*a](b)"),
	"halves": func(n int) string {
		return strings.Repeat(strings.Repeat("[", 120)+"a"+strings.Repeat("](/b)", 120)+"\n\n", n/723)
	},
	"image halves": func(n int) string {
		return strings.Repeat(strings.Repeat("![", 120)+"a"+strings.Repeat("](/b)", 120)+"\n\n", n/843)
	},
	"definitions":      repeat("[a]: b\n"),
	"open definitions": repeat("[a]: b\n("),
	"spaced":           repeat("[a]: b\n\n"),
	"used definition": func(n int) string {
		return "[a]: /" + strings.Repeat("b", maxURL-1) + " 'c'\n\n" + strings.Repeat("[a]", n/3)
	},
	"used in blocks": func(n int) string {
		return "[a]: /" + strings.Repeat("b", maxURL-1) + "\n\n" + strings.Repeat("[a]\n\n", n/5)
	},
	"image definition": func(n int) string {
		return "[a]: /" + strings.Repeat("b", maxURL-1) + "\n\n" + strings.Repeat("![a]\n\n", n/6)
	},
	"long title": func(n int) string {
		return "[a]: /b '" + strings.Repeat("c", n/2) + "'\n\n" + strings.Repeat("[a]\n\n", n/10)
	},
	"headings":          repeat("# a\n"),
	"numbered headings": func(n int) string { return strings.Repeat("# a\n# a 2\n", n/10) },
	"underlines":        repeat("a\n-\n"),
	"wide table": func(n int) string {
		return strings.Repeat("|a", n/6) + "\n" + strings.Repeat("|-", n/6) + "\n" + strings.Repeat("b\n", n/6)
	},
	"tables":        repeat("|a|b|c|d|e|f|g|h|i|j\n|-|-|-|-|-|-|-|-|-|-\n1\n1\n1\n1\n1\n1\n\n"),
	"table heads":   repeat("|-|-\n"),
	"pipes":         repeat("|"),
	"escaped pipes": func(n int) string { return "|a|b|\n|-|-|\n" + strings.Repeat("|`\\|`|`\\|`|\n", n/12) },
	"zalgo":         repeat("\u0301"),
	"joined":        repeat("👩\u200d"),
	"overrides":     repeat("\u202e"),
	"ligatures":     repeat("# ﷺ\n"),
	"one word":      repeat("ß"),
	"NULs":          repeat("\x00"),
	"invalid":       repeat("\xff\xe2"),
}

func repeat(s string) func(int) string {
	return func(n int) string { return strings.Repeat(s, n/len(s)) }
}

// blocks makes paragraphs of each, with nearly as many marks as there may be.
func blocks(each ...string) func(int) string {
	return func(n int) string {
		var b strings.Builder
		for b.Len() < n {
			for _, s := range each {
				b.WriteString(strings.Repeat(s, maxMarks/countMarks([]byte(s))) + "\n\n")
			}
		}
		return b.String()
	}
}

func stairs(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(strings.Repeat("  ", i) + "- a\n")
	}
	return b.String()
}

func runs(n int) string {
	var b strings.Builder
	for i := 1; b.Len() < n/2; i++ {
		b.WriteString(strings.Repeat("`", i) + " ")
	}
	return b.String()
}

var hostileSize = 200_000 // bytes

// Not a benchmark: without a bound, these take minutes or gigabytes.
func TestHostile(t *testing.T) {
	t.Parallel()
	for name, text := range hostile {
		for p, size := range map[Profile]int{Comment: hostileSize, Article: hostileSize / 4} { // a quarter for those we know
			in := text(size)
			start := time.Now()
			r := Render(in, p)
			took := time.Since(start)
			if took > 20*time.Second {
				t.Errorf("%s, profile %d: %s", name, p, took)
			}
			if len(r.HTML) > 60*len(in) {
				t.Errorf("%s, profile %d: %d bytes made %d", name, p, len(in), len(r.HTML))
			}
			if testing.Verbose() {
				t.Logf("%-18s profile %d %8s %9d bytes", name, p, took.Round(time.Millisecond), len(r.HTML))
			}
			check(t, text(3000), p)
		}
	}
}

func BenchmarkArticle(b *testing.B) {
	in := strings.Repeat("## Überblick & Maßnahmen\n\nDie *Große Kreisstadt* [Löbau](https://www.loebau.de) prüft das. Sie spart.\n\n- eins\n- zwei\n\n", 60)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		Render(in, Article)
	}
}

type panicking struct{ parser.Parser }

func (panicking) Parse(gtext.Reader, ...parser.ParseOption) ast.Node { panic("hostile") }

func TestPanicShowsText(t *testing.T) {
	t.Parallel()
	k := comments
	k.parser = panicking{}
	if got, want := k.convert([]byte("a <b>\n\nc")), "<p>a &lt;b&gt;\n\nc</p>"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	const in = "# Ä\n\n[a](https://köln.de) ![b](/c) <https://d.de>\n\n|a|\n|-|\n|b|\n\n[x]: y"
	want := [2]Rendered{Render(in, Comment), Render(in, Article)}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				if got := Render(in, Profile(i%2)); !reflect.DeepEqual(got, want[i%2]) {
					t.Errorf("got %+v, want %+v", got, want[i%2])
				}
			}
		})
	}
	wg.Wait()
}

func FuzzRender(f *testing.F) {
	for _, text := range hostile {
		f.Add(text(120))
	}
	for _, s := range []string{
		"[a](javascript:alert(1))", "[a](jav&#x09;ascript:alert(1))", "<a href=x onclick=y>", "![a](data:image/svg+xml,x)",
		"# a\n# a\n# a-2", "[a](https://x.de/?&%26=1;b#:~:text=c)", "[a](HTTPS://Ä.de:80/\\)", "[a]\n\n[a]: <https://b.de> \"c\"",
		"[a](http://[::1]:80/)", "[a](mailto:a@b?c)", "[a](#%zz)", "```a\"b\nc", "3. a\n\n   b", "<svg/onload=a>", "&lt;script&gt;", "|a|\n|:-:|\n|`\\|`|",
		"[a](//b)", "[a](/\\b)", "a\u202eb\u0301\u0301\u0301\u0301\u0301", "<https://a.de/<b>", "[![a](b)](c)", "[a *b](https://c.de)*",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		check(t, in, Comment)
		check(t, in, Article)
	})
}

var (
	plainElements = map[string]string{"p": "", "br": "", "hr": "", "em": "", "strong": "", "code": "", "pre": "", "blockquote": "", "ul": "", "ol": "start", "li": "", "a": "href rel"}
	moreElements  = map[string]string{"h2": "id", "h3": "id", "h4": "id", "h5": "id", "h6": "id", "table": "", "thead": "", "tbody": "", "tr": "", "th": "align", "td": "align", "img": "src alt title", "a": "href rel title", "code": "class"}
)

// check is what holds of every text. It reads the HTML as a browser does, and
// not as this package does.
func check(t *testing.T, in string, p Profile) {
	t.Helper()
	r := Render(in, p)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("profile %d, %q: %s\nHTML %q\nText %q", p, in, fmt.Sprintf(format, args...), r.HTML, r.Text)
	}
	k := &comments
	if p == Article {
		k = &articles
	}
	if again := strings.TrimSpace(printable(k.policy.Sanitize(r.HTML), k.marks)); again != r.HTML {
		fail("sanitised again it is %q", again)
	}
	for name, s := range map[string]string{"HTML": r.HTML, "Text": r.Text, "Excerpt": r.Excerpt} {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, control) {
			fail("%s has bytes that don't belong there", name)
		}
		if (p == Comment || name != "HTML") && strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }) {
			fail("%s has bidirectional controls", name)
		}
	}
	if n := utf8.RuneCountInString(r.Excerpt); n > ExcerptLength || strings.Contains(r.Excerpt, "\n") {
		fail("excerpt %q has %d characters", r.Excerpt, n)
	}
	if (r.Excerpt == "") != (r.Text == "") || r.Text == "" && r.ReadingMinutes != 0 {
		fail("excerpt %q, minutes %d", r.Excerpt, r.ReadingMinutes)
	}

	root, err := html.Parse(strings.NewReader("<!DOCTYPE html><body>" + r.HTML))
	if err != nil {
		fail("%v", err)
		return
	}
	ids := map[string]bool{}
	var walk func(n *html.Node, depth, links int)
	walk = func(n *html.Node, depth, links int) {
		if depth > 100 {
			fail("nested deeper than 100")
			return
		}
		if n.Type == html.CommentNode {
			fail("comment %q", n.Data)
		}
		if n.Type == html.ElementNode && n.Data != "html" && n.Data != "head" && n.Data != "body" {
			allowed, ok := plainElements[n.Data]
			if more, isMore := moreElements[n.Data]; isMore && p == Article {
				allowed, ok = more, true
			}
			if !ok {
				fail("element %s", n.Data)
			}
			if n.Data == "a" {
				if links++; links > 1 {
					fail("a link in a link")
				}
			}
			rel := ""
			for _, a := range n.Attr {
				if !strings.Contains(" "+allowed+" ", " "+a.Key+" ") || a.Namespace != "" {
					fail("attribute %s of %s", a.Key, n.Data)
				}
				switch a.Key {
				case "rel":
					rel = a.Val
				case "id":
					if ids[a.Val] {
						fail("id %s twice", a.Val)
					}
					ids[a.Val] = true
				}
			}
			for _, a := range n.Attr {
				if a.Key != "href" && a.Key != "src" {
					continue
				}
				external := leadsTo(a.Val)
				switch {
				case external == "refused", external == "" && p == Comment:
					fail("address %q", a.Val)
				case p == Comment && rel != "nofollow ugc noopener", a.Key == "href" && external == "http" && !strings.Contains(rel, "noopener"):
					fail("rel %q of %q", rel, a.Val)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, depth+1, links)
		}
	}
	walk(root, 0, 0)
	for _, h := range r.Contents {
		if !ids[h.ID] || h.Text == "" || h.Level < 2 || h.Level > 6 {
			fail("contents %+v", h)
		}
	}
}

// leadsTo reads an address as generously as browsers do: they ignore control
// characters and white space, and take backslashes for slashes.
func leadsTo(s string) string {
	for range 3 { // decoded more often than anybody does
		s = strings.Map(func(r rune) rune {
			if r <= ' ' || unicode.IsControl(r) || unicode.IsSpace(r) {
				return -1
			}
			return unicode.ToLower(r)
		}, strings.ReplaceAll(s, "\\", "/"))
		switch {
		case strings.HasPrefix(s, "//"):
			return "refused"
		case strings.HasPrefix(s, "http://"), strings.HasPrefix(s, "https://"):
			return "http"
		case strings.HasPrefix(s, "mailto:"):
			return "mailto"
		case strings.HasPrefix(s, "/"), strings.HasPrefix(s, "#"):
			return ""
		}
		s = html.UnescapeString(s)
		if u, err := url.PathUnescape(s); err == nil {
			s = u
		}
	}
	return "refused"
}

// The property test would find something, if there were something to find.
func TestLeadsTo(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"https://a.de": "http", "mailto:a@b": "mailto", "/a": "", "#a": "", "//a.de": "refused", "/\\a.de": "refused",
		"javascript:x": "refused", "java\tscript:x": "refused", "&#106;avascript:x": "refused", "%6aavascript:x": "refused", "data:x": "refused", "a": "refused",
	} {
		if got := leadsTo(s); got != want {
			t.Errorf("%q leads to %q, want %q", s, got, want)
		}
	}
	var b bytes.Buffer
	b.WriteString(articles.policy.Sanitize(`<a href="javascript:x">a</a><img src=x onerror=y><h1 id=a>b</h1><p onclick=x>c</p><script>d</script><a href="//e.de">e</a><a href="/\e.de">f</a>`))
	if got, want := b.String(), "ab<p>c</p>ef"; got != want {
		t.Errorf("the policy alone gives %q, want %q", got, want)
	}
}
