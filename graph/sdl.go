package graph

import (
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2/formatter"
)

// SDL is the schema as it is published: every type whole. schema.graphql extends Query
// and Mutation section by section, which Relay's compiler takes for fields that only
// the client knows.
var SDL = sync.OnceValue(func() string {
	var b strings.Builder
	formatter.NewFormatter(&b, formatter.WithIndent("  ")).FormatSchema(Schema())
	return b.String()
})
