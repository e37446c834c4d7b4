// Package batch writes the records of a file through the one writer, whatever the
// file's format: a Source reads records, Run writes them chunk by chunk, or all or
// nothing, and says of each what became of it.
package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/write"
)

// Source reads a file record by record.
type Source interface {
	// Next gives the next record; io.EOF behind the last one. A record that cannot be
	// read is one with problems; an error ends the import.
	Next() (Record, error)
	// Read is how many bytes were read.
	Read() int64
}

// Record is one thing that a file brings.
type Record struct {
	Line     int    // where it begins, from 1
	Type     string // of what it brings, as far as that is known
	Size     int    // in bytes
	Problems []Problem

	// Write writes it, inside a transaction, if it has no problems. Without it the record
	// is skipped.
	Write func(ctx context.Context, tx *write.Tx) (write.Outcome, error)
	// Parts lets it refer to later records; nil if it may not.
	Parts Parts
	// Path says where in the file's record the field of an input is.
	Path func(path []string) []string
}

// Parts are how a record is written that refers to others which are not there yet.
type Parts interface {
	// Without writes the record without the fields of these paths; nil if one of them
	// cannot be left out.
	Without(paths [][]string) func(ctx context.Context, tx *write.Tx) (write.Outcome, error)
	// Onto writes all of it onto what Without has made.
	Onto(id string) func(ctx context.Context, tx *write.Tx) (write.Outcome, error)
}

// Refuse notes a problem with a record.
func (r *Record) Refuse(code write.Code, path []string, message string, args ...any) {
	r.Problems = append(r.Problems, Problem{Path: append([]string{}, path...), Code: code, Message: fmt.Sprintf(message, args...)})
}

// Options are how records are written.
type Options struct {
	Stop   bool // the first record that fails ends it, and nothing is written
	DryRun bool // nothing is written either way

	Report   func(Line) error                  // what became of a record, in their order, once that is certain
	Progress func(summary Summary, read int64) // after each commit
}

// Line is what became of a record.
type Line struct {
	Line       int       `json:"line"`
	Type       string    `json:"type,omitempty"`
	Status     string    `json:"status"` // CREATED, UPDATED, UNCHANGED, SKIPPED or FAILED
	ID         string    `json:"id,omitempty"`
	UserErrors []Problem `json:"userErrors,omitempty"`
}

// Problem is a UserError at the path of a record's field.
type Problem struct {
	Path           []string   `json:"path"`
	Code           write.Code `json:"code"`
	Message        string     `json:"message"`
	CurrentVersion int        `json:"currentVersion,omitempty"`
}

// Summary counts what became of records.
type Summary struct{ Lines, Created, Updated, Unchanged, Skipped, Failed int }

func (s *Summary) count(status string) {
	s.Lines++
	switch status {
	case "CREATED":
		s.Created++
	case "UPDATED":
		s.Updated++
	case "UNCHANGED":
		s.Unchanged++
	case skipped:
		s.Skipped++
	default:
		s.Failed++
	}
}

// What is held at once: one open transaction holds back readers of changes.
const (
	chunkRecords = 200
	chunkBytes   = 4 << 20
)

// MaxRecord is how long a record may be, in bytes. The longest text has 500,000
// characters.
const MaxRecord = 8 << 20

// Internal is the code of what is wrong on our side. The schema's has none, because
// there it is the whole request's.
const Internal write.Code = "INTERNAL"

// skipped is what becomes of records that nobody imports.
const skipped = "SKIPPED"

// errStopped ends a transaction after a record that failed.
var errStopped = errors.New("batch: a record failed")

type runner struct {
	Options
	writer *write.Writer
	actor  *auth.Actor
	source Source
	done   Summary // what is written

	waiting []Record
	held    int // bytes of those that wait
}

// Run writes the records. Its summary is right even if there is an error: what it
// counts is written, unless all of it is one transaction.
func Run(ctx context.Context, w *write.Writer, actor *auth.Actor, source Source, o Options) (Summary, error) {
	r := &runner{Options: o, writer: w, actor: actor, source: source}
	if o.Stop || o.DryRun {
		return r.atOnce(ctx)
	}
	for {
		chunk, err := r.chunk()
		if len(chunk) > 0 {
			if err := r.write(ctx, chunk); err != nil {
				return r.done, err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return r.done, r.settle(ctx)
		case err != nil:
			return r.done, err
		}
	}
}

// chunk reads the records of the next transaction.
func (r *runner) chunk() (chunk []Record, err error) {
	for size := 0; len(chunk) < chunkRecords && size < chunkBytes; {
		record, err := r.source.Next()
		if err != nil {
			return chunk, err
		}
		chunk = append(chunk, record)
		size += record.Size
	}
	return chunk, nil
}

// write commits records, and then says so.
func (r *runner) write(ctx context.Context, chunk []Record) error {
	var outcomes []Line
	err := r.writer.Run(ctx, r.actor, "importRecords", func(tx *write.Tx) error {
		outcomes = outcomes[:0] // it may run again
		for _, record := range chunk {
			outcome, err := one(ctx, tx, record)
			if err != nil {
				return err
			}
			outcomes = append(outcomes, outcome)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("lines %d to %d: %w", chunk[0].Line, chunk[len(chunk)-1].Line, err)
	}
	for n, outcome := range outcomes {
		if r.waits(chunk[n], outcome) {
			continue
		}
		r.done.count(outcome.Status)
		if err := r.report(outcome); err != nil {
			return err
		}
	}
	r.progress(r.done)
	return nil
}

// atOnce writes all records in one transaction.
func (r *runner) atOnce(ctx context.Context) (Summary, error) {
	var tried Summary
	again := false
	tell := func(outcome Line) error {
		if r.DryRun && outcome.Status == "CREATED" {
			outcome.ID = "" // the next run makes another
		}
		tried.count(outcome.Status)
		if err := r.report(outcome); err != nil {
			return err
		}
		if outcome.Status == "FAILED" && r.Stop {
			return errStopped
		}
		return nil
	}
	err := r.writer.Run(ctx, r.actor, "importRecords", func(tx *write.Tx) error {
		if again { // the records are read only once
			return fault.New(fault.Busy, "Somebody else wrote the same; nothing is written, run it again.")
		}
		again = true
		for {
			record, err := r.source.Next()
			if errors.Is(err, io.EOF) {
				late, err := late(ctx, tx, r.waiting)
				if err != nil {
					return err
				}
				for _, outcome := range late {
					if err := tell(outcome); err != nil {
						return err
					}
				}
				if r.DryRun {
					return write.ErrDry
				}
				return nil
			}
			if err != nil {
				return err
			}
			outcome, err := one(ctx, tx, record)
			if err != nil {
				return fmt.Errorf("line %d: %w", record.Line, err)
			}
			if r.waits(record, outcome) {
				continue
			}
			if err := tell(outcome); err != nil {
				return err
			}
			if tried.Lines%chunkRecords == 0 {
				r.progress(tried)
			}
		}
	})
	if errors.Is(err, errStopped) {
		err = nil
	}
	return tried, err
}

func (r *runner) report(l Line) error {
	if r.Report == nil {
		return nil
	}
	return r.Report(l)
}

func (r *runner) progress(s Summary) {
	if r.Progress != nil {
		r.Progress(s, r.source.Read())
	}
}

// one writes a record, inside a transaction.
func one(ctx context.Context, tx *write.Tx, r Record) (Line, error) {
	out := Line{Line: r.Line, Type: r.Type, Status: "FAILED", UserErrors: r.Problems}
	switch {
	case len(r.Problems) > 0:
		return out, nil
	case r.Write == nil:
		out.Status = skipped
		return out, nil
	}
	outcome, err := r.Write(ctx, tx)
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && ours(pg.Code):
		out.UserErrors = []Problem{{Path: []string{}, Code: Internal, Message: "Postgres refuses this: " + pg.Message}}
		return out, nil
	case err != nil:
		return out, err
	}
	out.Status = outcome.Status
	if outcome.ID != nil {
		out.ID = outcome.ID.String()
	}
	for _, p := range outcome.UserErrors {
		problem := Problem{Path: r.Path(p.Path), Code: p.Code, Message: p.Message}
		if p.Current != nil {
			problem.CurrentVersion = p.Current.Version
		}
		out.UserErrors = append(out.UserErrors, problem)
	}
	return out, nil
}

// ours says whether an error of Postgres is about the record: a rule of the database
// that the writer has no words for. Everything else is about the transaction or the
// server.
func ours(code string) bool {
	return strings.HasPrefix(code, "22") || strings.HasPrefix(code, "23") || strings.HasPrefix(code, "P0")
}
