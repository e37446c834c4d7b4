package trusted

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/pgtest"
)

const query = "query A { __typename }"

func digest(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

func TestParseManifest(t *testing.T) {
	t.Parallel()
	hash := digest(query)
	for name, c := range map[string]struct {
		manifest string
		want     []Document
		err      string
	}{
		"Apollo":          {`{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"` + hash + `","name":"A","type":"query","body":"` + query + `"}]}`, []Document{{hash, query}}, ""},
		"Relay":           {`{"5d41402abc4b2a76b9719d911017c592":"` + query + `","0":"{ a }"}`, []Document{{"0", "{ a }"}, {"5d41402abc4b2a76b9719d911017c592", query}}, ""},
		"codegen":         {`{"` + digest(query)[:40] + `":"` + query + `"}`, []Document{{hash[:40], query}}, ""},
		"nothing":         {`{}`, nil, ""},
		"newer":           {`{"format":"apollo-persisted-query-manifest","version":2,"operations":[]}`, nil, "version 2"},
		"another":         {`{"format":"other","operations":[]}`, nil, `"other"`},
		"a list":          {`[]`, nil, "no manifest"},
		"numbers":         {`{"a":1}`, nil, "no manifest"},
		"no JSON":         {`query A`, nil, "no manifest"},
		"empty":           {``, nil, "no manifest"},
		"wrong digest":    {`{"` + digest("x") + `":"` + query + `"}`, nil, "document 1"},
		"empty text":      {`{"a":""}`, nil, "document 1"},
		"a name too long": {`{"` + strings.Repeat("a", 201) + `":"{a}"}`, nil, "document 1"},
	} {
		got, err := ParseManifest([]byte(c.manifest))
		if !reflect.DeepEqual(got, c.want) || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: got %v, %v, want %v, %s", name, got, err, c.want, c.err)
		}
	}
}

// TestStore: what another instance does is known in time, and the documents in use
// outlive the database.
func TestStore(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	ctx := t.Context()
	s, now := NewStore(pool), time.Now()
	s.now = func() time.Time { return now }
	find := func(id string) string {
		t.Helper()
		text, ok, err := s.Find(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return "none"
		}
		return text
	}
	if got := find("x-a"); got != "none" {
		t.Errorf("got %s", got)
	}
	if err := Trust(ctx, pool, nil, Document{"x-a", query}); err != nil {
		t.Fatal(err)
	}
	if got := find("x-a"); got != "none" {
		t.Errorf("it was asked for at once: %s", got)
	}
	now = now.Add(rememberNot)
	for _, id := range []string{"x-a", digest(query), "sha256:" + digest(query)} {
		if got := find(id); got != query {
			t.Errorf("%s: got %s", id, got)
		}
	}
	if ok, err := s.Has(ctx, query); !ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	if ok, err := s.Has(ctx, query+" "); ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	if err := Trust(ctx, pool, nil, Document{"x-a", query}); err != nil {
		t.Errorf("again: %v", err)
	}
	var f *fault.Error
	if err := Trust(ctx, pool, nil, Document{"x-a", "{ b }"}); !errors.As(err, &f) || f.Code != fault.Conflict {
		t.Errorf("another: %v", err)
	}
	if removed, err := Remove(ctx, pool, []string{"x-a", "x-b"}); err != nil || !reflect.DeepEqual(removed, map[string]bool{"x-a": true}) {
		t.Errorf("got %v, %v", removed, err)
	}
	if got := find("x-a"); got != query {
		t.Errorf("it was known a moment ago: %s", got)
	}
	now = now.Add(rememberHit)
	if got := find("x-a"); got != "none" {
		t.Errorf("removed: %s", got)
	}
	// Names that nobody has are not kept without bound.
	for i := range 3 * maxKnown {
		s.known.Add(fmt.Sprint(i), found{})
	}
	if s.known.Len() > maxKnown {
		t.Errorf("%d are kept", s.known.Len())
	}

	if err := Trust(ctx, pool, nil, Document{"x-a", query}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(rememberHit)
	find("x-a")
	pool.Close()
	now = now.Add(time.Hour)
	if got := find("x-a"); got != query {
		t.Errorf("without the database: %s", got)
	}
	if _, _, err := s.Find(ctx, "x-b"); !errors.As(err, &f) || f.Code != fault.Busy {
		t.Errorf("without the database: %v", err)
	}
}
