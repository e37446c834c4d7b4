package german

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Query is what somebody looks for. Its zero value looks for nothing.
type Query struct {
	root       *operation
	words      []Word
	unfinished string // a stop word that the input ends with, and that may become another
}

// Word is a word of a query, for those who want to correct its spelling.
type Word struct {
	Text       string
	Start, End int // bytes of the input
	Folded     string
	Lexemes    []string // the whole word first; none for a stop word; not to be changed
	Negated    bool
}

const mostWords = 32 // of a query; what follows is ignored

// ParseQuery reads what people type into a search field. No input is an error.
//
//	smart city            both words
//	"smart city"          next to each other, or written as one word
//	-bamberg              without this word
//	Bayern OR Hessen      one of the two neighbours; ODER as well; AND and UND say what holds anyway
//
// A compound is found whole, or by all of its parts: who looks for
// Digitalisierungsstrategie also finds a Strategie zur Digitalisierung. In quotes
// it is not. A quote that is not closed ends with the input.
func ParseQuery(input string) Query {
	p := parser{input: input}
	p.parse()
	q := Query{words: p.words, unfinished: p.unfinished}
	var all []*operation
	for _, alternatives := range p.wanted {
		all = append(all, combine(or, alternatives))
	}
	if len(all) == 0 {
		return q // what is not wanted alone would find nearly everything
	}
	for _, o := range p.unwanted {
		all = append(all, &operation{kind: not, of: []*operation{o}})
	}
	q.root = combine(and, all)
	return q
}

// Empty says that there is nothing to look for: no words, or only stop words, or
// only such that are not wanted.
func (q Query) Empty() bool { return q.root == nil }

// Words are the words of the query in the order of the input.
func (q Query) Words() []Word { return q.words }

// TSQuery is the query in the form that Postgres reads, to be cast to tsquery
// as it is. That of an empty query is empty; it finds nothing.
func (q Query) TSQuery() string {
	if q.root == nil {
		return ""
	}
	var s strings.Builder
	q.root.write(&s, false, false)
	return s.String()
}

// Prefix is TSQuery while somebody is typing: the word that the input ends with
// may go on.
func (q Query) Prefix() string {
	all := make([]*operation, 0, 2)
	if q.root != nil {
		all = append(all, q.root)
	}
	if q.unfinished != "" {
		all = append(all, &operation{typed: q.unfinished})
	}
	if len(all) == 0 {
		return ""
	}
	var s strings.Builder
	combine(and, all).write(&s, true, false)
	return s.String()
}

// An operation is a node of a tsquery.
type operation struct {
	kind     operator
	lexeme   string
	typed    string // the folded word that it came from, if that ends the input
	distance int    // in a phrase, of its two operands
	of       []*operation
}

type operator byte

const (
	term operator = iota
	and
	or
	not
	phrase
)

// combine joins operations; of one it is that one, of none nil.
func combine(kind operator, of []*operation) *operation {
	switch len(of) {
	case 0:
		return nil
	case 1:
		return of[0]
	}
	return &operation{kind: kind, of: of}
}

func terms(lexemes []string) []*operation {
	of := make([]*operation, len(lexemes))
	for i, lexeme := range lexemes {
		of[i] = &operation{lexeme: lexeme}
	}
	return of
}

// write appends the operation. With prefix, a typed word may go on; an
// operand is put in parentheses if it needs them.
func (o *operation) write(s *strings.Builder, prefix, operand bool) {
	goesOn := prefix && o.typed != ""
	simple := o.kind == term && (!goesOn || o.lexeme == "") || o.kind == not && !goesOn
	if operand && !simple {
		s.WriteByte('(')
		defer s.WriteByte(')')
	}
	if goesOn {
		quote(s, o.typed)
		s.WriteString(":*")
		if o.kind == term && (o.lexeme == "" || strings.HasPrefix(o.lexeme, o.typed)) {
			return
		}
		s.WriteString(" | ")
	}
	switch o.kind {
	case term:
		quote(s, o.lexeme)
		return
	case not:
		s.WriteByte('!')
		o.of[0].write(s, prefix, true)
		return
	}
	sign := " & "
	switch {
	case o.kind == or:
		sign = " | "
	case o.kind == phrase && o.distance == 1:
		sign = " <-> "
	case o.kind == phrase:
		sign = " <" + strconv.Itoa(o.distance) + "> "
	}
	if goesOn && o.kind != or {
		s.WriteByte('(')
		defer s.WriteByte(')')
	}
	for i, operand := range o.of {
		if i > 0 {
			s.WriteString(sign)
		}
		operand.write(s, prefix, true)
	}
}

// size is how many lexemes the operation holds.
func (o *operation) size() int {
	if o.kind == term {
		return 1
	}
	n := 0
	for _, operand := range o.of {
		n += operand.size()
	}
	return n
}

type parser struct {
	input      string
	words      []Word
	wanted     [][]*operation // all of them; each one of several
	unwanted   []*operation
	unfinished string
}

func (p *parser) parse() {
	either := false // an OR stands before what follows
	for at := 0; at < len(p.input) && len(p.words) < mostWords; {
		r, size := utf8.DecodeRuneInString(p.input[at:])
		if unicode.IsSpace(r) {
			at += size
			continue
		}
		switch word := p.field(at, false); word {
		case "OR", "ODER":
			either = len(p.wanted) > 0
			at += len(word)
			continue
		case "AND", "UND":
			at += len(word)
			continue
		}
		negated := false
		if n := minus(p.input[at:]); n > 0 {
			negated = true
			at += n
			r, size = utf8.DecodeRuneInString(p.input[at:])
		}
		var o *operation
		if isQuote(r) {
			at += size
			end := strings.IndexFunc(p.input[at:], isQuote)
			if end < 0 {
				end = len(p.input) - at
			}
			o = p.phrase(at, p.input[at:at+end], negated)
			at += end
			_, size = utf8.DecodeRuneInString(p.input[at:])
			at += size // nothing at the end
		} else {
			field := p.field(at, true)
			o = p.all(at, field, negated)
			at += max(len(field), size)
		}
		switch {
		case o == nil:
			continue
		case negated:
			p.unwanted = append(p.unwanted, o)
		case either:
			last := &p.wanted[len(p.wanted)-1]
			*last = append(*last, o)
		default:
			p.wanted = append(p.wanted, []*operation{o})
		}
		either = false
	}
}

// field is the input from a place to the next space, or quote.
func (p *parser) field(at int, quotes bool) string {
	end := strings.IndexFunc(p.input[at:], func(r rune) bool { return unicode.IsSpace(r) || quotes && isQuote(r) })
	if end < 0 {
		return p.input[at:]
	}
	return p.input[at : at+end]
}

func isQuote(r rune) bool { return strings.ContainsRune(`"„“”«»`, r) }

// minus is the length of the minus sign that a text begins with, if it belongs
// to what follows.
func minus(text string) int {
	for _, sign := range [...]string{"-", "−"} {
		if rest, ok := strings.CutPrefix(text, sign); ok {
			if r, _ := utf8.DecodeRuneInString(rest); wordRune(rest) > 0 || isQuote(r) {
				return len(sign)
			}
		}
	}
	return 0
}

// A slot is a word of the query with its place in a phrase.
type slot struct {
	raw      string
	lexeme   string
	typed    string
	position int
}

// read analyses a piece of the input, counts its words and says what they are.
func (p *parser) read(at int, text string, negated bool) (found []chunk, slots [][]slot) {
	position := 0
	for c := range chunks(text) {
		if len(p.words)+len(c.pieces) > mostWords {
			break
		}
		var of []slot
		for _, piece := range c.pieces {
			position++
			start, end := c.start+int(piece.start), c.start+int(piece.end)
			w := Word{
				Text: text[start:end], Start: at + start, End: at + end, Negated: negated,
				Folded: Fold(plain(text[start:end])), Lexemes: piece.word.lexemes,
			}
			if len(w.Lexemes) > 0 && strings.ContainsAny(w.Lexemes[0], ".@") { // an address
				w.Folded = w.Lexemes[0]
			}
			p.words = append(p.words, w)
			typed := ""
			if at+end == len(p.input) && !negated && utf8.RuneCountInString(w.Folded) > 1 && len(w.Folded) <= longestWord {
				typed = w.Folded
			}
			if len(w.Lexemes) == 0 {
				p.unfinished = typed
				continue
			}
			of = append(of, slot{text[start:end], w.Lexemes[0], typed, position})
		}
		found, slots = append(found, c), append(slots, of)
	}
	return found, slots
}

// plain is a word without the signs of gender in it.
func plain(word string) string {
	return strings.Map(func(r rune) rune {
		if wordRune(string(r)) == 0 {
			return -1
		}
		return r
	}, word)
}

// all looks for all words of a text without spaces.
func (p *parser) all(at int, text string, negated bool) *operation {
	found, slots := p.read(at, text, negated)
	if len(found) > 1 && !strings.ContainsFunc(text, unicode.IsLetter) { // 12.3.2025
		return sequence(slices.Concat(slots...))
	}
	var of []*operation
	for i, c := range found {
		switch {
		case len(c.pieces) > 1 && len(slots[i])+len(c.pieces[0].joined) > 0:
			of = append(of, joined(c, slots[i], negated))
		case len(slots[i]) == 0:
		default:
			w := c.pieces[0].word
			o := &operation{lexeme: w.lexemes[0]}
			if w.parts > 1 && !negated {
				o = &operation{kind: or, of: []*operation{o, {kind: and, of: terms(w.lexemes[1 : 1+w.parts])}}}
			}
			o.typed = slots[i][0].typed
			of = append(of, o)
		}
	}
	return combine(and, of)
}

// joined looks for words with hyphens between them: as one word, or all of
// them. A single letter, as in E-Government, must stand where it does.
func joined(c chunk, slots []slot, negated bool) *operation {
	exact := negated
	var of []*operation
	for _, s := range slots {
		exact = exact || utf8.RuneCountInString(s.raw) == 1
		of = append(of, &operation{lexeme: s.lexeme, typed: s.typed})
	}
	apart := combine(and, of)
	if exact {
		apart = sequence(slots)
	}
	if len(c.pieces[0].joined) == 0 {
		return apart
	}
	whole := &operation{lexeme: c.pieces[0].joined[0]}
	if apart == nil { // stop words: Einer-für-alle
		return whole
	}
	return &operation{kind: or, of: []*operation{whole, apart}}
}

// phrase looks for words in their order.
func (p *parser) phrase(at int, text string, negated bool) *operation {
	_, slots := p.read(at, text, negated)
	all := slices.Concat(slots...)
	const most = 4 // of so many words each may be written together with the next
	if len(all) < 2 || len(all) > most {
		return sequence(all)
	}
	var of []*operation
	for together := range 1 << (len(all) - 1) { // bit i: word i is written together with the next
		if o := grouped(all, together); o != nil {
			of = append(of, o)
		}
	}
	return combine(or, of)
}

func grouped(slots []slot, together int) *operation {
	var o *operation
	for i := 0; i < len(slots); {
		word := &operation{lexeme: slots[i].lexeme, typed: slots[i].typed}
		raw, start := slots[i].raw, i
		for ; together>>i&1 == 1; i++ {
			next := slots[i+1]
			if next.position != slots[i].position+1 {
				return nil // a stop word between them
			}
			raw += next.raw
			word = &operation{kind: phrase, of: []*operation{word, {lexeme: next.lexeme, typed: next.typed}}} // at the same place
		}
		if i > start {
			// If the analysis does not know the parts of the whole.
			if w := analyse(raw); w.parts == 0 && len(w.lexemes) > 0 {
				word = &operation{kind: or, of: []*operation{{lexeme: w.lexemes[0]}, word}}
			}
		}
		if o == nil {
			o = word
		} else {
			o = &operation{kind: phrase, distance: slots[start].position - slots[start-1].position, of: []*operation{o, word}}
		}
		i++
	}
	return o
}

func sequence(slots []slot) *operation {
	if len(slots) == 0 {
		return nil
	}
	return grouped(slots, 0)
}
