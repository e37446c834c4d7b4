package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"stadtgraph/graph"
	"stadtgraph/internal/fault"
)

// encode is json.Marshal without escapes for HTML: nobody puts these answers
// into a page as they stand.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // we encode only what we made
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has left
}

// problem answers outside of GraphQL: RFC 9457.
func problem(w http.ResponseWriter, r *http.Request, status int, f *fault.Error) {
	send(w, status, "application/problem+json", encode(problemOf(r, status, f)))
}

// problemOf is a fault as a problem. The path of the fault is the parameter to blame.
func problemOf(r *http.Request, status int, f *fault.Error) any {
	return struct {
		Title     string     `json:"title"`
		Status    int        `json:"status"`
		Code      fault.Code `json:"code"`
		Detail    string     `json:"detail"`
		Parameter string     `json:"parameter,omitempty"`
		RequestID string     `json:"requestId"`
	}{http.StatusText(status), status, f.Code, f.Message, strings.Join(f.Path, "."), graph.RequestID(r.Context())}
}

// requestError is an answer to an operation that did not run.
func requestError(code fault.Code, message, requestID string) []byte {
	extensions := map[string]any{"code": code}
	if requestID != "" {
		extensions["requestId"] = requestID
	}
	return encode(map[string]any{"errors": gqlerror.List{{Message: message, Extensions: extensions}}})
}
