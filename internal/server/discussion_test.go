package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/change"
	"stadtgraph/internal/comment"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/seal"
	"stadtgraph/internal/server"
	"stadtgraph/internal/write"
)

// lines collects a log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// A discussion over HTTP, as a reader's page and a moderator's desk have it: handed
// in, queued, approved, told of, voted on, reported, hidden behind a tombstone, erased.
// The log knows nobody, and what is erased is not kept.
func TestDiscussion(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	if _, err := pool.Exec(t.Context(), `INSERT INTO article (id, slug, kind, title, publication_status, comments_status) VALUES
('00000000-0000-0000-0000-000000000001', 'open', 'NEWS', 'Offen', 'PUBLISHED', 'OPEN')`); err != nil {
		t.Fatal(err)
	}
	keys, err := comment.ParseKeys([]string{seal.NewKey()})
	if err != nil {
		t.Fatal(err)
	}
	read, err := graph.CatalogueWith(keys)
	if err != nil {
		t.Fatal(err)
	}
	writable, err := graph.Writable(read)
	if err != nil {
		t.Fatal(err)
	}
	c, log := guarded(t, pool), &lines{}
	settings := comment.Defaults
	settings.Keys, settings.Email, settings.Fill = keys, comment.Required, 0
	writer, planner := write.NewWriter(writable, pool), plan.New(read, pool, true)
	c.Executor = graph.NewExecutor(planner).Writes(writer).Discusses(comment.NewDesk(settings, writer, pool)).Follows(running(t, pool), planner)
	c.Database, c.Cache = pool, cache.New(16<<20, change.Log{Pool: pool}, read.Prefix)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var following sync.WaitGroup
	following.Go(func() { c.Cache.Follow(ctx) })
	t.Cleanup(func() { cancel(); following.Wait() })
	c.Log = slog.New(server.LogHandler(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	base := start(t, c)
	secret, _ := newToken(t, pool, "mod", auth.Moderator)
	admin, _ := newToken(t, pool, "admin", auth.Admin)

	const article = "article_00000000000000000000000001"
	step := func(name, query string, input map[string]any, want string, headers ...string) map[string]any {
		t.Helper()
		r := post(t, base, query, map[string]any{"in": input, "id": input["id"]}, headers...)
		var answer struct{ Data map[string]map[string]any }
		if err := json.Unmarshal([]byte(r.body), &answer); err != nil || !strings.Contains(r.body, want) {
			t.Fatalf("%s: want %s; got %s %s", name, want, r.Status, r.body)
		}
		for _, payload := range answer.Data {
			return payload
		}
		return nil
	}
	as := func(token string) []string { return []string{"Authorization", "Bearer " + token} }
	const submit = `mutation ($in: SubmitCommentInput!) { submitComment(input: $in) { commentId status bodyHtml editToken userErrors { path code message } } }`
	submits := func(name string, more map[string]any) string {
		t.Helper()
		form := step("form", `mutation ($in: OpenCommentFormInput!) { openCommentForm(input: $in) { formToken email } }`, map[string]any{"article": article}, `"email":"REQUIRED"`)
		input := map[string]any{"article": article, "formToken": form["formToken"], "authorName": name, "email": name + "@markierung.example", "body": "Das sagt " + name + "."}
		maps.Copy(input, more)
		id, _ := step("submit", submit, input, `"status":"PENDING"`)["commentId"].(string)
		return id
	}
	const decide = `mutation ($in: ModerateCommentsInput!) { moderateComments(input: $in) { results { status version userErrors { code } } } }`
	decides := func(action, id string, version int, want string) {
		t.Helper()
		step(action, decide, map[string]any{"action": action, "comments": []any{map[string]any{"id": id, "version": version}}}, `"results":[{"status":"`+want+`"`, as(secret)...)
	}

	page := listen(t, base, approvals, map[string]any{"id": article}).begun()
	desk := listen(t, base, queue, nil, as(secret)...).begun()
	tells := func(e *events, want string) {
		t.Helper()
		if got, _ := e.telling(); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}

	top := submits("Quagga", nil)
	tells(desk, "ENTERED Das sagt Quagga. PENDING")
	step("not there yet", `query ($id: ID!) { comment(id: $id) { body } }`, map[string]any{"id": top}, `{"comment":null}`)
	step("no queue for readers", `{ moderationQueue { totalCount } }`, nil, `"code":"UNAUTHENTICATED"`)
	step("queue", `{ moderationQueue { totalCount nodes { status authorName moderation { authorEmail } } } }`, nil, `"authorName":"Quagga","moderation":{"authorEmail":"quagga@markierung.example"}`, as(secret)...)
	decides("APPROVE", top, 1, "APPROVED")
	tells(desk, "LEFT "+top)
	tells(page, "Das sagt Quagga.")
	answer := submits("Cem", map[string]any{"parent": top})
	tells(desk, "ENTERED Das sagt Cem. PENDING")
	decides("APPROVE", answer, 1, "APPROVED")
	tells(desk, "LEFT "+answer)
	tells(page, "Das sagt Cem.")
	const thread = `{ article(slug: "open") { commentCount comments { nodes { tombstone authorName body } } } }`
	step("kept", thread, nil, `"authorName":"Quagga"`)
	const vote = `mutation ($in: VoteCommentInput!) { voteComment(input: $in) { comment { upvotes downvotes } voterToken userErrors { code } } }`
	voter, _ := step("vote", vote, map[string]any{"id": top, "value": 1}, `"upvotes":1,"downvotes":0`)["voterToken"].(string)
	step("vote again", vote, map[string]any{"id": top, "value": 1}, `"upvotes":1,"downvotes":0`, "Voter-Token", voter)
	step("change it", vote, map[string]any{"id": top, "value": -1}, `"upvotes":0,"downvotes":1`, "Voter-Token", voter)
	step("forge it", vote, map[string]any{"id": top, "value": -1}, `"code":"INVALID"`, "Voter-Token", voter[1:]+"A")
	step("report", `mutation ($in: ReportCommentInput!) { reportComment(input: $in) { reportedId userErrors { code } } }`, map[string]any{"id": top, "reason": "INSULT", "text": "Quagga ist gemein"}, `"reportedId":"comment_`, "Voter-Token", voter)
	step("queue again", `{ moderationQueue { totalCount nodes { status moderation { openReports } reports { reason } } } }`, nil, `"totalCount":1,"nodes":[{"status":"APPROVED","moderation":{"openReports":1},"reports":[{"reason":"INSULT"}]}]`, as(secret)...)
	tells(desk, "ENTERED Das sagt Quagga. APPROVED!")
	decides("HIDE", top, 2, "HIDDEN")
	tells(desk, "LEFT "+top)
	step("tombstone", thread, nil, `{"commentCount":1,"comments":{"nodes":[{"tombstone":true,"authorName":null,"body":null},{"tombstone":false,"authorName":"Cem","body":"Das sagt Cem."}]}}`)
	const erase = `mutation { erasePersonalData(input: {email: "quagga@markierung.example"}) { erasedCount } }`
	step("not by moderators", erase, nil, `"code":"FORBIDDEN"`, as(secret)...)
	step("erase", erase, nil, `"erasedCount":1`, as(admin)...)
	tells(desk, "LEFT "+top)
	step("not kept", thread, nil, `{"tombstone":true,"authorName":null,"body":null}`)
	step("erased", `query ($id: ID!) { comment(id: $id) { status body authorName moderation { authorEmail } } }`, map[string]any{"id": top}, `{"status":"ERASED","body":null,"authorName":null,"moderation":{"authorEmail":null}}`, as(secret)...)
	step("a script", submit, map[string]any{"article": article, "formToken": "Quagga", "email": "quagga", "body": "<script>Quagga</script>"}, `"code":"INVALID"`)

	// Whoever comes back is not told what was said; nothing else is told.
	tells(listen(t, base, approvals+" # anew", map[string]any{"id": article, "after": ""}), "Das sagt Cem.")
	submits("Dora", nil)
	tells(desk, "ENTERED Das sagt Dora. PENDING")

	log.mu.Lock()
	defer log.mu.Unlock()
	written := strings.ToLower(log.buf.String())
	if !strings.Contains(written, "/graphql") {
		t.Fatalf("nothing was logged: %s", written)
	}
	for _, secret := range []string{"quagga", "markierung", "127.0.0.1", voter} {
		if strings.Contains(written, strings.ToLower(secret)) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
