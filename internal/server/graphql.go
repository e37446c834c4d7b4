package server

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/graph"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/trace"
)

// graphqlHTTP speaks GraphQL over HTTP, after the draft of its specification, and hands
// what is no single answer to eventStream and socket.
// It is our own because gqlgen's transports run what follows the JSON, repeat
// what was sent in their errors and do not negotiate.
type graphqlHTTP struct {
	executor      Executor
	authenticate  authenticator
	budgets       *budgets
	admission     *admission // nil bounds nothing
	buffers       sync.Pool  // of *[]byte: a request is read into one, its answer written into it
	cache         *cache.Cache
	maxAge        time.Duration // for which others may keep answers
	public        string        // what links begin with; see Config.PublicURL
	log           *slog.Logger
	streams       *streams
	originAllowed func(*http.Request) bool // by the settings; for WebSockets
}

// maxKept is the size up to which a buffer is used again: one huge answer should
// not be held for ever.
const maxKept = 1 << 20

func newGraphQLHTTP(c Config, streams *streams, originAllowed func(*http.Request) bool) *graphqlHTTP {
	return &graphqlHTTP{executor: c.Executor, authenticate: c.Authenticate, budgets: newBudgets(c.Budgets), buffers: sync.Pool{New: func() any { return new([]byte) }},
		cache: c.Cache, maxAge: c.MaxAge, public: c.PublicURL, log: cmp.Or(c.Log, slog.Default()), streams: streams, originAllowed: originAllowed}
}

func (g *graphqlHTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept, Accept-Encoding, Authorization")
	w.Header().Set("Cache-Control", "no-store")
	if len(r.Header["Authorization"]) > 0 {
		w.Header().Set("Cache-Control", "private, no-store")
	}
	if r.Method == http.MethodOptions {
		w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if isUpgrade(r) {
		g.socket(w, r)
		return
	}
	answer, streaming, ok := negotiate(r.Header.Values("Accept"))
	if !ok {
		plainJSON.refuse(w, r, refuse(http.StatusNotAcceptable, "Answers are %s or %s, and streams of events %s; name one of them in the header Accept.", graphqlResponse, plainJSON, eventStream))
		return
	}
	r, known := g.identify(w, r, answer.form())
	if !known {
		return
	}

	asking := g.budgets.of(r)
	if refused := asking.charge(w.Header(), 0); refused != nil {
		answer.refuse(w, r, refused)
		return
	}
	buf, _ := g.buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= maxKept {
			g.buffers.Put(buf)
		}
	}()
	var params *request
	var refused *refusal
	switch r.Method {
	case http.MethodPost:
		params, refused = readPOST(w, r, buf)
	case http.MethodGet, http.MethodHead:
		params, refused = readGET(r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
		refused = refuse(http.StatusMethodNotAllowed, "Send operations by POST, or queries by GET.")
	}
	if refused != nil {
		asking.charge(w.Header(), costRefused)
		answer.refuse(w, r, refused)
		return
	}

	ctx, cancel := context.WithTimeout(graphql.StartOperationTrace(r.Context()), operationTimeout)
	defer cancel()
	var place *graph.Place
	if streaming != none {
		place = &graph.Place{}
		ctx = begins(ctx, r, place)
	}
	params.Headers = r.Header
	onRecord, unresolved := g.executor.Resolve(ctx, &params.RawParams, params.documentID)
	if unresolved != nil {
		asking.charge(w.Header(), costRefused)
		answer.fail(w, r, &graphql.Response{Errors: gqlerror.List{unresolved}}, false)
		return
	}
	recordOf(ctx).known = onRecord
	q := &question{graphqlHTTP: g, w: w, r: r, form: answer.form(), params: &params.RawParams, asking: asking, streaming: streaming, place: place}
	if !q.ask("", params.Query, streaming == only) {
		q.answer(ctx, buf)
	}
}

// answer runs a question that the cache could not answer, and answers it in its form.
func (q *question) answer(ctx context.Context, buf *[]byte) {
	g, w, r, asking, streaming := q.graphqlHTTP, q.w, q.r, q.asking, q.streaming
	defer q.done()
	ctx = q.watch(ctx)
	op, errs := g.executor.CreateOperationContext(ctx, q.params)
	if op.Operation != nil {
		rec := recordOf(ctx)
		rec.operation, rec.kind, rec.valid = op.Operation.Name, string(op.Operation.Operation), len(errs) == 0
		if r.Method != http.MethodPost && op.Operation.Operation == ast.Mutation {
			w.Header().Set("Allow", http.MethodPost)
			asking.charge(w.Header(), costRefused)
			q.form.refuse(w, r, refuse(http.StatusMethodNotAllowed, "Send this operation by POST: by GET nothing is written."))
			return
		}
		if streaming == none && op.Operation.Operation == ast.Subscription {
			asking.charge(w.Header(), costRefused)
			q.form.refuse(w, r, refuse(http.StatusNotAcceptable, "This is a subscription: send it with the header Accept: %s, or over a WebSocket (%s).", eventStream, subprotocol))
			return
		}
	}
	cost, priced := graph.Cost(op)
	recordOf(ctx).cost = cost
	if wantsStream(op, streaming) {
		if len(errs) > 0 {
			cost = costRefused
		}
		if refused := asking.charge(w.Header(), cost); refused != nil {
			q.form.refuse(w, r, refused)
			return
		}
		*buf = nil // a stream may last for days
		q.done()
		g.eventStream(w, r, q.place, op, errs, q.form)
		return
	}
	if len(errs) > 0 {
		asking.charge(w.Header(), costRefused)
		response := g.executor.DispatchError(graphql.WithOperationContext(ctx, op), errs)
		if priced {
			withCost(response, cost)
		}
		q.form.fail(w, r, response, false)
		return
	}
	if refused := asking.charge(w.Header(), cost); refused != nil { // others of this client came first
		q.form.refuse(w, r, refused)
		return
	}
	class, busy := g.admission.enter(ctx)
	if busy != nil {
		asking.charge(w.Header(), -cost)
		q.form.refuse(w, r, busy)
		return
	}
	*buf = append((*buf)[:0], dataMember...)
	response := g.run(graph.WithBuffer(ctx, buf), op, class)
	if g.cache != nil && op.Operation.Operation == ast.Mutation {
		g.cache.Sync(ctx) // who has written sees it from now on
	}
	if (response == nil || len(response.Errors) > 0) && q.saved(response) {
		return
	}
	if response == nil { // ctx has ended: nobody waits, or nobody should any longer
		q.form.refuse(w, r, &refusal{http.StatusServiceUnavailable, fault.Timeout, tooLong})
		return
	}
	if len(response.Errors) > 0 {
		if priced {
			withCost(response, cost)
		}
		q.form.fail(w, r, response, true)
		return
	}
	if !priced {
		cost = 0
	}
	rendered, err := q.form.render(response, buf, cost)
	if err != nil {
		q.form.fail(w, r, &graphql.Response{Errors: gqlerror.List{graph.Present(ctx, err)}}, true)
		return
	}
	rendered.Cost = cost
	if !q.keep(op, &rendered) {
		q.form.give(w, r, rendered)
	}
}

// run runs an operation in its place. The answer is all there when it gives the place
// back: a client that reads slowly keeps nobody waiting.
func (g *graphqlHTTP) run(ctx context.Context, op *graphql.OperationContext, class int) *graphql.Response {
	defer g.admission.leave(class)
	ctx, span := trace.Begin(ctx, "graphql.execute")
	defer span.End()
	handler, ctx := g.executor.DispatchOperation(ctx, op)
	return handler(ctx)
}

// withCost adds to an answer what was asked for, in the words of others who report it.
func withCost(response *graphql.Response, cost int) {
	if response.Extensions == nil {
		response.Extensions = map[string]any{}
	}
	response.Extensions["cost"] = map[string]int{"requested": cost}
}

const tooLong = "This took longer than allowed; ask for fewer items or narrow the filter."

// dataMember begins an answer that has nothing else. It stands in front of the
// data already: one write takes half the time of three. costMember goes on behind it.
const (
	dataMember = `{"data":`
	costMember = `,"extensions":{"cost":{"requested":`
)

func (m media) refuse(w http.ResponseWriter, _ *http.Request, r *refusal) {
	failed(w, string(r.code))
	later(w, r.status)
	send(w, r.status, m.contentType(), requestError(r.code, r.message, ""))
}

func (m media) fail(w http.ResponseWriter, _ *http.Request, response *graphql.Response, ran bool) {
	status := http.StatusOK
	if !ran {
		status = requestStatus(m, response.Errors)
	}
	write(w, status, m, response)
}

// render puts the cost behind the data, in the buffer if that holds nothing else.
func (m media) render(response *graphql.Response, buf *[]byte, cost int) (cache.Answer, error) {
	if cost > 0 && len(response.Extensions) == 0 && buf != nil && len(*buf) == len(dataMember)+len(response.Data) {
		*buf = append(strconv.AppendInt(append(*buf, costMember...), int64(cost), 10), "}}}"...)
		return cache.Answer{Body: *buf}, nil
	}
	if cost > 0 {
		withCost(response, cost)
	}
	head, tail := around(response)
	return cache.Answer{Body: slices.Concat(head, response.Data, tail)}, nil
}

func (m media) give(w http.ResponseWriter, _ *http.Request, a cache.Answer) {
	send(w, http.StatusOK, m.contentType(), a.Body)
}

func (m media) represent(h http.Header, _ *cache.Entry) (plain bool) {
	h["Content-Type"] = []string{m.contentType()}
	return m == plainJSON
}

// requestStatus is the status of an operation that did not run. By the draft, a
// well-formed request is answered with 200 where the older media type is wanted;
// our own failures are told apart there, too.
func requestStatus(answer media, errs gqlerror.List) int {
	for _, err := range errs {
		switch err.Extensions["code"] {
		case string(fault.Internal):
			return http.StatusInternalServerError
		case string(fault.Busy), string(fault.Timeout):
			return http.StatusServiceUnavailable
		}
	}
	if answer == graphqlResponse {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// later says when to come again where we are to blame, and only for a while.
func later(w http.ResponseWriter, status int) {
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
}

// write puts the answer's members around data that is finished JSON.
func write(w http.ResponseWriter, status int, answer media, response *graphql.Response) {
	for _, err := range response.Errors {
		code, _ := err.Extensions["code"].(string)
		failed(w, code)
	}
	later(w, status)
	head, tail := around(response)
	h := w.Header()
	h.Set("Content-Type", answer.contentType())
	h.Set("Content-Length", strconv.Itoa(len(head)+len(response.Data)+len(tail)))
	w.WriteHeader(status)
	for _, part := range [][]byte{head, response.Data, tail} {
		if _, err := w.Write(part); err != nil {
			return // the client has left
		}
	}
}

// around is what comes before the data of an answer, and what comes behind. Errors
// come first, as the specification of GraphQL recommends.
func around(response *graphql.Response) (head, tail []byte) {
	head, tail = []byte("{"), []byte("}")
	if len(response.Errors) > 0 {
		head = append(append(head, `"errors":`...), encode(response.Errors)...)
	}
	if response.Data != nil {
		if len(head) > 1 {
			head = append(head, ',')
		}
		head = append(head, `"data":`...)
	}
	if len(response.Extensions) > 0 {
		tail = append(append([]byte(`,"extensions":`), encode(response.Extensions)...), '}')
	}
	return head, tail
}

// appendResponse writes an answer that is part of a stream.
func appendResponse(b *bytes.Buffer, response *graphql.Response) {
	head, tail := around(response)
	b.Write(head)
	b.Write(response.Data)
	b.Write(tail)
}
