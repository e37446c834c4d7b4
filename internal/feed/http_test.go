package feed_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/change"
	"stadtgraph/internal/feed"
	"stadtgraph/internal/linked"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/pgtest"
	"stadtgraph/internal/pgtest/shipped"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/server"
	"stadtgraph/internal/site"
)

// serve serves feeds and linked data of a database.
func serve(t *testing.T, pool *pgxpool.Pool, of site.Site, answers *cache.Cache) string {
	t.Helper()
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{
		Executor: graph.NewExecutor(plan.New(read, pool, true)), Authenticate: (&auth.Gate{DB: pool}).Authenticate, Database: pool, Cache: answers, MaxAge: time.Second,
		Log: slog.New(slog.DiscardHandler), Pages: slices.Concat(feed.Pages(of), linked.Pages(of, linked.Terms{}, []linked.Dump{{Name: "all", Formats: []string{"ndjson"}}}, read.Prefix)), Routes: feed.Sitemaps(of),
	})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.Handler())
	t.Cleanup(h.Close)
	return h.URL
}

type reply struct {
	*http.Response
	body []byte
}

func get(t *testing.T, address string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response, body}
}

// awkward is what nobody should see, and what is hard to write: titles with the ends of
// CDATA, entities, quotation marks, an emoji and control characters, addresses without a
// host, dates that are hardly known, a very long text.
const awkward = `
INSERT INTO topic (id, slug, name, scheme) VALUES ('00000000-0000-7000-8000-0000000000a1', 'straßen-und-plätze', 'Straßen & <Plätze>', 'KEYWORD');
INSERT INTO article (id, slug, kind, title, lead, body, body_html, body_text, body_contents, body_excerpt, body_reading_minutes, body_renderer, publication_status, sponsored, sponsor_label, published_on_start, published_on_end, published_on_precision, published_at) VALUES
  ('00000000-0000-7000-8000-000000000001', 'über-uns', 'NEWS', E'Ende ]]> & <b>"fett"</b> ''x'' 🚲 \u0001\u001b\ufffe', E'Zeile\u0008 eins\n\nZeile zwei', 'x',
    '<p><a href="/seite?a=1&amp;b=2">hier</a> <a href="#oben">oben</a> <img src="/bild.png" alt="]]&gt;"></p>', 'x', '[]', 'x', 1, 1, 'PUBLISHED', false, NULL, NULL, NULL, NULL, '2026-01-02T03:04:05Z'),
  ('00000000-0000-7000-8000-000000000002', 'vage', 'NEWS', 'Vage', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'PUBLISHED', false, NULL, '2025-01-01', '2025-12-31', 'YEAR', NULL),
  ('00000000-0000-7000-8000-000000000003', 'ohne-datum', 'NEWS', 'Ohne Datum', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'PUBLISHED', false, NULL, NULL, NULL, NULL, NULL),
  ('00000000-0000-7000-8000-000000000004', 'lang', 'NEWS', 'Lang', 'Kurz gesagt.', 'x', '<p>' || repeat('lang ', 80000) || '</p>', 'x', '[]', 'x', 1, 1, 'PUBLISHED', false, NULL, NULL, NULL, NULL, NULL),
  ('00000000-0000-7000-8000-000000000005', 'entwurf', 'NEWS', 'GEHEIM Entwurf', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'DRAFT', false, NULL, NULL, NULL, NULL, NULL),
  ('00000000-0000-7000-8000-000000000006', 'archiv', 'NEWS', 'GEHEIM Archiv', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'ARCHIVED', false, NULL, NULL, NULL, NULL, '2020-01-01T00:00:00Z'),
  ('00000000-0000-7000-8000-000000000007', 'anzeige', 'NEWS', 'GEHEIM Anzeige', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'PUBLISHED', true, 'Anzeige', NULL, NULL, NULL, NULL),
  ('00000000-0000-7000-8000-000000000008', 'morgen', 'NEWS', 'GEHEIM morgen', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'SCHEDULED', false, NULL, NULL, NULL, NULL, now() + interval '1 day');
INSERT INTO media_asset (id) VALUES ('00000000-0000-7000-8000-0000000000d1');
INSERT INTO article_media (article_id, position, media_id, lead) VALUES ('00000000-0000-7000-8000-000000000002', 1, '00000000-0000-7000-8000-0000000000d1', true);
INSERT INTO article_topic (article_id, topic_id, role, position) SELECT id, '00000000-0000-7000-8000-0000000000a1', 'KEYWORD', 1 FROM article;
INSERT INTO comment (id, article_id, parent_id, author_name, body, body_html, body_text, body_renderer, status, audience) VALUES
  ('00000000-0000-7000-8000-0000000000c1', '00000000-0000-7000-8000-000000000001', NULL, 'Erika', 'Ja', '<p>Ja</p>', 'Ja', 1, 'APPROVED', 'PUBLIC'),
  ('00000000-0000-7000-8000-0000000000c2', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-0000000000c1', NULL, 'Nein', '<p>Nein</p>', 'Nein', 1, 'APPROVED', 'PUBLIC'),
  ('00000000-0000-7000-8000-0000000000c3', '00000000-0000-7000-8000-000000000001', NULL, 'GEHEIM', 'GEHEIM', '<p>GEHEIM</p>', 'GEHEIM', 1, 'PENDING', 'PUBLIC'),
  ('00000000-0000-7000-8000-0000000000c4', '00000000-0000-7000-8000-000000000001', NULL, 'GEHEIM', 'GEHEIM', '<p>GEHEIM</p>', 'GEHEIM', 1, 'SPAM', 'PUBLIC'),
  ('00000000-0000-7000-8000-0000000000c5', '00000000-0000-7000-8000-000000000001', NULL, 'GEHEIM', 'GEHEIM', '<p>GEHEIM</p>', 'GEHEIM', 1, 'APPROVED', 'EDITORS');
INSERT INTO funding_program (id, slug, title, summary, level, publication_status, nationwide, period_to_start, period_to_end, period_to_precision) VALUES
  ('00000000-0000-7000-8000-0000000000f1', 'programm', 'Programm; mit, Zeichen\', E'Zeile eins\nZeile zwei', 'FEDERAL', 'PUBLISHED', true, NULL, NULL, NULL),
  ('00000000-0000-7000-8000-0000000000f2', 'aus', 'Ausgelaufen', NULL, 'FEDERAL', 'PUBLISHED', true, '2026-01-01', '2026-01-31', 'MONTH'),
  ('00000000-0000-7000-8000-0000000000f3', 'geheim', 'GEHEIM', NULL, 'FEDERAL', 'DRAFT', true, NULL, NULL, NULL);
INSERT INTO funding_call (id, program_id, label, opens_on, closes_on) VALUES
  ('00000000-0000-7000-8000-0000000000d1', '00000000-0000-7000-8000-0000000000f1', 'Aufruf mit einem sehr langen Namen, der über fünfundsiebzig Bytes hinausgeht und Umlaute hat: äöüß', '2030-01-01', '2030-03-31'),
  ('00000000-0000-7000-8000-0000000000d2', '00000000-0000-7000-8000-0000000000f2', 'Hinfällig', NULL, '2030-04-30'),
  ('00000000-0000-7000-8000-0000000000d3', '00000000-0000-7000-8000-0000000000f3', 'GEHEIM', NULL, '2030-04-30'),
  ('00000000-0000-7000-8000-0000000000d4', '00000000-0000-7000-8000-0000000000f1', 'Längst vorbei', NULL, '2020-04-30'),
  ('00000000-0000-7000-8000-0000000000d5', '00000000-0000-7000-8000-0000000000f1', 'Vorbei', NULL, current_date - 9);
INSERT INTO event (id, slug, title, kind, venue, date_start, date_end, date_precision, starts_at, ends_at) VALUES
  ('00000000-0000-7000-8000-0000000000e1', 'messe', 'Messe', 'CONFERENCE', 'Halle 1, Eingang; Nord', '2030-05-01', '2030-05-03', 'INTERVAL', NULL, NULL),
  ('00000000-0000-7000-8000-0000000000e2', 'rat', 'Rat', 'COUNCIL_MEETING', NULL, '2030-06-01', '2030-06-01', 'DAY', '2030-06-01T16:00:00Z', '2030-06-01T18:00:00Z'),
  ('00000000-0000-7000-8000-0000000000e3', 'irgendwann', 'Irgendwann', 'OTHER', NULL, '2030-01-01', '2030-12-31', 'YEAR', NULL, NULL)`

func TestAwkward(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	if _, err := pool.Exec(t.Context(), awkward); err != nil {
		t.Fatal(err)
	}
	base := serve(t, pool, publisher(t), nil)
	for _, path := range []string{"/feeds/articles", "/feeds/topics/stra%C3%9Fen-und-pl%C3%A4tze/articles", "/feeds/articles/%C3%BCber-uns/comments", "/feeds/funding-calls", "/feeds/strategies"} {
		for _, form := range []feed.Form{feed.Atom, feed.RSS, feed.JSON} {
			r := get(t, base+path+form.Extension)
			if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != form.ContentType() || bytes.Contains(r.body, []byte("GEHEIM")) {
				t.Errorf("%s%s: %s %s", path, form.Extension, r.Status, r.body)
				continue
			}
			parsed := parse(t, form, r.body)
			switch path {
			case "/feeds/articles", "/feeds/topics/stra%C3%9Fen-und-pl%C3%A4tze/articles":
				if len(parsed.Items) != 4 {
					t.Fatalf("%s: %d items", form.Extension, len(parsed.Items))
				}
				for _, i := range parsed.Items {
					switch i.GUID {
					case "urn:uuid:00000000-0000-7000-8000-000000000001":
						if strings.TrimSpace(i.Title) != `Ende ]]> & <b>"fett"</b> 'x' 🚲` || i.Link != "https://news.example/artikel/%C3%BCber-uns" || !i.PublishedParsed.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) || !slices.Equal(i.Categories, []string{"Straßen & <Plätze>"}) {
							t.Errorf("%s: %q %q %v %q", form.Extension, i.Title, i.Link, i.PublishedParsed, i.Categories)
						}
						for _, want := range []string{`href="https://news.example/seite?a=1&amp;b=2"`, `href="https://news.example/artikel/%C3%BCber-uns#oben"`, `src="https://news.example/bild.png"`, `alt="]]&gt;"`} {
							if !strings.Contains(i.Content, want) {
								t.Errorf("%s: no %s in %s", form.Extension, want, i.Content)
							}
						}
					case "urn:uuid:00000000-0000-7000-8000-000000000004":
						if len(i.Content) > 100 || !strings.Contains(i.Content+i.Description, "Kurz gesagt.") {
							t.Errorf("%s: a long text is %d bytes", form.Extension, len(i.Content))
						}
					default:
						if i.Image != nil || len(i.Enclosures) > 0 { // nobody knows where the picture is
							t.Errorf("%s: %q has a picture %v %v", form.Extension, i.Title, i.Image, i.Enclosures)
						}
						if i.PublishedParsed != nil && form.Extension != feed.Atom.Extension { // of which the parser takes another date
							t.Errorf("%s: %q is dated %v", form.Extension, i.Title, i.PublishedParsed)
						}
					}
				}
			case "/feeds/articles/%C3%BCber-uns/comments":
				if len(parsed.Items) != 2 {
					t.Errorf("%s: %d comments", form.Extension, len(parsed.Items))
				}
			case "/feeds/funding-calls":
				if len(parsed.Items) != 4 || !strings.Contains(string(r.body), "Anträge vom 01.01.2030 bis zum 31.03.2030.") {
					t.Errorf("%s: %s", form.Extension, r.body)
				}
			}
		}
	}
	if r := get(t, base+"/feeds/articles/%C3%BCber-uns/comments.atom"); !bytes.Contains(r.body, []byte(`<thr:in-reply-to ref="urn:uuid:00000000-0000-7000-8000-0000000000c1">`)) {
		t.Errorf("no reply: %s", r.body)
	}
	token := administrator(t, pool)
	for _, path := range []string{"/feeds/articles.json", "/feeds/articles/%C3%BCber-uns/comments.json", "/feeds/funding-calls.json", "/feeds/funding-deadlines.ics", "/sitemaps/article-1.xml"} {
		if r := get(t, base+path, "Authorization", "Bearer "+token); r.StatusCode != http.StatusOK || bytes.Contains(r.body, []byte("GEHEIM")) || bytes.Contains(r.body, []byte("entwurf")) {
			t.Errorf("%s with a token: %s %v %s", path, r.Status, r.Header, r.body)
		}
	}
	for id, want := range map[nodeid.ID]string{
		{Prefix: "article", UUID: nodeid.UUID{6: 0x70, 8: 0x80, 15: 1}}:    `"comment":[{"@id":`,
		{Prefix: "comment", UUID: nodeid.UUID{6: 0x70, 8: 0x80, 15: 0xc1}}: `"author":{"@type":"Person","name":"Erika"}`,
		{Prefix: "article", UUID: nodeid.UUID{6: 0x70, 8: 0x80, 15: 5}}:    `"status":404`,
		{Prefix: "comment", UUID: nodeid.UUID{6: 0x70, 8: 0x80, 15: 0xc3}}: `"status":404`,
	} {
		if r := get(t, base+"/api/v1/jsonld/"+id.String(), "Authorization", "Bearer "+token); !bytes.Contains(r.body, []byte(want)) || bytes.Contains(r.body, []byte("GEHEIM")) || bytes.Contains(r.body, []byte("</")) {
			t.Errorf("%s: %s %s", id, r.Status, r.body)
		}
	}
	for path, want := range map[string][]string{
		"/feeds/funding-deadlines.ics": {"Vorbei", "urn:uuid:00000000-0000-7000-8000-0000000000d1 CONFIRMED 20300331 20300401", "urn:uuid:00000000-0000-7000-8000-0000000000d2 CANCELLED 20300430 20300501"},
		"/feeds/events.ics":            {"urn:uuid:00000000-0000-7000-8000-0000000000e1 CONFIRMED 20300501 20300504", "urn:uuid:00000000-0000-7000-8000-0000000000e2 CONFIRMED 20300601T160000Z 20300601T180000Z"},
	} {
		r := get(t, base+path)
		for line := range strings.SplitSeq(string(r.body), "\r\n") {
			if len(line) > 75 || strings.Contains(line, "\n") {
				t.Errorf("%s: a line of %d bytes: %q", path, len(line), line)
			}
		}
		parsed, err := ical.NewDecoder(bytes.NewReader(r.body)).Decode()
		if err != nil {
			t.Fatalf("%v\n%s", err, r.body)
		}
		var got []string
		for _, e := range parsed.Events() {
			text := func(name string) string { p := e.Props.Get(name); return p.Value }
			line := strings.Join([]string{text("UID"), text("STATUS"), text("DTSTART"), text("DTEND")}, " ")
			if summary, _ := e.Props.Text("SUMMARY"); strings.HasSuffix(summary, ": Vorbei") { // nine days ago
				line = "Vorbei"
			}
			got = append(got, line)
			if p := e.Props.Get("DTSTAMP"); p == nil {
				t.Errorf("%s: no DTSTAMP", text("UID"))
			}
			if summary, err := e.Props.Text("SUMMARY"); err != nil || strings.HasSuffix(text("UID"), "d1") && summary != `Antragsfrist: Programm; mit, Zeichen\: Aufruf mit einem sehr langen Namen, der über fünfundsiebzig Bytes hinausgeht und Umlaute hat: äöüß` {
				t.Errorf("%v: %q", err, summary)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	for path, status := range map[string]int{
		"/feeds/articles.xml": 404, "/feeds/articles": 404, "/feeds/states/99/articles.atom": 404, "/feeds/articles/entwurf/comments.atom": 404, "/feeds/topics/x%00y/articles.atom": 400,
		"/feeds/articles.atom?after=x": 400, "/feeds/articles.atom?page=2": 400, "/feeds/articles.atom?after=": 400, "/feeds/articles.atom?after=a&after=b": 400, "/feeds/events.ics?after=x": 400, "/feeds?x=y": 400,
		"/api/v1/jsonld/nothing": 404, "/api/v1/jsonld/api_token_01hgercx00eq8vwwfka56qf8b0": 404,
		"/sitemaps/article-2.xml": 404, "/sitemaps/article-0.xml": 404, "/sitemaps/article-99999.xml": 404, "/sitemaps/person-1.xml": 404,
	} {
		if r := get(t, base+path); r.StatusCode != status || r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %s %s, want %d", path, r.Status, r.body, status)
		}
	}
	if r := get(t, base+"/sitemaps/article-1.xml"); r.StatusCode != http.StatusOK || bytes.Contains(r.body, []byte("entwurf")) || bytes.Count(r.body, []byte("<loc>")) != 4 {
		t.Errorf("sitemap: %s %s", r.Status, r.body)
	}
}

// administrator is the token of somebody who may see everything.
func administrator(t *testing.T, pool *pgxpool.Pool) (secret string) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) (err error) {
		secret, _, err = auth.CreateToken(t.Context(), tx, auth.Params{Name: "feeds", Role: auth.Admin})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// TestPages: the pages of a feed follow each other and hold everything once.
func TestPages(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	if _, err := pool.Exec(t.Context(), `INSERT INTO article (id, slug, kind, title, publication_status, published_at)
		SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'a' || n, 'NEWS', 'A ' || n, 'PUBLISHED', '2026-01-01'::timestamptz + n * interval '1 hour' FROM generate_series(1, 120) n`); err != nil {
		t.Fatal(err)
	}
	base := serve(t, pool, publisher(t), nil)
	seen := map[string]bool{}
	pages := 0
	for address := base + "/feeds/articles.json"; address != ""; pages++ {
		r := get(t, address)
		var page struct {
			FeedURL string `json:"feed_url"`
			NextURL string `json:"next_url"`
			Items   []struct{ ID, Title string }
		}
		if err := json.Unmarshal(r.body, &page); err != nil || page.FeedURL != address {
			t.Fatalf("%v %s %s", err, page.FeedURL, r.body)
		}
		for _, i := range page.Items {
			if seen[i.ID] {
				t.Errorf("%s twice", i.Title)
			}
			seen[i.ID] = true
		}
		atom := get(t, strings.Replace(address, ".json", ".atom", 1)).body
		if next := bytes.Contains(atom, []byte(`rel="next"`)); next != (page.NextURL != "") {
			t.Errorf("Atom has a next page: %v, JSON: %q", next, page.NextURL)
		}
		address = page.NextURL
	}
	if len(seen) != 120 || pages != 3 {
		t.Errorf("%d items on %d pages", len(seen), pages)
	}
}

// TestConditional: who has a feed already is told so, by tag and by date, until something
// in it changes.
func TestConditional(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	if _, err := pool.Exec(t.Context(), awkward); err != nil {
		t.Fatal(err)
	}
	read, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	answers := cache.New(16<<20, change.Log{Pool: pool}, read.Prefix)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { answers.Follow(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	answers.Sync(t.Context())
	address := serve(t, pool, publisher(t), answers) + "/feeds/articles.rss"
	first := get(t, address)
	tag := first.Header.Get("ETag")
	if first.StatusCode != http.StatusOK || tag == "" || first.Header.Get("Last-Modified") != "" {
		t.Fatalf("%s %v", first.Status, first.Header)
	}
	if r := get(t, address, "If-None-Match", tag); r.StatusCode != http.StatusNotModified || len(r.body) > 0 {
		t.Errorf("by tag: %s", r.Status)
	}
	later := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	if r := get(t, address, "If-None-Match", `"other"`, "If-Modified-Since", later); r.StatusCode != http.StatusOK {
		t.Errorf("a tag counts more than a date: %s", r.Status)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE article SET title = 'Neu' WHERE slug = 'vage'`); err != nil {
		t.Fatal(err)
	}
	answers.Sync(t.Context())
	if r := get(t, address, "If-None-Match", tag); r.StatusCode != http.StatusOK || !bytes.Contains(r.body, []byte("<title>Neu</title>")) {
		t.Errorf("changed: %s %s", r.Status, r.body)
	}
}

// TestSitemap: all municipalities are in it, each once, in files of ten thousand.
func TestSitemap(t *testing.T) {
	t.Parallel()
	pages, err := site.ParsePages(map[string]string{"municipality": "https://news.example/ort/{key}?a&b", "state": "https://news.example/land/{key}", "topic": "https://news.example/thema/{slug}"})
	if err != nil {
		t.Fatal(err)
	}
	base := serve(t, shipped.DB(t), site.Site{Pages: pages}, nil)
	const space = "http://www.sitemaps.org/schemas/sitemap/0.9"
	var index struct {
		XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 sitemapindex"`
		Files   []struct {
			Loc     string `xml:"loc"`
			LastMod string `xml:"lastmod"`
		} `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 sitemap"`
	}
	if r := get(t, base+"/sitemap.xml"); xml.Unmarshal(r.body, &index) != nil || index.XMLName.Space != space {
		t.Fatalf("%s %s", r.Status, r.body)
	}
	var files []string
	seen := map[string]bool{}
	for _, f := range index.Files {
		files = append(files, strings.TrimPrefix(f.Loc, base))
		r := get(t, f.Loc)
		var set struct {
			XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
			URLs    []struct {
				Loc     string `xml:"loc"`
				LastMod string `xml:"lastmod"`
			} `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 url"`
		}
		if err := xml.Unmarshal(r.body, &set); err != nil || len(set.URLs) == 0 || len(set.URLs) > 10_000 || len(r.body) > 50<<20 {
			t.Fatalf("%s: %v, %d addresses", f.Loc, err, len(set.URLs))
		}
		for _, u := range set.URLs {
			if _, err := time.Parse(time.RFC3339, u.LastMod); err != nil || seen[u.Loc] || !strings.HasPrefix(u.Loc, "https://news.example/") {
				t.Fatalf("%s: %+v", f.Loc, u)
			}
			seen[u.Loc] = true
		}
		if again := get(t, f.Loc, "If-None-Match", r.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %s", f.Loc, again.Status)
		}
	}
	if want := []string{"/sitemaps/municipality-1.xml", "/sitemaps/municipality-2.xml", "/sitemaps/state-1.xml", "/sitemaps/topic-1.xml"}; !slices.Equal(files, want) {
		t.Errorf("got %q, want %q", files, want)
	}
	if n := len(seen); n < 10_773+16+10 || !seen["https://news.example/ort/09461000?a&b"] {
		t.Errorf("%d addresses", n)
	}
	if r := get(t, serve(t, shipped.DB(t), site.Site{}, nil)+"/sitemap.xml"); r.StatusCode != http.StatusNotFound {
		t.Errorf("without pages: %s", r.Status)
	}
}

func TestPagesOfSettings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"article=https://example.org/{slug}":        "",
		"article=https://example.org/#{id}":         "",
		"article=https://example.org/":              "is the same page for every article",
		"article=https://example.org/{key}":         "choose from {id}, {slug}",
		"article=/artikel/{slug}":                   "is no address of a page",
		"article=javascript:alert({id})":            "is no address of a page",
		"article=https://user:x@example.org/{slug}": "is no address of a page",
		"article=https://example.org/{slug":         "is no address of a page",
		"artikel=https://example.org/{slug}":        "choose from article, award",
	} {
		name, address, _ := strings.Cut(text, "=")
		if _, err := site.ParsePages(map[string]string{name: address}); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	pages, err := site.ParsePages(map[string]string{"article": "https://example.org/{slug}"})
	if err != nil {
		t.Fatal(err)
	}
	if got := pages.Page(site.Target{Type: "Article", Slug: "../ä ?#\"<"}); got != "https://example.org/..%2F%C3%A4%20%3F%23%22%3C" {
		t.Error(got)
	}
	if got := fmt.Sprint(pages.Page(site.Target{Type: "Article"}), pages.Page(site.Target{Type: "State", Slug: "x"})); got != "" {
		t.Error(got)
	}
}
