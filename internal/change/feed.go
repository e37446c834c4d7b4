package change

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
)

// entryChange is a change as others are told of it.
var entryChange = plan.Object{
	Type: "Change", Table: "change",
	Visible: plan.Visibility{Public: public},
	Fields: plan.Fields{
		"cursor": {Made: &plan.Made{From: key, Make: func(parts [][]byte) any { return written(parts) }}},
		"kind":   plan.Expr(`(CASE WHEN {visible_after} THEN 'UPSERT' ELSE 'DELETE' END)`),
		"type":   {Made: &plan.Made{From: []plan.SQL{"{type}"}, Make: func(of [][]byte) any { return strings.ToUpper(snake(string(of[0]))) }}},
		"nodeId": {Made: &plan.Made{From: []plan.SQL{"{type}", "{id}"}, Make: func(of [][]byte) any {
			return nodeid.ID{Prefix: snake(string(of[0])), UUID: nodeid.UUID(of[1])}.String()
		}}},
		"version": plan.Column("version"),
		"at":      plan.Column("at"),
		"node":    plan.Either(variants(entries, "id", " AND {visible_after}")...),
	},
}

// Types are the types that values of ChangeType name, all of which changes are told of
// if none are given.
func Types(values []string) (types []string) {
	types = []string{}
	for _, name := range entries {
		if values == nil || slices.Contains(values, strings.ToUpper(snake(name))) {
			types = append(types, name)
		}
	}
	return types
}

// Values are those of ChangeType.
func Values() (values []string) {
	for _, name := range entries {
		values = append(values, strings.ToUpper(snake(name)))
	}
	return values
}

var key = []plan.SQL{"(SELECT s.epoch FROM standing s)", "{txid}::text", "{seq}::text", "(SELECT s.known FROM standing s)"}

// feed is the order of changes for the outside: what Read gives, of types that have a
// global id.
var feed = plan.Feed{
	Parts: []string{"epoch", "txid", "seq", "known"},
	Parse: func(cursor string) [][]byte {
		p, err := Cursor(cursor).place()
		if err != nil {
			return nil
		}
		parts := make([][]byte, 4)
		for i, part := range p.parts() {
			if part != nil {
				parts[i] = []byte(*part)
			}
		}
		return parts
	},
	Write: written,

	With: "WITH " + standing,
	Rows: readable + ` AND {type} NOT IN ('Source', 'TerritorialChange')
  AND ({arg.types} IS NULL OR {type} = ANY (ARRAY(SELECT replace(initcap(given COLLATE "C"), '_', '') FROM unnest({arg.types}) given)))`,
	Behind:  behind,
	Order:   "{txid}, {seq}",
	Key:     key,
	End:     []plan.SQL{"(SELECT s.epoch FROM standing s)", "(SELECT s.head_txid::text FROM standing s)", "(SELECT s.head_seq::text FROM standing s)", "(SELECT s.known FROM standing s)"},
	Expired: "(SELECT s.expired FROM standing s)",
	Problem: ErrExpired,
}

// written is the cursor of the parts of a place.
func written(parts [][]byte) string {
	seq, _ := strconv.ParseInt(string(parts[2]), 10, 64)
	return string(place{string(parts[0]), number(string(parts[1])), seq, known(parts[3])}.cursor())
}

// snake is the name of a type as ids begin with it, and in capitals ChangeType has it.
func snake(typeName string) string {
	var b strings.Builder
	for i, r := range typeName {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
