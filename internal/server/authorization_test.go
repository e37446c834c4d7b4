package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/server"
)

// guarded is a server with tokens, over a database.
func guarded(t testing.TB, pool *pgxpool.Pool) server.Config {
	t.Helper()
	c := config(t)
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	c.Executor = graph.NewExecutor(plan.New(read, pool, true))
	c.Authenticate = (&auth.Gate{DB: pool}).Authenticate
	return c
}

func newToken(t testing.TB, pool *pgxpool.Pool, name string, role auth.Role, territories ...string) (secret string, id nodeid.UUID) {
	t.Helper()
	expires := time.Now().Add(time.Hour)
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) (err error) {
		secret, id, err = auth.CreateToken(t.Context(), tx, auth.Params{Name: name, Role: role, ExpiresAt: &expires, Territories: territories})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret, id
}

const whoAmI = `{ viewer { name role capabilities territories } }`

// TestAuthorization: who is known by which header, and how others are answered.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	base := start(t, guarded(t, pool))
	secret, id := newToken(t, pool, "newsroom", auth.Publisher)
	const known = `{"data":{"viewer":{"name":"newsroom","role":"PUBLISHER","capabilities":["PREVIEW","WRITE","PUBLISH"],"territories":[]}}}`
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER  "} {
		if r := post(t, base, whoAmI, nil, "Authorization", scheme+secret); r.StatusCode != http.StatusOK || r.body != known {
			t.Errorf("%q: got %s %s", scheme, r.Status, r.body)
		}
	}
	if r := get(t, base, map[string]string{"query": whoAmI}, "Authorization", "Bearer "+secret); r.body != known ||
		!strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Authorization") || r.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("GET: got %s %v", r.body, r.Header)
	}
	if r := post(t, base, whoAmI, nil); r.body != `{"data":{"viewer":null}}` {
		t.Errorf("nobody: got %s", r.body)
	}

	for what, headers := range map[string][]string{
		"empty":         {"Authorization", ""},
		"no token":      {"Authorization", "Bearer "},
		"no scheme":     {"Authorization", secret},
		"Basic":         {"Authorization", "Basic YTpi"},
		"two":           {"Authorization", "Bearer " + secret, "Authorization", "Bearer " + secret},
		"two in one":    {"Authorization", "Bearer " + secret + ", Bearer " + secret},
		"short":         {"Authorization", "Bearer " + secret[:40]},
		"a slip":        {"Authorization", "Bearer " + secret[:40] + "!" + secret[41:]},
		"unicode":       {"Authorization", "Bearer sgt_äöü😀"},
		"invalid UTF-8": {"Authorization", "Bearer sgt_\xff\xfe"},
		"long":          {"Authorization", "Bearer sgt_" + strings.Repeat("0", 20<<10)},
		"another's":     {"Authorization", "Bearer ghp_0123456789abcdefghijklmnopqrstuvwxyz"},
		"unknown":       {"Authorization", "Bearer " + otherSecret(t)},
	} {
		for _, accept := range []string{plainJSON, graphqlResponse} {
			for method, r := range map[string]reply{
				"POST": post(t, base, whoAmI, nil, append([]string{"Accept", accept}, headers...)...),
				"GET":  get(t, base, map[string]string{"query": whoAmI}, append([]string{"Accept", accept}, headers...)...),
			} {
				harmless(t, r, secret[10:40])
				if r.StatusCode != http.StatusUnauthorized || r.errors(t)[0].Extensions["code"] != "UNAUTHENTICATED" ||
					!strings.HasPrefix(r.Header.Get("WWW-Authenticate"), "Bearer ") || r.Header.Get("Content-Type") != accept+"; charset=utf-8" {
					t.Errorf("%s, %s, %s: got %s %v %s", what, method, accept, r.Status, r.Header, r.body)
				}
			}
		}
	}
	// A token that is revoked is refused by another server, too, from the next request on.
	other := start(t, guarded(t, pool))
	if r := post(t, other, whoAmI, nil, "Authorization", "Bearer "+secret); r.body != known {
		t.Errorf("another server: got %s", r.body)
	}
	if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return auth.RevokeToken(t.Context(), tx, id) }); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{base, other} {
		if r := post(t, at, whoAmI, nil, "Authorization", "Bearer "+secret); r.StatusCode != http.StatusUnauthorized || !strings.Contains(r.body, "revoked") {
			t.Errorf("revoked: got %s %s", r.Status, r.body)
		}
	}
}

// otherSecret is a token of another database.
func otherSecret(t testing.TB) string {
	secret, _ := newToken(t, pgtest.DB(t), "elsewhere", auth.Admin)
	return secret
}

// TestKeptFields: what takes a token, or another one, is an ordinary request error,
// for it depends on the contents of the request.
func TestKeptFields(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	base := start(t, guarded(t, pool))
	const query = `{ list: apiTokens { totalCount nodes { name role createdBy { name } } } }`
	for _, role := range append([]auth.Role{""}, auth.Roles...) {
		var headers []string
		want := "UNAUTHENTICATED"
		if role != "" {
			secret, _ := newToken(t, pool, string(role), role)
			headers, want = []string{"Authorization", "Bearer " + secret}, "FORBIDDEN"
		}
		for accept, status := range map[string]int{plainJSON: 200, graphqlResponse: 400} {
			r := post(t, base, query, nil, append([]string{"Accept", accept}, headers...)...)
			if role == auth.Admin {
				if r.StatusCode != http.StatusOK || !strings.Contains(r.body, `"totalCount":5`) || strings.Contains(r.body, "hash") {
					t.Errorf("%s: got %s %s", role, r.Status, r.body)
				}
				continue
			}
			harmless(t, r, "")
			e := r.errors(t)[0]
			if r.StatusCode != status || e.Extensions["code"] != want || fmt.Sprint(e.Path) != "[list]" || len(e.Locations) != 1 || r.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("%q, %s: got %s %s", role, accept, r.Status, r.body)
			}
		}
	}
}

// TestNoToken: requests without a token ask nobody who they are.
func TestNoToken(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Authenticate = func(context.Context, string) (*auth.Actor, error) {
		t.Error("somebody was asked")
		return nil, nil
	}
	if r := post(t, start(t, c), "{ __typename }", nil); r.StatusCode != http.StatusOK {
		t.Errorf("got %s", r.Status)
	}
}

// TestCannotAuthenticate: a database that does not answer lets nobody in, and does not
// say that a token is wrong.
func TestCannotAuthenticate(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{plainJSON, graphqlResponse} {
		log := &journal{}
		c := config(t)
		c.Log = log.logger()
		c.Authenticate = func(context.Context, string) (*auth.Actor, error) {
			return nil, fmt.Errorf("%w (%w)", fault.New(fault.Busy, "Later."), errors.New("the line is dead"))
		}
		r := post(t, start(t, c), "{ __typename }", nil, "Authorization", "Bearer x", "Accept", accept)
		harmless(t, r, "")
		if r.StatusCode != http.StatusServiceUnavailable || r.errors(t)[0].Extensions["code"] != "SERVICE_UNAVAILABLE" || strings.Contains(r.body, "dead") {
			t.Errorf("got %s %s", r.Status, r.body)
		}
		c.Authenticate = nil
		if r := post(t, start(t, c), "{ __typename }", nil, "Authorization", "Bearer x", "Accept", accept); r.StatusCode != http.StatusInternalServerError {
			t.Errorf("nothing to authenticate with: got %s %s", r.Status, r.body)
		}
	}
}

// TestNoSecretInLogs: whatever happens to a request, its token is not in the log.
func TestNoSecretInLogs(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	log := &journal{}
	c := guarded(t, pool)
	c.Log = log.logger()
	base := start(t, c)
	secret, id := newToken(t, pool, "newsroom", auth.Admin)
	header := []string{"Authorization", "Bearer " + secret}
	post(t, base, whoAmI, nil, header...)
	post(t, base, "{ nonsense", nil, header...)
	post(t, base, "{ apiTokens { nodes { id } } }", nil, header...)
	do(t, http.MethodPost, base+"/graphql", "{", append(header, "Content-Type", plainJSON)...)
	do(t, http.MethodGet, base+"/livez", "", header...)
	do(t, http.MethodGet, base+"/nothing", "", header...)
	post(t, base, whoAmI, nil, "Authorization", "Bearer "+secret+"0")
	broken := c
	broken.Executor = failingExecutor{}
	post(t, start(t, broken), whoAmI, nil, header...)
	if err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error { return auth.RevokeToken(t.Context(), tx, id) }); err != nil {
		t.Fatal(err)
	}
	post(t, base, whoAmI, nil, header...)
	text := log.String()
	if n := strings.Count(text, "msg=request"); n != 8 { // but those to /livez
		t.Errorf("%d requests are logged:\n%s", n, text)
	}
	if strings.Contains(text, secret[4:20]) || strings.Contains(text, "sgt_") || strings.Contains(text, "Bearer") {
		t.Errorf("the log holds it:\n%s", text)
	}
}
