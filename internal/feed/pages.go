package feed

import (
	"net/http"
	"time"

	"stadtgraph/internal/server"
	"stadtgraph/internal/site"
)

// Pages are the addresses of all feeds, in all their forms, and of the lists of them.
func Pages(of site.Site) []server.Page {
	pages := []server.Page{indexPage(of, "/feeds", "application/json", writeIndex), indexPage(of, "/feeds/index.opml", "text/x-opml; charset=utf-8", writeOPML)}
	for _, f := range All {
		for _, form := range f.Forms {
			pages = append(pages, server.Page{Pattern: f.Path + form.Extension, Document: f.Document, Public: true, Ask: func(r server.Request) (server.Asked, error) {
				values := map[string]string{}
				for _, name := range f.Parameters {
					values[name] = r.PathValue(name)
				}
				variables, err := f.Variables(values, r.URL.Query(), time.Now())
				if err != nil {
					return server.Asked{}, err
				}
				after := r.URL.Query().Get("after")
				return server.Asked{Variables: variables, Render: func(data []byte) (server.Answer, error) {
					text, err := f.Render(form, of.At(r.Base), values, after, data)
					return answer(form.ContentType(), text), err
				}}, nil
			}})
		}
	}
	return pages
}

func answer(contentType string, text []byte) server.Answer {
	return server.Answer{Body: text, Header: http.Header{"Content-Type": {contentType}}}
}
