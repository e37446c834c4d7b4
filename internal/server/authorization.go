package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/peer"
)

type authenticator func(ctx context.Context, token string) (*auth.Actor, error)

// identify adds to a request who sends it, by the header Authorization. Without one
// it is the public, which costs nothing. A header that names nobody is answered, and
// false comes back: whoever sends a token takes the answer for that of the token, and
// would take what only the public sees for all there is.
//
// The status is 401, whatever media type is wanted. The draft's 200 for
// application/json is for requests that were read and did not run; here it says
// "Servers MAY forbid individual requests by a client to any endpoint for any reason,
// for example to require authentication […]; when doing so they SHOULD use the
// relevant 4xx or 5xx status code. This decision SHOULD NOT be based on the contents
// of a well-formed GraphQL request": the body has not even been looked at. A field
// that takes a token, or another one, is the contents, and an ordinary request error.
func (g *graphqlHTTP) identify(w http.ResponseWriter, r *http.Request, answer form) (*http.Request, bool) {
	r = r.WithContext(peer.With(r.Context(), network(address(r, g.budgets.Proxies))))
	headers := r.Header["Authorization"]
	if len(headers) == 0 {
		return r, true
	}
	token, ok := bearer(headers)
	if !ok {
		unauthenticated(w, r, answer, "Send one header Authorization, of the form `Bearer sgt_…`, or none.")
		return nil, false
	}
	ctx, cancel := context.WithTimeout(r.Context(), operationTimeout)
	defer cancel()
	actor, err := g.authenticated(ctx, token)
	if err == nil {
		return r.WithContext(auth.With(r.Context(), actor)), true
	}
	if f, ok := fault.From(err); ok && f.Code == fault.Unauthenticated {
		unauthenticated(w, r, answer, f.Message)
		return nil, false
	}
	answer.fail(w, r, &graphql.Response{Errors: gqlerror.List{graph.Present(ctx, err)}}, false) // and logged
	return nil, false
}

func (g *graphqlHTTP) authenticated(ctx context.Context, token string) (*auth.Actor, error) {
	if g.authenticate == nil {
		return nil, errors.New("this server was given nothing to authenticate with")
	}
	return g.authenticate(ctx, token)
}

// bearer is the token of the only header there is (RFC 6750, 2.1).
func bearer(headers []string) (string, bool) {
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	token = strings.Trim(token, " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

func unauthenticated(w http.ResponseWriter, r *http.Request, answer form, message string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="stadtgraph", error="invalid_token"`)
	answer.refuse(w, r, &refusal{http.StatusUnauthorized, fault.Unauthenticated, message})
}
