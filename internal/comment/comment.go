// Package comment is the noun of what citizens say about articles, and of those who
// moderate it.
//
// The public takes part at a Desk: it hands in comments, which wait for a moderator
// (submit.go, judged by rules, rule.go), votes and reports (vote.go). Nobody has to
// say who they are; what takes the place of that are tokens signed by us (token.go) and
// counts by hashes of networks (desk.go). Moderators decide in transactions of the
// one writer (moderate.go). E-mail addresses are kept encrypted, apart from comments
// and out of their history, and deleted some time after the decision (key.go,
// privacy.go).
package comment

import (
	"maps"

	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun. Open decrypts e-mail addresses, which
// are empty without it.
func Objects(open func(sealed, row []byte) string) []plan.Object {
	shown := moderation
	shown.Fields = maps.Clone(shown.Fields)
	shown.Fields["authorEmail"] = plan.Field{Made: &plan.Made{
		From: []plan.SQL{"(SELECT s.email FROM comment_submission s WHERE s.comment_id = {id})", "{id}"},
		Make: func(columns [][]byte) any {
			if open == nil || columns[0] == nil {
				return nil
			}
			if email := open(columns[0], columns[1]); email != "" {
				return email
			}
			return nil
		},
	}}
	return []plan.Object{Comment, EditorNote, shown, report, Rule}
}

// Comment is one contribution to a discussion. Triggers store whether it is
// visible, or the tombstone of a removed one on which visible replies hang.
// The text of a tombstone reaches nobody through the API.
var Comment = plan.Object{
	Type: "Comment", Table: "comment", Prefix: "comment",
	Visible: plan.Visibility{
		Public:    "{visible} OR {tombstone}",
		Editor:    "{visible} OR {tombstone}",
		Moderator: "true",
		Via:       plan.Via{Type: "Article", Column: "article_id"},
	},
	Order: []plan.Term{{Field: "createdAt"}},
	Sorts: map[string]plan.Sort{
		"thread": {By: "{thread_at}", Scalar: "DateTime", Then: "{path}"},
		"top":    {By: "{thread_rank}", Scalar: "Int", Then: "{path}"},
	},
	Search: &plan.Search{
		Boost: 0.001, Fame: "0", // behind all else
		Body: "CASE WHEN {status} NOT IN ('HIDDEN', 'ERASED') THEN {body_text} END",
		Date: value.Day("coalesce({published_at}, {created_at})"),
	},
	Facets: map[string]plan.Facet{
		"year":  {Path: []string{"createdAt"}, Filters: []string{"createdAt"}, Year: true},
		"depth": plan.By("depth"),

		"status":       plan.By("status"),
		"article":      plan.By("article"),
		"state":        plan.By("article", "municipalities", "state"),
		"municipality": plan.By("article", "municipalities"),
	},
	Fields: plan.Fields{
		"article":     plan.One("article_id"),
		"parent":      plan.One("parent_id"),
		"depth":       plan.Column("depth"),
		"tombstone":   plan.Column("tombstone"),
		"authorName":  plan.Expr("(CASE WHEN NOT {tombstone} THEN {author_name} END)"),
		"body":        plan.Expr("(CASE WHEN NOT {tombstone} THEN {body} END)"),
		"bodyHtml":    plan.Expr("(CASE WHEN NOT {tombstone} THEN {body_html} END)"),
		"status":      plan.Column("status"),
		"upvotes":     plan.Expr("(CASE WHEN {tombstone} THEN 0 ELSE {upvotes} END)"),
		"downvotes":   plan.Expr("(CASE WHEN {tombstone} THEN 0 ELSE {downvotes} END)"),
		"score":       plan.Expr("(CASE WHEN {tombstone} THEN 0 ELSE {upvotes} - {downvotes} END)"),
		"editorNotes": plan.Rows("comment_note", "comment_id", "{position}").And("NOT {parent.tombstone}"),
		"replyCount":  plan.Expr("(SELECT count(*)::int4 FROM comment c WHERE c.parent_id = {id} AND c.visible)"),
		"replies":     plan.Held("parent_id", ""),
		"pinned":      plan.Column("pinned"),
		"redactedAt":  plan.Expr("(CASE WHEN NOT {tombstone} THEN {redacted_at} END)"),
		"moderation":  plan.ValueIf("", "{id}").For(plan.Moderator),
		"reports":     plan.Rows("comment_report", "comment_id", "{created_at}, {reporter}").For(plan.Moderator),
		"publishedAt": plan.Column("published_at"),
		"version":     plan.Column("version"),
		"revisions":   value.Revisions("Comment"),
		"createdAt":   plan.Column("created_at"),
		"modifiedAt":  plan.Column("modified_at"),
	},
}

// EditorNote is a note of the editors beside a comment's own text.
var EditorNote = plan.Object{
	Type: "EditorNote", Table: "comment_note",
	Fields: plan.Fields{
		"text":      plan.Column("text"),
		"signature": plan.Column("signature"),
		"createdAt": plan.Column("created_at"),
	},
}

// moderation is what moderators see besides.
var moderation = plan.Object{
	Type: "CommentModeration",
	Fields: plan.Fields{
		"audience":    plan.Column("audience"),
		"decidedAt":   plan.Column("decided_at"),
		"decidedBy":   plan.Column("decided_by"),
		"reason":      plan.Column("reason"),
		"reasonText":  plan.Column("reason_text"),
		"spamScore":   plan.Column("spam_score"),
		"spamReasons": plan.Column("spam_reasons"),
		"openReports": plan.Column("open_reports"),
	},
}

// report is what a reader reports. Who it was is kept to nobody.
var report = plan.Object{
	Type: "CommentReport", Table: "comment_report",
	Fields: plan.Fields{
		"reason":     plan.Column("reason"),
		"text":       plan.Column("text"),
		"createdAt":  plan.Column("created_at"),
		"resolvedAt": plan.Column("resolved_at"),
	},
}

// Roots are the fields of Query of the noun.
var Roots = []plan.Root{
	{Name: "comment", Lookup: plan.ByID},
	{Name: "moderationQueue", Listed: []plan.Listing{{Field: "status", Where: "{status} = 'PENDING' OR {open_reports} > 0"}}, Least: plan.Moderator},
	{Name: "commentRules", Least: plan.Moderator},
}
