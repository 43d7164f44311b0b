package event

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Request is one message to send.
type Request struct {
	URL      string
	Networks []netip.Prefix // private networks that may be reached, of the operator's own
	Header   map[string]string
	Body     []byte
}

// Answer is what became of a request.
type Answer struct {
	Status int    // 0: nothing was answered
	Body   string // the beginning of it
	Error  string // why nothing was answered
	Took   time.Duration
}

// Sender posts messages side by side and gives an answer for each, in their
// order. It bounds its time and what it reads, follows no redirect and reaches
// no private network that a request doesn't name.
type Sender interface {
	Send(ctx context.Context, requests []Request) []Answer
}

// Courier sends what is due.
type Courier struct {
	Sender Sender
	Seal   Sealer
	// Alarm tells people that an endpoint was disabled, in the transaction that
	// does it.
	Alarm func(ctx context.Context, tx tenant.Tx, e Endpoint) error
	// Write and Read open a transaction of the tenant.
	Write func(ctx context.Context, fn func(context.Context, tenant.Tx) error) error
	Read  func(ctx context.Context, fn func(context.Context, tenant.Tx) error) error
}

// perEndpoint is how many messages one portion sends to one endpoint.
const perEndpoint = 16

// errNoSender is a fault of the host's set-up.
var errNoSender = errors.New("this host sends no webhooks")

// portion is a message on its way.
type portion struct {
	delivery, endpoint uuid.UUID
	attempts           int
	firstTry           *time.Time
	event              Stored
	request            Request
}

// Work sends one portion of what is due and notes what became of it. more says
// that more is due now. If the process dies between sending and noting, the
// same messages are sent again.
func (c Courier) Work(ctx context.Context) (more bool, err error) {
	var due []portion
	err = c.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		due, err = c.load(ctx, tx)
		return err
	})
	if err != nil {
		return false, err
	}
	if len(due) == 0 {
		return false, c.Write(ctx, c.rest)
	}
	if c.Sender == nil {
		return false, errNoSender
	}
	requests := make([]Request, len(due))
	for i := range due {
		requests[i] = due[i].request
	}
	answers := c.Sender.Send(ctx, requests)
	if err := ctx.Err(); err != nil {
		return false, err // stopped: what was on its way is sent again
	}
	return true, c.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return c.note(ctx, tx, due, answers) })
}

// rest puts the next attempt on the agenda.
func (c Courier) rest(ctx context.Context, tx tenant.Tx) error {
	var next *time.Time
	err := tx.QueryRow(ctx, `
		select min(greatest(d.next_at, coalesce(w.rest_until, d.next_at)))
		  from webhook_endpoint w
		  cross join lateral (select next_at from webhook_delivery d where d.endpoint_id = w.id and d.state = 'due' and d.next_at > $1 order by next_at limit 1) d
		 where w.state = 'active'`, tx.At).Scan(&next)
	if err != nil {
		return fmt.Errorf("next delivery: %w", err)
	}
	var waits *time.Time // what is due already and rests with its endpoint
	err = tx.QueryRow(ctx, `select min(rest_until) from webhook_endpoint where state = 'active' and rest_until > $1`, tx.At).Scan(&waits)
	if err != nil {
		return fmt.Errorf("next delivery: %w", err)
	}
	if next == nil || waits != nil && waits.Before(*next) {
		next = waits
	}
	if next == nil {
		return nil
	}
	return wake(ctx, tx, courierRef, *next)
}

// courierRef is the reference of attempts to come: of no event's own.
var courierRef = uuid.MustParse("5b1d34a4-30a2-4a43-8ac3-6d0c1f6a4a5d")

// What is due of each endpoint: by webhook_delivery_due, and by
// webhook_delivery_object nothing that has an earlier one of its object before it.
const dueNow = `
	select d.id, d.endpoint_id, d.attempts, d.first_try_at, w.url, w.secret, case when w.old_until > $1 then w.old_secret end,
	       e.id, e.type, e.object, e.object_id, e.sequence, e.account_id, e.data, e.at
	  from webhook_endpoint w
	  cross join lateral (
	      select d.id, d.endpoint_id, d.event_id, d.attempts, d.first_try_at
	        from webhook_delivery d
	       where d.endpoint_id = w.id and d.state = 'due' and d.next_at <= $1
	         and not exists (select from webhook_delivery p
	                          where p.endpoint_id = d.endpoint_id and p.object_id = d.object_id and p.state = 'due' and p.event_id < d.event_id)
	       order by d.next_at, d.event_id
	       limit $2) d
	  join event e on e.id = d.event_id
	 where w.state = 'active' and (w.rest_until is null or w.rest_until <= $1)
	 order by d.event_id`

func (c Courier) load(ctx context.Context, tx tenant.Tx) ([]portion, error) {
	networks, err := Networks(ctx, tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, dueNow, tx.At, perEndpoint)
	if err != nil {
		return nil, fmt.Errorf("read due deliveries: %w", err)
	}
	due, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p portion, err error) {
		var secret, old []byte
		e := &p.event
		err = row.Scan(&p.delivery, &p.endpoint, &p.attempts, &p.firstTry, &p.request.URL, &secret, &old,
			&e.ID, &e.Type, &e.Object, &e.ObjectID, &e.Sequence, &e.AccountID, &e.Data, &e.At)
		if err != nil {
			return p, err
		}
		return p, c.compose(tx, &p, networks, secret, old)
	})
	if err != nil {
		return nil, fmt.Errorf("read due deliveries: %w", err)
	}
	return due, nil
}

// compose makes the request: signed anew each time, under the event's id.
func (c Courier) compose(tx tenant.Tx, p *portion, networks []netip.Prefix, sealed ...[]byte) error {
	body, err := p.event.Body()
	if err != nil {
		return err
	}
	var secrets [][]byte
	for _, s := range sealed {
		if s == nil {
			continue
		}
		clear, err := c.Seal.Open(tx.Tenant, secretName(p.endpoint), s)
		if err != nil {
			return fmt.Errorf("open secret of endpoint %s: %w", p.endpoint, err)
		}
		secrets = append(secrets, clear)
	}
	p.request.Networks, p.request.Body = networks, body
	p.request.Header = map[string]string{
		"Content-Type":      "application/json",
		"User-Agent":        "Tollhouse-Webhooks/1",
		"webhook-id":        p.event.ID.String(),
		"webhook-timestamp": strconv.FormatInt(tx.At.Unix(), 10),
		"webhook-signature": sign(p.event.ID, tx.At, body, secrets...),
	}
	return nil
}
