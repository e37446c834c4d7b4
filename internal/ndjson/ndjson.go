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
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

// Options are how lines are imported.
type Options struct {
	Source string // of lines that give an externalId and no source
	Stop   bool   // the first line that fails ends it, and nothing is written
	DryRun bool   // nothing is written either way

	Report   func(Line) error                  // what became of a line, in their order, once that is certain
	Progress func(summary Summary, read int64) // after each commit
}

// Line is what became of a line.
type Line struct {
	Line       int       `json:"line"`
	Type       string    `json:"type,omitempty"`
	Status     string    `json:"status"` // CREATED, UPDATED, UNCHANGED or FAILED
	ID         string    `json:"id,omitempty"`
	UserErrors []Problem `json:"userErrors,omitempty"`
}

// Problem is a UserError at the path of a line's field.
type Problem struct {
	Path           []string   `json:"path"`
	Code           write.Code `json:"code"`
	Message        string     `json:"message"`
	CurrentVersion int        `json:"currentVersion,omitempty"`
}

// Summary counts what became of lines. Those that are empty do not count.
type Summary struct{ Lines, Created, Updated, Unchanged, Failed int }

func (s *Summary) count(status string) {
	s.Lines++
	switch status {
	case "CREATED":
		s.Created++
	case "UPDATED":
		s.Updated++
	case "UNCHANGED":
		s.Unchanged++
	default:
		s.Failed++
	}
}

// What is held at once: one open transaction holds back readers of changes.
const (
	chunkLines = 200
	chunkBytes = 4 << 20
)

// internal is the code of what is wrong on our side. The schema's has none, because
// there it is the whole request's.
const internal write.Code = "INTERNAL"

// errStopped ends a transaction after a line that failed.
var errStopped = errors.New("ndjson: a line failed")

type importer struct {
	Options
	writer    *write.Writer
	catalogue *plan.Catalogue
	actor     *auth.Actor
	lines     *lines
	done      Summary // what is written
}

// Import writes the lines. Its summary is right even if there is an error: what it
// counts is written, unless all of it is one transaction.
func Import(ctx context.Context, w *write.Writer, c *plan.Catalogue, actor *auth.Actor, in io.Reader, o Options) (Summary, error) {
	i := &importer{Options: o, writer: w, catalogue: c, actor: actor, lines: newLines(in)}
	if o.Stop || o.DryRun {
		return i.atOnce(ctx)
	}
	for {
		chunk, err := i.chunk()
		if len(chunk) > 0 {
			if err := i.write(ctx, chunk); err != nil {
				return i.done, err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return i.done, nil
		case err != nil:
			return i.done, err
		}
	}
}

// chunk reads the lines of the next transaction.
func (i *importer) chunk() (chunk []record, err error) {
	for size := 0; len(chunk) < chunkLines && size < chunkBytes; {
		raw, number, err := i.lines.next()
		if err != nil && !errors.Is(err, errTooLong) {
			return chunk, err
		}
		chunk = append(chunk, i.parse(raw, number, err))
		size += len(raw)
	}
	return chunk, nil
}

// write commits lines, and then says so.
func (i *importer) write(ctx context.Context, chunk []record) error {
	var outcomes []Line
	err := i.writer.Run(ctx, i.actor, "importRecords", func(tx *write.Tx) error {
		outcomes = outcomes[:0] // it may run again
		for _, r := range chunk {
			outcome, err := i.one(ctx, tx, r)
			if err != nil {
				return err
			}
			outcomes = append(outcomes, outcome)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("lines %d to %d: %w", chunk[0].line, chunk[len(chunk)-1].line, err)
	}
	for _, outcome := range outcomes {
		i.done.count(outcome.Status)
		if err := i.report(outcome); err != nil {
			return err
		}
	}
	i.progress(i.done)
	return nil
}

// atOnce runs all lines in one transaction.
func (i *importer) atOnce(ctx context.Context) (Summary, error) {
	var tried Summary
	again := false
	err := i.writer.Run(ctx, i.actor, "importRecords", func(tx *write.Tx) error {
		if again { // the lines are read only once
			return fault.New(fault.Busy, "Somebody else wrote the same; nothing is written, run it again.")
		}
		again = true
		for {
			raw, number, err := i.lines.next()
			switch {
			case errors.Is(err, io.EOF) && i.DryRun:
				return write.ErrDry
			case errors.Is(err, io.EOF):
				return nil
			case err != nil && !errors.Is(err, errTooLong):
				return err
			}
			outcome, err := i.one(ctx, tx, i.parse(raw, number, err))
			if err != nil {
				return fmt.Errorf("line %d: %w", number, err)
			}
			if i.DryRun && outcome.Status == "CREATED" {
				outcome.ID = "" // the next run makes another
			}
			tried.count(outcome.Status)
			if err := i.report(outcome); err != nil {
				return err
			}
			if outcome.Status == "FAILED" && i.Stop {
				return errStopped
			}
			if tried.Lines%chunkLines == 0 {
				i.progress(tried)
			}
		}
	})
	if errors.Is(err, errStopped) {
		err = nil
	}
	return tried, err
}

func (i *importer) report(l Line) error {
	if i.Report == nil {
		return nil
	}
	return i.Report(l)
}

func (i *importer) progress(s Summary) {
	if i.Progress != nil {
		i.Progress(s, i.lines.read)
	}
}

// one writes a line, inside a transaction.
func (i *importer) one(ctx context.Context, tx *write.Tx, r record) (Line, error) {
	out := Line{Line: r.line, Type: r.typeName, Status: "FAILED", UserErrors: r.problems}
	if len(r.problems) > 0 {
		return out, nil
	}
	outcome, err := tx.Record(ctx, r.given)
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && ours(pg.Code):
		out.UserErrors = []Problem{{Path: []string{}, Code: internal, Message: "Postgres refuses this: " + pg.Message}}
		return out, nil
	case err != nil:
		return out, err
	}
	out.Status = outcome.Status
	if outcome.ID != nil {
		out.ID = outcome.ID.String()
	}
	for _, p := range outcome.UserErrors {
		problem := Problem{Path: r.path(p.Path), Code: p.Code, Message: p.Message}
		if p.Current != nil {
			problem.CurrentVersion = p.Current.Version
		}
		out.UserErrors = append(out.UserErrors, problem)
	}
	return out, nil
}

// ours says whether an error of Postgres is about the line: a rule of the database that
// the writer has no words for. Everything else is about the transaction or the server.
func ours(code string) bool {
	return strings.HasPrefix(code, "22") || strings.HasPrefix(code, "23") || strings.HasPrefix(code, "P0")
}

// record is a line that was read.
type record struct {
	line     int
	typeName string
	given    plan.Input
	problems []Problem
}

// field is the field of ImportRecordInput that holds the input of a type.
func field(typeName string) string { return strings.ToLower(typeName[:1]) + typeName[1:] }

// path is that of a mutation's record, as one in the line.
func (r record) path(path []string) []string {
	for _, outer := range []string{"input", field(r.typeName)} {
		if len(path) > 0 && path[0] == outer {
			path = path[1:]
		}
	}
	return append([]string{}, path...)
}

// ofRecord are the fields of a line that are not of its type's input.
var ofRecord = []string{"id", "source", "externalId", "version", "publicationStatus", "publishedAt"}

// parse makes a record of a line.
func (i *importer) parse(raw []byte, number int, err error) record {
	r := record{line: number}
	refuse := func(code write.Code, path []string, message string, args ...any) record {
		r.problems = append(r.problems, Problem{Path: append([]string{}, path...), Code: code, Message: fmt.Sprintf(message, args...)})
		return r
	}
	if err != nil {
		return refuse(write.TooLong, nil, "A line may have %d MB at most.", maxLine>>20)
	}
	object, err := decode(raw)
	var bad *valueError
	if errors.As(err, &bad) {
		return refuse(write.Invalid, bad.path, "%s", bad.message)
	}
	typeName, _ := object["type"].(string)
	switch {
	case object["type"] == nil:
		return refuse(write.Required, []string{"type"}, "A line says what it is: one of %s.", strings.Join(i.writer.Types(), ", "))
	case !slices.Contains(i.writer.Types(), typeName):
		return refuse(write.Invalid, []string{"type"}, "%q is no type that can be imported: it is one of %s.", fmt.Sprint(object["type"]), strings.Join(i.writer.Types(), ", "))
	}
	r.typeName = typeName
	delete(object, "type")
	given := map[string]any{field(typeName): object}
	for _, name := range ofRecord {
		if v, ok := object[name]; ok {
			given[name] = v
			delete(object, name)
		}
	}
	if given["externalId"] != nil && given["source"] == nil && i.Source != "" {
		given["source"] = i.Source
	}
	r.given, err = i.catalogue.Record("ImportRecordInput", given)
	if f, ok := fault.From(err); ok {
		return refuse(write.Invalid, r.path(f.Path), "This %s", f.Message)
	}
	if err != nil {
		return refuse(internal, nil, "%s", err.Error())
	}
	return r
}
