package write

import (
	"context"

	"stadtgraph/internal/change"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
)

// Revert brings a row and its children back to what they were at an earlier version,
// as a new one.
func (tx *Tx) Revert(ctx context.Context, id nodeid.ID, version, to int) error {
	typeName := tx.ofPrefix(id.Prefix)
	if tx.objects[typeName] == nil {
		return Refuse(NotFound, []string{"input", "id"}, "Nothing of this id can be brought back.")
	}
	d := &Draft{Object: tx.objects[typeName], ID: id.UUID, Set: map[string]any{}, Path: []string{"input"}}
	if err := tx.lookup(ctx, d, version, true); err != nil {
		return err
	}
	if err := tx.within(ctx, d); err != nil {
		return err
	}
	var deleted bool
	if err := tx.QueryRow(ctx, `SELECT coalesce(revision_state($1, $2, $3) ->> 'deleted_at' IS NOT NULL, false)`, typeName, id.UUID.String(), to).Scan(&deleted); err != nil {
		return err
	}
	if deleted {
		return Refuse(NotAllowed, []string{"input", "restore"}, "It was deleted at that version; delete it instead.")
	}
	if _, err := change.Restore(ctx, tx, typeName, id.UUID, to); err != nil {
		if f, ok := fault.From(err); ok && f.Code == fault.NotFound {
			return Refuse(NotFound, []string{"input", "restore"}, "There is no such version any more; choose one of its `revisions`.")
		}
		return tx.explain(err, d, statement{table: d.Object.Table, path: []string{"input", "restore"}})
	}
	return tx.within(ctx, d)
}
