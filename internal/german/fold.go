package german

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold brings the spellings of a word together: lower case, ä = ae = a and so
// on, ß = ss, without other marks, soft hyphens and zero-width characters.
//
// That "ae" may also be typed for ä makes an e after a, o or u disappear, in
// whatever way the vowel was written: Fördermittel, Foerdermittel and
// Fordermittel are all "fordermittel". After "u" it stays where no ü can be, after
// q and after vowels: neue, Bauer, Steuer, Quelle. So a folded word holds no "ae", and
// folding it again changes nothing.
func Fold(word string) string {
	folded := true
	for i := range len(word) {
		if c := word[i]; c-'a' >= 26 && c-'0' >= 10 || c == 'e' && i > 0 && swallows(word[:i]) {
			folded = false
			break
		}
	}
	if folded {
		return word
	}
	return string(appendFold(make([]byte, 0, len(word)), word))
}

func appendFold(b []byte, word string) []byte {
	for _, r := range word {
		if r < utf8.RuneSelf {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			b = appendFolded(b, r)
			continue
		}
		switch {
		case r == 'ä' || r == 'Ä': // the frequent ones first
			b = append(b, 'a')
		case r == 'ö' || r == 'Ö':
			b = append(b, 'o')
		case r == 'ü' || r == 'Ü':
			b = append(b, 'u')
		case r == 'ß':
			b = append(b, "ss"...)
		case unseen(r) || r == utf8.RuneError:
		default:
			for _, r := range norm.NFKD.String(string(r)) {
				if unicode.Is(unicode.M, r) {
					continue
				}
				r = unicode.ToLower(r)
				if s, ok := letters[r]; ok {
					b = append(b, s...)
				} else {
					b = appendFolded(b, r)
				}
			}
		}
	}
	return b
}

// letters holds those that Unicode does not take apart. What ends like an umlaut is
// written like one: ø = oe = o.
var letters = map[rune]string{
	'ß': "ss", 'æ': "a", 'œ': "o", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h", 'ı': "i",
}

func appendFolded(b []byte, r rune) []byte {
	if r == 'e' && swallows(b) {
		return b
	}
	return utf8.AppendRune(b, r)
}

// swallows says whether an e after these letters is but the second half of an
// umlaut.
func swallows[T string | []byte](before T) bool {
	n := len(before)
	if n == 0 {
		return false
	}
	switch before[n-1] {
	case 'a', 'o':
		return true
	case 'u':
		return n == 1 || !isVowel(before[n-2]) && before[n-2] != 'q'
	}
	return false
}

func isVowel(c byte) bool {
	switch c {
	case 'a', 'e', 'i', 'o', 'u', 'y':
		return true
	}
	return false
}

// unseen are characters inside of words that no reader sees: soft hyphen,
// zero-width space and joiners, word joiner, direction marks, byte order mark.
func unseen(r rune) bool {
	switch r {
	case '\u00ad', '\u2060', '\ufeff':
		return true
	}
	return '\u200b' <= r && r <= '\u200f' || '\u202a' <= r && r <= '\u202e'
}

// ascii says whether a folded word consists of a to z alone, which is what
// stems and compounds are made of.
func ascii(word string) bool {
	return strings.IndexFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}
