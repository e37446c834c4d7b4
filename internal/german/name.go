package german

import "strings"

// Name is a name, or the beginning of one, as names are compared: its words folded,
// with a space between them whatever stands there, and behind the last one if
// something follows it.
//
//	Name("Halle (Saale") == "halle saale"
//	Name("Straße d. ") == "strasse d "
func Name(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	between := false
	for at := 0; at < len(text); {
		size, starts := wordStart(text[at:])
		if !starts {
			between = b.Len() > 0
			at += size
			continue
		}
		if between {
			b.WriteByte(' ')
			between = false
		}
		end := wordEnd(text, at)
		b.WriteString(Fold(text[at:end]))
		at = end
	}
	if between {
		b.WriteByte(' ')
	}
	return b.String()
}
