package feed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/emersion/go-ical"
	"github.com/mmcdole/gofeed"

	"stadtgraph/graph"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/feed"
	"stadtgraph/internal/pgtest/shipped"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/site"
)

var catalogue = sync.OnceValues(graph.Catalogue)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// reader runs queries on the shipped data, as anybody.
func reader(t *testing.T) func(t *testing.T, document string, variables map[string]any) []byte {
	t.Helper()
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	executor := graph.NewExecutor(plan.New(read, shipped.DB(t), true))
	return func(t *testing.T, document string, variables map[string]any) []byte {
		t.Helper()
		ctx := graphql.StartOperationTrace(context.Background())
		op, errs := executor.CreateOperationContext(ctx, &graphql.RawParams{Query: document, Variables: variables})
		if len(errs) > 0 {
			t.Fatalf("%v\n%s", errs, document)
		}
		handler, ctx := executor.DispatchOperation(ctx, op)
		response := handler(ctx)
		if len(response.Errors) > 0 {
			t.Fatalf("%v\n%s", response.Errors, document)
		}
		return response.Data
	}
}

func publisher(t *testing.T) site.Site {
	t.Helper()
	pages, err := site.ParsePages(map[string]string{"article": "https://news.example/artikel/{slug}", "comment": "https://news.example/artikel/{article}#{id}", "state": "https://news.example/land/{key}"})
	if err != nil {
		t.Fatal(err)
	}
	return site.Site{Base: "https://api.example", Home: "https://news.example/", Pages: pages, Publisher: "Beispielverlag"}
}

// subjects are what the feeds of a path are asked for in the shipped data.
var subjects = map[string]map[string]string{
	"states": {"key": "09"}, "municipalities": {"key": "09461000"}, "topics": {"slug": "smart-city"}, "articles": {"slug": ""},
}

func find(t *testing.T, path string) feed.Feed {
	t.Helper()
	for _, f := range feed.All {
		if f.Path == path {
			return f
		}
	}
	t.Fatalf("there is no feed %s", path)
	return feed.Feed{}
}

// parse reads a feed with the parsers of others.
func parse(t *testing.T, form feed.Form, text []byte) *gofeed.Feed {
	t.Helper()
	if !utf8.Valid(text) {
		t.Fatal("it is no UTF-8")
	}
	if form.Extension != feed.JSON.Extension {
		for d := xml.NewDecoder(bytes.NewReader(text)); ; { // strictly, which gofeed is not
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
		}
	}
	parsed, err := gofeed.NewParser().Parse(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v\n%s", form.Extension, err, text)
	}
	return parsed
}

func TestArticles(t *testing.T) {
	t.Parallel()
	read := reader(t)
	f := find(t, "/feeds/articles")
	for _, form := range f.Forms {
		variables, err := f.Variables(nil, url.Values{}, now)
		if err != nil {
			t.Fatal(err)
		}
		text, err := f.Render(form, publisher(t), nil, "", read(t, f.Document, variables))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%.3000s", text)
		parsed := parse(t, form, text)
		if len(parsed.Items) < 5 {
			t.Errorf("%s: %d items", form.Extension, len(parsed.Items))
		}
	}
}

// Every feed is parsed by what others parse feeds with, and says of something that is not
// there that it is not.
func TestAll(t *testing.T) {
	t.Parallel()
	read := reader(t)
	for _, f := range feed.All {
		t.Run(f.Path, func(t *testing.T) {
			t.Parallel()
			values, unknown := map[string]string{}, map[string]string{}
			for _, p := range f.Parameters {
				values[p], unknown[p] = subjects[strings.Split(f.Path, "/")[2]][p], "99-ü/unknown"
				if strings.Contains(f.Path, "/articles/{slug}") {
					var found struct {
						Articles struct{ Nodes []struct{ Slug string } }
					}
					if err := json.Unmarshal(read(t, `{ articles(first: 1) { nodes { slug } } }`, nil), &found); err != nil {
						t.Fatal(err)
					}
					values[p] = found.Articles.Nodes[0].Slug
				}
			}
			for _, form := range f.Forms {
				variables, err := f.Variables(values, url.Values{}, now)
				if err != nil {
					t.Fatal(err)
				}
				text, err := f.Render(form, publisher(t), values, "", read(t, f.Document, variables))
				if err != nil {
					t.Fatal(err)
				}
				if form.Extension == feed.Calendar.Extension {
					if _, err := ical.NewDecoder(bytes.NewReader(text)).Decode(); err != nil {
						t.Errorf("%v\n%s", err, text)
					}
					continue
				}
				parsed := parse(t, form, text)
				if parsed.Title == "" || strings.ContainsAny(parsed.Title, "{}") || parsed.FeedLink == "" && form.Extension != feed.RSS.Extension {
					t.Errorf("%s: title %q, link %q", form.Extension, parsed.Title, parsed.FeedLink)
				}
				seen := map[string]bool{}
				for _, i := range parsed.Items {
					if i.GUID == "" || seen[i.GUID] || i.Title == "" || i.UpdatedParsed == nil && i.PublishedParsed == nil && form.Extension != feed.RSS.Extension {
						t.Errorf("%s: %+v", form.Extension, i)
					}
					seen[i.GUID] = true
				}
				t.Log(form.Extension, parsed.Title, len(parsed.Items))
			}
			if len(f.Parameters) == 0 {
				return
			}
			variables, err := f.Variables(unknown, url.Values{}, now)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.Render(f.Forms[0], publisher(t), unknown, "", read(t, f.Document, variables))
			if shown, ok := fault.From(err); !ok || shown.Code != fault.NotFound {
				t.Errorf("of something unknown: %v", err)
			}
		})
	}
}
