package feed

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/site"
)

// connection is a page of entries.
type connection struct {
	PageInfo struct {
		HasNextPage bool
		EndCursor   string
	}
	Nodes []entry
}

// subject is what a feed is about.
type subject struct {
	Type       string `json:"__typename"`
	ID         string
	Slug, Key  string
	Name       string
	Language   string
	ModifiedAt time.Time
	Entries    *connection
}

func (s *subject) target() site.Target {
	if s == nil {
		return site.Target{}
	}
	return site.Target{Type: s.Type, ID: s.ID, Slug: s.Slug, Key: s.Key}
}

type named struct{ ID, Slug, Name string }

type partialDate struct {
	Start     day
	Precision string
}

// entry is what documents select of something, under these names.
type entry struct {
	Type     string `json:"__typename"`
	ID       string
	Slug     string
	Key      string
	Language string

	Kicker, Title, Summary, Excerpt string
	HTML                            string

	PublishedAt *time.Time
	PublishedOn *partialDate
	UpdatedAt   *time.Time
	CreatedAt   time.Time

	Bylines []struct {
		Person, Organization *named
		Shorthand            string
	}
	AuthorName string
	LeadImage  *struct {
		Asset struct{ URL, MimeType, AltText string }
	}
	Section                  *named
	Keywords, Topics, States []named
	Municipalities           struct{ Nodes []named }
	Owners                   []named
	Article                  *subject // of a comment
	Parent                   *struct{ ID string }
	Program                  *program // of a call

	// Of deadlines and events.
	OpensOn, ClosesOn *day
	Date              *struct {
		Start, End day
		Precision  string
	}
	StartsAt, EndsAt *time.Time
	Venue            string
	Municipality     *struct {
		named
		Location *struct{ Latitude, Longitude float64 }
	}
	Hosts   []named
	Version int
}

type program struct {
	subject
	Summary        string
	Period         *struct{ To *struct{ End day } }
	Topics, States []named
}

// day is a date without a time.
type day struct{ time.Time }

// berlin is where the days begin.
var berlin = func() *time.Location {
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic("feed: no time zone data: " + err.Error())
	}
	return l
}()

// UnmarshalJSON reads a Date of the API.
func (d *day) UnmarshalJSON(text []byte) (err error) {
	d.Time, err = time.ParseInLocation(`"`+time.DateOnly+`"`, string(text), berlin)
	return err
}

func (d *day) german() string { return d.Format("02.01.2006") }

// item is an entry as all forms of feeds show it.
type item struct {
	id                  string // a URN
	node                string // the global id
	url                 string // where people read it; "" if that is not known
	title, summary      string
	html                string
	image, imageType    string
	published, updated  time.Time // published may be zero
	authors             []author
	tags                []string
	language            string
	replyTo, replyToURL string
}

type author struct{ name, url string }

// maxHTML is the size up to which a text is given whole: a page has 50 of them. Of
// others the beginning is.
const maxHTML = 128 << 10

func (e *entry) item(at site.Site) item {
	i := item{
		id: urn(e.ID), node: e.ID, url: at.Pages.Page(e.target()),
		title: e.heading(), summary: clean(e.Summary), language: e.Language,
	}
	if i.summary == "" {
		i.summary = clean(e.Excerpt)
	}
	if i.language == "" {
		i.language = "de"
	}
	if len(e.HTML) <= maxHTML {
		i.html = absolute(clean(e.HTML), i.url, at.Root())
	}
	switch {
	case e.PublishedAt != nil:
		i.published = *e.PublishedAt
	case e.PublishedOn != nil && e.PublishedOn.Precision == "DAY": // a month is no day
		i.published = e.PublishedOn.Start.Time
	case e.Type != "Article": // of which it would be wrong
		i.published = e.CreatedAt
	}
	i.updated = e.CreatedAt
	if !i.published.IsZero() {
		i.updated = i.published
	}
	if e.UpdatedAt != nil && e.UpdatedAt.After(i.updated) {
		i.updated = *e.UpdatedAt
	}
	i.authors = e.authors(at)
	i.tags = e.tags()
	if e.LeadImage != nil {
		i.image, i.imageType = absoluteURL(e.LeadImage.Asset.URL, at.Root()), e.LeadImage.Asset.MimeType
	}
	if e.Article != nil {
		i.replyTo, i.replyToURL = urn(e.Article.ID), at.Pages.Page(e.Article.target())
		if e.Article.Language != "" {
			i.language = e.Article.Language
		}
		if e.Parent != nil {
			i.replyTo, i.replyToURL = urn(e.Parent.ID), ""
		}
	}
	if e.Program != nil && i.html == "" {
		i.html = e.callHTML()
	}
	return i
}

func (e *entry) target() site.Target {
	t := site.Target{Type: e.Type, ID: e.ID, Slug: e.Slug, Key: e.Key}
	switch {
	case e.Article != nil:
		t.Holder = e.Article.Slug
	case e.Program != nil:
		t.Holder = e.Program.Slug
	}
	return t
}

// heading is the title with what it needs to be understood without its surroundings.
func (e *entry) heading() string {
	before := e.Kicker
	switch {
	case e.Article != nil && e.AuthorName != "":
		return clean(e.AuthorName) + " zu „" + clean(e.Article.Name) + "“"
	case e.Article != nil:
		return "Kommentar zu „" + clean(e.Article.Name) + "“"
	case e.Program != nil:
		before = e.Program.Name
	case e.Type == "Strategy":
		before = strings.Join(names(e.Owners), ", ")
	}
	if before == "" {
		return clean(e.Title)
	}
	return clean(before) + ": " + clean(e.Title)
}

func (e *entry) authors(at site.Site) []author {
	var list []author
	add := func(a author) {
		if a.name = clean(a.name); a.name != "" && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	for _, b := range e.Bylines {
		switch {
		case b.Person != nil:
			add(author{b.Person.Name, at.Pages.Page(site.Target{Type: "Person", ID: b.Person.ID, Slug: b.Person.Slug})})
		case b.Organization != nil:
			add(author{b.Organization.Name, at.Pages.Page(site.Target{Type: "Organization", ID: b.Organization.ID, Slug: b.Organization.Slug})})
		default:
			add(author{b.Shorthand, ""})
		}
	}
	add(author{e.AuthorName, ""})
	return list
}

func (e *entry) tags() []string {
	var list []string
	if e.Section != nil {
		list = append(list, clean(e.Section.Name))
	}
	groups := [][]named{e.Keywords, e.Topics, e.Owners, e.States, e.Municipalities.Nodes}
	if e.Program != nil {
		groups = append(groups, e.Program.Topics, e.Program.States)
	}
	for _, g := range groups {
		for _, name := range names(g) {
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

func names(list []named) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = clean(n.Name)
	}
	return out
}

// callHTML says of a call what there is of it: it has no text of its own.
func (e *entry) callHTML() string {
	var b strings.Builder
	p := func(format string, args ...string) {
		safe := make([]any, len(args))
		for i, a := range args {
			safe[i] = html.EscapeString(clean(a))
		}
		fmt.Fprintf(&b, "<p>"+format+"</p>", safe...)
	}
	if e.Summary != "" {
		p("%s", e.Summary)
	}
	switch {
	case e.OpensOn != nil && e.ClosesOn != nil:
		p("Anträge vom %s bis zum %s.", e.OpensOn.german(), e.ClosesOn.german())
	case e.ClosesOn != nil:
		p("Anträge bis zum %s.", e.ClosesOn.german())
	case e.OpensOn != nil:
		p("Anträge ab dem %s.", e.OpensOn.german())
	}
	if e.Program.Summary != "" {
		p("%s", e.Program.Summary)
	}
	return b.String()
}

// urn is a name of something that is the same wherever it is served: RFC 9562, 4.
func urn(id string) string {
	parsed, err := nodeid.Parse(id)
	if err != nil {
		return id
	}
	return "urn:uuid:" + parsed.UUID.String()
}

// clean takes out what XML 1.0 has no way to write (section 2.2), and readers of other
// forms no use for.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t', r == '\n', r == '\r', r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r < utf8.RuneError, r > utf8.RuneError && r <= utf8.MaxRune && r != 0xFFFE && r != 0xFFFF:
			return r
		}
		return -1
	}, s)
}

// absolute makes addresses in stored HTML absolute, which are those of pages of the site
// (/…) and of places in the text itself (#…).
func absolute(text, page, home string) string {
	if !strings.Contains(text, `="/`) && !strings.Contains(text, `="#`) {
		return text
	}
	var b bytes.Buffer
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return b.String()
		}
		raw := z.Raw()
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken || !bytes.Contains(raw, []byte(`="/`)) && !bytes.Contains(raw, []byte(`="#`)) {
			b.Write(raw)
			continue
		}
		t := z.Token()
		for i, a := range t.Attr {
			if a.Key != "href" && a.Key != "src" {
				continue
			}
			switch {
			case strings.HasPrefix(a.Val, "/"):
				t.Attr[i].Val = absoluteURL(a.Val, home)
			case strings.HasPrefix(a.Val, "#") && page != "":
				t.Attr[i].Val = page + a.Val
			}
		}
		b.WriteString(t.String())
	}
}

func absoluteURL(address, home string) string {
	base, err := url.Parse(home)
	if err != nil {
		return address
	}
	u, err := base.Parse(address)
	if err != nil || address == "" { // which is not the home page
		return ""
	}
	return u.String()
}
