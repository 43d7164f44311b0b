package billing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// facts are the tables that hold money, usage and documents.
var facts = []string{
	"billing_account", "subscription", "usage_key", "usage_record", "usage_session", "usage_counter", "suspense", "charge", "bucket",
	"ledger_transfer", "bill_run", "bill_run_failure", "bill", "bill_line", "bill_tax", "bill_item", "number_series", "open_item",
	"payment_intent", "payment", "payment_allocation", "refund", "webhook_in",
	"sharing_group", "sharing_member", "sharing_limit", "sharing_use", "balance_act", "charging_session", "charging_answer",
}

// fingerprint is one hash per table of all its rows.
func (w *world) fingerprint() map[string]string {
	w.t.Helper()
	prints := map[string]string{}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		for _, table := range facts {
			var print string
			query := fmt.Sprintf(`select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from %s as t`, table)
			if err := tx.QueryRow(ctx, query).Scan(&print); err != nil {
				return err
			}
			prints[table] = print
		}
		return nil
	})
	return prints
}

// Whatever happens to subscribers, and in whatever order, every control sum
// holds, and what is done again changes nothing. One operator carries all
// checks; each has subscribers of its own.
func TestStack_sumsHoldAndRepeatsChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		l := &life{world: w, rt: rt}
		for _, plan := range []string{"flex", "flex", "prepaid", "prepaid"} {
			l.customers = append(l.customers, w.connect(plan))
		}
		l.counters = make([]uint64, len(l.customers))
		actions := []func(){l.use, l.use, l.use, l.countBytes, l.pay, l.payByCard, l.payByCard, l.adjust, l.refund, l.refund, l.wait, l.endCycle}
		steps := rapid.IntRange(8, 16).Draw(rt, "steps")
		l.wait()
		for range steps {
			rapid.SampledFrom(actions).Draw(rt, "action")()
			if err := w.sums(); err != nil {
				rt.Fatal(err)
			}
		}
	})
	for table, print := range w.fingerprint() {
		t.Logf("%s: %s", table, print) // how much of each has been tried
	}
}

// life is one check: what happens to a few subscribers.
type life struct {
	*world
	rt        *rapid.T
	customers []customer
	sent      []usage.Record
	counters  []uint64 // bytes reported by each customer's session
}

// twice does something, and again: the second time must change nothing.
func (l *life) twice(what string, do func() error) {
	if err := do(); err != nil {
		l.rt.Fatalf("%s: %v", what, err)
	}
	before := l.fingerprint()
	if err := do(); err != nil {
		l.rt.Fatalf("%s again: %v", what, err)
	}
	if after := l.fingerprint(); !maps.Equal(before, after) {
		for table, print := range before {
			if after[table] != print {
				l.rt.Errorf("%s again changes %s: %s, %s", what, table, print, after[table])
			}
		}
		l.rt.FailNow()
	}
}

func (l *life) someone() (int, customer) {
	n := rapid.IntRange(0, len(l.customers)-1).Draw(l.rt, "customer")
	return n, l.customers[n]
}

func (l *life) cents(from, to int64) money.Amount {
	return money.FromMinor(rapid.Int64Range(from, to).Draw(l.rt, "cents"), money.MustCurrency("EUR"))
}

// use sends a batch with what is known, unknown, repeated, late and ahead.
func (l *life) use() {
	now := l.now()
	var batch []usage.Record
	for range rapid.IntRange(1, 6).Draw(l.rt, "records") {
		_, who := l.someone()
		end := now.Add(time.Duration(rapid.IntRange(-12*60, 60).Draw(l.rt, "minutes")) * time.Minute)
		switch rapid.IntRange(0, 9).Draw(l.rt, "record") {
		case 0:
			batch = append(batch, customer{msisdn: "+49999"}.call(l.key(), end, 60))
		case 1:
			if len(l.sent) > 0 {
				batch = append(batch, rapid.SampledFrom(l.sent).Draw(l.rt, "repeat"))
			}
		case 2, 3, 4:
			batch = append(batch, who.call(l.key(), end, rapid.Int64Range(0, 7200).Draw(l.rt, "seconds")))
		default:
			batch = append(batch, who.data(l.key(), end, rapid.Int64Range(0, 8e9).Draw(l.rt, "bytes")))
		}
	}
	l.sent = append(l.sent, batch...)
	l.twice("usage", func() error { l.ingest(batch...); return nil })
}

// countBytes reports a session's counter, as a rule higher than the last, at
// times an earlier one or the end of the session.
func (l *life) countBytes() {
	n, who := l.someone()
	total := l.counters[n] + uint64(rapid.Int64Range(-1e9, 3e9).Draw(l.rt, "counter"))
	if total > 1<<62 { // below zero
		total = 0
	}
	l.counters[n] = max(l.counters[n], total)
	status := usage.Interim
	if rapid.IntRange(0, 4).Draw(l.rt, "stop") == 0 {
		status = usage.Stop
	}
	at := l.now()
	record := usage.Record{Key: l.key(), Kind: usage.Data, Identity: usage.Identity{Kind: usage.MSISDN, Value: who.msisdn}, Start: at, End: at,
		Unit: money.Byte, Counter: &usage.Counter{NAS: "nas", SessionID: who.msisdn, Status: status, InputBytes: total, SessionSeconds: 60, ReportedAt: at}}
	l.twice("counter", func() error { l.ingest(record); return nil })
}

// purpose is what an account's money is for.
func purpose(c customer) payment.Purpose {
	if c.Kind == "prepaid" {
		return payment.PurposeTopUp
	}
	return payment.PurposeBill
}

func (l *life) pay() {
	_, who := l.someone()
	n := payment.NewPayment{ID: uuid.Must(uuid.NewV7()), AccountID: who.ID, Purpose: purpose(who), Amount: l.cents(1, 4000), By: "clerk",
		Method: rapid.SampledFrom([]payment.Method{payment.Bank, payment.Cash}).Draw(l.rt, "method")}
	l.twice("payment", func() error { l.record(n); return nil })
}

// payByCard tells the end of a card payment in any order and number.
func (l *life) payByCard() {
	_, who := l.someone()
	n := payment.NewIntent{Key: l.key(), AccountID: who.ID, Purpose: payment.PurposeTopUp, Amount: l.cents(100, 4000)}
	if who.Kind != "prepaid" {
		n.Purpose = payment.PurposeBill
		if l.text(`select receivable::text from billing_account where id = $1 and receivable > 0 union all select '' limit 1`, who.ID) == "" {
			return // nothing is owed
		}
	}
	intent, err := l.Checkout(l.t.Context(), n, "")
	if err != nil {
		l.rt.Fatalf("checkout: %v", err)
	}
	events := []payment.ProviderEvent{l.event(intent, payment.EventProcessing, l.key()), l.event(intent, payment.EventSucceeded, l.key()),
		l.event(intent, payment.EventSucceeded, l.key())}
	if rapid.Bool().Draw(l.rt, "declined first") {
		events = append(events, l.event(intent, payment.EventFailed, l.key()))
	}
	events = rapid.Permutation(events).Draw(l.rt, "events")
	l.twice("webhooks", func() error {
		for _, e := range events {
			if err := l.deliver(e, "right"); err != nil {
				return err
			}
			if rapid.Bool().Draw(l.rt, "at once") {
				l.work()
			}
		}
		l.work()
		return nil
	})
}

func (l *life) adjust() {
	_, who := l.someone()
	var buckets []balance.Bucket
	l.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		buckets, err = balance.List(ctx, tx, who.ID)
		return err
	})
	if len(buckets) == 0 {
		return
	}
	bucket := rapid.SampledFrom(buckets).Draw(l.rt, "bucket")
	a := balance.Adjustment{ID: uuid.Must(uuid.NewV7()), BucketID: bucket.ID, Amount: l.cents(-500, 500).Decimal(), Reason: "goodwill"}
	if a.Amount.IsZero() || bucket.Value.Add(a.Amount).Sign() < 0 {
		return
	}
	l.twice("adjustment", func() error {
		return l.Stack.Write(l.t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			_, err := balance.Adjust(ctx, tx, a)
			return err
		})
	})
}

// refund gives back part of a payment; a provider may refuse it for good.
func (l *life) refund() {
	_, who := l.someone()
	var paid []payment.Payment
	l.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		paid, err = payment.List(ctx, tx, who.ID, payment.Cursor{}, 50)
		return err
	})
	if len(paid) == 0 {
		return
	}
	n := payment.NewRefund{Key: l.key(), PaymentID: rapid.SampledFrom(paid).Draw(l.rt, "payment").ID, Amount: l.cents(1, 2000), Reason: "asked for", By: "clerk"}
	if rapid.IntRange(0, 2).Draw(l.rt, "refused") == 0 {
		l.cards.fail(payment.ErrProviderRefused)
		defer l.cards.fail(nil)
	}
	l.twice("refund", func() error {
		err := l.Stack.Write(l.t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			_, err := payment.RequestRefund(ctx, tx, n)
			return err
		})
		if tooMuch := (*payment.RefundError)(nil); errors.As(err, &tooMuch) {
			return nil
		}
		l.work()
		return err
	})
}

func (l *life) wait() {
	l.moveTo(l.now().Add(time.Duration(rapid.IntRange(1, 72).Draw(l.rt, "hours")) * time.Hour))
}

// endCycle goes to the first instants of the next month.
func (l *life) endCycle() {
	today := calendar.DateOf(l.now(), l.Zone)
	next := calendar.Date{Year: today.Year, Month: today.Month, Day: 1}.AddMonths(1).Start(l.Zone)
	l.moveTo(next.Add(time.Duration(rapid.IntRange(-1, 100*3600).Draw(l.rt, "seconds")) * time.Second))
}

// moveTo works what falls due on the way, and then all of it again.
func (l *life) moveTo(to time.Time) {
	l.twice("advance", func() error {
		if err := l.Advance(l.t.Context(), to, nil); err != nil {
			return err
		}
		if err := l.runsAgain(); err != nil {
			return err
		}
		l.work()
		return l.Stack.Write(l.t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			for _, who := range l.customers {
				if err := l.Charging().BeginCycle(ctx, tx, who.ID); err != nil {
					return err
				}
			}
			return expireAgain(ctx, tx)
		})
	})
}

// runsAgain puts every bill run back on the agenda.
func (l *life) runsAgain() error {
	return l.Stack.Write(l.t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		if _, err := bill.StartDue(ctx, tx, calendar.Date{}, "clerk"); err != nil {
			return err
		}
		runs, err := bill.Runs(ctx, tx, 100)
		for _, run := range runs {
			err = errors.Join(err, bill.Again(ctx, tx, run))
		}
		return err
	})
}

// expireAgain ends what has ended already.
func expireAgain(ctx context.Context, tx tenant.Tx) error {
	var ends []time.Time
	err := tx.QueryRow(ctx, `select coalesce(array_agg(distinct expires_at), '{}') from bucket where expires_at <= $1`, tx.At).Scan(&ends)
	if err != nil {
		return err
	}
	for _, end := range ends {
		for _, due := range []time.Time{end, end.Add(balance.LateUsage)} {
			if due.After(tx.At) {
				continue
			}
			if n, err := balance.Expire(ctx, tx, due, expireAtOnce); err != nil || n > 0 {
				return errors.Join(err, fmt.Errorf("%d balances ended late", n))
			}
		}
	}
	return nil
}
