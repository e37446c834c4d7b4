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

func (m media) contentType() string { return string(m) + "; charset=utf-8" }

// negotiated is negotiate for an answer that has to be given in any case.
func negotiated(r *http.Request) media {
	m, _, ok := negotiate(r.Header.Values("Accept"))
	if !ok {
		return plainJSON
	}
	return m
}

// negotiate chooses by RFC 9110, 12.5.1: for each type the most specific range
// counts. Of two that are equally welcome, the one that was named wins, and
// among those the newer one. Clients that do not care get application/json. A stream
// of events has to be asked for by name; where only that is, errors of HTTP are JSON.
func negotiate(accept []string) (media, streaming, bool) {
	list := strings.Join(accept, ",")
	if strings.TrimSpace(list) == "" {
		return plainJSON, none, true
	}
	type match struct {
		weight      float64
		specificity int
	}
	best := map[media]match{}
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
		for _, m := range []media{graphqlResponse, plainJSON, eventStream} {
			specificity := 0
			switch name {
			case string(m):
				specificity = 3
			case "application/*":
				specificity = 2
			case "*/*":
				specificity = 1
			}
			if m == eventStream && name != eventStream {
				continue
			}
			if specificity > best[m].specificity {
				best[m] = match{weight, specificity}
			}
		}
	}
	newer, older, stream := best[graphqlResponse], best[plainJSON], best[eventStream]
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
