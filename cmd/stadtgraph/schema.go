package main

import (
	"os"

	"stadtgraph"
)

type schemaCommand struct{}

func (*schemaCommand) Help() string { return "Example:\n  stadtgraph schema > schema.graphql" }

// Run is called by kong.
func (*schemaCommand) Run() error {
	_, err := os.Stdout.WriteString(stadtgraph.SDL)
	return err
}
