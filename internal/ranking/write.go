package ranking

import "stadtgraph/internal/write"

// Writable is where the fields of a ranking go.
var Writable = write.Object{
	Type: "Ranking", Table: "ranking", Holder: "ranking_id", Slug: "name",
	Required: []string{"name"},
	Fields:   write.Fields{"sources": write.Sources("ranking_source")},
}

// WritableEntry is where the fields of a place in a ranking go.
var WritableEntry = write.Object{
	Type: "RankingEntry", Table: "ranking_entry", Holder: "entry_id",
	Required: []string{"ranking", "municipality"},
	Belongs:  "SELECT municipality_id, NULL::uuid AS state_id FROM ranking_entry WHERE id = @id",
}
