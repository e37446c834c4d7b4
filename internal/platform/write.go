package platform

import "stadtgraph/internal/write"

// Writable is where the fields of a platform go.
var Writable = write.Object{
	Type: "Platform", Table: "platform", Holder: "platform_id", Slug: "name",
	Required: []string{"name"},
	Fields: write.Fields{
		"states":  write.Links("platform_state", "state_id"),
		"sources": write.Sources("platform_source"),
	},
}
