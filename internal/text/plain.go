package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/net/html"
)

// A page is what a reader of the HTML sees.
type page struct {
	lines    []string
	isProse  []bool // a line of paragraphs, not of headings, code and tables
	contents []Heading
}

// read takes HTML as Render writes it: allowed tags only, each closed.
func read(source string) page {
	p := page{contents: []Heading{}}
	var line strings.Builder
	var heading *Heading
	pre, table, quote, item, cells := 0, 0, 0, 0, 0
	gap := false // white space since the last character
	flush := func() {
		if s := strings.TrimRightFunc(line.String(), unicode.IsSpace); s != "" {
			p.lines = append(p.lines, s)
			p.isProse = append(p.isProse, pre == 0 && table == 0 && heading == nil)
			if heading != nil {
				heading.Text = strings.TrimSpace(heading.Text + " " + s)
			}
		}
		line.Reset()
		gap = false
	}
	for z := html.NewTokenizer(strings.NewReader(source)); ; {
		step := 0
		switch z.Next() {
		case html.ErrorToken: // the end
			flush()
			return p
		case html.TextToken:
			for _, r := range string(z.Text()) {
				switch {
				case unseen(r):
				case pre > 0 && r == '\n':
					flush()
				case pre == 0 && unicode.IsSpace(r):
					gap = true
				default:
					if gap && line.Len() > 0 {
						line.WriteByte(' ')
					}
					gap = false
					line.WriteRune(r)
				}
			}
			continue
		case html.StartTagToken, html.SelfClosingTagToken:
			step = 1
		case html.EndTagToken:
			step = -1
		default:
			continue
		}
		name, more := z.TagName()
		switch tag := string(name); tag {
		case "br", "hr", "p", "ul", "ol":
			flush()
		case "li":
			flush()
			item += step
		case "blockquote":
			flush()
			quote += step
		case "pre":
			flush()
			pre += step
		case "table":
			flush()
			table += step
		case "tr":
			flush()
			cells = 0
		case "th", "td":
			if step > 0 {
				if cells++; cells > 1 {
					line.WriteByte('\t')
				}
				gap = false
			}
		case "h2", "h3", "h4", "h5", "h6":
			flush()
			if step > 0 {
				heading = &Heading{Level: int(tag[1] - '0')}
				for more {
					var key, value []byte
					if key, value, more = z.TagAttr(); string(key) == "id" {
						heading.ID = string(value)
					}
				}
			} else if heading != nil {
				if heading.Text != "" && quote == 0 && item == 0 {
					p.contents = append(p.contents, *heading)
				}
				heading = nil
			}
		}
	}
}

// unseen are characters that a plain text is better without: they hide a word
// from a search (soft hyphens) or turn the text around it (an excerpt may end
// before a bidirectional override does).
func unseen(r rune) bool {
	switch r {
	case '\u00ad', '\u200b', '\u2060', '\ufeff':
		return true
	}
	return unicode.Is(unicode.Bidi_Control, r)
}

// prose is what an excerpt is taken from: no headings, code and tables unless
// there is nothing else.
func (p page) prose() string {
	var b strings.Builder
	for i, line := range p.lines {
		if p.isProse[i] {
			b.WriteString(line)
			b.WriteByte('\n')
		}
	}
	if b.Len() == 0 {
		return strings.Join(p.lines, "\n")
	}
	return b.String()
}

func (p page) words() int {
	n := 0
	for _, line := range p.lines {
		for word := range strings.FieldsSeq(line) {
			if strings.ContainsFunc(word, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }) {
				n++
			}
		}
	}
	return n
}

// wordsPerMinute is an assumption, on the cautious side. Read aloud, German
// comes to about 180 (IReST: Trauzettel-Klosinski and Dietz, 2012); silently,
// English non-fiction to about 240 (Brysbaert, 2019). Long German words and
// texts full of figures and offices speak for something in between.
const wordsPerMinute = 200

func minutes(words int) int {
	return (words + wordsPerMinute - 1) / wordsPerMinute
}

// ExcerptLength is how long an excerpt is at most, in characters (code points).
const ExcerptLength = 280

// Excerpt returns the beginning of a plain text on one line, at most limit
// characters with the ellipsis. It ends after a word, as Duden has it with a
// space before the ellipsis (a non-breaking one), and within a word only if
// that is longer than half of the excerpt; never within what a reader sees as
// one character, such as a family emoji.
func Excerpt(plain string, limit int) string {
	plain = strings.Join(strings.Fields(plain), " ")
	if utf8.RuneCountInString(plain) <= limit {
		return plain
	}
	room := limit - len([]rune(omitted))
	end, space, used, state := 0, 0, 0, -1
	for rest := plain; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if cluster == " " {
			space = end
		}
		if used += utf8.RuneCountInString(cluster); used > room {
			break
		}
		end += len(cluster)
	}
	if space > end/2 {
		if cut := strings.TrimRight(plain[:space], " ,;:–—-(„‚»›\"'"); cut != "" {
			return cut + omitted
		}
	}
	if limit < 1 {
		return ""
	}
	return plain[:end] + "…"
}

const omitted = "\u00a0…"
