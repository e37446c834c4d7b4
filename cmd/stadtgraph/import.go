package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

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
	File   string `arg:"" optional:"" type:"path" help:"GV100AD, GV-Auszug or joined CSV; the edition in the binary if not given."`
	AsOf   string `placeholder:"YYYY-MM-DD" help:"The day whose territory a CSV describes, which does not say it."`
	DryRun bool   `help:"Do everything, then roll back."`
	All    bool   `help:"Report every unit, not only the first of each kind."`
	Report string `type:"path" placeholder:"FILE" help:"Where to report all that is not unchanged, a JSON object a line."`
}

func (*importRegister) Help() string {
	return `It is one transaction: all of the file or nothing; of a file that is wrong, the first line that is gets named. It never deletes, and refuses an edition that is older than the one loaded. Progress goes to standard error, the report to standard output, and with --report also, a line for each unit, to a file.

A unit that the edition does not have was re-keyed or dissolved if the program knows so from a source, and its territorial changes are reported and recorded. Else it is missing, and stays. Where its name or area shows what it may have become, the report says so, with the mutation dissolveMunicipality that an administrator can run then.

The spreadsheet edition (GV-Auszug) is read as CSV with commas, the satzart in a column of its own, as projects publish it. It lacks seats and the day, which --as-of gives.

Examples:
  stadtgraph import register
  stadtgraph import register --dry-run GV100AD_301123.txt --report changes.ndjson
  stadtgraph import register AuszugGV4QAktuell.csv --as-of 2020-12-31`
}

// rowsShown is how many units of each outcome the report lists.
const rowsShown = 20

// Run is called by kong.
func (c *importRegister) Run(ctx context.Context) (err error) {
	read := register.Shipped
	if c.File != "" {
		read = func() (*register.Edition, error) { return readEdition(c.File) }
	}
	edition, err := read() // before any database is asked: a broken file needs none
	if err != nil {
		return err
	}
	if c.AsOf != "" {
		if !edition.AsOf.IsZero() {
			return fmt.Errorf("%s says itself that it is of %s: leave --as-of out", edition.Name, edition.AsOf.Format(time.DateOnly))
		}
		if edition.AsOf, err = time.Parse(time.DateOnly, c.AsOf); err != nil || edition.AsOf.Year() < 1990 || edition.AsOf.After(time.Now()) {
			return fmt.Errorf("--as-of is a day such as 2020-12-31, from 1990 until today, not %q", c.AsOf)
		}
	}
	var lines *os.File
	if c.Report != "" {
		if lines, err = os.Create(c.Report); err != nil {
			return fmt.Errorf("%s cannot be written (%w): choose another file with --report", c.Report, errors.Unwrap(err))
		}
		defer func() { err = errors.Join(err, lines.Close()) }()
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
	if lines != nil {
		if err := report.WriteLines(lines); err != nil {
			return fmt.Errorf("the report cannot be written: %w", err)
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
