package charging

import (
	"errors"
	"fmt"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
)

// ErrCreditLimit means that an online charge would bring what a postpaid
// account owes above its credit limit. Use that has happened is never refused.
var ErrCreditLimit = errors.New("the credit limit is reached")

// owed is what a postpaid account owes: used and not billed, billed and not
// paid, less what it has paid ahead.
func (p *payer) owed() money.Decimal { return p.unbilled.Add(p.receivable).Sub(p.credit) }

// creditRoom is what a postpaid account may still be charged online, beside
// what sessions hold back; limited is false where there is no limit.
func (p *payer) creditRoom() (room money.Decimal, limited bool) {
	if p.creditLimit == nil {
		return money.Decimal{}, false
	}
	return p.creditLimit.Sub(p.owed()).Sub(p.held), true
}

// within refuses, online, what a postpaid account's limit does not cover.
func (p *payer) within(net money.Decimal) error {
	if room, limited := p.creditRoom(); limited && net.Sign() > 0 && net.Cmp(room) > 0 {
		return fmt.Errorf("%s %s beside %s owed of at most %s: %w", net, p.currency, p.owed(), p.creditLimit, ErrCreditLimit)
	}
	return nil
}

// included is what a postpaid account's money buckets cover of a price, as the
// offering writes it. Such money was given away, with the plan or by a
// promotion: it lowers the price, and with it the tax.
func (t *till) included(u *use, event *rating.Event, price money.Decimal) (left money.Decimal) {
	t.shares = t.shares[:0]
	if u.payer.prepaid {
		return price
	}
	usable := t.usable(u, event)
	for _, one := range t.money(u, event) {
		if part := lesser(one.free(), price); part.Sign() > 0 && usable(one) {
			price = price.Sub(part)
			t.shares = append(t.shares, share{one, part, part})
		}
	}
	return price
}

// bookIncluded empties the buckets of what they cover: that goes back to where
// it was given from.
func (t *till) bookIncluded(u *use, result *rating.Result) {
	for _, s := range t.shares {
		t.draw(u, s.purse, s.taken)
		t.transfers = append(t.transfers, ledger.Transfer{
			Debit: s.purse.Ledger(), Credit: ledger.General(s.purse.Heir()), Amount: s.taken, Unit: s.purse.Unit, AccountID: u.payer.id,
		})
		result.Why = append(result.Why, rating.Step{Op: rating.OpPay, Bucket: s.purse.ID, Unit: s.purse.Unit, Amount: s.taken})
	}
}
