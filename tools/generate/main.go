// Command generate writes graph/generated from schema.graphql and gqlgen.yml: the
// schema and its introspection. Queries are read by the planner, mutations and
// subscriptions run by package graph, from what the nouns declare, so nothing is
// generated for them.
//
//	go run -C tools ./generate
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/vektah/gqlparser/v2/ast"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	if err := os.Chdir(".."); err != nil {
		return err
	}
	cfg, err := config.LoadConfig("gqlgen.yml")
	if err != nil {
		return err
	}
	return api.Generate(cfg, api.PrependPlugin(&planned{models: cfg.Models}))
}

// planned turns the types that the planner reads into leaf values, for code
// generation only: the schema that the program embeds stays whole.
type planned struct{ models config.TypeMap }

func (*planned) Name() string { return "planned" }

// MutateSchema runs before gqlgen looks for a Go type of each GraphQL type.
func (p *planned) MutateSchema(schema *ast.Schema) error {
	schema.Query.Fields = slices.DeleteFunc(schema.Query.Fields, func(f *ast.FieldDefinition) bool {
		return !strings.HasPrefix(f.Name, "__")
	})
	for _, root := range []**ast.Definition{&schema.Mutation, &schema.Subscription} {
		if *root != nil {
			delete(schema.Types, (*root).Name)
			*root = nil
		}
	}
	for name, def := range schema.Types {
		if def.BuiltIn || def == schema.Query || p.models.UserDefined(name) {
			continue
		}
		p.models[name] = config.TypeMapEntry{Model: config.StringList{"stadtgraph/internal/plan.Result"}}
		def.Kind, def.Fields, def.Interfaces, def.Types, def.EnumValues = ast.Scalar, nil, nil, nil, nil
		delete(schema.PossibleTypes, name)
		delete(schema.Implements, name)
	}
	return nil
}
