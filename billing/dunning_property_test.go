package billing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/collection"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// A chargeback reopens under the original due date: the ladder goes on where the
// dates say, and what was done for that debt is not done again.
func TestDunning_chargebackGoesOnWhereTheDatesSay(t *testing.T) {
	t.Parallel()
	d := newDebtor(t, fourSteps)
	d.at("2026-06-22 10:00")
	d.wants(access.Walled, "reminder 06-18, wall 06-22")
	n := payment.NewPayment{ID: uuid.New(), AccountID: d.customer.ID, Purpose: payment.PurposeBill, Method: payment.Bank, Amount: euro("30.00"), By: "clerk"}
	d.record(n)
	d.work()
	d.wants(access.Allowed, "reminder 06-18, wall 06-22")
	d.at("2026-07-01 10:00")
	d.wants(access.Allowed, "reminder 06-18, wall 06-22")
	d.takeBack(n)
	d.wants(access.Walled, "reminder 06-18, wall 06-22")
	d.at("2026-07-02 10:00")
	d.wants(access.Cut, "reminder 06-18, wall 06-22, suspend 07-02")
	if err := d.sums(); err != nil {
		t.Error(err)
	}
}

func (d *debtor) takeBack(n payment.NewPayment) {
	d.t.Helper()
	d.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.TakeBack(ctx, tx, payment.TakenBack{Kind: payment.Returned, Provider: "bank", Ref: n.ID.String(), PaymentID: n.ID, Amount: n.Amount, Reason: "insufficient funds"})
		return err
	})
	d.work()
}

const threeSteps = `
time: "00:00"
ladders:
  - code: standard
    names: {en: Standard}
    minimum: {EUR: "5"}
    promise: {days: 10, times: 20, per_days: 1, percent: 1, restores: true}
    steps:
      - {code: reminder, after_days: 3, action: remind, channels: [mail]}
      - {code: slow, after_days: 5, action: slow}
      - {code: wall, after_days: 7, action: wall}
      - {code: suspend, after_days: 14, action: suspend}
`

// reference is dunning told in a few lines.
type reference struct {
	items         []refItem
	paid          []refPaid
	taken         map[string]calendar.Date // item/step
	hold          bool
	holdUntil     calendar.Date
	promised      int64 // cents that the promise needs, of promisedItems
	promisedItems []int
	promisedBase  int64
	promisedUntil calendar.Date
}

type refItem struct {
	due  calendar.Date
	open int64
}

type refPaid struct {
	n     payment.NewPayment
	parts map[int]int64
}

var refSteps = []struct {
	code  string
	after int
	level access.Level
}{{"reminder", 3, access.Allowed}, {"slow", 5, access.Slowed}, {"wall", 7, access.Walled}, {"suspend", 14, access.Cut}}

func (r *reference) overdue(today calendar.Date) (sum int64, items []int) {
	for i := range r.items {
		if r.items[i].open > 0 && r.items[i].due.Before(today) {
			sum, items = sum+r.items[i].open, append(items, i)
		}
	}
	return sum, items
}

func (r *reference) settle(today calendar.Date) {
	if r.hold && !r.holdUntil.IsZero() && today.After(r.holdUntil) {
		r.hold = false
	}
	if r.promised > 0 {
		paid := r.promisedBase
		for _, i := range r.promisedItems {
			paid -= r.items[i].open
		}
		if paid >= r.promised || today.After(r.promisedUntil) {
			r.promised = 0
		}
	}
}

// day takes a day's steps.
func (r *reference) day(today calendar.Date) {
	r.settle(today)
	sum, items := r.overdue(today)
	if sum < 500 || r.hold || r.promised > 0 {
		return
	}
	for _, i := range items {
		for _, s := range refSteps {
			if key := fmt.Sprint(i, "/", s.code); r.taken[key].IsZero() && !r.items[i].due.AddDays(s.after).After(today) {
				r.taken[key] = today
			}
		}
	}
}

func (r *reference) level(today calendar.Date) access.Level {
	r.settle(today)
	sum, items := r.overdue(today)
	level := access.Allowed
	if sum < 500 || r.promised > 0 {
		return level
	}
	for _, i := range items {
		for _, s := range refSteps {
			if !r.taken[fmt.Sprint(i, "/", s.code)].IsZero() {
				level = access.Strongest(level, s.level)
			}
		}
	}
	return level
}

// pay takes the oldest due first, as payments do.
func (r *reference) pay(n payment.NewPayment, cents int64) {
	p := refPaid{n, map[int]int64{}}
	for i := range r.items { // they stand in that order
		part := min(cents, r.items[i].open)
		r.items[i].open, cents = r.items[i].open-part, cents-part
		if part > 0 {
			p.parts[i] = part
		}
	}
	r.paid = append(r.paid, p)
}

// Whatever is paid, charged back, promised, held, and however the clock moves:
// no step while nothing is overdue, every due step exactly once, and access is
// what is owed.
func TestDunning_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		d := newDebtor(t, threeSteps)
		today := day(t, "2026-06-01")
		r := &reference{taken: map[string]calendar.Date{}, items: []refItem{{day(t, "2026-06-15"), 3000}}}
		extra := rapid.IntRange(0, 2).Draw(rt, "extra debts")
		d.write(func(ctx context.Context, tx tenant.Tx) error {
			a, err := account.Get(ctx, tx, d.customer.ID)
			if err != nil {
				return err
			}
			for n := range extra {
				one := owed(t, a, fmt.Sprint("OLD-", n+2))
				one.DueDate = day(t, "2026-06-16").AddDays(n*4 + rapid.IntRange(0, 3).Draw(rt, "due"))
				r.items = append(r.items, refItem{one.DueDate, 3000})
				if err := payment.ImportItems(ctx, tx, []payment.ImportedItem{one}); err != nil {
					return err
				}
			}
			return nil
		})
		ids := strings.Fields(d.text(`select string_agg(id::text, ' ' order by due_date, id) from open_item`))
		last := day(t, "2026-06-30") // the account's own first bill comes after that
		for today.Before(last) {
			to := today.AddDays(rapid.IntRange(1, 4).Draw(rt, "days"))
			if last.Before(to) {
				to = last
			}
			d.advance(to.Start(d.Zone).Add(10 * time.Hour).UTC())
			for next := today.AddDays(1); !next.After(to); next = next.AddDays(1) {
				r.day(next)
			}
			today = to
			act(rt, d, r, today)
			d.compare(rt, r, ids, today)
		}
	})
}

// act does something at ten o'clock, or nothing.
func act(rt *rapid.T, d *debtor, r *reference, today calendar.Date) {
	sum, items := r.overdue(today)
	switch rapid.SampledFrom([]string{"nothing", "pay", "pay", "take back", "promise", "hold", "end hold"}).Draw(rt, "act") {
	case "pay":
		cents := int64(rapid.SampledFrom([]int{700, 2600, 3000, 6000}).Draw(rt, "cents"))
		var open int64
		for i := range r.items {
			open += r.items[i].open
		}
		if cents = min(cents, open); cents == 0 {
			return
		}
		n := payment.NewPayment{ID: uuid.New(), AccountID: d.customer.ID, Purpose: payment.PurposeBill, Method: payment.Bank,
			Amount: money.FromMinor(cents, money.MustCurrency("EUR")), By: "clerk"}
		d.record(n)
		r.pay(n, cents)
	case "take back":
		if len(r.paid) == 0 {
			return
		}
		p := r.paid[len(r.paid)-1]
		r.paid = r.paid[:len(r.paid)-1]
		d.takeBack(p.n)
		for i, part := range p.parts {
			r.items[i].open += part
		}
	case "promise":
		active := d.text(`select count(*)::text from dunning_arrangement where kind = 'promise' and state = 'active'`)
		if r.settle(today); sum == 0 || r.promised > 0 || active != "0" {
			return // one at a time
		}
		until := today.AddDays(rapid.IntRange(0, 5).Draw(rt, "promised for"))
		amount := sum
		if rapid.Bool().Draw(rt, "a part") {
			amount = (sum + 1) / 2
		}
		d.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.Collection().Promise(ctx, tx, collection.NewPromise{AccountID: d.customer.ID, Amount: money.FromMinor(amount, money.MustCurrency("EUR")), Until: until, By: "user:clerk"})
			return err
		})
		r.promised, r.promisedItems, r.promisedBase, r.promisedUntil = amount, slices.Clone(items), sum, until
	case "hold":
		if r.settle(today); r.hold {
			return
		}
		until := today.AddDays(rapid.IntRange(0, 6).Draw(rt, "held for"))
		d.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.Collection().Hold(ctx, tx, collection.NewHold{AccountID: d.customer.ID, Until: &until, Reason: "ill", By: "user:clerk"})
			return err
		})
		r.hold, r.holdUntil = true, until
	case "end hold":
		id := d.text(`select coalesce(min(id::text), '') from dunning_arrangement where kind = 'hold' and state = 'active'`)
		if id == "" {
			return
		}
		d.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.Collection().End(ctx, tx, d.customer.ID, uuid.MustParse(id), "user:clerk")
			return err
		})
		r.hold = false
	}
	d.work()
}

func (d *debtor) compare(rt *rapid.T, r *reference, ids []string, today calendar.Date) {
	if got, want := d.level(), r.level(today); got != want {
		rt.Fatalf("%s: access is %s, want %s", today, got, want)
	}
	var want []string
	for key, on := range r.taken {
		i, step, _ := strings.Cut(key, "/")
		var n int
		_, _ = fmt.Sscan(i, &n)
		want = append(want, fmt.Sprint(ids[n], " ", step, " ", on))
	}
	slices.Sort(want)
	if got := d.text(`select coalesce(string_agg(item_id || ' ' || step || ' ' || done_on, ',' order by item_id::text || ' ' || step), '') from dunning_step`); got != strings.Join(want, ",") {
		rt.Fatalf("%s: steps are\n%s\nwant\n%s", today, got, strings.Join(want, ","))
	}
	if err := d.sums(); err != nil {
		rt.Fatal(err)
	}
}
