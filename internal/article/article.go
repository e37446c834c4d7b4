// Package article is the noun of texts about municipal digitalisation.
package article

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Article, Byline, Media}

// Article is a text with all that it speaks of.
var Article = plan.Object{
	Type: "Article", Table: "article", Prefix: "article",
	Unique:  []string{"slug"},
	Visible: plan.Published,
	Listed:  []plan.Listing{plan.NotArchived, {Field: "sponsored", Where: "NOT {sponsored}"}},
	Order:   []plan.Term{{Field: "publishedOn", Desc: true}},
	Fields: value.Rendered(plan.Fields{
		"slug":               plan.Column("slug"),
		"formerSlugs":        plan.Expr("ARRAY(SELECT f.slug FROM former_slug f WHERE f.type = 'article' AND f.id = {id} ORDER BY f.slug)"),
		"language":           plan.Column("language"),
		"kind":               plan.Column("kind"),
		"kicker":             plan.Text("kicker"),
		"title":              plan.Text("title"),
		"subtitle":           plan.Text("subtitle"),
		"lead":               plan.Column("lead"),
		"body":               plan.Column("body"),
		"bylines":            plan.Rows("article_byline", "article_id", "{position}"),
		"leadImage":          plan.Rows("article_media", "article_id", "{position}").And("{lead}").If("article_id"),
		"media":              plan.Rows("article_media", "article_id", "{position}"),
		"mentions":           value.Mentions("article_mention", "article_id"),
		"persons":            plan.Joined("EXISTS (SELECT FROM article_mention m WHERE m.person_id = {id} AND m.article_id = {parent.id})"),
		"previousCoverage":   plan.Through("article_previous", "article_id", "previous_id"),
		"section":            topics("SECTION"),
		"keywords":           topics("KEYWORD"),
		"topics":             topics("TOPIC"),
		"links":              value.Links("article_link", "article_id"),
		"sources":            value.Sources("article_source", "article_id"),
		"publicationStatus":  plan.PublicationStatus,
		"publishedOn":        value.PartialDate("published_on"),
		"publishedAt":        plan.Column("published_at"),
		"updatedAt":          plan.Column("updated_at"),
		"sponsored":          plan.Column("sponsored"),
		"sponsor":            plan.One("sponsor_id"),
		"sponsorLabel":       plan.Column("sponsor_label"),
		"municipalities":     plan.Through("article_municipality", "article_id", "municipality_id"),
		"states":             plan.Through("article_state", "article_id", "state_id").By("{key}"),
		"strategies":         plan.Through("article_strategy", "article_id", "strategy_id"),
		"fundingPrograms":    plan.Through("article_funding_program", "article_id", "program_id"),
		"awards":             plan.Through("article_funding_award", "article_id", "award_id"),
		"organizations":      plan.Through("article_organization", "article_id", "organization_id"),
		"measures":           plan.Through("article_measure", "article_id", "measure_id"),
		"events":             plan.Through("article_event", "article_id", "event_id"),
		"platforms":          plan.Through("article_platform", "article_id", "platform_id"),
		"rankings":           plan.Through("article_ranking_entry", "article_id", "entry_id"),
		"observations":       plan.Through("article_figure", "article_id", "figure_id"),
		"commentsStatus":     plan.Column("comments_status"),
		"commentsCloseAt":    plan.Column("comments_close_at"),
		"commentPolicyTitle": plan.Column("comment_policy_title"),
		"commentPolicyUrl":   plan.Column("comment_policy_url"),
		"commentCount":       plan.Expr("(SELECT count(*)::int4 FROM comment c WHERE c.article_id = {id} AND c.visible)"),
		"comments":           plan.Held("article_id", ""),
		"version":            plan.Column("version"),
		"createdAt":          plan.Column("created_at"),
		"modifiedAt":         plan.Column("modified_at"),
	}, "body"),
}

func topics(role plan.SQL) plan.Field {
	return plan.Through("article_topic", "article_id", "topic_id").And("{link.role} = '" + role + "'")
}

// Byline is who wrote, edited or sent an article.
var Byline = plan.Object{
	Type: "Byline", Table: "article_byline",
	Fields: plan.Fields{
		"person":       plan.One("person_id"),
		"organization": plan.One("organization_id"),
		"shorthand":    plan.Column("shorthand"),
		"kind":         plan.Column("kind"),
	},
}

// Media is a picture in an article.
var Media = plan.Object{
	Type: "ArticleMedia", Table: "article_media",
	Visible: plan.Visibility{Via: plan.Via{Type: "MediaAsset", Column: "media_id"}},
	Fields: plan.Fields{
		"asset":   plan.One("media_id"),
		"lead":    plan.Column("lead"),
		"caption": plan.Expr("coalesce({caption}, (SELECT a.caption FROM media_asset a WHERE a.id = {media_id}))"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "article", Lookup: plan.ByIDOrSlug("Article", "article")}}
