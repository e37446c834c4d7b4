package ndjson

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"stadtgraph/internal/batch"
)

var errTooLong = errors.New("ndjson: the line is too long")

// lines reads a file line by line.
type lines struct {
	in     *bufio.Reader
	number int
	read   int64
}

func newLines(in io.Reader) *lines { return &lines{in: bufio.NewReaderSize(in, 256<<10)} }

var byteOrderMark = []byte("\xef\xbb\xbf")

// next gives the next line that is not empty, and its number. One that is too long is
// passed over without keeping it.
func (l *lines) next() (line []byte, number int, err error) {
	for {
		line, tooLong := []byte(nil), false
		for {
			part, err := l.in.ReadSlice('\n')
			l.read += int64(len(part))
			if tooLong = tooLong || len(line)+len(part) > batch.MaxRecord; tooLong {
				line = nil
			} else {
				line = append(line, part...)
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if errors.Is(err, io.EOF) && (len(line) > 0 || tooLong) {
				break // the last line has no end
			}
			if err != nil {
				return nil, l.number, err
			}
			break
		}
		if l.number++; l.number == 1 {
			line = bytes.TrimPrefix(line, byteOrderMark)
		}
		if tooLong {
			return nil, l.number, errTooLong
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, l.number, nil
		}
	}
}

// valueError is what keeps a line from being read.
type valueError struct {
	path    []string
	message string
}

func (e *valueError) Error() string { return e.message }

// maxDepth is how deep values may be nested; inputs are not half as deep.
const maxDepth = 32

// decode reads an object as encoding/json does, but refuses what that mends in
// silence: a key that is there twice, bytes that are no UTF-8.
func decode(line []byte) (map[string]any, error) {
	if !utf8.Valid(line) {
		return nil, &valueError{nil, fmt.Sprintf("This is no UTF-8, from byte %d on: save the file as UTF-8.", invalidAt(line))}
	}
	if line[0] != '{' {
		return nil, &valueError{nil, "A line holds one JSON object, from { to }."}
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	v, err := value(d, nil)
	var bad *valueError
	switch {
	case errors.As(err, &bad):
		return nil, err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &valueError{nil, "The object does not end on its line."}
	case err != nil:
		return nil, &valueError{nil, fmt.Sprintf("This is no JSON, near byte %d: %s.", d.InputOffset()+1, err)}
	}
	if rest := bytes.TrimSpace(line[d.InputOffset():]); len(rest) > 0 {
		return nil, &valueError{nil, fmt.Sprintf("There is something behind the object, from byte %d on.", d.InputOffset()+1)}
	}
	return v.(map[string]any), nil
}

func invalidAt(line []byte) int {
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && n <= 1 {
			return i + 1
		}
		i += n
	}
	return len(line)
}

// value reads the next value.
func value(d *json.Decoder, path []string) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if len(path) >= maxDepth {
		return nil, &valueError{path[:1], "This is nested deeper than anything that can be imported."}
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			v, err := value(d, append(slices.Clip(path), strconv.Itoa(len(list))))
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	object := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		at := append(slices.Clip(path), name)
		if _, twice := object[name]; twice {
			return nil, &valueError{at, "This field is there twice; leave one out."}
		}
		if object[name], err = value(d, at); err != nil {
			return nil, err
		}
	}
	_, err = d.Token()
	return object, err
}
