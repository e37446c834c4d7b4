package demo

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
)

// territories writes a bare row for each state and municipality that the content
// mentions.
func territories(ctx context.Context, pool *pgxpool.Pool) error {
	c, err := compiled()
	if err != nil {
		return err
	}
	codes := []string{"SH", "HH", "NI", "HB", "NW", "HE", "RP", "BW", "BY", "SL", "BE", "BB", "MV", "SN", "ST", "TH"}
	for i, code := range codes {
		key := fmt.Sprintf("%02d", i+1)
		if _, err := pool.Exec(ctx, `INSERT INTO state (id, key, code, slug, name, iso3166, nuts1) VALUES ($1, $2, $3, $3, $3, $3, $3)`,
			nodeid.Derive("state", key).String(), key, code); err != nil {
			return err
		}
	}
	for _, r := range c.territories {
		if key, ok := strings.CutPrefix(r.name, "municipality:"); ok {
			if _, err := pool.Exec(ctx, `
INSERT INTO municipality (id, slug, level, kind, name, official_name, key, state_id)
SELECT $1, $2, CASE length($2) WHEN 5 THEN 'DISTRICT' ELSE 'MUNICIPALITY' END, 'TOWN', $2, $2, $2, s.id
FROM state s WHERE s.key = left($2, 2)`, r.id, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestLoadingTwice(t *testing.T) {
	pool := pgtest.DB(t)
	if err := territories(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if err := Load(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if err := Load(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	t.Log(Version())
}
