package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/internal/german"
)

// A type that search finds takes the condition q in its filter, and its lists can
// be ordered by relevance. Nothing of that is declared twice: the pieces below are
// made of the types' names, over the table search_document.
const (
	searchCondition = "q"
	relevance       = "relevance"
)

// weights of what a word stands in: body, summary, labels, title.
const weights = "ARRAY[0.1, 0.3, 0.6, 1]::float4[]"

// found is what q finds.
func (o *Object) found() SQL {
	return SQL(fmt.Sprintf("{id} IN (SELECT d.id FROM search_document d WHERE d.type = '%s' AND d.vector @@ (SELECT search_query({tsquery arg})))", o.Type))
}

func (o *Object) relevance() SQL {
	return SQL(fmt.Sprintf("(SELECT ts_rank(%s, d.vector, (SELECT search_query({tsquery arg.q})))::float8 FROM search_document d WHERE d.type = '%s' AND d.id = {id})", weights, o.Type))
}

// searchable adds to a type that search finds what its lists take.
func (c *Catalogue) searchable(o *Object) *Object {
	filter := c.Schema.Types[o.Type+"Filter"]
	if o.Search == nil || filter == nil || filter.Fields.ForName(searchCondition) == nil {
		return o
	}
	own := *o // the declaration is not ours to change
	own.Filters, own.Sorts = maps.Clone(o.Filters), maps.Clone(o.Sorts)
	if own.Filters == nil {
		own.Filters = map[string]SQL{}
	}
	if own.Sorts == nil {
		own.Sorts = map[string]Sort{}
	}
	own.Filters[searchCondition] = o.found()
	own.Sorts[relevance] = Sort{By: o.relevance(), Scalar: "Float", Null: true}
	return &own
}

// searched are the types that search finds, in the order of the schema's
// enum, whose values name them.
func searched(schema *ast.Schema, objects []Object) (types []*Object) {
	def := schema.Types["SearchType"]
	if def == nil {
		return nil
	}
	for _, v := range def.EnumValues {
		i := slices.IndexFunc(objects, func(o Object) bool { return searchType(o.Type) == v.Name })
		if i < 0 || objects[i].Search == nil {
			panic("plan: search does not find " + v.Name) // the schema is ours
		}
		types = append(types, &objects[i])
	}
	return types
}

// searchType is a type's name in the enum SearchType.
func searchType(name string) string { return strings.TrimPrefix(valueOf(name), "_") }

// hits are what a query finds of all types that are asked for, as far as the viewer
// may see it and lists show it. What one calls it exactly comes first.
func hits(types []*Object, columns, query string) string {
	var parts []string
	for _, o := range types {
		boost := o.Search.Boost
		if boost == 0 {
			boost = 1
		}
		c := strings.NewReplacer("{query}", query, "{boost}", fmt.Sprint(boost), "{type}", searchType(o.Type)).Replace(columns)
		parts = append(parts, fmt.Sprintf(`SELECT %s FROM search_document d JOIN %s t ON t.id = d.id
  WHERE d.type = '%s' AND d.vector @@ %s AND {visible %[3]s t} AND {listed %[3]s t} AND ({arg.types} IS NULL OR '%[5]s' = ANY({arg.types}))`,
			c, o.Table, o.Type, query, searchType(o.Type)))
	}
	return strings.Join(parts, "\n UNION ALL ")
}

// corrected is the query with its misspelt words put right if it finds nothing as
// it is, and null if it finds something.
func corrected(types []*Object, what string) string {
	return fmt.Sprintf(`(SELECT CASE WHEN NOT EXISTS (%s) THEN %s END)`,
		hits(types, "1", "(SELECT search_query({tsquery arg.query}))"), what)
}

// SearchHit is what search finds, of several types at once.
func searchHit(types []*Object) Object {
	node := make([]Variant, 0, len(types))
	var text, title []string
	for _, o := range types {
		name := searchType(o.Type)
		node = append(node, Variant{Type: o.Type, Column: "id", When: SQL("{type} = '" + name + "'")})
		text = append(text, fmt.Sprintf("WHEN '%s' THEN (SELECT {search %s t} FROM %s t WHERE t.id = {id})", name, o.Type, o.Table))
	}
	_ = title
	table := `(WITH asked AS MATERIALIZED (
  SELECT coalesce(` + corrected(types, "search_query(search_corrected({tsquery arg.query}, {words arg.query}, {tsqueries arg.query})::text)") + `, search_query({tsquery arg.query})) AS query)
 ` + hits(types, `'{type}' AS type, d.id, nullif(d.title, '') AS title, d.on_date, d.municipality_ids, d.state_ids, d.topic_ids,
  (ts_rank(`+weights+`, d.vector, (SELECT query FROM asked)) * {boost} + CASE WHEN d.title_folded = fold({arg.query}) THEN 1 ELSE 0 END)::float8 AS score,
  (SELECT query FROM asked)::text AS query`, "(SELECT query FROM asked)") + `)`
	return Object{
		Type: "SearchHit", Table: SQL(table), Keyed: true,
		Visible: Visibility{Public: "true"}, // they are chosen so
		Order:   []Term{{Field: "score", Desc: true}},
		Fields: Fields{
			"node":           Field{Relation: &Relation{Either: node}},
			"type":           Column("type"),
			"score":          Column("score"),
			"title":          Field{Made: &Made{From: []SQL{"{query}", "{title}"}, Make: marked}},
			"snippet":        Field{Made: &Made{From: []SQL{"{query}", SQL("(CASE {type} " + strings.Join(text, " ") + " END)")}, Make: marked}},
			"matchedTerms":   Field{Made: &Made{From: []SQL{"{query}", "{title}", SQL("(CASE {type} " + strings.Join(text, " ") + " END)")}, Make: matched}},
			"date":           Column("on_date"),
			"municipalities": Joined("{id} = ANY({parent.municipality_ids})").By(`{name} COLLATE "de-x-icu", {id}`),
			"states":         Joined("{id} = ANY({parent.state_ids})").By("{key}"),
			"topics":         Joined("{id} = ANY({parent.topic_ids})").By(`{name} COLLATE "de-x-icu", {id}`),
		},
		Facets: map[string]Facet{
			"type": By("type"), "year": ByYear("date"), "state": By("states"), "municipality": By("municipalities"), "topic": By("topics"),
		},
		Beside: map[string]SQL{
			"didYouMean": SQL(corrected(types, "search_did_you_mean({arg.query}, {spellings arg.query}, {words arg.query})")),
		},
	}
}

// suggestion is what a search field offers while somebody is typing.
func suggestion(types []*Object) (Object, Root) {
	node := make([]Variant, 0, len(types))
	var rows []string
	for i, o := range types {
		name := searchType(o.Type)
		label := "d.title"
		if o.Search.Label != "" {
			label = "{label " + o.Type + " t}"
		}
		node = append(node, Variant{Type: o.Type, Column: "id", When: SQL("{type} = '" + name + "'")})
		asked := fmt.Sprintf("d.type = '%s' AND {visible %[1]s t} AND {listed %[1]s t} AND ({arg.types} IS NULL OR '%[2]s' = ANY({arg.types}))", o.Type, name)
		from := fmt.Sprintf("search_document d JOIN %s t ON t.id = d.id", o.Table)
		rows = append(rows,
			fmt.Sprintf(`(SELECT '%s' AS type, %d AS rank, 0 AS inside, d.id, d.title, %s AS label, d.title_folded FROM %s
  WHERE %s AND d.title_folded ~>=~ fold({arg.prefix}) AND d.title_folded ~<~ (fold({arg.prefix}) || chr(1114111)) ORDER BY d.title_folded USING ~<~ LIMIT {arg.first})`,
				name, i, label, from, asked),
			fmt.Sprintf(`(SELECT '%s', %d, 1, d.id, d.title, %s, d.title_folded FROM %s
  WHERE %s AND d.vector @@ {titles arg.prefix}::tsquery AND NOT d.title_folded ^@ fold({arg.prefix}) LIMIT {arg.first})`,
				name, i, label, from, asked))
	}
	object := Object{Type: "Suggestion", Keyed: true, Visible: Visibility{Public: "true"}, Fields: Fields{
		"text": Column("title"), "label": Column("label"), "type": Column("type"), "node": Field{Relation: &Relation{Either: node}},
	}}
	return object, Root{Name: "suggest", Rows: SQL(`SELECT s.type, s.id, s.title, s.label, row_number() OVER (ORDER BY s.inside, s.rank, s.title_folded, s.id) AS place
 FROM (` + strings.Join(rows, "\n UNION ALL ") + `) s ORDER BY place LIMIT {arg.first}`)}
}

// excerptLength is how many characters of a text a hit shows.
const excerptLength = 200

// marked shows where a text has what was searched for.
func marked(columns [][]byte) any {
	if columns[1] == nil {
		return nil
	}
	e := german.Snippet(string(columns[1]), german.TermsOf(string(columns[0])), excerptLength)
	ranges := make([]Record, len(e.Hits))
	for i, r := range e.Hits {
		start := utf16Length(e.Text[:r.Start])
		ranges[i] = Record{"start": start, "end": start + utf16Length(e.Text[r.Start:r.End])}
	}
	return Record{"text": e.Text, "html": e.HTML(), "ranges": ranges}
}

// utf16Length is how long JavaScript takes a text to be.
func utf16Length(s string) (n int) {
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// matched are the words of texts that were searched for, as they stand there.
func matched(columns [][]byte) any {
	terms := german.TermsOf(string(columns[0]))
	words := []string{}
	for _, text := range columns[1:] {
		for _, r := range german.Highlight(string(text), terms) {
			if word := string(text[r.Start:r.End]); !slices.Contains(words, word) {
				words = append(words, word)
			}
			if len(words) == 20 {
				return words
			}
		}
	}
	return words
}

// searched reads an argument as words to search for: as one query, or the words
// that may be misspelt, as a list for Postgres.
func (c conversion) searched(argument string) any {
	query := german.ParseQuery(argument)
	switch c {
	case searchQuery:
		return query.TSQuery()
	case searchTitles:
		return query.Prefix()
	}
	list := []any{}
	for _, w := range query.Words() {
		switch {
		case w.Negated || len(w.Lexemes) == 0:
		case c == searchSpellings:
			list = append(list, w.Text)
		case c == searchWords:
			list = append(list, w.Folded)
		case c == searchQueries:
			list = append(list, german.ParseQuery(w.Text).TSQuery())
		}
	}
	return list
}
