package comment

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

// Rule is what makes a comment suspicious, and how much.
var Rule = plan.Object{
	Type: "CommentRule", Table: "comment_rule", Prefix: "comment_rule",
	Visible: plan.Visibility{Public: "false", Moderator: "{deleted_at} IS NULL"},
	Order:   []plan.Term{{Field: "kind"}},
	Fields: plan.Fields{
		"kind":        plan.Column("kind"),
		"pattern":     plan.Column("pattern"),
		"threshold":   plan.Column("threshold"),
		"score":       plan.Column("score"),
		"active":      plan.Column("active"),
		"description": plan.Column("description"),
		"version":     plan.Column("version"),
		"createdAt":   plan.Column("created_at"),
		"modifiedAt":  plan.Column("modified_at"),
	},
}

// WritableRule is where the fields of a rule go.
var WritableRule = write.Object{
	Type: "CommentRule", Table: "comment_rule", Required: []string{"kind", "score"},
}

// rule is one that is asked.
type rule struct {
	Kind      string
	Pattern   *string
	Threshold *int
	Score     int
}

// spam is the score from which a comment is taken for spam.
const spam = 100

// activeRules is a statement: rows of rule.
const activeRules = `SELECT kind, pattern, threshold, score FROM comment_rule WHERE active AND deleted_at IS NULL ORDER BY kind, id`

// facts are what rules ask about.
type facts struct {
	words      string
	links      []link
	emailHost  string
	first      bool
	duplicated bool
	honeypot   bool
}

// wordsOf are the words of a text, folded, with a space around each.
func wordsOf(s string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(strings.ToLower(norm.NFKC.String(s)), func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N, unicode.M) }) {
		b.WriteString(" " + word)
	}
	return b.String() + " "
}

// judge adds up what rules find, with the kinds of those that found something.
func judge(rules []rule, f facts) (score int, reasons []string) {
	reasons = []string{}
	for _, r := range rules {
		if !r.holds(f) {
			continue
		}
		score += r.Score
		if len(reasons) == 0 || reasons[len(reasons)-1] != r.Kind { // they come by kind
			reasons = append(reasons, r.Kind)
		}
	}
	return min(score, 1000), reasons
}

func (r rule) holds(f facts) bool {
	switch r.Kind {
	case "WORD":
		word := strings.TrimSpace(wordsOf(*r.Pattern))
		return word != "" && strings.Contains(f.words, " "+word+" ")
	case "LINK_HOST":
		for _, l := range f.links {
			if below(l.host, *r.Pattern) {
				return true
			}
		}
	case "EMAIL_HOST":
		return below(f.emailHost, *r.Pattern)
	case "LINKS":
		return len(f.links) >= *r.Threshold
	case "FIRST_COMMENT":
		return f.first
	case "DUPLICATE":
		return f.duplicated
	case "HONEYPOT":
		return f.honeypot
	}
	return false
}

// below says whether a host is another one, or below it.
func below(host, other string) bool {
	other = bare(strings.TrimSpace(other))
	return host == other || strings.HasSuffix(host, "."+other)
}

func itoa(n int) string { return strconv.Itoa(n) }
