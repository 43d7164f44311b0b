package charging

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tenant"
)

// Renewal says what became of prepaid subscriptions.
type Renewal struct {
	Renewed []uuid.UUID // paid and granted
	Waiting []uuid.UUID // their balance does not cover the fees
}

// Renew takes the fees of prepaid subscriptions for the cycle that today lies
// in from the accounts' money, and grants the cycle's allowances. Fees are
// taken whole or not at all: a subscription whose account has too little waits
// unchanged, without allowances, until Renew is run again after a top-up. It
// then pays the cycle of that day; cycles in which it waited are not charged.
// Subscriptions that have paid, and postpaid accounts, are passed over, so a
// repeat changes nothing.
//
// A price with a period shorter than a cycle, by the day or week, is paid period
// by period: the subscription is then paid up to the next one's beginning, and
// the agenda renews it there. A component that a bundle's price pays for waits
// with the bundle.
//
// Sessions that were told that their quota is the last are told to ask again.
//
// What open sessions hold back pays no fee. Where it would have sufficed, Renew
// is put on the agenda for when it is free.
//
// A prepaid subscriber pays before use, so recurring prices in arrears are
// taken in advance as well.
func (e *Engine) Renew(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) (Renewal, error) {
	if err := e.beforeCycle(ctx, tx, accounts); err != nil {
		return Renewal{}, err
	}
	s, err := e.beginCycle(ctx, tx, accounts)
	if err != nil {
		return Renewal{}, err
	}
	if err := s.respect(ctx, tx); err != nil {
		return Renewal{}, err
	}
	r := renewal{cycleScene: s, till: newTill(s.scene, tx.At, len(s.subscriptions)), ids: ledger.NewSequence()}
	if r.discounts, err = account.Discounts(ctx, tx, s.prepaidSubscriptions()...); err != nil {
		return Renewal{}, err
	}
	for i := range s.subscriptions {
		if err := r.subscription(&s.subscriptions[i]); err != nil {
			return Renewal{}, err
		}
	}
	if err := markBegun(ctx, tx, r.begunThrough()); err != nil {
		return Renewal{}, err
	}
	if err := r.tryAgain(ctx, tx); err != nil {
		return Renewal{}, err
	}
	if err := r.write(ctx, tx); err != nil {
		return Renewal{}, err
	}
	return r.done, reauthorize(ctx, tx, accounts)
}

// renewal gathers what one call of Renew takes and grants.
type renewal struct {
	*cycleScene
	till    *till
	ids     *ledger.Sequence
	done    Renewal
	through []calendar.Date // of done.Renewed
	buckets []balance.NewBucket
	held    []uuid.UUID // accounts some of whose subscriptions wait for what sessions hold back
	// discounts are those of all subscriptions; counted the ones used by this renewal
	discounts map[uuid.UUID][]account.Discount
	counted   []account.Discount
}

// fee is one price that is due, or what is off it.
type fee struct {
	kind  Kind
	code  string
	tax   string
	cost  cost
	cycle calendar.Period // of the account, in which the fee's period begins
	off   []fee           // discounts, below zero: paid together with the fee
	tier  bool            // asked by tiers at zero usage: no discount is on it
}

// total is what the fee costs with its discounts.
func (f *fee) total() cost {
	sum := f.cost
	for i := range f.off {
		sum.net, sum.tax = sum.net.Add(f.off[i].cost.net), sum.tax.Add(f.off[i].cost.tax)
	}
	return sum
}

func (r *renewal) subscription(sub *subscribed) error {
	p := r.payers[sub.AccountID]
	if !p.prepaid || (sub.ChargedThrough != nil && sub.ChargedThrough.After(r.day)) {
		return nil
	}
	if sub.Leaving {
		return nil // its successor pays, as soon as it is there
	}
	t := r.tariffs[sub.OfferingID]
	if t == nil {
		return fmt.Errorf("offering version %s of subscription %s cannot be used", sub.OfferingID, sub.ID)
	}
	if r.waitsWithBundle(sub) {
		r.done.Waiting = append(r.done.Waiting, sub.ID)
		return nil
	}
	cycle, through := p.cycle.Containing(r.day), paidThrough(p, t, r.day)
	fees, err := r.fees(sub, p, t, through)
	if err != nil {
		return err
	}
	counted, err := r.reduce(sub, p, t, fees)
	if err != nil {
		return err
	}
	gross := money.Decimal{}
	for i := range fees {
		sum := fees[i].total()
		gross = gross.Add(sum.net).Add(sum.tax)
	}
	due := r.claim(sub, p, gross)
	if reaches, err := due.reaches(money.Decimal{}); err != nil {
		return err
	} else if !reaches {
		if p.holds() {
			r.held = append(r.held, p.id)
		}
		r.done.Waiting = append(r.done.Waiting, sub.ID)
		return nil
	}
	for i := range fees {
		if err := r.take(sub, p, &fees[i]); err != nil {
			return err
		}
	}
	r.counted = append(r.counted, counted...)
	r.done.Renewed, r.through = append(r.done.Renewed, sub.ID), append(r.through, through)
	rest := calendar.Period{From: r.day, To: cycle.To}
	r.buckets, err = r.allowances(sub, rest, r.buckets)
	return err
}

// claim is what the account's money is to pay of a subscription's fees.
func (r *renewal) claim(sub *subscribed, p *payer, gross money.Decimal) claim {
	usable := func(one *purse) bool { return one.paysFees(sub.ID, r.till.now) }
	return claim{payer: p, purses: p.money, gross: gross, usable: usable, rates: r.exchange, day: r.day}
}

// paysFees: money that is meant for certain usage pays no fees.
func (p *purse) paysFees(subscription uuid.UUID, at time.Time) bool {
	f := &p.filter
	restricted := len(f.Kinds)+len(f.Prefixes)+len(f.Zones)+len(f.Qualities)+len(f.Windows) > 0 || f.Network != ""
	return p.ValidAt(at) && !restricted &&
		(p.SubscriptionID == nil || *p.SubscriptionID == subscription)
}

// feeOf is a fee with its tax.
func (r *renewal) feeOf(kind Kind, code, category string, price money.Decimal, p *payer, t *tariff) (fee, error) {
	category = t.offering.Tax.CategoryOr(category)
	rate, err := r.taxRate(p, category, r.day)
	if err != nil {
		return fee{}, fmt.Errorf("fee %s of %s: %w", code, t.offering.Code, err)
	}
	cost, err := split(price, p.currency, rate, t.basis)
	return fee{kind: kind, code: code, tax: category, cost: cost}, err
}

// fees lists what is due today, for the days before through, without discounts.
func (r *renewal) fees(sub *subscribed, p *payer, t *tariff, through calendar.Date) (due []fee, err error) {
	add := func(kind Kind, code, category string, price money.Decimal, cycle calendar.Period) error {
		if price.IsZero() {
			return nil
		}
		one, err := r.feeOf(kind, code, category, price, p, t)
		one.cycle = cycle
		due = append(due, one)
		return err
	}
	if due, err = r.tierFees(sub, p, t); err != nil || !sub.PaysFees {
		return due, err
	}
	if !sub.SetupCharged {
		for _, one := range t.offering.Prices.OneTime {
			if err := add(OneTimeCharge, one.Code, one.TaxCategory, one.Amount, calendar.Period{}); err != nil {
				return nil, err
			}
		}
	}
	for _, one := range t.offering.Prices.Recurring {
		own := one.Cycle(p.cycle)
		for period := own.Containing(r.day); period.From.Before(through); period = own.Containing(period.To) {
			price, err := r.recurring(sub, p, one, period)
			if err != nil {
				return nil, err
			}
			if err := add(RecurringCharge, one.Code, one.TaxCategory, price, p.cycle.Containing(period.From)); err != nil {
				return nil, err
			}
		}
	}
	return due, nil
}

// recurring is what a recurring price costs for one of its periods: nothing if
// that has been paid, the days from activation on in the first, else all of it.
func (r *renewal) recurring(sub *subscribed, p *payer, price catalog.RecurringPrice, period calendar.Period) (money.Decimal, error) {
	activated := calendar.DateOf(sub.ActivatedAt, r.zone)
	if sub.ResumedAt != nil && price.Prorate == catalog.ProrateDay {
		activated = latest(activated, calendar.DateOf(*sub.ResumedAt, r.zone))
	}
	if through := sub.ChargedThrough; through != nil && period.From.Before(*through) && (activated.Before(*through) || !period.From.Before(activated)) {
		return money.Decimal{}, nil // paid, and not given back for a pause since
	}
	if price.Prorate != catalog.ProrateDay || !period.From.Before(activated) {
		return price.Amount, nil
	}
	used, all := money.NewDecimal(int64(activated.DaysUntil(period.To))), money.NewDecimal(int64(period.Days()))
	return price.Amount.MulDiv(used, all, p.currency.DocumentDigits(), money.HalfAwayFromZero)
}

func latest(a, b calendar.Date) calendar.Date {
	if b.After(a) {
		return b
	}
	return a
}

// take books one fee with what is off it, in one posting, and a charge of each.
func (r *renewal) take(sub *subscribed, p *payer, f *fee) error {
	t, id, first := r.till, r.ids.Next(), len(r.till.transfers)
	why := rating.Explanation{{Op: rating.OpFee, Rule: f.code, Amount: f.cost.price}}
	sum := f.total()
	due := r.claim(sub, p, sum.net.Add(sum.tax))
	var err error
	if t.shares, err = due.pay(t.shares[:0]); err != nil {
		return err
	}
	for _, s := range t.shares {
		why = append(why, rating.Step{Op: rating.OpPay, Bucket: s.purse.ID, Unit: s.purse.Unit, Amount: s.taken})
	}
	t.transfers = sum.bookPrepaid(p, t.shares, t.transfers)
	t.post(ledger.Fee, id, p, first)
	r.charge(sub, p, f, id, why)
	for i := range f.off {
		off := &f.off[i]
		r.charge(sub, p, off, r.ids.Next(), rating.Explanation{{Op: rating.OpFee, Rule: off.code, Amount: off.cost.price}})
	}
	return nil
}

func (r *renewal) charge(sub *subscribed, p *payer, f *fee, id uuid.UUID, why rating.Explanation) {
	t := r.till
	t.charges = append(t.charges, Charge{
		Period: t.months.of(t.now, r.zone), ID: id, Kind: f.kind, AccountID: sub.AccountID, SubscriptionID: sub.ID,
		OfferingID: sub.OfferingID, CycleStart: p.cycleStart(t.now, r.zone), At: t.now, RatedAt: t.now, LineCode: f.code,
		Quantity: money.NewDecimal(1), Unit: money.Event, Price: f.cost.price, Net: f.cost.net, Tax: f.cost.tax,
		Currency: p.currency, TaxCategory: f.tax, PaidFromMoney: f.cost.net.Add(f.cost.tax), Why: why.AppendJSON(nil),
	})
}

const advanceSubscriptions = `
	update subscription as s
	set charged_through = n.through, setup_charged = true
	from unnest($1::uuid[], $2::date[]) as n (id, through)
	where s.id = n.id`

func (r *renewal) write(ctx context.Context, tx tenant.Tx) error {
	if len(r.done.Renewed) == 0 {
		return nil
	}
	if err := writeCharges(ctx, tx, r.till.charges); err != nil {
		return err
	}
	if err := ledger.PostLocked(ctx, tx, r.zone, r.till.postings); err != nil {
		return err
	}
	if err := r.share(ctx, tx, r.till.charges); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, advanceSubscriptions, r.done.Renewed, r.through)
	if err != nil {
		return fmt.Errorf("advance subscriptions: %w", err)
	}
	if tag.RowsAffected() != int64(len(r.done.Renewed)) {
		return fmt.Errorf("advance subscriptions: %d of %d rows written", tag.RowsAffected(), len(r.done.Renewed))
	}
	if err := account.CountDiscounts(ctx, tx, r.counted); err != nil {
		return err
	}
	if err := r.scheduleNext(ctx, tx); err != nil {
		return err
	}
	if _, err = balance.Grant(ctx, tx, r.buckets); err != nil {
		return err
	}
	return r.watch(ctx, tx, slices.Collect(maps.Values(r.payers)), r.till.sharing, r.till.charges)
}
