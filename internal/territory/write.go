package territory

import (
	"context"
	"fmt"
	"strconv"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

// Dissolve records that a municipality ended, and what it became. It keeps its row and
// its keys; what is written about it stays.
func Dissolve(ctx context.Context, tx *write.Tx, id nodeid.ID, version int, in plan.Input) error {
	if id.Prefix != Municipality.Prefix {
		return write.Refuse(write.NotFound, []string{"input", "id"}, "This is no id of a Municipality.")
	}
	var now int
	var dissolved bool
	var name, key string
	rows, err := tx.Query(ctx, `SELECT version, dissolved_on IS NOT NULL, name, key FROM municipality WHERE id = $1 FOR UPDATE`, id.UUID.String())
	if err != nil {
		return err
	}
	found := rows.Next()
	if found {
		err = rows.Scan(&now, &dissolved, &name, &key)
	}
	rows.Close()
	switch {
	case err != nil || rows.Err() != nil:
		return fmt.Errorf("read the municipality: %w", firstOf(err, rows.Err()))
	case !found:
		return write.Refuse(write.NotFound, []string{"input", "id"}, "There is no Municipality of this id.")
	case now != version:
		return write.UserErrors{{Path: []string{"input", "version"}, Code: write.Conflict, Current: &write.Current{Version: now},
			Message: fmt.Sprintf("It is at version %d by now, not %d.", now, version)}}
	case dissolved:
		return write.Refuse(write.NotAllowed, []string{"input", "id"}, "It is dissolved already.")
	}
	if err := tx.Within(ctx, "Municipality", "SELECT @id::uuid AS municipality_id, NULL::uuid AS state_id", id.UUID, "input", "id"); err != nil {
		return err
	}
	references, _ := in["successors"].([]any)
	successors, err := tx.Resolve(ctx, "Municipality", references, "input", "successors")
	if err != nil {
		return err
	}
	for i, successor := range successors {
		if successor == id.UUID.String() {
			return write.Refuse(write.Invalid, []string{"input", "successors", strconv.Itoa(i)}, "It cannot succeed itself.")
		}
	}
	kind := "INCORPORATED"
	if len(successors) > 1 {
		kind = "SPLIT"
	}
	var source *string
	if given, ok := in["source"].(plan.Input); ok {
		key, err := tx.Source(ctx, given, "input", "source")
		if err != nil {
			return err
		}
		source = &key
	}
	if len(successors) == 0 {
		successors = []string{""} // one change that says what is not known
	}
	for _, successor := range successors {
		if _, err := tx.Exec(ctx, `WITH change AS (
 INSERT INTO territorial_change (id, kind, effective_on_start, effective_on_end, effective_on_precision, predecessor_id, successor_id, former_key, former_name)
 VALUES ($1, $2, $3::text::date, $3::text::date, 'DAY', $4, nullif($5, '')::uuid, $6, $7) RETURNING id)
INSERT INTO territorial_change_source (change_id, position, source_id) SELECT id, 1, $8::uuid FROM change WHERE $8::uuid IS NOT NULL`,
			nodeid.New(tx.Now).String(), kind, in["dissolvedOn"], id.UUID.String(), successor, key, name, source); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE municipality SET dissolved_on = $2::text::date WHERE id = $1`, id.UUID.String(), in["dissolvedOn"]); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE municipality_key SET valid_until = $2::text::date WHERE municipality_id = $1 AND valid_until IS NULL`, id.UUID.String(), in["dissolvedOn"])
	return err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
