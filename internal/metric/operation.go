package metric

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Names of operations are the callers' to choose, and each costs a few kilobytes here
// and in Prometheus for ever. So documents that we know have their names, others get
// theirs as long as there are few, and the rest is one.
const (
	mostKnown = 500
	mostOther = 100
	longest   = 80 // bytes of a name

	unnamed = "(unnamed)" // no name of GraphQL has parentheses
	other   = "(other)"
)

// Operation is one that was answered.
type Operation struct {
	Name       string // "" if it has none
	Type       string // query or mutation
	Known      bool   // its document is one that we hold, and not what somebody made up
	Took       time.Duration
	Statements int64
	Rows       int64
	Cost       int
	Cache      string // what the cache of answers had: hit, miss …; "" if it was not asked
	Code       string // of the first error
}

type operations struct {
	took                                   *prometheus.HistogramVec
	failed, statements, rows, cost, cached *prometheus.CounterVec

	mu    sync.RWMutex
	known map[key]*operation
	count [2]int // of names, by whether they are known
}

type key struct{ name, kind string }

// operation are the metrics of one.
type operation struct {
	key
	took                   prometheus.Observer
	statements, rows, cost prometheus.Counter
}

// Ran counts an operation.
func (m *Metrics) Ran(o Operation) {
	if m == nil {
		return
	}
	of := m.operations.of(o)
	of.took.Observe(o.Took.Seconds())
	of.statements.Add(float64(o.Statements))
	of.rows.Add(float64(o.Rows))
	of.cost.Add(float64(o.Cost))
	if o.Cache != "" {
		m.operations.cached.WithLabelValues(of.name, of.kind, o.Cache).Inc()
	}
	if o.Code != "" {
		m.operations.failed.WithLabelValues(of.name, of.kind, o.Code).Inc()
	}
}

func (all *operations) of(o Operation) *operation {
	k := key{o.Name, o.Type}
	if k.name == "" {
		k.name = unnamed
	}
	all.mu.RLock()
	of := all.known[k]
	all.mu.RUnlock()
	if of != nil {
		return of
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if of := all.known[k]; of != nil {
		return of
	}
	kind, most := 0, mostOther
	if o.Known {
		kind, most = 1, mostKnown
	}
	if k.name != unnamed {
		if all.count[kind] >= most || len(k.name) > longest {
			k.name = other
			if of := all.known[k]; of != nil {
				return of
			}
		} else {
			all.count[kind]++
		}
	}
	of = &operation{key: k, took: all.took.WithLabelValues(k.name, k.kind), statements: all.statements.WithLabelValues(k.name, k.kind),
		rows: all.rows.WithLabelValues(k.name, k.kind), cost: all.cost.WithLabelValues(k.name, k.kind)}
	all.known[k] = of
	return of
}
