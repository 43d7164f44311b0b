package billing

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// secure lets an account's deposits stand for an order that demands one. What
// they leave missing, its channel has taken: it is asked for and booked as paid
// in the activation's transaction.
func secure(ctx context.Context, tx tenant.Tx, s onboarding.Security) error {
	missing, err := bill.TakeDeposits(ctx, tx, s.Account, s.Order, s.Amount.Decimal())
	if err != nil || missing.IsZero() {
		return err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	asked, err := bill.AskDeposit(ctx, tx, bill.NewDeposit{ID: uuid.NewSHA1(s.Order, []byte("deposit")), AccountID: s.Account, OrderID: &s.Order,
		Amount: money.New(missing, s.Amount.Currency()), DueDate: profile.LocalDate(tx.At), Interest: s.Terms.Interest, Months: s.Terms.Months,
		Reason: s.Code, By: s.By})
	if err != nil {
		return err
	}
	_, err = payment.Record(ctx, tx, payment.NewPayment{ID: uuid.NewSHA1(s.Order, []byte("deposit paid")), AccountID: s.Account, Purpose: payment.PurposeBill,
		Method: payment.Method(s.Method), Amount: asked.Amount, BillID: asked.OpenItemID, Reference: s.Reference, By: s.By})
	return err
}
