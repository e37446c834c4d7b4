package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

// A step is what is asked of databases of two sizes to see how its cost grows.
type step struct {
	query  *query
	before *step // the first of a series, which it is compared with
	goal   bool  // that cost stays the same
	at     [2]struct {
		run     *run
		results []result
	}
}

// grow measures the product on both sizes, in turn.
func (b *bench) grow(ctx context.Context) (err error) {
	if len(b.Growth) != 2 || b.Growth[0] >= b.Growth[1] {
		return errors.New("--growth takes two scales, the smaller one first, as in 0.1,1")
	}
	var steps []*step
	var postmasters [2]int
	for size, scale := range b.Growth {
		var db *database
		if db, err = b.database(ctx, scale); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, db.close()) }()
		postmasters[size] = db.pid
		var t *target
		if t, err = start("planned", db.url); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, t.stop()) }()
		found, err := stepsOf(ctx, t.ask)
		if err != nil {
			return err
		}
		if steps == nil {
			steps = found
		}
		for i, s := range found {
			run, err := newRun(t, s.query, func(_ int, answer []byte) error { return decode(answer, new(json.RawMessage)) })
			if err != nil {
				return err
			}
			steps[i].at[size].run = run
		}
	}
	for round := range b.Rounds + 1 {
		fmt.Fprintf(os.Stderr, "Round %d of %d, after one to warm up …\n", round, b.Rounds)
		for _, s := range steps {
			for size := range s.at {
				r, err := s.at[size].run.measure(ctx, b.Clients, b.length(), postmasters[size])
				if err != nil {
					return err
				}
				if round > 0 {
					s.at[size].results = append(s.at[size].results, r)
				}
			}
		}
	}
	return b.publish(growthTitle, b.growth(steps))
}

// stepsOf says what is asked.
func stepsOf(ctx context.Context, ask asker) ([]*step, error) {
	var steps []*step
	for _, q := range queries {
		if q.chain > 0 {
			continue
		}
		own := *q // its values are those of one database
		if err := own.prepare(ctx, ask); err != nil {
			return nil, err
		}
		steps = append(steps, &step{query: &own})
	}
	add := func(before *step, label, operation string) *step {
		s := &step{before: before, query: &query{label: label, bodies: []string{body("query "+operation, nil)}}}
		steps = append(steps, s)
		return s
	}

	near, err := walk(ctx, ask, 100)
	if err != nil {
		return nil, err
	}
	far, err := walk(ctx, ask, 100_000)
	if err != nil {
		return nil, err
	}
	page := `Page {articles(first: 20%s) {nodes {id slug title publishedAt} pageInfo {hasNextPage endCursor}}}`
	first := add(nil, "20 articles after 100", fmt.Sprintf(page, near))
	last := add(first, "20 articles after 100,000 or the last 100", fmt.Sprintf(page, far))
	first.goal, last.goal = true, true

	alias := ` a%d: municipality(key: "09162000") {name label population}`
	first = add(nil, "1 root field", fmt.Sprintf(`Alias {`+alias+`}`, 0))
	aliases := make([]string, 50)
	for i := range aliases {
		aliases[i] = fmt.Sprintf(alias, i)
	}
	add(first, "50 aliases of it", `Aliases {`+strings.Join(aliases, "")+`}`)

	levels := []string{
		`municipality(key: "09162000") {id name %s}`, `strategies(first: 2) {nodes {id title %s}}`, `lineage {id title %s}`,
		`articles(first: 2) {nodes {id title %s}}`, `previousCoverage {id title %s}`, `keywords {id name %s}`,
	}
	first = nil
	for i := range levels {
		nested := ""
		for _, level := range slices.Backward(levels[:i+1]) {
			nested = fmt.Sprintf(level, nested)
		}
		s := add(first, fmt.Sprintf("depth %d", i+1), `Nested {`+nested+`}`)
		if i == 0 {
			first = s
		}
	}
	return steps, nil
}

// walk goes down the list of articles that have a date, and gives the argument
// for what follows.
func walk(ctx context.Context, ask asker, depth int) (after string, err error) {
	for n := 0; n < depth; n += 100 {
		var data struct {
			Articles struct{ PageInfo pageInfo }
		}
		operation := `query Walk {articles(first: 100, filter: {publishedOn: {isNull: false}}` + after + `) {pageInfo {hasNextPage endCursor}}}`
		if err := ask(ctx, operation, &data); err != nil {
			return "", err
		}
		next := data.Articles.PageInfo.next()
		if next == "" {
			break
		}
		after = next
	}
	return after, nil
}

const (
	growthTitle = "## How it grows"
	mostGrowth  = 1.2 // of a page that lies deeper, or on ten times the data
)

// growth is the section of RESULTS.md.
func (b *bench) growth(steps []*step) string {
	var out strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&out, format, args...) }
	p("%s\n\n- command: `%s`\n", growthTitle, b.command())
	p("- load: %d clients, %v s for each in each of %d rounds; each figure is the median of the rounds\n\n", b.Clients, b.Seconds, b.Rounds)
	p("CPU is that of server and Postgres, in seconds for 1,000 requests, on data of scale %v and\n%v. The exponent e says that cost grows as size^e: "+
		"of the data, and beside the first of a\nseries, at the larger scale, of the answer.\n\n", b.Growth[0], b.Growth[1])
	p("| | p50 ms, %v | %v | CPU, %[1]v | %[2]v | larger / smaller | e | / first | e | goal ≤ %[3]v |\n|---|%[4]s---|\n",
		b.Growth[0], b.Growth[1], mostGrowth, strings.Repeat("---:|", 8))
	for _, s := range steps {
		small, large := s.at[0].results, s.at[1].results
		p50 := func(r result) float64 { return r.p50 }
		grown := ratio(large, small, cpu)
		p("| %s | %.2f | %.2f | %.3f | %.3f | %.2f | %.2f |", s.query.label, median(small, p50), median(large, p50),
			median(small, cpu), median(large, cpu), grown, exponent(grown, b.Growth[1]/b.Growth[0]))
		if s.before == nil {
			p(" | |")
		} else {
			times, longer := ratio(large, s.before.at[1].results, cpu), s.at[1].run.bytes()/s.before.at[1].run.bytes()
			grown = max(grown, times)
			p(" %.2f | ", times)
			if longer > 1.2 {
				p("%.2f ", exponent(times, longer))
			}
			p("|")
		}
		if s.goal {
			p(" %s", verdict(grown, mostGrowth, false))
		}
		p(" |\n")
	}
	return out.String()
}

func exponent(cost, size float64) float64 { return math.Log(cost) / math.Log(size) }
