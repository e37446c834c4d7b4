package postgres

import (
	"context"
	"fmt"
)

// CheckExtension says in a sentence what to do if a database neither has an
// extension nor lets this user create it. Ask before migrating: a migration that
// fails leaves the database for a person to look at.
func CheckExtension(ctx context.Context, db DB, name string) error {
	var there, installed, allowed bool
	if err := db.QueryRow(ctx, `
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = $1), EXISTS (SELECT FROM pg_available_extensions WHERE name = $1),
  has_database_privilege(current_database(), 'CREATE')`, name).Scan(&there, &installed, &allowed); err != nil {
		return fmt.Errorf("look for the extension %s: %w", name, err)
	}
	switch {
	case there:
		return nil
	case !installed:
		return fmt.Errorf("the extension %s is not installed beside this Postgres: install its package postgresql-contrib (managed databases have it)", name)
	case !allowed:
		return fmt.Errorf("the extension %s is missing and this user may not create it: let an administrator run CREATE EXTENSION %[1]s in this database", name)
	}
	return nil
}
