// Package stadtgraph holds the public contract of the API, so that the program
// can show it.
package stadtgraph

import _ "embed"

// SDL is schema.graphql as it stands in the repository.
//
//go:embed schema.graphql
var SDL string
