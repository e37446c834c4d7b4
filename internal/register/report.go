package register

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Outcome is what an import did with a unit or state.
type Outcome string

// The outcomes, in the order in which a report lists them.
const (
	Created   Outcome = "created"
	Renamed   Outcome = "renamed" // other fields may have changed too
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
	Changes []Change // by column
}

// Change is a field's text before and after.
type Change struct{ Field, Old, New string }

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
	if r.DryRun {
		b.WriteString(" (dry run: nothing was stored)")
	}
	b.WriteString("\n")
	for _, o := range []Outcome{Created, Renamed, Changed, Missing} {
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
	for i, c := range r.Changes {
		b.WriteString([]string{": ", ", "}[min(i, 1)])
		fmt.Fprintf(&b, "%s %s → %s", c.Field, cmp.Or(c.Old, "–"), cmp.Or(c.New, "–"))
	}
	return b.String()
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
