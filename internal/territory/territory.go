// Package territory is the noun of where things are: states, and municipalities
// of every level, as the official register has them.
package territory

import (
	"stadtgraph/internal/plan"
	"stadtgraph/internal/value"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{State, Municipality, PopulationFigure, GeoPoint, Constituencies, FormerName, FormerKey, TerritorialChange, KeyResolution}

// State is one of the sixteen states.
var State = plan.Object{
	Type: "State", Table: "state", Prefix: "state",
	Unique: []string{"key", "code", "slug", "iso3166", "nuts1"},
	Order:  []plan.Term{{Field: "key"}},
	Search: &plan.Search{
		Fame:           "0.95",
		Title:          "{name}",
		Kinds:          "ARRAY['land', 'bundesland', 'freistaat', 'hansestadt']",
		ByName:         true,
		Body:           "CASE WHEN {code} IN ('BY', 'SN', 'TH') THEN 'Bundesland, Freistaat' WHEN {code} IN ('HB', 'HH') THEN 'Bundesland, Hansestadt' ELSE 'Bundesland' END",
		Labels:         value.Lines("{code}", "{key}", "{iso3166}", "{nuts1}"),
		Municipalities: value.Keys("SELECT {city_municipality_id}"),
		States:         "ARRAY[{id}]",
	},
	Named: plan.Named{Key: "key", Label: "name"},
	Fields: plan.Fields{
		"slug":       plan.Column("slug"),
		"key":        plan.Column("key"),
		"code":       plan.Column("code"),
		"name":       plan.Text("name"),
		"iso3166":    plan.Column("iso3166"),
		"nuts1":      plan.Column("nuts1"),
		"seat":       plan.Column("seat"),
		"cityState":  plan.One("city_municipality_id"),
		"population": plan.Column("population"),
		"areaKm2":    areaKm2,
		"municipalityCount": plan.Expr(`(SELECT count(*)::int4 FROM municipality m
			WHERE m.state_id = {id} AND m.level = 'MUNICIPALITY' AND m.dissolved_on IS NULL)`),
		"municipalities":  plan.Held("state_id", ""),
		"strategies":      plan.Linked("strategy_owner", "state_id", "strategy_id"),
		"articles":        plan.Linked("article_state", "state_id", "article_id"),
		"measures":        plan.Linked("measure_owner", "state_id", "measure_id"),
		"fundingPrograms": plan.Linked("funding_program_state", "state_id", "program_id"),
		"organizations":   plan.Held("state_id", ""),
		"observations":    plan.Held("state_id", ""),
		"identifiers":     value.Identifiers("state_id"),
		"version":         plan.Column("version"),
		"revisions":       value.Revisions("State"),
		"createdAt":       plan.Column("created_at"),
		"modifiedAt":      plan.Column("modified_at"),
	},
}

var areaKm2 = plan.Expr("({area_ha}::float8 / 100)")

// kindInWords is what a unit is, in the word that people put before its name.
const kindInWords plan.SQL = `CASE {kind} WHEN 'MARKET_TOWN' THEN 'Markt' WHEN 'RURAL_MUNICIPALITY' THEN 'Gemeinde'
	WHEN 'COUNTY' THEN 'Kreis' WHEN 'RURAL_DISTRICT' THEN 'Landkreis' WHEN 'REGIONAL_ASSOCIATION' THEN 'Regionalverband'
	WHEN 'AMT' THEN 'Amt' WHEN 'SAMTGEMEINDE' THEN 'Samtgemeinde' WHEN 'VERBANDSGEMEINDE' THEN 'Verbandsgemeinde'
	WHEN 'VERWALTUNGSGEMEINSCHAFT' THEN 'Verwaltungsgemeinschaft' WHEN 'GOVERNMENT_REGION' THEN 'Regierungsbezirk'
	ELSE CASE WHEN {level} = 'MUNICIPALITY' THEN 'Stadt' END END`

// Municipality is a unit of any level, from the municipality to the government
// region. Units are never deleted.
var Municipality = plan.Object{
	Type: "Municipality", Table: "municipality", Prefix: "municipality",
	Unique: []string{"slug"},
	Listed: []plan.Listing{
		{Field: "level", Where: "{level} = 'MUNICIPALITY'"},
		{Field: "dissolvedOn", Where: "{dissolved_on} IS NULL"},
	},
	Order: []plan.Term{{Field: "name"}},
	Search: &plan.Search{
		Label: "{label}",
		Found: "{level} <> 'UNINCORPORATED_AREA'",
		// By population, and among namesakes towns before what surrounds them.
		Fame: `greatest(0, least(1, log(greatest({population}, 1)) / 7)
			- CASE WHEN {dissolved_on} IS NOT NULL THEN 1 WHEN {level} <> 'MUNICIPALITY' THEN 0.3 ELSE 0 END)`,
		Kinds: "ARRAY[lower(" + kindInWords + "), CASE WHEN {kind} = 'RURAL_DISTRICT' THEN 'kreis' END]",
		Title: "{name}",
		Labels: value.Lines("{administration_postal_code}",
			value.Names("n.name", "municipality_former_name n WHERE n.municipality_id = {id}"),
			value.Names("k.key", "municipality_key k WHERE k.municipality_id = {id}")),
		// Whoever looks for Bayern wants no list of all that is in it.
		ByName: true,
		Body: value.Lines("nullif({label}, {name})", "nullif({official_name}, {name})",
			"concat_ws(' in ', "+kindInWords+", (SELECT s.name FROM state s WHERE s.id = {state_id}))"),
		Municipalities: "ARRAY[{id}]",
		States:         "ARRAY[{state_id}]",
	},
	Named: plan.Named{Key: "key", Label: "label"},
	Facets: map[string]plan.Facet{
		"state":            plan.By("state").With("territory"),
		"governmentRegion": plan.By("governmentRegion").With("territory"),
		"district":         plan.By("district").With("territory"),
		"association":      plan.By("association").With("territory"),
		"kind":             plan.By("kind"),
		"urbanisation":     plan.By("urbanisation"),
	},
	Filters: map[string]plan.SQL{
		"territory": "{id} IN (SELECT m FROM territory_members({arg}) m)",
		// A degree of latitude is more than 111 km: an index finds what may be near.
		"near": `{latitude} BETWEEN {arg.latitude} - {arg.km} / 111 AND {arg.latitude} + {arg.km} / 111
			AND distance_km({latitude}, {longitude}, {arg.latitude}, {arg.longitude}) <= {arg.km}`,
		"within": "{latitude} BETWEEN {arg.south} AND {arg.north} AND {longitude} BETWEEN {arg.west} AND {arg.east}",
	},
	Sorts: map[string]plan.Sort{
		"distance": {By: "distance_km({latitude}, {longitude}, {arg.near.latitude}, {arg.near.longitude})", Scalar: "Float", Null: true},
	},
	Fields: plan.Fields{
		"slug":                     plan.Column("slug"),
		"name":                     plan.Text("name"),
		"label":                    plan.Text("label"),
		"officialName":             plan.Text("official_name"),
		"level":                    plan.Column("level"),
		"kind":                     plan.Column("kind"),
		"key":                      plan.Column("key"),
		"regionalKey":              plan.Column("regional_key"),
		"districtKey":              plan.Column("district_key"),
		"state":                    plan.One("state_id"),
		"governmentRegion":         plan.One("government_region_id"),
		"district":                 plan.One("district_id"),
		"association":              plan.One("association_id"),
		"members":                  plan.Joined("({district_id} = {parent.id} OR {association_id} = {parent.id} OR {government_region_id} = {parent.id})"),
		"seat":                     plan.Column("seat"),
		"administrationPostalCode": plan.Column("administration_postal_code"),
		"population":               plan.Column("population"),
		"populationAsOf":           plan.Column("population_as_of"),
		"populationHistory":        plan.Rows("municipality_population", "municipality_id", "{as_of}"),
		"areaKm2":                  areaKm2,
		"populationDensity":        plan.Expr("(floor({population} / nullif({area_ha}::float8, 0) * 1000 + 0.5) / 10)"),
		"urbanisation":             plan.Column("urbanisation"),
		"location":                 plan.Value("", "latitude"),
		"travelRegion":             plan.Column("travel_region_name"),
		"constituencies":           plan.Value("constituency_", "from"),
		"dissolvedOn":              plan.Column("dissolved_on"),
		"formerNames":              plan.Rows("municipality_former_name", "municipality_id", "{last_seen_on}, {name}"),
		"formerKeys":               plan.Rows("municipality_key", "municipality_id", "{valid_until}, {key}").And("{former}"),
		"predecessors": plan.Joined(`EXISTS (SELECT FROM territorial_change c
			WHERE c.predecessor_id = {id} AND c.successor_id = {parent.id} AND c.predecessor_id <> c.successor_id)`).By("{key}"),
		"successors": plan.Joined(`EXISTS (SELECT FROM territorial_change c
			WHERE c.successor_id = {id} AND c.predecessor_id = {parent.id} AND c.predecessor_id <> c.successor_id)`).By("{key}"),
		"territorialChanges": plan.Joined("({predecessor_id} = {parent.id} OR {successor_id} = {parent.id})").By("{effective_on_start}, {former_key}, {id}"),
		"measures":           plan.Linked("measure_owner", "municipality_id", "measure_id"),
		"events":             plan.Held("municipality_id", ""),
		"rankings":           plan.Held("municipality_id", ""),
		"observations":       plan.Held("municipality_id", ""),
		"persons":            plan.Linked("person_affiliation", "municipality_id", "person_id"),
		"identifiers":        value.Identifiers("municipality_id"),
		"currentStrategies": plan.Through("strategy_owner", "municipality_id", "strategy_id").
			And("{field Strategy.isCurrent}").By(`{kind}, {adopted_on_start} DESC NULLS LAST, {id}`),
		"strategies": plan.Linked("strategy_owner", "municipality_id", "strategy_id"),
		"articles":   plan.Linked("article_municipality", "municipality_id", "article_id"),
		"awards":     plan.Linked("funding_award_recipient", "municipality_id", "award_id"),
		"totalAwarded": value.MoneySum("amount_awarded", `funding_award a JOIN funding_award_recipient r ON r.award_id = a.id
			WHERE r.municipality_id = {parent.id} AND {visible FundingAward a}`),
		"organizations": plan.Held("municipality_id", ""),
		"hasCurrentStrategy": plan.Expr(`EXISTS (SELECT FROM strategy_owner o JOIN strategy s ON s.id = o.strategy_id
			WHERE o.municipality_id = {id} AND {visible Strategy s} AND {field Strategy.isCurrent s})`),
		"distanceKm": plan.Expr("distance_km({latitude}, {longitude}, {arg.from.latitude}, {arg.from.longitude})"),
		"version":    plan.Column("version"),
		"revisions":  value.Revisions("Municipality"),
		"createdAt":  plan.Column("created_at"),
		"modifiedAt": plan.Column("modified_at"),
	},
}

// PopulationFigure is the population of a unit on one day.
var PopulationFigure = plan.Object{
	Type: "PopulationFigure", Table: "municipality_population",
	Fields: plan.Fields{
		"asOf":       plan.Column("as_of"),
		"population": plan.Column("population"),
		"male":       plan.Column("male"),
	},
}

// GeoPoint is a point on the earth, in two columns of its holder.
var GeoPoint = plan.Object{
	Type: "GeoPoint",
	Fields: plan.Fields{
		"latitude":  plan.Column("latitude"),
		"longitude": plan.Column("longitude"),
	},
}

// Constituencies is a range of constituencies of the Bundestag.
var Constituencies = plan.Object{
	Type:   "Constituencies",
	Fields: plan.Fields{"from": plan.Column("from"), "to": plan.Column("to")},
}

// FormerName is a name that a unit had before.
var FormerName = plan.Object{
	Type: "FormerName", Table: "municipality_former_name",
	Fields: plan.Fields{"name": plan.Column("name"), "lastSeenOn": plan.Column("last_seen_on")},
}

// FormerKey is an official key that a unit had before.
var FormerKey = plan.Object{
	Type: "FormerKey", Table: "municipality_key",
	Fields: plan.Fields{"key": plan.Column("key"), "name": plan.Column("name"), "validUntil": plan.Column("valid_until")},
}

// TerritorialChange is how one unit became, or became part of, another.
var TerritorialChange = plan.Object{
	Type: "TerritorialChange", Table: "territorial_change", Keyed: true,
	Fields: plan.Fields{
		"kind":        plan.Column("kind"),
		"effectiveOn": value.PartialDate("effective_on"),
		"predecessor": plan.One("predecessor_id"),
		"successor":   plan.One("successor_id"),
		"formerKey":   plan.Column("former_key"),
		"formerName":  plan.Column("former_name"),
		"note":        plan.Column("note"),
		"sources":     value.Sources("territorial_change_source", "change_id"),
	},
}

// KeyResolution is what became of an official key.
var KeyResolution = plan.Object{
	Type: "KeyResolution",
	Fields: plan.Fields{
		"key":          plan.Column("key"),
		"status":       plan.Column("status"),
		"municipality": plan.One("municipality_id"),
	},
}

// Roots are the look-ups of the noun.
var Roots = []plan.Root{
	{Name: "state", Lookup: map[string]plan.SQL{
		"id": "{id} = {arg}", "slug": "{slug} = {arg}", "key": "{key} = {arg}", "code": "{code} = {arg}",
	}},
	{Name: "municipality", Lookup: map[string]plan.SQL{
		"id": "{id} = {arg}", "slug": plan.ByIDOrSlug("Municipality", "municipality")["slug"],
		"key": "{id} = (SELECT k.municipality_id FROM municipality_key k WHERE k.key = {arg})",
	}},
	{Name: "municipalitiesByKey", Items: 1000, Rows: `SELECT asked.key, k.municipality_id, asked.place, CASE
			WHEN m.id IS NULL THEN 'UNKNOWN'
			WHEN m.dissolved_on IS NOT NULL THEN 'DISSOLVED'
			WHEN k.former THEN 'REKEYED'
			ELSE 'CURRENT' END AS status
		FROM unnest({arg.keys}) WITH ORDINALITY AS asked (key, place)
		LEFT JOIN municipality_key k ON k.key = asked.key LEFT JOIN municipality m ON m.id = k.municipality_id`},
}
