package register

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// Outcome is what an import did with a unit or state.
type Outcome string

// The outcomes, in the order in which a report lists them.
const (
	Created   Outcome = "created"
	Renamed   Outcome = "renamed" // other fields may have changed too
	Rekeyed   Outcome = "re-keyed"
	Dissolved Outcome = "dissolved"
	Changed   Outcome = "changed"
	Missing   Outcome = "missing" // in the database, not in the file; left as it is
	Unchanged Outcome = "unchanged"
)

// Row is the report on one unit or state.
type Row struct {
	Outcome Outcome
	Level   string
	Key     string
	Name    string   // official
	OldName string   // official, where it was renamed
	OldKey  string   // where it got another
	Changes []Change // by column

	Territorial []Territorial // changes of territory that were recorded with it
	Candidates  []Candidate   // what a missing unit may have become

	id pgtype.UUID
}

// Change is a field's text before and after.
type Change struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// Report says what an import did, or would do in a dry run.
type Report struct {
	File   string
	Format Format
	AsOf   time.Time // zero if the file has no date
	DryRun bool
	Rows   []Row
}

// Count is how many rows had an outcome.
func (r Report) Count(o Outcome) int {
	n := 0
	for i := range r.Rows {
		if r.Rows[i].Outcome == o {
			n++
		}
	}
	return n
}

// Write prints a summary, then at most limit rows of each outcome; all if limit
// is negative. Unchanged rows are counted only.
func (r Report) Write(w io.Writer, limit int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s", r.File, r.Format)
	if !r.AsOf.IsZero() {
		fmt.Fprintf(&b, ", %s", r.AsOf.Format(time.DateOnly))
	}
	fmt.Fprintf(&b, "): %d created, %d renamed, %d changed, %d missing, %d unchanged",
		r.Count(Created), r.Count(Renamed), r.Count(Changed), r.Count(Missing), r.Count(Unchanged))
	for _, o := range []Outcome{Rekeyed, Dissolved} {
		if n := r.Count(o); n > 0 {
			fmt.Fprintf(&b, ", %d %s", n, o)
		}
	}
	if r.DryRun {
		b.WriteString(" (dry run: nothing was stored)")
	}
	b.WriteString("\n")
	for _, o := range []Outcome{Created, Renamed, Rekeyed, Dissolved, Changed, Missing} {
		r.list(&b, o, limit)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Report) list(b *strings.Builder, o Outcome, limit int) {
	shown, total := 0, r.Count(o)
	if total == 0 {
		return
	}
	if o == Missing {
		b.WriteString("\nmissing, left as they are:\n")
	} else {
		fmt.Fprintf(b, "\n%s:\n", o)
	}
	for _, row := range r.Rows {
		if row.Outcome != o {
			continue
		}
		if limit >= 0 && shown == limit {
			fmt.Fprintf(b, "  … and %d more\n", total-shown)
			return
		}
		shown++
		fmt.Fprintf(b, "  %s\n", row)
	}
}

// String is the row's line in a report.
func (r Row) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-9s %s", r.Key, r.Name)
	if r.OldName != "" {
		fmt.Fprintf(&b, ", was %s", r.OldName)
	}
	if r.OldKey != "" {
		fmt.Fprintf(&b, ", was %s", r.OldKey)
	}
	for i, c := range r.Changes {
		b.WriteString([]string{": ", ", "}[min(i, 1)])
		fmt.Fprintf(&b, "%s %s → %s", c.Field, cmp.Or(c.Old, "–"), cmp.Or(c.New, "–"))
	}
	for _, t := range r.Territorial {
		fmt.Fprintf(&b, "\n            %s → %s %s, %s", t.FormerKey, t.SuccessorKey, t.SuccessorName, t.Kind)
		if t.EffectiveOn != "" {
			b.WriteString(" on " + t.EffectiveOn)
		}
	}
	for _, c := range r.Candidates {
		fmt.Fprintf(&b, "\n            maybe %s into %s %s: %s\n            %s", c.Kind, c.Key, c.Name, c.Why, c.Mutation)
	}
	return b.String()
}

// WriteLines writes a line of JSON for each row that is not unchanged.
func (r Report) WriteLines(w io.Writer) error {
	type line struct {
		Status      string        `json:"status"`
		Level       string        `json:"level"`
		Key         string        `json:"key"`
		Name        string        `json:"name"`
		OldKey      string        `json:"oldKey,omitempty"`
		OldName     string        `json:"oldName,omitempty"`
		Changes     []Change      `json:"changes,omitempty"`
		Territorial []Territorial `json:"territorialChanges,omitempty"`
		Candidates  []Candidate   `json:"candidates,omitempty"`
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, row := range r.Rows {
		if row.Outcome == Unchanged {
			continue
		}
		status := strings.ToUpper(strings.ReplaceAll(string(row.Outcome), "-", ""))
		if err := encoder.Encode(line{status, row.Level, row.Key, row.Name, row.OldKey, row.OldName, row.Changes, row.Territorial, row.Candidates}); err != nil {
			return err
		}
	}
	return nil
}

// sort orders rows by level, then key.
func (r *Report) sort() {
	slices.SortStableFunc(r.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(rank(a.Level), rank(b.Level)), cmp.Compare(a.Key, b.Key))
	})
}

// rank puts what holds others before what it holds.
func rank(level string) int {
	switch level {
	case levelState:
		return 0
	case levelGovernmentRegion:
		return 1
	case levelDistrict:
		return 2
	case levelAssociation:
		return 3
	}
	return 4
}
