package write

import (
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// Explain is explain, for a statement that writes rows of a table from an input.
func (r *Registry) Explain(pg *pgconn.PgError, o *Object, table, input string, path []string) error {
	tx := &Tx{Registry: r}
	return tx.explain(pg, &Draft{Object: o, slugGiven: true}, statement{table: table, def: r.catalogue.Schema.Types[input], path: path})
}

// Constraints are the names of those that have words of their own.
func Constraints() []string { return slices.Sorted(maps.Keys(constraints)) }
