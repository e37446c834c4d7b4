package server

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
)

// lastEventID is the header by which a client says what it got last: browsers send
// it by themselves when they connect again.
const lastEventID = "Last-Event-ID"

// reconnect is after how long a client should connect again, in milliseconds.
const reconnect = "2000"

// wantsStream says whether an operation is answered with a stream of events: because
// it is a subscription, which has no other answer, or because nothing else is wanted.
func wantsStream(op *graphql.OperationContext, accepts streaming) bool {
	return accepts == only || accepts == also && op.Operation != nil && op.Operation.Operation == ast.Subscription
}

// begins gives a context in which a subscription begins where the client's last
// stream ended.
func begins(ctx context.Context, r *http.Request, place *graph.Place) context.Context {
	if id := r.Header.Get(lastEventID); id != "" {
		place.Begin = new(change.Cursor(id))
	}
	return graph.WithPlace(ctx, place)
}

// eventStream answers with server-sent events, one connection for each operation
// (graphql-sse, "distinct connections mode"): `next` for each response, with the
// place in the feed as its id, and `complete` when there will be no more. While there
// is nothing to tell, comments keep the connection open; an id among them moves on
// where a browser begins again.
//
// Of a page the events have no names, so that browsers take them for messages; one that
// is named problem says why there are no more.
func (g *graphqlHTTP) eventStream(w http.ResponseWriter, r *http.Request, place *graph.Place, op *graphql.OperationContext, errs gqlerror.List, in form) {
	leave, refused := g.streams.enter(network(address(r, g.budgets.Proxies)))
	if refused != nil {
		w.Header().Set("Retry-After", "5")
		in.refuse(w, r, refused)
		return
	}
	defer leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(g.streams.closing, cancel)()
	e := &eventWriter{w: w, r: r, control: http.NewResponseController(w), timeout: g.streams.WriteTimeout}
	var handler graphql.ResponseHandler
	if page, ok := in.(problems); ok { // which says what is wrong by its status
		e.page = &page
		if len(errs) > 0 {
			in.fail(w, r, g.executor.DispatchError(graphql.WithOperationContext(ctx, op), errs), false)
			return
		}
		if handler, ctx = g.executor.DispatchOperation(ctx, op); !place.Begun {
			in.fail(w, r, handler(ctx), true)
			return
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no")           // nginx would hold events back
	_ = e.control.SetReadDeadline(time.Time{}) // else the client seems to have left after a while
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}

	if len(errs) > 0 {
		e.next("", g.executor.DispatchError(graphql.WithOperationContext(ctx, op), errs))
		e.complete()
		return
	}
	if op.Operation.Operation != ast.Subscription {
		ctx, cancel := context.WithTimeout(ctx, operationTimeout)
		defer cancel()
		e.next("", g.once(ctx, op))
		e.complete()
		return
	}

	if handler == nil {
		handler, ctx = g.executor.DispatchOperation(ctx, op)
	}
	e.begin(place.Reached)
	checked := time.Now()
	for {
		beat, stop := context.WithTimeout(ctx, g.streams.Heartbeat)
		response := handler(beat)
		quiet := beat.Err() != nil
		stop()
		switch {
		case response != nil && response.Data == nil: // it is over
			e.next("", response)
			e.complete()
			return
		case response != nil:
			e.next(place.Reached, response)
		case ctx.Err() != nil:
			// The client has left, or this server is about to: then it connects again,
			// to another one. It would not if this were complete.
			return
		case quiet:
			e.keepAlive(place.Reached)
		default:
			e.complete()
			return
		}
		if e.err != nil {
			return
		}
		if actor := auth.From(ctx); actor != nil && time.Since(checked) >= g.streams.Recheck {
			checked = time.Now()
			token, _ := bearer(r.Header["Authorization"])
			if problem := g.stillWelcome(ctx, token, actor); problem != "" {
				e.next("", failure(fault.Unauthenticated, problem))
				e.complete()
				return
			}
		}
	}
}

// once runs an operation that has one answer, when it is its turn.
func (g *graphqlHTTP) once(ctx context.Context, op *graphql.OperationContext) *graphql.Response {
	class, busy := g.admission.enter(ctx)
	if busy != nil {
		return failure(busy.code, busy.message)
	}
	if response := g.run(ctx, op, class); response != nil {
		return response
	}
	return failure(fault.Timeout, tooLong)
}

// failure is a response of an operation that has no data.
func failure(code fault.Code, message string) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{{Message: message, Extensions: map[string]any{"code": code}}}}
}

// eventWriter writes events. A client that does not take them in time is cut off.
type eventWriter struct {
	w       http.ResponseWriter
	r       *http.Request
	page    *problems // whose events they are; nil for GraphQL
	control *http.ResponseController
	timeout time.Duration
	buf     bytes.Buffer
	err     error
}

func (e *eventWriter) begin(at change.Cursor) {
	e.buf.WriteString("retry: " + reconnect + "\n")
	e.id(at)
	e.buf.WriteString(": subscribed\n\n")
	e.flush()
}

func (e *eventWriter) next(at change.Cursor, response *graphql.Response) {
	var data []byte
	switch {
	case e.page == nil:
		e.buf.WriteString("event: next\n")
	default:
		var failed bool
		if data, failed = e.page.event(e.r, response); failed {
			e.buf.WriteString("event: problem\n")
		}
	}
	e.id(at)
	e.buf.WriteString("data: ")
	if e.page == nil {
		appendResponse(&e.buf, response)
	}
	e.buf.Write(data)
	e.buf.WriteString("\n\n")
	e.flush()
}

// complete has data, without which browsers drop an event.
func (e *eventWriter) complete() {
	if e.page != nil {
		return
	}
	e.buf.WriteString("event: complete\ndata:\n\n")
	e.flush()
}

func (e *eventWriter) keepAlive(at change.Cursor) {
	e.id(at)
	e.buf.WriteString(":\n\n")
	e.flush()
}

func (e *eventWriter) id(at change.Cursor) {
	if at != "" {
		e.buf.WriteString("id: " + string(at) + "\n")
	}
}

func (e *eventWriter) flush() {
	if e.err == nil {
		_ = e.control.SetWriteDeadline(time.Now().Add(e.timeout))
		if _, e.err = e.w.Write(e.buf.Bytes()); e.err == nil {
			e.err = e.control.Flush()
		}
	}
	if e.buf.Cap() > maxIdle {
		e.buf = bytes.Buffer{}
	}
	e.buf.Reset()
}

// maxIdle is what a stream may keep of its last event.
const maxIdle = 4 << 10
