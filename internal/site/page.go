// Package site is where a server's answers are found, and the pages on which people read
// what they tell of.
package site

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A Site is where the API is, and who publishes what it tells.
type Site struct {
	Base      string // of the API, without a slash at its end
	Home      string // of people; the API's if empty
	Pages     Pages
	Publisher string // the API's host if empty
}

// At is the site with its API at an address.
func (s Site) At(base string) Site {
	s.Base = base
	if s.Publisher == "" { // nobody has said who it is
		s.Publisher = strings.TrimPrefix(strings.TrimPrefix(base, "https://"), "http://")
	}
	return s
}

// Root is the address that stands for all of it.
func (s Site) Root() string {
	if s.Home != "" {
		return s.Home
	}
	return s.Base + "/"
}

// Linked is the address of something as linked data.
func (s Site) Linked(id string) string { return s.Base + "/api/v1/jsonld/" + id }

// A Target is something that may have a page of its own.
type Target struct {
	Type          string
	ID, Slug, Key string
	Holder        string // slug of a comment's article, or of a call's program
}

// Pages are the addresses at which people read what the API tells of, by type. A template
// has {id}, {slug} or {key} in it.
type Pages map[string]string

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// places are the types that may have pages, by their names in settings, and what a
// template may name of them.
var places = map[string]struct {
	Type string
	has  []string
}{
	"article":         {"Article", []string{"id", "slug"}},
	"award":           {"FundingAward", []string{"id"}},
	"comment":         {"Comment", []string{"id", "article"}},
	"event":           {"Event", []string{"id", "slug"}},
	"funding-call":    {"FundingCall", []string{"id", "program"}},
	"funding-program": {"FundingProgram", []string{"id", "slug"}},
	"measure":         {"Measure", []string{"id", "slug"}},
	"municipality":    {"Municipality", []string{"id", "slug", "key"}},
	"organization":    {"Organization", []string{"id", "slug"}},
	"person":          {"Person", []string{"id", "slug"}},
	"platform":        {"Platform", []string{"id", "slug"}},
	"ranking":         {"Ranking", []string{"id", "slug"}},
	"state":           {"State", []string{"id", "slug", "key"}},
	"strategy":        {"Strategy", []string{"id", "slug"}},
	"topic":           {"Topic", []string{"id", "slug"}},
}

// CheckHome says what is wrong with the address of a home page.
func CheckHome(address string) error {
	if !isPage(address) {
		return fmt.Errorf("%q is no address of a page: write one such as https://www.example.org/", address)
	}
	return nil
}

func isPage(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && !strings.ContainsAny(address, "{}\" <>")
}

// ParsePages reads templates, by the names of types.
func ParsePages(texts map[string]string) (Pages, error) {
	pages := Pages{}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		place, ok := places[name]
		if !ok {
			return nil, fmt.Errorf("there are no pages of %q: choose from %s", name, strings.Join(slices.Sorted(maps.Keys(places)), ", "))
		}
		text := texts[name]
		holds := 0
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(place.has, m[1]) {
				return nil, fmt.Errorf("%q has %s, which pages of %q have not: choose from {%s}", text, m[0], name, strings.Join(place.has, "}, {"))
			}
			holds++
		}
		switch {
		case !isPage(placeholder.ReplaceAllString(text, "x")):
			return nil, fmt.Errorf("%q is no address of a page: write one such as https://www.example.org/%s/{%s}", text, name, place.has[len(place.has)-1])
		case holds == 0:
			return nil, fmt.Errorf("%q is the same page for every %s: name one of {%s} in it", text, name, strings.Join(place.has, "}, {"))
		}
		pages[place.Type] = text
	}
	return pages, nil
}

// Has says whether there are pages of a type, by its name in settings.
func (p Pages) Has(name string) bool { return p[places[name].Type] != "" }

// Page is the address of a page; "" if there is none.
func (p Pages) Page(t Target) string {
	template, ok := p[t.Type]
	if !ok {
		return ""
	}
	missing := false
	address := placeholder.ReplaceAllStringFunc(template, func(name string) string {
		value := map[string]string{"{id}": t.ID, "{slug}": t.Slug, "{key}": t.Key, "{article}": t.Holder, "{program}": t.Holder}[name]
		missing = missing || value == ""
		return url.PathEscape(value)
	})
	if missing {
		return ""
	}
	return address
}
