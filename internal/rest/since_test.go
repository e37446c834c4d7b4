package rest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/auth"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
)

func exec(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// settle waits until no transaction is open that began before the last change: there
// may be some in databases of other tests.
func settle(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	for range 3000 {
		var ready bool
		if err := pool.QueryRow(t.Context(), `SELECT NOT EXISTS (SELECT FROM change WHERE txid >= pg_snapshot_xmin(pg_current_snapshot()))`).Scan(&ready); err != nil {
			t.Fatal(err)
		}
		if ready {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("a transaction is open for too long")
}

func uuid(n int) nodeid.UUID { return nodeid.UUID{6: 0x70, 8: 0x80, 14: byte(n >> 8), 15: byte(n)} }

func articleID(n int) string { return nodeid.ID{Prefix: "article", UUID: uuid(n)}.String() }

func token(t testing.TB, pool *pgxpool.Pool, role auth.Role) (secret string) {
	t.Helper()
	expires := time.Now().Add(time.Hour)
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) (err error) {
		secret, _, err = auth.CreateToken(t.Context(), tx, auth.Params{Name: "test", Role: role, ExpiresAt: &expires})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

const (
	anArticle = `INSERT INTO article (id, slug, kind, title, publication_status) VALUES ($1, $2, 'NEWS', $2, $3)`
	long      = "2020-01-01"
)

// entries reads what has changed from an address on, page by page, and says it in short:
// which article, and whether it is gone.
func (s served) entries(t testing.TB, address string) (out []string, end string) {
	t.Helper()
	for address != "" {
		r := s.get(t, address)
		page := decode[list](t, r)
		for _, entry := range page.Data {
			id, err := nodeid.Parse(entry["id"].(string))
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, entry["modifiedAt"].(string))
			if err != nil || time.Since(at) > time.Hour {
				t.Errorf("%v was modified at %v", entry, entry["modifiedAt"])
			}
			said := fmt.Sprint(id.UUID[15])
			if entry["deleted"] == true {
				if said += " gone"; len(entry) != 4 || entry["type"] != "Article" {
					t.Errorf("a tombstone holds %v", entry)
				}
			} else if entry["title"] == nil {
				t.Errorf("an entry holds %v", entry)
			}
			out = append(out, said)
		}
		end = page.PageInfo.EndCursor
		address = r.link("next")
	}
	return out, end
}

// TestModifiedSince: whoever reads a list once, and then what has changed in it, holds
// what there is: with what was taken back, without what was never public, each once, in
// the order of the changes, across pages and later on.
func TestModifiedSince(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	s := serve(t, pool)
	for n := 1; n <= 5; n++ {
		exec(t, pool, anArticle, uuid(n), fmt.Sprint("artikel-", n), "PUBLISHED")
	}
	exec(t, pool, anArticle, uuid(6), "entwurf", "DRAFT")
	expect := func(what, address string, want ...string) (end string) {
		t.Helper()
		got, end := s.entries(t, address)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
		return end
	}
	settle(t, pool)
	const since = "/api/v1/articles?modified_since=" + long
	expect("new", since, "1", "2", "3", "4", "5")
	exec(t, pool, `UPDATE article SET title = 'Anders' WHERE slug = 'artikel-2'`)
	exec(t, pool, `UPDATE article SET publication_status = 'DRAFT' WHERE slug = 'artikel-3'`)
	exec(t, pool, `UPDATE article SET title = 'noch ein Entwurf' WHERE slug = 'entwurf'`)
	settle(t, pool)
	end := expect("changed and taken back", since, "1", "4", "5", "2", "3 gone")
	expect("in pages", since+"&first=2", "1", "4", "5", "2", "3 gone")
	expect("from the end on", since+"&after="+end)
	exec(t, pool, `UPDATE article SET title = 'Ganz anders' WHERE slug = 'artikel-3'`) // nobody sees it
	exec(t, pool, `UPDATE article SET publication_status = 'PUBLISHED' WHERE slug = 'entwurf'`)
	exec(t, pool, `DELETE FROM article WHERE slug = 'artikel-1'`)
	exec(t, pool, `UPDATE article SET publication_status = 'ARCHIVED' WHERE slug = 'artikel-4'`)
	settle(t, pool)
	expect("from the end on, later", since+"&after="+end, "3 gone", "6", "1 gone", "4 gone")
	expect("archived ones too", since+"&after="+end+"&status=PUBLISHED,ARCHIVED", "3 gone", "6", "1 gone", "4")
	expect("of another kind", since+"&after="+end+"&kind=REPORT", "3 gone", "6 gone", "1 gone", "4 gone")
	expect("in time to come", "/api/v1/articles?modified_since="+url.QueryEscape(time.Now().Add(time.Hour).Format(time.RFC3339)))
	r := s.get(t, since, "Authorization", "Bearer "+token(t, pool, auth.Publisher))
	if page := decode[list](t, r); len(page.Data) != 6 || r.Header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("with a token: got %s", r.body)
	}
	// A transaction that is open holds back what came after it, which is not lost.
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `UPDATE article SET title = 'Spät' WHERE slug = 'artikel-5'`); err != nil {
		t.Fatal(err)
	}
	_, end = s.entries(t, since)
	exec(t, pool, `UPDATE article SET title = 'Früh' WHERE slug = 'artikel-2'`)
	_, still := s.entries(t, since+"&after="+end)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	settle(t, pool)
	expect("after a long transaction", since+"&after="+still, "5", "2")
	exec(t, pool, `SELECT history_forget(now() + interval '1 hour', now() + interval '1 hour')`)
	for _, address := range []string{since, since + "&after=" + end} {
		if r := s.get(t, address); r.StatusCode != http.StatusGone || !strings.Contains(r.body, `"code":"CURSOR_EXPIRED"`) {
			t.Errorf("%s of what was forgotten: got %s %s", address, r.Status, r.body)
		}
	}
}

// TestHidden: what is not public is nowhere, neither alone nor in a list, but for who may
// see it.
func TestHidden(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	s := serve(t, pool)
	exec(t, pool, anArticle, uuid(1), "sichtbar", "PUBLISHED")
	exec(t, pool, anArticle, uuid(2), "geheim-entwurf", "DRAFT")
	exec(t, pool, `INSERT INTO strategy (id, slug, kind, title, status, publication_status) VALUES ($1, 'geheim-strategie', 'DIGITAL_STRATEGY', 'Geheim', 'ADOPTED', 'DRAFT')`, uuid(3))
	exec(t, pool, `INSERT INTO funding_program (id, slug, title, level, publication_status) VALUES ($1, 'geheim-programm', 'Geheim', 'FEDERAL', 'DRAFT')`, uuid(4))
	for n, status := range []string{"APPROVED", "PENDING", "SPAM", "REJECTED"} {
		exec(t, pool, `INSERT INTO comment (id, article_id, author_name, body, body_html, body_text, body_renderer, status) VALUES ($1, $2, $3, $3, $3, $3, 0, $4)`, uuid(10+n), uuid(1), map[bool]string{true: "offen", false: "geheim"}[n == 0], status)
	}
	secret := token(t, pool, auth.Admin)
	settle(t, pool)
	for _, path := range []string{"articles", "strategies", "funding-programs", "comments", "articles?modified_since=" + long, "comments?modified_since=" + long, "articles?status=DRAFT", "articles?q=geheim"} {
		if r := s.get(t, "/api/v1/"+path); r.StatusCode != http.StatusOK || strings.Contains(strings.ToLower(r.body), "geheim") {
			t.Errorf("%s: got %s %s", path, r.Status, r.body)
		}
	}
	if page := decode[list](t, s.get(t, "/api/v1/comments")); len(page.Data) != 1 || page.Data[0]["body"] != "offen" || page.TotalCount != 1 {
		t.Errorf("comments: got %v", page)
	}
	for _, path := range []string{
		"articles/geheim-entwurf", "articles/" + articleID(2), "strategies/geheim-strategie", "funding-programs/geheim-programm",
		"comments/" + nodeid.ID{Prefix: "comment", UUID: uuid(11)}.String(),
	} {
		if r := s.get(t, "/api/v1/"+path); r.StatusCode != http.StatusNotFound || strings.Contains(r.body, "eheim") {
			t.Errorf("%s: got %s %s", path, r.Status, r.body)
		}
		if r := s.get(t, "/api/v1/"+path, "Authorization", "Bearer "+secret); r.StatusCode != http.StatusOK {
			t.Errorf("%s with a token: got %s %s", path, r.Status, r.body)
		}
	}
}
