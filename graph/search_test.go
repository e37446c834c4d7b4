package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/nodeid"
)

const (
	judged   = "testdata/search/judged.txt"
	measured = "testdata/search/quality.txt"
	farthest = 500 // hits that are looked at
)

// TestJudged asks the queries of testdata/search/judged.txt, whose head explains
// them, as anybody may ask them. It fails for each judgement that does not hold,
// and when the figures over all are worse than those in quality.txt. With -update
// it writes these anew.
//
//	recall       of the documents that ought to be found, how many are
//	precision    of the documents found about which there is a judgement, how many ought to be
//	rank         the mean of 1 over the place of the best document
//	corrections  of the misspelt queries, how many are put right
func TestJudged(t *testing.T) { //nolint:tparallel // its subtests are, in a group that ends before the figures are read
	t.Parallel()
	compares(t)
	if testing.Short() {
		t.Skip("asks more than 500 questions")
	}
	pool := shipped(t)
	e := graph.NewExecutor(newPlanner(t, pool))
	names := documentNames(t, pool)
	known := map[string]bool{}
	for _, name := range names {
		known[name] = true
	}
	questions := readJudged(t, known)

	var mu sync.Mutex
	var total figures
	t.Run("", func(t *testing.T) {
		for _, q := range questions {
			t.Run(fmt.Sprintf("line %d %s", q.line, q.words), func(t *testing.T) {
				t.Parallel()
				a := q.ask(t, e, names)
				f := q.judge(t, a)
				mu.Lock()
				defer mu.Unlock()
				total.add(f)
			})
		}
	})
	t.Logf("\n%s", total)
	if *update && !t.Failed() {
		if err := os.WriteFile(measured, []byte(total.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := readFigures(t)
	for name, v := range total.values() {
		if v < want[name]-0.0005 {
			t.Errorf("%s is %.3f, and was %.3f", name, v, want[name])
		}
	}
}

// An inquiry is a block of the file.
type inquiry struct {
	line  int
	field string // search, suggest, or a list
	types []string
	words string
	judgements
	wishes judgements
	best   []string // who has to come first, or near it
	labels map[string]string
}

type judgements struct {
	within  map[string]int // place at most; 0 for any
	not     []string
	orders  [][]string
	means   *string
	nothing bool
}

// An answer is what came, by names of documents, in order.
type answer struct {
	hits    []string
	labels  map[string]string
	total   int
	meaning string
}

func readJudged(t *testing.T, known map[string]bool) (all []*inquiry) {
	t.Helper()
	seen := map[string]int{}
	var q *inquiry
	for i, text := range strings.Split(strings.TrimSuffix(string(read(t, judged)), "\n"), "\n") {
		line := i + 1
		switch {
		case strings.HasPrefix(text, "#"), text == "":
		case !strings.HasPrefix(text, " "):
			field, words, _ := strings.Cut(text, " ")
			q = &inquiry{line: line, field: field, words: words, labels: map[string]string{}}
			if types, rest, ok := strings.Cut(words, ": "); ok && strings.Trim(types, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_,") == "" {
				q.types, q.words = strings.Split(types, ","), rest
			}
			if before, ok := seen[text]; ok {
				t.Errorf("%s:%d: asked in line %d already: %s", judged, line, before, text)
			}
			seen[text] = line
			all = append(all, q)
		default:
			if err := q.read(strings.Fields(text), known); err != nil {
				t.Errorf("%s:%d: %v", judged, line, err)
			}
		}
	}
	for _, q := range all {
		least := 0
		for _, j := range []judgements{q.judgements, q.wishes} {
			for _, n := range j.within {
				if n > 0 && (least == 0 || n < least) {
					least = n
				}
			}
		}
		for _, j := range []judgements{q.judgements, q.wishes} {
			for name, n := range j.within {
				if n == least {
					q.best = append(q.best, name)
				}
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return all
}

func (q *inquiry) read(words []string, known map[string]bool) error {
	j := &q.judgements
	if words[0] == "wish" {
		j, words = &q.wishes, words[1:]
	}
	if j.within == nil {
		j.within = map[string]int{}
	}
	verb, names := words[0], words[1:]
	switch verb {
	case "means":
		wording := strings.Join(names, " ")
		j.means = &wording
		return nil
	case "nothing":
		j.nothing = true
		return nil
	case "label":
		q.labels[names[0]] = strings.Join(names[1:], " ")
		names = names[:1]
	}
	for _, name := range names {
		if prefix, ok := strings.CutSuffix(name, "*"); (!ok || verb != "not" || !strings.HasSuffix(prefix, ":")) && !known[name] {
			return fmt.Errorf("there is no %s", name)
		}
	}
	switch verb {
	case "all":
		for _, name := range names {
			j.within[name] = 0
		}
	case "not":
		j.not = append(j.not, names...)
	case "order":
		j.orders = append(j.orders, names)
	case "label":
	default:
		place, err := strconv.Atoi(verb)
		if err != nil || place < len(names) {
			return fmt.Errorf("cannot be read: %s", strings.Join(words, " "))
		}
		for _, name := range names {
			j.within[name] = place
		}
	}
	return nil
}

func (q *inquiry) ask(t *testing.T, e *graph.Executor, names map[string]string) (a answer) {
	const node = `{ __typename ... on Node { id } }`
	variables := map[string]any{"words": q.words, "types": any(nil)}
	if q.types != nil {
		types := []any{}
		for _, name := range q.types {
			types = append(types, name)
		}
		variables["types"] = types
	}
	var query string
	switch q.field {
	case "suggest":
		query = `query($words: String!, $types: [SearchType!]) { got: suggest(prefix: $words, types: $types, first: 20) { label node ` + node + ` } }`
	case "search":
		query = `query($words: String!, $types: [SearchType!], $after: String) { got: search(query: $words, types: $types, first: 100, after: $after) {
			totalCount didYouMean nodes { node ` + node + ` } pageInfo { endCursor hasNextPage } } }`
	default:
		query = `query($words: String!, $after: String) { got: ` + q.field + `(filter: {q: $words}, first: 100, after: $after) {
			totalCount nodes ` + node + ` pageInfo { endCursor hasNextPage } } }`
		delete(variables, "types")
	}
	type found struct {
		ID    string // of a list
		Label string
		Node  struct{ ID string }
	}
	a.labels = map[string]string{}
	for len(a.hits) < farthest {
		text := run(t, e, query, variables)
		var got struct {
			Data   struct{ Got json.RawMessage }
			Errors []any
		}
		var page struct {
			TotalCount int
			DidYouMean string
			Nodes      []found
			PageInfo   struct {
				EndCursor   string
				HasNextPage bool
			}
		}
		into := any(&page)
		if q.field == "suggest" {
			into = &page.Nodes
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.Errors != nil || json.Unmarshal(got.Data.Got, into) != nil {
			t.Fatalf("%s", text)
		}
		for _, n := range page.Nodes {
			id := n.ID + n.Node.ID
			name, ok := names[id]
			if !ok {
				t.Fatalf("nobody knows %s", id)
			}
			a.hits = append(a.hits, name)
			a.labels[name] = n.Label
		}
		a.total, a.meaning = max(page.TotalCount, len(a.hits)), page.DidYouMean
		if !page.PageInfo.HasNextPage {
			break
		}
		variables["after"] = page.PageInfo.EndCursor
	}
	return a
}

// judge reports what of the judgements does not hold, and measures.
func (q *inquiry) judge(t *testing.T, a answer) (f figures) {
	t.Helper()
	for _, wrong := range q.judgements.check(a) {
		t.Errorf("%s:%d: %s %s %s\n%s", judged, q.line, q.field, strings.Join(q.types, ","), q.words, wrong)
	}
	if t.Failed() {
		t.Log(a.String())
	}
	for name, label := range q.labels {
		if got, ok := a.labels[name]; !ok || got != label {
			t.Errorf("%s:%d: the label of %s is %q, not %q\n%s", judged, q.line, name, got, label, a)
		}
	}
	meaning := ""
	if q.means != nil {
		meaning = *q.means
	}
	if q.wishes.means != nil {
		f.misspelt++
		if a.meaning == *q.wishes.means {
			f.corrected++
			t.Errorf("%s:%d: the wish for %q has come true: say so", judged, q.line, a.meaning)
		}
	} else if a.meaning != meaning {
		t.Errorf("%s:%d: %s: the proposal is %q, not %q", judged, q.line, q.words, a.meaning, meaning)
	}
	if q.means != nil {
		f.misspelt++
		if a.meaning == meaning {
			f.corrected++
		}
	}
	if q.wishes.within != nil && len(q.wishes.check(a)) == 0 && q.wishes.means == nil {
		t.Errorf("%s:%d: the wishes have come true: say so", judged, q.line)
	}
	f.questions++
	for _, j := range []judgements{q.judgements, q.wishes} {
		for name := range j.within {
			f.wanted++
			if a.place(name) > 0 {
				f.found++
			}
		}
		for _, name := range a.hits {
			if matches(j.not, name) {
				f.wrong++
			}
		}
	}
	if len(q.best) > 0 {
		f.ranked++
		place := 0
		for _, name := range q.best {
			if p := a.place(name); p > 0 && (place == 0 || p < place) {
				place = p
			}
		}
		if place > 0 {
			f.rank += 1 / float64(place)
		}
	}
	return f
}

// check says which judgements do not hold.
func (j *judgements) check(a answer) (wrong []string) {
	for name, most := range j.within {
		switch place := a.place(name); {
		case place == 0:
			wrong = append(wrong, "does not find "+name)
		case most > 0 && place > most:
			wrong = append(wrong, fmt.Sprintf("finds %s in place %d, not %d", name, place, most))
		}
	}
	for _, name := range a.hits {
		if matches(j.not, name) {
			wrong = append(wrong, "finds "+name)
		}
	}
	for _, names := range j.orders {
		last := 0
		for i, name := range names {
			place := a.place(name)
			if place == 0 {
				wrong = append(wrong, "does not find "+name)
			} else if place < last {
				wrong = append(wrong, fmt.Sprintf("finds %s before %s", name, names[i-1]))
			}
			last = max(last, place)
		}
	}
	if j.nothing && a.total > 0 {
		wrong = append(wrong, fmt.Sprintf("finds %d", a.total))
	}
	slices.Sort(wrong)
	if len(wrong) > 10 {
		wrong = append(wrong[:10], "…")
	}
	return wrong
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		prefix, ok := strings.CutSuffix(p, "*")
		return p == name || ok && strings.HasPrefix(name, prefix)
	})
}

// place is that of a document, from 1; 0 if it was not found.
func (a answer) place(name string) int { return slices.Index(a.hits, name) + 1 }

func (a answer) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "finds %d", a.total)
	if a.meaning != "" {
		fmt.Fprintf(&b, " for %q", a.meaning)
	}
	for i, name := range a.hits[:min(len(a.hits), 20)] {
		fmt.Fprintf(&b, "\n%4d  %s", i+1, name)
	}
	return b.String()
}

// figures are what quality.txt holds, before they are divided.
type figures struct {
	questions, wanted, found, wrong, ranked, misspelt, corrected int
	rank                                                         float64
}

func (f *figures) add(g figures) {
	f.questions += g.questions
	f.wanted += g.wanted
	f.found += g.found
	f.wrong += g.wrong
	f.ranked += g.ranked
	f.rank += g.rank
	f.misspelt += g.misspelt
	f.corrected += g.corrected
}

func (f figures) values() map[string]float64 {
	return map[string]float64{
		"questions":   float64(f.questions),
		"recall":      float64(f.found) / float64(f.wanted),
		"precision":   float64(f.found) / float64(f.found+f.wrong),
		"rank":        f.rank / float64(f.ranked),
		"corrections": float64(f.corrected) / float64(f.misspelt),
	}
}

func (f figures) String() string {
	v := f.values()
	return fmt.Sprintf("questions %d\nrecall %.3f\nprecision %.3f\nrank %.3f\ncorrections %.3f\n",
		f.questions, v["recall"], v["precision"], v["rank"], v["corrections"])
}

func readFigures(t *testing.T) map[string]float64 {
	t.Helper()
	want := map[string]float64{}
	for line := range bytes.Lines(read(t, measured)) {
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%s: %v", measured, err)
		}
		want[name] = v
	}
	return want
}

// documentNames are the names that judgements use, by global id.
func documentNames(t *testing.T, pool *pgxpool.Pool) map[string]string {
	t.Helper()
	rows, _ := pool.Query(context.Background(), `
SELECT 'municipality', 'municipality:' || key, id FROM municipality
UNION ALL SELECT 'state', 'state:' || key, id FROM state
UNION ALL SELECT 'topic', 'topic:' || slug, id FROM topic
UNION ALL SELECT 'organization', 'organization:' || slug, id FROM organization
UNION ALL SELECT 'person', 'person:' || slug, id FROM person
UNION ALL SELECT 'strategy', 'strategy:' || slug, id FROM strategy
UNION ALL SELECT 'measure', 'measure:' || slug, id FROM measure
UNION ALL SELECT 'article', 'article:' || slug, id FROM article
UNION ALL SELECT 'event', 'event:' || slug, id FROM event
UNION ALL SELECT 'platform', 'platform:' || slug, id FROM platform
UNION ALL SELECT 'ranking', 'ranking:' || slug, id FROM ranking
UNION ALL SELECT 'funding_program', 'program:' || slug, id FROM funding_program
UNION ALL SELECT 'funding_call', 'call:' || p.slug || '/' || c.number, c.id FROM funding_call c JOIN funding_program p ON p.id = c.program_id
UNION ALL SELECT 'funding_award', 'award:' || project_number, id FROM funding_award
UNION ALL SELECT 'comment', 'comment:' || a.slug || '/' || row_number() OVER (PARTITION BY a.id ORDER BY c.created_at), c.id FROM comment c JOIN article a ON a.id = c.article_id`)
	names := map[string]string{}
	var prefix, name string
	var id [16]byte
	if _, err := pgx.ForEachRow(rows, []any{&prefix, &name, &id}, func() error {
		names[nodeid.ID{Prefix: prefix, UUID: id}.String()] = name
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

// Whatever somebody types, the answer is hits, or an error that says what to do.
func TestSearchTakesAnything(t *testing.T) {
	t.Parallel()
	e := graph.NewExecutor(newPlanner(t, shipped(t)))
	repeat := strings.Repeat
	for _, words := range []string{
		"", " ", "\t\n", "\x00", "Bam\x00berg", "\x01\x02\x1b[31m", "\ufeff", "\ufffd", "\u202egrebmaB", "\u200d", "\u0308\u0308",
		`"`, `""`, `"""`, `" "`, `'`, `''`, `\`, `\\`, `\'`, `'\`, `\x`, `$1`, `{arg}`, `{visible Article t}`, "`", "~",
		`' OR 1=1 --`, `'; DROP TABLE article; --`, `') OR ('1'='1`, `a & | ! b`, `&`, `|`, `!`, `!!a`, `a & b`, `a <-> b`, `a <2> b`, `(`, `)`, `((a`, `a))`,
		`:*`, `a:*`, `a:A`, `'a':*B`, `<->`, `*`, `%`, `_`, `a%`, `-`, `--`, `- -`, `-a`, `-"a`, `OR`, `OR OR`, `a OR`, `OR a`, `ODER`, `UND`, `-OR`, `"OR"`,
		"🙂", "🙂🙂 Bamberg", "👩‍👩‍👧‍👦", "שלום עולם", "مرحبا", "北京", "Бамберг", "ﬁ", "ǅ", "İstanbul", "ſ", "½", "①", "ª", "𝔅𝔞𝔪𝔟𝔢𝔯𝔤", "e\u0301", "ẞ",
		repeat("a", 256), repeat("ä", 256), repeat("a ", 128), repeat("\"", 256), repeat("-", 256), repeat("(", 256), repeat("a-", 128), repeat("🙂", 256),
		repeat("Verwaltungsdigitalisierung ", 9), repeat("Strategie OR ", 19), repeat("1.", 128), repeat("a.de ", 51), repeat("x@y.de ", 36), repeat("IT-", 85),
		"http://", "https://" + repeat("a", 200), "www.", "a@b", "1.2.3.4", "1,000,000", "-1", "+1", "1e999", "NaN", "null", "true", "undefined", "[object Object]",
		repeat("a", 257), repeat("ß", 257), repeat("a", 10_000), repeat("Bamberg ", 1250), repeat("🙂", 10_000),
	} {
		for field, query := range map[string]string{
			"search": `query($words: String!) { got: search(query: $words) { totalCount didYouMean
				nodes { score type title { text html ranges { start end } } snippet { text html } matchedTerms } facets(by: [TYPE, YEAR, STATE]) { buckets { count } } } }`,
			"suggest":        `query($words: String!) { got: suggest(prefix: $words) { text label type } }`,
			"articles":       `query($words: String!) { got: articles(filter: {q: $words}) { totalCount nodes { slug } } }`,
			"municipalities": `query($words: String!) { got: municipalities(filter: {not: {q: $words}}, first: 1) { totalCount nodes { slug } } }`,
		} {
			text := run(t, e, query, map[string]any{"words": words})
			var got struct {
				Data   struct{ Got any }
				Errors []struct {
					Message    string
					Extensions struct{ Code string }
				}
			}
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatalf("%s %.50q: %v", field, words, err)
			}
			tooLong := utf8.RuneCountInString(words) > 256
			for _, e := range got.Errors {
				if e.Extensions.Code != "BAD_USER_INPUT" || strings.Contains(e.Message, "SQLSTATE") {
					t.Errorf("%s %.50q: %s", field, words, text)
				}
			}
			switch {
			case tooLong && len(got.Errors) == 0:
				t.Errorf("%s takes %d characters", field, utf8.RuneCountInString(words))
			case tooLong && !strings.Contains(text, "256"):
				t.Errorf("%s: an error that does not say how long a query may be: %.300s", field, text)
			}
		}
	}
}
