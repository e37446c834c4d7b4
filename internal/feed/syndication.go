package feed

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// What feeds say of the program that made them.
const generator = "stadtgraph"

func marshal(v any) ([]byte, error) {
	b := bytes.NewBufferString(xml.Header)
	if err := xml.NewEncoder(b).Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Atom: RFC 4287, with the links of paged feeds (RFC 5005) and of threads (RFC 4685).
type (
	atomFeed struct {
		XMLName   xml.Name     `xml:"http://www.w3.org/2005/Atom feed"`
		Thread    string       `xml:"xmlns:thr,attr"`
		Language  string       `xml:"xml:lang,attr"`
		ID        string       `xml:"id"`
		Title     string       `xml:"title"`
		Updated   string       `xml:"updated"`
		Author    atomPerson   `xml:"author"`
		Generator string       `xml:"generator"`
		Links     []atomLink   `xml:"link"`
		Entries   []*atomEntry `xml:"entry"`
	}
	atomEntry struct {
		Language   string         `xml:"xml:lang,attr,omitempty"`
		ID         string         `xml:"id"`
		Title      string         `xml:"title"`
		Published  string         `xml:"published,omitempty"`
		Updated    string         `xml:"updated"`
		Authors    []atomPerson   `xml:"author"`
		Links      []atomLink     `xml:"link"`
		Categories []atomCategory `xml:"category"`
		ReplyTo    *atomReply     `xml:"thr:in-reply-to"`
		Summary    string         `xml:"summary,omitempty"`
		Content    *atomText      `xml:"content"`
	}
	atomPerson struct {
		Name string `xml:"name"`
		URI  string `xml:"uri,omitempty"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr,omitempty"`
		Href string `xml:"href,attr"`
	}
	atomCategory struct {
		Term string `xml:"term,attr"`
	}
	atomReply struct {
		Ref  string `xml:"ref,attr"`
		Href string `xml:"href,attr,omitempty"`
	}
	atomText struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	}
)

func writeAtom(c *channel) ([]byte, error) {
	f := atomFeed{Thread: "http://purl.org/syndication/thread/1.0", Language: "de", ID: c.id, Title: c.title, Updated: stamp(c.updated),
		Author: atomPerson{Name: c.site.Publisher, URI: c.site.Root()}, Generator: generator,
		Links: []atomLink{{"self", atomType, c.self}, {"alternate", "text/html", c.home}, {"first", atomType, c.first}}}
	if c.next != "" {
		f.Links = append(f.Links, atomLink{"next", atomType, c.next})
	}
	for _, i := range c.items {
		e := &atomEntry{ID: i.id, Title: i.title, Updated: stamp(i.updated), Summary: i.summary}
		if i.language != f.Language {
			e.Language = i.language
		}
		if !i.published.IsZero() {
			e.Published = stamp(i.published)
		}
		for _, a := range i.authors {
			e.Authors = append(e.Authors, atomPerson{a.name, a.url})
		}
		if i.url != "" {
			e.Links = append(e.Links, atomLink{"alternate", "text/html", i.url})
		}
		e.Links = append(e.Links, atomLink{"related", "application/ld+json", c.site.Linked(i.node)})
		if i.image != "" {
			e.Links = append(e.Links, atomLink{"enclosure", i.imageType, i.image})
		}
		for _, t := range i.tags {
			e.Categories = append(e.Categories, atomCategory{t})
		}
		if i.replyTo != "" {
			e.ReplyTo = &atomReply{i.replyTo, i.replyToURL}
		}
		if text := i.content(); text != "" {
			e.Content = &atomText{"html", text}
		} else if i.url == "" { // RFC 4287, 4.1.1: one of the two there must be
			e.Content = &atomText{"text", i.title}
		}
		f.Entries = append(f.Entries, e)
	}
	return marshal(f)
}

// RSS 2.0, with the modules that readers know.
type (
	rss struct {
		XMLName xml.Name   `xml:"rss"`
		Version string     `xml:"version,attr"`
		Atom    string     `xml:"xmlns:atom,attr"`
		Content string     `xml:"xmlns:content,attr"`
		DC      string     `xml:"xmlns:dc,attr"`
		Media   string     `xml:"xmlns:media,attr"`
		Channel rssChannel `xml:"channel"`
	}
	rssChannel struct {
		Title         string     `xml:"title"`
		Link          string     `xml:"link"`
		Description   string     `xml:"description"`
		Language      string     `xml:"language"`
		LastBuildDate string     `xml:"lastBuildDate,omitempty"`
		Generator     string     `xml:"generator"`
		Docs          string     `xml:"docs"`
		Links         []atomLink `xml:"atom:link"`
		Items         []*rssItem `xml:"item"`
	}
	rssItem struct {
		Title       string    `xml:"title"`
		Link        string    `xml:"link,omitempty"`
		GUID        rssGUID   `xml:"guid"`
		PubDate     string    `xml:"pubDate,omitempty"`
		Creators    []string  `xml:"dc:creator"`
		Categories  []string  `xml:"category"`
		Description string    `xml:"description,omitempty"`
		Content     string    `xml:"content:encoded,omitempty"`
		Image       *rssMedia `xml:"media:content"`
	}
	rssGUID struct {
		IsPermaLink bool   `xml:"isPermaLink,attr"`
		Text        string `xml:",chardata"`
	}
	rssMedia struct {
		URL    string `xml:"url,attr"`
		Type   string `xml:"type,attr,omitempty"`
		Medium string `xml:"medium,attr"`
	}
)

func writeRSS(c *channel) ([]byte, error) {
	ch := rssChannel{Title: c.title, Link: c.home, Description: c.description(), Language: "de", Generator: generator,
		Docs: "https://www.rssboard.org/rss-specification", Links: []atomLink{{"self", rssType, c.self}, {"first", rssType, c.first}}}
	if !c.updated.IsZero() {
		ch.LastBuildDate = c.updated.In(berlin).Format(time.RFC1123Z)
	}
	if c.next != "" {
		ch.Links = append(ch.Links, atomLink{"next", rssType, c.next})
	}
	for _, i := range c.items {
		e := &rssItem{Title: i.title, Link: i.url, GUID: rssGUID{false, i.id}, Categories: i.tags, Description: paragraphs(i.summary), Content: i.html}
		if !i.published.IsZero() {
			e.PubDate = i.published.In(berlin).Format(time.RFC1123Z)
		}
		for _, a := range i.authors {
			e.Creators = append(e.Creators, a.name)
		}
		if i.image != "" {
			e.Image = &rssMedia{i.image, i.imageType, "image"}
		}
		ch.Items = append(ch.Items, e)
	}
	return marshal(rss{Version: "2.0", Atom: "http://www.w3.org/2005/Atom", Content: "http://purl.org/rss/1.0/modules/content/",
		DC: "http://purl.org/dc/elements/1.1/", Media: "http://search.yahoo.com/mrss/", Channel: ch})
}

// JSON Feed 1.1.
type (
	jsonFeed struct {
		Version     string       `json:"version"`
		Title       string       `json:"title"`
		HomePageURL string       `json:"home_page_url"`
		FeedURL     string       `json:"feed_url"`
		Description string       `json:"description"`
		NextURL     string       `json:"next_url,omitempty"`
		Authors     []jsonAuthor `json:"authors"`
		Language    string       `json:"language"`
		Items       []*jsonItem  `json:"items"`
	}
	jsonItem struct {
		ID            string       `json:"id"`
		URL           string       `json:"url,omitempty"`
		Title         string       `json:"title,omitempty"`
		ContentHTML   string       `json:"content_html,omitempty"`
		ContentText   *string      `json:"content_text,omitempty"`
		Summary       string       `json:"summary,omitempty"`
		Image         string       `json:"image,omitempty"`
		DatePublished string       `json:"date_published,omitempty"`
		DateModified  string       `json:"date_modified"`
		Authors       []jsonAuthor `json:"authors,omitempty"`
		Tags          []string     `json:"tags,omitempty"`
		Language      string       `json:"language,omitempty"`
		Ours          jsonOurs     `json:"_stadtgraph"`
	}
	jsonAuthor struct {
		Name string `json:"name"`
		URL  string `json:"url,omitempty"`
	}
	jsonOurs struct {
		About   string `json:"about"`
		ID      string `json:"id"`
		ReplyTo string `json:"in_reply_to,omitempty"`
	}
)

func writeJSON(c *channel) ([]byte, error) {
	f := jsonFeed{Version: "https://jsonfeed.org/version/1.1", Title: c.title, HomePageURL: c.home, FeedURL: c.self, Description: c.description(),
		NextURL: c.next, Language: "de", Authors: []jsonAuthor{{c.site.Publisher, c.site.Root()}}, Items: []*jsonItem{}}
	for _, i := range c.items {
		e := &jsonItem{ID: i.id, URL: i.url, Title: i.title, ContentHTML: i.html, Summary: i.summary, Image: i.image, DateModified: stamp(i.updated),
			Tags: i.tags, Language: i.language, Ours: jsonOurs{c.site.Linked(i.node), i.node, i.replyTo}}
		if i.html == "" { // one of the two there must be
			e.ContentText = &i.summary
		}
		if !i.published.IsZero() {
			e.DatePublished = stamp(i.published)
		}
		for _, a := range i.authors {
			e.Authors = append(e.Authors, jsonAuthor{a.name, a.url})
		}
		f.Items = append(f.Items, e)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(f)
	return b.Bytes(), err
}

// content is the text of an item as HTML, or what there is in its place.
func (i *item) content() string {
	if i.html != "" {
		return i.html
	}
	return paragraphs(i.summary)
}

// paragraphs is plain text as HTML.
func paragraphs(text string) string {
	if text == "" {
		return ""
	}
	return "<p>" + strings.ReplaceAll(html.EscapeString(text), "\n\n", "</p><p>") + "</p>"
}

func (c *channel) description() string { return c.title + ", herausgegeben von " + c.site.Publisher }

// stamp is an instant as in RFC 3339, of which seconds are enough. A feed of nothing is as
// old as time.
func stamp(t time.Time) string {
	if t.IsZero() {
		t = time.Unix(0, 0)
	}
	return t.In(berlin).Format(time.RFC3339)
}
