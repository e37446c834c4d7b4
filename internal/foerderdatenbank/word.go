package foerderdatenbank

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"stadtgraph/internal/batch"
	"stadtgraph/internal/slug"
	"stadtgraph/internal/write"
)

// words are those that a column may hold, each with what it means here.
type words struct {
	list    []word
	meaning map[string]string // by slug, so that labels and codes are the same
}

type word struct{ label, meaning string }

func known(list []word, others map[string]string) words {
	w := words{list, others}
	for _, word := range list {
		w.meaning[slug.Make(word.label)] = word.meaning
	}
	return w
}

// Places that are no states.
const (
	everywhere = "*"
	elsewhere  = "-"
)

// The words of the Förderdatenbank, and codes that are not made of them like the rest.
var (
	fundingTypes = known([]word{{"Zuschuss", "GRANT"}, {"Darlehen", "LOAN"}, {"Bürgschaft", "SURETY"}, {"Beteiligung", "EQUITY"},
		{"Garantie", "GUARANTEE"}, {"Sonstige", "OTHER"}}, map[string]string{})

	applicants = known([]word{{"Unternehmen", "COMPANY"}, {"Verband/Vereinigung", "ASSOCIATION"}, {"Öffentliche Einrichtung", "PUBLIC_INSTITUTION"},
		{"Kommune", "MUNICIPALITY"}, {"Privatperson", "PRIVATE_PERSON"}, {"Forschungseinrichtung", "RESEARCH_INSTITUTION"}, {"Hochschule", "UNIVERSITY"},
		{"Existenzgründer/in", "FOUNDER"}, {"Bildungseinrichtung", "EDUCATIONAL_INSTITUTION"}},
		map[string]string{"existenzgruenderin": "FOUNDER"})

	locations = known([]word{{"bundesweit", everywhere}, {"Schleswig-Holstein", "01"}, {"Hamburg", "02"}, {"Niedersachsen", "03"}, {"Bremen", "04"},
		{"Nordrhein-Westfalen", "05"}, {"Hessen", "06"}, {"Rheinland-Pfalz", "07"}, {"Baden-Württemberg", "08"}, {"Bayern", "09"}, {"Saarland", "10"},
		{"Berlin", "11"}, {"Brandenburg", "12"}, {"Mecklenburg-Vorpommern", "13"}, {"Sachsen", "14"}, {"Sachsen-Anhalt", "15"}, {"Thüringen", "16"},
		{"Sonstige", elsewhere}}, map[string]string{"de-ni": "03", "de-st": "15"})

	// A label with a comma, which some tools take for two.
	fundingAreas = known(labels("Arbeit", "Aus- & Weiterbildung", "Außenwirtschaft", "Beratung", "Corona-Hilfe", "Digitalisierung",
		"Energieeffizienz & Erneuerbare Energien", "Existenzgründung & -festigung", "Forschung & Innovation (themenoffen)",
		"Forschung & Innovation (themenspezifisch)", "Frauenförderung", "Gesundheit & Soziales", "Infrastruktur", "Kultur, Medien & Sport",
		"Landwirtschaft & Ländliche Entwicklung", "Messen & Ausstellungen", "Mobilität", "Regionalförderung", "Smart Cities & Regionen",
		"Städtebau & Stadterneuerung", "Umwelt- & Naturschutz", "Unternehmensfinanzierung", "Wohnungsbau & Modernisierung"),
		map[string]string{"corona": "Corona-Hilfe", "kultur": "Kultur, Medien & Sport", "medien-sport": "Kultur, Medien & Sport"})
)

// labels are words that mean what they say.
func labels(list ...string) []word {
	words := make([]word, len(list))
	for i, label := range list {
		words[i] = word{label, label}
	}
	return words
}

// read gives what the words of a cell mean, each once; one that is not known is a
// problem of the row.
func (w words) read(r *batch.Record, column, cell string) []string {
	meanings := []string{}
	for _, item := range list(cell) {
		meaning, ok := w.meaning[slug.Make(item.text)]
		if !ok {
			r.Refuse(write.Invalid, []string{column}, "This has %q, which is none of %s.", item.text, w)
			continue
		}
		meanings = once(meanings, meaning)
	}
	return meanings
}

func (w words) String() string {
	all := make([]string, len(w.list))
	for i, word := range w.list {
		all[i] = strconv.Quote(word.label)
	}
	return strings.Join(all, ", ")
}

func once(list []string, item string) []string {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}

// areas are the names of a cell's funding areas: the label of one that is known,
// whatever is there of one that is not.
func areas(cell string) []string {
	names := []string{}
	for _, item := range list(cell) {
		name := item.text
		if label, ok := fundingAreas.meaning[slug.Make(name)]; ok {
			name = label
		}
		names = once(names, name)
	}
	return names
}

// links are the links of a cell.
func links(cell string) []any {
	items, separated := quotedList(cell)
	if !separated { // addresses may have commas and semicolons in them
		for text := range strings.FieldsSeq(cell) {
			if text = strings.Trim(text, ",;|"); text != "" {
				items = append(items, item{text: text})
			}
		}
	}
	all := []any{}
	for _, item := range items {
		link := map[string]any{"url": item.text, "kind": "WEBSITE"}
		if item.title != "" {
			link["title"] = item.title
		}
		all = append(all, link)
	}
	return all
}

// item is one of a list in a cell.
type item struct{ text, title string }

// list is the list in a cell.
func list(cell string) []item {
	if items, ok := quotedList(cell); ok {
		return items
	}
	var items []item
	for _, text := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(",;|\r\n", r) }) {
		if text = strings.TrimSpace(text); text != "" {
			items = append(items, item{text: text})
		}
	}
	return items
}

// quotedList is a list in brackets: of JSON, of Python, or as numpy writes it, without
// commas. Links may be objects.
func quotedList(cell string) (items []item, ok bool) {
	if !strings.HasPrefix(cell, "[") || !strings.HasSuffix(cell, "]") {
		return nil, false
	}
	var values []any
	if json.Unmarshal([]byte(cell), &values) == nil {
		for _, v := range values {
			switch v := v.(type) {
			case string:
				items = append(items, item{text: strings.TrimSpace(v)})
			case map[string]any:
				text, _ := v["url"].(string)
				title, _ := v["title"].(string)
				items = append(items, item{strings.TrimSpace(text), strings.TrimSpace(title)})
			case nil:
			default:
				text, err := json.Marshal(v)
				if err != nil {
					panic(err) // it came of JSON
				}
				items = append(items, item{text: string(text)})
			}
		}
		return items, true
	}
	rest := cell[1 : len(cell)-1]
	for {
		rest = strings.TrimLeft(rest, ", \t\r\n")
		if rest == "" {
			return items, true
		}
		quote := rest[0]
		if quote != '\'' && quote != '"' {
			word, after, _ := strings.Cut(rest, ",")
			rest = after
			if word = strings.TrimSpace(word); word != "None" && word != "nan" {
				items = append(items, item{text: word})
			}
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(rest) && rest[i] != quote; i++ {
			if rest[i] == '\\' && i+1 < len(rest) {
				i++
			}
			b.WriteByte(rest[i])
		}
		items = append(items, item{text: strings.TrimSpace(b.String())})
		rest = rest[min(i+1, len(rest)):]
	}
}
