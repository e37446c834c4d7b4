// Package metric counts and measures what the server does, for Prometheus. Names
// follow its conventions and begin with stadtgraph_; what labels say is bounded,
// whatever callers send.
package metric

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of a process. A nil one counts nothing.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	waited   prometheus.Histogram
	refused  *prometheus.CounterVec
	errors   *prometheus.CounterVec
	told     *prometheus.HistogramVec

	operations operations
}

// seconds are bounds of durations: from an answer out of memory to the end of what
// is allowed.
var seconds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// New makes metrics, those of Go and of the process among them.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewBuildInfoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: seconds}, labels)
		m.registry.MustRegister(h)
		return h
	}
	m.requests = counter("stadtgraph_http_requests_total", "Requests that were answered.", "route", "method", "status")
	m.bytes = counter("stadtgraph_http_response_bytes_total", "Bytes of the bodies of answers.", "route")
	m.took = histogram("stadtgraph_http_request_duration_seconds", "From a request's header to the end of its answer.", "route")
	m.waited = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stadtgraph_graphql_queue_seconds", Buckets: seconds,
		Help: "How long operations waited for their turn, until they ran or were refused."})
	m.registry.MustRegister(m.waited)
	m.refused = counter("stadtgraph_graphql_refused_total", "Operations that were refused because the server was busy.", "class")
	m.errors = counter("stadtgraph_graphql_errors_total", "Errors in answers.", "code")
	m.told = histogram("stadtgraph_webhook_attempt_duration_seconds", "How long receivers took, by what came of it: delivered, refused by another status, or unanswered.", "outcome")
	m.operations = operations{
		took:       histogram("stadtgraph_graphql_operation_duration_seconds", "From the header of a request to the end of its answer, by operation.", "operation", "type"),
		failed:     counter("stadtgraph_graphql_operation_errors_total", "Operations whose answer held an error, by the code of the first.", "operation", "type", "code"),
		statements: counter("stadtgraph_graphql_operation_statements_total", "Statements that Postgres ran for operations.", "operation", "type"),
		rows:       counter("stadtgraph_graphql_operation_rows_total", "Rows that these statements gave or changed.", "operation", "type"),
		cost:       counter("stadtgraph_graphql_operation_cost_total", "Cost of operations, as their answers state it.", "operation", "type"),
		cached:     counter("stadtgraph_graphql_operation_cache_total", "Operations by what the cache of answers had for them.", "operation", "type", "outcome"),
		known:      map[key]*operation{},
	}
	return m
}

// Handler answers with all metrics, in the text format.
func (m *Metrics) Handler() http.Handler {
	// Metrics that cannot be had, because the database is away, are missing; the others
	// are as interesting as ever.
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
}

// Gauge shows a value as it is whenever somebody asks.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	if m != nil {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
}

// Request is one that was answered.
type Request struct {
	Route  string // the pattern, not the path
	Method string
	Status int
	Bytes  int64
	Took   time.Duration
}

// Answered counts a request.
func (m *Metrics) Answered(r Request) {
	if m == nil {
		return
	}
	m.requests.WithLabelValues(r.Route, method(r.Method), status(r.Status)).Inc()
	m.bytes.WithLabelValues(r.Route).Add(float64(r.Bytes))
	m.took.WithLabelValues(r.Route).Observe(r.Took.Seconds())
}

// Waited counts an operation that had to wait for its turn.
func (m *Metrics) Waited(d time.Duration) {
	if m != nil {
		m.waited.Observe(d.Seconds())
	}
}

// Refused counts an operation of a class of callers that was refused.
func (m *Metrics) Refused(class string) {
	if m != nil {
		m.refused.WithLabelValues(class).Inc()
	}
}

// Failed counts an error with a code, of which there are few.
func (m *Metrics) Failed(code string) {
	if m != nil {
		m.errors.WithLabelValues(code).Inc()
	}
}

// Told counts a request to a receiver of a webhook.
func (m *Metrics) Told(outcome string, took time.Duration) {
	if m != nil {
		m.told.WithLabelValues(outcome).Observe(took.Seconds())
	}
}

// method bounds what callers can make up.
func method(name string) string {
	switch name {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return name
	}
	return other
}

// statuses are written once.
var statuses = func() (s [600]string) {
	for i := range s {
		s[i] = string([]byte{'0' + byte(i/100), '0' + byte(i/10%10), '0' + byte(i%10)})
	}
	return s
}()

func status(n int) string {
	if n < 0 || n >= len(statuses) {
		return other
	}
	return statuses[n]
}
