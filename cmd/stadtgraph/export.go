package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/export"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/postgres"
)

type exportCommand struct {
	NDJSON  exportNDJSON  `cmd:"" name:"ndjson" help:"Write records, a JSON object a line, which can be imported again."`
	CSV     exportCSV     `cmd:"" name:"csv" help:"Write a table."`
	GeoJSON exportGeoJSON `cmd:"" name:"geojson" help:"Write what has a place on a map."`
}

// exportFlags are what all of them take.
type exportFlags struct {
	database
	Out       string `type:"path" placeholder:"FILE" help:"Where to write; it is there when all of it is (default: standard output)."`
	Anonymous bool   `help:"Only what anybody may see."`
	After     string `placeholder:"ID" help:"Only rows behind the one of this id, of one type: they are in the order of their ids."`
}

type exportNDJSON struct {
	exportFlags
	Type string `placeholder:"TYPE" help:"Such as Strategy, or strategies (default: all)."`
}

type exportCSV struct {
	exportFlags
	Type  string `required:"" placeholder:"TYPE" help:"Such as Strategy, or strategies."`
	Excel bool   `help:"As Excel in German reads it: with semicolons, and a mark of UTF-8."`
}

type exportGeoJSON struct {
	exportFlags
	Type string `default:"Municipality" placeholder:"TYPE" help:"What has a place (default: ${default})."`
}

func (*exportNDJSON) Help() string {
	return `It is one snapshot of everything, drafts included, but not of what was deleted, nor of comments that the public does not see, nor of anybody's e-mail address. The last line holds a cursor: changes go on from there. Imported with stadtgraph import ndjson into an empty database with the register it makes an equal one, with the same ids; versions, history and comments are not copied.

Progress goes to standard error.

Examples:
  stadtgraph export ndjson --out all.ndjson
  stadtgraph export ndjson --type Strategy --anonymous | jq -r .title`
}

func (*exportCSV) Help() string {
	return `Columns are called like the path of their value in the schema. Items of lists stand in one cell, with semicolons between them. A cell that a spreadsheet would take for a formula begins with an apostrophe.

Examples:
  stadtgraph export csv --type Municipality --anonymous --out municipalities.csv
  stadtgraph export csv --type FundingAward --excel --out awards.csv`
}

func (*exportGeoJSON) Help() string {
	return `It is RFC 7946: points, with key, name and how many strategies, measures, awards and articles there are.

Examples:
  stadtgraph export geojson --anonymous --out municipalities.geojson`
}

// Run is called by kong.
func (c *exportNDJSON) Run(ctx context.Context) error {
	return c.run(ctx, c.Type, export.Of{Format: export.NDJSON})
}

// Run is called by kong.
func (c *exportCSV) Run(ctx context.Context) error {
	return c.run(ctx, c.Type, export.Of{Format: export.CSV, Excel: c.Excel})
}

// Run is called by kong.
func (c *exportGeoJSON) Run(ctx context.Context) error {
	return c.run(ctx, c.Type, export.Of{Format: export.GeoJSON})
}

// longestExport is how long a command may take. Who runs it can end it.
const longestExport = 7 * 24 * time.Hour

func (c *exportFlags) run(ctx context.Context, typeName string, of export.Of) (err error) {
	catalogue, err := graph.Catalogue()
	if err != nil {
		return err
	}
	writable, err := graph.Writable(catalogue)
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: c.DatabaseURL, ApplicationName: "stadtgraph export", MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()
	library, err := export.New(catalogue, writable, pool)
	if err != nil {
		return err
	}
	if err := c.choose(library, typeName, &of); err != nil {
		return err
	}
	viewer := (&auth.Actor{Name: "export", Role: auth.Admin}).Viewer(time.Now())
	if c.Anonymous {
		viewer = (*auth.Actor)(nil).Viewer(time.Now())
	}
	out, finish, err := output(c.Out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, finish(err == nil)) }()
	s, err := library.Begin(ctx, viewer, longestExport)
	if err != nil {
		return err
	}
	defer s.Close()
	bar := newProgress("Exporting rows")
	total := 0
	for _, k := range of.Kinds {
		n, err := s.Count(ctx, k, of.Format, of.After)
		if err != nil {
			return err
		}
		total += n
	}
	of.Progress = func(rows int) { bar.update(rows, total) }
	rows, err := s.Write(ctx, out, of)
	if err == nil {
		bar.update(rows, total)
	}
	bar.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d rows; changes go on at the cursor %s.\n", rows, s.Cursor)
	return nil
}

// choose says what is written.
func (c *exportFlags) choose(library *export.Library, typeName string, of *export.Of) error {
	if typeName == "" || typeName == export.All && of.Format == export.NDJSON {
		of.Kinds = library.Kinds()
	} else {
		kind, ok := library.Kind(typeName)
		if !ok || !kind.Has(of.Format) {
			var types []string
			for _, k := range library.Kinds() {
				if k.Has(of.Format) {
					types = append(types, k.Type)
				}
			}
			return fmt.Errorf("%q is no type that is written as %s: choose one of %s (--type)", typeName, of.Format, strings.Join(types, ", "))
		}
		of.Kinds = []export.Kind{kind}
	}
	if c.After == "" {
		return nil
	}
	id, err := nodeid.Parse(c.After)
	if err != nil || len(of.Kinds) != 1 || id.Prefix != library.Prefix(of.Kinds[0]) {
		return fmt.Errorf("%q is no id of a row of one type: give the last id that you have (--after), and its type (--type)", c.After)
	}
	of.After = id.UUID
	return nil
}

// output is a file that is there when it is whole, or standard output.
func output(name string) (out io.Writer, finish func(whole bool) error, err error) {
	if name == "" || name == "-" {
		return os.Stdout, func(bool) error { return nil }, nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, nil, fmt.Errorf("%s cannot be written (%w): choose another file with --out", name, errors.Unwrap(err))
	}
	return f, func(whole bool) error {
		err := f.Sync()
		err = errors.Join(err, f.Chmod(0o644), f.Close())
		if whole && err == nil {
			err = os.Rename(f.Name(), name)
		}
		if !whole || err != nil {
			_ = os.Remove(f.Name())
		}
		if err != nil {
			return fmt.Errorf("%s cannot be written (%w): choose another file with --out", name, err)
		}
		return nil
	}, nil
}
