package server_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/server"
	"stadtgraph/internal/trusted"
	"stadtgraph/internal/write"
)

// governed is a server with tokens that writes, under a policy.
func governed(t *testing.T, pool *pgxpool.Pool, policy graph.Policy) server.Config {
	t.Helper()
	c := guarded(t, pool)
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	writable, err := graph.Writable(read)
	if err != nil {
		t.Fatal(err)
	}
	c.Executor = graph.NewExecutor(plan.New(read, pool, true)).Writes(write.NewWriter(writable, pool)).Under(policy, trusted.NewStore(pool))
	return c
}

func digest(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// asked sends members of a request as they stand.
func asked(t *testing.T, base string, members map[string]any, headers ...string) reply {
	t.Helper()
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, http.MethodPost, base+"/graphql", string(body), append([]string{"Content-Type", plainJSON}, headers...)...)
}

func persisted(hash string) map[string]any {
	return map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}
}

// Automatic persisted queries, as Apollo's clients send them.
func TestPersistedQueries(t *testing.T) {
	t.Parallel()
	base := start(t, config(t))
	const query = `query States($n: Int) { states(first: $n) { nodes { key } } }`
	const want = `{"data":{"states":{"nodes":[{"key":"01"}]}}}`
	variables := map[string]any{"n": 1}
	refused := func(name string, r reply, status int, code, message string) {
		t.Helper()
		if r.StatusCode != status {
			t.Errorf("%s: got %s %s", name, r.Status, r.body)
			return
		}
		harmless(t, r, "")
		if e := r.errors(t)[0]; e.Extensions["code"] != code || !strings.Contains(e.Message, message) {
			t.Errorf("%s: got %+v", name, e)
		}
	}
	for accept, status := range map[string]int{plainJSON: 200, graphqlResponse: 400} {
		refused("unknown", asked(t, base, map[string]any{"extensions": persisted(digest(query))}, "Accept", accept), status, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
	}
	refused("another document's", asked(t, base, map[string]any{"query": "{ __typename }", "extensions": persisted(digest(query))}, "Accept", graphqlResponse), 400, "PERSISTED_QUERY_HASH_MISMATCH", "sha256Hash")
	refused("no digest", asked(t, base, map[string]any{"extensions": persisted("xyz")}, "Accept", graphqlResponse), 400, "BAD_REQUEST", "sha256Hash")
	refused("text", asked(t, base, map[string]any{"extensions": map[string]any{"persistedQuery": "x"}}, "Accept", graphqlResponse), 400, "BAD_REQUEST", "sha256Hash")
	refused("version 2", asked(t, base, map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 2, "sha256Hash": digest(query)}}}, "Accept", graphqlResponse), 400, "PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")
	refused("none", asked(t, base, map[string]any{"extensions": map[string]any{"persistedQuery": nil}}), 400, "BAD_REQUEST", "`query` is missing")
	// What is not valid is not kept.
	invalid := "{ nothing }"
	asked(t, base, map[string]any{"query": invalid, "extensions": persisted(digest(invalid))})
	refused("not valid", asked(t, base, map[string]any{"extensions": persisted(digest(invalid))}), 200, "PERSISTED_QUERY_NOT_FOUND", "")
	long := query + strings.Repeat(" ", 20_000)
	if r := asked(t, base, map[string]any{"query": long, "variables": variables, "extensions": persisted(digest(long))}); r.body != want {
		t.Errorf("long: got %s", r.body)
	}
	refused("too long", asked(t, base, map[string]any{"extensions": persisted(digest(long))}), 200, "PERSISTED_QUERY_NOT_FOUND", "")

	if r := asked(t, base, map[string]any{"query": query, "variables": variables, "extensions": persisted(digest(query))}); r.body != want {
		t.Errorf("with the document: got %s", r.body)
	}
	if r := asked(t, base, map[string]any{"variables": variables, "extensions": persisted(strings.ToUpper(digest(query)))}); r.body != want || r.cost != 13 {
		t.Errorf("without it: got %s, cost %d", r.body, r.cost)
	}
	extensions, _ := json.Marshal(persisted(digest(query)))
	if r := get(t, base, map[string]string{"variables": `{"n":1}`, "extensions": string(extensions)}); r.body != want {
		t.Errorf("by GET: got %s", r.body)
	}
}

// Trusted documents: put on record by one server, they run at another.
func TestTrustedDocuments(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	one, other := start(t, governed(t, pool, graph.Policy{})), start(t, governed(t, pool, graph.Policy{TrustedOnly: true}))
	secret, _ := newToken(t, pool, "admin", auth.Admin)
	reader, _ := newToken(t, pool, "reader", auth.Reader)
	admin := []string{"Authorization", "Bearer " + secret}
	const query = `query Count { states { totalCount } }`
	const want = `{"data":{"states":{"totalCount":0}}}`
	trust := func(documents ...map[string]any) string {
		t.Helper()
		return post(t, one, `mutation ($d: [TrustedDocumentInput!]!) { trustDocuments(input: {documents: $d}) { documentIds userErrors { path code message } } }`, map[string]any{"d": documents}, admin...).body
	}
	code := func(r reply) any {
		t.Helper()
		harmless(t, r, "")
		return r.errors(t)[0].Extensions["code"]
	}
	if got := code(asked(t, other, map[string]any{"documentId": "x-app:count"})); got != "DOCUMENT_NOT_FOUND" {
		t.Errorf("unknown: got %v", got)
	}
	if got := code(post(t, other, query, nil)); got != "DOCUMENT_NOT_TRUSTED" {
		t.Errorf("not trusted: got %v", got)
	}
	if r := post(t, other, query, nil, "Authorization", "Bearer "+reader); r.body != want {
		t.Errorf("with a token: got %s", r.body)
	}
	if got, want := trust(map[string]any{"documentId": "x-app:count", "document": query}, map[string]any{"documentId": "sha256:" + digest("{ __typename }"), "document": "{ __typename }"}),
		`{"data":{"trustDocuments":{"documentIds":["x-app:count","sha256:`+digest("{ __typename }")+`"],"userErrors":[]}}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	time.Sleep(1100 * time.Millisecond) // that it was not there is remembered for a second
	for name, members := range map[string]map[string]any{
		"by its name":            {"documentId": "x-app:count"},
		"by its digest":          {"documentId": "sha256:" + digest(query)},
		"by its digits":          {"documentId": digest(query)},
		"as Apollo's clients do": {"extensions": persisted(digest(query))},
		"as it is":               {"query": query},
		"with both":              {"query": query, "extensions": persisted(digest(query))},
	} {
		if r := asked(t, other, members); r.body != want || r.cost != 22 {
			t.Errorf("%s: got %s, cost %d", name, r.body, r.cost)
		}
	}
	if r := get(t, other, map[string]string{"documentId": "x-app:count", "operationName": "Count"}); r.body != want {
		t.Errorf("by GET: got %s", r.body)
	}
	if got := code(post(t, other, query+" ", nil)); got != "DOCUMENT_NOT_TRUSTED" {
		t.Errorf("another document: got %v", got)
	}
	for name, members := range map[string]map[string]any{
		"both":       {"documentId": "x-app:count", "query": query},
		"a number":   {"documentId": 7},
		"spaces":     {"documentId": "x app"},
		"NUL":        {"documentId": "x\x00"},
		"a long one": {"documentId": strings.Repeat("x", 201)},
	} {
		if r := asked(t, other, members); r.StatusCode != http.StatusBadRequest || code(r) != "BAD_REQUEST" {
			t.Errorf("%s: got %s %s", name, r.Status, r.body)
		}
	}

	// What is wrong with one is said at that one, and then none is written.
	for name, c := range map[string]struct{ id, document, path, code string }{
		"another of this name": {"x-app:count", "{ __typename }", "documentId", "TAKEN"},
		"a wrong digest":       {"sha256:" + digest("x"), query, "documentId", "INVALID"},
		"wrong digits":         {digest("x"), query, "documentId", "INVALID"},
		"half a digest":        {"sha256:abc", query, "documentId", "INVALID"},
		"a name with spaces":   {"x app", query, "documentId", "INVALID"},
		"no name":              {"", query, "documentId", "INVALID"},
		"not of this schema":   {"x-a", "{ nothing }", "document", "INVALID"},
		"no GraphQL":           {"x-a", "{", "document", "INVALID"},
		"nothing":              {"x-a", "", "document", "INVALID"},
		"NUL":                  {"x-a", "{ a\x00 }", "document", "INVALID"},
		"too deep":             {"x-a", strings.Repeat("{ a", 20) + strings.Repeat("}", 20), "document", "INVALID"},
		"too long":             {"x-a", query + strings.Repeat(" ", 70_000), "document", "INVALID"},
	} {
		got := trust(map[string]any{"documentId": "x-fine", "document": query}, map[string]any{"documentId": c.id, "document": c.document})
		if !strings.Contains(got, `{"documentIds":null,"userErrors":[{"path":["input","documents","1","`+c.path+`"],"code":"`+c.code+`"`) || ours.MatchString(got) {
			t.Errorf("%s: got %s", name, got)
		}
	}
	list := post(t, one, `{ trustedDocuments(orderBy: [{field: DOCUMENT_ID}], filter: {documentId: {startsWith: "x-"}}) { totalCount nodes { documentId document createdBy { name } } } }`, nil, admin...)
	if want := `{"data":{"trustedDocuments":{"totalCount":1,"nodes":[{"documentId":"x-app:count","document":"` + query + `","createdBy":{"name":"admin"}}]}}}`; list.body != want {
		t.Errorf("got %s, want %s", list.body, want)
	}
	if got := code(post(t, one, `{ trustedDocuments { totalCount } }`, nil, "Authorization", "Bearer "+reader)); got != "FORBIDDEN" {
		t.Errorf("a reader's list: got %v", got)
	}

	// One that the schema has left behind says so.
	if _, err := pool.Exec(t.Context(), `INSERT INTO trusted_document (id, document_id, document, digest) VALUES (gen_random_uuid(), 'x-old', '{ formerField }', sha256('{ formerField }'))`); err != nil {
		t.Fatal(err)
	}
	if r := asked(t, one, map[string]any{"documentId": "x-old"}); code(r) != "GRAPHQL_VALIDATION_FAILED" || !strings.Contains(r.errors(t)[0].Message, "not valid any more") {
		t.Errorf("one of an older schema: got %s", r.body)
	}

	const remove = `mutation ($ids: [String!]!) { removeTrustedDocuments(input: {documentIds: $ids}) { documentIds userErrors { path code } } }`
	if r := post(t, one, remove, map[string]any{"ids": []string{"x-app:count", "x-nothing", "x y"}}, admin...); r.body != `{"data":{"removeTrustedDocuments":{"documentIds":null,"userErrors":[{"path":["input","documentIds","1"],"code":"NOT_FOUND"},{"path":["input","documentIds","2"],"code":"NOT_FOUND"}]}}}` {
		t.Errorf("got %s", r.body)
	}
	if r := post(t, one, remove, map[string]any{"ids": []string{"x-app:count"}}, admin...); r.body != `{"data":{"removeTrustedDocuments":{"documentIds":["x-app:count"],"userErrors":[]}}}` {
		t.Errorf("got %s", r.body)
	}
	if got := trust(map[string]any{"documentId": "x-app:count", "document": "{ __typename }"}); !strings.Contains(got, `"userErrors":[]`) {
		t.Errorf("the name is free again, and: %s", got)
	}
}

// What is switched off is not there, and not told otherwise either.
func TestSwitches(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	reader, _ := newToken(t, pool, "reader", auth.Reader)
	closed := governed(t, pool, graph.Policy{HideSchema: true})
	closed.SDL, closed.NoGraphiQL = "", true
	base, open := start(t, closed), start(t, governed(t, pool, graph.Policy{Suggest: true}))
	for _, query := range []string{`{ __schema { queryType { name } } }`, `{ __type(name: "State") { name } }`, `{ states { totalCount } __schema { types { name } } }`, `{ ...f } fragment f on Query { __schema { types { name } } }`} {
		r := post(t, base, query, nil, "Accept", graphqlResponse)
		if r.StatusCode != http.StatusBadRequest || r.errors(t)[0].Extensions["code"] != "UNAUTHENTICATED" {
			t.Errorf("%s: got %s %s", query, r.Status, r.body)
		}
		for name, r := range map[string]reply{"with a token": post(t, base, query, nil, "Authorization", "Bearer "+reader), "where it is open": post(t, open, query, nil)} {
			if strings.Contains(r.body, "errors") {
				t.Errorf("%s %s: got %s", query, name, r.body)
			}
		}
	}
	if r := post(t, base, `{ __typename }`, nil); r.body != `{"data":{"__typename":"Query"}}` {
		t.Errorf("got %s", r.body)
	}
	for _, path := range []string{"/", "/schema.graphql", "/graphiql/nothing.js"} {
		if r := do(t, http.MethodGet, base+path, ""); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: got %s", path, r.Status)
		}
	}
	for _, query := range []string{`{ municipalitys { totalCount } }`, `{ states(filte: {}) { totalCount } }`, `query($f: StateFilte) { states(filter: $f) { totalCount } }`, `{ states { nodes { nme } } }`,
		`{ states(filter: {nme: {eq: "x"}}) { totalCount } }`, `{ states }`, `{ states { nodes { ... on Stat { name } } } }`, `{ states(orderBy: [{field: NAM}]) { totalCount } }`} {
		if r := post(t, base, query, nil); !strings.Contains(r.body, "errors") || strings.Contains(strings.ToLower(r.body), "did you mean") {
			t.Errorf("%s: got %s", query, r.body)
		}
		if r := post(t, open, query, nil); !strings.Contains(r.body, "errors") {
			t.Errorf("%s: got %s", query, r.body)
		}
	}
	if r := get(t, open, map[string]string{"query": `{ municipalitys { totalCount } }`}); !strings.Contains(r.body, "Did you mean") {
		t.Errorf("got %s", r.body)
	}
}
