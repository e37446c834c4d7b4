package main

import (
	"context"
	"io"

	"stadtgraph/internal/batch"
	"stadtgraph/internal/foerderdatenbank"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

type importCSV struct {
	importRecords
	Source  string `default:"foerderdatenbank" placeholder:"NAME" help:"Who gives the ids of the column id_hash (default: ${default})."`
	Publish bool   `help:"Make programs that are new public at once; else they are drafts."`
}

func (*importCSV) Help() string {
	return `A row is a funding program. The first line names the columns, in any order: id_hash and title, and those of id_url, url, description, more_info, legal_basis, contact_info_institution, _street, _city, _phone, _fax, _email and _website, funding_type, funding_area, funding_location, eligible_applicants, funding_body, further_links, license_info, last_updated and deleted that there are; others are left alone. Separators are commas, semicolons or tabs, the encoding is UTF-8. Lists in cells are JSON, Python's, or separated by commas, semicolons, bars or line breaks.

A row changes the program of its id_hash, or makes a new one; a field whose column is missing stays as it is. Who gives the money (level) is read from the address. Funding areas and the funding body are made if they are not there. A program whose column deleted says true is archived, not deleted, and published again if it comes back; one that was deleted here stays so. The states have to be there: import the register first.

The texts of the Förderdatenbank are licensed CC BY-ND: they are stored word by word, HTML as Markdown, with their address and licence in the sources of the program. Show these with the text.

Rows are written 200 at a time, as lines of import ndjson are, and reported in the same way; a row has the number of the line where it begins.

Examples:
  stadtgraph import csv programs.csv --dry-run
  stadtgraph import csv programs.csv --publish --report report.ndjson
  stadtgraph import csv programs.csv --source correlaid --errors stop`
}

// Run is called by kong.
func (c *importCSV) Run(ctx context.Context) error {
	return c.run(ctx, "import csv", func(in io.Reader, _ *write.Writer, catalogue *plan.Catalogue) (batch.Source, error) {
		return foerderdatenbank.Read(in, catalogue, foerderdatenbank.Options{Source: c.Source, Publish: c.Publish})
	})
}
