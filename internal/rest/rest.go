// Package rest is the REST API at /api/v1: what can be read, as plain JSON at plain
// addresses.
//
// An endpoint is a file in endpoints/: its path, its parameters and a GraphQL document,
// which the planner runs like any other. A parameter names the place in the document's
// variables that its value goes to, and has its type and, unless it says more, its
// description from there:
//
//	# GET /api/v1/articles
//	# Articles
//	#
//	# Articles that are public, newest first.
//	#
//	# Parameters:
//	#   kind   filter.kind.in
//	#   topic  filter.topics.some.slug.in  With one of these topics, by slug.
//	query Articles($first: Int, …, $filter: ArticleFilter) { list: articles(…) { data: nodes { … } … } }
//
// A document with one object calls its only field `data`, and its answer is the answer:
// {"data": {…}}. One with a list calls it `list` and its nodes `data`, and what stands in it
// is the answer: {"data": […], "totalCount": …, "pageInfo": {…}}. Lists have the parameters
// of pages by themselves, and modified_since (since.go). The description of all that in
// OpenAPI (openapi.go) is made of the documents and the schema.
package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/cache"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/server"
)

// Prefix is what all addresses begin with.
const Prefix = "/api/v1"

const jsonType = "application/json"

// Config is what the API stands on.
type Config struct {
	Schema *ast.Schema
	Prefix func(typeName string) string // of the global ids of a type
	DB     postgres.DB                  // where changes are read
}

// API is everything that answers below Prefix.
type API struct {
	Pages   []server.Page
	Routes  []server.Route
	OpenAPI []byte // with Prefix as the address of the server
}

// New reads the endpoints.
func New(c Config) (*API, error) {
	all, err := load(c.Schema)
	if err != nil {
		return nil, err
	}
	change, err := toldOf(c.Schema)
	if err != nil {
		return nil, err
	}
	api := &API{OpenAPI: describe(c.Schema, all, change)}
	for _, e := range all {
		api.Pages = append(api.Pages, e.page(c))
	}
	api.Pages = append(api.Pages, Changes())
	api.Routes = []server.Route{
		fixed(Prefix, func(base string) []byte { return index(all, base) }),
		fixed(Prefix+"/openapi.json", func(base string) []byte {
			return bytes.Replace(api.OpenAPI, []byte(`"url": "`+Prefix+`"`), []byte(`"url": `+quoted(base+Prefix)), 1)
		}),
		resolver(),
		{Pattern: Prefix + "/", Methods: []string{http.MethodGet, http.MethodHead, http.MethodPost}, Serve: func(http.ResponseWriter, *server.Caller) error {
			return fault.New(fault.NotFound, "There is nothing at this address: %s lists what there is.", Prefix)
		}},
	}
	return api, nil
}

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string always can be
	return string(b)
}

// fixed serves what changes with the program only.
func fixed(pattern string, text func(base string) []byte) server.Route {
	return server.Route{Pattern: pattern, Methods: []string{http.MethodGet, http.MethodHead}, Serve: func(w http.ResponseWriter, c *server.Caller) error {
		body := text(c.Base)
		h := w.Header()
		h.Set("Content-Type", jsonType)
		h.Set("Cache-Control", "public, no-cache") // ask with the ETag each time
		h.Set("ETag", cache.ETagOf(body))
		http.ServeContent(w, c.Request.Request, "", time.Time{}, bytes.NewReader(body))
		return nil
	}}
}

// index lists the endpoints.
func index(all []*endpoint, base string) []byte {
	type entry struct {
		URL        string   `json:"url"`
		Title      string   `json:"title"`
		Parameters []string `json:"parameters"`
	}
	entries := []entry{}
	for _, e := range all {
		names := []string{}
		for _, p := range e.parameters {
			if !p.path {
				names = append(names, p.name)
			}
		}
		entries = append(entries, entry{base + e.path, e.title, names})
	}
	entries = append(entries, entry{base + changesPath, changesTitle, []string{"first", "after", "types"}}, entry{base + resolvePath, resolveTitle, []string{}})
	return marshal(map[string]any{"data": entries, "openapi": base + Prefix + "/openapi.json"})
}

// marshal is json.Marshal without escapes for HTML, indented for people.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // only what we made
	}
	return b.Bytes()
}

// page is the endpoint as the server knows it.
func (e *endpoint) page(c Config) server.Page {
	return server.Page{Pattern: e.path, Document: e.document, Types: []string{jsonType}, Ask: func(r server.Request) (server.Asked, error) {
		given, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return server.Asked{}, fault.New(fault.Invalid, "The parameters of the address are not encoded as they should be; encode each with encodeURIComponent.")
		}
		variables, err := e.variables(r.PathValue, given)
		if err != nil {
			return server.Asked{}, err
		}
		asked := server.Asked{Variables: variables}
		switch {
		case !e.list:
			asked.Render = e.renderOne
		case given.Has(modifiedSince):
			err = e.since(c, r, given, &asked)
		default:
			asked.Render = func(data []byte) (server.Answer, error) { return renderList(r, given, data) }
		}
		return asked, err
	}}
}

func (e *endpoint) renderOne(data []byte) (server.Answer, error) {
	if string(data) == `{"data":null}` {
		return server.Answer{}, fault.New(fault.NotFound, "There is no such %s, or it is not public.", strings.ToLower(e.noun))
	}
	return server.Answer{Body: data, Header: header("")}, nil
}

// header is what goes with an answer; the value of Link is optional.
func header(link string) http.Header {
	h := http.Header{"Content-Type": {jsonType}}
	if link != "" {
		h.Set("Link", link)
	}
	return h
}

const listBegins = `{"list":`

// renderList takes the list out of the data, and links to the pages around.
func renderList(r server.Request, given url.Values, data []byte) (server.Answer, error) {
	body := bytes.TrimSuffix(bytes.TrimPrefix(data, []byte(listBegins)), []byte("}"))
	var read struct {
		PageInfo struct {
			HasNextPage, HasPreviousPage bool
			StartCursor, EndCursor       string
		}
	}
	if err := json.Unmarshal(body, &read); err != nil {
		return server.Answer{}, err
	}
	size := given.Get("first")
	if size == "" {
		size = given.Get("last")
	}
	var links []string
	link := func(rel string, sizes, cursors, cursor string) {
		there := url.Values{}
		for name, values := range given {
			switch name {
			case "first", "after", "last", "before":
			default:
				there[name] = values
			}
		}
		if size != "" || sizes == "last" { // backwards a size is needed
			there.Set(sizes, orDefault(size))
		}
		if cursor != "" {
			there.Set(cursors, cursor)
		}
		links = append(links, `<`+address(r, there)+`>; rel="`+rel+`"`)
	}
	link("first", "first", "", "")
	if read.PageInfo.HasPreviousPage && read.PageInfo.StartCursor != "" {
		link("prev", "last", "before", read.PageInfo.StartCursor)
	}
	if read.PageInfo.HasNextPage && read.PageInfo.EndCursor != "" {
		link("next", "first", "after", read.PageInfo.EndCursor)
	}
	return server.Answer{Body: body, Header: header(strings.Join(links, ", "))}, nil
}

const defaultSize = "20"

func orDefault(size string) string {
	if size == "" {
		return defaultSize
	}
	return size
}

// address is that of the same list with other parameters.
func address(r server.Request, values url.Values) string {
	at := r.Base + r.URL.EscapedPath()
	if len(values) > 0 {
		at += "?" + values.Encode()
	}
	return at
}
