package graph_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2/ast"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/pgtest"
)

// Inputs that nobody should send, made from the schema: each field of each input
// gets what its type makes interesting. Whatever comes, the answer is a user error at
// the field, a request error, or the value as it was sent.

// leaks are texts that an answer never has: they are of Postgres, its driver, or Go.
var leaks = regexp.MustCompile(`(?i)sqlstate|\bpgx\b|pgconn|syntax error|violates|relation \\?"|column \\?"|"INTERNAL"|goroutine|map\[|%!|\*ast|json: |interface \{|strconv|runtime error|nil pointer|ERROR:|jsonb|unexpected end`)

// A sent value is one that is put into a field.
type sent struct {
	what  string
	value any
	want  string // "error" (a user error at the field), "request" (no value of the type), or "" for either stored or refused at the field
}

const weird = "e\u0301 👩‍👩‍👧 \u202eabc\u202c \u200bא'; DROP TABLE article; -- \" \\ $1 %s a & | !( <-> :*"

func hostileScalars(name string) []sent {
	long := strings.Repeat("ä😀", 300_000)
	switch name {
	case "String":
		return []sent{
			{"NUL", "a\x00b", "error"}, {"empty", "", ""}, {"spaces", "  ", ""}, {"too long", long, "error"}, {"weird", weird, ""},
			{"script", "<script>alert(1)</script><img src=x onerror=alert(1)>[x](javascript:alert(1))", ""},
			{"2,000 of four bytes", strings.Repeat("😀", 2000), ""}, {"19,000", noise(19_000), ""}, {"number", json.Number("5"), "request"}, {"truth", true, "request"}, {"object", map[string]any{"a": "b"}, "request"},
			{"no character", "\ufffd", ""},
		}
	case "URL":
		return []sent{
			{"NUL", "https://a.de/\x00", "error"}, {"empty", "", "error"}, {"script", "javascript:alert(1)", "error"}, {"relative", "//a.de", "error"},
			{"space", "https://a.de/ b", "error"}, {"quote", `https://a.de/"onclick="x`, "error"}, {"long", "https://a.de/" + strings.Repeat("a", 3000), "error"},
			{"umlaut", "https://münchen.de/ä?q='; DROP TABLE x", "error"}, {"object", map[string]any{}, "request"},
		}
	case "Int":
		return []sent{
			{"text", "5", "request"}, {"half", json.Number("1.5"), "request"}, {"large", json.Number("2147483648"), "request"}, {"huge", json.Number("1e400"), "request"},
			{"truth", true, "request"}, {"negative", json.Number("-1"), ""}, {"zero", json.Number("0"), ""}, {"most", json.Number("2147483647"), ""}, {"least", json.Number("-2147483648"), ""},
		}
	case "Boolean":
		return []sent{{"text", "true", "request"}, {"number", json.Number("1"), "request"}, {"true", true, ""}}
	case "Decimal":
		return []sent{
			{"NaN", "NaN", "error"}, {"Infinity", "Infinity", "error"}, {"exponent", "1e5", "error"}, {"empty", "", "error"}, {"signs", "--1", "error"},
			{"NUL", "1\x00", "error"}, {"huge", strings.Repeat("9", 29), "error"}, {"too long", strings.Repeat("9", 400), "error"}, {"tiny", "0.0000001", "error"},
			{"negative", "-1", ""}, {"large", "99999999999999.99", ""}, {"number", json.Number("12.5"), ""}, {"huge number", json.Number("1e300"), "error"}, {"object", map[string]any{}, "request"},
		}
	case "Date":
		return []sent{
			{"no day", "2024-02-30", "error"}, {"year 0", "0000-01-01", "error"}, {"five digits", "10000-01-01", "error"}, {"infinity", "infinity", "error"}, {"word", "today", "error"},
			{"empty", "", "error"}, {"instant", "2024-01-01T00:00:00Z", "error"}, {"first", "0001-01-01", ""}, {"last", "9999-12-31", ""}, {"NUL", "2024-01-01\x00", "error"}, {"object", map[string]any{}, "request"},
		}
	case "DateTime":
		return []sent{
			{"day", "2024-02-20", "error"}, {"leap second", "2024-02-20T23:59:60Z", "error"}, {"year 0", "0000-01-01T00:00:00Z", "error"}, {"beyond", "9999-12-31T23:59:59-14:00", "error"},
			{"infinity", "infinity", "error"}, {"zone", "2024-01-01T00:00:00+02:00", ""}, {"nanoseconds", "2024-01-01T00:00:00.123456789Z", ""}, {"object", map[string]any{}, "request"},
		}
	case "ID":
		return []sent{{"nonsense", "nonsense", "error"}, {"empty", "", "error"}, {"NUL", "\x00", "error"}, {"SQL", "article_'; DROP TABLE article; --", "error"}, {"object", map[string]any{}, "request"}}
	}
	return nil
}

// noise is text that does not become shorter by compression.
func noise(n int) string {
	var b strings.Builder
	x := uint32(1)
	for range n {
		x = x*1664525 + 1013904223
		b.WriteRune(rune(0x4e00 + x>>16%20000))
	}
	return b.String()
}

const unknownKey = "_7zzzzzzzzzzzzzzzzzzzzzzzzz"

func hostileReferences(own string) []sent {
	text := hostileScalars("String")[4].value
	return []sent{
		{"nothing", map[string]any{}, "error"}, {"two", map[string]any{"key": "09461", "slug": "x"}, "error"}, {"null", map[string]any{"id": nil}, "error"},
		{"unknown", map[string]any{"id": own + unknownKey}, "error"}, {"another type", map[string]any{"id": "comment" + unknownKey}, "error"}, {"no type", map[string]any{"id": "nothing" + unknownKey}, "error"},
		{"nonsense", map[string]any{"id": "x"}, "error"}, {"key", map[string]any{"key": text}, "error"}, {"slug", map[string]any{"slug": text}, "error"}, {"NUL", map[string]any{"slug": "\x00"}, "error"},
		{"external", map[string]any{"external": map[string]any{"source": text, "id": text}}, "error"}, {"half external", map[string]any{"external": map[string]any{"source": "x"}}, "request"},
		{"text", "x", "request"}, {"field", map[string]any{"uuid": "x"}, "request"}, {"deleted", map[string]any{"id": deletedOf(own)}, "error"},
	}
}

func deletedOf(prefix string) string { return prefix + "_000000000000000000000000zz" }

// hostility makes what is sent, type by type.
type hostility struct {
	schema *ast.Schema
	prefix map[string]string // of ids, by type
	ids    map[string]string // of a row, by type
	count  int

	municipalities []string // ids
}

// needed are fields, beside those that the schema wants, without which an input object is none.
var needed = map[string]map[string]any{
	"SourceInput": {"publisher": "Stadt Musterstadt"}, "AffiliationInput": {"role": "Mitglied"}, "BylineInput": {"shorthand": "(ab)"}, "LinkInput": {"url": "https://a.de/"},
	"IdentifierInput": {"value": "unique"}, "MoneyInput": {"amount": "5.00"}, "FundingRateInput": {"percent": "50"}, "PartialDateInput": {"start": "2024-03-01"},
	"PersonInput": {"name": "Erika Muster", "givenName": "Erika", "familyName": "Muster"}, "TopicInput": {"name": "unique", "scheme": "KEYWORD"}, "OrganizationInput": {"name": "Amt", "kind": "OTHER"},
	"EventInput": {"title": "Tag", "kind": "OTHER"}, "RankingInput": {"name": "unique"}, "RankingEntryInput": {"ranking": "Ranking", "municipality": "unique"},
	"IndicatorInput": {"code": "unique", "name": "Anteil"}, "ObservationInput": {"indicator": "Indicator", "subject": "Municipality", "value": "1"}, "MediaAssetInput": {"url": "https://a.de/b.jpg", "width": json.Number("10"), "height": json.Number("10")},
	"PlatformInput": {"name": "Plattform"}, "ArticleInput": {"title": "Titel", "kind": "NEWS", "sponsorLabel": "Anzeige"}, "StrategyInput": {"title": "Titel", "kind": "OTHER"}, "MeasureInput": {"title": "Titel"},
	"FundingProgramInput": {"title": "Titel", "level": "EU"}, "FundingCallInput": {"program": "FundingProgram", "label": "Aufruf"},
	"FundingAwardInput": {"program": "FundingProgram", "recipients": []any{map[string]any{"recipient": map[string]any{"key": "09461000"}, "role": "LEAD"}}},
}

// valid is an input object that can be written.
func (h *hostility) valid(def *ast.Definition, readable string) map[string]any {
	h.count++
	object := map[string]any{}
	for _, f := range def.Fields {
		if f.Type.NonNull && f.DefaultValue == nil {
			object[f.Name] = h.plain(f, readable)
		}
	}
	for name, v := range needed[def.Name] {
		switch text, _ := v.(string); {
		case name == "municipality":
			v = map[string]any{"id": h.municipalities[h.count%len(h.municipalities)]}
		case text == "unique":
			v = fmt.Sprintf("u-%d", h.count)
		case def.Fields.ForName(name).Type.Name() == "ReferenceInput":
			v = map[string]any{"id": h.ids[text]}
		}
		object[name] = v
	}
	return object
}

func (h *hostility) plain(f *ast.FieldDefinition, readable string) any {
	def := h.schema.Types[f.Type.Name()]
	switch {
	case def.Name == "ReferenceInput":
		return map[string]any{"id": h.ids[h.target(readable, f.Name)]}
	case def.Kind == ast.Enum:
		return def.EnumValues[0].Name
	case def.Kind == ast.InputObject:
		return h.valid(def, "")
	}
	return map[string]any{"String": "Text", "URL": "https://a.de/", "Int": json.Number("1"), "Boolean": true, "Decimal": "1", "Date": "2024-01-01", "DateTime": "2024-01-01T00:00:00Z"}[def.Name]
}

// target is the type that a reference means.
func (h *hostility) target(readable, field string) string {
	if def := h.schema.Types[readable]; def != nil && def.Fields.ForName(field) != nil {
		name := strings.TrimSuffix(def.Fields.ForName(field).Type.Name(), "Connection")
		switch h.schema.Types[name].Kind {
		case ast.Interface, ast.Union:
			return "Municipality"
		}
		return name
	}
	return "Person"
}

// each gives what a field may get, and where in it the value is.
func (h *hostility) each(t *ast.Type, readable, field string, yield func(s sent, path []string)) {
	def := h.schema.Types[t.Name()]
	if t.Elem != nil && t.NamedType == "" {
		many := make([]any, 1001)
		for i := range many {
			many[i] = h.plain(&ast.FieldDefinition{Name: field, Type: t.Elem}, readable)
		}
		yield(sent{"1,001 items", many, "error"}, nil)
		yield(sent{"null in it", []any{nil}, "request"}, nil)
		h.each(t.Elem, readable, field, func(s sent, path []string) {
			s.value = []any{s.value}
			yield(s, append([]string{"0"}, path...))
		})
		return
	}
	switch {
	case def.Name == "ReferenceInput":
		for _, s := range hostileReferences(h.prefix[h.target(readable, field)]) {
			yield(s, nil)
		}
	case def.Name == "ReferenceListInput":
		one := map[string]any{"id": h.ids[h.target(readable, field)]}
		many := make([]any, 1001)
		for i := range many {
			many[i] = one
		}
		yield(sent{"1,001 items", map[string]any{"set": many}, "error"}, nil)
		yield(sent{"set and add", map[string]any{"set": []any{one}, "add": []any{one}}, "error"}, nil)
		yield(sent{"twice", map[string]any{"set": []any{one, one}}, ""}, nil)
		for _, list := range []string{"set", "add", "remove"} {
			for _, s := range hostileReferences(h.prefix[h.target(readable, field)]) {
				s.value = map[string]any{list: []any{s.value}}
				yield(s, []string{list, "0"})
			}
		}
	case def.Kind == ast.InputObject:
		inner := h.inner(readable, field)
		if def.Name == "PeriodInput" {
			yield(sent{"reversed", map[string]any{"from": map[string]any{"start": "2025-01-01"}, "to": map[string]any{"start": "2024-01-01"}}, "error"}, nil)
		}
		if def.Name == "PartialDateInput" {
			yield(sent{"reversed", map[string]any{"start": "2025-01-01", "end": "2024-01-01", "precision": "INTERVAL"}, "error"}, nil)
			yield(sent{"no end", map[string]any{"start": "2025-01-01", "precision": "INTERVAL"}, "error"}, nil)
			yield(sent{"another end", map[string]any{"start": "2025-01-01", "end": "2025-01-03", "precision": "MONTH"}, "error"}, nil)
			yield(sent{"last year", map[string]any{"start": "9999-01-03", "precision": "YEAR"}, ""}, nil)
		}
		yield(sent{"nothing", map[string]any{}, "any"}, nil)
		yield(sent{"text", "x", "request"}, nil)
		for _, f := range def.Fields {
			h.each(f.Type, inner, f.Name, func(s sent, path []string) {
				object := h.valid(def, inner)
				object[f.Name] = s.value
				s.value = object
				yield(s, append([]string{f.Name}, path...))
			})
		}
	case def.Kind == ast.Enum:
		yield(sent{"no value of it", "NOPE", "request"}, nil)
		yield(sent{"number", json.Number("1"), "request"}, nil)
	default:
		for _, s := range hostileScalars(def.Name) {
			yield(s, nil)
		}
	}
	if !t.NonNull {
		yield(sent{"null", nil, ""}, nil)
	}
}

// inner is the type that readers see of an input object in a field.
func (h *hostility) inner(readable, field string) string {
	if def := h.schema.Types[readable]; def != nil && def.Fields.ForName(field) != nil {
		return def.Fields.ForName(field).Type.Name()
	}
	return ""
}

type importAnswer struct {
	Errors []struct {
		Message    string
		Extensions struct{ Code string }
	}
	Data *struct {
		ImportRecords *struct {
			Results []struct {
				Status, NodeID string
			}
			UserErrors []struct {
				Path          []string
				Code, Message string
			}
		}
	}
}

const importing = `mutation ($records: [ImportRecordInput!]!) { importRecords(input: {records: $records}) { results { status nodeId } userErrors { path code message } } }`

func newHostility(t *testing.T, pool *pgxpool.Pool, e *graph.Executor) *hostility {
	catalogue, err := graph.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	h := &hostility{schema: catalogue.Schema, prefix: map[string]string{}, ids: map[string]string{}}
	for name, def := range h.schema.Types {
		if o := catalogue.Object(name); def.Kind == ast.Object && o != nil && o.Prefix != "" {
			h.prefix[name] = o.Prefix
		}
	}
	h.ids["Municipality"], h.ids["State"] = nodeOf(t, e, `{ n: municipality(key: "09461000") { id } }`), nodeOf(t, e, `{ n: state(key: "09") { id } }`)
	var many struct {
		Data struct {
			M struct{ Nodes []struct{ ID string } }
		}
	}
	if err := json.Unmarshal([]byte(runAs(t, nil, e, `{ m: municipalities(first: 100) { nodes { id } } }`, nil)), &many); err != nil {
		t.Fatal(err)
	}
	for _, n := range many.Data.M.Nodes {
		h.municipalities = append(h.municipalities, n.ID)
	}
	for _, typeName := range []string{"Person", "Organization", "Topic", "MediaAsset", "Event", "Ranking", "Indicator", "Platform", "FundingProgram", "Strategy", "Article",
		"FundingCall", "RankingEntry", "Observation", "Measure", "FundingAward"} {
		name := strings.ToLower(typeName[:1]) + typeName[1:]
		for _, deleted := range []bool{true, false} {
			record := map[string]any{name: h.valid(h.schema.Types[typeName+"Input"], typeName)}
			if deleted {
				record["id"] = deletedOf(h.prefix[typeName])
			}
			answer := h.send(t, e, record)
			if answer.Data == nil || len(answer.Data.ImportRecords.UserErrors) > 0 {
				t.Fatalf("a valid %s is refused: %+v", typeName, answer)
			}
			h.ids[typeName] = answer.Data.ImportRecords.Results[0].NodeID
			if deleted && typeName != "RankingEntry" {
				if _, err := pool.Exec(t.Context(), "UPDATE "+tableOf(typeName)+" SET deleted_at = now() WHERE id = '00000000-0000-0000-0000-0000000003ff'"); err != nil {
					t.Fatal(err)
				}
			} else if deleted {
				if _, err := pool.Exec(t.Context(), "DELETE FROM ranking_entry WHERE id = '00000000-0000-0000-0000-0000000003ff'"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return h
}

func tableOf(typeName string) string {
	if typeName == "Observation" {
		return "figure"
	}
	return strings.ToLower(regexp.MustCompile(`(.)([A-Z])`).ReplaceAllString(typeName, "${1}_$2"))
}

func nodeOf(t *testing.T, e *graph.Executor, query string) string {
	t.Helper()
	var answer struct {
		Data struct{ N struct{ ID string } }
	}
	raw := runAs(t, token(auth.Admin), e, query, nil)
	if err := json.Unmarshal([]byte(raw), &answer); err != nil || answer.Data.N.ID == "" {
		t.Fatalf("%s: %s", query, raw)
	}
	return answer.Data.N.ID
}

func (h *hostility) send(t *testing.T, e *graph.Executor, record map[string]any) (answer importAnswer) {
	t.Helper()
	raw := runAs(t, token(auth.Admin), e, importing, map[string]any{"records": []any{record}})
	if leak := leaks.FindString(raw); leak != "" {
		t.Errorf("the answer has %q in it: %s", leak, clipped(raw))
	}
	if err := json.Unmarshal([]byte(raw), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func clipped(s string) string {
	if len(s) > 400 {
		return s[:400] + "…"
	}
	return s
}

// digest is what is stored, of what the writer writes.
func digest(t *testing.T, pool *pgxpool.Pool) (sum string) {
	t.Helper()
	var tables []string
	if err := pool.QueryRow(t.Context(), `SELECT array_agg(relname::text ORDER BY relname) FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
 AND relname !~ '^(municipality|state|search|schema|dataset|comment|territorial|idempotency|api_token|change|revision)'`).Scan(&tables); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, table := range tables {
		if i > 0 {
			b.WriteString(" || ' ' || ")
		}
		fmt.Fprintf(&b, "(SELECT count(*) || '/' || coalesce(sum(xmin::text::bigint), 0) FROM %s)", table)
	}
	if err := pool.QueryRow(t.Context(), "SELECT "+b.String()).Scan(&sum); err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestHostileInput(t *testing.T) {
	t.Parallel()
	compares(t)
	pool := pgtest.From(t, "shipped", seedVersion(), seed)
	e := newWriting(t, pool)
	h := newHostility(t, pool, e)
	record := h.schema.Types["ImportRecordInput"]
	sentSoMany := 0
	for _, f := range record.Fields {
		def := h.schema.Types[f.Type.Name()]
		if def.Kind != ast.InputObject || f.Type.Elem != nil { // lists are of the record itself
			continue
		}
		readable := strings.TrimSuffix(def.Name, "Input")
		for _, field := range def.Fields {
			before := digest(t, pool)
			h.each(field.Type, readable, field.Name, func(s sent, path []string) {
				sentSoMany++
				input := h.valid(def, readable)
				input[field.Name] = s.value
				what := fmt.Sprintf("%s.%s %s: %s", f.Name, field.Name, strings.Join(path, "."), s.what)
				answer := h.send(t, e, map[string]any{f.Name: input})
				stored := false
				switch {
				case len(answer.Errors) > 0:
					if code := answer.Errors[0].Extensions.Code; s.want != "request" && s.want != "any" || code != "BAD_USER_INPUT" {
						t.Errorf("%s is a request error: %s", what, clipped(fmt.Sprint(answer.Errors)))
					}
				case answer.Data == nil || answer.Data.ImportRecords == nil:
					t.Errorf("%s: no answer", what)
				case len(answer.Data.ImportRecords.UserErrors) > 0:
					p := answer.Data.ImportRecords.UserErrors[0]
					full := append([]string{"input", "records", "0", f.Name, field.Name}, path...)
					if s.want == "request" {
						t.Errorf("%s is a user error: %v", what, p)
					} else if len(p.Path) < len(full) || !slices.Equal(p.Path[:len(full)], full) {
						// what is wrong without a value is wrong with what it is in, or with another field of that
						if n := len(p.Path) - 1; s.what != "null" || n < 4 || n >= len(full) || !slices.Equal(p.Path[:n], full[:n]) {
							t.Errorf("%s: its path is %v: %s %s", what, p.Path, p.Code, p.Message)
						}
					}
				default:
					stored = true
					if s.want != "" && s.want != "any" && !(s.want == "error" && path != nil && slices.Contains(path, "remove") && s.what == "deleted") {
						t.Errorf("%s is stored", what)
					}
					h.readBack(t, e, answer.Data.ImportRecords.Results[0].NodeID, readable, field, s, what)
				}
				if stored {
					before = digest(t, pool)
				}
			})
			if after := digest(t, pool); after != before {
				t.Errorf("%s.%s: something is stored though the answer is an error", f.Name, field.Name)
			}
		}
	}
	t.Logf("%d inputs", sentSoMany)
}

// readBack wants a text as it was sent, and no markup in what is shown of it.
func (h *hostility) readBack(t *testing.T, e *graph.Executor, id, readable string, field *ast.FieldDefinition, s sent, what string) {
	t.Helper()
	text, ok := s.value.(string)
	def := h.schema.Types[readable].Fields.ForName(field.Name)
	shown := ""
	for _, name := range []string{"bodyHtml", "descriptionHtml"} {
		if h.schema.Types[readable].Fields.ForName(name) != nil {
			shown = name
		}
	}
	if !ok || def == nil || def.Type.Name() != field.Type.Name() {
		return
	}
	raw := runAs(t, token(auth.Admin), e, fmt.Sprintf(`query ($id: ID!) { node(id: $id) { ... on %s { value: %s %s } } }`, readable, field.Name, shown), map[string]any{"id": id})
	var answer struct{ Data struct{ Node map[string]any } }
	if err := json.Unmarshal([]byte(raw), &answer); err != nil {
		t.Fatal(err)
	}
	want := strings.ToValidUTF8(text, "\ufffd")
	if field.Name != "body" && field.Name != "description" {
		want = strings.TrimSpace(want)
	}
	if got, _ := answer.Data.Node["value"].(string); field.Type.Name() == "String" && got != want {
		t.Errorf("%s: got %q back", what, clipped(got))
	}
	if html, _ := answer.Data.Node[shown].(string); regexp.MustCompile(`(?i)<script|<img|href="javascript`).MatchString(html) {
		t.Errorf("%s: is shown as %s", what, clipped(html))
	}
}

// TestListsAreKept writes two items into each list of each type, and one reference into
// each field of one, and wants as many back.
func TestListsAreKept(t *testing.T) {
	t.Parallel()
	pool := pgtest.From(t, "shipped", seedVersion(), seed)
	e := newWriting(t, pool)
	h := newHostility(t, pool, e)
	for _, f := range h.schema.Types["ImportRecordInput"].Fields {
		def := h.schema.Types[f.Type.Name()]
		typeName := strings.TrimSuffix(def.Name, "Input")
		if def.Kind != ast.InputObject || h.schema.Types[typeName] == nil {
			continue
		}
		for _, field := range def.Fields {
			shown := h.schema.Types[typeName].Fields.ForName(field.Name)
			reference := map[string]any{"id": h.ids[h.target(typeName, field.Name)]}
			input, want, selection := h.valid(def, typeName), 1, "__typename"
			switch inner := h.schema.Types[field.Type.Name()]; {
			case shown == nil || input[field.Name] != nil:
				continue
			case inner.Name == "ReferenceInput":
				input[field.Name] = reference
			case inner.Name == "ReferenceListInput":
				input[field.Name] = map[string]any{"set": []any{reference}}
			case inner.Kind == ast.InputObject && field.Type.Elem != nil:
				first, second := h.valid(inner, h.inner(typeName, field.Name)), h.valid(inner, h.inner(typeName, field.Name))
				if field.Name == "mentions" {
					second["role"] = h.schema.Types["MentionRole"].EnumValues[1].Name
				}
				if field.Name == "media" {
					second["asset"] = map[string]any{"id": anotherPicture(t, h, e)}
				}
				input[field.Name], want = []any{first, second}, 2
			default:
				continue
			}
			if strings.HasSuffix(shown.Type.Name(), "Connection") {
				selection = "totalCount"
			}
			if field.Name == "owners" || field.Name == "predecessor" {
				input["owners"] = map[string]any{"set": []any{map[string]any{"key": "09461000"}}}
			}
			answer := h.send(t, e, map[string]any{f.Name: input})
			if answer.Data == nil || len(answer.Data.ImportRecords.UserErrors) > 0 {
				t.Errorf("%s.%s is refused: %+v", typeName, field.Name, answer)
				continue
			}
			id := answer.Data.ImportRecords.Results[0].NodeID
			raw := runAs(t, token(auth.Admin), e, fmt.Sprintf(`query ($id: ID!) { node(id: $id) { ... on %s { value: %s { %s } } } }`, typeName, field.Name, selection), map[string]any{"id": id})
			if got := strings.Count(raw, `"__typename"`); selection == "__typename" && got != want || selection == "totalCount" && !strings.Contains(raw, fmt.Sprintf(`"totalCount":%d`, want)) {
				t.Errorf("%s.%s: want %d; got %s", typeName, field.Name, want, raw)
			}
		}
	}
}

// anotherPicture is the id of another picture.
func anotherPicture(t *testing.T, h *hostility, e *graph.Executor) string {
	return h.send(t, e, map[string]any{"mediaAsset": h.valid(h.schema.Types["MediaAssetInput"], "MediaAsset")}).Data.ImportRecords.Results[0].NodeID
}
