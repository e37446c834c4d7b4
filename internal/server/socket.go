package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
)

// subprotocol is what is spoken over WebSockets, after the PROTOCOL.md of graphql-ws.
const subprotocol = "graphql-transport-ws"

// maxMessage is how large a message from a client may be.
const maxMessage = 64 << 10

// The reasons for which a WebSocket is closed. Those from 4400 on are the protocol's.
const (
	closeGoingAway    = websocket.StatusGoingAway
	closeInvalid      = websocket.StatusCode(4400)
	closeUnauthorized = websocket.StatusCode(4401)
	closeForbidden    = websocket.StatusCode(4403)
	closeSubprotocol  = websocket.StatusCode(4406)
	closeInitTimeout  = websocket.StatusCode(4408)
	closeDuplicate    = websocket.StatusCode(4409)
	closeTooManyInits = websocket.StatusCode(4429)
	closeInternal     = websocket.StatusCode(4500)

	maxReason = 123 // bytes; what a frame has room for
)

// isUpgrade says whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && hasToken(r.Header.Values("Upgrade"), "websocket")
}

func hasToken(values []string, token string) bool {
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if strings.EqualFold(strings.TrimSpace(item), token) {
			return true
		}
	}
	return false
}

// mayConnect says whether a page of the request's origin may open a WebSocket:
// browsers let every page do so, and leave it to the server to refuse. What is no
// browser sends no origin.
func (g *graphqlHTTP) mayConnect(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) || g.originAllowed(r)
}

// socket answers a request that asks for a WebSocket, for as long as that is open.
func (g *graphqlHTTP) socket(w http.ResponseWriter, r *http.Request) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.Header.Get("Sec-WebSocket-Key")))
	switch {
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		w.Header().Set("Sec-WebSocket-Version", "13")
		plainJSON.refuse(w, r, refuse(http.StatusUpgradeRequired, "WebSockets of version 13 are spoken here; send the header Sec-WebSocket-Version: 13."))
		return
	case !hasToken(r.Header.Values("Connection"), "upgrade"), !r.ProtoAtLeast(1, 1),
		len(r.Header.Values("Sec-WebSocket-Key")) != 1, err != nil, len(key) != 16:
		plainJSON.refuse(w, r, refuse(http.StatusBadRequest, "This is not how a WebSocket is opened (RFC 6455, 4.1)."))
		return
	case !g.mayConnect(r):
		plainJSON.refuse(w, r, &refusal{http.StatusForbidden, fault.Forbidden, "Pages of this origin may not connect; whoever runs this server can allow it."})
		return
	}
	r, known := g.identify(w, r, plainJSON)
	if !known {
		return
	}
	leave, refused := g.streams.enter(network(address(r, g.budgets.Proxies)))
	if refused != nil {
		w.Header().Set("Retry-After", "5")
		plainJSON.refuse(w, r, refused)
		return
	}
	defer leave()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, InsecureSkipVerify: true}) // the origin was checked
	if err != nil {
		return // it has been answered
	}
	conn.SetReadLimit(maxMessage)
	s := &socket{g: g, conn: conn, opened: r, running: map[string]*running{}}
	s.ctx, s.cancel = context.WithCancel(r.Context())
	s.as = s.ctx
	if s.actor = auth.From(s.ctx); s.actor != nil {
		s.token, _ = bearer(r.Header["Authorization"])
	}
	s.serve()
}

// socket is a WebSocket that is open. One goroutine reads from it; any may write.
type socket struct {
	g      *graphqlHTTP
	conn   *websocket.Conn
	opened *http.Request   // by which it was opened
	ctx    context.Context // ends with it
	cancel context.CancelFunc

	acked bool            // what only the reader knows
	as    context.Context // ctx, with whoever operations run for

	mu          sync.Mutex
	initialised bool // or about to be
	token       string
	actor       *auth.Actor // whose token it is; nil for the public
	running     map[string]*running
}

// running is an operation that runs.
type running struct{ cancel context.CancelFunc }

func (s *socket) serve() {
	var all sync.WaitGroup
	defer all.Wait()
	defer s.cancel()
	defer func() { _ = s.conn.CloseNow() }()
	defer context.AfterFunc(s.g.streams.closing, func() { s.close(closeGoingAway, "This server is about to stop; connect again.") })()
	late := time.AfterFunc(s.g.streams.InitTimeout, func() {
		s.mu.Lock()
		waiting := !s.initialised
		s.mu.Unlock()
		if waiting {
			s.close(closeInitTimeout, "Connection initialisation timeout")
		}
	})
	defer late.Stop()
	if s.conn.Subprotocol() != subprotocol {
		s.close(closeSubprotocol, "Subprotocol not acceptable")
		return
	}
	all.Go(s.beat)
	for {
		kind, message, err := s.conn.Read(s.ctx)
		if err != nil {
			return // closed, by whomever
		}
		if kind != websocket.MessageText || !utf8.Valid(message) {
			s.close(closeInvalid, "Messages are JSON, as text in UTF-8.")
			return
		}
		if !s.take(message, &all) {
			return
		}
	}
}

// close closes the socket; only the first reason is told.
func (s *socket) close(code websocket.StatusCode, reason string) {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason-len("…")], "") + "…"
	}
	_ = s.conn.Close(code, reason) // that the client is gone already is no error
	s.cancel()
}

// beat sends signs of life and looks for them, and looks the token up again.
func (s *socket) beat() {
	beats := time.NewTicker(s.g.streams.Heartbeat)
	defer beats.Stop()
	checks := time.NewTicker(s.g.streams.Recheck)
	defer checks.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-beats.C:
			ctx, cancel := context.WithTimeout(s.ctx, s.g.streams.Heartbeat)
			err := s.conn.Ping(ctx)
			cancel()
			if err != nil {
				_ = s.conn.CloseNow()
				s.cancel()
				return
			}
		case <-checks.C:
			s.mu.Lock()
			token, actor := s.token, s.actor
			s.mu.Unlock()
			if actor == nil {
				continue
			}
			if problem := s.g.stillWelcome(s.ctx, token, actor); problem != "" {
				s.close(closeForbidden, problem)
				return
			}
		}
	}
}

// message is what a client sends.
type message struct {
	kind, id string
	payload  []byte
}

func parseMessage(raw []byte) (m message, problem string) {
	if !json.Valid(raw) || bytes.TrimLeft(raw, space)[0] != '{' {
		return m, "A message is a JSON object."
	}
	for name, value := range members(raw) {
		switch name {
		case "type":
			if !text(value, &m.kind) {
				return m, "`type` must be a string."
			}
		case "id":
			if !text(value, &m.id) {
				return m, "`id` must be a string."
			}
		case "payload":
			if m.payload = value; string(value) == "null" {
				m.payload = nil
			} else if value[0] != '{' {
				return m, "`payload` must be an object."
			}
		}
	}
	return m, ""
}

// take does what a message asks for. It says whether to go on.
func (s *socket) take(raw []byte, all *sync.WaitGroup) bool {
	m, problem := parseMessage(raw)
	if problem != "" {
		s.close(closeInvalid, problem)
		return false
	}
	switch m.kind {
	case "connection_init":
		return s.initialise(m.payload)
	case "ping":
		s.send(append(append([]byte(`{"type":"pong"`), payloadOf(m.payload)...), '}'))
	case "pong":
	case "subscribe":
		return s.subscribe(m, all)
	case "complete":
		if m.id == "" {
			s.close(closeInvalid, "`complete` needs an `id`.")
			return false
		}
		s.mu.Lock()
		if op := s.running[m.id]; op != nil {
			delete(s.running, m.id)
			op.cancel()
		}
		s.mu.Unlock()
	case "":
		s.close(closeInvalid, "`type` is missing.")
		return false
	default:
		s.close(closeInvalid, "Clients send connection_init, ping, pong, subscribe and complete.")
		return false
	}
	return true
}

func payloadOf(payload []byte) []byte {
	if payload == nil {
		return nil
	}
	return append([]byte(`,"payload":`), payload...)
}

// initialise acknowledges the connection, and finds out whose it is if the message
// says so: browsers cannot send the header Authorization with a WebSocket.
func (s *socket) initialise(payload []byte) bool {
	s.mu.Lock()
	again := s.initialised
	s.initialised = true
	s.mu.Unlock()
	if again {
		s.close(closeTooManyInits, "Too many initialisation requests")
		return false
	}
	if payload != nil {
		var actor *auth.Actor
		for name, value := range members(payload) {
			if !strings.EqualFold(name, "authorization") || string(value) == "null" {
				continue
			}
			var header string
			if !text(value, &header) {
				s.close(closeForbidden, "`authorization` must be a string.")
				return false
			}
			token, ok := bearer([]string{header})
			if !ok {
				s.close(closeForbidden, "Send `authorization` in the form `Bearer sgt_…`, or leave it out.")
				return false
			}
			ctx, cancel := context.WithTimeout(s.ctx, operationTimeout)
			var err error
			actor, err = s.g.authenticated(ctx, token)
			cancel()
			if err != nil {
				if f, ok := fault.From(err); ok && f.Code == fault.Unauthenticated {
					s.close(closeForbidden, f.Message)
				} else {
					s.close(closeInternal, graph.Present(s.ctx, err).Message) // and logged
				}
				return false
			}
			s.mu.Lock()
			s.token, s.actor = token, actor
			s.mu.Unlock()
		}
		if actor != nil {
			s.as = auth.With(s.ctx, actor)
		}
	}
	s.acked = true
	return s.send([]byte(`{"type":"connection_ack"}`))
}

// subscribe begins an operation of any kind.
func (s *socket) subscribe(m message, all *sync.WaitGroup) bool {
	if !s.acked {
		s.close(closeUnauthorized, "Unauthorized")
		return false
	}
	if m.id == "" || m.payload == nil {
		s.close(closeInvalid, "`subscribe` needs an `id` and a `payload`.")
		return false
	}
	params, refused := parse(m.payload)
	if refused != nil {
		s.close(closeInvalid, refused.message)
		return false
	}
	params.Headers = http.Header{} // those of the connection say nothing about an operation
	ctx, cancel := context.WithCancel(s.as)
	op := &running{cancel: cancel}
	s.mu.Lock()
	_, taken := s.running[m.id]
	full := len(s.running) >= s.g.streams.Operations
	if !taken && !full {
		s.running[m.id] = op
	}
	s.mu.Unlock()
	switch {
	case taken:
		cancel()
		s.close(closeDuplicate, "Subscriber for "+m.id+" already exists")
		return false
	case full:
		cancel()
		s.send(operationMessage("error", m.id, encode(failure(fault.TooLarge, "There are too many operations on this connection; complete one, or open another connection.").Errors)))
		return true
	}
	all.Go(func() {
		defer cancel()
		s.run(ctx, m.id, op, params)
	})
	return true
}

// run runs an operation and sends what comes of it, until the client completes it.
func (s *socket) run(ctx context.Context, id string, op *running, params *request) {
	// finish sends the last message of an operation, whose id is free from then on.
	finish := func(kind string, payload []byte) {
		if s.forget(id, op) {
			s.send(operationMessage(kind, id, payload))
		}
	}
	defer func() {
		if v := recover(); v != nil {
			slog.ErrorContext(ctx, "panic", "value", v, "stack", string(debug.Stack()))
			finish("error", encode([]any{graph.Present(ctx, errors.New("panic"))}))
		}
	}()
	limited, stop := context.WithTimeout(graphql.StartOperationTrace(ctx), operationTimeout)
	defer stop()
	if refused := s.charge(0); refused != nil {
		finish("error", encode(failure(refused.code, refused.message).Errors))
		return
	}
	if _, unresolved := s.g.executor.Resolve(limited, &params.RawParams, params.documentID); unresolved != nil {
		s.charge(costRefused)
		finish("error", encode(gqlerror.List{unresolved}))
		return
	}
	prepared, errs := s.g.executor.CreateOperationContext(limited, &params.RawParams)
	cost, _ := graph.Cost(prepared)
	if len(errs) > 0 {
		cost = costRefused
	}
	if refused := s.charge(cost); refused != nil {
		finish("error", encode(failure(refused.code, refused.message).Errors))
		return
	}
	if len(errs) > 0 {
		finish("error", encode(s.g.executor.DispatchError(graphql.WithOperationContext(ctx, prepared), errs).Errors))
		return
	}
	if prepared.Operation.Operation != ast.Subscription {
		response := s.g.once(limited, prepared)
		if s.is(id, op) {
			s.next(id, response)
		}
		finish("complete", nil)
		return
	}
	handler, ctx := s.g.executor.DispatchOperation(ctx, prepared)
	for {
		response := handler(ctx)
		switch {
		case response == nil && ctx.Err() != nil:
			s.forget(id, op)
			return
		case response == nil:
			finish("complete", nil)
			return
		case response.Data == nil:
			finish("error", encode(response.Errors))
			return
		case !s.is(id, op) || !s.next(id, response):
			return
		}
	}
}

// charge is that of whoever the operations run for.
func (s *socket) charge(cost int) *refusal {
	return s.g.budgets.of(s.opened.WithContext(s.as)).charge(http.Header{}, cost)
}

// is says whether an operation still runs under an id.
func (s *socket) is(id string, op *running) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[id] == op
}

func (s *socket) forget(id string, op *running) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[id] != op {
		return false
	}
	delete(s.running, id)
	return true
}

func (s *socket) next(id string, response *graphql.Response) bool {
	var b bytes.Buffer
	appendResponse(&b, response)
	return s.send(operationMessage("next", id, b.Bytes()))
}

func operationMessage(kind, id string, payload []byte) []byte {
	return append(append([]byte(`{"type":"`+kind+`","id":`+string(encode(id))), payloadOf(payload)...), '}')
}

// send writes a message. A client that does not take it in time is cut off.
func (s *socket) send(m []byte) bool {
	ctx, cancel := context.WithTimeout(s.ctx, s.g.streams.WriteTimeout)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, m) == nil
}
