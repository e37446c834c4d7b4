package server

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// media is one of the two types that the GraphQL-over-HTTP draft has for
// answers. They differ in more than their name: with the older one, an operation
// that is refused is answered with 200.
type media string

const (
	graphqlResponse media = "application/graphql-response+json"
	plainJSON       media = "application/json"
)

// eventStream is the type of answers that are streams.
const eventStream = "text/event-stream"

// streaming is how welcome a stream of events is: none, also, or only. Where it is
// as welcome as JSON, what has one answer is answered with JSON.
type streaming int

const (
	none streaming = iota
	also
	only
)

// form is m without an allocation: media come from here only.
func (m media) form() form {
	if m == plainJSON {
		return plainJSON
	}
	return graphqlResponse
}

func (m media) contentType() string { return string(m) + "; charset=utf-8" }

// negotiated is negotiate for an answer that has to be given in any case.
func negotiated(r *http.Request) media {
	m, _, ok := negotiate(r.Header.Values("Accept"))
	if !ok {
		return plainJSON
	}
	return m
}

// match is how welcome a media type is.
type match struct {
	weight      float64
	specificity int // of the range that says so; 0 if none does
}

// welcome says by RFC 9110, 12.5.1, how welcome each of the types is: for each the most
// specific range counts.
func welcome(list string, types []string, best []match) {
	for item := range strings.SplitSeq(list, ",") {
		name, params, err := mime.ParseMediaType(item)
		if err != nil {
			continue
		}
		weight := 1.0
		if q, ok := params["q"]; ok {
			if weight, err = strconv.ParseFloat(q, 64); err != nil || !(weight >= 0 && weight <= 1) {
				continue
			}
		}
		if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
			continue
		}
		family, all := strings.CutSuffix(name, "/*")
		for i, t := range types {
			specificity := 0
			switch {
			case name == t:
				specificity = 3
			case name == "*/*":
				specificity = 1
			case all && t[:strings.IndexByte(t, '/')] == family:
				specificity = 2
			}
			if specificity > best[i].specificity {
				best[i] = match{weight, specificity}
			}
		}
	}
}

// choose gives the most welcome of the types, the first one of equals; "" if none is
// acceptable.
func choose(accept []string, types []string) string {
	list := strings.Join(accept, ",")
	if strings.TrimSpace(list) == "" {
		return types[0]
	}
	best := make([]match, len(types))
	welcome(list, types, best)
	chosen := match{}
	of := ""
	for i, m := range best {
		if m.weight > chosen.weight || m.weight > 0 && m.weight == chosen.weight && m.specificity > chosen.specificity {
			chosen, of = m, types[i]
		}
	}
	return of
}

// spoken are the types that GraphQL has.
var spoken = []string{string(graphqlResponse), string(plainJSON), eventStream}

// negotiate chooses between the two types of GraphQL, and streams. Of two that are equally welcome, the one that was named wins, and
// among those the newer one. Clients that do not care get application/json. A stream
// of events has to be asked for by name; where only that is, errors of HTTP are JSON.
func negotiate(accept []string) (media, streaming, bool) {
	list := strings.Join(accept, ",")
	if strings.TrimSpace(list) == "" {
		return plainJSON, none, true
	}
	var best [3]match
	welcome(list, spoken, best[:])
	newer, older, stream := best[0], best[1], best[2]
	if stream.specificity < 3 {
		stream = match{}
	}
	streams := none
	switch {
	case stream.weight > max(newer.weight, older.weight):
		streams = only
	case stream.weight > 0:
		streams = also
	}
	switch {
	case newer.weight == 0 && older.weight == 0:
		return plainJSON, streams, streams != none
	case newer.weight != older.weight:
		if newer.weight > older.weight {
			return graphqlResponse, streams, true
		}
		return plainJSON, streams, true
	case newer.specificity == 3:
		return graphqlResponse, streams, true
	}
	return plainJSON, streams, true
}
