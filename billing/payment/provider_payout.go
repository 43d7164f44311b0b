package payment

import (
	"context"
	"time"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// PayoutSource tells what a provider has paid out. A CardProvider that can is
// one.
type PayoutSource interface {
	// Payouts lists those that arrive from a day on, the oldest first.
	Payouts(ctx context.Context, id tenant.ID, sandbox bool, since time.Time) ([]ProviderPayout, error)
}

// ProviderPayout is money that a provider has sent to the operator's bank.
type ProviderPayout struct {
	Provider  string
	Ref       string
	Amount    money.Amount
	ArrivesOn time.Time
	Lines     []PayoutLine
}

// MovementKind is what a line of a payout is about.
type MovementKind string

// Kinds of lines.
const (
	MovedCharge  MovementKind = "charge"
	MovedRefund  MovementKind = "refund"
	MovedDispute MovementKind = "dispute"
	MovedFee     MovementKind = "fee"
	MovedOther   MovementKind = "other"
)

// PayoutLine is one movement on an operator's balance at a provider. Gross is
// below zero for what was taken; Fee is above zero.
type PayoutLine struct {
	Ref     string       `json:"ref"`
	Kind    MovementKind `json:"kind"`
	Source  string       `json:"source,omitempty"`  // the charge, refund or dispute there
	Payment string       `json:"payment,omitempty"` // the payment as the provider names it
	Text    string       `json:"text,omitempty"`
	Gross   money.Amount `json:"gross"`
	Fee     money.Amount `json:"fee"`
	Fault   string       `json:"fault,omitempty"` // why it does not fit our books
}

// Payouts asks a tenant's provider what it has paid out.
func (t *Till) Payouts(ctx context.Context, ref tenant.Ref, name string, since time.Time) ([]ProviderPayout, error) {
	provider, err := t.provider(ref, name)
	if err != nil {
		return nil, err
	}
	source, can := provider.(PayoutSource)
	if !can {
		return nil, ErrProviderNotConfigured
	}
	return source.Payouts(ctx, ref.ID, ref.Sandbox, since)
}
