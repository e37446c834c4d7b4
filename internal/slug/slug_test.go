package slug

import (
	"regexp"
	"testing"
)

func TestMake(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{"Bamberg", "bamberg"},
		{"Große Kreisstadt Löbau", "grosse-kreisstadt-loebau"},
		{"MÜNCHEN ÄÖÜ", "muenchen-aeoeue"},
		{"STRAẞE", "strasse"},
		{"Mu\u0308nchen", "muenchen"}, // decomposed, as macOS writes file names
		{"Cottbus/Chóśebuz", "cottbus-chosebuz"},
		{"Weißwasser/O.L. / Běła Woda", "weisswasser-o-l-bela-woda"},
		{"Łužyca ćčńšžź", "luzyca-ccnszz"},
		{"  --St. Michaelisdonn!  ", "st-michaelisdonn"},
		{"Digitale Agenda 2024–2028", "digitale-agenda-2024-2028"},
		{"Smart City 🏙️ Köln", "smart-city-koeln"},
		{"D’Artagnan", "d-artagnan"},
		{"ﬁnanz ½ ²", "finanz-1-2-2"},
		{"Ærø Ålborg", "aeroe-aalborg"},
		{"İstanbul", "istanbul"},
		{"", ""},
		{"🏙️ — …", ""},
		{"Москва", ""},
		{"\xff\xfea", "a"},
		{"a\x00b", "a-b"},
	} {
		if got := Make(tc.text); got != tc.want {
			t.Errorf("Make(%q) = %q, want %q", tc.text, got, tc.want)
		}
	}
}

var form = regexp.MustCompile(`^([a-z0-9]+(-[a-z0-9]+)*)?$`)

func FuzzMake(f *testing.F) {
	for _, s := range []string{"", "Löbau", "a--b", "\u0308", "½", "🏙️x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Make(text)
		if !form.MatchString(got) {
			t.Errorf("Make(%q) = %q, which is no slug", text, got)
		}
		if again := Make(got); again != got {
			t.Errorf("Make(%q) = %q, and of that %q", text, got, again)
		}
	})
}
