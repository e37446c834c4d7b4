package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"stadtgraph/internal/nodeid"
)

const (
	window = 20  // requests to one receiver at once, while it answers well
	ahead  = 200 // deliveries that are looked up at once

	// stint is for how long one job looks after a webhook; then it goes behind those of others.
	stint = 30 * time.Second
)

// outgoing is a delivery that is due.
type outgoing struct {
	ID       nodeid.UUID
	Message  string
	Payload  string
	Origin   string
	Attempts int // that were made
	Failures int // that count for when to try again
}

// receiver is where to send, as it is now.
type receiver struct {
	url     string
	window  int
	secrets []*standardwebhooks.Webhook // the present one first
	lost    bool                        // the present one cannot be read
}

// outcome is what came of sending.
type outcome struct {
	outgoing
	url     string
	request http.Header
	sentAt  time.Time
	took    time.Duration
	answer
}

// errElsewhere says that another job looks after the webhook.
var errElsewhere = errors.New("webhook: another job looks after it")

// Tend sends what is due of a webhook, until nothing is, or the stint is over. Of several
// who do it at once one does.
func (s *Sender) Tend(ctx context.Context, webhook nodeid.UUID) error {
	token := nodeid.New(time.Now())
	tag, err := s.pool.Exec(ctx, `
UPDATE webhook_state SET tended_by = $2, tended_until = clock_timestamp() + $3::interval
WHERE webhook_id = $1 AND (tended_by IS NULL OR tended_until <= clock_timestamp())`, webhook, token, s.lease())
	if err != nil {
		return fmt.Errorf("look after a webhook: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return nil
	}
	t := &tending{Sender: s, webhook: webhook, token: token, flying: []nodeid.UUID{}, done: make(chan outcome, window)}
	err = t.run(ctx)
	if errors.Is(err, errElsewhere) {
		return nil
	}
	// Whoever comes next need not wait until the time is over. What was under way when the
	// context ended is sent again: nobody knows whether it has arrived.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, left := s.pool.Exec(last, `UPDATE webhook_state SET tended_by = NULL, tended_until = NULL WHERE webhook_id = $1 AND tended_by = $2`, webhook, token)
	if err == nil {
		err = left
	}
	if err == nil { // what has come since its last look
		err = pgx.BeginFunc(last, s.pool, func(tx pgx.Tx) error { return s.rouse(last, tx, webhook) })
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// tending is a stint of looking after a webhook.
type tending struct {
	*Sender
	webhook nodeid.UUID
	token   nodeid.UUID
	flying  []nodeid.UUID // deliveries that are under way; never nil, which would be no array
	ready   []outgoing    // deliveries that are due and not under way
	done    chan outcome
}

func (t *tending) run(ctx context.Context) error {
	defer func() { // they end in time, each with its own deadline
		for range t.flying {
			<-t.done
		}
		t.flying = t.flying[:0]
	}()
	for begun := time.Now(); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		start := time.Now()
		to, next, err := t.next(ctx, time.Since(begun) > stint)
		if err != nil {
			return err
		}
		if to.lost && len(next) > 0 {
			slog.Error("the secret of a webhook cannot be read with these keys; it is paused", "webhook", nodeid.ID{Prefix: prefix, UUID: t.webhook}.String())
			return pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error { return pause(ctx, tx, t.webhook, "SECRET_LOST") })
		}
		for _, o := range next {
			t.flying = append(t.flying, o.ID)
			// If this process stands still for a while, somebody else looks after the webhook:
			// what was not sent by then is not sent by us.
			go func() { t.done <- t.send(ctx, to, o, start.Add(t.Timeout)) }()
		}
		if len(t.flying) == 0 {
			return nil
		}
		if err := t.note(ctx); err != nil {
			return err
		}
	}
}

// next says that the webhook is looked after, and gives what is due of it that is not
// under way, as much as may be sent at once. At the end it gives nothing.
func (t *tending) next(ctx context.Context, end bool) (receiver, []outgoing, error) {
	var to receiver
	var failures int
	var live bool
	var sealed [][]byte
	var rows [][16]byte
	err := t.pool.QueryRow(ctx, `
UPDATE webhook_state s SET tended_until = clock_timestamp() + $3::interval FROM webhook w
WHERE s.webhook_id = $1 AND s.tended_by = $2 AND s.tended_until > clock_timestamp() AND w.id = s.webhook_id
RETURNING w.url, s.failures, w.status = 'ACTIVE' AND coalesce(s.held_until <= clock_timestamp(), true),
  ARRAY(SELECT k.sealed FROM webhook_secret k WHERE k.webhook_id = s.webhook_id AND coalesce(k.until > now(), true) ORDER BY k.until DESC NULLS FIRST),
  ARRAY(SELECT k.id FROM webhook_secret k WHERE k.webhook_id = s.webhook_id AND coalesce(k.until > now(), true) ORDER BY k.until DESC NULLS FIRST)`,
		t.webhook, t.token, t.lease()).Scan(&to.url, &failures, &live, &sealed, &rows)
	if errors.Is(err, pgx.ErrNoRows) {
		return to, nil, errElsewhere
	}
	if err != nil {
		return to, nil, fmt.Errorf("look after a webhook: %w", err)
	}
	for i := range sealed {
		secret := t.Keys.Open(sealed[i], rows[i][:])
		if secret == "" {
			to.lost = to.lost || i == 0
			continue
		}
		w, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			return to, nil, fmt.Errorf("read the secret of a webhook: %w", err)
		}
		to.secrets = append(to.secrets, w)
	}
	to.lost = to.lost || len(sealed) == 0
	// Who does not answer is asked by fewer at once.
	to.window = max(1, window>>min(failures, 10))
	room := to.window - len(t.flying)
	if end || room <= 0 {
		return to, nil, nil
	}
	if !live { // it was paused, or asked to be left alone
		t.ready = nil
	}
	if len(t.ready) == 0 {
		if err := t.look(ctx); err != nil {
			return to, nil, err
		}
	}
	room = min(room, len(t.ready))
	next := t.ready[:room]
	t.ready = t.ready[room:]
	return to, next, nil
}

// look finds what is due and not under way, by age.
func (t *tending) look(ctx context.Context) error {
	rows, _ := t.pool.Query(ctx, `
SELECT m.id, m.message_id AS message, m.payload, m.origin, m.attempt_count AS attempts, m.failures FROM (
  SELECT d.id FROM webhook w JOIN webhook_state s ON s.webhook_id = w.id CROSS JOIN LATERAL `+waiting+` d
  WHERE w.id = $1 AND d.id <> ALL($2) AND `+due+` ORDER BY d.seq LIMIT $3) d
JOIN webhook_delivery m ON m.id = d.id ORDER BY m.seq`, t.webhook, t.flying, ahead)
	ready, err := pgx.CollectRows(rows, pgx.RowToStructByName[outgoing])
	if err != nil {
		return fmt.Errorf("look for deliveries that are due: %w", err)
	}
	t.ready = ready
	return nil
}

// send makes one attempt, which is over at the deadline.
func (t *tending) send(ctx context.Context, to receiver, o outgoing, deadline time.Time) outcome {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	out := outcome{outgoing: o, url: to.url, sentAt: time.Now()}
	// Each attempt is signed anew: receivers refuse what is older than some minutes.
	signatures := make([]string, len(to.secrets))
	for i, key := range to.secrets {
		signatures[i], _ = key.Sign(o.Message, out.sentAt, []byte(o.Payload)) // it never fails
	}
	out.request = http.Header{
		"Content-Type":      {"application/json"},
		"User-Agent":        {"stadtgraph"},
		"Webhook-Id":        {o.Message},
		"Webhook-Timestamp": {strconv.FormatInt(out.sentAt.Unix(), 10)},
		"Webhook-Signature": {strings.Join(signatures, " ")},
	}
	out.answer = t.post(ctx, to.url, out.request, o.Payload)
	out.took = time.Since(out.sentAt)
	return out
}

// note waits until something has come of what is under way, and notes all that has.
func (t *tending) note(ctx context.Context) error {
	outcomes := []outcome{<-t.done}
	for len(outcomes) < len(t.flying) {
		select {
		case o := <-t.done:
			outcomes = append(outcomes, o)
			continue
		default:
		}
		break
	}
	for _, o := range outcomes {
		for i, id := range t.flying {
			if id == o.ID {
				t.flying = append(t.flying[:i], t.flying[i+1:]...)
				break
			}
		}
	}
	if err := ctx.Err(); err != nil { // it was cut off, not refused
		return err
	}
	return t.record(ctx, outcomes)
}

// verdict is what a row of deliveries becomes.
type verdict struct {
	status string
	next   *time.Duration // until the next attempt
	pause  string         // why the webhook is paused
}

// judge says what an outcome means.
func (t *tending) judge(o outcome) verdict {
	switch {
	case o.err == "":
		return verdict{status: "DELIVERED"}
	case o.Origin == ofTest:
		return verdict{status: "FAILED"}
	case o.status == http.StatusGone:
		return verdict{status: "FAILED", pause: "GONE"}
	case o.Failures >= len(t.Delays):
		return verdict{status: "FAILED", pause: "EXHAUSTED"}
	}
	wait := t.Delays[o.Failures]
	wait = max(time.Duration(float64(wait)*(0.9+0.2*rand.Float64())), o.retryAfter) //nolint:gosec // so that not all come at once
	return verdict{status: "PENDING", next: &wait}
}

// record notes outcomes, in one transaction.
func (t *tending) record(ctx context.Context, outcomes []outcome) error {
	b := &pgx.Batch{}
	var failures int
	var delivered, failed bool
	var hold time.Duration
	var paused string
	for _, o := range outcomes {
		v := t.judge(o)
		var status *int
		var headers, body, problem *string
		if o.status != 0 {
			status, headers, body = &o.status, &o.headers, &o.body
		}
		if o.err != "" {
			problem = &o.err
		}
		b.Queue(`INSERT INTO webhook_attempt (delivery_id, number, url, request_headers, response_status, response_headers, response_body, error, duration_ms, sent_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
			o.ID, o.Attempts+1, o.url, headerText(o.request), status, headers, body, problem, o.took.Milliseconds(), o.sentAt)
		b.Queue(`UPDATE webhook_delivery SET status = $2, attempt_count = $3, failures = failures + $4, next_attempt_at = clock_timestamp() + $5::interval,
  finished_at = CASE WHEN $2 <> 'PENDING' THEN now() END WHERE id = $1 AND status = 'PENDING'`,
			o.ID, v.status, o.Attempts+1, min(len(o.err), 1), v.next)
		if v.pause != "" {
			paused = v.pause
		}
		if t.Attempted != nil {
			t.Attempted(outcomeName(o), o.took)
		}
		switch {
		case o.Origin == ofTest:
		case o.err == "":
			delivered, failures = true, 0
		default:
			failed = true
			failures++
		}
		hold = max(hold, o.retryAfter)
	}
	if paused != "" {
		b.Queue(`UPDATE webhook SET status = 'PAUSED', pause_reason = $2, paused_at = now() WHERE id = $1 AND status = 'ACTIVE'`, t.webhook, paused)
	}
	b.Queue(`UPDATE webhook_state SET failures = CASE WHEN $2 THEN 0 ELSE failures END + $3,
  delivered_at = CASE WHEN $2 THEN now() ELSE delivered_at END, failed_at = CASE WHEN $4 THEN now() ELSE failed_at END,
  held_until = CASE WHEN $5::interval > '0' THEN greatest(held_until, now() + $5::interval) ELSE held_until END
WHERE webhook_id = $1`, t.webhook, delivered, failures, failed, hold)
	err := pgx.BeginFunc(ctx, t.pool, func(tx pgx.Tx) error { return tx.SendBatch(ctx, b).Close() })
	if err != nil {
		return fmt.Errorf("note what came of deliveries: %w", err)
	}
	return nil
}

// outcomeName is what metrics call it.
func outcomeName(o outcome) string {
	switch {
	case o.err == "":
		return "delivered"
	case o.status == 0:
		return "unanswered"
	}
	return "refused"
}
