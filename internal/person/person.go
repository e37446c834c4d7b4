// Package person is the noun of people in public office, or who are spoken of in
// public.
package person

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{Person}

// Person is one person.
var Person = plan.Object{
	Type: "Person", Table: "person", Prefix: "person",
	Unique:  []string{"slug"},
	Visible: plan.NotDeleted,
	Order:   []plan.Term{{Field: "familyName"}, {Field: "name"}},
	Search: &plan.Search{
		Fame:  "0.6",
		Label: value.Label("{name}", "(SELECT a.role FROM person_affiliation a WHERE a.person_id = {id} ORDER BY a.position LIMIT 1)"),
		Title: value.Lines("{name}", "{academic_title}", `array_to_string({aliases}, E'\n')`),
		Labels: value.Lines(
			value.Names("a.role", "person_affiliation a WHERE a.person_id = {id}"),
			value.Names("o.name", "person_affiliation a JOIN organization o ON o.id IN (a.organization_id, a.party_id) AND o.deleted_at IS NULL WHERE a.person_id = {id}"),
			value.Names("m.name", "person_affiliation a JOIN municipality m ON m.id = a.municipality_id WHERE a.person_id = {id}"),
			value.Names("s.name", "person_affiliation a JOIN state s ON s.id = a.state_id WHERE a.person_id = {id}")),
		Municipalities: value.Keys("SELECT a.municipality_id FROM person_affiliation a WHERE a.person_id = {id}"),
		States: value.Keys("SELECT a.state_id FROM person_affiliation a WHERE a.person_id = {id}",
			"SELECT m.state_id FROM person_affiliation a JOIN municipality m ON m.id = a.municipality_id WHERE a.person_id = {id}"),
	},
	Fields: plan.Fields{
		"slug":          plan.Column("slug"),
		"name":          plan.Text("name"),
		"givenName":     plan.Text("given_name"),
		"familyName":    plan.Text("family_name"),
		"academicTitle": plan.Column("academic_title"),
		"aliases":       plan.Column("aliases"),
		"affiliations":  plan.Rows("person_affiliation", "person_id", "{position}"),
		"articles": plan.Linked("(SELECT person_id, article_id FROM article_mention UNION ALL SELECT person_id, article_id FROM article_byline)",
			"person_id", "article_id"),
		"events":      plan.Linked("event_mention", "person_id", "event_id"),
		"identifiers": value.Identifiers("person_id"),
		"version":     plan.Column("version"),
		"revisions":   value.Revisions("Person"),
		"createdAt":   plan.Column("created_at"),
		"modifiedAt":  plan.Column("modified_at"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "person", Lookup: plan.ByIDOrSlug("Person", "person")}}
