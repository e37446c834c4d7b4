// Package platform is the noun of software that administrations share: platforms
// for services, and specialised applications.
package platform

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Platform}

// Platform is one such product.
var Platform = plan.Object{
	Type: "Platform", Table: "platform", Prefix: "platform",
	Unique:  []string{"slug"},
	Visible: plan.NotDeleted,
	Order:   []plan.Term{{Field: "name"}},
	Search: &plan.Search{
		Fame:  "0.6",
		Title: "{name}",
		Labels: value.Lines(
			"(SELECT o.name FROM organization o WHERE o.id = {provider_id} AND o.deleted_at IS NULL)",
			value.Names("s.name", "platform_state l JOIN state s ON s.id = l.state_id WHERE l.platform_id = {id}")),
		Summary: "{summary}",
		States:  value.Keys("SELECT l.state_id FROM platform_state l WHERE l.platform_id = {id}"),
	},
	Named: plan.Named{Key: "slug", Label: "name"},
	Facets: map[string]plan.Facet{
		"state":    plan.By("states"),
		"provider": plan.By("provider"),
	},
	Filters: value.Sourced("platform_source", "platform_id", nil),
	Fields: plan.Fields{
		"slug":       plan.Column("slug"),
		"name":       plan.Text("name"),
		"summary":    plan.Column("summary"),
		"provider":   plan.One("provider_id"),
		"website":    plan.Column("website"),
		"states":     plan.Through("platform_state", "platform_id", "state_id").By("{key}"),
		"articles":   plan.Linked("article_platform", "platform_id", "article_id"),
		"sources":    value.Sources("platform_source", "platform_id"),
		"version":    plan.Column("version"),
		"revisions":  value.Revisions("Platform"),
		"createdAt":  plan.Column("created_at"),
		"modifiedAt": plan.Column("modified_at"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "platform", Lookup: plan.ByIDOrSlug("Platform", "platform")}}
