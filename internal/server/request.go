package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"stadtgraph/internal/fault"
	"stadtgraph/internal/trusted"
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

// request is an operation as it was sent.
type request struct {
	graphql.RawParams
	documentID string // that stands for the document
}

// complete says what is wrong with the members of a request, beside each other.
func (r *request) complete() *refusal {
	switch {
	case r.documentID != "" && r.Query != "":
		return refuse(http.StatusBadRequest, "Send `query` or `documentId`, not both.")
	case r.documentID != "" && !trusted.ValidID(r.documentID):
		return refuse(http.StatusBadRequest, "`documentId` has 1 to 200 characters of ASCII without spaces, such as `sha256:` and the digest of the document.")
	case r.documentID == "" && r.Query == "" && r.Extensions["persistedQuery"] == nil:
		return refuse(http.StatusBadRequest, "`query` is missing; it holds the GraphQL document.")
	}
	return nil
}

// readPOST reads a request from a body, which it keeps in buf.
func readPOST(w http.ResponseWriter, r *http.Request, buf *[]byte) (*request, *refusal) {
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
	if r.ContentLength > MaxBody {
		return nil, tooLarge()
	}
	body, err := readAll((*buf)[:0], http.MaxBytesReader(w, r.Body, MaxBody))
	*buf = body
	var exceeded *http.MaxBytesError
	switch {
	case err == nil:
		return parse(body)
	case errors.As(err, &exceeded):
		return nil, tooLarge()
	}
	return nil, refuse(http.StatusBadRequest, "The request ended before it was complete.")
}

func tooLarge() *refusal {
	return refuse(http.StatusRequestEntityTooLarge, "The request is larger than %d bytes; send a shorter operation or fewer variables.", MaxBody)
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
func parse(body []byte) (*request, *refusal) {
	if !utf8.Valid(body) {
		return nil, refuse(http.StatusBadRequest, "The body is not valid UTF-8.")
	}
	if !json.Valid(body) {
		return nil, notJSON(body)
	}
	switch first := bytes.TrimLeft(body, space); first[0] {
	case '{':
	case '[':
		return nil, refuse(http.StatusBadRequest, "The body is a list; send one operation in each request.")
	default:
		return nil, refuse(http.StatusBadRequest, `The body is no JSON object; send one such as {"query": "{ __typename }"}.`)
	}
	params := &request{}
	for name, value := range members(body) {
		switch name {
		case "query":
			if !text(value, &params.Query) {
				return nil, refuse(http.StatusBadRequest, "`query` must be a string.")
			}
		case "documentId":
			if !text(value, &params.documentID) {
				return nil, refuse(http.StatusBadRequest, "`documentId` must be a string.")
			}
		case "operationName":
			if !text(value, &params.OperationName) {
				return nil, refuse(http.StatusBadRequest, "`operationName` must be a string.")
			}
		case "variables":
			if !decodeObject(value, &params.Variables) {
				return nil, refuse(http.StatusBadRequest, "`variables` must be a JSON object.")
			}
		case "extensions":
			if !decodeObject(value, &params.Extensions) {
				return nil, refuse(http.StatusBadRequest, "`extensions` must be a JSON object.")
			}
		}
	}
	return params, params.complete()
}

// decodeObject decodes an object in valid JSON, or null, and keeps numbers as
// they are written: 64 bits of a float do not hold every id. What most variables
// are, texts and numbers, takes encoding/json five times as long.
func decodeObject(raw []byte, to *map[string]any) bool {
	if raw[0] != '{' {
		return string(raw) == "null"
	}
	out := map[string]any{}
	for name, value := range members(raw) {
		var v any
		switch c := value[0]; {
		case c == '"':
			var s string
			if !text(value, &s) {
				return false
			}
			v = s
		case c == '-' || c >= '0' && c <= '9':
			v = json.Number(value)
		case string(value) == "true", string(value) == "false":
			v = c == 't'
		case string(value) == "null":
		default:
			if !decode(value, &v) {
				return false
			}
		}
		out[name] = v
	}
	*to = out
	return true
}

// notJSON says where the mistake is.
func notJSON(body []byte) *refusal {
	if len(bytes.TrimLeft(body, space)) == 0 {
		return refuse(http.StatusBadRequest, `The body is empty; send a JSON object such as {"query": "{ __typename }"}.`)
	}
	var syntax *json.SyntaxError
	if err := json.Unmarshal(body, new(any)); errors.As(err, &syntax) {
		return refuse(http.StatusBadRequest, "The body is not valid JSON: the mistake is at byte %d.", syntax.Offset)
	}
	return refuse(http.StatusBadRequest, "The body is not valid JSON.")
}

const space = " \t\r\n"

// members gives the members of an object in valid JSON, as they are written.
// encoding/json would look at each of them twice more, and take Query for query.
func members(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		rest := bytes.TrimLeft(bytes.TrimLeft(object, space)[1:], space) // behind the brace
		for rest[0] != '}' {
			end := valueEnd(rest)
			var name string
			if !text(rest[:end], &name) {
				return
			}
			rest = bytes.TrimLeft(bytes.TrimLeft(rest[end:], space)[1:], space) // behind the colon
			end = valueEnd(rest)
			if !yield(name, rest[:end]) {
				return
			}
			rest = bytes.TrimLeft(rest[end:], space)
			if rest[0] == ',' {
				rest = bytes.TrimLeft(rest[1:], space)
			}
		}
	}
}

// valueEnd is where the value ends that valid JSON begins with.
func valueEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // of what the value stands in
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// text decodes a string, or null.
func text(raw []byte, to *string) bool {
	if raw[0] == '"' {
		if s, ok := unescape(raw[1 : len(raw)-1]); ok {
			*to = s
			return true
		}
	}
	return json.Unmarshal(raw, to) == nil
}

// unescape decodes what documents are full of, line breaks and quotes; false if
// there is more to decode than that. encoding/json takes ten times as long.
func unescape(raw []byte) (string, bool) {
	at := bytes.IndexByte(raw, '\\')
	if at < 0 {
		return string(raw), true
	}
	var b strings.Builder
	b.Grow(len(raw))
	for ; at >= 0; at = bytes.IndexByte(raw, '\\') {
		b.Write(raw[:at])
		switch raw[at+1] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case '"', '\\', '/':
			b.WriteByte(raw[at+1])
		default:
			return "", false
		}
		raw = raw[at+2:]
	}
	b.Write(raw)
	return b.String(), true
}

// object decodes an object, null or nothing.
func object(raw []byte, to *map[string]any) bool {
	return len(raw) == 0 || decode(raw, to)
}

// decode decodes JSON and keeps numbers as they are written.
func decode[T any](raw []byte, to *T) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(to); err != nil {
		return false
	}
	_, err := d.Token() // raw may come from an address and go on
	return errors.Is(err, io.EOF)
}

// readGET reads a request from the address.
func readGET(r *http.Request) (*request, *refusal) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "The parameters of the address are not encoded as they should be; encode each with encodeURIComponent.")
	}
	for _, name := range []string{"query", "documentId", "operationName", "variables", "extensions"} {
		switch given := values[name]; {
		case len(given) > 1:
			return nil, refuse(http.StatusBadRequest, "`%s` is given more than once.", name)
		case len(given) == 1 && !utf8.ValidString(given[0]):
			return nil, refuse(http.StatusBadRequest, "`%s` is not valid UTF-8.", name)
		}
	}
	params := &request{documentID: values.Get("documentId")}
	params.Query, params.OperationName = values.Get("query"), values.Get("operationName")
	for name, to := range map[string]*map[string]any{"variables": &params.Variables, "extensions": &params.Extensions} {
		if !object([]byte(values.Get(name)), to) {
			return nil, refuse(http.StatusBadRequest, "`%s` must be a JSON object.", name)
		}
	}
	return params, params.complete()
}
