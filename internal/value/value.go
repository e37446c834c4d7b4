// Package value declares the value objects that several nouns share: vague
// dates, periods, money, links, sources, identifiers, mentions of people, and
// what is computed of a text when it is written.
package value

import "stadtgraph/internal/plan"

// Objects are the readable shapes. Those that live in columns of their holder
// name them without its prefix.
var Objects = []plan.Object{
	{Type: "PartialDate", Fields: plan.Fields{
		"start":     plan.Column("start"),
		"end":       plan.Column("end"),
		"precision": plan.Column("precision"),
		"text":      plan.Column("text"),
	}},
	{Type: "Period", Fields: plan.Fields{
		"from": PartialDate("from"),
		"to":   PartialDate("to"),
	}},
	{Type: "Money", Fields: plan.Fields{
		"amount":      plan.Column("amount"),
		"currency":    plan.Column("currency"),
		"approximate": plan.Column("approximate"),
	}},
	{Type: "MoneySum", Fields: plan.Fields{
		"sum":          plan.Column("sum"),
		"knownCount":   plan.Column("known_count"),
		"unknownCount": plan.Column("unknown_count"),
	}},
	{Type: "Facet", Fields: plan.Fields{
		"by":           plan.Column("by"),
		"buckets":      plan.Computed("SELECT * FROM unnest({parent.values}, {parent.labels}, {parent.counts}) WITH ORDINALITY AS b (value, label, count, place)").By("{place}"),
		"valueCount":   plan.Column("value_count"),
		"otherCount":   plan.Column("other_count"),
		"missingCount": plan.Column("missing_count"),
	}},
	{Type: "FacetBucket", Fields: plan.Fields{
		"value": plan.Column("value"),
		"label": plan.Column("label"),
		"count": plan.Column("count"),
	}},
	{Type: "Group", Fields: plan.Fields{
		"values": plan.Computed("SELECT * FROM unnest({parent.facets}, {parent.values}, {parent.labels}) WITH ORDINALITY AS v (by, value, label, place)").By("{place}"),
		"count":  plan.Column("count"),
		"amount": plan.ValueIf("", "{sum}"),
	}},
	{Type: "GroupValue", Fields: plan.Fields{
		"by":    plan.Column("by"),
		"value": plan.Column("value"),
		"label": plan.Column("label"),
	}},
	{Type: "Link", Fields: plan.Fields{
		"url":   plan.Column("url"),
		"title": plan.Column("title"),
		"kind":  plan.Column("kind"),
	}},
	{Type: "Identifier", Table: "identifier", Fields: plan.Fields{
		"scheme": plan.Column("scheme"),
		"value":  plan.Column("value"),
		"url":    plan.Expr(identifierURL),
	}},
	{Type: "Heading", Fields: plan.Fields{
		"level":  plan.Column("level"),
		"anchor": plan.Column("id"),
		"text":   plan.Column("text"),
	}},
	{Type: "Affiliation", Table: "person_affiliation", Fields: affiliation},
	{Type: "Mention", Table: "article_mention", Visible: plan.Visibility{Via: plan.Via{Type: "Person", Column: "person_id"}}, Fields: plan.Fields{
		"person": plan.One("person_id"),
		"role":   plan.Column("role"),
		"capacity": plan.ValueIf("capacity_", `coalesce({capacity_role}, {capacity_organization_id}::text, {capacity_municipality_id}::text,
			{capacity_state_id}::text, {capacity_party_id}::text)`),
	}},
	{Type: "Source", Table: "source", Fields: plan.Fields{
		"publisher":   plan.Column("publisher"),
		"url":         plan.Column("url"),
		"title":       plan.Column("title"),
		"publishedOn": PartialDate("published_on"),
		"retrievedAt": plan.Column("retrieved_at"),
		"verifiedAt":  plan.Column("verified_at"),
		"quote":       plan.Column("quote"),
		"license":     plan.Column("license"),
	}},
}

// identifierURL is where an identifier leads.
const identifierURL plan.SQL = `(CASE {scheme}
	WHEN 'WIKIDATA' THEN 'https://www.wikidata.org/entity/' || {value}
	WHEN 'GND' THEN 'https://d-nb.info/gnd/' || {value}
	WHEN 'ROR' THEN 'https://ror.org/' || {value}
	WHEN 'OPARL' THEN {value} END)`

// affiliation is an office or a membership, in the columns of its holder.
var affiliation = plan.Fields{
	"role":         plan.Column("role"),
	"organization": plan.One("organization_id"),
	"municipality": plan.One("municipality_id"),
	"state":        plan.One("state_id"),
	"party":        plan.One("party_id"),
	"period":       Period("period"),
}

// Mentions are the people that a table names, in order, each in the capacity of
// the time.
func Mentions(table plan.SQL, holder string) plan.Field {
	return plan.Rows(table, holder, "{position}")
}

// Identifiers are what others call a row.
func Identifiers(holder string) plan.Field {
	return plan.Rows("identifier", holder, "{scheme}, {value}").Where("scheme", "{scheme} = {arg}")
}

// Rendered adds to a type's fields what is computed of a Markdown column when it
// is written, and stored in the columns name_html and so on.
func Rendered(fields plan.Fields, name string) plan.Fields {
	fields[name+"Html"] = plan.Column(name + "_html")
	fields[name+"Text"] = plan.Column(name + "_text")
	fields["tableOfContents"] = plan.Computed(plan.SQL(`SELECT h.level, h.id, h.text, h.place
		FROM ROWS FROM (jsonb_to_recordset({parent.` + name + `_contents}) AS (level integer, id text, text text)) WITH ORDINALITY AS h (level, id, text, place)`)).By("{place}")
	fields["excerpt"] = plan.Column(name + "_excerpt")
	fields["readingMinutes"] = plan.Column(name + "_reading_minutes")
	return fields
}

// PartialDate is a vague date in the columns name_start, name_end,
// name_precision and name_text.
func PartialDate(name string) plan.Field { return plan.Value(name+"_", "start") }

// Period is a span of time in the columns name_from_… and name_to_….
func Period(name string) plan.Field {
	return plan.ValueIf(name+"_", plan.SQL("coalesce({"+name+"_from_start}, {"+name+"_to_start})"))
}

// Money is an amount in the columns name_amount, name_currency and
// name_approximate.
func Money(name string) plan.Field { return plan.Value(name+"_", "amount") }

// MoneySum adds up the amounts named name of rows under the alias a, in euros,
// and counts those that are not known.
func MoneySum(name, rows plan.SQL) plan.Field {
	euros := "a." + name + "_currency = 'EUR'"
	return plan.Computed("SELECT coalesce(sum(a." + name + "_amount) FILTER (WHERE " + euros + "), 0)::numeric AS sum, " +
		"(count(*) FILTER (WHERE " + euros + "))::int4 AS known_count, " +
		"(count(*) FILTER (WHERE (" + euros + ") IS NOT TRUE))::int4 AS unknown_count FROM " + rows)
}

// Links are the rows of a link table, in order.
func Links(table plan.SQL, holder string) plan.Field {
	return plan.Rows(table, holder, "{position}")
}

// Sources are the sources that a link table names, in order.
func Sources(link plan.SQL, holder string) plan.Field {
	return plan.Through(link, holder, "source_id")
}
