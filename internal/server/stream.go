package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
)

// Streams bounds what stays open: WebSockets, and answers that are streams of events.
// What is zero has a default.
type Streams struct {
	Max          int // connections in all
	MaxPerClient int // of one address, as budgets take it; of one /64 network in IPv6
	Operations   int // at once on one WebSocket

	InitTimeout  time.Duration // in which a WebSocket has to be initialised
	Heartbeat    time.Duration // after which a sign of life is sent
	Recheck      time.Duration // after which a token is looked up again
	WriteTimeout time.Duration // in which a client has to take what it is sent
}

// The defaults of what is zero.
const (
	DefaultStreams          = 2000
	DefaultStreamsPerClient = 200
)

func (s Streams) withDefaults() Streams {
	return Streams{
		Max:          cmp.Or(s.Max, DefaultStreams),
		MaxPerClient: cmp.Or(s.MaxPerClient, DefaultStreamsPerClient),
		Operations:   cmp.Or(s.Operations, 100),
		InitTimeout:  cmp.Or(s.InitTimeout, 5*time.Second),
		Heartbeat:    cmp.Or(s.Heartbeat, 15*time.Second),
		Recheck:      cmp.Or(s.Recheck, 15*time.Second),
		WriteTimeout: cmp.Or(s.WriteTimeout, 10*time.Second),
	}
}

// streams are the connections that are open.
type streams struct {
	Streams
	closing context.Context // ends when they are to go
	close   context.CancelFunc

	mu    sync.Mutex
	by    map[netip.Prefix]int // client
	total int
	empty chan struct{} // closed when there are none, while somebody waits
}

func newStreams(c Streams) *streams {
	s := &streams{Streams: c.withDefaults(), by: map[netip.Prefix]int{}}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// enter counts a connection until it leaves, or says why there can be no more.
func (s *streams) enter(client netip.Prefix) (leave func(), refused *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing.Err() != nil:
		return nil, &refusal{http.StatusServiceUnavailable, fault.Busy, "This server is about to stop; connect again."}
	case s.total >= s.Max:
		return nil, &refusal{http.StatusServiceUnavailable, fault.Busy, "There are too many open streams; try again in a moment."}
	case s.by[client] >= s.MaxPerClient:
		return nil, &refusal{http.StatusTooManyRequests, fault.Busy, fmt.Sprintf("There are %d open streams from this address, which is the most there may be; close one.", s.MaxPerClient)}
	}
	s.total++
	s.by[client]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.total--
		if s.by[client]--; s.by[client] == 0 {
			delete(s.by, client)
		}
		if s.total == 0 && s.empty != nil {
			close(s.empty)
			s.empty = nil
		}
	}), nil
}

// drain tells all to go, and waits until they have.
func (s *streams) drain(ctx context.Context) {
	s.close()
	s.mu.Lock()
	if s.total == 0 {
		s.mu.Unlock()
		return
	}
	s.empty = make(chan struct{})
	empty := s.empty
	s.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}

// stillWelcome looks a token up again. It says what to tell its holder if it is not
// good any more; a database that does not answer says nothing about it.
func (g *graphqlHTTP) stillWelcome(ctx context.Context, token string, as *auth.Actor) (problem string) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	now, err := g.authenticated(ctx, token)
	if err != nil {
		if f, ok := fault.From(err); ok && f.Code == fault.Unauthenticated {
			return f.Message
		}
		if !errors.Is(err, context.Canceled) {
			_ = graph.Present(ctx, err) // for the log
		}
		return ""
	}
	if now.Role != as.Role {
		return "What this token may do has changed; connect again."
	}
	return ""
}
