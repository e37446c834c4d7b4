// Package about answers what the data is, how complete it is, and how to credit
// it.
package about

import "stadtgraph/internal/plan"

// Objects are the readable shapes.
var Objects = []plan.Object{
	{Type: "About", Fields: plan.Fields{
		"version":      plan.Expr("'" + Version + "'"),
		"registerAsOf": plan.Column("register_as_of"),
		"attributions": plan.Computed("SELECT attribution, license, url, as_of, name FROM dataset").By("{name}"),
		"coverage":     plan.Computed(coverage).By("{type}"),
	}},
	{Type: "Attribution", Table: "dataset", Fields: plan.Fields{
		"text":    plan.Column("attribution"),
		"license": plan.Column("license"),
		"url":     plan.Column("url"),
		"asOf":    plan.Column("as_of"),
	}},
	{Type: "Coverage", Fields: plan.Fields{
		"type":          plan.Column("type"),
		"count":         plan.Column("count"),
		"recordedUntil": plan.Column("recorded_until"),
	}},
}

// Version is the version of the software.
const Version = "0.1.0"

const coverage plan.SQL = `SELECT 'State' AS type, count(*)::int4 AS count, max(r.modified_at) AS recorded_until FROM state r WHERE {visible State r}
	UNION ALL SELECT 'Municipality', count(*)::int4, max(r.modified_at) FROM municipality r WHERE {visible Municipality r}
	UNION ALL SELECT 'Strategy', count(*)::int4, max(r.modified_at) FROM strategy r WHERE {visible Strategy r}
	UNION ALL SELECT 'FundingProgram', count(*)::int4, max(r.modified_at) FROM funding_program r WHERE {visible FundingProgram r}
	UNION ALL SELECT 'FundingCall', count(*)::int4, max(r.modified_at) FROM funding_call r WHERE {visible FundingCall r}
	UNION ALL SELECT 'FundingAward', count(*)::int4, max(r.modified_at) FROM funding_award r WHERE {visible FundingAward r}
	UNION ALL SELECT 'Article', count(*)::int4, max(r.modified_at) FROM article r WHERE {visible Article r}
	UNION ALL SELECT 'Comment', count(*)::int4, max(r.modified_at) FROM comment r WHERE {visible Comment r}
	UNION ALL SELECT 'Topic', count(*)::int4, max(r.modified_at) FROM topic r WHERE {visible Topic r}
	UNION ALL SELECT 'Organization', count(*)::int4, max(r.modified_at) FROM organization r WHERE {visible Organization r}
	UNION ALL SELECT 'Measure', count(*)::int4, max(r.modified_at) FROM measure r WHERE {visible Measure r}
	UNION ALL SELECT 'Person', count(*)::int4, max(r.modified_at) FROM person r WHERE {visible Person r}
	UNION ALL SELECT 'Event', count(*)::int4, max(r.modified_at) FROM event r WHERE {visible Event r}
	UNION ALL SELECT 'Ranking', count(*)::int4, max(r.modified_at) FROM ranking r WHERE {visible Ranking r}
	UNION ALL SELECT 'RankingEntry', count(*)::int4, max(r.modified_at) FROM ranking_entry r WHERE {visible RankingEntry r}
	UNION ALL SELECT 'Indicator', count(*)::int4, max(r.modified_at) FROM indicator r WHERE {visible Indicator r}
	UNION ALL SELECT 'Observation', count(*)::int4, max(r.modified_at) FROM observation r WHERE {visible Observation r}
	UNION ALL SELECT 'MediaAsset', count(*)::int4, max(r.modified_at) FROM media_asset r WHERE {visible MediaAsset r}`

// Roots are the fields of Query.
var Roots = []plan.Root{{Name: "about", Rows: "SELECT (SELECT d.as_of FROM dataset d WHERE d.name = 'gv100ad') AS register_as_of"}}
