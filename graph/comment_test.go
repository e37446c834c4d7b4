package graph_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/batch"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/job"
	"stadtgraph/internal/ndjson"
	"stadtgraph/internal/peer"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/write"
)

// forum is an open discussion of one article.
type forum struct {
	pool *pgxpool.Pool
	e    *graph.Executor
}

const (
	openArticle   = "article_00000000000000000000000001"
	closedArticle = "article_00000000000000000000000002"
	draftArticle  = "article_00000000000000000000000003"
	tillYesterday = "article_00000000000000000000000004"
	archived      = "article_00000000000000000000000005"
)

func newForum(t testing.TB, change func(c *comment.Config)) *forum {
	t.Helper()
	pool := pgtest.DB(t)
	sql := `INSERT INTO article (id, slug, kind, title, publication_status, comments_status, comments_close_at) VALUES
(uuid(1), 'open', 'NEWS', 'Offen', 'PUBLISHED', 'OPEN', NULL), (uuid(2), 'closed', 'NEWS', 'Zu', 'PUBLISHED', 'CLOSED', NULL),
(uuid(3), 'draft', 'NEWS', 'Entwurf', 'DRAFT', 'OPEN', NULL), (uuid(4), 'yesterday', 'NEWS', 'Vorbei', 'PUBLISHED', 'OPEN', now() - interval '1 day'),
(uuid(5), 'archived', 'NEWS', 'Archiv', 'ARCHIVED', 'OPEN', NULL)`
	for i := 1; i < 6; i++ {
		sql = strings.ReplaceAll(sql, fmt.Sprintf("uuid(%d)", i), fmt.Sprintf("'00000000-0000-0000-0000-%012d'", i))
	}
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	return &forum{pool, instance(t, pool, change)}
}

// instance is an executor of its own over a database.
func instance(t testing.TB, pool *pgxpool.Pool, change func(c *comment.Config)) *graph.Executor {
	t.Helper()
	planner := newPlanner(t, pool)
	writable, err := graph.Writable(planner.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	c := discussion(t)
	c.Submissions, c.Voters, c.Votes = 1000, 1000, 10_000
	if change != nil {
		change(&c)
	}
	writer := write.NewWriter(writable, pool)
	return graph.NewExecutor(planner).Writes(writer).Discusses(comment.NewDesk(c, writer, pool))
}

// somebody sends an operation: an actor, or a reader from a network with a voter's token.
type somebody struct {
	actor   *auth.Actor
	from    string
	headers http.Header
}

func (s somebody) asks(t testing.TB, e *graph.Executor, query string, variables map[string]any) string {
	ctx := auth.With(graphql.StartOperationTrace(t.Context()), s.actor)
	if s.from != "" {
		a := netip.MustParseAddr(s.from)
		ctx = peer.With(ctx, netip.PrefixFrom(a, a.BitLen()))
	}
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables, Headers: s.headers})
	if len(errs) > 0 {
		return fmt.Sprint(errs)
	}
	handler, ctx := e.DispatchOperation(ctx, op)
	response := handler(ctx)
	if len(response.Errors) > 0 {
		return fmt.Sprint(response.Errors)
	}
	return string(response.Data)
}

type outcome struct {
	CommentID, EditToken, VoterToken, Status, FormToken string
	Comment                                             struct{ Upvotes, Downvotes int }
	UserErrors                                          []struct {
		Path          []string
		Code, Message string
	}
	raw string
}

// problem is the first one of an outcome.
func (o outcome) problem() string {
	if len(o.UserErrors) == 0 {
		return ""
	}
	return o.UserErrors[0].Code + " " + strings.Join(o.UserErrors[0].Path, ".")
}

func (f *forum) does(t testing.TB, e *graph.Executor, s somebody, mutation, selection string, input map[string]any) (o outcome) {
	t.Helper()
	name := strings.ToUpper(mutation[:1]) + mutation[1:]
	raw := s.asks(t, e, fmt.Sprintf(`mutation ($in: %sInput!) { m: %s(input: $in) { %s userErrors { path code message } } }`, name, mutation, selection), map[string]any{"in": input})
	var answer struct{ M outcome }
	if err := json.Unmarshal([]byte(raw), &answer); err != nil {
		t.Errorf("%s: %s", mutation, raw)
	}
	if leak := leaks.FindString(raw); leak != "" {
		t.Errorf("%s: %q in %s", mutation, leak, raw)
	}
	answer.M.raw = raw
	return answer.M
}

func (f *forum) form(t testing.TB, s somebody) string {
	t.Helper()
	return f.does(t, f.e, s, "openCommentForm", "formToken", map[string]any{"article": openArticle}).FormToken
}

// submits hands in a comment that is as it should be but for what is given.
func (f *forum) submits(t testing.TB, s somebody, given map[string]any) outcome {
	t.Helper()
	input := map[string]any{"article": openArticle, "email": "erika@example.org", "authorName": "Erika Muster", "body": "Guten Tag, das ist ein Beitrag."}
	maps.Copy(input, given)
	if input["formToken"] == nil {
		input["formToken"] = f.form(t, s)
	}
	return f.does(t, f.e, s, "submitComment", "commentId status editToken", input)
}

var moderator = somebody{actor: &auth.Actor{Name: "mod", Role: auth.Moderator}}

// approved is the id of a comment that was handed in and approved.
func (f *forum) approved(t testing.TB, given map[string]any) string {
	t.Helper()
	id := f.submits(t, somebody{from: "192.0.2.1"}, given).CommentID
	if raw := f.does(t, f.e, moderator, "moderateComments", "results { status }", map[string]any{"action": "APPROVE", "comments": []any{map[string]any{"id": id, "version": 1}}}).raw; !strings.Contains(raw, "APPROVED") {
		t.Fatal(raw)
	}
	return id
}

func (f *forum) value(t testing.TB, sql string, args ...any) (v string) {
	t.Helper()
	if err := f.pool.QueryRow(t.Context(), "SELECT ("+sql+")::text", args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// What nobody should send is a user error at its field, and nothing is stored.
func TestSubmitRefuses(t *testing.T) {
	t.Parallel()
	f := newForum(t, nil)
	reader := somebody{from: "192.0.2.1"}
	top := f.approved(t, nil)
	one := f.approved(t, map[string]any{"parent": top, "body": "Eins tiefer"})
	two := f.approved(t, map[string]any{"parent": one, "body": "Zwei tiefer"})
	three := f.approved(t, map[string]any{"parent": two, "body": "Drei tiefer"})
	waiting := f.submits(t, reader, map[string]any{"body": "Das wartet noch."}).CommentID
	const foreign = "comment_00000000000000000000000009"
	if _, err := f.pool.Exec(t.Context(), `INSERT INTO article (id, slug, kind, title, publication_status, comments_status) VALUES ('00000000-0000-0000-0000-000000000009', 'other', 'NEWS', 'Anders', 'PUBLISHED', 'OPEN');
INSERT INTO comment (id, article_id, body, body_html, body_text, body_renderer, status) VALUES ('00000000-0000-0000-0000-000000000009', '00000000-0000-0000-0000-000000000009', 'a', '', '', 1, 'APPROVED')`); err != nil {
		t.Fatal(err)
	}
	form := f.form(t, reader)
	forged := form[:20] + string("AB"[form[20]%2]) + form[21:]
	before := f.value(t, `SELECT count(*) || '/' || (SELECT count(*) FROM comment_submission) || '/' || (SELECT count(*) FROM comment_form) || '/' || (SELECT count(*) FROM comment_report) FROM comment`)
	for _, c := range []struct {
		what  string
		given map[string]any
		want  string
	}{
		{"closed", map[string]any{"article": closedArticle}, "INVALID input.formToken"}, // a form is of one article
		{"unknown article", map[string]any{"article": "article" + unknownKey}, "INVALID input.formToken"},
		{"foreign type", map[string]any{"article": "strategy" + unknownKey}, "INVALID input.formToken"},
		{"unknown parent", map[string]any{"parent": "comment" + unknownKey}, "NOT_FOUND input.parent"},
		{"parent that waits", map[string]any{"parent": waiting}, "NOT_FOUND input.parent"},
		{"parent of another type", map[string]any{"parent": openArticle}, "NOT_FOUND input.parent"},
		{"parent of another discussion", map[string]any{"parent": foreign}, "NOT_FOUND input.parent"},
		{"script for a parent", map[string]any{"parent": "<script>alert(1)</script>"}, "INVALID input.parent"},
		{"script for a form", map[string]any{"formToken": "<script>alert(1)</script>"}, "INVALID input.formToken"},
		{"nonsense parent", map[string]any{"parent": "nonsense"}, "INVALID input.parent"},
		{"too deep", map[string]any{"parent": three}, "OUT_OF_RANGE input.parent"},
		{"letter that answers", map[string]any{"parent": top, "audience": "EDITORS"}, "INVALID input.parent"},
		{"no form", map[string]any{"formToken": ""}, "INVALID input.formToken"},
		{"forged form", map[string]any{"formToken": forged}, "INVALID input.formToken"},
		{"form of SQL", map[string]any{"formToken": "'; DROP TABLE comment; --"}, "INVALID input.formToken"},
		{"edit token for a form", map[string]any{"formToken": f.submits(t, reader, map[string]any{"body": "Noch einer"}).EditToken}, "INVALID input.formToken"},
		{"no e-mail", map[string]any{"email": nil}, "REQUIRED input.email"},
		{"blank e-mail", map[string]any{"email": "  "}, "REQUIRED input.email"},
		{"no address", map[string]any{"email": "erika"}, "INVALID input.email"},
		{"two addresses", map[string]any{"email": "a@example.org, b@example.org"}, "INVALID input.email"},
		{"name in address", map[string]any{"email": "Erika <a@example.org>"}, "INVALID input.email"},
		{"header in address", map[string]any{"email": "a@example.org\r\nBcc: b@example.org"}, "INVALID input.email"},
		{"script in address", map[string]any{"email": `"<script>alert(1)</script>"@example.org`}, "INVALID input.email"},
		{"long address", map[string]any{"email": strings.Repeat("a", 300) + "@example.org"}, "INVALID input.email"},
		{"empty", map[string]any{"body": " \n\t"}, "REQUIRED input.body"},
		{"only markup", map[string]any{"body": "***\n\n> \n\n- \n\n----"}, "REQUIRED input.body"},
		{"only invisible", map[string]any{"body": "\u200b\u200d\u2060\ufeff"}, "REQUIRED input.body"},
		{"over-long", map[string]any{"body": strings.Repeat("ä", 10_001)}, "TOO_LONG input.body"},
		{"NUL", map[string]any{"body": "a\x00b"}, "INVALID input.body"},
		{"bell", map[string]any{"body": "a\ab"}, "INVALID input.body"},
		{"zalgo", map[string]any{"body": "Z" + strings.Repeat("\u0317", 30) + "algo"}, "INVALID input.body"},
		{"zalgo name", map[string]any{"authorName": "Z" + strings.Repeat("\u0317", 30)}, "INVALID input.authorName"},
		{"turned around", map[string]any{"body": "Rechnung\u202efdp.exe"}, "INVALID input.body"},
		{"turned name", map[string]any{"authorName": "Erika\u202eretsuM"}, "INVALID input.authorName"},
		{"isolate", map[string]any{"body": "a\u2066b\u2069"}, "INVALID input.body"},
		{"homoglyph", map[string]any{"body": "Siehe [hier](https://sp\u0430rkasse.de/)."}, "INVALID input.body"},
		{"homoglyph in punycode", map[string]any{"body": "Siehe <https://xn--80ak6aa92e.com/>."}, "INVALID input.body"},
		{"link that lies", map[string]any{"body": "Siehe [sparkasse.de](https://betrug.example/)."}, "INVALID input.body"},
		{"script", map[string]any{"body": "<script>alert(1)</script>"}, "INVALID input.body"},
		{"picture", map[string]any{"body": "<img src=x onerror=alert(1)>"}, "INVALID input.body"},
		{"half a script", map[string]any{"body": "ha <script src=//x.example"}, "INVALID input.body"},
		{"script link", map[string]any{"body": "[x](javascript:alert(1))"}, "INVALID input.body"},
		{"script name", map[string]any{"authorName": "<script>alert(1)</script>"}, "INVALID input.authorName"},
		{"name of two lines", map[string]any{"authorName": "a\nb"}, "INVALID input.authorName"},
		{"long name", map[string]any{"authorName": strings.Repeat("a", 101)}, "TOO_LONG input.authorName"},
	} {
		if c.what == "edit token for a form" {
			before = f.value(t, `SELECT count(*) || '/' || (SELECT count(*) FROM comment_submission) || '/' || (SELECT count(*) FROM comment_form) || '/' || (SELECT count(*) FROM comment_report) FROM comment`)
		}
		if got := f.submits(t, reader, c.given); got.problem() != c.want || got.CommentID != "" {
			t.Errorf("%s: want %s; got %s", c.what, c.want, got.raw)
		}
	}
	for article, want := range map[string]string{closedArticle: "CLOSED input.article", tillYesterday: "CLOSED input.article", archived: "CLOSED input.article",
		draftArticle: "NOT_FOUND input.article", "article" + unknownKey: "NOT_FOUND input.article", "comment_00000000000000000000000001": "NOT_FOUND input.article"} {
		if got := f.does(t, f.e, reader, "openCommentForm", "formToken", map[string]any{"article": article}); got.problem() != want || got.FormToken != "" {
			t.Errorf("%s: want %s; got %s", article, want, got.raw)
		}
	}
	if got := f.does(t, f.e, reader, "reportComment", "reportedId", map[string]any{"id": top, "reason": "OTHER", "text": "<script>alert(1)</script>"}); got.problem() != "INVALID input.text" {
		t.Errorf("a script in a report: %s", got.raw)
	}
	// Nothing answers itself, or what answers it, even where no form is asked for.
	if _, err := f.pool.Exec(t.Context(), `UPDATE comment SET parent_id = (SELECT id FROM comment WHERE body = 'Drei tiefer') WHERE body = 'Eins tiefer'`); err == nil || !strings.Contains(err.Error(), "cannot move") {
		t.Errorf("a circle: %v", err)
	}
	// It closes while somebody writes.
	if _, err := f.pool.Exec(t.Context(), `UPDATE article SET comments_status = 'CLOSED' WHERE slug = 'open'`); err != nil {
		t.Fatal(err)
	}
	if got := f.submits(t, reader, map[string]any{"formToken": form}); got.problem() != "CLOSED input.article" {
		t.Errorf("a closed discussion: %s", got.raw)
	}
	if after := f.value(t, `SELECT count(*) || '/' || (SELECT count(*) FROM comment_submission) || '/' || (SELECT count(*) FROM comment_form) || '/' || (SELECT count(*) FROM comment_report) FROM comment`); after != before {
		t.Errorf("something is stored: %s, before %s", after, before)
	}
	// A status that is sent is unknown; nobody approves what he writes.
	raw := reader.asks(t, f.e, `mutation { submitComment(input: {article: "`+openArticle+`", body: "a", formToken: "a", status: APPROVED}) { status } }`, nil)
	if !strings.Contains(raw, "status") || !strings.Contains(raw, "not defined") {
		t.Errorf("a status can be sent: %s", raw)
	}
}

// Ordinary texts are taken as they are.
func TestSubmitTakes(t *testing.T) {
	t.Parallel()
	f := newForum(t, nil)
	for _, body := range []string{
		"👍", "2 < 3 und 5 > 4", "Ja!", "Siehe [bamberg.de](https://www.bamberg.de/netz?a=1&b=2).", "https://münchen.de/ ist schön", "a <- b", "مرحبا بالعالم",
		"> Zitat\n\nAntwort", "`x < y`", strings.Repeat("ä", 10_000), "Mail an [uns](mailto:amt@bamberg.de)", "Việt Nam, שָׁלוֹם", "Daten: mehr davon", "https://xn--mnchen-3ya.de/",
	} {
		if got := f.submits(t, somebody{from: "192.0.2.1"}, map[string]any{"body": body}); got.problem() != "" || got.Status != "PENDING" {
			t.Errorf("%q: %s", clipped(body), got.raw)
		}
	}
}

// A form makes one comment, whoever sends it how often.
func TestFormsAreUsedOnce(t *testing.T) {
	t.Parallel()
	f := newForum(t, nil)
	other := instance(t, f.pool, nil)
	reader := somebody{from: "192.0.2.1"}
	form := f.form(t, reader)
	outcomes := make([]outcome, 20)
	var wait sync.WaitGroup
	for i := range outcomes {
		wait.Go(func() {
			e, body := f.e, "Immer dasselbe."
			if i%2 > 0 {
				e = other
			}
			if i%4 > 1 {
				body = "Etwas anderes."
			}
			outcomes[i] = f.does(t, e, reader, "submitComment", "commentId status editToken",
				map[string]any{"article": openArticle, "email": "erika@example.org", "body": body, "formToken": form})
		})
	}
	wait.Wait()
	ids, tokens := map[string]int{}, map[string]int{}
	for _, o := range outcomes {
		ids[o.CommentID]++
		tokens[o.EditToken]++
		if o.CommentID == "" && o.problem() != "TAKEN input.formToken" {
			t.Errorf("got %s", o.raw)
		}
	}
	if n := f.value(t, `SELECT count(*) FROM comment`); n != "1" || len(ids) != 2 || ids[""] != 10 || len(tokens) != 2 {
		t.Errorf("%s comments, ids %v, tokens %v", n, ids, tokens)
	}
}

// Who is too quick or too slow is told so; a form that is too young can be sent later.
func TestFormsTakeTime(t *testing.T) {
	t.Parallel()
	f := newForum(t, func(c *comment.Config) { c.Fill = time.Second })
	reader := somebody{from: "192.0.2.1"}
	form := f.form(t, reader)
	if got := f.submits(t, reader, map[string]any{"formToken": form}); got.problem() != "NOT_ALLOWED input.formToken" {
		t.Errorf("too quick: %s", got.raw)
	}
	slow := instance(t, f.pool, func(c *comment.Config) { c.FormLife = 0 })
	if got := f.does(t, slow, reader, "submitComment", "commentId", map[string]any{"article": openArticle, "email": "a@example.org", "body": "Zu spät", "formToken": form}); got.problem() != "EXPIRED input.formToken" {
		t.Errorf("too slow: %s", got.raw)
	}
	time.Sleep(time.Second)
	sent := f.submits(t, reader, map[string]any{"formToken": form})
	if sent.Status != "PENDING" {
		t.Errorf("in time: %s", sent.raw)
	}
}

// What waits can be changed by who has its token, until somebody decides or time is over.
func TestOwnComment(t *testing.T) {
	t.Parallel()
	f := newForum(t, func(c *comment.Config) { c.Editable = time.Hour })
	reader := somebody{from: "192.0.2.1"}
	own := f.submits(t, reader, nil)
	other := f.submits(t, reader, map[string]any{"body": "Ein anderer Beitrag."})
	edit := func(token, id string, change map[string]any) outcome {
		input := map[string]any{"id": id, "editToken": token}
		maps.Copy(input, change)
		return f.does(t, f.e, reader, "editComment", "commentId status", input)
	}
	if got := edit(own.EditToken, other.CommentID, nil); got.problem() != "INVALID input.editToken" {
		t.Errorf("another's comment: %s", got.raw)
	}
	if got := edit(own.EditToken, own.CommentID, map[string]any{"body": "<script>"}); got.problem() != "INVALID input.body" {
		t.Errorf("a script: %s", got.raw)
	}
	if got := edit(own.EditToken, own.CommentID, map[string]any{"body": "viagra " + strings.Repeat("https://a.example/ ", 6)}); got.problem() != "" {
		t.Errorf("it is judged anew without a word: %s", got.raw)
	}
	if got := f.value(t, `SELECT spam_score || ' ' || status FROM comment WHERE body ^@ 'viagra'`); got != "200 PENDING" {
		t.Errorf("judged anew: %s", got)
	}
	if got := edit(own.EditToken, own.CommentID, map[string]any{"body": "Besser so.", "authorName": nil}); got.problem() != "" {
		t.Error(got.raw)
	}
	if got := f.value(t, `SELECT concat_ws(' ', body, body_html, author_name, spam_score) FROM comment WHERE body ^@ 'Besser'`); got != "Besser so. <p>Besser so.</p> 10" {
		t.Errorf("changed to %s", got)
	}
	over := instance(t, f.pool, func(c *comment.Config) { c.Editable = -time.Hour })
	form := f.form(t, reader)
	late := f.does(t, over, reader, "submitComment", "commentId editToken", map[string]any{"article": openArticle, "email": "b@example.org", "body": "Zu spät.", "formToken": form})
	if got := edit(late.EditToken, late.CommentID, map[string]any{"body": "x"}); got.problem() != "EXPIRED input.editToken" {
		t.Errorf("too late: %s", got.raw)
	}
	f.does(t, f.e, moderator, "moderateComments", "results { status }", map[string]any{"action": "APPROVE", "comments": []any{map[string]any{"id": other.CommentID, "version": 1}}})
	for _, mutation := range []string{"editComment", "withdrawComment"} {
		if got := f.does(t, f.e, reader, mutation, "__typename", map[string]any{"id": other.CommentID, "editToken": other.EditToken}); got.problem() != "NOT_ALLOWED input.id" {
			t.Errorf("%s of what is approved: %s", mutation, got.raw)
		}
	}
}

// One network cannot send without end, on whichever instance; others are not concerned.
func TestNetworksAreLimited(t *testing.T) {
	t.Parallel()
	few := func(c *comment.Config) { c.Submissions, c.Voters, c.Votes, c.Reports = 3, 2, 4, 2 }
	f := newForum(t, few)
	other := instance(t, f.pool, few)
	id := f.approved(t, nil)
	for i, want := range []string{"", "", "", "RATE_LIMITED input", "RATE_LIMITED input"} {
		e := f.e
		f.e = []*graph.Executor{f.e, other}[i%2]
		got := f.submits(t, somebody{from: "2001:db8:7::1"}, map[string]any{"body": fmt.Sprint("Beitrag ", i), "email": fmt.Sprintf("a%d@example.org", i)})
		f.e = e
		if got.problem() != want {
			t.Errorf("comment %d: want %q; got %s", i, want, got.raw)
		}
	}
	if got := f.submits(t, somebody{from: "2001:db8:7:100::1"}, map[string]any{"body": "Vom Nachbarn"}); got.problem() != "" {
		t.Errorf("the neighbour: %s", got.raw)
	}
	vote := func(s somebody) outcome {
		return f.does(t, f.e, s, "voteComment", "voterToken", map[string]any{"id": id, "value": 1})
	}
	reader := somebody{from: "198.51.100.1"}
	known := somebody{from: "198.51.100.1", headers: http.Header{"Voter-Token": {vote(reader).VoterToken}}}
	for i, want := range []string{"", "RATE_LIMITED input"} {
		if got := vote(reader); got.problem() != want {
			t.Errorf("new voter %d: want %q; got %s", i, want, got.raw)
		}
	}
	for i, want := range []string{"", "RATE_LIMITED input"} {
		if got := vote(known); got.problem() != want {
			t.Errorf("vote %d: want %q; got %s", i, want, got.raw)
		}
	}
	if got := f.value(t, `SELECT count(*) FROM comment_vote`); got != "2" {
		t.Errorf("%s voters", got)
	}
	for i, want := range []string{"", "", "RATE_LIMITED input"} {
		if got := f.does(t, f.e, somebody{from: "198.51.100.9"}, "reportComment", "voterToken", map[string]any{"id": id, "reason": "OTHER"}); got.problem() != want {
			t.Errorf("report %d: want %q; got %s", i, want, got.raw)
		}
	}
	if got := f.value(t, `SELECT string_agg(t.x, ' ') FROM (SELECT to_jsonb(r)::text AS x FROM comment_rate r UNION ALL SELECT to_jsonb(s)::text FROM comment_submission s) t`); strings.Contains(got, "198.51") || strings.Contains(got, "2001") {
		t.Errorf("addresses are stored: %s", got)
	}
}

// The same text once more is refused from the same person, and suspicious from others.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	f := newForum(t, nil)
	f.submits(t, somebody{from: "192.0.2.1"}, nil)
	if got := f.submits(t, somebody{from: "192.0.2.1"}, map[string]any{"email": "other@example.org", "body": "GUTEN tag: das ist ein *Beitrag*!"}); got.problem() != "TAKEN input.body" {
		t.Errorf("from the same network: %s", got.raw)
	}
	if got := f.submits(t, somebody{from: "192.0.2.2"}, map[string]any{"email": "ERIKA@example.org"}); got.problem() != "TAKEN input.body" {
		t.Errorf("from the same address: %s", got.raw)
	}
	if got := f.submits(t, somebody{from: "192.0.2.3"}, map[string]any{"email": "third@example.org"}); got.problem() != "" {
		t.Errorf("from somebody else: %s", got.raw)
	}
	if got := f.value(t, `SELECT string_agg(array_to_string(spam_reasons, '+') || spam_score, ' ' ORDER BY created_at) FROM comment`); got != "FIRST_COMMENT10 DUPLICATE+FIRST_COMMENT60" {
		t.Errorf("got %s", got)
	}
}

// A hundred vote at once, over two instances, some twice and with second thoughts, on a
// comment that has votes from before. Each counts once; nothing of it makes a version.
func TestVotesAreExact(t *testing.T) {
	t.Parallel()
	f := newForum(t, nil)
	instances := []*graph.Executor{f.e, instance(t, f.pool, nil)}
	id, reply := f.approved(t, nil), ""
	reply = f.approved(t, map[string]any{"parent": id, "body": "Eine Antwort"})
	if _, err := f.pool.Exec(t.Context(), `UPDATE comment SET upvotes = 11, downvotes = 2 WHERE parent_id IS NULL`); err != nil {
		t.Fatal(err)
	}
	history := f.value(t, `SELECT count(*) || ' ' || (SELECT count(*) FROM revision) || ' ' || (SELECT sum(version) FROM comment) || ' ' || (SELECT sum(version) FROM article) FROM change`)
	vote := func(i int, s somebody, id string, value int) outcome {
		o := f.does(t, instances[i%2], s, "voteComment", "comment { upvotes downvotes } value voterToken", map[string]any{"id": id, "value": value})
		if o.problem() != "" {
			t.Error(o.raw)
		}
		return o
	}
	var wait sync.WaitGroup
	for i := range 100 {
		wait.Go(func() {
			s := somebody{from: fmt.Sprintf("192.0.2.%d", i)}
			s.headers = http.Header{"Voter-Token": {vote(i, s, id, 1).VoterToken}}
			vote(i+1, s, id, 1) // the same again counts nothing
			switch {
			case i%10 < 2: // 20 change their minds
				vote(i, s, id, -1)
			case i%10 == 2: // 10 take it back
				vote(i, s, id, 0)
				vote(i, s, id, 0)
			}
			vote(i, s, reply, -1)
		})
	}
	wait.Wait()
	if got := f.value(t, `SELECT string_agg(upvotes || '/' || downvotes, ' ' ORDER BY depth) || ' ' || count(*) FROM comment`); got != "81/22 0/100 2" {
		t.Errorf("votes are %s, want 81/22 0/100 2", got)
	}
	if got := f.value(t, `SELECT count(*) || ' ' || sum(value) FROM comment_vote`); got != "190 -50" {
		t.Errorf("kept are %s, want 190 -50", got)
	}
	if got := f.value(t, `SELECT count(*) || ' ' || (SELECT count(*) FROM revision) || ' ' || (SELECT sum(version) FROM comment) || ' ' || (SELECT sum(version) FROM article) FROM change`); got != history {
		t.Errorf("the history is %s, was %s", got, history)
	}
	if got := f.value(t, `SELECT bool_and(thread_rank = (SELECT comment_rank(r.upvotes, r.downvotes) FROM comment r WHERE r.id = c.root_id) AND thread_rank > 0) FROM comment c`); got != "true" {
		t.Error("the rank of a thread is not that of its top")
	}

	forged := somebody{from: "192.0.2.1", headers: http.Header{"Voter-Token": {"AAAA"}}}
	if got := f.does(t, f.e, forged, "voteComment", "value", map[string]any{"id": id, "value": 1}); got.problem() != "INVALID input" {
		t.Errorf("a forged token: %s", got.raw)
	}
	forged.headers = http.Header{"Voter-Token": {f.form(t, forged)}}
	if got := f.does(t, f.e, forged, "voteComment", "value", map[string]any{"id": id, "value": 1}); got.problem() != "INVALID input" {
		t.Errorf("a token of something else: %s", got.raw)
	}
	waiting := f.submits(t, somebody{from: "192.0.2.1"}, map[string]any{"body": "Das wartet."}).CommentID
	for _, unknown := range []string{waiting, "comment" + unknownKey, openArticle} {
		if got := f.does(t, f.e, somebody{from: "192.0.2.1"}, "voteComment", "value", map[string]any{"id": unknown, "value": 1}); got.problem() != "NOT_FOUND input.id" {
			t.Errorf("%s: %s", unknown, got.raw)
		}
	}
	if _, err := f.pool.Exec(t.Context(), `UPDATE article SET comments_close_at = now() - interval '1 second' WHERE slug = 'open'`); err != nil {
		t.Fatal(err)
	}
	if got := f.does(t, f.e, somebody{from: "192.0.2.1"}, "voteComment", "value", map[string]any{"id": id, "value": 1}); got.problem() != "CLOSED input.id" {
		t.Errorf("a closed discussion: %s", got.raw)
	}
	if got := run(t, f.e, `query ($id: ID!) { comment(id: $id) { upvotes downvotes score } }`, map[string]any{"id": id}); !strings.Contains(got, `{"upvotes":81,"downvotes":22,"score":59}`) {
		t.Errorf("frozen votes are shown as %s", got)
	}
}

// The best threads first, each read from its top to its end, from one statement.
func TestThreadsInOrder(t *testing.T) {
	t.Parallel()
	f := newForum(t, nil)
	for i, c := range []struct {
		parent   int
		up, down int
	}{{0, 2, 0}, {0, 90, 10}, {1, 50, 0}, {0, 0, 0}, {2, 0, 5}, {1, 0, 9}, {3, 9, 0}, {0, 1, 9}, {4, 0, 0}} { // numbered from 1
		var parent any
		if c.parent > 0 {
			parent = fmt.Sprintf("00000000-0000-7000-8000-%012d", c.parent)
		}
		if _, err := f.pool.Exec(t.Context(), `INSERT INTO comment (id, article_id, parent_id, body, body_html, body_text, body_renderer, status, upvotes, downvotes, created_at)
VALUES ($1, '00000000-0000-0000-0000-000000000001', $2, $3, '', '', 1, 'APPROVED', $4, $5, timestamptz '2026-01-01' + $6 * interval '1 minute')`,
			fmt.Sprintf("00000000-0000-7000-8000-%012d", i+1), parent, fmt.Sprint(i+1), c.up, c.down, i); err != nil {
			t.Fatal(err)
		}
	}
	list := func(orderBy string) string {
		var answer struct {
			Data struct {
				Article struct {
					Comments struct{ Nodes []struct{ Body string } }
				}
			}
		}
		var all []string
		after := ""
		for range 9 { // a page each
			raw := run(t, f.e, `query ($after: String) { article(slug: "open") { comments(first: 1, after: $after, orderBy: `+orderBy+`) { nodes { body } pageInfo { endCursor hasNextPage } } } }`, map[string]any{"after": orNil(after)})
			if err := json.Unmarshal([]byte(raw), &answer); err != nil || len(answer.Data.Article.Comments.Nodes) != 1 {
				t.Fatalf("%s: %s", orderBy, raw)
			}
			all = append(all, answer.Data.Article.Comments.Nodes[0].Body)
			_, after, _ = strings.Cut(raw, `"endCursor":"`)
			after, _, _ = strings.Cut(after, `"`)
		}
		return strings.Join(all, "")
	}
	for orderBy, want := range map[string]string{
		"[{field: TOP, direction: DESC}]":        "2" + "5" + "1376" + "8" + "49",
		"[{field: TOP}]":                         "49" + "8" + "1376" + "25",
		"[{field: THREAD}]":                      "1376" + "25" + "49" + "8",
		"[{field: THREAD, direction: DESC}]":     "8" + "49" + "25" + "1376",
		"[{field: CREATED_AT}]":                  "123456789",
		"[{field: CREATED_AT, direction: DESC}]": "987654321",
	} {
		if got := list(orderBy); got != want {
			t.Errorf("%s: got %s, want %s", orderBy, got, want)
		}
	}
	if _, err := f.pool.Exec(t.Context(), `UPDATE comment SET pinned = true WHERE body = '4'`); err != nil {
		t.Fatal(err)
	}
	if got := list("[{field: TOP, direction: DESC}]"); got != "49251376"+"8" {
		t.Errorf("pinned: %s", got)
	}
	planner := newPlanner(t, f.pool)
	for _, query := range []string{
		`{ article(slug: "open") { commentCount comments(first: 100, orderBy: [{field: TOP, direction: DESC}]) { totalCount nodes { depth body authorName upvotes editorNotes { text } parent { id } replies { nodes { body replies { nodes { body } } } } } pageInfo { hasNextPage } } } }`,
		`{ moderationQueue(filter: {q: "a"}) { totalCount nodes { body article { title } moderation { authorEmail spamScore } reports { reason } } facets(by: [STATUS, ARTICLE, MUNICIPALITY]) { buckets { count } } } }`,
	} {
		doc, invalid := gqlparser.LoadQueryWithRules(planner.Catalogue().Schema, query, rules.NewDefaultRules())
		if invalid != nil {
			t.Fatal(invalid)
		}
		request, errs := planner.Prepare(doc.Operations[0], nil, plan.Moderator)
		if len(errs) > 0 || len(request.SQL()) != 1 {
			t.Errorf("%s: %v, not one statement", query, errs)
		}
	}
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// A marked name, address and text go the whole way, with everything that writes
// something down. Of the address there is never a trace that can be read, and of all of
// it none when it was erased.
func TestNothingPersonalIsLeft(t *testing.T) {
	t.Parallel()
	f := newForum(t, nil)
	const email, name, body = "Zebra.Quagga@Markierung.example", "Quagga Zebrakopf", "Okapi und Quagga gehen ins Bürgeramt."
	reader := somebody{from: "203.0.113.77"}
	own := f.submits(t, reader, map[string]any{"email": email, "authorName": name, "body": body + " Erst falsch."})
	f.does(t, f.e, reader, "editComment", "body", map[string]any{"id": own.CommentID, "editToken": own.EditToken, "body": body})
	keyed := somebody{actor: moderator.actor, headers: http.Header{"Idempotency-Key": {"1"}}}
	f.does(t, f.e, keyed, "moderateComments", "results { status }", map[string]any{"action": "APPROVE", "reasonText": "Quagga ist bekannt", "comments": []any{map[string]any{"id": own.CommentID, "version": 2}}})
	keyed.headers.Set("Idempotency-Key", "2")
	note := f.does(t, f.e, keyed, "addEditorNote", "comment { body authorName moderation { authorEmail } }", map[string]any{"id": own.CommentID, "version": 3, "text": "Quagga heißt das Tier.", "signature": "Red."})
	if !strings.Contains(note.raw, strings.ToLower(email)) {
		t.Errorf("moderators see no address: %s", note.raw)
	}
	f.does(t, f.e, reader, "reportComment", "voterToken", map[string]any{"id": own.CommentID, "reason": "PRIVACY", "text": "Quagga wohnt nebenan."})
	f.approved(t, map[string]any{"parent": own.CommentID, "body": "Eine Antwort.", "email": "other@example.org"})
	again := f.submits(t, reader, map[string]any{"email": email, "authorName": name, "body": body + " Nochmals."})
	refused := f.submits(t, reader, map[string]any{"email": email + " " + name, "authorName": name + "<", "body": "<script>" + body})
	if len(refused.UserErrors) < 3 || strings.Contains(refused.raw, "Quagga") {
		t.Errorf("errors repeat what was sent: %s", refused.raw)
	}
	// Comments are not imported, and the report does not repeat what somebody tried.
	planner := newPlanner(t, f.pool)
	writable, err := graph.Writable(planner.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf(`{"type":"Comment","authorName":%q,"email":%q,"body":%q}`, name, email, body)
	writer := write.NewWriter(writable, f.pool)
	if _, err := batch.Run(t.Context(), writer, &auth.Actor{Name: "import", Role: auth.Admin}, ndjson.Read(strings.NewReader(line), writer, planner.Catalogue(), ""), batch.Options{
		Report: func(l batch.Line) error {
			if told := strings.ToLower(fmt.Sprint(l)); l.Status == "CREATED" || strings.Contains(told, "quagga") {
				t.Errorf("the import reports %s", told)
			}
			return nil
		}}); err != nil {
		t.Error(err)
	}
	for _, query := range []string{`{ node(id: "` + own.CommentID + `") { ... on Comment { moderation { authorEmail } } } }`, `{ moderationQueue { nodes { moderation { authorEmail } } } }`} {
		if got := run(t, f.e, query, nil); strings.Contains(strings.ToLower(got), "quagga") || !strings.Contains(got, "UNAUTHENTICATED") {
			t.Errorf("%s: %s", query, got)
		}
	}
	if found := f.mentions(t, "zebra.quagga", "203.0.113"); len(found) > 0 {
		t.Errorf("an address can be read in %v", found)
	}
	if got := run(t, f.e, `{ search(query: "Okapi") { totalCount } }`, nil); strings.Contains(strings.ToLower(got), "zebra") {
		t.Error(got)
	}

	admin := somebody{actor: &auth.Actor{Name: "admin", Role: auth.Admin}, headers: http.Header{"Idempotency-Key": {"3"}}}
	if got := admin.asks(t, f.e, `mutation { erasePersonalData(input: {email: "`+email+`"}) { erasedCount } }`, nil); !strings.Contains(got, "Idempotency-Key") {
		t.Errorf("an answer may be kept: %s", got)
	}
	admin.headers = nil
	if got := admin.asks(t, f.e, `mutation { exportPersonalData(input: {email: "`+email+`"}) { comments { commentId body authorName status } } }`, nil); strings.Count(got, "Zebrakopf") != 2 || !strings.Contains(got, again.CommentID) {
		t.Errorf("exported: %s", got)
	}
	if got := admin.asks(t, f.e, `mutation { erasePersonalData(input: {email: "`+strings.ToUpper(email)+`"}) { erasedCount } }`, nil); got != `{"erasePersonalData":{"erasedCount":2}}` {
		t.Errorf("erased: %s", got)
	}
	if found := f.mentions(t, "quagga", "okapi", "zebra", "203.0.113"); len(found) > 0 {
		t.Errorf("after it was erased: %v", found)
	}
	if got := f.value(t, `SELECT string_agg(concat_ws(' ', c.action, c.visible_before, c.visible_after, c.mutation, c.actor_name), ', ' ORDER BY c.visible_before DESC) FROM change c WHERE c.mutation = 'erasePersonalData'`); got != "UPDATE t t erasePersonalData admin, UPDATE f f erasePersonalData admin" {
		t.Errorf("the feed says %s", got)
	}
	if got := run(t, f.e, `{ article(slug: "open") { comments { nodes { status tombstone body } } } }`, nil); !strings.Contains(got, `{"status":"ERASED","tombstone":true,"body":null}`) {
		t.Errorf("no tombstone: %s", got)
	}
}

// mentions are the tables in which a text can be found, in any column, bytes included.
func (f *forum) mentions(t testing.TB, texts ...string) (found []string) {
	t.Helper()
	rows, _ := f.pool.Query(t.Context(), `SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1`)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 50 {
		t.Fatalf("%d tables: %v", len(tables), err)
	}
	for _, table := range tables {
		for _, text := range texts {
			if f.value(t, `SELECT EXISTS (SELECT FROM `+table+` r WHERE lower(r::text) LIKE '%' || $1::text || '%' OR r::text LIKE '%' || encode($1::text::bytea, 'hex') || '%')`, text) == "true" {
				found = append(found, table+": "+text)
			}
		}
	}
	return found
}

// Addresses go some time after the decision, keys of networks after two days.
func TestPersonalDataIsForgotten(t *testing.T) {
	t.Parallel()
	f := newForum(t, nil)
	f.approved(t, nil)
	f.submits(t, somebody{from: "192.0.2.1"}, map[string]any{"body": "Das wartet."})
	counts := `SELECT (SELECT count(email) || ' ' || count(email_hash) || ' ' || count(network) FROM comment_submission) || ', ' || (SELECT count(*) FROM comment_secret) || ', ' || (SELECT count(*) FROM comment_form) || ', ' || (SELECT count(*) FROM comment_rate)`
	forget := func() string {
		t.Helper()
		if err := job.Forget(t.Context(), f.pool, job.Config{History: 1e6 * time.Hour, Feed: 1e5 * time.Hour, Emails: 30 * 24 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		return f.value(t, counts)
	}
	if got := forget(); got != "2 2 2, 1, 2, 1" {
		t.Errorf("at once: %s", got)
	}
	if _, err := f.pool.Exec(t.Context(), `UPDATE comment SET decided_at = decided_at - interval '31 days'`); err != nil {
		t.Fatal(err)
	}
	if got := forget(); got != "1 1 1, 1, 2, 1" {
		t.Errorf("after 31 days: %s", got)
	}
	if _, err := f.pool.Exec(t.Context(), `UPDATE comment_submission SET created_at = created_at - interval '3 days'; UPDATE comment_secret SET created_at = created_at - interval '3 days';
UPDATE comment_form SET created_at = created_at - interval '3 days'; UPDATE comment_rate SET since = since - interval '3 days'`); err != nil {
		t.Fatal(err)
	}
	if got := forget(); got != "1 1 0, 0, 0, 0" {
		t.Errorf("after three days: %s", got)
	}
}

// Without a key addresses are not taken, and with a new one in front the old still opens.
func TestKeys(t *testing.T) {
	t.Parallel()
	f := newForum(t, nil)
	f.submits(t, somebody{from: "192.0.2.1"}, nil)
	keys, err := comment.ParseKeys([]string{seal.NewKey(), "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="})
	if err != nil {
		t.Fatal(err)
	}
	admin := somebody{actor: &auth.Actor{Name: "admin", Role: auth.Admin}}
	export := `mutation { exportPersonalData(input: {email: "erika@example.org"}) { comments { email } userErrors { code } } }`
	for _, c := range []struct {
		keys comment.Keys
		want string
	}{
		{keys, `{"exportPersonalData":{"comments":[{"email":"erika@example.org"}],"userErrors":[]}}`},
		{keys[:1], `{"exportPersonalData":{"comments":[],"userErrors":[]}}`},
		{nil, `{"exportPersonalData":{"comments":[],"userErrors":[{"code":"NOT_ALLOWED"}]}}`},
	} {
		if got := admin.asks(t, instance(t, f.pool, func(conf *comment.Config) { conf.Keys = c.keys }), export, nil); got != c.want {
			t.Errorf("with %d keys: %s", len(c.keys), got)
		}
	}
	none := &forum{f.pool, instance(t, f.pool, func(c *comment.Config) { c.Keys = nil })}
	if got := none.submits(t, somebody{from: "192.0.2.9"}, map[string]any{"body": "Ohne Schlüssel"}); got.problem() != "NOT_ALLOWED input.email" {
		t.Errorf("without a key: %s", got.raw)
	}
	if got := none.submits(t, somebody{from: "192.0.2.9"}, map[string]any{"body": "Ohne Schlüssel", "email": nil}); got.problem() != "" {
		t.Errorf("without an address: %s", got.raw)
	}
	for _, text := range []string{"", "x", "c2hvcnQ=", strings.Repeat("A", 45)} {
		if _, err := comment.ParseKeys([]string{text}); err == nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Two moderators who decide at once do not overwrite each other.
func TestModeratorsDoNotCollide(t *testing.T) {
	t.Parallel()
	f := newForum(t, nil)
	id := f.submits(t, somebody{from: "192.0.2.1"}, nil).CommentID
	answers := make([]string, 10)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() {
			answers[i] = f.does(t, f.e, moderator, "moderateComments", "results { status userErrors { code } }",
				map[string]any{"action": []string{"APPROVE", "REJECT"}[i%2], "comments": []any{map[string]any{"id": id, "version": 1}}}).raw
		})
	}
	wait.Wait()
	slices.Sort(answers)
	won := slices.DeleteFunc(slices.Clone(answers), func(s string) bool { return strings.Contains(s, "CONFLICT") })
	if len(won) != 1 || f.value(t, `SELECT sum(version) FROM comment`) != "2" {
		t.Errorf("decided %d times: %v", len(won), answers)
	}
}

// The discussion of the demo is as in its source: closed, and all there to see.
func TestDemoDiscussion(t *testing.T) {
	t.Parallel()
	pool := pgtest.From(t, "shipped", seedVersion(), seed)
	e := newWriting(t, pool)
	query := `{ article(slug: "aufgaben-der-stadt-digital-meistern") { id commentsStatus commentsOpen commentPolicyUrl commentCount comments(orderBy: [{field: TOP, direction: DESC}]) { nodes { id depth upvotes downvotes editorNotes { text signature } } } } }`
	before := run(t, e, query, nil)
	var answer struct {
		Data struct {
			Article struct {
				ID, CommentsStatus string
				CommentsOpen       bool
				CommentCount       int
				Comments           struct {
					Nodes []struct {
						ID                        string
						Depth, Upvotes, Downvotes int
						EditorNotes               []struct{ Text, Signature string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(before), &answer); err != nil {
		t.Fatal(err)
	}
	a := answer.Data.Article
	if a.CommentsStatus != "CLOSED" || a.CommentsOpen || a.CommentCount != 3 || len(a.Comments.Nodes) != 3 || !strings.Contains(before, `"signature":"WebZ"`) {
		t.Errorf("got %s", before)
	}
	f := &forum{pool, e}
	reader := somebody{from: "192.0.2.1"}
	if got := f.does(t, e, reader, "openCommentForm", "formToken", map[string]any{"article": a.ID}); got.problem() != "CLOSED input.article" {
		t.Errorf("a form: %s", got.raw)
	}
	for _, c := range a.Comments.Nodes {
		if got := f.does(t, e, reader, "voteComment", "value", map[string]any{"id": c.ID, "value": -1}); got.problem() != "CLOSED input.id" {
			t.Errorf("a vote: %s", got.raw)
		}
	}
	if after := run(t, e, query, nil); after != before {
		t.Errorf("it has changed: %s", after)
	}
}
