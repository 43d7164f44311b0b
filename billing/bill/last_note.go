package bill

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// over says that no bill will follow: every subscription has ended by the end of
// the cycle.
func (f *frame) over(c *closing) bool {
	for _, s := range c.subscriptions {
		if s.TerminatedAt == nil || calendar.DateOf(*s.TerminatedAt, f.profile.Zone).After(c.Cycle.To) {
			return false
		}
	}
	return len(c.subscriptions) > 0
}

// lastReasons are why the last notes of an account are written, by language.
var lastReasons = map[string]string{
	"en": "Paid in advance for days after the end of the contract.",
	"id": "Dibayar di muka untuk hari setelah kontrak berakhir.",
	"ru": "Оплачено вперёд за дни после окончания договора.",
}

// creditLast gives back by credit notes of the earlier bills what would wait for
// a next bill, where none will come: a few accounts of a run.
func (b *batch) creditLast(ctx context.Context, tx tenant.Tx, part []*closing) error {
	for _, c := range part {
		if len(c.left) == 0 || !b.frame.over(c) {
			continue
		}
		notes := map[uuid.UUID]map[int]money.Decimal{}
		var bills []uuid.UUID
		for _, i := range c.left {
			if i.Of == nil {
				continue // no bill says what it gives back
			}
			if notes[i.Of.Bill] == nil {
				notes[i.Of.Bill], bills = map[int]money.Decimal{}, append(bills, i.Of.Bill)
			}
			notes[i.Of.Bill][i.Of.No] = notes[i.Of.Bill][i.Of.No].Sub(i.Price.Decimal())
			if err := DropItem(ctx, tx, i.ID); err != nil {
				return err
			}
		}
		for _, id := range bills {
			if err := c.creditLast(ctx, tx, id, notes[id]); err != nil {
				return fmt.Errorf("credit the last bill of account %s: %w", c.Number, err)
			}
		}
	}
	return nil
}

// creditLast writes one of the notes: of a bill's lines, as it writes prices.
func (c *closing) creditLast(ctx context.Context, tx tenant.Tx, id uuid.UUID, amounts map[int]money.Decimal) error {
	var lines []CreditLine
	for no, amount := range amounts {
		price := money.New(amount, c.Currency)
		lines = append(lines, CreditLine{No: no, Amount: &price})
	}
	reason, known := lastReasons[c.Language]
	if !known {
		reason = lastReasons["en"]
	}
	_, err := Credit(ctx, tx, NewCredit{ID: uuid.Must(uuid.NewV7()), BillID: id, Lines: lines, Reason: reason, By: "system:contract-end"})
	return err
}
