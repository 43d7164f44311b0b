package stripe

import (
	"context"
	"errors"
	"fmt"
	"time"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/balancetransaction"
	"github.com/stripe/stripe-go/v76/payout"

	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

var _ payment.PayoutSource = (*Client)(nil)

// mostPayouts and mostMovements bound one look: more are fetched the next time.
const (
	mostPayouts   = 50
	mostMovements = 5_000
)

// Payouts lists what was paid out since a day, the oldest first, each with the
// balance transactions that it is made of.
// https://docs.stripe.com/payouts/reconciliation
func (c *Client) Payouts(ctx context.Context, id tenant.ID, sandbox bool, since time.Time) ([]payment.ProviderPayout, error) {
	key, err := c.secret(ctx, id, sandbox)
	if err != nil {
		return nil, fmt.Errorf("list payouts: %w", err)
	}
	params := &stripego.PayoutListParams{ArrivalDateRange: &stripego.RangeQueryParams{GreaterThanOrEqual: since.Unix()}}
	params.Context = ctx
	params.Limit = stripego.Int64(mostPayouts)
	list := payout.Client{B: c.backend, Key: key}.List(params)
	var out []payment.ProviderPayout
	for list.Next() && len(out) < mostPayouts {
		p := list.Payout()
		if p.Status == stripego.PayoutStatusFailed || p.Status == stripego.PayoutStatusCanceled {
			continue
		}
		one, err := c.payoutOf(ctx, key, p)
		if err != nil {
			return nil, err
		}
		out = append([]payment.ProviderPayout{one}, out...)
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("list payouts: %w", domainError(err))
	}
	return out, nil
}

func (c *Client) payoutOf(ctx context.Context, key string, p *stripego.Payout) (payment.ProviderPayout, error) {
	amount, err := amountOf(p.Amount, p.Currency)
	if err != nil {
		return payment.ProviderPayout{}, fmt.Errorf("payout %s: %w", p.ID, err)
	}
	out := payment.ProviderPayout{Provider: Provider, Ref: p.ID, Amount: amount, ArrivesOn: unix(p.ArrivalDate)}
	params := &stripego.BalanceTransactionListParams{Payout: stripego.String(p.ID)}
	params.Context = ctx
	params.Limit = stripego.Int64(100)
	params.AddExpand("data.source")
	list := balancetransaction.Client{B: c.backend, Key: key}.List(params)
	for list.Next() {
		t := list.BalanceTransaction()
		if t.Type == stripego.BalanceTransactionTypePayout {
			continue // the payout itself
		}
		if len(out.Lines) == mostMovements {
			return out, &payment.ProviderError{Kind: payment.ErrProviderRefused, Message: fmt.Sprintf("payout %s has more than %d movements", p.ID, mostMovements)}
		}
		line, err := movementOf(t)
		if err != nil {
			return out, fmt.Errorf("payout %s: %s: %w", p.ID, t.ID, err)
		}
		out.Lines = append(out.Lines, line)
	}
	if err := list.Err(); err != nil {
		return out, fmt.Errorf("payout %s: %w", p.ID, domainError(err))
	}
	return out, nil
}

// movementKinds are Stripe's types as we tell them apart; others are adjustments.
var movementKinds = map[stripego.BalanceTransactionType]payment.MovementKind{
	stripego.BalanceTransactionTypeCharge: payment.MovedCharge, stripego.BalanceTransactionTypePayment: payment.MovedCharge,
	stripego.BalanceTransactionTypeRefund: payment.MovedRefund, stripego.BalanceTransactionTypePaymentRefund: payment.MovedRefund,
	stripego.BalanceTransactionTypeStripeFee: payment.MovedFee,
}

func movementOf(t *stripego.BalanceTransaction) (line payment.PayoutLine, err error) {
	currency, err := amountOf(0, t.Currency)
	if err != nil {
		return line, err
	}
	gross, errGross := fromSigned(t.Amount, currency.Currency())
	fee, errFee := fromSigned(t.Fee, currency.Currency())
	line = payment.PayoutLine{Ref: t.ID, Kind: payment.MovedOther, Text: t.Description, Gross: gross, Fee: fee}
	if kind, known := movementKinds[t.Type]; known {
		line.Kind = kind
	}
	if s := t.Source; s != nil {
		line.Source = s.ID
		switch {
		case s.Charge != nil && s.Charge.PaymentIntent != nil:
			line.Payment = s.Charge.PaymentIntent.ID
		case s.Refund != nil:
			line.Source = s.Refund.ID
			if s.Refund.PaymentIntent != nil {
				line.Payment = s.Refund.PaymentIntent.ID
			}
		case s.Dispute != nil:
			line.Kind, line.Source = payment.MovedDispute, s.Dispute.ID
			if s.Dispute.PaymentIntent != nil {
				line.Payment = s.Dispute.PaymentIntent.ID
			}
		}
	}
	return line, errors.Join(errGross, errFee)
}

// fromSigned is FromMinor for what may be below zero.
func fromSigned(n int64, c money.Currency) (money.Amount, error) {
	if n < 0 {
		a, err := FromMinor(-n, c)
		return a.Neg(), err
	}
	return FromMinor(n, c)
}
