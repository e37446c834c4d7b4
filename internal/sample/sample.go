// Package sample makes a large data set that is plausible and clearly synthetic:
// everything that can be read, in German, over the real register, in the
// distributions of a portal that has been running since 2015. `dev --sample` and
// the benchmark load it.
//
// Each entry is a function of its type and its number, so a scale means the same
// rows in every database (only dataset.loaded_at is not a matter of the scale),
// chunks are made in parallel, and memory stays flat. Whatever has a name or a
// title has the word Muster in it, addresses end in .example, and the table
// dataset says that all of it is made up.
//
// Texts come from word lists and sentence patterns (words.go). Bodies of 3 KB are
// put together from parts that were rendered once (prose.go), which takes a sixth
// of rendering each; a test renders them as they stand.
package sample

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/postgres"
)

// Options say how much to load. Only Scale is required.
type Options struct {
	// Scale is what the counts are multiplied with: 1 is 100,000 articles and
	// 500,000 comments, the benchmark's size.
	Scale float64
	// Progress is told how many entries are written, of how many. The last call
	// says that all are; indexes' statistics and the commit come after it.
	Progress func(done, total int)
}

// The numbers of entries at scale 1, and the least that shows every kind there
// is. What has no scale comes from fixed lists.
var counts = []struct {
	of              string
	perScale, least int
}{
	{"organization", 5_000, 60},
	{"person", 5_000, 30},
	{"source", 30_000, 60},
	{"event", 5_000, 20},
	{"funding_program", 300, 12},
	{"funding_call", 900, 24},
	{"strategy", 20_000, 40},
	{"measure", 60_000, 60},
	{"funding_award", 10_000, 30},
	{"media_asset", 15_000, 30},
	{"ranking", 40, 4},
	{"platform", 200, 6},
	{"figure", 40_000, 60},
	{"article", 100_000, 150},
	{"comment", 500_000, 700},
}

// MaxScale bounds Options.Scale; ten times the benchmark's size takes about half an hour.
const MaxScale = 100

// Dataset is the row of dataset that says that a database has the sample.
const Dataset = "sample"

const attribution = "synthetic, made by stadtgraph"

// Load writes the sample into a migrated database that has the register: all of
// it or nothing. A database that has a sample already, of whatever scale, is left
// as it is.
func Load(ctx context.Context, db postgres.DB, o Options) error {
	if !(o.Scale > 0 && o.Scale <= MaxScale) {
		return fmt.Errorf("the scale of the sample is %v: choose one above 0, and %d at most", o.Scale, MaxScale)
	}
	if err := load(ctx, db, o); err != nil {
		return fmt.Errorf("load the sample: %w", err)
	}
	return nil
}

func load(ctx context.Context, db postgres.DB, o Options) error {
	tx, err := db.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	// Two loaders at once take turns. Readers are not kept waiting.
	var there bool
	if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0; LOCK TABLE dataset IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM dataset WHERE name = $1)`, Dataset).Scan(&there); err != nil || there {
		return err
	}
	land, err := survey(ctx, tx)
	if err != nil {
		return err
	}
	g := newGenerator(land, o.Scale)
	// The generator computes what these would, and a test compares. With them,
	// each comment recomputes its thread, on a table without statistics: 50,000
	// took more than nine minutes, and take three seconds without.
	if _, err := tx.Exec(ctx, triggers("DISABLE")); err != nil {
		return err
	}
	if err := g.copyAll(ctx, tx, o.Progress); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, triggers("ENABLE")); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO dataset (name, as_of, attribution, license) VALUES ($1, $2, $3, 'MIT')`,
		Dataset, asOf, attribution); err != nil {
		return err
	}
	// Autovacuum would come by only after the first questions.
	if _, err := tx.Exec(ctx, `ANALYZE`); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func triggers(verb string) string {
	var sql strings.Builder
	for _, t := range [][2]string{
		{"strategy", "strategy_lineage_set"}, {"strategy", "strategy_lineage_spread"},
		{"comment", "comment_thread_set"}, {"comment", "comment_visibility_kept"}, {"comment", "comment_visibility_begun"},
	} {
		fmt.Fprintf(&sql, "ALTER TABLE %s %s TRIGGER %s;\n", t[0], verb, t[1])
	}
	return sql.String()
}

// A stage writes the entries of a type with all that hangs on them. Stages are
// in the order of their references.
type stage struct {
	of    string
	chunk int // entries per batch
	write func(g *generator, b *batch, i int)
}

var stages = []stage{
	{"topic", 1000, (*generator).writeTopic},
	{"indicator", 1000, (*generator).writeIndicator},
	{"organization", 2000, (*generator).writeOrganization},
	{"person", 2000, (*generator).writePerson},
	{"source", 5000, (*generator).writeSource},
	{"event", 2000, (*generator).writeEvent},
	{"funding_program", 100, (*generator).writeProgram},
	{"funding_call", 1000, (*generator).writeCall},
	{"strategy", 1000, (*generator).writeStrategy},
	{"measure", 4000, (*generator).writeMeasure},
	{"funding_award", 2000, (*generator).writeAward},
	{"media_asset", 5000, (*generator).writeMedia},
	{"ranking", 20, (*generator).writeRanking},
	{"platform", 200, (*generator).writePlatform},
	{"figure", 5000, (*generator).writeFigure},
	{"article", 500, (*generator).writeArticle},
}

// copyAll makes batches ahead, on all processors, and copies them in order.
func (g *generator) copyAll(ctx context.Context, tx pgx.Tx, progress func(done, total int)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	total := g.count["comment"]
	for _, s := range stages {
		total += g.count[s.of]
	}
	queue := make(chan chan *batch, runtime.GOMAXPROCS(0))
	go func() {
		defer close(queue)
		for _, s := range stages {
			for from := 0; from < g.count[s.of]; from += s.chunk {
				made := make(chan *batch, 1)
				select {
				case queue <- made:
				case <-ctx.Done():
					return
				}
				go func() {
					b := &batch{}
					for i := from; i < min(from+s.chunk, g.count[s.of]); i++ {
						b.entries++
						s.write(g, b, i)
					}
					made <- b
				}()
			}
		}
	}()
	done := 0
	for made := range queue {
		b := <-made
		if err := b.copy(ctx, tx); err != nil {
			return err
		}
		if done += b.entries; progress != nil {
			progress(done, total)
		}
	}
	return ctx.Err()
}
