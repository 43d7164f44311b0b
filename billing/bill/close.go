package bill

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// Why an account cannot be closed; it is then on the run's list of failures.
var (
	ErrNegativeTotal = errors.New("the bill would be below zero")
	ErrMixedBasis    = errors.New("an offering's prices are not written as the operator's are")
	ErrCurrency      = errors.New("an offering is priced in another currency than the account's")
	ErrNoOffering    = errors.New("a sold offering version is missing")
)

// closing is one account's cycle reckoned up: the document, what is posted,
// and how its subscriptions move on. It is made without any I/O.
type closing struct {
	*openCycle
	doc       Document
	entries   []entry // the document's lines with where they come from
	moves     []subscriptionMove
	taxTaken  money.Decimal               // nine decimals, by the cycle's charges
	charged   money.Decimal               // nine decimals, their net
	kept      map[uuid.UUID]money.Decimal // net of earlier advance fees that stays deferred
	earned    []recognition
	counted   []account.Discount // used up a little by this closing
	carried   []chargeSum        // corrections that are left for the next bill
	lateNotes []lateNote
	left      []Item                      // that give back more than this bill asks
	owed      map[uuid.UUID]money.Decimal // charged of accounts whose parent this is
	absorbed  []uuid.UUID                 // those accounts
	waits     bool                        // is written with its number
	issued    *issued                     // once it has one
	apart     []*closing                  // of the account's other services, where each has its own bill
}

// source says what a line's money is to the ledger.
type source uint8

const (
	fromCharges source = iota // charging has posted it, in nine decimals
	feeEarned                 // revenue now
	feeAhead                  // deferred, earned day by day
	fromNothing               // an allowance: no money
	fromItem                  // as the item says
)

// entry is a line with its source; fee is set for feeAhead.
type entry struct {
	Line
	source source
	fee    fee
	sum    *chargeSum // of a correction
	item   *Item
	taxDay calendar.Date // of a use: its own; zero: by the period
}

// subscriptionMove says up to which day a subscription is charged now.
type subscriptionMove struct {
	ID      uuid.UUID
	Through calendar.Date
}

// recognition turns deferred fees into revenue.
type recognition struct {
	Subscription uuid.UUID
	Amount       money.Decimal
}

// reckon closes one account's cycle in memory.
func (f *frame) reckon(o *openCycle) (*closing, error) {
	c, services, err := f.gather(o)
	if err != nil {
		return nil, err
	}
	for _, child := range o.children {
		one, of, err := f.gather(child)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", child.Number, err)
		}
		c.absorb(one, services, of)
	}
	if c.Papers.Separate && c.doc.Kind == KindBill {
		return c, f.finishApart(c, services)
	}
	if err := f.finishItems(c, services); err != nil {
		return nil, err
	}
	return c, c.recognise()
}

// gather puts one account's fees, charges and items together, and what its
// services are called.
func (f *frame) gather(o *openCycle) (c *closing, services map[uuid.UUID]string, err error) {
	c, services = f.begin(o), map[uuid.UUID]string{}
	fees := f.fees(c)
	for _, s := range o.subscriptions {
		offering, known := f.offerings[s.Offering]
		if !known {
			return nil, nil, fmt.Errorf("subscription %s: %w", s.ID, ErrNoOffering)
		}
		services[s.ID] = serviceName(offering.Names.In(o.Language), s.Identities)
		if o.Kind == account.Postpaid {
			if err := f.addFees(c, s, offering, fees); err != nil {
				return nil, nil, fmt.Errorf("subscription %s: %w", s.ID, err)
			}
		}
	}
	c.noteLate()
	f.addCharges(c)
	f.addAllowances(c)
	if f.cycleOf(c).Containing(c.Cycle.From) == c.Cycle { // a part of a cycle has no minimum
		if err := f.addCommitments(c); err != nil {
			return nil, nil, err
		}
	}
	c.addItems()
	return c, services, nil
}

func (f *frame) begin(o *openCycle) *closing {
	return &closing{openCycle: o, doc: f.blank(o), kept: map[uuid.UUID]money.Decimal{}}
}

// finishItems totals what the closing's entries come to, and leaves for the next
// bill what would bring this one below zero.
func (f *frame) finishItems(c *closing, services map[uuid.UUID]string) error {
	if err := f.splitByRate(c); err != nil {
		return err
	}
	c.arrange(services)
	err := f.total(c)
	for errors.Is(err, ErrNegativeTotal) && c.carry() {
		c.arrange(services)
		err = f.total(c)
	}
	return err
}

// blank is the document before its lines.
func (f *frame) blank(o *openCycle) Document {
	kind := KindBill
	if o.Kind == account.Prepaid {
		kind = KindStatement
	}
	return Document{
		ID: uuid.Must(uuid.NewV7()), Kind: kind, State: Draft, Period: o.Cycle, Currency: o.Currency,
		Locale:   locale.Locale{Language: o.Language, Country: f.profile.Country},
		Basis:    tax.BasisOf(f.profile.PricesIncludeTax),
		Operator: Operator{f.profile.Name, f.profile.BrandColour, f.profile.SupportContact, f.profile.Logo},
		Seller:   f.sellers[o.Entity],
		Buyer:    Buyer{Name: o.Name, Address: o.Address, TaxID: o.TaxID, Account: o.Number},
		Papers:   o.Papers,
	}
}

// serviceName is what a customer knows a subscription by.
func serviceName(offering, identities string) string {
	if identities == "" {
		return offering
	}
	return offering + " · " + identities
}

// total gives the lines their tax, the document its sums, and says what of it
// is paid already.
func (f *frame) total(c *closing) error {
	c.doc.Taxes, c.doc.Lines = nil, nil
	var lines []tax.Line
	var at []int
	regime, basis, outside := f.rates.For(c.Taxed), tax.BasisOf(f.profile.PricesIncludeTax), f.outsideTax(c.doc.Kind)
	untaxed := !outside
	for i := range c.entries {
		e := &c.entries[i]
		if e.source == fromNothing {
			continue
		}
		at = append(at, i)
		if outside {
			continue
		}
		rate, err := regime.At(e.Category, c.taxDay(e))
		if err != nil {
			return fmt.Errorf("line %s: %w", e.Code, err)
		}
		lines, untaxed = append(lines, tax.Line{Amount: e.Price, Rate: rate}), untaxed && rate.Untaxed()
	}
	var sums tax.Totals
	var err error
	if outside {
		sums, err = f.quoted(c, at)
	} else {
		sums, err = f.rates.Settings.Total(lines, basis, c.Currency, c.Currency.DocumentDigits())
	}
	if err != nil {
		return err
	}
	for n, i := range at {
		e := &c.entries[i]
		e.Net, e.Tax, e.Percent, e.TaxGroup = sums.Lines[n].Net, sums.Lines[n].Tax, sums.Subtotals[sums.Groups[n]].Rate.Percent, sums.Groups[n]+1
	}
	if c.doc.Basis = basis; untaxed && len(at) > 0 {
		c.doc.Basis = tax.Exclusive
	}
	if err := c.doc.SumUp(sums); err != nil {
		return err
	}
	for i := range c.entries {
		c.doc.Lines = append(c.doc.Lines, c.entries[i].Line)
	}
	for n, i := range at {
		if sums.Subtotals[sums.Groups[n]].Rate.Untaxed() { // nobody pays the tax that the price is written with
			c.doc.Lines[i].Price = c.doc.Lines[i].Net
		}
	}
	if c.Withholding != nil && c.doc.Kind == KindBill && c.doc.Net.Sign() > 0 {
		withheld, err := c.Withholding.Of(c.doc.Net, c.Currency.DocumentDigits())
		if err != nil {
			return err
		}
		c.doc.Withheld = &withheld
	}
	return f.settle(c)
}

// settle says what is paid before the document is out: a statement wholly, a
// bill by the credit that its older open items leave.
func (f *frame) settle(c *closing) error {
	total := c.doc.Total
	if c.doc.Kind == KindStatement && total.Sign() < 0 { // more was given back than taken
		c.doc.PaidBefore, c.doc.Due = total, money.Zero(c.Currency)
		return nil
	}
	if total.Sign() < 0 {
		return fmt.Errorf("%s: %w", total, ErrNegativeTotal)
	}
	credit, prepaid := money.Zero(c.Currency), money.Zero(c.Currency)
	if c.doc.Kind == KindStatement {
		prepaid = total
	} else if f.settles {
		credit = money.New(c.Credit.Sub(c.Receivable), c.Currency)
	}
	settled, err := tax.Settle(total, credit, prepaid)
	if err != nil {
		return err
	}
	c.doc.Due = settled.Due
	c.doc.PaidBefore, err = total.Sub(settled.Due)
	return err
}

// empty says that there is nothing to put on paper.
func (c *closing) empty() bool {
	for _, e := range c.entries {
		if e.source != fromNothing {
			return false
		}
	}
	return true
}
