package trusted

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// ParseManifest reads what build tools write: generate-persisted-query-manifest of
// Apollo, persisted.json of the Relay compiler, and persisted-documents.json of
// GraphQL Code Generator. The last two are an object of documents by their ids.
func ParseManifest(raw []byte) ([]Document, error) {
	var apollo struct {
		Format     string
		Version    int
		Operations []struct{ ID, Body string }
	}
	var documents []Document
	if err := json.Unmarshal(raw, &apollo); err == nil && apollo.Format != "" {
		if apollo.Format != "apollo-persisted-query-manifest" || apollo.Version != 1 {
			return nil, fmt.Errorf("its format is %q, version %d; known are apollo-persisted-query-manifest, version 1, and objects of documents by their ids", apollo.Format, apollo.Version)
		}
		for _, op := range apollo.Operations {
			documents = append(documents, Document{op.ID, op.Body})
		}
	} else {
		byID := map[string]string{}
		if err := json.Unmarshal(raw, &byID); err != nil {
			return nil, errors.New("it is no manifest: neither one of Apollo nor an object of documents by their ids, as of Relay or GraphQL Code Generator")
		}
		for _, id := range slices.Sorted(maps.Keys(byID)) {
			documents = append(documents, Document{id, byID[id]})
		}
	}
	for i, d := range documents {
		if err := d.check(); err != nil {
			return nil, fmt.Errorf("document %d, %q: %w", i+1, d.ID, err)
		}
	}
	return documents, nil
}
