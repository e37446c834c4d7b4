package german

import "testing"

func TestName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", " ": "", "(": "", "Bamberg": "bamberg", "Bad ": "bad ", "Bad B": "bad b", "Halle (Saale)": "halle saale ", "  Halle/Saale": "halle saale",
		"Cottbus/Chóśebuz": "cottbus chosebuz", "Digitale Agenda 2024-2028": "digitale agenda 2024 2028", "„Smart City“": "smart city ", "🙂 München 🙂": "munchen ",
		"Muenchen": "munchen", "Straße": "strasse", "Fo\u0308rder\u00admittel": "fordermittel", "\xff": "", "a\xffb": "a b", "100 %": "100 ", "\u0308a": "a",
	} {
		if got := Name(text); got != want {
			t.Errorf("Name(%q) = %q, want %q", text, got, want)
		}
	}
}
