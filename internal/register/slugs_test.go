package register

import (
	"slices"
	"testing"
)

func TestBaseSlugs(t *testing.T) {
	t.Parallel()
	e := shipped(t)
	for key, want := range map[string]string{
		"09461000":  "bamberg",
		"09471":     "landkreis-bamberg",
		"05562":     "kreis-recklinghausen",
		"01051":     "kreis-dithmarschen",
		"03241":     "region-hannover",
		"05334":     "staedteregion-aachen",
		"05162":     "rhein-kreis-neuss",
		"03358":     "heidekreis",
		"10041":     "regionalverband-saarbruecken",
		"13072":     "landkreis-rostock",
		"01003000":  "luebeck",
		"12052000":  "cottbus-chosebuz",
		"14626600":  "weisswasser-o-l",
		"010515166": "amt-marne-nordsee",
		"094715401": "verwaltungsgemeinschaft-baunach",
		"081155001": "gvv-aidlingen-grafenau",
		"081155003": "vvg-der-stadt-herrenberg",
		"071315001": "verbandsgemeinde-adenau",
		"160625054": "erfuellende-gemeinde-bleicherode",
		"093":       "regierungsbezirk-oberpfalz",
		"053":       "regierungsbezirk-koeln",
		"071":       "regierungsbezirk-koblenz",
		"033":       "statistische-region-lueneburg",
		"145":       "direktionsbezirk-chemnitz",
	} {
		if got := baseSlug(unit(t, e, key)); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
	for _, u := range e.Units {
		if u.Name == "Amt Lütjenburg" && baseSlug(&u) != "amt-luetjenburg" {
			t.Errorf("%s: %s", u.Name, baseSlug(&u))
		}
	}
}

func TestSlugsThatCollide(t *testing.T) {
	t.Parallel()
	town := func(key, name string) Unit { return Unit{Level: levelMunicipality, Kind: "TOWN", Key: key, Name: name} }
	for name, tc := range map[string]struct {
		stored []string
		units  []Unit
		want   []string
	}{
		"alone":          {nil, []Unit{town("1", "Löbau")}, []string{"loebau"}},
		"two":            {nil, []Unit{town("1", "Löbau"), town("2", "Loebau")}, []string{"loebau-1", "loebau-2"}},
		"stored":         {[]string{"loebau"}, []Unit{town("2", "Löbau")}, []string{"loebau-2"}},
		"key reused":     {[]string{"loebau", "loebau-2", "loebau-2-2"}, []Unit{town("2", "Löbau")}, []string{"loebau-2-3"}},
		"looks like one": {nil, []Unit{town("1", "Löbau 2"), town("2", "Löbau"), town("3", "Löbau")}, []string{"loebau-2", "loebau-2-2", "loebau-3"}},
		"no letters":     {nil, []Unit{town("1", "…")}, []string{"1"}},
		"across levels": {nil, []Unit{town("1", "Amt Neuhaus"), {Level: levelAssociation, Kind: "AMT", Key: "2", Name: "Neuhaus"}},
			[]string{"amt-neuhaus-1", "amt-neuhaus-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var old []*unitRow
			for _, s := range tc.stored {
				old = append(old, &unitRow{Slug: s})
			}
			s := newSlugs(tc.units, old)
			var got []string
			for i := range tc.units {
				got = append(got, s.name(&tc.units[i]))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
