package change

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/nodeid"
)

// Mark is a moment in the life of a database: what was committed by then and what was
// not. Unlike a Cursor it waits for nobody: what commits is behind the mark of the moment
// before, however long older transactions stay open. There is no order between two
// marks, so it is of use to those who only want to know what is not as it was.
type Mark struct{ Epoch, Snapshot string }

// Touched is what was written between two marks.
type Touched struct {
	Objects []Object
	Sources []string // tables, as a whole: migration 000033 says when
	Mark    Mark     // from which to ask again
	Lost    bool     // it is not known, or more than is worth telling: anything may have been written

	// Due is the next instant at which something is seen otherwise without being
	// written; zero if none is known.
	Due time.Time
}

// Object is one that was written, whatever of it, or that is seen by others than before.
type Object struct {
	Type string
	ID   nodeid.UUID
}

// mostTouched is how many objects are told one by one.
const mostTouched = 10_000

// Memory is how long what was written stays known to those who ask by marks.
const Memory = 24 * time.Hour

// Log tells by marks what was written.
type Log struct{ Pool *pgxpool.Pool }

// Watch says when it is worth asking again.
func (l Log) Watch(ctx context.Context) <-chan struct{} { return Watch(ctx, l.Pool) }

// Since gives what was committed since a mark, and what falls due after an instant. Since
// the zero mark nothing was.
func (l Log) Since(ctx context.Context, mark Mark, now time.Time) (t Touched, err error) {
	rows, _ := l.Pool.Query(ctx, `
WITH since AS MATERIALIZED (SELECT coalesce(nullif($1, '')::pg_snapshot, pg_current_snapshot()) AS snapshot), written AS (
  (SELECT c.type, NULL AS source, c.id FROM change c
   WHERE c.txid >= pg_snapshot_xmin((SELECT snapshot FROM since)) AND NOT pg_visible_in_snapshot(c.txid, (SELECT snapshot FROM since)) LIMIT $3)
  UNION ALL
  SELECT NULL, t.source, NULL FROM touched t
  WHERE t.txid >= pg_snapshot_xmin((SELECT snapshot FROM since)) AND NOT pg_visible_in_snapshot(t.txid, (SELECT snapshot FROM since)) GROUP BY t.source
)
SELECT change_epoch(), pg_current_snapshot()::text, next_due($2), w.type, w.source, w.id FROM (SELECT) one LEFT JOIN written w ON true`,
		mark.Snapshot, now, mostTouched+1)
	defer rows.Close()
	for rows.Next() {
		var due *time.Time
		var typeName, source *string
		var id *[16]byte
		if err := rows.Scan(&t.Mark.Epoch, &t.Mark.Snapshot, &due, &typeName, &source, &id); err != nil {
			return Touched{}, fmt.Errorf("read what was written: %w", err)
		}
		if due != nil {
			t.Due = *due
		}
		switch {
		case source != nil:
			t.Sources = append(t.Sources, *source)
		case typeName != nil:
			t.Objects = append(t.Objects, Object{*typeName, *id})
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return Touched{}, fmt.Errorf("read what was written: %w", err)
	}
	if mark.Epoch != "" && mark.Epoch != t.Mark.Epoch || len(t.Objects) > mostTouched {
		t.Objects, t.Sources, t.Lost = nil, nil, true
	}
	return t, nil
}

// Coverage says by which names it becomes known that what a statement reads was written.
type Coverage struct {
	// names are those for each table, view and function of the database; none if nobody
	// says when it is written.
	names map[string][]string
	types map[string][]string // for each table of objects
}

// Coverage reads from the database what its triggers note.
func (l Log) Coverage(ctx context.Context) (*Coverage, error) {
	rows, _ := l.Pool.Query(ctx, `
SELECT c.relname, coalesce(pg_get_viewdef(CASE WHEN c.relkind IN ('v', 'm') THEN c.oid END), ''), c.relkind NOT IN ('v', 'm'),
  (SELECT array_agg(DISTINCT n.name) FROM (
    SELECT t.type AS name FROM history_type t WHERE t.source = c.relname
    UNION ALL SELECT c.relname FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = 'touched') n),
  (SELECT array_agg(t.type) FROM history_type t WHERE t.source = c.relname)
FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT f.proname, string_agg(coalesce(f.prosrc, ''), ' '), false, NULL, NULL
FROM pg_proc f JOIN pg_language l ON l.oid = f.prolang
WHERE f.pronamespace = current_schema()::regnamespace AND f.prorettype <> 'trigger'::regtype AND f.prokind = 'f' AND l.lanname IN ('sql', 'plpgsql')
GROUP BY f.proname`)
	defer rows.Close()
	c := &Coverage{names: map[string][]string{}, types: map[string][]string{}}
	bodies := map[string]string{} // of what is made of other relations
	for rows.Next() {
		var name, body string
		var stored bool
		var names, types []string
		if err := rows.Scan(&name, &body, &stored, &names, &types); err != nil {
			return nil, fmt.Errorf("read what is noted of tables: %w", err)
		}
		if stored {
			c.names[name] = names
		} else {
			bodies[name] += " " + body
		}
		if types != nil {
			c.types[name] = types
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read what is noted of tables: %w", err)
	}
	c.look(bodies)
	return c, nil
}

// word is a name in SQL that may be that of a relation: no column of one.
var word = regexp.MustCompile(`(?:^|[^.\w])([a-z_][a-z0-9_]*)`)

// look finds the tables that views and functions read, be it through each other.
func (c *Coverage) look(bodies map[string]string) {
	var names func(of string, above []string) (all []string, known bool)
	names = func(of string, above []string) (all []string, known bool) {
		for _, w := range word.FindAllStringSubmatch(bodies[of], -1) {
			inner, ok := w[1], true
			if inner == of || slices.Contains(above, inner) {
				continue
			}
			if direct, table := c.names[inner]; table {
				all, ok = append(all, direct...), direct != nil
			} else if _, made := bodies[inner]; made {
				var more []string
				more, ok = names(inner, append(above, of))
				all = append(all, more...)
			}
			if !ok {
				return nil, false
			}
		}
		slices.Sort(all)
		return slices.Compact(all), true
	}
	found := map[string][]string{}
	for of := range bodies {
		if all, known := names(of, nil); !known {
			found[of] = nil
		} else {
			found[of] = append([]string{}, all...)
		}
	}
	maps.Copy(c.names, found)
}

// Names gives, for the words of a statement, under which names it becomes known that
// what it reads was written: types of objects and tables. A word that is no relation has
// none. The first one of which nobody would know comes back as unknown.
func (c *Coverage) Names(words []string) (names []string, unknown string) {
	for _, w := range words {
		of, relation := c.names[w]
		if relation && of == nil {
			return nil, w
		}
		for _, name := range of {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, ""
}

// Any is the tag of what was read of objects of a type that were reached by their key
// alone, whichever they are.
func Any(typeName string) string { return typeName + ".any" }

// Tags are what outdated answers may have: the type and the global id of each object, and
// each table that was written as a whole, with the objects in it. prefix is that of the
// global ids of a type, "" if it has none.
func (t Touched) Tags(c *Coverage, prefix func(typeName string) string) []string {
	tags := make([]string, 0, 2*len(t.Objects)+len(t.Sources))
	for _, o := range t.Objects {
		tags = append(tags, o.Type)
		if p := prefix(o.Type); p != "" {
			tags = append(tags, nodeid.ID{Prefix: p, UUID: o.ID}.String())
		}
	}
	for _, s := range t.Sources {
		tags = append(tags, c.names[s]...)
		for _, of := range c.types[s] {
			tags = append(tags, Any(of))
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// String lists the relations of which nobody knows when they are written.
func (c *Coverage) String() string {
	var unknown []string
	for name, of := range c.names {
		if of == nil {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	return strings.Join(unknown, " ")
}
