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
	"stadtgraph/internal/ndjson"
	"stadtgraph/internal/postgres"
	"stadtgraph/internal/write"
)

type importNDJSON struct {
	database
	File   string `arg:"" help:"The file; - for standard input."`
	DryRun bool   `help:"Do everything in one transaction, then roll back."`
	Errors string `enum:"skip,stop" default:"skip" placeholder:"skip" help:"What to do about lines that fail: skip them and write the others, or stop at the first and write nothing (default: ${default})."`
	Source string `placeholder:"NAME" help:"The source of lines that give an externalId and no source."`
	All    bool   `help:"Report every line, not only those that failed."`
	Report string `type:"path" placeholder:"FILE" help:"Where to report (default: standard output)."`
}

func (*importNDJSON) Help() string {
	return `A line is one JSON object: its type, such as Article; if you like id, source and externalId, version, publicationStatus and publishedAt; and the fields of the type's input in the schema, such as ArticleInput. It is a record of the mutation importRecords and follows the same rules: references are {"id": …}, {"key": …}, {"slug": …} or {"external": {"source": …, "id": …}}, lists of references {"set": […]} or {"add": […], "remove": […]}.

A line changes the row that it names by id, by source and externalId, or by slug (an indicator by code), and makes a new one if there is none. A field that is absent is kept, null clears it. A line may refer to lines before it. A line that names nothing makes a new row each time.

Lines are written 200 at a time: interrupted, what was reported is there, and the same file can be imported again. With --errors stop all of it is one transaction, which holds back readers of changes until it ends.

Each line that fails is reported as a JSON object with its number and userErrors, as in the mutation. Progress and the sum go to standard error. The exit code is 1 if a line failed.

Examples:
  stadtgraph import ndjson content.ndjson
  stadtgraph import ndjson content.ndjson --dry-run --source cms
  echo '{"type":"Topic","slug":"open-data","name":"Open data","scheme":"ACTION_FIELD"}' | stadtgraph import ndjson -`
}

// Validate is called by kong.
func (c *importNDJSON) Validate() error {
	if c.All && c.Errors == "stop" && !c.DryRun {
		return errors.New("--all and --errors stop contradict each other: nothing is certain before the last line (try it with --dry-run)")
	}
	return c.database.Validate()
}

// Run is called by kong.
func (c *importNDJSON) Run(ctx context.Context) (err error) {
	in, size, err := input(c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	context.AfterFunc(ctx, func() { in.Close() }) // whoever waits for a line need not
	out := os.Stdout
	if c.Report != "" {
		if out, err = os.Create(c.Report); err != nil {
			return fmt.Errorf("%s cannot be written (%w): choose another file with --report", c.Report, errors.Unwrap(err))
		}
		defer func() { err = errors.Join(err, out.Close()) }()
	}
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

	bar := newProgress("Importing lines")
	report := bufio.NewWriter(out)
	encoder := json.NewEncoder(report)
	encoder.SetEscapeHTML(false)
	actor := &auth.Actor{Name: "import ndjson", Role: auth.Admin}
	sum, err := ndjson.Import(ctx, write.NewWriter(writable, pool), catalogue, actor, in, ndjson.Options{
		Source: c.Source, Stop: c.Errors == "stop", DryRun: c.DryRun,
		Report: func(l ndjson.Line) error {
			if l.Status != "FAILED" && !c.All {
				return nil
			}
			return encoder.Encode(l)
		},
		Progress: func(sum ndjson.Summary, read int64) {
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

// remark says what of the sum is written.
func (c *importNDJSON) remark(sum ndjson.Summary) string {
	switch {
	case c.DryRun:
		return "; a dry run, nothing is written"
	case c.Errors == "stop" && sum.Failed > 0:
		return "; nothing is written"
	}
	return ""
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
