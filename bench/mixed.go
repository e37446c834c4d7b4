package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
)

// hot is how many values of each query are asked for in turn, and mutations how many of a
// hundred requests write.
const (
	hot       = 20
	mutations = 5
)

// mixed measures what visitors and editors do at once: pages that many want, and now and
// then a change of one of the articles on them.
func (b *bench) mixed(ctx context.Context) error {
	return b.onCopy(ctx, func(url string) error { return b.mixedOn(ctx, url) })
}

func (b *bench) mixedOn(ctx context.Context, url string) error {
	chosen, err := choose([]string{"Q1", "Q2", "Q3", "F2"})
	if err != nil {
		return err
	}
	token, _, err := prepareWrites(ctx, url)
	if err != nil {
		return err
	}
	results, statements := map[string][]result{}, map[string][]float64{}
	targets := []*target{}
	for _, kind := range []string{"planned", "cached"} {
		t, err := start(kind, url)
		if err != nil {
			return err
		}
		defer func() { _ = t.stop() }()
		targets = append(targets, t)
	}
	var bodies []string
	for _, q := range chosen {
		if err := q.prepare(ctx, targets[0].ask); err != nil {
			return err
		}
		bodies = append(bodies, q.bodies[:min(len(q.bodies), hot)]...)
	}
	written, err := published(ctx, targets[0], b.Clients)
	if err != nil {
		return err
	}
	for round := range b.Rounds + 1 { // the first one warms up
		fmt.Fprintf(os.Stderr, "Round %d of %d …\n", round, b.Rounds)
		for i := range targets {
			t := targets[(i+round)%len(targets)]
			before, err := t.figures()
			if err != nil {
				return err
			}
			s, err := b.pace(t, func(c *client, n int) (bool, error) {
				if rand.IntN(100) < mutations {
					a := &written[n]
					var err error
					*a, _, err = update.ask(c, t, token, given{ID: a.ID, Version: a.Version, Title: fmt.Sprintf("Anders %d", rand.Uint64())})
					return true, err
				}
				_, err := c.do(request(t.addr, "/graphql", bodies[rand.IntN(len(bodies))]))
				return true, err
			})
			if err != nil {
				return err
			}
			after, err := t.figures()
			if err != nil {
				return err
			}
			if round > 0 {
				results[t.kind] = append(results[t.kind], s)
				statements[t.kind] = append(statements[t.kind], float64(after.Statements-before.Statements)/(s.rate*b.length().Seconds()))
			}
		}
	}
	rate := func(s result) float64 { return s.rate }
	fmt.Printf("%d %% of requests are mutations, the others ask for %d answers in turn.\n\n", mutations, len(bodies))
	fmt.Printf("| | req/s | p50 ms | p99 ms | statements read per request |\n|---|---:|---:|---:|---:|\n")
	for _, kind := range []string{"planned", "cached"} {
		r := results[kind]
		fmt.Printf("| %s | %.0f | %.2f | %.2f | %.2f |\n", kind, median(r, rate), median(r, func(s result) float64 { return s.p50 }), median(r, func(s result) float64 { return s.p99 }), middle(statements[kind]))
	}
	fmt.Printf("\nWith the cache %.2f times as many requests.\n", ratio(results["cached"], results["planned"], rate))
	return nil
}

// published are articles to change, one for each client.
func published(ctx context.Context, t *target, n int) ([]article, error) {
	var data struct{ Articles struct{ Nodes []article } }
	var raw json.RawMessage
	if err := t.ask(ctx, fmt.Sprintf(`{articles(first: %d) {nodes {id version}}}`, n), &raw); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &data); err != nil || len(data.Articles.Nodes) < n {
		return nil, fmt.Errorf("there are too few articles: %w", err)
	}
	return data.Articles.Nodes, nil
}
