package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stadtgraph/internal/pgtest/shipped"
)

// What is compared must do the same: for each query all answers that are
// written by hand are those of the product.
func TestAnswersAreEqual(t *testing.T) {
	pool := shipped.DB(t)
	targets := map[string]*target{}
	for _, kind := range kinds {
		var handler http.Handler = &handlers{kind: kind, pool: pool, known: map[string][]byte{}}
		if kind == "planned" || kind == "cached" {
			product, _, err := newProduct(t.Context(), pool, kind == "cached")
			if err != nil {
				t.Fatal(err)
			}
			handler = product.Handler()
		}
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		targets[kind] = &target{kind: kind, addr: strings.TrimPrefix(server.URL, "http://")}
	}
	runs, err := compare(t.Context(), queries, targets)
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		if run.lengths[0] < 100 && run.target.kind != "pg" {
			t.Errorf("%s of %s is almost empty", run.query.label, run.target.kind)
		}
	}
}
