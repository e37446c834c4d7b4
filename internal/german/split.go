package german

import (
	"slices"
	"strings"
)

// A word is what the analysis makes of one folded word. The first lexeme is
// the whole word, the next parts ones are its parts, from left to right, and the
// rest what several of the parts make together. Without lexemes it is a stop word.
type word struct {
	lexemes []string
	parts   int
}

const (
	longestWord  = 255 // bytes; what is longer is no word, and has no lexemes
	longestSplit = 80  // the longest known law has 67 letters; fits in an int8
	mostParts    = 6
	longGuess    = 7 // letters of a word that may follow one that is not known
)

// analyse takes a word as it is written.
func analyse(raw string) word {
	if len(raw) > 4*longestWord {
		return word{}
	}
	l := theLexicon()
	folded := Fold(singularOf(raw))
	if except, stop := l.stop[folded]; stop && (except == "" || raw != except) {
		return word{}
	}
	switch {
	case folded == "" || len(folded) > longestWord:
		return word{}
	case !ascii(folded):
		return word{lexemes: []string{folded}}
	case l.names[folded]:
		return word{lexemes: []string{folded}}
	}
	for _, ending := range [...]string{"s", "er", "ern"} { // Bambergs, Bamberger
		if name, ok := strings.CutSuffix(folded, ending); ok && l.names[name] {
			return word{lexemes: []string{name}}
		}
	}
	s := splitter{l: l, word: folded}
	if len(folded) > longestSplit || !s.split() {
		return word{lexemes: []string{stem(folded)}}
	}
	return s.result()
}

// singularOf cuts the s of several abbreviations: PCs, KMUs.
func singularOf(raw string) string {
	base, ok := strings.CutSuffix(raw, "s")
	if !ok || len(base) < 2 || strings.ContainsFunc(base, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return raw
	}
	return base
}

// A splitter looks for the cheapest way to cover a word by words of the lexicon
// and what links them.
type splitter struct {
	l    *lexicon
	word string
	// reached holds per place the cheapest way to it with parts that stand
	// before others.
	reached [longestSplit + 1]step
	found   [mostParts]part
	n       int
	guess   bool // the first part is not known
}

type step struct {
	cost  int32 // 0: not reached
	from  int8
	parts int8
	part  part
}

// A part of a compound is an entry of the lexicon, or text that it does not know.
type part struct {
	start, end int8 // end without what links it to the next
	entry      uint16
}

// What a cover costs. Few parts are good, a long head is, and links are
// suspicious if there is a way without them: Stau-becken, not Staub-ecken.
const (
	partCost    = 1000
	shortCost   = 150 // for a part of three letters
	unknownCost = 3000
	letterCost  = 400 // for each letter that is not known
	headGain    = 10  // for each letter of the last part
)

func (s *splitter) split() bool {
	s.reached[0].cost = 1
	s.cover()
	if s.finish(0) {
		return true
	}
	// A part that is not known may come last, after a part with an s that tells
	// where it ends: Verwaltungswirrwarr. Or first, if the rest is long enough not to
	// be there by accident: Klettgaustrategie, but not ver-kehr, prak-tisch or verg-essen.
	const first, head = 4, longGuess
	if s.finishUnknown() {
		return true
	}
	if len(s.word) < first+head {
		return false
	}
	s.guess = true
	clear(s.reached[:])
	for i := first; i <= len(s.word)-head; i++ {
		if strings.ContainsAny(s.word[:i], "aeiouy") && !prefixed(s.word[:i]) {
			s.reached[i] = step{cost: int32(unknownCost + letterCost*i), parts: 1, part: part{end: int8(i)}}
		}
	}
	s.cover()
	return s.finish(head)
}

// cover finds the ways to all places of the word.
func (s *splitter) cover() {
	n := len(s.word)
	for i := range n {
		if s.reached[i].cost == 0 || s.reached[i].parts == mostParts-1 {
			continue
		}
		s.each(i, func(end, penalty int, n *node) {
			if n.word > 0 {
				s.links(i, end, n.word, penalty)
			}
			if n.joint > 0 {
				s.reach(i, end, end, n.joint, penalty)
			}
			if n.short > 0 {
				s.reach(i, end, end, n.short, penalty+20)
				if strings.HasPrefix(s.word[end:], "s") { // Hilfsmittel
					s.reach(i, end, end+1, n.short, penalty+60)
				}
				if strings.HasPrefix(s.word[end:], "innen") && s.l.entries[n.short-1].agent {
					s.reach(i, end, end+5, n.short, penalty+40)
				}
			}
		})
	}
}

// each calls f with the forms that begin at a place. After a, o and u the word
// may have lost the e that the next part begins with, see Fold: Kitaeinrichtung.
func (s *splitter) each(start int, f func(end, penalty int, n *node)) {
	walk := func(at uint16, penalty int) {
		for i := start; i < len(s.word); i++ {
			if at = s.l.nodes[at].next[s.word[i]-'a']; at == 0 {
				return
			}
			if n := &s.l.nodes[at]; n.word|n.joint|n.short != 0 {
				f(i+1, penalty, n)
			}
		}
	}
	walk(0, 0)
	if start > 0 && !s.guess && swallows(s.word[:start]) {
		if at := s.l.nodes[0].next['e'-'a']; at > 0 {
			walk(at, 50)
		}
	}
}

// links reaches the places after a word and each link that may follow it.
func (s *splitter) links(start, end int, id uint16, penalty int) {
	s.reach(start, end, end, id, penalty)
	e, rest := &s.l.entries[id-1], s.word[end:]
	last := s.word[end-1]
	try := func(link string, cost int) {
		if strings.HasPrefix(rest, link) {
			s.reach(start, end, end+len(link), id, penalty+cost)
		}
	}
	if last == 'e' {
		try("n", 10)
	} else if last != 's' {
		try("s", 10)
	}
	if !isVowel(last) {
		try("e", 40)
		try("es", 30)
		try("er", 60)
	}
	if last != 'e' {
		try("en", 30)
	}
	if e.agent {
		try("innen", 40)
	}
}

func (s *splitter) reach(start, end, next int, id uint16, penalty int) {
	if next >= len(s.word) || s.guess && end-start < longGuess {
		return
	}
	cost := s.reached[start].cost + int32(partCost+penalty)
	if end-start <= 3 {
		cost += shortCost
	}
	if to := &s.reached[next]; to.cost == 0 || cost < to.cost {
		*to = step{cost: cost, from: int8(start), parts: s.reached[start].parts + 1, part: part{int8(start), int8(end), id}}
	}
}

// finish looks for the last part, of so many letters at least.
func (s *splitter) finish(least int) bool {
	best := int32(0)
	var at step
	for i := range len(s.word) {
		if s.reached[i].cost == 0 {
			continue
		}
		s.each(i, func(end, penalty int, n *node) {
			if end-i < least {
				return
			}
			try := func(id uint16, penalty int) {
				cost := s.reached[i].cost + int32(partCost+penalty-headGain*(end-i))
				if end-i <= 3 && i > 0 {
					cost += shortCost
				}
				if best == 0 || cost < best {
					best = cost
					at = step{from: int8(i), part: part{int8(i), int8(end), id}}
				}
			}
			rest := s.word[end:]
			if n.word > 0 && (!s.guess || end-i == len(s.l.entries[n.word-1].base)) {
				if cost, ok := inflected(&s.l.entries[n.word-1], s.word[i:end], rest); ok && !(s.guess && verbEnding(&s.l.entries[n.word-1], rest)) {
					try(n.word, penalty+cost)
				}
			}
			if n.joint > 0 && i == 0 && rest == "" { // by itself: Förder- und Beratungsangebote
				try(n.joint, penalty+80)
			}
			if n.short > 0 && (rest == "in" || rest == "innen") { // Kollegin
				try(n.short, penalty+40)
			}
		})
	}
	if best == 0 {
		return false
	}
	s.trace(at)
	return true
}

// prefixed says whether short text that is no known word begins like a verb or
// what is made from one: Wiederv-ereinigung, un-zu-frieden.
func prefixed(text string) bool {
	if len(text) > 9 {
		return false
	}
	for _, p := range [...]string{"ab", "auf", "aus", "durch", "ein", "ent", "hinter", "mit", "uber", "un", "ur", "ver", "vor", "wider", "wied", "zer", "zu", "ang", "beg", "erst"} {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

// finishUnknown accepts an unknown last part after one that surely ends there.
func (s *splitter) finishUnknown() bool {
	const tail = 4
	for i := len(s.word) - tail; i > 0; i-- {
		r := s.reached[i]
		if r.cost == 0 || r.part.entry == 0 || i != int(r.part.end)+1 || s.word[i-1] != 's' || !s.l.entries[r.part.entry-1].strong {
			continue
		}
		if !strings.ContainsAny(s.word[i:], "aeiouy") {
			continue
		}
		s.trace(step{from: int8(i), part: part{start: int8(i), end: int8(len(s.word))}})
		return true
	}
	return false
}

// inflected says whether an ending may follow the form of a word at the end of a
// text's word.
func inflected(e *entry, form, ending string) (cost int, ok bool) {
	last := form[len(form)-1]
	switch ending {
	case "":
		return 0, true
	case "e", "em", "er", "ern", "es":
		return 20, !isVowel(last) || last == 'u' || last == 'i'
	case "s":
		return 20, last != 's'
	case "en":
		return 20, last != 'e'
	case "n":
		return 20, last == 'e' || strings.HasSuffix(form, "er") || strings.HasSuffix(form, "el")
	case "ns":
		return 30, last == 'e'
	case "se", "sen", "ses":
		return 30, last == 's'
	case "in", "innen":
		return 30, e.agent
	case "nen":
		return 30, strings.HasSuffix(e.base, "in")
	}
	return 0, false
}

// verbEnding says whether an ending is rather that of a verb: fortge-schritten.
func verbEnding(e *entry, ending string) bool {
	switch ending {
	case "en", "em", "er", "ern":
		return !e.strong && !e.agent
	}
	return false
}

func (s *splitter) trace(last step) {
	s.n = int(s.reached[last.from].parts) + 1
	for i := s.n - 1; i >= 0; i-- {
		s.found[i] = last.part
		last = s.reached[last.from]
	}
}

// result lists the lexemes of what was found.
func (s *splitter) result() word {
	parts := s.found[:s.n]
	lexeme := func(p part) string {
		if p.entry > 0 {
			return s.l.entries[p.entry-1].lexeme
		}
		return stem(s.word[p.start:p.end])
	}
	head := lexeme(parts[s.n-1])
	inner := func(p part) []string {
		if p.entry > 0 {
			return s.l.entries[p.entry-1].inner
		}
		return nil
	}
	if s.n == 1 {
		return word{lexemes: append([]string{head}, inner(parts[0])...)}
	}
	w := word{lexemes: make([]string, 0, 2*s.n), parts: s.n}
	// The whole has the stem of its head, so that the irregular plural is the
	// same word: Innenministerien.
	w.lexemes = append(w.lexemes, s.word[:parts[s.n-1].start]+head)
	for _, p := range parts {
		w.lexemes = append(w.lexemes, lexeme(p))
	}
	for size := 2; size < s.n; size++ {
		for from := 0; from+size <= s.n; from++ {
			to := from + size - 1
			if s.n > 4 && from > 0 && to < s.n-1 {
				continue // of long words only what they begin and end with
			}
			w.lexemes = append(w.lexemes, s.word[parts[from].start:parts[to].start]+lexeme(parts[to]))
		}
	}
	for _, p := range parts {
		for _, lexeme := range inner(p) {
			if !slices.Contains(w.lexemes, lexeme) {
				w.lexemes = append(w.lexemes, lexeme)
			}
		}
	}
	return w
}
