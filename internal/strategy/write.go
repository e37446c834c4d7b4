package strategy

import (
	"context"
	"slices"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

var ownerColumns = map[string]string{"Municipality": "municipality_id", "State": "state_id", "Organization": "organization_id"}

// Writable is where the fields of a strategy go.
var Writable = write.Object{
	Type: "Strategy", Table: "strategy", Holder: "strategy_id", Slug: "title", Published: true,
	Required: []string{"title", "kind"},
	Belongs:  "SELECT municipality_id, state_id FROM strategy_owner WHERE strategy_id = @id",
	Fields: write.Fields{
		"owners":             write.LinksEither("strategy_owner", ownerColumns),
		"decisions":          decisions,
		"actionFields":       write.Links("strategy_topic", "topic_id").As("ACTION_FIELD").InOrder(),
		"crossCuttingTopics": write.Links("strategy_topic", "topic_id").As("CROSS_CUTTING").InOrder(),
		"topics":             write.Links("strategy_topic", "topic_id").As("TOPIC").InOrder(),
		"participation":      write.Links("strategy_participation", "event_id").InOrder(),
		"responsible":        write.Links("strategy_responsible", "organization_id").InOrder(),
		"links":              write.Rows("strategy_link", nil),
		"sources":            write.Sources("strategy_source"),
	},
	Check: check, After: supersede,
}

var decisions = func() write.Field {
	f := write.Rows("strategy_decision", write.Fields{"sources": write.Sources("strategy_decision_source")})
	f.Of = "decision"
	return f
}()

// WritableMeasure is where the fields of a measure go.
var WritableMeasure = write.Object{
	Type: "Measure", Table: "measure", Holder: "measure_id", Slug: "title",
	Required: []string{"title"},
	Belongs: `SELECT municipality_id, state_id FROM measure_owner WHERE measure_id = @id
UNION ALL SELECT o.municipality_id, o.state_id FROM strategy_owner o JOIN measure m ON m.strategy_id = o.strategy_id WHERE m.id = @id`,
	Fields: write.Fields{
		"topics":      write.Links("measure_topic", "topic_id").InOrder(),
		"owners":      write.LinksEither("measure_owner", ownerColumns),
		"responsible": write.Links("measure_organization", "organization_id").As("RESPONSIBLE").InOrder(),
		"partners":    write.Links("measure_organization", "organization_id").As("PARTNER").InOrder(),
		"links":       write.Rows("measure_link", nil),
		"sources":     write.Sources("measure_source"),
	},
	Check: checkMeasure,
}

// stages are where a strategy may go from each status.
var stages = map[string][]string{
	"IN_PREPARATION": {"PRESENTED", "ADOPTED", "WITHDRAWN"},
	"PRESENTED":      {"ADOPTED", "IN_PREPARATION", "WITHDRAWN"},
	"ADOPTED":        {"SUPERSEDED", "EXPIRED", "WITHDRAWN"},
	"EXPIRED":        {"SUPERSEDED"},
}

func check(ctx context.Context, tx *write.Tx, d *write.Draft) error {
	if d.New() && d.Set["status"] == nil {
		d.Set["status"] = "IN_PREPARATION"
	}
	from, _ := d.Old["status"].(string)
	to, _ := d.Value("status").(string)
	if !d.New() && from != to && !slices.Contains(stages[from], to) {
		d.Refuse(write.NotAllowed, "status", "It is %s; from there it does not become %s.", from, to)
	}
	if to == "ADOPTED" && from != to && !d.New() {
		if err := tx.May(auth.Publish); err != nil {
			return err
		}
	}
	if to == "ADOPTED" && d.Value("adopted_on_start") == nil {
		d.Refuse(write.Required, "adoptedOn", "What is adopted has a date; its year is enough.")
	}
	if to == "SUPERSEDED" && from != to && !d.New() {
		var adopted bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM strategy WHERE predecessor_id = $1 AND status = 'ADOPTED' AND deleted_at IS NULL)`, d.ID.String()).Scan(&adopted); err != nil {
			return err
		}
		if !adopted {
			d.Refuse(write.NotAllowed, "status", "It is superseded by an edition that is adopted; there is none.")
		}
	}
	predecessor, _ := d.Set["predecessor_id"].(string)
	if predecessor == "" {
		return nil
	}
	return follow(ctx, tx, d, predecessor)
}

// follow holds an edition to the one before it: they share an owner, and the number
// goes on unless one was given.
func follow(ctx context.Context, tx *write.Tx, d *write.Draft, predecessor string) error {
	var number *int
	var owned, shared bool
	owners := d.Links("owners")
	if owners == nil {
		owners = []string{}
	}
	err := tx.QueryRow(ctx, `SELECT s.revision_number, EXISTS (SELECT FROM strategy_owner o WHERE o.strategy_id = s.id),
 EXISTS (SELECT FROM strategy_owner o WHERE o.strategy_id = s.id AND coalesce(o.municipality_id, o.state_id, o.organization_id) = ANY(
  $3::uuid[] || ARRAY(SELECT coalesce(m.municipality_id, m.state_id, m.organization_id) FROM strategy_owner m WHERE m.strategy_id = $2 AND $4)))
 FROM strategy s WHERE s.id = $1 FOR UPDATE`, predecessor, d.ID.String(), owners, !d.Gives("owners")).Scan(&number, &owned, &shared)
	if err != nil {
		return err
	}
	if owned && !shared {
		d.Refuse(write.Invalid, "predecessor", "An edition and the one before it have an owner in common.")
	}
	if _, given := d.Set["revision_number"]; !given && number != nil && d.Old["revision_number"] == nil {
		d.Set["revision_number"] = *number + 1
	}
	return nil
}

// supersede ends the edition before one that is adopted.
func supersede(ctx context.Context, tx *write.Tx, d *write.Draft) error {
	predecessor, _ := d.Value("predecessor_id").(string)
	if predecessor == "" || d.Value("status") != "ADOPTED" {
		return nil
	}
	tag, err := tx.Exec(ctx, `UPDATE strategy SET status = 'SUPERSEDED' WHERE id = $1 AND status IN ('ADOPTED', 'EXPIRED')`, predecessor)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	d.Effects = append(d.Effects, predecessor)
	key, err := nodeid.ParseUUID(predecessor)
	if err != nil {
		return err
	}
	return tx.Within(ctx, "Strategy", d.Object.Belongs, key, d.Path...) // what it ends may be another's, too
}

// Adopt records that a strategy was adopted, and gives the edition that it supersedes.
func Adopt(ctx context.Context, tx *write.Tx, id nodeid.ID, version int, adoptedOn, decision plan.Input) (superseded *nodeid.ID, err error) {
	if err := tx.May(auth.Publish); err != nil {
		return nil, err
	}
	given := plan.Input{"status": "ADOPTED", "adoptedOn": adoptedOn}
	d, err := tx.Update(ctx, "Strategy", id, version, given, "input")
	if err != nil {
		return nil, err
	}
	if decision != nil {
		if err := tx.Append(ctx, d, "decisions", decision, "input", "decision"); err != nil {
			return nil, err
		}
	}
	if len(d.Effects) > 0 {
		key, err := nodeid.ParseUUID(d.Effects[0])
		return &nodeid.ID{Prefix: Strategy.Prefix, UUID: key}, err
	}
	return nil, nil
}

// measured are where a measure may go from each status.
var measured = map[string][]string{
	"PLANNED":     {"IN_PROGRESS", "ON_HOLD", "COMPLETED", "CANCELLED"},
	"IN_PROGRESS": {"COMPLETED", "ON_HOLD", "CANCELLED"},
	"ON_HOLD":     {"PLANNED", "IN_PROGRESS", "CANCELLED"},
	"COMPLETED":   {"IN_PROGRESS"},
	"CANCELLED":   {"PLANNED"},
}

func checkMeasure(_ context.Context, _ *write.Tx, d *write.Draft) error {
	if d.New() && d.Set["status"] == nil {
		d.Set["status"] = "PLANNED"
	}
	from, _ := d.Old["status"].(string)
	to, _ := d.Value("status").(string)
	if !d.New() && from != to && !slices.Contains(measured[from], to) {
		d.Refuse(write.NotAllowed, "status", "It is %s; from there it does not become %s.", from, to)
	}
	return nil
}
