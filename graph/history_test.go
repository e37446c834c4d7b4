package graph_test

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"stadtgraph/graph"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
)

// What the public sees of changes is what it sees of the rows: the predicates of
// the history's triggers are the catalogue's.
func TestHistorySeesWhatTheCatalogueSees(t *testing.T) {
	t.Parallel()
	pool := awkward(t)
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	planner := plan.New(catalogue, pool, true)
	query, errs := gqlparser.LoadQueryWithRules(catalogue.Schema, `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, rules.NewDefaultRules())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	tables := map[string]string{}
	rows, _ := pool.Query(t.Context(), `SELECT type, source FROM history_type`)
	var name, table string
	if _, err := pgx.ForEachRow(rows, []any{&name, &table}, func() error { tables[name] = table; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, o := range catalogue.Objects() {
		if o.Prefix == "" || o.Visible.Public == "false" {
			continue
		}
		if tables[o.Type] == "" {
			t.Errorf("%s has no history", o.Type)
			continue
		}
		for _, now := range awkwardNows {
			rows, _ := pool.Query(t.Context(), `SELECT s FROM history_sees($1, $2) s`, o.Type, now)
			seen, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
			if err != nil {
				t.Fatal(err)
			}
			sees := map[nodeid.UUID]bool{}
			for _, id := range seen {
				sees[id] = true
			}
			rows, _ = pool.Query(t.Context(), `SELECT id FROM `+tables[o.Type]+` ORDER BY id`)
			all, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
			if err != nil {
				t.Fatal(err)
			}
			for len(all) > 0 {
				n := min(len(all), 100)
				var ids []any
				for _, id := range all[:n] {
					ids = append(ids, nodeid.ID{Prefix: o.Prefix, UUID: id}.String())
				}
				request, errs := planner.Prepare(query.Operations[0], map[string]any{"ids": ids}, plan.Public)
				if len(errs) > 0 {
					t.Fatal(errs)
				}
				answer, errs := request.Read(t.Context(), plan.Viewer{Role: plan.Public, Now: now}, nil, nil)
				if len(errs) > 0 {
					t.Fatal(errs)
				}
				var got struct{ Nodes []*struct{ ID string } }
				if err := json.Unmarshal(answer, &got); err != nil {
					t.Fatal(err)
				}
				for i, node := range got.Nodes {
					if (node != nil) != sees[all[i]] {
						t.Errorf("%s at %s: the catalogue says %t, the history %t", ids[i], now, node != nil, sees[all[i]])
					}
				}
				all = all[n:]
			}
		}
	}
}
