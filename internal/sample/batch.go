package sample

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"stadtgraph/internal/nodeid"
)

// A table with the columns that the sample fills, in the order of their values.
// Columns that belong together are one value: :date is a vague date, :money an
// amount, :long and :short are Markdown with its rendering.
type table struct {
	name    string
	columns []string
}

// In the order of their references.
var tables = []table{
	columns("topic", "id slug name scheme parent_id synonyms created_at modified_at"),
	columns("indicator", "id code name unit description created_at modified_at"),
	columns("organization", "id slug name short_name kind parent_id municipality_id state_id website created_at modified_at deleted_at"),
	columns("person", "id slug name given_name family_name academic_title aliases created_at modified_at"),
	columns("person_affiliation", "person_id position role organization_id municipality_id state_id party_id period_from:date period_to:date"),
	columns("source", "id publisher url title published_on:date retrieved_at verified_at quote license created_at modified_at"),
	columns("event", "id slug title kind summary date:date starts_at ends_at venue municipality_id audience session_count created_at modified_at deleted_at"),
	columns("event_organization", "event_id role position organization_id"),
	columns("event_mention", "event_id position person_id role "+capacity),
	columns("event_topic", "event_id position topic_id"),
	columns("event_link", "event_id position url title kind"),
	columns("event_source", "event_id position source_id"),
	columns("funding_program", "id slug title short_title summary body:long level administered_by_id funding_types eligible_applicants nationwide "+
		"total_volume:money funding_source contact period_from:date period_to:date status_verified_on publication_status published_at created_at modified_at deleted_at"),
	columns("funding_program_funder", "program_id position organization_id"),
	columns("funding_program_state", "program_id state_id"),
	columns("funding_program_rate", "program_id position percent condition"),
	columns("funding_program_topic", "program_id topic_id role position"),
	columns("funding_program_link", "program_id position url title kind"),
	columns("funding_program_source", "program_id position source_id"),
	columns("funding_call", "id program_id number label motto year opens_on closes_on status_verified_on volume:money application_count created_at modified_at deleted_at"),
	columns("funding_call_source", "call_id position source_id"),
	columns("strategy", "id slug title kind summary body:long status publication_status published_at revision_number predecessor_id lineage_id "+
		"period_from:date period_to:date target_year presented_on:date adopted_on:date evaluation_interval_months last_evaluated_on created_at modified_at deleted_at"),
	columns("strategy_owner", "strategy_id position municipality_id state_id organization_id"),
	columns("strategy_decision", "strategy_id position body_id kind date:date reference url"),
	columns("strategy_decision_source", "strategy_id decision position source_id"),
	columns("strategy_topic", "strategy_id topic_id role position"),
	columns("strategy_responsible", "strategy_id position organization_id"),
	columns("strategy_link", "strategy_id position url title kind"),
	columns("strategy_source", "strategy_id position source_id"),
	columns("strategy_participation", "strategy_id position event_id"),
	columns("measure", "id slug strategy_id position title description:short status priority action_field_id period_from:date period_to:date budget:money created_at modified_at deleted_at"),
	columns("measure_owner", "measure_id position municipality_id state_id organization_id"),
	columns("measure_organization", "measure_id role position organization_id"),
	columns("measure_topic", "measure_id position topic_id"),
	columns("measure_link", "measure_id position url title kind"),
	columns("measure_source", "measure_id position source_id"),
	columns("funding_award", "id program_id call_id title project_number category amount_awarded:money total_budget:money funding_rate_percent awarded_on:date period_from:date period_to:date note created_at modified_at deleted_at"),
	columns("funding_award_recipient", "award_id position municipality_id organization_id role role_inferred"),
	columns("funding_award_strategy", "award_id strategy_id"),
	columns("funding_award_measure", "award_id measure_id"),
	columns("funding_award_source", "award_id position source_id"),
	columns("media_asset", "id url mime_type width height alt_text caption credit rights_holder license symbolic created_at modified_at deleted_at"),
	columns("ranking", "id slug name edition category publisher_id participant_count url created_at modified_at"),
	columns("ranking_entry", "id ranking_id municipality_id rank previous_rank score max_score note created_at modified_at"),
	columns("ranking_source", "ranking_id position source_id"),
	columns("platform", "id slug name summary provider_id website created_at modified_at deleted_at"),
	columns("platform_state", "platform_id state_id"),
	columns("platform_source", "platform_id position source_id"),
	columns("figure", "id indicator_id municipality_id state_id strategy_id event_id organization_id value comparator as_of:date created_at modified_at deleted_at"),
	columns("figure_source", "figure_id position source_id"),
	columns("article", "id slug kind kicker title subtitle lead body:long publication_status published_on:date published_at updated_at "+
		"sponsored sponsor_id sponsor_label comments_status comments_close_at comment_policy_url created_at modified_at deleted_at"),
	columns("article_byline", "article_id position person_id organization_id shorthand kind"),
	columns("article_mention", "article_id position person_id role "+capacity),
	columns("article_topic", "article_id topic_id role position"),
	columns("article_link", "article_id position url title kind"),
	columns("article_municipality", "article_id municipality_id"),
	columns("article_state", "article_id state_id"),
	columns("article_strategy", "article_id strategy_id"),
	columns("article_measure", "article_id measure_id"),
	columns("article_funding_program", "article_id program_id"),
	columns("article_funding_award", "article_id award_id"),
	columns("article_organization", "article_id organization_id"),
	columns("article_event", "article_id event_id"),
	columns("article_platform", "article_id platform_id"),
	columns("article_ranking_entry", "article_id entry_id"),
	columns("article_figure", "article_id position figure_id"),
	columns("article_media", "article_id position media_id lead caption"),
	columns("article_previous", "article_id position previous_id"),
	columns("article_source", "article_id position source_id"),
	columns("comment", "id article_id parent_id root_id depth author_name body:short status audience upvotes downvotes visible tombstone published_at created_at modified_at path thread_at thread_rank previous_status reason spam_score"),
	columns("comment_note", "comment_id position text signature created_at"),
	columns("identifier", "scheme value organization_id person_id program_id award_id"),
	columns("former_slug", "type slug id"),
}

const capacity = "capacity_role capacity_organization_id capacity_municipality_id capacity_state_id capacity_party_id capacity_period_from:date capacity_period_to:date"

func columns(name, list string) table {
	t := table{name: name}
	for c := range strings.FieldsSeq(list) {
		c, suffix, _ := strings.Cut(c, ":")
		parts := map[string][]string{
			"":      {""},
			"date":  {"_start", "_end", "_precision", "_text"},
			"money": {"_amount", "_currency", "_approximate"},
			"long":  {"", "_html", "_text", "_renderer", "_contents", "_excerpt", "_reading_minutes"},
			"short": {"", "_html", "_text", "_renderer"},
		}
		for _, p := range parts[suffix] {
			t.columns = append(t.columns, c+p)
		}
	}
	return t
}

var tableIndex = func() map[string]int {
	index := map[string]int{}
	for i, t := range tables {
		index[t.name] = i
	}
	return index
}()

// A batch holds the rows of some entries, by table.
type batch struct {
	entries int
	rows    [][][]any
}

// add keeps a row. Zero times and keys, empty opt and values that are nil become
// NULL; values of several columns are taken apart.
func (b *batch) add(name string, values ...any) {
	if b.rows == nil {
		b.rows = make([][][]any, len(tables))
	}
	index, ok := tableIndex[name]
	if !ok {
		panic("sample: no table " + name)
	}
	row := flat(make([]any, 0, len(tables[index].columns)), values)
	if len(row) != len(tables[index].columns) {
		panic(fmt.Sprintf("sample: %d values for the %d columns of %s", len(row), len(tables[index].columns), name))
	}
	b.rows[index] = append(b.rows[index], row)
}

func flat(row, values []any) []any {
	for _, v := range values {
		switch v := v.(type) {
		case nodeid.UUID:
			row = append(row, pgtype.UUID{Bytes: v, Valid: v != nodeid.UUID{}})
		case time.Time:
			if v.IsZero() {
				row = append(row, nil)
			} else {
				row = append(row, v)
			}
		case opt:
			if v == "" {
				row = append(row, nil)
			} else {
				row = append(row, string(v))
			}
		case interface{ values() []any }:
			row = append(row, v.values()...)
		default:
			row = append(row, v)
		}
	}
	return row
}

func (b *batch) copy(ctx context.Context, tx pgx.Tx) error {
	for i, rows := range b.rows {
		if len(rows) == 0 {
			continue
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{tables[i].name}, tables[i].columns, pgx.CopyFromRows(rows)); err != nil {
			return fmt.Errorf("%s: %w", tables[i].name, err)
		}
		b.rows[i] = nil
	}
	return nil
}

// opt is a text that may be missing.
type opt string

// vague is a date of which somebody knows the day, the month, the year, or
// between which days. The zero value is NULL.
type vague struct {
	from, to  time.Time
	precision string
	text      opt
}

func onDay(t time.Time) vague {
	d := midnight(t)
	return vague{from: d, to: d, precision: "DAY"}
}

func inMonth(t time.Time) vague {
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return vague{from: first, to: first.AddDate(0, 1, -1), precision: "MONTH"}
}

func inYear(t time.Time) vague {
	first := time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	return vague{from: first, to: first.AddDate(1, 0, -1), precision: "YEAR"}
}

func (v vague) values() []any {
	if v.precision == "" {
		return []any{nil, nil, nil, nil}
	}
	if v.text == "" {
		return []any{v.from, v.to, v.precision, nil}
	}
	return []any{v.from, v.to, v.precision, string(v.text)}
}

// money is an amount in cents. The zero value is NULL: nobody knows.
type money struct {
	cents       int64
	approximate bool
}

func (m money) values() []any {
	if m.cents == 0 {
		return []any{nil, nil, nil}
	}
	return []any{decimal(m.cents, 2), "EUR", m.approximate}
}

func decimal(n int64, places int32) pgtype.Numeric {
	return pgtype.Numeric{Int: big.NewInt(n), Exp: -places, Valid: true}
}

// long and short are rendered texts in the order of their columns; nil is NULL.
type (
	long  struct{ *prose }
	short struct{ *prose }
)

func (t long) values() []any {
	if t.prose == nil {
		return make([]any, 7)
	}
	return []any{t.markdown, t.html, t.text, t.renderer, json.RawMessage("[" + strings.Join(t.contents, ",") + "]"), t.excerpt, t.minutes()}
}

func (t short) values() []any {
	if t.prose == nil {
		return make([]any, 4)
	}
	return []any{t.markdown, t.html, t.text, t.renderer}
}

// distinct leaves out what came before: link tables hold a pair once.
func distinct[T comparable](list []T) []T {
	var out []T
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
