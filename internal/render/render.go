// Package render keeps what readers get of Markdown texts: HTML, plain text,
// table of contents, excerpt and reading time are computed when a text is
// written, and stored beside it with the renderer's version. Reads only copy. The
// database refuses a text without its rendering.
package render

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/postgres"
	"stadtgraph/internal/text"
)

// Column is a column of Markdown with the columns of its rendering.
type Column struct {
	Table   string
	Name    string
	Profile text.Profile
	Long    bool // it has headings, an excerpt and a reading time
}

// Columns are all columns of Markdown.
var Columns = []Column{
	{Table: "article", Name: "body", Profile: text.Article, Long: true},
	{Table: "strategy", Name: "body", Profile: text.Article, Long: true},
	{Table: "funding_program", Name: "body", Profile: text.Article, Long: true},
	{Table: "measure", Name: "description", Profile: text.Article},
	{Table: "comment", Name: "body", Profile: text.Comment},
}

// Values renders a text and gives what to store, by column name.
func (c Column) Values(markdown string) map[string]any {
	return c.Rendered(text.Render(markdown, c.Profile))
}

// Rendered gives what to store of a text that has been rendered.
func (c Column) Rendered(r text.Rendered) map[string]any {
	values := map[string]any{
		c.Name + "_html":     r.HTML,
		c.Name + "_text":     r.Text,
		c.Name + "_renderer": text.Version,
	}
	if c.Long {
		values[c.Name+"_contents"] = r.Contents
		values[c.Name+"_excerpt"] = r.Excerpt
		values[c.Name+"_reading_minutes"] = max(r.ReadingMinutes, 1)
	}
	return values
}

// batch is how many texts one transaction of Refresh renders.
const batch = 100

// Refresh renders every stored text whose rendering is of another version. It
// may be interrupted and repeated, and several may run at once.
func Refresh(ctx context.Context, db postgres.DB) error {
	for _, c := range Columns {
		for {
			n, err := c.refresh(ctx, db)
			if err != nil {
				return fmt.Errorf("render %s.%s: %w", c.Table, c.Name, err)
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}

func (c Column) refresh(ctx context.Context, db postgres.DB) (int, error) {
	tx, err := db.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	rows, err := tx.Query(ctx, fmt.Sprintf(
		`SELECT id, %[1]s FROM %[2]s WHERE %[1]s_renderer <> $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`, c.Name, c.Table),
		text.Version, batch)
	if err != nil {
		return 0, err
	}
	type stale struct {
		ID       [16]byte
		Markdown string
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[stale])
	if err != nil {
		return 0, err
	}
	var set []string
	for _, name := range c.names() {
		set = append(set, fmt.Sprintf("%[1]s = r.%[1]s", name))
	}
	for _, s := range found {
		values, err := json.Marshal(c.Values(s.Markdown))
		if err != nil {
			return 0, err
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf(`UPDATE %[1]s t SET %[2]s FROM jsonb_populate_record(NULL::%[1]s, $2) r WHERE t.id = $1`,
			c.Table, strings.Join(set, ", ")), s.ID, values); err != nil {
			return 0, err
		}
	}
	return len(found), tx.Commit(ctx)
}

// names are the columns of the rendering.
func (c Column) names() []string {
	names := []string{c.Name + "_html", c.Name + "_text", c.Name + "_renderer"}
	if c.Long {
		names = append(names, c.Name+"_contents", c.Name+"_excerpt", c.Name+"_reading_minutes")
	}
	return names
}
