// Bench measures how fast the API reads, beside handlers that are written by
// hand for each query (hand.go): the best that one could do without a planner.
//
//	go run ./bench                  # everything at scale 1, into bench/RESULTS.md
//	go run ./bench --scale 0.1 --only Q2,Q3 --rounds 2 --seconds 1 --out ""
//	go run ./bench --growth 1,10    # how cost grows with data, depth and operation
//	go run ./bench --writes         # mutations, beside handlers for them (write.go)
//	go run ./bench --overload 60s   # ten times what it can do (overload.go)
//	go run ./bench --mixed          # hot reads, one in twenty a mutation (mixed.go)
//	go run ./bench --exports        # a million rows, beside COPY (export.go)
//	go run ./bench --comments       # a discussion, and a flood of comments (discuss.go)
//	go run ./bench --changes        # the change feed, and who listens to it (changes.go)
//	go run ./bench --webhooks       # deliveries of webhooks (webhook.go)
//
// It makes a large database (internal/sample) in a Postgres of its own, once,
// and starts a process for each target: the product without its cache; the handlers; their
// statements without encoding; their answers without statements; the product with answers
// kept in its cache. One at a time
// is asked, the others are idle, in rounds whose order rotates. Machines are
// noisy, so what counts are the ratios of targets within a round.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"stadtgraph/internal/pglocal"
)

type commands struct {
	Run    bench  `cmd:"" default:"withargs" help:"Measure."`
	Target serves `cmd:"" hidden:""`
}

type bench struct {
	Scale       float64       `default:"1" help:"How large the data are: 1 is 100,000 articles and 500,000 comments (default: ${default})."`
	DataDir     string        `type:"path" placeholder:"DIR" help:"Where Postgres keeps them for the next run (default: beside those of dev)."`
	Stale       bool          `help:"Take data that were made by other migrations or another generator."`
	DatabaseURL string        `placeholder:"URL" help:"A database that has the data, instead. Its CPU time is not known."`
	Only        []string      `placeholder:"Q1,Q2" help:"Only these queries."`
	Targets     []string      `enum:"planned,hand,pg,constant,cached" default:"planned,hand,pg,constant,cached" help:"Only these (default: ${default})."`
	Rounds      int           `default:"5" help:"How often (default: ${default})."`
	Seconds     float64       `default:"4" help:"How long each target is asked each query in a round (default: ${default})."`
	Clients     int           `default:"8" help:"How many ask at once (default: ${default})."`
	Growth      []float64     `placeholder:"0.1,1" help:"Measure how the product's cost grows instead, from one scale to another."`
	Overload    time.Duration `placeholder:"60s" help:"Ask the product for ten times what it can do instead, for so long."`
	Mixed       bool          `help:"Measure hot reads with some mutations among them instead, with the cache and without, on a copy of the data; only printed."`
	Writes      bool          `help:"Measure mutations instead, on a copy of the data; only printed."`
	Exports     bool          `help:"Measure an export of a million rows beside COPY instead, on a copy of the data; only printed."`
	Comments    bool          `help:"Measure a discussion instead, and what a flood of comments does to it; only printed."`
	Changes     bool          `help:"Measure the change feed instead: pages beside a statement by hand, and events to many listeners; only printed."`
	Webhooks    bool          `help:"Measure how many deliveries webhooks make instead; only printed."`
	CPUProfile  string        `name:"cpuprofile" placeholder:"FILE" help:"Profile the product while it is measured."`
	Out         string        `default:"bench/RESULTS.md" help:"Where to write the result, too (default: ${default})."`
}

type serves struct {
	Kind string `arg:""`
	URL  string `arg:""`
}

func (s *serves) Run(ctx context.Context) error { return serve(ctx, s.Kind, s.URL) }

func (b *bench) length() time.Duration { return time.Duration(b.Seconds * float64(time.Second)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var c commands
	parsed := kong.Parse(&c, kong.Name("bench"), kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Description("How fast the API reads, beside handlers that are written by hand."),
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true, WrapUpperBound: 100}))
	err := parsed.Run()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// Run is called by kong.
func (b *bench) Run(ctx context.Context) (err error) {
	if len(b.Growth) > 0 {
		return b.grow(ctx)
	}
	if b.Overload > 0 {
		return b.overload(ctx)
	}
	if b.Writes {
		return b.writes(ctx)
	}
	if b.Mixed {
		return b.mixed(ctx)
	}
	if b.Exports {
		return b.exports(ctx)
	}
	if b.Comments {
		return b.discuss(ctx)
	}
	if b.Changes {
		return b.changes(ctx)
	}
	if b.Webhooks {
		return b.webhooks(ctx)
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
	r := &report{bench: b, queries: chosen, results: map[key][]result{}, idle: map[string]float64{}}
	if err := r.describe(ctx, db.url); err != nil {
		return err
	}
	targets := map[string]*target{}
	defer func() {
		for _, t := range targets {
			err = errors.Join(err, t.stop())
		}
	}()
	for _, kind := range kinds {
		// The product and the handlers are always there: they check each other.
		if kind != "planned" && kind != "hand" && !slices.Contains(b.Targets, kind) {
			continue
		}
		if targets[kind], err = start(kind, db.url); err != nil {
			return err
		}
	}
	runs, err := compare(ctx, chosen, targets)
	if err != nil {
		return err
	}
	runs = slices.DeleteFunc(runs, func(r *run) bool { return !slices.Contains(b.Targets, r.target.kind) })
	if err := b.warm(ctx, runs, r); err != nil {
		return err
	}
	if b.CPUProfile != "" {
		if _, err := targets["planned"].tell("/profile/start"); err != nil {
			return err
		}
	}
	for round := range b.Rounds {
		fmt.Fprintf(os.Stderr, "Round %d of %d …\n", round+1, b.Rounds)
		for i := range runs {
			run := runs[(i+round)%len(runs)]
			s, err := run.measure(ctx, b.Clients, b.length(), db.pid)
			if err != nil {
				return err
			}
			k := key{run.query, run.target.kind}
			r.results[k] = append(r.results[k], s)
		}
	}
	if b.CPUProfile != "" {
		profile, err := targets["planned"].tell("/profile/stop")
		if err != nil {
			return err
		}
		if err := os.WriteFile(b.CPUProfile, profile, 0o644); err != nil {
			return err
		}
	}
	return r.write()
}

func (b *bench) database(ctx context.Context, scale float64) (*database, error) {
	if b.DatabaseURL != "" {
		return &database{url: b.DatabaseURL}, nil
	}
	dir := b.DataDir
	if dir == "" {
		ofDev, err := pglocal.DefaultDataDir()
		if err != nil {
			return nil, err
		}
		dir = ofDev + "-bench"
	}
	return open(ctx, dir, scale, b.Stale)
}

// compare asks all targets everything once: answers must be equal.
func compare(ctx context.Context, chosen []*query, targets map[string]*target) ([]*run, error) {
	var runs []*run
	for _, q := range chosen {
		if err := q.prepare(ctx, targets["planned"].ask); err != nil {
			return nil, err
		}
		var answers [][]byte
		for _, kind := range kinds {
			if targets[kind] == nil {
				continue
			}
			run, err := newRun(targets[kind], q, func(i int, answer []byte) error {
				whole := answer
				if data, _, found := bytes.Cut(answer, []byte(`,"extensions":{"cost":`)); found { // which those by hand don't reckon
					answer = append(bytes.Clone(data), '}')
				}
				switch {
				case kind == "planned":
					answers = append(answers, bytes.Clone(answer))
					return decode(whole, new(json.RawMessage))
				case kind != "pg" && !bytes.Equal(answer, answers[i]):
					return fmt.Errorf("the answer is not that of the product:\n%s\n%s", answers[i], answer)
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// warm lets all connections of all pools come to know their statements, and
// Postgres settle for generic plans, which takes five executions on each.
func (b *bench) warm(ctx context.Context, runs []*run, r *report) error {
	fmt.Fprintln(os.Stderr, "Warming up …")
	for _, run := range runs {
		if r.idle[run.target.kind] == 0 {
			r.idle[run.target.kind] = mib(run.target.pid)
		}
		if _, err := run.measure(ctx, b.Clients, min(b.length(), time.Second), 0); err != nil {
			return err
		}
	}
	return nil
}
