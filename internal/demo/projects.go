package demo

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	projectsFile    = "mpsc_projects.csv"
	projectsProgram = "funding_program:modellprojekte-smart-cities"
)

var projectColumns = []string{"project_no", "call_year", "category", "recipient_no", "recipient_kind", "recipient_key",
	"recipient_name", "role", "role_basis", "grant_eur", "total_budget_eur", "own_share_eur", "note", "source_url"}

// The categories of the federal program, in its words.
var projectCategories = map[string]string{
	"LARGE_CITY":                 "Großstadt",
	"MEDIUM_CITY":                "Mittelstadt",
	"SMALL_TOWN_OR_RURAL":        "Kleinstadt oder Landgemeinde",
	"INTERMUNICIPAL_OR_DISTRICT": "Interkommunale Kooperation oder Landkreis",
}

// When the ministry announced the projects of a call, and where that was read.
var projectCalls = map[string]struct{ announced, wording, source string }{
	"2019": {"2019-07-10", "Auswahl bekannt gegeben am 10. Juli 2019", "source:https://www.vku.de/themen/digitalisierung/foerderung-von-modellprojekten-smart-cities-geht-in-die-zweite-runde-frist-verlaengert/"},
	"2020": {"2020-09-08", "Auswahl bekannt gegeben am 8. September 2020", "source:https://crisis-prevention.de/sicherheit/32-modellprojekte-smart-cities-ausgewaehlt.html"},
	"2021": {"2021-07-15", "Auswahl bekannt gegeben am 15. Juli 2021", "source:https://greensmartcity.de/news/28-staedte-und-kommunen-nehmen-an-der-dritten-staffel-des-modellprojekte-smart-citys-teil"},
}

// What the file's notes say, for readers. A note that is not here stops loading.
var projectNotes = map[string]string{
	"further partners exist but are not named in the source":                                                       "Weitere Partner sind beteiligt, in der Quelle aber nicht genannt.",
	"grant 15.75 M EUR (infranken.de 2020-09); total budget 17.5 M EUR as in seed 000; 15.75/17.5 = 90 %":          "Bundeszuschuss 15,75 Mio. Euro, mit dem Eigenanteil der Stadt 17,5 Mio. Euro. Das sind 90 Prozent, der Satz für Kommunen in Haushaltsnotlage. Der Bericht des Lokalblogs nennt 17,5 Mio. Euro als Budget und datiert den Zuschlag auf 2019/2020.",
	"about 32 M EUR for five years 2021-2025, Hamburg leads (haufe.de 2020); whether grant or total is not stated": "Projekt „Connected Urban Twins“ (CUT). Genannt werden rund 32 Mio. Euro für die fünf Jahre 2021 bis 2025; ob damit der Zuschuss oder das Gesamtbudget gemeint ist, sagt die Quelle nicht.",
	"about 5.3 M EUR federal grant and about 2.7 M EUR own share (owl-journal.de 2020-11)":                         "Rund 5,3 Mio. Euro Bundeszuschuss und rund 2,7 Mio. Euro Eigenanteil; das Gesamtbudget ist die Summe aus beiden.",
}

// What is known of single projects beyond the file.
var projectExtras = map[string]struct {
	approximate bool
	rate        string
	from, to    string
	sources     []string
}{
	"27": {rate: "90", sources: []string{
		"source:https://www.infranken.de/lk/gem/bamberg-wird-smart-city-art-5068122",
		"source:https://smartcity-germany.de/bamberg/",
		"source:https://www.stadt.bamberg.de/buergerinformationssystem/vo020.asp?VOLFDNR=7225",
	}},
	"39": {from: "2021", to: "2025", sources: []string{
		"source:https://www.haufe.de/immobilien/wirtschaft-politik/smart-city-bmi-und-kfw-foerdern-kommunale-modellprojekte_84342_487456.html",
	}},
	"44": {approximate: true, sources: []string{"source:owl-journal-2020-11"}},
}

// parseProjects makes an award of each project, written like the rows of a file.
func parseProjects(data []byte, into map[string][]written) error {
	records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", projectsFile, err)
	}
	if len(records) == 0 || !slices.Equal(records[0], projectColumns) {
		return fmt.Errorf("%s: the columns are not %s", projectsFile, strings.Join(projectColumns, ","))
	}
	var projects [][]map[string]string
	for _, record := range records[1:] {
		line := map[string]string{}
		for i, column := range projectColumns {
			line[column] = record[i]
		}
		if n := len(projects); n > 0 && projects[n-1][0]["project_no"] == line["project_no"] {
			projects[n-1] = append(projects[n-1], line)
		} else {
			projects = append(projects, []map[string]string{line})
		}
	}
	for _, lines := range projects {
		place := fmt.Sprintf("%s, funding_award row %s", projectsFile, lines[0]["project_no"])
		values, err := award(lines)
		if err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
		into["funding_award"] = append(into["funding_award"], written{place, values})
	}
	return nil
}

func award(lines []map[string]string) (map[string]any, error) {
	first := lines[0]
	number, year := first["project_no"], first["call_year"]
	call, ok := projectCalls[year]
	if !ok {
		return nil, fmt.Errorf("there is no call of %q", year)
	}
	category, ok := projectCategories[first["category"]]
	if !ok {
		return nil, fmt.Errorf("the category %q is unknown", first["category"])
	}
	if _, err := strconv.Atoi(number); err != nil {
		return nil, fmt.Errorf("the number %q is none", number)
	}
	extra := projectExtras[number]
	values := map[string]any{
		"id":             "funding_award:modellprojekte-smart-cities/" + number,
		"program_id":     projectsProgram,
		"call_id":        "funding_call:modellprojekte-smart-cities/" + year,
		"project_number": json.Number(number),
		"category":       category,
		"awarded_on":     map[string]any{"on": call.announced, "text": call.wording},
	}
	if extra.rate != "" {
		values["funding_rate_percent"] = json.Number(extra.rate)
	}
	if extra.from != "" {
		values["period_from"], values["period_to"] = extra.from, extra.to
	}

	var names []string
	var recipients, sources []any
	for _, line := range lines {
		if line["call_year"] != year || line["category"] != first["category"] {
			return nil, fmt.Errorf("its recipients differ in call or category")
		}
		column, key := "municipality_id", "municipality:"+line["recipient_key"]
		switch line["recipient_kind"] {
		case "MUNICIPALITY", "DISTRICT":
		case "ORGANIZATION":
			column, key = "organization_id", "organization:"+slug(line["recipient_name"])
		default:
			return nil, fmt.Errorf("the recipient kind %q is unknown", line["recipient_kind"])
		}
		recipients = append(recipients, map[string]any{
			column: key, "role": line["role"], "role_inferred": line["role_basis"] == "first_named",
		})
		names = append(names, recipientName(line))

		if source := "source:" + line["source_url"]; !slices.ContainsFunc(sources, isSource(source)) {
			sources = append(sources, map[string]any{"source_id": source})
		}
		if line["note"] != "" {
			note, ok := projectNotes[line["note"]]
			if !ok {
				return nil, fmt.Errorf("the note %q has no translation", line["note"])
			}
			values["note"] = note
		}
	}
	for _, source := range append([]string{call.source}, extra.sources...) {
		if !slices.ContainsFunc(sources, isSource(source)) {
			sources = append(sources, map[string]any{"source_id": source})
		}
	}
	values["title"] = "Modellprojekt Smart Cities: " + enumerate(names)
	values["funding_award_recipient"] = recipients
	values["funding_award_source"] = sources

	grant, err := euros(first["grant_eur"])
	if err != nil {
		return nil, err
	}
	total, err := euros(first["total_budget_eur"])
	if err != nil {
		return nil, err
	}
	own, err := euros(first["own_share_eur"])
	if err != nil {
		return nil, err
	}
	if total == 0 && grant > 0 && own > 0 {
		total = grant + own
	}
	for column, amount := range map[string]int{"amount_awarded": grant, "total_budget": total} {
		if amount > 0 {
			values[column] = map[string]any{"amount": amount, "currency": "EUR", "approximate": extra.approximate}
		}
	}
	return values, nil
}

func isSource(name string) func(any) bool {
	return func(v any) bool { return v.(map[string]any)["source_id"] == name }
}

func euros(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is no amount in whole euros", s)
	}
	return n, nil
}

// recipientName is the register's name as it reads in a title: "Ulm" instead of
// "Ulm, Universitätsstadt", "Landkreis Hof" instead of "Hof".
func recipientName(line map[string]string) string {
	name, _, _ := strings.Cut(line["recipient_name"], ",")
	for _, short := range []string{"b.", "i."} { // "Kirchheim b.München"
		name = strings.ReplaceAll(name, " "+short, " "+short+" ")
	}
	if line["recipient_kind"] == "DISTRICT" && !strings.Contains(name, "kreis") {
		switch line["recipient_key"][:2] {
		case "01", "05": // Schleswig-Holstein and Nordrhein-Westfalen say Kreis
			return "Kreis " + name
		}
		return "Landkreis " + name
	}
	return name
}

// enumerate writes "A", "A mit B" or "A mit B, C und D".
func enumerate(names []string) string {
	switch n := len(names); n {
	case 1:
		return names[0]
	case 2:
		return names[0] + " mit " + names[1]
	default:
		return names[0] + " mit " + strings.Join(names[1:n-1], ", ") + " und " + names[n-1]
	}
}

// slug writes a name as the part of an address.
func slug(name string) string {
	return strings.NewReplacer(" ", "-", "ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss").Replace(strings.ToLower(name))
}
