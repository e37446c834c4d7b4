// Package stadtgraph is the root of a content API about municipal digitalisation in
// Germany: the program is cmd/stadtgraph, its contract schema.graphql. The tests here
// hold the tree to its rules.
package stadtgraph
