package plan

import (
	"regexp"
	"slices"
	"time"

	"stadtgraph/internal/nodeid"
)

// Sources are what an answer was read from. It stays as it is until something of that
// is written or, if it is timed, until time tells otherwise.
type Sources struct {
	Complete bool // they are all there are

	// Words are all names in the statements that may be those of a table, a view or a
	// function, but for tables of which nothing was read but Rows: any of their rows may
	// have decided what the answer is.
	Words []string
	Rows  []Source

	Timed  bool // the instant or the day was compared with something
	Moving bool // with a span of time, so that each instant may have an answer of its own
}

// Source is a row that was reached by its key alone: by a look-up, or from there by
// the column of another such row.
type Source struct {
	Type, Table string
	ID          nodeid.ID
}

// NextDay is when the day begins that follows an instant, where German deadlines are.
func NextDay(now time.Time) time.Time {
	year, month, day := now.In(berlin).Date()
	return time.Date(year, month, day+1, 0, 0, 0, 0, berlin)
}

// reads is what of the sources of a root field is known before it is read.
type reads struct {
	words         []string
	narrow        []string // words that stand for rows alone, if the look-up finds one
	rows          []rowRef
	direct        int // the column that says whether it was found under a name of its own; -1 if that is no question
	timed, moving bool
}

// rowRef is the column that holds the key of a row.
type rowRef struct {
	col    int
	object *Object
}

var (
	quotedSQL = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	wordSQL   = regexp.MustCompile(`(?:^|[^.\w$])([a-z_][a-z0-9_]*)`)
)

// wordsOf counts the words of a statement that are no columns of anything.
func wordsOf(sql string) map[string]int {
	count := map[string]int{}
	for _, w := range wordSQL.FindAllStringSubmatch(quotedSQL.ReplaceAllString(sql, " "), -1) {
		count[w[1]]++
	}
	return count
}

// follow notes that a row is reached by its key, which is a column. The table is
// then named once for it in the statement.
func (b *builder) follow(sc *scope, o *Object, key string) {
	if sc.keyed && o.Prefix != "" {
		b.reads.rows = append(b.reads.rows, rowRef{sc.col(key), o})
		b.narrow[string(o.Table)]++
	}
}

// readsOf says what a statement reads: a table is read as a whole if it is named more
// often than rows are followed into it.
func (b *builder) readsOf(sql string) reads {
	r := b.reads
	for w, n := range wordsOf(sql) {
		if n > b.narrow[w] {
			r.words = append(r.words, w)
		} else {
			r.narrow = append(r.narrow, w)
		}
	}
	for _, p := range b.params {
		r.timed = r.timed || p.from == fromNow || p.from == fromToday
	}
	return r
}

// note adds what a root field was read from.
func (r *Request) note(root *rootPlan, rs rows) {
	from := &root.reads
	r.from.Words = append(r.from.Words, from.words...)
	r.from.Timed, r.from.Moving = r.from.Timed || from.timed, r.from.Moving || from.moving
	if rs.n == 0 || from.direct >= 0 && !slices.Equal(rs.flat[from.direct], []byte{1}) {
		r.from.Words = append(r.from.Words, from.narrow...) // any row might be found instead
		return
	}
	for _, ref := range from.rows {
		if key := rs.flat[ref.col]; len(key) == 16 {
			r.from.Rows = append(r.from.Rows, Source{ref.object.Type, string(ref.object.Table), nodeid.ID{Prefix: ref.object.Prefix, UUID: nodeid.UUID(key)}})
		}
	}
}

// Sources are what the answer was read from, after Read.
func (r *Request) Sources() Sources {
	r.from.Complete = true
	return r.from
}

// Words gives, for each of the statements of a request, those that may name what it
// reads, for tests.
func (r *Request) Words() (all [][]string) {
	for i := range r.plan.roots {
		if from := &r.plan.roots[i].reads; r.plan.roots[i].stmt != nil {
			all = append(all, slices.Concat(from.words, from.narrow))
		}
	}
	return all
}
