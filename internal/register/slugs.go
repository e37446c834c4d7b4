package register

import (
	"fmt"
	"strings"

	"stadtgraph/internal/slug"
)

// slugs gives new units their slugs. Those of stored units never change.
type slugs struct {
	shared map[string]int      // how many units of the edition would have the slug
	taken  map[string]struct{} // by stored units, and by new ones already named
}

func newSlugs(units []Unit, old []*unitRow) *slugs {
	s := &slugs{shared: make(map[string]int, len(units)), taken: make(map[string]struct{}, len(units))}
	for i := range units {
		s.shared[baseSlug(&units[i])]++
	}
	for _, r := range old {
		s.taken[r.Slug] = struct{}{}
	}
	return s
}

// name finds a slug for a new unit. Where several share one, all get their key
// behind it, so that none depends on the order of the file.
func (s *slugs) name(u *Unit) string {
	name := baseSlug(u)
	if _, taken := s.taken[name]; taken || s.shared[name] > 1 || name == "" {
		name = strings.TrimPrefix(name+"-"+u.Key, "-")
	}
	// The key was in use before, by a unit that is dissolved and keeps its slug.
	first := name
	for n := 2; ; n++ {
		if _, taken := s.taken[name]; !taken {
			break
		}
		name = fmt.Sprintf("%s-%d", first, n)
	}
	s.taken[name] = struct{}{}
	return name
}

// slugWords stand before the name, because most districts and associations are
// named after a town.
var slugWords = map[string]string{
	"COUNTY":                  "kreis",
	"RURAL_DISTRICT":          "landkreis",
	"REGIONAL_ASSOCIATION":    "regionalverband",
	"AMT":                     "amt",
	"SAMTGEMEINDE":            "samtgemeinde",
	"VERBANDSGEMEINDE":        "verbandsgemeinde",
	"VERWALTUNGSGEMEINSCHAFT": "verwaltungsgemeinschaft",
	"KIRCHSPIELSLANDGEMEINDE": "kirchspielslandgemeinde",
	"VERWALTUNGSVERBAND":      "verwaltungsverband",
	"MANAGED_ASSOCIATION":     "verwaltungsgemeinschaft",
	"FULFILLING_MUNICIPALITY": "erfuellende-gemeinde",
}

// baseSlug is the slug that a unit has unless another has it too.
func baseSlug(u *Unit) string {
	// Bavaria writes its associations "Emmerting (VGem)".
	name := slug.Make(strings.TrimSuffix(u.Name, "(VGem)"))
	word := slugWords[u.Kind]
	switch u.Level {
	case levelGovernmentRegion:
		word = regionWord(u.OfficialName)
	case levelDistrict:
		// Heidekreis, Rhein-Kreis Neuss, Region Hannover, Städteregion Aachen
		if strings.Contains(name, "kreis") || strings.Contains(name, "region") {
			word = ""
		}
	case levelAssociation:
		// Amt Lütjenburg, and in Baden-Württemberg "GVV Voralb" (Gemeindeverwaltungsverband)
		// and "VVG der Stadt Neuffen" (vereinbarte Verwaltungsgemeinschaft)
		if first, _, _ := strings.Cut(name, "-"); first == word || first == "gvv" || first == "vvg" {
			word = ""
		}
	}
	return strings.Trim(word+"-"+name, "-")
}

func regionWord(official string) string {
	for _, title := range regionTitles {
		if strings.Contains(official, title.prefix) {
			return title.slug
		}
	}
	return "regierungsbezirk"
}
