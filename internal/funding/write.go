package funding

import (
	"context"

	"stadtgraph/internal/write"
)

// Writable is where the fields of a program go.
var Writable = write.Object{
	Type: "FundingProgram", Table: "funding_program", Holder: "program_id", Slug: "title", Published: true,
	Required: []string{"title", "level"},
	Readable: []string{"summary", "body"},
	Belongs:  "SELECT NULL::uuid AS municipality_id, state_id FROM funding_program_state WHERE program_id = @id",
	Fields: write.Fields{
		"funders":      write.Links("funding_program_funder", "organization_id").InOrder(),
		"fundingAreas": write.Links("funding_program_topic", "topic_id").As("FUNDING_AREA").InOrder(),
		"topics":       write.Links("funding_program_topic", "topic_id").As("TOPIC").InOrder(),
		"states":       write.Links("funding_program_state", "state_id"),
		"fundingRates": write.Rows("funding_program_rate", nil),
		"identifiers":  write.Identifiers("program_id"),
		"links":        write.Rows("funding_program_link", nil),
		"sources":      write.Sources("funding_program_source"),
	},
}

// WritableCall is where the fields of a call go.
var WritableCall = write.Object{
	Type: "FundingCall", Table: "funding_call", Holder: "call_id",
	Required: []string{"program", "label"},
	Belongs:  "SELECT NULL::uuid AS municipality_id, s.state_id FROM funding_program_state s JOIN funding_call c ON c.program_id = s.program_id WHERE c.id = @id",
	Fields:   write.Fields{"sources": write.Sources("funding_call_source")},
	Check:    sameProgram,
}

// WritableAward is where the fields of an award go.
var WritableAward = write.Object{
	Type: "FundingAward", Table: "funding_award", Holder: "award_id",
	Required: []string{"program"},
	Belongs:  "SELECT municipality_id, NULL::uuid AS state_id FROM funding_award_recipient WHERE award_id = @id",
	Fields: write.Fields{
		"recipients": write.Rows("funding_award_recipient", write.Fields{
			"recipient": write.Either(map[string]string{"Municipality": "municipality_id", "Organization": "organization_id"}),
		}),
		"strategies":  write.Links("funding_award_strategy", "strategy_id"),
		"measures":    write.Links("funding_award_measure", "measure_id"),
		"identifiers": write.Identifiers("award_id"),
		"sources":     write.Sources("funding_award_source"),
	},
	Check: checkAward,
}

// sameProgram keeps what hangs on a program there.
func sameProgram(_ context.Context, _ *write.Tx, d *write.Draft) error {
	if to, given := d.Set["program_id"]; given && !d.New() && to != d.Old["program_id"] {
		d.Refuse(write.NotAllowed, "program", "It stays with its program; make a new one for another.")
	}
	return nil
}

func checkAward(ctx context.Context, tx *write.Tx, d *write.Draft) error {
	if err := sameProgram(ctx, tx, d); err != nil {
		return err
	}
	if call, _ := d.Set["call_id"].(string); call != "" {
		var fits bool
		if err := tx.QueryRow(ctx, `SELECT program_id = $2 FROM funding_call WHERE id = $1`, call, d.Value("program_id")).Scan(&fits); err != nil {
			return err
		}
		if !fits {
			d.Refuse(write.Invalid, "call", "The call is of another program.")
		}
	}
	rows := d.Rows("recipients")
	if (d.New() || d.Gives("recipients")) && len(rows) == 0 {
		d.Refuse(write.Required, "recipients", "An award has at least one recipient.")
	}
	leads := 0
	for _, row := range rows {
		if row["role"] == "LEAD" {
			leads++
		}
	}
	if len(rows) > 1 && leads != 1 || leads > 1 {
		d.Refuse(write.Invalid, "recipients", "Of several recipients exactly one has the role LEAD.")
	}
	return nil
}
