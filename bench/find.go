package main

import (
	"encoding/binary"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"stadtgraph/graph"
	"stadtgraph/internal/german"
	"stadtgraph/internal/plan"
)

// What follows is like hand.go, of the queries that find something.

// visible holds for entries with an editorial life cycle that lists show.
func visible(alias string) string {
	return strings.ReplaceAll("a.deleted_at IS NULL AND (a.publication_status = 'PUBLISHED' OR a.publication_status = 'SCHEDULED' AND a.published_at <= now())", "a.", alias+".")
}

// ------------------------------------------------------------ articles with a keyword in a state

var filteredSQL = `
SELECT a.id, a.slug, a.kind, a.kicker, a.title, a.body_excerpt, a.body_reading_minutes, a.published_at, page.total
FROM (
  SELECT a.id, a.published_on_start, count(*) OVER ()::int4 AS total
  FROM article_topic k JOIN article a ON a.id = k.article_id
  WHERE k.topic_id = (SELECT t.id FROM topic t WHERE t.slug = $1 AND t.deleted_at IS NULL) AND k.role = 'KEYWORD'
    AND ` + visible("a") + ` AND NOT a.sponsored
    AND a.id IN (
      SELECT o.article_id FROM article_municipality o JOIN municipality m ON m.id = o.municipality_id
      WHERE m.state_id = (SELECT s.id FROM state s WHERE s.key = '09')
      UNION ALL SELECT o.article_id FROM article_state o WHERE o.state_id = (SELECT s.id FROM state s WHERE s.key = '09'))
  ORDER BY a.published_on_start DESC NULLS LAST, a.id DESC LIMIT 20
) page JOIN article a ON a.id = page.id
ORDER BY page.published_on_start DESC NULLS LAST, page.id DESC`

func writeFiltered(_ *scratch, out []byte, rows *pgconn.ResultReader) []byte {
	out = append(out, `{"data":{"articles":{`...)
	n := 0
	for ; rows.NextRow(); n++ {
		v := rows.Values()
		if n == 0 {
			out = integer(out, `"totalCount":`, v[8])
			out = append(out, `,"nodes":[`...)
		}
		out = comma(out, n)
		out = id(out, `{"id":"`, "article", v[0])
		out = text(out, `,"slug":`, v[1])
		out = text(out, `,"kind":`, v[2])
		out = text(out, `,"kicker":`, v[3])
		out = text(out, `,"title":`, v[4])
		out = text(out, `,"excerpt":`, v[5])
		out = integer(out, `,"readingMinutes":`, v[6])
		out = instant(out, `,"publishedAt":`, v[7])
		out = append(out, '}')
	}
	if n == 0 {
		out = append(out, `"totalCount":0,"nodes":[`...)
	}
	return append(out, `]}}}`...)
}

// ------------------------------------------------------------ all articles, counted

// Kind, year and section are counted together, and then from these few counts. An
// article has one section at most, but may be about several states.
var facetsSQL = `
WITH cell AS MATERIALIZED (
  SELECT a.kind, extract(year FROM a.published_on_start)::int4 AS year, x.topic_id, count(*) AS n
  FROM article a LEFT JOIN article_topic x ON x.article_id = a.id AND x.role = 'SECTION'
  WHERE ` + visible("a") + ` AND NOT a.sponsored
  GROUP BY 1, 2, 3
)
SELECT place, value, label, n::int4 FROM (
  SELECT 0 AS place, kind AS value, kind AS label, sum(n) AS n FROM cell GROUP BY kind
  UNION ALL SELECT 1, year::text, year::text, sum(n) FROM cell GROUP BY year
  UNION ALL SELECT 2, s.key, s.name, n FROM (
    SELECT x.state_id, count(*) AS n FROM (
      SELECT DISTINCT a.id, m.state_id
      FROM article a LEFT JOIN (article_municipality o JOIN municipality m ON m.id = o.municipality_id) ON o.article_id = a.id
      WHERE ` + visible("a") + ` AND NOT a.sponsored
    ) x GROUP BY x.state_id
  ) x LEFT JOIN state s ON s.id = x.state_id
  UNION ALL SELECT 3, t.slug, min(t.name), sum(n) FROM cell LEFT JOIN topic t ON t.id = cell.topic_id AND t.deleted_at IS NULL GROUP BY t.slug
) counted
ORDER BY place, value IS NULL, n DESC, value`

func bindNothing(s *scratch, _ []byte) { s.args = s.args[:0] }

func writeFacets(_ *scratch, out []byte, rows *pgconn.ResultReader) []byte {
	out = append(out, `{"data":{"articles":{"facets":[`...)
	more := rows.NextRow()
	for place, name := range [...]string{"KIND", "YEAR", "STATE", "SECTION"} {
		out = append(append(append(comma(out, place), `{"by":"`...), name...), `","buckets":[`...)
		values, other, missing := 0, uint32(0), uint32(0)
		for ; more && int(binary.BigEndian.Uint32(rows.Values()[0])) == place; more = rows.NextRow() {
			v := rows.Values()
			switch n := binary.BigEndian.Uint32(v[3]); {
			case v[1] == nil:
				missing = n
				continue
			case values >= 10:
				other += n
			default:
				out = comma(out, values)
				out = text(out, `{"value":`, v[1])
				out = text(out, `,"label":`, v[2])
				out = integer(out, `,"count":`, v[3])
				out = append(out, '}')
			}
			values++
		}
		out = strconv.AppendInt(append(out, `],"valueCount":`...), int64(values), 10)
		out = strconv.AppendInt(append(out, `,"otherCount":`...), int64(other), 10)
		out = strconv.AppendInt(append(out, `,"missingCount":`...), int64(missing), 10)
		out = append(out, '}')
	}
	return append(out, `]}}}`...)
}

// ------------------------------------------------------------ what search finds

// shown are conditions on a row t of a type that search finds, so that anybody finds it.
var shown = map[string]string{
	"Municipality": "true", "State": "true", "Topic": "t.deleted_at IS NULL", "Organization": "t.deleted_at IS NULL", "Person": "t.deleted_at IS NULL",
	"Strategy": visible("t"), "FundingProgram": visible("t"), "Article": visible("t") + " AND NOT t.sponsored",
	"Event": "t.deleted_at IS NULL", "Platform": "t.deleted_at IS NULL", "Ranking": "t.deleted_at IS NULL",
	"Measure":     "t.deleted_at IS NULL AND (t.strategy_id IS NULL OR EXISTS (SELECT FROM strategy a WHERE a.id = t.strategy_id AND " + public + "))",
	"FundingCall": ofProgram, "FundingAward": ofProgram,
	"Comment": "(t.visible OR t.tombstone) AND EXISTS (SELECT FROM article a WHERE a.id = t.article_id AND " + public + ")",
}

const (
	public    = "a.deleted_at IS NULL AND (a.publication_status IN ('PUBLISHED', 'ARCHIVED') OR a.publication_status = 'SCHEDULED' AND a.published_at <= now())"
	ofProgram = "t.deleted_at IS NULL AND EXISTS (SELECT FROM funding_program a WHERE a.id = t.program_id AND " + public + ")"
)

var column = regexp.MustCompile(`\{(\w+)\}`)

var objects = func() []*plan.Object {
	catalogue, err := graph.Catalogue()
	if err != nil {
		panic(err) // it is ours
	}
	return catalogue.Objects()
}()

// each writes SQL for each type that search finds. In angle brackets stand pieces of
// its declaration; documents is the part of search_document that is its own.
func each(separator, sql string) string { return eachOf(separator, sql, false) }

// eachOf writes SQL for each type, or for those alone whose rows have titles.
func eachOf(separator, sql string, titled bool) string {
	var parts []string
	for _, o := range objects {
		s := o.Search
		if s == nil || titled && s.Title == "" {
			continue
		}
		piece := func(sql plan.SQL, none string) string {
			if sql == "" {
				return none
			}
			return column.ReplaceAllString(string(sql), "t.$1")
		}
		byFame := "" // where not all are equal
		if strings.Contains(string(s.Fame), "{") {
			byFame = "fame DESC, "
		}
		parts = append(parts, strings.NewReplacer("<byFame>", byFame, "<name>", strings.ToUpper(string(o.Table)), "<table>", string(o.Table),
			"<documents>", "search_document_"+string(o.Table), "<found>", shown[o.Type]+" AND "+piece(s.Found, "true"),
			"<fame>", piece(s.Fame, "0.5"), "<score>", ranking.score[strings.ToUpper(string(o.Table))], "<matches>", ranking.matches[strings.ToUpper(string(o.Table))],
			"<label>", piece(s.Label, "(SELECT nullif(d.title, '') FROM search_document_"+string(o.Table)+" d WHERE d.id = t.id)"),
			"<summary>", piece(s.Summary, "NULL"), "<body>", piece(s.Body, "NULL")).Replace(sql))
	}
	return strings.Join(parts, separator)
}

// ranking is cut out of what the product declares: a query with its synonyms, the
// forms of it that documents are compared with, and by type which are found and how
// well they fit. What to find is not what is measured.
var ranking = func() (r struct {
	query, forms   string
	matches, score map[string]string
}) {
	i := slices.IndexFunc(objects, func(o *plan.Object) bool { return o.Type == "SearchHit" })
	cut := func(declared plan.SQL, pattern string) [][]string {
		return regexp.MustCompile("(?s)"+pattern).FindAllStringSubmatch(string(declared), -1)
	}
	before := cut(objects[i].With, `SELECT m\.\*(.*?)\s+FROM \(SELECT c\.\* FROM \(\s+(SELECT .*?)\s+UNION ALL`)[0]
	r.forms, r.query = before[1], strings.NewReplacer("{tsquery arg.query}", "$1::text", "{named arg.query}", "$2::text").Replace(before[2])
	r.matches, r.score = map[string]string{}, map[string]string{}
	rows := objects[i].Rows(func(column string) bool { return column == "score" })
	for _, m := range cut(rows, `SELECT '(\w+)' AS type, d\.id,\s+([^\n]*(?:\n[^\n]*?)*?) AS score FROM .*? WHERE d\.type = '\w+' AND (.*?) AND (?:\{visible|\{listed)`) {
		r.score[m[1]], r.matches[m[1]] = m[2], m[3]
	}
	return r
}()

// All that is found is ranked and counted at once, and what is shown of it looked up
// for ten.
var searchSQL = `
WITH meant AS MATERIALIZED (SELECT m.*` + ranking.forms + ` FROM (` + ranking.query + `) m)
SELECT page.type, page.total, (SELECT m.query::text FROM meant m),
  CASE page.type ` + each(" ", "WHEN '<name>' THEN (SELECT <label> FROM <table> t WHERE t.id = page.id)") + ` END,
  CASE page.type ` + each(" ", `WHEN '<name>' THEN (SELECT nullif(concat_ws(E'\n', <summary>, <body>), '') FROM <table> t WHERE t.id = page.id)`) + ` END
FROM (
  SELECT hit.type, hit.id, hit.score, least(count(*) OVER (), 100000)::int4 AS total FROM (` + each(`
    UNION ALL `, `SELECT '<name>' AS type, t.id,
      <score> AS score
      FROM <documents> d JOIN <table> t ON t.id = d.id
      WHERE <matches> AND <found>`) + `
  ) hit ORDER BY hit.score DESC, hit.type, hit.id LIMIT 10
) page ORDER BY page.score DESC, page.type, page.id`

func bindSearch(s *scratch, variable []byte) {
	query := german.ParseQuery(string(variable))
	var words []string
	for _, w := range query.Words() {
		if !w.Negated {
			words = append(words, w.Folded)
		}
	}
	s.args = append(s.args[:0], []byte(query.TSQuery()), []byte(strings.Join(words, " ")))
}

func writeSearch(_ *scratch, out []byte, rows *pgconn.ResultReader) []byte {
	out = append(out, `{"data":{"search":{`...)
	var terms german.Terms
	n := 0
	for ; rows.NextRow(); n++ {
		v := rows.Values()
		if n == 0 {
			terms = german.TermsOf(string(v[2]))
			out = integer(out, `"totalCount":`, v[1])
			out = append(out, `,"nodes":[`...)
		}
		out = comma(out, n)
		out = text(out, `{"type":`, v[0])
		out = marked(append(out, `,"title":`...), v[3], terms)
		out = marked(append(out, `,"snippet":`...), v[4], terms)
		out = append(out, '}')
	}
	return append(out, `]}}}`...)
}

func marked(out, value []byte, terms german.Terms) []byte {
	if value == nil {
		return append(out, "null"...)
	}
	return append(text(out, `{"html":`, []byte(german.Snippet(string(value), terms, 200).HTML())), '}')
}

// ------------------------------------------------------------ what a search field offers

// What tells namesakes apart is looked up for ten.
var suggestSQL = `
WITH typed AS MATERIALIZED (SELECT $1::text AS name, $2::text::tsquery AS query)
SELECT page.type, page.title,
  CASE page.type ` + each(" ", "WHEN '<name>' THEN (SELECT <label> FROM <table> t WHERE t.id = page.id)") + ` END
FROM (
  SELECT s.*, s.fame - 0.02 * row_number() OVER (PARTITION BY s.type ORDER BY s.fame DESC, length(s.title_folded), s.title_folded, s.id) AS rank
  FROM (
    SELECT s.type, s.id, s.title, s.title_folded, s.fame - 0.2 * s.inside + CASE WHEN s.title_folded = btrim(y.name) THEN 0.1 ELSE 0 END AS fame
    FROM typed y, (` + eachOf(`
      UNION ALL `, `(SELECT '<name>' AS type, 0 AS inside, d.id, d.title, d.title_folded, <fame> AS fame
        FROM <documents> d JOIN <table> t ON t.id = d.id
        WHERE d.title_folded ~>=~ (SELECT y.name FROM typed y) AND d.title_folded ~<~ ((SELECT y.name FROM typed y) || chr(1114111)) AND <found>
        ORDER BY <byFame>d.title_folded USING ~<~, d.id LIMIT 10)
      UNION ALL (SELECT '<name>', CASE WHEN position(' ' || (SELECT y.name FROM typed y) IN d.title_folded) > 0 THEN 1 ELSE 2 END AS inside, d.id, d.title, d.title_folded, <fame> AS fame
        FROM (SELECT d.id, d.title, d.title_folded FROM <documents> d
          WHERE ts_filter(d.vector, ARRAY['a'::"char"]) @@ (SELECT y.query FROM typed y) AND NOT d.title_folded ^@ (SELECT y.name FROM typed y)
          ORDER BY octet_length(d.title_folded), d.title_folded USING ~<~, d.id LIMIT 200) d JOIN <table> t ON t.id = d.id
        WHERE <found> ORDER BY inside, <byFame>d.title_folded USING ~<~, d.id LIMIT 10)`, true) + `
    ) s
  ) s ORDER BY rank DESC, length(s.title_folded), s.title_folded, s.id LIMIT 10
) page ORDER BY page.rank DESC, length(page.title_folded), page.title_folded, page.id`

func bindSuggest(s *scratch, variable []byte) {
	typed := string(variable)
	s.args = append(s.args[:0], []byte(german.Name(typed)), []byte(german.ParseQuery(typed).Prefix()))
}

func writeSuggest(_ *scratch, out []byte, rows *pgconn.ResultReader) []byte {
	out = append(out, `{"data":{"suggest":[`...)
	for n := 0; rows.NextRow(); n++ {
		v := rows.Values()
		out = comma(out, n)
		out = text(out, `{"text":`, v[1])
		out = text(out, `,"label":`, v[2])
		out = text(out, `,"type":`, v[0])
		out = append(out, '}')
	}
	return append(out, `]}}`...)
}
