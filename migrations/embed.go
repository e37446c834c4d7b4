// Package migrations holds the numbered steps of the database schema, embedded
// so that every binary carries the schema it was built for.
package migrations

import "embed"

// FS holds the migration pairs, named NNNNNN_what_changes.up.sql and .down.sql.
//
//go:embed *.sql
var FS embed.FS
