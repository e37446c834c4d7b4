package linked

import (
	"maps"
	"net/http"
	"slices"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/server"
	"stadtgraph/internal/site"
)

// Pages are the addresses of linked data: a node by its id, and the catalogue. prefix is
// that of the ids of a type.
func Pages(of site.Site, terms Terms, dumps []Dump, prefix func(typeName string) string) []server.Page {
	byPrefix := map[string]string{}
	for name, document := range Documents {
		byPrefix[prefix(name)] = document
	}
	return []server.Page{
		{Pattern: "/api/v1/jsonld/{id}", Public: true, Documents: slices.Collect(maps.Values(byPrefix)), Ask: func(r server.Request) (server.Asked, error) {
			if r.URL.RawQuery != "" {
				return server.Asked{}, fault.New(fault.Invalid, "Linked data takes no parameters.")
			}
			id, err := nodeid.Parse(r.PathValue("id"))
			if err != nil {
				return server.Asked{}, fault.New(fault.NotFound, "There is nothing here: the address ends in the `id` of something, such as article_01h455vb4pex5vsknk084sn02q.")
			}
			document, ok := byPrefix[id.Prefix]
			if !ok {
				return server.Asked{}, fault.New(fault.NotFound, "There is no linked data of what has such an id.")
			}
			return server.Asked{Document: document, Variables: map[string]any{"id": id.String()}, Render: func(data []byte) (server.Answer, error) {
				text, err := Node(of.At(r.Base), data)
				return answer(MediaType, text), err
			}}, nil
		}},
		cataloguePage(of, terms, dumps, "/dcat/catalog.ttl", Turtle, Turtle+"; charset=utf-8"),
		cataloguePage(of, terms, dumps, "/dcat/catalog.jsonld", JSONLD, JSONLD),
	}
}

func cataloguePage(of site.Site, terms Terms, dumps []Dump, pattern, mediaType, contentType string) server.Page {
	return server.Page{Pattern: pattern, Document: CatalogueDocument, Public: true, Ask: func(r server.Request) (server.Asked, error) {
		if r.URL.RawQuery != "" { // harvesters page through larger ones
			return server.Asked{}, fault.New(fault.Invalid, "The catalogue takes no parameters: it has one page.")
		}
		return server.Asked{Render: func(data []byte) (server.Answer, error) {
			text, err := Catalogue(of.At(r.Base), terms, dumps, mediaType, data)
			return answer(contentType, text), err
		}}, nil
	}}
}

func answer(contentType string, text []byte) server.Answer {
	return server.Answer{Body: text, Header: http.Header{"Content-Type": {contentType}}}
}
