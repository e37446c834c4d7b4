package plan_test

import (
	"os"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/graph"
	"stadtgraph/internal/pgtest/shipped"
	"stadtgraph/internal/plan"
)

// operations are what the planner's own work is measured with, from a single
// row to a page of a hundred.
var operations = []struct{ name, document string }{
	{"article", example("03-article")},
	{"strategies", example("05-strategies")},
	{"municipalities", `{ municipalities(first: 100) { nodes { id slug name label officialName level kind key
		population areaKm2 populationDensity urbanisation administrationPostalCode modifiedAt version } } }`},
}

func example(name string) string {
	text, err := os.ReadFile("../../graph/examples/" + name + ".graphql")
	if err != nil {
		panic(err)
	}
	return string(text)
}

var viewer = plan.Viewer{Role: plan.Public, Now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}

// measure runs a benchmark for each of the operations.
func measure(b *testing.B, run func(b *testing.B, planner *plan.Planner, op *ast.OperationDefinition)) {
	pool := shipped.DB(b)
	catalogue, err := graph.Catalogue()
	if err != nil {
		b.Fatal(err)
	}
	for _, o := range operations {
		doc, errs := gqlparser.LoadQueryWithRules(catalogue.Schema, o.document, nil)
		if len(errs) > 0 {
			b.Fatal(errs)
		}
		b.Run(o.name, func(b *testing.B) {
			b.ReportAllocs()
			run(b, plan.New(catalogue, pool, true), doc.Operations[0])
		})
	}
}

func prepare(b *testing.B, planner *plan.Planner, op *ast.OperationDefinition) *plan.Request {
	request, errs := planner.Prepare(op, nil, viewer.Role)
	if len(errs) > 0 {
		b.Fatal(errs)
	}
	return request
}

// BenchmarkCompile is what an operation costs the first time it is seen.
func BenchmarkCompile(b *testing.B) {
	measure(b, func(b *testing.B, planner *plan.Planner, op *ast.OperationDefinition) {
		for b.Loop() {
			unknown := *op // operations are known by their address
			prepare(b, planner, &unknown)
		}
	})
}

// BenchmarkPrepare is what it costs once its plan is there.
func BenchmarkPrepare(b *testing.B) {
	measure(b, func(b *testing.B, planner *plan.Planner, op *ast.OperationDefinition) {
		for b.Loop() {
			prepare(b, planner, op)
		}
	})
}

// BenchmarkBind is the values of its parameters.
func BenchmarkBind(b *testing.B) {
	measure(b, func(b *testing.B, planner *plan.Planner, op *ast.OperationDefinition) {
		request := prepare(b, planner, op)
		for b.Loop() {
			request.Bind(viewer)
		}
	})
}

// BenchmarkEncode is its answer, from rows that are there.
func BenchmarkEncode(b *testing.B) {
	measure(b, func(b *testing.B, planner *plan.Planner, op *ast.OperationDefinition) {
		rows, err := prepare(b, planner, op).Fetch(b.Context(), viewer)
		if err != nil {
			b.Fatal(err)
		}
		var out []byte
		for b.Loop() {
			out = rows.Encode(out[:0])
		}
		b.SetBytes(int64(len(out)))
	})
}

// BenchmarkRead is all of it, Postgres included.
func BenchmarkRead(b *testing.B) {
	measure(b, func(b *testing.B, planner *plan.Planner, op *ast.OperationDefinition) {
		var out []byte
		for b.Loop() {
			var errs gqlerror.List
			out, errs = prepare(b, planner, op).Read(b.Context(), viewer, out[:0], nil)
			if len(errs) > 0 {
				b.Fatal(errs)
			}
		}
	})
}

// BenchmarkReadCold is the same for an operation that nobody has asked before:
// it is compiled, and Postgres parses and plans its statement.
func BenchmarkReadCold(b *testing.B) {
	measure(b, func(b *testing.B, planner *plan.Planner, op *ast.OperationDefinition) {
		var out []byte
		for b.Loop() {
			unknown := *op
			var errs gqlerror.List
			out, errs = prepare(b, planner, &unknown).Read(b.Context(), viewer, out[:0], nil)
			if len(errs) > 0 {
				b.Fatal(errs)
			}
		}
	})
}
