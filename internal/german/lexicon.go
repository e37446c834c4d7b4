package german

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// lexicon.txt holds what compounds are made of, one word a line, and after it
// what else stands for it. Empty lines and lines that begin with # mean nothing.
//
//	Strategie              a noun in its base form
//	kommunal               an adjective
//	Ministerium Ministerien   a form that no regular ending makes
//	Melde-                 only before another word
//	zuständig =zuständig   kept as it is, instead of its stem (Zustand)
//	Stadt|rat              found by its parts, but not looked for by them
//
// A compound that is listed is not taken apart: who looks for a Bürgermeister
// wants no texts about citizens and masters. With bars it is where it stands in a
// text: who looks for a Rat wants to find the Stadtrat, not the other way round.
//
//go:embed lexicon.txt
var lexiconText string

// names.txt holds place names that read like compounds: Neustadt is no new
// town. It is made from the municipal register, see TestNames.
//
//go:embed names.txt
var namesText string

// stopwords.txt holds words that say nothing about what a text is about. What
// follows a word is a spelling that does: "ob" is whether, "OB" a mayor.
//
//go:embed stopwords.txt
var stopwordsText string

type lexicon struct {
	entries []entry
	nodes   []node // a trie of the folded forms, the root first
	names   map[string]bool
	stop    map[string]string // with the spelling that is none
}

type entry struct {
	base   string // folded
	lexeme string
	inner  []string // lexemes of its parts, if it is a compound to be found by them
	agent  bool     // has a feminine form in -in
	strong bool     // ends so that its s tells where it ends within a compound: -ung, -heit
}

// node is a place in the trie. Its three last fields are entries, counted from 1.
type node struct {
	next  [26]uint16
	word  uint16 // a form that may end a word
	joint uint16 // a form that only stands before another
	short uint16 // a form without its last e: Sprach-, Kolleg-
}

var theLexicon = sync.OnceValue(func() *lexicon {
	l := &lexicon{nodes: make([]node, 1, 1<<14), names: map[string]bool{}, stop: map[string]string{}}
	for line := range lines(lexiconText) {
		l.add(strings.Fields(line))
	}
	for i := range l.entries { // now that all words are known
		for j, part := range l.entries[i].inner {
			l.entries[i].inner[j] = l.partLexeme(Fold(part))
		}
	}
	for line := range lines(namesText) {
		l.names[Fold(line)] = true
	}
	for line := range lines(stopwordsText) {
		word, except, _ := strings.Cut(line, " ")
		l.stop[Fold(word)] = except
	}
	return l
})

func lines(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "#") && !yield(line) {
				return
			}
		}
	}
}

func (l *lexicon) add(forms []string) {
	inner := strings.Split(forms[0], "|")
	forms[0] = strings.Join(inner, "")
	first := strings.TrimSuffix(forms[0], "-")
	e := entry{base: Fold(first)}
	if len(inner) > 1 {
		e.inner = inner
	}
	e.lexeme = baseStem(e.base)
	r, _ := utf8.DecodeRuneInString(first)
	e.agent = unicode.IsUpper(r) && isAgent(e.base)
	for _, s := range [...]string{"ung", "heit", "keit", "schaft", "ion", "tat"} {
		e.strong = e.strong || len(e.base) > 6 && e.base != "geschaft" && strings.HasSuffix(e.base, s)
	}
	l.entries = append(l.entries, e)
	id := uint16(len(l.entries))
	for _, form := range forms {
		if lexeme, ok := strings.CutPrefix(form, "="); ok {
			l.entries[id-1].lexeme = Fold(lexeme)
			continue
		}
		joint, ok := strings.CutSuffix(form, "-")
		n := l.place(Fold(joint))
		if ok {
			if n.joint == 0 {
				n.joint = id
			}
			continue
		}
		if n.word == 0 {
			n.word = id
		}
		if short, ok := strings.CutSuffix(Fold(form), "e"); ok && len(short) >= 4 {
			if n := l.place(short); n.short == 0 {
				n.short = id
			}
		}
	}
}

// place is the node of a folded form, made if need be.
func (l *lexicon) place(form string) *node {
	at := uint16(0)
	for i := range len(form) {
		c := form[i] - 'a'
		if l.nodes[at].next[c] == 0 {
			l.nodes = append(l.nodes, node{})
			l.nodes[at].next[c] = uint16(len(l.nodes) - 1)
		}
		at = l.nodes[at].next[c]
	}
	return &l.nodes[at]
}

// partLexeme is the lexeme of the part of a word between two bars.
func (l *lexicon) partLexeme(form string) string {
	s := splitter{l: l, word: form}
	if s.split() && s.n == 1 {
		return s.result().lexemes[0]
	}
	if n := l.place(form); n.short > 0 { // Metropol|region
		return l.entries[n.short-1].lexeme
	}
	return stem(form)
}
