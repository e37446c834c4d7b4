package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"strconv"
	"time"

	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/server"
)

// tombstone is what is left of an entry that is not in a list any more: after OParl 1.1, 2.8.
type tombstone struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	ModifiedAt time.Time `json:"modifiedAt"`
	Deleted    bool      `json:"deleted"`
}

// since makes a list one of what has changed: the history says what, and in which order;
// the document, asked for just these, how it is now. Whatever it does not give is not in
// the list any more.
func (e *endpoint) since(c Config, r server.Request, given url.Values, asked *server.Asked) error {
	for _, name := range []string{"last", "before", "sort"} {
		if given.Has(name) {
			return fault.New(fault.Invalid, "Leave out `%s`: with `%s` entries come in the order in which they changed, from the first on.", name, modifiedSince).At(name)
		}
	}
	from, err := instant(given.Get(modifiedSince))
	if err != nil {
		return err
	}
	size, _ := strconv.Atoi(orDefault(given.Get("first"))) // it has been read before
	if given.Has("after") && given.Get("after") == "" {
		return fault.New(fault.Invalid, "`after` is empty: leave it out, or give a cursor.").At("after")
	}
	var page change.Page
	asked.First = func(ctx context.Context) error {
		page, err = change.Latest(ctx, c.DB, e.noun, from, change.Cursor(given.Get("after")), size)
		if err != nil {
			return err
		}
		ids := make([]any, len(page.Changes))
		for i, changed := range page.Changes {
			ids[i] = c.id(changed)
		}
		delete(asked.Variables, "after")
		asked.Variables["first"] = json.Number(strconv.Itoa(size))
		put(asked.Variables, []string{"filter", "id", "in"}, ids)
		return nil
	}
	asked.Render = func(data []byte) (server.Answer, error) { return c.renderSince(r, given, page, data) }
	return nil
}

func (c Config) id(of change.Change) string {
	return nodeid.ID{Prefix: c.Prefix(of.Type), UUID: of.ID}.String()
}

func (c Config) renderSince(r server.Request, given url.Values, page change.Page, data []byte) (server.Answer, error) {
	var read struct {
		List struct{ Data []json.RawMessage }
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return server.Answer{}, err
	}
	present := map[string]json.RawMessage{}
	for _, entry := range read.List.Data {
		var of struct{ ID string }
		if err := json.Unmarshal(entry, &of); err != nil {
			return server.Answer{}, err
		}
		present[of.ID] = entry
	}
	entries := make([]any, len(page.Changes))
	for i, changed := range page.Changes {
		id := c.id(changed)
		if entry, ok := present[id]; ok {
			entries[i] = entry
			continue
		}
		entries[i] = tombstone{id, changed.Type, changed.At.UTC(), true}
	}
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	err := e.Encode(map[string]any{"data": entries, "pageInfo": map[string]any{"hasNextPage": page.More, "endCursor": page.Next}})
	link := ""
	if page.More {
		there := maps.Clone(given)
		there.Set("after", string(page.Next))
		link = `<` + address(r, there) + `>; rel="next"`
	}
	return server.Answer{Body: body.Bytes(), Header: header(link)}, err
}
