package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// command is what measures the same again, without names and passwords of this
// machine.
func (b *bench) command() string {
	c := fmt.Sprintf("go run ./bench --rounds %d --seconds %v --clients %d", b.Rounds, b.Seconds, b.Clients)
	if b.Overload > 0 {
		c += fmt.Sprintf(" --overload %v", b.Overload)
	}
	if b.Growth != nil {
		return c + fmt.Sprintf(" --growth %v,%v", b.Growth[0], b.Growth[1])
	}
	if b.DatabaseURL == "" {
		c += fmt.Sprintf(" --scale %v", b.Scale)
	}
	if b.Only != nil {
		c += " --only " + strings.Join(b.Only, ",")
	}
	if len(b.Targets) < len(kinds) {
		c += " --targets " + strings.Join(b.Targets, ",")
	}
	return c
}

type key struct {
	query *query
	kind  string
}

// A report is what a run found.
type report struct {
	bench   *bench
	queries []*query
	results map[key][]result   // a result for each round
	idle    map[string]float64 // MiB resident before anything was asked
	about   []string
}

// describe says what is measured, where.
func (r *report) describe(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var version string
	var articles, comments, municipalities, strategies int
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version'), (SELECT count(*) FROM article), (SELECT count(*) FROM comment),
(SELECT count(*) FROM municipality WHERE level = 'MUNICIPALITY'), (SELECT count(*) FROM strategy)`).
		Scan(&version, &articles, &comments, &municipalities, &strategies)
	if err != nil {
		return err
	}
	libraries := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			libraries[d.Path] = d.Version
		}
	}
	load := ""
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = ", load average " + strings.Fields(string(text))[0] + " before"
	}
	r.about = []string{
		"command: `" + r.bench.command() + "`",
		fmt.Sprintf("date: %s; %d processors, %s/%s%s", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, load),
		fmt.Sprintf("versions: %s, Postgres %s, pgx %s, gqlgen %s", runtime.Version(), version, libraries["github.com/jackc/pgx/v5"], libraries["github.com/99designs/gqlgen"]),
		fmt.Sprintf("data: %d municipalities, %d strategies, %d articles, %d comments", municipalities, strategies, articles, comments),
		fmt.Sprintf("load: %d clients, %v s for each target and query in each of %d rounds; each figure is the median of the rounds", r.bench.Clients, r.bench.Seconds, r.bench.Rounds),
	}
	return nil
}

// median is that of a figure over the rounds.
func median(results []result, figure func(result) float64) float64 {
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = figure(r)
	}
	return middle(values)
}

// ratio is the median of how a figure compares in the same round.
func ratio(results, to []result, figure func(result) float64) float64 {
	values := make([]float64, len(results))
	for i := range results {
		values[i] = figure(results[i]) / figure(to[i])
	}
	return middle(values)
}

func middle(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[n/2] + values[(n-1)/2]) / 2
}

// columns of the table.
var columns = []struct {
	name   string
	format string
	figure func(result) float64
}{
	{"req/s", "%.0f", func(s result) float64 { return s.rate }},
	{"p50 ms", "%.2f", func(s result) float64 { return s.p50 }},
	{"p99 ms", "%.2f", func(s result) float64 { return s.p99 }},
	{"CPU server", "%.3f", func(s result) float64 { return s.server }},
	{"CPU Postgres", "%.3f", func(s result) float64 { return s.postgres }},
	{"CPU clients", "%.3f", func(s result) float64 { return s.load }},
	{"statements", "%.0f", func(s result) float64 { return s.statements }},
	{"allocations", "%.0f", func(s result) float64 { return s.mallocs }},
	{"KiB allocated", "%.1f", func(s result) float64 { return s.kilobytes }},
	{"MiB resident", "%.0f", func(s result) float64 { return s.resident }},
}

func cpu(s result) float64 { return s.server + s.postgres }

func (r *report) write() error {
	var out strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	p("# What reading costs\n\nWritten by `go run ./bench`; bench/main.go says how it measures.\n\n")
	for _, line := range r.about {
		p("- %s\n", line)
	}
	p("\n## The product beside the best by hand\n\n")
	if len(r.results[key{r.queries[0], "planned"}]) > 0 && len(r.results[key{r.queries[0], "hand"}]) > 0 {
		r.ratios(p)
	}
	if len(r.results[key{r.queries[0], "cached"}]) > 0 && len(r.results[key{r.queries[0], "constant"}]) > 0 {
		r.hits(p)
	}
	p("\nCPU is in seconds for 1,000 requests, of the target's process, of all processes of\nPostgres, and of the clients that ask. What follows is per request. Resident memory is\nunder load")
	for _, kind := range kinds {
		if idle, ok := r.idle[kind]; ok {
			p("; idle: %s %s MiB", kind, known("%.0f", idle))
		}
	}
	p(".\n\n| query | target |")
	for _, c := range columns {
		p(" %s |", c.name)
	}
	p("\n|---|---|%s\n", strings.Repeat("---:|", len(columns)))
	for _, q := range r.queries {
		for _, kind := range kinds {
			if len(r.results[key{q, kind}]) == 0 {
				continue
			}
			p("| %s | %s |", q.label, kind)
			for _, c := range columns {
				p(" %s |", known(c.format, median(r.results[key{q, kind}], c.figure)))
			}
			p("\n")
		}
	}
	p("\n")
	for _, q := range r.queries {
		p("- %s: %s\n", q.label, q.what)
	}
	p(`- planned: the product as it serves, with its log, without its cache
- hand: handlers written for each query, answering the same bytes
- pg: the statements of hand, their rows read and dropped
- constant: the bytes of hand, from memory
- cached: the product, its answers from its cache
`)
	return r.bench.publish("", out.String())
}

// publish prints a section and puts it into the file of results, in the place of
// the one before of its title. The first has none.
func (b *bench) publish(title, section string) error {
	fmt.Print(section)
	if b.Out == "" {
		return nil
	}
	before, err := os.ReadFile(b.Out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	titles := []string{"", growthTitle, overloadTitle} // in their order
	sections := map[string]string{}
	rest := string(before)
	for _, t := range slices.Backward(titles[1:]) {
		var found bool
		if rest, sections[t], found = strings.Cut(rest, t); found {
			sections[t] = t + sections[t]
		}
	}
	sections[""] = rest
	sections[title] = section
	var out []string
	for _, t := range titles {
		if text := strings.TrimRight(sections[t], "\n"); text != "" {
			out = append(out, text)
		}
	}
	return os.WriteFile(b.Out, []byte(strings.Join(out, "\n\n")+"\n"), 0o644)
}

// The goals for the product, relative to the handlers.
const (
	leastRate = 0.9
	mostCPU   = 1.15
	leastHits = 0.7 // of the rate of constant answers
)

func (r *report) ratios(p func(format string, args ...any)) {
	p("| query | req/s, goal ≥ %v | | CPU of server and Postgres, goal ≤ %v | |\n|---|---:|---|---:|---|\n", leastRate, mostCPU)
	for _, q := range r.queries {
		planned, hand := r.results[key{q, "planned"}], r.results[key{q, "hand"}]
		rate := ratio(planned, hand, func(s result) float64 { return s.rate })
		used := ratio(planned, hand, cpu)
		p("| %s | %.2f | %s | %s | %s |\n", q.label, rate, verdict(rate, leastRate, true), known("%.2f", used), verdict(used, mostCPU, false))
	}
}

// hits compares answers from the cache with constant ones of the same size.
func (r *report) hits(p func(format string, args ...any)) {
	p("\n| query | req/s of hits beside constant answers, goal ≥ %v | | CPU |\n|---|---:|---|---:|\n", leastHits)
	for _, q := range r.queries {
		cached, constant := r.results[key{q, "cached"}], r.results[key{q, "constant"}]
		rate := ratio(cached, constant, func(s result) float64 { return s.rate })
		p("| %s | %.2f | %s | %s |\n", q.label, rate, verdict(rate, leastHits, true), known("%.2f", ratio(cached, constant, cpu)))
	}
}

// known writes a figure, unless the system does not tell it.
func known(format string, figure float64) string {
	if math.IsNaN(figure) {
		return "n/a"
	}
	return fmt.Sprintf(format, figure)
}

func verdict(figure, goal float64, atLeast bool) string {
	switch {
	case math.IsNaN(figure):
		return ""
	case figure == goal || figure > goal == atLeast:
		return "met"
	}
	return "missed"
}
