package payment

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Goodwill is a credit that the operator gives: nobody paid it. It pays open
// items as money does, at the cost of promotions; a refund of it takes back
// what is left to take.
const Goodwill Method = "goodwill"

// NewCredit is goodwill to be given to a postpaid account.
type NewCredit struct {
	ID        uuid.UUID // of the command: a repeat changes nothing
	AccountID uuid.UUID
	Amount    money.Amount // above zero, in document units
	Reason    string
	By        string
}

// GiveCredit books goodwill and applies it: to what is owed, the oldest due
// first; the rest waits for the next bill. ErrReason and ErrAmount refuse what
// cannot be booked, ErrPurpose a prepaid account, whose balance is adjusted
// instead (balance.Adjust).
func GiveCredit(ctx context.Context, tx tenant.Tx, n NewCredit) (Payment, error) {
	if strings.TrimSpace(n.Reason) == "" {
		return Payment{}, ErrReason
	}
	p, err := lockPayer(ctx, tx, n.AccountID)
	if err != nil {
		return Payment{}, fmt.Errorf("give credit: %w", err)
	}
	if p.prepaid {
		return Payment{}, fmt.Errorf("%w: a prepaid account's balance is adjusted", ErrPurpose)
	}
	return p.record(ctx, tx, NewPayment{ID: n.ID, AccountID: n.AccountID, Purpose: PurposeBill, Method: Goodwill, Amount: n.Amount,
		Reference: strings.TrimSpace(n.Reason), By: n.By}, nil)
}

// receipt is as what kind of event money of a method is booked.
func (m Method) receipt() ledger.EventKind {
	if m == Goodwill {
		return ledger.Adjustment
	}
	return ledger.Payment
}
