package charging

import (
	"context"
	"fmt"
	"maps"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tenant"
)

// loadPurses adds to the payers' purses those that have ended or hold nothing
// and still have to do with a charge that is corrected.
func (c *corrector) loadPurses(ctx context.Context, tx tenant.Tx, corrections []Correction) error {
	for _, p := range c.payers {
		for _, list := range [][]*purse{p.units, p.money, p.foreign} {
			for _, one := range list {
				c.purses[one.ID] = one
			}
		}
	}
	missing := map[uuid.UUID]bool{}
	want := func(bucket uuid.UUID) {
		if c.purses[bucket] == nil {
			missing[bucket] = true
		}
	}
	for _, stands := range c.charges {
		for bucket := range stands.Units {
			want(bucket)
		}
		for _, paid := range stands.Paid {
			want(paid.Bucket)
		}
	}
	for i := range corrections {
		if t := corrections[i].Target; t != nil {
			for bucket := range t.Units {
				want(bucket)
			}
		}
	}
	buckets, err := balance.LockByID(ctx, tx, keys(missing))
	if err != nil {
		return err
	}
	for i := range buckets {
		c.purses[buckets[i].ID] = newPurse(&buckets[i], rating.Filter{}, rating.Terms{})
	}
	return nil
}

// bookUnits gives units back to their buckets, or takes more from them.
func (c *corrector) bookUnits(p *payer, stands *InForce, change *change) error {
	for _, bucket := range sortedKeys(change.Units) {
		one, units := c.purses[bucket], change.Units[bucket]
		if one == nil {
			return fmt.Errorf("%w: balance %s is gone", ErrCorrection, bucket)
		}
		if units.Sign() > 0 && units.Cmp(one.free()) > 0 {
			return fmt.Errorf("%w: balance %s has %s %s, %s are needed", ErrInsufficient, one.Code, one.free(), one.Unit, units)
		}
		to := ledger.UnitConsumed
		if one.Unit.IsCurrency() { // an allowance in money: what it covers was never to be paid
			to = one.Heir()
		}
		c.move(one, p, ledger.General(to), units)
		c.count(p, one, stands, units)
	}
	return nil
}

// count moves what a member has used of a lender's balance in the cycle of the
// use.
func (c *corrector) count(p *payer, one *purse, stands *InForce, amount money.Decimal) {
	lender := c.payers[one.AccountID]
	if one.AccountID == p.id || lender == nil || amount.IsZero() {
		return
	}
	day := calendar.DateOf(stands.Charge.At, c.scene.zone)
	c.till.sharing.add(shareKey{owner: lender.id, member: p.id, cycle: lender.cycle.Containing(day).From, code: one.Code, unit: one.Unit}, amount)
}

// lenders are the accounts whose balances other accounts' charges, or what these
// should be, were paid from.
func (c *corrector) lenders(ctx context.Context, tx tenant.Tx, corrections []Correction) (lenders map[uuid.UUID]bool, err error) {
	var sharing bool
	if err := tx.QueryRow(ctx, `select exists (select from sharing_use)`).Scan(&sharing); err != nil || !sharing {
		return nil, err
	}
	wanted := make([]chargeKey, len(corrections))
	buckets := map[uuid.UUID]bool{}
	for i := range corrections {
		wanted[i] = chargeKey{corrections[i].Period, corrections[i].Charge}
		if t := corrections[i].Target; t != nil {
			for bucket := range t.Units {
				buckets[bucket] = true
			}
		}
	}
	charges, err := loadInForce(ctx, tx, wanted)
	if err != nil {
		return nil, err
	}
	for _, stands := range charges {
		for bucket := range stands.Units {
			buckets[bucket] = true
		}
		for _, paid := range stands.Paid {
			buckets[paid.Bucket] = true
		}
	}
	rows, err := tx.Query(ctx, `select distinct account_id from bucket where id = any ($1) and shared`, keys(buckets))
	if err != nil {
		return nil, fmt.Errorf("find lenders: %w", err)
	}
	lenders = map[uuid.UUID]bool{}
	var id uuid.UUID
	if _, err = pgx.ForEachRow(rows, []any{&id}, func() error { lenders[id] = true; return nil }); err != nil {
		return nil, fmt.Errorf("find lenders: %w", err)
	}
	return lenders, nil
}

// joined are ids with those of a set, each once.
func joined(ids []pgtype.UUID, more map[uuid.UUID]bool) []pgtype.UUID {
	all := make(map[uuid.UUID]bool, len(ids)+len(more))
	maps.Copy(all, more)
	for _, id := range ids {
		all[uuid.UUID(id.Bytes)] = true
	}
	return keys(all)
}

// move takes an amount from a purse, or gives it back below zero. What comes
// back to a purse that has ended goes on to where its rest went.
func (c *corrector) move(one *purse, p *payer, to ledger.Account, amount money.Decimal) {
	c.transfer(one, p, to, amount)
	if amount.Sign() < 0 && one.Emptied(c.till.now) {
		c.expire(one, p, amount.Neg())
	}
}

// expire lets what came back to a purse that has ended follow its rest; later
// use of a time when it was valid may take it back.
func (c *corrector) expire(one *purse, p *payer, amount money.Decimal) {
	c.transfer(one, p, ledger.General(one.Heir()), amount)
	one.Value, one.back = one.Value.Add(amount), one.back.Add(amount)
	c.till.expiredBy(one, amount)
}

func (c *corrector) transfer(one *purse, p *payer, to ledger.Account, amount money.Decimal) {
	if amount.IsZero() {
		return
	}
	t := ledger.Transfer{Debit: one.Ledger(), Credit: to, Amount: amount, Unit: one.Unit, AccountID: p.id}
	if amount.Sign() < 0 {
		t.Debit, t.Credit, t.Amount = to, one.Ledger(), amount.Neg()
	}
	one.Value = one.Value.Sub(amount)
	c.till.transfers = append(c.till.transfers, t)
	if one.back.Sign() > 0 && one.Value.Cmp(one.back) < 0 {
		c.till.takeBack(p, one, one.back.Sub(one.Value))
	}
}

// bookMoney moves a change of price between the account and revenue and tax.
func (c *corrector) bookMoney(p *payer, stands *InForce, change *change) error {
	if !p.prepaid {
		c.till.transfers = appendMove(c.till.transfers, p, ledger.Of(ledger.Unbilled, p.id), ledger.General(ledger.Revenue), change.Net)
		return nil
	}
	gross := change.Net.Add(change.Tax)
	change.gross = gross
	var shares []share
	var err error
	switch {
	case change.Net.Sign()*change.Tax.Sign() < 0: // the rate of tax differs: main settles both
		c.move(p.main, p, ledger.General(ledger.Revenue), change.Net)
		c.move(p.main, p, ledger.General(ledger.Tax), change.Tax)
		change.paid = []Part{{p.main.ID, gross}}
		return nil
	case gross.Sign() < 0:
		shares, err = c.sharesBack(p, stands, gross.Neg())
	default:
		due := claim{payer: p, purses: p.money, gross: gross, usable: func(one *purse) bool { return one.paysAgain(stands) },
			rates: c.till.scene.exchange, day: calendar.DateOf(stands.Charge.At, c.till.scene.zone)}
		shares, err = due.pay(nil)
	}
	if err != nil {
		return err
	}
	for _, s := range shares {
		change.paid = append(change.paid, Part{s.purse.ID, s.taken})
		c.count(p, s.purse, stands, s.taken)
		if s.purse.back.Sign() > 0 && s.purse.Value.Cmp(s.purse.back) < 0 {
			c.till.takeBack(p, s.purse, s.purse.back.Sub(s.purse.Value))
		}
	}
	booked := cost{net: change.Net, tax: change.Tax}
	c.till.transfers = booked.bookPrepaid(p, shares, c.till.transfers)
	c.endAgain(p, change.paid)
	return nil
}

// paysAgain: money that anything may be paid with, and what paid the charge
// before.
func (p *purse) paysAgain(stands *InForce) bool {
	for _, paid := range stands.Paid {
		if paid.Bucket == p.ID {
			return true
		}
	}
	return p.paysFees(stands.Charge.SubscriptionID, stands.Charge.At)
}

// sharesBack spreads what is given back over the purses that paid, the last
// one first, as if the price had been lower from the beginning. What was paid
// in another currency comes back in the account's.
func (c *corrector) sharesBack(p *payer, stands *InForce, left money.Decimal) ([]share, error) {
	if left.Cmp(stands.PaidMoney) > 0 {
		return nil, fmt.Errorf("%w: %s of %s paid", ErrBeyondCharge, left, stands.PaidMoney)
	}
	var shares []share
	exchanged := false
	for i := len(stands.Paid) - 1; i >= 0 && left.Sign() > 0; i-- {
		paid := stands.Paid[i]
		if paid.Amount.Sign() <= 0 {
			continue
		}
		if to := c.purses[paid.Bucket]; to != nil && to.Unit != p.currency.Unit() {
			exchanged = true
			continue
		}
		give := paid.Amount
		if left.Cmp(give) < 0 {
			give = left
		}
		left = left.Sub(give)
		to := c.purses[paid.Bucket]
		if to == nil || (to.Origin == balance.Bought && to.Emptied(c.till.now)) {
			to = p.main
		}
		to.Value = to.Value.Add(give)
		shares = append(shares, share{to, give.Neg(), give.Neg()})
	}
	if exchanged && left.Sign() > 0 {
		p.main.Value = p.main.Value.Add(left)
		shares, left = append(shares, share{p.main, left.Neg(), left.Neg()}), money.Decimal{}
	}
	if left.Sign() > 0 {
		return nil, fmt.Errorf("%w: %s more than was paid", ErrBeyondCharge, left)
	}
	return shares, nil
}

// endAgain lets money that came back to a purse that has ended end with it.
func (c *corrector) endAgain(p *payer, paid []Part) {
	for _, part := range paid {
		one := c.purses[part.Bucket]
		if one != nil && part.Amount.Sign() < 0 && one.Emptied(c.till.now) {
			c.expire(one, p, part.Amount.Neg())
		}
	}
}
