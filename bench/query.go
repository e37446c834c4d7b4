package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed queries/*.graphql
var documents embed.FS

// A query is one operation and the values that its variable takes in turn, if it
// has one, so that no row is asked for again and again.
type query struct {
	label, name string // name is that of the document
	what        string
	variable    string
	values      func(ctx context.Context, ask asker) ([]string, error)
	chain       int // how many operations make one request, 0 for one

	bodies []string // of requests
}

// queries are those of the goals; what there is of each is in queries/.
var queries = []*query{
	{label: "Q1", name: "article", what: "an article by slug, with its municipality and 10 comments", variable: "slug", values: slugs},
	{label: "Q2", name: "newest", what: "20 newest articles, each with its municipality and strategy", variable: "after", values: cursors("articles", "filter: {publishedOn: {isNull: false}}", 20)},
	{label: "Q3", name: "state", what: "50 municipalities of a state, each with 3 strategies and 3 articles", variable: "key", values: states},
	{label: "Q5", name: "municipalities", what: "100 municipalities with all their scalars", variable: "after", values: cursors("municipalities", "", 100)},
	{label: "Q5x", name: "municipalities", what: "1,000 municipalities with all their scalars, as 10 pages in sequence", variable: "after", values: cursors("municipalities", "", 100), chain: 10},
	{label: "F1", name: "filtered", what: "20 newest articles with a keyword in a state, and how many there are", variable: "keyword", values: keywords},
	{label: "F2", name: "facets", what: "all articles counted by kind, year, state and section"},
	{label: "F3", name: "search", what: "the 10 best hits of all types for rare and common words, and how many there are", variable: "query", values: wordings},
	{label: "F4", name: "suggest", what: "10 suggestions for what somebody has typed", variable: "prefix", values: beginnings},
}

// An asker answers an operation without variables.
type asker func(ctx context.Context, operation string, data any) error

// prepare finds the values of the variable.
func (q *query) prepare(ctx context.Context, ask asker) error {
	document, err := documents.ReadFile("queries/" + q.name + ".graphql")
	if err != nil {
		return err
	}
	if q.variable == "" {
		q.bodies = []string{body(string(document), nil)}
		return nil
	}
	values, err := q.values(ctx, ask)
	if err != nil || len(values) == 0 {
		return fmt.Errorf("%s: no values for its variable: %w", q.label, err)
	}
	q.bodies = nil
	for _, v := range values {
		q.bodies = append(q.bodies, body(string(document), map[string]string{q.variable: v}))
	}
	return nil
}

func body(document string, variables map[string]string) string {
	b, err := json.Marshal(struct {
		Query     string            `json:"query"`
		Variables map[string]string `json:"variables,omitempty"`
	}{document, variables})
	if err != nil {
		panic(err) // strings can be written
	}
	return string(b)
}

// slugs are those of articles with many comments, or of the newest ones if too
// few have any.
func slugs(ctx context.Context, ask asker) ([]string, error) {
	var lively, all []string
	after := ""
	for range 20 {
		var data struct {
			Articles struct {
				Nodes []struct {
					Slug         string
					CommentCount int
				}
				PageInfo pageInfo
			}
		}
		err := ask(ctx, `{articles(first: 100`+after+`) {nodes {slug commentCount} pageInfo {hasNextPage endCursor}}}`, &data)
		if err != nil {
			return nil, err
		}
		for _, a := range data.Articles.Nodes {
			all = append(all, a.Slug)
			if a.CommentCount >= 10 {
				lively = append(lively, a.Slug)
			}
		}
		if after = data.Articles.PageInfo.next(); after == "" {
			break
		}
	}
	if len(lively) < 100 {
		lively = all
	}
	return lively[:min(len(lively), 200)], nil
}

// states are those with many municipalities.
func states(context.Context, asker) ([]string, error) {
	return strings.Fields("01 03 05 06 07 08 09 10 12 13 14 15 16"), nil
}

// keywords are those of articles in a state.
func keywords(ctx context.Context, ask asker) (found []string, err error) {
	var data struct {
		Articles struct {
			Facets []struct{ Buckets []struct{ Value string } }
		}
	}
	err = ask(ctx, `{articles(filter: {territory: ["09"]}) {facets(by: [KEYWORD], first: 50) {buckets {value}}}}`, &data)
	for _, facet := range data.Articles.Facets {
		for _, bucket := range facet.Buckets {
			found = append(found, bucket.Value)
		}
	}
	return found, err
}

// wordings are queries from rare to common, as far as they find something: none has
// to be corrected.
func wordings(ctx context.Context, ask asker) (found []string, err error) {
	for q := range strings.SplitSeq("Bamberg|Smart City|Digitalstrategie|Digitalisierung|Stadt|Verwaltung|Förderung Glasfaser|Onlinezugangsgesetz|Open Data Portal|"+
		"Bürgerbeteiligung|Künstliche Intelligenz|Haushalt Personal|Klimaanpassung -Wasser|Sensorik OR LoRaWAN|Schule Tablets|Oberbürgermeister|"+
		"Datenplattform Verkehr|Nordrhein-Westfalen|Musterbach|Telemedizin|Bodenfeuchtemessung", "|") {
		var data struct {
			Search struct {
				TotalCount int
				DidYouMean *string
			}
		}
		if err := ask(ctx, fmt.Sprintf(`{search(query: %q) {totalCount didYouMean}}`, q), &data); err != nil {
			return nil, err
		}
		if data.Search.TotalCount > 0 && data.Search.DidYouMean == nil {
			found = append(found, q)
		}
	}
	return found, nil
}

// beginnings are what somebody has typed so far.
func beginnings(context.Context, asker) ([]string, error) {
	return strings.Split("b|be|ber|bam|mün|digi|digitalstr|smart|smart ci|stadt|onlinez|open d|klima|glasf|bürgerb|nordr|kreis|förder|rathaus|muster|daten", "|"), nil
}

// cursors are where pages of a list begin, at most a hundred of them.
func cursors(list, filter string, page int) func(ctx context.Context, ask asker) ([]string, error) {
	return func(ctx context.Context, ask asker) ([]string, error) {
		var found []string
		after := ""
		for len(found) < 100 {
			var data map[string]struct {
				Edges    []struct{ Cursor string }
				PageInfo pageInfo
			}
			err := ask(ctx, `{`+list+`(first: 100 `+filter+after+`) {edges {cursor} pageInfo {hasNextPage endCursor}}}`, &data)
			if err != nil {
				return nil, err
			}
			for i := 0; i < len(data[list].Edges); i += page {
				found = append(found, data[list].Edges[i].Cursor)
			}
			if after = data[list].PageInfo.next(); after == "" {
				break
			}
		}
		return found, nil
	}
}

type pageInfo struct {
	HasNextPage bool
	EndCursor   string
}

// next is the argument that asks for the next page, if there is one.
func (p pageInfo) next() string {
	if !p.HasNextPage {
		return ""
	}
	return fmt.Sprintf(", after: %q", p.EndCursor)
}

// choose takes the queries with the labels given, or all.
func choose(labels []string) ([]*query, error) {
	if len(labels) == 0 {
		return queries, nil
	}
	var chosen []*query
	for _, label := range labels {
		i := slices.IndexFunc(queries, func(q *query) bool { return strings.EqualFold(q.label, label) })
		if i < 0 {
			return nil, fmt.Errorf("there is no query %s", label)
		}
		chosen = append(chosen, queries[i])
	}
	return chosen, nil
}
