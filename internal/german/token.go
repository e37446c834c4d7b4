package german

import (
	"iter"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A Token is a word of a text.
type Token struct {
	Start, End int      // bytes of the text
	Position   int      // counted from 1; stop words count too, so that phrases keep their distances
	Lexemes    []string // shared: not to be changed; none for a stop word
}

// Tokens yields the words of a text from left to right. What a hyphen joins is
// several tokens; the first and the last of them also carry the lexeme of the joined word:
// Smart-City-Projekte is found as a phrase and as Smartcityprojekt.
func Tokens(text string) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		position := 0
		for c := range chunks(text) {
			for i := range c.pieces {
				p := &c.pieces[i]
				position++
				if !yield(Token{c.start + int(p.start), c.start + int(p.end), position, p.lexemes}) {
					return
				}
			}
		}
	}
}

// A chunk is what is analysed, and remembered, at once: a word, words joined
// by hyphens, an address or a number.
type chunk struct {
	start  int
	pieces []piece
}

// A piece is one token of a chunk.
type piece struct {
	start, end int32    // bytes of the chunk
	lexemes    []string // of its word and of what it is joined to
	word       word
	joined     []string // in the first piece of several: the lexemes of all of them as one word
}

// chunks finds the chunks of a text and looks up what they mean.
func chunks(text string) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		for at := 0; at < len(text); {
			if size, starts := wordStart(text[at:]); !starts {
				at += size
				continue
			}
			end, kind := chunkEnd(text, at)
			if !yield(chunk{at, remembered.pieces(text[at:end], kind)}) {
				return
			}
			at = end
		}
	}
}

// wordRune is the length of the character that a text begins with if it can be
// in a word, else 0.
func wordRune(text string) int {
	if len(text) == 0 {
		return 0
	}
	if c := text[0]; c < utf8.RuneSelf {
		if c|0x20-'a' < 26 || c-'0' < 10 {
			return 1
		}
		return 0
	}
	r, size := utf8.DecodeRuneInString(text)
	if r == utf8.RuneError && size == 1 {
		return 0
	}
	if unicode.In(r, unicode.L, unicode.N, unicode.M) || unseen(r) {
		return size
	}
	return 0
}

// wordStart says whether a word starts where a text does: not with a mark.
func wordStart(text string) (size int, starts bool) {
	size = wordRune(text)
	if size == 0 {
		_, size = utf8.DecodeRuneInString(text)
		return size, false
	}
	if size == 1 {
		return 1, true
	}
	r, _ := utf8.DecodeRuneInString(text)
	return size, unicode.In(r, unicode.L, unicode.N)
}

func wordEnd(text string, at int) int {
	for at < len(text) {
		size := wordRune(text[at:])
		if size == 0 {
			break
		}
		at += size
	}
	return at
}

type kind uint8

const (
	words   kind = iota // one or several, joined by hyphens
	address             // of mail or the web
	number              // with points between its thousands
)

// chunkEnd is where the chunk ends that begins at a place.
func chunkEnd(text string, start int) (int, kind) {
	end := wordEnd(text, start)
	switch rest := text[end:]; {
	case strings.HasPrefix(rest, "://"):
		return addressEnd(text, end+3), address
	case strings.HasPrefix(rest, ".") && text[start:end] == "www":
		return addressEnd(text, end), address
	case strings.HasPrefix(rest, "."):
		if e := thousandsEnd(text, start, end); e > end {
			return e, number
		}
		if e := mailEnd(text, end); e > 0 {
			return e, address
		}
		if e := hostEnd(text, start); e > 0 {
			return e, address
		}
	case strings.HasPrefix(rest, "@"), strings.HasPrefix(rest, "+"), strings.HasPrefix(rest, "_"):
		if e := mailEnd(text, end); e > 0 {
			return e, address
		}
	}
	for {
		if n := genderSign(text[end:]); n > 0 {
			end = wordEnd(text, end+n)
			continue
		}
		n := hyphen(text[end:])
		if n == 0 || wordRune(text[end+n:]) == 0 || isDigit(text[end-1]) && isDigit(text[end+n]) {
			break
		}
		end = wordEnd(text, end+n)
		if strings.HasPrefix(text[end:], ".") {
			if e := hostEnd(text, start); e > 0 { // smart-city.de
				return e, address
			}
		}
	}
	return end, words
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// hyphen is the length of the hyphen that a text begins with.
func hyphen(text string) int {
	switch {
	case strings.HasPrefix(text, "-"):
		return 1
	case strings.HasPrefix(text, "\u2010"), strings.HasPrefix(text, "\u2011"): // the latter does not break
		return 3
	}
	return 0
}

// genderSigns stand before the feminine ending of a word that means everybody:
// Bürger:innen, Bürger*innen, Bürger/-innen, Bürger(innen), ein*e Leiter*in.
var genderSigns = []string{":", "*", "_", "/-", "/", "·", "•", "(-", "("}

// genderSign is the length of such a sign, if a text begins with one.
func genderSign(text string) int {
	if len(text) < 2 {
		return 0
	}
	switch text[0] {
	case ':', '*', '_', '/', '(', "·"[0], "•"[0]:
	default:
		return 0
	}
	for _, sign := range genderSigns {
		rest, ok := strings.CutPrefix(text, sign)
		if !ok {
			continue
		}
		if strings.HasPrefix(rest, "innen") || strings.HasPrefix(rest, "in") && wordRune(rest[2:]) == 0 ||
			sign != "/" && sign != "(" && strings.HasPrefix(rest, "r") && wordRune(rest[1:]) == 0 { // Beauftragte:r
			return len(sign)
		}
	}
	return 0
}

// longestLook bounds how far the search for the end of an address goes, so that
// no text takes long.
const longestLook = 100

func addressEnd(text string, at int) int {
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		if unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("\"'<>()[]{}„“”»«|\\", r) || r == utf8.RuneError {
			break
		}
		at += size
	}
	return at
}

// mailEnd is where a mail address ends whose first word ends at a place, or 0.
func mailEnd(text string, at int) int {
	i := at
	for i < len(text) && i-at < longestLook && (mailByte(text[i])) {
		i++
	}
	if i == len(text) || text[i] != '@' {
		return 0
	}
	end := i + 1
	for end < len(text) && end-at < longestLook && (mailByte(text[end]) && text[end] != '_' && text[end] != '+') {
		end++
	}
	host := strings.TrimRight(text[i+1:end], ".-")
	if !strings.Contains(host, ".") {
		return 0
	}
	return i + 1 + len(host)
}

func mailByte(c byte) bool {
	return c|0x20-'a' < 26 || isDigit(c) || c == '.' || c == '_' || c == '-' || c == '+'
}

// domains are the endings that tell an address from two sentences without a
// space between them.
var domains = []string{"de", "com", "org", "net", "eu", "info", "at", "ch", "io", "gov", "nrw", "bayern", "berlin", "hamburg", "saarland", "digital"}

// hostEnd is where the name of a host ends that begins at a place, or 0.
func hostEnd(text string, start int) int {
	end := start
	for end < len(text) && end-start < longestLook && (mailByte(text[end]) && text[end] != '_' && text[end] != '+') {
		end++
	}
	if end < len(text) && wordRune(text[end:]) > 0 {
		return 0
	}
	host := strings.TrimRight(text[start:end], ".-")
	dot := strings.LastIndexByte(host, '.')
	if dot <= 0 || !slices.Contains(domains, host[dot+1:]) {
		return 0
	}
	return start + len(host)
}

// thousandsEnd is where a number ends that begins at a place and has a point
// before each three digits, or 0.
func thousandsEnd(text string, start, end int) int {
	digits := func(s string, n int) bool {
		return len(s) >= n && strings.Trim(s[:n], "0123456789") == ""
	}
	if end-start > 3 || !digits(text[start:end], end-start) {
		return 0
	}
	for strings.HasPrefix(text[end:], ".") && digits(text[end+1:], 3) && wordRune(text[end+4:]) == 0 {
		end += 4
	}
	if strings.HasPrefix(text[end:], ".") && wordRune(text[end+1:]) > 0 {
		return 0 // 12.123.4: something else
	}
	return end
}

// read analyses a chunk.
func read(text string, k kind) []piece {
	switch k {
	case number:
		digits := strings.ReplaceAll(text, ".", "")
		return []piece{single(text, word{lexemes: []string{digits}})}
	case address:
		return []piece{single(text, word{lexemes: addressLexemes(text)})}
	}
	var pieces []piece
	var raws []string
	for at := 0; at < len(text); {
		end, raw := at, ""
		for {
			e := wordEnd(text, end)
			raw += text[end:e]
			end = e
			n := genderSign(text[end:])
			if n == 0 {
				break
			}
			end += n
		}
		raws = append(raws, raw)
		w := analyse(raw)
		pieces = append(pieces, piece{start: int32(at), end: int32(end), word: w, lexemes: w.lexemes})
		at = end + hyphen(text[end:])
	}
	if len(pieces) > 1 && len(text) <= longestWord {
		join(pieces, raws)
	}
	return pieces
}

func single(text string, w word) piece {
	return piece{end: int32(len(text)), word: w, lexemes: w.lexemes}
}

// join gives the pieces the lexemes of the words that neighbours make together.
func join(pieces []piece, raws []string) {
	for i := range pieces {
		pieces[i].lexemes = slices.Clip(pieces[i].lexemes)
	}
	n := len(pieces)
	for size := n; size >= 2; size-- {
		if n > 4 && size < n {
			break
		}
		for from := 0; from+size <= n; from++ {
			to := from + size - 1
			if size < n && (len(pieces[from].word.lexemes) == 0 || len(pieces[to].word.lexemes) == 0) {
				continue
			}
			w := analyse(strings.Join(raws[from:to+1], ""))
			if len(w.lexemes) == 0 {
				continue
			}
			if size == n {
				pieces[0].joined = w.lexemes[:1]
			}
			for _, i := range [2]int{from, to} {
				if !slices.Contains(pieces[i].lexemes, w.lexemes[0]) {
					pieces[i].lexemes = append(pieces[i].lexemes, w.lexemes[0])
				}
			}
		}
	}
}

// addressLexemes are the whole of a mail address, or of an address in the web the host
// and the words in its name.
func addressLexemes(text string) []string {
	if strings.Contains(text, "@") && !strings.Contains(text, "://") {
		return []string{strings.ToLower(text)}
	}
	if _, after, ok := strings.Cut(text, "://"); ok {
		text = after
	}
	text = strings.ToLower(text)
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '.' && r != '-' && wordRune(string(r)) == 0 }); i >= 0 {
		text = text[:i]
	}
	host := strings.Trim(strings.TrimPrefix(text, "www."), ".-")
	if host == "" || len(host) > longestWord {
		return nil
	}
	lexemes := []string{host}
	if dot := strings.LastIndexByte(host, '.'); dot > 0 {
		for label := range strings.FieldsFuncSeq(host[:dot], func(r rune) bool { return wordRune(string(r)) == 0 }) {
			for _, lexeme := range analyse(label).lexemes {
				if len(lexemes) < 16 && !slices.Contains(lexemes, lexeme) {
					lexemes = append(lexemes, lexeme)
				}
			}
		}
	}
	return lexemes
}

// remembered holds the chunks that were read lately: texts use few words often.
var remembered memory

// memory is bounded: a shard that is full is emptied, and soon has the frequent
// words again.
type memory [64]struct {
	sync.RWMutex
	pieces map[string][]piece
}

const (
	shardSize         = 1024
	longestRemembered = 64 // bytes
)

func (m *memory) pieces(text string, k kind) []piece {
	if len(text) > longestRemembered {
		return read(text, k)
	}
	hash := uint32(2166136261)
	for i := range len(text) {
		hash = (hash ^ uint32(text[i])) * 16777619
	}
	shard := &m[hash>>(32-bits.Len(uint(len(m)-1)))]
	shard.RLock()
	pieces, ok := shard.pieces[text]
	shard.RUnlock()
	if ok {
		return pieces
	}
	text = strings.Clone(text) // lexemes and key outlive the text that it is cut from
	pieces = read(text, k)
	shard.Lock()
	if shard.pieces == nil || len(shard.pieces) >= shardSize {
		shard.pieces = make(map[string][]piece, shardSize)
	}
	shard.pieces[text] = pieces
	shard.Unlock()
	return pieces
}
