package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"stadtgraph/graph"
	"stadtgraph/internal/auth"
	"stadtgraph/internal/cache"
	"stadtgraph/internal/export"
	"stadtgraph/internal/fault"
	"stadtgraph/internal/nodeid"
)

const exportPath = "/export"

// Exports is what can be taken as a whole, and how much of that at once. What is zero
// has a default.
type Exports struct {
	Library      *export.Library
	Max          int           // at once
	MaxPerClient int           // of one address, as streams count it
	Allowed      time.Duration // that one may take
	WriteTimeout time.Duration // in which a client has to take what it is sent
}

// The defaults of what is zero.
const (
	DefaultExports    = 4
	DefaultExportTime = 30 * time.Minute
)

// exportHTTP answers with everything there is of a type. Who asks, and how much they may
// ask for, is as it is for GraphQL; what runs at once has places of its own, for an
// answer lasts as long as its client takes to read it.
type exportHTTP struct {
	*graphqlHTTP
	Exports
	open *streams
}

func newExportHTTP(g *graphqlHTTP, c Exports) *exportHTTP {
	c.Max = cmp.Or(c.Max, DefaultExports)
	c.MaxPerClient = cmp.Or(c.MaxPerClient, max(1, c.Max/2))
	c.Allowed = cmp.Or(c.Allowed, DefaultExportTime)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	return &exportHTTP{graphqlHTTP: g, Exports: c, open: newStreams(Streams{Max: c.Max, MaxPerClient: c.MaxPerClient})}
}

func (e *exportHTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller, ok := e.caller(w, r, nil, false)
	if !ok {
		return
	}
	h, r := w.Header(), caller.Request.Request
	of, refused := e.asked(r)
	if refused == nil {
		refused = caller.asking.charge(h, costRefused)
	}
	if refused != nil {
		problems{}.refuse(w, r, refused)
		return
	}
	leave, refused := e.open.enter(network(address(r, e.budgets.Proxies)))
	if refused != nil {
		problems{}.refuse(w, r, &refusal{refused.status, refused.code, "As many exports run as may at once; try again in a moment."})
		return
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), e.Allowed)
	defer cancel()
	s, err := e.Library.Begin(ctx, auth.From(ctx).Viewer(time.Now()), e.Allowed)
	if err != nil {
		failWith(w, r, err)
		return
	}
	defer s.Close()

	coding := cache.Negotiate(r.Header["Accept-Encoding"])
	etag := e.etag(ctx, s, of, coding)
	h.Set("Change-Cursor", string(s.Cursor))
	h.Set("ETag", etag)
	h.Set("Cache-Control", "private, no-cache")
	if auth.From(ctx) == nil {
		h.Set("Cache-Control", "public, no-cache") // it may be kept, and asked for with its ETag
	}
	h.Set("Link", "<"+exportPath+`>; rel="describedby"`)
	if matches(r.Header["If-None-Match"], etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if of == nil {
		e.index(ctx, w, r, s)
		return
	}
	h.Set("Content-Type", of.Format.MediaType())
	h.Set("Content-Disposition", `attachment; filename="`+of.file+`"`)
	if coding != cache.Identity {
		h.Set("Content-Encoding", coding.String())
	}
	if r.Method == http.MethodHead {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // else the client seems to have left after a while
	sent := &slowly{w: w, control: http.NewResponseController(w), timeout: e.WriteTimeout}
	out := coded(sent, coding)
	charged := 0 // a row costs as much as a field: here it is read in passing
	of.Progress = func(rows int) {
		caller.asking.charge(http.Header{}, rows-charged)
		charged = rows
	}
	rows, err := s.Write(ctx, out, of.Of)
	if err == nil {
		err = out.Close()
	}
	of.Progress(rows)
	switch {
	case err == nil:
	case sent.begun:
		_ = graph.Present(ctx, err) // for the log
		panic(http.ErrAbortHandler) // the client sees that it is not whole
	default:
		for _, name := range []string{"Content-Encoding", "Content-Disposition", "Change-Cursor", "ETag"} {
			h.Del(name)
		}
		h.Set("Cache-Control", "no-store")
		failWith(w, r, err)
	}
}

// asking is what an address asks for.
type asking struct {
	export.Of
	name, file string
}

// asked reads the address; nil is the list of what there is.
func (e *exportHTTP) asked(r *http.Request) (*asking, *refusal) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "The part of the address behind ? cannot be read; write it as name=value&name=value.")
	}
	for name, values := range query {
		if name != "after" && name != "variant" || len(values) > 1 {
			return nil, refuse(http.StatusBadRequest, "An export takes the parameters `after` and `variant`, each once.")
		}
	}
	file := r.PathValue("file")
	if file == "" {
		if len(query) > 0 {
			return nil, refuse(http.StatusBadRequest, "The list of exports takes no parameters.")
		}
		return nil, nil
	}
	name, ending, _ := strings.Cut(file, ".")
	of := &asking{name: name, file: file, Of: export.Of{Format: export.Format(ending)}}
	if kind, ok := e.Library.Kind(name); ok && name == kind.Name && kind.Has(of.Format) {
		of.Kinds = []export.Kind{kind}
	} else if name == export.All && of.Format == export.NDJSON {
		of.Kinds = e.Library.Kinds()
	} else {
		return nil, &refusal{http.StatusNotFound, fault.NotFound, "There is no such export: " + exportPath + " lists those there are."}
	}
	if query.Has("variant") {
		if of.Excel = query.Get("variant") == "excel" && of.Format == export.CSV; !of.Excel {
			return nil, refuse(http.StatusBadRequest, "The only variant is excel, of CSV: semicolons, and a mark by which Excel knows UTF-8.")
		}
	}
	if query.Has("after") {
		id, err := nodeid.Parse(query.Get("after"))
		if err != nil || len(of.Kinds) != 1 || id.Prefix != e.Library.Prefix(of.Kinds[0]) {
			return nil, refuse(http.StatusBadRequest, "`after` is the id of the last row that you have, of an export of one type.")
		}
		of.After = id.UUID
	}
	return of, nil
}

// etag tells answers apart: by what is asked for, by whom, and by what has changed.
// Time changes some things by itself, as days go by.
func (e *exportHTTP) etag(ctx context.Context, s *export.Snapshot, of *asking, coding cache.Coding) string {
	viewer := auth.From(ctx).Viewer(time.Now())
	h := sha256.New()
	fmt.Fprint(h, s.Cursor, " ", viewer.Role, " ", viewer.Now.Format(time.DateOnly), " ", coding, " ", e.Library.Version())
	if of != nil {
		fmt.Fprint(h, " ", of.file, " ", of.Excel, " ", of.After)
	}
	return `"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:15]) + `"`
}

// offer is an entry of the list of exports.
type offer struct {
	Name      string `json:"name"`
	Type      string `json:"type,omitempty"` // all have none
	Format    string `json:"format"`
	MediaType string `json:"mediaType"`
	URL       string `json:"url"`
	Rows      int    `json:"rows"`
}

func (e *exportHTTP) index(ctx context.Context, w http.ResponseWriter, r *http.Request, s *export.Snapshot) {
	var offers []offer
	all := 0
	for _, k := range e.Library.Kinds() {
		for _, f := range k.Formats {
			rows, err := s.Count(ctx, k, f, nodeid.UUID{})
			if err != nil {
				failWith(w, r, err)
				return
			}
			if f == export.NDJSON {
				all += rows
			}
			offers = append(offers, offer{k.Name, k.Type, string(f), f.MediaType(), exportPath + "/" + k.Name + "." + string(f), rows})
		}
	}
	offers = append([]offer{{export.All, "", string(export.NDJSON), export.NDJSON.MediaType(), exportPath + "/" + export.All + "." + string(export.NDJSON), all}}, offers...)
	attributions, err := s.Attributions(ctx)
	if err != nil {
		failWith(w, r, err)
		return
	}
	send(w, http.StatusOK, plainJSON.contentType(), encode(struct {
		Exports      []offer              `json:"exports"`
		Attributions []export.Attribution `json:"attributions"`
		Cursor       string               `json:"cursor"`
	}{offers, attributions, string(s.Cursor)}))
}

// slowly writes to a client, and gives it a while to take each part.
type slowly struct {
	w       io.Writer
	control *http.ResponseController
	timeout time.Duration
	begun   bool
}

func (s *slowly) Write(b []byte) (int, error) {
	s.begun = true
	_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout))
	n, err := s.w.Write(b)
	if err != nil {
		return n, fmt.Errorf("the client does not take it: %w (%w)", err, context.Canceled)
	}
	return n, nil
}

// coded compresses what is written in passing. A window of 1 MB is all that it takes,
// whatever comes.
func coded(w io.Writer, c cache.Coding) io.WriteCloser {
	switch c {
	case cache.Gzip:
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			panic(err) // only for a level that there is not
		}
		return z
	case cache.Zstd:
		z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
		if err != nil {
			panic(err) // only for options that make no sense
		}
		return z
	default:
		return whole{w}
	}
}

type whole struct{ io.Writer }

func (whole) Close() error { return nil }
