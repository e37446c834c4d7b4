//go:build race

package server_test

// slowness is what the race detector costs.
const slowness = 15
