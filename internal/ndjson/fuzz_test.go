package ndjson_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/batch"
	"stadtgraph/internal/ndjson"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/write"
)

// Whatever is in a file, each line of it is written or has an error that says why; of
// what is all or nothing, nothing is written if a line fails.
func FuzzImport(f *testing.F) {
	pool := pgtest.DB(f)
	catalogue, err := graph.Catalogue()
	if err != nil {
		f.Fatal(err)
	}
	writable, err := graph.Writable(catalogue)
	if err != nil {
		f.Fatal(err)
	}
	writer := write.NewWriter(writable, pool)
	const topic = `{"type": "Topic", "source": "a", "externalId": "1", "name": "Reallabor", "scheme": "KEYWORD"}`
	for _, seed := range []string{
		topic, topic + "\n\n" + topic, "\xef\xbb\xbf" + topic + "\r\n", topic + "\n{", `{"type": "Nothing"}`, `[]`, `null`, `{"type": 7}`,
		`{"type": "Article", "source": "a", "externalId": "2", "title": "Ä\u0000", "kind": "NEWS"}`, `{"type":"Topic","type":"Topic"}`,
		`{"type": "Strategy", "source": "a", "externalId": "3", "title": "S", "kind": "OTHER", "owners": {"set": [{"key": "09461000"}]}, "publicationStatus": "PUBLISHED"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// Fuzzing goes on after the context of f, and of t, has ended.
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for _, stop := range []bool{true, false} {
			before := rows(ctx, t, pool)
			summary, err := batch.Run(ctx, writer, &auth.Actor{Name: "fuzz", Role: auth.Publisher}, ndjson.Read(bytes.NewReader(data), writer, catalogue, "fuzz"), batch.Options{Stop: stop,
				Report: func(l batch.Line) error {
					if (l.Status == "FAILED") != (len(l.UserErrors) > 0) {
						t.Errorf("%+v", l)
					}
					for _, p := range l.UserErrors {
						if p.Code == "INTERNAL" || strings.Contains(p.Message, "SQLSTATE") {
							t.Errorf("line %d: %+v", l.Line, p)
						}
					}
					return nil
				}})
			if after := rows(ctx, t, pool); stop && (err != nil || summary.Failed > 0) && after != before {
				t.Errorf("%+v, %v, and yet %d rows more", summary, err, after-before)
			}
		}
	})
}

// rows counts what was recorded of all writing.
func rows(ctx context.Context, t *testing.T, pool *pgxpool.Pool) (n int) {
	if err := pool.QueryRow(ctx, `SELECT count(*) FROM revision`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
