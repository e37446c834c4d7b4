package write

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/slug"
)

// Outcome is what became of a record of an import.
type Outcome struct {
	ID         *nodeid.ID
	Status     string // CREATED, UPDATED, UNCHANGED or FAILED
	UserErrors UserErrors
}

// Importable are the types of which records can be imported, in order.
func (r *Registry) Importable() []string {
	var types []string
	for _, f := range r.catalogue.Schema.Types["ImportRecordInput"].Fields {
		if name := strings.TrimSuffix(f.Type.Name(), "Input"); r.objects[name] != nil {
			types = append(types, name)
		}
	}
	slices.Sort(types)
	return types
}

// MaxRecords is how many records one mutation takes.
const MaxRecords = 500

// Records writes records, in their order. One that fails leaves nothing behind; if
// all is to fail with it, the caller rolls back.
func (tx *Tx) Records(ctx context.Context, records []any, path ...string) ([]Outcome, error) {
	outcomes := make([]Outcome, len(records))
	for i, record := range records {
		at := append(slices.Clip(path), strconv.Itoa(i))
		if f, wrong := record.(*fault.Error); wrong { // a value of it is none
			outcomes[i] = Outcome{Status: "FAILED", UserErrors: Refuse(Invalid, append(at, f.Path...), "This %s", f.Message)}
			continue
		}
		given, _ := record.(plan.Input)
		outcome, err := tx.Record(ctx, given, at...)
		if err != nil {
			return nil, err
		}
		outcomes[i] = outcome
	}
	return outcomes, nil
}

// Record writes one record, in a transaction inside the transaction.
func (tx *Tx) Record(ctx context.Context, given plan.Input, path ...string) (Outcome, error) {
	return tx.Alone(ctx, func(tx *Tx) (Outcome, error) { return tx.record(ctx, given, path) })
}

// Alone writes in a transaction inside the transaction. What fails with UserErrors
// leaves nothing behind.
func (tx *Tx) Alone(ctx context.Context, do func(tx *Tx) (Outcome, error)) (Outcome, error) {
	inner, err := tx.Begin(ctx)
	if err != nil {
		return Outcome{}, err
	}
	within := *tx
	within.Tx = inner
	outcome, err := do(&within)
	var problems UserErrors
	if errors.As(err, &problems) {
		return Outcome{Status: "FAILED", UserErrors: problems}, inner.Rollback(ctx)
	}
	if err != nil {
		_ = inner.Rollback(context.WithoutCancel(ctx)) // the first error says more
		return Outcome{}, err
	}
	return outcome, inner.Commit(ctx)
}

func (tx *Tx) record(ctx context.Context, given plan.Input, path []string) (Outcome, error) {
	o, content, err := tx.content(given, path)
	if err != nil {
		return Outcome{}, err
	}
	at := append(slices.Clip(path), lower(o.Type))
	source, external := given["source"], given["externalId"]
	if (source == nil) != (external == nil) {
		return Outcome{}, Refuse(Invalid, path, "Give `source` and `externalId`, or neither.")
	}
	key, there, err := tx.match(ctx, o, given, content, path)
	if err != nil {
		return Outcome{}, err
	}
	var d *Draft
	var before map[string]any
	outcome := Outcome{Status: "CREATED"}
	if there {
		version, _ := given["version"].(int64)
		if before, err = tx.snapshot(ctx, o, key); err != nil {
			return outcome, err
		}
		d, err = tx.Update(ctx, o.Type, tx.id(o, key), int(version), tx.changed(before, content), at...)
	} else {
		d, err = tx.create(ctx, o.Type, key, content, at)
	}
	if err != nil {
		return outcome, err
	}
	if err := tx.known(ctx, d, given, path); err != nil {
		return outcome, err
	}
	if status, ok := given["publicationStatus"].(string); ok {
		if err := tx.publishRecord(ctx, o, key, status, given, content, path); err != nil {
			return outcome, err
		}
	}
	if at, ok := given["updatedAt"].(time.Time); ok {
		if tx.catalogue.Schema.Types[o.Type].Fields.ForName("updatedAt") == nil {
			return outcome, Refuse(Invalid, append(slices.Clip(path), "updatedAt"), "Of a %s nobody says that it was updated.", o.Type)
		}
		if _, err := tx.Change(ctx, o.Type, tx.id(o, key), 0, func(d *Draft) error {
			d.Set["updated_at"] = at.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
			return nil
		}); err != nil {
			return outcome, err
		}
	}
	if there {
		after, err := tx.snapshot(ctx, o, key)
		if err != nil {
			return outcome, err
		}
		outcome.Status = "UPDATED"
		if before["version"] == after["version"] {
			outcome.Status = "UNCHANGED"
		}
	}
	id := tx.id(o, key)
	outcome.ID = &id
	return outcome, nil
}

// known writes by what else a row is found: external ids, and slugs that it had.
func (tx *Tx) known(ctx context.Context, d *Draft, given plan.Input, path []string) error {
	at := append(slices.Clip(path), "externalId")
	var external [][2]any
	if given["externalId"] != nil {
		external = append(external, [2]any{given["source"], given["externalId"]})
	}
	more, _ := given["externalIds"].([]any)
	for _, item := range more {
		id, _ := item.(plan.Input)
		external = append(external, [2]any{id["source"], id["id"]})
	}
	for i, id := range external {
		if i > 0 || given["externalId"] == nil {
			at = append(slices.Clip(path), "externalIds")
		}
		var theirs string
		err := tx.QueryRow(ctx, `INSERT INTO external_id AS e (type, source, external_id, id) VALUES ($1, $2, $3, $4)
ON CONFLICT (type, source, external_id) DO UPDATE SET id = e.id RETURNING id::text`, d.Object.Type, id[0], id[1], d.ID.String()).Scan(&theirs)
		if err != nil {
			return tx.explain(err, d, statement{table: "external_id", path: at})
		}
		if theirs != d.ID.String() {
			return Refuse(Taken, at, "This external id belongs to another %s.", d.Object.Type)
		}
	}
	slugs, _ := given["formerSlugs"].([]any)
	at = append(slices.Clip(path), "formerSlugs")
	if len(slugs) > 0 && d.Object.Slug == "" {
		return Refuse(Invalid, at, "A %s has no slug.", d.Object.Type)
	}
	for _, former := range slugs {
		text, _ := former.(string)
		if slug.Make(text) != text || text == "" || len(text) > maxSlug {
			return Refuse(Invalid, at, "A slug has lower case letters a to z, digits and single hyphens, %d characters at most.", maxSlug)
		}
		var theirs string
		err := tx.QueryRow(ctx, `INSERT INTO former_slug AS f (type, slug, id) VALUES ($1, $2, $3) ON CONFLICT (type, slug) DO UPDATE SET id = f.id RETURNING id::text`,
			d.Object.Table, text, d.ID.String()).Scan(&theirs)
		if err != nil {
			return tx.explain(err, d, statement{table: "former_slug", path: at})
		}
		if theirs != d.ID.String() {
			return Refuse(Taken, at, "Another %s had the slug %s before.", d.Object.Type, text)
		}
	}
	return nil
}

// content is the one input of a type that a record holds.
func (tx *Tx) content(given plan.Input, path []string) (*Object, plan.Input, error) {
	var o *Object
	var content plan.Input
	for name, v := range given {
		in, ok := v.(plan.Input)
		if !ok {
			continue
		}
		if o != nil {
			return nil, nil, Refuse(Invalid, path, "A record holds one thing, not several.")
		}
		o, content = tx.objects[strings.ToUpper(name[:1])+name[1:]], in
	}
	if o == nil {
		return nil, nil, Refuse(Required, path, "A record holds the input of one type, such as `article`.")
	}
	return o, content, nil
}

func lower(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// match finds the row that a record is about, or a key for a new one.
func (tx *Tx) match(ctx context.Context, o *Object, given, content plan.Input, path []string) (key nodeid.UUID, there bool, err error) {
	key = nodeid.New(tx.Now)
	id, named := given["id"].(nodeid.ID)
	if named {
		if id.Prefix != tx.catalogue.Object(o.Type).Prefix {
			return key, false, Refuse(NotFound, append(slices.Clip(path), "id"), "This is no id of a %s.", o.Type)
		}
		key = id.UUID
	}
	natural := o.Natural
	if natural == "" && o.Slug != "" {
		natural = "slug"
	}
	value, _ := content[natural].(string)
	column := natural
	if natural == "" {
		column = "id::text" // nothing natural
	}
	source, _ := given["source"].(string)
	external, _ := given["externalId"].(string)
	var found []string
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT t.id::text FROM %[1]s t WHERE t.id = @id AND @named
UNION ALL SELECT e.id::text FROM external_id e WHERE e.type = @type AND e.source = @source AND e.external_id = @external
UNION ALL SELECT t.id::text FROM %[1]s t WHERE t.%[2]s = @value AND NOT @named`, o.Table, column),
		pgx.NamedArgs{"id": key.String(), "named": named, "type": o.Type, "source": source, "external": external, "value": value})
	if err != nil {
		return key, false, err
	}
	if found, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return key, false, err
	}
	if len(found) == 0 {
		return key, false, nil
	}
	if named && found[0] != key.String() {
		return key, false, Refuse(Taken, append(slices.Clip(path), "externalId"), "This external id belongs to another %s.", o.Type)
	}
	key, err = nodeid.ParseUUID(found[0])
	return key, true, err
}

// snapshot is a row as it is.
func (tx *Tx) snapshot(ctx context.Context, o *Object, key nodeid.UUID) (row map[string]any, err error) {
	var raw []byte
	if err := tx.QueryRow(ctx, lockRow(o.Table), pgx.NamedArgs{"id": key.String()}).Scan(&raw); err != nil {
		return nil, err
	}
	return row, json.Unmarshal(raw, &row)
}

// changed leaves out of an input what the row says already, so that the same import
// twice changes nothing.
func (tx *Tx) changed(row map[string]any, content plan.Input) plan.Input {
	changed := maps.Clone(content)
	for name, v := range content {
		if there, ok := row[snake(name)]; ok && reflect.DeepEqual(there, jsonValue(v)) {
			delete(changed, name)
		}
	}
	return changed
}

// jsonValue is a value as decoded JSON holds it.
func jsonValue(v any) any {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	return v
}

// publishRecord puts an imported row into its place in the life cycle. A day or an
// instant that is given as null is not known, and stays so.
func (tx *Tx) publishRecord(ctx context.Context, o *Object, key nodeid.UUID, status string, record, content plan.Input, path []string) error {
	if !o.Published {
		return Refuse(Invalid, append(slices.Clip(path), "publicationStatus"), "A %s has no life cycle of its own.", o.Type)
	}
	when, given := record["publishedAt"].(time.Time)
	at, said := record["publishedAt"]
	unknown := said && at == nil
	day, said := content["publishedOn"]
	undated := unknown || said && day == nil
	_, err := tx.Change(ctx, o.Type, tx.id(o, key), 0, func(d *Draft) error {
		d.Path = path
		if d.Old["publication_status"] == status && !given && (!unknown || d.Old["published_at"] == nil) {
			return nil
		}
		if status != "DRAFT" && status != "IN_REVIEW" {
			if err := tx.May(auth.Publish); err != nil {
				return err
			}
		}
		switch {
		case status == "SCHEDULED" && !when.After(tx.Now):
			return Refuse(OutOfRange, append(slices.Clip(path), "publishedAt"), "What is scheduled needs an instant in the future.")
		case given && status != "SCHEDULED" && when.After(tx.Now):
			return Refuse(OutOfRange, append(slices.Clip(path), "publishedAt"), "What is published was so in the past.")
		}
		d.Set["publication_status"] = status
		public := status == "PUBLISHED" || status == "ARCHIVED" || status == "SCHEDULED"
		if first, known := instant(d.Old["published_at"]); public && !given && !unknown && (!known || first.After(tx.Now)) {
			when, given = tx.Now, true
		}
		if unknown {
			d.Set["published_at"] = nil
		}
		if given {
			d.Set["published_at"] = when.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
		}
		if public {
			if !undated {
				d.dated(when)
			}
			d.Complete()
		}
		if len(d.UserErrors) > 0 {
			return d.UserErrors
		}
		return nil
	})
	return err
}

// Resolve gives the keys of what a list of references names.
func (tx *Tx) Resolve(ctx context.Context, typeName string, references []any, path ...string) ([]string, error) {
	d := &Draft{Object: &Object{Type: typeName}, Set: map[string]any{}, slugGiven: true, Path: path}
	rows := make([]map[string]any, len(references))
	for i, reference := range references {
		rows[i] = map[string]any{}
		given, _ := reference.(plan.Input)
		tx.refer(d, given, map[string]string{typeName: "id"}, rows[i], append(slices.Clip(path), strconv.Itoa(i)))
	}
	if err := tx.lookup(ctx, d, 0, false); err != nil {
		return nil, err
	}
	if len(d.UserErrors) > 0 {
		return nil, d.UserErrors
	}
	keys := make([]string, len(rows))
	for i, row := range rows {
		keys[i], _ = row["id"].(string)
	}
	return keys, nil
}

// Source writes where a fact was read, and gives its key.
func (tx *Tx) Source(ctx context.Context, given plan.Input, path ...string) (string, error) {
	d := &Draft{Object: &Object{Type: "Source", Table: "source"}, ID: nodeid.New(tx.Now), Set: map[string]any{}, Path: path}
	tx.columns(d, "source", tx.catalogue.Schema.Types["SourceInput"], given, nil, "", d.Set, path, nil)
	d.Set["id"] = d.ID.String()
	if len(d.UserErrors) > 0 {
		return "", d.UserErrors
	}
	return d.ID.String(), tx.flush(ctx, d)
}
