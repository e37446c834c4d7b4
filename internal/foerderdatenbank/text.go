package foerderdatenbank

import (
	"regexp"
	"strings"

	htmltomarkdown "github.com/JohannesKaufmann/html-to-markdown/v2"
	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"

	"stadtgraph/internal/batch"
	"stadtgraph/internal/write"
)

// The texts of a program, under the headings that they have in the Förderdatenbank.
var texts = []struct{ column, heading string }{
	{"description", ""}, {"more_info", "## Zusatzinfos"}, {"legal_basis", "## Rechtsgrundlage"},
}

// longest is more than a body can have, and bounds what converting costs.
const longest = 1 << 20

// body puts a program's texts together.
func body(r *batch.Record, cells row) any {
	var parts []string
	for _, t := range texts {
		text := cells.text(t.column)
		if text == "" {
			continue
		}
		if len(text) > longest {
			r.Refuse(write.TooLong, []string{t.column}, "This may have %d KB at most.", longest>>10)
			continue
		}
		text, err := markdown(text)
		if err != nil {
			r.Refuse(write.Invalid, []string{t.column}, "This is HTML that cannot be read: save it as Markdown.")
			continue
		}
		if t.heading != "" && text != "" {
			parts = append(parts, t.heading)
		}
		parts = append(parts, text)
	}
	return optional(strings.Join(parts, "\n\n"))
}

// tag is what no text has that is not HTML.
var tag = regexp.MustCompile(`(?i)</(p|div|article|section|h[1-6]|ul|ol|li|a|span|strong|em|b|i|table)>|<br ?/?>`)

// site is where relative links lead.
const site = "https://www.foerderdatenbank.de"

// markdown is a text as Markdown, which it is already unless it has tags.
func markdown(text string) (string, error) {
	if !tag.MatchString(text) {
		return text, nil
	}
	text, err := htmltomarkdown.ConvertString(text, converter.WithDomain(site))
	return strings.TrimSpace(text), err
}
