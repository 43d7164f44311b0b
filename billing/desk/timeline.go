package desk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Topic is what an entry of the stream is about.
type Topic string

// Topics; the empty one is all.
const (
	AllTopics Topic = ""
	Money     Topic = "money"
	Service   Topic = "service"
	Contact   Topic = "contact"
)

// Happening is what happened.
type Happening string

// What can happen to an account.
const (
	BillIssued    Happening = "bill"           // Ref: the bill; Text: its number
	PaymentTaken  Happening = "payment"        // Ref: the payment; Text: its method
	Refunded      Happening = "refund"         // Ref: the payment; Text: the reason
	Adjusted      Happening = "adjustment"     // Ref: the balance; Text: the reason; Unit may be no currency
	OrderTaken    Happening = "order"          // Ref: the order; Text: the offering's code
	Connected     Happening = "connected"      // Ref: the subscription; Text: the offering's code
	Disconnected  Happening = "ended"          // likewise
	ChangePlanned Happening = "change_planned" // Ref: the subscription; Text: the new offering's code; Day: the first of it
	ChangeDone    Happening = "change_done"    // likewise
	ChangeUndone  Happening = "change_undone"  // likewise
	PricedAnew    Happening = "priced_anew"    // Ref: the subscription; Text: the reason; Day: the first of the usage
	Suspension    Happening = "suspended"      // Ref: the subscription; Text: the reason
	Resumption    Happening = "resumed"        // likewise
	NoteTaken     Happening = "note"           // Ref: the note; Text: its words
	MessageSent   Happening = "message"        // Ref: the message; Text: its kind; More: whom it went to
	PartyChanged  Happening = "party"          // Ref: the account
	StaffActed    Happening = "staff"          // Ref: the thing; Text: what visiting hosting staff did
)

// Event is one entry of the stream.
type Event struct {
	At         time.Time
	ID         uuid.UUID // with Kind and At, its place
	Kind       Happening
	Ref        uuid.UUID
	Text, More string
	Day        calendar.Date  // zero: none
	Amount     *money.Decimal // nil: none; what the subscriber gained is above zero
	Unit       money.Unit
	By         string // an actor; empty: nobody in particular
}

// Place is where the stream goes on.
type Place struct {
	At   time.Time
	ID   uuid.UUID
	Kind Happening
}

// Place is the event's own.
func (e Event) Place() Place { return Place{e.At, e.ID, e.Kind} }

// sources are where the stream is read: each gives at, id, kind, ref, text,
// more, day, amount, unit and actor of what is before the place ($2, $3, $4),
// the newest $5 of it, by an index on the account ($1).
var sources = []struct {
	topic Topic
	sql   string
}{
	{Money, `select closed_at, id, 'bill', id, number, kind, due_date, total, currency, ''
	           from bill where account_id = $1 and state <> 'draft'`},
	{Money, `select received_at, id, 'payment', id, method, reference, null, amount, currency, created_by
	           from payment where account_id = $1`},
	{Money, `select r.created_at, r.id, 'refund', p.id, r.reason, r.state, null, r.amount, p.currency, r.created_by
	           from payment p join refund r on r.payment_id = p.id where p.account_id = $1`},
	// ledger_transfer_adjusted; goodwill is told by its payment. The reason stands
	// in the audit of the act.
	{Money, `select t.at, t.id, 'adjustment', coalesce(t.credit_id, t.debit_id),
	                coalesce((select u.detail ->> 'reason' from audit u
	                           where u.object_id = coalesce(t.credit_id, t.debit_id) and u.at = t.at and u.detail ? 'reason' limit 1), ''),
	                '', null, case when t.credit in ('prepaid', 'unit_bucket') then t.amount else -t.amount end, t.unit, ''
	           from ledger_transfer t
	          where t.account_id = $1 and t.event = 'adjustment' and (t.credit in ('prepaid', 'unit_bucket') or t.debit in ('prepaid', 'unit_bucket'))`},
	{Service, `select o.created_at, o.id, 'order', o.id, v.code, o.state, null, null, null, o.created_by
	             from product_order o join offering_version v on v.id = o.offering_id where o.account_id = $1`},
	{Service, `select s.activated_at, s.id, 'connected', s.id, v.code, '', null, null, null, ''
	             from subscription s join offering_version v on v.id = s.offering_id
	            where s.account_id = $1 and s.activated_at is not null
	              and not exists (select from plan_change c where c.new_subscription_id = s.id)`},
	{Service, `select s.terminated_at, s.id, 'ended', s.id, v.code, '', null, null, null, ''
	             from subscription s join offering_version v on v.id = s.offering_id
	            where s.account_id = $1 and s.terminated_at is not null
	              and not exists (select from plan_change c where c.subscription_id = s.id and c.state = 'done')`},
	{Service, `select c.created_at, c.id, 'change_planned', c.subscription_id, v.code, c.reason, c.takes_effect, null, null, c.created_by
	             from plan_change c join offering_version v on v.id = c.to_offering where c.account_id = $1`},
	{Service, `select c.ended_at, c.id, case c.state when 'done' then 'change_done' else 'change_undone' end, coalesce(c.new_subscription_id, c.subscription_id),
	                  v.code, '', c.takes_effect, null, null, ''
	             from plan_change c join offering_version v on v.id = c.to_offering where c.account_id = $1 and c.ended_at is not null`},
	{Money, `select r.applied_at, r.id, 'priced_anew', c.new_subscription_id, r.reason, r.state, c.takes_effect, -(a.net + a.tax), a.currency, r.applied_by
	           from plan_change c join rerating r on r.cause = c.id join rerating_account a on a.rerating_id = r.id and a.state = 'applied'
	          where c.account_id = $1 and r.applied_at is not null`},
	{Service, `select u.at, u.id, case u.action when 'subscription.suspend' then 'suspended' else 'resumed' end, u.object_id,
	                  coalesce(u.detail ->> 'reason', ''), '', null, null, null, u.actor
	             from subscription s join audit u on u.object_id = s.id
	            where s.account_id = $1 and u.action in ('subscription.suspend', 'subscription.resume')`},
	{Contact, `select created_at, id, 'note', id, text, author, null, null, null, created_by
	             from note where account_id = $1`},
	{Contact, `select created_at, id, 'message', id, kind, recipient, null, null, null, ''
	             from notice where account_id = $1`},
	{Contact, `select at, id, 'party', object_id, '', '', null, null, null, actor
	             from audit where object_id = $1 and action = 'account.contact'`},
	{Contact, `select u.at, u.id, 'staff', u.object_id, u.action, '', null, null, null, u.actor
	             from audit u
	            where u.object_id in (select $1 union all select id from subscription where account_id = $1) and u.actor like 'staff:%'
	              and u.action not in ('subscription.suspend', 'subscription.resume', 'account.contact')`},
}

const eventColumns = ` as e (at, id, kind, ref, text, more, day, amount, unit, actor)`

// streamOf is the statement that reads a topic: the newest of each source,
// then the newest of those.
func streamOf(topic Topic) string {
	var parts []string
	for _, s := range sources {
		if topic == AllTopics || topic == s.topic {
			parts = append(parts, `(select at, id, kind, ref, text, more, day::date, amount::numeric, unit::text, actor from (`+s.sql+`)`+eventColumns+`
			  where (at, id, kind) < ($2, $3, $4) order by at desc, id desc, kind desc limit $5)`)
		}
	}
	return strings.Join(parts, "\nunion all\n") + "\norder by 1 desc, 2 desc, 3 desc limit $5"
}

// streams are the statements by topic.
var streams = map[Topic]string{AllTopics: streamOf(AllTopics), Money: streamOf(Money), Service: streamOf(Service), Contact: streamOf(Contact)}

// Timeline reads what happened to an account, newest first: what is before a
// place, or the newest for a zero one. All of it is read from where it stands;
// nothing is kept for it.
func Timeline(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, topic Topic, before Place, limit int) ([]Event, error) {
	query, known := streams[topic]
	if !known {
		query = streams[AllTopics]
	}
	if before.At.IsZero() {
		before = Place{At: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), ID: uuid.Max}
	}
	rows, err := tx.Query(ctx, query, accountID, before.At, before.ID, string(before.Kind), min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("timeline of account %s: %w", accountID, err)
	}
	events, err := pgx.CollectRows(rows, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("timeline of account %s: %w", accountID, err)
	}
	return events, nil
}

func scanEvent(row pgx.CollectableRow) (e Event, err error) {
	var ref *uuid.UUID
	var text, more, unit *string
	var day *calendar.Date
	err = row.Scan(&e.At, &e.ID, &e.Kind, &ref, &text, &more, &day, &e.Amount, &unit, &e.By)
	e.At = e.At.UTC()
	if ref != nil {
		e.Ref = *ref
	}
	if text != nil {
		e.Text = *text
	}
	if more != nil {
		e.More = *more
	}
	if day != nil {
		e.Day = *day
	}
	if unit != nil {
		e.Unit = money.Unit(*unit)
	}
	return e, err
}
