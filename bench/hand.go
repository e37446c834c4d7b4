package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"log"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// handlers answer each query as one would by hand who cares for nothing but
// speed: a statement of its own, prepared on each connection, its binary values
// written where they arrive, all buffers pooled. They leave out what the product
// does around each request: limits, deadlines, request ids, the log.
type handlers struct {
	kind       string // hand; pg runs the statements only; constant repeats its answers
	pool       *pgxpool.Pool
	scratch    sync.Pool
	statements atomic.Int64

	mu    sync.RWMutex
	known map[string][]byte // of constant: answers by request
}

// A handler is what is particular to a query.
type handler struct {
	sql    string
	bind   func(s *scratch, variable []byte) // the parameters of the statement
	encode func(s *scratch, out []byte, rows *pgconn.ResultReader) []byte
}

var byHand = map[string]*handler{
	"/article":        {articleSQL, bindText, writeArticle},
	"/newest":         {newestSQL, bindCursor, writeNewest},
	"/state":          {stateSQL, bindText, writeState},
	"/municipalities": {municipalitiesSQL, bindCursor, writeMunicipalities},
	"/filtered":       {filteredSQL, bindText, writeFiltered},
	"/facets":         {facetsSQL, bindNothing, writeFacets},
	"/search":         {searchSQL, bindSearch, writeSearch},
	"/suggest":        {suggestSQL, bindSuggest, writeSuggest},
}

// scratch is what answering one request needs.
type scratch struct {
	in, out []byte
	args    [][]byte
	cursor  []byte // that was asked for, decoded
	last    []byte // of the last row
	fields  [8][]byte
}

var (
	binaryFormat = []int16{1}
	jsonType     = []string{"application/json; charset=utf-8"}
)

func (h *handlers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, _ := h.scratch.Get().(*scratch)
	if s == nil {
		s = &scratch{}
	}
	defer h.scratch.Put(s)
	answer, err := h.answer(s, r)
	if err != nil {
		log.Print(err)
		http.Error(w, "This did not work.", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header["Content-Type"] = jsonType
	header["Content-Length"] = []string{strconv.Itoa(len(answer))}
	_, _ = w.Write(answer) // its error is a client that has left
}

func (h *handlers) answer(s *scratch, r *http.Request) ([]byte, error) {
	s.in = slices.Grow(s.in[:0], int(r.ContentLength))[:r.ContentLength]
	if _, err := io.ReadFull(r.Body, s.in); err != nil {
		return nil, err
	}
	if h.kind == "constant" {
		h.mu.RLock()
		answer := h.known[string(s.in)]
		h.mu.RUnlock()
		if answer != nil {
			return answer, nil
		}
	}
	query := byHand[r.URL.Path]
	query.bind(s, variable(s.in))

	ctx := r.Context()
	conn, err := h.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	pg := conn.Conn().PgConn()
	prepared, ok := pg.CustomData()[r.URL.Path].(*pgconn.StatementDescription)
	if !ok {
		if prepared, err = pg.Prepare(ctx, r.URL.Path, query.sql, nil); err != nil {
			return nil, err
		}
		pg.CustomData()[r.URL.Path] = prepared
	}
	h.statements.Add(1)
	rows := pg.ExecStatement(ctx, prepared, s.args, binaryFormat, binaryFormat)
	s.out = s.out[:0]
	if h.kind == "pg" {
		for rows.NextRow() {
		}
		s.out = append(s.out, "{}"...)
	} else {
		s.out = query.encode(s, s.out, rows)
	}
	if _, err := rows.Close(); err != nil {
		return nil, err
	}
	if h.kind == "constant" {
		h.mu.Lock()
		h.known[string(s.in)] = bytes.Clone(s.out)
		h.mu.Unlock()
	}
	return s.out, nil
}

// variable is the value of the only variable of a request, if it has one, which
// holds nothing that JSON escapes.
func variable(body []byte) []byte {
	_, rest, ok := bytes.Cut(body, []byte(`"variables":{"`))
	if !ok {
		return nil
	}
	rest = rest[bytes.IndexByte(rest, ':')+2:]
	return rest[:bytes.IndexByte(rest, '"')]
}

func bindText(s *scratch, variable []byte) { s.args = append(s.args[:0], variable) }

const cursorHead = 5 // format, and hash of the order

// bindCursor takes a cursor of two keys apart (internal/plan/cursor.go).
func bindCursor(s *scratch, variable []byte) {
	s.cursor, _ = base64.RawURLEncoding.AppendDecode(s.cursor[:0], variable)
	s.args = s.args[:0]
	for rest := s.cursor[cursorHead:]; len(rest) > 0; {
		length, n := binary.Uvarint(rest)
		s.args = append(s.args, rest[n:n+int(length)-1])
		rest = rest[n+int(length)-1:]
	}
}

// keep remembers the cursor of a row.
func (s *scratch) keep(key, id []byte) {
	s.last = append(s.last[:0], s.cursor[:cursorHead]...)
	for _, k := range [][]byte{key, id} {
		if k == nil {
			s.last = append(s.last, 0)
			continue
		}
		s.last = binary.AppendUvarint(s.last, uint64(len(k))+1)
		s.last = append(s.last, k...)
	}
}

// ------------------------------------------------------------ one article

const articleSQL = `
SELECT a.id, a.slug, a.kind, a.kicker, a.title, a.subtitle, a.lead, a.body_html, a.body_reading_minutes, a.published_at,
  m.id, m.key, m.name, m.state,
  ARRAY(
    SELECT ROW(c.id, CASE WHEN NOT c.tombstone THEN c.author_name END, CASE WHEN NOT c.tombstone THEN c.body_html END, c.created_at)
    FROM comment c WHERE c.article_id = a.id AND (c.visible OR c.tombstone)
    ORDER BY c.created_at, c.id LIMIT 10)
FROM article a
LEFT JOIN LATERAL (
  SELECT m.id, m.key, m.name, s.name AS state
  FROM article_municipality am JOIN municipality m ON m.id = am.municipality_id JOIN state s ON s.id = m.state_id
  WHERE am.article_id = a.id
  ORDER BY m.name COLLATE "de-x-icu", m.id LIMIT 1
) m ON true
WHERE a.slug = $1 AND a.deleted_at IS NULL
  AND (a.publication_status IN ('PUBLISHED', 'ARCHIVED') OR a.publication_status = 'SCHEDULED' AND a.published_at <= now())`

func writeArticle(s *scratch, out []byte, rows *pgconn.ResultReader) []byte {
	out = append(out, `{"data":{"article":`...)
	if !rows.NextRow() {
		return append(out, `null}}`...)
	}
	v := rows.Values()
	out = id(out, `{"id":"`, "article", v[0])
	out = text(out, `,"slug":`, v[1])
	out = text(out, `,"kind":`, v[2])
	out = text(out, `,"kicker":`, v[3])
	out = text(out, `,"title":`, v[4])
	out = text(out, `,"subtitle":`, v[5])
	out = text(out, `,"lead":`, v[6])
	out = text(out, `,"bodyHtml":`, v[7])
	out = integer(out, `,"readingMinutes":`, v[8])
	out = instant(out, `,"publishedAt":`, v[9])
	out = append(out, `,"municipalities":{"nodes":[`...)
	if v[10] != nil {
		out = id(out, `{"id":"`, "municipality", v[10])
		out = text(out, `,"key":`, v[11])
		out = text(out, `,"name":`, v[12])
		out = text(out, `,"state":{"name":`, v[13])
		out = append(out, `}}`...)
	}
	out = append(out, `]},"comments":{"nodes":[`...)
	rest := items(v[14])
	for i := 0; len(rest) > 0; i++ {
		var c [][]byte
		c, rest = record(&s.fields, rest)
		out = comma(out, i)
		out = id(out, `{"id":"`, "comment", c[0])
		out = text(out, `,"authorName":`, c[1])
		out = text(out, `,"bodyHtml":`, c[2])
		out = instant(out, `,"createdAt":`, c[3])
		out = append(out, '}')
	}
	return append(out, `]}}}}`...)
}

// ------------------------------------------------------------ the newest articles

// An article with several municipalities or strategies comes in several rows, the
// wanted one first: one sort instead of two for each article.
const newestSQL = `
SELECT a.id, a.slug, a.kind, a.kicker, a.title, a.body_excerpt, a.body_reading_minutes, a.published_at, a.published_on_start,
  m.key, m.name, s.slug, s.title, s.kind
FROM (
  (SELECT * FROM article a
  WHERE a.deleted_at IS NULL AND (a.publication_status = 'PUBLISHED' OR a.publication_status = 'SCHEDULED' AND a.published_at <= now())
    AND NOT a.sponsored AND (a.published_on_start, a.id) < ($1, $2)
  ORDER BY a.published_on_start DESC NULLS LAST, a.id DESC LIMIT 21)
  UNION ALL -- which reads on only if these are not enough
  (SELECT * FROM article a
  WHERE a.deleted_at IS NULL AND (a.publication_status = 'PUBLISHED' OR a.publication_status = 'SCHEDULED' AND a.published_at <= now())
    AND NOT a.sponsored AND a.published_on_start IS NULL
  ORDER BY a.id DESC LIMIT 21)
  LIMIT 21
) a
LEFT JOIN (article_municipality am JOIN municipality m ON m.id = am.municipality_id) ON am.article_id = a.id
LEFT JOIN (article_strategy x JOIN strategy s ON s.id = x.strategy_id AND s.deleted_at IS NULL
  AND (s.publication_status IN ('PUBLISHED', 'ARCHIVED') OR s.publication_status = 'SCHEDULED' AND s.published_at <= now())
) ON x.article_id = a.id
ORDER BY a.published_on_start DESC NULLS LAST, a.id DESC, m.name COLLATE "de-x-icu", m.id,
  s.adopted_on_start DESC NULLS LAST, s.presented_on_start DESC NULLS LAST, s.title COLLATE "de-x-icu", s.id`

func writeNewest(s *scratch, out []byte, rows *pgconn.ResultReader) []byte {
	out = append(out, `{"data":{"articles":{"nodes":[`...)
	n := 0
	for rows.NextRow() {
		v := rows.Values()
		if n > 0 && bytes.HasSuffix(s.last, v[0]) {
			continue // the same article
		}
		if n++; n > 20 {
			continue // there are more
		}
		out = comma(out, n-1)
		out = id(out, `{"id":"`, "article", v[0])
		out = text(out, `,"slug":`, v[1])
		out = text(out, `,"kind":`, v[2])
		out = text(out, `,"kicker":`, v[3])
		out = text(out, `,"title":`, v[4])
		out = text(out, `,"excerpt":`, v[5])
		out = integer(out, `,"readingMinutes":`, v[6])
		out = instant(out, `,"publishedAt":`, v[7])
		out = append(out, `,"municipalities":{"nodes":[`...)
		if v[9] != nil {
			out = text(out, `{"key":`, v[9])
			out = text(out, `,"name":`, v[10])
			out = append(out, '}')
		}
		out = append(out, `]},"strategies":{"nodes":[`...)
		if v[11] != nil {
			out = text(out, `{"slug":`, v[11])
			out = text(out, `,"title":`, v[12])
			out = text(out, `,"kind":`, v[13])
			out = append(out, '}')
		}
		out = append(out, `]}}`...)
		s.keep(v[8], v[0])
	}
	return append(s.pageInfo(append(out, ']'), n, 20), `}}}`...)
}

// ------------------------------------------------------------ the municipalities of a state

const stateSQL = `
SELECT m.id, m.key, m.name, m.population,
  ARRAY(
    SELECT ROW(s.id, s.slug, s.title, s.kind, s.published_at)
    FROM strategy_owner o JOIN strategy s ON s.id = o.strategy_id
    WHERE o.municipality_id = m.id AND s.deleted_at IS NULL
      AND (s.publication_status = 'PUBLISHED' OR s.publication_status = 'SCHEDULED' AND s.published_at <= now())
    ORDER BY s.adopted_on_start DESC NULLS LAST, s.presented_on_start DESC NULLS LAST, s.title COLLATE "de-x-icu", s.id LIMIT 3),
  ARRAY(
    SELECT ROW(a.id, a.slug, a.title, a.published_at)
    FROM article_municipality am JOIN article a ON a.id = am.article_id
    WHERE am.municipality_id = m.id AND a.deleted_at IS NULL AND NOT a.sponsored
      AND (a.publication_status = 'PUBLISHED' OR a.publication_status = 'SCHEDULED' AND a.published_at <= now())
    ORDER BY a.published_on_start DESC NULLS LAST, a.id DESC LIMIT 3)
FROM (
  SELECT m.id, m.key, m.name, m.population FROM municipality m
  WHERE m.state_id = (SELECT s.id FROM state s WHERE s.key = $1) AND m.level = 'MUNICIPALITY' AND m.dissolved_on IS NULL
  ORDER BY m.name COLLATE "de-x-icu", m.id LIMIT 50
) m
ORDER BY m.name COLLATE "de-x-icu", m.id`

func writeState(s *scratch, out []byte, rows *pgconn.ResultReader) []byte {
	out = append(out, `{"data":{"municipalities":{"nodes":[`...)
	for n := 0; rows.NextRow(); n++ {
		v := rows.Values()
		out = comma(out, n)
		out = id(out, `{"id":"`, "municipality", v[0])
		out = text(out, `,"key":`, v[1])
		out = text(out, `,"name":`, v[2])
		out = integer(out, `,"population":`, v[3])
		out = append(out, `,"strategies":{"nodes":[`...)
		rest := items(v[4])
		for i := 0; len(rest) > 0; i++ {
			var c [][]byte
			c, rest = record(&s.fields, rest)
			out = comma(out, i)
			out = id(out, `{"id":"`, "strategy", c[0])
			out = text(out, `,"slug":`, c[1])
			out = text(out, `,"title":`, c[2])
			out = text(out, `,"kind":`, c[3])
			out = instant(out, `,"publishedAt":`, c[4])
			out = append(out, '}')
		}
		out = append(out, `]},"articles":{"nodes":[`...)
		rest = items(v[5])
		for i := 0; len(rest) > 0; i++ {
			var c [][]byte
			c, rest = record(&s.fields, rest)
			out = comma(out, i)
			out = id(out, `{"id":"`, "article", c[0])
			out = text(out, `,"slug":`, c[1])
			out = text(out, `,"title":`, c[2])
			out = instant(out, `,"publishedAt":`, c[3])
			out = append(out, '}')
		}
		out = append(out, `]}}`...)
	}
	return append(out, `]}}}`...)
}

// ------------------------------------------------------------ municipalities, all scalars

const municipalitiesSQL = `
SELECT m.id, m.slug, m.name, m.label, m.official_name, m.level, m.kind, m.key, m.regional_key, m.district_key, m.seat,
  m.administration_postal_code, m.population, m.population_as_of, m.area_ha, m.urbanisation, m.travel_region_name,
  m.dissolved_on, m.version, m.created_at, m.modified_at
FROM municipality m
WHERE m.level = 'MUNICIPALITY' AND m.dissolved_on IS NULL AND (m.name COLLATE "de-x-icu", m.id) > ($1, $2)
ORDER BY m.name COLLATE "de-x-icu", m.id LIMIT 101`

func writeMunicipalities(s *scratch, out []byte, rows *pgconn.ResultReader) []byte {
	out = append(out, `{"data":{"municipalities":{"nodes":[`...)
	n := 0
	for rows.NextRow() {
		if n++; n > 100 {
			continue // there are more
		}
		v := rows.Values()
		out = comma(out, n-1)
		out = id(out, `{"id":"`, "municipality", v[0])
		out = text(out, `,"slug":`, v[1])
		out = text(out, `,"name":`, v[2])
		out = text(out, `,"label":`, v[3])
		out = text(out, `,"officialName":`, v[4])
		out = text(out, `,"level":`, v[5])
		out = text(out, `,"kind":`, v[6])
		out = text(out, `,"key":`, v[7])
		out = text(out, `,"regionalKey":`, v[8])
		out = text(out, `,"districtKey":`, v[9])
		out = text(out, `,"seat":`, v[10])
		out = text(out, `,"administrationPostalCode":`, v[11])
		out = integer(out, `,"population":`, v[12])
		out = date(out, `,"populationAsOf":`, v[13])
		out = append(out, `,"areaKm2":`...)
		if v[14] == nil {
			out = append(out, `null,"populationDensity":null`...)
		} else {
			hectares := int64(binary.BigEndian.Uint32(v[14]))
			out = strconv.AppendFloat(out, float64(hectares)/100, 'f', -1, 64)
			out = append(out, `,"populationDensity":`...)
			if v[12] == nil || hectares == 0 {
				out = append(out, "null"...)
			} else { // to one place
				tenths := (int64(binary.BigEndian.Uint32(v[12]))*2000 + hectares) / (2 * hectares)
				out = strconv.AppendInt(out, tenths/10, 10)
				if tenths%10 > 0 {
					out = append(out, '.', '0'+byte(tenths%10))
				}
			}
		}
		out = text(out, `,"urbanisation":`, v[15])
		out = text(out, `,"travelRegion":`, v[16])
		out = date(out, `,"dissolvedOn":`, v[17])
		out = integer(out, `,"version":`, v[18])
		out = instant(out, `,"createdAt":`, v[19])
		out = instant(out, `,"modifiedAt":`, v[20])
		out = append(out, '}')
		s.keep(v[2], v[0])
	}
	return append(s.pageInfo(append(out, ']'), n, 100), `}}}`...)
}
