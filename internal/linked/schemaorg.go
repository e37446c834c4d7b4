package linked

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"stadtgraph/internal/site"
)

// kinds say what schema.org calls a type, and finish what the document's aliases cannot
// say. A type that is not here is told of by its name alone.
var kinds map[string]kind

type kind struct {
	name   string
	finish func(w writer, read map[string]any, o object)
}

func init() { // and not at once: what finishes a node makes others
	kinds = map[string]kind{
		"Article":        {"NewsArticle", finishArticle},
		"Byline":         {"Person", nil},
		"Comment":        {"Comment", finishComment},
		"Event":          {"Event", finishEvent},
		"FundingAward":   {"MonetaryGrant", finishAward},
		"FundingCall":    {"Offer", nil},
		"FundingProgram": {"GovernmentService", finishProgram},
		"Measure":        {"Project", nil},
		"MediaAsset":     {"ImageObject", nil},
		"Municipality":   {"AdministrativeArea", finishMunicipality},
		"Organization":   {"Organization", finishOrganization},
		"Person":         {"Person", nil},
		"Platform":       {"WebApplication", nil},
		"Ranking":        {"ItemList", nil},
		"Source":         {"CreativeWork", finishSource},
		"State":          {"State", finishState},
		"Strategy":       {"Report", nil},
		"Topic":          {"DefinedTerm", nil},
	}
}

// private are names of fields that help to make properties and are none themselves.
var private = []string{"__typename", "id", "slug", "key", "kind", "level", "isSponsored", "regionalKey", "population", "areaKm2",
	"postalCode", "seat", "iso", "nationwide", "program", "venue", "municipality"}

// acting are properties whose values act: of a territory, its administration does.
var acting = []string{"contributor", "creator", "broker", "fundedItem", "funder", "organizer", "parentOrganization", "provider", "publisher", "sponsor"}

// writer makes nodes of JSON-LD for a site.
type writer struct{ at site.Site }

// value is what a property says: nil if that is nothing.
func (w writer) value(property string, v any) any {
	switch v := v.(type) {
	case []any:
		var list []any
		for _, item := range v {
			list = add(list, w.value(property, item))
		}
		switch len(list) {
		case 0:
			return nil
		case 1:
			return list[0]
		}
		return list
	case map[string]any:
		return w.object(property, v)
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}

// add puts a value into a list, or the values of a list.
func add(list []any, v any) []any {
	switch v := v.(type) {
	case nil:
		return list
	case []any:
		return append(list, v...)
	}
	return append(list, v)
}

// object is what an object of the API is in JSON-LD.
func (w writer) object(property string, v map[string]any) any {
	has := func(name string) bool { _, ok := v[name]; return ok }
	switch {
	case has("__typename"):
		if territory := v["__typename"] == "Municipality" || v["__typename"] == "State"; territory && slices.Contains(acting, property) {
			return w.acts(v)
		}
		if v["__typename"] == "Byline" {
			return w.byline(v)
		}
		return w.node(v)
	case has("amount"):
		return object{"@type": "MonetaryAmount", "value": v["amount"], "currency": v["currency"]}
	case has("latitude"):
		return object{"@type": "GeoCoordinates", "latitude": v["latitude"], "longitude": v["longitude"]}
	case has("precision"):
		return date(v)
	case has("from") || has("to"):
		from, to := open(w.value("", v["from"])), open(w.value("", v["to"]))
		return from + "/" + to
	}
	for _, only := range v { // {nodes: […]}, {asset: …}, {name: …}
		if len(v) == 1 {
			return w.value(property, only)
		}
	}
	return nil
}

// date is a vague date as far as it is known.
func date(v map[string]any) any {
	day, _ := cmp.Or(v["start"], v["end"]).(string)
	switch v["precision"] {
	case "YEAR":
		return day[:len("2006")]
	case "MONTH":
		return day[:len("2006-01")]
	}
	return day
}

// open is an end of an interval of ISO 8601-2.
func open(date any) string {
	if text, ok := date.(string); ok {
		return text
	}
	return ".."
}

// node is something that has a type, and in most cases an id.
func (w writer) node(v map[string]any) object {
	name, _ := v["__typename"].(string)
	o := object{"@type": cmp.Or(kinds[name].name, "Thing")}
	if id, ok := v["id"].(string); ok {
		o["@id"] = w.at.Linked(id)
	}
	if page := w.page(v); page != "" {
		o["url"] = page
	}
	for _, alias := range slices.Sorted(maps.Keys(v)) { // x before x_else
		property, suffix, _ := strings.Cut(alias, "_")
		if slices.Contains(private, alias) || suffix == "else" && o[property] != nil {
			continue
		}
		value := w.value(property, v[alias])
		if value == nil {
			continue
		}
		if o[property] != nil && property != "url" {
			value = add(add(nil, o[property]), value)
		}
		o[property] = value
	}
	if finish := kinds[name].finish; finish != nil {
		finish(w, v, o)
	}
	return o
}

func (w writer) page(v map[string]any) string {
	text := func(of any, name string) string {
		m, _ := of.(map[string]any)
		s, _ := m[name].(string)
		return s
	}
	return w.at.Pages.Page(site.Target{Type: text(v, "__typename"), ID: text(v, "id"), Slug: text(v, "slug"), Key: text(v, "key"),
		Holder: cmp.Or(text(v["about"], "slug"), text(v["itemOffered"], "slug"))})
}

// acts is the administration of a territory.
func (w writer) acts(v map[string]any) object {
	id, _ := v["id"].(string)
	return object{"@type": "GovernmentOrganization", "@id": w.at.Linked(id) + "#administration", "name": v["name"]}
}

// administration is that of a territory that is told of itself.
func (w writer) administration(read map[string]any, place object) object {
	if t := read["__typename"]; t != "Municipality" && t != "State" {
		return nil
	}
	o := w.acts(read)
	o["areaServed"] = object{"@id": place["@id"]}
	for _, property := range []string{"identifier", "address"} {
		if place[property] != nil {
			o[property] = place[property]
		}
	}
	return o
}

func (w writer) byline(v map[string]any) any {
	for _, name := range []string{"person", "organization"} {
		if who, ok := v[name].(map[string]any); ok {
			return w.node(who)
		}
	}
	kind := "Person"
	if v["kind"] == "AGENCY" || v["kind"] == "PRESS_RELEASE" {
		kind = "Organization"
	}
	if v["name"] == nil {
		return nil
	}
	return object{"@type": kind, "name": v["name"]}
}

func finishArticle(w writer, read map[string]any, o object) {
	switch {
	case read["isSponsored"] == true:
		o["@type"] = "AdvertiserContentArticle"
	case read["kind"] == "OPINION":
		o["@type"] = "OpinionNewsArticle"
	case read["kind"] == "REPORT":
		o["@type"] = "ReportageNewsArticle"
	case read["kind"] == "PAGE":
		o["@type"] = "Article"
	}
	if _, whole := read["isSponsored"]; !whole {
		return // it is only named
	}
	o["isAccessibleForFree"] = true
	o["publisher"] = object{"@type": "Organization", "name": w.at.Publisher, "url": w.at.Root()}
	if o["url"] != nil {
		o["mainEntityOfPage"] = o["url"]
	}
}

func finishComment(_ writer, _ map[string]any, o object) {
	if name, ok := o["author"].(string); ok {
		o["author"] = object{"@type": "Person", "name": name}
	}
}

func finishSource(_ writer, _ map[string]any, o object) {
	if name, ok := o["publisher"].(string); ok {
		o["publisher"] = object{"@type": "Organization", "name": name}
	}
}

var germany = object{"@type": "Country", "name": "Deutschland", "identifier": "DE"}

func finishState(_ writer, read map[string]any, o object) {
	if read["key"] != nil {
		o["identifier"] = []any{identifier("AGS", read["key"])}
	}
	if read["iso"] != nil {
		o["identifier"] = append(o["identifier"].([]any), identifier("ISO 3166-2", read["iso"]))
		o["containedInPlace"] = germany
	}
}

func identifier(scheme string, value any) object {
	return object{"@type": "PropertyValue", "propertyID": scheme, "value": value}
}

func finishMunicipality(_ writer, read map[string]any, o object) {
	switch read["kind"] {
	case "INDEPENDENT_CITY", "URBAN_DISTRICT", "LARGE_DISTRICT_TOWN", "TOWN":
		o["@type"] = "City"
	}
	var identifiers []any
	for _, key := range []struct{ scheme, name string }{{"AGS", "key"}, {"ARS", "regionalKey"}} {
		if read[key.name] != nil {
			identifiers = append(identifiers, identifier(key.scheme, read[key.name]))
		}
	}
	o["identifier"] = identifiers
	if _, whole := read["regionalKey"]; !whole {
		return
	}
	address := object{"@type": "PostalAddress", "addressCountry": "DE", "addressLocality": cmp.Or(read["seat"], read["name"])}
	if read["postalCode"] != nil {
		address["postalCode"] = read["postalCode"]
	}
	o["address"] = address
	var figures []any
	for _, f := range []struct{ name, label, unit string }{{"population", "Einwohner", "IE"}, {"areaKm2", "Fläche", "KMK"}} {
		if read[f.name] != nil {
			figures = append(figures, object{"@type": "PropertyValue", "name": f.label, "value": read[f.name], "unitCode": f.unit})
		}
	}
	if figures != nil {
		o["additionalProperty"] = figures
	}
}

func finishOrganization(_ writer, read map[string]any, o object) {
	switch read["kind"] {
	case "COUNCIL_BODY", "DEPARTMENT", "MINISTRY", "AUTHORITY":
		o["@type"] = "GovernmentOrganization"
	case "RESEARCH_INSTITUTION":
		o["@type"] = "ResearchOrganization"
	case "MEDIA":
		o["@type"] = "NewsMediaOrganization"
	case "COMPANY", "IT_SERVICE_PROVIDER":
		o["@type"] = "Corporation"
	case "PARTY":
		o["@type"] = "PoliticalParty"
	}
}

func finishProgram(_ writer, read map[string]any, o object) {
	if read["nationwide"] == true {
		o["areaServed"] = germany
	}
	if applicants := add(nil, o["audience"]); applicants != nil {
		for i, kind := range applicants {
			applicants[i] = object{"@type": "Audience", "audienceType": kind}
		}
		o["audience"] = applicants
	}
}

func finishAward(w writer, read map[string]any, o object) {
	program, _ := read["program"].(map[string]any)
	if program == nil {
		return
	}
	if funders := w.value("funder", program["funders"]); funders != nil {
		o["funder"] = funders
	}
	if o["name"] == nil {
		o["name"] = program["name"]
	}
}

func finishEvent(w writer, read map[string]any, o object) {
	place := object{"@type": "Place"}
	if read["venue"] != nil {
		place["name"] = read["venue"]
	}
	if town, ok := read["municipality"].(map[string]any); ok {
		place["address"] = object{"@type": "PostalAddress", "addressLocality": town["name"], "addressCountry": "DE"}
		place["containedInPlace"] = w.node(town)
	}
	if len(place) > 1 {
		o["location"] = place
	}
}
