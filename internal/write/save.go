package write

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/vektah/gqlparser/v2/ast"

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
	d := &Draft{Object: tx.objects[typeName], ID: key, Given: given, Path: path, fresh: true}
	tx.read(d)
	for _, name := range d.Object.Required {
		if given[name] == nil {
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
	err := tx.lookup(ctx, more, 0, false)
	switch {
	case err != nil:
	case len(more.UserErrors) > 0:
		err = more.UserErrors
	default:
		err = tx.flush(ctx, more)
	}
	var problems UserErrors
	if errors.As(err, &problems) {
		for i, p := range problems { // the item is no list in the input
			if len(p.Path) > len(path) && p.Path[len(path)] == "0" {
				problems[i].Path = slices.Delete(slices.Clone(p.Path), len(path), len(path)+1)
			}
		}
	}
	return err
}

// statement is one that writes rows of a table.
type statement struct {
	sql   string
	args  pgx.NamedArgs
	table string
	def   *ast.Definition // of the input object that a row is made of; nil for links
	path  []string
	rows  []map[string]any // if there are several

	anyway string // instead of sql, when rows are sent one by one
}

// flush sends what a draft came to, in one batch.
func (tx *Tx) flush(ctx context.Context, d *Draft) error {
	statements, err := tx.statements(d)
	if err != nil {
		return err
	}
	several := slices.ContainsFunc(statements, func(s statement) bool { return s.rows != nil })
	if several {
		statements = append([]statement{{sql: "SAVEPOINT flush"}}, statements...)
	}
	failed, err := tx.send(ctx, statements)
	if err != nil && several && failed.rows != nil {
		if known, ok := violated(err); ok && known.ConstraintName+known.ColumnName != "" || ok && beyond[known.Code] != "" { // which of the rows was it?
			if _, err := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT flush"); err != nil {
				return err
			}
			var alone []statement
			for _, s := range statements {
				if s.rows == nil {
					s.sql = cmp.Or(s.anyway, s.sql)
					alone = append(alone, s)
				}
				for i, row := range s.rows {
					one, err := insert(s.table, []map[string]any{row}, s.def, append(slices.Clip(s.path), strconv.Itoa(i)))
					if err != nil {
						return err
					}
					alone = append(alone, one)
				}
			}
			failed, err = tx.send(ctx, alone)
		}
	}
	if err != nil {
		return tx.explain(err, d, failed)
	}
	return nil
}

// send runs statements in one batch, and says which of them failed.
func (tx *Tx) send(ctx context.Context, statements []statement) (failed statement, err error) {
	if len(statements) == 0 {
		return statement{}, nil
	}
	batch := &pgx.Batch{}
	for _, s := range statements {
		batch.Queue(s.sql, s.args)
	}
	results := tx.SendBatch(ctx, batch)
	for _, s := range statements {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // the first error says more
			return s, err
		}
	}
	return statements[0], results.Close()
}

func (tx *Tx) statements(d *Draft) ([]statement, error) {
	var all []statement
	if old, ok := d.Old["slug"].(string); ok && d.Set["slug"] != nil && d.Set["slug"] != old && d.wasPublic() {
		all = append(all, statement{table: "former_slug", path: append(slices.Clip(d.Path), "slug"),
			sql:  `INSERT INTO former_slug (type, slug, id) VALUES (@type, @slug, @id) ON CONFLICT (type, slug) DO UPDATE SET id = excluded.id`,
			args: pgx.NamedArgs{"type": d.Object.Table, "slug": old, "id": d.ID.String()}})
	}
	own, err := d.row()
	if err != nil {
		return nil, err
	}
	if own.sql != "" {
		own.def = tx.catalogue.Schema.Types[d.Object.Type+"Input"]
		all = append(all, own)
	}
	for _, c := range d.children {
		for i, row := range c.rows {
			maps.Copy(row, c.owner)
			if c.field.Ordered {
				row["position"] = d.behind + i + 1
			}
		}
	}
	for i, c := range d.children {
		if !d.New() {
			rows, err := tx.replace(d, c, i)
			if err != nil {
				return nil, err
			}
			all = append(all, rows...)
			continue
		}
		if len(c.rows) == 0 {
			continue
		}
		s, err := insert(c.table, c.rows, c.def, c.path)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// replace puts rows in the place of those that are there, unless they say the same: a
// list that is sent again as it is changes nothing. Sources are compared by what they
// say; they come with the links to them, which are the next child.
func (tx *Tx) replace(d *Draft, c *child, at int) ([]statement, error) {
	links := c
	if c.table == "source" {
		links = d.children[at+1]
	} else if c.field.Sourced {
		return nil, nil // they came with their sources
	}
	where, args := links.where()
	drop := statement{sql: "DELETE FROM " + links.table + " WHERE " + where, args: args, table: links.table, path: c.path}
	drop.anyway = drop.sql
	if len(c.rows) == 0 {
		return []statement{drop}, nil
	}
	names := slices.Sorted(maps.Keys(c.rows[0]))
	sent := "SELECT %[1]s FROM jsonb_populate_recordset(NULL::%[2]s, @values)"
	there := "SELECT %[1]s FROM %[2]s WHERE %[3]s"
	if links != c {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "id" })
		sent = "SELECT ordinality AS position, %[1]s FROM jsonb_populate_recordset(NULL::%[2]s, @values) WITH ORDINALITY"
		there = "SELECT position, %[1]s FROM " + links.table + " l JOIN source ON source.id = l.source_id WHERE %[3]s"
	}
	list := strings.Join(names, ", ")
	sent, there = fmt.Sprintf(sent+"%.0[3]s", list, c.table, where), fmt.Sprintf(there+"%.0[2]s", list, c.table, where)
	drop.sql += fmt.Sprintf(" AND EXISTS ((%[1]s EXCEPT ALL %[2]s) UNION ALL (%[2]s EXCEPT ALL %[1]s))", sent, there)
	all := []statement{drop}
	for _, rows := range []*child{c, links} {
		if rows == c && len(all) > 1 {
			continue
		}
		s, err := insert(rows.table, rows.rows, rows.def, rows.path)
		if err != nil {
			return nil, err
		}
		maps.Copy(s.args, args)
		s.anyway = s.sql
		s.sql += fmt.Sprintf(" WHERE NOT EXISTS (SELECT FROM %s WHERE %s)", links.table, where)
		all = append(all, s)
	}
	values := all[1].args["values"]
	drop.args = maps.Clone(args)
	drop.args["values"] = values
	all[0] = drop
	return all, nil
}

// insert is the statement that makes rows, which all have the same columns. Rows of
// links have no definition, and no place in the input that is theirs.
func insert(table string, rows []map[string]any, def *ast.Definition, path []string) (statement, error) {
	values, err := json.Marshal(rows)
	s := statement{table: table, def: def, path: path, args: pgx.NamedArgs{"values": values},
		sql: fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[2]s FROM jsonb_populate_recordset(NULL::%[1]s, @values)", table, strings.Join(slices.Sorted(maps.Keys(rows[0])), ", "))}
	switch {
	case def != nil && len(rows) > 1:
		s.rows = rows
	case def != nil && len(path) > 0:
		if _, err := strconv.Atoi(path[len(path)-1]); err != nil {
			s.path = append(slices.Clip(path), "0")
		}
	}
	return s, err
}

// wasPublic says whether readers may know the row as it was.
func (d *Draft) wasPublic() bool {
	return !d.Object.Published || d.Old["published_at"] != nil || d.Old["publication_status"] == "PUBLISHED" || d.Old["publication_status"] == "ARCHIVED"
}

// row is the statement that writes the row itself.
func (d *Draft) row() (statement, error) {
	columns := slices.Sorted(maps.Keys(d.Set))
	if len(columns) == 0 {
		return statement{}, nil
	}
	values, err := json.Marshal(d.Set)
	if err != nil {
		return statement{}, err
	}
	list := strings.Join(columns, ", ")
	sql := fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[2]s FROM jsonb_populate_record(NULL::%[1]s, @values)", d.Object.Table, list)
	if !d.New() {
		sql = fmt.Sprintf("UPDATE %[1]s t SET (%[2]s) = (SELECT %[2]s FROM jsonb_populate_record(NULL::%[1]s, @values)) WHERE t.id = @id", d.Object.Table, list)
	}
	return statement{table: d.Object.Table, path: d.Path, sql: sql, args: pgx.NamedArgs{"values": values, "id": d.ID.String()}}, nil
}

// within refuses rows outside of the territories that a token is limited to.
func (tx *Tx) within(ctx context.Context, d *Draft) error {
	return tx.Within(ctx, d.Object.Type, d.Object.Belongs, d.ID, d.Path...)
}

// Within refuses a row of a type outside of the territories that a token is limited
// to. A query says where the row @id belongs, as an Object does.
func (tx *Tx) Within(ctx context.Context, typeName, belongs string, id nodeid.UUID, path ...string) error {
	if len(tx.Actor.Territories) == 0 {
		return nil
	}
	if belongs == "" {
		return Refuse(OutOfScope, path, "This token writes only what belongs to its territories; a %s belongs to none.", typeName)
	}
	var inside bool
	err := tx.QueryRow(ctx, `SELECT territories_permit(@keys, array_agg(o.municipality_id), array_agg(o.state_id)) FROM (`+belongs+`) o`,
		pgx.NamedArgs{"id": id.String(), "keys": tx.Actor.Limits()}).Scan(&inside)
	if err != nil {
		return err
	}
	if !inside {
		return Refuse(OutOfScope, path, "This token writes only what belongs to its territories.")
	}
	return nil
}

// beside is the path of a field that stands beside the input object of a draft, or in
// the input itself if the draft has none.
func (d *Draft) beside(name string) []string {
	at := d.Path
	if len(at) > 1 {
		at = at[:len(at)-1]
	}
	return append(slices.Clip(at), name)
}

// Stale says what a row has become since the version that was sent.
func (tx *Tx) Stale(ctx context.Context, typeName string, key nodeid.UUID, version, now int, path ...string) error {
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
	return UserErrors{{Path: path, Code: Conflict, Current: current,
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
	if errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "23") || beyond[pg.Code] != "") {
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
