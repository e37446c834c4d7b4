package write

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// group are references of one kind to one type, looked up together.
type group struct{ typeName, by string }

// lookup sends one batch: it locks the row, if there is one, and resolves what the
// draft refers to, finds a free slug, and reads the lists that are changed in part.
func (tx *Tx) lookup(ctx context.Context, d *Draft, version int, exists bool) error {
	batch := &pgx.Batch{}
	var steps []func(pgx.Rows) error
	ask := func(sql string, args pgx.NamedArgs, then func(pgx.Rows) error) {
		batch.Queue(sql, args)
		steps = append(steps, then)
	}
	if exists {
		ask(lockRow(d.Object.Table), pgx.NamedArgs{"id": d.ID.String()}, func(rows pgx.Rows) error {
			var raw []byte
			if err := one(rows, &raw); err != nil {
				return err
			}
			if raw == nil {
				return nil
			}
			return json.Unmarshal(raw, &d.Old)
		})
	}
	groups := map[group][]*reference{}
	var order []group
	for _, ref := range d.references {
		for _, typeName := range ref.types {
			g := group{typeName, ref.by}
			if groups[g] == nil {
				order = append(order, g)
			}
			groups[g] = append(groups[g], ref)
		}
	}
	for _, g := range order {
		sql := tx.find(g)
		if sql == "" {
			continue // nothing of the type is found so
		}
		values := []string{}
		for _, ref := range groups[g] {
			if !slices.Contains(values, ref.value) {
				values = append(values, ref.value)
			}
		}
		ask(sql, pgx.NamedArgs{"values": values, "type": g.typeName}, func(rows pgx.Rows) error {
			found := map[string]string{}
			var value, id string
			if _, err := pgx.ForEachRow(rows, []any{&value, &id}, func() error { found[value] = id; return nil }); err != nil {
				return err
			}
			for _, ref := range groups[g] {
				if id := found[ref.value]; id != "" && !ref.found {
					ref.found = true
					ref.into[ref.to[g.typeName]] = id
				}
			}
			return nil
		})
	}
	for _, c := range d.children {
		if !c.partial {
			continue
		}
		columns := c.columns()
		where, args := c.where()
		ask(fmt.Sprintf("SELECT to_jsonb(l) FROM (SELECT %s FROM %s WHERE %s%s) l", strings.Join(columns, ", "), c.table, where, c.order()), args,
			func(rows pgx.Rows) error {
				var raw []byte
				_, err := pgx.ForEachRow(rows, []any{&raw}, func() error {
					row := map[string]any{}
					c.rows = append(c.rows, row)
					return json.Unmarshal(raw, &row)
				})
				return err
			})
	}
	if base := d.slugBase(exists); base != "" {
		// Who makes rows of one name takes turns, or all but one would try again each time.
		ask(`SELECT pg_advisory_xact_lock(hashtextextended(@row, 0))`, pgx.NamedArgs{"row": "slug " + d.Object.Table + " " + base}, func(rows pgx.Rows) error {
			rows.Close()
			return rows.Err()
		})
		ask(fmt.Sprintf(`SELECT taken FROM (SELECT slug AS taken FROM %s WHERE slug = @base OR slug LIKE @base || '-%%'
 UNION ALL SELECT f.slug FROM former_slug f WHERE f.type = @table AND (f.slug = @base OR f.slug LIKE @base || '-%%')) t`, d.Object.Table),
			pgx.NamedArgs{"base": base, "table": d.Object.Table}, func(rows pgx.Rows) error {
				taken, err := pgx.CollectRows(rows, pgx.RowTo[string])
				if err == nil {
					d.Set["slug"] = free(base, taken)
				}
				return err
			})
	}
	if batch.Len() > 0 {
		results := tx.SendBatch(ctx, batch)
		for _, then := range steps {
			rows, err := results.Query()
			if err == nil {
				err = then(rows)
			}
			if err != nil {
				_ = results.Close() // the first error says more
				return err
			}
		}
		if err := results.Close(); err != nil {
			return err
		}
	}
	if exists && d.Old == nil || d.Old["deleted_at"] != nil {
		if d.Old != nil && len(d.Path) > 2 { // an import found it by something else
			return Refuse(NotFound, d.beside("id"), "The %s that this is about was deleted; restore it first.", d.Object.Type)
		}
		d.refuse(NotFound, d.beside("id"), "There is no %s of this id.", d.Object.Type)
		return d.UserErrors
	}
	if now := d.version(); exists && version != 0 && now != version {
		return tx.Stale(ctx, d.Object.Type, d.ID, version, now, d.beside("version")...)
	}
	for _, ref := range d.references {
		if !ref.found {
			d.refuse(NotFound, ref.path, "There is no %s with this %s.", strings.TrimPrefix(oneOf(ref.types), "a "), ref.by)
		}
	}
	for _, c := range d.children {
		c.merge(d)
	}
	return nil
}

// old reads and locks a row, and says whether it was deleted.
func (tx *Tx) old(ctx context.Context, d *Draft) (deleted bool, err error) {
	rows, err := tx.Query(ctx, lockRow(d.Object.Table), pgx.NamedArgs{"id": d.ID.String()})
	if err != nil {
		return false, err
	}
	var raw []byte
	if err := one(rows, &raw); err != nil || raw == nil {
		return false, err
	}
	err = json.Unmarshal(raw, &d.Old)
	return d.Old["deleted_at"] != nil, err
}

// lockRow reads a row that is about to be changed. What is rendered of its texts
// is not needed for that, and long. The lock lets others refer to the row meanwhile:
// two rows that come to refer to each other would else wait for each other.
func lockRow(table string) string {
	drop := "{}"
	if c, ok := rendered(table); ok {
		drop = "{" + strings.Join(slices.Sorted(maps.Keys(c.Values(""))), ",") + "}"
	}
	return "SELECT to_jsonb(t) - '" + drop + "'::text[] FROM " + table + " t WHERE t.id = @id FOR NO KEY UPDATE"
}

func one(rows pgx.Rows, into *[]byte) error {
	_, err := pgx.ForEachRow(rows, []any{into}, func() error { return nil })
	return err
}

// find is the statement that looks up rows of a type: it gives what was asked for
// and the key of the row.
func (tx *Tx) find(g group) string {
	table := string(tx.catalogue.Object(g.typeName).Table)
	there := ""
	if tx.deletable(g.typeName) {
		there = " AND t.deleted_at IS NULL"
	}
	switch g.by {
	case "id":
		return fmt.Sprintf("SELECT t.id::text, t.id::text FROM %s t WHERE t.id = ANY(@values::uuid[])%s", table, there)
	case "slug":
		if tx.catalogue.Schema.Types[g.typeName].Fields.ForName("slug") == nil {
			return ""
		}
		return fmt.Sprintf(`SELECT t.slug, t.id::text FROM %[1]s t WHERE t.slug = ANY(@values)%[2]s
 UNION ALL SELECT f.slug, t.id::text FROM former_slug f JOIN %[1]s t ON t.id = f.id%[2]s WHERE f.type = '%[1]s' AND f.slug = ANY(@values)
  AND NOT EXISTS (SELECT FROM %[1]s present WHERE present.slug = f.slug)`, table, there)
	case "key":
		switch g.typeName {
		case "State":
			return "SELECT t.key, t.id::text FROM state t WHERE t.key = ANY(@values)"
		case "Municipality":
			return "SELECT k.key, k.municipality_id::text FROM municipality_key k WHERE k.key = ANY(@values)"
		case "Indicator":
			return "SELECT t.code, t.id::text FROM indicator t WHERE t.code = ANY(@values)" + there
		}
		return ""
	}
	return fmt.Sprintf(`SELECT v.value, t.id::text FROM unnest(@values::text[]) v(value)
 JOIN external_id e ON e.type = @type AND e.source = v.value::jsonb ->> 0 AND e.external_id = v.value::jsonb ->> 1 JOIN %s t ON t.id = e.id%s`, table, there)
}

// deletable says whether rows of a type can be deleted without being gone.
func (r *Registry) deletable(typeName string) bool {
	switch typeName {
	case "State", "Municipality", "RankingEntry":
		return false
	}
	return true
}

// columns are those of a list of links, without its holder.
func (c *child) columns() []string {
	if c.field.Target != "" {
		return []string{c.field.Target}
	}
	var columns []string
	for _, column := range c.field.Either {
		columns = append(columns, column)
	}
	slices.Sort(columns)
	return columns
}

// where says which rows of the child table are meant.
func (c *child) where() (string, pgx.NamedArgs) {
	var conditions []string
	args := pgx.NamedArgs{}
	for column, v := range c.owner {
		conditions = append(conditions, fmt.Sprintf("%s = @%[1]s", column))
		args[column] = v
	}
	slices.Sort(conditions)
	return strings.Join(conditions, " AND "), args
}

func (c *child) order() string {
	if c.field.Ordered {
		return " ORDER BY position"
	}
	return ""
}

// merge adds and removes links, and drops those that are there twice.
func (c *child) merge(d *Draft) {
	if c.def != nil { // rows of their own: two that are alike are two
		return
	}
	same := func(a, b map[string]any) bool {
		for _, column := range c.columns() {
			if a[column] != b[column] {
				return false
			}
		}
		return true
	}
	for _, gone := range c.remove {
		c.rows = slices.DeleteFunc(c.rows, func(row map[string]any) bool { return same(row, gone) })
	}
	for _, row := range c.add {
		if !slices.ContainsFunc(c.rows, func(there map[string]any) bool { return same(row, there) }) {
			c.rows = append(c.rows, row)
		}
	}
	if len(c.rows) > maxItems {
		d.refuse(TooLong, c.path, "This may have %d entries at most.", maxItems)
	}
	var once []map[string]any
	for _, row := range c.rows {
		if !slices.ContainsFunc(once, func(there map[string]any) bool { return same(row, there) }) {
			once = append(once, row)
		}
	}
	c.rows = once
}
