//go:build race

package text

// The race detector takes ten times as long, and has nothing to find in it.
func init() { hostileSize = 20_000 }
