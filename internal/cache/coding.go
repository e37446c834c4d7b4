package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/maypok86/otter/v2"
)

// Coding is how the bytes of an answer are sent.
type Coding uint8

// The codings, the one that we like best last. All clients know gzip, the browsers of
// today zstd, which is smaller and takes a third of the time. Brotli is known as
// widely, but takes ten times as long for what it saves.
const (
	Identity Coding = iota
	Gzip
	Zstd
	codings
)

// String is the name in HTTP.
func (c Coding) String() string { return [...]string{"identity", "gzip", "zstd"}[c] }

// least is the size from which on compressing is worth it: less fits into one packet.
const least = 1400

// Negotiate chooses a coding by RFC 9110, 12.5.3, from the values of the header
// Accept-Encoding.
func Negotiate(accept []string) Coding {
	if len(accept) == 0 {
		return Identity
	}
	weights := [codings]float64{Identity: -1, Gzip: -1, Zstd: -1}
	other := -1.0
	for item := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, params, _ := strings.Cut(item, ";")
		weight := 1.0
		if key, value, ok := strings.Cut(params, "="); ok && strings.EqualFold(strings.TrimSpace(key), "q") {
			var err error
			if weight, err = strconv.ParseFloat(strings.TrimSpace(value), 64); err != nil || !(weight >= 0 && weight <= 1) {
				continue
			}
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "identity":
			weights[Identity] = weight
		case "gzip", "x-gzip":
			weights[Gzip] = weight
		case "zstd":
			weights[Zstd] = weight
		case "*":
			other = weight
		}
	}
	best, most := Identity, 0.0
	for c, weight := range weights {
		switch {
		case weight >= 0:
		case Coding(c) == Zstd: // who takes anything may mean what was known when that was written
			weight = 0
		case Coding(c) == Gzip:
			weight = other
		case other != 0: // it is acceptable unless it is refused, and never preferred by itself
			weight = 1e-9
		}
		if weight > 0 && weight >= most {
			best, most = Coding(c), weight
		}
	}
	return best // identity, if everything is refused: a body that cannot be read helps more than none
}

var encoder = func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(1<<20))
	if err != nil {
		panic(err) // only for options that make no sense
	}
	return e
}()

// Coded gives the answer's bytes in a coding, or as they are if that is not worth it.
// They are compressed once, when they are first wanted.
func (c *Cache) Coded(e *Entry, want Coding) ([]byte, Coding) {
	if want == Identity || len(e.body) < least {
		return e.body, Identity
	}
	if b := e.coded[want].Load(); b != nil {
		return *b, want
	}
	e.press.Lock()
	defer e.press.Unlock()
	if b := e.coded[want].Load(); b != nil {
		return *b, want
	}
	b := compress(e.body, want)
	e.coded[want].Store(&b)
	// It weighs more now.
	c.answers.ComputeIfPresent(e.key, func(kept *Entry) (*Entry, otter.ComputeOp) {
		if kept != e {
			return kept, otter.CancelOp
		}
		return e, otter.WriteOp
	})
	return b, want
}

func compress(body []byte, c Coding) []byte {
	if c == Zstd {
		return encoder.EncodeAll(body, make([]byte, 0, len(body)/3))
	}
	var b bytes.Buffer
	b.Grow(len(body) / 3)
	w, _ := gzip.NewWriterLevel(&b, 5) // a level that there is
	_, _ = w.Write(body)               // into memory, which takes everything
	_ = w.Close()
	return b.Bytes()
}

// etagsOf are those of all representations of an answer: they differ in their coding and
// in their media type, of which there are two.
func etagsOf(body []byte) (etags [codings][2]string) {
	sum := sha256.Sum256(body)
	content := base64.RawURLEncoding.EncodeToString(sum[:12])
	for c := range codings {
		for plain := range 2 {
			etags[c][plain] = fmt.Sprintf(`"%s-%c%d"`, content, c.String()[0], plain)
		}
	}
	return etags
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ETagOf is that of an answer which is not kept.
func ETagOf(body []byte) string { return etagsOf(body)[Identity][1] }

// ETag tells a representation of the answer from others: by its content, its coding, and
// whether its media type is the plain one.
func (e *Entry) ETag(plain bool, c Coding) string {
	return e.etags[c][b2i(plain)]
}
