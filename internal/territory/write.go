package territory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

// unit is a municipality that is about to be changed, of any level.
type unit struct {
	id, name, officialName, key string
	version                     int
	dissolved                   bool
}

// take locks a municipality that is at a version.
func take(ctx context.Context, tx *write.Tx, id nodeid.ID, version int) (unit, error) {
	u := unit{id: id.UUID.String()}
	if id.Prefix != Municipality.Prefix {
		return u, write.Refuse(write.NotFound, []string{"input", "id"}, "This is no id of a Municipality.")
	}
	err := tx.QueryRow(ctx, `SELECT version, dissolved_on IS NOT NULL, name, official_name, key FROM municipality WHERE id = $1 FOR UPDATE`, u.id).
		Scan(&u.version, &u.dissolved, &u.name, &u.officialName, &u.key)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return u, write.Refuse(write.NotFound, []string{"input", "id"}, "There is no Municipality of this id.")
	case err != nil:
		return u, fmt.Errorf("read the municipality: %w", err)
	case u.version != version:
		return u, tx.Stale(ctx, "Municipality", id.UUID, version, u.version, "input", "version")
	}
	return u, tx.Within(ctx, "Municipality", "SELECT @id::uuid AS municipality_id, NULL::uuid AS state_id", id.UUID, "input", "id")
}

// Dissolve records that a municipality ended, and what it became. It keeps its row and
// its keys; what is written about it stays.
func Dissolve(ctx context.Context, tx *write.Tx, id nodeid.ID, version int, in plan.Input) error {
	u, err := take(ctx, tx, id, version)
	if err != nil {
		return err
	}
	if u.dissolved {
		return write.Refuse(write.NotAllowed, []string{"input", "id"}, "It is dissolved already; `correctMunicipality` corrects that.")
	}
	return u.end(ctx, tx, in["dissolvedOn"], in)
}

// Correct changes what the register has wrong, or does not have yet: names, and when a
// municipality ended and what it became.
func Correct(ctx context.Context, tx *write.Tx, id nodeid.ID, version int, in plan.Input) error {
	u, err := take(ctx, tx, id, version)
	if err != nil {
		return err
	}
	for field, was := range map[string]string{"name": u.name, "officialName": u.officialName} {
		text, given := in[field].(string)
		switch {
		case !given && mentions(in, field), given && (text == "" || utf8.RuneCountInString(text) > 200):
			return write.Refuse(write.Required, []string{"input", field}, "A name has 1 to 200 characters.")
		case !given || text == was:
			continue
		}
		set := "official_name = $2"
		if field == "name" { // what tells it from its namesakes stays
			set = "name = $2, label = CASE WHEN label = name THEN $2 WHEN starts_with(label, name || ' (') THEN $2 || substr(label, length(name) + 1) ELSE label END"
		}
		if _, err := tx.Exec(ctx, `UPDATE municipality SET `+set+` WHERE id = $1`, u.id, text); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO municipality_former_name (municipality_id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING`, u.id, was); err != nil {
			return err
		}
	}
	if !mentions(in, "dissolvedOn") && !mentions(in, "successors") {
		return nil
	}
	on := in["dissolvedOn"]
	if !mentions(in, "dissolvedOn") {
		if !u.dissolved {
			return write.Refuse(write.NotAllowed, []string{"input", "successors"}, "It is not dissolved; give `dissolvedOn`, too.")
		}
		var day string
		if err := tx.QueryRow(ctx, `SELECT dissolved_on::text FROM municipality WHERE id = $1`, u.id).Scan(&day); err != nil {
			return err
		}
		on = day
	}
	if _, err := tx.Exec(ctx, `DELETE FROM territorial_change WHERE predecessor_id = $1 AND kind <> 'REKEYED' AND (successor_id IS NULL OR successor_id <> $1) AND $2`,
		u.id, mentions(in, "successors") || on == nil); err != nil {
		return err
	}
	if on == nil { // it was never dissolved
		if _, err := tx.Exec(ctx, `UPDATE municipality SET dissolved_on = NULL WHERE id = $1`, u.id); err != nil {
			return fmt.Errorf("take the dissolution back: %w", err)
		}
		_, err := tx.Exec(ctx, `UPDATE municipality_key SET valid_until = NULL WHERE municipality_id = $1 AND NOT former`, u.id)
		return err
	}
	return u.end(ctx, tx, on, in)
}

func mentions(in plan.Input, field string) bool { _, ok := in[field]; return ok }

// end records when a municipality ended, and what it became if that is said.
func (u unit) end(ctx context.Context, tx *write.Tx, on any, in plan.Input) error {
	references, given := in["successors"].([]any)
	successors, err := tx.Resolve(ctx, "Municipality", references, "input", "successors")
	if err != nil {
		return err
	}
	for i, successor := range successors {
		if successor == u.id {
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
	if len(successors) == 0 && given {
		successors = []string{""} // one change that says what is not known
	}
	for _, successor := range successors {
		if _, err := tx.Exec(ctx, `WITH change AS (
 INSERT INTO territorial_change (id, kind, effective_on_start, effective_on_end, effective_on_precision, predecessor_id, successor_id, former_key, former_name)
 VALUES ($1, $2, $3::text::date, $3::text::date, 'DAY', $4, nullif($5, '')::uuid, $6, $7) RETURNING id)
INSERT INTO territorial_change_source (change_id, position, source_id) SELECT id, 1, $8::uuid FROM change WHERE $8::uuid IS NOT NULL`,
			nodeid.New(tx.Now).String(), kind, on, u.id, successor, u.key, u.name, source); err != nil {
			return fmt.Errorf("record what it became: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE municipality SET dissolved_on = $2::text::date WHERE id = $1`, u.id, on); err != nil {
		return fmt.Errorf("dissolve the municipality: %w", err)
	}
	_, err = tx.Exec(ctx, `UPDATE municipality_key SET valid_until = $2::text::date WHERE municipality_id = $1 AND NOT former`, u.id, on)
	return err
}
