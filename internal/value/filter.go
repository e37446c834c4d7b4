package value

import (
	"maps"

	"stadtgraph/internal/plan"
)

// Sourced adds to a type's conditions those on the sources that a link table names.
func Sourced(link plan.SQL, holder plan.SQL, conditions map[string]plan.SQL) map[string]plan.SQL {
	all := map[string]plan.SQL{
		"hasSource": "EXISTS (SELECT FROM " + link + " l WHERE l." + holder + " = {id})",
		"verifiedSince": "EXISTS (SELECT FROM " + link + " l JOIN source s ON s.id = l.source_id WHERE l." + holder +
			" = {id} AND s.verified_at >= {arg})",
	}
	maps.Copy(all, conditions)
	return all
}

// OwnedIn holds for what belongs to municipalities of some territories, or to the
// states among these; owners are tables that say what belongs to whom, in a column
// named key.
func OwnedIn(key, municipalities, states plan.SQL) plan.SQL {
	return "{id} IN (SELECT o." + key + " FROM " + municipalities + " o WHERE o.municipality_id IN (SELECT m FROM territory_members({arg}) m)" +
		" UNION ALL SELECT o." + key + " FROM " + states + " o JOIN state s ON s.id = o.state_id WHERE s.key = ANY({arg}))"
}

// TownOrders are the orders by the municipalities that a link table names.
func TownOrders(link, holder plan.SQL) map[string]plan.Sort {
	towns := "FROM " + link + " o JOIN municipality m ON m.id = o.municipality_id WHERE o." + holder + " = {id}"
	return townOrders("SELECT max(m.population) "+towns, "SELECT m.name "+towns+` ORDER BY m.name COLLATE "de-x-icu" LIMIT 1`)
}

// TownOrder are the orders by the municipality that a column names.
var TownOrder = townOrders("SELECT m.population FROM municipality m WHERE m.id = {municipality_id}",
	"SELECT m.name FROM municipality m WHERE m.id = {municipality_id}")

func townOrders(population, name plan.SQL) map[string]plan.Sort {
	return map[string]plan.Sort{
		"population":       {By: "(" + population + ")", Scalar: "Int", Null: true},
		"municipalityName": {By: "(" + name + `) COLLATE "de-x-icu"`, Scalar: "String", Null: true},
	}
}
