package main

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
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
