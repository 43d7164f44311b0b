package redirect

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Callback is what a provider tells by itself.
type Callback struct {
	ID      string    `json:"id"`
	Type    string    `json:"type"` // payment.paid, payment.expired, payment.failed, refund.done, refund.failed
	Created time.Time `json:"created"`
	Payment *Payment  `json:"payment,omitempty"`
	Refund  *Refund   `json:"refund,omitempty"`
}

// ReadEvent proves that a callback is from the tenant's provider and says what
// it means.
func (c *Client) ReadEvent(ctx context.Context, id tenant.ID, signature string, body []byte) (payment.ProviderEvent, error) {
	settings, err := c.settings(ctx, id)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("%w: %w", payment.ErrWebhookSignature, err)
	}
	if err := Verify(settings.Secret, signature, string(body), c.now()); err != nil {
		return payment.ProviderEvent{}, err
	}
	var callback Callback
	if err := json.Unmarshal(body, &callback); err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("%w: %w", payment.ErrWebhookMalformed, err)
	}
	if callback.ID == "" || callback.Type == "" || callback.Payment == nil && callback.Refund == nil {
		return payment.ProviderEvent{}, fmt.Errorf("%w: id, type and payment or refund are wanted", payment.ErrWebhookMalformed)
	}
	var event payment.ProviderEvent
	if callback.Refund != nil {
		event, err = callback.Refund.event(id)
	} else {
		event, err = callback.Payment.event(id)
	}
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("%w: %w", payment.ErrWebhookMalformed, err)
	}
	event.ID, event.Type, event.Created = callback.ID, callback.Type, callback.Created.UTC()
	return event, nil
}

var paymentKinds = map[string]payment.EventKind{"paid": payment.EventSucceeded, "expired": payment.EventCanceled, "failed": payment.EventFailed}

func (p *Payment) event(id tenant.ID) (payment.ProviderEvent, error) {
	event := payment.ProviderEvent{Provider: payment.Redirect, Kind: payment.EventIgnored, Tenant: id, PaymentRef: p.ID, Failure: p.Reason}
	if kind, known := paymentKinds[p.Status]; known {
		event.Kind = kind
	}
	var err error
	if event.Intent, err = uuid.Parse(p.Reference); err != nil {
		return event, fmt.Errorf("reference: %w", err)
	}
	event.Amount, err = amountOf(p.Amount, p.Currency)
	return event, err
}

func (r *Refund) event(id tenant.ID) (payment.ProviderEvent, error) {
	event := payment.ProviderEvent{Provider: payment.Redirect, Kind: payment.EventRefundStatus, Tenant: id, RefundRef: r.ID, RefundState: r.state(), Failure: r.Reason}
	var err error
	if event.Refund, err = uuid.Parse(r.Reference); err != nil {
		return event, fmt.Errorf("reference: %w", err)
	}
	event.Amount, err = amountOf(r.Amount, r.Currency)
	return event, err
}

func (r *Refund) state() payment.RefundState {
	switch r.Status {
	case "done":
		return payment.RefundSucceeded
	case "failed":
		return payment.RefundFailed
	default: // a callback follows
		return payment.RefundRequested
	}
}

func amountOf(text, currency string) (money.Amount, error) {
	c, err := money.ParseCurrency(currency)
	if err != nil {
		return money.Amount{}, err
	}
	return money.Parse(text, c)
}
