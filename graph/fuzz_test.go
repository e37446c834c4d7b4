package graph_test

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"testing"
)

// decisions are the numbers that a generator asks for, from a fuzzer's bytes: each byte
// decides something, so that changing one changes the operation in one place. Behind
// the last come those that the bytes are the seed of.
type decisions struct {
	bytes []byte
	then  *rand.PCG
}

func newDecisions(b []byte) *decisions {
	var seed [8]byte
	copy(seed[:], b)
	return &decisions{b, rand.NewPCG(binary.LittleEndian.Uint64(seed[:]), uint64(len(b)))}
}

// Uint64 spreads a byte over all bits: generators look at the high ones.
func (c *decisions) Uint64() uint64 {
	if len(c.bytes) == 0 {
		return c.then.Uint64()
	}
	b := uint64(c.bytes[0])
	c.bytes = c.bytes[1:]
	return b * 0x0101010101010101
}

// cheap is what an operation may cost of which the reference, which asks for each
// object and field alone, needs no more than a moment.
const cheap = 500

// FuzzPlanner compares the planner with the reference over operations that the fuzzer
// chooses, as TestPlannerAgreesWithReference does over random ones.
func FuzzPlanner(f *testing.F) {
	c := newComparison(f)
	for _, seed := range []string{"", "a", "\x00\x10\x20\x30\x40\x50\x60\x70\x80\x90\xa0\xb0\xc0\xd0\xe0\xf0", "stadtgraph", "\xff\x00\xff\x00\xff\x00\xff\x00\xff"} {
		f.Add([]byte(seed))
	}
	at := *c.known
	f.Fuzz(func(t *testing.T, data []byte) {
		// Nothing is left of what came before: what fails once fails again.
		known := at
		known.cursors, known.lists, known.covered, known.open = map[string][]string{}, map[string][]list{}, map[string]int{}, maps.Clone(at.open)
		c.known, c.cursors, c.compared = &known, rand.New(rand.NewPCG(1, 1)), len(data)
		g := &generator{Rand: rand.New(newDecisions(data)), catalogue: c.catalogue, known: c.known, ref: c.ref}
		g.viewer = g.anybody()
		op := g.operation()
		doc, err := c.parse(op.String())
		if err != nil {
			return // some are not valid
		}
		vars, err := c.variables(doc, op.run(0), op.isWrong(0))
		if err != nil {
			t.Fatal(err)
		}
		if request, errs := c.planner.Prepare(doc, vars, g.viewer.Role); len(errs) == 0 && request.Cost() > cheap {
			return
		}
		for run := range 2 {
			problem := c.compare(op, doc, run, g.viewer)
			if problem == refusedAsTooLarge {
				return
			}
			if problem != "" {
				t.Fatalf("run %d, %v\n%s\n%s", run, g.viewer, problem, op)
			}
		}
	})
}
