// Package funding is the noun of public money: programs, their calls, and what
// was awarded to whom.
package funding

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Program, Rate, Call, Award, AwardRecipient}

// callStatus is whether one can apply in a call today. Without a closing date,
// what was not verified for twelve months is unknown.
const callStatus plan.SQL = `(CASE
	WHEN {closes_on} < {today} THEN 'CLOSED'
	WHEN {opens_on} > {today} THEN 'UPCOMING'
	WHEN {opens_on} IS NULL THEN 'UNKNOWN'
	WHEN {closes_on} IS NOT NULL THEN 'OPEN'
	WHEN {status_verified_on} >= {today} - interval '12 months' THEN 'OPEN'
	ELSE 'UNKNOWN' END)`

// programStatus is what its calls say, unless its period is over: open if one of
// them is, unknown if that cannot be told of one, announced if all of them are.
const programStatus plan.SQL = `(CASE
	WHEN {period_to_end} < {today} THEN 'ENDED'
	ELSE coalesce((
		SELECT CASE
			WHEN bool_or(c.status = 'OPEN') THEN 'OPEN'
			WHEN bool_or(c.status = 'UNKNOWN') THEN 'UNKNOWN'
			WHEN bool_and(c.status = 'UPCOMING') THEN 'UPCOMING'
			ELSE 'CLOSED' END
		FROM (SELECT {field FundingCall.status call} AS status FROM funding_call call
			WHERE call.program_id = {id} AND call.deleted_at IS NULL) c HAVING count(*) > 0), 'UNKNOWN')
	END)`

// Program is a funding program.
var Program = plan.Object{
	Type: "FundingProgram", Table: "funding_program", Prefix: "funding_program",
	Unique:  []string{"slug"},
	Visible: plan.Published,
	Listed:  []plan.Listing{plan.NotArchived},
	Order:   []plan.Term{{Field: "title"}},
	Search: &plan.Search{
		Title: value.Lines("{title}", "{short_title}"),
		Labels: value.Lines(
			"'Förderprogramm'",
			value.Names("o.name", `organization o WHERE o.deleted_at IS NULL
				AND (o.id = {administered_by_id} OR o.id IN (SELECT l.organization_id FROM funding_program_funder l WHERE l.program_id = {id}))`),
			value.Names("t.name", "funding_program_topic l JOIN topic t ON t.id = l.topic_id AND t.deleted_at IS NULL WHERE l.program_id = {id}"),
			value.Names("s.name", "funding_program_state l JOIN state s ON s.id = l.state_id WHERE l.program_id = {id}")),
		Summary: "{summary}",
		Body:    "{body_text}",
		Date:    "coalesce({period_from_start}, " + value.Day("{published_at}") + ")",
		States:  value.Keys("SELECT l.state_id FROM funding_program_state l WHERE l.program_id = {id}"),
		Topics:  value.Keys("SELECT l.topic_id FROM funding_program_topic l WHERE l.program_id = {id}"),
	},
	Named: plan.Named{Key: "slug", Label: "title"},
	Facets: map[string]plan.Facet{
		"level":       plan.By("level"),
		"status":      plan.By("status"),
		"state":       plan.By("states").With("nationwide"),
		"funder":      plan.By("funders"),
		"fundingArea": plan.By("fundingAreas"),
		"topic":       plan.By("topics"),
	},
	Filters: value.Sourced("funding_program_source", "program_id", map[string]plan.SQL{
		"eligibleFor": `'MUNICIPALITY' = ANY({eligible_applicants}) AND ({nationwide} OR EXISTS (
			SELECT FROM funding_program_state s JOIN municipality m ON m.state_id = s.state_id JOIN municipality_key k ON k.municipality_id = m.id
			WHERE s.program_id = {id} AND k.key = {arg.key}))`,
	}),
	Fields: value.Rendered(plan.Fields{
		"slug":               plan.Column("slug"),
		"title":              plan.Text("title"),
		"shortTitle":         plan.Text("short_title"),
		"summary":            plan.Column("summary"),
		"body":               plan.Column("body"),
		"level":              plan.Column("level"),
		"funders":            plan.Through("funding_program_funder", "program_id", "organization_id"),
		"administeredBy":     plan.One("administered_by_id"),
		"fundingTypes":       plan.Column("funding_types"),
		"eligibleApplicants": plan.Column("eligible_applicants"),
		"fundingAreas":       topics("FUNDING_AREA"),
		"topics":             topics("TOPIC"),
		"nationwide":         plan.Column("nationwide"),
		"states":             plan.Through("funding_program_state", "program_id", "state_id").By("{key}"),
		"totalVolume":        value.Money("total_volume"),
		"fundingRates":       plan.Rows("funding_program_rate", "program_id", "{position}"),
		"fundingSource":      plan.Column("funding_source"),
		"contact":            plan.Column("contact"),
		"period":             value.Period("period"),
		"status":             plan.Expr(programStatus),
		"statusVerifiedOn":   plan.Column("status_verified_on"),
		"publicationStatus":  plan.PublicationStatus,
		"publishedAt":        plan.Column("published_at"),
		"calls":              plan.Held("program_id", ""),
		"awards":             plan.Held("program_id", ""),
		"awardCount":         plan.Expr("(SELECT count(*)::int4 FROM funding_award a WHERE a.program_id = {id} AND {visible FundingAward a})"),
		"totalAwarded":       value.MoneySum("amount_awarded", `funding_award a WHERE a.program_id = {parent.id} AND {visible FundingAward a}`),
		"identifiers":        value.Identifiers("program_id"),
		"links":              value.Links("funding_program_link", "program_id"),
		"sources":            value.Sources("funding_program_source", "program_id"),
		"articles":           plan.Linked("article_funding_program", "program_id", "article_id"),
		"version":            plan.Column("version"),
		"revisions":          value.Revisions("FundingProgram"),
		"createdAt":          plan.Column("created_at"),
		"modifiedAt":         plan.Column("modified_at"),
	}, "body"),
}

func topics(role plan.SQL) plan.Field {
	return plan.Through("funding_program_topic", "program_id", "topic_id").And("{link.role} = '" + role + "'")
}

// Rate is which part of the costs a program pays.
var Rate = plan.Object{
	Type: "FundingRate", Table: "funding_program_rate",
	Fields: plan.Fields{"percent": plan.Column("percent"), "condition": plan.Column("condition")},
}

// withProgram is the visibility of what hangs on a program.
var withProgram = plan.Visibility{
	Public: "{deleted_at} IS NULL",
	Via:    plan.Via{Type: "FundingProgram", Column: "program_id"},
}

// programTitles are the titles of the program that a call or award hangs on.
var programTitles = "(SELECT " + value.Lines("p.title", "p.short_title") + " FROM funding_program p WHERE p.id = {program_id})"

// Call is a call for applications.
var Call = plan.Object{
	Type: "FundingCall", Table: "funding_call", Prefix: "funding_call",
	Visible: withProgram,
	Order:   []plan.Term{{Field: "year", Desc: true}, {Field: "opensOn", Desc: true}, {Field: "number", Desc: true}},
	Search: &plan.Search{
		Boost: 0.8, Fame: "0.3",
		Label:  value.Label("{label}", "(SELECT p.title FROM funding_program p WHERE p.id = {program_id})"),
		Title:  value.Lines("{label}", "{motto}"),
		Labels: programTitles, // who sees the call sees the program
		Date:   "coalesce({opens_on}, make_date({year}, 1, 1))",
		States: value.Keys("SELECT l.state_id FROM funding_program_state l WHERE l.program_id = {program_id}"),
		Topics: value.Keys("SELECT l.topic_id FROM funding_program_topic l WHERE l.program_id = {program_id}"),
	},
	Facets: map[string]plan.Facet{
		"program": plan.By("program"),
		"year":    plan.By("year"),
		"status":  plan.By("status"),
	},
	Filters: value.Sourced("funding_call_source", "call_id", nil),
	Fields: plan.Fields{
		"program":          plan.One("program_id"),
		"number":           plan.Column("number"),
		"label":            plan.Text("label"),
		"motto":            plan.Column("motto"),
		"year":             plan.Column("year"),
		"opensOn":          plan.Column("opens_on"),
		"closesOn":         plan.Column("closes_on"),
		"status":           plan.Expr(callStatus),
		"statusVerifiedOn": plan.Column("status_verified_on"),
		"volume":           value.Money("volume"),
		"applicationCount": plan.Column("application_count"),
		"awards":           plan.Held("call_id", ""),
		"sources":          value.Sources("funding_call_source", "call_id"),
		"version":          plan.Column("version"),
		"revisions":        value.Revisions("FundingCall"),
		"createdAt":        plan.Column("created_at"),
		"modifiedAt":       plan.Column("modified_at"),
	},
}

// Award is money awarded to one or several recipients.
var Award = plan.Object{
	Type: "FundingAward", Table: "funding_award", Prefix: "funding_award",
	Visible: withProgram,
	Order:   []plan.Term{{Field: "awardedOn", Desc: true}, {Field: "projectNumber"}},
	Search: &plan.Search{
		Boost: 0.5, Fame: "0.2", // many are called like their program
		Label: value.Label("{title}", "(SELECT p.title FROM funding_program p WHERE p.id = {program_id})"),
		Title: "{title}",
		Labels: value.Lines("'Förderung'", programTitles, "{project_number}", "{category}", value.Names("coalesce(m.name, o.name)", `funding_award_recipient l
			LEFT JOIN municipality m ON m.id = l.municipality_id LEFT JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL
			WHERE l.award_id = {id}`)),
		Body:           "{note}",
		Date:           "coalesce({awarded_on_start}, {period_from_start})",
		Municipalities: value.Keys("SELECT l.municipality_id FROM funding_award_recipient l WHERE l.award_id = {id}"),
		States:         value.Keys("SELECT m.state_id FROM funding_award_recipient l JOIN municipality m ON m.id = l.municipality_id WHERE l.award_id = {id}"),
		Topics:         value.Keys("SELECT l.topic_id FROM funding_program_topic l WHERE l.program_id = {program_id}"),
	},
	Facets: map[string]plan.Facet{
		"state":        plan.By("municipalities", "state").With("territory"),
		"municipality": plan.By("municipalities").With("territory"),
		"program":      plan.By("program"),
		"year":         plan.ByYear("awardedOn"),
		"callYear":     plan.By("call", "year"),
		"category":     plan.By("category"),
	},
	Sum: "amountAwarded",
	Filters: value.Sourced("funding_award_source", "award_id", map[string]plan.SQL{
		"territory": "EXISTS (SELECT FROM funding_award_recipient o WHERE o.award_id = {id} AND o.municipality_id IN (SELECT m FROM territory_members({arg}) m))",
	}),
	Sorts: value.TownOrders("funding_award_recipient", "award_id"),
	Fields: plan.Fields{
		"title":         plan.Text("title"),
		"program":       plan.One("program_id"),
		"call":          plan.One("call_id"),
		"projectNumber": plan.Column("project_number"),
		"category":      plan.Column("category"),
		"recipients":    plan.Rows("funding_award_recipient", "award_id", "{role}, {position}"),
		"amountAwarded": value.Money("amount_awarded"),
		"totalBudget":   value.Money("total_budget"),
		"ownShare": plan.Computed(`SELECT {parent.total_budget_amount} - {parent.amount_awarded_amount} AS amount,
			{parent.total_budget_currency} AS currency,
			{parent.total_budget_approximate} OR {parent.amount_awarded_approximate} AS approximate`).If("amount"),
		"fundingRatePercent": plan.Column("funding_rate_percent"),
		"awardedOn":          value.PartialDate("awarded_on"),
		"period":             value.Period("period"),
		"note":               plan.Column("note"),
		"municipalities":     plan.Through("funding_award_recipient", "award_id", "municipality_id"),
		"organizations":      plan.Through("funding_award_recipient", "award_id", "organization_id"),
		"strategies":         plan.Linked("funding_award_strategy", "award_id", "strategy_id"),
		"measures":           plan.Linked("funding_award_measure", "award_id", "measure_id"),
		"identifiers":        value.Identifiers("award_id"),
		"sources":            value.Sources("funding_award_source", "award_id"),
		"articles":           plan.Linked("article_funding_award", "award_id", "article_id"),
		"version":            plan.Column("version"),
		"revisions":          value.Revisions("FundingAward"),
		"createdAt":          plan.Column("created_at"),
		"modifiedAt":         plan.Column("modified_at"),
	},
}

// AwardRecipient is one recipient of an award.
var AwardRecipient = plan.Object{
	Type: "AwardRecipient", Table: "funding_award_recipient",
	Visible: plan.Visibility{Public: `{organization_id} IS NULL OR EXISTS (SELECT FROM organization o WHERE o.id = {organization_id} AND {visible Organization o})`},
	Fields: plan.Fields{
		"recipient": plan.Either(
			plan.Variant{Type: "Municipality", Column: "municipality_id"},
			plan.Variant{Type: "Organization", Column: "organization_id"}),
		"role":         plan.Column("role"),
		"roleInferred": plan.Column("role_inferred"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{
	{Name: "fundingProgram", Lookup: plan.ByIDOrSlug("FundingProgram", "funding_program")},
	{Name: "fundingCall", Lookup: plan.ByID},
	{Name: "award", Lookup: plan.ByID},
}
