package register

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"stadtgraph/internal/fault"
)

// maxSize is far above any edition (3.5 MB) and keeps a wrong file, such as a disk
// image, out of memory.
const maxSize = 32 << 20

// file is a file's text while it is parsed.
type file struct {
	name  string
	lines []string // without their ends
}

// fault is a sentence about a line, counted from 1. It begins with the place and
// should end in what to do.
func (f *file) fault(line int, format string, args ...any) error {
	return fault.New(fault.Invalid, "%s, line %d: "+format, append([]any{f.name, line}, args...)...)
}

// open reads a text in UTF-8 or, like older editions, in Latin-1.
func open(name string, r io.Reader) (*file, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	if len(data) > maxSize {
		return nil, fault.New(fault.Invalid, "%s is larger than %d MB, and the register has about 4: name the register file.", name, maxSize>>20)
	}
	f := &file{name: name}
	text, err := f.decode(bytes.TrimPrefix(data, []byte("\ufeff")))
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(text) == "" {
		return nil, fault.New(fault.Invalid, "%s is empty: download the register again.", name)
	}
	// Composed letters only: widths and names are counted and compared in them.
	f.lines = strings.Split(norm.NFC.String(strings.TrimRight(text, "\r\n")), "\n")
	for i, line := range f.lines {
		line = strings.TrimSuffix(line, "\r")
		f.lines[i] = line
		if at := strings.IndexFunc(line, unfit); at >= 0 {
			return nil, f.fault(i+1, "holds the character %U, so it is damaged or not plain text: save it as UTF-8 or download it again.",
				[]rune(line[at:])[0])
		}
	}
	return f, nil
}

// unfit are characters that no text has: controls, and the sign for a letter that
// an earlier conversion lost.
func unfit(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError
}

// decode tells the encodings apart by the bytes: text with umlauts in Latin-1 is
// never valid UTF-8.
func (f *file) decode(data []byte) (string, error) {
	if utf8.Valid(data) {
		return string(data), nil
	}
	// A file that was cut inside a letter is still UTF-8. The parser will say where.
	for cut := 1; cut < min(utf8.UTFMax, len(data)); cut++ {
		if whole := data[:len(data)-cut]; !utf8.FullRune(data[len(whole):]) && utf8.Valid(whole) {
			return string(whole), nil
		}
	}
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if ascii(line) {
			continue
		}
		if utf8.Valid(line) {
			return "", f.fault(n, "is UTF-8 while other lines are Latin-1: save the whole file in one encoding, UTF-8 at best.")
		}
		for _, c := range line {
			if 0x80 <= c && c < 0xa0 {
				return "", f.fault(n, "holds the byte 0x%X, which is text neither in UTF-8 nor in Latin-1: save the file as UTF-8.", c)
			}
		}
	}
	var b strings.Builder
	b.Grow(len(data) + len(data)/8)
	for _, c := range data {
		b.WriteRune(rune(c)) // Latin-1 is the start of Unicode
	}
	return b.String(), nil
}

func ascii[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
