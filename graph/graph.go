// Package graph is the GraphQL API: the catalogue put together from the nouns, the
// executor that validates operations and hands queries to the planner, and the
// mutations, which the writer carries out. Generated code answers introspection.
package graph

import (
	"slices"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/graph/generated"
	"stadtgraph/internal/about"
	"stadtgraph/internal/article"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/change"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/event"
	"stadtgraph/internal/funding"
	"stadtgraph/internal/indicator"
	"stadtgraph/internal/media"
	"stadtgraph/internal/organization"
	"stadtgraph/internal/person"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/platform"
	"stadtgraph/internal/ranking"
	"stadtgraph/internal/strategy"
	"stadtgraph/internal/territory"
	"stadtgraph/internal/topic"
	"stadtgraph/internal/trusted"
	"stadtgraph/internal/value"
	"stadtgraph/internal/webhook"
)

// Schema is the parsed schema.graphql. The parser adds @defer, which nothing here
// carries out: nobody shall read of it.
func Schema() *ast.Schema { return schema() }

var schema = sync.OnceValue(func() *ast.Schema {
	s := generated.NewExecutableSchema(generated.Config{}).Schema()
	delete(s.Directives, "defer")
	return s
})

// Catalogue is what the nouns declare, checked against the schema.
func Catalogue() (*plan.Catalogue, error) { return CatalogueWith(nil) }

// CatalogueWith is the same with a key to the e-mail addresses that moderators see.
func CatalogueWith(keys comment.Keys) (*plan.Catalogue, error) {
	var open func(sealed, row []byte) string
	if len(keys) > 0 {
		open = keys.Open
	}
	nouns := slices.Concat(value.Objects, territory.Objects, strategy.Objects, funding.Objects, article.Objects,
		comment.Objects(open), topic.Objects, organization.Objects, person.Objects, event.Objects, ranking.Objects,
		indicator.Objects, media.Objects, platform.Objects)
	return plan.NewCatalogue(Schema(), slices.Concat(about.Objects(nouns), nouns, auth.Objects, trusted.Objects, webhook.Objects, change.Objects),
		slices.Concat(about.Roots, auth.Roots, trusted.Roots, webhook.Roots, change.Roots, territory.Roots, strategy.Roots, funding.Roots, article.Roots, topic.Roots,
			comment.Roots, organization.Roots, person.Roots, event.Roots, ranking.Roots, indicator.Roots,
			platform.Roots))
}
