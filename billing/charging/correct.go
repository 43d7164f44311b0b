package charging

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Errors of corrections.
var (
	// ErrNoCharge means that there is no such charge of the account.
	ErrNoCharge = errors.New("no such charge")
	// ErrBeyondCharge means that more is to be given back than is left of a charge.
	ErrBeyondCharge = errors.New("more than is left of the charge")
	// ErrCorrection is wrapped by the refusal of a correction that says too
	// little or contradicts itself.
	ErrCorrection = errors.New("correction cannot be booked")
)

// Correction sets a charge right, or gives back part of it, by a charge of its
// own that names it.
type Correction struct {
	ID      uuid.UUID     // of the correcting charge, a UUIDv7: the same again changes nothing
	Account uuid.UUID     // whose charge it is
	Period  calendar.Date // the charge's
	Charge  uuid.UUID
	Reason  string

	// Give back: so much of the price, as the offering writes it; nil: all that
	// is left of it, with what unit buckets covered. Ignored if Target is set.
	Off *money.Decimal
	// Set right: what the charge should be. It may cost more than it did.
	Target *Target
}

// Corrected is what a correction came to.
type Corrected struct {
	ChargeID  uuid.UUID // of the correcting charge; uuid.Nil: nothing had to change
	Repeat    bool      // it was booked before; this is that answer
	Price     money.Decimal
	Net       money.Decimal // below zero: given back
	Tax       money.Decimal
	Currency  money.Currency
	LeftPrice money.Decimal // of the corrected charge, as the offering writes it
}

// Correct books corrections: postpaid ones on the account's unbilled total, in
// the charge's own cycle if that is open and else in the open one; prepaid ones
// back to the buckets that paid, last one first, or from those that have
// something, main below zero if need be. Unit buckets and tier counters follow.
// What comes back to a bucket that has ended ends with it; bought money then
// goes to the main bucket.
//
// Several corrections of one charge are booked in order, each against what the
// ones before have left. A repeat under the same id changes nothing.
func (e *Engine) Correct(ctx context.Context, tx tenant.Tx, corrections ...Correction) ([]Corrected, error) {
	if len(corrections) == 0 {
		return nil, nil
	}
	s, err := e.begin(ctx, tx)
	if err != nil {
		return nil, err
	}
	accounts := map[uuid.UUID]bool{}
	for i := range corrections {
		if err := corrections[i].check(); err != nil {
			return nil, err
		}
		accounts[corrections[i].Account] = true
	}
	c := corrector{scene: s, till: newTill(s, tx.At, len(corrections)), purses: map[uuid.UUID]*purse{}}
	if err := c.load(ctx, tx, keys(accounts), corrections); err != nil {
		return nil, err
	}
	answers := make([]Corrected, len(corrections))
	for i := range corrections {
		if answers[i], err = c.correct(&corrections[i]); err != nil {
			return nil, fmt.Errorf("correct charge %s: %w", corrections[i].Charge, err)
		}
	}
	return answers, c.write(ctx, tx)
}

func (c *Correction) check() error {
	switch {
	case c.ID == uuid.Nil || c.ID.Version() != 7:
		return fmt.Errorf("%w: it needs a UUIDv7 of its own", ErrCorrection)
	case c.Charge == uuid.Nil || c.Account == uuid.Nil || c.Period.IsZero():
		return fmt.Errorf("%w: it names no charge", ErrCorrection)
	case c.Target == nil && c.Off != nil && c.Off.Sign() <= 0:
		return fmt.Errorf("%w: what is given back must be above zero", ErrCorrection)
	}
	return nil
}

// corrector gathers what one call of Correct books.
type corrector struct {
	scene   *scene
	till    *till
	payers  map[uuid.UUID]*payer
	purses  map[uuid.UUID]*purse // of the payers, ended ones that are named by charges as well
	charges map[uuid.UUID]*InForce
	booked  map[uuid.UUID]Charge // corrections by their own id
}

func (c *corrector) load(ctx context.Context, tx tenant.Tx, accounts []pgtype.UUID, corrections []Correction) (err error) {
	lenders, err := c.lenders(ctx, tx, corrections)
	if err != nil {
		return err
	}
	if c.payers, err = c.scene.lockAccounts(ctx, tx, joined(accounts, lenders), tx.At); err != nil {
		return err
	}
	c.till.sharing = &sharing{used: map[shareKey]money.Decimal{}, changed: map[shareKey]money.Decimal{}}
	held, err := loadHeld(ctx, tx, accounts, tx.At, nil)
	if err != nil {
		return err
	}
	for _, p := range c.payers {
		p.respect(held)
	}
	wanted, own := make([]chargeKey, len(corrections)), make([]chargeKey, len(corrections))
	for i := range corrections {
		wanted[i] = chargeKey{corrections[i].Period, corrections[i].Charge}
		own[i] = chargeKey{corrections[i].Period, corrections[i].ID}
	}
	if c.charges, err = loadInForce(ctx, tx, wanted); err != nil {
		return err
	}
	if c.booked, err = loadBooked(ctx, tx, own); err != nil {
		return err
	}
	counting := map[uuid.UUID]bool{}
	from := calendar.Date{}
	for _, charge := range c.charges {
		if len(charge.Counted) == 0 {
			continue
		}
		counting[charge.Charge.SubscriptionID] = true
		if own := charge.ownCycle(); from.IsZero() || own.Before(from) {
			from = own
		}
	}
	if c.till.counters, err = loadCounters(ctx, tx, keys(counting), from); err != nil {
		return err
	}
	return c.loadPurses(ctx, tx, corrections)
}

// correct books one correction on what its charge has left.
func (c *corrector) correct(one *Correction) (Corrected, error) {
	stands := c.charges[one.Charge]
	if stands == nil || stands.Charge.AccountID != one.Account {
		return Corrected{}, ErrNoCharge
	}
	if before, repeat := c.booked[one.ID]; repeat {
		if before.Corrects != one.Charge {
			return Corrected{}, fmt.Errorf("the id %s corrects another: %w", one.ID, ErrConflict)
		}
		return c.answer(&before, stands, true), nil
	}
	change, err := stands.changeTo(one)
	if err != nil {
		return Corrected{}, err
	}
	if change.empty() {
		return Corrected{Currency: stands.Charge.Currency, LeftPrice: stands.Price}, nil
	}
	p := c.payers[one.Account]
	first := len(c.till.transfers)
	if err := c.bookUnits(p, stands, change); err != nil {
		return Corrected{}, err
	}
	if err := c.bookMoney(p, stands, change); err != nil {
		return Corrected{}, err
	}
	c.till.post(ledger.Correction, one.ID, p, first)
	charge := change.charge(one, stands, p, c.scene, c.purses, c.till.now)
	c.till.charges = append(c.till.charges, charge)
	if len(change.Counted) > 0 {
		c.till.counters.add(counterKey{charge.SubscriptionID, stands.ownCycle()}, change.Counted)
	}
	c.booked[one.ID] = charge
	if err := stands.correct(&charge); err != nil {
		return Corrected{}, err
	}
	return c.answer(&charge, stands, false), nil
}

func (c *corrector) answer(booked *Charge, stands *InForce, repeat bool) Corrected {
	return Corrected{
		ChargeID: booked.ID, Repeat: repeat, Price: booked.Price, Net: booked.Net, Tax: booked.Tax,
		Currency: booked.Currency, LeftPrice: stands.Price,
	}
}

func (c *corrector) write(ctx context.Context, tx tenant.Tx) error {
	if len(c.till.charges) == 0 {
		return nil
	}
	if err := writeCharges(ctx, tx, c.till.charges); err != nil {
		return err
	}
	if err := balance.TakeBack(ctx, tx, c.till.taken); err != nil {
		return err
	}
	if err := c.till.sharing.write(ctx, tx); err != nil {
		return err
	}
	if err := ledger.PostLocked(ctx, tx, c.scene.zone, c.till.postings); err != nil {
		return err
	}
	if err := c.scene.share(ctx, tx, c.till.charges); err != nil {
		return err
	}
	return c.till.counters.write(ctx, tx)
}
