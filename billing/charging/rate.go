package charging

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tax"
	"tollhouse/billing/usage"
)

// use is one accepted record on its way to a charge.
type use struct {
	item    int // its place in the chunk
	id      uuid.UUID
	record  *usage.Record
	session uuid.UUID // uuid.Nil: a whole event
	offset  int64     // usage of the session's earlier pieces
	covered int64     // of those before this chunk, what unit buckets paid

	holder *holding
	payer  *payer
	owner  *payer // of the group whose shared balances it may use; nil: none
	tariff *tariff
	fault  *usage.Problem // why it waits in suspense; nil: it is charged

	taken []rating.Take // of a charging session: what unit buckets gave of it; charging adds to it
}

// at decides who had the identity: whoever had it when the use began. A piece
// of a session, which may run for weeks, goes by its own end. The cycle, its
// tiers, its buckets and the tax go by the end of a use throughout.
func (u *use) at() time.Time {
	if u.record.Counter != nil {
		return u.record.End
	}
	return u.record.Start
}

// till gathers what a chunk charges.
type till struct {
	scene     *scene
	now       time.Time // business time
	online    bool      // refuse what money does not cover
	counters  *counters
	covered   *covering
	sharing   *sharing
	taken     map[uuid.UUID]money.Decimal // back from the ends of buckets
	charges   []Charge
	postings  []ledger.Posting
	transfers []ledger.Transfer // backing of the postings
	why       []byte            // backing of the explanations
	months    monthCache

	// reused from use to use
	buckets   []rating.Bucket
	purses    []*purse
	lentMoney []*purse
	shares    []share
}

// newTill makes room for the charges of a number of uses: growing step by step
// would copy most of them more than once.
func newTill(s *scene, now time.Time, uses int) *till {
	return &till{
		scene: s, now: now, charges: make([]Charge, 0, uses), postings: make([]ledger.Posting, 0, uses),
		transfers: make([]ledger.Transfer, 0, uses+uses/2), why: make([]byte, 0, 256*uses),
	}
}

// charge prices one use and books it on its payer. What has no price gets a
// fault. Records that are kept but not charged, and pieces of a session in
// which nothing was used, pass without a charge.
func (t *till) charge(u *use) error {
	if u.record.NoCharge || (u.record.Counter != nil && u.record.Quantity == 0) {
		return nil
	}
	if u.tariff.Currency() != u.payer.currency.Unit() {
		u.fault = &usage.Problem{Field: "identity", Code: usage.NoTariff, Want: "a service whose offering has its account's currency", Reason: "the offering is priced in " + string(u.tariff.Currency()) +
			", the account is kept in " + u.payer.currency.Code()}
		return nil
	}
	event := t.event(u)
	own := u.payer.ownCycle(u.record.End, t.scene.zone)
	result, err := u.tariff.Rate(event, t.state(u, &event, own))
	if err != nil {
		u.fault = ratingFault(err)
		return nil
	}
	result.Price = t.included(u, &event, result.Price)
	cost, basis, err := t.cost(u, &result)
	if err != nil || u.fault != nil {
		return err
	}
	if t.online {
		if err := t.refuse(u, &event, &cost); err != nil {
			return err
		}
	}
	first := len(t.transfers)
	t.bookUnits(u, &result)
	u.taken = slices.Clone(result.Taken)
	t.covered.add(u.session, result.Covered, u.taken)
	if err := t.bookMoney(u, &event, &cost, basis, &result); err != nil {
		return err
	}
	t.post(ledger.Usage, u.id, u.payer, first)
	t.record(u, &result, &cost, own)
	if len(result.Counted) > 0 {
		t.counters.add(counterKey{u.holder.subscription, own}, result.Counted)
	}
	return nil
}

// event is a use in the rater's words.
func (t *till) event(u *use) rating.Event {
	event := rating.Event{
		Kind: catalog.UsageKind(u.record.Kind), Destination: u.record.Destination, Start: u.record.Start,
		Quality: u.record.Quality, Amount: u.record.Amount, Quantity: u.record.Quantity, Offset: u.offset,
		At: u.record.End,
	}
	if u.session != uuid.Nil {
		event.Covered, event.Taken = t.covered.bytes[u.session], t.covered.taken[u.session]
	} else {
		event.Taken = u.taken
	}
	event.OwnNetwork = u.asksNetwork() && t.scene.numbers.ours(event.Destination, event.Start)
	return event
}

// state lists the unit buckets that were valid and the counters of the use's
// own cycle, wherever it is billed. Money is taken here and not by rating: it
// pays with tax.
func (t *till) state(u *use, event *rating.Event, own calendar.Date) rating.State {
	t.buckets, t.purses = t.buckets[:0], t.purses[:0]
	at := u.record.End
	for _, p := range u.payer.units {
		p.room = nil // another member's
		if (p.free().Sign() > 0 || p.terms.Blocks) && p.ValidAt(at) && p.of(u.holder) {
			t.purses = append(t.purses, p)
		}
	}
	if u.owner != nil {
		t.purses = t.lent(u, u.owner.units, event, t.purses)
	}
	for _, p := range t.purses {
		t.buckets = append(t.buckets, rating.Bucket{
			ID: p.ID, Unit: p.Unit, Value: p.free(), Priority: p.Priority,
			ExpiresAt: p.ExpiresAt, CreatedAt: p.CreatedAt, Filter: p.filter, Terms: p.terms,
		})
	}
	state := rating.State{Buckets: t.buckets}
	if u.tariff.counts {
		state.Counters = t.counters.of(counterKey{u.holder.subscription, own})
	}
	return state
}

// cost takes the tax out of the price, or adds it.
func (t *till) cost(u *use, result *rating.Result) (cost, tax.Basis, error) {
	basis := u.tariff.basis
	if result.Price.IsZero() {
		return cost{}, basis, nil
	}
	rate, err := t.scene.taxRate(u.payer, result.TaxCategory, calendar.DateOf(u.record.End, t.scene.zone))
	if err != nil {
		u.fault = &usage.Problem{Code: usage.NoPrice, Field: "tax_category", Reason: err.Error(), Want: "a tax rate for that day"}
		return cost{}, basis, nil
	}
	c, err := split(result.Price, u.payer.currency, rate, basis)
	return c, basis, err
}

func (t *till) usable(u *use, event *rating.Event) func(*purse) bool {
	at := u.record.End
	return func(p *purse) bool { return p.ValidAt(at) && p.pays(event, u.tariff) && p.of(u.holder) }
}

// claim is what money is to pay of a use.
func (t *till) claim(u *use, event *rating.Event, c *cost) claim {
	return claim{
		payer: u.payer, purses: t.money(u, event), gross: c.net.Add(c.tax), usable: t.usable(u, event),
		rates: t.scene.exchange, day: calendar.DateOf(u.record.Start, t.scene.zone),
	}
}

// refuse says what money, or the credit limit, does not cover.
func (t *till) refuse(u *use, event *rating.Event, c *cost) error {
	if !u.payer.prepaid {
		return u.payer.within(c.net)
	}
	due := t.claim(u, event, c)
	if reaches, err := due.reaches(u.payer.debt(u.tariff)); reaches || err != nil {
		return err
	}
	return fmt.Errorf("%s %s: %w", due.gross, u.payer.currency, ErrInsufficient)
}

func (t *till) bookUnits(u *use, result *rating.Result) {
	for i := range result.Debits {
		d := &result.Debits[i]
		p := t.purses[d.Bucket]
		t.draw(u, p, d.Amount)
		t.transfers = append(t.transfers, ledger.Transfer{
			Debit: p.Ledger(), Credit: ledger.General(ledger.UnitConsumed), Amount: d.Amount, Unit: d.Unit, AccountID: u.payer.id,
		})
	}
}

func (t *till) bookMoney(u *use, event *rating.Event, c *cost, basis tax.Basis, result *rating.Result) error {
	if !u.payer.prepaid {
		t.bookIncluded(u, result)
	}
	if c.price.IsZero() {
		return nil
	}
	if !u.payer.prepaid {
		t.transfers = c.bookPostpaid(u.payer, basis, t.transfers)
		return nil
	}
	due := t.claim(u, event, c)
	var err error
	if t.shares, err = due.pay(t.shares[:0]); err != nil {
		return err
	}
	for _, s := range t.shares {
		t.drawn(u, s.purse, s.taken)
		result.Why = append(result.Why, rating.Step{Op: rating.OpPay, Bucket: s.purse.ID, Unit: s.purse.Unit, Amount: s.taken})
	}
	t.transfers = c.bookPrepaid(u.payer, t.shares, t.transfers)
	return nil
}

// post makes one posting of the transfers added since first.
func (t *till) post(kind ledger.EventKind, id uuid.UUID, p *payer, first int) {
	last := len(t.transfers)
	if first == last {
		return
	}
	t.postings = append(t.postings, ledger.Posting{
		Event:     ledger.Event{Kind: kind, ID: id, At: t.now, LegalEntity: p.legalEntity, Branch: p.branch},
		Transfers: t.transfers[first:last:last],
	})
}

func (t *till) record(u *use, result *rating.Result, c *cost, own calendar.Date) {
	billed := u.payer.cycleStart(u.record.End, t.scene.zone)
	if own == billed {
		own = calendar.Date{}
	}
	first := len(t.why)
	t.why = result.Why.AppendJSON(t.why)
	t.charges = append(t.charges, Charge{
		Period: t.months.of(u.record.End, t.scene.zone), ID: u.id, Kind: UsageCharge, UsageID: u.id, AccountID: u.payer.id,
		SubscriptionID: u.holder.subscription, ServiceID: u.holder.service, OfferingID: u.tariff.version(result, u.holder.offering),
		CycleStart: billed, OwnCycle: own, At: u.record.End, RatedAt: t.now, LineCode: result.LineCode,
		Quantity: money.NewDecimal(result.Billed), Unit: u.record.Unit, Allowance: money.NewDecimal(result.Covered),
		Price: c.price, Net: c.net, Tax: c.tax, Currency: u.payer.currency, TaxCategory: result.TaxCategory,
		PaidFromMoney: c.paid, Why: t.why[first:len(t.why):len(t.why)],
	})
}

// ratingFault tells in usage's words why there is no price.
func ratingFault(err error) *usage.Problem {
	var refused *rating.Error
	if !errors.As(err, &refused) {
		return &usage.Problem{Code: usage.RatingFailed, Reason: err.Error(), Want: "use that the tariff can price"}
	}
	switch refused.Reason {
	case rating.NoRule:
		return &usage.Problem{Field: "kind", Code: usage.NoTariff, Reason: refused.Detail, Want: "a kind of usage that the subscriber's offering prices"}
	case rating.NoDestination:
		return &usage.Problem{Field: "destination", Code: usage.NoPrice, Reason: "no price fits " + refused.Detail, Want: "a destination that the subscriber's offering prices"}
	case rating.WindowHole:
		return &usage.Problem{Field: "start", Code: usage.NoPrice, Reason: refused.Detail, Want: "use within the time windows of the offering"}
	case rating.TooLong:
		return &usage.Problem{Field: "quantity", Code: usage.NoPrice, Reason: "the call lasts " + refused.Detail, Want: "a call of at most ten years"}
	case rating.NoRate:
		return &usage.Problem{Field: "start", Code: usage.NoPrice, Reason: refused.Detail, Want: "an exchange rate of that day for the price's currency"}
	case rating.NoAmount:
		return &usage.Problem{Field: "amount", Code: usage.NoPrice, Reason: refused.Detail, Want: "the event's amount in the offering's currency"}
	case rating.SessionEnded:
		return &usage.Problem{Field: "quantity", Code: usage.NoPrice, Reason: refused.Detail, Want: "use up to the cap that ends the session"}
	default:
		return &usage.Problem{Field: "quantity", Code: usage.NoPrice, Reason: refused.Detail + " cannot be priced", Want: "a quantity that fits the tariff's arithmetic"}
	}
}

// monthCache keeps the month that the last instant lay in: most lie in one.
type monthCache struct {
	from, to time.Time
	first    calendar.Date
}

// of is the first day of the month of an instant in a zone.
func (m *monthCache) of(at time.Time, zone *time.Location) calendar.Date {
	if at.Before(m.from) || !at.Before(m.to) {
		m.first = ledger.Period(at, zone)
		m.from, m.to = m.first.Start(zone), m.first.AddMonths(1).Start(zone)
	}
	return m.first
}
