// Package slug turns names and titles into the readable part of an address:
// "Große Kreisstadt Löbau" becomes "grosse-kreisstadt-loebau".
package slug

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// letters holds what a German reader writes instead, and the letters that
// Unicode does not take apart into a base and a mark (Sorbian ł among them).
var letters = map[rune]string{
	'ä': "ae", 'ö': "oe", 'ü': "ue", 'ß': "ss",
	'æ': "ae", 'œ': "oe", 'ø': "oe", 'å': "aa", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h", 'ı': "i",
}

// Make returns lower case letters a to z and digits, in groups joined by single
// hyphens. What has no such form (an emoji, another script) separates like a
// space, so a text that holds nothing else gives "".
func Make(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	gap := false // something was left out since the last character
	write := func(s string) {
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteString(s)
	}
	// Composed first, so that u with a combining diaeresis is the ü of the table.
	for _, r := range norm.NFC.String(text) {
		r = unicode.ToLower(r)
		if s, ok := letters[r]; ok {
			write(s)
			continue
		}
		base := string(r)
		if r >= utf8.RuneSelf {
			base = norm.NFKD.String(base)
		}
		for _, r := range base {
			switch r = unicode.ToLower(r); {
			case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
				write(string(r))
			case !unicode.Is(unicode.Mn, r):
				gap = true
			}
		}
	}
	return b.String()
}
