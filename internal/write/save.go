package write

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
)

// Create makes a row of a type.
func (tx *Tx) Create(ctx context.Context, typeName string, given plan.Input, path ...string) (*Draft, error) {
	return tx.create(ctx, typeName, nodeid.New(tx.Now), given, path)
}

func (tx *Tx) create(ctx context.Context, typeName string, key nodeid.UUID, given plan.Input, path []string) (*Draft, error) {
	d := &Draft{Object: tx.objects[typeName], ID: key, Given: given, Path: path}
	tx.read(d)
	for _, name := range d.Object.Required {
		if v := given[name]; v == nil || v == "" {
			d.Refuse(Required, name, "This is needed.")
		}
	}
	d.Set["id"] = key.String()
	return d, tx.save(ctx, d, 0, false)
}

// Update changes a row that is at a version; 0 takes it at any.
func (tx *Tx) Update(ctx context.Context, typeName string, id nodeid.ID, version int, given plan.Input, path ...string) (*Draft, error) {
	d := &Draft{Object: tx.objects[typeName], ID: id.UUID, Given: given, Path: path}
	if err := tx.Is(typeName, id); err != nil {
		return nil, err
	}
	tx.read(d)
	for _, name := range d.Object.Required {
		if v, ok := given[name]; ok && (v == nil || v == "") {
			d.Refuse(Required, name, "This cannot be empty.")
		}
	}
	return d, tx.save(ctx, d, version, true)
}

// Change sets columns of a row that is at a version.
func (tx *Tx) Change(ctx context.Context, typeName string, id nodeid.ID, version int, change func(d *Draft) error) (*Draft, error) {
	if err := tx.Is(typeName, id); err != nil {
		return nil, err
	}
	d := &Draft{Object: tx.objects[typeName], ID: id.UUID, Set: map[string]any{}, Path: []string{"input"}}
	if err := tx.lookup(ctx, d, version, true); err != nil {
		return d, err
	}
	if err := change(d); err != nil {
		return d, err
	}
	return d, tx.store(ctx, d)
}

// Is refuses the id of another type.
func (tx *Tx) Is(typeName string, id nodeid.ID) error {
	if id.Prefix != tx.catalogue.Object(typeName).Prefix {
		return Refuse(NotFound, []string{"input", "id"}, "This is no id of a %s.", typeName)
	}
	return nil
}

// save looks up, checks and stores a draft.
func (tx *Tx) save(ctx context.Context, d *Draft, version int, exists bool) error {
	if err := tx.lookup(ctx, d, version, exists); err != nil {
		return err
	}
	return tx.store(ctx, d)
}

func (tx *Tx) store(ctx context.Context, d *Draft) error {
	if len(d.UserErrors) == 0 && d.Object.Check != nil {
		if err := d.Object.Check(ctx, tx, d); err != nil {
			return err
		}
	}
	if len(d.UserErrors) > 0 {
		return d.UserErrors
	}
	if !d.New() {
		if err := tx.within(ctx, d); err != nil {
			return err
		}
	}
	if err := tx.flush(ctx, d); err != nil {
		return err
	}
	if d.New() || len(tx.Actor.Territories) > 0 {
		if err := tx.within(ctx, d); err != nil {
			return err
		}
	}
	if d.Object.After != nil {
		return d.Object.After(ctx, tx, d)
	}
	return nil
}

// Append adds an item to a list of rows of a draft that was written.
func (tx *Tx) Append(ctx context.Context, d *Draft, field string, item plan.Input, path ...string) error {
	declared := d.Object.Fields[field]
	more := &Draft{Object: d.Object, ID: d.ID, Set: map[string]any{}, slugGiven: true, Path: path[:1]}
	if err := tx.QueryRow(ctx, fmt.Sprintf("SELECT coalesce(max(position), 0) FROM %s WHERE %s = $1", declared.Table, d.Object.Holder), d.ID.String()).Scan(&more.behind); err != nil {
		return err
	}
	def := tx.catalogue.Schema.Types[tx.input(d.Object).Fields.ForName(field).Type.Name()]
	tx.child(more, def, declared, []any{item}, path, nil)
	if err := tx.lookup(ctx, more, 0, false); err != nil {
		return err
	}
	if len(more.UserErrors) > 0 {
		return more.UserErrors
	}
	return tx.flush(ctx, more)
}

// flush sends what a draft came to, in one batch.
func (tx *Tx) flush(ctx context.Context, d *Draft) error {
	batch := &pgx.Batch{}
	paths := [][]string{} // of the statements
	queue := func(path []string, sql string, args pgx.NamedArgs) {
		batch.Queue(sql, args)
		paths = append(paths, path)
	}
	if old, ok := d.Old["slug"].(string); ok && d.Set["slug"] != nil && d.Set["slug"] != old && d.wasPublic() {
		queue(append(slices.Clip(d.Path), "slug"), `INSERT INTO former_slug (type, slug, id) VALUES (@type, @slug, @id) ON CONFLICT (type, slug) DO UPDATE SET id = excluded.id`,
			pgx.NamedArgs{"type": d.Object.Table, "slug": old, "id": d.ID.String()})
	}
	if err := d.row(queue); err != nil {
		return err
	}
	for _, c := range d.children {
		if err := c.write(queue, d.New(), d.behind); err != nil {
			return err
		}
	}
	if batch.Len() > 0 {
		results := tx.SendBatch(ctx, batch)
		for _, path := range paths {
			if _, err := results.Exec(); err != nil {
				_ = results.Close() // the first error says more
				return tx.explain(err, d, path)
			}
		}
		if err := results.Close(); err != nil {
			return tx.explain(err, d, d.Path)
		}
	}
	return nil
}

// wasPublic says whether readers may know the row as it was.
func (d *Draft) wasPublic() bool {
	return !d.Object.Published || d.Old["published_at"] != nil || d.Old["publication_status"] == "PUBLISHED" || d.Old["publication_status"] == "ARCHIVED"
}

// row queues the statement that writes the row itself.
func (d *Draft) row(queue func([]string, string, pgx.NamedArgs)) error {
	columns := slices.Sorted(maps.Keys(d.Set))
	if len(columns) == 0 {
		return nil
	}
	values, err := json.Marshal(d.Set)
	if err != nil {
		return err
	}
	list := strings.Join(columns, ", ")
	sql := fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[2]s FROM jsonb_populate_record(NULL::%[1]s, @values)", d.Object.Table, list)
	if !d.New() {
		sql = fmt.Sprintf("UPDATE %[1]s t SET (%[2]s) = (SELECT %[2]s FROM jsonb_populate_record(NULL::%[1]s, @values)) WHERE t.id = @id", d.Object.Table, list)
	}
	queue(d.Path, sql, pgx.NamedArgs{"values": values, "id": d.ID.String()})
	return nil
}

// write queues what replaces the rows of a child table.
func (c *child) write(queue func([]string, string, pgx.NamedArgs), fresh bool, behind int) error {
	where, args := c.where()
	if !fresh && where != "" {
		queue(c.path, "DELETE FROM "+c.table+" WHERE "+where, args)
	}
	if len(c.rows) == 0 {
		return nil
	}
	for i, row := range c.rows {
		maps.Copy(row, c.owner)
		if c.field.Ordered {
			row["position"] = behind + i + 1
		}
	}
	values, err := json.Marshal(c.rows)
	if err != nil {
		return err
	}
	list := strings.Join(slices.Sorted(maps.Keys(c.rows[0])), ", ")
	queue(c.path, fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[2]s FROM jsonb_populate_recordset(NULL::%[1]s, @values)", c.table, list), pgx.NamedArgs{"values": values})
	return nil
}

// within refuses rows outside of the territories that a token is limited to.
func (tx *Tx) within(ctx context.Context, d *Draft) error {
	if len(tx.Actor.Territories) == 0 {
		return nil
	}
	belongs := d.Object.Belongs
	if belongs == "" {
		return Refuse(OutOfScope, d.Path, "This token writes only what belongs to its territories; a %s belongs to none.", d.Object.Type)
	}
	var inside bool
	err := tx.QueryRow(ctx, `SELECT territories_permit(@keys, array_agg(o.municipality_id), array_agg(o.state_id)) FROM (`+belongs+`) o`,
		pgx.NamedArgs{"id": d.ID.String(), "keys": tx.Actor.Limits()}).Scan(&inside)
	if err != nil {
		return err
	}
	if !inside {
		return Refuse(OutOfScope, d.Path, "This token writes only what belongs to its territories.")
	}
	return nil
}

// Stale says what a row has become since the version that was sent.
func (tx *Tx) Stale(ctx context.Context, typeName string, key nodeid.UUID, version, now int) error {
	current := &Current{Version: now}
	var by *string
	err := tx.QueryRow(ctx, `SELECT c.at, c.actor_name, ARRAY(SELECT DISTINCT split_part(r.path, '.', 1) FROM revision_changes(@type, @id, @since, @now) r
  WHERE r.path NOT IN ('version', 'modifiedAt') ORDER BY 1)
 FROM change c WHERE c.type = @type AND c.id = @id AND c.version = @now AND c.action NOT IN ('VISIBILITY', 'DUE')`,
		pgx.NamedArgs{"type": typeName, "id": key.String(), "since": max(version, 0), "now": now}).Scan(&current.ModifiedAt, &by, &current.Changed)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if by != nil {
		current.By = *by
	}
	return UserErrors{{Path: []string{"input", "version"}, Code: Conflict, Current: current,
		Message: fmt.Sprintf("It is at version %d by now, not %d; look at what has changed and send the change again.", now, version)}}
}

// May refuses whoever may not do something.
func (tx *Tx) May(c auth.Capability) error {
	if !tx.Actor.Role.May(c) {
		return fault.New(fault.Forbidden, "This token may not do that.")
	}
	return nil
}

// violated is what Postgres says about a constraint.
func violated(err error) (*pgconn.PgError, bool) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "23") || strings.HasPrefix(pg.Code, "22")) {
		return pg, true
	}
	return nil, false
}

// Acyclic is a rule: nothing comes above itself.
func Acyclic(table, column, field string) func(ctx context.Context, tx *Tx, d *Draft) error {
	return func(ctx context.Context, tx *Tx, d *Draft) error {
		parent, _ := d.Set[column].(string)
		if parent == "" || d.New() {
			return nil
		}
		var above bool
		err := tx.QueryRow(ctx, fmt.Sprintf(`WITH RECURSIVE above AS (
 SELECT id, %[1]s AS parent FROM %[2]s WHERE id = $1
 UNION SELECT t.id, t.%[1]s FROM %[2]s t JOIN above a ON t.id = a.parent)
SELECT EXISTS (SELECT FROM above WHERE id = $2)`, column, table), parent, d.ID.String()).Scan(&above)
		if err == nil && above {
			d.Refuse(Invalid, field, "This would come above itself.")
		}
		return err
	}
}
