package charging

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Authorized says what an event would cost now and how much of it the balances
// cover.
type Authorized struct {
	Granted  int64 // of its quantity; all of it: a debit would go through
	Enough   bool
	Price    money.Decimal // of the whole event, as the offering writes it
	Net      money.Decimal
	Tax      money.Decimal
	Currency money.Currency
	Covered  money.Decimal // by unit buckets, in the event's unit
}

// errLooked ends a transaction that was only to look.
var errLooked = errors.New("only looked")

// Authorize prices an event as Debit would and sees how much of it the balances
// cover, fees that are due taken off first. Nothing is changed. What has no
// subscriber or price is refused (*DebitError).
func (o *Online) Authorize(ctx context.Context, ref tenant.Ref, source uuid.UUID, record usage.Record) (Authorized, error) {
	r := &request{kind: looks{}, source: source, records: []usage.Record{record}}
	for range settleAttempts {
		err := o.look(ctx, ref, r)
		if errors.Is(err, errStale) {
			continue
		}
		if err != nil {
			return Authorized{}, err
		}
		if r.err != nil {
			return Authorized{}, r.err
		}
		return r.answer.(Authorized), nil
	}
	return Authorized{}, fmt.Errorf("look at balances: %w", errStale)
}

// look settles a request and throws away what that would change.
func (o *Online) look(ctx context.Context, ref tenant.Ref, r *request) (err error) {
	memory := o.scenes.recall(ref.ID, []*request{r})
	if memory == nil {
		if memory, err = o.scenes.learn(ctx, o.config.DB, ref, []*request{r}); err != nil {
			return err
		}
	}
	err = o.config.DB.Flow(ctx, ref, func(ctx context.Context, f *tenant.Flow) error {
		b := newBatch(memory, f, []*request{r})
		if err := b.read(ctx, o.config.Engine); err != nil {
			return err
		}
		if err := b.settle(r); err != nil {
			return err
		}
		return errLooked
	})
	switch {
	case errors.Is(err, errLooked):
		return nil
	case errors.Is(err, errStale):
		o.scenes.forget(ref.ID)
	}
	return err
}

// looks is the kind of questions. They book on a till that is never written.
type looks struct{ debits }

func (looks) settle(b *batch, r *request) error {
	u := r.uses[0]
	if fault := b.fault(u); fault != nil {
		return &DebitError{fault}
	}
	wanted := u.record.Quantity
	reach, fault := b.till.reach(u, wanted)
	u.record.Quantity = wanted
	if fault != nil {
		return &DebitError{fault}
	}
	u.id = b.ids.Next()
	b.till.online = false
	charges := len(b.till.charges)
	if err := b.till.charge(u); err != nil {
		return err
	}
	if u.fault != nil {
		return &DebitError{u.fault}
	}
	if len(b.till.charges) == charges {
		return &DebitError{notCharged()}
	}
	c := &b.till.charges[charges]
	r.answer = Authorized{Granted: reach.Units, Enough: reach.Units == wanted, Price: c.Price, Net: c.Net, Tax: c.Tax, Currency: c.Currency, Covered: c.Allowance}
	return nil
}
