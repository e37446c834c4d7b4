package text

import (
	"bytes"
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	gtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/idna"

	"stadtgraph/internal/slug"
)

// A kind is what a profile stands for.
type kind struct {
	parser   parser.Parser
	renderer renderer.Renderer
	policy   *bluemonday.Policy
	marks    int // combining marks that a character may carry, 0 for any number
}

var articles, comments = newKind(Article), newKind(Comment)

func newKind(p Profile) kind {
	blocks := []util.PrioritizedValue{
		util.Prioritized(parser.NewThematicBreakParser(), 200),
		util.Prioritized(nested{parser.NewListParser()}, 300),
		util.Prioritized(parser.NewListItemParser(), 400),
		util.Prioritized(parser.NewCodeBlockParser(), 500),
		util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
		util.Prioritized(nested{parser.NewBlockquoteParser()}, 800),
		util.Prioritized(parser.NewParagraphParser(), 1000),
	}
	paragraphs := []util.PrioritizedValue{
		util.Prioritized(definitions{parser.LinkReferenceParagraphTransformer}, 100),
	}
	transformers := []util.PrioritizedValue{util.Prioritized(transformer{p}, 1000)}
	renderers := []util.PrioritizedValue{util.Prioritized(nodes{p}, 100)}
	options := []goldhtml.Option{goldhtml.WithHardWraps()} // a reader who presses enter means a new line
	marks := 4                                             // what Vietnamese, Hebrew and Thai need, and no more
	if p == Article {
		blocks = append(blocks,
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewATXHeadingParser(), 600))
		paragraphs = append(paragraphs, util.Prioritized(tables{extension.NewTableParagraphTransformer()}, 200))
		transformers = append(transformers, util.Prioritized(extension.NewTableASTTransformer(), 0))
		// A style would be blocked by a strict Content-Security-Policy.
		renderers = append(renderers, util.Prioritized(extension.NewTableHTMLRenderer(
			extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), 500))
		options, marks = nil, 0
	}
	renderers = append(renderers, util.Prioritized(goldhtml.NewRenderer(options...), 1000))
	return kind{
		parser: parser.NewParser(
			parser.WithBlockParsers(blocks...),
			parser.WithInlineParsers( // no raw HTML, here as above
				util.Prioritized(inline{parser.NewCodeSpanParser()}, 100),
				util.Prioritized(inline{parser.NewLinkParser()}, 200),
				util.Prioritized(inline{parser.NewAutoLinkParser()}, 300),
				util.Prioritized(inline{parser.NewEmphasisParser()}, 500)),
			parser.WithParagraphTransformers(paragraphs...),
			parser.WithASTTransformers(transformers...)),
		renderer: renderer.NewRenderer(renderer.WithNodeRenderers(renderers...)),
		policy:   policy(p),
		marks:    marks,
	}
}

// Addresses as href writes them. The policy does not parse them itself:
// bluemonday's way of it (AllowURLSchemes) writes queries anew, and differently
// each time.
var (
	commentURL = regexp.MustCompile(`^(https?://[^\s"<>\\]+|mailto:[^\s"<>\\]+)$`)
	articleURL = regexp.MustCompile(`^(https?://[^\s"<>\\]+|mailto:[^\s"<>\\]+|/([^\s"<>\\/][^\s"<>\\]*)?|#[^\s"<>\\]*)$`)
	articleSrc = regexp.MustCompile(`^(https?://[^\s"<>\\]+|/[^\s"<>\\/][^\s"<>\\]*)$`)
)

// policy is the allow list: what the renderer writes, and nothing else.
func policy(p Profile) *bluemonday.Policy {
	b := bluemonday.NewPolicy()
	b.AllowElements("p", "br", "hr", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li")
	b.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,9}$`)).OnElements("ol")
	b.AllowAttrs("rel").Matching(regexp.MustCompile(`^(nofollow ugc )?noopener$`)).OnElements("a")
	if p != Article {
		b.AllowAttrs("href").Matching(commentURL).OnElements("a")
		return b
	}
	b.AllowAttrs("href").Matching(articleURL).OnElements("a")
	b.AllowAttrs("src").Matching(articleSrc).OnElements("img")
	b.AllowAttrs("alt").OnElements("img")
	b.AllowAttrs("title").OnElements("a", "img")
	b.AllowAttrs("class").Matching(regexp.MustCompile(`^language-[A-Za-z0-9_+#.-]+$`)).OnElements("code")
	b.AllowElements("h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")
	b.AllowAttrs("id").Matching(regexp.MustCompile(`^[a-z][a-z0-9-]*$`)).OnElements("h2", "h3", "h4", "h5", "h6")
	b.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|center|right)$`)).OnElements("th", "td")
	return b
}

// convert returns HTML that the policy has yet to see. Should goldmark panic,
// the text is shown as it was written: one hostile comment must not stop a job
// that renders all of them again. (No input is known that makes it panic.)
func (k *kind) convert(source []byte) (out string) {
	defer func() {
		if recover() != nil {
			out = "<p>" + html.EscapeString(string(source)) + "</p>"
		}
	}()
	var b bytes.Buffer
	tree := k.parser.Parse(gtext.NewReader(source))
	_ = k.renderer.Render(&b, source, tree) // a buffer takes everything
	return b.String()
}

// transformer makes a tree safe and gives headings their levels and ids, so
// that rendering has nothing left to decide.
type transformer struct{ profile Profile }

func (t transformer) Transform(doc *ast.Document, reader gtext.Reader, _ parser.Context) {
	source := reader.Source()
	var headings []*ast.Heading
	var auto []*ast.AutoLink
	repeated := 0 // bytes of addresses and titles that stand elsewhere in the text
	inLink := 0
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Heading:
			if entering {
				headings = append(headings, n)
			}
		case *ast.Link:
			if !entering {
				inLink--
				break
			}
			if n.Reference != nil {
				repeated += len(n.Destination) + len(n.Title)
			}
			n.Destination, n.Title = t.target(n.Destination, n.Title, inLink > 0 || repeated > maxRepeated)
			if n.FirstChild() == nil && n.Destination != nil {
				n.AppendChild(n, literal(n.Destination)) // a link that nobody could see or press
			}
			inLink++
		case *ast.Image:
			if t.profile == Article {
				if entering {
					if n.Reference != nil {
						repeated += len(n.Destination) + len(n.Title)
					}
					n.Destination, n.Title = t.target(n.Destination, n.Title, repeated > maxRepeated)
					if !articleSrc.Match(n.Destination) {
						n.Destination = nil
					}
				}
				break
			}
			if !entering {
				inLink--
				break
			}
			if n.Reference != nil {
				repeated += len(n.Destination)
			}
			n.Destination, n.Title = t.target(n.Destination, nil, inLink > 0 || repeated > maxRepeated)
			if n.FirstChild() == nil && n.Destination != nil {
				n.AppendChild(n, literal(n.Destination))
			}
			inLink++
		case *ast.AutoLink:
			if entering {
				auto = append(auto, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, n := range auto {
		dest := n.URL(source)
		if n.AutoLinkType == ast.AutoLinkEmail {
			dest = append([]byte("mailto:"), dest...)
		}
		link := ast.NewLink()
		inside := false
		for p := n.Parent(); p != nil && p.Type() == ast.TypeInline; p = p.Parent() {
			inside = inside || p.Kind() == ast.KindLink || p.Kind() == ast.KindImage
		}
		link.Destination, _ = t.target(bytes.ReplaceAll(dest, []byte("&"), []byte("&amp;")), nil, inside)
		link.AppendChild(link, literal(n.Label(source)))
		n.Parent().ReplaceChild(n.Parent(), n, link)
	}
	outline(headings, source)
}

// target is what a link may lead to, nil if it may not be one.
func (t transformer) target(dest, title []byte, refused bool) (href, shown []byte) {
	if refused || len(dest) > maxURL {
		return nil, nil
	}
	href = address(dest, t.profile)
	if href == nil || t.profile != Article || len(title) == 0 {
		return href, nil // a title can claim another address than the link has
	}
	return href, title
}

func literal(s []byte) ast.Node {
	n := ast.NewString(s)
	n.SetRaw(true)
	return n
}

// address returns a link's destination, which may have entities and escapes, in
// the one form in which it is written, or nil. Names with umlauts are encoded
// (xn--…), so that a letter from another alphabet shows; names and passwords
// are refused because https://bund.de@example.org only looks like bund.de.
func address(dest []byte, p Profile) []byte {
	raw := string(util.URLEscape(dest, true))
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	switch u.Scheme { // in lower case
	case "http", "https":
		if u.Hostname() == "" || u.User != nil {
			return nil
		}
		if strings.ContainsFunc(u.Host, func(r rune) bool { return r > '~' }) {
			host, err := idna.Lookup.ToASCII(u.Hostname())
			if err != nil {
				return nil
			}
			if port := u.Port(); port != "" {
				host += ":" + port
			}
			u.Host = host
		}
	case "mailto":
		if p != Article {
			u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = "", false, "", "" // recipients, a subject and a text of the commenter's choice
		}
		if name, domain, ok := strings.Cut(u.Opaque, "@"); !ok || name == "" || domain == "" {
			return nil
		}
	case "":
		if p != Article || u.Host != "" {
			return nil
		}
	default:
		return nil
	}
	allowed := commentURL
	if p == Article {
		allowed = articleURL
	}
	if raw = u.String(); len(raw) > maxURL || !allowed.MatchString(raw) {
		return nil
	}
	return []byte(raw)
}

const (
	topLevel = 2 // the page's title is the h1
	maxID    = 80
)

// outline moves headings so that the highest one is an h2, whether the author
// began with # or ##, and gives them ids. A heading without text goes.
func outline(headings []*ast.Heading, source []byte) {
	shift := 6
	kept := headings[:0]
	for _, h := range headings {
		if h.FirstChild() == nil {
			h.Parent().RemoveChild(h.Parent(), h)
			continue
		}
		shift = min(shift, h.Level)
		kept = append(kept, h)
	}
	bases := make([]string, len(kept))
	for i, h := range kept {
		h.Level = min(h.Level-shift+topLevel, 6)
		bases[i] = identifier(html.UnescapeString(words(h, source)))
	}
	for i, id := range unique(bases) {
		kept[i].SetAttributeString("id", []byte(id))
	}
}

// identifier is a slug that begins with a letter, since #2024 is no selector in
// CSS, and has a decent length.
func identifier(text string) string {
	id := slug.Make(text)
	if len(id) > maxID {
		id = id[:maxID+1]
		if i := strings.LastIndexByte(id, '-'); i > maxID/2 {
			id = id[:i]
		} else {
			id = id[:maxID]
		}
	}
	if id == "" {
		return "abschnitt"
	}
	if '0' <= id[0] && id[0] <= '9' {
		return "abschnitt-" + id
	}
	return id
}

// unique numbers all but the first of equal ids. A heading keeps the id that
// its own words give: of "Kosten", "Kosten" and "Kosten 2" the second is
// kosten-3. So an id changes with what the headings say and not with which of
// two different ones comes first.
func unique(ids []string) []string {
	taken := make(map[string]bool, len(ids))
	for _, id := range ids {
		taken[id] = true
	}
	last := make(map[string]int, len(ids)) // also: has been seen
	for i, id := range ids {
		if last[id] == 0 {
			last[id] = 1
			continue
		}
		for {
			last[id]++
			ids[i] = id + "-" + strconv.Itoa(last[id])
			if !taken[ids[i]] {
				break
			}
		}
		taken[ids[i]] = true
	}
	return ids
}

// words is the text inside of a node, escaped.
func words(n ast.Node, source []byte) string {
	var b bytes.Buffer
	w := writer{&b}
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			value := n.Segment.Value(source)
			if n.IsRaw() {
				goldhtml.DefaultWriter.RawWrite(w, value)
			} else {
				goldhtml.DefaultWriter.Write(w, value)
			}
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			goldhtml.DefaultWriter.RawWrite(w, n.Value)
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// writer makes a buffer what goldmark writes to.
type writer struct{ *bytes.Buffer }

func (writer) Flush() error  { return nil }
func (writer) Buffered() int { return 0 }

// nodes renders what needs more care than goldmark takes.
type nodes struct{ profile Profile }

func (r nodes) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindEmphasis, r.emphasis)
	reg.Register(ast.KindLink, r.link)
	reg.Register(ast.KindImage, r.image)
}

func (r nodes) emphasis(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	depth := 0
	for p := node.Parent(); p != nil && p.Type() == ast.TypeInline; p = p.Parent() {
		if depth++; depth >= maxNesting {
			return ast.WalkContinue, nil
		}
	}
	tag := "em"
	if node.(*ast.Emphasis).Level == 2 {
		tag = "strong"
	}
	if !entering {
		tag = "/" + tag
	}
	_, _ = w.WriteString("<" + tag + ">")
	return ast.WalkContinue, nil
}

func (r nodes) link(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.Link)
	r.anchor(w, n.Destination, n.Title, entering)
	return ast.WalkContinue, nil
}

func (r nodes) anchor(w util.BufWriter, href, title []byte, entering bool) {
	switch {
	case href == nil:
		return
	case !entering:
		_, _ = w.WriteString("</a>")
		return
	}
	attribute(w, `<a href`, util.EscapeHTML(href))
	switch {
	case r.profile != Article:
		_, _ = w.WriteString(` rel="nofollow ugc noopener"`)
	case bytes.HasPrefix(href, []byte("http")):
		_, _ = w.WriteString(` rel="noopener"`)
	}
	r.title(w, title)
	_ = w.WriteByte('>')
}

func (r nodes) image(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.Image)
	if r.profile != Article {
		r.anchor(w, n.Destination, nil, entering)
		return ast.WalkContinue, nil
	}
	if !entering {
		return ast.WalkContinue, nil
	}
	alt := strings.Join(strings.Fields(words(n, source)), " ")
	if n.Destination == nil {
		_, _ = w.WriteString(alt)
		return ast.WalkSkipChildren, nil
	}
	attribute(w, `<img src`, util.EscapeHTML(n.Destination))
	attribute(w, ` alt`, []byte(alt))
	r.title(w, n.Title)
	_ = w.WriteByte('>')
	return ast.WalkSkipChildren, nil
}

func (r nodes) title(w util.BufWriter, title []byte) {
	if title == nil {
		return
	}
	var b bytes.Buffer
	goldhtml.DefaultWriter.Write(writer{&b}, title)
	attribute(w, ` title`, b.Bytes())
}

func attribute(w util.BufWriter, name string, escaped []byte) {
	_, _ = w.WriteString(name + `="`)
	_, _ = w.Write(escaped)
	_ = w.WriteByte('"')
}
