package pgtest_test

import (
	"testing"
	"time"

	"stadtgraph/internal/pgtest"
)

func TestQuick(t *testing.T) {
	for range 5 {
		start := time.Now()
		pool := pgtest.DB(t)
		t.Log(time.Since(start))
		var n int
		if err := pool.QueryRow(t.Context(), `select count(*) from schema_migrations`).Scan(&n); err != nil || n != 1 {
			t.Fatal(n, err)
		}
	}
	start := time.Now()
	tx := pgtest.Tx(t)
	t.Log("tx", time.Since(start))
	if _, err := tx.Exec(t.Context(), `create table x()`); err != nil {
		t.Fatal(err)
	}
}
