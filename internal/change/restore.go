package change

import (
	"context"
	"encoding/json"
	"fmt"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/render"
)

// Restore brings an object and its parts back to what they were at a version, and
// gives the new version that this is. Its key, when it was created, whether it is
// published and a slug that was stay as they are. It runs in the transaction of the
// caller, who has seen to it that the actor may do this.
func Restore(ctx context.Context, db postgres.DB, typeName string, id nodeid.UUID, version int) (int, error) {
	unknown := fault.New(fault.NotFound, "There is no such version that could be restored; choose one of `revisions`.").At("version")
	var table string
	var state []byte
	if err := db.QueryRow(ctx, `SELECT t.source, revision_state(t.type, $2, $3) FROM history_type t WHERE t.type = $1`,
		typeName, [16]byte(id), version).Scan(&table, &state); err != nil {
		return 0, fmt.Errorf("read version %d of %s: %w", version, typeName, err)
	}
	if state == nil {
		return 0, unknown
	}
	var columns map[string]any
	if err := json.Unmarshal(state, &columns); err != nil {
		return 0, fmt.Errorf("read version %d of %s: %w", version, typeName, err)
	}
	// Only Go renders texts.
	rendered := map[string]any{}
	for _, c := range render.Columns {
		if c.Table != table {
			continue
		}
		text, there := columns[c.Name].(string)
		for name, value := range c.Values(text) {
			if !there {
				value = nil
			} else if raw, ok := value.(string); ok && json.Valid([]byte(raw)) && name == c.Name+"_contents" {
				value = json.RawMessage(raw)
			}
			rendered[name] = value
		}
	}
	given, err := json.Marshal(rendered)
	if err != nil {
		return 0, fmt.Errorf("render version %d of %s: %w", version, typeName, err)
	}
	var now *int
	if err := db.QueryRow(ctx, `SELECT history_restore($1, $2, $3, $4)`, typeName, [16]byte(id), version, given).Scan(&now); err != nil {
		return 0, fmt.Errorf("restore version %d of %s: %w", version, typeName, err)
	}
	if now == nil {
		return 0, unknown
	}
	return *now, nil
}
