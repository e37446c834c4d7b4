package graph_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/german"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/render"
	"stadtgraph/internal/search"
)

// awkwardVersion stands for what awkward fills a database with.
var awkwardVersion = fmt.Sprint("9", search.Version, crc32.ChecksumIEEE([]byte(german.SynonymsCSV)))

// awkward is a database whose rows are as difficult as the tables allow: nulls
// wherever they may be, ties, every status, deleted and drafted holders, texts
// and numbers at the edges, and rows of different types with the same key.
func awkward(t testing.TB) *pgxpool.Pool {
	return pgtest.Shared(t, "awkward", awkwardVersion, fillAwkward)
}

// The instants at which the awkward database is read. At the first it is the
// next day in Germany already.
var awkwardNows = []time.Time{
	time.Date(2025, 6, 30, 22, 30, 0, 0, time.UTC),
	time.Date(2024, 2, 29, 12, 0, 0, 123456000, time.UTC),
}

var awkwardTexts = []string{
	"", " ", "a", "A", "b", "Ä", "ä", "ae", "Ae", "AE", "Straße", "STRASSE", "strasse", "ß", "ẞ", "É", "e\u0301", "é", "ö", "oe", "z", "Zz",
	"日本語", "😀", "👨‍👩‍👧", "𝔘nicode", "\x01\x1f\b\f", "tab\there", "line\nbreak\r\n", `"quoted"`, `back\slash`, `\u0041`, `\`, "100%", "a_b", "%", "_",
	"'single'", "{now}", "{parent.id}", "$1", "\u2028\u2029", "\ufeffbom", "\u007f", "</script>", "null", "ﬁ", "ſ", "İstanbul", "ı", "Smart City Bamberg",
	"digitale Stadt", "Digitale Stadt", "DIGITALE STADT", "-1", "007", "1e3", strings.Repeat("lang ", 19) + "Ü",
}

var awkwardMarkdown = []string{
	"# Ä\n\nText mit [Verweis](https://example.org/?a=1&b=\"2\").\n\n## Ä\n\n### 😀 `Code`\n\n###### \"quoted\" \\\\ <b>\n\n- a\n- b\n",
	"Titel\n=====\n\n" + strings.Repeat("Ein langer Satz über Straßen. ", 90) + "\n\n## Zwei\n\n## Zwei",
	"<script>alert(1)</script>\n\n**fett** _{now}_ \u2028", "#", "| a | b |\n|---|---|\n| 1 | \"2\" |\n",
}

var awkwardDays = []string{"0001-01-01", "1582-10-10", "1970-01-01", "1999-12-31", "2000-01-01", "2024-02-28", "2024-02-29", "2024-03-01",
	"2025-06-29", "2025-06-30", "2025-07-01", "2025-07-02", "2026-05-01", "9999-12-31"}

var awkwardInstants = []string{"0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2000-01-01T00:00:00Z", "2024-02-29T12:00:00.123455Z",
	"2024-02-29T12:00:00.123456Z", "2024-02-29T12:00:00.123457Z", "2025-06-30T22:29:59.999999Z", "2025-06-30T22:30:00Z", "2025-06-30T22:30:00.000001Z",
	"2031-01-01T00:00:00.5Z", "9999-12-31T23:59:59.999999Z"}

var awkwardAmounts = []string{"0", "0.00", "0.01", "0.10", "1", "9999.99", "10000", "10000.01", "123456.70", "100000000", "99999999999999.99", "15750000.00"}

// filler writes the rows. Its methods draw from a source of randomness that is
// always the same.
type filler struct {
	*rand.Rand
	batch pgx.Batch
	taken map[string]bool
	ids   map[string][]string
}

func fillAwkward(ctx context.Context, pool *pgxpool.Pool) error {
	f := &filler{Rand: rand.New(rand.NewPCG(1, 2)), taken: map[string]bool{}, ids: map[string][]string{}}
	f.territory()
	f.bodies()
	f.persons()
	f.events()
	f.strategies()
	f.measures()
	f.fundings()
	f.rankings()
	f.figures()
	f.media()
	f.platforms()
	f.articles()
	f.comments()
	f.changes()
	f.otherNames()
	f.tokens()
	f.documents()
	f.webhooks()
	for _, table := range []string{"organization", "topic", "strategy", "funding_program", "funding_award", "article",
		"person", "event", "measure", "ranking", "platform", "figure", "media_asset"} { // one that is in many relations
		f.batch.Queue("UPDATE "+table+" SET deleted_at = '2020-01-01' WHERE id = $1", f.ids[table][2])
	}
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	results := tx.SendBatch(ctx, &f.batch)
	for _, q := range f.batch.QueuedQueries {
		if _, err := results.Exec(); err != nil {
			return fmt.Errorf("%s %q: %w", q.SQL, q.Arguments, err)
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	if err := f.edit(ctx, pool); err != nil {
		return err
	}
	catalogue, err := graph.Catalogue()
	if err != nil {
		return err
	}
	return search.Refresh(ctx, pool, catalogue)
}

// edit changes some rows later, and what belongs to them, so that they have revisions.
func (f *filler) edit(ctx context.Context, pool *pgxpool.Pool) error {
	for _, statement := range []string{
		`UPDATE article SET kicker = '"quoted" Ä' WHERE id = ANY ($1); DELETE FROM article_link WHERE article_id = ANY ($1)`,
		`UPDATE article SET kicker = NULL WHERE id = ANY ($1); UPDATE article_topic SET position = position + 50 WHERE article_id = ANY ($1)`,
		`UPDATE strategy SET target_year = 2045 WHERE id = ANY ($1)`,
		`UPDATE organization SET short_name = '{now}' WHERE id = ANY ($1)`,
		`UPDATE municipality SET population = NULL WHERE id = ANY ($1)`,
	} {
		table, _, _ := strings.Cut(strings.TrimPrefix(statement, "UPDATE "), " ")
		for part := range strings.SplitSeq(statement, "; ") {
			if _, err := pool.Exec(ctx, part, f.ids[table][3:9]); err != nil {
				return fmt.Errorf("%s: %w", part, err)
			}
		}
	}
	return nil
}

// put adds a row: columns and values in turn. A list stands for such pairs.
func (f *filler) put(table string, pairs ...any) {
	var columns, places []string
	var values []any
	var add func(pairs []any)
	add = func(pairs []any) {
		for i := 0; i < len(pairs); {
			if list, ok := pairs[i].([]any); ok {
				add(list)
				i++
				continue
			}
			columns = append(columns, pairs[i].(string))
			places = append(places, fmt.Sprintf("$%d", len(columns)))
			values = append(values, pairs[i+1])
			i += 2
		}
	}
	add(pairs)
	for _, c := range render.Columns {
		i := slices.Index(columns, c.Name)
		if c.Table != table || i < 0 || values[i] == nil {
			continue
		}
		rendered := c.Values(values[i].(string))
		for _, name := range slices.Sorted(maps.Keys(rendered)) {
			add([]any{name, rendered[name]})
		}
	}
	f.batch.Queue(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(columns, ", "), strings.Join(places, ", ")), values...)
}

// node adds a row with a key, and what rows with a key have. The first rows of
// all types share their keys.
func (f *filler) node(table string, pairs ...any) string {
	n := len(f.ids[table])
	var key nodeid.UUID
	switch {
	case n < 12:
		key = nodeid.Derive("shared", fmt.Sprint(n))
	case n == 13:
		for i := range key {
			key[i] = 0xff
		}
	case n > 13:
		for i := range key {
			key[i] = byte(f.IntN(256))
		}
	}
	id := key.String()
	f.ids[table] = append(f.ids[table], id)
	f.put(table, append([]any{"id", id, "version", 1 + f.IntN(3), "created_at", f.instant(), "modified_at", f.instant()}, pairs...)...)
	return id
}

func (f *filler) chance(percent int) bool { return f.IntN(100) < percent }

func pick[T any](f *filler, from []T) T { return from[f.IntN(len(from))] }

// ref is the key of some row; the first ones are picked more often.
func (f *filler) ref(table string) string {
	ids := f.ids[table]
	if f.chance(40) {
		return ids[f.IntN(min(4, len(ids)))]
	}
	return pick(f, ids)
}

func maybe[T any](f *filler, v T) any {
	if f.chance(35) {
		return nil
	}
	return v
}

func (f *filler) text() string { return pick(f, awkwardTexts) }
func (f *filler) markdown() string {
	if f.chance(50) {
		return f.text()
	}
	return pick(f, awkwardMarkdown)
}
func (f *filler) day() string     { return pick(f, awkwardDays) }
func (f *filler) instant() string { return pick(f, awkwardInstants) }
func (f *filler) url() any        { return maybe(f, "https://example.org/ü?"+fmt.Sprint(f.IntN(5))+`"`) }

// some is a text that is not empty.
func (f *filler) some() string {
	for {
		if text := f.text(); text != "" {
			return text
		}
	}
}

// once is a text that no other row of a kind has.
func (f *filler) once(kind string) string {
	for i := 0; ; i++ {
		text := f.some()
		if i > 0 {
			text = fmt.Sprintf("%s %d", text, f.IntN(300))
		}
		if !f.taken[kind+text] {
			f.taken[kind+text] = true
			return text
		}
	}
}

func (f *filler) word(words string) string { return pick(f, strings.Fields(words)) }

// fresh says whether some rows are together for the first time.
func (f *filler) fresh(parts ...string) bool {
	key := strings.Join(parts, "|")
	seen := f.taken[key]
	f.taken[key] = true
	return !seen
}

// vague is a vague date, or none.
func (f *filler) vague(column string) []any {
	first, last, precision := f.day(), "", f.word("DAY MONTH YEAR INTERVAL NONE NONE")
	from, _ := time.Parse(time.DateOnly, first)
	switch precision {
	case "NONE":
		return []any{column + "_start", nil}
	case "DAY":
		last = first
	case "MONTH":
		from = time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, time.UTC)
		last = from.AddDate(0, 1, -1).Format(time.DateOnly)
	case "YEAR":
		from = time.Date(from.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
		last = from.AddDate(1, 0, -1).Format(time.DateOnly)
	case "INTERVAL":
		from = time.Date(min(from.Year(), 9998), from.Month(), from.Day(), 0, 0, 0, 0, time.UTC)
		last = from.AddDate(0, 0, 1+f.IntN(200)).Format(time.DateOnly)
	}
	return []any{column + "_start", from.Format(time.DateOnly), column + "_end", last, column + "_precision", precision, column + "_text", maybe(f, f.text())}
}

// period is two vague dates in order.
func (f *filler) period(column string) []any {
	for {
		from, to := f.vague(column+"_from"), f.vague(column+"_to")
		if len(from) == 2 || len(to) == 2 || to[3].(string) >= from[1].(string) {
			return []any{from, to}
		}
	}
}

// money is an amount in one of two currencies, or none.
func (f *filler) money(column string) []any {
	if f.chance(35) {
		return []any{column + "_amount", nil}
	}
	return []any{column + "_amount", pick(f, awkwardAmounts), column + "_currency", f.word("EUR EUR EUR CHF"), column + "_approximate", f.chance(30)}
}

// life is where an entry stands.
func (f *filler) life() []any {
	return []any{
		"publication_status", f.word("PUBLISHED PUBLISHED PUBLISHED PUBLISHED PUBLISHED SCHEDULED SCHEDULED DRAFT IN_REVIEW ARCHIVED"),
		"published_at", f.instant(), f.deleted(),
	}
}

func (f *filler) deleted() []any {
	if f.chance(10) {
		return []any{"deleted_at", f.instant()}
	}
	return []any{"deleted_at", nil}
}

// unordered are the link tables without a position.
var unordered = map[string]bool{
	"article_municipality": true, "article_state": true, "article_strategy": true, "article_funding_program": true, "article_funding_award": true,
	"article_organization": true, "funding_program_state": true, "platform_state": true, "article_platform": true, "funding_award_strategy": true,
	"article_measure": true, "article_event": true, "article_ranking_entry": true, "funding_award_measure": true,
}

// attach adds up to n rows to a table that hangs on one row; each refers to a
// row of another table, to no row twice.
func (f *filler) attach(table, column, id, other, target string, n int, pairs ...any) {
	position := 0
	for range f.IntN(n + 1) {
		ref := f.ref(target)
		if !f.fresh(table, id, ref, fmt.Sprint(pairs...)) {
			continue
		}
		position++
		row := append([]any{column, id, other, ref}, pairs...)
		if !unordered[table] {
			row = append(row, "position", position)
		}
		f.put(table, row...)
	}
}

func (f *filler) links(table, column, id string) {
	for i := range f.IntN(3) {
		f.put(table, column, id, "position", i*7+1, "url", "https://example.org/"+fmt.Sprint(i), "title", maybe(f, f.text()),
			"kind", f.word("WEBSITE DOCUMENT SERVICE_PORTAL VIDEO DATA LEGAL_BASIS SOURCE OTHER"))
	}
}

func (f *filler) territory() {
	for i, code := range strings.Fields("SH HH NI HB NW HE RP BW BY SL BE BB MV SN ST TH") {
		f.node("state", "key", fmt.Sprintf("%02d", i+1), "code", code, "slug", strings.ToLower(code), "name", f.once("state"),
			"iso3166", "DE-"+code, "nuts1", fmt.Sprintf("DE%X", i), "seat", maybe(f, f.text()), "population", maybe(f, pick(f, []int{0, 1, 2147483647, 5000})),
			"area_ha", maybe(f, pick(f, []int{0, 1, 33, 2147483647})))
	}
	var byLevel = map[string][]string{}
	for i := range 160 {
		level := "MUNICIPALITY"
		switch {
		case i >= 4 && i < 8:
			level = "GOVERNMENT_REGION"
		case i >= 8 && i < 20:
			level = "DISTRICT"
		case i >= 20 && i < 32:
			level = "ASSOCIATION"
		case i%9 == 5:
			level = "UNINCORPORATED_AREA"
		}
		digits := map[string]int{"GOVERNMENT_REGION": 3, "DISTRICT": 5, "ASSOCIATION": 9}[level]
		if digits == 0 {
			digits = 8
		}
		above := func(level string) any {
			if len(byLevel[level]) == 0 || f.chance(30) {
				return nil
			}
			return byLevel[level][f.IntN(min(3, len(byLevel[level])))]
		}
		constituency := 1 + f.IntN(3)
		pairs := []any{
			"slug", f.once("slug of municipality"), "level", level, "label", maybe(f, f.some()), "kind", f.word(`INDEPENDENT_CITY URBAN_DISTRICT LARGE_DISTRICT_TOWN TOWN MARKET_TOWN
				RURAL_MUNICIPALITY UNINCORPORATED_AREA COUNTY RURAL_DISTRICT REGIONAL_ASSOCIATION AMT SAMTGEMEINDE GOVERNMENT_REGION`),
			"name", f.some(), "official_name", f.some(), "key", fmt.Sprintf("%0*d", digits, i+1), "state_id", f.ref("state"),
			"regional_key", maybe(f, fmt.Sprintf("%012d", i)), "district_key", maybe(f, fmt.Sprintf("%05d", i)),
			"government_region_id", above("GOVERNMENT_REGION"), "district_id", above("DISTRICT"), "association_id", above("ASSOCIATION"),
			"seat", maybe(f, f.text()), "administration_postal_code", maybe(f, fmt.Sprintf("%05d", i*37)), "postal_code_unique", maybe(f, true),
			"population", maybe(f, pick(f, []int{0, 1, 5, 5, 20000, 20000, 2147483647})), "population_as_of", maybe(f, f.day()),
			"area_ha", maybe(f, pick(f, []int{0, 1, 7, 7, 33, 100, 2147483647})), "urbanisation", maybe(f, f.word("DENSE INTERMEDIATE SPARSE")),
			"constituency_from", constituency, "constituency_to", maybe(f, constituency+1),
		}
		if f.chance(60) {
			pairs = append(pairs, "latitude", pick(f, []float64{0, -90, 90, 49.8917, 1e-7, 1.0 / 3}), "longitude", pick(f, []float64{0, 180, -180, 10.8917, 1e-100}))
		}
		if f.chance(40) {
			pairs = append(pairs, "travel_region_key", "x", "travel_region_name", f.text())
		}
		taken := false
		if f.chance(15) {
			pairs = append(pairs, "dissolved_on", f.day())
			if taken = i > 40 && f.chance(40); taken { // somebody else has its key today
				pairs[slices.Index(pairs, any("key"))+1] = fmt.Sprintf("%0*d", digits, i)
			}
		}
		id := f.node("municipality", pairs...)
		byLevel[level] = append(byLevel[level], id)
		if !taken {
			f.put("municipality_key", "key", fmt.Sprintf("%0*d", digits, i+1), "municipality_id", id, "name", f.text())
		}
		for n := range f.IntN(3) {
			f.put("municipality_key", "key", fmt.Sprintf("%d%011d", n, i+1), "municipality_id", id, "name", f.text(), "valid_until", maybe(f, f.day()), "former", f.chance(60))
		}
		for range f.IntN(3) {
			if name := f.some(); f.fresh("former name", id, name) {
				f.put("municipality_former_name", "municipality_id", id, "name", name, "last_seen_on", maybe(f, f.day()))
			}
		}
		for _, day := range awkwardDays[:f.IntN(4)] {
			f.put("municipality_population", "municipality_id", id, "as_of", day, "population", 7, "male", maybe(f, f.IntN(8)))
		}
	}
	f.batch.Queue("UPDATE municipality SET district_id = id WHERE id = $1", byLevel["DISTRICT"][0]) // belongs to itself
	f.batch.Queue("UPDATE state SET city_municipality_id = $1 WHERE key = '02'", f.ids["municipality"][0])
	f.batch.Queue("UPDATE state SET city_municipality_id = $1 WHERE key = '11'", f.ids["municipality"][40])
	for i, name := range []string{"gv100ad", "Ä", `q"\`} {
		f.put("dataset", "name", name, "as_of", []any{"2024-12-31", nil, "0001-01-01"}[i], "attribution", f.text(), "license", f.text(), "url", f.url())
	}
	for range 40 {
		f.node("source", "publisher", f.some(), "url", f.url(), "title", maybe(f, f.some()), f.vague("published_on"),
			"retrieved_at", maybe(f, f.instant()), "verified_at", maybe(f, f.instant()), "quote", maybe(f, f.text()), "license", maybe(f, f.text()))
	}
}

func (f *filler) bodies() {
	for range 80 {
		f.node("organization", "slug", f.once("slug of organization"), "name", f.some(), "short_name", maybe(f, f.text()),
			"kind", f.word("COUNCIL_BODY PARLIAMENTARY_GROUP PARTY DEPARTMENT MINISTRY COMPANY OTHER"),
			"municipality_id", maybe(f, f.ref("municipality")), "state_id", maybe(f, f.ref("state")), "website", f.url(), f.deleted())
	}
	for range 70 {
		scheme := f.word("SECTION KEYWORD ACTION_FIELD FUNDING_AREA")
		f.node("topic", "slug", f.once("slug of topic"), "name", f.once(scheme), "scheme", scheme,
			"synonyms", [][]string{{}, {""}, {`a,"b"`, "{}", "NULL", `\`}, {"ä", "😀"}}[f.IntN(4)], f.deleted())
	}
	for _, table := range []string{"organization", "topic"} { // with circles
		ids := f.ids[table]
		for i, id := range ids {
			if parent := f.ref(table); parent != id && f.chance(60) {
				f.batch.Queue("UPDATE "+table+" SET parent_id = $1 WHERE id = $2", parent, id)
			}
			if i == 0 {
				f.batch.Queue("UPDATE "+table+" SET parent_id = $1 WHERE id = $2", ids[1], id)
				f.batch.Queue("UPDATE "+table+" SET parent_id = $1 WHERE id = $2", id, ids[1])
			}
		}
	}
}

func (f *filler) persons() {
	for range 60 {
		names := []any{"given_name", nil}
		if f.chance(60) {
			names = []any{"given_name", f.text(), "family_name", f.text()}
		}
		id := f.node("person", "slug", f.once("slug of person"), "name", f.some(), names, "academic_title", maybe(f, f.text()),
			"aliases", [][]string{{}, {""}, {`a,"b"`, "{}", "NULL"}, {"ä", "😀"}}[f.IntN(4)], f.deleted())
		for position := range f.IntN(4) {
			f.put("person_affiliation", "person_id", id, "position", position*3+1, f.office("", f.some()))
		}
	}
}

// office is an office or a membership, in columns with a prefix; role is its
// name if there is nothing else.
func (f *filler) office(prefix string, role any) []any {
	pairs := []any{prefix + "organization_id", maybe(f, f.ref("organization")), prefix + "municipality_id", maybe(f, f.ref("municipality")),
		prefix + "state_id", maybe(f, f.ref("state")), prefix + "party_id", maybe(f, f.ref("organization")), f.period(prefix + "period")}
	for i := 1; i < 8; i += 2 {
		if pairs[i] != nil && f.chance(50) {
			role = nil
		}
	}
	return append(pairs, prefix+"role", role)
}

// mentions are people in the capacity of the time, or in none.
func (f *filler) mentions(table, column, id string) {
	for position := range f.IntN(4) {
		person, role := f.ref("person"), f.word("SUBJECT QUOTED SPEAKER INTERVIEWEE PICTURED")
		if !f.fresh(table, id, person, role) {
			continue
		}
		capacity := []any{f.period("capacity_period")} // of nothing: there is none
		if f.chance(70) {
			capacity = f.office("capacity_", maybe(f, f.some()))
		}
		f.put(table, column, id, "position", position+1, "person_id", person, "role", role, capacity)
	}
}

func (f *filler) events() {
	for range 60 {
		starts, ends := maybe(f, f.instant()), maybe(f, f.instant())
		if starts != nil && ends != nil && slices.Index(awkwardInstants, ends.(string)) < slices.Index(awkwardInstants, starts.(string)) {
			starts, ends = ends, starts
		}
		id := f.node("event", "slug", f.once("slug of event"), "title", f.some(), "kind", f.word("CONFERENCE WORKSHOP COUNCIL_MEETING PARTICIPATION TALK OTHER"),
			"summary", maybe(f, f.text()), f.vague("date"), "starts_at", starts, "ends_at", ends, "venue", maybe(f, f.text()),
			"municipality_id", maybe(f, f.ref("municipality")), "audience", maybe(f, f.text()), "session_count", maybe(f, 1+f.IntN(3)), f.deleted())
		for _, role := range []string{"HOST", "PARTNER"} {
			f.attach("event_organization", "event_id", id, "organization_id", "organization", 2, "role", role)
		}
		f.mentions("event_mention", "event_id", id)
		f.attach("event_topic", "event_id", id, "topic_id", "topic", 2)
		f.attach("event_source", "event_id", id, "source_id", "source", 2)
		f.links("event_link", "event_id", id)
	}
}

func (f *filler) rankings() {
	for range 30 {
		name, edition, category := f.some(), maybe(f, 2000+f.IntN(3)), maybe(f, f.text())
		if !f.fresh("ranking", name, fmt.Sprint(edition, category)) {
			continue
		}
		id := f.node("ranking", "slug", f.once("slug of ranking"), "name", name, "edition", edition, "category", category,
			"publisher_id", maybe(f, f.ref("organization")), "participant_count", maybe(f, 1+f.IntN(90)), "url", f.url(), f.deleted())
		f.attach("ranking_source", "ranking_id", id, "source_id", "source", 2)
	}
	for range 150 {
		ranking, municipality := f.ref("ranking"), f.ref("municipality")
		if !f.fresh("entry", ranking, municipality) {
			continue
		}
		f.node("ranking_entry", "ranking_id", ranking, "municipality_id", municipality, "rank", maybe(f, 1+f.IntN(5)), "previous_rank", maybe(f, 1+f.IntN(5)),
			"score", maybe(f, f.word("0 0.10 -5.00 77.77")), "max_score", maybe(f, f.word("77.77 100 99999999.99")), "note", maybe(f, f.text()))
	}
}

func (f *filler) figures() {
	for i := range 14 {
		f.node("indicator", "code", fmt.Sprintf("indicator-%d", i), "name", f.some(), "unit", maybe(f, f.text()), "description", maybe(f, f.text()), f.deleted())
	}
	for range 200 {
		column := f.word("municipality state strategy event organization")
		id := f.node("figure", "indicator_id", f.ref("indicator"), column+"_id", f.ref(column), "value", f.word("0 80 80.0000 -0.5 1234567890123456.7891 100"),
			"comparator", f.word("EXACT ABOUT AT_LEAST MORE_THAN AT_MOST"), f.vague("as_of"), f.deleted())
		f.attach("figure_source", "figure_id", id, "source_id", "source", 2)
	}
}

func (f *filler) media() {
	for range 50 {
		width, height := any(nil), any(nil)
		if f.chance(60) {
			width, height = 1+f.IntN(3), 1080
		}
		f.node("media_asset", "url", f.url(), "mime_type", maybe(f, "image/svg+xml"), "width", width, "height", height, "alt_text", maybe(f, f.text()),
			"caption", maybe(f, f.text()), "credit", maybe(f, f.text()), "rights_holder", maybe(f, f.text()), "license", maybe(f, f.text()),
			"symbolic", f.chance(50), f.deleted())
	}
}

// changes are all constellations of units that became others: into themselves,
// into each other in a circle, into nothing that is known.
func (f *filler) changes() {
	for range 120 {
		kind, from, to := f.word("REKEYED MERGED SPLIT INCORPORATED"), f.ref("municipality"), maybe(f, f.ref("municipality"))
		if kind == "REKEYED" {
			to = from
		}
		key := maybe(f, f.text())
		if kind != "REKEYED" && to == any(from) || !f.fresh("change", from, fmt.Sprint(to, key)) {
			continue
		}
		id := f.node("territorial_change", "kind", kind, f.vague("effective_on"), "predecessor_id", from, "successor_id", to,
			"former_key", key, "former_name", maybe(f, f.text()), "note", maybe(f, f.text()))
		f.attach("territorial_change_source", "change_id", id, "source_id", "source", 2)
	}
}

// tokens are of all roles, good, ended and revoked, made by commands and by each other.
func (f *filler) tokens() {
	for n := range 40 {
		id := nodeid.Derive("shared", fmt.Sprint(n)).String()
		role, territories, by := f.word("READER EDITOR PUBLISHER MODERATOR ADMIN"), []string{}, any(nil)
		if role != "READER" && role != "ADMIN" && f.chance(60) {
			territories = []string{"09461000", f.word("01 03 09 09461")}
		}
		if n > 3 {
			by = maybe(f, f.ref("api_token"))
		}
		f.ids["api_token"] = append(f.ids["api_token"], id)
		f.put("api_token", "id", id, "name", "Ä"+f.once("token"), "role", role, "hash", bytes.Repeat([]byte{byte(n)}, 32), "hint", "sgt_"+fmt.Sprint(n),
			"territories", territories, "created_by", by, "created_at", pick(f, awkwardInstants[:4]), "expires_at", maybe(f, pick(f, awkwardInstants[4:])),
			"revoked_at", maybe(f, f.instant()), "last_used_at", maybe(f, f.instant()))
	}
}

// documents are trusted ones, put on record by tokens and by manifests.
func (f *filler) documents() {
	for n := range 30 {
		text := fmt.Sprintf("query Q%d { __typename }", n)
		digest := sha256.Sum256([]byte(text))
		f.put("trusted_document", "id", nodeid.Derive("shared", fmt.Sprint(n)).String(), "document_id", f.once("x-"), "document", text, "digest", digest[:],
			"created_by", maybe(f, f.ref("api_token")), "created_at", pick(f, awkwardInstants[:4]))
	}
}

// webhooks are of all kinds, with what became of their deliveries.
func (f *filler) webhooks() {
	for n := range 20 {
		id, deleted := nodeid.Derive("shared", fmt.Sprint(n)).String(), any(nil)
		if f.chance(20) {
			deleted = f.instant()
		}
		status, reason, paused := "ACTIVE", any(nil), any(nil)
		if f.chance(40) {
			status, reason, paused = "PAUSED", f.word("REQUESTED GONE EXHAUSTED CURSOR_EXPIRED SECRET_LOST"), f.instant()
		}
		filters := any(nil)
		if f.chance(50) {
			filters = `{"article": {"title": {"contains": "ä"}}}`
		}
		f.put("webhook", "id", id, "name", "Ä"+f.once("webhook"), "url", "https://a.example/"+fmt.Sprint(n), "types", []string{"ARTICLE", "FUNDING_CALL"}, "kinds", []string{"REMOVED"},
			"filters", filters, "status", status, "pause_reason", reason, "paused_at", paused, "created_by", maybe(f, f.ref("api_token")),
			"created_at", pick(f, awkwardInstants[:4]), "deleted_at", deleted)
		f.put("webhook_place", "id", id, "webhook_id", id, "cursor", "a")
		f.put("webhook_state", "webhook_id", id, "failures", n, "delivered_at", maybe(f, f.instant()), "failed_at", maybe(f, f.instant()), "held_until", maybe(f, f.instant()))
		for m := range 5 {
			delivery := nodeid.Derive("shared", fmt.Sprint(n, m)).String()
			state, finished, next := "PENDING", any(nil), any(pick(f, awkwardInstants[:4]))
			if f.chance(60) {
				state, finished, next = f.word("DELIVERED FAILED SKIPPED"), pick(f, awkwardInstants[:4]), nil
			}
			f.put("webhook_delivery", "id", delivery, "webhook_id", id, "message_id", "msg_"+fmt.Sprint(m), "event", "article.changed", "type", "Article", "object_id", f.ref("article"),
				"kind", maybe(f, "CHANGED"), "version", m, "cursor", "a", "payload", `{"data": {"id": "article_01h455vb4pex5vsknk084sn02q"}}`, "origin", f.word("CHANGE REPLAY GAP TEST"),
				"status", state, "attempt_count", m, "next_attempt_at", next, "occurred_at", f.instant(), "created_at", pick(f, awkwardInstants[:4]), "finished_at", finished)
			for number := range m {
				f.put("webhook_attempt", "delivery_id", delivery, "number", number+1, "url", "https://a.example/", "request_headers", f.text(), "response_status", maybe(f, 204),
					"response_headers", maybe(f, f.text()), "response_body", maybe(f, f.text()), "error", maybe(f, f.text()), "duration_ms", m, "sent_at", f.instant())
			}
		}
	}
}

// otherNames are identifiers of each scheme, and the slugs that rows had before;
// among them such of rows of other types, and of another row's present one.
func (f *filler) platforms() {
	for range 30 {
		id := f.node("platform", "slug", f.once("slug of platform"), "name", f.some(), "summary", maybe(f, f.text()),
			"provider_id", maybe(f, f.ref("organization")), "website", f.url(), f.deleted())
		f.attach("platform_state", "platform_id", id, "state_id", "state", 3)
		f.attach("platform_source", "platform_id", id, "source_id", "source", 2)
	}
}

func (f *filler) otherNames() {
	schemes := "WIKIDATA NUTS LAU OPARL GND FOERDERDATENBANK FOERDERKENNZEICHEN ROR"
	for _, holder := range []string{"state state", "municipality municipality", "organization organization", "person person", "program funding_program", "award funding_award"} {
		column, table, _ := strings.Cut(holder, " ")
		for range 50 {
			scheme := f.word(schemes)
			f.put("identifier", "scheme", scheme, "value", f.once("identifier "+scheme), column+"_id", f.ref(table))
		}
	}
	for table := range strings.FieldsSeq("municipality strategy measure funding_program article organization person topic event ranking platform") {
		for range 12 {
			f.put("former_slug", "type", table, "slug", f.once("former slug of "+table), "id", f.ref(table))
		}
	}
}

func (f *filler) strategies() {
	for i := range 150 {
		pairs := []any{
			"slug", f.once("slug of strategy"), "title", f.some(), "kind", f.word("DIGITAL_STRATEGY DIGITAL_AGENDA DIGITAL_CONCEPT SMART_CITY_STRATEGY ROADMAP ACTION_PLAN OTHER"),
			"summary", maybe(f, f.text()), "body", maybe(f, f.markdown()), "status", f.word("IN_PREPARATION PRESENTED ADOPTED ADOPTED ADOPTED SUPERSEDED EXPIRED WITHDRAWN"),
			f.life(), f.period("period"), "target_year", maybe(f, 1990+f.IntN(3)*105), f.vague("presented_on"),
			"evaluation_interval_months", maybe(f, pick(f, []int{1, 12, 240})), "last_evaluated_on", maybe(f, pick(f, awkwardDays[:12])),
		}
		if adopted := f.vague("adopted_on"); len(adopted) == 2 || adopted[1].(string) < "9" {
			pairs = append(pairs, adopted)
		}
		// One line of fifty editions, some of three, many of one.
		if i > 0 && i < 50 || i >= 50 && i%5 < 2 && i > 50 {
			pairs = append(pairs, "predecessor_id", f.ids["strategy"][i-1], "revision_number", maybe(f, i))
		} else {
			pairs = append(pairs, "revision_number", maybe(f, 0))
		}
		id := f.node("strategy", pairs...)
		for position := range f.IntN(4) {
			column := f.word("municipality state organization")
			ref := f.ref(column)
			if ref == f.ids["organization"][20] {
				continue
			}
			if f.fresh("strategy_owner", id, ref, column) {
				f.put("strategy_owner", "strategy_id", id, "position", position+1, column+"_id", ref)
			}
		}
		if gone := f.ids["organization"][2]; i%3 == 0 && f.fresh("strategy_owner", id, gone, "organization") { // among others, one that is deleted
			f.put("strategy_owner", "strategy_id", id, "position", 9, "organization_id", gone)
			f.put("strategy_owner", "strategy_id", id, "position", 10, "organization_id", f.ids["organization"][20])
		}
		for position := range f.IntN(3) {
			f.put("strategy_decision", "strategy_id", id, "position", position+1, "body_id", maybe(f, f.ref("organization")),
				"kind", f.word("ADOPTED NOTED REFERRED_BACK REJECTED COMMISSIONED"), f.vague("date"), "reference", maybe(f, f.text()), "url", f.url())
			for n := range f.IntN(3) {
				f.put("strategy_decision_source", "strategy_id", id, "decision", position+1, "position", 3-n, "source_id", f.ref("source"))
			}
		}
		for _, role := range []string{"ACTION_FIELD", "CROSS_CUTTING", "TOPIC"} {
			f.attach("strategy_topic", "strategy_id", id, "topic_id", "topic", 2, "role", role)
		}
		f.attach("strategy_responsible", "strategy_id", id, "organization_id", "organization", 2)
		f.attach("strategy_source", "strategy_id", id, "source_id", "source", 2)
		f.links("strategy_link", "strategy_id", id)
		f.attach("strategy_participation", "strategy_id", id, "event_id", "event", 3)
	}
}

func (f *filler) measures() {
	for range 130 {
		strategy, position := maybe(f, f.ref("strategy")), any(nil)
		if strategy != nil && f.chance(60) {
			if n := 1 + f.IntN(9); f.fresh("measure position", strategy.(string), fmt.Sprint(n)) {
				position = n
			}
		}
		id := f.node("measure", "slug", f.once("slug of measure"), "strategy_id", strategy, "position", position, "title", f.some(),
			"description", maybe(f, f.markdown()), "status", f.word("PLANNED IN_PROGRESS ON_HOLD COMPLETED CANCELLED"),
			"priority", maybe(f, f.word("HIGH MEDIUM LOW")), "action_field_id", maybe(f, f.ref("topic")), f.period("period"), f.money("budget"), f.deleted())
		for position := range f.IntN(4) {
			column := f.word("municipality state organization")
			if ref := f.ref(column); f.fresh("measure_owner", id, ref, column) {
				f.put("measure_owner", "measure_id", id, "position", position+1, column+"_id", ref)
			}
		}
		for _, role := range []string{"RESPONSIBLE", "PARTNER"} {
			f.attach("measure_organization", "measure_id", id, "organization_id", "organization", 2, "role", role)
		}
		f.attach("measure_topic", "measure_id", id, "topic_id", "topic", 2)
		f.attach("measure_source", "measure_id", id, "source_id", "source", 2)
		f.links("measure_link", "measure_id", id)
	}
}

func (f *filler) fundings() {
	for range 50 {
		id := f.node("funding_program", "slug", f.once("slug of program"), "title", f.some(), "short_title", maybe(f, f.text()), "summary", maybe(f, f.text()),
			"body", maybe(f, f.markdown()), "level", f.word("EU FEDERAL STATE MUNICIPAL PRIVATE"), "administered_by_id", maybe(f, f.ref("organization")),
			"funding_types", [][]string{{}, {"GRANT"}, {"LOAN", "GRANT", "LOAN"}}[f.IntN(3)],
			"eligible_applicants", [][]string{{}, {"COMPANY", "UNIVERSITY"}}[f.IntN(2)], "nationwide", f.chance(50), f.money("total_volume"),
			"funding_source", maybe(f, f.text()), "contact", maybe(f, f.text()), f.period("period"), "status_verified_on", maybe(f, f.day()), f.life())
		f.attach("funding_program_funder", "program_id", id, "organization_id", "organization", 2)
		f.attach("funding_program_state", "program_id", id, "state_id", "state", 3)
		for _, role := range []string{"FUNDING_AREA", "TOPIC"} {
			f.attach("funding_program_topic", "program_id", id, "topic_id", "topic", 2, "role", role)
		}
		f.attach("funding_program_source", "program_id", id, "source_id", "source", 2)
		f.links("funding_program_link", "program_id", id)
		for position := range f.IntN(3) {
			f.put("funding_program_rate", "program_id", id, "position", position+1, "percent", f.word("0 0.01 33.33 100.00 50"), "condition", maybe(f, f.text()))
		}
	}
	for i := range 70 {
		opens, closes := maybe(f, f.day()), maybe(f, f.day())
		if opens != nil && closes != nil && closes.(string) < opens.(string) {
			opens, closes = closes, opens
		}
		id := f.node("funding_call", "program_id", f.ref("funding_program"), "number", maybe(f, i+1), "label", f.some(), "motto", maybe(f, f.text()),
			"year", maybe(f, 1990+f.IntN(3)), "opens_on", opens, "closes_on", closes, "status_verified_on", maybe(f, f.day()), f.money("volume"),
			"application_count", maybe(f, f.IntN(3)), f.deleted())
		f.attach("funding_call_source", "call_id", id, "source_id", "source", 2)
	}
	for i := range 150 {
		var amounts []any
		for {
			awarded, total := f.money("amount_awarded"), f.money("total_budget")
			if len(awarded) == 2 || len(total) == 2 || awarded[3] == total[3] && awarded[1] == "0.01" || awarded[3] == total[3] && awarded[1] == total[1] {
				amounts = []any{awarded, total}
				break
			}
		}
		if len(amounts[0].([]any)) > 2 && len(amounts[1].([]any)) > 2 && strings.HasPrefix(amounts[1].([]any)[1].(string), "0") && amounts[0].([]any)[1] != amounts[1].([]any)[1] {
			amounts = nil
		}
		id := f.node("funding_award", "program_id", f.ref("funding_program"), "call_id", maybe(f, f.ref("funding_call")), "title", maybe(f, f.some()),
			"project_number", maybe(f, i-20), "category", maybe(f, f.text()), amounts, "funding_rate_percent", maybe(f, f.word("0 0.01 33.33 100 50.00")),
			f.vague("awarded_on"), f.period("period"), "note", maybe(f, f.text()), f.deleted())
		for position := range f.IntN(4) {
			column := f.word("municipality organization")
			if ref := f.ref(column); ref != f.ids["organization"][60+i/10] && f.fresh("recipient", id, ref, column) {
				role := "PARTNER"
				if position == 2 {
					role = "LEAD"
				}
				f.put("funding_award_recipient", "award_id", id, "position", position+1, column+"_id", ref, "role", role, "role_inferred", f.chance(50))
			}
		}
		if gone := f.ids["organization"][2]; i%3 == 0 && f.fresh("recipient", id, gone, "organization") {
			f.put("funding_award_recipient", "award_id", id, "position", 9, "organization_id", gone, "role", "PARTNER")
			f.put("funding_award_recipient", "award_id", id, "position", 10, "organization_id", f.ids["organization"][60+i/10], "role", "PARTNER")
		}
		f.attach("funding_award_strategy", "award_id", id, "strategy_id", "strategy", 3)
		f.attach("funding_award_measure", "award_id", id, "measure_id", "measure", 3)
		f.attach("funding_award_source", "award_id", id, "source_id", "source", 2)
	}
}

func (f *filler) articles() {
	for range 150 {
		sponsored := f.chance(15)
		id := f.node("article", "slug", f.once("slug of article"), "language", f.word("de de de en de-AT"),
			"kind", f.word("NEWS REPORT INTERVIEW OPINION PRESS_RELEASE EVENT_REPORT PAGE"), "kicker", maybe(f, f.some()), "title", f.some(),
			"subtitle", maybe(f, f.some()), "lead", maybe(f, f.text()), "body", maybe(f, f.markdown()), f.life(), f.vague("published_on"),
			"updated_at", maybe(f, f.instant()), "sponsored", sponsored, "sponsor_id", maybe(f, f.ref("organization")), "sponsor_label", f.some(),
			"comments_status", f.word("OPEN CLOSED DISABLED"), "comments_close_at", maybe(f, f.instant()), "comment_policy_url", f.url())
		for position := range f.IntN(3) {
			f.put("article_byline", "article_id", id, "position", position+1, "person_id", maybe(f, f.ref("person")), "organization_id", maybe(f, f.ref("organization")), "shorthand", f.text(),
				"kind", f.word("AUTHOR EDITOR AGENCY PRESS_RELEASE"))
		}
		f.attach("article_topic", "article_id", id, "topic_id", "topic", 1, "role", "SECTION")
		f.attach("article_topic", "article_id", id, "topic_id", "topic", 3, "role", "KEYWORD")
		f.attach("article_topic", "article_id", id, "topic_id", "topic", 3, "role", "TOPIC")
		f.links("article_link", "article_id", id)
		f.attach("article_source", "article_id", id, "source_id", "source", 2)
		f.attach("article_municipality", "article_id", id, "municipality_id", "municipality", 5)
		f.attach("article_state", "article_id", id, "state_id", "state", 3)
		f.attach("article_strategy", "article_id", id, "strategy_id", "strategy", 4)
		f.attach("article_funding_program", "article_id", id, "program_id", "funding_program", 3)
		f.attach("article_funding_award", "article_id", id, "award_id", "funding_award", 4)
		f.attach("article_organization", "article_id", id, "organization_id", "organization", 4)
		f.attach("article_measure", "article_id", id, "measure_id", "measure", 3)
		f.attach("article_event", "article_id", id, "event_id", "event", 3)
		f.attach("article_platform", "article_id", id, "platform_id", "platform", 3)
		f.attach("article_ranking_entry", "article_id", id, "entry_id", "ranking_entry", 3)
		f.attach("article_figure", "article_id", id, "figure_id", "figure", 3)
		f.mentions("article_mention", "article_id", id)
		lead := f.IntN(4)
		for position := range f.IntN(4) {
			if asset := f.ref("media_asset"); f.fresh("article_media", id, asset) {
				f.put("article_media", "article_id", id, "position", position+1, "media_id", asset, "lead", position == lead, "caption", maybe(f, f.text()))
			}
		}
	}
	for _, id := range f.ids["article"] { // with circles, but none to itself
		f.fresh("article_previous", id, id, "")
		f.attach("article_previous", "article_id", id, "previous_id", "article", 2)
	}
}

func (f *filler) comments() {
	type comment struct {
		id, article string
		depth       int
	}
	var all []comment
	for n := range 320 {
		c := comment{article: f.ref("article")}
		var parent any
		if len(all) > 0 && f.chance(65) {
			above := all[len(all)-1-f.IntN(min(len(all), 12))]
			if above.depth < 9 {
				parent, c.article, c.depth = above.id, above.article, above.depth+1
			}
		}
		c.id = f.node("comment", "article_id", c.article, "parent_id", parent, "author_name", maybe(f, f.some()), "body", f.markdown(),
			"status", f.word("APPROVED APPROVED APPROVED APPROVED APPROVED HIDDEN HIDDEN ERASED PENDING REJECTED SPAM"),
			"audience", f.word("PUBLIC PUBLIC PUBLIC PUBLIC PUBLIC PUBLIC EDITORS"),
			"upvotes", pick(f, []int{0, 1, 11, 2147483647}), "downvotes", pick(f, []int{0, 2, 2147483647}), "published_at", maybe(f, f.instant()))
		all = append(all, c)
		if n%5 == 0 {
			f.put("comment_report", "comment_id", c.id, "reporter", []byte{byte(n)}, "reason", "HATE", "text", maybe(f, f.some()), "created_at", f.instant(), "resolved_at", maybe(f, f.instant()))
		}
		for position := range f.IntN(3) {
			f.put("comment_note", "comment_id", c.id, "position", position+1, "text", f.some(), "signature", f.some(), "created_at", f.instant())
		}
	}
}
