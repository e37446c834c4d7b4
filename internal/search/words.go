package search

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"stadtgraph/internal/german"
	"stadtgraph/internal/postgres"
)

// Synonyms brings search_synonym in line with the terms that ship, except those
// that were edited, and what Postgres makes of them in line with it. Whoever edits a
// term calls it in the same transaction.
func Synonyms(ctx context.Context, db postgres.DB) error {
	shipped, err := german.ReadSynonyms(strings.NewReader(german.SynonymsCSV))
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		// One at a time; who waited sees what the one before has written.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('search_synonym'))`); err != nil {
			return err
		}
		if err := shipSynonyms(ctx, tx, expansions(shipped)); err != nil {
			return err
		}
		return rewrite(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("keep synonyms: %w", err)
	}
	return nil
}

// A synonym is a term with what else is looked for.
type synonym struct {
	Term       string
	Expansions []string
}

// expansions gives for each term of groups what it finds.
func expansions(groups []german.Synonyms) map[string][]string {
	all := map[string][]string{}
	for _, g := range groups {
		for i, term := range g.Terms {
			for j, other := range g.Terms {
				if i != j && !slices.Contains(all[term], other) {
					all[term] = append(all[term], other)
				}
			}
			if g.OneWay {
				break
			}
		}
	}
	return all
}

// shipSynonyms writes no more than what differs.
func shipSynonyms(ctx context.Context, tx pgx.Tx, shipped map[string][]string) error {
	rows, _ := tx.Query(ctx, `SELECT term, expansions FROM search_synonym WHERE origin = 'SHIPPED'`)
	there, err := pgx.CollectRows(rows, pgx.RowToStructByPos[synonym])
	if err != nil {
		return err
	}
	same := map[string]bool{}
	for _, s := range there {
		same[s.Term] = slices.Equal(s.Expansions, shipped[s.Term])
	}
	if _, err := tx.Exec(ctx, `DELETE FROM search_synonym WHERE origin = 'SHIPPED' AND term <> ALL($1)`, slices.Collect(maps.Keys(shipped))); err != nil {
		return err
	}
	for _, term := range slices.Sorted(maps.Keys(shipped)) {
		if same[term] {
			continue
		}
		if _, err := tx.Exec(ctx, `
INSERT INTO search_synonym AS s (term, expansions, origin) VALUES ($1, $2, 'SHIPPED')
ON CONFLICT (term) DO UPDATE SET expansions = excluded.expansions WHERE s.origin = 'SHIPPED'`, term, shipped[term]); err != nil {
			return err
		}
	}
	return nil
}

// rewrite makes the rows for ts_rewrite, which takes all terms together: two that
// look the same to Postgres share a row.
func rewrite(ctx context.Context, tx pgx.Tx) error {
	rows, _ := tx.Query(ctx, `SELECT term, expansions FROM search_synonym ORDER BY term COLLATE "C"`)
	terms, err := pgx.CollectRows(rows, pgx.RowToStructByPos[synonym])
	if err != nil {
		return err
	}
	var groups []german.Synonyms
	for _, s := range terms {
		groups = append(groups, german.Synonyms{Terms: append([]string{s.Term}, s.Expansions...), OneWay: true})
	}
	var targets, substitutes []string
	for _, r := range german.Rewrites(groups) {
		if r.Target != "" {
			targets, substitutes = append(targets, r.Target), append(substitutes, r.Substitute)
		}
	}
	_, err = tx.Exec(ctx, `
WITH fresh AS (
  SELECT r.place::integer AS place, r.target::tsquery AS target, r.substitute::tsquery AS substitute
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY r (target, substitute, place)
), written AS (
  INSERT INTO search_rewrite AS r (place, target, substitute) TABLE fresh
  ON CONFLICT (place) DO UPDATE SET target = excluded.target, substitute = excluded.substitute
  WHERE (r.target, r.substitute) IS DISTINCT FROM (excluded.target, excluded.substitute)
)
DELETE FROM search_rewrite WHERE place > (SELECT count(*) FROM fresh)`, targets, substitutes)
	return err
}

// namesChanged says whether documents were made of rows whose names are words for
// corrections.
func namesChanged(made map[string]int) bool {
	for _, name := range [...]string{"Municipality", "State", "Topic", "Organization", "Person", "Platform", "Ranking"} {
		if made[name] > 0 {
			return true
		}
	}
	return false
}

// keepWords brings search_word in line with the lexicon and with the names in the
// database, of what is public whatever is published.
func keepWords(ctx context.Context, db postgres.DB) error {
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('search_word'))`); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, `
SELECT name, max(fame)::float4 FROM (
  SELECT name, 0.95 AS fame FROM state
  UNION ALL SELECT name, least(1, log(greatest(population, 1)) / 7) FROM municipality
  UNION ALL SELECT name, 0 FROM municipality_former_name
  UNION ALL SELECT name, 0.8 FROM topic WHERE deleted_at IS NULL
  UNION ALL SELECT unnest(synonyms), 0.8 FROM topic WHERE deleted_at IS NULL
  UNION ALL SELECT name, 0.6 FROM organization WHERE deleted_at IS NULL
  UNION ALL SELECT name, 0.6 FROM person WHERE deleted_at IS NULL
  UNION ALL SELECT name, 0.6 FROM platform WHERE deleted_at IS NULL
  UNION ALL SELECT name, 0.6 FROM ranking WHERE deleted_at IS NULL
) n GROUP BY name`)
		names, err := pgx.CollectRows(rows, pgx.RowToStructByPos[known])
		if err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, `SELECT word, display, origin, fame, analysis FROM search_word`)
		there, err := pgx.CollectRows(rows, pgx.RowToStructByPos[word])
		if err != nil {
			return err
		}
		return writeWords(ctx, tx, there, vocabulary(names))
	})
	if err != nil {
		return fmt.Errorf("keep the words for corrections: %w", err)
	}
	return nil
}

// A name, and how likely somebody means it.
type known struct {
	Name string
	Fame float32
}

// common is how likely somebody means a word of the lexicon.
const common = 0.7

// A word that a misspelt one may have meant.
type word struct {
	Word, Display, Origin string
	Fame                  float32
	Analysis              int
}

// vocabulary is the lexicon with the words of names.
func vocabulary(names []known) map[string]word {
	all := map[string]word{}
	add := func(text, origin string, fame float32) {
		for token := range german.Tokens(text) {
			display := text[token.Start:token.End]
			if len(token.Lexemes) == 0 || utf8.RuneCountInString(display) < 3 || strings.ContainsFunc(display, func(r rune) bool { return !unicode.IsLetter(r) }) {
				continue // a stop word, an abbreviation, a number
			}
			w := word{german.Fold(display), display, origin, fame, german.Version}
			// Of several spellings the same one each time: that of the lexicon, or the first.
			if before, ok := all[w.Word]; ok {
				w.Fame = max(fame, before.Fame)
				if cmp.Or(strings.Compare(origin, before.Origin), strings.Compare(display, before.Display)) >= 0 {
					w.Origin, w.Display = before.Origin, before.Display
				}
			}
			all[w.Word] = w
		}
	}
	for w := range german.Words() {
		add(w, "LEXICON", common)
	}
	for _, n := range names {
		add(n.Name, "NAME", n.Fame)
	}
	return all
}

// writeWords writes no more than what differs.
func writeWords(ctx context.Context, tx pgx.Tx, there []word, wanted map[string]word) error {
	var gone []string
	for _, w := range there {
		if _, ok := wanted[w.Word]; !ok {
			gone = append(gone, w.Word)
		} else if wanted[w.Word] == w {
			delete(wanted, w.Word)
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM search_word WHERE word = ANY($1)`, gone); err != nil {
		return err
	}
	n := len(wanted)
	words, displays, queries, origins, fames := make([]string, 0, n), make([]string, 0, n), make([]string, 0, n), make([]string, 0, n), make([]float32, 0, n)
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		w := wanted[key]
		query := german.ParseQuery(w.Display)
		if query.Empty() {
			continue // Oder is a river, and in a query it is not
		}
		words, displays, queries = append(words, w.Word), append(displays, w.Display), append(queries, query.TSQuery())
		origins, fames = append(origins, w.Origin), append(fames, w.Fame)
	}
	_, err := tx.Exec(ctx, `
INSERT INTO search_word (word, display, query, origin, fame, analysis)
SELECT n.word, n.display, n.query::tsquery, n.origin, n.fame, $6 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float4[]) n (word, display, query, origin, fame)
ON CONFLICT (word) DO UPDATE SET display = excluded.display, query = excluded.query, origin = excluded.origin, fame = excluded.fame, analysis = excluded.analysis`,
		words, displays, queries, origins, fames, german.Version)
	return err
}
