// Package article is the noun of texts about municipal digitalisation.
package article

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Article, Byline}

// Article is a text with all that it speaks of.
var Article = plan.Object{
	Type: "Article", Table: "article", Prefix: "article",
	Visible: plan.Published,
	Listed:  []plan.Listing{plan.NotArchived, {Field: "sponsored", Where: "NOT {sponsored}"}},
	Order:   []plan.Term{{Field: "publishedOn", Desc: true}},
	Fields: plan.Fields{
		"slug":              plan.Column("slug"),
		"language":          plan.Column("language"),
		"kind":              plan.Column("kind"),
		"kicker":            plan.Text("kicker"),
		"title":             plan.Text("title"),
		"subtitle":          plan.Text("subtitle"),
		"lead":              plan.Column("lead"),
		"body":              plan.Column("body"),
		"bylines":           plan.Rows("article_byline", "article_id", "{position}"),
		"section":           topics("SECTION"),
		"keywords":          topics("KEYWORD"),
		"topics":            topics("TOPIC"),
		"links":             value.Links("article_link", "article_id"),
		"sources":           value.Sources("article_source", "article_id"),
		"publicationStatus": plan.PublicationStatus,
		"publishedOn":       value.PartialDate("published_on"),
		"publishedAt":       plan.Column("published_at"),
		"updatedAt":         plan.Column("updated_at"),
		"sponsored":         plan.Column("sponsored"),
		"sponsor":           plan.One("sponsor_id"),
		"sponsorLabel":      plan.Column("sponsor_label"),
		"municipalities":    plan.Through("article_municipality", "article_id", "municipality_id"),
		"states":            plan.Through("article_state", "article_id", "state_id").By("{key}"),
		"strategies":        plan.Through("article_strategy", "article_id", "strategy_id"),
		"fundingPrograms":   plan.Through("article_funding_program", "article_id", "program_id"),
		"awards":            plan.Through("article_funding_award", "article_id", "award_id"),
		"organizations":     plan.Through("article_organization", "article_id", "organization_id"),
		"commentsStatus":    plan.Column("comments_status"),
		"commentsCloseAt":   plan.Column("comments_close_at"),
		"commentPolicyUrl":  plan.Column("comment_policy_url"),
		"commentCount":      plan.Expr("(SELECT count(*)::int4 FROM comment c WHERE c.article_id = {id} AND c.visible)"),
		"comments":          plan.Held("article_id", ""),
		"version":           plan.Column("version"),
		"createdAt":         plan.Column("created_at"),
		"modifiedAt":        plan.Column("modified_at"),
	},
}

func topics(role plan.SQL) plan.Field {
	return plan.Through("article_topic", "article_id", "topic_id").And("{link.role} = '" + role + "'")
}

// Byline is who wrote, edited or sent an article.
var Byline = plan.Object{
	Type: "Byline", Table: "article_byline",
	Fields: plan.Fields{
		"organization": plan.One("organization_id"),
		"shorthand":    plan.Column("shorthand"),
		"kind":         plan.Column("kind"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "article", Lookup: plan.ByIDOrSlug}}
