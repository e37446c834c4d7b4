package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"stadtgraph/internal/postgres"
	"stadtgraph/internal/register"
)

type importCommand struct {
	Register importRegister `cmd:"" help:"Load an edition of the register of municipalities."`
	NDJSON   importNDJSON   `cmd:"" name:"ndjson" help:"Load records, a JSON object a line."`
	CSV      importCSV      `cmd:"" name:"csv" help:"Load funding programs in the field layout of the Förderdatenbank."`
}

type importRegister struct {
	database
	File   string `arg:"" optional:"" type:"path" help:"GV100AD or CSV; the edition in the binary if not given."`
	DryRun bool   `help:"Do everything, then roll back."`
	All    bool   `help:"Report every unit, not only the first of each kind."`
}

func (*importRegister) Help() string {
	return `It is one transaction: all of the file or nothing. It never deletes, and refuses an edition that is older than the one loaded. Progress goes to standard error, the report to standard output.

Examples:
  stadtgraph import register
  stadtgraph import register --dry-run GV100AD_301123.txt`
}

// rowsShown is how many units of each outcome the report lists.
const rowsShown = 20

// Run is called by kong.
func (c *importRegister) Run(ctx context.Context) error {
	read := register.Shipped
	if c.File != "" {
		read = func() (*register.Edition, error) { return readEdition(c.File) }
	}
	edition, err := read() // before any database is asked: a broken file needs none
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: c.DatabaseURL, ApplicationName: "stadtgraph import", MaxConns: 1})
	if err != nil {
		return err
	}
	defer pool.Close()

	bar := newProgress("Importing the register")
	var report register.Report
	if c.File == "" && !c.DryRun {
		report, err = register.LoadShipped(ctx, pool, bar.update) // with the credits of what is in it
	} else {
		report, err = register.Import(ctx, pool, edition, register.Options{DryRun: c.DryRun, Progress: bar.update})
	}
	bar.end()
	if err != nil {
		return err
	}
	if !c.DryRun {
		if err := refresh(ctx, c.DatabaseURL); err != nil {
			return err
		}
	}
	limit := rowsShown
	if c.All {
		limit = -1
	}
	return report.Write(os.Stdout, limit)
}

func readEdition(name string) (*register.Edition, error) {
	f, err := os.Open(name)
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, fmt.Errorf("%s cannot be opened (%w): name the register file", name, path.Err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return register.Read(name, f)
}
