package linked_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/piprate/json-gold/ld"

	"stadtgraph/graph"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/linked"
	"stadtgraph/internal/pgtest/shipped"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/site"
)

var catalogue = sync.OnceValues(graph.Catalogue)

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
	pages, err := site.ParsePages(map[string]string{"article": "https://news.example/artikel/{slug}", "municipality": "https://news.example/ort/{key}"})
	if err != nil {
		t.Fatal(err)
	}
	return site.Site{Base: "https://api.example", Home: "https://news.example/", Pages: pages, Publisher: "Beispielverlag"}
}

// contexts gives a processor schema.org's terms without asking schema.org.
type contexts struct{}

func (contexts) LoadDocument(u string) (*ld.RemoteDocument, error) {
	if u != "https://schema.org" {
		return nil, errors.New("a test asks nobody for " + u)
	}
	return &ld.RemoteDocument{DocumentURL: u, Document: map[string]any{"@context": map[string]any{"@vocab": "http://schema.org/", "url": map[string]any{"@type": "@id"}, "sameAs": map[string]any{"@type": "@id"}}}}, nil
}

// quads are what a processor understands of JSON-LD, a line for each.
func quads(t *testing.T, text []byte) []string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	options := ld.NewJsonLdOptions("")
	options.Format, options.DocumentLoader, options.ProcessingMode = "application/n-quads", contexts{}, ld.JsonLd_1_1
	understood, err := ld.NewJsonLdProcessor().ToRDF(v, options)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return strings.Split(strings.TrimSpace(understood.(string)), "\n")
}

// lists are root fields of the types that have documents.
var lists = map[string]string{
	"Article": "articles", "Event": "events", "FundingAward": "awards", "FundingCall": "fundingCalls", "FundingProgram": "fundingPrograms",
	"Measure": "measures", "Municipality": "municipalities", "Organization": "organizations", "Person": "persons", "Platform": "platforms",
	"Ranking": "rankings", "State": "states", "Strategy": "strategies", "Topic": "topics",
}

func TestNodes(t *testing.T) {
	t.Parallel()
	read := reader(t)
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found struct {
				List struct{ Nodes []struct{ ID string } }
			}
			if err := json.Unmarshal(read(t, fmt.Sprintf("{ list: %s(first: 20) { nodes { id } } }", lists[name]), nil), &found); err != nil {
				t.Fatal(err)
			}
			if len(found.List.Nodes) == 0 {
				t.Fatal("there are none")
			}
			for n, node := range found.List.Nodes {
				text, err := linked.Node(publisher(t), read(t, linked.Documents[name], map[string]any{"id": node.ID}))
				if err != nil {
					t.Fatal(err)
				}
				if n == 0 {
					var b bytes.Buffer
					_ = json.Indent(&b, text, "", " ")
					t.Log(b.String())
				}
				all := quads(t, text)
				about := fmt.Sprintf("<https://api.example/api/v1/jsonld/%s> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://schema.org/", node.ID)
				if !slices.ContainsFunc(all, func(q string) bool { return strings.HasPrefix(q, about) }) {
					t.Errorf("its type is not said:\n%s", strings.Join(all, "\n"))
				}
			}
		})
	}
}

func TestUnknownNode(t *testing.T) {
	t.Parallel()
	_, err := linked.Node(publisher(t), []byte(`{"node":null}`))
	if shown, ok := fault.From(err); !ok || shown.Code != fault.NotFound {
		t.Errorf("got %v", err)
	}
}
