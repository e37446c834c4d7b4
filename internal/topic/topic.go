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
		Title: "{name}",
		Labels: value.Lines(`array_to_string({synonyms}, E'\n')`,
			"(SELECT p.name FROM topic p WHERE p.id = {parent_id} AND p.deleted_at IS NULL)"),
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
		"articles":        plan.Joined("EXISTS (SELECT FROM article_topic t WHERE t.article_id = {id} AND t.topic_id = {parent.id})"),
		"strategies":      plan.Joined("EXISTS (SELECT FROM strategy_topic t WHERE t.strategy_id = {id} AND t.topic_id = {parent.id})"),
		"fundingPrograms": plan.Joined("EXISTS (SELECT FROM funding_program_topic t WHERE t.program_id = {id} AND t.topic_id = {parent.id})"),
		"measures":        plan.Joined("({action_field_id} = {parent.id} OR EXISTS (SELECT FROM measure_topic t WHERE t.measure_id = {id} AND t.topic_id = {parent.id}))"),
		"events":          plan.Joined("EXISTS (SELECT FROM event_topic t WHERE t.event_id = {id} AND t.topic_id = {parent.id})"),
		"children":        plan.Held("parent_id", ""),
		"version":         plan.Column("version"),
		"createdAt":       plan.Column("created_at"),
		"modifiedAt":      plan.Column("modified_at"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "topic", Lookup: plan.ByIDOrSlug("Topic", "topic")}}
