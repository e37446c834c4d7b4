package register

import (
	"strings"
	"testing"
)

func TestReportAsText(t *testing.T) {
	t.Parallel()
	r := Report{File: "new.txt", AsOf: day("2024-12-31"), DryRun: true, Rows: []Row{
		{Outcome: Unchanged, Level: levelState, Key: "01", Name: "Schleswig-Holstein"},
		{Outcome: Created, Level: levelMunicipality, Key: "14522275", Name: "Jahnatal"},
		{Outcome: Renamed, Level: levelMunicipality, Key: "09461000", Name: "Bamberg, Stadt", OldName: "Bamberg",
			Changes: []Change{{"official_name", "Bamberg", "Bamberg, Stadt"}, {"seat", "", "Bamberg"}}},
		{Outcome: Missing, Level: levelDistrict, Key: "16056", Name: "Eisenach"},
		{Outcome: Missing, Level: levelMunicipality, Key: "01059101", Name: "Tastrup"},
		{Outcome: Missing, Level: levelMunicipality, Key: "01059141", Name: "Maasbüll"},
	}}
	const head = `new.txt (GV100AD, 2024-12-31): 1 created, 1 renamed, 0 changed, 3 missing, 1 unchanged (dry run: nothing was stored)

created:
  14522275  Jahnatal

renamed:
  09461000  Bamberg, Stadt, was Bamberg: official_name Bamberg → Bamberg, Stadt, seat – → Bamberg

missing, left as they are:
  16056     Eisenach
`
	for limit, want := range map[int]string{
		1:  head + "  … and 2 more\n",
		3:  head + "  01059101  Tastrup\n  01059141  Maasbüll\n",
		-1: head + "  01059101  Tastrup\n  01059141  Maasbüll\n",
	} {
		var b strings.Builder
		if err := r.Write(&b, limit); err != nil || b.String() != want {
			t.Errorf("with at most %d rows (%v):\n%s\nwant\n%s", limit, err, b.String(), want)
		}
	}

	var b strings.Builder
	if err := (Report{File: "m.csv", Format: Joined}).Write(&b, 10); err != nil || b.String() != "m.csv (joined CSV): 0 created, 0 renamed, 0 changed, 0 missing, 0 unchanged\n" {
		t.Errorf("an empty report is %q, %v", b.String(), err)
	}
}
