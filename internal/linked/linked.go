// Package linked tells what is read as linked data: nodes in the words of schema.org, and
// the exports as a catalogue after DCAT-AP.de.
package linked

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/site"
)

// MediaType is that of JSON-LD.
const MediaType = "application/ld+json"

//go:embed documents
var documents embed.FS

// Documents are the queries that read nodes of each type. Their aliases are properties of
// schema.org, or of the rules below; what follows an underscore is left away, so that a
// property may have its values from several fields; those of x_else count if x has none.
var Documents = func() map[string]string {
	found := map[string]string{}
	names, _ := fs.Glob(documents, "documents/*.graphql")
	for _, name := range names {
		raw, err := fs.ReadFile(documents, name)
		if err != nil {
			panic(err) // it is embedded
		}
		m := on.FindSubmatch(raw)
		if m == nil {
			panic("linked: " + path.Base(name) + " reads no type")
		}
		found[string(m[1])] = string(raw)
	}
	return found
}()

var on = regexp.MustCompile(`\.\.\. on (\w+) \{`)

// object is a node of JSON-LD.
type object map[string]any

// Node makes JSON-LD of the answer to a document.
func Node(at site.Site, data []byte) ([]byte, error) {
	var answer struct{ Node json.RawMessage }
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if len(answer.Node) == 0 || string(answer.Node) == "null" {
		return nil, fault.New(fault.NotFound, "There is nothing with this id.")
	}
	d := json.NewDecoder(bytes.NewReader(answer.Node))
	d.UseNumber() // amounts keep their digits
	var read map[string]any
	if err := d.Decode(&read); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	w := writer{at}
	node := w.node(read)
	if admin := w.administration(read, node); admin != nil {
		node = object{"@graph": []any{node, admin}}
	}
	node["@context"] = "https://schema.org"
	var b bytes.Buffer
	encoder := json.NewEncoder(&b) // which escapes what would end a script in a page
	err := encoder.Encode(node)
	return b.Bytes(), err
}
