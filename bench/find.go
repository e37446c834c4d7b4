package main

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"stadtgraph/internal/german"
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

// A kind is a type that search finds: its name in the schema, its table, which of
// its rows t are found, and of these how well known they are, what tells them from
// their namesakes, and their text.
type kind struct{ name, table, found, fame, label, text string }

const ofProgram = "t.deleted_at IS NULL AND EXISTS (SELECT FROM funding_program p WHERE p.id = t.program_id AND p.deleted_at IS NULL AND " +
	"(p.publication_status IN ('PUBLISHED', 'ARCHIVED') OR p.publication_status = 'SCHEDULED' AND p.published_at <= now()))"

var searchable = []kind{
	{"MUNICIPALITY", "municipality", "t.level <> 'UNINCORPORATED_AREA'",
		"greatest(0, log(greatest(t.population, 1)) / 7 - CASE WHEN t.dissolved_on IS NOT NULL THEN 1 WHEN t.level <> 'MUNICIPALITY' THEN 0.3 ELSE 0 END)",
		"t.label", "(SELECT s.name FROM state s WHERE s.id = t.state_id)"},
	{"STATE", "state", "true", "0.95", "t.name", "NULL"},
	{"TOPIC", "topic", "t.deleted_at IS NULL", "0.6", "t.name", "NULL"},
	{"ORGANIZATION", "organization", "t.deleted_at IS NULL", "0.5", "t.name", "NULL"},
	{"PERSON", "person", "t.deleted_at IS NULL", "0.5",
		"concat_ws(' · ', t.name, (SELECT a.role FROM person_affiliation a WHERE a.person_id = t.id ORDER BY a.position LIMIT 1))", "NULL"},
	{"STRATEGY", "strategy", visible("t"), "0.5",
		"concat_ws(' · ', t.title, (SELECT string_agg(m.name, ', ' ORDER BY o.position) FROM strategy_owner o JOIN municipality m ON m.id = o.municipality_id WHERE o.strategy_id = t.id))",
		`concat_ws(E'\n', t.summary, t.body_text)`},
	{"FUNDING_PROGRAM", "funding_program", visible("t"), "0.5", "t.title", `concat_ws(E'\n', t.summary, t.body_text)`},
	{"MEASURE", "measure", "t.deleted_at IS NULL AND (t.strategy_id IS NULL OR EXISTS (SELECT FROM strategy s WHERE s.id = t.strategy_id AND s.deleted_at IS NULL AND " +
		"(s.publication_status IN ('PUBLISHED', 'ARCHIVED') OR s.publication_status = 'SCHEDULED' AND s.published_at <= now())))", "0.5", "t.title", "t.description_text"},
	{"ARTICLE", "article", visible("t") + " AND NOT t.sponsored", "0.5", "t.title", `concat_ws(E'\n', t.lead, t.body_text)`},
	{"EVENT", "event", "t.deleted_at IS NULL", "0.5", "concat_ws(' · ', t.title, to_char(t.date_start, 'FMYYYY'))", `concat_ws(E'\n', t.summary, t.audience)`},
	{"PLATFORM", "platform", "t.deleted_at IS NULL", "0.5", "t.name", "t.summary"},
	{"RANKING", "ranking", "t.deleted_at IS NULL", "0.5", "concat_ws(' · ', t.name, t.category, t.edition::text)", "NULL"},
	{"FUNDING_CALL", "funding_call", ofProgram, "0.5", "concat_ws(' · ', t.label, (SELECT p.title FROM funding_program p WHERE p.id = t.program_id))", "NULL"},
	{"FUNDING_AWARD", "funding_award", ofProgram, "0.5", "concat_ws(' · ', t.title, (SELECT p.title FROM funding_program p WHERE p.id = t.program_id))", "t.note"},
	{"COMMENT", "comment", "(t.visible OR t.tombstone) AND EXISTS (SELECT FROM article a WHERE a.id = t.article_id AND a.deleted_at IS NULL AND " +
		"(a.publication_status IN ('PUBLISHED', 'ARCHIVED') OR a.publication_status = 'SCHEDULED' AND a.published_at <= now()))",
		"0", "NULL", "CASE WHEN t.status NOT IN ('HIDDEN', 'ERASED') THEN t.body_text END"},
}

// each writes SQL for each kind. In braces stand its fields, and documents for the
// part of search_document that is its own.
func each(separator, sql string) string {
	var parts []string
	for _, k := range searchable {
		boost := "1"
		switch k.name {
		case "MUNICIPALITY":
			boost = "0.7"
		case "COMMENT":
			boost = "0.001"
		}
		parts = append(parts, strings.NewReplacer("{name}", k.name, "{table}", k.table, "{found}", k.found, "{fame}", k.fame,
			"{label}", k.label, "{text}", k.text, "{documents}", "search_document_"+k.table, "{boost}", boost).Replace(sql))
	}
	return strings.Join(parts, separator)
}

// All that is found is ranked and counted at once, and what is shown of it looked up
// for ten. Ranking looks into a vector up to seven times, so it is unpacked before.
var searchSQL = `
WITH meant AS MATERIALIZED (
  SELECT m.*, m.plain || m.query AS any,
    search_within(m.plain, 'A') AS plain_a, search_within(m.query, 'A') AS query_a, search_within(m.plain, 'AB') AS plain_b, search_within(m.query, 'AB') AS query_b
  FROM (SELECT $1::text::tsquery AS plain, search_query($1) AS query, fold($2) AS words) m
)
SELECT page.type, page.total, (SELECT m.query::text FROM meant m),
  CASE page.type ` + each(" ", "WHEN '{name}' THEN (SELECT {label} FROM {table} t WHERE t.id = page.id)") + ` END,
  CASE page.type ` + each(" ", "WHEN '{name}' THEN (SELECT nullif({text}, '') FROM {table} t WHERE t.id = page.id)") + ` END
FROM (
  SELECT hit.type, hit.id, hit.score, count(*) OVER ()::int4 AS total FROM (` + each(`
    UNION ALL `, `SELECT '{name}' AS type, t.id,
      ({boost} * (ts_rank('{0.1,0.3,0.6,1}', v.vector, (SELECT m.any FROM meant m)) + CASE
        WHEN v.vector @@ (SELECT m.plain_a FROM meant m) THEN 1 WHEN v.vector @@ (SELECT m.query_a FROM meant m) THEN 0.8
        WHEN v.vector @@ (SELECT m.plain_b FROM meant m) THEN 0.45 WHEN v.vector @@ (SELECT m.query_b FROM meant m) THEN 0.35
        WHEN v.vector @@ (SELECT m.plain FROM meant m) THEN 0.1 ELSE 0 END)
      + CASE WHEN d.title_folded = (SELECT m.words FROM meant m) OR d.title_folded ^@ ((SELECT m.words FROM meant m) || ' (') THEN 1 + 0.8 * {fame}
        WHEN d.title_folded ^@ ((SELECT m.words FROM meant m) || ' ') THEN 0.9 + 0.8 * {fame}
        WHEN v.vector @@ (SELECT m.plain_a FROM meant m) THEN 0.2 * {fame} ELSE 0 END
      + coalesce(d.on_date - date '2000-01-01', 0) * 0.000003)::float8 AS score
      FROM {documents} d JOIN {table} t ON t.id = d.id, LATERAL (SELECT d.vector || '' AS vector OFFSET 0) v
      WHERE d.vector @@ (SELECT m.query FROM meant m) AND {found}`) + `
  ) hit ORDER BY hit.score DESC, hit.id DESC LIMIT 10
) page ORDER BY page.score DESC, page.id DESC`

func bindSearch(s *scratch, variable []byte) {
	s.args = append(s.args[:0], []byte(german.ParseQuery(string(variable)).TSQuery()), variable)
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

// Names that hold a word are only looked for if too few begin with what was typed,
// and what tells namesakes apart is looked up for ten.
var suggestSQL = `
WITH typed AS MATERIALIZED (SELECT fold(ltrim($1)) AS text, $2::text::tsquery AS query),
begins AS MATERIALIZED (` + each(`
  UNION ALL `, `(SELECT '{name}' AS type, 0 AS inside, d.id, d.title, d.title_folded, {fame} AS fame
    FROM {documents} d JOIN {table} t ON t.id = d.id
    WHERE d.title_folded ~>=~ (SELECT y.text FROM typed y) AND d.title_folded ~<~ ((SELECT y.text FROM typed y) || chr(1114111)) AND {found}
    ORDER BY fame DESC, d.title_folded USING ~<~ LIMIT 10)`) + `),
holds AS MATERIALIZED (` + each(`
  UNION ALL `, `(SELECT * FROM (
    SELECT '{name}' AS type, 1 AS inside, d.id, d.title, d.title_folded, {fame} AS fame
    FROM {documents} d JOIN {table} t ON t.id = d.id
    WHERE (SELECT count(*) FROM begins) < 10 AND ts_filter(d.vector, ARRAY['a'::"char"]) @@ (SELECT y.query FROM typed y)
      AND NOT d.title_folded ^@ (SELECT y.text FROM typed y) AND {found}
    LIMIT 500) d ORDER BY fame DESC, d.title_folded USING ~<~ LIMIT 10)`) + `)
SELECT page.type, page.title,
  CASE page.type ` + each(" ", "WHEN '{name}' THEN (SELECT {label} FROM {table} t WHERE t.id = page.id)") + ` END
FROM (
  SELECT s.*, s.fame + CASE WHEN s.title_folded = y.text OR s.title_folded ^@ (y.text || ' (') THEN 0.12 ELSE 0 END AS rank
  FROM (TABLE begins UNION ALL TABLE holds) s, typed y
  ORDER BY s.inside, rank DESC, s.title_folded, s.id LIMIT 10
) page ORDER BY page.inside, page.rank DESC, page.title_folded, page.id`

func bindSuggest(s *scratch, variable []byte) {
	s.args = append(s.args[:0], variable, []byte(german.ParseQuery(string(variable)).Prefix()))
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
