// Package plan is the one reader of the product. It compiles the selection of a
// GraphQL operation against the catalogue, in which the nouns declare their
// readable shape, into one SQL statement for each root field and an encoder
// that writes the answer's JSON straight from Postgres' binary values.
//
// A request passes through four steps:
//
//	Prepare   coerces every argument of the operation, nested ones included
//	compile   turns selection and shape of the arguments into a statement and
//	          an encoder; the result is cached, values are parameters
//	run       sends the statements of all root fields in one batch
//	encode    copies binary values into JSON
//
// The catalogue states once what a caller may see of a type; the planner adds
// that predicate wherever a row of the type is reached: nested, counted,
// filtered by, looked up.
package plan

import (
	"time"

	"stadtgraph/internal/nodeid"
)

// Role is what a caller may see more than the public. The catalogue holds a
// predicate for each.
type Role uint8

// The roles of readers, of which each sees what the one before it does.
const (
	Public    Role = iota // anybody: what is published and approved
	Editor                // drafts too
	Moderator             // drafts and comments that wait too
	Admin                 // who may do what
)

// Viewer is who reads, and at which instant. All of an operation is read as one
// viewer.
type Viewer struct {
	Role  Role
	Token nodeid.UUID // by which the viewer is known; zero for the public
	Now   time.Time
}

// berlin is the place in which a day begins for German deadlines.
var berlin = func() *time.Location {
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic("plan: no time zone data: " + err.Error())
	}
	return l
}()

// Bounds of what one operation may ask for; see also MaxCost.
const (
	DefaultPage = 20
	MaxPage     = 100
	MaxCount    = 100_000 // exactness of totalCount
	maxNodes    = 100     // ids of one `nodes`
	maxPlans    = 64      // kept for one operation

	MaxDepth   = 10_000 // entries that numbered pages reach
	MaxSearch  = 256    // characters of what is searched for
	MaxBuckets = 100    // values of a facet, cells of a grouping
	maxFacets  = 12     // of one list
	maxGroupBy = 3      // facets of one grouping

	maxPredicates    = 50   // of one filter
	maxItems         = 1000 // of a list in one
	maxRelationDepth = 3    // of one filter
)
