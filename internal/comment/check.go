package comment

import (
	"html"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"stadtgraph/internal/text"
	"stadtgraph/internal/write"
)

// MaxBody is how many characters a comment may have.
const MaxBody = 10_000

const (
	maxName  = 100
	maxEmail = 254
	maxMarks = 4 // on one character; no language needs more
)

// problems are those of an input.
type problems []write.UserError

func (p *problems) refuse(code write.Code, field, message string) {
	*p = append(*p, write.UserError{Path: []string{"input", field}, Code: code, Message: message})
}

// err is nil if there are none.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return write.UserErrors(p)
}

// clean refuses what no person types: control characters, those that turn the
// direction of text around, and towers of accents.
func (p *problems) clean(field, s string) bool {
	marks := 0
	for _, r := range s {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t':
			p.refuse(write.Invalid, field, "This holds characters that cannot be shown; remove them.")
			return false
		case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			p.refuse(write.Invalid, field, "This holds invisible characters that turn the direction of the text around; remove them.")
			return false
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > maxMarks {
				p.refuse(write.Invalid, field, "A character in this carries more accents than can be read; remove some.")
				return false
			}
		case !unicode.Is(unicode.Cf, r):
			marks = 0
		}
	}
	return true
}

// line reads a line of plain text; "" if there is none.
func (p *problems) line(field, s string, limit int) string {
	s = strings.TrimFunc(norm.NFC.String(s), func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	switch {
	case s == "", !p.clean(field, s):
		return ""
	case utf8.RuneCountInString(s) > limit:
		p.refuse(write.TooLong, field, "This is too long; shorten it to "+grouped(limit)+" characters.")
	case strings.ContainsAny(s, "<>\n\r\t"):
		p.refuse(write.Invalid, field, "This is one line of text, without the characters < and >.")
	}
	return s
}

func grouped(n int) string {
	if n < 1000 {
		return itoa(n)
	}
	return itoa(n/1000) + "," + itoa(n%1000 + 1000)[1:]
}

// markup is what looks like HTML or like a link that runs something.
var markup = regexp.MustCompile(`(?i)</?[a-z][a-z0-9-]*(\s[^<>]*)?/?>|<(script|style|iframe|object|embed|svg|math|img|form|meta|link|base)\b|<!--|<!doctype|(javascript|vbscript|data)\s*:\s*\S*[(<;,]`)

// body reads a comment's text in Markdown, and gives its rendering.
func (p *problems) body(field, s string) (string, text.Rendered) {
	s = strings.Trim(norm.NFC.String(s), "\r\n\t ")
	if s == "" {
		p.refuse(write.Required, field, "A comment needs a text.")
		return "", text.Rendered{}
	}
	if utf8.RuneCountInString(s) > MaxBody {
		p.refuse(write.TooLong, field, "This is too long; shorten it to "+grouped(MaxBody)+" characters.")
		return "", text.Rendered{}
	}
	if !p.clean(field, s) {
		return "", text.Rendered{}
	}
	if markup.MatchString(s) {
		p.refuse(write.Invalid, field, "HTML is not taken here; write Markdown, such as *emphasis* and [a link](https://example.org/).")
		return "", text.Rendered{}
	}
	r := text.Render(s, text.Comment)
	if !strings.ContainsFunc(r.Text, says) {
		p.refuse(write.Required, field, "A comment needs a text; this is only markup.")
		return "", text.Rendered{}
	}
	for _, l := range links(r) {
		if imitates(l.host) || l.shown != "" && l.shown != l.host {
			p.refuse(write.Invalid, field, "A link in this leads elsewhere than it looks; write the address as it is.")
			break
		}
	}
	return s, r
}

// says whether a character says something.
func says(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.So) || r == '?' || r == '!'
}

// link is one of a text: where it leads and, if its text is an address, where that does.
type link struct{ host, shown string }

var (
	anchor  = regexp.MustCompile(`(?s)<a href="([^"]*)"[^>]*>(.*?)</a>`)
	tag     = regexp.MustCompile(`<[^>]*>`)
	plain   = regexp.MustCompile(`(?i)\b(?:https?://|www\.)[^\s<>"]+`)
	address = regexp.MustCompile(`(?i)^\s*(?:https?://)?((?:[\pL\pN-]+\.)+\pL{2,})(?:[:/?#]\S*)?\s*$`)
)

// links are those of a text, and addresses that are not linked.
func links(r text.Rendered) (all []link) {
	for _, found := range anchor.FindAllStringSubmatch(r.HTML, -1) {
		l := link{host: hostOf(html.UnescapeString(found[1]))}
		if m := address.FindStringSubmatch(html.UnescapeString(tag.ReplaceAllString(found[2], ""))); m != nil && !strings.Contains(found[1], "mailto:") {
			l.shown = bare(m[1])
		}
		all = append(all, l)
	}
	for _, found := range plain.FindAllString(html.UnescapeString(tag.ReplaceAllString(anchor.ReplaceAllString(r.HTML, " "), " ")), -1) {
		if !strings.Contains(found, "://") {
			found = "http://" + found
		}
		all = append(all, link{host: hostOf(found)})
	}
	return all
}

func hostOf(address string) string {
	if rest, ok := strings.CutPrefix(address, "mailto:"); ok {
		_, host, _ := strings.Cut(rest, "@")
		host, _, _ = strings.Cut(host, "?")
		return bare(host)
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return bare(u.Hostname())
}

// bare is a host as people read it, without www.
func bare(host string) string {
	if shown, err := idna.ToUnicode(strings.ToLower(strings.TrimSuffix(host, "."))); err == nil {
		host = shown
	}
	return strings.TrimPrefix(host, "www.")
}

// imitates says whether a host has letters that are taken for others: those of several
// scripts in one part, or of another script than Latin below a Latin top level.
func imitates(host string) bool {
	labels := strings.Split(host, ".")
	latinTop := !strings.ContainsFunc(labels[len(labels)-1], foreign)
	for _, label := range labels {
		other, latin := false, false
		for _, r := range label {
			other = other || foreign(r)
			latin = latin || unicode.Is(unicode.Latin, r)
			if unicode.Is(unicode.Cf, r) {
				return true
			}
		}
		if other && (latin || latinTop) {
			return true
		}
	}
	return false
}

func foreign(r rune) bool { return unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) }

// email reads an e-mail address as it is kept; "" if there is none.
func (p *problems) email(field, s string) string {
	s = strings.TrimSpace(norm.NFC.String(s))
	if s == "" {
		return ""
	}
	if a, ok := normalEmail(s); ok && p.clean(field, s) {
		return a
	}
	p.refuse(write.Invalid, field, "This is no e-mail address; write one such as name@example.org.")
	return ""
}

// normalEmail is an address in the form by which it is found again.
func normalEmail(s string) (string, bool) {
	s = strings.TrimSpace(norm.NFC.String(s))
	a, err := mail.ParseAddress(s)
	at := strings.LastIndexByte(s, '@')
	if err != nil || a.Address != s || a.Name != "" || len(s) > maxEmail || at < 1 || at > 64 || strings.ContainsAny(s, "<>\"'\\ ") {
		return "", false
	}
	host, err := idna.Lookup.ToASCII(s[at+1:])
	if err != nil || !strings.Contains(host, ".") || strings.HasSuffix(host, ".") {
		return "", false
	}
	return strings.ToLower(s[:at]) + "@" + strings.ToLower(host), true
}
