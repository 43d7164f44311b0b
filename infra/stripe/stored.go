package stripe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	stripego "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/paymentintent"

	"tollhouse/billing/payment"
)

// ChargeStored confirms a payment intent off session, with a card that Stripe
// keeps. A card that refuses, or whose bank wants its owner, is an event that
// failed: https://docs.stripe.com/payments/save-during-payment
func (c *Client) ChargeStored(ctx context.Context, r payment.StoredCharge) (payment.ProviderEvent, error) {
	params, err := storedParams(r)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("charge stored card: %w", err)
	}
	key, err := c.secret(ctx, r.Tenant, r.Sandbox)
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("charge stored card: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	params.Context = ctx
	pi, err := paymentintent.Client{B: c.backend, Key: key}.New(params)
	var refused *stripego.Error
	if errors.As(err, &refused) && refused.Type == stripego.ErrorTypeCard && refused.PaymentIntent != nil {
		event, readErr := intentEvent(refused.PaymentIntent)
		event.Kind, event.Failure, event.Decline = payment.EventFailed, refused.Msg, declineOf(refused)
		return event, readErr
	}
	if err != nil {
		return payment.ProviderEvent{}, fmt.Errorf("charge stored card: %w", domainError(err))
	}
	return intentEvent(pi)
}

func storedParams(r payment.StoredCharge) (*stripego.PaymentIntentParams, error) {
	minor, err := ToMinor(r.Amount)
	if err != nil {
		return nil, err
	}
	params := &stripego.PaymentIntentParams{
		Amount: stripego.Int64(minor), Currency: stripego.String(strings.ToLower(r.Amount.Currency().Code())),
		Customer: stripego.String(r.Customer), Confirm: stripego.Bool(true), OffSession: stripego.Bool(true),
		Description: stripego.String(r.Description), PaymentMethodTypes: stripego.StringSlice([]string{"card"}),
		Metadata: map[string]string{metaTenant: r.Tenant.String(), metaIntent: r.Intent.String()},
	}
	if r.Method != "" {
		params.PaymentMethod = stripego.String(r.Method)
	}
	params.SetIdempotencyKey(r.Key)
	return params, nil
}
