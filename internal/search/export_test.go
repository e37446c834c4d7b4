package search

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
)

// Reading is how a test reads what the documents of a type are made of.
type Reading struct{ Type, SQL string }

// Readings are those of all types.
func Readings(c *plan.Catalogue) (all []Reading, err error) {
	docs, err := documents(c)
	for _, d := range docs {
		all = append(all, Reading{d.Type, d.read})
	}
	return all, err
}

// Wanted are the documents that rows should have, a column each.
type Wanted struct {
	IDs                            []pgtype.UUID
	Vectors, Titles, Names         []string
	Dates                          []*string
	Municipalities, States, Topics []string
}

// Read makes the documents of rows without storing them.
func (r Reading) Read(ctx context.Context, db postgres.DB, ids []pgtype.UUID) (w Wanted, err error) {
	sources, err := r.sources(ctx, db, ids)
	for i := range sources {
		s := &sources[i]
		w.IDs, w.Vectors, w.Titles, w.Names, w.Dates = append(w.IDs, s.ID), append(w.Vectors, s.vector()), append(w.Titles, s.title()), append(w.Names, s.name()), append(w.Dates, s.Date)
		w.Municipalities, w.States, w.Topics = append(w.Municipalities, s.Municipalities), append(w.States, s.States), append(w.Topics, s.Topics)
	}
	return w, err
}

// Texts gives what documents are made of, by type and id.
func (r Reading) Texts(ctx context.Context, db postgres.DB, ids []pgtype.UUID, into map[string]string) error {
	sources, err := r.sources(ctx, db, ids)
	for i := range sources {
		text, err := json.Marshal(sources[i])
		if err != nil {
			return err
		}
		into[r.Type+" "+sources[i].ID.String()] = string(text)
	}
	return err
}

func (r Reading) sources(ctx context.Context, db postgres.DB, ids []pgtype.UUID) ([]source, error) {
	rows, _ := db.Query(ctx, r.SQL, ids)
	return pgx.CollectRows(rows, pgx.RowToStructByPos[source])
}
