// Package ndjson imports lines of JSON, one object each, through the one writer:
//
//	{"type":"Topic","source":"cms","externalId":"7","name":"Open data","scheme":"ACTION_FIELD"}
//	{"type":"Article","slug":"a","kind":"NEWS","title":"A","topics":{"set":[{"external":{"source":"cms","id":"7"}}]},"publicationStatus":"PUBLISHED"}
//
// A line is a record of the mutation importRecords with its fields one level up: type,
// id, source, externalId, version, publicationStatus and publishedAt are those of the
// record, all others those of the type's input. Nothing else differs, errors included.
package ndjson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"stadtgraph/internal/batch"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

// source reads records of lines.
type source struct {
	lines     *lines
	writer    *write.Writer
	catalogue *plan.Catalogue
	name      string // of lines that give an externalId and no source
}

// Read makes a source of lines. The name is the source of those that give an
// externalId and no source.
func Read(in io.Reader, w *write.Writer, c *plan.Catalogue, name string) batch.Source {
	return &source{lines: newLines(in), writer: w, catalogue: c, name: name}
}

func (s *source) Read() int64 { return s.lines.read }

func (s *source) Next() (batch.Record, error) {
	raw, number, err := s.lines.next()
	if err != nil && !errors.Is(err, errTooLong) {
		return batch.Record{}, err
	}
	return s.parse(raw, number, err), nil
}

// field is the field of ImportRecordInput that holds the input of a type.
func field(typeName string) string { return strings.ToLower(typeName[:1]) + typeName[1:] }

// inLine is the path of a mutation's record, as one in a line of a type.
func inLine(typeName string) func([]string) []string {
	return func(path []string) []string {
		for _, outer := range []string{"input", field(typeName)} {
			if len(path) > 0 && path[0] == outer {
				path = path[1:]
			}
		}
		return append([]string{}, path...)
	}
}

// ofRecord are the fields of a line that are not of its type's input.
var ofRecord = []string{"id", "source", "externalId", "externalIds", "version", "publicationStatus", "publishedAt", "updatedAt", "formerSlugs"}

// notImported are types of lines that exports have and nobody imports: what comes with
// the register, what citizens say, and where changes go on.
var notImported = []string{"State", "Municipality", "Comment", "Cursor"}

// parse makes a record of a line.
func (s *source) parse(raw []byte, number int, err error) batch.Record {
	r := batch.Record{Line: number, Size: len(raw)}
	refuse := func(code write.Code, path []string, message string, args ...any) batch.Record {
		r.Refuse(code, path, message, args...)
		return r
	}
	if err != nil {
		return refuse(write.TooLong, nil, "A line may have %d MB at most.", batch.MaxRecord>>20)
	}
	object, err := decode(raw)
	var bad *valueError
	if errors.As(err, &bad) {
		return refuse(write.Invalid, bad.path, "%s", bad.message)
	}
	typeName, _ := object["type"].(string)
	switch {
	case object["type"] == nil:
		return refuse(write.Required, []string{"type"}, "A line says what it is: one of %s.", strings.Join(s.writer.Importable(), ", "))
	case slices.Contains(notImported, typeName):
		r.Type = typeName
		return r
	case !slices.Contains(s.writer.Importable(), typeName):
		return refuse(write.Invalid, []string{"type"}, "%q is no type that can be imported: it is one of %s.", fmt.Sprint(object["type"]), strings.Join(s.writer.Importable(), ", "))
	}
	r.Type, r.Path = typeName, inLine(typeName)
	delete(object, "type")
	given := map[string]any{field(typeName): object}
	for _, name := range ofRecord {
		if v, ok := object[name]; ok {
			given[name] = v
			delete(object, name)
		}
	}
	if given["externalId"] != nil && given["source"] == nil && s.name != "" {
		given["source"] = s.name
	}
	record, err := s.catalogue.Record("ImportRecordInput", given)
	if f, ok := fault.From(err); ok {
		return refuse(write.Invalid, r.Path(f.Path), "This %s", f.Message)
	}
	if err != nil {
		return refuse(batch.Internal, nil, "%s", err.Error())
	}
	r.Write, r.Parts = writing(record), parts{field(typeName), record}
	return r
}

func writing(record plan.Input) func(context.Context, *write.Tx) (write.Outcome, error) {
	return func(ctx context.Context, tx *write.Tx) (write.Outcome, error) { return tx.Record(ctx, record) }
}

// parts are the record of a line, and the field in which its content is.
type parts struct {
	field  string
	record plan.Input
}

func (p parts) Without(paths [][]string) func(context.Context, *write.Tx) (write.Outcome, error) {
	content, _ := p.record[p.field].(plan.Input)
	content = maps.Clone(content)
	for _, path := range paths {
		if len(path) == 0 || slices.Contains(ofRecord, path[0]) {
			return nil
		}
		delete(content, path[0])
	}
	record := maps.Clone(p.record)
	record[p.field] = content
	return writing(record)
}

func (p parts) Onto(id string) func(context.Context, *write.Tx) (write.Outcome, error) {
	record := maps.Clone(p.record)
	delete(record, "version") // it was compared
	parsed, err := nodeid.Parse(id)
	if err != nil {
		return func(context.Context, *write.Tx) (write.Outcome, error) { return write.Outcome{}, err }
	}
	record["id"] = parsed
	return writing(record)
}
