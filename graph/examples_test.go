package graph_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"stadtgraph/graph"
	"stadtgraph/internal/graphiql"
	"stadtgraph/internal/stream"
)

// The examples are the first thing that a visitor runs: each answers with data,
// no list in it is empty at the top, and takes a statement for each root field.
func TestExamples(t *testing.T) {
	t.Parallel()
	examples, err := graphiql.LoadExamples(graph.Examples)
	if err != nil {
		t.Fatal(err)
	}
	if len(examples) < 12 {
		t.Fatalf("there are only %d examples", len(examples))
	}
	pool := shipped(t)
	planner := newPlanner(t, pool)
	hub := stream.New(pool)
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { hub.Run(ctx) })
	defer following.Wait()
	defer stop()
	e := graph.NewExecutor(planner).Follows(hub, planner)
	for _, example := range examples {
		variables := map[string]any{}
		if example.Variables != "" {
			if err := json.Unmarshal([]byte(example.Variables), &variables); err != nil {
				t.Fatalf("%s: %v", example.Name, err)
			}
		}
		before := planner.Statements()
		got := run(t, e, example.Query, variables)
		sent := planner.Statements() - before
		var answer struct {
			Data   map[string]any
			Errors []any
		}
		if err := json.Unmarshal([]byte(got), &answer); err != nil || len(answer.Errors) > 0 || len(answer.Data) == 0 {
			t.Errorf("%s: got %s, %v", example.Name, got, err)
			continue
		}
		// A subscription reads what its filter leaves out, too.
		if want := int64(len(answer.Data)); sent != want && !strings.Contains(example.Query, "subscription ") {
			t.Errorf("%s: %d statements, want %d", example.Name, sent, want)
		}
		for field, value := range answer.Data {
			if value == nil {
				t.Errorf("%s: %s is null", example.Name, field)
			}
		}
		if strings.Contains(got, `"totalCount":0`) {
			t.Errorf("%s finds nothing: %s", example.Name, got)
		}
		t.Logf("%s: %.300s", example.Name, got)
	}
}
