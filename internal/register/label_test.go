package register

import (
	"testing"
)

func TestLabels(t *testing.T) {
	t.Parallel()
	pool := loaded(t)
	for key, want := range map[string]string{
		"09461000":  "Bamberg", // the city is what the name means
		"09471":     "Bamberg (Landkreis)",
		"05562032":  "Recklinghausen",
		"05562":     "Recklinghausen (Kreis)",
		"05515000":  "Münster (kreisfreie Stadt)", // a village in Bavaria has the name too
		"09779187":  "Münster (Landkreis Donau-Ries)",
		"055":       "Münster (Regierungsbezirk)",
		"031":       "Braunschweig (Statistische Region)",
		"145":       "Chemnitz (Direktionsbezirk)",
		"097":       "Schwaben", // alone
		"05566060":  "Neuenkirchen (Kreis Steinfurt)",
		"03358017":  "Neuenkirchen (Heidekreis)",
		"13075101":  "Neuenkirchen (Landkreis Vorpommern-Greifswald, Amt Anklam-Land)",
		"13075102":  "Neuenkirchen (Landkreis Vorpommern-Greifswald, Amt Landhagen)",
		"034595404": "Neuenkirchen (Samtgemeinde)",
		"01054035":  "Garding (Kreis Nordfriesland, Kirchspiel)",
		"01054036":  "Garding (Kreis Nordfriesland, Stadt)",
		"03154028":  "Helmstedt",
		"03154502":  "Helmstedt (gemeindefreies Gebiet)",
		"091905174": "Altenstadt (Verwaltungsgemeinschaft, Landkreis Weilheim-Schongau)",
		"07132502":  "Neitersen",
		"07132074":  "Neitersen (aufgelöst)",
		"02000000":  "Hamburg",
		"10041":     "Regionalverband Saarbrücken",
	} {
		expect(t, key, query(t, pool, `SELECT label FROM municipality WHERE key = $1`, key), []string{want})
	}
	expect(t, "labels of units that exist", query(t, pool, `SELECT count(*), count(DISTINCT label) FROM municipality WHERE dissolved_on IS NULL`), []string{"12509|12509"})
	expect(t, "labels that are not the name, of a name that is alone", query(t, pool, `
SELECT label FROM municipality m WHERE label <> name AND dissolved_on IS NULL
  AND NOT EXISTS (SELECT FROM municipality o WHERE o.name = m.name AND o.id <> m.id AND o.dissolved_on IS NULL)`), []string{})
	expect(t, "labels with a key", query(t, pool, `SELECT label FROM municipality WHERE label ~ '[0-9]{3}'`), []string{})
}

// A namesake that comes or goes changes the label of a unit that the edition
// leaves as it is.
func TestLabelsFollowTheNamesakes(t *testing.T) {
	t.Parallel()
	pool, _ := smallDB(t)
	const sql = `SELECT key, label, version FROM municipality WHERE name = 'Bischberg' ORDER BY key`
	expect(t, "alone", query(t, pool, sql), []string{"09471117|Bischberg|1"})
	e := newer(t)
	second := *unit(t, e, "09471117")
	second.Key, second.RegionalKey = "09471999", "094710199999"
	e.Units = append(e.Units, second)
	mustImport(t, pool, e, Options{})
	expect(t, "two that only the key tells apart", query(t, pool, sql), []string{
		"09471117|Bischberg (Landkreis Bamberg, 09471117)|2", "09471999|Bischberg (Landkreis Bamberg, 09471999)|1"})
	before := content(t, pool)
	mustImport(t, pool, e, Options{})
	expect(t, "the same again", content(t, pool) == before, true)
	query(t, pool, `UPDATE municipality SET dissolved_on = '2024-01-01' WHERE key = '09471999' RETURNING key`)
	mustImport(t, pool, newer(t), Options{})
	expect(t, "alone again", query(t, pool, sql), []string{"09471117|Bischberg|3", "09471999|Bischberg (aufgelöst)|3"})
}
