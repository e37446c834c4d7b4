package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stadtgraph/internal/server"
)

// Whatever comes as a request, the answer is one of ours, in time.
func FuzzGuard(f *testing.F) {
	s, err := server.New(config(f))
	if err != nil {
		f.Fatal(err)
	}
	handler := s.Handler()
	for _, seed := range []struct{ method, query, contentType, accept, body string }{
		{"POST", "", plainJSON, graphqlResponse, `{"query":"{ municipality(key: \"09461000\") { name } }"}`},
		{"POST", "", plainJSON, "*/*;q=0.1", `{"query":"query($f: MunicipalityFilter) { municipalities(filter: $f, first: 3) { nodes { name } totalCount } }","variables":{"f":{"name":{"contains":"b"}}}}`},
		{"POST", "", "application/json; charset=utf-8", "", `{"query":"{ ...a ...a } fragment a on Query { states { facets(by: [MUNICIPALITY]) { by } } }"}`},
		{"POST", "", plainJSON, "", `{"documentId":"x-a","extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`},
		{"POST", "", plainJSON, "", `{"query":"query($a: [ID!]! = []) { nodes(ids: $a) { id ... on State { name } } __schema { types { name } } }","variables":{"a":["state_01h455vb4pex5vsknk084sn02q"]}}`},
		{"POST", "", plainJSON, "", `{"query":"{ search(query: \"ä -b\", after: \"AQ\") { nodes { title { html } } } }"}`},
		{"GET", "query=%7B__typename%7D&variables=%7B%7D", "", "", ""},
		{"GET", "extensions=%7B%22persistedQuery%22%3A7%7D", "", "text/html", ""},
		{"PUT", "", plainJSON, "", `{`},
	} {
		f.Add(seed.method, seed.query, seed.contentType, seed.accept, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, method, query, contentType, accept string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(string(body)))
		r.Method, r.URL.RawQuery = method, query
		for name, value := range map[string]string{"Content-Type": contentType, "Accept": accept} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		start := time.Now()
		handler.ServeHTTP(w, r)
		answer := w.Body.String()
		if w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, answer)
		}
		if took := time.Since(start); took > 5*slowness*time.Second { // others fuzz beside it
			t.Errorf("took %s", took)
		}
		if method != http.MethodHead && method != http.MethodOptions && !json.Valid(w.Body.Bytes()) {
			t.Errorf("no JSON: %q", answer)
		}
		if leak := ours.FindString(answer); leak != "" && !strings.Contains(strings.ToLower(query+string(body)), strings.ToLower(leak)) {
			t.Errorf("%q in %s", leak, answer)
		}
	})
}
