package redirect

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

var _ payment.PayoutSource = (*Client)(nil)

// Payout is money that a provider has sent to a merchant's bank.
type Payout struct {
	ID        string       `json:"id"`
	Amount    string       `json:"amount"`
	Currency  string       `json:"currency"`
	ArrivesOn string       `json:"arrives_on"` // 2026-06-03
	Lines     []PayoutLine `json:"lines"`
}

// PayoutLine is what it is made of: a payment or a refund, its amount (below zero
// for a refund) and what the provider keeps of it.
type PayoutLine struct {
	ID      string `json:"id"`
	Payment string `json:"payment"`
	Refund  string `json:"refund,omitempty"`
	Amount  string `json:"amount"`
	Fee     string `json:"fee"`
}

// PayoutList is a provider's answer.
type PayoutList struct {
	Payouts []Payout `json:"payouts"`
}

// Payouts lists those that arrive from a day on, the oldest first.
func (c *Client) Payouts(ctx context.Context, id tenant.ID, _ bool, since time.Time) ([]payment.ProviderPayout, error) {
	settings, err := c.settings(ctx, id)
	if err != nil {
		return nil, err
	}
	if since.IsZero() {
		since = time.Unix(0, 0)
	}
	var list PayoutList
	if err := c.call(ctx, settings, http.MethodGet, "payouts/from/"+since.UTC().Format(time.DateOnly), "", nil, &list); err != nil {
		return nil, fmt.Errorf("list payouts: %w", err)
	}
	out := make([]payment.ProviderPayout, len(list.Payouts))
	for i := range list.Payouts {
		if out[i], err = list.Payouts[i].read(); err != nil {
			return nil, fmt.Errorf("payout %.60q: %w", list.Payouts[i].ID, unreadable(err.Error()))
		}
	}
	return out, nil
}

func (p *Payout) read() (out payment.ProviderPayout, err error) {
	currency, err := money.ParseCurrency(p.Currency)
	if err != nil {
		return out, err
	}
	out = payment.ProviderPayout{Provider: payment.Redirect, Ref: p.ID}
	if out.Amount, err = money.Parse(p.Amount, currency); err != nil {
		return out, err
	}
	if out.ArrivesOn, err = time.Parse(time.DateOnly, p.ArrivesOn); err != nil {
		return out, err
	}
	out.ArrivesOn = out.ArrivesOn.Add(12 * time.Hour) // that day, wherever the operator is
	for _, l := range p.Lines {
		line := payment.PayoutLine{Ref: l.ID, Kind: payment.MovedCharge, Source: l.Payment, Payment: l.Payment}
		if l.Refund != "" {
			line.Kind, line.Source = payment.MovedRefund, l.Refund
		}
		if line.Gross, err = money.Parse(l.Amount, currency); err != nil {
			return out, err
		}
		if line.Fee, err = money.Parse(l.Fee, currency); err != nil {
			return out, err
		}
		out.Lines = append(out.Lines, line)
	}
	return out, nil
}
