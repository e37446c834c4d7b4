package german

import "strings"

// stem cuts the endings of a folded word. It is the German stemmer of Snowball
// (https://snowballstem.org/algorithms/german/stemmer.html), which is short
// enough to be written down here, over a to z, because the umlauts are gone
// already. Where it goes further it says so.
func stem(word string) string {
	if len(word) < 4 || !ascii(word) {
		return word
	}
	if s, ok := verbal(word); ok {
		return s
	}
	word = singular(masculine(word))
	r1, r2 := regions(word)
	in := func(suffix string, region int) bool {
		return len(word)-len(suffix) >= region && strings.HasSuffix(word, suffix)
	}
	cut := func(n int) { word = word[:len(word)-n] }

	switch {
	case strings.HasSuffix(word, "iern"), strings.HasSuffix(word, "eln"): // not in Snowball: Kassiern, Artikeln
		cut(1)
	case in("ern", r1):
		cut(3)
	case in("em", r1) && !strings.HasSuffix(word, "system"), in("er", r1) && !strings.HasSuffix(word, "ier"): // not in Snowball: system, Papier
		cut(2)
	case in("en", r1), in("es", r1):
		cut(2)
		if strings.HasSuffix(word, "niss") {
			cut(1)
		}
	case in("e", r1):
		cut(1)
		if strings.HasSuffix(word, "niss") {
			cut(1)
		}
	case in("s", r1) && strings.IndexByte("bdfghklmnrt"+"acopvwy", word[len(word)-2]) >= 0: // the latter not in Snowball: Kameras, Büros, Clips
		cut(1)
		if in("ern", r1) && !strings.HasSuffix(word, "iern") { // not in Snowball: Bayerns
			cut(3)
		}
	}
	switch {
	case in("est", r1):
		cut(3)
	case in("en", r1), in("er", r1) && !strings.HasSuffix(word, "ier"):
		cut(2)
	case in("st", r1) && len(word) >= 6 && strings.IndexByte("bdfghklmnt", word[len(word)-3]) >= 0:
		cut(2)
	}
	return derived(word, r1, r2, false)
}

// baseStem is stem for a word in its base form, whose -er, -en or -s is no
// ending: Bürger is not Burg.
func baseStem(word string) string {
	if len(word) < 4 || !ascii(word) {
		return word
	}
	if s, ok := verbal(word); ok {
		return s
	}
	r1, r2 := regions(word)
	if strings.HasSuffix(word, "e") && len(word)-1 >= r1 {
		word = word[:len(word)-1]
	}
	return derived(word, r1, r2, true)
}

// derived is the third step of Snowball: what makes nouns of verbs and so on.
func derived(word string, r1, r2 int, base bool) string {
	in := func(suffix string, region int) bool {
		return len(word)-len(suffix) >= region && strings.HasSuffix(word, suffix)
	}
	cut := func(n int) { word = word[:len(word)-n] }
	switch {
	case in("end", r2), in("ung", r2):
		cut(3)
		if in("ig", r2) && !strings.HasSuffix(word, "eig") {
			cut(2)
		}
	case in("isch", r2) && !strings.HasSuffix(word, "eisch"):
		cut(4)
	case in("ig", r2) && !strings.HasSuffix(word, "eig"), in("ik", r2) && !strings.HasSuffix(word, "eik"):
		cut(2)
	case in("lich", r2), in("heit", r2):
		cut(4)
		if !base && (in("er", r1) || in("en", r1)) {
			cut(2)
		}
	case in("keit", r2):
		cut(4)
		if in("lich", r2) {
			cut(4)
		} else if in("ig", r2) {
			cut(2)
		}
	}
	return word
}

// verbal brings the verbs in -ieren together, which Snowball leaves apart:
// digitalisieren, digitalisiert, Digitalisierung.
func verbal(word string) (string, bool) {
	at := strings.LastIndex(word, "ier")
	if at < 3 {
		return word, false
	}
	switch word[at+len("ier"):] {
	case "en", "t", "te", "ten", "ter", "tes", "tem", "end", "ende", "enden", "ender", "endes", "endem", "ung", "ungen", "ungs":
		return word[:at+len("ier")], true
	}
	return word, false
}

// masculine turns the feminine form of whom a word means into the one that
// texts have most: Bürgerinnen, Bürgerin. Snowball knows them only in its
// newest version.
func masculine(word string) string {
	base, ok := strings.CutSuffix(word, "innen")
	if !ok {
		base, ok = strings.CutSuffix(word, "in")
	}
	switch {
	case !ok:
	case len(base) >= 5 && isAgent(base):
		return base
	case len(base)+len("innen") == len(word) && len(word) > 8: // Expertinnen
		return base + "in"
	}
	return word
}

// singular brings words of Latin together with their plural, whose ending
// Snowball cuts: Stipendium and Stipendien, Zynismus and Zynismen.
func singular(word string) string {
	for _, s := range [...]string{"ium", "ismus"} {
		if len(word) >= len(s)+3 && strings.HasSuffix(word, s) {
			return word[:len(word)-2]
		}
	}
	return word
}

// isAgent says whether a word ends like those for people, which have a feminine
// form in -in.
func isAgent(base string) bool {
	for _, s := range [...]string{"er", "or", "ent", "ant", "ist", "eur", "eut", "at", "et", "ekt", "log", "gog", "ert", "nar", "tar", "arzt", "wirt", "walt"} {
		if strings.HasSuffix(base, s) {
			return true
		}
	}
	return false
}

// regions are R1 and R2 of Snowball: what follows the first consonant after a
// vowel, and the same again within R1. R1 leaves three letters at least.
func regions(word string) (r1, r2 int) {
	vowel := func(i int) bool {
		c := word[i]
		if (c == 'u' || c == 'y') && 0 < i && i+1 < len(word) && isVowel(word[i-1]) && isVowel(word[i+1]) {
			return false // between vowels it is a consonant
		}
		return isVowel(c)
	}
	after := func(i int) int {
		for i < len(word) && !vowel(i) {
			i++
		}
		for i < len(word) && vowel(i) {
			i++
		}
		return min(i+1, len(word))
	}
	r1 = after(0)
	r2 = after(r1)
	return max(r1, 3), r2
}
