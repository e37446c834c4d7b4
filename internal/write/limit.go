package write

import (
	_ "embed"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What single columns hold is known before Postgres is asked, so that each value
// that does not fit is refused at its own field, all of them at once. limits.txt
// says it; a test writes it from the constraints of the migrated database.
//
//go:embed limits.txt
var limitsText string

var limits = parseLimits(limitsText)

// limit is what a column holds.
type limit struct {
	required bool // never null, though it may have a default
	text     bool // min and max are of characters, else of a number
	number   bool
	min, max *big.Rat
	decimals int
}

// parseLimits reads lines such as
//
//	article.title required text 1 500
//	measure.budget_amount number 0 99999999999999.99
func parseLimits(text string) map[string]limit {
	all := map[string]limit{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		l := limit{}
		name, words := words[0], words[1:]
		if words[0] == "required" {
			l.required, words = true, words[1:]
		}
		if len(words) == 3 {
			l.text, l.number = words[0] == "text", words[0] == "number"
			l.min, _ = new(big.Rat).SetString(words[1])
			l.max, _ = new(big.Rat).SetString(words[2])
			_, fraction, _ := strings.Cut(words[2], ".")
			l.decimals = len(fraction)
		}
		all[name] = l
	}
	return all
}

// maxText bounds texts that no constraint bounds.
const maxText = 20_000

var shortest, longest = big.NewRat(1, 1), big.NewRat(maxText, 1)

// check says what is wrong with a value of a column; "" if nothing is.
func (l limit) check(v any) (code Code, message string) {
	switch v := v.(type) {
	case string:
		if l.number {
			return l.checkNumber(v)
		}
		return l.checkText(v)
	case int64:
		if l.number {
			return l.checkNumber(strconv.FormatInt(v, 10))
		}
	}
	return "", ""
}

func (l limit) checkText(v string) (code Code, message string) {
	lowest, highest := 0, maxText
	if l.text {
		lowest, highest = whole(l.min), whole(l.max)
	}
	switch n := utf8.RuneCountInString(v); {
	case n < lowest:
		return Required, "This cannot be empty."
	case n > highest:
		return TooLong, "This may have " + grouped(strconv.Itoa(highest)) + " characters at most, not " + grouped(strconv.Itoa(n)) + "."
	}
	return "", ""
}

func (l limit) checkNumber(v string) (code Code, message string) {
	n, ok := new(big.Rat).SetString(v)
	if !ok {
		return Invalid, "This must be a number."
	}
	_, fraction, _ := strings.Cut(v, ".")
	switch {
	case n.Cmp(l.min) < 0 || n.Cmp(l.max) > 0:
		return OutOfRange, "This must be between " + l.shown(l.min) + " and " + l.shown(l.max) + "."
	case len(strings.TrimRight(fraction, "0")) > l.decimals:
		return OutOfRange, "This may have " + strconv.Itoa(l.decimals) + " decimals at most."
	}
	return "", ""
}

func (l limit) shown(n *big.Rat) string {
	if n.IsInt() {
		return n.RatString()
	}
	return n.FloatString(l.decimals)
}

func whole(n *big.Rat) int { return int(n.Num().Int64()) }

// grouped writes a number with commas.
func grouped(digits string) string {
	var groups []string
	for ; len(digits) > 3; digits = digits[:len(digits)-3] {
		groups = append(groups, digits[len(digits)-3:])
	}
	groups = append(groups, digits)
	slices.Reverse(groups)
	return strings.Join(groups, ",")
}
