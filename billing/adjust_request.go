package billing

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/balance"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// ApproveAdjustment carries out what somebody else has asked for, within what
// the operator allows whoever approves: the second person's limit counts, and
// is used up by it.
func (s *Stack) ApproveAdjustment(ctx context.Context, tx tenant.Tx, who identity.Principal, id uuid.UUID) (balance.Request, error) {
	r, err := balance.Decide(ctx, tx, id, balance.Approved, who.Actor(), "")
	if err != nil {
		return balance.Request{}, err
	}
	act := uuid.NewSHA1(r.ID, []byte("approved"))
	if r.BucketID != uuid.Nil {
		_, err = s.AdjustBalance(ctx, tx, who, r.Reason, balance.Adjustment{ID: act, BucketID: r.BucketID, Amount: r.Amount, Reason: r.Note})
		return r, err
	}
	currency, err := money.ParseCurrency(string(r.Unit))
	if err != nil {
		return balance.Request{}, err
	}
	_, err = s.GiveCredit(ctx, tx, who, r.Reason, payment.NewCredit{ID: act, AccountID: r.AccountID, Amount: money.New(r.Amount, currency), Reason: r.Note, By: who.Actor()})
	return r, err
}
