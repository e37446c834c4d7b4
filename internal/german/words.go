package german

import (
	"iter"
	"strings"
)

// Words are the words of the lexicon in their base forms, for those who look for
// what a misspelt word may have meant.
func Words() iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range lines(lexiconText) {
			word := strings.ReplaceAll(strings.Fields(line)[0], "|", "")
			if !strings.HasSuffix(word, "-") && !yield(word) {
				return
			}
		}
	}
}
