package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"stadtgraph/internal/german"
)

// A type that search finds takes the condition q in its filter, and its lists can
// be ordered by relevance. Nothing of that is declared twice: the pieces below are
// made of the type's name.
const (
	searchCondition = "q"
	relevance       = "relevance"
)

// weights of what a word stands in: body, summary, labels, title.
const weights = "'{0.1, 0.3, 0.6, 1}'"

func (o *Object) found() SQL {
	return SQL(fmt.Sprintf("{id} IN (SELECT d.id FROM search_document d WHERE d.type = '%s' AND d.vector @@ (SELECT search_query({tsquery arg})))", o.Type))
}

func (o *Object) relevance() SQL {
	return SQL(fmt.Sprintf("(SELECT ts_rank(%s, d.vector, (SELECT search_query({tsquery arg.q})))::float8 FROM search_document d WHERE d.type = '%s' AND d.id = {id})", weights, o.Type))
}

// searchable adds to a type that search finds what its lists take.
func (c *Catalogue) searchable(o *Object) *Object {
	filter := c.Schema.Types[o.Type+"Filter"]
	if o.Search == nil || filter == nil || filter.Fields.ForName(searchCondition) == nil {
		return o
	}
	own := *o // the declaration is not ours to change
	own.Filters, own.Sorts = maps.Clone(o.Filters), maps.Clone(o.Sorts)
	if own.Filters == nil {
		own.Filters = map[string]SQL{}
	}
	if own.Sorts == nil {
		own.Sorts = map[string]Sort{}
	}
	own.Filters[searchCondition] = o.found()
	own.Sorts[relevance] = Sort{By: o.relevance(), Scalar: "Float", Null: true}
	return &own
}

// wordsOf are the words of a query, as a list for Postgres.
func wordsOf(query string) []any {
	words := []any{}
	for _, w := range german.ParseQuery(query).Words() {
		words = append(words, w.Folded)
	}
	return words
}

var _ = slices.Sorted[string]
var _ = strings.Join
