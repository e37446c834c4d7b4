package register

import "testing"

func TestShippedEditionHoldsEveryUnitOnce(t *testing.T) {
	t.Parallel()
	e, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	population := 0
	for _, u := range e.Units {
		got[u.Level]++
		if u.local() {
			population += u.Population
		}
	}
	for level, want := range map[string]int{
		levelGovernmentRegion: 29, levelDistrict: 294, levelAssociation: 1205, levelMunicipality: 10773, levelUnincorporated: 208,
	} {
		if got[level] != want {
			t.Errorf("%d units of level %s, want %d", got[level], level, want)
		}
	}
	if population != 84358845 {
		t.Errorf("the populations add up to %d, want 84358845", population)
	}
}
