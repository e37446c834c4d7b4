// Package territory is the noun of where things are: states, and municipalities
// of every level, as the official register has them.
package territory

import (
	"stadtgraph/internal/plan"
)

// Objects are the readable shapes of the noun.
var Objects = []plan.Object{State, Municipality, PopulationFigure, GeoPoint}

// State is one of the sixteen states.
var State = plan.Object{
	Type: "State", Table: "state", Prefix: "state",
	Order: []plan.Term{{Field: "key"}},
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
		"municipalities": plan.Held("state_id", ""),
		"strategies":     plan.Joined("EXISTS (SELECT FROM strategy_owner o WHERE o.strategy_id = {id} AND o.state_id = {parent.id})"),
		"articles":       plan.Joined("EXISTS (SELECT FROM article_state a WHERE a.article_id = {id} AND a.state_id = {parent.id})"),
		"version":        plan.Column("version"),
		"createdAt":      plan.Column("created_at"),
		"modifiedAt":     plan.Column("modified_at"),
	},
}

var areaKm2 = plan.Expr("({area_ha} / 100.0)::float8")

// Municipality is a unit of any level, from the municipality to the government
// region. Units are never deleted.
var Municipality = plan.Object{
	Type: "Municipality", Table: "municipality", Prefix: "municipality",
	Listed: []plan.Listing{
		{Field: "level", Where: "{level} = 'MUNICIPALITY'"},
		{Field: "dissolvedOn", Where: "{dissolved_on} IS NULL"},
	},
	Order: []plan.Term{{Field: "name"}},
	Fields: plan.Fields{
		"slug":                     plan.Column("slug"),
		"name":                     plan.Text("name"),
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
		"populationDensity":        plan.Expr("round({population} / nullif({area_ha} / 100.0, 0), 1)::float8"),
		"urbanisation":             plan.Column("urbanisation"),
		"location":                 plan.Value("", "latitude"),
		"travelRegion":             plan.Column("travel_region_name"),
		"dissolvedOn":              plan.Column("dissolved_on"),
		"currentStrategies": plan.Through("strategy_owner", "municipality_id", "strategy_id").
			And("{field Strategy.isCurrent}").By(`{kind}, {adopted_on_start} DESC NULLS LAST, {id}`),
		"strategies": plan.Joined("EXISTS (SELECT FROM strategy_owner o WHERE o.strategy_id = {id} AND o.municipality_id = {parent.id})"),
		"articles":   plan.Joined("EXISTS (SELECT FROM article_municipality a WHERE a.article_id = {id} AND a.municipality_id = {parent.id})"),
		"awards":     plan.Joined("EXISTS (SELECT FROM funding_award_recipient r WHERE r.award_id = {id} AND r.municipality_id = {parent.id})"),
		"totalAwarded": plan.Computed(`SELECT coalesce(sum(a.amount_awarded_amount) FILTER (WHERE a.amount_awarded_currency = 'EUR'), 0)::numeric AS sum,
				(count(*) FILTER (WHERE a.amount_awarded_currency = 'EUR'))::int4 AS known_count,
				(count(*) FILTER (WHERE a.amount_awarded_currency IS DISTINCT FROM 'EUR'))::int4 AS unknown_count
			FROM funding_award a JOIN funding_award_recipient r ON r.award_id = a.id
			WHERE r.municipality_id = {parent.id} AND {visible FundingAward a}`),
		"organizations": plan.Held("municipality_id", ""),
		"version":       plan.Column("version"),
		"createdAt":     plan.Column("created_at"),
		"modifiedAt":    plan.Column("modified_at"),
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

// Roots are the look-ups of the noun.
var Roots = []plan.Root{
	{Name: "state", Lookup: map[string]plan.SQL{
		"id": "{id} = {value}", "slug": "{slug} = {value}", "key": "{key} = {value}", "code": "{code} = {value}",
	}},
	{Name: "municipality", Lookup: map[string]plan.SQL{
		"id": "{id} = {value}", "slug": "{slug} = {value}",
		"key": "{id} = (SELECT k.municipality_id FROM municipality_key k WHERE k.key = {value})",
	}},
}
