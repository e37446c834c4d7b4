package indicator

import "stadtgraph/internal/write"

// Writable is where the fields of an indicator go.
var Writable = write.Object{
	Type: "Indicator", Table: "indicator", Holder: "indicator_id", Natural: "code",
	Required: []string{"code", "name"},
}

// WritableObservation is where the fields of a figure go.
var WritableObservation = write.Object{
	Type: "Observation", Table: "figure", Holder: "figure_id",
	Required: []string{"indicator", "subject", "value"},
	Belongs:  "SELECT municipality_id, state_id FROM figure WHERE id = @id",
	Fields: write.Fields{
		"subject": write.Either(map[string]string{"Municipality": "municipality_id", "State": "state_id", "Strategy": "strategy_id",
			"Event": "event_id", "Organization": "organization_id"}),
		"sources": write.Sources("figure_source"),
	},
}
