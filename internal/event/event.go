// Package event is the noun of what takes place: conferences, workshops, sessions.
package event

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Event}

// Event is one event.
var Event = plan.Object{
	Type: "Event", Table: "event", Prefix: "event",
	Unique:  []string{"slug"},
	Visible: plan.NotDeleted,
	Order:   []plan.Term{{Field: "date", Desc: true}, {Field: "title"}},
	Search: &plan.Search{
		Fame:  "0.4",
		Label: value.Label("{title}", "to_char({date_start}, 'FMYYYY')"),
		Title: "{title}",
		Labels: value.Lines("{venue}",
			"(SELECT m.name FROM municipality m WHERE m.id = {municipality_id})",
			value.Names("o.name", "event_organization l JOIN organization o ON o.id = l.organization_id AND o.deleted_at IS NULL WHERE l.event_id = {id}"),
			value.Names("p.name", "event_mention l JOIN person p ON p.id = l.person_id AND p.deleted_at IS NULL WHERE l.event_id = {id}"),
			value.Names("t.name", "event_topic l JOIN topic t ON t.id = l.topic_id AND t.deleted_at IS NULL WHERE l.event_id = {id}")),
		Summary:        "{summary}",
		Body:           "{audience}",
		Date:           "{date_start}",
		Municipalities: value.Keys("SELECT {municipality_id}"),
		States:         value.Keys("SELECT m.state_id FROM municipality m WHERE m.id = {municipality_id}"),
		Topics:         value.Keys("SELECT l.topic_id FROM event_topic l WHERE l.event_id = {id}"),
	},
	Named: plan.Named{Key: "slug", Label: "title"},
	Facets: map[string]plan.Facet{
		"kind":         plan.By("kind"),
		"year":         plan.ByYear("date"),
		"state":        plan.By("municipality", "state").With("territory"),
		"municipality": plan.By("municipality").With("territory"),
		"topic":        plan.By("topics"),
	},
	Filters: map[string]plan.SQL{"territory": "{municipality_id} IN (SELECT m FROM territory_members({arg}) m)"},
	Sorts:   value.TownOrder,
	Fields: plan.Fields{
		"slug":         plan.Column("slug"),
		"title":        plan.Text("title"),
		"kind":         plan.Column("kind"),
		"summary":      plan.Column("summary"),
		"date":         value.PartialDate("date"),
		"startsAt":     plan.Column("starts_at"),
		"endsAt":       plan.Column("ends_at"),
		"venue":        plan.Column("venue"),
		"municipality": plan.One("municipality_id"),
		"hosts":        organizations("HOST"),
		"partners":     organizations("PARTNER"),
		"mentions":     value.Mentions("event_mention", "event_id"),
		"audience":     plan.Column("audience"),
		"sessionCount": plan.Column("session_count"),
		"topics":       plan.Through("event_topic", "event_id", "topic_id"),
		"links":        value.Links("event_link", "event_id"),
		"sources":      value.Sources("event_source", "event_id"),
		"observations": plan.Held("event_id", ""),
		"strategies":   plan.Linked("strategy_participation", "event_id", "strategy_id"),
		"articles":     plan.Linked("article_event", "event_id", "article_id"),
		"version":      plan.Column("version"),
		"revisions":    value.Revisions("Event"),
		"createdAt":    plan.Column("created_at"),
		"modifiedAt":   plan.Column("modified_at"),
	},
}

func organizations(role plan.SQL) plan.Field {
	return plan.Through("event_organization", "event_id", "organization_id").And("{link.role} = '" + role + "'")
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "event", Lookup: plan.ByIDOrSlug("Event", "event")}}
