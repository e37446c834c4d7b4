package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"stadtgraph/graph"
	"stadtgraph/internal/export"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/postgres"
)

// exported are the rows of a table that exports and COPY write side by side.
const exported = 1_000_000

// exports measures an export beside COPY of the same columns in the same order, on a
// copy of the data that has a million figures. Both go nowhere.
func (b *bench) exports(ctx context.Context) error {
	return b.onCopy(ctx, func(url string) error { return b.exportsOf(ctx, url) })
}

// fillFigures makes figures of municipalities, each tenth with a source. Nobody follows
// what is made for this alone: triggers stay out of it.
const fillFigures = `ALTER TABLE figure DISABLE TRIGGER USER; ALTER TABLE figure_source DISABLE TRIGGER USER;
TRUNCATE figure CASCADE;
INSERT INTO figure (id, indicator_id, municipality_id, value, comparator, as_of_start, as_of_end, as_of_precision)
 SELECT gen_random_uuid(), (SELECT id FROM indicator ORDER BY id LIMIT 1), towns.ids[1 + n %% cardinality(towns.ids)], (n::bigint * 7919 %% 100000) / 100.0, 'EXACT', d, d, 'DAY'
 FROM (SELECT array_agg(id) AS ids FROM municipality) towns CROSS JOIN generate_series(1, %d) n CROSS JOIN LATERAL (SELECT date '2000-01-01' + n %% 9000 AS d) day;
INSERT INTO figure_source (figure_id, position, source_id) SELECT f.id, 1, (SELECT id FROM source LIMIT 1) FROM figure f WHERE get_byte(uuid_send(f.id), 0) < 26;`

// copied are the columns of a line, by COPY.
const copiedFigures = `COPY (SELECT f.id, f.indicator_id, m.key, f.value, f.comparator, f.as_of_start, f.as_of_end, f.as_of_precision, f.as_of_text,
 ARRAY(SELECT ROW(s.publisher, s.url, s.title, s.published_on_start, s.published_on_end, s.published_on_precision, s.published_on_text, s.retrieved_at, s.verified_at, s.quote, s.license)
  FROM figure_source l JOIN source s ON s.id = l.source_id WHERE l.figure_id = f.id ORDER BY l.position)
 FROM figure f JOIN municipality m ON m.id = f.municipality_id WHERE f.deleted_at IS NULL ORDER BY f.id) TO STDOUT`

// plainFigures is what COPY does best: the table as it is.
const plainFigures = `COPY (SELECT id, indicator_id, municipality_id, value, comparator, as_of_start, as_of_end, as_of_precision, as_of_text
 FROM figure WHERE deleted_at IS NULL ORDER BY id) TO STDOUT`

func (b *bench) exportsOf(ctx context.Context, url string) error {
	pool, err := postgres.Open(ctx, postgres.Config{URL: url, ApplicationName: "bench", MaxConns: 2})
	if err != nil {
		return err
	}
	defer pool.Close()
	fmt.Fprintln(os.Stderr, "Making figures …")
	if err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Conn().PgConn().Exec(ctx, fmt.Sprintf(fillFigures, exported)).ReadAll()
		return err
	}); err != nil {
		return err
	}
	if _, err := pool.Exec(ctx, "VACUUM ANALYZE figure, figure_source"); err != nil {
		return err
	}
	catalogue, err := graph.Catalogue()
	if err != nil {
		return err
	}
	writable, err := graph.Writable(catalogue)
	if err != nil {
		return err
	}
	library, err := export.New(catalogue, writable, pool)
	if err != nil {
		return err
	}
	kind, ok := library.Kind("Observation")
	if !ok {
		return errors.New("observations are not exported")
	}
	copying := func(sql string) func(w io.Writer) error {
		return func(w io.Writer) error {
			conn, err := pool.Acquire(ctx)
			if err != nil {
				return err
			}
			defer conn.Release()
			_, err = conn.Conn().PgConn().CopyTo(ctx, w, sql)
			return err
		}
	}
	ways := []way{
		{"COPY of the same values", copying(copiedFigures)},
		{"COPY of the table's columns", copying(plainFigures)},
		{"export", func(w io.Writer) error {
			s, err := library.Begin(ctx, plan.Viewer{Now: time.Now()}, time.Hour)
			if err != nil {
				return err
			}
			defer s.Close()
			rows, err := s.Write(ctx, w, export.Of{Kinds: []export.Kind{kind}, Format: export.NDJSON})
			if err == nil && rows != exported {
				err = fmt.Errorf("%d rows are written", rows)
			}
			return err
		}},
	}
	took := map[string][]float64{}
	grown := map[string]int{}
	bytes := map[string]int64{}
	for round := range b.Rounds + 1 { // the first one warms up
		fmt.Fprintf(os.Stderr, "Round %d of %d …\n", round, b.Rounds)
		for i := range ways {
			w := ways[(i+round)%len(ways)]
			var to discarded
			memory := watchMemory()
			start := time.Now()
			if err := w.write(&to); err != nil {
				return err
			}
			if seconds := time.Since(start).Seconds(); round > 0 {
				took[w.name] = append(took[w.name], seconds)
			}
			grown[w.name], bytes[w.name] = max(grown[w.name], memory()), to.n.Load()
		}
	}
	fmt.Printf("| %d figures | rows/s | of COPY's, goal ≥ 0.5 | MB | memory at most, MiB |\n|---|---:|---:|---:|---:|\n", exported)
	for _, w := range ways {
		ratios := make([]float64, len(took[w.name]))
		for i, seconds := range took[w.name] {
			ratios[i] = took[ways[0].name][i] / seconds
		}
		slices.Sort(took[w.name])
		fmt.Printf("| %s | %.0f | %.2f | %.0f | %d |\n", w.name, exported/middle(took[w.name]), middle(ratios), float64(bytes[w.name])/1e6, grown[w.name])
	}
	return nil
}

// way is one to write all rows.
type way struct {
	name  string
	write func(w io.Writer) error
}

// discarded counts what it is given.
type discarded struct{ n atomic.Int64 }

func (d *discarded) Write(p []byte) (int, error) {
	d.n.Add(int64(len(p)))
	return len(p), nil
}

// watchMemory gives, when it is asked, how much memory of this process was resident at
// most since, in MiB.
func watchMemory() func() int {
	most, done, ended := 0, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			if now, ok := residentOf(os.Getpid()); ok {
				most = max(most, now>>20)
			}
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	}()
	return func() int { close(done); <-ended; return most }
}
