package register

import (
	"encoding/csv"
	"fmt"
	"math"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"stadtgraph/internal/pgtest"
)

// diff is every key that is in only one of the two registers, as an independent
// comparison of the files found them.
func diff(t *testing.T) (gone, added []string) {
	t.Helper()
	f, err := os.Open("testdata/ags_diff_2020_2023.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if row[2] == "true" {
			gone = append(gone, row[0])
		} else {
			added = append(added, row[0])
		}
	}
	if len(gone) != 28 || len(added) != 5 {
		t.Fatalf("%d keys are gone and %d new, want 28 and 5", len(gone), len(added))
	}
	return gone, added
}

func TestTerritoryChangesExplainEveryKey(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	gone, added := diff(t)
	explained := make(map[string]bool)
	for _, c := range e.past.changes {
		explained[c.formerKey], explained[c.successor] = true, true
		if !slices.Contains(gone, c.formerKey) {
			t.Errorf("%s is not gone", c.formerKey)
		}
		if u := unit(t, e, c.successor); u.OfficialName != c.successorName || u.Level != levelMunicipality {
			t.Errorf("%s became %s %s, and the register has %s", c.formerKey, c.successor, c.successorName, u.OfficialName)
		}
		before := slices.Concat(e.past.gone, e.past.rekeyed)
		i := slices.IndexFunc(before, func(u Unit) bool { return u.Key == c.formerKey })
		if i < 0 || before[i].OfficialName != c.formerName {
			t.Errorf("%s was not %s", c.formerKey, c.formerName)
		}
		if !slices.Contains([]string{"REKEYED", "MERGED", "INCORPORATED", "SPLIT"}, c.kind) {
			t.Errorf("%s has the kind %s", c.formerKey, c.kind)
		}
		if !c.effectiveOn.IsZero() && (!c.effectiveOn.After(sheetAsOf) || c.effectiveOn.After(e.AsOf)) {
			t.Errorf("%s changed on %v, which is not between the two registers", c.formerKey, c.effectiveOn)
		}
		if c.effectiveOn.IsZero() && c.note == "" {
			t.Errorf("%s has no date and does not say why", c.formerKey)
		}
		u, err := url.Parse(c.source.url)
		if c.source.publisher == "" || c.source.title == "" || err != nil || u.Scheme != "https" {
			t.Errorf("%s has the source %+v", c.formerKey, c.source)
		}
		if split := c.kind == "SPLIT"; split != (len(successors(e, c.formerKey)) > 1) {
			t.Errorf("%s is %s and went to %v", c.formerKey, c.kind, successors(e, c.formerKey))
		}
		// A new unit comes of a merger or a new key, and no other kind makes one.
		if slices.Contains(added, c.successor) && c.kind == "SPLIT" || !slices.Contains(added, c.successor) && c.kind != "SPLIT" && c.kind != "INCORPORATED" {
			t.Errorf("%s %s into %s", c.formerKey, c.kind, c.successor)
		}
	}
	for _, key := range slices.Concat(gone, added) {
		if !explained[key] {
			t.Errorf("nothing explains %s", key)
		}
	}
	expect(t, "dissolved, re-keyed, renamed", []int{len(e.past.gone), len(e.past.rekeyed), len(e.past.names)}, []int{26, 2, 63})
	if !slices.IsSortedFunc(e.past.changes, func(a, b territorialChange) int {
		return strings.Compare(a.formerKey+a.successor, b.formerKey+b.successor)
	}) {
		t.Error("the rows do not stand in order")
	}
}

func successors(e *Edition, key string) (list []string) {
	for _, c := range e.past.changes {
		if c.formerKey == key {
			list = append(list, c.successor)
		}
	}
	return list
}

// Nobody gets lost: those who lived in 2019 in all units that took part are those
// who live in 2022 in what became of them, but for births and moves. Neitersen
// grew by a new housing area.
func TestPopulationsOfMergersAddUp(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	before, after := make(map[string]int), make(map[string]int)
	for _, u := range e.past.gone {
		before[u.Key] = u.Population
	}
	for _, c := range e.past.changes {
		u := unit(t, e, c.successor)
		after[u.Key] = u.Population
		if len(u.Earlier) > 0 {
			before[u.Key] = u.Earlier[0].Population
		}
	}
	// What is connected by changes is compared together.
	group := make(map[string]string)
	find := func(key string) string {
		for group[key] != "" {
			key = group[key]
		}
		return key
	}
	for _, c := range e.past.changes {
		if a, b := find(c.formerKey), find(c.successor); a != b {
			group[a] = b
		}
	}
	type sum struct{ before, after int }
	sums := make(map[string]sum)
	for key, n := range before {
		s := sums[find(key)]
		s.before += n
		sums[find(key)] = s
	}
	for key, n := range after {
		s := sums[find(key)]
		s.after += n
		sums[find(key)] = s
	}
	if len(sums) != 15 {
		t.Errorf("%d groups, want 15", len(sums))
	}
	for key, s := range sums {
		limit := 0.05
		if key == "07132502" {
			limit = 0.07
		}
		if change := float64(s.after)/float64(s.before) - 1; s.before == 0 || math.Abs(change) > limit {
			t.Errorf("%s: %d became %d", key, s.before, s.after)
		}
	}
	// Where all that a new unit is made of is known, so does the area.
	areas := make(map[string]int)
	for _, c := range e.past.changes {
		if c.kind == "MERGED" {
			areas[c.successor] += e.past.gone[slices.IndexFunc(e.past.gone, func(u Unit) bool { return u.Key == c.formerKey })].AreaHa
		}
	}
	for key, ha := range areas {
		if got := unit(t, e, key).AreaHa; math.Abs(float64(got-ha)) > 1 {
			t.Errorf("%s: %d ha became %d", key, ha, got)
		}
	}
}

func TestFormerKeysResolve(t *testing.T) {
	t.Parallel()
	pool := loaded(t)
	const sql = `
SELECT k.key, CASE WHEN m.dissolved_on IS NOT NULL THEN 'DISSOLVED' WHEN k.former THEN 'REKEYED' ELSE 'CURRENT' END, m.key, m.dissolved_on,
  (SELECT string_agg(s.key, ' ' ORDER BY s.key) FROM territorial_change c JOIN municipality s ON s.id = c.successor_id
   WHERE c.predecessor_id = m.id AND c.successor_id <> m.id)
FROM municipality_key k JOIN municipality m ON m.id = k.municipality_id WHERE k.key = $1`
	gone, added := diff(t)
	e := shipped(t)
	for _, key := range added {
		expect(t, key, query(t, pool, sql, key), []string{key + "|CURRENT|" + key + "|–|–"})
	}
	for _, key := range gone {
		want := key + "|REKEYED|" + e.past.successor(key) + "|–|–"
		if e.past.successor(key) == "" {
			on := "2023-11-30" // the day of the register that does not know it any more
			if known := e.past.effectiveOn(key); !known.IsZero() {
				on = known.Format("2006-01-02")
			}
			want = fmt.Sprintf("%s|DISSOLVED|%s|%s|%s", key, key, on, strings.Join(successors(e, key), " "))
		}
		expect(t, key, query(t, pool, sql, key), []string{want})
	}
	for key, want := range map[string]string{
		"16056":        "16056|REKEYED|16063105|–|–", // was its own district
		"160560000000": "160560000000|REKEYED|16063105|–|–",
		"031530007007": "031530007007|REKEYED|03153019|–|–",
		"160640014014": "160640014014|DISSOLVED|16064014|2023-01-01|16061118 16064071",
	} {
		expect(t, key, query(t, pool, sql, key), []string{want})
	}
	expect(t, "former keys", query(t, pool, `SELECT key, name, valid_until FROM municipality_key WHERE former ORDER BY key COLLATE "C"`), []string{
		"031530007007|Langelsheim, Stadt|2021-10-31", "03153007|Langelsheim, Stadt|2021-10-31",
		"16056|Eisenach, Stadt|2021-06-30", "16056000|Eisenach, Stadt|2021-06-30", "160560000000|Eisenach, Stadt|2021-06-30"})
}

func TestDissolvedUnits(t *testing.T) {
	t.Parallel()
	pool := loaded(t)
	expect(t, "records", query(t, pool, `
SELECT m.key, m.slug, m.level, m.kind, m.official_name, m.population, m.population_as_of, m.area_ha, m.latitude, m.administration_postal_code, m.postal_code_unique,
  m.district_key, s.slug, g.slug, d.slug, a.slug, p.population, p.male
FROM municipality m JOIN state s ON s.id = m.state_id LEFT JOIN municipality g ON g.id = m.government_region_id
LEFT JOIN municipality d ON d.id = m.district_id LEFT JOIN municipality a ON a.id = m.association_id
JOIN municipality_population p ON p.municipality_id = m.id
WHERE m.key IN ('01059101', '07132074', '09374451', '12073603', '16064014') ORDER BY m.key`), []string{
		"01059101|tastrup|MUNICIPALITY|RURAL_MUNICIPALITY|Tastrup|404|2019-12-31|416|54.765066|24943|–|01059|schleswig-holstein|–|kreis-schleswig-flensburg|amt-huerup|404|194",
		"07132074|neitersen-07132074|MUNICIPALITY|RURAL_MUNICIPALITY|Neitersen|860|2019-12-31|565|50.667508|57638|–|07132|rheinland-pfalz|regierungsbezirk-koblenz|landkreis-altenkirchen-westerwald|verbandsgemeinde-altenkirchen-flammersfeld|860|425",
		"09374451|heinersreuther-forst-09374451|UNINCORPORATED_AREA|UNINCORPORATED_AREA|Heinersreuther Forst|0|2019-12-31|588|49.787855|–|–|09374|bayern|regierungsbezirk-oberpfalz|landkreis-neustadt-a-d-waldnaab|–|0|0",
		"12073603|passow-12073603|MUNICIPALITY|RURAL_MUNICIPALITY|Passow|1451|2019-12-31|5138|53.141952|16306|–|12073|brandenburg|–|landkreis-uckermark|–|1451|735",
		"16064014|duenwald|MUNICIPALITY|RURAL_MUNICIPALITY|Dünwald|2217|2019-12-31|2889|51.326296|99976|–|16064|thueringen|–|unstrut-hainich-kreis|–|2217|1124",
	})
	expect(t, "ids that are not derived from the key", query(t, pool, `SELECT count(*) FROM municipality WHERE key = '16064014' AND id <> $1`,
		derivedID("municipality", "16064014")), []string{"0"})
	expect(t, "changes", query(t, pool, `
SELECT c.kind, c.former_key, c.former_name, p.key, s.key, c.effective_on_start, c.effective_on_end, c.effective_on_precision, q.publisher
FROM territorial_change c JOIN municipality p ON p.id = c.predecessor_id JOIN municipality s ON s.id = c.successor_id
JOIN territorial_change_source x ON x.change_id = c.id JOIN source q ON q.id = x.source_id
WHERE s.key IN ('16063105', '16064071', '09472180') ORDER BY c.former_key`), []string{
		"SPLIT|09374451|Heinersreuther Forst|09374451|09472180|–|–|–|Onetz",
		"REKEYED|16056000|Eisenach, Stadt|16063105|16063105|2021-07-01|2021-07-01|DAY|Die Welt",
		"SPLIT|16064014|Dünwald|16064014|16064071|2023-01-01|2023-01-01|DAY|MDR Thüringen",
		"INCORPORATED|16064072|Menteroda|16064072|16064071|2023-01-01|2023-01-01|DAY|MDR Thüringen",
		"SPLIT|16064073|Anrode|16064073|16064071|2023-01-01|2023-01-01|DAY|Gemeinde Anrode",
	})
	expect(t, "how many", query(t, pool, `
SELECT (SELECT count(*) FROM territorial_change), (SELECT count(*) FROM territorial_change_source), (SELECT count(*) FROM source),
  (SELECT count(*) FROM municipality_former_name), (SELECT count(*) FROM municipality_former_name n JOIN municipality m ON m.id = n.municipality_id WHERE m.official_name = n.name)`),
		[]string{"33|33|14|63|0"})
	expect(t, "former names", query(t, pool, `
SELECT n.name, m.official_name, n.last_seen_on FROM municipality_former_name n JOIN municipality m ON m.id = n.municipality_id
WHERE m.key IN ('13003000', '06434009') ORDER BY 1`), []string{
		"Rostock, Hansestadt|Rostock, Hanse- und Universitätsstadt|2020-12-31", "Schmitten|Schmitten im Taunus|2020-12-31"})
}

// A database that was filled from the register of 2020 keeps its records: the one
// of Eisenach gets the new key, the one of Dünwald is dissolved.
func TestFromAnEarlierEdition(t *testing.T) {
	t.Parallel()
	e := concerned(t, shipped(t))
	e.AsOf = sheetAsOf
	eisenach := unit(t, e, "16063105")
	eisenach.Key, eisenach.RegionalKey, eisenach.DistrictKey, eisenach.District, eisenach.Kind = "16056000", "160560000000", "16056", "", "INDEPENDENT_CITY"
	duenwald := e.past.gone[slices.IndexFunc(e.past.gone, func(u Unit) bool { return u.Key == "16064014" })]
	duenwald.Name, duenwald.OfficialName = "Dünwald am Dün", "Dünwald am Dün" // as it was called then
	e.Units = append(e.Units, duenwald)
	e.past = nil
	for i := range e.Units {
		e.Units[i].Earlier = nil
	}
	pool := pgtest.DB(t)
	mustImport(t, pool, e, Options{})

	now := concerned(t, shipped(t))
	r := mustImport(t, pool, now, Options{})
	expect(t, "created", r.Count(Created), 25)
	expect(t, "missing", rows(r, Missing), []string(nil))
	expect(t, "records", query(t, pool, `
SELECT m.id IN ($1, $2), m.slug, m.key, m.regional_key, m.district_key, m.dissolved_on, m.version, string_agg(k.key, ' ' ORDER BY k.key) FILTER (WHERE k.former)
FROM municipality m JOIN municipality_key k ON k.municipality_id = m.id WHERE m.key IN ('16063105', '16064014') GROUP BY m.id ORDER BY m.key`,
		derivedID("municipality", "16056000"), derivedID("municipality", "16064014")), []string{
		"true|eisenach|16063105|160630105105|16063|–|2|16056 16056000 160560000000",
		"true|duenwald-am-duen|16064014|160640014014|16064|2023-01-01|2|–"})
	before := content(t, pool)
	again := mustImport(t, pool, now, Options{})
	expect(t, "the same again", counts(again), [5]int{0, 0, 0, 0, len(r.Rows)})
	expect(t, "the same rows", content(t, pool) == before, true)
}
