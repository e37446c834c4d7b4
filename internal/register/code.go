package register

import "strings"

// The text codes (Textkennzeichen) of each record type, and the kinds that they
// stand for.
var (
	districtKinds = map[string]string{
		"41": "INDEPENDENT_CITY", // Kreisfreie Stadt
		"42": "URBAN_DISTRICT",   // Stadtkreis, the same in Baden-Württemberg
		"43": "COUNTY",
		"44": "RURAL_DISTRICT",
		"45": "REGIONAL_ASSOCIATION",
	}
	associationKinds = map[string]string{
		codeNoAssociation: "",
		"51":              "AMT",
		"52":              "SAMTGEMEINDE",
		"53":              "VERBANDSGEMEINDE",
		"54":              "VERWALTUNGSGEMEINSCHAFT",
		"55":              "KIRCHSPIELSLANDGEMEINDE",
		"56":              "VERWALTUNGSVERBAND",
		"57":              "MANAGED_ASSOCIATION",     // Verwaltungsgemeinschaft, Trägermodell
		"58":              "FULFILLING_MUNICIPALITY", // Erfüllende Gemeinde
	}
	municipalityKinds = map[string]string{
		"60": "MARKET_TOWN",
		"61": "INDEPENDENT_CITY",
		"62": "URBAN_DISTRICT",
		"63": "TOWN",
		"64": "RURAL_MUNICIPALITY",
		"65": "UNINCORPORATED_AREA", // inhabited
		"66": "UNINCORPORATED_AREA", // uninhabited
		"67": "LARGE_DISTRICT_TOWN",
	}
)

// codeNoAssociation marks a record that repeats a municipality where its
// association would stand.
const codeNoAssociation = "50"

func independentCity(kind string) bool {
	return kind == "INDEPENDENT_CITY" || kind == "URBAN_DISTRICT"
}

// shortName is the official name up to its first comma, behind which the register
// has titles: "Lübeck, Hansestadt". Government regions carry theirs in front.
func shortName(level, official string) string {
	if level == levelGovernmentRegion {
		official = strings.TrimPrefix(official, "früher: ")
		for _, title := range regionTitles {
			official = strings.TrimPrefix(official, title.prefix)
		}
	}
	name, _, _ := strings.Cut(official, ",")
	return strings.TrimSpace(name)
}

// regionTitles are the titles of government regions in the register. Those of
// Bavaria have none. Some states gave the regions up; statistics still use them.
var regionTitles = []struct{ prefix, slug string }{
	{"Reg.-Bez. ", "regierungsbezirk"},
	{"Statistische Region ", "statistische-region"},
	{"Direktionsbezirk ", "direktionsbezirk"},
}
