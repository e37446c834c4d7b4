package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/change"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
)

// feedPage is an answer to feedQuery.
type feedPage struct {
	Data *struct {
		Changes struct {
			Edges []struct {
				Cursor string
				Node   struct {
					Cursor, Kind, Type, NodeID string
					Version                    int
					At                         time.Time
					Node                       *struct{ Typename, ID, Title, Slug, Name string }
				}
			}
			PageInfo struct {
				HasNextPage, HasPreviousPage bool
				StartCursor, EndCursor       string
			}
		}
	}
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
}

const feedQuery = `query($first: Int, $after: String, $types: [ChangeType!]) { changes(first: $first, after: $after, types: $types) {
	edges { cursor node { cursor kind type nodeId version at node { typename: __typename id ... on Article { title slug } ... on FundingCall { name: label } ... on Organization { name } } } }
	pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`

type feedReader struct {
	t       *testing.T
	pool    *pgxpool.Pool
	planner *plan.Planner
	e       *graph.Executor
}

func newFeedReader(t *testing.T) *feedReader {
	t.Helper()
	pool := pgtest.DB(t)
	planner := newPlanner(t, pool)
	return &feedReader{t, pool, planner, graph.NewExecutor(planner)}
}

// do runs statements in one transaction, and waits until what they did can be read.
func (f *feedReader) do(statements string) {
	f.t.Helper()
	if _, err := f.pool.Exec(f.t.Context(), statements); err != nil {
		f.t.Fatalf("%s: %v", statements, err)
	}
	pgtest.Settle(f.t, f.pool)
}

// ask asks for one page, with one statement.
func (f *feedReader) ask(actor *auth.Actor, vars map[string]any) (p feedPage) {
	f.t.Helper()
	if types, ok := vars["types"].([]string); ok { // as JSON has them
		vars = maps.Clone(vars)
		vars["types"] = make([]any, len(types))
		for i, name := range types {
			vars["types"].([]any)[i] = name
		}
	}
	before := f.planner.Statements()
	answer := runAs(f.t, actor, f.e, feedQuery, vars)
	if err := json.Unmarshal([]byte(answer), &p); err != nil {
		f.t.Fatalf("%s: %v", answer, err)
	}
	if sent := f.planner.Statements() - before; sent > 1 {
		f.t.Errorf("a page took %d statements", sent)
	}
	return p
}

// page asks for a page that there is.
func (f *feedReader) page(vars map[string]any) feedPage {
	f.t.Helper()
	p := f.ask(nil, vars)
	if p.Data == nil || len(p.Errors) > 0 {
		f.t.Fatalf("%v: %+v", vars, p.Errors)
	}
	return p
}

// lines are the changes of a page as "kind type key version: what the node says".
func (p feedPage) lines() (lines []string) {
	for _, e := range p.Data.Changes.Edges {
		line := fmt.Sprintf("%s %s %s v%d", e.Node.Kind, e.Node.Type, strings.TrimLeft(e.Node.NodeID[len(e.Node.NodeID)-4:], "0"), e.Node.Version)
		if n := e.Node.Node; n != nil {
			line += ": " + n.Title + n.Name
		}
		lines = append(lines, line)
	}
	return lines
}

// rest follows from a cursor to the end, a few at a time.
func (f *feedReader) rest(after string, types ...string) (lines []string, end string) {
	f.t.Helper()
	vars := map[string]any{"first": 2, "after": after}
	if types != nil {
		vars["types"] = types
	}
	for {
		p := f.page(vars)
		info := p.Data.Changes.PageInfo
		for i, e := range p.Data.Changes.Edges {
			if e.Cursor != e.Node.Cursor || i == 0 && e.Cursor != info.StartCursor {
				f.t.Errorf("%s is at %s and at %s, the page begins at %s", e.Node.NodeID, e.Cursor, e.Node.Cursor, info.StartCursor)
			}
		}
		lines = append(lines, p.lines()...)
		vars["after"] = info.EndCursor
		if !info.HasNextPage {
			return lines, info.EndCursor
		}
	}
}

func feedKey(n int) string { return fmt.Sprintf("'00000000-0000-7000-8000-%012d'", n) }

// What is told of changes, step by step, and what somebody is told who comes later.
func TestChanges(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t)
	article := `INSERT INTO article (id, slug, kind, title, publication_status) VALUES `
	_, start := f.rest("now")
	cursor := start
	for i, step := range []struct {
		do   string
		want []string
	}{
		{article + `(` + feedKey(1) + `, 'a', 'NEWS', 'A', 'PUBLISHED'), (` + feedKey(2) + `, 'b', 'NEWS', 'B', 'DRAFT')`, []string{"UPSERT ARTICLE 1 v1: A"}},
		{`UPDATE article SET title = 'C' WHERE id = ` + feedKey(1), []string{"UPSERT ARTICLE 1 v2: C"}},
		{`UPDATE article SET title = 'D', publication_status = 'DRAFT' WHERE id = ` + feedKey(1), []string{"DELETE ARTICLE 1 v3"}},
		{`UPDATE article SET title = 'E' WHERE id IN (` + feedKey(1) + `, ` + feedKey(2) + `)`, nil},
		{`INSERT INTO funding_program (id, slug, title, level, publication_status) VALUES (` + feedKey(3) + `, 'p', 'P', 'STATE', 'PUBLISHED');
		  INSERT INTO funding_call (id, program_id, label) VALUES (` + feedKey(4) + `, ` + feedKey(3) + `, '1')`, []string{"UPSERT FUNDING_PROGRAM 3 v1: ", "UPSERT FUNDING_CALL 4 v1: 1"}},
		{`UPDATE funding_program SET deleted_at = now()`, []string{"DELETE FUNDING_PROGRAM 3 v2", "DELETE FUNDING_CALL 4 v1"}},
		{`DELETE FROM article WHERE id = ` + feedKey(2), nil},
		{`UPDATE article SET publication_status = 'PUBLISHED' WHERE id = ` + feedKey(1) + `; INSERT INTO organization (id, slug, name, kind) VALUES (` + feedKey(5) + `, 'o', 'O', 'OTHER')`,
			[]string{"UPSERT ARTICLE 1 v5: E", "UPSERT ORGANIZATION 5 v1: O"}},
		{`DELETE FROM article WHERE id = ` + feedKey(1), []string{"DELETE ARTICLE 1 v6"}},
	} {
		f.do(step.do)
		got, end := f.rest(cursor)
		if cursor = end; !slices.Equal(got, step.want) {
			t.Errorf("step %d: %s\ngot  %q\nwant %q", i, step.do, got, step.want)
		}
	}
	later := []string{"UPSERT ARTICLE 1 v1", "UPSERT ARTICLE 1 v2", "DELETE ARTICLE 1 v3", "UPSERT FUNDING_PROGRAM 3 v1", "UPSERT FUNDING_CALL 4 v1",
		"DELETE FUNDING_PROGRAM 3 v2", "DELETE FUNDING_CALL 4 v1", "UPSERT ARTICLE 1 v5", "UPSERT ORGANIZATION 5 v1: O", "DELETE ARTICLE 1 v6"}
	for _, from := range []string{"", start} {
		if got, end := f.rest(from); !slices.Equal(got, later) || end != cursor {
			t.Errorf("from %q\ngot  %q\nwant %q\nto %s, not %s", from, got, later, end, cursor)
		}
	}
	of := func(names ...string) []string {
		return slices.DeleteFunc(slices.Clone(later), func(line string) bool { return !slices.Contains(names, strings.Fields(line)[1]) })
	}
	for _, types := range [][]string{{"ARTICLE"}, {"FUNDING_CALL", "ORGANIZATION"}, {"FUNDING_PROGRAM"}, {"STATE"}, {}} {
		if got, end := f.rest("", types...); !slices.Equal(got, of(types...)) || end != cursor {
			t.Errorf("%v alone:\ngot  %q\nwant %q\nto %s, not %s", types, got, of(types...), end, cursor)
		}
	}
}

// A page says where it lies, and where to go on, if there is nothing on it.
func TestChangesPages(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t)
	empty := f.page(nil).Data.Changes.PageInfo
	if empty.EndCursor == "" || empty.StartCursor != empty.EndCursor || empty.HasNextPage || empty.HasPreviousPage {
		t.Errorf("of an empty feed: %+v", empty)
	}
	f.do(`INSERT INTO organization (id, slug, name, kind) SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'o' || n, 'O', 'OTHER' FROM generate_series(1, 5) n`)
	first := f.page(map[string]any{"first": 2}).Data.Changes
	if i := first.PageInfo; len(first.Edges) != 2 || !i.HasNextPage || i.HasPreviousPage || i.EndCursor != first.Edges[1].Cursor {
		t.Errorf("first page: %+v", first)
	}
	second := f.page(map[string]any{"first": 3, "after": first.PageInfo.EndCursor}).Data.Changes
	if i := second.PageInfo; len(second.Edges) != 3 || i.HasNextPage || !i.HasPreviousPage || i.EndCursor != second.Edges[2].Cursor {
		t.Errorf("second page: %+v", second)
	}
	for _, after := range []string{second.PageInfo.EndCursor, "now"} {
		last := f.page(map[string]any{"after": after}).Data.Changes
		if i := last.PageInfo; len(last.Edges) != 0 || i.HasNextPage || !i.HasPreviousPage || i.EndCursor != second.PageInfo.EndCursor || i.StartCursor != i.EndCursor {
			t.Errorf("behind the end, after %s: %+v", after, last)
		}
	}
	f.do(`INSERT INTO topic (id, slug, name, scheme) VALUES (gen_random_uuid(), 't', 'T', 'KEYWORD')`)
	none := f.page(map[string]any{"after": second.PageInfo.EndCursor, "types": "ORGANIZATION"}).Data.Changes
	if i := none.PageInfo; len(none.Edges) != 0 || i.StartCursor != second.PageInfo.EndCursor || i.EndCursor == i.StartCursor {
		t.Errorf("what is of other types is behind the cursor: %+v", none)
	}
	if got, _ := f.rest(none.PageInfo.EndCursor); len(got) > 0 {
		t.Errorf("again: %q", got)
	}
}

// A token sees more of an entry, and of no other ones.
func TestChangesForEditors(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t)
	f.do(`INSERT INTO article (id, slug, kind, title, publication_status) VALUES (` + feedKey(1) + `, 'a', 'NEWS', 'A', 'PUBLISHED'), (` + feedKey(2) + `, 'b', 'NEWS', 'B', 'DRAFT')`)
	f.do(`UPDATE article SET publication_status = 'DRAFT'`)
	editor := &auth.Actor{Role: auth.Editor}
	got := f.ask(editor, nil)
	if want := []string{"UPSERT ARTICLE 1 v1: A", "DELETE ARTICLE 1 v2"}; !slices.Equal(got.lines(), want) {
		t.Errorf("got %q, not %q", got.lines(), want)
	}
}

// What is wrong with a request is said in a sentence, before anything is read.
func TestChangesRefused(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t)
	f.do(`INSERT INTO organization (id, slug, name, kind) VALUES (gen_random_uuid(), 'o', 'O', 'OTHER')`)
	mine := f.page(nil).Data.Changes.PageInfo.EndCursor
	for name, vars := range map[string]map[string]any{
		"none at all":        {"first": 0},
		"less than none":     {"first": -1},
		"too many":           {"first": 101},
		"far too many":       {"first": 1e20},
		"no cursor":          {"after": "?"},
		"of a list":          {"after": "AQAAAAAQ"},
		"cut off":            {"after": mine[:len(mine)-3]},
		"with more":          {"after": mine + "AA"},
		"with a zero byte":   {"after": "\x00"},
		"not UTF-8":          {"after": "\xff"},
		"very long":          {"after": strings.Repeat("a", 10_000)},
		"in capitals":        {"after": "NOW"},
		"unknown type":       {"types": []string{"COUNTRY"}},
		"type of the schema": {"types": []string{"Article"}},
		"nothing as a type":  {"types": []any{nil}},
		"too many types":     {"types": slices.Repeat([]string{"ARTICLE"}, 101)},
	} {
		before := f.planner.Statements()
		got := f.ask(nil, vars)
		if got.Data != nil || len(got.Errors) != 1 || got.Errors[0].Extensions["code"] != "BAD_USER_INPUT" && got.Errors[0].Extensions["code"] != "GRAPHQL_VALIDATION_FAILED" || !strings.HasSuffix(got.Errors[0].Message, ".") {
			t.Errorf("%s: %+v", name, got)
		}
		if f.planner.Statements() != before {
			t.Errorf("%s: it was read", name)
		}
	}
}

// Who has missed something is told so: because it was forgotten, or because the
// database is another one.
func TestChangesExpired(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t)
	organization := func(slug string) {
		f.do(`INSERT INTO organization (id, slug, name, kind) VALUES (gen_random_uuid(), '` + slug + `', '` + slug + `', 'OTHER')`)
	}
	_, start := f.rest("")
	organization("a")
	_, middle := f.rest("")
	organization("b")
	_, end := f.rest("")
	expired := func(cursor string) {
		t.Helper()
		got := f.ask(nil, map[string]any{"after": cursor})
		if got.Data != nil || len(got.Errors) != 1 || got.Errors[0].Extensions["code"] != "CURSOR_EXPIRED" || fmt.Sprint(got.Errors[0].Path) != "[changes]" || !strings.Contains(got.Errors[0].Message, "again") {
			t.Errorf("%s: %+v", cursor, got)
		}
	}
	at := func(cursor string) string {
		p, err := change.Read(t.Context(), f.pool, change.Cursor(cursor), nil, 1)
		if err != nil || len(p.Changes) != 1 {
			t.Fatal(p, err)
		}
		return p.Changes[0].At.Add(time.Microsecond).Format(time.RFC3339Nano)
	}
	first := at(start)
	f.do(`SELECT history_forget('` + first + `', '` + first + `')`)
	expired(start)
	for _, from := range []string{middle, ""} {
		if got, to := f.rest(from); len(got) != 1 || !strings.HasSuffix(got[0], ": b") || to != end {
			t.Errorf("from %q: %q to %s, not %s", from, got, to, end)
		}
	}
	if p := f.page(nil).Data.Changes.PageInfo; p.HasPreviousPage {
		t.Errorf("what was forgotten is in front of a page: %+v", p)
	}

	restored := newFeedReader(t)
	f, restored = restored, f
	for _, cursor := range []string{start, middle, end} {
		expired(cursor)
	}
	_ = restored
}

// Each type of the feed goes by the names that its ids and the schema have, and no
// type with a history and an id is missing.
func TestChangeTypes(t *testing.T) {
	t.Parallel()
	f := newFeedReader(t)
	var types []string
	for _, o := range f.planner.Catalogue().Objects() {
		if o.Prefix == "" || o.Visible.Public == "false" {
			continue
		}
		types = append(types, strings.ToUpper(o.Prefix))
	}
	var named []string
	for _, v := range f.planner.Catalogue().Schema.Types["ChangeType"].EnumValues {
		named = append(named, v.Name)
	}
	slices.Sort(named)
	slices.Sort(types)
	if !slices.Equal(named, types) {
		t.Errorf("ChangeType has %v, the catalogue %v", named, types)
	}
	for _, o := range f.planner.Catalogue().Objects() {
		if slices.Contains(types, strings.ToUpper(o.Prefix)) {
			if _, err := f.pool.Exec(t.Context(), `INSERT INTO change (type, id, version, action, visible_before, visible_after) VALUES ($1, $2, 1, 'UPDATE', true, true)`, o.Type, [16]byte(nodeid.UUID{15: 1})); err != nil {
				t.Fatal(err)
			}
		}
	}
	pgtest.Settle(f.t, f.pool)
	for _, name := range named {
		p := f.page(map[string]any{"types": name})
		if e := p.Data.Changes.Edges; len(e) != 1 || e[0].Node.Type != name || !strings.HasPrefix(e[0].Node.NodeID, strings.ToLower(name)+"_") || e[0].Node.Node != nil {
			t.Errorf("%s: %+v", name, p.Data.Changes)
		} else if _, err := nodeid.Parse(e[0].Node.NodeID); err != nil {
			t.Errorf("%s: %s is no id: %v", name, e[0].Node.NodeID, err)
		}
	}
	if got, _ := f.rest(""); len(got) != len(named) {
		t.Errorf("all together: %q", got)
	}
}
