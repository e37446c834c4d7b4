package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stadtgraph/graph"
)

// check says where the answer to a query holds a fact.
type check struct {
	Query  string          `json:"query"`  // testdata/facts/QUERY.graphql
	Path   string          `json:"path"`   // into its data, a JSON pointer
	Is     string          `json:"is"`     // how they agree, see agree; equal if left out
	Expect json.RawMessage `json:"expect"` // what the answer holds instead of the fact, with a reason
	Why    string          `json:"why"`
	None   string          `json:"none"` // why the fact has no home
}

// TestFacts asks for every fact of testdata/source_facts.json. testdata/facts.json
// maps each of them, by JSON pointer, to a query and the place in its answer, or
// to the reason why it has no home.
func TestFacts(t *testing.T) {
	t.Parallel()
	facts := map[string]any{}
	leaves(facts, "", document(t, read(t, "testdata/source_facts.json")))
	var mapped map[string]json.RawMessage
	if err := json.Unmarshal(read(t, "testdata/facts.json"), &mapped); err != nil {
		t.Fatal(err)
	}
	for _, pointer := range slices.Sorted(maps.Keys(mapped)) {
		if _, ok := facts[pointer]; !ok {
			t.Errorf("%s is mapped and no fact", pointer)
		}
	}

	planner := newPlanner(t, shipped(t))
	answers := map[string]any{}
	files, err := filepath.Glob("testdata/facts/*.graphql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		query := string(read(t, file))
		before := planner.Statements()
		answer := document(t, []byte(run(t, graph.NewExecutor(planner), query, nil))).(map[string]any)
		if answer["errors"] != nil {
			t.Errorf("%s: %v", file, answer["errors"])
		}
		if sent := planner.Statements() - before; sent > roots(t, query) {
			t.Errorf("%s took %d statements for %d fields", file, sent, roots(t, query))
		}
		answers[strings.TrimSuffix(filepath.Base(file), ".graphql")] = answer["data"]
	}

	asked := map[string]bool{}
	homeless := 0
	for _, pointer := range slices.Sorted(maps.Keys(facts)) {
		checks, err := parseChecks(mapped[pointer])
		if err != nil {
			t.Errorf("%s: %v", pointer, err)
			continue
		}
		for _, c := range checks {
			if c.None != "" {
				homeless++
				continue
			}
			asked[c.Query] = true
			want := facts[pointer]
			if c.Expect != nil {
				want = document(t, c.Expect)
			}
			got, ok := at(answers[c.Query], c.Path)
			if !ok {
				t.Errorf("%s: the answer to %s has no %s", pointer, c.Query, c.Path)
			} else if err := agree(c.Is, got, want); err != nil {
				t.Errorf("%s: %s of %s: %v", pointer, c.Path, c.Query, err)
			}
		}
	}
	for name := range answers {
		if !asked[name] {
			t.Errorf("no fact is in the answer to %s", name)
		}
	}
	t.Logf("%d facts, %d with a home, %d without", len(facts), len(facts)-homeless, homeless)
}

// parseChecks reads one check or a list of them.
func parseChecks(data json.RawMessage) ([]check, error) {
	if data == nil {
		return nil, fmt.Errorf("the fact is not mapped")
	}
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		data = slices.Concat([]byte("["), data, []byte("]"))
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var checks []check
	if err := decoder.Decode(&checks); err != nil {
		return nil, err
	}
	for _, c := range checks {
		switch {
		case c.None != "" && (c.Query != "" || len(checks) > 1):
			return nil, fmt.Errorf("the fact has a home and a reason why it has none")
		case c.None == "" && (c.Query == "" || c.Path == ""):
			return nil, fmt.Errorf("the fact has neither a home nor a reason why it has none")
		case c.Expect != nil && c.Why == "":
			return nil, fmt.Errorf("the answer differs from the fact without a reason")
		}
	}
	if len(checks) == 0 {
		return nil, fmt.Errorf("the fact is not mapped")
	}
	return checks, nil
}

// agree compares what an answer holds with a fact: whether they are equal (a
// number may come as a text), equal but for case and typography ("folded"), the
// answer begins with the fact ("begins"), or has it inside ("within").
func agree(is string, got, want any) error {
	if is == "" {
		if same(got, want) {
			return nil
		}
		return fmt.Errorf("got %v, want %v", got, want)
	}
	g, ok := got.(string)
	w := fmt.Sprint(want)
	if !ok || w == "" {
		return fmt.Errorf("got %v, want a text", got)
	}
	switch is {
	case "begins":
		ok = strings.HasPrefix(g, w)
	case "folded":
		ok = fold(g) == fold(w)
	case "within":
		ok = strings.Contains(fold(g), fold(w))
	default:
		return fmt.Errorf("%q is no way to agree", is)
	}
	if !ok {
		return fmt.Errorf("got %q, want it %s %q", g, is, w)
	}
	return nil
}

func same(got, want any) bool {
	if n, ok := want.(json.Number); ok {
		w, err := strconv.ParseFloat(n.String(), 64)
		g, err2 := strconv.ParseFloat(fmt.Sprint(got), 64)
		return err == nil && err2 == nil && g == w
	}
	g, err := json.Marshal(got)
	w, err2 := json.Marshal(want)
	return err == nil && err2 == nil && bytes.Equal(g, w)
}

// fold makes texts equal that differ in case, quotation marks and dashes only.
func fold(s string) string {
	return strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "–", "-").Replace(strings.ToLower(s))
}

// leaves collects what a document states, by JSON pointer: all scalars, and
// lists and objects that are empty.
func leaves(into map[string]any, pointer string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			leaves(into, pointer+"/"+key, value)
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for i, value := range v {
			leaves(into, fmt.Sprint(pointer, "/", i), value)
		}
		if len(v) > 0 {
			return
		}
	}
	into[pointer] = v
}

// at follows a JSON pointer.
func at(v any, pointer string) (any, bool) {
	for _, part := range strings.Split(pointer, "/")[1:] {
		switch holder := v.(type) {
		case map[string]any:
			value, ok := holder[part]
			if !ok {
				return nil, false
			}
			v = value
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(holder) {
				return nil, false
			}
			v = holder[i]
		default:
			return nil, false
		}
	}
	return v, true
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func document(t *testing.T, data []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%v in %.300s", err, data)
	}
	return v
}
