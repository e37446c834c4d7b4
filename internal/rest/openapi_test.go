package rest_test

import (
	"bytes"
	"os"
	"testing"

	"stadtgraph/graph"
	"stadtgraph/internal/rest"
)

const golden = "testdata/openapi.json"

// TestOpenAPI: the document is the one that was reviewed and that public rules are
// applied to (make openapi-lint).
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	api, err := rest.New(rest.Config{Schema: graph.Schema()})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, api.OpenAPI, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(api.OpenAPI, want) {
		t.Errorf("the document is another one than %s (%v): run go test ./internal/rest -update, look at the difference and commit it", golden, err)
	}
}
