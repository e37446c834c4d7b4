package topic

import "stadtgraph/internal/write"

// Writable is where the fields of a topic go.
var Writable = write.Object{
	Type: "Topic", Table: "topic", Holder: "topic_id", Slug: "name",
	Required: []string{"name", "scheme"},
	Check:    write.Acyclic("topic", "parent_id", "parent"),
}
