package cache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"stadtgraph/internal/change"
	"stadtgraph/internal/plan"
)

// All is a tag that each answer has for caches elsewhere: what to purge when nothing less
// will do.
const All = "stadtgraph"

// Tags are what has to change for an answer to change that was read from something; false
// if nobody would tell of a change.
func (l *Lookup) Tags(from plan.Sources) (t Tags, ok bool) {
	coverage := l.cache.coverage.Load()
	if coverage == nil || from.Moving {
		return t, false
	}
	words := slices.Clip(from.Words)
	for _, row := range from.Rows {
		// Of a table in which something else is, too, the row says too little.
		if names, _ := coverage.Names([]string{row.Table}); len(names) != 1 || names[0] != row.Type {
			words = append(words, row.Table)
		}
	}
	names, unknown := coverage.Names(words)
	if unknown != "" {
		return t, false
	}
	t.Names, t.short = names, names
	for _, row := range from.Rows {
		if !slices.Contains(names, row.Type) {
			t.Names, t.short = append(slices.Clip(t.Names), row.ID.String(), change.Any(row.Type)), append(slices.Clip(t.short), row.Type)
		}
	}
	slices.Sort(t.Names)
	t.Names = slices.Compact(t.Names)
	slices.Sort(t.short)
	t.short = slices.Compact(t.short)
	if from.Timed {
		t.Expires = plan.NextDay(time.Now())
		if l.next != 0 && l.next < t.Expires.UnixNano() {
			t.Expires = time.Unix(0, l.next)
		}
		if !time.Now().Before(t.Expires) {
			l.cache.nudge() // for the one that comes then
		}
	}
	return t, true
}

// Header gives the tags of an answer for caches elsewhere, within a length: if all do not
// fit, objects that are told apart by their ids go by their types.
func (e *Entry) Header(most int) []string {
	for _, tags := range [][]string{e.tags.Names, e.tags.short} {
		if tags = append([]string{All}, tags...); length(tags) <= most {
			return tags
		}
	}
	return []string{All}
}

func length(tags []string) int { return len(strings.Join(tags, " ")) }

// KeyOf is that of an operation: what is asked, in whatever order its variables stand, and
// the form of the answer, "" for that of GraphQL. It does not depend on how the answer is
// sent.
func KeyOf(form, document, operation string, variables map[string]any) Key {
	b := make([]byte, 0, len(document)+256)
	b = appendText(b, form)
	b = appendText(b, document)
	b = appendText(b, operation)
	b = appendValue(b, variables)
	return sha256.Sum256(b)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendValue writes decoded JSON so that no two values are written alike.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 'n')
	case bool:
		return append(b, map[bool]byte{true: 't', false: 'f'}[v])
	case string:
		return appendText(append(b, 's'), v)
	case json.Number:
		return appendText(append(b, '#'), string(v))
	case []any:
		b = binary.AppendUvarint(append(b, '['), uint64(len(v)))
		for _, item := range v {
			b = appendValue(b, item)
		}
		return b
	case map[string]any:
		b = binary.AppendUvarint(append(b, '{'), uint64(len(v)))
		for _, name := range slices.SortedFunc(maps.Keys(v), cmp.Compare[string]) {
			b = appendValue(appendText(b, name), v[name])
		}
		return b
	}
	var other bytes.Buffer
	_ = json.NewEncoder(&other).Encode(v) // it came from JSON
	return appendText(append(b, '?'), other.String())
}
