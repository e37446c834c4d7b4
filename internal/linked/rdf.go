package linked

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// prefixes are those of all names, of properties and types.
var prefixes = []struct{ name, iri string }{
	{"dcat", "http://www.w3.org/ns/dcat#"},
	{"dcatap", "http://data.europa.eu/r5r/"},
	{"dcatde", "http://dcat-ap.de/def/dcatde/"},
	{"dct", "http://purl.org/dc/terms/"},
	{"foaf", "http://xmlns.com/foaf/0.1/"},
	{"vcard", "http://www.w3.org/2006/vcard/ns#"},
	{"xsd", "http://www.w3.org/2001/XMLSchema#"},
}

// A resource is what is said of something: in RDF, all triples with it as their subject.
type resource struct {
	id    string
	types []string
	is    []property
}

type property struct {
	name   string
	values []term
}

func (r *resource) add(name string, values ...term) {
	if len(values) == 0 {
		return
	}
	for i := range r.is {
		if r.is[i].name == name {
			r.is[i].values = append(r.is[i].values, values...)
			return
		}
	}
	r.is = append(r.is, property{name, values})
}

// A term is an object of triples: another resource, or a text.
type term struct{ iri, text, language, datatype string }

func iri(address string) term { return term{iri: address} }
func plain(text string) term  { return term{text: text} }
func german(text string) term { return term{text: text, language: "de"} }
func instant(t time.Time) term {
	return term{text: t.UTC().Format(time.RFC3339), datatype: "xsd:dateTime"}
}
func (t term) json() map[string]any {
	switch {
	case t.iri != "":
		return map[string]any{"@id": irify(t.iri)}
	case t.language != "":
		return map[string]any{"@value": t.text, "@language": t.language}
	case t.datatype != "":
		return map[string]any{"@value": t.text, "@type": t.datatype}
	}
	return map[string]any{"@value": t.text}
}

func (t term) turtle() string {
	switch {
	case t.iri != "":
		return "<" + irify(t.iri) + ">"
	case t.language != "":
		return quoted(t.text) + "@" + t.language
	case t.datatype != "":
		return quoted(t.text) + "^^" + t.datatype
	}
	return quoted(t.text)
}

// irify writes what an IRI must not hold between its brackets as UTF-8 in percents.
func irify(address string) string {
	var b strings.Builder
	for _, r := range address {
		if r <= ' ' || strings.ContainsRune("<>\"{}|^`\\", r) {
			fmt.Fprintf(&b, "%%%02X", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text) + `"`
}

func writeTurtle(resources []*resource) []byte {
	var b bytes.Buffer
	for _, p := range prefixes {
		fmt.Fprintf(&b, "@prefix %s: <%s> .\n", p.name, p.iri)
	}
	for _, r := range resources {
		fmt.Fprintf(&b, "\n<%s> a %s", irify(r.id), strings.Join(r.types, ", "))
		for _, p := range r.is {
			for i, v := range p.values {
				if i == 0 {
					fmt.Fprintf(&b, " ;\n    %s %s", p.name, v.turtle())
					continue
				}
				fmt.Fprintf(&b, ", %s", v.turtle())
			}
		}
		b.WriteString(" .\n")
	}
	return b.Bytes()
}

func writeJSONLD(resources []*resource) ([]byte, error) {
	context := map[string]string{}
	for _, p := range prefixes {
		context[p.name] = p.iri
	}
	graph := make([]map[string]any, len(resources))
	for i, r := range resources {
		node := map[string]any{"@id": irify(r.id), "@type": r.types}
		for _, p := range r.is {
			values := make([]any, len(p.values))
			for j, v := range p.values {
				values[j] = v.json()
			}
			node[p.name] = values
		}
		graph[i] = node
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(map[string]any{"@context": context, "@graph": graph})
	return b.Bytes(), err
}
