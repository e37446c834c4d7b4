package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
)

// may says who may call which mutations; the public may call those of anyone.
var may = []struct {
	roles     string
	mutations string
}{
	{"EDITOR PUBLISHER ADMIN", `createArticle updateArticle deleteArticle restoreArticle submitArticle unpublishArticle
		createStrategy updateStrategy deleteStrategy restoreStrategy submitStrategy unpublishStrategy
		createFundingProgram updateFundingProgram deleteFundingProgram restoreFundingProgram submitFundingProgram unpublishFundingProgram
		createMeasure updateMeasure deleteMeasure restoreMeasure createFundingCall updateFundingCall deleteFundingCall restoreFundingCall
		createFundingAward updateFundingAward deleteFundingAward restoreFundingAward importRecords restoreRevision`},
	{"PUBLISHER ADMIN", `publishArticle scheduleArticle archiveArticle publishStrategy scheduleStrategy archiveStrategy adoptStrategy
		publishFundingProgram scheduleFundingProgram archiveFundingProgram`},
	{"ADMIN", `dissolveMunicipality correctMunicipality createToken revokeToken trustDocuments removeTrustedDocuments createCommentRule updateCommentRule deleteCommentRule
		exportPersonalData erasePersonalData createWebhook updateWebhook pauseWebhook resumeWebhook deleteWebhook rotateWebhookSecret testWebhook
		replayWebhookDelivery replayWebhookRange previewWebhook`},
	{"MODERATOR ADMIN", `moderateComments pinComment redactComment addEditorNote removeEditorNote eraseComment moderateDiscussion`},
	{anyone, `openCommentForm submitComment editComment withdrawComment voteComment reportComment`},
}

const anyone = "READER EDITOR PUBLISHER MODERATOR ADMIN public"

// TestRoles calls every mutation as every role, on a row that is there and on one
// that is not. Whoever may not call it is told so, with the same bytes for both.
func TestRoles(t *testing.T) {
	t.Parallel()
	pool := pgtest.From(t, "shipped", seedVersion(), seed)
	e := newWriting(t, pool)
	h := newHostility(t, pool, e)
	allowed := map[string]string{}
	for _, row := range may {
		for name := range strings.FieldsSeq(row.mutations) {
			allowed[name] = row.roles
		}
	}
	before := digest(t, pool)
	for _, f := range h.schema.Mutation.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		roles, known := allowed[f.Name]
		if !known {
			t.Errorf("the table does not say who may call %s", f.Name)
			continue
		}
		delete(allowed, f.Name)
		input := h.schema.Types[f.Arguments[0].Type.Name()]
		for _, role := range append([]auth.Role{""}, auth.Roles...) {
			var answers []string
			for _, there := range []bool{true, false} {
				given := map[string]any{}
				for _, field := range input.Fields {
					if !field.Type.NonNull || field.DefaultValue != nil {
						continue
					}
					given[field.Name] = h.plain(field, "")
					if field.Name == "id" || field.Name == "article" && field.Type.Name() == "ID" {
						given[field.Name] = h.idOf(f.Name, there)
					}
					if field.Type.Elem != nil {
						given[field.Name] = []any{}
					}
					if field.Name == "version" || field.Name == "restore" {
						given[field.Name] = json.Number("77") // none of them changes a row
					}
					if field.Type.Name() == input.Name[len("Create"):] && strings.HasPrefix(input.Name, "Create") {
						given[field.Name] = map[string]any{}
					}
				}
				query := fmt.Sprintf(`mutation ($input: %s) { m: %s(input: $input) { __typename } }`, f.Arguments[0].Type, f.Name)
				actor := token(role)
				if role == auth.Admin {
					actor.Token = [16]byte{} // a command: a token that makes tokens is one itself
				}
				raw := runAs(t, actor, e, query, map[string]any{"input": given})
				if strings.HasPrefix(f.Name, "restore") && f.Name != "restoreRevision" || f.Name == "createToken" || f.Name == "revokeToken" {
					if slices.Contains(strings.Fields(roles), string(role)) {
						before = digest(t, pool)
					}
				}
				if leak := leaks.FindString(raw); leak != "" {
					t.Errorf("%s as %s: %q in %s", f.Name, role, leak, raw)
				}
				answers = append(answers, raw)
			}
			code := ""
			switch {
			case roles == anyone:
			case role == "":
				code = "UNAUTHENTICATED"
			case !slices.Contains(strings.Fields(roles), string(role)):
				code = "FORBIDDEN"
			}
			if code == "" {
				if strings.Contains(answers[0], `"errors"`) {
					t.Errorf("%s as %s: %s", f.Name, role, answers[0])
				}
				continue
			}
			if !strings.Contains(answers[0], `"code":"`+code+`"`) || !strings.Contains(answers[0], `"data":null`) {
				t.Errorf("%s as %q: want %s; got %s", f.Name, role, code, answers[0])
			}
			if answers[0] != answers[1] {
				t.Errorf("%s as %q tells whether the row is there:\n%s\n%s", f.Name, role, answers[0], answers[1])
			}
			if after := digest(t, pool); after != before {
				t.Errorf("%s as %q changed something", f.Name, role)
			}
		}
	}
	for name := range allowed {
		t.Errorf("there is no mutation %s", name)
	}
}

// idOf is an id for a mutation, of a row that is there or not.
func (h *hostility) idOf(mutation string, there bool) string {
	best := "Article"
	for typeName := range h.ids {
		if strings.HasSuffix(mutation, typeName) {
			best = typeName
		}
	}
	if !there {
		return h.prefix[best] + unknownKey
	}
	return h.ids[best]
}

// TestTerritories has a token that is limited to Bamberg, and one that is limited to
// Bavaria, write inside and outside of them.
func TestTerritories(t *testing.T) {
	t.Parallel()
	pool := pgtest.From(t, "shipped", seedVersion(), seed)
	e := newWriting(t, pool)
	bamberg, kiel, member := `{key: "09461000"}`, `{key: "01002000"}`, `{key: "09471111"}`
	for _, c := range []struct {
		what, territory, record string
		inside                  bool
	}{
		{"an article about Bamberg", "09461", `article: {title: "a", kind: NEWS, municipalities: {set: [` + bamberg + `]}}`, true},
		{"an article about Kiel", "09461", `article: {title: "a", kind: NEWS, municipalities: {set: [` + kiel + `]}}`, false},
		{"an article about both", "09461", `article: {title: "a", kind: NEWS, municipalities: {set: [` + bamberg + kiel + `]}}`, false},
		{"an article about nowhere", "09461", `article: {title: "a", kind: NEWS}`, false},
		{"an article about Bavaria", "09461", `article: {title: "a", kind: NEWS, states: {set: [{key: "09"}]}}`, false},
		{"an article about Bavaria", "09", `article: {title: "a", kind: NEWS, states: {set: [{key: "09"}]}}`, true},
		{"an article about a member", "09", `article: {title: "a", kind: NEWS, municipalities: {set: [` + bamberg + member + `]}}`, true},
		{"an article about a member", "09471", `article: {title: "a", kind: NEWS, municipalities: {set: [` + member + `]}}`, true},
		{"an article about Kiel", "09", `article: {title: "a", kind: NEWS, municipalities: {set: [` + kiel + `]}}`, false},
		{"a strategy of Bamberg", "09461", `strategy: {title: "a", kind: OTHER, owners: {set: [` + bamberg + `]}}`, true},
		{"a strategy of Bavaria", "09461", `strategy: {title: "a", kind: OTHER, owners: {set: [{key: "09"}]}}`, false},
		{"a strategy of nobody", "09", `strategy: {title: "a", kind: OTHER}`, false},
		{"a measure of Bamberg", "09461", `measure: {title: "a", owners: {set: [` + bamberg + `]}}`, true},
		{"a measure of Kiel", "09461", `measure: {title: "a", owners: {set: [` + kiel + `]}}`, false},
		{"a program of Bavaria", "09", `fundingProgram: {title: "a", level: STATE, states: {set: [{key: "09"}]}}`, true},
		{"a program of another state", "09", `fundingProgram: {title: "a", level: STATE, states: {set: [{key: "01"}]}}`, false},
		{"an organization of Bamberg", "09461", `organization: {name: "a", kind: OTHER, municipality: ` + bamberg + `}`, true},
		{"an organization of Kiel", "09461", `organization: {name: "a", kind: OTHER, municipality: ` + kiel + `}`, false},
		{"an event in Bamberg", "09461", `event: {title: "a", kind: OTHER, municipality: ` + bamberg + `}`, true},
		{"an event nowhere", "09461", `event: {title: "a", kind: OTHER}`, false},
		{"a topic", "09", `topic: {name: "a", scheme: KEYWORD}`, false},
		{"a person", "09", `person: {name: "a"}`, false},
		{"a picture", "09", `mediaAsset: {url: "https://a.de/"}`, false},
		{"an indicator", "09", `indicator: {code: "a", name: "a"}`, false},
		{"a ranking", "09", `ranking: {name: "a"}`, false},
	} {
		before := digest(t, pool)
		raw := runAs(t, token(auth.Admin, c.territory), e, `mutation { importRecords(input: {records: [{`+c.record+`}]}) { userErrors { code path message } results { status } } }`, nil)
		out := strings.Contains(raw, `"OUT_OF_SCOPE"`)
		if created := strings.Contains(raw, `"CREATED"`); created != c.inside || out == c.inside {
			t.Errorf("%s, by a token for %s: %s", c.what, c.territory, raw)
		}
		if after := digest(t, pool); (after == before) == c.inside {
			t.Errorf("%s, by a token for %s: stored %v", c.what, c.territory, after != before)
		}
	}
	admin := token(auth.Admin)
	article := func(place string) string {
		return madeBy(t, e, admin, `createArticle(input: {article: {title: "a", body: "b", kind: NEWS, municipalities: {set: [`+place+`]}}}) { n: article { id } userErrors { message } }`)
	}
	in, out := article(bamberg), article(kiel)
	for _, c := range []struct{ what, mutation string }{
		{"change", `updateArticle(input: {id: %q, version: VERSION, article: {title: "b"}})`},
		{"move", `updateArticle(input: {id: %q, version: VERSION, article: {municipalities: {set: [PLACE]}}})`},
		{"clear", `updateArticle(input: {id: %q, version: VERSION, article: {municipalities: null}})`},
		{"submit", `submitArticle(input: {id: %q, version: VERSION})`},
		{"schedule", `scheduleArticle(input: {id: %q, version: VERSION, publishAt: "2099-01-01T00:00:00Z"})`},
		{"publish", `publishArticle(input: {id: %q, version: VERSION})`},
		{"restore a version", `restoreRevision(input: {id: %q, version: VERSION, restore: 1})`},
		{"archive", `archiveArticle(input: {id: %q, version: VERSION})`},
		{"import", `importRecords(input: {records: [{id: %q, article: {title: "c"}}]})`},
		{"delete", `deleteArticle(input: {id: %q, version: VERSION})`},
		{"restore", `restoreArticle(input: {id: %q})`},
	} {
		moves := c.what == "move" || c.what == "clear"
		for _, at := range []struct {
			id, other string
			inside    bool
		}{{in, kiel, !moves}, {out, bamberg, false}} {
			mutation := strings.NewReplacer("VERSION", versionOf(t, pool, at.id), "PLACE", at.other).Replace(fmt.Sprintf(c.mutation, at.id))
			if c.what == "restore" && !at.inside {
				runAs(t, admin, e, `mutation { `+fmt.Sprintf(`deleteArticle(input: {id: %q, version: %s})`, at.id, versionOf(t, pool, at.id))+` { __typename } }`, nil)
			}
			if c.what == "archive" && !at.inside {
				runAs(t, admin, e, `mutation { `+fmt.Sprintf(`publishArticle(input: {id: %q, version: %s})`, at.id, versionOf(t, pool, at.id))+` { __typename } }`, nil)
				mutation = fmt.Sprintf(`archiveArticle(input: {id: %q, version: %s})`, at.id, versionOf(t, pool, at.id))
			}
			before := digest(t, pool)
			raw := runAs(t, token(auth.Publisher, "09461"), e, `mutation { `+mutation+` { userErrors { code path message } } }`, nil)
			after := digest(t, pool)
			if strings.Contains(raw, `"userErrors":[]`) != at.inside || strings.Contains(raw, "OUT_OF_SCOPE") == at.inside || (before == after) == at.inside {
				t.Errorf("%s, inside %v: %s; changed %v", c.what, at.inside, raw, before != after)
			}
		}
	}
	for _, mutation := range []string{
		`createToken(input: {name: "x", role: ADMIN}) { userErrors { code } }`,
		`correctMunicipality(input: {id: "` + nodeOf(t, e, `{ n: municipality(key: "01002000") { id } }`) + `", version: 1, name: "Kyl"}) { userErrors { code } }`,
		`dissolveMunicipality(input: {id: "` + nodeOf(t, e, `{ n: municipality(key: "01002000") { id } }`) + `", version: 1, dissolvedOn: "2025-01-01", successors: []}) { userErrors { code } }`,
	} {
		if raw := runAs(t, token(auth.Admin, "09461"), e, `mutation { `+mutation+` }`, nil); !strings.Contains(raw, "OUT_OF_SCOPE") {
			t.Errorf("%s: %s", mutation, raw)
		}
	}
	// an edition that ends one which another municipality shares
	first := madeBy(t, e, admin, `createStrategy(input: {strategy: {title: "a", kind: OTHER, status: ADOPTED, adoptedOn: {start: "2020-01-01"}, owners: {set: [`+bamberg+kiel+`]}}}) { n: strategy { id } userErrors { message } }`)
	second := madeBy(t, e, admin, `createStrategy(input: {strategy: {title: "b", kind: OTHER, predecessor: {id: "`+first+`"}, owners: {set: [`+bamberg+`]}}}) { n: strategy { id } userErrors { message } }`)
	raw := runAs(t, token(auth.Publisher, "09461"), e, `mutation { adoptStrategy(input: {id: "`+second+`", version: `+versionOf(t, pool, second)+`, adoptedOn: {start: "2024-01-01"}}) { userErrors { code message } } }`, nil)
	if !strings.Contains(raw, "OUT_OF_SCOPE") {
		t.Errorf("a limited token ended what another shares: %s", raw)
	}
}

// written runs a mutation that makes n, and gives its id.
func madeBy(t *testing.T, e *graph.Executor, actor *auth.Actor, mutation string) string {
	t.Helper()
	var answer struct {
		Data struct {
			M struct{ N struct{ ID string } }
		}
	}
	raw := runAs(t, actor, e, `mutation { m: `+mutation+` }`, nil)
	if err := json.Unmarshal([]byte(raw), &answer); err != nil || answer.Data.M.N.ID == "" {
		t.Fatalf("%s: %s", mutation, raw)
	}
	return answer.Data.M.N.ID
}

func versionOf(t *testing.T, pool *pgxpool.Pool, id string) (version string) {
	t.Helper()
	table := id[:strings.LastIndex(id, "_")]
	if err := pool.QueryRow(t.Context(), `SELECT version::text FROM `+table+` t WHERE global_id($1, t.id) = $2`, table, id).Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

// TestKeptFields asks for every field and root that is kept to a role, as every role:
// who may not have it is refused before anything is looked for.
func TestKeptFields(t *testing.T) {
	t.Parallel()
	planner := newPlanner(t, shipped(t))
	e, catalogue := graph.NewExecutor(planner), planner.Catalogue()
	kept := map[string]plan.Role{} // by query
	for name, def := range catalogue.Schema.Types {
		o := catalogue.Object(name)
		if def.Kind != ast.Object || o == nil {
			continue
		}
		for field, decl := range o.Fields {
			if decl.Least > plan.Public {
				kept[fmt.Sprintf(`{ node(id: "%s_01h455vb4pex5vsknk084sn02q") { ... on %s { %s { __typename } } } }`, o.Prefix, name, field)] = decl.Least
			}
		}
	}
	for _, f := range catalogue.Schema.Query.Fields {
		if root := catalogue.Root(f.Name); root != nil && root.Least > plan.Public {
			args := ""
			if id := f.Arguments.ForName("id"); id != nil && id.Type.NonNull {
				args = `(id: "article_01h455vb4pex5vsknk084sn02q")`
			}
			kept[`{ `+f.Name+args+` { __typename } }`] = root.Least
		}
	}
	if len(kept) < 15 {
		t.Fatalf("only %d fields are kept to a role", len(kept))
	}
	for query, least := range kept {
		for _, role := range append([]auth.Role{""}, auth.Roles...) {
			actor := token(role)
			want := ""
			switch {
			case actor.Viewer(time.Now()).Role >= least:
			case actor == nil:
				want = "UNAUTHENTICATED"
			default:
				want = "FORBIDDEN"
			}
			raw := runAs(t, actor, e, query, nil)
			if refused := strings.Contains(raw, `"errors"`); refused != (want != "") || !strings.Contains(raw, want) {
				t.Errorf("%s as %q: %s, want %q", query, role, raw, want)
			}
		}
	}
}
