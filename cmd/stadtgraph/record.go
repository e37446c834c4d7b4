package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/batch"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/write"
)

// importRecords is what commands have in common that import records of a file.
type importRecords struct {
	database
	File   string `arg:"" help:"The file; - for standard input."`
	DryRun bool   `help:"Do everything in one transaction, then roll back."`
	Errors string `enum:"skip,stop" default:"skip" placeholder:"skip" help:"What to do about records that fail: skip them and write the others, or stop at the first and write nothing (default: ${default})."`
	All    bool   `help:"Report every record, not only those that failed."`
	Report string `type:"path" placeholder:"FILE" help:"Where to report (default: standard output)."`
}

// Validate is called by kong.
func (c *importRecords) Validate() error {
	if c.All && c.Errors == "stop" && !c.DryRun {
		return errors.New("--all and --errors stop contradict each other: nothing is certain before the last line (try it with --dry-run)")
	}
	return c.database.Validate()
}

// run imports what a source reads of the file.
func (c *importRecords) run(ctx context.Context, command string, read func(io.Reader, *write.Writer, *plan.Catalogue) (batch.Source, error)) (err error) {
	in, size, err := input(c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	context.AfterFunc(ctx, func() { in.Close() }) // whoever waits for a line need not
	catalogue, err := graph.Catalogue()
	if err != nil {
		return err
	}
	writable, err := graph.Writable(catalogue)
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: c.DatabaseURL, ApplicationName: "stadtgraph import", MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	writer := write.NewWriter(writable, pool)
	source, err := read(in, writer, catalogue)
	if err != nil {
		return err
	}
	out := os.Stdout
	if c.Report != "" {
		if out, err = os.Create(c.Report); err != nil {
			return fmt.Errorf("%s cannot be written (%w): choose another file with --report", c.Report, errors.Unwrap(err))
		}
		defer func() { err = errors.Join(err, out.Close()) }()
	}

	bar := newProgress("Importing lines")
	report := bufio.NewWriter(out)
	encoder := json.NewEncoder(report)
	encoder.SetEscapeHTML(false)
	sum, err := batch.Run(ctx, writer, &auth.Actor{Name: command, Role: auth.Admin}, source, batch.Options{
		Stop: c.Errors == "stop", DryRun: c.DryRun,
		Report: func(l batch.Line) error {
			if l.Status != "FAILED" && !c.All {
				return nil
			}
			return encoder.Encode(l)
		},
		Progress: func(sum batch.Summary, read int64) {
			_ = report.Flush() // once more at the end, where its error is heard
			bar.count(sum.Lines, read, size)
		},
	})
	bar.end()
	if ctx.Err() != nil {
		err = ctx.Err() // not that the file is closed
	}
	if flushErr := report.Flush(); err == nil && flushErr != nil {
		err = fmt.Errorf("the report cannot be written: %w", flushErr)
	}
	whole := c.DryRun || c.Errors == "stop"
	if err == nil || !whole {
		fmt.Fprintf(os.Stderr, "%d lines: %d created, %d updated, %d unchanged, %d failed%s.\n",
			sum.Lines, sum.Created, sum.Updated, sum.Unchanged, sum.Failed, c.remark(sum))
	}
	if err != nil {
		return err
	}
	if !whole || !c.DryRun && sum.Failed == 0 {
		if err := refresh(ctx, c.DatabaseURL); err != nil {
			return err
		}
	}
	if sum.Failed > 0 {
		return fmt.Errorf("%d of %d lines failed: see the report, correct them and import them again", sum.Failed, sum.Lines)
	}
	return nil
}

// remark says what was passed over, and what of the sum is written.
func (c *importRecords) remark(sum batch.Summary) (remark string) {
	if sum.Skipped > 0 {
		remark = fmt.Sprintf(", %d skipped", sum.Skipped)
	}
	switch {
	case c.DryRun:
		remark += "; a dry run, nothing is written"
	case c.Errors == "stop" && sum.Failed > 0:
		remark += "; nothing is written"
	}
	return remark
}

// input opens a file and says how large it is, if that is known.
func input(name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return os.Stdin, 0, nil
	}
	f, err := os.Open(name)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, 0, fmt.Errorf("%s cannot be opened (%w): name the file with the records, or - for standard input", name, path.Err)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if info.IsDir() {
		return nil, 0, fmt.Errorf("%s is a folder: name the file with the records", name)
	}
	if !info.Mode().IsRegular() {
		return f, 0, nil
	}
	return f, info.Size(), nil
}
