package write_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"stadtgraph/graph"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/write"
)

var update = flag.Bool("update", false, "write limits.txt anew")

// registry is what the nouns declare.
func registry(t *testing.T) *write.Registry {
	t.Helper()
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	r, err := graph.Writable(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A use says by which field of which type a table is written; "" is its own row.
type use struct{ typeName, field string }

// written are the tables that the writer writes, and by what.
func written(r *write.Registry) map[string][]use {
	tables := map[string][]use{}
	for _, typeName := range r.Types() {
		o := r.Object(typeName)
		tables[o.Table] = append(tables[o.Table], use{typeName, ""})
		tables["external_id"] = append(tables["external_id"], use{typeName, "externalId"})
		if o.Slug != "" {
			tables["former_slug"] = append(tables["former_slug"], use{typeName, "slug"})
		}
		var below func(fields write.Fields, at string)
		below = func(fields write.Fields, at string) {
			for name, f := range fields {
				if f.Table != "" {
					tables[f.Table] = append(tables[f.Table], use{typeName, at + name})
				}
				if f.Sourced {
					tables["source"] = append(tables["source"], use{typeName, at + name})
				}
				below(f.Fields, at+name+".")
			}
		}
		below(o.Fields, "")
	}
	for _, uses := range tables {
		slices.SortFunc(uses, func(a, b use) int { return strings.Compare(a.typeName+a.field, b.typeName+b.field) })
	}
	return tables
}

var (
	lengthOf = regexp.MustCompile(`^CHECK \(+length\((\w+)\) (>=|<=) (\d+)\)(?: AND \(length\(\w+\) <= (\d+)\)\))?\)*$`)
	rangeOf  = regexp.MustCompile(`^CHECK \(+"?(\w+)"?\)?(?:::numeric)? (>=|>) \(?(\d+)\)?(?:::numeric)?\)(?: AND \(\(?"?\w+"?\)?(?:::numeric)? <= \(?(\d+)\)?(?:::numeric)?\)\))?\)*$`)
)

// TestLimits holds limits.txt to the constraints of single columns.
func TestLimits(t *testing.T) {
	tables := written(registry(t))
	tx := pgtest.Tx(t)
	type column struct {
		Table, Name, Type string
		Required          bool
		Precision, Scale  int
		Checks            []string
		Indexed           bool
	}
	rows, err := tx.Query(t.Context(), `
SELECT a.attrelid::regclass::text AS table, a.attname AS name, b.typname AS type, a.attnotnull AND NOT a.attidentity <> '' AS required,
 CASE WHEN b.typname = 'numeric' THEN (greatest(a.atttypmod, t.typtypmod) - 4) >> 16 ELSE 0 END AS precision,
 CASE WHEN b.typname = 'numeric' THEN (greatest(a.atttypmod, t.typtypmod) - 4) & 2047 ELSE 0 END AS scale,
 ARRAY(SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c WHERE c.contype = 'c'
  AND (c.contypid = t.oid OR c.conrelid = a.attrelid AND c.conkey = ARRAY[a.attnum]) ORDER BY c.conname) AS checks,
 EXISTS (SELECT FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid JOIN pg_am m ON m.oid = n.relam
  WHERE i.indrelid = a.attrelid AND a.attnum = ANY(i.indkey) AND m.amname = 'btree' AND b.typname = 'text') AS indexed
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
WHERE a.attrelid::regclass::text = ANY($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY 1, a.attnum`, slices.Collect(func(yield func(string) bool) {
		for name := range tables {
			if !yield(name) {
				return
			}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByName[column])
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# What single columns hold: characters of a text, values of a number.\n# Written by: go test ./internal/write -run TestLimits -update\n")
	for _, c := range columns {
		line := ""
		if c.Required {
			line = " required"
		}
		lowest, highest := "", ""
		if c.Type == "numeric" {
			highest = strings.Repeat("9", c.Precision-c.Scale) + "." + strings.Repeat("9", c.Scale)
			lowest = "-" + highest
		}
		kind := " number "
		for _, check := range c.Checks {
			if strings.Contains(check, "length(") && !lengthOf.MatchString(check) || strings.Contains(check, ">=") && !lengthOf.MatchString(check) && !rangeOf.MatchString(check) {
				t.Errorf("%s.%s: %s is in no form that this test reads", c.Table, c.Name, check)
			}
			if m := lengthOf.FindStringSubmatch(check); m != nil {
				kind, lowest, highest = " text ", m[3], m[4]
				if m[2] == "<=" {
					lowest, highest = "0", m[3]
				}
			}
			if m := rangeOf.FindStringSubmatch(check); m != nil {
				lowest = m[3]
				if m[2] == ">" {
					n, _ := new(big.Int).SetString(lowest, 10)
					lowest = n.Add(n, big.NewInt(1)).String()
				}
				if c.Type == "int4" {
					highest = cmp.Or(m[4], "2147483647")
				} else if m[4] != "" {
					_, decimals, _ := strings.Cut(highest, ".")
					highest = strings.TrimRight(m[4]+"."+strings.Repeat("0", len(decimals)), ".")
				}
			}
		}
		if c.Indexed && highest == "" && len(c.Checks) == 0 { // an entry of an index has 2,704 bytes at most
			kind, lowest, highest = " text ", "0", "300"
		}
		if highest != "" {
			line += kind + lowest + " " + highest
		}
		if line != "" {
			fmt.Fprintf(&b, "%s.%s%s\n", c.Table, c.Name, line)
		}
	}
	want, err := os.ReadFile("limits.txt")
	if err != nil {
		t.Fatal(err)
	}
	if b.String() == string(want) {
		return
	}
	if !*update {
		t.Fatalf("limits.txt does not say what the migrations say; go test ./internal/write -run TestLimits -update writes\n%s", b.String())
	}
	if err := os.WriteFile("limits.txt", []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
