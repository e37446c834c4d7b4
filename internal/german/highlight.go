package german

import (
	"html"
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Terms are the lexemes that count as hits.
type Terms struct {
	lexemes  map[string]int // with a number each
	prefixes []string
}

// TermsOf reads the lexemes of a tsquery as Postgres writes it, after
// synonyms were added. What is not wanted is no hit.
func TermsOf(tsquery string) Terms {
	t := Terms{lexemes: map[string]int{}}
	var nots []bool  // per open parenthesis, whether it is not wanted
	negated := false // by a sign right before
	inside := func() bool { return len(nots) > 0 && nots[len(nots)-1] }
	for i := 0; i < len(tsquery); i++ {
		switch tsquery[i] {
		case '!':
			negated = !negated
		case '(':
			nots = append(nots, negated != inside())
			negated = false
		case ')':
			if len(nots) > 0 {
				nots = nots[:len(nots)-1]
			}
		case '\'':
			var lexeme []byte
			for i++; i < len(tsquery); i++ {
				if c := tsquery[i]; c == '\\' && i+1 < len(tsquery) {
					i++
				} else if c == '\'' {
					if i+1 == len(tsquery) || tsquery[i+1] != '\'' {
						break
					}
					i++
				}
				lexeme = append(lexeme, tsquery[i])
			}
			prefix := false
			if strings.HasPrefix(tsquery[min(i+1, len(tsquery)):], ":") {
				for i += 2; i < len(tsquery) && strings.IndexByte("*ABCDabcd", tsquery[i]) >= 0; i++ {
					prefix = prefix || tsquery[i] == '*'
				}
				i--
			}
			if negated == inside() {
				t.add(string(lexeme), prefix)
			}
			negated = false
		}
	}
	return t
}

func (t *Terms) add(lexeme string, prefix bool) {
	if prefix {
		if !slices.Contains(t.prefixes, lexeme) {
			t.prefixes = append(t.prefixes, lexeme)
		}
	} else if _, ok := t.lexemes[lexeme]; !ok {
		t.lexemes[lexeme] = len(t.lexemes)
	}
}

// hits are the terms that a token has, a bit each. Of more than 64 terms some
// share one.
func (t Terms) hits(lexemes []string) uint64 {
	var hits uint64
	for _, lexeme := range lexemes {
		if n, ok := t.lexemes[lexeme]; ok {
			hits |= 1 << (n % 64)
		}
		for i, prefix := range t.prefixes {
			if strings.HasPrefix(lexeme, prefix) {
				hits |= 1 << ((len(t.lexemes) + i) % 64)
			}
		}
	}
	return hits
}

// Range is a piece of a text, in bytes.
type Range struct{ Start, End int }

// Highlight returns the words of a text that are hits, from left to right. Words
// with a hyphen between them are one range.
func Highlight(text string, terms Terms) []Range {
	var ranges []Range
	for h := range hits(text, terms) {
		ranges = appendRange(ranges, text, h.Range)
	}
	return ranges
}

type hit struct {
	Range
	terms uint64
}

func hits(text string, terms Terms) func(yield func(hit) bool) {
	return func(yield func(hit) bool) {
		if len(terms.lexemes)+len(terms.prefixes) == 0 {
			return
		}
		for token := range Tokens(text) {
			if found := terms.hits(token.Lexemes); found != 0 && !yield(hit{Range{token.Start, token.End}, found}) {
				return
			}
		}
	}
}

func appendRange(ranges []Range, text string, r Range) []Range {
	if n := len(ranges); n > 0 {
		last := &ranges[n-1]
		if between := text[last.End:r.Start]; hyphen(between) == len(between) {
			last.End = r.End
			return ranges
		}
	}
	return append(ranges, r)
}

// Excerpt is a piece of a text with what was found in it.
type Excerpt struct {
	Text  string
	Hits  []Range  // of Text
	Words []string // what was found, as the text has it, each once
}

const ellipsis = "…"

// Snippet is the piece of a text that shows most of what somebody looked for,
// at most so many characters long, cut between words. Without a hit it is how the
// text begins.
func Snippet(text string, terms Terms, maxRunes int) Excerpt {
	var found []hit
	for h := range hits(text, terms) {
		found = append(found, h)
		if len(found) == 10_000 { // enough to choose from
			break
		}
	}
	best := Range{}
	if len(found) > 0 {
		best = densest(text, found, maxRunes)
	}
	e := Excerpt{}
	start, end := widen(text, best, maxRunes)
	before, after := "", ""
	if start > 0 {
		before = ellipsis
	}
	if end < len(text) {
		after = ellipsis
	}
	e.Text = before + text[start:end] + after
	for _, h := range found {
		if h.Start < start || h.End > end {
			continue
		}
		if word := text[h.Start:h.End]; !slices.Contains(e.Words, word) {
			e.Words = append(e.Words, word)
		}
		shift := len(before) - start
		e.Hits = appendRange(e.Hits, e.Text, Range{h.Start + shift, h.End + shift})
	}
	return e
}

// densest is the stretch with most different terms, among those the one with most
// hits, among those the first.
func densest(text string, found []hit, maxRunes int) Range {
	best, bestScore := found[0].Range, -1
	runes := 0 // of text[found[first].Start:found[last].End]
	var count [64]int
	var terms uint64
	first := 0
	for last, h := range found {
		from := h.Start
		if last > 0 {
			from = found[last-1].End
		}
		if last == first {
			from = h.Start
		}
		runes += utf8.RuneCountInString(text[from:h.End])
		for b := h.terms; b != 0; b &= b - 1 {
			i := bits.TrailingZeros64(b)
			count[i]++
			terms |= 1 << i
		}
		for runes > maxRunes-2 && first < last {
			gone := found[first]
			runes -= utf8.RuneCountInString(text[gone.Start:found[first+1].Start])
			for b := gone.terms; b != 0; b &= b - 1 {
				i := bits.TrailingZeros64(b)
				if count[i]--; count[i] == 0 {
					terms &^= 1 << i
				}
			}
			first++
		}
		if score := bits.OnesCount64(terms)*1000 + min(last-first, 999); score > bestScore {
			best, bestScore = Range{found[first].Start, h.End}, score
		}
	}
	return best
}

// widen takes in what stands around a stretch, up to so many characters, and
// cuts between words: from the beginning of a sentence if there is one near, else with
// a third of the room before it.
func widen(text string, r Range, maxRunes int) (start, end int) {
	room := max(maxRunes, 1) - utf8.RuneCountInString(text[r.Start:r.End])
	if room >= utf8.RuneCountInString(text[:r.Start])+utf8.RuneCountInString(text[r.End:]) {
		return trim(text, 0, len(text))
	}
	room -= 2 // for the signs of what is missing
	start = backward(text, r.Start, max(room/3, 0))
	if start > 0 {
		lead := text[start:r.Start]
		if i := sentence(lead); i >= 0 {
			start += i
		} else if i := strings.IndexFunc(lead, unicode.IsSpace); i >= 0 {
			start += i
		} else {
			start = r.Start
		}
	}
	room -= utf8.RuneCountInString(text[start:r.Start])
	end = forward(text, r.End, max(room, 0))
	if end == len(text) { // what is left over goes to the front
		room -= utf8.RuneCountInString(text[r.End:end])
		more := backward(text, start, max(room, 0))
		if i := strings.IndexFunc(text[more:start], unicode.IsSpace); more > 0 && i >= 0 {
			start = more + i
		} else if more == 0 {
			start = 0
		}
	} else if i := strings.LastIndexFunc(text[r.End:end], unicode.IsSpace); i >= 0 {
		end = r.End + i
	} else if r.End > r.Start {
		end = r.End
	}
	return trim(text, start, end)
}

// trim leaves out spaces, and after a cut also the punctuation there.
func trim(text string, start, end int) (int, int) {
	end = start + len(strings.TrimRightFunc(text[start:end], unicode.IsSpace))
	if end < len(text) {
		if e := start + len(strings.TrimRight(text[start:end], ",;:–-")); e > start {
			end = e
		}
	}
	start = end - len(strings.TrimLeftFunc(text[start:end], unicode.IsSpace))
	return start, end
}

// sentence is where the last sentence of a text begins that begins in it, or -1.
func sentence(text string) int {
	for i := len(text) - 1; i > 0; i-- {
		if (text[i] == ' ' || text[i] == '\n') && strings.IndexByte(".!?\n", text[i-1]) >= 0 {
			return i + 1
		}
	}
	return -1
}

func backward(text string, at, runes int) int {
	for ; runes > 0 && at > 0; runes-- {
		_, size := utf8.DecodeLastRuneInString(text[:at])
		at -= size
	}
	return at
}

func forward(text string, at, runes int) int {
	for ; runes > 0 && at < len(text); runes-- {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

// HTML is the excerpt with its hits in <mark>, and all else escaped.
func (e Excerpt) HTML() string { return Mark(e.Text, e.Hits) }

// Mark is a text as HTML with the ranges in <mark>, and all else escaped. Ranges
// are in order and do not overlap, as Highlight returns them.
func Mark(text string, ranges []Range) string {
	var s strings.Builder
	escape := func(text string) {
		text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
		s.WriteString(html.EscapeString(text))
	}
	at := 0
	for _, r := range ranges {
		escape(text[at:r.Start])
		s.WriteString("<mark>")
		escape(text[r.Start:r.End])
		s.WriteString("</mark>")
		at = r.End
	}
	escape(text[at:])
	return s.String()
}
