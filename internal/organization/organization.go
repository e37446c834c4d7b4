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
		"territory": "({municipality_id} IN (SELECT territory_members({arg})) OR {state_id} IN (SELECT s.id FROM state s WHERE s.key = ANY({arg})))",
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
		"strategies":            plan.Joined("EXISTS (SELECT FROM strategy_owner o WHERE o.strategy_id = {id} AND o.organization_id = {parent.id})"),
		"children":              plan.Held("parent_id", ""),
		"persons":               plan.Joined("EXISTS (SELECT FROM person_affiliation a WHERE a.person_id = {id} AND {parent.id} IN (a.organization_id, a.party_id))"),
		"responsibleStrategies": plan.Joined("EXISTS (SELECT FROM strategy_responsible r WHERE r.strategy_id = {id} AND r.organization_id = {parent.id})"),
		"measures":              plan.Joined("EXISTS (SELECT FROM measure_organization o WHERE o.measure_id = {id} AND o.organization_id = {parent.id})"),
		"fundingPrograms":       plan.Joined("({administered_by_id} = {parent.id} OR EXISTS (SELECT FROM funding_program_funder f WHERE f.program_id = {id} AND f.organization_id = {parent.id}))"),
		"events":                plan.Joined("EXISTS (SELECT FROM event_organization o WHERE o.event_id = {id} AND o.organization_id = {parent.id})"),
		"rankings":              plan.Held("publisher_id", ""),
		"observations":          plan.Held("organization_id", ""),
		"identifiers":           value.Identifiers("organization_id"),
		"awards":                plan.Joined("EXISTS (SELECT FROM funding_award_recipient r WHERE r.award_id = {id} AND r.organization_id = {parent.id})"),
		"articles":              plan.Joined("EXISTS (SELECT FROM article_organization a WHERE a.article_id = {id} AND a.organization_id = {parent.id})"),
		"version":               plan.Column("version"),
		"createdAt":             plan.Column("created_at"),
		"modifiedAt":            plan.Column("modified_at"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "organization", Lookup: plan.ByIDOrSlug("Organization", "organization")}}
