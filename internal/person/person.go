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
	Fields: plan.Fields{
		"slug":          plan.Column("slug"),
		"name":          plan.Text("name"),
		"givenName":     plan.Text("given_name"),
		"familyName":    plan.Text("family_name"),
		"academicTitle": plan.Column("academic_title"),
		"aliases":       plan.Column("aliases"),
		"affiliations":  plan.Rows("person_affiliation", "person_id", "{position}"),
		"articles": plan.Joined(`(EXISTS (SELECT FROM article_mention m WHERE m.article_id = {id} AND m.person_id = {parent.id})
			OR EXISTS (SELECT FROM article_byline b WHERE b.article_id = {id} AND b.person_id = {parent.id}))`),
		"events":      plan.Joined("EXISTS (SELECT FROM event_mention m WHERE m.event_id = {id} AND m.person_id = {parent.id})"),
		"identifiers": value.Identifiers("person_id"),
		"version":     plan.Column("version"),
		"createdAt":   plan.Column("created_at"),
		"modifiedAt":  plan.Column("modified_at"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{{Name: "person", Lookup: plan.ByIDOrSlug("Person", "person")}}
