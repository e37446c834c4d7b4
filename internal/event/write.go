package event

import "stadtgraph/internal/write"

// Writable is where the fields of an event go.
var Writable = write.Object{
	Type: "Event", Table: "event", Holder: "event_id", Slug: "title",
	Required: []string{"title", "kind"},
	Belongs:  "SELECT municipality_id, NULL::uuid AS state_id FROM event WHERE id = @id",
	Fields: write.Fields{
		"hosts":    write.Links("event_organization", "organization_id").As("HOST").InOrder(),
		"partners": write.Links("event_organization", "organization_id").As("PARTNER").InOrder(),
		"mentions": write.Rows("event_mention", nil),
		"topics":   write.Links("event_topic", "topic_id").InOrder(),
		"links":    write.Rows("event_link", nil),
		"sources":  write.Sources("event_source"),
	},
}
