package linked

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"stadtgraph/internal/site"
)

// CatalogueDocument is the query that a catalogue is made of.
//
//go:embed catalogue.graphql
var CatalogueDocument string

// The media types of catalogues. N-Triples are Turtle, too.
const (
	Turtle = "text/turtle"
	JSONLD = MediaType
)

// A Dump is all there is of a type, to be downloaded.
type Dump struct {
	Type    string   // as the API has it; "" for all types together
	Name    string   // of its files
	Formats []string // ends of the names of its files: ndjson, csv, geojson
}

// Terms are under which circumstances the content is given away, and by whom. The zero
// value says as little as is true of any content.
type Terms struct {
	Contact     string   // an e-mail address, or that of a page; the home page if empty
	Licence     string   // a URI of dcat-ap.de, or the end of one
	Contributor string   // likewise: who delivers to GovData
	Territories []string // official keys of what is covered; all of Germany if empty
}

const (
	licences     = "http://dcat-ap.de/def/licenses/"
	contributors = "http://dcat-ap.de/def/contributors/"
	geocoding    = "http://dcat-ap.de/def/politicalGeocoding/"
	authority    = "http://publications.europa.eu/resource/authority/"
)

// territories are the vocabularies of keys, by their length, and the level of each.
var territories = map[int]struct{ vocabulary, level string }{
	2: {"stateKey", "state"}, 3: {"governmentDistrictKey", "administrativeDistrict"}, 5: {"districtKey", "administrativeDistrict"},
	8: {"municipalityKey", "municipality"}, 9: {"municipalAssociationKey", "municipality"}, 12: {"regionalKey", "municipality"},
}

var (
	ending = regexp.MustCompile(`^[A-Za-z0-9._/-]+$`)
	digits = regexp.MustCompile(`^[0-9]+$`)
)

// Check says what of the terms makes no sense.
func (t Terms) Check() error {
	if t.Contact != "" && t.contact() == "" {
		return fmt.Errorf("%q is no contact: write an e-mail address, or that of a page with https:// in front", t.Contact)
	}
	for _, v := range []struct{ given, prefix, example string }{{t.Licence, licences, "dl-by-de/2.0 or cc-by/4.0"}, {t.Contributor, contributors, "govdata"}} {
		if end := strings.TrimPrefix(v.given, v.prefix); v.given != "" && !ending.MatchString(end) {
			return fmt.Errorf("%q is none of %s: write what comes behind that, such as %s", v.given, v.prefix, v.example)
		}
	}
	for _, key := range t.Territories {
		if _, ok := territories[len(key)]; !ok || !digits.MatchString(key) {
			return fmt.Errorf("%q is no official key: states have 2 digits, government regions 3, districts 5, municipalities 8, associations 9, regional keys 12", key)
		}
	}
	return nil
}

// contact is a URI; "" if the setting is none.
func (t Terms) contact() string {
	if a, err := mail.ParseAddress(t.Contact); err == nil && a.Address == t.Contact {
		return "mailto:" + t.Contact
	}
	if u, err := url.Parse(t.Contact); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return t.Contact
	}
	return ""
}

// datasets say what the dumps hold, in German like the portals that read them.
var datasets = map[string]struct {
	title, description string
	keywords           []string
	register           bool // from the register of municipalities, under its licence
}{
	"":               {"Gesamtbestand", "Alle Einträge aller Arten in einer Datei: Gebietseinheiten, Strategien, Maßnahmen, Förderung, Artikel und was dazu gehört.", []string{"Gesamtbestand"}, false},
	"Article":        {"Artikel", "Berichte und Meldungen über die Digitalisierung der Kommunen.", []string{"Nachrichten"}, false},
	"Comment":        {"Kommentare", "Freigegebene Kommentare zu Artikeln.", []string{"Kommentare"}, false},
	"Event":          {"Veranstaltungen", "Tagungen, Sitzungen und Beteiligungsverfahren zur Digitalisierung der Kommunen.", []string{"Veranstaltungen"}, false},
	"FundingAward":   {"Bewilligungen", "Wer welche Förderung erhält, mit Beträgen, soweit sie bekannt sind.", []string{"Förderung", "Zuwendungen"}, false},
	"FundingCall":    {"Förderaufrufe", "Aufrufe von Förderprogrammen mit ihren Antragsfristen.", []string{"Förderung", "Antragsfrist"}, false},
	"FundingProgram": {"Förderprogramme", "Programme des Bundes, der Länder und anderer, aus denen die Digitalisierung der Kommunen gefördert wird.", []string{"Förderung"}, false},
	"Indicator":      {"Kennzahlen", "Was zur Digitalisierung gezählt und gemessen wird, und die Werte.", []string{"Statistik"}, false},
	"Measure":        {"Maßnahmen", "Vorhaben aus kommunalen Digitalstrategien und ihr Stand.", []string{"Maßnahmen"}, false},
	"Municipality":   {"Gemeinden, Kreise und Gemeindeverbände", "Die Gebietseinheiten unterhalb der Länder mit amtlichen Schlüsseln, Einwohnern, Fläche und Lage.", []string{"Gemeindeverzeichnis", "AGS", "Gebietsstand"}, true},
	"Organization":   {"Organisationen", "Behörden, Verbände, Unternehmen und andere, die mit der Digitalisierung der Kommunen zu tun haben.", []string{"Organisationen"}, false},
	"MediaAsset":     {"Bilder", "Bilder zu Artikeln mit ihren Nachweisen.", []string{"Bilder"}, false},
	"Observation":    {"Messwerte", "Werte von Kennzahlen, je Gebiet und Zeitpunkt.", []string{"Statistik"}, false},
	"Person":         {"Personen", "Personen in öffentlichen Ämtern und Rollen, von denen Artikel sprechen.", []string{"Personen"}, false},
	"Platform":       {"Plattformen", "Plattformen und Dienste, die Kommunen nutzen.", []string{"Software"}, false},
	"Ranking":        {"Ranglisten", "Ranglisten der Digitalisierung von Städten und Gemeinden.", []string{"Rangliste"}, false},
	"RankingEntry":   {"Platzierungen", "Wer auf Ranglisten welchen Platz einnimmt.", []string{"Rangliste"}, false},
	"State":          {"Länder", "Die sechzehn Länder mit ihren amtlichen Schlüsseln.", []string{"Bundesländer"}, true},
	"Strategy":       {"Strategien", "Digitalstrategien von Kommunen und Ländern und ihr Stand.", []string{"Digitalstrategie", "Smart City"}, false},
	"Topic":          {"Themen", "Ressorts, Schlagwörter und Handlungsfelder.", []string{"Schlagwörter"}, false},
}

// formats are the words of the EU for what files there are, and their registered types.
var formats = map[string]struct{ fileType, mediaType, title string }{
	"csv":     {"CSV", "text/csv", "CSV"},
	"geojson": {"GEOJSON", "application/geo+json", "GeoJSON"},
	"ndjson":  {"JSON", "", "JSON-Zeilen (NDJSON)"}, // whose type nobody has registered
}

// Catalogue is the catalogue of the dumps after DCAT-AP.de 2.0, in a media type, made of
// the answer to CatalogueDocument.
func Catalogue(at site.Site, terms Terms, dumps []Dump, mediaType string, data []byte) ([]byte, error) {
	var answer struct {
		About struct {
			Attributions []struct{ Text, License, URL string }
			Coverage     []struct {
				Type          string
				Count         int
				RecordedUntil *time.Time
			}
		}
		States struct{ Nodes []struct{ Key string } }
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("read the answer for the catalogue: %w", err)
	}
	modified, latest := map[string]time.Time{}, time.Time{}
	for _, c := range answer.About.Coverage {
		if c.RecordedUntil != nil {
			modified[c.Type] = *c.RecordedUntil
			if c.RecordedUntil.After(latest) {
				latest = *c.RecordedUntil
			}
		}
	}
	modified[""] = latest
	keys, level := terms.Territories, "federal"
	if len(keys) == 0 {
		for _, s := range answer.States.Nodes {
			keys = append(keys, s.Key)
		}
	} else {
		level = territories[len(keys[0])].level
	}
	var credits []term
	for _, a := range answer.About.Attributions {
		if !slices.Contains(credits, plain(a.Text)) {
			credits = append(credits, plain(a.Text))
		}
	}

	home := at.Base + "/dcat/catalog"
	publisher := resource{id: home + "#publisher", types: []string{"foaf:Agent"}, is: []property{{"foaf:name", []term{plain(at.Publisher)}}, {"foaf:homepage", []term{iri(at.Root())}}}}
	contact := resource{id: home + "#contact", types: []string{"vcard:Kind"}, is: []property{{"vcard:fn", []term{plain(at.Publisher)}}}}
	if address := terms.contact(); strings.HasPrefix(address, "mailto:") {
		contact.add("vcard:hasEmail", iri(address))
	} else if address != "" {
		contact.add("vcard:hasURL", iri(address))
	} else {
		contact.add("vcard:hasURL", iri(at.Root()))
	}
	catalogue := resource{id: home, types: []string{"dcat:Catalog"}}
	catalogue.add("dct:title", german("Digitalisierung der Kommunen: "+at.Publisher))
	catalogue.add("dct:description", german("Strategien, Maßnahmen, Förderung und Berichte zur Digitalisierung der deutschen Kommunen, mit dem Verzeichnis der Gebietseinheiten."))
	catalogue.add("dct:publisher", iri(publisher.id))
	catalogue.add("foaf:homepage", iri(at.Root()))
	catalogue.add("dct:language", iri(authority+"language/DEU"))
	catalogue.add("dct:spatial", iri(authority+"country/DEU"))
	catalogue.add("dcat:themeTaxonomy", iri(authority+"data-theme"))
	if !latest.IsZero() {
		catalogue.add("dct:modified", instant(latest))
	}
	resources := []*resource{&catalogue, &publisher, &contact}
	for _, d := range dumps {
		about := datasets[d.Type]
		if about.title == "" {
			about.title, about.description = d.Type, "Alle Einträge der Art "+d.Type+"."
		}
		set := &resource{id: home + "#" + d.Name, types: []string{"dcat:Dataset"}}
		catalogue.add("dcat:dataset", iri(set.id))
		set.add("dct:title", german(about.title))
		set.add("dct:description", german(about.description))
		set.add("dct:identifier", plain(set.id))
		set.add("dct:publisher", iri(publisher.id))
		set.add("dcat:contactPoint", iri(contact.id))
		if terms.Contributor != "" {
			set.add("dcatde:contributorID", iri(contributors+strings.TrimPrefix(terms.Contributor, contributors)))
		}
		set.add("dcat:theme", iri(authority+"data-theme/GOVE"))
		for _, k := range append([]string{"Kommunen", "Digitalisierung"}, about.keywords...) {
			set.add("dcat:keyword", german(k))
		}
		set.add("dcat:landingPage", iri(at.Root()))
		set.add("dct:language", iri(authority+"language/DEU"))
		set.add("dct:accrualPeriodicity", iri(authority+"frequency/UPDATE_CONT"))
		set.add("dct:accessRights", iri(authority+"access-right/PUBLIC"))
		set.add("dct:spatial", iri(authority+"country/DEU"))
		set.add("dcatde:politicalGeocodingLevelURI", iri(geocoding+"Level/"+level))
		for _, key := range keys {
			set.add("dcatde:politicalGeocodingURI", iri(geocoding+territories[len(key)].vocabulary+"/"+key))
		}
		if m := modified[d.Type]; !m.IsZero() {
			set.add("dct:modified", instant(m))
		}
		resources = append(resources, set)
		for _, f := range d.Formats {
			file := &resource{id: set.id + "." + f, types: []string{"dcat:Distribution"}}
			set.add("dcat:distribution", iri(file.id))
			address := at.Base + "/export/" + d.Name + "." + f
			file.add("dct:title", german(about.title+" als "+formats[f].title))
			file.add("dcat:accessURL", iri(address))
			file.add("dcat:downloadURL", iri(address))
			file.add("dct:format", iri(authority+"file-type/"+formats[f].fileType))
			if t := formats[f].mediaType; t != "" {
				file.add("dcat:mediaType", iri("https://www.iana.org/assignments/media-types/"+t))
			}
			file.add("dct:license", iri(licences+terms.licence(about.register)))
			if about.register || d.Type == "" {
				file.add("dcatde:licenseAttributionByText", credits...)
			}
			file.add("dcatap:availability", iri("http://publications.europa.eu/resource/authority/planned-availability/AVAILABLE"))
			resources = append(resources, file)
		}
	}
	if mediaType == Turtle {
		return writeTurtle(resources), nil
	}
	return writeJSONLD(resources)
}

// licence is that of a dump. Without a setting there is none that allows anything: the
// register has its own.
func (t Terms) licence(register bool) string {
	switch {
	case register:
		return "dl-by-de/2.0"
	case t.Licence == "":
		return "other-closed"
	}
	return strings.TrimPrefix(t.Licence, licences)
}
