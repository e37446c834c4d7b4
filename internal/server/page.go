package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
)

// A Page is an address that a stored GraphQL document answers, by GET and HEAD: who asks,
// what it costs, what is kept, when it is refused is as at /graphql. What a page adds is
// how a request becomes variables, and data an answer.
type Page struct {
	Pattern  string // of http.ServeMux without a method, such as /api/v1/articles/{slug}
	Document string // one query, with a name for logs and metrics
	// Documents are those of which Ask chooses one, in place of Document.
	Documents []string
	Events    string // a subscription, for clients who want text/event-stream; "" if there is none
	// Types are the media types of the answers, the one first that clients get who do not
	// care; another one than these is refused with 406. Without any, Accept is not looked at.
	Types []string
	// Public says that it is read as by everybody, whoever asks: a token counts for the
	// budget alone.
	Public bool
	// Ask reads the address. Its faults are answered as a problem.
	Ask func(Request) (Asked, error)
}

// Request is what a page is asked.
type Request struct {
	*http.Request
	Base string // of absolute links, without a slash at the end: https://api.example.org
	Type string // of Page.Types, the one to answer with
}

// Asked is what a page reads for a request, and what becomes of it.
type Asked struct {
	Document  string         // of the page's, if it has several
	Variables map[string]any // as JSON has them: string, bool, json.Number, []any, map[string]any
	// First, if there is one, reads before the document what its variables depend on, when
	// it is the request's turn; it may add to Variables. Such an answer is not kept.
	First func(context.Context) error
	// Render makes the answer of the finished data, of which the body may be a part, for this
	// request and for all of the same address, Base, Type and Variables. A fault.NotFound
	// is answered with 404.
	Render func(data []byte) (Answer, error)
	// Begin is where events begin, unless the client says what it got last; nil for now.
	Begin *change.Cursor
	// Event makes of finished data what an event says, in one line.
	Event func(data []byte) ([]byte, error)
}

// Answer is what a page answers with 200.
type Answer struct {
	Body   []byte
	Header http.Header // Content-Type, and what else goes with the body, such as Link
}

// A Route is an address that answers by itself.
type Route struct {
	Pattern string // of http.ServeMux without a method
	Methods []string
	// Serve answers. What it returns instead is answered as a problem, unless it has begun.
	Serve func(http.ResponseWriter, *Caller) error
	// Documents are those that Serve asks its caller for. If it is Deep, their numbered pages
	// reach everything.
	Documents []string
	Deep      bool
	Public    bool // as of a Page
}

// Caller is who has sent the request to a Route. What it reads is charged to its budget
// and waits for its turn like everything else.
type Caller struct {
	Request
	asking *client
	g      *graphqlHTTP
	header http.Header
}

// Choose gives the most welcome of the types by the header Accept, the first of equals; ""
// if none is acceptable.
func (c *Caller) Choose(types ...string) string { return choose(c.Request.Header["Accept"], types) }

// Refusal is a fault with a status of its own.
func Refusal(status int, f *fault.Error) error { return &statusError{status, f} }

type statusError struct {
	status int
	fault  *fault.Error
}

func (r *statusError) Error() string { return r.fault.Error() }
func (r *statusError) Unwrap() error { return r.fault }

// Read runs a document and gives its data. Its errors are faults.
func (c *Caller) Read(ctx context.Context, document string, variables map[string]any) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(graphql.StartOperationTrace(ctx), operationTimeout)
	defer cancel()
	if refused := c.asking.charge(c.header, 0); refused != nil {
		return nil, refused.fault()
	}
	op, errs := c.g.executor.CreateOperationContext(ctx, &graphql.RawParams{Query: document, Variables: variables})
	if len(errs) > 0 {
		c.asking.charge(c.header, costRefused)
		return nil, faultOf(errs[0])
	}
	rec := recordOf(ctx)
	cost, _ := graph.Cost(op)
	rec.operation, rec.kind, rec.valid, rec.known = op.Operation.Name, string(op.Operation.Operation), true, true
	rec.cost += cost
	if refused := c.asking.charge(c.header, cost); refused != nil {
		return nil, refused.fault()
	}
	class, busy := c.g.admission.enter(ctx)
	if busy != nil {
		c.asking.charge(c.header, -cost)
		return nil, busy.fault()
	}
	response := c.g.run(ctx, op, class)
	switch {
	case response == nil:
		return nil, fault.New(fault.Timeout, tooLong)
	case len(response.Errors) > 0:
		return nil, faultOf(response.Errors[0])
	}
	return response.Data, nil
}

// InTurn does something that is no document, such as reading changes, when it is the
// caller's turn.
func (c *Caller) InTurn(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	return c.g.inTurn(ctx, do)
}

func (g *graphqlHTTP) inTurn(ctx context.Context, do func(context.Context) error) error {
	class, busy := g.admission.enter(ctx)
	if busy != nil {
		return busy.fault()
	}
	defer g.admission.leave(class)
	return do(ctx)
}

// problems is the form of answers outside of GraphQL: their errors are RFC 9457.
type problems struct {
	asked *Asked // nil where nothing is rendered
}

func (problems) refuse(w http.ResponseWriter, r *http.Request, refused *refusal) {
	failed(w, string(refused.code))
	later(w, refused.status)
	problem(w, r, refused.status, refused.fault())
}

func (problems) fail(w http.ResponseWriter, r *http.Request, response *graphql.Response, _ bool) {
	fail(w, r, faultOf(response.Errors[0]))
}

func fail(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	status := statusOf(f.Code)
	failed(w, string(f.Code))
	later(w, status)
	problem(w, r, status, f)
}

func (p problems) render(response *graphql.Response, _ *[]byte, _ int) (cache.Answer, error) {
	a, err := p.asked.Render(response.Data)
	if a.Header == nil {
		a.Header = http.Header{}
	}
	a.Header.Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat)) // if it is kept
	return cache.Answer{Body: a.Body, Headers: a.Header}, err
}

// event is what a response says as one of a stream, and whether that is a problem.
func (p problems) event(r *http.Request, response *graphql.Response) (data []byte, failed bool) {
	if len(response.Errors) == 0 {
		data, err := p.asked.Event(response.Data)
		if err == nil {
			return data, false
		}
		response = &graphql.Response{Errors: gqlerror.List{graph.Present(r.Context(), err)}}
	}
	f := faultOf(response.Errors[0])
	return encode(problemOf(r, statusOf(f.Code), f)), true
}

// give writes an answer that is not kept here. The public may keep it, and ask whether
// it still holds.
func (p problems) give(w http.ResponseWriter, r *http.Request, a cache.Answer) {
	h := w.Header()
	maps.Copy(h, a.Headers)
	h.Del("Last-Modified")
	if auth.From(r.Context()) == nil {
		etag := cache.ETagOf(a.Body)
		h["Cache-Control"], h["Etag"] = []string{"public, no-cache"}, []string{etag}
		if matches(r.Header["If-None-Match"], etag) {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	send(w, http.StatusOK, h.Get("Content-Type"), a.Body)
}

func (problems) represent(h http.Header, e *cache.Entry) (plain bool) {
	maps.Copy(h, e.Headers)
	// An answer that is read anew within the second would have the same date.
	if modified, err := http.ParseTime(h.Get("Last-Modified")); err != nil || time.Since(modified) < 2*time.Second {
		h.Del("Last-Modified")
	}
	return true
}

// page answers a page.
func (g *graphqlHTTP) page(p Page) http.Handler {
	return reading(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, ok := g.caller(w, r, p.Types, p.Public)
		if !ok {
			return
		}
		asked, err := p.Ask(caller.Request)
		if err != nil {
			caller.asking.charge(w.Header(), costRefused)
			failWith(w, caller.Request.Request, err)
			return
		}
		r = caller.Request.Request
		ctx, cancel := context.WithTimeout(graphql.StartOperationTrace(r.Context()), operationTimeout)
		defer cancel()
		buf, _ := g.buffers.Get().(*[]byte)
		defer func() {
			if cap(*buf) <= maxKept {
				g.buffers.Put(buf)
			}
		}()
		params := &graphql.RawParams{Query: cmp.Or(asked.Document, p.Document), Variables: asked.Variables, Headers: r.Header}
		recordOf(ctx).known = true
		q := &question{graphqlHTTP: g, w: w, r: r, form: problems{asked: &asked}, params: params, asking: caller.asking}
		if caller.Type == eventStream {
			params.Query, q.streaming, q.place = p.Events, only, &graph.Place{Begin: asked.Begin}
			q.answer(begins(ctx, r, q.place), buf)
			return
		}
		if q.ask(p.Pattern+" "+caller.Base+" "+caller.Type, r.URL.Path+"?"+r.URL.Query().Encode(), asked.First != nil) {
			return
		}
		if asked.First != nil {
			q.state("fwd=bypass")
			if err := g.inTurn(ctx, asked.First); err != nil {
				failWith(w, r, err)
				return
			}
			params.Variables = asked.Variables
		}
		q.answer(ctx, buf)
	}))
}

// route answers a route.
func (g *graphqlHTTP) route(to Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allow(w, r, to.Methods...) {
			return
		}
		caller, ok := g.caller(w, r, nil, to.Public)
		if !ok {
			return
		}
		if err := to.Serve(w, caller); err != nil {
			failWith(w, caller.Request.Request, err)
		}
	})
}

// caller says who asks and in which type, or has answered why it may not.
func (g *graphqlHTTP) caller(w http.ResponseWriter, r *http.Request, types []string, public bool) (*Caller, bool) {
	h := w.Header()
	vary := "Accept-Encoding, Authorization"
	if len(types) > 1 {
		vary = "Accept, " + vary
	}
	h.Add("Vary", vary)
	h.Set("Cache-Control", "no-store")
	if len(r.Header["Authorization"]) > 0 {
		h.Set("Cache-Control", "private, no-store")
	}
	chosen := ""
	if len(types) > 0 {
		if chosen = choose(r.Header.Values("Accept"), types); chosen == "" {
			problems{}.refuse(w, r, refuse(http.StatusNotAcceptable, "Answers are %s; name one of them in the header Accept, or leave it out.", strings.Join(types, " or ")))
			return nil, false
		}
	}
	r, known := g.identify(w, r, problems{})
	if !known {
		return nil, false
	}
	c := &Caller{Request: Request{r, g.publicURL(r), chosen}, asking: g.budgets.of(r), g: g, header: h}
	if public {
		c.Request.Request = r.WithContext(auth.With(r.Context(), nil))
	}
	if refused := c.asking.charge(h, 0); refused != nil {
		problems{}.refuse(w, r, refused)
		return nil, false
	}
	return c, true
}

// failWith answers with an error, which is logged if it is our own.
func failWith(w http.ResponseWriter, r *http.Request, err error) {
	shown := faultOf(graph.Present(r.Context(), err))
	if f, ok := fault.From(err); ok {
		shown.Path = f.Path
	}
	var own *statusError
	if errors.As(err, &own) {
		failed(w, string(shown.Code))
		problem(w, r, own.status, shown)
		return
	}
	fail(w, r, shown)
}

// publicURL is where links lead: as it is set, or to where the request was sent.
func (g *graphqlHTTP) publicURL(r *http.Request) string {
	if g.public != "" {
		return g.public
	}
	if !saneHost.MatchString(r.Host) {
		return "" // links are relative then
	}
	u := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil || viaHTTPS(r, g.budgets.Proxies) {
		u.Scheme = "https"
	}
	return u.String()
}

var saneHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]_-]{1,255}$`)

// CheckPublicURL says what is wrong with the address at which the public finds a server.
func CheckPublicURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.ForceQuery || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is no address for links: write scheme and host, and a path if there is one, such as https://api.example.org", address)
	}
	return nil
}

// faultOf is what an error of GraphQL says, without GraphQL.
func faultOf(err *gqlerror.Error) *fault.Error {
	code, _ := err.Extensions["code"].(string)
	return &fault.Error{Code: fault.Code(code), Message: err.Message}
}

func (r *refusal) fault() *fault.Error { return &fault.Error{Code: r.code, Message: r.message} }

// statusOf is the status of HTTP that a fault has outside of GraphQL.
func statusOf(code fault.Code) int {
	switch code {
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.CursorExpired:
		return http.StatusGone
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Busy, fault.Timeout:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// hold has all documents of pages and routes validated.
func (c *Config) hold() error {
	deep := map[string]bool{}
	for _, p := range c.Pages {
		for _, d := range append([]string{p.Document, p.Events}, p.Documents...) {
			if d != "" {
				deep[d] = false
			}
		}
	}
	for _, r := range c.Routes {
		for _, d := range r.Documents {
			deep[d] = deep[d] || r.Deep
		}
	}
	for d, deep := range deep {
		if err := c.Executor.Hold(d, deep); err != nil {
			return fmt.Errorf("a stored document is not valid: %w\n%s", err, d)
		}
	}
	return nil
}
