// Package webhook tells others of changes, over HTTP, as Standard Webhooks
// (standardwebhooks.com) has it.
//
// The change feed is the outbox. Each webhook has a place in it; in one transaction
// deliveries are made of the changes behind the place, the place moves on, and a job is
// put into the queue (feed.go). The job looks after the deliveries of one webhook until
// none is due: it sends each, signed, to where it may go, and notes what came of it
// (deliver.go, reach.go). So nothing is lost, whenever a process is killed; something may
// come twice, with the same id.
//
//	change ─► webhook_place ─► webhook_delivery ─► job ─► receiver
//
// What administrators do is in desk.go.
package webhook

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"stadtgraph/internal/change"
	"stadtgraph/internal/nodeid"
	"stadtgraph/internal/plan"
	"stadtgraph/internal/seal"
)

// Objects are what can be read of webhooks, and Roots the fields of Query.
var (
	Objects = []plan.Object{object, delivery, attempt}
	Roots   = []plan.Root{
		{Name: "webhook", Lookup: plan.ByID, Least: plan.Admin},
		{Name: "webhooks", Least: plan.Admin},
		{Name: "webhookDeliveries", Least: plan.Admin},
	}
)

const (
	prefix         = "webhook"
	deliveryPrefix = "webhook_delivery"
)

var object = plan.Object{
	Type: "Webhook", Table: "webhook", Prefix: prefix,
	Visible: plan.Visibility{Public: "false", Admin: "{deleted_at} IS NULL"},
	Order:   []plan.Term{{Field: "createdAt", Desc: true}},
	Fields: plan.Fields{
		"name":              plan.Text("name"),
		"url":               plan.Column("url"),
		"types":             plan.Column("types"),
		"kinds":             plan.Column("kinds"),
		"filters":           plan.Expr("({filters}::text)"),
		"status":            plan.Column("status"),
		"pauseReason":       plan.Column("pause_reason"),
		"pausedAt":          plan.Column("paused_at"),
		"cursor":            plan.Expr("coalesce((SELECT p.cursor FROM webhook_place p WHERE p.webhook_id = {id} AND p.until IS NULL), '')"),
		"pendingCount":      plan.Expr("(SELECT count(*)::integer FROM (SELECT FROM webhook_delivery d WHERE d.webhook_id = {id} AND d.status = 'PENDING' LIMIT 10000) d)"),
		"failures":          plan.Expr("coalesce((SELECT s.failures FROM webhook_state s WHERE s.webhook_id = {id}), 0)"),
		"deliveredAt":       plan.Expr("(SELECT s.delivered_at FROM webhook_state s WHERE s.webhook_id = {id})"),
		"failedAt":          plan.Expr("(SELECT s.failed_at FROM webhook_state s WHERE s.webhook_id = {id})"),
		"heldUntil":         plan.Expr("(SELECT s.held_until FROM webhook_state s WHERE s.webhook_id = {id} AND s.held_until > {now})"),
		"replaying":         plan.Expr("EXISTS (SELECT FROM webhook_place p WHERE p.webhook_id = {id} AND p.until IS NOT NULL)"),
		"rotatedAt":         plan.Column("rotated_at"),
		"formerSecretUntil": plan.Expr("(SELECT max(s.until) FROM webhook_secret s WHERE s.webhook_id = {id} AND s.until > {now})"),
		"createdBy":         plan.One("created_by"),
		"version":           plan.Column("version"),
		"createdAt":         plan.Column("created_at"),
		"modifiedAt":        plan.Column("modified_at"),
	},
}

var delivery = plan.Object{
	Type: "WebhookDelivery", Table: "webhook_delivery", Prefix: deliveryPrefix,
	Visible: plan.Visibility{Public: "false", Admin: "true", Via: plan.Via{Type: "Webhook", Column: "webhook_id"}},
	Order:   []plan.Term{{Field: "createdAt", Desc: true}},
	Fields: plan.Fields{
		"webhook":       plan.One("webhook_id"),
		"messageId":     plan.Column("message_id"),
		"event":         plan.Column("event"),
		"type":          plan.Column("type"),
		"entryId":       plan.Expr("({payload}::jsonb -> 'data' ->> 'id')"),
		"entry":         change.Entry,
		"kind":          plan.Column("kind"),
		"version":       plan.Column("version"),
		"cursor":        plan.Column("cursor"),
		"payload":       plan.Column("payload"),
		"origin":        plan.Column("origin"),
		"status":        plan.Column("status"),
		"attemptCount":  plan.Column("attempt_count"),
		"nextAttemptAt": plan.Column("next_attempt_at"),
		"occurredAt":    plan.Column("occurred_at"),
		"createdAt":     plan.Column("created_at"),
		"finishedAt":    plan.Column("finished_at"),
		"attempts":      plan.Rows("webhook_attempt", "delivery_id", "{number}"),
	},
}

var attempt = plan.Object{Type: "WebhookAttempt", Fields: plan.Fields{
	"number":          plan.Column("number"),
	"url":             plan.Column("url"),
	"requestHeaders":  plan.Column("request_headers"),
	"responseStatus":  plan.Column("response_status"),
	"responseHeaders": plan.Column("response_headers"),
	"responseBody":    plan.Column("response_body"),
	"error":           plan.Column("error"),
	"durationMs":      plan.Column("duration_ms"),
	"sentAt":          plan.Column("sent_at"),
}}

// Config is how webhooks behave.
type Config struct {
	Keys    seal.Box       // keep the secrets; without any there are no webhooks
	HTTP    bool           // URLs may begin with http://, too
	Reach   []netip.Prefix // networks that may be reached although they are not public
	Proxy   *url.URL       // that all requests go through, and that decides what may be reached; nil for none
	Timeout time.Duration  // of a request, from looking up its host to the end of the answer
	Delays  []time.Duration

	// Attempted is told of each request: how it went, and how long it took.
	Attempted func(outcome string, took time.Duration)
	// Queue puts a job for each webhook into the queue, which calls Tend.
	Queue func(ctx context.Context, tx pgx.Tx, webhooks []nodeid.UUID) error
}

// Delays is when to try again: ten attempts over three days and three hours.
var Delays = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// Timeout is how long a request may take.
const Timeout = 15 * time.Second

// Sender makes deliveries and sends them.
type Sender struct {
	Config
	pool    *pgxpool.Pool
	planner *plan.Planner // reads what fits a filter
	filters map[string]filtered
	client  *http.Client
}

// New makes a sender that works on a pool, and reads entries with a planner.
func New(c Config, pool *pgxpool.Pool, planner *plan.Planner) (*Sender, error) {
	filters, err := filtering(planner.Catalogue())
	if err != nil {
		return nil, err
	}
	s := &Sender{Config: c, pool: pool, planner: planner, filters: filters}
	s.client = s.newClient()
	return s, nil
}

// lease is how long a job may look after a webhook without saying that it still does: a
// request, and the time to note what came of it.
func (s *Sender) lease() time.Duration { return 2 * s.Timeout }

// typeName is a value of the enum WebhookType as the name of a type.
func typeName(value string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(value, "_") {
		b.WriteString(word[:1] + strings.ToLower(word[1:]))
	}
	return b.String()
}

// member is a value of the enum WebhookType as a field of WebhookFiltersInput.
func member(value string) string {
	name := typeName(value)
	return strings.ToLower(name[:1]) + name[1:]
}
