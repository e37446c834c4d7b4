package plan

import (
	"fmt"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/internal/fault"
)

// The cost of an operation is what its answer can hold, known before anything runs:
//
//	a field             1, for each entry of the lists around it
//	one of some types   as the type that costs most
//	an entry            as often as first, last or pageSize say, 20 if none does; as there are
//	                    ids or keys; 5 for a list that takes none of these
//	a field of Query    10 more: it is a statement
//	a count of a list   10 more, for totalCount, totalCountPrecision and pageCount together
//	facets, groups      100 for each facet
//	search              100 more, for each field of Query below which texts are searched
const (
	MaxCost = 100_000 // in one operation: a list of 100 x 100 x 100 records took one backend of Postgres 2.7 GB

	costStatement = 10
	costCount     = 10
	costFacet     = 100
	costSearch    = 100

	listGuess = 5 // entries that a list counts as if it has no arguments that say

	costless = 1 << 40 // no cost is higher: what nests a hundred to the tenth would not fit
)

// cost is that of the fields of a row, and of the lists below it.
type cost struct {
	fields int
	lists  []listCost
	either [][]*cost // places of several types, of which an answer has one
}

type listCost struct {
	site  int // whose size it is; -1 for a list that has no arguments
	entry *cost
}

func (c *cost) of(r *Request) int {
	total := c.fields
	for _, l := range c.lists {
		total = min(total+r.size(l.site)*l.entry.of(r), costless)
	}
	for _, types := range c.either {
		most := 0
		for _, one := range types {
			most = max(most, one.of(r))
		}
		total = min(total+most, costless)
	}
	return total
}

// heaviest finds the list, of those with arguments, whose entries cost most without
// the lists below them.
func (c *cost) heaviest(r *Request, times, site int, found *contributor) {
	own := times * c.own(r)
	if own > found.cost {
		*found = contributor{site, own}
	}
	for _, l := range c.lists {
		if l.site >= 0 {
			l.entry.heaviest(r, min(times*r.size(l.site), costless>>20), l.site, found)
		}
	}
	for _, types := range c.either {
		for _, one := range types {
			for _, l := range one.lists {
				if l.site >= 0 {
					l.entry.heaviest(r, min(times*r.size(l.site), costless>>20), l.site, found)
				}
			}
		}
	}
}

// own is the cost without lists that have arguments.
func (c *cost) own(r *Request) int {
	total := c.fields
	for _, l := range c.lists {
		if l.site < 0 {
			total += listGuess * l.entry.own(r)
		}
	}
	for _, types := range c.either {
		most := 0
		for _, one := range types {
			most = max(most, one.own(r))
		}
		total += most
	}
	return total
}

type contributor struct{ site, cost int }

// size is how many entries a list has at most.
func (r *Request) size(site int) int {
	if site < 0 {
		return listGuess
	}
	if n := max(r.pages[site].limit, len(r.listArg(site))); n > 0 {
		return n
	}
	for i, def := range r.op.sites[site].field.Definition.Arguments {
		if n, ok := r.args[site][i].(int64); ok && def.Name == "first" {
			return int(n)
		}
	}
	return listGuess
}

// Cost is what the operation costs, introspection aside.
func (r *Request) Cost() int { return r.cost }

// tooCostly says what an operation costs that costs too much, and most of it where.
func (r *Request) tooCostly(c *cost, maximum int) *gqlerror.Error {
	most := contributor{site: -1}
	c.heaviest(r, 1, -1, &most)
	err := &gqlerror.Error{
		Message: fmt.Sprintf("The operation costs %d, and may cost %d: a field counts once for each entry of the lists around it; ask for fewer items with `first`, or for fewer fields.", r.cost, maximum),
		Extensions: map[string]any{
			"code": string(fault.TooLarge), "limit": "cost", "found": r.cost, "maximum": maximum,
		},
	}
	if most.site >= 0 {
		s := r.op.sites[most.site]
		err.Message = fmt.Sprintf("The operation costs %d, and may cost %d: most of it, %d, is of `%s`, whose fields count once for each entry of the lists around them; ask for fewer items with `first`, or for fewer fields.",
			r.cost, maximum, most.cost, s.path)
		err.Path = s.path
		if pos := s.field.Position; pos != nil {
			err.Locations = []gqlerror.Location{{Line: pos.Line, Column: pos.Column}}
		}
	}
	return err
}
