//go:build race

package graph_test

const race = true
