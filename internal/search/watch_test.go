package search_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"stadtgraph/internal/postgres"
)

// A watcher writes to whatever documents are made of and compares what became of
// them with what is in the queue.
type watcher struct {
	*testing.T
	tx    pgx.Tx
	texts func(table string) map[string]string // what documents that a table is part of are made of, by type and id
}

// Whatever is written: a document that is made of other texts afterwards is in
// the queue.
func TestNothingIsForgotten(t *testing.T) {
	t.Parallel()
	tx, err := shared(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	// Some rows will do; of the municipalities those that something belongs to.
	var near []string
	for table := range strings.FieldsSeq("article_municipality strategy_owner measure_owner funding_award_recipient organization person_affiliation event municipality_former_name") {
		near = append(near, "(SELECT municipality_id AS id FROM "+table+" WHERE municipality_id IS NOT NULL ORDER BY ctid LIMIT 8)")
	}
	exec(t, tx, `CREATE TEMP TABLE nearby AS `+strings.Join(near, " UNION "))
	all := readings(t)
	ids := make([][]pgtype.UUID, len(all))
	statements := ""
	for i, r := range all {
		statements += r.SQL
		where := " ORDER BY ctid LIMIT 100"
		if r.Type == "Municipality" {
			where = " WHERE id IN (TABLE nearby)"
		}
		ids[i] = list[pgtype.UUID](t, tx, `SELECT id FROM `+list[string](t, tx, `SELECT lower(regexp_replace($1, '([a-z])([A-Z])', '\1_\2', 'g'))`, r.Type)[0]+where)
	}
	// What a statement does not name cannot change a document that it reads.
	named := func(name, in string) bool { return regexp.MustCompile(`\b` + name + `\b`).MatchString(in) }
	w := &watcher{T: t, tx: tx, texts: func(table string) map[string]string {
		texts := map[string]string{}
		for i, r := range all {
			if !named(table, r.SQL) {
				continue
			}
			if err := r.Texts(t.Context(), tx, ids[i], texts); err != nil {
				t.Fatal(err)
			}
		}
		return texts
	}}
	type column struct{ Table, Name, Type, Refers string }
	rows, _ := tx.Query(t.Context(), `
SELECT c.table_name, c.column_name, c.udt_name, coalesce((SELECT f.confrelid::regclass::text FROM pg_constraint f
  WHERE f.contype = 'f' AND f.conrelid = c.table_name::regclass
    AND f.conkey = ARRAY[(SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = f.conrelid AND a.attname = c.column_name)]), '')
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER' AND table_name !~ '^search_'
ORDER BY table_name, ordinal_position`)
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		t.Fatal(err)
	}
	var effective []string
	tables := map[string]bool{}
	for _, c := range columns {
		if !named(c.Table, statements) {
			continue
		}
		if !tables[c.Table] {
			tables[c.Table] = true
			w.comeAndGo(c.Table)
		}
		if c.Name != "id" && named(c.Name, statements) && w.change(c.Table, c.Name, c.Type, c.Refers) {
			effective = append(effective, c.Table+"."+c.Name)
		}
	}
	t.Logf("%d columns change documents", len(effective))
	for must := range strings.FieldsSeq(`article.title article.subtitle article.kicker article.lead article.body_text article.published_on_start article.deleted_at
		article_topic.topic_id article_municipality.municipality_id article_state.state_id article_organization.organization_id article_mention.person_id
		article_byline.person_id article_byline.organization_id comment.body_text comment.status comment.published_at comment.created_at
		strategy.title strategy.kind strategy.summary strategy.body_text strategy.adopted_on_start strategy.presented_on_start strategy.deleted_at
		strategy_owner.municipality_id strategy_owner.state_id strategy_owner.organization_id strategy_topic.topic_id strategy_responsible.organization_id
		measure.title measure.description_text measure.strategy_id measure.action_field_id measure.period_from_start measure.deleted_at
		measure_owner.municipality_id measure_owner.state_id measure_organization.organization_id measure_topic.topic_id
		funding_program.title funding_program.short_title funding_program.summary funding_program.body_text funding_program.administered_by_id
		funding_program.period_from_start funding_program.deleted_at
		funding_program_funder.organization_id funding_program_state.state_id funding_program_topic.topic_id
		funding_call.label funding_call.motto funding_call.year funding_call.opens_on funding_call.program_id funding_call.deleted_at
		funding_award.title funding_award.project_number funding_award.category funding_award.note funding_award.program_id
		funding_award.awarded_on_start funding_award.period_from_start funding_award.deleted_at
		funding_award_recipient.municipality_id funding_award_recipient.organization_id
		event.title event.summary event.venue event.audience event.municipality_id event.date_start event.deleted_at
		event_organization.organization_id event_mention.person_id event_topic.topic_id
		ranking.name ranking.edition ranking.category ranking.publisher_id ranking.deleted_at ranking_entry.municipality_id
		platform.name platform.summary platform.provider_id platform.deleted_at platform_state.state_id
		municipality.label municipality.official_name municipality.name municipality.kind municipality.administration_postal_code municipality.state_id
		municipality_former_name.name municipality_key.key state.name state.iso3166 state.nuts1 state.city_municipality_id
		organization.name organization.short_name organization.parent_id organization.municipality_id organization.state_id organization.deleted_at
		person.name person.academic_title person.aliases person.deleted_at person_affiliation.role person_affiliation.organization_id
		person_affiliation.municipality_id person_affiliation.state_id person_affiliation.party_id
		topic.name topic.synonyms topic.parent_id topic.deleted_at`) {
		if !slices.Contains(effective, must) {
			t.Errorf("no change of %s was tried that changes documents", must)
		}
	}

	// What no document is made of costs none its place.
	for _, sql := range []string{`UPDATE article SET version = version + 1, modified_at = now(), comments_status = 'OPEN'`,
		`UPDATE comment SET upvotes = upvotes + 1`, `UPDATE comment SET status = CASE status WHEN 'PENDING' THEN 'APPROVED' ELSE status END`,
		`UPDATE municipality SET population = population + 1`, `UPDATE topic SET scheme = scheme, version = 2`} {
		w.attempt(func(db postgres.DB) error {
			exec(t, db, sql)
			if n := list[int](t, db, `SELECT count(*)::int FROM search_stale`)[0]; n > 0 {
				t.Errorf("%s: %d entries in the queue", sql, n)
			}
			return nil
		})
	}
}

// attempt does something that may be refused, and takes it back.
func (w *watcher) attempt(do func(postgres.DB) error) (done bool) {
	w.Helper()
	inner, err := w.tx.Begin(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	done = do(inner) == nil
	if err := inner.Rollback(w.Context()); err != nil {
		w.Fatal(err)
	}
	return done
}

// check says whether what was written changed documents. Those have to be in the
// queue.
func (w *watcher) check(what, table string, before map[string]string) (changed bool) {
	w.Helper()
	queue := map[string]bool{}
	for _, entry := range list[string](w, w.tx, `SELECT type || ' ' || id FROM search_stale`) {
		queue[entry] = true
	}
	after := w.texts(table)
	missed := 0
	compare := func(key string) {
		if before[key] == after[key] {
			return
		}
		changed = true
		if missed++; !queue[key] && missed <= 2 {
			w.Errorf("%s: the document of %s changes and is not in the queue", what, key)
		}
	}
	for key := range before {
		compare(key)
	}
	for key := range after {
		if _, ok := before[key]; !ok {
			compare(key)
		}
	}
	return changed
}

// change gives rows of a table another value in a column, in one way or another.
func (w *watcher) change(table, column, typ, refers string) bool {
	w.Helper()
	where := map[string]string{"municipality": " WHERE id IN (TABLE nearby)", "municipality_key": " WHERE municipality_id IN (TABLE nearby)"}[table]
	another := fmt.Sprintf("%[2]s = (SELECT o.%[2]s FROM %[1]s o WHERE o.%[2]s <> t.%[2]s ORDER BY 1 LIMIT 1)", table, column)
	values := []string{another}
	switch typ {
	case "text":
		values = []string{column + " = coalesce(" + column + ", '') || ' ergänzt'", column + " = translate(" + column + ", '0123456789', '1234567890')", another, column + " = NULL"}
		if table == "comment" && column == "status" {
			values = []string{"status = CASE status WHEN 'ERASED' THEN 'APPROVED' ELSE 'ERASED' END"}
		}
	case "uuid":
		values = []string{column + " = NULL"}
		for _, offset := range []int{0, 1, 7} {
			values = append(values, fmt.Sprintf("%[1]s = (SELECT o.id FROM %[2]s o WHERE o.id <> t.%[1]s ORDER BY md5(o.id::text) OFFSET %[3]d LIMIT 1)", column, refers, offset))
		}
	case "date":
		values = []string{column + " = coalesce(" + column + ", '2020-01-01') + 1"}
		if stem, ok := strings.CutSuffix(column, "_start"); ok {
			values = []string{fmt.Sprintf("%[1]s_start = d.day, %[1]s_end = d.day, %[1]s_precision = 'DAY', %[1]s_text = NULL FROM (SELECT date '2019-02-03' AS day) d", stem)}
		}
	case "timestamptz":
		values = []string{column + " = coalesce(" + column + ", '2020-01-01') + interval '2 days'"}
	case "int4":
		values = []string{column + " = coalesce(" + column + ", 2000) + 1", column + " = coalesce(" + column + ", 2000) - 1"}
	case "_text":
		values = []string{column + " = " + column + " || ARRAY['ergänzt']"}
	}
	before := w.texts(table)
	for _, value := range values {
		set, from, _ := strings.Cut(value, " FROM (SELECT date")
		if from != "" {
			from = " FROM (SELECT date" + from
		}
		for _, limit := range []int{3, 1} {
			changed := false
			if w.attempt(func(db postgres.DB) error {
				if _, err := db.Exec(w.Context(), fmt.Sprintf(`UPDATE %[1]s t SET %[2]s%[6]s WHERE t.ctid = ANY(ARRAY(SELECT ctid FROM %[1]s%[3]s ORDER BY (%[4]s IS NOT NULL) DESC, ctid LIMIT %[5]d))`,
					table, set, where, column, limit, from)); err != nil {
					return err
				}
				changed = w.check("a change of "+column+" in "+table, table, before)
				return nil
			}) {
				if changed {
					return true
				}
				break
			}
		}
	}
	return false
}

// comeAndGo deletes rows of a table and writes them again.
func (w *watcher) comeAndGo(table string) {
	w.Helper()
	names := strings.Join(list[string](w, w.tx, `SELECT quote_ident(column_name) FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position`, table), ", ")
	before := w.texts(table)
	for _, offset := range []int{0, 5} {
		w.attempt(func(db postgres.DB) error {
			for _, sql := range []string{
				fmt.Sprintf(`CREATE TEMP TABLE gone ON COMMIT DROP AS SELECT * FROM %s OFFSET %d LIMIT 1`, table, offset),
				fmt.Sprintf(`DELETE FROM %[1]s t USING gone g WHERE t = g::text::%[1]s`, table),
			} {
				if _, err := db.Exec(w.Context(), sql); err != nil {
					return err // something refers to it
				}
			}
			w.check("a row that goes from "+table, table, before)
			without := w.texts(table)
			exec(w, db, `DELETE FROM search_stale`)
			if _, err := db.Exec(w.Context(), fmt.Sprintf(`INSERT INTO %s (%s) SELECT %[2]s FROM gone`, table, names)); err != nil {
				return err
			}
			w.check("a row that comes to "+table, table, without)
			return nil
		})
	}
}
