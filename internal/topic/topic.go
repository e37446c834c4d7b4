// Package topic is the noun of the subjects that entries are filed under.
package topic

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Topic}

// Topic is a subject in one of several lists.
var Topic = plan.Object{
	Type: "Topic", Table: "topic", Prefix: "topic",
	Unique:  []string{"slug"},
	Visible: plan.NotDeleted,
	Order:   []plan.Term{{Field: "name"}},
	Search: &plan.Search{
		Title:  value.Lines("{name}", `array_to_string({synonyms}, E'\n')`),
		Labels: "(SELECT p.name FROM topic p WHERE p.id = {parent_id} AND p.deleted_at IS NULL)",
		Fame:   "0.6",
		Topics: "ARRAY[{id}]",
	},
	Named: plan.Named{Key: "slug", Label: "name"},
	Facets: map[string]plan.Facet{
		"scheme": plan.By("scheme"),
		"parent": plan.By("parent"),
	},
	Fields: plan.Fields{
		"slug":     plan.Column("slug"),
		"name":     plan.Text("name"),
		"scheme":   plan.Column("scheme"),
		"parent":   plan.One("parent_id"),
		"synonyms": plan.Column("synonyms"),
		"articleCount": plan.Expr(`(SELECT count(*)::int4 FROM article a
			WHERE EXISTS (SELECT FROM article_topic t WHERE t.article_id = a.id AND t.topic_id = {id}) AND {listed Article a})`),
		"articles":        plan.Linked("article_topic", "topic_id", "article_id"),
		"strategies":      plan.Linked("strategy_topic", "topic_id", "strategy_id"),
		"fundingPrograms": plan.Linked("funding_program_topic", "topic_id", "program_id"),
		"measures":        plan.Linked("(SELECT action_field_id AS topic_id, id AS measure_id FROM measure UNION ALL SELECT topic_id, measure_id FROM measure_topic)", "topic_id", "measure_id"),
		"events":          plan.Linked("event_topic", "topic_id", "event_id"),
		"children":        plan.Held("parent_id", ""),
		"version":         plan.Column("version"),
		"revisions":       value.Revisions("Topic"),
		"createdAt":       plan.Column("created_at"),
		"modifiedAt":      plan.Column("modified_at"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "topic", Lookup: plan.ByIDOrSlug("Topic", "topic")}}
