package payment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

var (
	// ErrOtherParty means that money can't be moved to somebody else's account:
	// a payment that was booked wrongly is reassigned.
	ErrOtherParty = errors.New("the account is another party's")
	// ErrSameAccount means that the money lies there already.
	ErrSameAccount = errors.New("the money lies in that account already")
	// ErrNothingToMove means that nothing of the payment can be moved.
	ErrNothingToMove = errors.New("nothing of the payment can be moved")
)

// Movement takes money of a payment to another account.
type Movement struct {
	ID        uuid.UUID // of the command, and of the payment that it makes: a repeat changes nothing
	PaymentID uuid.UUID
	To        uuid.UUID
	Bills     []uuid.UUID  // are paid first there
	Amount    money.Amount // zero: all that can be
	Reason    string
	By        string
}

// MoveUnapplied moves money that paid for nothing yet to another account of the
// same party. ErrOtherParty, ErrTooMuch and ErrNothingToMove refuse it.
func MoveUnapplied(ctx context.Context, tx tenant.Tx, m Movement) (Payment, error) {
	return move(ctx, tx, m, func(paid Payment, from, to payer) (money.Amount, error) {
		if from.party != to.party {
			return money.Amount{}, ErrOtherParty
		}
		return paid.Unapplied, nil
	})
}

// Reassign takes a payment that was booked to the wrong account to the right
// one, whoever's: what it paid there is owed there again, with its due dates.
func Reassign(ctx context.Context, tx tenant.Tx, m Movement) (Payment, error) {
	if strings.TrimSpace(m.Reason) == "" {
		return Payment{}, ErrReason
	}
	return move(ctx, tx, m, func(paid Payment, _, _ payer) (money.Amount, error) { return paid.Refundable(), nil })
}

func move(ctx context.Context, tx tenant.Tx, m Movement, most func(paid Payment, from, to payer) (money.Amount, error)) (Payment, error) {
	paid, err := Get(ctx, tx, m.PaymentID)
	if err != nil {
		return Payment{}, fmt.Errorf("move payment: %w", err)
	}
	payers, err := lockPayers(ctx, tx, []uuid.UUID{paid.AccountID, m.To})
	if err != nil {
		return Payment{}, fmt.Errorf("move payment: %w", err)
	}
	if paid, err = Get(ctx, tx, m.PaymentID); err != nil {
		return Payment{}, err
	}
	if known, err := Get(ctx, tx, m.ID); err == nil {
		if known.Origin == nil || *known.Origin != paid.ID || known.AccountID != m.To {
			return Payment{}, fmt.Errorf("%w: payment %s", ErrKeyReused, m.ID)
		}
		return known, nil
	}
	from, to := payers[paid.AccountID], payers[m.To]
	switch {
	case from.id == to.id:
		return Payment{}, ErrSameAccount
	case from.currency != to.currency || paid.Purpose != PurposeBill || to.prepaid:
		return Payment{}, fmt.Errorf("%w: from %s to another kind of account", ErrPurpose, paid.Purpose)
	}
	left, err := most(paid, from, to)
	if err != nil {
		return Payment{}, err
	}
	if m.Amount.IsZero() {
		m.Amount = left
	}
	switch {
	case left.Sign() <= 0:
		return Payment{}, ErrNothingToMove
	case m.Amount.Currency() != left.Currency() || m.Amount.Sign() <= 0:
		return Payment{}, fmt.Errorf("%w: %s", ErrAmount, m.Amount)
	case m.Amount.Decimal().Cmp(left.Decimal()) > 0:
		return Payment{}, &RefundError{m.Amount, left}
	}
	if err := from.release(ctx, tx, paid, m); err != nil {
		return Payment{}, fmt.Errorf("move payment %s: %w", paid.ID, err)
	}
	return to.receive(ctx, tx, paid, from, m)
}

// release takes what is moved out of a payment, what it did not use first.
func (p payer) release(ctx context.Context, tx tenant.Tx, paid Payment, m Movement) error {
	amount := m.Amount.Decimal()
	unapplied := smaller(paid.Unapplied.Decimal(), amount)
	reversed, err := p.reverse(ctx, tx, paid.ID, amount.Sub(unapplied))
	if err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `update payment set unapplied = unapplied - $2, moved = moved + $3 where id = $1`, paid.ID, unapplied, amount)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return err
	}
	// what was applied becomes credit, all of which the other account takes
	applied, writtenOff := sumReversals(reversed)
	return ledger.Post(ctx, tx, p.event(tx, ledger.Allocation, m.ID), slices.Concat(
		p.move(p.receivableAccount(), p.creditAccount(), applied),
		p.move(p.receivableAccount(), ledger.General(ledger.WriteOff), writtenOff)))
}

// receive makes the payment on the other account.
func (p payer) receive(ctx context.Context, tx tenant.Tx, paid Payment, from payer, m Movement) (Payment, error) {
	n := NewPayment{ID: m.ID, AccountID: p.id, Purpose: PurposeBill, Method: paid.Method, Amount: m.Amount, Reference: paid.Reference,
		ReceivedAt: paid.ReceivedAt, By: m.By, origin: &paid.ID}
	named, err := namedItems(ctx, tx, p.id, m.Bills)
	if err != nil {
		return Payment{}, err
	}
	items, by, err := lockOpenItems(ctx, tx, p, named)
	if err != nil {
		return Payment{}, err
	}
	shares, err := allocate([]purse{{n.ID, n.Amount.Decimal()}}, items, by)
	if err != nil {
		return Payment{}, err
	}
	applied, writtenOff := sumShares(shares)
	unapplied := n.Amount.Decimal().Sub(applied)
	if err := p.insert(ctx, tx, n, unapplied, nil); err != nil {
		return Payment{}, err
	}
	if err := writeShares(ctx, tx, shares); err != nil {
		return Payment{}, err
	}
	err = ledger.PostMany(ctx, tx, []ledger.Posting{
		{Event: p.event(tx, ledger.Allocation, n.ID), Transfers: slices.Concat(
			p.move(from.creditAccount(), p.receivableAccount(), applied),
			p.move(from.creditAccount(), p.creditAccount(), unapplied))},
		p.writeOff(tx, n.ID, writtenOff),
	})
	if err != nil {
		return Payment{}, fmt.Errorf("move payment to account %s: %w", p.id, err)
	}
	made := p.newPayment(n, unapplied, nil)
	if err := from.changed(ctx, tx); err != nil {
		return Payment{}, err
	}
	return made, p.changed(ctx, tx)
}
