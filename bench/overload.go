package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Overload asks the product for ten times what it can do, and looks how much of what
// it can it still does, how long those wait who are answered, and how soon all is as
// before.

// The goals.
const (
	overload      = 10 // times what can be sustained
	leastGoodput  = 0.8
	mostRecovery  = 5.0 // seconds
	overloadTitle = "## Ten times too much"

	overloadClients = 256 // connections; who finds all of them waiting is not asked for
)

// mixed are asked in turn: look-ups, lists and a list that takes Postgres a while.
var mixed = []string{"Q1", "Q2", "Q3", "F1"}

func (b *bench) overload(ctx context.Context) (err error) {
	if len(b.Only) == 0 {
		b.Only = mixed
	}
	chosen, err := choose(b.Only)
	if err != nil {
		return err
	}
	db, err := b.database(ctx, b.Scale)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	t, err := start("planned", db.url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	var requests [][]byte
	for _, q := range chosen {
		if err := q.prepare(ctx, t.ask); err != nil {
			return err
		}
	}
	for i := range 500 { // a query after the other, with another value each time
		for _, q := range chosen {
			requests = append(requests, request(t.addr, "/graphql", q.bodies[i%len(q.bodies)]))
		}
	}
	o := &flood{target: t, postgres: db.pid, requests: requests}
	if err := yield(); err != nil { // behind the others have been started
		return err
	}

	fmt.Fprintln(os.Stderr, "Warming up …")
	if _, err := o.sustained(ctx, b.Clients, b.length()); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "What it can do …")
	var most []flooded
	for range b.Rounds {
		s, err := o.sustained(ctx, b.Clients, b.length())
		if err != nil {
			return err
		}
		most = append(most, s)
	}
	can := 0.0 // at best
	for _, f := range most {
		can = max(can, f.goodput)
	}
	fmt.Fprintf(os.Stderr, "%d times %.0f requests a second for %v …\n", overload, can, b.Overload)
	if b.CPUProfile != "" {
		if _, err := t.tell("/profile/start"); err != nil {
			return err
		}
	}
	much, err := o.open(ctx, can*overload, b.Overload)
	if err != nil {
		return err
	}
	if b.CPUProfile != "" {
		profile, err := t.tell("/profile/stop")
		if err == nil {
			err = os.WriteFile(b.CPUProfile, profile, 0o644)
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr, "Afterwards …")
	recovery, after, err := o.recover(ctx, b.Clients, can)
	if err != nil {
		return err
	}

	var out strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	calm := func(figure func(flooded) float64) string { return known("%.1f", middleOf(most, figure)) }
	p("%s\n\n- command: `%s`\n", overloadTitle, b.command())
	p("- asked: %s in turn, each with other values; nobody has asked the same just before\n", strings.Join(b.Only, ", "))
	p("- calm: %d clients, each of which asks when it has its answer, %v s in each of %d rounds\n", b.Clients, b.Seconds, b.Rounds)
	p("- too much: for %v, requests come when they come, over %d connections\n", b.Overload, overloadClients)
	p("- the clients share the processors with what they ask, at the lowest priority\n\n")
	p("| | calm | too much |\n|---|---:|---:|\n")
	p("| asked per s | %s | %.0f |\n", calm(func(f flooded) float64 { return f.goodput }), much.asked)
	p("| answered per s | %s | %.0f |\n", calm(func(f flooded) float64 { return f.goodput }), much.goodput)
	p("| told to come again per s | 0 | %.0f |\n", much.refused)
	p("| p50 ms of those answered | %s | %.1f |\n", calm(func(f flooded) float64 { return f.p50 }), much.p50)
	p("| p99 ms of those answered | %s | %.1f |\n", calm(func(f flooded) float64 { return f.p99 }), much.p99)
	p("| p99 ms of those told to come again | | %.1f |\n", much.refused99)
	p("| longest ms of /readyz | | %.1f |\n", much.health)
	for i, who := range []string{"the server", "Postgres", "the clients"} {
		p("| processors that %s took | %s | %s |\n", who, known("%.2f", middleOf(most, func(f flooded) float64 { return f.used[i] })), known("%.2f", much.used[i]))
	}
	p("| MiB resident at most | %s | %.0f |\n\n", known("%.0f", middleOf(most, func(f flooded) float64 { return f.resident })), much.resident)
	p("| | | goal | |\n|---|---:|---:|---|\n")
	p("| answered, of what is answered at best when calm | %.2f | ≥ %v | %s |\n", much.goodput/can, leastGoodput, verdict(much.goodput/can, leastGoodput, true))
	p("| seconds until all is answered again as when calm (%.0f per s) | %.2f | ≤ %v | %s |\n", after, recovery, mostRecovery, verdict(recovery, mostRecovery, false))
	return b.publish(overloadTitle, out.String())
}

type flood struct {
	target   *target
	postgres int // process
	requests [][]byte
	next     atomic.Int64
}

// flooded is what came of asking. Rates are per second, times in milliseconds.
type flooded struct {
	asked, goodput, refused float64
	p50, p99, refused99     float64
	health, resident        float64
	used                    [3]float64 // processors that server, Postgres and clients took
}

// took are how long requests took, by how they went.
type took struct {
	mu                sync.Mutex
	answered, refused []time.Duration
	failure           error
}

func (t *took) add(status int, d time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err != nil:
		t.failure = errors.Join(t.failure, err)
	case status == http.StatusOK:
		t.answered = append(t.answered, d)
	default:
		t.refused = append(t.refused, d)
	}
}

func (t *took) figures(over time.Duration) (f flooded, err error) {
	quantile := func(all []time.Duration, q float64) float64 {
		if len(all) == 0 {
			return math.NaN()
		}
		slices.Sort(all)
		return all[int(q*float64(len(all)-1))].Seconds() * 1000
	}
	s := over.Seconds()
	f.goodput, f.refused = float64(len(t.answered))/s, float64(len(t.refused))/s
	f.asked = f.goodput + f.refused
	f.p50, f.p99, f.refused99 = quantile(t.answered, .5), quantile(t.answered, .99), quantile(t.refused, .99)
	return f, t.failure
}

// used is the CPU time so far.
func (o *flood) used() (seconds [3]float64) {
	for i, of := range []struct {
		pid    int
		family bool
	}{{o.target.pid, false}, {o.postgres, true}, {os.Getpid(), false}} {
		seconds[i] = math.NaN()
		if d, ok := cpuOf(of.pid, of.family); ok {
			seconds[i] = d.Seconds()
		}
	}
	return seconds
}

// since is what was used for a while, in processors.
func (o *flood) since(before [3]float64, over time.Duration) [3]float64 {
	now := o.used()
	for i := range now {
		now[i] = (now[i] - before[i]) / over.Seconds()
	}
	return now
}

func (o *flood) request() []byte { return o.requests[int(o.next.Add(1))%len(o.requests)] }

// sustained lets clients ask one after the other.
func (o *flood) sustained(ctx context.Context, clients int, length time.Duration) (flooded, error) {
	if err := ctx.Err(); err != nil {
		return flooded{}, err
	}
	var t took
	var wait sync.WaitGroup
	start, before := time.Now(), o.used()
	for range clients {
		c, err := dial(o.target.addr)
		if err != nil {
			return flooded{}, err
		}
		defer c.conn.Close()
		wait.Go(func() {
			for now := time.Now(); now.Sub(start) < length; {
				status, err := c.status(o.request())
				then := time.Now()
				t.add(status, then.Sub(now), err)
				if err != nil {
					return
				}
				now = then
			}
		})
	}
	wait.Wait()
	over := time.Since(start)
	f, err := t.figures(over)
	f.resident, f.used = mib(o.target.pid), o.since(before, over)
	return f, err
}

// open sends requests at a rate, whatever becomes of those before.
func (o *flood) open(ctx context.Context, rate float64, length time.Duration) (flooded, error) {
	var t took
	var wait sync.WaitGroup
	var number atomic.Int64
	start, before := time.Now(), o.used()
	for range overloadClients {
		c, err := dial(o.target.addr)
		if err != nil {
			return flooded{}, err
		}
		defer c.conn.Close()
		wait.Go(func() {
			for ctx.Err() == nil {
				due := start.Add(time.Duration(float64(number.Add(1)) / rate * float64(time.Second)))
				if due.Sub(start) > length {
					return
				}
				if early := time.Until(due); early > 0 {
					time.Sleep(early)
				} else if early < -100*time.Millisecond {
					continue // all connections were waiting: it is not asked for
				}
				sent := time.Now()
				status, err := c.status(o.request())
				t.add(status, time.Since(sent), err)
				if err != nil {
					return
				}
			}
		})
	}
	var health, resident float64
	watched := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		client := &http.Client{Timeout: 10 * time.Second}
		for {
			select {
			case <-watched:
				return
			case <-time.After(100 * time.Millisecond):
			}
			resident = math.Max(resident, mib(o.target.pid))
			begun := time.Now()
			r, err := client.Get("http://" + o.target.addr + "/readyz")
			if err == nil {
				r.Body.Close()
				if r.StatusCode != http.StatusOK {
					err = fmt.Errorf("readyz is %s", r.Status)
				}
			}
			if err != nil {
				t.add(0, 0, err)
			}
			health = math.Max(health, time.Since(begun).Seconds()*1000)
		}
	})
	wait.Wait()
	over := time.Since(start)
	close(watched)
	watching.Wait()
	f, err := t.figures(over)
	f.health, f.resident, f.used = health, resident, o.since(before, over)
	return f, err
}

// recover asks calmly until it is answered as before, and gives how long that took.
func (o *flood) recover(ctx context.Context, clients int, before float64) (seconds, rate float64, err error) {
	start := time.Now()
	for {
		begun := time.Since(start).Seconds()
		f, err := o.sustained(ctx, clients, 500*time.Millisecond)
		if err != nil {
			return 0, 0, err
		}
		if f.goodput >= 0.9*before && f.refused == 0 || begun > 60 {
			return begun, f.goodput, nil
		}
	}
}

// status gives that of the answer.
func (c *client) status(request []byte) (int, error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, err
	}
	status, length := 0, -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if status == 0 {
			if len(line) < 12 {
				return 0, fmt.Errorf("the answer is %q", line)
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, err
			}
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, err
			}
		}
	}
	c.body = slices.Grow(c.body[:0], max(0, length))[:max(0, length)]
	if _, err := io.ReadFull(c.in, c.body); err != nil {
		return 0, err
	}
	switch {
	case status == http.StatusOK:
		return status, decode(c.body, new(json.RawMessage))
	case status == http.StatusServiceUnavailable && bytes.Contains(c.body, []byte("SERVICE_UNAVAILABLE")):
		return status, nil
	}
	return 0, fmt.Errorf("status %d: %.300s", status, c.body)
}

func middleOf(all []flooded, figure func(flooded) float64) float64 {
	values := make([]float64, len(all))
	for i, f := range all {
		values[i] = figure(f)
	}
	return middle(values)
}
