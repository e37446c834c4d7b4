package server

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/graph"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/plan"
)

// maxTags is how long the header that lists an answer's tags may be. What stands in
// between has limits: Node.js takes 16 KiB of headers in all, some proxies 8.
const maxTags = 4 << 10

// A question is a request on its way past the cache, through admission, to the executor
// and back, whatever the form of its answer. Only what is asked without a header
// Authorization is looked for: the public is one reader, and whoever has a token may see
// more.
type question struct {
	*graphqlHTTP
	w      http.ResponseWriter
	r      *http.Request
	form   form
	params *graphql.RawParams
	asking *client
	look   *cache.Lookup // nil if it is not looked for
	from   plan.Sources

	streaming streaming
	place     *graph.Place // of a stream
}

// form is how the answer to an operation is written.
type form interface {
	// refuse answers what does not run.
	refuse(w http.ResponseWriter, r *http.Request, refused *refusal)
	// fail answers with an operation's errors, which came up before it ran or while it did.
	fail(w http.ResponseWriter, r *http.Request, response *graphql.Response, ran bool)
	// render makes an answer of what was read: its body, and the headers that are kept with
	// it. buf is the buffer that the data stand in, nil for none; cost is 0 if it is not
	// known.
	render(response *graphql.Response, buf *[]byte, cost int) (cache.Answer, error)
	// give writes an answer that is not kept.
	give(w http.ResponseWriter, r *http.Request, a cache.Answer)
	// represent sets the headers that go with a kept answer, and says which of the two
	// media types of that it has.
	represent(h http.Header, e *cache.Entry) (plain bool)
}

// ask looks for the answer to a request, and says whether it has given it. It costs the
// client what reading it would. form tells forms apart, document what is asked in it.
func (q *question) ask(form, document string, unkept bool) (answered bool) {
	if q.cache == nil || unkept {
		return false
	}
	rec := recordOf(q.r.Context())
	rec.cache = string(cache.Bypass)
	if len(q.r.Header["Authorization"]) > 0 {
		q.state("fwd=bypass")
		return false
	}
	q.look = q.cache.Get(q.r.Context().Done(), cache.KeyOf(form, document, q.params.OperationName, q.params.Variables))
	rec.cache = string(q.look.Outcome)
	switch q.look.Outcome {
	case cache.Hit, cache.Stale:
		e := q.look.Entry
		rec.operation, rec.kind, rec.valid, rec.cost = e.Operation, string(ast.Query), true, e.Cost
		if refused := q.asking.charge(q.w.Header(), e.Cost); refused != nil {
			q.done()
			q.form.refuse(q.w, q.r, refused)
			return true
		}
		if q.look.Refresh {
			// What is counted of this request ends with it.
			go q.refresh(graph.WithRequestID(context.Background(), graph.RequestID(q.r.Context())))
		}
		q.give(e)
		return true
	case cache.Bypass:
		q.state("fwd=bypass")
	case cache.Miss:
		q.state("fwd=uri-miss")
	}
	return false
}

// state says in the answer what the cache has done: RFC 9211.
func (q *question) state(what string) { q.w.Header()["Cache-Status"] = []string{"stadtgraph; " + what} }

// watch lets the operation say what it reads.
func (q *question) watch(ctx context.Context) context.Context {
	if q.look == nil {
		return ctx
	}
	return graph.WithSources(ctx, &q.from)
}

// keep keeps the answer to a query, if it may be kept, and gives it; false if it is not. Its
// extensions are kept, too: they say nothing of who asks.
func (q *question) keep(op *graphql.OperationContext, a *cache.Answer) bool {
	e := q.kept(op, a)
	if e == nil {
		return false
	}
	q.state("fwd=uri-miss; stored")
	q.give(e)
	return true
}

func (q *question) kept(op *graphql.OperationContext, a *cache.Answer) *cache.Entry {
	if q.look == nil || q.look.Outcome == cache.Bypass || op.Operation.Operation != ast.Query || !q.from.Complete {
		return nil
	}
	tags, ok := q.look.Tags(q.from)
	if !ok {
		return q.look.Keep(nil)
	}
	a.Tags, a.Operation = tags, op.Operation.Name
	return q.look.Keep(a)
}

// done lets those go on who wait for this answer.
func (q *question) done() {
	if q.look != nil {
		q.look.Done()
	}
}

// refresh reads a stale answer anew, after it was given.
func (q *question) refresh(ctx context.Context) {
	defer q.done()
	defer func() {
		if v := recover(); v != nil {
			q.log.ErrorContext(ctx, "panic", "value", v, "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithTimeout(graphql.StartOperationTrace(q.watch(ctx)), operationTimeout)
	defer cancel()
	op, errs := q.executor.CreateOperationContext(ctx, q.params)
	if len(errs) > 0 {
		return
	}
	class, busy := q.admission.enter(ctx)
	if busy != nil {
		return // the next one reads it
	}
	response := q.run(ctx, op, class)
	if response == nil || len(response.Errors) > 0 {
		return
	}
	cost, _ := graph.Cost(op)
	if a, err := q.form.render(response, nil, cost); err == nil { // else the next one is told
		a.Cost = cost
		q.kept(op, &a)
	}
}

// saved gives an older answer in place of one that the database does not give, and says
// so; false if there is none.
func (q *question) saved(response *graphql.Response) bool {
	if q.look == nil || response != nil && !unreachable(response) {
		return false
	}
	e := q.look.Saved()
	if e == nil {
		return false
	}
	recordOf(q.r.Context()).cache = string(cache.Stale)
	q.state(fmt.Sprintf("hit; ttl=%d; detail=stale-if-error", -int(q.cache.Age(e)/time.Second)))
	q.send(e, "no-store")
	return true
}

// unreachable says whether the database was the reason why an operation failed.
func unreachable(response *graphql.Response) bool {
	for _, err := range response.Errors {
		if code := err.Extensions["code"]; code == string(fault.Busy) || code == string(fault.Timeout) {
			return true
		}
	}
	return false
}

// give answers with what is kept.
func (q *question) give(e *cache.Entry) {
	switch {
	case q.look.Outcome == cache.Miss:
	case q.look.Collapsed:
		q.state("fwd=uri-miss; collapsed")
	case q.look.Outcome == cache.Stale:
		q.state("hit; ttl=-1")
	default:
		q.state("hit")
	}
	control := "no-store"
	if q.r.Method != http.MethodPost {
		control = q.public(e)
		h := q.w.Header()
		tags := e.Header(maxTags)
		h["Cache-Tag"], h["Surrogate-Key"] = []string{strings.Join(tags, ",")}, []string{strings.Join(tags, " ")}
	}
	q.send(e, control)
}

// public is for how long others may give the answer without asking.
func (q *question) public(e *cache.Entry) string {
	left := time.Until(e.Expires())
	fresh := max(0, min(q.maxAge, left))
	if fresh < time.Second {
		return "public, no-cache" // it may be kept, and asked for with its ETag
	}
	control := "public, max-age=" + strconv.Itoa(int(fresh/time.Second))
	if left > 2*q.maxAge {
		control += ", stale-while-revalidate=" + strconv.Itoa(int(q.maxAge/time.Second))
	}
	return control
}

// send writes what is kept, in the coding that the client likes best, or nothing if the
// client has it already.
func (q *question) send(e *cache.Entry, control string) {
	body, coding := q.cache.Coded(e, cache.Negotiate(q.r.Header["Accept-Encoding"]))
	h := q.w.Header()
	etag := e.ETag(q.form.represent(h, e), coding)
	h["Cache-Control"] = []string{control}
	if q.r.Method != http.MethodPost { // of which nobody keeps the answer
		h["Etag"] = []string{etag}
		h["Age"] = []string{strconv.Itoa(int(q.cache.Age(e) / time.Second))}
	}
	if coding != cache.Identity {
		h["Content-Encoding"] = []string{coding.String()}
	}
	if q.r.Method != http.MethodPost && (matches(q.r.Header["If-None-Match"], etag) || unmodified(q.r.Header, h)) {
		delete(h, "Content-Encoding")
		delete(h, "Content-Type")
		q.w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	q.w.WriteHeader(http.StatusOK)
	_, _ = q.w.Write(body) // an error means that the client has left
}

// unmodified says whether a client that sends no entity tag has what was read last: RFC
// 9110, 13.1.3.
func unmodified(asked, answer http.Header) bool {
	if len(asked["If-None-Match"]) > 0 || len(asked["If-Modified-Since"]) != 1 || len(answer["Last-Modified"]) == 0 {
		return false
	}
	since, err := http.ParseTime(asked.Get("If-Modified-Since"))
	modified, err2 := http.ParseTime(answer.Get("Last-Modified"))
	return err == nil && err2 == nil && !modified.After(since)
}

// matches says whether one of the entity tags that a client has is this one, compared
// weakly as for GET: RFC 9110, 13.1.2.
func matches(have []string, etag string) bool {
	for _, list := range have {
		for item := range strings.SplitSeq(list, ",") {
			if item = strings.TrimPrefix(strings.TrimSpace(item), "W/"); item == etag || item == "*" {
				return true
			}
		}
	}
	return false
}
