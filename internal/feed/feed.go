// Package feed makes feeds, calendars and sitemaps of what is read.
//
// A feed is a file in documents: a GraphQL query whose first comment is the path that
// answers it, with its parameters in braces, and whose second is its title,
//
//	# /feeds/states/{key}/articles
//	# Artikel: {name}
//	query ArticlesOfStateFeed($key: String!, $after: String) { … }
//
// Aliases do the mapping: the query answers `entries`, a connection whose nodes have the
// names that entry declares, and `of`, what the feed is about, if it is about something.
// Who runs the query is none of this package's business: it turns answers into bytes.
package feed

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/site"
)

//go:embed documents
var documents embed.FS

// A Feed is something to subscribe to, in one or several forms.
type Feed struct {
	Path       string // with parameters in braces, and without the extension that names the form
	Title      string // {name} stands for the name of what it is about
	Operation  string // name of the query
	Document   string
	Parameters []string // of the path, in order
	Forms      []Form
}

// A Form is how a feed is written.
type Form struct {
	Extension string // of the path
	MediaType string
	render    func(*channel) ([]byte, error)
}

// ContentType is the header of that name.
func (f Form) ContentType() string { return f.MediaType + "; charset=utf-8" }

const (
	atomType = "application/atom+xml"
	rssType  = "application/rss+xml"
	jsonType = "application/feed+json"
)

// The forms.
var (
	Atom     = Form{".atom", atomType, writeAtom}
	RSS      = Form{".rss", rssType, writeRSS}
	JSON     = Form{".json", jsonType, writeJSON}
	Calendar = Form{".ics", "text/calendar", writeCalendar}
)

// All are the feeds, by their paths.
var All = func() []Feed {
	feeds, err := load(documents)
	if err != nil {
		panic(err) // they are embedded
	}
	return feeds
}()

var (
	head      = regexp.MustCompile(`^# (/\S+)\n# (.+)\nquery (\w+)`)
	parameter = regexp.MustCompile(`\{(\w+)\}`)
	spread    = regexp.MustCompile(`\.\.\.(\w+)`)
)

func load(fsys fs.FS) ([]Feed, error) {
	names, err := fs.Glob(fsys, "documents/*.graphql")
	if err != nil {
		return nil, err
	}
	var feeds []Feed
	for _, name := range names {
		f, err := loadFeed(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		feeds = append(feeds, f)
	}
	slices.SortFunc(feeds, func(a, b Feed) int { return strings.Compare(a.Path, b.Path) })
	return feeds, nil
}

func loadFeed(fsys fs.FS, name string) (Feed, error) {
	raw, err := fs.ReadFile(fsys, name)
	if err != nil {
		return Feed{}, err
	}
	m := head.FindSubmatch(raw)
	if m == nil {
		return Feed{}, errors.New("it begins with two comments, the path and the title, and a named query")
	}
	f := Feed{Path: string(m[1]), Title: string(m[2]), Operation: string(m[3]), Document: string(raw), Forms: []Form{Atom, RSS, JSON}}
	if at, is := strings.CutSuffix(f.Path, Calendar.Extension); is {
		f.Path, f.Forms = at, []Form{Calendar}
	}
	for _, p := range parameter.FindAllStringSubmatch(f.Path, -1) {
		f.Parameters = append(f.Parameters, p[1])
	}
	fragments := map[string]bool{}
	for _, s := range spread.FindAllSubmatch(raw, -1) {
		fragments[string(s[1])] = true
	}
	for _, s := range slices.Sorted(maps.Keys(fragments)) {
		fragment, err := fs.ReadFile(fsys, "documents/fragments/"+s+".graphql")
		if err != nil {
			return Feed{}, err
		}
		f.Document += "\n" + string(fragment)
	}
	return f, nil
}

// remembered is for how many months calendars show what is over.
const remembered = 3

// Variables are those of the feed's query: what the path says, and what the caller asks for.
func (f Feed) Variables(values map[string]string, query url.Values, now time.Time) (map[string]any, error) {
	variables := map[string]any{}
	for name, value := range values {
		variables[name] = value
	}
	paged := f.Forms[0].Extension != Calendar.Extension
	for name, given := range query {
		switch {
		case !paged:
			return nil, fault.New(fault.Invalid, "Calendars take no parameters: what is about something else has an address of its own, which /feeds lists.")
		case name != "after":
			return nil, fault.New(fault.Invalid, "Feeds take no parameter but `after`: what is about something else has an address of its own, which /feeds lists.")
		case len(given) != 1 || given[0] == "":
			return nil, fault.New(fault.Invalid, "Give `after` once, as the link to the next page has it, or leave it out.")
		}
		variables["after"] = given[0]
	}
	if !paged {
		today := now.In(berlin)
		variables["today"], variables["from"] = today.Format(time.DateOnly), today.AddDate(0, -remembered, 0).Format(time.DateOnly)
	}
	return variables, nil
}

// Render makes a page of a feed of the answer to its query, which was asked for after a
// cursor, or from the start. A fault.NotFound says that the feed would be about nothing.
func (f Feed) Render(form Form, at site.Site, values map[string]string, after string, data []byte) ([]byte, error) {
	var answer struct {
		Of            *subject
		Past, Entries *connection // what is over is in calendars only
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("read the answer for %s: %w", f.Path, err)
	}
	if len(f.Parameters) > 0 && answer.Of == nil {
		return nil, fault.New(fault.NotFound, "There is no feed at this address: nothing has this %s.", f.Parameters[0])
	}
	c := &channel{site: at, title: f.Title}
	entries := answer.Entries
	if of := answer.Of; of != nil {
		c.title = strings.ReplaceAll(f.Title, "{name}", clean(of.Name))
		c.home = at.Pages.Page(of.target())
		c.updated = of.ModifiedAt
		if of.Entries != nil {
			entries = of.Entries
		}
	}
	if c.home == "" {
		c.home = at.Root()
	}
	if entries == nil {
		return nil, fmt.Errorf("the answer for %s has no entries", f.Path)
	}
	if answer.Past != nil {
		slices.Reverse(answer.Past.Nodes)
		entries.Nodes = append(answer.Past.Nodes, entries.Nodes...)
	}
	where := at.Base + f.Path
	for name, value := range values {
		where = strings.ReplaceAll(where, "{"+name+"}", url.PathEscape(value))
	}
	c.id = where
	c.first = where + form.Extension
	c.self = c.first
	if after != "" {
		c.self += "?after=" + url.QueryEscape(after)
	}
	if entries.PageInfo.HasNextPage {
		c.next = c.first + "?after=" + url.QueryEscape(entries.PageInfo.EndCursor)
	}
	for _, e := range entries.Nodes {
		i := e.item(at)
		c.items = append(c.items, i)
		if i.updated.After(c.updated) {
			c.updated = i.updated
		}
	}
	c.entries = entries.Nodes
	return form.render(c)
}

// channel is a page of a feed, whatever its form.
type channel struct {
	site              site.Site
	id, title, home   string
	self, first, next string
	updated           time.Time // zero if nothing says when
	items             []item
	entries           []entry // as they were read
}
