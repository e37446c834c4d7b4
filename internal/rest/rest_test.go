package rest_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/pgtest/shipped"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/rest"
	"stadtgraph/internal/server"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var catalogue = sync.OnceValues(graph.Catalogue)

// served is the API over real HTTP, on a database.
type served struct{ base string }

func serve(t testing.TB, pool *pgxpool.Pool) served {
	t.Helper()
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	api, err := rest.New(rest.Config{Schema: graph.Schema(), Prefix: read.Prefix, DB: pool})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{
		Executor: graph.NewExecutor(plan.New(read, pool, true)), Authenticate: (&auth.Gate{DB: pool}).Authenticate, Database: pool,
		Pages: api.Pages, Routes: api.Routes, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return served{h.URL}
}

type reply struct {
	*http.Response
	body string
}

func (s served) do(t testing.TB, method, path, body string, headers ...string) reply {
	t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = s.base + path
	}
	r, err := http.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response, string(read)}
}

func (s served) get(t testing.TB, path string, headers ...string) reply {
	t.Helper()
	return s.do(t, http.MethodGet, path, "", headers...)
}

// decode reads an answer that must have been given.
func decode[T any](t testing.TB, r reply) (out T) {
	t.Helper()
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", r.Status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), &out); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return out
}

type list struct {
	Data       []map[string]any
	TotalCount int
	PageInfo   struct {
		HasNextPage bool
		EndCursor   string
	}
}

func (l list) ids() (ids []string) {
	for _, entry := range l.Data {
		ids = append(ids, entry["id"].(string))
	}
	return ids
}

// described is the API's own description, read as others read it.
type described struct {
	mu       sync.Mutex // of the compiler
	compiler *jsonschema.Compiler
	paths    map[string]any
}

func describedBy(t testing.TB, s served) *described {
	t.Helper()
	r := s.get(t, "/api/v1/openapi.json")
	doc := decode[map[string]any](t, r)
	if servers := doc["servers"].([]any); servers[0].(map[string]any)["url"] != s.base+"/api/v1" {
		t.Errorf("the API is said to be at %v", servers)
	}
	strict(doc["components"])
	strict(doc["paths"])
	d := &described{compiler: jsonschema.NewCompiler(), paths: doc["paths"].(map[string]any)}
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource("api.json", doc); err != nil {
		t.Fatal(err)
	}
	return d
}

// strict makes schemas of objects refuse what they do not describe.
func strict(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok && v["type"] != nil && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, member := range v {
			strict(member)
		}
	case []any:
		for _, item := range v {
			strict(item)
		}
	}
}

// check holds an answer to what the description says of it.
func (d *described) check(t testing.TB, path, method string, r reply) {
	t.Helper()
	sent, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	at := []string{"paths", path, method, "responses", fmt.Sprint(r.StatusCode)}
	node, _ := d.paths[path].(map[string]any)[method].(map[string]any)["responses"].(map[string]any)[at[4]].(map[string]any)
	if node == nil {
		t.Errorf("%s: status %d is not described", path, r.StatusCode)
		return
	}
	if ref, ok := node["$ref"].(string); ok {
		at = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
	}
	pointer := "api.json#"
	for _, step := range append(at, "content", sent, "schema") {
		pointer += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
	}
	d.mu.Lock()
	schema, err := d.compiler.Compile(pointer)
	d.mu.Unlock()
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	answer, err := jsonschema.UnmarshalJSON(strings.NewReader(r.body))
	if err == nil {
		err = schema.Validate(answer)
	}
	if err != nil {
		t.Errorf("%s: %v\n%.300s", r.Request.URL, err, r.body)
	}
}

var linked = regexp.MustCompile(`<([^>]*)>; rel="(\w+)"`)

func (r reply) link(rel string) string {
	for _, m := range linked.FindAllStringSubmatch(r.Header.Get("Link"), -1) {
		if m[2] == rel {
			return m[1]
		}
	}
	return ""
}

// few narrows lists that are long.
var few = map[string]string{"municipalities": "state=SL"}

// fields of Query that answer the collections, and filters as narrow as few.
var fields = map[string]string{
	"articles": "articles", "awards": "awards", "comments": "comments", "funding-calls": "fundingCalls", "funding-programs": "fundingPrograms", "measures": "measures",
	"municipalities": "municipalities(filter: {state: {code: {in: [SL]}}}", "organizations": "organizations", "states": "states", "strategies": "strategies", "topics": "topics",
}

// TestChangesAsDescribed: changes of all types, and the entries in them, are as the
// description says.
func TestChangesAsDescribed(t *testing.T) {
	t.Parallel()
	s := serve(t, shipped.DB(t))
	d := describedBy(t, s)
	const others = "types=STATE,ORGANIZATION,TOPIC,PERSON,EVENT,RANKING,RANKING_ENTRY,PLATFORM,INDICATOR,STRATEGY,MEASURE,FUNDING_PROGRAM,FUNDING_CALL,FUNDING_AWARD,ARTICLE,COMMENT,MEDIA_ASSET"
	seen := map[string]int{}
	for _, start := range []string{"types=MUNICIPALITY&first=20", others + "&first=100"} {
		for next := "/api/v1/changes?" + start; next != ""; next = changesOf(t, s, d, next, seen) {
			if seen["MUNICIPALITY"] > 0 && strings.HasPrefix(start, "types=M") {
				break // one page of eleven thousand
			}
		}
	}
	for _, name := range []string{"MUNICIPALITY", "STATE", "ARTICLE", "STRATEGY", "FUNDING_AWARD", "COMMENT"} {
		if seen[name] == 0 {
			t.Errorf("no change of %s is seen: %v", name, seen)
		}
	}
}

// changesOf reads a page of changes, and says where the next is.
func changesOf(t *testing.T, s served, d *described, address string, seen map[string]int) (next string) {
	t.Helper()
	answer := s.get(t, address)
	d.check(t, "/changes", "get", answer)
	for _, c := range decode[struct{ Changes []struct{ Type string } }](t, answer).Changes {
		seen[c.Type]++
	}
	return answer.link("next")
}

// TestEndpoints: each collection has the pages that GraphQL has, forwards and backwards;
// each entry is found by each of its keys; each answer is as the description says.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	s := serve(t, shipped.DB(t))
	d := describedBy(t, s)
	seen := 0
	for path := range d.paths {
		collection, single, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if single != "" || collection == "resolve" || collection == "changes" {
			continue
		}
		seen++
		t.Run(collection, func(t *testing.T) {
			t.Parallel()
			want := s.inGraphQL(t, fields[collection])
			var got, back []string
			var r reply
			for next := "/api/v1/" + collection + "?first=40&" + few[collection]; next != ""; next = r.link("next") {
				r = s.get(t, next)
				d.check(t, path, "get", r)
				page := decode[list](t, r)
				got = append(got, page.ids()...)
				if page.TotalCount != len(want) || page.PageInfo.HasNextPage != (r.link("next") != "") || r.link("first") == "" {
					t.Errorf("%s: %d entries, %v, Link %s; want %d", next, page.TotalCount, page.PageInfo, r.Header.Get("Link"), len(want))
				}
			}
			for prev := r.link("prev"); prev != ""; prev = r.link("prev") {
				r = s.get(t, prev)
				back = append(decode[list](t, r).ids(), back...)
			}
			if len(got) == 0 || !slices.Equal(got, want) || !slices.Equal(back, want[:len(back)]) || len(want) > 40 && len(back) == 0 {
				t.Errorf("got %d entries and %d backwards, want %d", len(got), len(back), len(want))
			}
			first := decode[list](t, s.get(t, "/api/v1/"+collection+"?first=1&"+few[collection])).Data[0]
			for _, by := range []string{"id", "slug", "key", "code"} {
				value, ok := first[by].(string)
				if !ok || collection == "awards" && by != "id" {
					continue
				}
				one := s.get(t, "/api/v1/"+collection+"/"+value)
				for p := range d.paths {
					if strings.HasPrefix(p, path+"/{") {
						d.check(t, p, "get", one)
					}
				}
				if found := decode[struct{ Data map[string]any }](t, one); found.Data["id"] != first["id"] {
					t.Errorf("by %s %s: got %s", by, value, one.body)
				}
				etag := one.Header.Get("ETag")
				if again := s.get(t, "/api/v1/"+collection+"/"+value, "If-None-Match", etag); etag == "" || again.StatusCode != http.StatusNotModified || again.body != "" {
					t.Errorf("again: %s", again.Status)
				}
				if head := s.do(t, http.MethodHead, "/api/v1/"+collection+"/"+value, ""); head.body != "" || head.ContentLength != int64(len(one.body)) {
					t.Errorf("HEAD: %s, %d bytes", head.Status, head.ContentLength)
				}
			}
			since := s.get(t, "/api/v1/"+collection+"?first=3&modified_since=2020-01-01")
			d.check(t, path, "get", since)
		})
	}
	if seen != len(fields) {
		t.Errorf("%d collections, want %d", seen, len(fields))
	}
}

// inGraphQL is the ids of all entries of a connection.
func (s served) inGraphQL(t testing.TB, field string) (ids []string) {
	t.Helper()
	if !strings.Contains(field, "(") {
		field += "("
	} else {
		field += ", "
	}
	after := "null"
	for {
		query, _ := json.Marshal(map[string]string{"query": "{ list: " + field + "first: 100, after: " + after + ") { data: nodes { id } pageInfo { hasNextPage endCursor } } }"})
		page := decode[struct{ Data struct{ List list } }](t, s.do(t, http.MethodPost, "/graphql", string(query), "Content-Type", "application/json")).Data.List
		ids = append(ids, page.ids()...)
		if !page.PageInfo.HasNextPage {
			return ids
		}
		after = `"` + page.PageInfo.EndCursor + `"`
	}
}

// TestParameters: what each filter finds, and what is wrong with bad values.
func TestParameters(t *testing.T) {
	t.Parallel()
	s := serve(t, shipped.DB(t))
	d := describedBy(t, s)
	for query, want := range map[string]string{
		"municipalities?key=09461000":                                                 "09461000",
		"municipalities?q=Bamberg&level=district":                                     "09471",
		"municipalities?state=by&population_min=1000000":                              "09162000",
		"municipalities?territory=09461&sort=-population":                             "09461000",
		"municipalities?territory=09461,09162&sort=-population&population_max=100000": "09461000",
		"topics?scheme=SECTION,section&first=1&sort=-name":                            "",
		"states?code=HB": "04",
	} {
		page := decode[list](t, s.get(t, "/api/v1/"+query))
		if len(page.Data) == 0 || want != "" && (len(page.Data) != 1 || page.Data[0]["key"] != want) {
			t.Errorf("%s: got %v, want %s", query, page.Data, want)
		}
	}
	all := decode[list](t, s.get(t, "/api/v1/articles")).TotalCount
	if bavarian := decode[list](t, s.get(t, "/api/v1/articles?state=BY")); bavarian.TotalCount == 0 || bavarian.TotalCount >= all {
		t.Errorf("%d of %d articles are about Bavaria", bavarian.TotalCount, all)
	}
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{"articles?nothing=1", 400, "it knows `q`, `kind`, `language`"},
		{"articles/x?kind=NEWS", 400, "takes no parameters"},
		{"articles?kind=NEWS&kind=REPORT", 400, `"parameter":"kind"`},
		{"articles?kind=GOSSIP", 400, "is one of NEWS, REPORT"},
		{"articles?kind=", 400, "is one of NEWS"},
		{"articles?sort=loudness", 400, "is one of published_on, title"},
		{"articles?sponsored=yes", 400, "true or false"},
		{"articles?first=0", 400, "from 1 to 100"},
		{"articles?first=101", 400, "from 1 to 100"},
		{"articles?first=9999999999999999999", 400, "from 1 to 100"},
		{"articles?first=1&last=1", 400, "BAD_USER_INPUT"},
		{"articles?after=garbage", 400, "BAD_USER_INPUT"},
		{"articles?published_from=yesterday", 400, "an instant such as"},
		{"articles?modified_since=0000-01-01", 400, "an instant such as"},
		{"articles?modified_since=2024-01-01&after=garbage", 400, "no cursor"},
		{"articles?modified_since=2024-01-01&after=", 400, "is empty"},
		{"articles?modified_since=2024-01-01&sort=title", 400, "Leave out `sort`"},
		{"articles?modified_since=2024-01-01&last=2", 400, "Leave out `last`"},
		{"articles?q=%00", 400, "text in UTF-8"},
		{"articles?q=%ff", 400, "text in UTF-8"},
		{"articles?q=%zz", 400, "not encoded"},
		{"articles?topic=" + strings.Repeat("a,", 101), 400, "100 values at most"},
		{"municipalities?population_min=1e3", 400, "whole number"},
		{"strategies?adopted_from=2024-13-01", 400, "a day such as"},
		{"awards?amount_min=1e9999", 400, "a number such as"},
		{"articles/nothing", 404, "There is no such article"},
		{"articles/%00", 404, "There is no such article"},
		{"articles/%ff", 404, "There is no such article"},
		{"articles/" + strings.Repeat("a", 301), 404, "There is no such article"},
		{"municipalities/99999999", 404, "no such municipality"},
		{"states/XX", 404, "no such state"},
		{"awards/1", 404, "There is no such"},
		{"awards/article_01h455vb4pex5vsknk084sn02q", 404, ""},
		{"nothing", 404, "/api/v1 lists"},
	} {
		r := s.get(t, "/api/v1/"+c.path)
		if r.StatusCode != c.status || !strings.Contains(r.body, c.want) || r.Header.Get("Content-Type") != "application/problem+json" || strings.Contains(r.body, "garbage") {
			t.Errorf("%s: got %s %s", c.path, r.Status, r.body)
		}
		if strings.HasPrefix(c.path, "articles?") {
			d.check(t, "/articles", "get", r)
		}
	}
	if r := s.do(t, http.MethodPost, "/api/v1/articles", "{}"); r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("POST: got %s %v", r.Status, r.Header)
	}
	if r := s.get(t, "/api/v1/articles", "Accept", "text/html"); r.StatusCode != http.StatusNotAcceptable {
		t.Errorf("HTML: got %s", r.Status)
	}
	// Former keys and keys of other kinds find the unit that they stand for.
	for _, key := range []string{"09461", "094610000000"} {
		if one := decode[struct{ Data map[string]any }](t, s.get(t, "/api/v1/municipalities/"+key)); one.Data["key"] != "09461000" {
			t.Errorf("%s: got %v", key, one.Data["key"])
		}
	}
	r := s.get(t, "/api/v1/openapi.json")
	if again := s.get(t, "/api/v1/openapi.json", "If-None-Match", r.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("the description again: %s", again.Status)
	}
	index := decode[struct{ Data []struct{ URL string } }](t, s.get(t, "/api/v1"))
	if len(index.Data) != len(d.paths) {
		t.Errorf("the index has %d addresses, the description %d", len(index.Data), len(d.paths))
	}
}
