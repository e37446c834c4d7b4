package sample

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"stadtgraph/internal/nodeid"
)

// The sample tells of the years from begin to asOf. What is planned lies up to
// two years behind asOf.
var (
	begin = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	asOf  = time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
)

const day = 24 * time.Hour

var days = int(asOf.Sub(begin) / day)

// dice is the randomness of one entry: the same for the same purpose and number.
// Nothing here computes with fractions, which processors round differently.
type dice struct{ *rand.Rand }

func roll(purpose string, i int) dice {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return dice{rand.New(rand.NewPCG(h.Sum64(), uint64(i)))}
}

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

func (d dice) between(low, high int) int { return low + d.IntN(high-low+1) }

// of returns an index with the probability of its weight.
func (d dice) of(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := d.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	panic("unreachable")
}

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

// some returns n different elements, or all.
func some[T any](d dice, list []T, n int) []T {
	var out []T
	for _, i := range d.Perm(len(list))[:min(n, len(list))] {
		out = append(out, list[i])
	}
	return out
}

// weighted is a choice of words with weights.
type weighted []struct {
	value  string
	weight int
}

func (w weighted) pick(d dice) string {
	sum := 0
	for _, e := range w {
		sum += e.weight
	}
	n := d.IntN(sum)
	for _, e := range w {
		if n -= e.weight; n < 0 {
			return e.value
		}
	}
	panic("unreachable")
}

// each gives the first numbers one value each, so that the smallest sample has
// them all, and the others a choice.
func (w weighted) each(d dice, i int) string {
	if i < len(w) {
		return w[i].value
	}
	return w.pick(d)
}

func (d dice) day() time.Time { return begin.Add(time.Duration(d.IntN(days)) * day) }

// around is a day at most n days away, in either direction.
func (d dice) around(t time.Time, n int) time.Time {
	return midnight(t).Add(time.Duration(d.between(-n, n)) * day)
}

// known is what is known of a date: mostly the day.
func (d dice) known(t time.Time) vague {
	switch d.of(70, 14, 12, 4) {
	case 0:
		return onDay(t)
	case 1:
		return inMonth(t)
	case 2:
		return inYear(t)
	default:
		first := midnight(t)
		return vague{from: first, to: first.Add(time.Duration(d.between(1, 60)) * day), precision: "INTERVAL", text: opt(fmt.Sprintf("%s %d", pick(d, seasons), t.Year()))}
	}
}

// maybe is a text in so many of a hundred cases.
func (d dice) maybe(percent int, text string) opt {
	if d.chance(percent) {
		return opt(text)
	}
	return ""
}

func midnight(t time.Time) time.Time { return t.Truncate(day) }

// key is an id of the sample: a UUIDv7 that sorts by the time it says, as the
// ids of real rows do.
func key(of string, i int, at time.Time) nodeid.UUID {
	u := nodeid.Derive(of, fmt.Sprintf("sample/%d", i))
	ms := uint64(at.UnixMilli())
	for n := range 6 {
		u[n] = byte(ms >> (40 - 8*n))
	}
	return u
}

// born is when an entry was recorded.
func born(of string, i int) time.Time {
	u := nodeid.Derive(of, fmt.Sprintf("sample/%d", i))
	n := uint64(u[10])<<40 | uint64(u[11])<<32 | uint64(u[12])<<24 | uint64(u[13])<<16 | uint64(u[14])<<8 | uint64(u[15])
	return begin.Add(time.Duration(n%uint64(asOf.Sub(begin)/time.Second)) * time.Second)
}

// row is a key with its times.
func (g *generator) key(of string, i int) nodeid.UUID { return key(of, i, born(of, i)) }

// times are when an entry was recorded, changed and, rarely, deleted.
func (d dice) times(at time.Time) (created, modified, deleted time.Time) {
	modified = at
	if d.chance(60) {
		modified = at.Add(time.Duration(d.IntN(500*24*60)) * time.Minute)
	}
	if modified.After(asOf) {
		modified = asOf
	}
	if at.After(modified) {
		modified = at
	}
	if d.IntN(200) == 0 {
		deleted = modified
	}
	return at, modified, deleted
}

// spin chooses one of each {this|that}.
func (d dice) spin(pattern string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(pattern, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		choice, after, _ := strings.Cut(rest, "}")
		b.WriteString(pick(d, strings.Split(choice, "|")))
		pattern = after
	}
}

// shares cuts n things into parts that are as large as their weights say, and
// returns where each part begins, and n.
func shares(n int, weights []uint32) []int32 {
	var sum, sofar uint64
	for _, w := range weights {
		sum += uint64(w)
	}
	starts := make([]int32, len(weights)+1)
	for i, w := range weights {
		sofar += uint64(w)
		starts[i+1] = int32(uint64(n) * sofar / sum)
	}
	return starts
}
