// Package about answers what the data is, how complete it is, and how to credit
// it.
package about

import "stadtgraph/internal/plan"

// Objects are the readable shapes, given those of the nouns.
func Objects(nouns []plan.Object) []plan.Object {
	return []plan.Object{
		{Type: "About", Fields: plan.Fields{
			"version":      plan.Expr("'" + Version + "'"),
			"registerAsOf": plan.Column("register_as_of"),
			"attributions": plan.Computed("SELECT attribution, license, url, as_of, name FROM dataset").By("{name}"),
			"coverage":     plan.Computed(coverage(nouns)).By("{type}"),
		}},
		{Type: "Attribution", Table: "dataset", Fields: plan.Fields{
			"text":    plan.Column("attribution"),
			"license": plan.Column("license"),
			"url":     plan.Column("url"),
			"asOf":    plan.Column("as_of"),
		}},
		{Type: "Coverage", Fields: plan.Fields{
			"type":          plan.Column("type"),
			"count":         plan.Column("count"),
			"recordedUntil": plan.Column("recorded_until"),
		}},
	}
}

// Version is the version of the software.
const Version = "0.1.0"

// coverage counts what there is of each type with a global id.
func coverage(nouns []plan.Object) (query plan.SQL) {
	for _, o := range nouns {
		if o.Prefix == "" {
			continue
		}
		if query != "" {
			query += "\n\tUNION ALL "
		}
		name := plan.SQL(o.Type)
		query += "SELECT '" + name + "' AS type, count(*)::int4 AS count, max(r.modified_at) AS recorded_until FROM " + o.Table + " r WHERE {visible " + name + " r}"
	}
	return query
}

// Roots are the fields of Query.
var Roots = []plan.Root{{Name: "about", Rows: "SELECT (SELECT d.as_of FROM dataset d WHERE d.name = 'gv100ad') AS register_as_of"}}
