package organization

import "stadtgraph/internal/write"

// Writable is where the fields of an organization go.
var Writable = write.Object{
	Type: "Organization", Table: "organization", Holder: "organization_id", Slug: "name",
	Required: []string{"name", "kind"},
	Belongs:  "SELECT municipality_id, state_id FROM organization WHERE id = @id",
	Fields:   write.Fields{"identifiers": write.Identifiers("organization_id")},
	Check:    write.Acyclic("organization", "parent_id", "parent"),
}
