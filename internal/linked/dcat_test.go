package linked_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/knakk/rdf"

	"stadtgraph/internal/linked"
)

var dumps = []linked.Dump{
	{Name: "all", Formats: []string{"ndjson"}},
	{Type: "Municipality", Name: "municipalities", Formats: []string{"ndjson", "csv", "geojson"}},
	{Type: "Strategy", Name: "strategies", Formats: []string{"ndjson", "csv"}},
	{Type: "NewThing", Name: "new-things", Formats: []string{"csv"}},
}

// triples are what another parser reads in Turtle, a line for each.
func triples(t *testing.T, text []byte) []string {
	t.Helper()
	var all []string
	for d := rdf.NewTripleDecoder(bytes.NewReader(text), rdf.Turtle); ; {
		triple, err := d.Decode()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		all = append(all, strings.TrimSpace(triple.Serialize(rdf.NTriples)))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	data := reader(t)(t, linked.CatalogueDocument, nil)
	for name, terms := range map[string]linked.Terms{
		"as it is":  {},
		"all given": {Contact: "daten@example.org", Licence: "cc-by/4.0", Contributor: "http://dcat-ap.de/def/contributors/beispiel", Territories: []string{"09461000", "09471"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := publisher(t)
			at.Publisher = "Amt \"für\\Daten\"\nund <mehr> & ü"
			turtle, err := linked.Catalogue(at, terms, dumps, linked.Turtle, data)
			if err != nil {
				t.Fatal(err)
			}
			jsonld, err := linked.Catalogue(at, terms, dumps, linked.JSONLD, data)
			if err != nil {
				t.Fatal(err)
			}
			said, understood := triples(t, turtle), quads(t, jsonld)
			slices.Sort(understood)
			if understood = slices.Compact(understood); !slices.Equal(said, understood) {
				for _, q := range understood {
					if !slices.Contains(said, q) {
						t.Errorf("only in JSON-LD: %s", q)
					}
				}
				for _, q := range said {
					if !slices.Contains(understood, q) {
						t.Errorf("only in Turtle: %s", q)
					}
				}
			}
			complete(t, said, terms.Contributor != "")
		})
	}
}

const (
	dcat = "http://www.w3.org/ns/dcat#"
	dct  = "http://purl.org/dc/terms/"
	de   = "http://dcat-ap.de/def/dcatde/"
)

// complete looks for what DCAT-AP.de 2.0 and its conventions ask of each class.
func complete(t *testing.T, triples []string, delivered bool) {
	t.Helper()
	mandatory := map[string][]string{
		dcat + "Catalog":                       {dct + "title", dct + "description", dct + "publisher", dcat + "dataset"},
		dcat + "Dataset":                       {dct + "title", dct + "description", dct + "publisher", dcat + "contactPoint", dcat + "theme", dcat + "keyword", dcat + "distribution", de + "politicalGeocodingLevelURI", de + "politicalGeocodingURI", dct + "identifier"},
		dcat + "Distribution":                  {dcat + "accessURL", dct + "license", dct + "format", dct + "title"},
		"http://xmlns.com/foaf/0.1/Agent":      {"http://xmlns.com/foaf/0.1/name"},
		"http://www.w3.org/2006/vcard/ns#Kind": {"http://www.w3.org/2006/vcard/ns#fn"},
	}
	if delivered {
		mandatory[dcat+"Dataset"] = append(mandatory[dcat+"Dataset"], de+"contributorID")
	}
	found := 0
	for _, triple := range triples {
		subject, rest, _ := strings.Cut(triple, " ")
		class, is := strings.CutPrefix(rest, "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <")
		if !is {
			continue
		}
		class = strings.TrimSuffix(class, "> .")
		found++
		for _, property := range mandatory[class] {
			if !slices.ContainsFunc(triples, func(o string) bool { return strings.HasPrefix(o, fmt.Sprintf("%s <%s> ", subject, property)) }) {
				t.Errorf("%s, a %s, has no %s", subject, class, property)
			}
		}
		if mandatory[class] == nil {
			t.Errorf("%s is a %s, which is not told of", subject, class)
		}
	}
	if want := 3 + len(dumps) + 7; found != want {
		t.Errorf("%d resources, want %d", found, want)
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		terms linked.Terms
		fine  bool
	}{
		"none":        {linked.Terms{}, true},
		"mail":        {linked.Terms{Contact: "a@example.org"}, true},
		"page":        {linked.Terms{Contact: "https://example.org/kontakt"}, true},
		"no contact":  {linked.Terms{Contact: "call us"}, false},
		"a name, too": {linked.Terms{Contact: "A <a@example.org>"}, false},
		"licence":     {linked.Terms{Licence: "http://dcat-ap.de/def/licenses/cc-by/4.0"}, true},
		"no licence":  {linked.Terms{Licence: "CC BY 4.0"}, false},
		"key":         {linked.Terms{Territories: []string{"09461000"}}, true},
		"no key":      {linked.Terms{Territories: []string{"9461"}}, false},
	} {
		if err := c.terms.Check(); (err == nil) != c.fine {
			t.Errorf("%s: %v", name, err)
		}
	}
}
