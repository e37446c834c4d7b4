package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
)

// commentID is the global id of a comment of a test.
func commentID(n int) string {
	return nodeid.ID{Prefix: "comment", UUID: nodeid.UUID{6: 0x70, 8: 0x80, 15: byte(n)}}.String()
}

func commentKey(n int) string { return fmt.Sprintf("00000000-0000-7000-8000-0000000000%02x", n) }

// discussions makes two articles that can be discussed, and a draft.
func discussions(t testing.TB, pool *pgxpool.Pool) (ids [3]string) {
	t.Helper()
	for i, status := range []string{"PUBLISHED", "PUBLISHED", "DRAFT"} {
		exec(t, pool, `INSERT INTO article (id, slug, kind, title, publication_status, comments_status) VALUES ($1, $2, 'NEWS', $2, $3, 'OPEN')`, commentKey(i+1), fmt.Sprintf("a%d", i+1), status)
		ids[i] = nodeid.ID{Prefix: "article", UUID: nodeid.UUID{6: 0x70, 8: 0x80, 15: byte(i + 1)}}.String()
	}
	return ids
}

const (
	approvals = `subscription ($id: ID!, $after: String) { commentApproved(article: $id, after: $after) { cursor comment { id body } } }`
	queue     = `subscription ($f: ModerationFilter, $after: String) { moderationQueueChanged(filter: $f, after: $after) { cursor kind commentId comment { id body status moderation { openReports } } } }`
)

// marker is what is told of comments that only mark an instant.
var marker = regexp.MustCompile(`\bc1\d\d\b`)

// telling is an event of either.
type telling struct {
	Data struct {
		CommentApproved, ModerationQueueChanged *struct {
			Cursor, Kind, CommentID string
			Comment                 *struct {
				ID, Body, Status string
				Moderation       struct{ OpenReports int }
			}
		}
	}
	Errors []answerError
}

// short is what happened to which comment, and where it stands behind it.
func (p telling) short() (what, cursor string) {
	e := p.Data.CommentApproved
	if e == nil {
		e = p.Data.ModerationQueueChanged
	}
	if e == nil {
		return fmt.Sprint(p.Errors), ""
	}
	what = e.Kind
	if e.Comment != nil {
		what += " " + e.Comment.Body + " " + e.Comment.Status + strings.Repeat("!", e.Comment.Moderation.OpenReports)
	} else {
		what += " " + e.CommentID
	}
	return strings.TrimSpace(what), e.Cursor
}

func (e *events) telling() (what, cursor string) {
	e.t.Helper()
	got, _ := e.next()
	var p telling
	if err := json.Unmarshal([]byte(got.data), &p); err != nil {
		e.t.Fatalf("got %+v", got)
	}
	return p.short()
}

// TestCommentsAreTold: what readers of an article and moderators are told of its discussion.
// What waits, what is for the editors and what is reported never reaches the public.
func TestCommentsAreTold(t *testing.T) {
	t.Parallel()
	c, pool, _ := following(t)
	base := start(t, c)
	ids := discussions(t, pool)
	secret, token := newToken(t, pool, "mod", auth.Moderator)
	public, moderator := greet(t, base), greet(t, base, "Authorization", "Bearer "+secret)
	public.subscribe("a1", approvals, map[string]any{"id": ids[0]})
	public.subscribe("a2", approvals, map[string]any{"id": ids[1]})
	moderator.subscribe("queue", queue, nil)
	moderator.subscribe("reported", queue, map[string]any{"f": map[string]any{"moderation": map[string]any{"openReports": map[string]any{"gt": 0}}}})
	moderator.subscribe("a1 too", approvals, map[string]any{"id": ids[0]})

	// until reads what is told until each subscription has been told of a marker.
	var first string // the cursor of the first event of a1
	until := func(s *socket, markers map[string]string) map[string]string {
		t.Helper()
		got := map[string]string{}
		for marked := 0; marked < len(markers); {
			m := s.read()
			var p telling
			if err := json.Unmarshal(m.Payload, &p); err != nil || m.Type != "next" {
				t.Fatalf("got %s %s %s", m.Type, m.ID, m.Payload)
			}
			what, cursor := p.short()
			for n := range 256 {
				what = strings.Replace(what, commentID(n), fmt.Sprint("c", n), 1)
			}
			if first == "" && m.ID == "a1" {
				first = cursor
			}
			switch {
			case what == markers[m.ID]:
				marked++
			case marker.MatchString(what):
			default:
				got[m.ID] = strings.TrimPrefix(got[m.ID]+", "+what, ", ")
			}
		}
		return got
	}

	put := func(n, article, parent int, status, audience string) string {
		above := "NULL"
		if parent > 0 {
			above = "'" + commentKey(parent) + "'"
		}
		return fmt.Sprintf(`INSERT INTO comment (id, article_id, parent_id, body, body_html, body_text, body_renderer, status, audience) VALUES ('%s', '%s', %s, 'c%d', '', '', 1, '%s', '%s');`,
			commentKey(n), commentKey(article), above, n, status, audience)
	}
	set := func(n int, what string) string {
		return fmt.Sprintf(`UPDATE comment SET %s WHERE id = '%s';`, what, commentKey(n))
	}
	erased := `status = 'ERASED', author_name = NULL, body = '', body_html = '', body_text = '', decided_at = now()`
	for i, step := range []struct {
		do   string
		want map[string]string
	}{
		{put(1, 1, 0, "PENDING", "PUBLIC"), map[string]string{"queue": "ENTERED c1 PENDING"}},
		{set(1, `body = 'c1!'`), map[string]string{"queue": "CHANGED c1! PENDING", "reported": "LEFT c1"}},
		{set(1, `status = 'APPROVED', body = 'c1'`), map[string]string{"a1": "c1", "queue": "LEFT c1", "reported": "LEFT c1"}},
		{set(1, `upvotes = upvotes + 1`), nil},
		{set(1, `pinned = true`), nil},
		{put(2, 1, 1, "PENDING", "PUBLIC"), map[string]string{"queue": "ENTERED c2 PENDING"}},
		{set(2, `status = 'APPROVED'`), map[string]string{"a1": "c2", "queue": "LEFT c2", "reported": "LEFT c2"}},
		// Back, and what answers it is not seen either; and with it again.
		{set(1, `status = 'PENDING'`), map[string]string{"queue": "ENTERED c1 PENDING", "reported": "LEFT c1"}},
		{set(1, `status = 'APPROVED'`), map[string]string{"a1": "c1, c2", "queue": "LEFT c1", "reported": "LEFT c1"}},
		// Reports.
		{`INSERT INTO comment_report (comment_id, reporter, reason) VALUES ('` + commentKey(1) + `', 'a', 'INSULT')`, map[string]string{"queue": "ENTERED c1 APPROVED!", "reported": "ENTERED c1 APPROVED!"}},
		{`INSERT INTO comment_report (comment_id, reporter, reason) VALUES ('` + commentKey(1) + `', 'b', 'INSULT')`, map[string]string{"queue": "CHANGED c1 APPROVED!!", "reported": "CHANGED c1 APPROVED!!"}},
		{`UPDATE comment_report SET reason = 'HATE'`, nil},
		{`UPDATE comment_report SET resolved_at = now()`, map[string]string{"queue": "LEFT c1", "reported": "LEFT c1"}},
		// Hidden behind a tombstone, and shown again.
		{set(1, `status = 'HIDDEN'`), map[string]string{"queue": "LEFT c1", "reported": "LEFT c1"}},
		{set(1, `status = 'APPROVED'`), map[string]string{"a1": "c1", "queue": "LEFT c1", "reported": "LEFT c1"}},
		{set(1, `status = 'HIDDEN'`), map[string]string{"queue": "LEFT c1", "reported": "LEFT c1"}},
		{put(3, 1, 2, "APPROVED", "PUBLIC"), map[string]string{"a1": "c3"}},
		// Letters to the editors, and spam.
		{put(4, 1, 0, "PENDING", "EDITORS"), map[string]string{"queue": "ENTERED c4 PENDING"}},
		{set(4, `status = 'APPROVED'`), map[string]string{"queue": "LEFT c4", "reported": "LEFT c4"}},
		{put(5, 1, 0, "SPAM", "PUBLIC"), nil},
		{put(6, 2, 0, "APPROVED", "PUBLIC"), map[string]string{"a2": "c6"}},
		{put(7, 1, 0, "PENDING", "PUBLIC") + set(7, `status = 'APPROVED'`), map[string]string{"a1": "c7"}},
		// Erased, of whatever status.
		{set(1, erased), map[string]string{"queue": "LEFT c1", "reported": "LEFT c1"}},
		{set(3, erased), map[string]string{"queue": "LEFT c3", "reported": "LEFT c3"}},
		// Seen again with its article.
		{`UPDATE article SET publication_status = 'DRAFT' WHERE slug = 'a2'; COMMIT; UPDATE article SET publication_status = 'PUBLISHED' WHERE slug = 'a2'`, map[string]string{"a2": "c6"}},
	} {
		exec(t, pool, step.do)
		// What all are told comes last, so that what should not have come is seen.
		one, two := 100+i, 150+i
		exec(t, pool, put(one, 1, 0, "APPROVED", "PUBLIC")+put(two, 2, 0, "APPROVED", "PUBLIC"))
		got := until(public, map[string]string{"a1": fmt.Sprint("c", one), "a2": fmt.Sprint("c", two)})
		exec(t, pool, set(one, `status = 'REJECTED'`))
		left := fmt.Sprint("LEFT c", one)
		maps.Copy(got, until(moderator, map[string]string{"queue": left, "reported": left}))
		exec(t, pool, set(two, `status = 'REJECTED'`))
		if got["a1 too"] != got["a1"] {
			t.Errorf("step %d: moderators are told %q, readers %q", i, got["a1 too"], got["a1"])
		}
		delete(got, "a1 too")
		if fmt.Sprint(got) != fmt.Sprint(step.want) {
			t.Errorf("step %d: %s\ngot  %v\nwant %v", i, step.do, got, step.want)
		}
	}

	// Who comes back behind an event is told of what can be seen of the rest. The words are
	// others, as readings for the same ones are kept for a moment.
	var last string
	again := listen(t, base, approvals+" # again", map[string]any{"id": ids[0]}, "Last-Event-ID", first).begun()
	for _, want := range []string{"c2", "c2", "c7"} {
		got, cursor := again.telling()
		if got != want {
			t.Errorf("again: got %s, want %s", got, want)
		}
		last = cursor
	}
	again.cancel()
	exec(t, pool, put(8, 1, 0, "APPROVED", "PUBLIC"))
	if got, _ := listen(t, base, approvals, map[string]any{"id": ids[0], "after": last}).begun().telling(); got != "c8" {
		t.Errorf("and again: got %s, want c8", got)
	}

	// Who is refused.
	reader, _ := newToken(t, pool, "reader", auth.Reader)
	for name, f := range map[string]struct {
		query, id, token, want string
	}{
		"a queue for readers":        {queue, ids[0], "", "UNAUTHENTICATED"},
		"a queue for another role":   {queue, ids[0], reader, "FORBIDDEN"},
		"a draft":                    {approvals, ids[2], "", "NOT_FOUND"},
		"no id":                      {approvals, "nonsense", "", "NOT_FOUND"},
		"a comment":                  {approvals, commentID(8), "", "NOT_FOUND"},
		"an unknown article":         {approvals, ids[0][:len(ids[0])-1] + "7", "", "NOT_FOUND"},
		"what moderators see":        {`subscription ($id: ID!) { commentApproved(article: $id) { comment { moderation { authorEmail } } } }`, ids[0], "", "UNAUTHENTICATED"},
		"what other moderators see":  {`subscription ($id: ID!) { commentApproved(article: $id) { comment { moderation { authorEmail } } } }`, ids[0], reader, "FORBIDDEN"},
		"words":                      {`subscription { moderationQueueChanged(filter: {not: {q: "x"}}) { cursor } }`, ids[0], secret, "filter.q"},
		"an article of another kind": {approvals, nodeid.ID{Prefix: "strategy", UUID: nodeid.UUID{15: 1}}.String(), "", "NOT_FOUND"},
	} {
		var headers []string
		if f.token != "" {
			headers = []string{"Authorization", "Bearer " + f.token}
		}
		e := listen(t, base, f.query, map[string]any{"id": f.id}, headers...)
		if got, ok := e.next(); !ok || !strings.Contains(got.data, f.want) || ours.MatchString(got.data) {
			t.Errorf("%s: got %+v, want %s", name, got, f.want)
		}
		e.cancel()
	}
	listen(t, base, approvals, map[string]any{"id": ids[2]}, "Authorization", "Bearer "+reader).begun() // who sees drafts

	// Who may not moderate any more is told nothing.
	c.Streams.Recheck, c.Streams.Heartbeat = 50*time.Millisecond, 3*time.Second // a busy machine answers a ping in that time
	watching := listen(t, start(t, c), queue, nil, "Authorization", "Bearer "+secret).begun()
	exec(t, pool, `UPDATE api_token SET role = 'EDITOR' WHERE id = $1`, [16]byte(token))
	if got, ok := watching.next(); !ok || !strings.Contains(got.data, "UNAUTHENTICATED") {
		t.Errorf("a role that was lost: got %+v", got)
	}
}
