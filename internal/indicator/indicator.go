// Package indicator is the noun of what is measured, under one name for
// everybody, and of the figures. Population is one of the indicators; its figures
// come with the register.
package indicator

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Indicator, Observation}

// Indicator is what is measured.
var Indicator = plan.Object{
	Type: "Indicator", Table: "indicator", Prefix: "indicator",
	Unique:  []string{"code"},
	Visible: plan.NotDeleted,
	Order:   []plan.Term{{Field: "name"}},
	Named:   plan.Named{Key: "code", Label: "name"},
	Facets: map[string]plan.Facet{
		"unit": plan.By("unit"),
	},
	Fields: plan.Fields{
		"code":         plan.Column("code"),
		"name":         plan.Text("name"),
		"unit":         plan.Column("unit"),
		"description":  plan.Column("description"),
		"observations": plan.Held("indicator_id", ""),
		"version":      plan.Column("version"),
		"revisions":    value.Revisions("Indicator"),
		"createdAt":    plan.Column("created_at"),
		"modifiedAt":   plan.Column("modified_at"),
	},
}

// Observation is one value of an indicator. It is visible with its subject.
var Observation = plan.Object{
	Type: "Observation", Table: "observation", Prefix: "observation",
	Visible: plan.Visibility{
		Public: `{deleted_at} IS NULL
			AND ({strategy_id} IS NULL OR (SELECT {visible Strategy s} FROM strategy s WHERE s.id = {strategy_id}))
			AND ({event_id} IS NULL OR (SELECT {visible Event e} FROM event e WHERE e.id = {event_id}))
			AND ({organization_id} IS NULL OR (SELECT {visible Organization o} FROM organization o WHERE o.id = {organization_id}))`,
		Via: plan.Via{Type: "Indicator", Column: "indicator_id"},
	},
	Order: []plan.Term{{Field: "asOf", Desc: true}},
	Facets: map[string]plan.Facet{
		"indicator":  plan.By("indicator"),
		"year":       plan.ByYear("asOf"),
		"comparator": plan.By("comparator"),
	},
	Filters: value.Sourced("figure_source", "figure_id", nil),
	Fields: plan.Fields{
		"indicator":  plan.One("indicator_id"),
		"value":      plan.Expr("trim_scale({value})"), // 80, not 80.0000
		"comparator": plan.Column("comparator"),
		"asOf":       value.PartialDate("as_of"),
		"subject": plan.Either(
			plan.Variant{Type: "Municipality", Column: "municipality_id"},
			plan.Variant{Type: "State", Column: "state_id"},
			plan.Variant{Type: "Strategy", Column: "strategy_id"},
			plan.Variant{Type: "Event", Column: "event_id"},
			plan.Variant{Type: "Organization", Column: "organization_id"}),
		"municipality": plan.One("municipality_id"),
		"state":        plan.One("state_id"),
		"sources":      value.Sources("figure_source", "figure_id"),
		"articles":     plan.Linked("article_figure", "figure_id", "article_id"),
		"version":      plan.Column("version"),
		"revisions":    value.Revisions("Observation"),
		"createdAt":    plan.Column("created_at"),
		"modifiedAt":   plan.Column("modified_at"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "indicator", Lookup: map[string]plan.SQL{"id": "{id} = {arg}", "code": "{code} = {arg}"}}}
