// Package trusted keeps GraphQL documents on record that callers ask for by a name
// instead of sending them: documentId of the appendix about persisted documents of the
// GraphQL-over-HTTP draft. They come from the manifests that build tools write, or from
// the mutation trustDocuments.
package trusted

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
)

// Objects are what can be read of documents, and Roots the fields of Query.
var (
	Objects = []plan.Object{object}
	Roots   = []plan.Root{{Name: "trustedDocuments", Least: plan.Admin}}
)

var object = plan.Object{
	Type: "TrustedDocument", Table: "trusted_document", Prefix: "trusted_document",
	Visible: plan.Visibility{Public: "false", Admin: "true"},
	Order:   []plan.Term{{Field: "createdAt", Desc: true}},
	Fields: plan.Fields{
		"documentId": plan.Text("document_id"),
		"document":   plan.Column("document"),
		"createdBy":  plan.One("created_by"),
		"createdAt":  plan.Column("created_at"),
	},
}

// Document is one with the name that it is asked for by.
type Document struct {
	ID   string // sha256: and the digest in hexadecimal digits, x- and a name, or what the tool calls it that wrote the manifest
	Text string
}

// Bounds of a document.
const (
	MaxDocument = 64 << 10 // bytes
	MaxAtOnce   = 500      // of a mutation
)

var name = regexp.MustCompile(`^[!-~]{1,200}$`)

// ValidID says whether a document may have this name.
func ValidID(id string) bool { return name.MatchString(id) }

const sha256Prefix = "sha256:"

// digestOf is the digest that a name stands for: of the draft's form, or the digits
// alone, which is what most tools write.
func digestOf(id string) ([]byte, bool) {
	digits := strings.TrimPrefix(id, sha256Prefix)
	if len(digits) != 2*sha256.Size {
		return nil, false
	}
	digest, err := hex.DecodeString(digits)
	return digest, err == nil
}

// check holds a document to the rules that take no database and no schema.
func (d Document) check() error {
	digest := sha256.Sum256([]byte(d.Text))
	named, ok := digestOf(d.ID)
	switch {
	case !ValidID(d.ID):
		return fault.New(fault.Invalid, "The id of a document has 1 to 200 characters of ASCII without spaces, such as `sha256:` and the digest of the document, or `x-app:home`.").At("documentId")
	case strings.HasPrefix(d.ID, sha256Prefix) && !ok, ok && string(named) != string(digest[:]):
		return fault.New(fault.Invalid, "This is not the digest of the document, which is `%s%x`.", sha256Prefix, digest).At("documentId")
	case d.Text == "" || strings.Contains(d.Text, "\x00"):
		return fault.New(fault.Invalid, "A document is the text of one or more operations, with their fragments.").At("document")
	case len(d.Text) > MaxDocument:
		return fault.New(fault.Invalid, "A document may have %d bytes, not %d; split it.", MaxDocument, len(d.Text)).At("document")
	}
	return nil
}

// Trust puts a document on record, as a token or, if that is nil, a command. One that is there already
// stays as it is.
func Trust(ctx context.Context, tx postgres.DB, by *nodeid.UUID, d Document) error {
	if err := d.check(); err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(d.Text))
	var same bool
	err := tx.QueryRow(ctx, `
WITH added AS (
  INSERT INTO trusted_document (id, document_id, document, digest, created_by) VALUES (@id, @name, @document, @digest, @by)
  ON CONFLICT (document_id) DO NOTHING RETURNING true AS same)
SELECT same FROM added UNION ALL SELECT digest = @digest FROM trusted_document WHERE document_id = @name LIMIT 1`,
		pgx.NamedArgs{"id": nodeid.New(time.Now()), "name": d.ID, "document": d.Text, "digest": digest[:], "by": by}).Scan(&same)
	if err != nil {
		return fmt.Errorf("trust a document: %w", err)
	}
	if !same {
		return fault.New(fault.Conflict, "Another document has this id. Clients and caches rely on what it means: choose another one, or remove the document first.").At("documentId")
	}
	return nil
}

// Remove takes documents off the record and says which were on it.
func Remove(ctx context.Context, tx postgres.DB, ids []string) (map[string]bool, error) {
	rows, _ := tx.Query(ctx, `DELETE FROM trusted_document WHERE document_id = ANY(@ids) RETURNING document_id`, pgx.NamedArgs{"ids": ids})
	removed, err := pgx.CollectRows(rows, pgx.RowTo[string]) // the error comes with the rows
	if err != nil {
		return nil, fmt.Errorf("remove documents: %w", err)
	}
	out := make(map[string]bool, len(removed))
	for _, id := range removed {
		out[id] = true
	}
	return out, nil
}

// All gives every document, for whoever checks them.
func All(ctx context.Context, db postgres.DB, each func(Document)) error {
	rows, err := db.Query(ctx, `SELECT document_id, document FROM trusted_document ORDER BY document_id`)
	if err != nil {
		return fmt.Errorf("read the trusted documents: %w", err)
	}
	var d Document
	_, err = pgx.ForEachRow(rows, []any{&d.ID, &d.Text}, func() error {
		each(d)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the trusted documents: %w", err)
	}
	return nil
}

// look finds a document by its name or digest.
func look(ctx context.Context, db postgres.DB, id string) (text string, ok bool, err error) {
	digest, _ := digestOf(id)
	err = db.QueryRow(ctx, `SELECT document FROM trusted_document WHERE document_id = @id OR digest = @digest LIMIT 1`,
		pgx.NamedArgs{"id": id, "digest": digest}).Scan(&text)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("%w (find a trusted document: %w)", fault.New(fault.Busy, "The database cannot be reached just now; try again in a moment."), err)
	}
	return text, true, nil
}
