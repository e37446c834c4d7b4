package register

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/postgres"
)

// loaded is a database that holds the shipped register.
func loaded(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return pgtest.From(t, "register", fingerprint(), func(ctx context.Context, pool *pgxpool.Pool) error {
		_, err := LoadShipped(ctx, pool, nil)
		return err
	})
}

// fingerprint changes with the code and the data, so that no test sees a database
// that an older program has filled.
var fingerprint = sync.OnceValue(func() string {
	h := sha256.New()
	for _, pattern := range []string{"*.go", "../slug/*.go", "../nodeid/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			panic(err)
		}
		for _, name := range names {
			code, err := os.ReadFile(name)
			if err != nil {
				panic(err)
			}
			h.Write(code)
		}
	}
	h.Write([]byte(Version()))
	return hex.EncodeToString(h.Sum(nil))
})

// small is a small register that is whole, with what the spreadsheet edition adds.
func small(t *testing.T) *Edition {
	t.Helper()
	e := read(t, strings.Join(sample(), "\n"))
	if err := joinSheet(e, shippedSheet); err != nil {
		t.Fatal(err)
	}
	return e
}

// smallDB is a database that holds the small register.
func smallDB(t *testing.T) (pool *pgxpool.Pool, rows int) {
	t.Helper()
	pool = pgtest.DB(t)
	return pool, len(mustImport(t, pool, small(t), Options{}).Rows)
}

func mustImport(t *testing.T, db postgres.DB, e *Edition, o Options) Report {
	t.Helper()
	r, err := Import(t.Context(), db, e, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// counts are a report's numbers of rows, in the order of its summary.
func counts(r Report) [5]int {
	return [5]int{r.Count(Created), r.Count(Renamed), r.Count(Changed), r.Count(Missing), r.Count(Unchanged)}
}

// rows are the report's rows of an outcome, as the text form shows them.
func rows(r Report, o Outcome) []string {
	var list []string
	for _, row := range r.Rows {
		if row.Outcome == o {
			line, _, _ := strings.Cut(row.String(), "\n") // without what it may have become
			list = append(list, line)
		}
	}
	return list
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

// query is the rows of a query as texts, columns separated by a bar.
func query(t *testing.T, db postgres.DB, sql string, args ...any) []string {
	t.Helper()
	r, err := db.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(r, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		texts := make([]string, len(values))
		for i, v := range values {
			switch v := v.(type) {
			case nil:
				texts[i] = "–"
			case time.Time:
				texts[i] = v.Format(time.DateOnly)
			default:
				texts[i] = fmt.Sprint(v)
			}
		}
		return strings.Join(texts, "|"), err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// content is a digest of all that an import writes, with the transaction that
// wrote each row last.
func content(t *testing.T, db postgres.DB) string {
	t.Helper()
	return strings.Join(query(t, db, `
SELECT md5(coalesce(string_agg(t, '' ORDER BY t), '')) FROM (
  SELECT s.xmin || s::text FROM state s
  UNION ALL SELECT m.xmin || m::text FROM municipality m
  UNION ALL SELECT k.xmin || k::text FROM municipality_key k
  UNION ALL SELECT p.xmin || p::text FROM municipality_population p
  UNION ALL SELECT n.xmin || n::text FROM municipality_former_name n
  UNION ALL SELECT c.xmin || c::text FROM territorial_change c
  UNION ALL SELECT l.xmin || l::text FROM territorial_change_source l
  UNION ALL SELECT s.xmin || s::text FROM source s
  UNION ALL SELECT d.xmin || d::text FROM dataset d
) rows (t)`), "")
}

// all is how many states and units ship, 26 of them dissolved.
const all = 16 + 29 + 294 + 1205 + 10773 + 208 + 26

func TestLoadShippedFillsAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	last, total := 0, 0
	began := time.Now()
	r, err := LoadShipped(t.Context(), pool, func(d, n int) {
		if d < last || total != 0 && n != total {
			t.Errorf("progress went from %d of %d to %d of %d", last, total, d, n)
		}
		last, total = d, n
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("loaded in %v", time.Since(began))
	if total == 0 || last != total {
		t.Errorf("progress ended at %d of %d", last, total)
	}
	expect(t, "counts", counts(r), [5]int{all, 0, 0, 0, 0})
	expect(t, "levels", query(t, pool, `SELECT level, count(*) FILTER (WHERE dissolved_on IS NULL), count(dissolved_on) FROM municipality GROUP BY 1 ORDER BY 1`), []string{
		"ASSOCIATION|1205|0", "DISTRICT|294|0", "GOVERNMENT_REGION|29|0", "MUNICIPALITY|10773|24", "UNINCORPORATED_AREA|208|2"})
	expect(t, "sums", query(t, pool, `
SELECT 'states', sum(population), sum(area_ha), count(DISTINCT version) FROM state
UNION ALL SELECT 'municipalities', sum(population), sum(area_ha), count(DISTINCT version) FROM municipality WHERE level IN ('MUNICIPALITY', 'UNINCORPORATED_AREA') AND dissolved_on IS NULL
UNION ALL SELECT 'districts and independent cities', sum(population), 0, 1 FROM municipality WHERE level = 'DISTRICT' OR kind IN ('INDEPENDENT_CITY', 'URBAN_DISTRICT')`), []string{
		"states|84358845|35759570|1", "municipalities|84358845|35759570|1", "districts and independent cities|84358845|0|1"})
	expect(t, "an independent city under all its keys", query(t, pool, `
SELECT k.key, k.name, k.valid_until, m.slug, m.key, m.regional_key, m.district_key, s.slug, g.slug, m.district_id, m.association_id
FROM municipality_key k
JOIN municipality m ON m.id = k.municipality_id
JOIN state s ON s.id = m.state_id
JOIN municipality g ON g.id = m.government_region_id
WHERE k.key IN ('09461', '09461000', '094610000000') ORDER BY k.key`), []string{
		"09461|Bamberg|–|bamberg|09461000|094610000000|09461|bayern|regierungsbezirk-oberfranken|–|–",
		"09461000|Bamberg|–|bamberg|09461000|094610000000|09461|bayern|regierungsbezirk-oberfranken|–|–",
		"094610000000|Bamberg|–|bamberg|09461000|094610000000|09461|bayern|regierungsbezirk-oberfranken|–|–"})
	expect(t, "a town and what it belongs to", query(t, pool, `
SELECT m.slug, m.district_key, d.slug, a.slug, a.district_id = d.id, a.government_region_id = m.government_region_id, m.postal_code_unique, m.population_as_of, m.constituency_from, m.constituency_to
FROM municipality m JOIN municipality d ON d.id = m.district_id JOIN municipality a ON a.id = m.association_id WHERE m.key = '09471115'`), []string{
		"baunach|09471|landkreis-bamberg|verwaltungsgemeinschaft-baunach|true|true|true|2022-12-31|240|–"})
	expect(t, "city states", query(t, pool, `
SELECT s.code, s.iso3166, s.nuts1, s.slug, s.seat, m.key, m.state_id = s.id FROM state s JOIN municipality m ON m.id = s.city_municipality_id ORDER BY 1`), []string{
		"BE|DE-BE|DE3|berlin|Berlin|11000000|true", "HH|DE-HH|DE6|hamburg|Hamburg|02000000|true"})
	expect(t, "no postal code, none to be unique", query(t, pool, `
SELECT count(*) FROM municipality WHERE administration_postal_code IS NULL AND postal_code_unique IS NOT NULL`), []string{"0"})
	expect(t, "populations", query(t, pool, `
SELECT p.as_of, sum(p.population), count(*) FROM municipality_population p JOIN municipality m ON m.id = p.municipality_id
WHERE m.level IN ('MUNICIPALITY', 'UNINCORPORATED_AREA') GROUP BY 1 ORDER BY 1`), []string{
		"2019-12-31|83166711|11004", "2022-12-31|84358845|10981"}) // the official figures of both days
	expect(t, "sources", query(t, pool, `SELECT name, as_of, left(attribution, 44) FROM dataset ORDER BY 1`), []string{
		"gv-auszug|2020-12-31|© Statistisches Bundesamt (Destatis), Gemein",
		"gv100ad|2023-11-30|© Statistisches Bundesamt (Destatis), Gemein"})
	expect(t, "ids that are not derived from the key", query(t, pool, `SELECT count(*) FROM municipality WHERE key = '09461000' AND id <> $1`,
		derivedID("municipality", "09461000")), []string{"0"})
	expect(t, "keys", query(t, pool, `
SELECT length(k.key), count(*) FILTER (WHERE NOT former AND m.dissolved_on IS NULL), count(*) FILTER (WHERE NOT former AND m.dissolved_on IS NOT NULL), count(*) FILTER (WHERE former)
FROM municipality_key k JOIN municipality m ON m.id = k.municipality_id GROUP BY 1 ORDER BY 1`), []string{
		"3|29|0|0", "5|400|0|1", "8|10981|26|2", "9|1205|0|0", "12|10981|26|2"})
}

func TestSecondImportChangesNothing(t *testing.T) {
	t.Parallel()
	pool := loaded(t)
	before := content(t, pool)
	r, err := LoadShipped(t.Context(), pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "counts", counts(r), [5]int{0, 0, 0, 0, all})
	// Neither lacks coordinates because it could delete some, nor do they change by
	// being read from another file.
	expect(t, "plain GV100AD", counts(mustImport(t, pool, plain(t), Options{})), [5]int{0, 0, 0, 0, all - 26})
	expect(t, "joined CSV", counts(mustImport(t, pool, joined(t), Options{})), [5]int{0, 0, 0, 0, all - 26 - 29})
	if content(t, pool) != before {
		t.Error("an import without changes wrote rows")
	}
}

// newer is the small register as it might look a month later, in the same year, so
// that populations count for the same day. It does not say what is not in GV100AD.
func newer(t *testing.T) *Edition {
	t.Helper()
	e := read(t, strings.Join(sample(), "\n"))
	e.Name, e.AsOf = "newer.txt", day("2023-12-31")
	return e
}

func TestNewerEdition(t *testing.T) {
	t.Parallel()
	pool, all := smallDB(t)
	e := newer(t)
	unit(t, e, "09461000").OfficialName = "Bamberg, Welterbestadt"
	baunach := unit(t, e, "09471115")
	baunach.Name, baunach.OfficialName, baunach.Association, baunach.RegionalKey = "Baunach an der Itz", "Baunach an der Itz", "", "094710115115"
	baunach.Population, baunach.ConstituencyTo = 4016, 241
	e.Units = slices.DeleteFunc(e.Units, func(u Unit) bool { return u.Key == "09471111" }) // Altendorf
	second := *unit(t, e, "09471117")
	second.Key, second.RegionalKey, second.Name, second.OfficialName = "09471999", "094710199999", "Bamberg", "Bamberg, M"
	e.Units = append(e.Units, second)
	e.States[8].Seat = "Nürnberg"

	r := mustImport(t, pool, e, Options{})
	expect(t, "counts", counts(r), [5]int{1, 2, 1, 1, all - 4})
	expect(t, "created", rows(r, Created), []string{"09471999  Bamberg, M"})
	expect(t, "renamed", rows(r, Renamed), []string{
		"09461000  Bamberg, Welterbestadt, was Bamberg: official_name Bamberg → Bamberg, Welterbestadt",
		"09471115  Baunach an der Itz, was Baunach, St: name Baunach → Baunach an der Itz, official_name Baunach, St → Baunach an der Itz, " +
			"regional_key 094715401115 → 094710115115, association 094715401 → –, population 4015 → 4016, constituency_to – → 241, " +
			"population of 2022-12-31 4015 (2006 male) → 4016 (2006 male)",
	})
	expect(t, "changed", rows(r, Changed), []string{"09        Bayern: seat München → Nürnberg"})
	expect(t, "missing", rows(r, Missing), []string{"09471111  Altendorf"})
	expect(t, "stored", query(t, pool, `
SELECT key, slug, name, official_name, version, modified_at > created_at, association_id, population, latitude, urbanisation, dissolved_on FROM municipality
WHERE key IN ('09461000', '09471115', '09471111', '09471117', '09471999') ORDER BY key`), []string{
		"09461000|bamberg|Bamberg|Bamberg, Welterbestadt|2|true|–|79935|49.893387|DENSE|–",
		"09471111|altendorf|Altendorf|Altendorf|1|false|–|2129|49.797254|INTERMEDIATE|–",
		"09471115|baunach|Baunach an der Itz|Baunach an der Itz|2|true|–|4016|49.988184|SPARSE|–",
		"09471117|bischberg|Bischberg|Bischberg|1|false|–|6077|49.909767|INTERMEDIATE|–",
		"09471999|bamberg-09471999|Bamberg|Bamberg, M|1|false|–|6077|–|–|–"})
	expect(t, "keys", query(t, pool, `
SELECT key, name, valid_until, former FROM municipality_key WHERE municipality_id = $1 ORDER BY key`, derivedID("municipality", "09471115")), []string{
		"094710115115|Baunach an der Itz|–|false", "09471115|Baunach an der Itz|–|false", "094715401115|Baunach, St|2023-11-30|true"})
	expect(t, "former names", query(t, pool, `SELECT name, last_seen_on FROM municipality_former_name ORDER BY name`), []string{
		"Bamberg|2023-11-30", "Baunach, St|2023-11-30"})
	expect(t, "date", query(t, pool, `SELECT as_of, right(attribution, 23) FROM dataset`), []string{"2023-12-31|Gebietsstand 31.12.2023"})
	expect(t, "the same again", counts(mustImport(t, pool, e, Options{})), [5]int{0, 0, 0, 1, all})
}

func TestOlderEditionIsRefused(t *testing.T) {
	t.Parallel()
	pool, _ := smallDB(t)
	mustImport(t, pool, newer(t), Options{})
	before := content(t, pool)
	_, err := Import(t.Context(), pool, small(t), Options{})
	f, ok := fault.From(err)
	if !ok || f.Message != "register.txt is of 2023-11-30, but the register of 2023-12-31 is loaded already: import a newer edition." {
		t.Errorf("got %v", err)
	}
	if content(t, pool) != before {
		t.Error("a refused edition changed rows")
	}
}

func TestNewPopulations(t *testing.T) {
	t.Parallel()
	pool, all := smallDB(t)
	e := newer(t)
	e.AsOf = day("2024-11-30")
	for i := range e.Units {
		e.Units[i].Population++
		e.Units[i].Male++
	}
	r := mustImport(t, pool, e, Options{})
	expect(t, "counts", counts(r), [5]int{0, 0, all - 16, 0, 16})
	expect(t, "reported once", slices.Contains(rows(r, Changed), "09461000  Bamberg: population 79935 → 79936, population_as_of 2022-12-31 → 2023-12-31"), true)
	figures := []string{"2019-12-31|77373|37296", "2022-12-31|79935|39117", "2023-12-31|79936|39118"}
	const sql = `SELECT as_of, population, male FROM municipality_population WHERE municipality_id = $1 ORDER BY 1`
	expect(t, "history", query(t, pool, sql, derivedID("municipality", "09461000")), figures)

	r = mustImport(t, pool, e, Options{PopulationOn: day("2024-06-30")})
	expect(t, "another day", counts(r), [5]int{0, 0, all - 16, 0, 16})
	expect(t, "history", query(t, pool, sql, derivedID("municipality", "09461000")), append(figures, "2024-06-30|79936|39118"))

	// The CSV has no date: what is the same keeps its day, what is not loses it.
	undated := read(t, strings.Join(joinedSample(), "\n"))
	unit(t, undated, "09461000").Population = 79936
	mustImport(t, pool, undated, Options{})
	expect(t, "unknown day", query(t, pool, `SELECT key, population, population_as_of FROM municipality WHERE key IN ('09461000', '09471115') ORDER BY key`), []string{
		"09461000|79936|2024-06-30", "09471115|4015|–"})
	expect(t, "date of the register", query(t, pool, `SELECT as_of FROM dataset`), []string{"2024-11-30"})
}

// A male figure that was corrected is a change of the unit, though its own row
// has no such column.
func TestCorrectedHistory(t *testing.T) {
	t.Parallel()
	pool, _ := smallDB(t)
	e := small(t)
	unit(t, e, "09461000").Male = 39118
	r := mustImport(t, pool, e, Options{})
	expect(t, "changed", rows(r, Changed), []string{"09461000  Bamberg: population of 2022-12-31 79935 (39117 male) → 79935 (39118 male)"})
	expect(t, "version", query(t, pool, `SELECT version FROM municipality WHERE key = '09461000'`), []string{"2"})
}

// Each column that an edition can fill must reach the table, on creation and on
// change; one forgotten in a statement would be reported as changed for ever.
func TestEveryColumnIsStored(t *testing.T) {
	t.Parallel()
	pool, all := smallDB(t)
	e := small(t)
	*unit(t, e, "09471115") = Unit{
		Level: levelUnincorporated, Kind: "MARKET_TOWN", Key: "09471115", RegionalKey: "103410115115", DistrictKey: "10341",
		Name: "A", OfficialName: "B", Seat: "C", State: "10", GovernmentRegion: "031", District: "01051", Association: "010515163",
		Population: 1, Male: 1, AreaHa: 2, PostalCode: "00001", ConstituencyFrom: 3, ConstituencyTo: 4,
		Location: &Location{Latitude: 5, Longitude: 6}, Urbanisation: "DENSE", TravelRegionKey: "D", TravelRegionName: "E",
		Earlier: []Figure{{AsOf: day("2019-12-31"), Population: 7, Male: 6}, {AsOf: day("2010-12-31"), Population: 9, Male: 8}},
	}
	e.States[8] = State{Key: "09", Name: "F", Seat: "G", Population: 10, AreaHa: 11}
	r := mustImport(t, pool, e, Options{})
	var fields []string
	for _, row := range r.Rows {
		for _, c := range row.Changes {
			fields = append(fields, c.Field)
		}
	}
	const fixed = "id slug key dissolved_on population_as_of" // not the edition's to change, or not in this test
	want := slices.DeleteFunc(append([]string{"name", "seat", "population", "area_ha"}, unitColumns...), func(c string) bool {
		return slices.Contains(strings.Fields(fixed), c)
	})
	for i := range want {
		want[i] = strings.TrimSuffix(want[i], "_id")
	}
	expect(t, "changed fields", fields, append(want, "population of 2022-12-31", "population of 2019-12-31", "population of 2010-12-31"))
	expect(t, "the same again", counts(mustImport(t, pool, e, Options{})), [5]int{0, 0, 0, 0, all})
}

func TestUnitsThatChangedAfterTheEdition(t *testing.T) {
	t.Parallel()
	pool, all := smallDB(t)
	_, err := pool.Exec(t.Context(), `
UPDATE municipality SET dissolved_on = '2024-01-01', label = 'Baunach (aufgelöst)' WHERE key = '09471115';
UPDATE municipality_key SET valid_until = '2024-01-01' WHERE key LIKE '09471%115';
UPDATE municipality SET key = '09471998' WHERE key = '09471117';
UPDATE municipality_key SET valid_until = '2023-12-31' WHERE key = '09471117'; -- the last day
INSERT INTO municipality_key SELECT '09471998', municipality_id, name FROM municipality_key WHERE key = '09471117'`)
	if err != nil {
		t.Fatal(err)
	}
	before := query(t, pool, `SELECT m::text, k::text FROM municipality m JOIN municipality_key k ON k.municipality_id = m.id ORDER BY 1, 2`)
	expect(t, "an edition of before", counts(mustImport(t, pool, newer(t), Options{})), [5]int{0, 0, 0, 0, all})
	expect(t, "what is newer", query(t, pool, `SELECT m::text, k::text FROM municipality m JOIN municipality_key k ON k.municipality_id = m.id ORDER BY 1, 2`), before)
	undated := read(t, strings.Join(joinedSample(), "\n"))
	expect(t, "an edition of any day", mustImport(t, pool, undated, Options{}).Count(Unchanged), len(undated.Units)+16)

	// An edition of a later day means other units by these keys.
	e, on := newer(t), Options{PopulationOn: day("2022-12-31")}
	e.AsOf = day("2024-01-01")
	r := mustImport(t, pool, e, on)
	expect(t, "created", rows(r, Created), []string{"09471115  Baunach, St", "09471117  Bischberg"})
	expect(t, "missing", rows(r, Missing), []string{"09471998  Bischberg"})
	expect(t, "stored", query(t, pool, `
SELECT m.key, m.slug, m.dissolved_on, m.id IN ($1, $2), substr(m.id::text, 15, 1), k.valid_until
FROM municipality m LEFT JOIN municipality_key k ON k.municipality_id = m.id AND k.key = m.key
WHERE m.key IN ('09471115', '09471117', '09471998') ORDER BY m.key, m.slug`, derivedID("municipality", "09471115"), derivedID("municipality", "09471117")), []string{
		"09471115|baunach|2024-01-01|true|7|–",
		"09471115|baunach-09471115|–|false|7|–",
		"09471117|bischberg-09471117|–|false|7|–",
		"09471998|bischberg|–|true|7|–"})
	expect(t, "the same again", counts(mustImport(t, pool, e, on)), [5]int{0, 0, 0, 1, all})
}

func TestDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	e := small(t)
	before := content(t, pool)
	r := mustImport(t, pool, e, Options{DryRun: true})
	expect(t, "counts", counts(r), [5]int{len(r.Rows), 0, 0, 0, 0})
	if !r.DryRun || content(t, pool) != before {
		t.Error("a dry run left something behind")
	}
	expect(t, "the real one", mustImport(t, pool, e, Options{}).Rows, r.Rows)
}

func TestInterruptedImportLeavesNothing(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	before := content(t, pool)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := Import(ctx, pool, shipped(t), Options{Progress: func(done, total int) {
		if done > total/10 { // in the middle of copying
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled import gave %v", err)
	}

	_, err = Import(t.Context(), pool, small(t), Options{Progress: func(done, total int) {
		if done == total { // all is written and not committed
			query(t, pool, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		}
	}})
	if err == nil {
		t.Error("an import whose connection was cut gave no error")
	}

	if content(t, pool) != before {
		t.Error("an interrupted import left something behind")
	}
	if r := mustImport(t, pool, small(t), Options{}); r.Count(Created) == 0 {
		t.Errorf("the next import gave %v", counts(r))
	}
}

func TestConcurrentImportsWaitForEachOther(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	e := small(t)
	all := len(e.States) + len(e.Units)
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		got [5]int
	)
	for range 6 {
		wg.Go(func() {
			r, err := Import(t.Context(), pool, e, Options{})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for i, n := range counts(r) {
				got[i] += n
			}
		})
	}
	wg.Wait()
	expect(t, "one created all, the others nothing", got, [5]int{all, 0, 0, 0, 5 * all})
}

// Rows that refer to a municipality can be written during an import, and changes
// of municipalities wait for its end.
func TestOthersDuringAnImport(t *testing.T) {
	t.Parallel()
	pool, _ := smallDB(t)
	e := newer(t)
	e.AsOf = day("2024-11-30")
	var blocked error
	mustImport(t, pool, e, Options{Progress: func(done, total int) {
		if done < total {
			return
		}
		ctx := t.Context()
		query(t, pool, `INSERT INTO organization (id, slug, name, kind, municipality_id) SELECT id, 'o', 'O', 'OTHER', id FROM municipality WHERE key = '09461000' RETURNING slug`)
		_, blocked = pool.Exec(ctx, `SET lock_timeout = '50ms'; UPDATE municipality SET seat = 'x' WHERE key = '09461000'`)
	}})
	var pg *pgconn.PgError
	if !errors.As(blocked, &pg) || pg.Code != "55P03" {
		t.Errorf("a change during the import gave %v, want that it waits", blocked)
	}
}

func TestImportInsideATransaction(t *testing.T) {
	t.Parallel()
	pool, _ := smallDB(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	e := newer(t)
	for _, seat := range []string{"Hallstadt", "Scheßlitz"} {
		unit(t, e, "09471").Seat = seat
		expect(t, "dry run", counts(mustImport(t, tx, e, Options{DryRun: true}))[2], 1)
		expect(t, "import", counts(mustImport(t, tx, e, Options{}))[2], 1)
	}
}

func TestUndatedCSVInAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	e := read(t, strings.Join(joinedSample(), "\n"))
	expect(t, "counts", counts(mustImport(t, pool, e, Options{})), [5]int{len(e.States) + len(e.Units), 0, 0, 0, 0})
	expect(t, "no date", query(t, pool, `SELECT as_of FROM dataset`), []string{"–"})
	expect(t, "days of populations", query(t, pool, `SELECT count(population_as_of), count(population) FROM municipality`), []string{fmt.Sprintf("0|%d", len(e.Units))})
	regions := len(small(t).Units) - len(e.Units)
	expect(t, "then the register", counts(mustImport(t, pool, small(t), Options{})), [5]int{regions, 0, len(e.Units), 0, 16})
}

func TestSlugsInTheDatabase(t *testing.T) {
	t.Parallel()
	pool := loaded(t)
	expect(t, "Neuenkirchen", query(t, pool, `
SELECT count(*), count(*) FILTER (WHERE slug = 'neuenkirchen-' || key) FROM municipality WHERE name = 'Neuenkirchen' AND level = 'MUNICIPALITY'`), []string{"11|11"})
	expect(t, "municipalities that share a name, with a slug that does not say which", query(t, pool, `
SELECT a.slug FROM municipality a JOIN municipality b ON b.name = a.name AND b.id <> a.id
WHERE a.level = 'MUNICIPALITY' AND b.level = 'MUNICIPALITY' AND a.dissolved_on IS NULL AND b.dissolved_on IS NULL AND right(a.slug, 9) <> '-' || a.key`), []string{})
	expect(t, "other forms", query(t, pool, `SELECT slug FROM municipality WHERE slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$'`), []string{})
}

func BenchmarkLoadShipped(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		pool := pgtest.DB(b)
		b.StartTimer()
		if _, err := LoadShipped(b.Context(), pool, nil); err != nil {
			b.Fatal(err)
		}
	}
}
