package leaving

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/hardware"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

// Left is what an end of a contract brought.
type Left struct {
	Contract contract.Contract
	BuyOut   *contract.BuyOut // of a buy-out
	Passed   []hardware.Piece // what became the operator's
	TakeOut  uuid.UUID        // that was asked for; Nil: its data is with the operator, or one is being written
}

// Leaver ends contracts.
type Leaver struct {
	TakeOuts *backup.TakeOuts // nil: none can be written here
}

// End ends a contract; until is the day after its last. What was leased passes
// to the operator if its last instalment is due by then.
func (l Leaver) End(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID, until calendar.Date, reason string) (left Left, err error) {
	if left.Contract, err = contract.End(ctx, tx, by, id, until, reason); err != nil {
		return Left{}, err
	}
	if left.Contract.PaidOff(until) && left.Contract.PassedOn.IsZero() { // else it has passed by itself
		if left.Passed, err = hardware.Pass(ctx, tx, by, left.Contract.Operator, until); err != nil {
			return Left{}, err
		}
	}
	left.TakeOut, err = l.archive(ctx, tx, by, left.Contract.Operator)
	return left, err
}

// BuyOut ends a lease early: what was leased is the operator's from a day on.
// agreed is the price as it was shown; contract.ErrPrice if it is another.
func (l Leaver) BuyOut(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID, on calendar.Date, agreed money.Amount) (left Left, err error) {
	var price contract.BuyOut
	if left.Contract, price, err = contract.EndLease(ctx, tx, by, id, on); err != nil {
		return Left{}, err
	}
	if same, err := price.Price().Cmp(agreed); err != nil || same != 0 {
		return Left{}, fmt.Errorf("buy out at %s, not %s: %w", price.Price(), agreed, contract.ErrPrice)
	}
	left.BuyOut = &price
	if left.Passed, err = hardware.Pass(ctx, tx, by, left.Contract.Operator, on); err != nil {
		return Left{}, err
	}
	left.TakeOut, err = l.archive(ctx, tx, by, left.Contract.Operator)
	return left, err
}

// archive asks for all that the operator has, secrets in clear beside it: it
// has to be able to go on without us.
func (l Leaver) archive(ctx context.Context, tx tenants.Tx, by tenants.Actor, operator tenant.ID) (uuid.UUID, error) {
	if l.TakeOuts == nil {
		return uuid.Nil, nil
	}
	inner, err := tx.Begin(ctx) // one that is under way is found by a refused insert
	if err != nil {
		return uuid.Nil, fmt.Errorf("ask for an archive: %w", err)
	}
	begun, err := l.TakeOuts.Begin(ctx, tenants.Tx{Tx: inner, At: tx.At}, by, operator, backup.Asked, true)
	switch {
	case errors.Is(err, backup.ErrUnderWay), errors.Is(err, provisioning.ErrNotReady), errors.Is(err, provisioning.ErrOwnMachines):
		return uuid.Nil, inner.Rollback(ctx)
	case err != nil:
		return uuid.Nil, errors.Join(err, inner.Rollback(ctx))
	}
	if err := inner.Commit(ctx); err != nil {
		return uuid.Nil, fmt.Errorf("ask for an archive: %w", err)
	}
	tx.AfterCommit(func() { l.TakeOuts.Go(begun.ID) })
	return begun.ID, nil
}
