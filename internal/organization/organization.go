// Package organization is the noun of bodies that act: councils, departments,
// ministries, companies.
package organization

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Organization}

// Organization is one body.
var Organization = plan.Object{
	Type: "Organization", Table: "organization", Prefix: "organization",
	Unique:  []string{"slug"},
	Visible: plan.NotDeleted,
	Order:   []plan.Term{{Field: "name"}},
	Search: &plan.Search{
		Fame:  "0.6",
		Title: value.Lines("{name}", "{short_name}"),
		Labels: value.Lines(
			"(SELECT o.name FROM organization o WHERE o.id = {parent_id} AND o.deleted_at IS NULL)",
			"(SELECT m.name FROM municipality m WHERE m.id = {municipality_id})",
			"(SELECT s.name FROM state s WHERE s.id = {state_id})"),
		Municipalities: value.Keys("SELECT {municipality_id}"),
		States:         value.Keys("SELECT {state_id}", "SELECT m.state_id FROM municipality m WHERE m.id = {municipality_id}"),
	},
	Named: plan.Named{Key: "slug", Label: "name"},
	Facets: map[string]plan.Facet{
		"kind":         plan.By("kind"),
		"state":        plan.By("state").With("territory"),
		"municipality": plan.By("municipality").With("territory"),
	},
	Filters: map[string]plan.SQL{
		"territory": value.OwnedIn("id", "organization", "organization"),
	},
	Fields: plan.Fields{
		"slug":                  plan.Column("slug"),
		"name":                  plan.Text("name"),
		"shortName":             plan.Text("short_name"),
		"kind":                  plan.Column("kind"),
		"parent":                plan.One("parent_id"),
		"municipality":          plan.One("municipality_id"),
		"state":                 plan.One("state_id"),
		"website":               plan.Column("website"),
		"strategies":            plan.Linked("strategy_owner", "organization_id", "strategy_id"),
		"children":              plan.Held("parent_id", ""),
		"persons":               plan.Linked("(SELECT organization_id, person_id FROM person_affiliation UNION ALL SELECT party_id, person_id FROM person_affiliation)", "organization_id", "person_id"),
		"responsibleStrategies": plan.Linked("strategy_responsible", "organization_id", "strategy_id"),
		"measures":              plan.Linked("measure_organization", "organization_id", "measure_id"),
		"fundingPrograms":       plan.Linked("(SELECT administered_by_id AS organization_id, id AS program_id FROM funding_program UNION ALL SELECT organization_id, program_id FROM funding_program_funder)", "organization_id", "program_id"),
		"events":                plan.Linked("event_organization", "organization_id", "event_id"),
		"rankings":              plan.Held("publisher_id", ""),
		"observations":          plan.Held("organization_id", ""),
		"identifiers":           value.Identifiers("organization_id"),
		"awards":                plan.Linked("funding_award_recipient", "organization_id", "award_id"),
		"articles":              plan.Linked("article_organization", "organization_id", "article_id"),
		"version":               plan.Column("version"),
		"revisions":             value.Revisions("Organization"),
		"createdAt":             plan.Column("created_at"),
		"modifiedAt":            plan.Column("modified_at"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "organization", Lookup: plan.ByIDOrSlug("Organization", "organization")}}
