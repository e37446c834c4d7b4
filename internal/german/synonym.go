package german

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
)

// SynonymsCSV are the groups that a new database begins with, in the form that
// ReadSynonyms reads.
//
//go:embed synonyms.csv
var SynonymsCSV string

// Synonyms are terms, of one word or several, of which one stands for others.
type Synonyms struct {
	Terms  []string
	OneWay bool // only the first finds the others: Kommune finds Stadt, Stadt does not find Kommune
}

// ReadSynonyms reads a group per line: "=" if each term finds all the others, or
// ">" if only the first does; then the terms. Lines that begin with # mean nothing.
func ReadSynonyms(r io.Reader) ([]Synonyms, error) {
	c := csv.NewReader(r)
	c.Comment = '#'
	c.FieldsPerRecord = -1
	c.TrimLeadingSpace = true
	var groups []Synonyms
	for {
		record, err := c.Read()
		if err == io.EOF {
			return groups, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read synonyms: %w", err)
		}
		line, _ := c.FieldPos(0)
		if len(record) < 3 || record[0] != "=" && record[0] != ">" {
			return nil, fmt.Errorf(`read synonyms: line %d: want "=" or ">", then two terms at least`, line)
		}
		for _, term := range record[1:] {
			if ParseQuery(term).Empty() {
				return nil, fmt.Errorf("read synonyms: line %d: nothing can be found by %q", line, term)
			}
		}
		groups = append(groups, Synonyms{Terms: record[1:], OneWay: record[0] == ">"})
	}
}

// Rewrite is a row for ts_rewrite of Postgres: two tsqueries in the form that it
// reads.
type Rewrite struct{ Target, Substitute string }

// Rewrites turns synonyms into rows for ts_rewrite, one per target. They must be applied
// in this order, those of several words first:
//
//	ts_rewrite($1, 'SELECT target, substitute FROM … ORDER BY numnode(target) DESC')
//
// Postgres leaves alone what it has put in, so no row can set off another.
func Rewrites(groups []Synonyms) []Rewrite {
	type row struct {
		target form
		finds  []string
	}
	var rows []*row
	byTarget := map[string]*row{}
	for _, group := range groups {
		for i, term := range group.Terms {
			if group.OneWay && i > 0 {
				break
			}
			_, targets := forms(term)
			for _, target := range targets {
				r := byTarget[target.tsquery]
				if r == nil {
					r = &row{target: target}
					byTarget[target.tsquery] = r
					rows = append(rows, r)
				}
				for j, other := range group.Terms {
					find, _ := forms(other)
					if j != i && find != target && !slices.Contains(r.finds, find.tsquery) {
						r.finds = append(r.finds, find.tsquery)
					}
				}
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b *row) int { return b.target.nodes - a.target.nodes })
	rewrites := make([]Rewrite, 0, len(rows))
	for _, r := range rows {
		if len(r.finds) > 0 {
			substitute := r.target.tsquery + " | " + strings.Join(r.finds, " | ")
			rewrites = append(rewrites, Rewrite{r.target.tsquery, substitute})
		}
	}
	return rewrites
}

// A form is an operation and how it is written.
type form struct {
	tsquery string
	nodes   int // lexemes
}

// forms are those of a term: the first what is looked for when it stands for
// another, the rest what else queries hold for it. A term of one word is its lexeme,
// one with hyphens the joined word or a phrase, one of several words a phrase; in a
// query without quotes they are separate words.
func forms(term string) (exact form, others []form) {
	p := parser{input: term}
	found, slots := p.read(0, term, false)
	all := slices.Concat(slots...)
	for i := range all {
		all[i].typed = ""
	}
	var alternatives []*operation
	if len(found) == 1 && len(found[0].pieces[0].joined) > 0 {
		alternatives = append(alternatives, &operation{lexeme: found[0].pieces[0].joined[0]})
	}
	if o := sequence(all); o != nil {
		alternatives = append(alternatives, o)
	}
	exact = formOf(combine(or, alternatives))
	for _, o := range alternatives {
		others = append(others, formOf(o))
	}
	if len(all) > 1 {
		apart := strings.NewReplacer("-", " ", "\u2010", " ", "\u2011", " ").Replace(term)
		others = append(others, formOf(ParseQuery(apart).root))
	}
	return exact, others
}

func formOf(o *operation) form {
	if o == nil {
		return form{}
	}
	var s strings.Builder
	o.write(&s, false, true)
	return form{s.String(), o.size()}
}
