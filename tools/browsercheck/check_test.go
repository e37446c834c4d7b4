package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// page is as much of GraphiQL as the check looks at: a tab, a button, two
// editors, and an introspection query when it opens.
const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<button class="graphiql-tab-button">City</button>
<div class="graphiql-query-editor"><div class="CodeMirror"></div></div>
<button class="graphiql-execute-button">Run</button>
<div class="result-window"><div class="CodeMirror"></div></div>
<script>
const [query, result] = document.querySelectorAll(".CodeMirror");
let answer = "";
query.CodeMirror = {getValue: () => "query City { name }"};
result.CodeMirror = {getValue: () => answer};
const ask = query => fetch("/graphql", {method: "POST", body: JSON.stringify({query})}).then(r => r.text());
document.querySelector(".graphiql-execute-button").onclick = () => ask(query.CodeMirror.getValue()).then(a => answer = a);
ask("query IntrospectionQuery { __schema { types { name } } }");
%s
</script>`

func TestCheck(t *testing.T) {
	chromium, err := findChromium()
	if err != nil {
		t.Skip(err)
	}
	const schema, city = `{"data":{"__schema":{"types":[]}}}`, `{"data":{"municipality":{"name":"Nürnberg"}}}`
	for _, c := range []struct {
		name, schema, answer, script, policy string
		want                                 string // part of the error, empty for none
	}{
		{name: "all well", schema: schema, answer: city},
		{name: "errors", schema: schema, answer: `{"data":{"a":1},"errors":[{"message":"no"}]}`, want: "the answer has errors"},
		{name: "null", schema: schema, answer: `{"data":{"municipality":null}}`, want: "the answer has no data"},
		{name: "no introspection", schema: `{"errors":[{"message":"introspection is off"}]}`, answer: city, want: "introspection is off"},
		{name: "another host", schema: schema, answer: city, script: `new Image().src = "http://elsewhere.invalid/pixel.png"`, want: "a request left for another host: http://elsewhere.invalid/pixel.png"},
		{name: "refused by the policy", schema: schema, answer: city, policy: "img-src 'self' data:", script: `new Image().src = "http://elsewhere.invalid/pixel.png"`, want: "Content Security Policy"},
		{name: "exception", schema: schema, answer: city, script: `setTimeout(() => { throw new Error("broken page") })`, want: "broken page"},
		{name: "missing asset", schema: schema, answer: city, script: `new Image().src = "/gone.png"`, want: "404"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/":
					w.Header().Set("Content-Type", "text/html; charset=utf-8")
					w.Header().Set("Content-Security-Policy", c.policy)
					_, _ = fmt.Fprintf(w, page, c.script)
				case "/graphql":
					body := new(strings.Builder)
					_ = r.Write(body)
					if strings.Contains(body.String(), "__schema") {
						_, _ = fmt.Fprint(w, c.schema)
					} else {
						_, _ = fmt.Fprint(w, c.answer)
					}
				default:
					http.NotFound(w, r)
				}
			}))
			defer server.Close()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			report, err := check(ctx, chromium, server.URL)
			switch {
			case c.want == "" && err != nil:
				t.Fatalf("error: %v", err)
			case c.want == "" && (len(report.Examples) != 1 || report.Requests != 3 || len(report.Screenshot) == 0):
				t.Errorf("%d examples, %d requests, a picture of %d bytes; want 1, 3 and some", len(report.Examples), report.Requests, len(report.Screenshot))
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
