package auth

import (
	"context"
	"fmt"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/postgres"
)

// Limits are the territories of an actor as a parameter of territories_permit, the
// function of the database that says whether such an actor may write a row:
//
//	territories_permit(@limits, ARRAY(SELECT l.municipality_id FROM article_municipality l WHERE l.article_id = a.id), '{}')
//
// It may if the row belongs to municipalities or states, and to none outside of the
// territories and their members: neither a row without a place nor one that is
// another town's, too. A change is asked about before and after it, or a row could be
// taken over or given away. Whoever is not limited may write all rows.
func (a *Actor) Limits() []string { return append([]string{}, a.Territories...) } // null would permit nothing

// Scope refuses an actor who is limited to territories a row that belongs to these
// municipalities and states.
func Scope(ctx context.Context, db postgres.DB, municipalities, states []nodeid.UUID) error {
	a := From(ctx)
	switch {
	case a == nil:
		return anonymous()
	case len(a.Territories) == 0:
		return nil
	}
	var permitted bool
	err := db.QueryRow(ctx, `SELECT territories_permit($1, $2, $3)`, a.Limits(), append([]nodeid.UUID{}, municipalities...), append([]nodeid.UUID{}, states...)).Scan(&permitted)
	if err != nil {
		return fmt.Errorf("ask whether a row is in the territories of a token: %w", err)
	}
	if !permitted {
		return OutOfScope()
	}
	return nil
}

// OutOfScope is the fault for a row outside of an actor's territories.
func OutOfScope() *fault.Error {
	return fault.New(fault.Forbidden, "This token may write only what belongs to its own territories, and to nothing outside of them.")
}
