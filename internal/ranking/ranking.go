// Package ranking is the noun of rankings of municipalities.
package ranking

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Ranking, Entry}

// Ranking is one edition of a ranking, or of a part of it.
var Ranking = plan.Object{
	Type: "Ranking", Table: "ranking", Prefix: "ranking",
	Unique:  []string{"slug"},
	Visible: plan.NotDeleted,
	Order:   []plan.Term{{Field: "name"}, {Field: "edition", Desc: true}},
	Search: &plan.Search{
		Fame:  "0.6",
		Label: value.Label("{name}", "{category}", "{edition}::text"),
		Title: "{name}",
		Labels: value.Lines("{category}", "{edition}::text",
			"(SELECT o.name FROM organization o WHERE o.id = {publisher_id} AND o.deleted_at IS NULL)"),
		Date:           "make_date({edition}, 1, 1)",
		Municipalities: value.Keys("SELECT e.municipality_id FROM ranking_entry e WHERE e.ranking_id = {id}"),
		States:         value.Keys("SELECT m.state_id FROM ranking_entry e JOIN municipality m ON m.id = e.municipality_id WHERE e.ranking_id = {id}"),
	},
	Named: plan.Named{Key: "slug", Label: "name"},
	Facets: map[string]plan.Facet{
		"edition":   plan.By("edition"),
		"category":  plan.By("category"),
		"publisher": plan.By("publisher"),
	},
	Filters: value.Sourced("ranking_source", "ranking_id", nil),
	Fields: plan.Fields{
		"slug":             plan.Column("slug"),
		"name":             plan.Text("name"),
		"edition":          plan.Column("edition"),
		"category":         plan.Text("category"),
		"publisher":        plan.One("publisher_id"),
		"participantCount": plan.Column("participant_count"),
		"url":              plan.Column("url"),
		"entries":          plan.Held("ranking_id", ""),
		"sources":          value.Sources("ranking_source", "ranking_id"),
		"version":          plan.Column("version"),
		"revisions":        value.Revisions("Ranking"),
		"createdAt":        plan.Column("created_at"),
		"modifiedAt":       plan.Column("modified_at"),
	},
}

// Entry is the place of a municipality in a ranking.
var Entry = plan.Object{
	Type: "RankingEntry", Table: "ranking_entry", Prefix: "ranking_entry",
	Visible: plan.Visibility{Via: plan.Via{Type: "Ranking", Column: "ranking_id"}},
	Order:   []plan.Term{{Field: "rank"}},
	Facets: map[string]plan.Facet{
		"ranking": plan.By("ranking"),
		"state":   plan.By("municipality", "state").With("territory"),
	},
	Filters: map[string]plan.SQL{"territory": "{municipality_id} IN (SELECT m FROM territory_members({arg}) m)"},
	Sorts:   value.TownOrder,
	Fields: plan.Fields{
		"ranking":      plan.One("ranking_id"),
		"municipality": plan.One("municipality_id"),
		"rank":         plan.Column("rank"),
		"previousRank": plan.Column("previous_rank"),
		"score":        plan.Column("score"),
		"maxScore":     plan.Column("max_score"),
		"note":         plan.Column("note"),
		"version":      plan.Column("version"),
		"revisions":    value.Revisions("RankingEntry"),
		"createdAt":    plan.Column("created_at"),
		"modifiedAt":   plan.Column("modified_at"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "ranking", Lookup: plan.ByIDOrSlug("Ranking", "ranking")}}
