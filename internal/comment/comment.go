// Package comment is the noun of what citizens say about articles.
package comment

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Comment, EditorNote}

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
	Search: &plan.Search{
		Boost: 0.001, Fame: "0", // behind all else
		Body: "CASE WHEN {status} NOT IN ('HIDDEN', 'ERASED') THEN {body_text} END",
		Date: value.Day("coalesce({published_at}, {created_at})"),
	},
	Facets: map[string]plan.Facet{
		"year":  {Path: []string{"createdAt"}, Filters: []string{"createdAt"}, Year: true},
		"depth": plan.By("depth"),
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

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "comment", Lookup: plan.ByID}}
