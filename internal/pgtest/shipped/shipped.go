// Package shipped gives tests a database with everything that `dev` loads.
package shipped

import (
	"context"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/demo"
	"stadtgraph/internal/german"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/register"
	"stadtgraph/internal/search"
)

// DB is a database with register and demo content in which everything can be
// found, for tests that only read.
func DB(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pgtest.Shared(t, "shipped", version(), seed)
}

// Copy is such a database of a test's own.
func Copy(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pgtest.From(t, "shipped", version(), seed)
}

func version() string {
	return fmt.Sprint(register.Version(), demo.Version(), search.Version, crc32.ChecksumIEEE([]byte(german.SynonymsCSV)))
}

func seed(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := register.LoadShipped(ctx, pool, nil); err != nil {
		return err
	}
	if err := demo.Load(ctx, pool); err != nil {
		return err
	}
	catalogue, err := graph.Catalogue()
	if err != nil {
		return err
	}
	return search.Refresh(ctx, pool, catalogue)
}
