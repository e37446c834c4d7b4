package sample

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"stadtgraph/internal/render"
)

// prose is a Markdown text, or a part of one, with what readers get of it.
type prose struct {
	markdown, html, text string
	renderer             any
	contents             []string // the entries of the table of contents, in JSON
	excerpt              any
	words                int
}

func column(table, name string) render.Column {
	i := slices.IndexFunc(render.Columns, func(c render.Column) bool { return c.Table == table && c.Name == name })
	return render.Columns[i]
}

var (
	body        = column("article", "body") // those of strategies and programs are of the same profile
	description = column("measure", "description")
	comment     = column("comment", "body")
)

func rendered(c render.Column, markdown string) *prose {
	v := c.Values(markdown)
	p := &prose{markdown: markdown, html: v[c.Name+"_html"].(string), text: v[c.Name+"_text"].(string), renderer: v[c.Name+"_renderer"]}
	for word := range strings.FieldsSeq(p.text) {
		if strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
			p.words++
		}
	}
	if c.Long {
		p.excerpt = v[c.Name+"_excerpt"]
		list, err := json.Marshal(v[c.Name+"_contents"])
		if err != nil {
			panic(err) // it holds texts and numbers
		}
		if list := strings.Trim(string(list), "[]"); list != "" {
			p.contents = []string{list}
		}
	}
	return p
}

// compose puts parts below each other. It is what rendering them as one text
// gives if their headings differ and the first is longer than an excerpt.
func compose(parts ...*prose) *prose {
	if len(parts) == 1 {
		return parts[0]
	}
	whole := &prose{renderer: parts[0].renderer, excerpt: parts[0].excerpt}
	var markdown, html, text []string
	for _, p := range parts {
		markdown, html, text = append(markdown, p.markdown), append(html, p.html), append(text, p.text)
		whole.contents = append(whole.contents, p.contents...)
		whole.words += p.words
	}
	whole.markdown, whole.html, whole.text = strings.Join(markdown, "\n\n"), strings.Join(html, "\n"), strings.Join(text, "\n")
	return whole
}

// minutes is how long it takes to read, at the renderer's 200 words a minute.
func (p *prose) minutes() int { return max((p.words+199)/200, 1) }

// excerptLength is the renderer's.
const excerptLength = 280

// library holds the parts that texts are made of.
type library struct {
	sections     [][]*prose // by theme
	replies      []*prose
	descriptions []*prose
}

// read renders the parts, once per process.
var read = sync.OnceValue(func() *library {
	l := &library{sections: make([][]*prose, len(themes))}
	for t, theme := range themes {
		for n := range 18 {
			l.sections[t] = append(l.sections[t], rendered(body, theme.section(roll("section", 100*t+n), n)))
		}
	}
	for n := range 500 {
		d := roll("reply", n)
		l.replies = append(l.replies, rendered(comment, d.spin(pick(d, replies))))
	}
	for n := range 120 {
		d := roll("description", n)
		l.descriptions = append(l.descriptions, rendered(description, d.spin(pick(d, descriptions))))
	}
	return l
})

// section writes the nth variant of a section of about 600 characters.
func (t theme) section(d dice, n int) string {
	var b strings.Builder
	b.WriteString("## " + t.headings[n%len(t.headings)] + "\n\n")
	paragraph := func(from []string, count int) {
		for i, s := range some(d, from, count) {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(d.spin(s))
		}
	}
	paragraph(t.sentences, 4)
	switch n % 6 {
	case 0:
		b.WriteString("\n\n")
		for _, item := range some(d, t.list, 4) {
			b.WriteString("- " + item + "\n")
		}
		b.WriteString("\n")
		paragraph(general, 3)
	case 1:
		b.WriteString("\n\n### " + t.under + "\n\n")
		paragraph(general, 4)
	case 2:
		b.WriteString("\n\n| Vorhaben | Stand |\n| --- | --- |\n")
		for _, item := range some(d, t.list, 3) {
			b.WriteString("| " + item + " | " + pick(d, []string{"läuft", "geplant", "abgeschlossen", "offen"}) + " |\n")
		}
		b.WriteString("\n")
		paragraph(general, 3)
	case 3:
		b.WriteString("\n\n1. " + strings.Join(some(d, t.list, 3), "\n2. ") + "\n\n")
		paragraph(general, 3)
	default:
		b.WriteString("\n\n")
		paragraph(general, 4)
	}
	return strings.TrimSpace(b.String())
}

var links = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// opener renders how a body begins, at first the town, then strategy and program.
func opener(d dice, fill *strings.Replacer, strategy, program bool) *prose {
	var b strings.Builder
	b.WriteString(d.spin(pick(d, openers)))
	if strategy {
		b.WriteString(" " + d.spin(pick(d, openerStrategy)))
	}
	if program {
		b.WriteString(" " + d.spin(pick(d, openerProgram)))
	}
	for _, i := range d.Perm(len(openerMore)) {
		text := fill.Replace(b.String())
		// With room for what is in the links but not in the text.
		if plain := links.ReplaceAllString(text, "$1"); utf8.RuneCountInString(plain) > excerptLength {
			return rendered(body, text)
		}
		b.WriteString(" " + d.spin(openerMore[i]))
	}
	return rendered(body, fill.Replace(b.String()))
}

// bodyOf is an opener and so many sections of different themes.
func (l *library) bodyOf(d dice, first *prose, sections int) *prose {
	parts := []*prose{first}
	for _, t := range d.Perm(len(l.sections))[:sections] {
		parts = append(parts, pick(d, l.sections[t]))
	}
	return compose(parts...)
}

// reply is a comment of one to three paragraphs.
func (l *library) reply(d dice) *prose {
	parts := []*prose{pick(d, l.replies)}
	for range d.of(55, 30, 15) {
		parts = append(parts, pick(d, l.replies))
	}
	return compose(parts...)
}
