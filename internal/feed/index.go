package feed

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/server"
	"stadtgraph/internal/site"
)

// indexDocument reads for whom there are feeds that few enough can be listed of.
const indexDocument = `query FeedIndex { states(first: 100) { nodes { key name } } }`

type state struct{ Key, Name string }

func indexPage(of site.Site, pattern, contentType string, write func(site.Site, []state) ([]byte, error)) server.Page {
	return server.Page{Pattern: pattern, Document: indexDocument, Ask: func(r server.Request) (server.Asked, error) {
		if r.URL.RawQuery != "" {
			return server.Asked{}, fault.New(fault.Invalid, "This list takes no parameters.")
		}
		return server.Asked{Render: func(data []byte) (server.Answer, error) {
			var read struct{ States struct{ Nodes []state } }
			if err := json.Unmarshal(data, &read); err != nil {
				return server.Answer{}, fmt.Errorf("read the answer for %s: %w", pattern, err)
			}
			text, err := write(of.At(r.Base), read.States.Nodes)
			return answer(contentType, text), err
		}}, nil
	}}
}

// writeIndex lists the feeds, with templates (RFC 6570) of those that are about something.
func writeIndex(at site.Site, _ []state) ([]byte, error) {
	type address struct {
		Type     string `json:"type"`
		URL      string `json:"url,omitempty"`
		Template string `json:"url_template,omitempty"`
	}
	type listed struct {
		Title string    `json:"title"`
		Forms []address `json:"forms"`
	}
	var index struct {
		Title string   `json:"title"`
		Home  string   `json:"home_page_url"`
		Feeds []listed `json:"feeds"`
		OPML  string   `json:"opml_url"`

		Catalogue string `json:"catalog_url"` // of the exports
		Sitemap   string `json:"sitemap_url,omitempty"`
	}
	index.Title, index.Home, index.OPML, index.Catalogue = at.Publisher, at.Root(), at.Base+"/feeds/index.opml", at.Base+"/dcat/catalog.jsonld"
	if len(at.Pages) > 0 {
		index.Sitemap = at.Base + "/sitemap.xml"
	}
	for _, f := range All {
		l := listed{Title: strings.TrimSuffix(f.Title, ": {name}")}
		for _, form := range f.Forms {
			a := address{Type: form.MediaType, URL: at.Base + f.Path + form.Extension}
			if len(f.Parameters) > 0 {
				a.URL, a.Template = "", a.URL
			}
			l.Forms = append(l.Forms, a)
		}
		index.Feeds = append(index.Feeds, l)
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(index)
	return b.Bytes(), err
}

// writeOPML lists what a reader can subscribe to at once: OPML 2.0.
func writeOPML(at site.Site, states []state) ([]byte, error) {
	type outline struct {
		Text     string    `xml:"text,attr"`
		Type     string    `xml:"type,attr,omitempty"`
		XMLURL   string    `xml:"xmlUrl,attr,omitempty"`
		HTMLURL  string    `xml:"htmlUrl,attr,omitempty"`
		Outlines []outline `xml:"outline"`
	}
	var document struct {
		XMLName  xml.Name  `xml:"opml"`
		Version  string    `xml:"version,attr"`
		Title    string    `xml:"head>title"`
		Outlines []outline `xml:"body>outline"`
	}
	document.Version, document.Title = "2.0", at.Publisher
	for _, f := range All {
		if f.Forms[0].Extension != Atom.Extension {
			continue
		}
		switch address := at.Base + f.Path + Atom.Extension; {
		case len(f.Parameters) == 0:
			document.Outlines = append(document.Outlines, outline{Text: f.Title, Type: "rss", XMLURL: address, HTMLURL: at.Root()})
		case strings.Contains(f.Path, "/states/"):
			group := outline{Text: strings.TrimSuffix(f.Title, ": {name}") + " nach Ländern"}
			for _, s := range states {
				group.Outlines = append(group.Outlines, outline{Text: strings.ReplaceAll(f.Title, "{name}", s.Name), Type: "rss",
					XMLURL: strings.ReplaceAll(address, "{key}", s.Key), HTMLURL: at.Pages.Page(site.Target{Type: "State", Key: s.Key})})
			}
			document.Outlines = append(document.Outlines, group)
		}
	}
	return marshal(document)
}
