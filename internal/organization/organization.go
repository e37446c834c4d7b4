// Package organization is the noun of bodies that act: councils, departments,
// ministries, companies.
package organization

import "stadtgraph/internal/plan"

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Organization}

// Organization is one body.
var Organization = plan.Object{
	Type: "Organization", Table: "organization", Prefix: "organization",
	Visible: plan.NotDeleted,
	Order:   []plan.Term{{Field: "name"}},
	Fields: plan.Fields{
		"slug":         plan.Column("slug"),
		"name":         plan.Text("name"),
		"shortName":    plan.Text("short_name"),
		"kind":         plan.Column("kind"),
		"parent":       plan.One("parent_id"),
		"municipality": plan.One("municipality_id"),
		"state":        plan.One("state_id"),
		"website":      plan.Column("website"),
		"strategies":   plan.Joined("EXISTS (SELECT FROM strategy_owner o WHERE o.strategy_id = {id} AND o.organization_id = {parent.id})"),
		"awards":       plan.Joined("EXISTS (SELECT FROM funding_award_recipient r WHERE r.award_id = {id} AND r.organization_id = {parent.id})"),
		"articles":     plan.Joined("EXISTS (SELECT FROM article_organization a WHERE a.article_id = {id} AND a.organization_id = {parent.id})"),
		"version":      plan.Column("version"),
		"createdAt":    plan.Column("created_at"),
		"modifiedAt":   plan.Column("modified_at"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "organization", Lookup: plan.ByIDOrSlug}}
