package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/change"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/search"
)

// unwoken is a log of changes that is read only when it is asked for.
type unwoken struct{ change.Log }

func (unwoken) Watch(context.Context) <-chan struct{} { return nil }

// asked is an operation of the public with its variables.
type asked struct {
	query string
	vars  map[string]any
}

// generated are operations of the public, as the test of the planner generates them.
func generated(t *testing.T, pool *pgxpool.Pool, seed uint64, n int) (all []asked) {
	c := comparisonOver(t, pool)
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), catalogue: c.catalogue, known: c.known, ref: c.ref}
	for tries := 0; len(all) < n && tries < 20*n; tries++ {
		g.viewer = plan.Viewer{Now: time.Now()}
		op := g.operation()
		if _, err := c.parse(op.String()); err != nil || op.isWrong(0) {
			continue
		}
		sent, _ := json.Marshal(op.run(0))
		a := asked{query: op.String()}
		d := json.NewDecoder(bytes.NewReader(sent))
		d.UseNumber()
		if err := d.Decode(&a.vars); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

// everywhere asks every list of the schema for what is easily told apart.
func everywhere(catalogue *plan.Catalogue) (all []asked) {
	for _, f := range catalogue.Schema.Query.Fields {
		node, ok := strings.CutSuffix(f.Type.Name(), "Connection")
		if o := catalogue.Object(node); !ok || o == nil || o.Prefix == "" || catalogue.Root(f.Name) != nil && catalogue.Root(f.Name).Least > plan.Public {
			continue
		}
		var fields []string
		for _, field := range catalogue.Schema.Types[node].Fields {
			if catalogue.Object(node).Fields[field.Name].Expr != "" && catalogue.Object(node).Fields[field.Name].Least == plan.Public && len(field.Arguments) == 0 {
				fields = append(fields, field.Name)
			}
		}
		all = append(all, asked{query: fmt.Sprintf("{ %s(first: 100) { totalCount nodes { %s } } }", f.Name, strings.Join(fields, " "))})
	}
	for _, query := range []string{
		`{ about { registerAsOf attributions { text url } coverage { type count recordedUntil } } }`,
		`{ articles(first: 100) { nodes { slug topics { name } bylines { __typename } } } }`,
		`{ articles(first: 100) { nodes { slug commentCount commentsStatus commentsOpen comments(first: 100, orderBy: [{field: TOP, direction: DESC}]) { totalCount
			nodes { id status tombstone pinned redactedAt upvotes downvotes score body authorName replyCount editorNotes { text signature } } } } } }`,
		`{ search(query: "stadt") { totalCount nodes { title { text } } } }`, `{ suggest(prefix: "s") { text } }`, `{ articles(filter: {q: "stadt"}) { totalCount } }`,
	} {
		all = append(all, asked{query: query})
	}
	return all
}

// read gives the answer to a query and what it was read from; nil if it is refused.
func (a asked) read(t *testing.T, e *graph.Executor) (answer []byte, from plan.Sources) {
	t.Helper()
	ctx := graphql.StartOperationTrace(graph.WithSources(t.Context(), &from))
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: a.query, Variables: a.vars})
	if len(errs) > 0 {
		return nil, from
	}
	handler, ctx := e.DispatchOperation(ctx, op)
	response := handler(ctx)
	if len(response.Errors) > 0 {
		return nil, from
	}
	return response.Data, from
}

// TestKeptAnswersAreRight writes at random, anything into any table, and compares after
// each commit what is kept of many answers with what is read anew: what the tags of an
// answer do not cover shows as a difference.
func TestKeptAnswersAreRight(t *testing.T) {
	t.Parallel()
	pool := pgtest.From(t, "awkward", awkwardVersion, fillAwkward)
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	executor := graph.NewExecutor(plan.New(catalogue, pool, true))
	answers := cache.New(256<<20, unwoken{change.Log{Pool: pool}}, catalogue.Prefix)
	answers.Sync(t.Context())
	w := newScribe(t, pool)
	t.Logf("seed %d", *seedFlag)
	questions := slices.DeleteFunc(generated(t, pool, *seedFlag, 100), func(q asked) bool { // those that do not take long
		start := time.Now()
		answer, from := q.read(t, executor)
		return answer == nil || slices.Contains(from.Words, "api_token") || time.Since(start) > 20*time.Millisecond
	})
	questions = append(questions[:min(len(questions), 30)], everywhere(catalogue)...)
	hits, misses, differences, passed := 0, 0, 0, 0
	last := make([][]byte, len(questions))
	for range 20 {
		wrote := w.write() + "\n" + w.write() + "\n" + w.write()
		answers.Sync(t.Context())
		for n, q := range questions {
			look := answers.Get(nil, cache.KeyOf("", q.query, "", q.vars))
			fresh, from := q.read(t, executor)
			switch {
			case look.Outcome == cache.Hit:
				hits++
				if kept, _ := answers.Coded(look.Entry, cache.Identity); !bytes.Equal(kept, fresh) {
					t.Fatalf("after %s\n%s\n%v\ntagged %v\nis kept as\n%.3000s\nand read as\n%.3000s", wrote, q.query, q.vars, look.Entry.Header(1<<20), kept, fresh)
				}
			case fresh == nil:
			default:
				misses++
				if last[n] != nil && !bytes.Equal(last[n], fresh) {
					differences++
				}
				if tags, ok := look.Tags(from); ok {
					look.Keep(&cache.Answer{Body: fresh, Tags: tags})
				} else if passed++; !from.Moving && !slices.Contains(from.Words, "recorded_change") { // which the public does not see
					t.Errorf("nobody tells of what is read by\n%s", q.query)
				}
			}
			last[n] = fresh
			look.Done()
		}
	}
	t.Logf("%d hits, %d misses, %d of them with another answer, %d not kept; %d writes", hits, misses, differences, passed, w.written)
	if hits < misses/4 || differences < 20 || w.written < 60 {
		t.Error("this proves nothing")
	}
}

// A scribe writes at random.
type scribe struct {
	t       *testing.T
	pool    *pgxpool.Pool
	random  *rand.Rand
	columns [][2]string
	tables  []string
	written int
}

func newScribe(t *testing.T, pool *pgxpool.Pool) *scribe {
	w := &scribe{t: t, pool: pool, random: rand.New(rand.NewPCG(*seedFlag, 9))}
	rows, _ := pool.Query(t.Context(), `SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND (c.relname IN (SELECT source FROM history_type UNION SELECT source FROM history_part)
  OR EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = 'touched') AND c.relname <> 'former_slug') AND a.attname <> 'id' ORDER BY 1, 2`)
	var err error
	if w.columns, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c [2]string, err error) { return c, row.Scan(&c[0], &c[1]) }); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.columns {
		if !slices.Contains(w.tables, c[0]) {
			w.tables = append(w.tables, c[0])
		}
	}
	return w
}

// write commits something and says what.
func (w *scribe) write() string {
	published := []string{"article", "strategy", "funding_program"}
	for {
		var sql string
		table := w.tables[w.random.IntN(len(w.tables))]
		row := func(table string) string {
			return fmt.Sprintf("(SELECT ctid FROM %s ORDER BY md5(ctid::text || '%d') LIMIT 1)", table, w.random.IntN(1000))
		}
		switch w.random.IntN(12) {
		case 0:
			sql = fmt.Sprintf("DELETE FROM %s WHERE ctid = %s", table, row(table))
		case 1, 2:
			p := published[w.random.IntN(3)]
			sql = fmt.Sprintf("UPDATE %s SET publication_status = (ARRAY['DRAFT', 'PUBLISHED', 'ARCHIVED'])[1 + %d], published_at = coalesce(published_at, now()) WHERE ctid = %s", p, w.random.IntN(3), row(p))
		case 3:
			sql = "UPDATE comment SET upvotes = upvotes + 1 WHERE ctid = " + row("comment")
		case 4:
			sql = fmt.Sprintf("UPDATE comment SET status = (ARRAY['APPROVED', 'REJECTED', 'HIDDEN'])[1 + %d] WHERE ctid = %s", w.random.IntN(3), row("comment"))
		case 5:
			catalogue, err := graph.Catalogue()
			if err == nil {
				err = search.Refresh(w.t.Context(), w.pool, catalogue)
			}
			if err != nil {
				w.t.Fatal(err)
			}
			w.written++
			return "a refresh of the search index"
		case 6:
			p := published[w.random.IntN(3)]
			sql = fmt.Sprintf("UPDATE %s SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END WHERE ctid = %s", p, row(p))
		default:
			c := w.columns[w.random.IntN(len(w.columns))]
			sql = fmt.Sprintf("UPDATE %[1]s SET %[2]s = (SELECT %[2]s FROM %[1]s WHERE ctid = %[3]s) WHERE ctid = %[4]s", c[0], c[1], row(c[0]), row(c[0]))
		}
		if tag, err := w.pool.Exec(w.t.Context(), sql); err == nil && tag.RowsAffected() > 0 {
			w.written++
			return sql
		}
	}
}

// TestEverythingReadIsTold: whatever statements read, as Postgres itself sees it, somebody
// tells when it is written, under one of the names that the planner's words lead to.
func TestEverythingReadIsTold(t *testing.T) {
	t.Parallel()
	compares(t)
	pool := pgtest.From(t, "awkward", awkwardVersion, fillAwkward)
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	planner := plan.New(catalogue, pool, true)
	coverage, err := change.Log{Pool: pool}.Coverage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := asker{schema: catalogue.Schema, catalogue: catalogue}
	a.lists()
	questions := generated(t, pool, 3, 300)
	for _, q := range a.all {
		questions = append(questions, asked{query: q.query()})
	}
	c := comparisonOver(t, pool)
	read := map[string]bool{}
	known := map[string]bool{} // statements, by their words
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, q := range questions {
		doc, err := c.parse(q.query)
		if err != nil {
			t.Fatal(err)
		}
		vars, err := c.variables(doc, q.vars, true)
		if err != nil {
			t.Fatal(err)
		}
		request, errs := planner.Prepare(doc, vars, plan.Public)
		if len(errs) > 0 {
			continue
		}
		for n, sql := range request.SQL() {
			words := slices.DeleteFunc(request.Words()[n], numbered.MatchString)
			slices.Sort(words)
			same := strings.Join(words, " ")
			if known[same] {
				continue
			}
			known[same] = true
			if slices.Contains(words, "change_horizon") {
				continue // the feed of changes is not kept
			}
			relations, err := dependencies(t.Context(), conn.Conn(), sql, request.Types()[n])
			if err != nil {
				t.Fatalf("%v\n%s", err, sql)
			}
			names, unknown := coverage.Names(request.Words()[n])
			if slices.Contains([]string{"api_token", "trusted_document", "recorded_change", "revision_changes", "webhook", "webhook_delivery"}, unknown) {
				continue // what only some may see is not kept
			}
			if unknown != "" {
				t.Fatalf("nobody tells when %s is written, which is read by\n%s", unknown, q.query)
			}
			for _, relation := range relations {
				read[relation] = true
				told, unknown := coverage.Names([]string{relation})
				if unknown != "" {
					t.Fatalf("nobody tells when %s is written, which is read by\n%s", unknown, q.query)
				}
				for _, name := range told {
					if !slices.Contains(names, name) {
						t.Fatalf("%s is read, of which %s tells, and not in %v\n%s", relation, name, names, sql)
					}
				}
			}
		}
	}
	t.Logf("%d kinds of statements read %d relations and functions", len(known), len(read))
	for _, o := range catalogue.Objects() {
		if o.Prefix != "" && o.Visible.Public != "false" && !read[string(o.Table)] {
			t.Errorf("no statement reads %s", o.Table)
		}
	}
}

// numbered are aliases.
var numbered = regexp.MustCompile(`^[a-z]+[0-9]+$`)

// dependencies are the relations and functions of ours that a statement names, as Postgres
// understands it: those of a view that is made of it.
func dependencies(ctx context.Context, conn *pgx.Conn, sql string, types []uint32) ([]string, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	for n := len(types); n > 0; n-- {
		var name string
		if err := tx.QueryRow(ctx, `SELECT format_type($1, NULL)`, types[n-1]).Scan(&name); err != nil {
			return nil, err
		}
		sql = strings.ReplaceAll(sql, fmt.Sprintf("$%d", n), fmt.Sprintf("NULL::%s", name))
	}
	if _, err := tx.Exec(ctx, `CREATE TEMP VIEW read AS SELECT count(*) FROM (`+sql+`) q`); err != nil {
		return nil, errors.Join(err, errors.New(sql))
	}
	rows, _ := tx.Query(ctx, `SELECT DISTINCT coalesce(c.relname, f.proname)
FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
LEFT JOIN pg_class c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid AND c.relname <> 'read'
LEFT JOIN pg_proc f ON d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid
WHERE w.ev_class = 'read'::regclass AND coalesce(c.relnamespace, f.pronamespace) = current_schema()::regnamespace`)
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
