package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	bamberg = `{ municipality(key: "09461000") { name state { name } population strategies { nodes { title status } } } }`
	answer  = `{"data":{"municipality":{"name":"Bamberg","state":{"name":"Bayern"},"population":79935,"strategies":{"nodes":[` +
		`{"title":"Digitale Agenda 2024-2028","status":"PRESENTED"},{"title":"Digitale Agenda","status":"PRESENTED"}]}}}}`
)

func TestQuery(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	body, _ := json.Marshal(map[string]any{"query": bamberg})
	for name, r := range map[string]reply{
		"POST":                 post(t, base, bamberg, nil),
		"POST with charset":    do(t, http.MethodPost, base+"/graphql", string(body), "Content-Type", "Application/JSON; Charset=UTF-8"),
		"POST, empty accept":   do(t, http.MethodPost, base+"/graphql", string(body), "Content-Type", plainJSON, "Accept", ""),
		"POST, white space":    do(t, http.MethodPost, base+"/graphql", " \r\n\t"+string(body)+"\n", "Content-Type", plainJSON),
		"POST, nulls":          do(t, http.MethodPost, base+"/graphql", `{"operationName":null,"variables":null,"extensions":null,`+string(body[1:]), "Content-Type", plainJSON),
		"POST, unknown member": do(t, http.MethodPost, base+"/graphql", `{"id":7,`+string(body[1:]), "Content-Type", plainJSON),
		"GET":                  get(t, base, map[string]string{"query": bamberg}),
		"GET, empty variables": get(t, base, map[string]string{"query": bamberg, "variables": "", "extensions": "", "operationName": ""}),
	} {
		if r.StatusCode != http.StatusOK || r.body != answer || r.cost != 57 {
			t.Errorf("%s: got %s %s, cost %d\nwant %s", name, r.Status, r.body, r.cost, answer)
		}
		for header, want := range map[string]string{
			"Content-Type":           plainJSON + "; charset=utf-8",
			"Content-Length":         strconv.Itoa(len(answer) + len(`,"extensions":{"cost":{"requested":57}}`)),
			"X-Content-Type-Options": "nosniff",
		} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: %s: got %q, want %q", name, header, got, want)
			}
		}
		if got := strings.Join(r.Header.Values("Vary"), ", "); got != "Origin, Accept, Accept-Encoding, Authorization" {
			t.Errorf("%s: Vary: got %q", name, got)
		}
	}

	head := do(t, http.MethodHead, base+"/graphql?query=%7B__typename%7D", "")
	if head.StatusCode != http.StatusOK || head.body != "" || head.ContentLength != int64(len(`{"data":{"__typename":"Query"},"extensions":{"cost":{"requested":1}}}`)) {
		t.Errorf("HEAD: got %s, %d bytes announced, %q", head.Status, head.ContentLength, head.body)
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	for _, c := range []struct {
		query     string
		variables string
		want      string
	}{
		{`query($key: String!) { municipality(key: $key) { name } }`, `{"key":"09461"}`, `{"data":{"municipality":{"name":"Bamberg"}}}`},
		{`query($key: String = "09461000") { municipality(key: $key) { name } }`, `{}`, `{"data":{"municipality":{"name":"Bamberg"}}}`},
		{`query($n: Int) { states(first: $n) { nodes { key } } }`, `{"n":1}`, `{"data":{"states":{"nodes":[{"key":"01"}]}}}`},
		{`query($n: Int) { states(first: $n) { nodes { key } } }`, `{"n":1.0}`, `{"data":{"states":{"nodes":[{"key":"01"}]}}}`},
		{`query($ids: [ID!]!) { nodes(ids: $ids) { __typename } }`, `{"ids":"state_01h455vb4pex5vsknk084sn02q"}`, `{"data":{"nodes":[null]}}`},
		{`query($in: [StateCode!]) { states(filter: {code: {in: $in}}) { nodes { name } } }`, `{"in":"BY"}`, `{"data":{"states":{"nodes":[{"name":"Bayern"}]}}}`},
		{`query($f: StateFilter) { states(filter: $f) { nodes { name } } }`, `{"f":{"name":{"startsWith":"thü"}}}`, `{"data":{"states":{"nodes":[{"name":"Thüringen"}]}}}`},
		{`query($n: String!) { __type(name: $n) { name } }`, `{"n":"State"}`, `{"data":{"__type":{"name":"State"}}}`},
		{`query($b: Boolean!) { a: __typename @include(if: $b) b: __typename @skip(if: $b) }`, `{"b":true}`, `{"data":{"a":"Query"}}`},
		// A value that is no id does not matter where it is not looked at.
		{`query($id: ID!, $b: Boolean!) { node(id: $id) @include(if: $b) { id } __typename }`, `{"id":"","b":false}`, `{"data":{"__typename":"Query"}}`},
	} {
		body := `{"query":` + strconv.Quote(c.query) + `,"variables":` + c.variables + `}`
		if r := do(t, http.MethodPost, base+"/graphql", body, "Content-Type", plainJSON); r.body != c.want {
			t.Errorf("%s with %s: got %s, want %s", c.query, c.variables, r.body, c.want)
		}
		if r := get(t, base, map[string]string{"query": c.query, "variables": c.variables}); r.body != c.want {
			t.Errorf("GET %s with %s: got %s, want %s", c.query, c.variables, r.body, c.want)
		}
	}
}

func TestNegotiation(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	for accept, want := range map[string]string{
		"":                                  plainJSON,
		"*/*":                               plainJSON,
		"application/*":                     plainJSON,
		"application/json":                  plainJSON,
		"APPLICATION/JSON":                  plainJSON,
		"application/json; charset=UTF-8":   plainJSON,
		"text/html, application/json;q=0.1": plainJSON,
		"text/html,*/*;q=0.8":               plainJSON,
		graphqlResponse:                     graphqlResponse,
		graphqlResponse + ", */*":           graphqlResponse,
		graphqlResponse + ";charset=utf-8":  graphqlResponse,
		graphqlResponse + ",application/json;q=0.9":                      graphqlResponse,
		"application/json, " + graphqlResponse:                           graphqlResponse,
		graphqlResponse + ";q=0.5, application/json;q=0.6":               plainJSON,
		graphqlResponse + ";q=0, */*":                                    plainJSON,
		"application/json;q=0, */*":                                      graphqlResponse,
		"multipart/mixed, text/event-stream, application/json":           plainJSON,
		graphqlResponse + ";q=0.8,application/json;q=0.8, text/html;q=1": graphqlResponse,
		"text/html":                            "",
		"application/xml, text/*":              "",
		"application/json;q=0":                 "",
		"*/*;q=0":                              "",
		"application/json; charset=iso-8859-1": "",
		"application/json;q=nonsense":          "",
		"application/json;q=2":                 "",
		"nonsense":                             "",
		",":                                    "",
	} {
		var headers []string
		if accept != "" {
			headers = []string{"Accept", accept}
		}
		r := get(t, base, map[string]string{"query": "{ __typename }"}, headers...)
		if want == "" {
			if r.StatusCode != http.StatusNotAcceptable {
				t.Errorf("%q: got %s, want 406", accept, r.Status)
			} else {
				harmless(t, r, "")
			}
			continue
		}
		if got := r.Header.Get("Content-Type"); r.StatusCode != http.StatusOK || got != want+"; charset=utf-8" {
			t.Errorf("%q: got %s %q, want %q", accept, r.Status, got, want)
		}
	}
}

// What is no GraphQL request is refused with a status of its own, whatever the
// caller accepts.
func TestRefused(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	const canary = "kanarienvogel"
	type header = []string
	json := header{"Content-Type", plainJSON}
	for name, c := range map[string]struct {
		method, query, body string
		headers             header
		status              int
		code                string
	}{
		"no content type":           {"POST", "", `{"query":"{ __typename }"}`, nil, 415, "BAD_REQUEST"},
		"a form":                    {"POST", "", `query=kanarienvogel`, header{"Content-Type", "application/x-www-form-urlencoded"}, 415, "BAD_REQUEST"},
		"multipart":                 {"POST", "", "--x\r\n\r\nkanarienvogel--x--", header{"Content-Type", "multipart/form-data; boundary=x"}, 415, "BAD_REQUEST"},
		"text":                      {"POST", "", `{"query":"{ __typename }"}`, header{"Content-Type", "text/plain"}, 415, "BAD_REQUEST"},
		"application/graphql":       {"POST", "", `{ __typename }`, header{"Content-Type", "application/graphql"}, 415, "BAD_REQUEST"},
		"nearly JSON":               {"POST", "", `{"query":"{ __typename }"}`, header{"Content-Type", "application/jsonp"}, 415, "BAD_REQUEST"},
		"broken type":               {"POST", "", `{"query":"{ __typename }"}`, header{"Content-Type", "application/json; charset"}, 415, "BAD_REQUEST"},
		"another charset":           {"POST", "", `{"query":"{ __typename }"}`, header{"Content-Type", "application/json; charset=utf-16"}, 415, "BAD_REQUEST"},
		"compressed":                {"POST", "", "\x1f\x8b\x08", header{"Content-Type", plainJSON, "Content-Encoding", "gzip"}, 415, "BAD_REQUEST"},
		"no body":                   {"POST", "", "", json, 400, "BAD_REQUEST"},
		"white space":               {"POST", "", " \n ", json, 400, "BAD_REQUEST"},
		"broken JSON":               {"POST", "", `{"kanarienvogel": `, json, 400, "BAD_REQUEST"},
		"no JSON":                   {"POST", "", `kanarienvogel`, json, 400, "BAD_REQUEST"},
		"a single quote":            {"POST", "", `{'query': 'kanarienvogel'}`, json, 400, "BAD_REQUEST"},
		"trailing garbage":          {"POST", "", `{"query":"{ __typename }"} kanarienvogel`, json, 400, "BAD_REQUEST"},
		"two objects":               {"POST", "", `{"query":"{ __typename }"}{"query":"{ __typename }"}`, json, 400, "BAD_REQUEST"},
		"a list":                    {"POST", "", `[{"query":"{ __typename }"}]`, json, 400, "BAD_REQUEST"},
		"a string":                  {"POST", "", `"kanarienvogel"`, json, 400, "BAD_REQUEST"},
		"a number":                  {"POST", "", `7`, json, 400, "BAD_REQUEST"},
		"null":                      {"POST", "", `null`, json, 400, "BAD_REQUEST"},
		"an empty object":           {"POST", "", `{}`, json, 400, "BAD_REQUEST"},
		"another letter case":       {"POST", "", `{"Query":"{ __typename }"}`, json, 400, "BAD_REQUEST"},
		"an empty query":            {"POST", "", `{"query":""}`, json, 400, "BAD_REQUEST"},
		"a null query":              {"POST", "", `{"query":null}`, json, 400, "BAD_REQUEST"},
		"a number as query":         {"POST", "", `{"query":12345}`, json, 400, "BAD_REQUEST"},
		"an object as query":        {"POST", "", `{"query":{"kanarienvogel":1}}`, json, 400, "BAD_REQUEST"},
		"a list as name":            {"POST", "", `{"query":"{ __typename }","operationName":["kanarienvogel"]}`, json, 400, "BAD_REQUEST"},
		"a string as variables":     {"POST", "", `{"query":"{ __typename }","variables":"kanarienvogel"}`, json, 400, "BAD_REQUEST"},
		"a list as variables":       {"POST", "", `{"query":"{ __typename }","variables":["kanarienvogel"]}`, json, 400, "BAD_REQUEST"},
		"a number as extensions":    {"POST", "", `{"query":"{ __typename }","extensions":7}`, json, 400, "BAD_REQUEST"},
		"no UTF-8":                  {"POST", "", "{\"query\":\"{ __typename }\",\"x\":\"\xff\"}", json, 400, "BAD_REQUEST"},
		"UTF-16":                    {"POST", "", "\xff\xfe{\x00}\x00", json, 400, "BAD_REQUEST"},
		"a byte order mark":         {"POST", "", "\ufeff{\"query\":\"{ __typename }\"}", json, 400, "BAD_REQUEST"},
		"nested JSON":               {"POST", "", `{"variables":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, json, 400, "BAD_REQUEST"},
		"one byte too many":         {"POST", "", `{"query":"{ __typename }"` + strings.Repeat(" ", 128<<10-25) + `}`, json, 413, "TOO_LARGE"},
		"far too many bytes":        {"POST", "", `{"query":"` + strings.Repeat("{a", 1<<20) + `"}`, json, 413, "TOO_LARGE"},
		"GET without a query":       {"GET", "", "", nil, 400, "BAD_REQUEST"},
		"GET, broken escape":        {"GET", "query=%7B__typename%7D&variables=%zz", "", nil, 400, "BAD_REQUEST"},
		"GET, no UTF-8":             {"GET", "query=%7B__typename%7D&operationName=%ff", "", nil, 400, "BAD_REQUEST"},
		"GET, two queries":          {"GET", "query=%7B__typename%7D&query=%7B__typename%7D", "", nil, 400, "BAD_REQUEST"},
		"GET, broken variables":     {"GET", "query=%7B__typename%7D&variables=%7Bkanarienvogel", "", nil, 400, "BAD_REQUEST"},
		"GET, a list as variables":  {"GET", "query=%7B__typename%7D&variables=%5B%5D", "", nil, 400, "BAD_REQUEST"},
		"GET, variables and more":   {"GET", "query=%7B__typename%7D&variables=%7B%7D%7B%7D", "", nil, 400, "BAD_REQUEST"},
		"GET, text as extensions":   {"GET", "query=%7B__typename%7D&extensions=kanarienvogel", "", nil, 400, "BAD_REQUEST"},
		"GET, a mutation":           {"GET", "query=mutation%7Bkanarienvogel%7D", "", nil, 405, "BAD_REQUEST"},
		"GET, a subscription":       {"GET", "query=subscription%7Bkanarienvogel%7D", "", nil, 406, "BAD_REQUEST"},
		"GET, a mutation among two": {"GET", "query=query%20A%7B__typename%7D%20mutation%20B%7Bx%7D&operationName=B", "", nil, 405, "BAD_REQUEST"},
		"PUT":                       {"PUT", "", `{"query":"{ __typename }"}`, json, 405, "BAD_REQUEST"},
		"PATCH":                     {"PATCH", "", `{"query":"{ __typename }"}`, json, 405, "BAD_REQUEST"},
		"DELETE":                    {"DELETE", "", "", nil, 405, "BAD_REQUEST"},
	} {
		for _, accept := range []string{"", plainJSON, graphqlResponse} {
			headers := c.headers
			if accept != "" {
				headers = append(slices.Clip(headers), "Accept", accept)
			}
			r := do(t, c.method, base+"/graphql?"+c.query, c.body, headers...)
			if r.StatusCode != c.status {
				t.Errorf("%s, accepting %q: got %s %s, want %d", name, accept, r.Status, r.body, c.status)
				continue
			}
			harmless(t, r, canary)
			if got := r.errors(t)[0].Extensions["code"]; got != c.code {
				t.Errorf("%s: code %v, want %s", name, got, c.code)
			}
			want := accept
			if want == "" {
				want = plainJSON
			}
			if got := r.Header.Get("Content-Type"); got != want+"; charset=utf-8" {
				t.Errorf("%s: Content-Type %q, want %q", name, got, want)
			}
			if allowed := r.Header.Get("Allow"); (c.status == http.StatusMethodNotAllowed) != (allowed != "") {
				t.Errorf("%s: Allow: %q", name, allowed)
			}
		}
	}

	if r := do(t, http.MethodOptions, base+"/graphql", ""); r.StatusCode != http.StatusNoContent || r.Header.Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("OPTIONS: got %s, Allow %q", r.Status, r.Header.Get("Allow"))
	}
}

// What is a GraphQL request and cannot run is 400 to those who know the newer
// media type, 200 to the others, with an error that says what and where.
func TestRequestErrors(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	const (
		invalid = "BAD_USER_INPUT"
		parse   = "GRAPHQL_PARSE_FAILED"
		schema  = "GRAPHQL_VALIDATION_FAILED"
	)
	type vars = map[string]any
	withID, withInt := `query($x: ID!) { found: node(id: $x) { id } }`, `query($x: Int) { municipalities(first: $x) { totalCount } }`
	withFilter := `query($x: MunicipalityFilter) { municipalities(filter: $x) { totalCount } }`
	for _, c := range []struct {
		query     string
		variables vars
		code      string
		path      string // of response keys
		message   string // part of it
	}{
		{`{ a`, nil, parse, "", ""},
		{`kanarienvogel`, nil, parse, "", ""},
		{"#\n", nil, schema, "", "no operation"},
		{`fragment f on Query { __typename }`, nil, schema, "", "no operation"},
		{`{ nothing }`, nil, schema, "", "nothing"},
		{`{ municipality(key: "1") }`, nil, schema, "", ""},
		{`query A { __typename } query B { __typename }`, nil, schema, "", "operationName"},
		{`mutation { publish }`, nil, schema, "", ""},
		{`{ municipality { name } }`, nil, invalid, "municipality", "exactly one of `id`, `slug`, `key`"},
		{`{ a: municipality(key: "1", slug: "a") { name } }`, nil, invalid, "a", "exactly one of `id`, `slug`, `key`"},
		{`{ municipality(key: null) { name } }`, nil, invalid, "municipality", "exactly one"},
		{`{ node(id: "x") { id } }`, nil, invalid, "node", "no id"},
		{`{ node(id: "municipality_zzz") { id } }`, nil, invalid, "node", "no id"},
		{`{ municipalities(first: -1) { totalCount } }`, nil, invalid, "municipalities", "between 1 and 100"},
		{`{ municipalities(first: 0) { totalCount } }`, nil, invalid, "municipalities", "between 1 and 100"},
		{`{ municipalities(first: 101) { totalCount } }`, nil, invalid, "municipalities", "between 1 and 100"},
		{`{ municipalities(first: 99999999999) { totalCount } }`, nil, invalid, "municipalities", "whole number"},
		{`{ municipalities(first: 99999999999999999999) { totalCount } }`, nil, schema, "", "32-bit"},
		{`{ municipalities(first: 1, last: 1) { totalCount } }`, nil, invalid, "municipalities", "not both"},
		{`{ municipalities(after: "x") { totalCount } }`, nil, invalid, "municipalities", "no cursor"},
		{`{ municipalities(filter: {name: {contains: "\u0000"}}) { totalCount } }`, nil, invalid, "municipalities", "NUL"},
		{`{ state(code: BY) { m: municipalities(first: 1000) { totalCount } } }`, nil, invalid, "state.m", "between 1 and 100"},
		{withID, nil, invalid, "", "`$x` of type ID! must be given"},
		{withID, vars{"x": nil}, invalid, "found", "null"},
		{withID, vars{"x": "x"}, invalid, "found", "no id"},
		{withID, vars{"x": []any{}}, invalid, "found", "string"},
		{withID, vars{"x": "municipality_\x00"}, invalid, "found", ""},
		{withInt, vars{"x": "5"}, invalid, "municipalities", "whole number"},
		{withInt, vars{"x": 1.5}, invalid, "municipalities", "whole number"},
		{withInt, vars{"x": true}, invalid, "municipalities", "whole number"},
		{withInt, vars{"x": vars{}}, invalid, "municipalities", "whole number"},
		{withInt, vars{"x": 3_000_000_000}, invalid, "municipalities", "whole number"},
		{withInt, vars{"x": json.Number("1e400")}, invalid, "municipalities", "whole number"},
		{withFilter, vars{"x": "kanarienvogel"}, invalid, "municipalities", "MunicipalityFilter"},
		{withFilter, vars{"x": vars{"kanarienvogel": 1}}, invalid, "municipalities", "does not know"},
		{withFilter, vars{"x": vars{"name": vars{"eq": 1}}}, invalid, "municipalities", "`filter.name.eq`"},
		{withFilter, vars{"x": vars{"level": vars{"in": []any{"municipality"}}}}, invalid, "municipalities", "AdministrativeLevel"},
		{withFilter, vars{"x": vars{"level": vars{"in": []any{nil}}}}, invalid, "municipalities", "null"},
		{`query($x: Boolean!) { __typename @skip(if: $x) }`, vars{"x": "true"}, invalid, "", "`$x` must be true or false"},
		{`query($x: String!) { __type(name: $x) { name } }`, vars{"x": 5}, invalid, "", "`$x` must be a string"},
		{`query($x: [ID!]!) { nodes(ids: $x) { id } }`, vars{"x": make([]string, 101)}, invalid, "nodes", ""},
		{`{ municipalities(first: 100) { nodes { members(first: 100) { nodes { members(first: 100) { nodes { name } } } } } } }`, nil, "TOO_LARGE", "municipalities.nodes.members.nodes.members", "costs 1020212, and may cost 100000: most of it, 1000000, is of `municipalities.nodes.members.nodes.members`"},
	} {
		for accept, status := range map[string]int{graphqlResponse: http.StatusBadRequest, plainJSON: http.StatusOK} {
			r := post(t, base, c.query, c.variables, "Accept", accept)
			name := fmt.Sprintf("%s %v, accepting %s", c.query, c.variables, accept)
			if r.StatusCode != status {
				t.Errorf("%s: got %s %s, want %d", name, r.Status, r.body, status)
				continue
			}
			harmless(t, r, "")
			e := r.errors(t)[0]
			path := strings.ReplaceAll(strings.Trim(fmt.Sprint(e.Path), "[]"), " ", ".")
			if e.Extensions["code"] != c.code || path != c.path || !strings.Contains(e.Message, c.message) {
				t.Errorf("%s: got %+v, want code %s, path %q, a message with %q", name, e, c.code, c.path, c.message)
			}
		}
	}
}

// Unknown is null, not an error.
func TestUnknown(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	const query = `{ a: municipality(key: "99999999") { name } b: municipality(slug: "nirgendwo") { name } c: article(slug: "nichts") { title }
		d: node(id: "article_01h455vb4pex5vsknk084sn02q") { id } e: nodes(ids: ["state_01h455vb4pex5vsknk084sn02q"]) { id } }`
	want := `{"data":{"a":null,"b":null,"c":null,"d":null,"e":[null]}}`
	if r := post(t, base, query, nil, "Accept", graphqlResponse); r.StatusCode != http.StatusOK || r.body != want {
		t.Errorf("got %s %s, want %s", r.Status, r.body, want)
	}
}

// Documents that are made to hurt are answered at once.
func TestHostile(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	filter := map[string]any{}
	for range 5000 {
		filter = map[string]any{"not": filter}
	}
	for name, c := range map[string]struct {
		query     string
		variables map[string]any
		fine      bool // it may be answered with data
	}{
		"2 MB of nesting":         {query: strings.Repeat("{a", 1<<20)},
		"128 KB of nesting":       {query: strings.Repeat("{a", 60_000)},
		"nested lists":            {query: "{ a(b: " + strings.Repeat("[", 120_000)},
		"nested objects":          {query: "{ a(b: " + strings.Repeat("{c:", 40_000)},
		"nested types":            {query: "query($a: " + strings.Repeat("[", 120_000)},
		"nested fragments":        {query: "{" + strings.Repeat("...{", 400) + "__typename" + strings.Repeat("}", 400) + "}", fine: true},
		"nested filters":          {query: `query($f: MunicipalityFilter) { municipalities(filter: $f) { totalCount } }`, variables: map[string]any{"f": filter}},
		"nested filters, written": {query: "{ municipalities(filter: " + strings.Repeat("{not: ", 350) + "{}" + strings.Repeat("}", 350) + ") { totalCount } }"},
		"16,000 times __typename": {query: "{" + repeat(16_000, same("__typename")) + "}"},
		"10,000 times __typename": {query: "{" + repeat(10_000, same("__typename")) + "}"},
		"1,000 times a field":     {query: "{ municipalities { nodes {" + repeat(990, same("name")) + "} } }"},
		"330 times an object":     {query: "{ municipalities { nodes {" + repeat(330, same("state { name }")) + "} } }"},
		"fragments inside, often": {query: "{" + strings.Repeat("...{", 300) + repeat(49, same("__typename")) + strings.Repeat("}", 300) + "}"},
		"fragments that double":   {query: "{ ...f0 }" + repeat(60, func(i int) string { return fmt.Sprintf("fragment f%d on Query { ...f%d ...f%[2]d }", i, i+1) }) + "fragment f60 on Query { __typename }"},
		"fragments in a circle":   {query: "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }"},
		"fragments all of each other": {query: "{ ...f0 }" + repeat(24, func(i int) string {
			return fmt.Sprintf("fragment f%d on Query { %s }", i, repeat(24, func(j int) string { return fmt.Sprintf("...f%d", (i+j)%24) }))
		})},
		"aliases of look-ups":          {query: "{" + repeat(130, func(i int) string { return fmt.Sprintf(`a%d: municipality(key: "09461000") { name }`, i) }) + "}"},
		"aliases of counts":            {query: "{" + repeat(200, func(i int) string { return fmt.Sprintf("a%d: municipalities { totalCount }", i) }) + "}"},
		"aliases of a field":           {query: "{ municipalities { nodes {" + repeat(450, func(i int) string { return fmt.Sprintf("a%d: name", i) }) + "} } }", fine: true},
		"aliases of the schema":        {query: "{" + repeat(49, func(i int) string { return fmt.Sprintf("a%d: __schema { types { fields { args { name } } } }", i) }) + "}"},
		"aliases inside the schema":    {query: "{ __schema { types {" + repeat(200, func(i int) string { return fmt.Sprintf("a%d: fields { name }", i) }) + "} } }"},
		"directives":                   {query: "{ __typename " + repeat(600, same("@skip(if: false)")) + "}"},
		"unknown directives":           {query: "{ __typename " + repeat(700, same("@a")) + "}"},
		"unknown fields":               {query: "{ municipalities { nodes {" + repeat(900, func(i int) string { return fmt.Sprintf("populatio%d", i) }) + "} } }"},
		"a long name":                  {query: "{ " + strings.Repeat("a", 120_000) + " }"},
		"a long number":                {query: "{ municipalities(first: " + strings.Repeat("9", 120_000) + ") { totalCount } }"},
		"many operations":              {query: repeat(250, func(i int) string { return fmt.Sprintf("query q%d { __typename }", i) })},
		"many variables":               {query: "query(" + repeat(300, func(i int) string { return fmt.Sprintf("$a%d: Int", i) }) + ") { __typename }"},
		"a hundred to the third power": {query: "{ municipalities(first: 100) { nodes { members(first: 100) { nodes { members(first: 100) { nodes { name key } } } } } } }"},
		"conditions": {query: `query($f: [MunicipalityFilter!]) { municipalities(filter: {or: $f}) { totalCount } }`,
			variables: map[string]any{"f": slicesRepeat(map[string]any{"name": map[string]any{"contains": "a"}}, 2000)}},
		"bad cursor":         {query: `{ municipalities(after: "MTIz\u0000'; DROP TABLE municipality") { totalCount } }`},
		"bad id":             {query: `{ node(id: "article_'; DROP TABLE article; --") { id } }`},
		"NUL bytes":          {query: `query($k: String) { municipality(key: $k) { name } }`, variables: map[string]any{"k": "\x00"}},
		"negative first":     {query: `{ municipalities(first: -2147483648) { totalCount } }`},
		"integers too large": {query: `query($n: Int) { municipalities(first: $n) { totalCount } }`, variables: map[string]any{"n": json.Number("9223372036854775808")}},
		"a cost that doubles": {query: "{ ...f0 }" + repeat(22, func(i int) string {
			return fmt.Sprintf("fragment f%d on Query { a%[1]d: states { totalCount } ...f%d ...f%[2]d }", i, i+1)
		}) + "fragment f22 on Query { __typename }"},
		"ids": {query: `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, variables: map[string]any{"ids": slicesRepeat("article_01h455vb4pex5vsknk084sn02q", 3000)}},
	} {
		start := time.Now()
		r := post(t, base, c.query, c.variables, "Accept", graphqlResponse)
		if took := time.Since(start); took > slowness*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
		if c.fine && r.StatusCode == http.StatusOK {
			continue
		}
		if r.StatusCode/100 != 4 {
			t.Errorf("%s: got %s %.200s", name, r.Status, r.body)
			continue
		}
		harmless(t, r, "")
		if len(r.body) > 20_000 {
			t.Errorf("%s: %d bytes of errors", name, len(r.body))
		}
	}
}

func slicesRepeat(v any, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = v
	}
	return list
}

// A buffer that an answer was written into is used again; answers at the same
// time must not meet in it.
func TestParallelAnswers(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	for i := range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for n := range 30 {
				first := 1 + (i*7+n)%20
				r := post(t, base, `query($n: Int) { municipalities(first: $n) { nodes { name } } }`, map[string]any{"n": first})
				var got struct {
					Data struct {
						Municipalities struct{ Nodes []struct{ Name string } }
					}
				}
				if err := json.Unmarshal([]byte(r.body), &got); err != nil || len(got.Data.Municipalities.Nodes) != first {
					t.Fatalf("got %s, %v, want %d municipalities", r.body, err, first)
				}
			}
		})
	}
}
