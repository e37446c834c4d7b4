package main

import (
	"os"

	"stadtgraph/graph"
)

type schemaCommand struct{}

func (*schemaCommand) Help() string { return "Example:\n  stadtgraph schema > schema.graphql" }

// Run is called by kong.
func (*schemaCommand) Run() error {
	_, err := os.Stdout.WriteString(graph.SDL())
	return err
}
