// Package demo holds the content that ships, in German: the 73 federal smart-city
// model projects, five articles in full and the news beside them, and all that
// they speak of, from strategies and measures to people, events and figures.
//
// The content is data that an editor can read: content/*.json and the Markdown
// files beside them, and mpsc_projects.csv as compiled. A JSON file is one object
// of tables, each a list of rows. Tables and files may come in any order, but a
// row comes after the one of its own table that it refers to. A row is written
// like the table, with these abbreviations:
//
//	"slug": "bamberg-…"                     the id is derived from table and slug,
//	"id": "source:fachpresse-2025-02-13"    or written, where there is no slug
//	"predecessor_id": "strategy:bamberg-…"  a reference: type, colon, natural key;
//	"municipality_id": "municipality:09461000"  of a territory that is its official key
//	"adopted_on": "2023-12"                 a vague date: day, month or year,
//	"published_on": {"on": "2023", "text": "Sommer 2023"}  with its wording, or
//	"date": {"from": "2019", "to": "2020"}  a span
//	"total_volume": {"amount": 17000000, "currency": "EUR", "approximate": false}
//	"capacity": {"role": "Oberbürgermeister", "municipality_id": "municipality:…"}
//	                                        columns with a common prefix
//	"body": {"file": "bamberg.md"}          a text of its own
//	"article_link": [{"url": …}]            rows of a child table, which get the
//	                                        owner's id and a position
//	"//": "…"                               a remark
//
// Markdown is rendered here, as the database wants it.
//
// References and ids are recognised by their column (id and whatever ends in
// _id), so no text is ever mistaken for one.
//
// Texts are in our own words: facts carry over, sentences do not, and nobody is
// quoted. Of the comments below the article on Bamberg only order, votes and how
// they begin are known. Their wording is ours, and so are their instants, which
// keep the order and mean nothing else. What the first source of a fact leaves
// open was looked up in others, or stays empty; each row names its sources. A
// source has verified_at if what it says was compared with the list of facts.
//
// Offices are those of the time: a mention's capacity, not what the person does
// today. Pictures have no address, because only their credits are on record. A
// news item of which no more than kicker and day are known is archived: it is
// there, and no list shows it.
package demo

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/postgres"
)

//go:embed content mpsc_projects.csv
var shipped embed.FS

var compiled = sync.OnceValues(func() (*content, error) { return compile(shipped) })

// Version names the content: it changes whenever a row does.
func Version() string {
	c, err := compiled()
	if err != nil {
		return "broken"
	}
	return c.version
}

// Load writes the content into a migrated database that has the register. It is
// one transaction and may be repeated: a row that is already there stays as it
// is, with everything that hangs on it.
func Load(ctx context.Context, db postgres.DB) error {
	c, err := compiled()
	if err != nil {
		return err
	}
	return c.load(ctx, db)
}

func (c *content) load(ctx context.Context, db postgres.DB) error {
	tx, err := db.Begin(ctx)
	if err != nil {
		return fmt.Errorf("load demo content: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	// Two loaders at once take turns. Readers are not kept waiting.
	if _, err := tx.Exec(ctx, `LOCK TABLE dataset IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return fmt.Errorf("load demo content: %w", err)
	}
	if err := c.checkTerritories(ctx, tx); err != nil {
		return err
	}
	there, err := c.present(ctx, tx)
	if err != nil {
		return err
	}

	// Not pgx's batch: that prepares all statements first, and the error of one
	// that does not fit the schema would not say whose it is.
	var batch pgconn.Batch
	var sent []*row
	for _, r := range c.rows {
		if !there[r.owner] {
			batch.ExecParams(r.insert, [][]byte{[]byte(r.json)}, nil, nil, nil)
			sent = append(sent, r)
		}
	}
	results := tx.Conn().PgConn().ExecBatch(ctx, &batch)
	done := 0
	for results.NextResult() {
		if _, err := results.ResultReader().Close(); err != nil {
			break // Close returns it again
		}
		done++
	}
	if err := results.Close(); err != nil {
		if done < len(sent) {
			return fmt.Errorf("%s: %w", sent[done].place, err)
		}
		return fmt.Errorf("load demo content: %w", err)
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("load demo content: %w", err)
	}
	return nil
}

// present says which of the content's rows the database has, by table and key.
func (c *content) present(ctx context.Context, tx pgx.Tx) (map[string]bool, error) {
	there := map[string]bool{}
	for _, t := range tables {
		keys := c.keys[t.name]
		if len(keys) == 0 {
			continue
		}
		key, list := pgx.Identifier{t.key}.Sanitize(), "$1::text[]"
		if t.key == "id" {
			list += "::uuid[]"
		} else if columns := strings.Fields(t.key); len(columns) > 1 {
			key = "concat_ws(' ', " + strings.Join(columns, ", ") + ")"
		}
		rows, _ := tx.Query(ctx, fmt.Sprintf(`SELECT (%[1]s)::text FROM %[2]s WHERE %[1]s = ANY(%[3]s)`,
			key, pgx.Identifier{t.name}.Sanitize(), list), keys)
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, fmt.Errorf("load demo content: %w", err)
		}
		for _, key := range found {
			there[t.name+" "+key] = true
		}
	}
	return there, nil
}

// checkTerritories finds references to states and municipalities that the
// register in the database does not have.
func (c *content) checkTerritories(ctx context.Context, tx pgx.Tx) error {
	rows, _ := tx.Query(ctx, `SELECT id::text FROM state UNION ALL SELECT id::text FROM municipality WHERE id = ANY($1::text[]::uuid[])`,
		c.territoryIDs())
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("load demo content: %w", err)
	}
	there := map[string]bool{}
	for _, id := range found {
		there[id] = true
	}
	for _, r := range c.territories {
		if !there[r.id] {
			return fmt.Errorf("%s: the database has no %s: load the register first", r.place, strings.Replace(r.name, ":", " ", 1))
		}
	}
	return nil
}

func (c *content) territoryIDs() []string {
	var ids []string
	for _, r := range c.territories {
		ids = append(ids, r.id)
	}
	return ids
}

// derive turns a written reference into the key of its row.
func derive(reference string) (prefix, id string, err error) {
	prefix, natural, ok := strings.Cut(reference, ":")
	if !ok || natural == "" || !prefixes[prefix] {
		return "", "", fmt.Errorf("%q is no reference: write it as type:key, such as municipality:09461000", reference)
	}
	return prefix, nodeid.Derive(prefix, natural).String(), nil
}
