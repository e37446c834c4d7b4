// Package shipped gives tests a database with everything that `dev` loads.
package shipped

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/demo"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/register"
)

// DB is a database with register and demo content, for tests that only read.
func DB(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pgtest.Shared(t, "shipped", demo.Version(), seed)
}

func seed(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := register.LoadShipped(ctx, pool, nil); err != nil {
		return err
	}
	return demo.Load(ctx, pool)
}
