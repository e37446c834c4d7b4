package graph_test

import (
	"encoding/json"
	"strings"
	"testing"

	"stadtgraph/graph"
	"stadtgraph/internal/graphiql"
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
	planner := newPlanner(t, shipped(t))
	e := graph.NewExecutor(planner)
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
		if want := int64(len(answer.Data)); sent != want {
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
