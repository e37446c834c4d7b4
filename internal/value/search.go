package value

import "stadtgraph/internal/plan"

// Pieces that the nouns put their plan.Search together from. What is on a line of
// its own stands by itself: no phrase goes on from one line to the next.

// Lines are texts below each other; those that are null are left out.
func Lines(texts ...plan.SQL) plan.SQL {
	sql := plan.SQL(`concat_ws(E'\n'`)
	for _, text := range texts {
		sql += ", " + text
	}
	return sql + ")"
}

// Names are the texts of several rows, a line each.
func Names(text, rows plan.SQL) plan.SQL {
	return "(SELECT string_agg(DISTINCT " + text + `, E'\n') FROM ` + rows + ")"
}

// Keys are the keys that one or several queries give.
func Keys(queries ...plan.SQL) plan.SQL {
	sql := plan.SQL("ARRAY(SELECT k FROM (")
	for i, query := range queries {
		if i > 0 {
			sql += " UNION ALL "
		}
		sql += query
	}
	return sql + ") keys (k) WHERE k IS NOT NULL GROUP BY k ORDER BY k)"
}

// Day is the German day of an instant.
func Day(instant plan.SQL) plan.SQL { return "(" + instant + " AT TIME ZONE 'Europe/Berlin')::date" }

// OwnerNames are the names of those to whom something belongs; rows is a query
// with a column for each type of owner.
func OwnerNames(rows plan.SQL) plan.SQL {
	return Names("coalesce(m.name, s.name, b.name)", "("+rows+`) o LEFT JOIN municipality m ON m.id = o.municipality_id
		LEFT JOIN state s ON s.id = o.state_id LEFT JOIN organization b ON b.id = o.organization_id AND b.deleted_at IS NULL`)
}

// OwnerMunicipalities are the keys of those owners that are municipalities.
func OwnerMunicipalities(rows plan.SQL) plan.SQL {
	return Keys("SELECT o.municipality_id FROM (" + rows + ") o")
}

// OwnerStates are the keys of the states among the owners, and of those in which
// the municipalities among them are.
func OwnerStates(rows plan.SQL) plan.SQL {
	return Keys("SELECT o.state_id FROM ("+rows+") o", "SELECT m.state_id FROM ("+rows+") o JOIN municipality m ON m.id = o.municipality_id")
}

// Label is a title with what tells its namesakes apart.
func Label(title plan.SQL, more ...plan.SQL) plan.SQL {
	sql := "concat_ws(' · ', " + title
	for _, piece := range more {
		sql += ", " + piece
	}
	return sql + ")"
}
