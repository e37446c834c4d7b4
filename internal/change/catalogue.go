package change

import (
	"slices"

	"stadtgraph/internal/plan"
)

// Objects are what can be read of the history, and Roots the fields of Query.
var (
	Objects = []plan.Object{revision, fieldChange, auditEntry, entryChange}
	Roots   = []plan.Root{{Name: "auditLog", Least: plan.Admin}, {Name: "changes", Feed: &feed}}
)

// revision is one version of an entry. What comments said before is for moderators.
var revision = plan.Object{
	Type: "Revision", Table: "recorded_change", Prefix: "revision",
	Visible: plan.Visibility{Public: "false", Editor: "{type} <> 'Comment'", Moderator: "true"},
	Order:   []plan.Term{{Field: "version", Desc: true}},
	Fields: plan.Fields{
		"version":   plan.Column("version"),
		"action":    plan.Column("action"),
		"createdAt": plan.Column("at"),
		"actorName": plan.Column("actor_name"),
		"actorRole": plan.Column("actor_role"),
		"mutation":  plan.Column("mutation"),
		"changes": plan.Computed(`SELECT c.path, c.before, c.after, c.place
			FROM revision_changes({parent.type}, {parent.object_id}, coalesce({arg.since}, {parent.version} - 1), {parent.version}) c`).By("{place}"),
	},
}

var fieldChange = plan.Object{Type: "FieldChange", Fields: plan.Fields{
	"path":   plan.Column("path"),
	"before": plan.Column("before"),
	"after":  plan.Column("after"),
}}

// auditEntry is the same for those who look after everything.
var auditEntry = plan.Object{
	Type: "AuditEntry", Table: "recorded_change", Prefix: "audit_entry",
	Visible: plan.Visibility{Public: "false", Admin: "true"},
	Order:   []plan.Term{{Field: "createdAt", Desc: true}},
	Fields: plan.Fields{
		"type": plan.Column("type"),
		"entryId": plan.Expr(`global_id((SELECT CASE t.source WHEN 'figure' THEN 'observation' ELSE t.source END
			FROM history_type t WHERE t.type = {type}), {object_id})`),
		"entry":     Entry,
		"version":   plan.Column("version"),
		"action":    plan.Column("action"),
		"createdAt": plan.Column("at"),
		"token":     plan.One("token_id"),
		"actorName": plan.Column("actor_name"),
		"actorRole": plan.Column("actor_role"),
		"mutation":  plan.Column("mutation"),
	},
}

// entries are the types that have a history, a global id and are for the public.
var entries = []string{"State", "Municipality", "Organization", "Topic", "Person", "Event", "Ranking", "RankingEntry", "Platform", "Indicator",
	"Observation", "Strategy", "Measure", "FundingProgram", "FundingCall", "FundingAward", "Article", "Comment", "MediaAsset"}

// Entry is what a row with the columns type and object_id is about, where it can be looked
// up: an entry of the log, for one.
var Entry = plan.Either(variants(append(slices.Clip(entries), "CommentRule", "Webhook"), "object_id", "")...)

// variants are the places of entries whose key is in a column.
func variants(types []string, column string, and plan.SQL) (all []plan.Variant) {
	for _, name := range types {
		all = append(all, plan.Variant{Type: name, Column: column, When: plan.SQL("{type} = '"+name+"'") + and})
	}
	return all
}
