package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/server"
	"stadtgraph/internal/site"
)

const (
	sitemapURLs  = 10_000 // in a file; sitemaps.org allows 50,000 and 50 MB
	sitemapFiles = 50_000 // in the index
	sitemapPage  = 100    // read at once
)

// mapped are the types that a sitemap may list, by their names in settings: the field of
// Query that lists them, what the addresses of their pages are made of, and the filter.
// What has no order by its last change has few entries.
var mapped = map[string]struct {
	list, fields, filter string
	undated              bool
}{
	"article":         {list: "articles", fields: "slug", filter: "{publicationStatus: {eq: PUBLISHED}}"},
	"award":           {list: "awards"},
	"event":           {list: "events", fields: "slug"},
	"funding-call":    {list: "fundingCalls", fields: "program { slug }"},
	"funding-program": {list: "fundingPrograms", fields: "slug", filter: "{publicationStatus: {eq: PUBLISHED}}"},
	"measure":         {list: "measures", fields: "slug"},
	"municipality":    {list: "municipalities", fields: "slug key"},
	"organization":    {list: "organizations", fields: "slug"},
	"person":          {list: "persons", fields: "slug"},
	"platform":        {list: "platforms", fields: "slug"},
	"ranking":         {list: "rankings", fields: "slug", undated: true},
	"state":           {list: "states", fields: "slug key", undated: true},
	"strategy":        {list: "strategies", fields: "slug", filter: "{publicationStatus: {eq: PUBLISHED}}"},
	"topic":           {list: "topics", fields: "slug", undated: true},
}

// sitemapDocument lists what a sitemap has of a type. The latest changes come first: then
// a file whose date has not changed has nothing new in it.
func sitemapDocument(name string) string {
	m := mapped[name]
	args := "page: $page, pageSize: $size, first: $first, after: $after"
	if !m.undated {
		args += ", orderBy: [{field: MODIFIED_AT, direction: DESC}]"
	}
	if m.filter != "" {
		args += ", filter: " + m.filter
	}
	return fmt.Sprintf("query Sitemap($page: Int, $size: Int, $first: Int, $after: String) { entries: %s(%s) { pageInfo { hasNextPage endCursor } nodes { __typename id modifiedAt %s } } }", m.list, args, m.fields)
}

// Sitemaps are the addresses of the sitemap: its index, and a file for each ten thousand
// pages of a type.
func Sitemaps(of site.Site) []server.Route {
	var names, documents []string
	for _, name := range slices.Sorted(maps.Keys(mapped)) {
		if of.Pages.Has(name) {
			names, documents = append(names, name), append(documents, sitemapDocument(name))
		}
	}
	methods := []string{http.MethodGet, http.MethodHead}
	return []server.Route{
		{Pattern: "/sitemap.xml", Methods: methods, Documents: documents, Deep: true, Public: true, Serve: func(w http.ResponseWriter, c *server.Caller) error {
			if len(names) == 0 {
				return fault.New(fault.NotFound, "There is no sitemap: this server has not been told where people read what it tells of.")
			}
			index := sitemapIndex{}
			for _, name := range names {
				if err := index.add(c, name); err != nil {
					return err
				}
			}
			return serveSitemap(w, c.Request.Request, index)
		}},
		{Pattern: "/sitemaps/{file}", Methods: methods, Documents: documents, Deep: true, Public: true, Serve: func(w http.ResponseWriter, c *server.Caller) error {
			name, number, ok := sitemapFile(c.PathValue("file"))
			if !ok || !slices.Contains(names, name) {
				return fault.New(fault.NotFound, "There is no such file: /sitemap.xml lists those that there are.")
			}
			var file sitemapURLSet
			if err := file.read(c, of, name, number); err != nil {
				return err
			}
			return serveSitemap(w, c.Request.Request, file)
		}},
	}
}

var sitemapName = regexp.MustCompile(`^([a-z-]+)-([1-9][0-9]{0,4})\.xml$`)

func sitemapFile(file string) (name string, number int, ok bool) {
	m := sitemapName.FindStringSubmatch(file)
	if m == nil {
		return "", 0, false
	}
	number, err := strconv.Atoi(m[2])
	return m[1], number, err == nil && number <= sitemapFiles
}

type (
	sitemapIndex struct {
		XMLName xml.Name     `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 sitemapindex"`
		Files   []sitemapURL `xml:"sitemap"`
	}
	sitemapURLSet struct {
		XMLName xml.Name     `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		URLs    []sitemapURL `xml:"url"`
	}
	sitemapURL struct {
		Loc     string `xml:"loc"`
		LastMod string `xml:"lastmod,omitempty"`
	}
	sitemapEntries struct {
		Entries struct {
			PageInfo struct {
				HasNextPage bool
				EndCursor   string
			}
			Nodes []struct {
				Type       string `json:"__typename"`
				ID         string
				Slug, Key  string
				ModifiedAt time.Time
				Program    struct{ Slug string }
			}
		}
	}
)

func readSitemap(c *server.Caller, name string, variables map[string]any) (read sitemapEntries, err error) {
	data, err := c.Read(c.Context(), sitemapDocument(name), variables)
	if err == nil {
		err = json.Unmarshal(data, &read)
	}
	return read, err
}

// add adds the files of a type, of which the first entry is read.
func (x *sitemapIndex) add(c *server.Caller, name string) error {
	for number := 1; number <= sitemapFiles; number++ {
		read, err := readSitemap(c, name, map[string]any{"page": json.Number(strconv.Itoa((number-1)*sitemapURLs + 1)), "size": json.Number("1")})
		if err != nil {
			return err
		}
		if len(read.Entries.Nodes) == 0 {
			return nil
		}
		u := sitemapURL{Loc: fmt.Sprintf("%s/sitemaps/%s-%d.xml", c.Base, name, number)}
		if !mapped[name].undated {
			u.LastMod = stamp(read.Entries.Nodes[0].ModifiedAt)
		}
		x.Files = append(x.Files, u)
		if !read.Entries.PageInfo.HasNextPage {
			return nil
		}
	}
	return nil
}

// read reads the entries of a file: from its first one on, a page behind the other.
func (s *sitemapURLSet) read(c *server.Caller, of site.Site, name string, number int) error {
	size := json.Number(strconv.Itoa(sitemapPage))
	variables := map[string]any{"page": json.Number(strconv.Itoa((number-1)*sitemapURLs/sitemapPage + 1)), "size": size}
	for range sitemapURLs / sitemapPage {
		read, err := readSitemap(c, name, variables)
		if err != nil {
			return err
		}
		for _, n := range read.Entries.Nodes {
			if page := of.Pages.Page(site.Target{Type: n.Type, ID: n.ID, Slug: n.Slug, Key: n.Key, Holder: n.Program.Slug}); page != "" {
				s.URLs = append(s.URLs, sitemapURL{page, stamp(n.ModifiedAt)})
			}
		}
		if !read.Entries.PageInfo.HasNextPage {
			break
		}
		variables = map[string]any{"first": size, "after": read.Entries.PageInfo.EndCursor}
	}
	if len(s.URLs) == 0 && number > 1 {
		return fault.New(fault.NotFound, "There is no such file: /sitemap.xml lists those that there are.")
	}
	return nil
}

// serveSitemap answers with a document, or with nothing if the client has it already.
func serveSitemap(w http.ResponseWriter, r *http.Request, v any) error {
	text, err := marshal(v)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	h := w.Header()
	h.Set("Content-Type", "application/xml; charset=utf-8")
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	if !strings.HasPrefix(h.Get("Cache-Control"), "private") {
		h.Set("Cache-Control", "public, max-age=300") // crawlers come rarely, and several at once
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	return nil
}
