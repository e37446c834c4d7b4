package main

import (
	"context"
	"io"

	"stadtgraph/internal/batch"
	"stadtgraph/internal/ndjson"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/write"
)

type importNDJSON struct {
	importRecords
	Source string `placeholder:"NAME" help:"The source of lines that give an externalId and no source."`
}

func (*importNDJSON) Help() string {
	return `A line is one JSON object: its type, such as Article; if you like id, source and externalId, version, publicationStatus and publishedAt; and the fields of the type's input in the schema, such as ArticleInput. It is a record of the mutation importRecords and follows the same rules: references are {"id": …}, {"key": …}, {"slug": …} or {"external": {"source": …, "id": …}}, lists of references {"set": […]} or {"add": […], "remove": […]}.

A line changes the row that it names by id, by source and externalId, or by slug (an indicator by code), and makes a new one if there is none. A field that is absent is kept, null clears it. A line may refer to any other: one that refers to what is not there waits until all others are written, and is reported last. A line that names nothing makes a new row each time.

An export is such a file, too: what it says of states, municipalities and comments is skipped, for that comes with the register and from readers.

Lines are written 200 at a time: interrupted, what was reported is there, and the same file can be imported again. With --errors stop all of it is one transaction, which holds back readers of changes until it ends.

Each line that fails is reported as a JSON object with its number and userErrors, as in the mutation. Progress and the sum go to standard error. The exit code is 1 if a line failed.

Examples:
  stadtgraph import ndjson content.ndjson
  stadtgraph import ndjson content.ndjson --dry-run --source cms
  echo '{"type":"Topic","slug":"open-data","name":"Open data","scheme":"ACTION_FIELD"}' | stadtgraph import ndjson -`
}

// Run is called by kong.
func (c *importNDJSON) Run(ctx context.Context) error {
	return c.run(ctx, "import ndjson", func(in io.Reader, w *write.Writer, catalogue *plan.Catalogue) (batch.Source, error) {
		return ndjson.Read(in, w, catalogue, c.Source), nil
	})
}
