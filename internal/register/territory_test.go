package register

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/pgtest"
)

// sheetText is the spreadsheet edition of the end of 2020, all 16,068 rows of it.
var sheetText = sync.OnceValue(func() string {
	compressed, err := os.ReadFile("testdata/gv_auszug_2020_q4.csv.gz")
	if err != nil {
		panic(err)
	}
	return inflate(compressed)
})

// sheet is the edition of the end of 2020.
func sheet(t *testing.T) *Edition {
	t.Helper()
	e := read(t, sheetText())
	e.AsOf = sheetAsOf
	return e
}

func TestReadSheet(t *testing.T) {
	t.Parallel()
	e := sheet(t)
	levels, population := map[string]int{}, 0
	for _, u := range e.Units {
		levels[u.Level]++
		if u.local() {
			population += u.Population
		}
	}
	expect(t, "units", levels, map[string]int{levelGovernmentRegion: 29, levelDistrict: 294, levelAssociation: 1210, levelMunicipality: 10794, levelUnincorporated: 210})
	expect(t, "population", population, 83_166_711)
	expect(t, "what it says nothing of", []any{e.Format, e.States[8].Seat, unit(t, e, "09461000").Seat}, []any{Sheet, "", ""})
	bamberg := *unit(t, e, "09461000")
	bamberg.Location = nil
	expect(t, "Bamberg", bamberg, Unit{Level: levelMunicipality, Kind: "INDEPENDENT_CITY", Key: "09461000", RegionalKey: "094610000000", DistrictKey: "09461",
		Name: "Bamberg", OfficialName: "Bamberg", State: "09", GovernmentRegion: "094", Population: 77373, Male: 37296, AreaHa: 5462, PostalCode: "96031",
		Urbanisation: "DENSE", TravelRegionKey: "T14", TravelRegionName: "Steigerwald"})
	for text, want := range map[string]string{
		strings.Replace(sheetText(), " 53.02, 90 164", " 53.02, 9o 164", 1):                `line 5: has "9o 164" in the column bevoelkerung`,
		strings.Replace(sheetText(), " 53.02, 90 164", " NaN, 90 164", 1):                  `line 5: has "NaN" in the column flaeche`,
		strings.Replace(sheetText(), `"54,78252"`, `"x"`, 1):                               `line 5: has "x" and "9,43751" in the columns breitengrad and laengengrad`,
		strings.Replace(sheetText(), ",01,dicht besiedelt", ",07,dicht", 1):                `line 5: has "07" in the column verstaedterungschluessel`,
		strings.Replace(sheetText(), "60,61,01,0,01,0000,000", "60,61,1,0,01,0000,000", 1): `line 5: has "1" in the column land`,
		strings.Replace(sheetText(), "gemeindename", "name", 1):                            `line 1: lacks the column gemeindename`,
	} {
		if _, err := Read("sheet.csv", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// concerned leaves of an edition the districts between which the keys differ, with all
// that they hold and belong to. Importing the others as well takes ten times as long.
func concerned(t *testing.T, e *Edition) *Edition {
	t.Helper()
	gone, added := diff(t)
	districts := map[string]bool{}
	for _, key := range slices.Concat(gone, added) {
		districts[key[:5]] = true
	}
	for _, c := range shipped(t).past.changes {
		districts[c.successor[:5]] = true
	}
	e.Units = slices.DeleteFunc(e.Units, func(u Unit) bool {
		return u.Level != levelGovernmentRegion && (len(u.Key) < 5 || !districts[u.Key[:5]])
	})
	if e.past != nil {
		e.past.names = slices.DeleteFunc(e.past.names, func(u Unit) bool { return !districts[u.DistrictKey] })
	}
	return e
}

// from2020 is a database that holds the edition of the end of 2020.
func from2020(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.DB(t)
	mustImport(t, pool, concerned(t, sheet(t)), Options{})
	return pool
}

// keysOf are the keys of municipalities that a report's changes of territory, and what
// it says is new or missing, speak of, and that only one edition has.
func keysOf(t *testing.T, r Report) (keys []string) {
	t.Helper()
	before, after := sheet(t), plain(t)
	has := func(e *Edition, key string) bool {
		return slices.ContainsFunc(e.Units, func(u Unit) bool { return u.Key == key && u.local() })
	}
	add := func(key string) {
		if len(key) == 8 && has(before, key) != has(after, key) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, row := range r.Rows {
		if row.Outcome == Created || row.Outcome == Missing {
			add(row.Key)
		}
		for _, c := range row.Territorial {
			add(c.FormerKey)
			add(c.SuccessorKey)
		}
	}
	slices.Sort(keys)
	return keys
}

// Between the register of 2020 and the one of 2023 lie 33 keys that only one of them
// has. The report says of each what happened, be the second one the shipped one or the
// same in a file of somebody.
func TestBetweenEditions(t *testing.T) {
	t.Parallel()
	gone, added := diff(t)
	all := slices.Sorted(slices.Values(slices.Concat(gone, added)))
	for name, edition := range map[string]func(testing.TB) *Edition{"shipped": shipped, "a file": plain} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := from2020(t)
			before := content(t, pool)
			dry := mustImport(t, pool, concerned(t, edition(t)), Options{DryRun: true})
			expect(t, "after a dry run", content(t, pool) == before, true)
			r := mustImport(t, pool, concerned(t, edition(t)), Options{})
			expect(t, "the dry run's rows", slices.EqualFunc(dry.Rows, r.Rows, func(a, b Row) bool { return a.String() == b.String() }), true)
			expect(t, "keys", keysOf(t, r), all)

			var changes []string
			for _, row := range r.Rows {
				for _, c := range row.Territorial {
					changes = append(changes, c.Kind+" "+c.FormerKey+" "+c.SuccessorKey+" "+c.EffectiveOn)
				}
			}
			slices.Sort(changes)
			var want []string
			for _, c := range shipped(t).past.changes {
				on := ""
				if !c.effectiveOn.IsZero() {
					on = c.effectiveOn.Format("2006-01-02")
				}
				want = append(want, c.kind+" "+c.formerKey+" "+c.successor+" "+on)
			}
			slices.Sort(want)
			expect(t, "territorial changes", changes, want)
			expect(t, "stored", query(t, pool, `SELECT count(*), count(*) FILTER (WHERE kind = 'REKEYED') FROM territorial_change`), []string{"33|2"})
			expect(t, "re-keyed, dissolved", []int{r.Count(Rekeyed), r.Count(Dissolved)}, []int{2, 26})
			for _, row := range r.Rows {
				if row.Outcome == Missing && len(row.Key) == 8 {
					t.Errorf("%s is missing", row)
				}
			}
			expect(t, "Eisenach is who it was", query(t, pool, `SELECT key, id = $1 FROM municipality WHERE key IN ('16063105', '16056000')`, derivedID("municipality", "16056000")), []string{"16063105|true"})
			again := mustImport(t, pool, concerned(t, edition(t)), Options{})
			for _, row := range again.Rows {
				if len(row.Territorial) > 0 || row.Outcome != Unchanged && row.Outcome != Missing {
					t.Errorf("again: %s %s", row.Outcome, row)
				}
			}
		})
	}
}

// What is not known is reported as missing, with what it may have become. No
// candidate contradicts what did happen, and nothing is written of it.
func TestCandidates(t *testing.T) {
	t.Parallel()
	pool := from2020(t)
	e := concerned(t, plain(t))
	e.past = &past{} // as if all of it had happened since
	r := mustImport(t, pool, e, Options{})
	gone, added := diff(t)
	expect(t, "keys", keysOf(t, r), slices.Sorted(slices.Values(slices.Concat(gone, added))))
	expect(t, "nothing is guessed", query(t, pool, `SELECT (SELECT count(*) FROM territorial_change), (SELECT count(*) FROM municipality WHERE dissolved_on IS NOT NULL)`), []string{"0|0"})

	facts := shipped(t).past.changes
	named := 0
	for _, row := range r.Rows {
		if len(row.Candidates) == 0 {
			continue
		}
		named++
		c := row.Candidates[0]
		if !slices.ContainsFunc(facts, func(f territorialChange) bool { return f.formerKey == row.Key && f.successor == c.Key }) {
			t.Errorf("%s did not become %+v", row.Key, c)
		}
		if !strings.Contains(c.Mutation, `successors: [{key: "`+c.Key+`"}]`) || !strings.Contains(c.Mutation, "version: ") {
			t.Errorf("%s: %s", row.Key, c.Mutation)
		}
	}
	t.Logf("%d of 28 have a candidate", named)
	if named < 20 {
		t.Errorf("only %d have a candidate", named)
	}
	i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.Key == "16056000" })
	expect(t, "Eisenach", r.Rows[i].Candidates[0].Kind+" "+r.Rows[i].Candidates[0].Key, "REKEYED 16063105")

	var b bytes.Buffer
	if err := r.WriteLines(&b); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b.Bytes()) {
		var row struct {
			Status, Level, Key, Name string
			Candidates               []Candidate
		}
		if err := json.Unmarshal(line, &row); err != nil || row.Status == "" || row.Level == "" || row.Key == "" || row.Name == "" {
			t.Fatalf("%v: %s", err, line)
		}
		if row.Key == "16056000" && (row.Status != "MISSING" || row.Candidates[0].Key != "16063105") {
			t.Errorf("got %s", line)
		}
	}
}
