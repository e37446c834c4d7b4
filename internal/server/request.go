package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"stadtgraph/internal/fault"
)

// MaxBody is how large a request may be.
const MaxBody = 128 << 10

// refusal is a request that is not a GraphQL request. Its message is our own:
// it repeats nothing of what was sent.
type refusal struct {
	status  int
	code    fault.Code
	message string
}

func refuse(status int, format string, args ...any) *refusal {
	code := fault.BadRequest
	if status == http.StatusRequestEntityTooLarge {
		code = fault.TooLarge
	}
	return &refusal{status, code, fmt.Sprintf(format, args...)}
}

// readPOST reads a request from a body, which it keeps in buf.
func readPOST(w http.ResponseWriter, r *http.Request, buf *[]byte) (*graphql.RawParams, *refusal) {
	name, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || name != "application/json" {
		return nil, refuse(http.StatusUnsupportedMediaType, "Send the request as JSON, with the header Content-Type: application/json.")
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return nil, refuse(http.StatusUnsupportedMediaType, "Send the request in UTF-8, with the header Content-Type: application/json; charset=utf-8.")
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, refuse(http.StatusUnsupportedMediaType, "Send the request uncompressed, without the header Content-Encoding.")
	}
	tooLarge := refuse(http.StatusRequestEntityTooLarge, "The request is larger than %d bytes; send a shorter operation or fewer variables.", MaxBody)
	if r.ContentLength > MaxBody {
		return nil, tooLarge
	}
	body, err := readAll((*buf)[:0], http.MaxBytesReader(w, r.Body, MaxBody))
	*buf = body
	var exceeded *http.MaxBytesError
	switch {
	case errors.As(err, &exceeded):
		return nil, tooLarge
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "The request ended before it was complete.")
	}
	return parse(body)
}

// readAll is io.ReadAll into a buffer that is already there.
func readAll(b []byte, r io.Reader) ([]byte, error) {
	for {
		b = slices.Grow(b, 512)
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// parse reads the body of a request. What it returns does not refer to body.
func parse(body []byte) (*graphql.RawParams, *refusal) {
	if !utf8.Valid(body) {
		return nil, refuse(http.StatusBadRequest, "The body is not valid UTF-8.")
	}
	switch first := bytes.TrimLeft(body, " \t\r\n"); {
	case len(first) == 0:
		return nil, refuse(http.StatusBadRequest, `The body is empty; send a JSON object such as {"query": "{ __typename }"}.`)
	case first[0] == '[' && json.Valid(body):
		return nil, refuse(http.StatusBadRequest, "The body is a list; send one operation in each request.")
	case first[0] != '{' && json.Valid(body):
		return nil, refuse(http.StatusBadRequest, `The body is no JSON object; send one such as {"query": "{ __typename }"}.`)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, refuse(http.StatusBadRequest, "The body is not valid JSON: the mistake is at byte %d.", syntax.Offset)
		}
		return nil, refuse(http.StatusBadRequest, "The body is not valid JSON.")
	}
	params := &graphql.RawParams{}
	for name, to := range map[string]*string{"query": &params.Query, "operationName": &params.OperationName} {
		if !text(members[name], to) {
			return nil, refuse(http.StatusBadRequest, "`%s` must be a string.", name)
		}
	}
	for name, to := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if !object(members[name], to) {
			return nil, refuse(http.StatusBadRequest, "`%s` must be a JSON object.", name)
		}
	}
	if params.Query == "" {
		return nil, refuse(http.StatusBadRequest, "`query` is missing; it holds the GraphQL document.")
	}
	return params, nil
}

// text decodes a string, null or nothing.
func text(raw json.RawMessage, to *string) bool {
	return len(raw) == 0 || json.Unmarshal(raw, to) == nil
}

// object decodes an object, null or nothing, and keeps numbers as they are
// written: 64 bits of a float do not hold every id.
func object(raw json.RawMessage, to *map[string]any) bool {
	if len(raw) == 0 {
		return true
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(to); err != nil {
		return false
	}
	_, err := d.Token() // raw may come from an address and go on
	return errors.Is(err, io.EOF)
}

// readGET reads a request from the address.
func readGET(r *http.Request) (*graphql.RawParams, *refusal) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "The parameters of the address are not encoded as they should be; encode each with encodeURIComponent.")
	}
	for _, name := range []string{"query", "operationName", "variables", "extensions"} {
		switch given := values[name]; {
		case len(given) > 1:
			return nil, refuse(http.StatusBadRequest, "`%s` is given more than once.", name)
		case len(given) == 1 && !utf8.ValidString(given[0]):
			return nil, refuse(http.StatusBadRequest, "`%s` is not valid UTF-8.", name)
		}
	}
	params := &graphql.RawParams{Query: values.Get("query"), OperationName: values.Get("operationName")}
	for name, to := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if !object(json.RawMessage(values.Get(name)), to) {
			return nil, refuse(http.StatusBadRequest, "`%s` must be a JSON object.", name)
		}
	}
	if params.Query == "" {
		return nil, refuse(http.StatusBadRequest, "`query` is missing; it holds the GraphQL document.")
	}
	return params, nil
}
