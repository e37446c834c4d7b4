package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// connections bounds how many there are: each takes some 20 KB. When there is one too
// many, the one that has been idle, or has not sent a request, for the longest is
// closed, as it would be a little later anyway. So sockets that somebody opens and
// leaves are in nobody's way, and the next one is heard, above all if it asks for
// health. Only where all are being answered is the new one closed.
type connections struct {
	most int

	mu   sync.Mutex
	open map[net.Conn]*list.Element // nil while a request is answered
	idle list.List                  // of net.Conn, the longest first
}

func newConnections(most int) *connections {
	return &connections{most: most, open: map[net.Conn]*list.Element{}}
}

// track is http.Server's ConnState.
func (c *connections) track(conn net.Conn, state http.ConnState) {
	if surplus := c.note(conn, state); surplus != nil {
		_ = surplus.Close() // its server finds out
	}
}

// note gives a connection that has to go.
func (c *connections) note(conn net.Conn, state http.ConnState) (surplus net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if place := c.open[conn]; place != nil {
		c.idle.Remove(place)
		c.open[conn] = nil
	}
	switch state {
	case http.StateNew:
		if len(c.open) >= c.most {
			longest := c.idle.Front()
			if longest == nil {
				return conn
			}
			surplus = c.idle.Remove(longest).(net.Conn)
			delete(c.open, surplus)
		}
		c.open[conn] = c.idle.PushBack(conn)
	case http.StateIdle:
		if _, ok := c.open[conn]; ok {
			c.open[conn] = c.idle.PushBack(conn)
		}
	case http.StateActive:
	case http.StateHijacked, http.StateClosed:
		delete(c.open, conn)
	}
	return surplus
}
