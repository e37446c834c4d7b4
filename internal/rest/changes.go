package rest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/server"
)

// changesPath is where changes are: a page of them, or all as they happen.
const (
	changesPath  = Prefix + "/changes"
	changesTitle = "What has changed"
)

//go:embed change.graphql
var told string

const (
	listed = `query Changes($first: Int, $after: String, $types: [ChangeType!]) {
  changes(first: $first, after: $after, types: $types) { nodes { ...Told } pageInfo { endCursor hasNextPage } }
}
`
	happens = `subscription Changed($types: [ChangeType!]) {
  changed(types: $types) { ...Told }
}
`
)

// toldOf gives what is told of a change, checked against the schema.
func toldOf(schema *ast.Schema) (*ast.FragmentDefinition, error) {
	query, err := valid(schema, listed+told)
	if err != nil {
		return nil, fmt.Errorf("change.graphql: %w", err)
	}
	return query.Fragments[0], nil
}

// Changes is the change feed: pages as JSON, and events for clients who want a stream,
// which goes on behind the header Last-Event-ID or else the parameter after.
func Changes() server.Page {
	return server.Page{
		Pattern: changesPath, Document: listed + told, Events: happens + told, Types: []string{jsonType, "text/event-stream"},
		Ask: func(r server.Request) (server.Asked, error) {
			given, err := url.ParseQuery(r.URL.RawQuery)
			if err != nil {
				return server.Asked{}, fault.New(fault.Invalid, "The parameters of the address are not encoded as they should be; encode each with encodeURIComponent.")
			}
			asked, err := changesAsked(given)
			asked.Render = func(data []byte) (server.Answer, error) { return renderChanges(r, given, data) }
			asked.Event = renderChanged
			return asked, err
		},
	}
}

// changesAsked reads the parameters.
func changesAsked(given url.Values) (asked server.Asked, err error) {
	asked.Variables = map[string]any{}
	for name, values := range given {
		if len(values) > 1 && name != "types" {
			return asked, fault.New(fault.Invalid, "Parameter `%s` is given %d times; give it once.", name, len(values)).At(name)
		}
		switch name {
		case "first":
			n, err := strconv.Atoi(values[0])
			if err != nil || n < 1 || n > plan.MaxPage {
				return asked, fault.New(fault.Invalid, "Parameter `first` is how many changes to list, from 1 to %d.", plan.MaxPage).At(name)
			}
			asked.Variables[name] = json.Number(strconv.Itoa(n))
		case "after":
			cursor := change.Cursor(values[0])
			if err := cursor.Check(); err != nil {
				return asked, fault.New(fault.Invalid, "Parameter `after` is no cursor of changes: take one that came with them, `now`, or leave it out.").At(name)
			}
			asked.Variables[name], asked.Begin = values[0], &cursor
		case "types":
			types := []any{}
			for name := range strings.SplitSeq(strings.Join(values, ","), ",") {
				if !slices.Contains(change.Values(), name) {
					return asked, fault.New(fault.Invalid, "Parameter `types` holds something that is no type of changes; they are %s.", strings.Join(change.Values(), ", ")).At("types")
				}
				types = append(types, name)
			}
			asked.Variables[name] = types
		default:
			return asked, fault.New(fault.Invalid, "There is no such parameter; those of changes are `first`, `after` and `types`.")
		}
	}
	return asked, nil
}

// entryChange is a change in an answer. What is deleted says so as OParl has it.
type entryChange struct {
	Cursor  string          `json:"cursor"`
	Kind    string          `json:"kind"`
	Type    string          `json:"type"`
	ID      string          `json:"id"`
	Version int             `json:"version"`
	At      string          `json:"at"`
	Deleted bool            `json:"deleted,omitempty"`
	Node    json.RawMessage `json:"node,omitempty"`
}

// renamedField is the name that a field of change.graphql has in answers.
func renamedField(alias string) string {
	if of, name, ok := strings.Cut(alias, "__"); ok && of != "" { // not __typename
		return name
	}
	return alias
}

func (c *entryChange) finish() {
	if c.Deleted = c.Kind == "DELETE"; c.Deleted {
		c.Node = nil
		return
	}
	c.Node = renamed.ReplaceAll(c.Node, []byte(`"$1":`))
}

// renamed is a name that a field has in change.graphql alone. In front of a colon, and
// without a backslash, there is nothing in JSON but a name.
var renamed = regexp.MustCompile(`"[a-zA-Z]+__([a-zA-Z0-9]+)":`)

func renderChanges(r server.Request, given url.Values, data []byte) (server.Answer, error) {
	var read struct {
		Changes struct {
			Nodes    []entryChange
			PageInfo struct {
				EndCursor   string
				HasNextPage bool
			}
		}
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return server.Answer{}, err
	}
	page := read.Changes
	for i := range page.Nodes {
		page.Nodes[i].finish()
	}
	body, err := json.Marshal(struct {
		Changes   []entryChange `json:"changes"`
		EndCursor string        `json:"endCursor"`
		HasMore   bool          `json:"hasMore"`
	}{page.Nodes, page.PageInfo.EndCursor, page.PageInfo.HasNextPage})
	header := http.Header{"Content-Type": {jsonType}}
	if page.PageInfo.HasNextPage {
		next := maps.Clone(given)
		next.Set("after", page.PageInfo.EndCursor)
		header.Set("Link", `<`+r.Base+changesPath+`?`+next.Encode()+`>; rel="next"`)
	}
	return server.Answer{Body: body, Header: header}, err
}

func renderChanged(data []byte) ([]byte, error) {
	var read struct{ Changed entryChange }
	if err := json.Unmarshal(data, &read); err != nil {
		return nil, err
	}
	read.Changed.finish()
	return json.Marshal(read.Changed)
}
