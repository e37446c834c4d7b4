// Package value declares the value objects that several nouns share: vague
// dates, periods, money, links and sources.
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
	{Type: "Link", Fields: plan.Fields{
		"url":   plan.Column("url"),
		"title": plan.Column("title"),
		"kind":  plan.Column("kind"),
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

// Links are the rows of a link table, in order.
func Links(table plan.SQL, holder string) plan.Field {
	return plan.Rows(table, holder, "{position}")
}

// Sources are the sources that a link table names, in order.
func Sources(link plan.SQL, holder string) plan.Field {
	return plan.Through(link, holder, "source_id")
}
