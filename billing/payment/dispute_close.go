package payment

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/event"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// LoseDispute ends a dispute in the payer's favour: its money leaves what the
// provider keeps for us, with the fee. One that is lost already stays so.
func LoseDispute(ctx context.Context, tx tenant.Tx, id uuid.UUID, fee money.Amount) (Dispute, error) {
	d, payers, err := lockDispute(ctx, tx, id)
	if err != nil || d.State == DisputeLost {
		return d, err
	}
	p := payers[d.owner(payers)]
	d.Fee = fee
	if err := d.moveTo(ctx, tx, DisputeLost); err != nil {
		return d, err
	}
	clearing := ledger.General(ledger.ProviderClearing)
	err = ledger.Post(ctx, tx, p.event(tx, ledger.TakenBack, d.ID), slices.Concat(
		p.move(ledger.General(ledger.Dispute), clearing, d.Amount.Decimal()),
		p.move(ledger.General(ledger.ProviderFee), clearing, fee.Decimal())))
	if err != nil {
		return d, fmt.Errorf("lose dispute %s: %w", d.ID, err)
	}
	return d, d.told(ctx, tx, payers)
}

// WinDispute gives back what a dispute took: to the same items, as far as they
// are still open, and else to the account's credit or balance. One that is won
// already stays so.
func WinDispute(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Dispute, error) {
	d, payers, err := lockDispute(ctx, tx, id)
	if err != nil || d.State == DisputeWon {
		return d, err
	}
	from := ledger.Dispute
	if d.State == DisputeLost { // the money had left already
		from = ledger.ProviderClearing
	}
	if err := d.moveTo(ctx, tx, DisputeWon); err != nil {
		return d, err
	}
	for _, part := range d.parts {
		p := payers[part.Account]
		if err := p.restore(ctx, tx, part, p.event(tx, ledger.TakenBack, d.ID), ledger.General(from)); err != nil {
			return d, fmt.Errorf("win dispute %s: %w", d.ID, err)
		}
	}
	return d, d.told(ctx, tx, payers)
}

// lockDispute locks the accounts that a dispute took from, then reads it.
func lockDispute(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Dispute, map[uuid.UUID]payer, error) {
	found, err := GetDispute(ctx, tx, id)
	if err != nil {
		return Dispute{}, nil, err
	}
	payers, err := lockPayers(ctx, tx, accountsOf(found.parts))
	if err != nil {
		return Dispute{}, nil, err
	}
	d, err := GetDispute(ctx, tx, id)
	return d, payers, err
}

// owner is the account whose payment it is; of one whose money was moved away,
// the first that was taken from.
func (d Dispute) owner(payers map[uuid.UUID]payer) uuid.UUID {
	for _, part := range d.parts {
		if _, locked := payers[part.Account]; locked {
			return part.Account
		}
	}
	return uuid.Nil
}

// restore gives a part back to its payment.
func (p payer) restore(ctx context.Context, tx tenant.Tx, part takenPart, event ledger.Event, from ledger.Account) error {
	if part.Bucket != nil {
		if err := ledger.Post(ctx, tx, event, append(p.move(from, ledger.Of(ledger.Prepaid, *part.Bucket), part.Balance),
			p.move(ledger.Of(ledger.TaxAhead, *part.Bucket), ledger.General(ledger.Tax), part.Tax)...)); err != nil {
			return err
		}
		return chargeBack(ctx, tx, part.Payment, money.Decimal{}, part.Balance.Neg())
	}
	items, by, err := lockOpenItems(ctx, tx, p, nil)
	if err != nil {
		return err
	}
	var shares []share
	for _, r := range part.Applied {
		i := slices.IndexFunc(items, func(o OpenItem) bool { return o.ID == r.Item })
		if i < 0 {
			continue
		}
		again := rules{order: OldestDue, tolerance: by.tolerance}
		if r.WrittenOff.Cmp(again.tolerance) > 0 {
			again.tolerance = r.WrittenOff
		}
		paid, err := allocate([]purse{{part.Payment, r.Amount}}, items[i:i+1], again)
		if err != nil {
			return err
		}
		for _, s := range paid { // the same item may have been paid in several steps
			items[i].Open = p.amount(items[i].Open.Decimal().Sub(s.amount).Sub(s.writtenOff))
		}
		shares = append(shares, paid...)
	}
	if err := writeShares(ctx, tx, shares); err != nil {
		return err
	}
	applied, writtenOff := sumShares(shares)
	rest := part.total().Sub(applied)
	if err := chargeBack(ctx, tx, part.Payment, rest, part.total().Neg()); err != nil {
		return err
	}
	err = ledger.Post(ctx, tx, event, slices.Concat(
		p.move(from, p.receivableAccount(), applied),
		p.move(from, p.creditAccount(), rest),
		p.move(ledger.General(ledger.WriteOff), p.receivableAccount(), writtenOff)))
	if err != nil {
		return err
	}
	return p.applyCredit(ctx, tx)
}

// told is tell for a dispute whose payment was not read yet.
func (d Dispute) told(ctx context.Context, tx tenant.Tx, payers map[uuid.UUID]payer) error {
	paid, err := Get(ctx, tx, d.PaymentID)
	if err != nil {
		return err
	}
	return d.tell(ctx, tx, paid, payers)
}

// tell tells programs of others how far a dispute has come, and has what its
// accounts owe looked at again.
func (d Dispute) tell(ctx context.Context, tx tenant.Tx, paid Payment, payers map[uuid.UUID]payer) error {
	if d.Kind == Undone {
		return d.review(ctx, tx, payers)
	}
	err := RecordEvent(ctx, tx, event.PaymentDisputed, paid, func(data *event.PaymentData) {
		data.DisputeID, data.Dispute, data.Disputed = d.Ref, map[DisputeState]string{DisputeOpen: "opened", DisputeWon: "won", DisputeLost: "lost"}[d.State], &d.Amount
	})
	if err != nil {
		return err
	}
	return d.review(ctx, tx, payers)
}

func (d Dispute) review(ctx context.Context, tx tenant.Tx, payers map[uuid.UUID]payer) error {
	for _, id := range accountsOf(d.parts) {
		if err := payers[id].changed(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}
