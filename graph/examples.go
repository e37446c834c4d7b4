package graph

import (
	"embed"
	"io/fs"
)

//go:embed examples
var examples embed.FS

// Examples are operations that show what the API can do, as files that GraphiQL
// opens with.
var Examples = func() fs.FS {
	sub, err := fs.Sub(examples, "examples")
	if err != nil {
		panic(err) // embedded: it is there or does not compile
	}
	return sub
}()
