// Package strategy is the noun of digital strategies: their editions, who owns
// them, what was decided about them, and the measures that carry them out.
package strategy

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Strategy, Decision, Measure}

// replaced is whether a later edition was adopted, as far as the viewer may know.
// There is one later edition at most, and few strategies need it looked up: as EXISTS
// it would be looked up for all of them in advance.
const replaced plan.SQL = `coalesce((SELECT later.status = 'ADOPTED' AND {visible Strategy later} FROM strategy later WHERE later.predecessor_id = {id}), false)`

// status is where a strategy stands today: one whose period is over without an
// adopted later edition has expired, without anybody saying so.
const status = `(CASE WHEN {status} = 'ADOPTED' AND {period_to_end} < {today} AND NOT ` + replaced + ` THEN 'EXPIRED' ELSE {status} END)`

// current is whether a strategy is adopted and in force today.
const current = `({status} = 'ADOPTED' AND coalesce({period_to_end} >= {today}, true) AND NOT ` + replaced + `)`

// kindInWords is the kind of a strategy as people would look for it.
const kindInWords plan.SQL = `CASE {kind} WHEN 'DIGITAL_STRATEGY' THEN 'Digitalstrategie' WHEN 'DIGITAL_AGENDA' THEN 'Digitale Agenda'
	WHEN 'DIGITAL_CONCEPT' THEN 'Digitalkonzept' WHEN 'SMART_CITY_STRATEGY' THEN 'Smart-City-Strategie' WHEN 'ROADMAP' THEN 'Roadmap'
	WHEN 'ACTION_PLAN' THEN 'Aktionsplan' END`

// ownersOf are the owners of a strategy.
const ownersOf plan.SQL = "SELECT municipality_id, state_id, organization_id FROM strategy_owner WHERE strategy_id = {id}"

// Strategy is one edition of a strategy.
var Strategy = plan.Object{
	Type: "Strategy", Table: "strategy", Prefix: "strategy",
	Unique:  []string{"slug"},
	Visible: plan.Published,
	Listed:  []plan.Listing{plan.NotArchived},
	Order:   []plan.Term{{Field: "adoptedOn", Desc: true}, {Field: "presentedOn", Desc: true}, {Field: "title"}},
	Search: &plan.Search{
		Label: value.Label("{title}", "(SELECT string_agg(m.name, ', ' ORDER BY o.position) FROM strategy_owner o JOIN municipality m ON m.id = o.municipality_id WHERE o.strategy_id = {id})"),
		Title: "{title}",
		Labels: value.Lines("'Strategie'", kindInWords, value.OwnerNames(ownersOf),
			value.Names("t.name", "strategy_topic l JOIN topic t ON t.id = l.topic_id AND t.deleted_at IS NULL WHERE l.strategy_id = {id}"),
			value.Names("o.name", "strategy_responsible l JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL WHERE l.strategy_id = {id}")),
		Summary:        "{summary}",
		Body:           "{body_text}",
		Date:           "coalesce({adopted_on_start}, {presented_on_start}, " + value.Day("{published_at}") + ")",
		Municipalities: value.OwnerMunicipalities(ownersOf),
		States:         value.OwnerStates(ownersOf),
		Topics:         value.Keys("SELECT l.topic_id FROM strategy_topic l WHERE l.strategy_id = {id}"),
	},
	Named: plan.Named{Key: "slug", Label: "title"},
	Facets: map[string]plan.Facet{
		"state":             plan.By("municipalities", "state").With("states", "territory"),
		"municipality":      plan.By("municipalities").With("territory"),
		"kind":              plan.By("kind"),
		"status":            plan.By("status").With("isCurrent"),
		"adoptedYear":       plan.ByYear("adoptedOn"),
		"presentedYear":     plan.ByYear("presentedOn"),
		"actionField":       plan.By("actionFields"),
		"crossCuttingTopic": plan.By("crossCuttingTopics"),
		"topic":             plan.By("topics"),
	},
	Filters: value.Sourced("strategy_source", "strategy_id", map[string]plan.SQL{
		"territory": value.OwnedIn("strategy_id", "strategy_owner", "strategy_owner"),
	}),
	Sorts: value.TownOrders("strategy_owner", "strategy_id"),
	Fields: value.Rendered(plan.Fields{
		"slug":                     plan.Column("slug"),
		"title":                    plan.Text("title"),
		"kind":                     plan.Column("kind"),
		"summary":                  plan.Column("summary"),
		"body":                     plan.Column("body"),
		"status":                   plan.Expr(status).From("status"),
		"isCurrent":                plan.Expr(current),
		"publicationStatus":        plan.PublicationStatus,
		"publishedAt":              plan.Column("published_at"),
		"owners":                   plan.Eithers("strategy_owner", "strategy_id", "{position}", owners...),
		"municipalities":           plan.Through("strategy_owner", "strategy_id", "municipality_id"),
		"states":                   plan.Through("strategy_owner", "strategy_id", "state_id"),
		"revisionNumber":           plan.Column("revision_number"),
		"predecessor":              plan.One("predecessor_id"),
		"successor":                plan.Joined("{predecessor_id} = {parent.id}"),
		"lineage":                  plan.Joined("{lineage_id} = {parent.lineage_id}").By("{revision_number} NULLS FIRST, {adopted_on_start} NULLS FIRST, {presented_on_start} NULLS FIRST, {id}"),
		"period":                   value.Period("period"),
		"targetYear":               plan.Column("target_year"),
		"presentedOn":              value.PartialDate("presented_on"),
		"adoptedOn":                value.PartialDate("adopted_on"),
		"decisions":                plan.Rows("strategy_decision", "strategy_id", "{position}"),
		"evaluationIntervalMonths": plan.Column("evaluation_interval_months"),
		"lastEvaluatedOn":          plan.Column("last_evaluated_on"),
		"nextEvaluationOn":         plan.Column("next_evaluation_on"),
		"actionFields":             topics("ACTION_FIELD"),
		"crossCuttingTopics":       topics("CROSS_CUTTING"),
		"topics":                   topics("TOPIC"),
		"measures":                 plan.Held("strategy_id", ""),
		"participation":            plan.Through("strategy_participation", "strategy_id", "event_id"),
		"observations":             plan.Held("strategy_id", ""),
		"responsible":              plan.Through("strategy_responsible", "strategy_id", "organization_id"),
		"links":                    value.Links("strategy_link", "strategy_id"),
		"sources":                  value.Sources("strategy_source", "strategy_id"),
		"articles":                 plan.Linked("article_strategy", "strategy_id", "article_id"),
		"awards":                   plan.Linked("funding_award_strategy", "strategy_id", "award_id"),
		"version":                  plan.Column("version"),
		"revisions":                value.Revisions("Strategy"),
		"createdAt":                plan.Column("created_at"),
		"modifiedAt":               plan.Column("modified_at"),
	}, "body"),
}

var owners = []plan.Variant{
	{Type: "Municipality", Column: "municipality_id"},
	{Type: "State", Column: "state_id"},
	{Type: "Organization", Column: "organization_id"},
}

func topics(role plan.SQL) plan.Field {
	return plan.Through("strategy_topic", "strategy_id", "topic_id").And("{link.role} = '" + role + "'")
}

// Decision is what a body decided about a strategy.
var Decision = plan.Object{
	Type: "Decision", Table: "strategy_decision",
	Fields: plan.Fields{
		"body":      plan.One("body_id"),
		"kind":      plan.Column("kind"),
		"date":      value.PartialDate("date"),
		"reference": plan.Column("reference"),
		"url":       plan.Column("url"),
		"sources": {Relation: &plan.Relation{ // a decision has no id: it is one of a strategy, by position
			Link: "strategy_decision_source", Order: "{link.position}", All: true,
			On: "{link.strategy_id} = {parent.strategy_id} AND {link.decision} = {parent.position} AND {id} = {link.source_id}",
		}},
	},
}

// answerable are the owners of a measure, and those of the strategy that it is part of.
const answerable plan.SQL = `SELECT municipality_id, state_id, organization_id FROM measure_owner WHERE measure_id = {id}
	UNION ALL SELECT municipality_id, state_id, organization_id FROM strategy_owner WHERE strategy_id = {strategy_id}`

// Measure is something to be done, as part of a strategy or by itself.
var Measure = plan.Object{
	Type: "Measure", Table: "measure", Prefix: "measure",
	Unique: []string{"slug"},
	Visible: plan.Visibility{
		Public: "{deleted_at} IS NULL",
		Via:    plan.Via{Type: "Strategy", Column: "strategy_id", Optional: true},
	},
	Order: []plan.Term{{Field: "position"}, {Field: "title"}},
	Search: &plan.Search{
		Fame:  "0.4",
		Title: "{title}",
		Labels: value.Lines(value.OwnerNames(answerable),
			value.Names("o.name", "measure_organization l JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL WHERE l.measure_id = {id}"),
			value.Names("t.name", `topic t WHERE t.deleted_at IS NULL
				AND (t.id = {action_field_id} OR t.id IN (SELECT l.topic_id FROM measure_topic l WHERE l.measure_id = {id}))`)),
		Body:           "{description_text}",
		Date:           "{period_from_start}",
		Municipalities: value.OwnerMunicipalities(answerable),
		States:         value.OwnerStates(answerable),
		Topics:         value.Keys("SELECT {action_field_id}", "SELECT l.topic_id FROM measure_topic l WHERE l.measure_id = {id}"),
	},
	Named: plan.Named{Key: "slug", Label: "title"},
	Facets: map[string]plan.Facet{
		"state":        plan.By("municipalities", "state").With("territory"),
		"municipality": plan.By("municipalities").With("territory"),
		"status":       plan.By("status"),
		"priority":     plan.By("priority"),
		"actionField":  plan.By("actionField"),
		"topic":        plan.By("topics"),
		"strategy":     plan.By("strategy"),
	},
	Filters: value.Sourced("measure_source", "measure_id", map[string]plan.SQL{
		"territory": value.OwnedIn("measure_id", "measure_owner", "measure_owner"),
	}),
	Sorts: value.TownOrders("measure_owner", "measure_id"),
	Fields: plan.Fields{
		"slug":            plan.Column("slug"),
		"title":           plan.Text("title"),
		"description":     plan.Column("description"),
		"descriptionHtml": plan.Column("description_html"),
		"status":          plan.Column("status"),
		"priority":        plan.Column("priority"),
		"position":        plan.Column("position"),
		"strategy":        plan.One("strategy_id"),
		"actionField":     plan.One("action_field_id"),
		"topics":          plan.Through("measure_topic", "measure_id", "topic_id"),
		"owners":          plan.Eithers("measure_owner", "measure_id", "{position}", owners...),
		"municipalities":  plan.Through("measure_owner", "measure_id", "municipality_id"),
		"period":          value.Period("period"),
		"budget":          value.Money("budget"),
		"responsible":     plan.Through("measure_organization", "measure_id", "organization_id").And("{link.role} = 'RESPONSIBLE'"),
		"partners":        plan.Through("measure_organization", "measure_id", "organization_id").And("{link.role} = 'PARTNER'"),
		"awards":          plan.Linked("funding_award_measure", "measure_id", "award_id"),
		"articles":        plan.Linked("article_measure", "measure_id", "article_id"),
		"links":           value.Links("measure_link", "measure_id"),
		"sources":         value.Sources("measure_source", "measure_id"),
		"version":         plan.Column("version"),
		"revisions":       value.Revisions("Measure"),
		"createdAt":       plan.Column("created_at"),
		"modifiedAt":      plan.Column("modified_at"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{
	{Name: "strategy", Lookup: plan.ByIDOrSlug("Strategy", "strategy")},
	{Name: "measure", Lookup: plan.ByIDOrSlug("Measure", "measure")},
}
