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
	return SQL(fmt.Sprintf("{id} IN (SELECT d.id FROM search_document d WHERE d.type = '%s' AND %s)", o.Type,
		o.matches("(SELECT search_query({tsquery arg}))", "(SELECT search_any(search_query({tsquery arg})))")))
}

// matches says whether a document d is found by a query, which is also given as one
// for any of its words.
func (o *Object) matches(query, words string) string {
	if o.Search.ByName {
		return "d.vector @@ " + query + " AND d.names @@ " + words
	}
	return "d.vector @@ " + query
}

func (o *Object) relevance() SQL {
	return SQL(fmt.Sprintf("(SELECT %s FROM search_document d JOIN %s t ON t.id = d.id WHERE d.type = '%s' AND d.id = {id})",
		o.score(asking("arg.q")), o.Table, o.Type))
}

// asking are the forms of a query that scores compare documents with, by name.
// Each is a query of its own that runs once.
func asking(argument string) func(string) string {
	plain, query := "{tsquery "+argument+"}::tsquery", "search_query({tsquery "+argument+"})"
	forms := map[string]string{"named": "{named " + argument + "}", "plain": plain, "query": query}
	maps.Copy(forms, weighted(plain, query))
	return func(name string) string { return "(SELECT " + forms[name] + ")" }
}

// weighted are a query and what else it finds, for scores.
func weighted(plain, query string) map[string]string {
	return map[string]string{
		"any": plain + " || " + query, "same": "(" + plain + ")::text = (" + query + ")::text",
		"plain in title": "search_within(" + plain + ", 'A')", "query in title": "search_within(" + query + ", 'A')",
	}
}

// common is how many texts of a type have a word before it says nothing of how well
// one of them fits. Reading that many would take longer than all the rest, too.
const common = 10_000

// score is how well a document d fits that was found, of the row t. It counts most
// what the words are: the whole name of the thing, what its name begins with, words
// of its name, the more of it the better, of its labels, of its text; then how often
// they stand there. What is found by synonyms alone comes behind. Whatever else is
// equal, the better known comes first, then the younger.
//
// ts_rank takes a query with OR on top: with AND it measures how far apart words
// stand, and finds that the parts of a compound, all at one place, do not count. It reads
// the vector, which is long, only of what has the words in its text, unpacks it once,
// and not at all for words that are in too many texts.
func (o *Object) score(asked func(string) string) string {
	boost := o.Search.Boost
	if boost == 0 {
		boost = 1
	}
	s := `({boost} * (CASE
    WHEN d.names @@ {plain in title} THEN 0.7 + 0.4 * {fame} + 0.5 * ts_rank({weights}, d.names, {any})
    WHEN d.names @@ {query in title} THEN 0.1 + 0.3 * {fame} + 0.5 * ts_rank({weights}, d.names, {any})
    WHEN d.names @@ {plain} THEN 0.45 + 0.5 * ts_rank({weights}, d.names, {any})
    ELSE (SELECT 0.5 * ts_rank({weights}, v.words, {any}) + CASE WHEN {same} OR v.words @@ {plain} THEN 0.3 WHEN d.names @@ {query} THEN 0.1 ELSE 0 END
     FROM (SELECT CASE WHEN (SELECT count(*) = {common} FROM (SELECT FROM search_document d WHERE d.type = '{type}' AND d.vector @@ {query} LIMIT {common}) d)
      THEN d.names ELSE d.vector || '' END AS words OFFSET 0) v) END
   + CASE WHEN replace(d.title_folded, ' ', '') = replace({named}, ' ', '') AND {named} <> '' THEN 1 + 0.6 * {fame}
    WHEN d.title_folded ^@ ({named} || ' ') THEN 0.9 + 0.6 * {fame}{kinds}
    WHEN d.names @@ {plain in title} THEN 0.3 * least(1, length({named})::float4 / greatest(1, length(d.title_folded))) ELSE 0 END)
  + coalesce(d.on_date - date '2000-01-01', 0) * 0.000003)::float8`
	kinds := ""
	if o.Search.Kinds != "" {
		kinds = `
    WHEN split_part({named}, ' ', 1) = ANY({kinds}) AND (d.title_folded || ' ') ^@ (substr({named}, strpos({named}, ' ') + 1) || ' ') THEN 0.9 + 0.6 * {fame}`
	}
	s = strings.ReplaceAll(strings.Replace(s, "{kinds}", kinds, 1), "{kinds}", "("+about(o.Search.Kinds, "t")+")")
	s = strings.NewReplacer("{boost}", fmt.Sprint(boost), "{weights}", weights, "{fame}", o.fame("t"), "{type}", o.Type, "{common}", fmt.Sprint(common)).Replace(s)
	for _, name := range [...]string{"named", "any", "same", "plain in title", "query in title", "plain", "query"} {
		s = strings.ReplaceAll(s, "{"+name+"}", asked(name))
	}
	return s
}

func (o *Object) fame(alias string) string {
	if o.Search.Fame == "" {
		return "0.5"
	}
	return about(o.Search.Fame, alias)
}

// about fills in the columns of a piece of SQL about a row.
func about(sql SQL, alias string) string {
	return placeholder.ReplaceAllStringFunc(string(sql), func(p string) string { return alias + "." + p[1:len(p)-1] })
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
// may see it. column says how to speak of the query and of its words.
func hits(types []*Object, columns func(*Object) string, column func(name string) string) string {
	var parts []string
	for _, o := range types {
		found := "{listed " + o.Type + " t}" // which is visible
		if o.Search.Found != "" {
			found = "{visible " + o.Type + " t} AND " + about(o.Search.Found, "t")
		}
		parts = append(parts, fmt.Sprintf(`SELECT %s FROM search_document d JOIN %s t ON t.id = d.id
  WHERE d.type = '%s' AND %s AND %s AND ({arg.types} IS NULL OR '%s' = ANY({arg.types}))`,
			columns(o), o.Table, o.Type, o.matches(column("query"), column("words")), found, searchType(o.Type)))
	}
	return strings.Join(parts, "\n UNION ALL ")
}

// meant is a query as it was written, or else with its misspelt words put right, if it
// finds something so. UNION ALL reads on only if nothing was found as it was written.
func meant(types []*Object) string {
	var forms strings.Builder
	for _, name := range slices.Sorted(maps.Keys(weighted("", ""))) {
		forms.WriteString(", " + weighted("m.plain", "m.query")[name] + ` AS "` + name + `"`)
	}
	return `WITH meant AS MATERIALIZED (
 SELECT m.*` + forms.String() + `
 FROM (SELECT c.* FROM (
   SELECT {tsquery arg.query}::tsquery AS plain, q.query, search_any(q.query) AS words, {named arg.query} AS named, NULL::text AS wording
    FROM search_query({tsquery arg.query}) q (query)
   UNION ALL SELECT n.query, q.query, search_any(q.query), n.named, n.wording
    FROM search_corrected({spellings arg.query}, {words arg.query}, {tsqueries arg.query}, {tsquery arg.query}::tsquery, {arg.query}, {named arg.query}) n,
     search_query(n.query::text) q (query)
    WHERE n.wording <> {arg.query}) c
  WHERE EXISTS (` + hits(types, func(*Object) string { return "" }, func(name string) string { return "c." + name }) + `) LIMIT 1) m)`
}

// searchHit is what search finds, of several types at once.
func searchHit(types []*Object) Object {
	node := make([]Variant, 0, len(types))
	var text, title []string
	for _, o := range types {
		name := searchType(o.Type)
		node = append(node, Variant{Type: o.Type, Column: "id", When: SQL("{type} = '" + name + "'")})
		text = append(text, fmt.Sprintf("WHEN '%s' THEN (SELECT {search %s t} FROM %s t WHERE t.id = {id})", name, o.Type, o.Table))
		if o.Search.Label != "" {
			title = append(title, fmt.Sprintf("WHEN '%s' THEN (SELECT {label %s t} FROM %s t WHERE t.id = {id})", name, o.Type, o.Table))
		} else {
			title = append(title, fmt.Sprintf("WHEN '%s' THEN (SELECT nullif(d.title, '') FROM search_document d WHERE d.type = '%s' AND d.id = {id})", name, o.Type))
		}
	}
	form := func(name string) string { return `(SELECT "` + name + `" FROM meant)` }
	query, label, body := SQL("(SELECT query::text FROM meant)"), cases(title), cases(text)
	return Object{
		Type: "SearchHit", Keyed: true,
		Table: "found", With: SQL(meant(types)),
		// What is shown of a hit is looked up for those that are shown.
		Rows: func(used func(column string) bool) SQL {
			return SQL(hits(types, func(o *Object) string {
				columns := []string{"'" + searchType(o.Type) + "' AS type", "d.id"}
				for _, c := range [...]string{"on_date", "municipality_ids", "state_ids", "topic_ids"} {
					if used(c) {
						columns = append(columns, "d."+c)
					}
				}
				if used("score") {
					columns = append(columns, "\n  "+o.score(form)+" AS score")
				}
				return strings.Join(columns, ", ")
			}, form))
		},
		Visible: Visibility{Public: "true"},                            // they are chosen so
		Order:   []Term{{Field: "score", Desc: true}, {Field: "type"}}, // rows of two types may have the same key
		Fields: Fields{
			"node":           Field{Relation: &Relation{Either: node}},
			"type":           Column("type"),
			"score":          Column("score"),
			"title":          Field{Made: &Made{From: []SQL{query, label}, Make: marked}},
			"snippet":        Field{Made: &Made{From: []SQL{query, body}, Make: marked}},
			"matchedTerms":   Field{Made: &Made{From: []SQL{query, label, body}, Make: matched}},
			"date":           Column("on_date"),
			"municipalities": Joined("{id} = ANY({parent.municipality_ids})").By(`{name} COLLATE "de-x-icu", {id}`),
			"states":         Joined("{id} = ANY({parent.state_ids})").By("{key}"),
			"topics":         Joined("{id} = ANY({parent.topic_ids})").By(`{name} COLLATE "de-x-icu", {id}`),
		},
		Facets: map[string]Facet{
			"type": By("type"), "year": ByYear("date"), "state": By("states"), "municipality": By("municipalities"), "topic": By("topics"),
		},
		Beside: map[string]SQL{"didYouMean": "(SELECT wording FROM meant)"},
	}
}

// cases is what there is to a hit, by its type.
func cases(parts []string) SQL { return SQL("(CASE {type} " + strings.Join(parts, " ") + " END)") }

// choice is how many titles with a word that begins with what was typed are taken into
// account, the shortest, of which it is the most; there may be very many of them.
const choice = 200

// suggestion is what a search field offers while somebody is typing: names that begin
// with it, those with a word that does, and what is also called so. The better known
// come first, but of no type too many in a row.
func suggestion(types []*Object) (Object, Root) {
	node := make([]Variant, 0, len(types))
	var rows []string
	for _, o := range types {
		name := searchType(o.Type)
		node = append(node, Variant{Type: o.Type, Column: "id", When: SQL("{type} = '" + name + "'")})
		if o.Search.Title == "" {
			continue
		}
		label, found, byFame := "d.title", "{listed "+o.Type+" t}", ""
		if o.Search.Label != "" {
			label = about(o.Search.Label, "t")
		}
		if o.Search.Found != "" {
			found = about(o.Search.Found, "t")
		}
		if strings.Contains(o.fame("t"), "t.") {
			byFame = "fame DESC, "
		}
		rows = append(rows, strings.NewReplacer("{type}", o.Type, "{name}", name, "{table}", string(o.Table), "{label}", label, "{fame}", o.fame("t"),
			"{byFame}", byFame, "{asked}", "{typed} <> '' AND d.type = '"+o.Type+"' AND {visible "+o.Type+" t} AND "+found+
				" AND ({arg.types} IS NULL OR '"+name+"' = ANY({arg.types}))", "{choice}", fmt.Sprint(choice)).Replace(
			`(SELECT '{name}' AS type, 0 AS inside, d.id, d.title, {label} AS label, d.title_folded, {fame} AS fame
  FROM search_document d JOIN {table} t ON t.id = d.id
  WHERE {asked} AND d.title_folded ~>=~ {typed} AND d.title_folded ~<~ ({typed} || chr(1114111))
  ORDER BY {byFame}d.title_folded USING ~<~, d.id LIMIT {arg.first})
 UNION ALL (SELECT '{name}', CASE WHEN position(' ' || {typed} IN d.title_folded) > 0 THEN 1 ELSE 2 END AS inside, d.id, d.title, {label}, d.title_folded, {fame} AS fame
  FROM (SELECT d.type, d.id, d.title, d.title_folded FROM search_document d
   WHERE d.type = '{type}' AND ts_filter(d.vector, ARRAY['a'::"char"]) @@ (SELECT {titles arg.prefix}::tsquery) AND NOT d.title_folded ^@ {typed}
   ORDER BY octet_length(d.title_folded), d.title_folded USING ~<~, d.id LIMIT {choice}) d JOIN {table} t ON t.id = d.id
  WHERE {asked} ORDER BY inside, {byFame}d.title_folded USING ~<~, d.id LIMIT {arg.first})`))
	}
	object := Object{Type: "Suggestion", Keyed: true, Visible: Visibility{Public: "true"}, Fields: Fields{
		"text": Column("title"), "label": Column("label"), "type": Column("type"), "node": Field{Relation: &Relation{Either: node}},
	}}
	sql := `SELECT s.type, s.id, s.title, s.label, row_number() OVER (ORDER BY s.fame - 0.02 * s.nth DESC, length(s.title_folded), s.title_folded, s.id) AS place
 FROM (SELECT s.*, row_number() OVER (PARTITION BY s.type ORDER BY s.fame DESC, length(s.title_folded), s.title_folded, s.id) AS nth
  FROM (SELECT s.type, s.id, s.title, s.label, s.title_folded,
    s.fame - 0.2 * s.inside + CASE WHEN s.title_folded = btrim({typed}) THEN 0.1 ELSE 0 END AS fame
   FROM (` + strings.Join(rows, "\n UNION ALL ") + `) s) s) s ORDER BY place LIMIT {arg.first}`
	sql = strings.ReplaceAll(sql, "{typed}", "(SELECT {typed arg.prefix})")
	return object, Root{Name: "suggest", Rows: SQL(sql)}
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
	case searchTyped:
		return german.Name(argument)
	}
	list, named := []any{}, ""
	for _, w := range query.Words() {
		if w.Negated {
			continue
		}
		named += " " + w.Folded
		switch {
		case len(w.Lexemes) == 0:
		case c == searchSpellings:
			list = append(list, w.Text)
		case c == searchWords:
			list = append(list, w.Folded)
		case c == searchQueries:
			list = append(list, german.ParseQuery(w.Text).TSQuery())
		}
	}
	if c == searchNamed {
		return strings.TrimPrefix(named, " ")
	}
	return list
}
