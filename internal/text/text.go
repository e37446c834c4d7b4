// Package text renders what people write, in Markdown (CommonMark), into what
// readers are shown: sanitised HTML, plain text, a table of contents, an
// excerpt and the time it takes to read. It is rendered once, when it is
// written, and stored with Version; reads only copy.
//
// Nothing in a text is trusted, least of all in a comment. Raw HTML is no
// markup here: it is shown as the text it is, so that nothing somebody wrote
// disappears and no parser of HTML has to be right about it. Links lead to
// http, https and mailto addresses or, in articles, to a path or a heading of
// the own site; any other link is left as its text. What goldmark renders
// passes bluemonday's allow list as a second, independent check.
//
// Hostile input costs time in proportion to its size, see bounds.go.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Version is stored beside what Render returned. Raise it with every change
// that renders any text differently: texts of another version are rendered again.
const Version = 1

// A Profile says who wrote a text, and so what it may contain.
type Profile uint8

const (
	// Comment is for readers' comments, and what an unknown profile is taken
	// for: paragraphs, emphasis, quotes, lists, code and links with
	// rel="nofollow ugc noopener". A headline stays the text it is, an image
	// becomes a link to it, a line break is kept, bidirectional controls are
	// dropped and no character carries more than four combining marks.
	Comment Profile = iota
	// Article is for editorial content: besides, headings with ids, images and
	// tables. Links to other sites have rel="noopener".
	Article
)

// Rendered is all that is computed from one text.
type Rendered struct {
	HTML           string    // sanitised; empty if there is nothing to show
	Text           string    // without markup and entities, a line per paragraph, item or row of a table
	Contents       []Heading // never nil
	Excerpt        string    // the first ExcerptLength characters or so of what is prose
	ReadingMinutes int       // at least 1; 0, to be stored as NULL, if there are no words
}

// A Heading is an entry of the table of contents. Headings inside of quotes and
// lists have an id but no entry: they are not the text's own.
type Heading struct {
	Level int    `json:"level"` // 2 to 6, as in the HTML
	ID    string `json:"id"`
	Text  string `json:"text"`
}

// Render never fails: whatever does not say anything in Markdown is text.
// It is safe for concurrent use, and the same input gives the same result.
func Render(markdown string, profile Profile) Rendered {
	k := &comments
	if profile == Article {
		k = &articles
	}
	source := clean(markdown)
	html := k.policy.Sanitize(k.convert([]byte(source)))
	// Entities may have brought back what was cleaned, so once more at the end.
	html = strings.TrimSpace(printable(html, k.marks))

	page := read(html)
	return Rendered{
		HTML:           html,
		Text:           strings.Join(page.lines, "\n"),
		Contents:       page.contents,
		Excerpt:        Excerpt(page.prose(), ExcerptLength),
		ReadingMinutes: minutes(page.words()),
	}
}

// clean returns valid UTF-8 in composed form (NFC, so that a search finds an ü
// however it was typed) with line feeds and without control characters. NUL is
// one of them: CommonMark would replace it, but Postgres stores none and nobody
// means one.
func clean(source string) string {
	source = strings.ToValidUTF8(source, string(utf8.RuneError))
	source = strings.ReplaceAll(source, "\r\n", "\n")
	source = strings.Map(func(r rune) rune {
		switch {
		case r == '\r', r == '\u0085':
			return '\n'
		case control(r):
			return -1
		}
		return r
	}, source)
	return norm.NFC.String(source)
}

func control(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t'
}

// printable drops control characters from HTML and, unless marks is 0,
// bidirectional controls and all but the first marks combining marks on a
// character. Tags between them don't count: browsers stack marks across them.
func printable(html string, marks int) string {
	tag, stacked := false, 0
	return strings.Map(func(r rune) rune {
		switch {
		case control(r):
			return -1
		case marks == 0:
			return r
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		case r == '<': // only ever a tag: in text and attributes it is an entity
			tag = true
		case tag:
			tag = r != '>'
		case unicode.In(r, unicode.Mn, unicode.Me):
			if stacked++; stacked > marks {
				return -1
			}
		case !unicode.Is(unicode.Cf, r): // joiners are no character to stack on
			stacked = 0
		}
		return r
	}, html)
}
