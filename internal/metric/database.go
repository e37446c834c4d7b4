package metric

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"stadtgraph/internal/postgres"
)

// Pool shows how a pool of connections is used.
func (m *Metrics) Pool(name string, pool *pgxpool.Pool) {
	if m != nil {
		prometheus.WrapRegistererWith(prometheus.Labels{"pool": name}, m.registry).MustRegister(poolCollector{pool})
	}
}

type poolCollector struct{ pool *pgxpool.Pool }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// figures of a pool; what is no counter is a gauge.
var figures = []struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*pgxpool.Stat) float64
}{
	{describe("stadtgraph_pool_max_connections", "Connections that the pool may have."), prometheus.GaugeValue,
		func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) }},
	{describe("stadtgraph_pool_acquired_connections", "Connections in use."), prometheus.GaugeValue,
		func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) }},
	{describe("stadtgraph_pool_idle_connections", "Connections that wait for work."), prometheus.GaugeValue,
		func(s *pgxpool.Stat) float64 { return float64(s.IdleConns()) }},
	{describe("stadtgraph_pool_opening_connections", "Connections that are being made."), prometheus.GaugeValue,
		func(s *pgxpool.Stat) float64 { return float64(s.ConstructingConns()) }},
	{describe("stadtgraph_pool_opened_total", "Connections that were made."), prometheus.CounterValue,
		func(s *pgxpool.Stat) float64 { return float64(s.NewConnsCount()) }},
	{describe("stadtgraph_pool_acquires_total", "How often a connection was asked for and given."), prometheus.CounterValue,
		func(s *pgxpool.Stat) float64 { return float64(s.AcquireCount()) }},
	{describe("stadtgraph_pool_acquire_seconds_total", "How long whoever asked for a connection waited, all together."), prometheus.CounterValue,
		func(s *pgxpool.Stat) float64 { return s.AcquireDuration().Seconds() }},
	{describe("stadtgraph_pool_waits_total", "How often none was free."), prometheus.CounterValue,
		func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) }},
	{describe("stadtgraph_pool_canceled_acquires_total", "How often somebody gave up waiting for one."), prometheus.CounterValue,
		func(s *pgxpool.Stat) float64 { return float64(s.CanceledAcquireCount()) }},
}

// Describe is part of prometheus.Collector.
func (poolCollector) Describe(out chan<- *prometheus.Desc) {
	for _, f := range figures {
		out <- f.desc
	}
}

// Collect is part of prometheus.Collector.
func (c poolCollector) Collect(out chan<- prometheus.Metric) {
	stat := c.pool.Stat()
	for _, f := range figures {
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(stat))
	}
}

// Database shows what waits in the database, each time it is asked. Where several
// servers work on one database, all of them show the same.
func (m *Metrics) Database(db postgres.DB) {
	if m != nil {
		m.registry.MustRegister(databaseCollector{db})
	}
}

type databaseCollector struct{ db postgres.DB }

// databaseTimeout is less than Prometheus waits.
const databaseTimeout = 2 * time.Second

var (
	up        = describe("stadtgraph_database_up", "Whether the database answers.")
	heldBack  = describe("stadtgraph_change_feed_lag_seconds", "How long the oldest change waits that readers cannot see yet, because an older transaction is open.")
	lastEntry = describe("stadtgraph_change_feed_last_change_timestamp_seconds", "When the newest change that can be read was made.")
	due       = describe("stadtgraph_due_lag_seconds", "How long ago somebody looked for what falls due, such as scheduled publications.")
	jobs      = describe("stadtgraph_jobs", "Jobs by queue and state; those that are done are left out.", "queue", "state")
	jobsWait  = describe("stadtgraph_jobs_lag_seconds", "How long the oldest job waits that could be run.")
	hooks     = describe("stadtgraph_webhooks", "Webhooks by status.", "status")
	untold    = describe("stadtgraph_webhook_pending_deliveries", "Deliveries of webhooks that wait for their turn, or to be tried again, those of paused ones too.")
	hooksLag  = describe("stadtgraph_webhook_lag_seconds", "How long ago the oldest change happened that an active webhook has not delivered.")
	unindexed = describe("stadtgraph_search_stale_documents", "Entries in the queue of the search index, counted to 10000.")
)

// Describe is part of prometheus.Collector.
func (databaseCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{up, heldBack, lastEntry, due, jobs, jobsWait, hooks, untold, hooksLag, unindexed} {
		out <- d
	}
}

// Collect is part of prometheus.Collector.
func (c databaseCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), databaseTimeout)
	defer cancel()
	var answers float64
	defer func() { out <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, answers) }()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	var lag, last, overdue, wait, stale float64
	// The newest change is found from the end of the primary key; of those above the
	// horizon there are few.
	err := c.db.QueryRow(ctx, `
WITH safe AS MATERIALIZED (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS txid)
SELECT
  coalesce((SELECT extract(epoch FROM clock_timestamp() - min(c.at)) FROM change c WHERE c.txid >= (SELECT txid FROM safe)), 0)::float8,
  coalesce((SELECT extract(epoch FROM c.at) FROM change c WHERE c.txid < (SELECT txid FROM safe) ORDER BY c.txid DESC, c.seq DESC LIMIT 1), 0)::float8,
  (SELECT extract(epoch FROM now() - u.until) FROM due_until u)::float8,
  coalesce((SELECT extract(epoch FROM now() - min(j.scheduled_at)) FROM river_job j WHERE j.state IN ('available', 'retryable') AND j.scheduled_at <= now()), 0)::float8,
  (SELECT count(*) FROM (SELECT FROM search_stale LIMIT 10000) s)::float8`).Scan(&lag, &last, &overdue, &wait, &stale)
	if err != nil {
		return
	}
	rows, _ := c.db.Query(ctx, `
SELECT queue, state::text, count(*)::float8 FROM river_job
WHERE state IN ('available', 'pending', 'retryable', 'running', 'scheduled', 'discarded') GROUP BY queue, state`)
	var queue, state string
	var count float64
	if _, err := pgx.ForEachRow(rows, []any{&queue, &state, &count}, func() error {
		gauge(jobs, count, queue, state)
		return nil
	}); err != nil {
		return
	}
	rows, _ = c.db.Query(ctx, `SELECT s.status, count(w.id)::float8 FROM (VALUES ('ACTIVE'), ('PAUSED')) s (status) LEFT JOIN webhook w ON w.status = s.status AND w.deleted_at IS NULL GROUP BY s.status`)
	if _, err := pgx.ForEachRow(rows, []any{&queue, &count}, func() error {
		gauge(hooks, count, strings.ToLower(queue))
		return nil
	}); err != nil {
		return
	}
	// A webhook that waits for room has changes behind its deliveries, which are younger.
	var pending, behind float64
	if err := c.db.QueryRow(ctx, `
SELECT (SELECT count(*) FROM webhook_delivery d WHERE d.status = 'PENDING')::float8,
  coalesce((SELECT extract(epoch FROM now() - min(d.occurred_at)) FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id
    WHERE d.status = 'PENDING' AND d.origin = 'CHANGE' AND w.status = 'ACTIVE'), 0)::float8`).Scan(&pending, &behind); err != nil {
		return
	}
	answers = 1
	gauge(untold, pending)
	gauge(hooksLag, behind)
	gauge(heldBack, lag)
	gauge(lastEntry, last)
	gauge(due, overdue)
	gauge(jobsWait, wait)
	gauge(unindexed, stale)
}
