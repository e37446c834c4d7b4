package person

import "stadtgraph/internal/write"

// Writable is where the fields of a person go.
var Writable = write.Object{
	Type: "Person", Table: "person", Holder: "person_id", Slug: "name",
	Required: []string{"name"},
	Fields: write.Fields{
		"affiliations": write.Rows("person_affiliation", nil),
		"identifiers":  write.Identifiers("person_id"),
	},
}
