package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A client asks over one connection that it keeps. It knows of HTTP only what
// the targets speak: on the same processors, net/http's would cost more than
// some of the answers.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

func dial(addr string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// request is what goes over the wire.
func request(addr, path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, addr, len(body), body)
}

// do gives the body of the answer, until it is called again.
func (c *client) do(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	length := -1
	for first := true; ; first = false {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
			return nil, fmt.Errorf("the answer is %s", line)
		}
		if len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, errors.New("the answer has no length")
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	_, err := io.ReadFull(c.in, c.body)
	return c.body, err
}

// ask is an asker.
func (t *target) ask(_ context.Context, operation string, data any) error {
	c, err := dial(t.addr)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	answer, err := c.do(request(t.addr, "/graphql", body(operation, nil)))
	if err != nil {
		return err
	}
	return decode(answer, data)
}

func decode(answer []byte, data any) error {
	var got struct {
		Data   json.RawMessage
		Errors json.RawMessage
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return err
	}
	if got.Errors != nil {
		return fmt.Errorf("errors: %s", got.Errors)
	}
	return json.Unmarshal(got.Data, data)
}

// A run is what one target is asked of one query.
type run struct {
	target   *target
	query    *query
	requests [][]byte
	lengths  []int // of the answers
}

// newRun asks everything once and hands the answers to check.
func newRun(t *target, q *query, check func(i int, answer []byte) error) (*run, error) {
	r := &run{target: t, query: q}
	c, err := dial(t.addr)
	if err != nil {
		return nil, err
	}
	defer c.conn.Close()
	for i, body := range q.bodies {
		r.requests = append(r.requests, request(t.addr, t.path(q), body))
		answer, err := c.do(r.requests[i])
		if err == nil {
			err = check(i, answer)
		}
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w\n%s", q.label, t.kind, err, body)
		}
		r.lengths = append(r.lengths, len(answer))
	}
	return r, nil
}

// bytes is the mean length of an answer.
func (r *run) bytes() float64 {
	total := 0
	for _, n := range r.lengths {
		total += n
	}
	return float64(total) / float64(len(r.lengths))
}

// A result is what one target took for one query in one round. CPU is in seconds
// for 1,000 requests. What the system does not tell is NaN.
type result struct {
	rate, p50, p99         float64 // requests per second, milliseconds
	server, postgres, load float64
	statements             float64 // and what follows: per request
	mallocs, kilobytes     float64
	resident               float64 // MiB
}

// mib is how much memory of a process is resident.
func mib(pid int) float64 {
	if n, ok := residentOf(pid); ok {
		return float64(n) / (1 << 20)
	}
	return math.NaN()
}

// measure lets clients ask for some time.
func (r *run) measure(ctx context.Context, clients int, length time.Duration, postmaster int) (s result, err error) {
	if err := ctx.Err(); err != nil {
		return s, err
	}
	connections := make([]*client, clients)
	for i := range connections {
		if connections[i], err = dial(r.target.addr); err != nil {
			return s, err
		}
		defer connections[i].conn.Close()
	}
	before, err := r.target.figures()
	if err != nil {
		return s, err
	}
	cpu := func(pid int, family bool) float64 {
		if d, ok := cpuOf(pid, family); ok {
			return d.Seconds()
		}
		return math.NaN()
	}
	server, postgres, load := cpu(r.target.pid, false), cpu(postmaster, true), cpu(os.Getpid(), false)
	start := time.Now()
	latencies, err := r.ask(connections, start.Add(length))
	took := time.Since(start)
	if err != nil {
		return s, fmt.Errorf("%s of %s: %w", r.query.label, r.target.kind, err)
	}
	n := float64(len(latencies))
	s.server = (cpu(r.target.pid, false) - server) / n * 1000
	s.postgres = (cpu(postmaster, true) - postgres) / n * 1000
	s.load = (cpu(os.Getpid(), false) - load) / n * 1000
	s.resident = mib(r.target.pid)
	after, err := r.target.figures()
	if err != nil {
		return s, err
	}
	slices.Sort(latencies)
	quantile := func(q float64) float64 { return latencies[int(q*(n-1))].Seconds() * 1000 }
	s.rate, s.p50, s.p99 = n/took.Seconds(), quantile(0.5), quantile(0.99)
	s.statements = float64(after.Statements-before.Statements) / n
	s.mallocs = float64(after.Mallocs-before.Mallocs) / n
	s.kilobytes = float64(after.Bytes-before.Bytes) / n / 1024
	return s, nil
}

// ask lets each connection ask for the next value until the deadline, and gives
// how long each request took.
func (r *run) ask(connections []*client, deadline time.Time) ([]time.Duration, error) {
	var next atomic.Int64
	var wait sync.WaitGroup
	var mu sync.Mutex
	var all []time.Duration
	var failure error
	chain := max(r.query.chain, 1)
	for _, c := range connections {
		wait.Go(func() {
			var took []time.Duration
			var err error
			for now := time.Now(); err == nil && now.Before(deadline); {
				first := (int(next.Add(1)) - 1) * chain
				for i := first; i < first+chain && err == nil; i++ {
					var answer []byte
					i := i % len(r.requests)
					if answer, err = c.do(r.requests[i]); err == nil && len(answer) != r.lengths[i] {
						err = fmt.Errorf("another answer than before: %.300s", answer)
					}
				}
				then := time.Now()
				took, now = append(took, then.Sub(now)), then
			}
			mu.Lock()
			defer mu.Unlock()
			all, failure = append(all, took...), errors.Join(failure, err)
		})
	}
	wait.Wait()
	return all, failure
}
