package german

import (
	"strconv"
	"strings"
	"sync"
)

// Weighted is one part of what is searched, with the weight that Postgres ranks
// its words by: 'A' is the most, 'D' the least.
type Weighted struct {
	Text   string
	Weight byte
}

// What Postgres takes, see "Limitations" in its manual on text search. Beyond
// that it raises an error or drops silently what it likes, so we keep what comes first.
const (
	lastPosition  = 16383
	mostPositions = 255     // of one lexeme
	vectorSize    = 1 << 20 // lexemes with their positions
	partGap       = 16      // positions between two parts, so that no phrase crosses
)

// Vector is the tsvector of a text in the form that Postgres reads:
//
//	'digitalisier':1A,20 'strategi':1A
//
// It is cast to tsvector as it is; Postgres must not analyse it again.
func Vector(parts ...Weighted) string {
	b := builders.Get().(*builder)
	defer builders.Put(b)
	b.reset()
	first := 0
	for _, part := range parts {
		last := first
		for token := range Tokens(part.Text) {
			last = first + token.Position
			if b.size > vectorSize-1<<14 {
				return b.String()
			}
			// What comes later is found as well, though in no phrase: a strategy of a
			// hundred pages has 40,000 words.
			at := uint16(min(last, lastPosition))
			for _, lexeme := range token.Lexemes {
				b.add(lexeme, at, part.Weight)
			}
		}
		if last > first {
			first = last + partGap
		}
	}
	return b.String()
}

// A builder collects the places of each lexeme. The places of one are a list
// within one slice for all, because most lexemes have a single place.
type builder struct {
	index map[string]int32
	terms []occurrences
	posts []post
	size  int // as Postgres counts
}

type occurrences struct {
	lexeme      string
	first, last int32 // posts
	count       int
}

type post struct {
	position uint16
	weight   byte
	next     int32
}

var builders = sync.Pool{New: func() any { return &builder{index: map[string]int32{}} }}

func (b *builder) reset() {
	if cap(b.posts) > 1<<14 { // not what a huge text needed for ever
		*b = builder{index: map[string]int32{}}
	}
	clear(b.index)
	clear(b.terms)
	b.terms, b.posts, b.size = b.terms[:0], b.posts[:0], 0
}

func (b *builder) add(lexeme string, position uint16, weight byte) {
	at := int32(len(b.posts))
	i, known := b.index[lexeme]
	if !known {
		b.index[lexeme] = int32(len(b.terms))
		b.terms = append(b.terms, occurrences{lexeme, at, at, 1})
		b.size += len(lexeme) + 2 + 2 + 1 // bytes, length, a position, padding
	} else {
		t := &b.terms[i]
		if t.count == mostPositions || b.posts[t.last].position == position {
			return
		}
		b.posts[t.last].next = at
		t.last = at
		t.count++
		b.size += 2
	}
	b.posts = append(b.posts, post{position, weight, -1})
}

func (b *builder) String() string {
	size := 0
	for i := range b.terms {
		size += len(b.terms[i].lexeme) + 4
	}
	var s strings.Builder
	s.Grow(size + 6*len(b.posts))
	var digits [8]byte
	for i := range b.terms {
		t := &b.terms[i]
		if i > 0 {
			s.WriteByte(' ')
		}
		quote(&s, t.lexeme)
		separator := byte(':')
		for at := t.first; at >= 0; at = b.posts[at].next {
			s.WriteByte(separator)
			separator = ','
			s.Write(strconv.AppendUint(digits[:0], uint64(b.posts[at].position), 10))
			if w := b.posts[at].weight; 'A' <= w && w <= 'C' {
				s.WriteByte(w)
			}
		}
	}
	return s.String()
}

// quote writes a lexeme as tsvector and tsquery want it.
func quote(s *strings.Builder, lexeme string) {
	s.WriteByte('\'')
	if strings.ContainsAny(lexeme, `'\`) {
		lexeme = strings.ReplaceAll(strings.ReplaceAll(lexeme, `\`, `\\`), `'`, `''`)
	}
	s.WriteString(lexeme)
	s.WriteByte('\'')
}
