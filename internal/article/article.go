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
	Search: &plan.Search{
		Fame:  "0.4",
		Title: value.Lines("{title}", "{subtitle}"),
		Labels: value.Lines("{kicker}",
			value.Names("t.name", "article_topic l JOIN topic t ON t.id = l.topic_id AND t.deleted_at IS NULL WHERE l.article_id = {id}"),
			value.Names("m.name", "article_municipality l JOIN municipality m ON m.id = l.municipality_id WHERE l.article_id = {id}"),
			value.Names("s.name", "article_state l JOIN state s ON s.id = l.state_id WHERE l.article_id = {id}"),
			value.Names("o.name", "article_organization l JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL WHERE l.article_id = {id}"),
			value.Names("p.name", "article_mention l JOIN person p ON p.id = l.person_id AND p.deleted_at IS NULL WHERE l.article_id = {id}"),
			value.Names("coalesce(p.name, o.name)", `article_byline l LEFT JOIN person p ON p.id = l.person_id AND p.deleted_at IS NULL
				LEFT JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL WHERE l.article_id = {id}`)),
		Summary:        "{lead}",
		Body:           "{body_text}",
		Date:           "coalesce({published_on_start}, " + value.Day("{published_at}") + ")",
		Municipalities: value.Keys("SELECT l.municipality_id FROM article_municipality l WHERE l.article_id = {id}"),
		States: value.Keys("SELECT l.state_id FROM article_state l WHERE l.article_id = {id}",
			"SELECT m.state_id FROM article_municipality l JOIN municipality m ON m.id = l.municipality_id WHERE l.article_id = {id}"),
		Topics: value.Keys("SELECT l.topic_id FROM article_topic l WHERE l.article_id = {id}"),
	},
	Named: plan.Named{Key: "slug", Label: "title"},
	Facets: map[string]plan.Facet{
		"kind":         plan.By("kind"),
		"year":         plan.ByYear("publishedOn"),
		"state":        plan.By("municipalities", "state").With("states", "territory"),
		"district":     plan.By("municipalities", "district").With("territory"),
		"municipality": plan.By("municipalities").With("territory"),
		"section":      plan.By("section"),
		"keyword":      plan.By("keywords"),
		"topic":        plan.By("topics"),
		"language":     plan.By("language"),
	},
	Filters: value.Sourced("article_source", "article_id", map[string]plan.SQL{
		"territory": value.OwnedIn("article_id", "article_municipality", "article_state"),
	}),
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
		"persons":            plan.Linked("article_mention", "article_id", "person_id"),
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
		"municipalities":     among("article_municipality", "municipality_id"),
		"states":             plan.Through("article_state", "article_id", "state_id").By("{key}"),
		"strategies":         among("article_strategy", "strategy_id"),
		"fundingPrograms":    among("article_funding_program", "program_id"),
		"awards":             among("article_funding_award", "award_id"),
		"organizations":      among("article_organization", "organization_id"),
		"measures":           among("article_measure", "measure_id"),
		"events":             among("article_event", "event_id"),
		"platforms":          among("article_platform", "platform_id"),
		"rankings":           among("article_ranking_entry", "entry_id"),
		"observations":       plan.Through("article_figure", "article_id", "figure_id"),
		"commentsStatus":     plan.Column("comments_status"),
		"commentsCloseAt":    plan.Column("comments_close_at"),
		"commentsOpen":       plan.Expr("({comments_status} = 'OPEN' AND {publication_status} <> 'ARCHIVED' AND coalesce({comments_close_at} > {now}, true))"),
		"commentPolicyTitle": plan.Column("comment_policy_title"),
		"commentPolicyUrl":   plan.Column("comment_policy_url"),
		"commentCount":       plan.Expr("(SELECT count(*)::int4 FROM comment c WHERE c.article_id = {id} AND c.visible)"),
		"comments":           plan.Held("article_id", ""),
		"version":            plan.Column("version"),
		"revisions":          value.Revisions("Article"),
		"createdAt":          plan.Column("created_at"),
		"modifiedAt":         plan.Column("modified_at"),
	}, "body"),
}

func topics(role plan.SQL) plan.Field {
	return plan.Through("article_topic", "article_id", "topic_id").And("{link.role} = '" + role + "'")
}

// among are the rows that a link table connects with an article, in no order of their own.
func among(link plan.SQL, child string) plan.Field {
	return plan.Through(link, "article_id", child).By("{id}")
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
		"caption": plan.Expr("coalesce({caption}, (SELECT a.caption FROM media_asset a WHERE a.id = {media_id}))").From("caption"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "article", Lookup: plan.ByIDOrSlug("Article", "article")}}
