// Package search keeps what full-text search looks into: a document for each row
// of each type that declares plan.Search, in the table search_document.
//
// # What is in a document
//
// Only what the public may read of the row, once the row itself is visible:
// whether it is, is asked of the row when somebody searches. So a document holds
// no text of another row that may be a draft, such as the title of a strategy in
// an article that speaks of it. It holds names of the register, of topics,
// organizations and people that are not deleted, and of the one row without which
// nobody sees this one: a call has the title of its program. A row that nobody at
// all may see, because it is deleted, has no document.
//
// The lines of a title are several names, of which the first is the title that
// suggestions show. No phrase is found across lines. Texts are analysed by
// internal/german; Postgres knows no German.
//
// # How it stays true
//
// Triggers on all tables that documents are made of, for whole statements, write
// into search_stale which ones have to be made again (migration
// 000022_watch_for_search), so that no writer can forget it. Three things take
// from there:
//
//	Refresh   until nothing is left: after migrations and imports
//	Keep      as long as a server runs: a second after each change
//	Index     within a transaction that wants to be found as soon as it commits
//
// Several may run at once. Who takes a row from the queue has locked all entries of
// it, so that nobody writes an older state over a newer one; Index takes nothing,
// and what it wrote is looked at once more.
package search

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"stadtgraph/internal/german"
	"stadtgraph/internal/plan"
)

// declared is increased when nouns declare other texts (a test compares), so that
// documents are made again.
const declared = 3

// Version is that of the documents: a binary of a later one makes them again.
const Version = german.Version*1000 + declared

// A document says how those of one type are made.
type document struct {
	Type      string
	partition string // of search_document
	read      string // what they are made of, for rows by id
}

// the row that the pieces of a declaration are about
const row = "described"

var (
	placeholder = regexp.MustCompile(`\{[^}]*\}`)
	column      = regexp.MustCompile(`^[a-z_0-9]+$`)
	capital     = regexp.MustCompile(`[A-Z]`)
	parentheses = regexp.MustCompile(`\(([^()\n]*)\)(\n|$)`)
)

// documents compiles the declarations, by type.
func documents(c *plan.Catalogue) ([]document, error) {
	var all []document
	for _, o := range c.Objects() {
		if o.Search == nil {
			continue
		}
		var unknown []string
		expr := func(sql plan.SQL, empty string) string {
			if sql == "" {
				return empty
			}
			return "(" + placeholder.ReplaceAllStringFunc(string(sql), func(p string) string {
				p = p[1 : len(p)-1]
				if !column.MatchString(p) {
					unknown = append(unknown, p)
				}
				return row + "." + p
			}) + ")"
		}
		text := func(sql plan.SQL) string { return "coalesce(" + expr(sql, "NULL") + "::text, '')" }
		keys := func(sql plan.SQL) string { return "coalesce(" + expr(sql, "NULL") + "::uuid[], '{}')::text" }
		s := o.Search
		d := document{Type: o.Type, partition: "search_document" + capital.ReplaceAllStringFunc(o.Type, func(c string) string {
			return "_" + strings.ToLower(c)
		})}
		d.read = "SELECT " + strings.Join([]string{
			row + ".id", text(s.Title), text(s.Labels), text(s.Summary), text(s.Body), expr(s.Date, "NULL") + "::date::text",
			keys(s.Municipalities), keys(s.States), keys(s.Topics),
		}, ",\n  ") + fmt.Sprintf("\nFROM %[1]s %[2]s\nWHERE %[2]s.id = ANY($1) AND %[3]s", o.Table, row, expr(widest(o.Visible), "true"))
		if len(unknown) > 0 {
			return nil, fmt.Errorf("search: %s declares {%s}, and only columns are known here", o.Type, strings.Join(unknown, "}, {"))
		}
		all = append(all, d)
	}
	return all, nil
}

// widest is the visibility for whoever may see most.
func widest(v plan.Visibility) plan.SQL {
	for _, sql := range []plan.SQL{v.Moderator, v.Editor} {
		if sql != "" {
			return sql
		}
	}
	return v.Public
}

// source is what a document is made of, as it is read.
type source struct {
	ID                             pgtype.UUID
	Title, Labels, Summary, Body   string
	Date                           *string
	Municipalities, States, Topics string // as Postgres writes arrays
}

const (
	mostTitle = 500 // characters of a title that is shown and looked up by its beginning
	mostLines = 100 // lines that stand by themselves; there are positions for so many in a vector
)

// vector analyses a document.
func (s *source) vector() string {
	var parts []german.Weighted
	add := func(text string, weight byte) {
		if text != "" {
			parts = append(parts, german.Weighted{Text: text, Weight: weight})
		}
	}
	lines := func(text string, weight byte) {
		if strings.Count(text, "\n") >= mostLines {
			add(text, weight)
			return
		}
		for line := range strings.SplitSeq(text, "\n") {
			add(line, weight)
		}
	}
	// What stands in parentheses tells namesakes apart: Lohne (Oldenburg) is no Oldenburg.
	title := parentheses.ReplaceAllString(s.Title, "$2")
	lines(title, 'A')
	lines(s.Labels, 'B')
	if title != s.Title {
		for _, inside := range parentheses.FindAllStringSubmatch(s.Title, mostLines) {
			add(inside[1], 'B')
		}
	}
	add(s.Summary, 'C')
	add(s.Body, 'D')
	return german.Vector(parts...)
}

// title is the first line of a title.
func (s *source) title() string {
	line, _, _ := strings.Cut(s.Title, "\n")
	if len(line) > mostTitle {
		if runes := []rune(line); len(runes) > mostTitle {
			return string(runes[:mostTitle])
		}
	}
	return line
}

// name is the title as names are compared.
func (s *source) name() string { return strings.TrimRight(german.Name(s.title()), " ") }
